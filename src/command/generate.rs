//! `grapevine generate`: the generator's events to a file, to standard output or to a Kafka topic.
//!
//! It creates no topic, and knows nothing of what the events mean.

mod live;

use std::fs::File;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;
use flate2::Compression;
use flate2::write::GzEncoder;
use indicatif::{ProgressBar, ProgressIterator, ProgressStyle};
use time::OffsetDateTime;

use super::world;
use crate::embedded::broker::{BrokerError, Message, Publisher};
use crate::generator::money::{Economy, Settings, Truth};
use crate::generator::{Generator, Line};

/// What to generate, and where to.
#[derive(Args, Clone, Debug)]
pub struct Arguments {
    /// Which world.
    #[command(flatten)]
    pub world: world::Arguments,
    /// Also what it cost and returned: clicks, visits, conversions, costs, assignments and reports. Any option of the money side asks for
    /// it, too; without it all of --events are of one week
    #[arg(long)]
    pub money: bool,
    /// Write the causal truth there, as JSON: what is missing from the log when a side is switched off
    #[arg(long, value_name = "FILE", conflicts_with = "switch_off")]
    pub truth: Option<PathBuf>,
    /// Write exchange rates, hourly rates, margins, places and the other dimensions there, as SQL to load
    #[arg(long, value_name = "FILE")]
    pub dimensions: Option<PathBuf>,
    /// A file of JSON Lines (gzip'd if its name ends in `.gz`), or `-` for standard output.
    #[arg(long, value_name = "FILE", default_value = "-", conflicts_with = "brokers")]
    pub output: PathBuf,
    /// Publish to these Kafka brokers instead.
    #[arg(long, value_name = "LIST", requires = "topic")]
    pub brokers: Option<String>,
    /// The topic to publish to; it must exist.
    #[arg(long, requires = "brokers")]
    pub topic: Option<String>,
    /// Events per second to publish; without it as fast as the brokers take them.
    #[arg(long, value_name = "EVENTS_PER_SECOND", requires = "brokers")]
    pub rate: Option<NonZeroU32>,
    /// Let the world go on now: what would have happened in thirteen weeks is sent at once, the rest when it is due. FILE holds the Monday on
    /// which it began, and is written at the first start
    #[arg(long, value_name = "FILE", requires = "brokers", conflicts_with_all = ["experiment", "truth", "rate"])]
    pub live: Option<PathBuf>,
    /// A setting of the Kafka client, such as `security.protocol=ssl` (repeatable).
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value, requires = "brokers")]
    pub kafka_setting: Vec<(String, String)>,
}

impl Arguments {
    fn has_money(&self) -> bool {
        self.money || self.live.is_some() || self.truth.is_some() || self.dimensions.is_some() || self.world.money.is_given()
    }
}

/// Events could not be delivered.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    /// The file, or standard output, does not take them.
    #[error("could not write {0}")]
    Write(String, #[source] io::Error),
    /// The file with the world's first Monday cannot be used.
    #[error("--live {0}")]
    Live(String, #[source] io::Error),
    /// The brokers do not take them.
    #[error("could not publish to topic {0}")]
    Publish(String, #[source] BrokerError),
}

/// Generates. A reader of standard output that goes away (`| head`) is no error.
///
/// # Errors
///
/// When a file or the brokers do not take what is written.
pub fn run(arguments: &Arguments) -> Result<(), GenerateError> {
    if !arguments.has_money() {
        let (seed, events) = (arguments.world.seed, arguments.world.events);
        return send(Generator::new(seed, events).progress_with(progress(Some(events))), arguments);
    }
    let mut settings = arguments.world.settings();
    if let Some(file) = &arguments.live {
        let weeks = live::weeks_later_of(file, OffsetDateTime::now_utc());
        settings.weeks_later = weeks.map_err(|error| GenerateError::Live(file.display().to_string(), error))?;
    }
    write_files(arguments, &settings)?;
    send(Economy::new(&settings).progress_with(progress(None)), arguments)
}

/// Writes the dimensions and the causal truth, if they were asked for.
fn write_files(arguments: &Arguments, settings: &Settings) -> Result<(), GenerateError> {
    let write = |path: &Path, text: String| {
        std::fs::write(path, text).map_err(|error| GenerateError::Write(path.display().to_string(), error))
    };
    if let Some(path) = &arguments.dimensions {
        write(path, Economy::dimensions(settings))?;
    }
    if let Some(path) = &arguments.truth {
        write(path, format!("{:#}\n", Truth::of(settings).to_json()))?;
    }
    Ok(())
}

fn send(lines: impl Iterator<Item = Line>, arguments: &Arguments) -> Result<(), GenerateError> {
    match (&arguments.brokers, &arguments.topic) {
        (Some(brokers), Some(topic)) => {
            to_kafka(lines, arguments, brokers, topic).map_err(|error| GenerateError::Publish(topic.clone(), error))
        }
        _ if arguments.output == Path::new("-") => match to_writer(lines, io::stdout().lock()) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            written => written.map_err(|error| GenerateError::Write("standard output".to_owned(), error)),
        },
        _ => {
            to_file(lines, &arguments.output).map_err(|error| GenerateError::Write(arguments.output.display().to_string(), error))
        }
    }
}

fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write it as key=value".to_owned()),
    }
}

