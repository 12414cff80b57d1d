//! Publishes rejects again, part by part: first the brokers have all of a part, then it is recorded as replayed.

use indicatif::{ProgressBar, ProgressStyle};
use serde::Deserialize;

use super::publishing::{Published, Publisher};
use super::{Filter, REPLAY_OF};
use crate::clickhouse::ClickHouseSink;
use crate::command::CommandError;
use crate::command::database::Database;
use crate::command::log::Log;
use crate::command::outcome::say;
use crate::command::sending::send;
use crate::command::table::Table;
use crate::config::Config;
use crate::row::{Rejected, Rows};

/// Records of one part. Each may be as large as rules.reject_kib.
const PART: u32 = 1000;

/// Which rejects, and how.
#[derive(Clone, Debug, clap::Args)]
pub struct Replay {
    #[command(flatten)]
    filter: Filter,
    /// Print what would be published, and publish nothing
    #[arg(long)]
    dry_run: bool,
    /// Those too that were cut when they were stored: what is published is not what was sent
    #[arg(long)]
    truncated: bool,
    /// Those too that are replays themselves and were rejected again
    #[arg(long)]
    rejected_again: bool,
}

/// Rejects of one source and reason, by what becomes of them.
#[derive(::clickhouse::Row, Deserialize)]
struct Group {
    source: String,
    reason: String,
    due: u64,
    before: u64,
    cut: u64,
    again: u64,
}

impl Replay {
    /// What of the chosen rejects is published, in SQL.
    fn due(&self) -> String {
        let cut = if self.truncated { "" } else { " AND NOT truncated" };
        let again = if self.rejected_again { String::new() } else { format!(" AND NOT mapContains(headers, '{REPLAY_OF}')") };
        format!("NOT replayed_before{cut}{again}")
    }
}

pub(super) async fn run(config: &Config, replay: &Replay) -> Result<(), CommandError> {
    let database = Database::open(&config.clickhouse).await?;
    let groups = groups(config, &database, replay).await?;
    let due: u64 = groups.iter().map(|group| group.due).sum();
    say(&report(config, replay, &groups))?;
    if replay.dry_run {
        return say(&format!("{due} records would be published to {}; this is a dry run\n", config.kafka.topic));
    }
    if due == 0 {
        return say("nothing to replay\n");
    }
    let partitions = Log::open(config, config.rules.epoch)?.partitions()?.len();
    let publisher = Publisher::new(config, partitions)?;
    let sink = ClickHouseSink::new(&config.clickhouse, config.flush.bytes_max, config.rules.epoch, || 0);
    let bar = ProgressBar::new(due).with_style(ProgressStyle::default_bar()).with_message("replaying");
    let mut replayed = 0;
    let mut last = (String::new(), 0);
    loop {
        let part = part(config, &database, replay, &last).await?;
        let Some(newest) = part.last() else { break };
        last = (newest.source.to_string(), newest.offset);
        let Published { taken, failed } = publisher.publish(part);
        replayed += taken.len();
        record(&sink, taken).await?;
        bar.set_position(replayed as u64);
        if let Some(error) = failed {
            bar.finish_and_clear();
            return Err(CommandError::Kafka(format!(
                "{replayed} records were replayed and recorded, then the brokers at {} did not take one: {error}; the same \
                 command goes on with the rest",
                config.kafka.brokers
            )));
        }
    }
    bar.finish_and_clear();
    say(&format!("{replayed} records were published to {} and recorded as replayed\n", config.kafka.topic))
}

async fn groups(config: &Config, database: &Database, replay: &Replay) -> Result<Vec<Group>, CommandError> {
    let text = format!(
        "SELECT toString(source) AS source, toString(reason) AS reason, countIf({}) AS due, countIf(replayed_before) AS before, \
         countIf(NOT replayed_before AND truncated) AS cut, \
         countIf(NOT replayed_before AND mapContains(headers, '{REPLAY_OF}')) AS again \
         FROM {{rejects}} GROUP BY source, reason ORDER BY source, reason",
        replay.due()
    );
    database.all("count rejects", replay.filter.query(config, database, &text)).await
}

fn report(config: &Config, replay: &Replay, groups: &[Group]) -> String {
    let mut table = Table::new(["source", "reason", "to replay", "replayed before", "cut", "rejected again", "note"]);
    for Group { source, reason, due, before, cut, again } in groups {
        let is_foreign = source.rsplit_once('/').is_none_or(|(log, _)| log != config.worker.log);
        let note = if is_foreign { "of another log: by its key" } else { "" };
        let [due, before, cut, again] = [due, before, cut, again].map(u64::to_string);
        table.row([source.clone(), reason.clone(), due, before, cut, again, note.to_owned()]);
    }
    let mut text = table.text();
    let sum = |count: fn(&Group) -> u64| groups.iter().map(count).sum::<u64>();
    for (count, is_asked, flag) in [
        (sum(|group| group.cut), replay.truncated, "--truncated"),
        (sum(|group| group.again), replay.rejected_again, "--rejected-again"),
    ] {
        if count > 0 && !is_asked {
            text += &format!("{count} are left out; {flag} takes them too\n");
        }
    }
    text
}

/// The next rejects behind the last one, in the order of source and offset.
async fn part(
    config: &Config,
    database: &Database,
    replay: &Replay,
    (source, offset): &(String, u64),
) -> Result<Vec<Rejected>, CommandError> {
    let text = format!(
        "SELECT epoch, source, offset, version, received, reason, detail, key, payload, headers, truncated, replayed \
         FROM {{rejects}} WHERE {} AND (source, offset) > ({{last_source:String}}, {{last_offset:UInt64}}) \
         ORDER BY source, offset LIMIT {PART}",
        replay.due()
    );
    let query = replay.filter.query(config, database, &text).param("last_source", source).param("last_offset", offset);
    database.all("read rejects", query).await
}

/// Writes the rows again, as replayed. A worker that reads the record again writes the version before this one.
async fn record(sink: &ClickHouseSink, taken: Vec<Rejected>) -> Result<(), CommandError> {
    let recorded = |reject: Rejected| Rejected { version: reject.offset + 2, replayed: true, ..reject };
    let rows = Rows { rejects: taken.into_iter().map(recorded).collect(), ..Rows::default() };
    send(sink, &rows, "rejects replay").await.map_err(|error| {
        let doing = format!(
            "{} records were published, but could not be recorded as replayed: the next replay publishes them again, which is \
             harmless for events (copies are recognised while their root lives)",
            rows.rejects.len()
        );
        CommandError::Store(doing, error)
    })
}