/// A bar on standard error, or a count where nobody knows how many events there will be; none where that is no terminal.
fn progress(events: Option<usize>) -> ProgressBar {
    let known = events.map(|events| u64::try_from(events).unwrap_or(u64::MAX));
    let bar = known.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
    let template = if known.is_some() {
        "{bar:40} {human_pos} of {human_len} events, {per_sec}"
    } else {
        "{spinner} {human_pos} events, {per_sec}"
    };
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

fn to_file(lines: impl Iterator<Item = Line>, path: &Path) -> io::Result<()> {
    let file = File::create(path)?;
    if path.extension().is_some_and(|extension| extension == "gz") {
        let mut encoder = GzEncoder::new(file, Compression::default());
        to_writer(lines, &mut encoder)?;
        encoder.finish()?.flush()
    } else {
        to_writer(lines, file)
    }
}

/// One event a line.
fn to_writer(lines: impl Iterator<Item = Line>, writer: impl Write) -> io::Result<()> {
    let mut writer = BufWriter::with_capacity(1 << 17, writer);
    for line in lines {
        writer.write_all(&line.json)?;
        writer.write_all(b"\n")?;
    }
    writer.flush()
}

/// Records carry the present as their time: a topic's retention would drop those of a past week at once.
fn to_kafka(lines: impl Iterator<Item = Line>, arguments: &Arguments, brokers: &str, topic: &str) -> Result<(), BrokerError> {
    let mut publisher = Publisher::new(brokers, &arguments.kafka_setting, topic, None)?;
    let live = arguments.live.is_some();
    publish(lines, arguments.rate, |line| {
        if live {
            thread::sleep(live::until(line.time, OffsetDateTime::now_utc()));
        }
        publisher.publish(Message { key: Some(line.key.as_bytes()), payload: Some(&line.json), ..Message::default() })
    })?;
    publisher.flush()
}

/// Hands the lines over, not faster than the rate; the first failure ends it.
///
/// # Errors
///
/// Whatever `publish` fails with.
pub fn publish<E>(
    lines: impl Iterator<Item = Line>,
    rate: Option<NonZeroU32>,
    mut publish: impl FnMut(&Line) -> Result<(), E>,
) -> Result<(), E> {
    let start = Instant::now();
    for (line, number) in lines.zip(0_u64..) {
        if let Some(rate) = rate {
            thread::sleep(due(number, rate).saturating_sub(start.elapsed()));
        }
        publish(&line)?;
    }
    Ok(())
}

/// When a line is due after the start.
fn due(number: u64, rate: NonZeroU32) -> Duration {
    let rate = u64::from(rate.get());
    Duration::from_secs(number / rate) + Duration::from_micros(number % rate * 1_000_000 / rate)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use clap::Parser;
    use flate2::read::GzDecoder;
    use rdkafka::ClientConfig;
    use rdkafka::consumer::{BaseConsumer, Consumer as _};

    use super::*;
    use crate::embedded::broker::MockBroker;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn arguments(list: &[&str]) -> Result<Arguments, clap::Error> {
        Command::try_parse_from([&["generate"], list].concat()).map(|command| command.arguments)
    }

    fn expected(seed: u64, events: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        to_writer(Generator::new(seed, events), &mut bytes).unwrap();
        bytes
    }

    #[test]
    fn a_file_holds_one_event_a_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("week.jsonl");
        run(&arguments(&["--seed", "3", "--events", "500", "--output", path.to_str().unwrap()]).unwrap()).unwrap();
        let written = std::fs::read(path).unwrap();
        assert_eq!(written, expected(3, 500));
        assert_eq!(written.iter().filter(|&&byte| byte == b'\n').count(), 500);
    }

    #[test]
    fn a_name_that_ends_in_gz_is_compressed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("week.jsonl.gz");
        run(&arguments(&["--events", "500", "--output", path.to_str().unwrap()]).unwrap()).unwrap();
        let mut read = Vec::new();
        GzDecoder::new(File::open(path).unwrap()).read_to_end(&mut read).unwrap();
        assert_eq!(read, expected(1, 500));
    }

    #[test]
    fn a_file_that_cannot_be_written_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("no such folder/week.jsonl");
        let error = run(&arguments(&["--output", path.to_str().unwrap()]).unwrap()).unwrap_err();
        assert_eq!(error.to_string(), format!("could not write {}", path.display()));
    }

    #[test]
    fn the_money_side_comes_with_its_dimensions_and_its_truth() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let [events, truth, dimensions] = ["e.jsonl", "t.json", "d.sql"].map(path);
        let files = ["--output", &events, "--truth", &truth, "--dimensions", &dimensions];
        let small = ["--events", "300", "--money", "--days", "3", "--visits", "50", "--confounder", "launch-mail=weak"];
        run(&arguments(&[&small[..], &files[..]].concat()).unwrap()).unwrap();
        let written = std::fs::read_to_string(events).unwrap();
        assert!(written.lines().count() > 300 && written.contains(r#""type":"visit""#));
        let truth: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(truth).unwrap()).unwrap();
        assert_eq!(truth["settings"]["confounders"]["launch-mail"], "weak");
        assert!(std::fs::read_to_string(dimensions).unwrap().starts_with("INSERT INTO fx"));
    }

    #[test]
    fn an_option_of_the_money_side_asks_for_it_and_names_what_it_knows() {
        let has_money = |list: &[&str]| arguments(list).unwrap().has_money();
        assert!(!has_money(&["--seed", "2", "--events", "5"]));
        for options in [&["--money"][..], &["--days", "3"], &["--truth", "t"], &["--dimensions", "d"], &["--bots"]] {
            assert!(has_money(options), "{options:?}");
        }
        assert!(arguments(&["--money", "--effect", "20"]).is_err());
        assert!(arguments(&["--money", "--experiment", "time-slot", "--effect", "20", "--switch-off", "broadcast"]).is_ok());
        assert!(arguments(&["--money", "--truth", "t", "--switch-off", "broadcast"]).is_err());
        let error = arguments(&["--money", "--confounder", "rain=weak"]).unwrap_err().to_string();
        assert!(error.contains("launch-mail"), "{error}");
    }

    #[test]
    fn topic_brokers_and_output_go_together_or_not_at_all() {
        assert!(arguments(&["--brokers", "b:9092", "--topic", "t", "--rate", "100"]).is_ok());
        assert!(arguments(&["--brokers", "b:9092"]).is_err());
        assert!(arguments(&["--topic", "t"]).is_err());
        assert!(arguments(&["--rate", "100"]).is_err());
        assert!(arguments(&["--brokers", "b:9092", "--topic", "t", "--rate", "0"]).is_err());
        assert!(arguments(&["--brokers", "b:9092", "--topic", "t", "--live", "f"]).is_ok());
        assert!(arguments(&["--brokers", "b:9092", "--topic", "t", "--live", "f", "--experiment", "post"]).is_err());
        assert!(arguments(&["--live", "f"]).is_err());
        assert!(arguments(&["--brokers", "b:9092", "--topic", "t", "--output", "x"]).is_err());
    }

    #[test]
    fn a_topic_takes_every_event() {
        let broker = MockBroker::start().unwrap();
        broker.create_topic("events", 3).unwrap();
        let brokers = broker.bootstrap_servers();
        run(&arguments(&["--events", "700", "--brokers", brokers, "--topic", "events"]).unwrap()).unwrap();
        let consumer: BaseConsumer = ClientConfig::new().set("bootstrap.servers", brokers).create().unwrap();
        let ends = (0..3).map(|partition| consumer.fetch_watermarks("events", partition, Duration::from_secs(30)).unwrap().1);
        assert_eq!(ends.sum::<i64>(), 700);
    }

    #[test]
    fn a_world_that_goes_on_now_is_sent_as_far_as_it_is_past_and_again_at_the_next_start() {
        let folder = tempfile::tempdir().unwrap();
        let monday = folder.path().join("first-monday");
        let broker = MockBroker::start().unwrap();
        broker.create_topic("events", 1).unwrap();
        let brokers = broker.bootstrap_servers();
        let world = ["--events", "300", "--days", "7", "--visits", "50"];
        let to = ["--brokers", brokers, "--topic", "events", "--live", monday.to_str().unwrap()];
        let arguments = arguments(&[&world[..], &to[..]].concat()).unwrap();
        let consumer: BaseConsumer = ClientConfig::new().set("bootstrap.servers", brokers).create().unwrap();
        let sent = || consumer.fetch_watermarks("events", 0, Duration::from_secs(30)).unwrap().1;
        // Its one week was over long ago.
        run(&arguments).unwrap();
        let once = sent();
        assert!(once > 300);
        assert_eq!(std::fs::read_to_string(&monday).unwrap().trim().len(), "2026-08-31".len());
        run(&arguments).unwrap();
        assert_eq!(sent(), 2 * once);
    }

    #[test]
    fn lines_are_published_in_order_until_one_fails() {
        let rate = NonZeroU32::new(1_000_000);
        let mut published = Vec::new();
        let outcome = publish(Generator::new(1, 50), rate, |line| {
            published.push(line.clone());
            if published.len() == 20 { Err("full") } else { Ok(()) }
        });
        assert_eq!(outcome, Err("full"));
        assert_eq!(published, Generator::new(1, 50).take(20).collect::<Vec<_>>());
    }

    #[test]
    fn a_rate_spreads_lines_evenly() {
        let rate = NonZeroU32::new(4).unwrap();
        assert_eq!(due(0, rate), Duration::ZERO);
        assert_eq!(due(3, rate), Duration::from_millis(750));
        assert_eq!(due(41, rate), Duration::from_millis(10_250));
    }
}
