//! `grapevine demo` as scripts use it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use grapevine::embedded::broker::{Message, Publisher};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::{ClientConfig, Message as _, Offset, TopicPartitionList};
use serde_json::Value;

pub(crate) use crate::apache_kafka::broker::process::succeeded;
use crate::data_folder;
use crate::events::lines_in;
use crate::store::Database;
use crate::world::{PATIENCE, ended, get, signal, until};

/// One run of the demo, and what its queries answered.
pub(crate) struct Demo {
    pub(crate) answers: Vec<String>,
}

/// Printed between two answers, to tell them apart.
const MARK: &str = "SELECT '-- next --' AS mark";

impl Demo {
    /// Folds files and asks questions; answers come as JSON lines.
    pub(crate) fn run(inputs: &[&Path], partitions: usize, threads: usize, queries: &[&str]) -> Demo {
        let (mut command, data) = (grapevine(), data_folder::migrated());
        command.args([
            "demo",
            "--format",
            "JSONEachRow",
            "--partitions",
            &partitions.to_string(),
            "--threads",
            &threads.to_string(),
        ]);
        command.arg("--data").arg(data.path());
        for input in inputs {
            command.arg("--input").arg(input);
        }
        for (at, query) in queries.iter().enumerate() {
            if at > 0 {
                command.args(["--query", MARK]);
            }
            command.args(["--query", query]);
        }
        let output = command.output().expect("the demo starts");
        let answers = String::from_utf8(succeeded(output).stdout).expect("answers are text");
        Demo { answers: answers.split("{\"mark\":\"-- next --\"}\n").map(str::to_owned).collect() }
    }
}

/// The program under test, with no configuration from the environment.
pub(crate) fn grapevine() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_grapevine"));
    // What is meant for the tests themselves.
    command.env_remove("GRAPEVINE_CHAOS");
    command
}

/// JSON lines as values.
pub(crate) fn rows(answer: &str) -> Vec<Value> {
    answer.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

pub(crate) fn gunzip(path: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).expect("the file opens");
    flate2::read::MultiGzDecoder::new(file).read_to_end(&mut bytes).expect("the file is gzip");
    bytes
}

const COUNTS: &str = "SELECT sum(read), sum(accepted), sum(duplicates), sum(rejected) FROM progress FINAL";
/// Everything that analysts see of a cascade, but for what a run is called.
const SHAPES: &str = "SELECT root, size, max_depth, levels, wiener, unique_actors FROM cascade_shape ORDER BY root";

/// A demo that runs to its end, fed with bytes. Its database is migrated already, unless the arguments name another.
fn demo(arguments: &[&str], environment: &[(&str, &str)], input: &[u8]) -> Output {
    let mut command = grapevine();
    command.arg("demo").args(arguments).envs(environment.iter().copied());
    let names_one = arguments.iter().any(|argument| ["--clickhouse", "--data"].contains(argument));
    let data = (!names_one).then(data_folder::migrated);
    if let Some(data) = &data {
        command.arg("--data").arg(data.path());
    }
    fed(command, input)
}

/// A demo that does not end is killed, and the test fails.
fn fed(mut command: Command, input: &[u8]) -> Output {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the demo starts");
    let (mut stdin, input) = (child.stdin.take().unwrap(), input.to_vec());
    // A demo that fails early reads none of it.
    thread::spawn(move || stdin.write_all(&input).ok());
    let (mut stdout, mut stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let stdout = thread::spawn(move || read_all(&mut stdout));
    let stderr = thread::spawn(move || read_all(&mut stderr));
    let status = ended(&mut child, "the demo");
    Output { status, stdout: stdout.join().unwrap(), stderr: stderr.join().unwrap() }
}

fn read_all(from: &mut impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    from.read_to_end(&mut bytes).unwrap();
    bytes
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What a demo that went well printed.
fn answered(arguments: &[&str], input: &[u8]) -> String {
    text(&succeeded(demo(arguments, &[], input)).stdout)
}

/// What a demo that must fail says; nothing but errors may be printed.
fn refused(arguments: &[&str], environment: &[(&str, &str)], input: &[u8]) -> String {
    let output = demo(arguments, environment, input);
    let errors = text(&output.stderr);
    assert!(!output.status.success(), "it went well: {}", text(&output.stdout));
    let message = errors.lines().rfind(|line| line.starts_with("grapevine: "));
    message.unwrap_or_else(|| panic!("no message: {errors}")).to_owned()
}

fn post(id: &str, time: u64) -> String {
    format!("{{\"type\":\"post\",\"id\":\"{id}\",\"time\":{time},\"actor\":\"a\"}}\n")
}

fn share(id: &str, root: &str, time: u64) -> String {
    format!(
        "{{\"type\":\"share\",\"id\":\"{id}\",\"time\":{time},\"actor\":\"{id}\",\"root\":\"{root}\",\"parent\":\"{root}\"}}\n"
    )
}

/// A generated world that is quick to fold.
const SMALL: [&str; 6] = ["--events", "2000", "--days", "7", "--visits", "20"];

/// Two cascades.
fn events() -> String {
    let (one, other) = (1_700_000_000_000, 1_700_000_100_000);
    post("p", one) + &share("s1", "p", one + 1) + &share("s2", "p", one + 2) + &post("q", other) + &share("s3", "q", other + 1)
}

#[test]
fn answers_stand_alone_on_standard_output_in_the_order_of_their_questions() {
    let questions = ["--query", SHAPES, "--query", "SELECT 1 AS one", "--query", COUNTS];
    let printed = answered(&[&["--input", "-"], &questions[..]].concat(), events().as_bytes());
    let wanted = "root\tsize\tmax_depth\tlevels\twiener\tunique_actors\np\t3\t1\t[1,2]\t4\t3\nq\t2\t1\t[1,1]\t1\t2\n\
                  one\n1\nsum(read)\tsum(accepted)\tsum(duplicates)\tsum(rejected)\n5\t5\t0\t0\n";
    assert_eq!(printed, wanted);
    let csv = answered(&["--input", "-", "--format", "CSV", "--query", SHAPES], events().as_bytes());
    assert_eq!(csv, "\"p\",3,1,\"[1,2]\",4,3\n\"q\",2,1,\"[1,1]\",1,2\n");
}

#[test]
fn tables_go_to_standard_output_and_logs_do_not() {
    // Told of no database, it makes one, and the schema with it.
    let mut command = grapevine();
    command.arg("demo").args(SMALL).env("GRAPEVINE_LOG_LEVEL", "info");
    let output = succeeded(fed(command, b""));
    let (printed, logged) = (text(&output.stdout), text(&output.stderr));
    assert!(printed.contains(" events, from Kafka") && printed.contains("Was everything counted?"), "{printed}");
    assert!(printed.contains("demo/3") && !printed.contains("INFO"), "{printed}");
    assert!(logged.contains("INFO"), "{logged}");
}

#[test]
fn without_any_option_the_demo_begins_with_its_returns_and_the_gap() {
    let output = succeeded(demo(&["--events", "4000"], &[], b""));
    let printed = text(&output.stdout);
    let (_, returns) = printed.split_once("What did each side return? ").unwrap_or_else(|| panic!("{printed}"));
    let (returns, gap) = returns.split_once("Is credit the truth? ").unwrap();
    for word in
        ["acme", "conversation", "broadcast", "came_back", " %", "Which of the two returned more", "How soon do people come?"]
    {
        assert!(returns.contains(word), "{word}: {returns}");
    }
    assert!(!returns.contains("ᴺᵁᴸᴸ"), "{returns}");
    let (gap, content) = gap.split_once("Broadcast or conversation?").unwrap();
    assert!(content.contains("Was everything counted?"), "{content}");
    for column in ["rule_last", "lowest_rule", "highest_rule", "truth", "gap"] {
        assert!(gap.contains(column), "{gap}");
    }
    assert_eq!(gap.matches(" broadcast ").count(), 2, "of each brand: {gap}");
    assert_eq!(gap.matches(" conversation ").count(), 2, "of each brand: {gap}");
    assert!(!gap.contains("ᴺᵁᴸᴸ"), "{gap}");
}

#[test]
fn inputs_plain_and_packed_are_read_together() {
    let folder = tempfile::tempdir().unwrap();
    let (plain, packed) = (folder.path().join("plain.jsonl"), folder.path().join("packed.gz"));
    std::fs::write(&plain, events()).unwrap();
    let mut packer = flate2::write::GzEncoder::new(std::fs::File::create(&packed).unwrap(), flate2::Compression::fast());
    packer.write_all((share("s4", "q", 1_700_000_000_500) + &share("s5", "p", 1_700_000_200_000)).as_bytes()).unwrap();
    packer.finish().unwrap();
    let (plain, packed) = (plain.to_str().unwrap(), packed.to_str().unwrap());
    let extra = share("s6", "p", 1_700_000_000_001);
    let arguments = [
        "--input",
        plain,
        "--input",
        packed,
        "--input",
        "-",
        "--format",
        "TSV",
        "--query",
        "SELECT root, size FROM cascade_shape ORDER BY root",
    ];
    assert_eq!(answered(&arguments, extra.as_bytes()), "p\t5\nq\t3\n");
}

#[test]
fn lines_that_are_no_event_are_kept_byte_for_byte() {
    let lines: [&[u8]; 4] = [b"{broken", b"\xff\xfe \x00 no text", b"  {\"type\":\"post\"} \r", b"null"];
    let mut input = events().into_bytes();
    input.extend(b"\n \t \n");
    input.extend(lines.join(&b'\n'));
    let payloads = "SELECT hex(payload) FROM rejects ORDER BY hex(payload)";
    let printed = answered(&["--input", "-", "--format", "TSV", "--query", payloads, "--query", COUNTS], &input);
    let mut wanted = lines.map(|line| line.iter().map(|byte| format!("{byte:02X}")).collect::<String>());
    wanted.sort();
    assert_eq!(printed, format!("{}\n9\t5\t0\t4\n", wanted.join("\n")));
}

#[test]
fn nothing_to_fold_is_no_failure() {
    assert_eq!(answered(&["--input", "-", "--format", "TSV", "--query", COUNTS], b""), "0\t0\t0\t0\n");
}

#[test]
fn the_same_seed_gives_the_same_answers_whatever_the_partitions() {
    let run = |partitions| {
        let world = ["--seed", "7", "--events", "20000", "--days", "7", "--visits", "20"];
        let other = ["--partitions", partitions, "--query", SHAPES];
        answered(&[&world[..], &other].concat(), b"")
    };
    let first = run("4");
    assert!(first.lines().count() > 10, "{first}");
    assert_eq!(first, run("3"));
}

#[test]
fn what_cannot_work_fails_with_a_message() {
    assert!(refused(&["--input", "no/such/file"], &[], b"").contains("could not read no/such/file"));
    let bad_sql = refused(&["--input", "-", "--query", "SELECT no_such_column FROM progress"], &[], b"");
    assert!(bad_sql.contains("no_such_column"), "{bad_sql}");
    let bad_format = refused(&["--input", "-", "--format", "NoSuchFormat", "--query", "SELECT 1"], &[], b"");
    assert!(bad_format.contains("NoSuchFormat"), "{bad_format}");
    let no_url = refused(&["--clickhouse", "nonsense"], &[], b"");
    assert!(no_url.contains("could not use ClickHouse at nonsense"), "{no_url}");
}

#[test]
fn parts_that_cannot_be_reached_are_named_in_bounded_time() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let no_store = refused(&["--clickhouse", &format!("http://{closed}")], &[], b"");
    assert!(no_store.contains(&format!("could not use ClickHouse at http://{closed}")), "{no_store}");
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = format!("http://{}", silent.local_addr().unwrap());
    let no_answer = refused(&["--clickhouse", &silent], &[("GRAPEVINE_CLICKHOUSE_SEND_TIMEOUT_SECONDS", "1")], b"");
    assert!(no_answer.contains("no answer within 1s"), "{no_answer}");
    let no_brokers = refused(&["--brokers", &closed.to_string()], &[], b"");
    assert!(no_brokers.contains(&closed.to_string()), "{no_brokers}");
}

#[test]
fn a_root_that_the_budget_evicts_makes_the_demo_fail() {
    let many: String = (0..300).map(|number| post(&format!("p{number}"), 1_700_000_000_000 + number)).collect();
    let evicted = refused(&["--input", "-", "--partitions", "1"], &[("GRAPEVINE_RULES_BUDGET_ENTRIES", "50")], many.as_bytes());
    assert!(evicted.contains("evicted by the budget") && evicted.contains("rules.budget_entries"), "{evicted}");
}

#[test]
fn a_second_run_on_the_same_folder_answers_as_a_fresh_one() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let run = |seed: &str, partitions: &str, more: &[&str]| {
        let all = ["--seed", seed, "--partitions", partitions, "--query", SHAPES];
        answered(&[&SMALL, &all, more].concat(), b"")
    };
    run("1", "4", &["--data", data]);
    let again = run("2", "2", &["--data", data, "--query", "SELECT DISTINCT epoch FROM active_epoch FINAL"]);
    assert_eq!(again, run("2", "2", &[]) + "epoch\n1\n");
}

/// A demo that serves.
struct Serving {
    child: Child,
    said: String,
}

impl Serving {
    fn start(arguments: &[&str]) -> Serving {
        let mut command = grapevine();
        command.arg("demo").arg("--serve").args(arguments).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = std::sync::mpsc::channel();
        thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let mut said = String::new();
        while !said.contains("Ctrl-C") {
            let line = lines.recv_timeout(PATIENCE).unwrap_or_else(|error| {
                child.kill().ok();
                panic!("{error}: {said}")
            });
            said += &(line + "\n");
        }
        Serving { child, said }
    }

    /// The word after a label.
    fn address(&self, label: &str) -> &str {
        let line = self.said.lines().find(|line| line.starts_with(label)).unwrap_or_else(|| panic!("{}", self.said));
        line.split_whitespace().nth(1).unwrap()
    }

    fn topic(&self) -> &str {
        let line = self.said.lines().find(|line| line.starts_with("broker")).unwrap();
        line.split_once("(topic ").unwrap().1.trim_end_matches(')')
    }

    /// The process that serves ClickHouse.
    fn clickhouse_process(&self) -> String {
        let children = format!("/proc/{0}/task/{0}/children", self.child.id());
        let children = std::fs::read_to_string(children).unwrap();
        children.split_whitespace().next().unwrap_or_else(|| panic!("no child: {children:?}")).to_owned()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It has ended already, unless the test is failing.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[test]
fn a_demo_that_serves_folds_what_comes_later_and_ends_when_asked() {
    let mut serving = Serving::start(&SMALL);
    let metrics = serving.address("metrics").trim_start_matches("http://").trim_end_matches("/metrics").parse().unwrap();
    assert_eq!(get(metrics, "/readyz").unwrap().0, 200);
    // The topic is there, and what is published into it is folded.
    let mut publisher = Publisher::new(serving.address("broker"), &[], serving.topic(), None).unwrap();
    assert_eq!(publisher.partitions(), 4);
    for line in events().lines() {
        let root = if line.contains("\"q\"") { "q" } else { "p" };
        publisher.publish(Message { key: Some(root.as_bytes()), payload: Some(line.as_bytes()), ..Message::default() }).unwrap();
    }
    publisher.flush().unwrap();
    let database = Database::at(serving.address("clickhouse"), "grapevine");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    until("the later events are folded", || {
        let found = runtime.block_on(database.ask("SELECT root, size FROM cascade_shape WHERE root IN ('p', 'q') ORDER BY root"));
        if found == "p\t3\nq\t2" { Ok(()) } else { Err(found) }
    });
    // Another demo may use its ClickHouse.
    let shared = answered(
        &["--clickhouse", serving.address("clickhouse"), "--input", "-", "--format", "TSV", "--query", SHAPES],
        events().as_bytes(),
    );
    assert_eq!(shared, "p\t3\t1\t[1,2]\t4\t3\nq\t2\t1\t[1,1]\t1\t2\n");
    let clickhouse = serving.clickhouse_process();
    signal(&serving.child, "INT");
    assert_eq!(ended(&mut serving.child, "a demo that serves").code(), Some(0));
    assert!(!Path::new("/proc").join(&clickhouse).exists(), "process {clickhouse} is still there");
}

#[test]
fn the_demo_folds_the_very_bytes_that_generate_writes() {
    let (world, money) = (["--seed", "3"], ["--money"]);
    let written = succeeded(grapevine().arg("generate").args(SMALL).args(world).args(money).output().unwrap());
    let mut written = lines_in(&written.stdout);
    // The embedded broker keeps what is below 5 MiB.
    let serving = Serving::start(&[&SMALL[..], &world].concat());
    let consumer: BaseConsumer =
        ClientConfig::new().set("bootstrap.servers", serving.address("broker")).set("group.id", "reads").create().unwrap();
    let mut read = TopicPartitionList::new();
    (0..4).for_each(|partition| read.add_partition_offset(serving.topic(), partition, Offset::Beginning).unwrap());
    consumer.assign(&read).unwrap();
    let mut published = Vec::new();
    while published.len() < written.len() {
        let message = consumer.poll(PATIENCE).expect("as many records as lines").unwrap();
        published.push(message.payload().unwrap().to_vec());
    }
    assert!(consumer.poll(Duration::from_secs(1)).is_none(), "more records than lines");
    written.sort_unstable();
    published.sort_unstable();
    assert!(written.len() > 2_000);
    assert!(written == published, "the demo's world is another one");
}

#[test]
fn ports_are_those_asked_for_and_one_that_is_taken_is_named_with_the_cure() {
    let free = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let (clickhouse, metrics) = (free(), free());
    let ports = ["--input", "/dev/null", "--clickhouse-port", &clickhouse, "--metrics-port", &metrics];
    let serving = Serving::start(&ports);
    assert!(serving.address("clickhouse").ends_with(&format!(":{clickhouse}")), "{}", serving.said);
    assert!(serving.address("metrics").ends_with(&format!(":{metrics}/metrics")), "{}", serving.said);
    for (option, port) in [("--clickhouse-port", &clickhouse), ("--metrics-port", &metrics)] {
        let taken = refused(&["--serve", "--input", "-", option, port], &[], b"");
        assert!(taken.contains(&format!("port {port} is in use or not allowed: give {option} another one")), "{taken}");
    }
}

#[test]
fn dimensions_from_a_file_are_there_before_anything_is_answered() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("dimensions.sql");
    std::fs::write(&file, "INSERT INTO fx (valid_from, currency, to_base) VALUES ('2024-01-01', 'CHF', 1.5);\n").unwrap();
    let load = ["--input", "-", "--dimensions", file.to_str().unwrap(), "--format", "TSV"];
    let question = ["--query", "SELECT currency, to_base FROM fx WHERE currency = 'CHF'"];
    assert_eq!(answered(&[&load[..], &question].concat(), events().as_bytes()), "CHF\t1.5\n");
    assert!(refused(&["--input", "-", "--dimensions", "no/such/file"], &[], b"").contains("could not read no/such/file"));
    std::fs::write(&file, "INSERT INTO no_such_table VALUES (1)").unwrap();
    assert!(refused(&load, &[], b"").contains("no_such_table"));
}

#[test]
fn a_demo_that_is_interrupted_ends_soon_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = grapevine();
    // Standard input stays open: there is always something left to fold.
    command.args(["demo", "--input", "-"]).env("TMPDIR", folder.path()).env("GRAPEVINE_LOG_LEVEL", "info");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut errors = BufReader::new(child.stderr.take().unwrap());
    let mut logged = String::new();
    while !logged.contains("its first checkpoint comes before its first row") {
        assert!(errors.read_line(&mut logged).unwrap() > 0, "{logged}");
    }
    signal(&child, "INT");
    let rest = thread::spawn(move || text(&read_all(&mut errors)));
    let status = ended(&mut child, "an interrupted demo");
    let rest = rest.join().unwrap();
    assert_eq!(status.code(), Some(1), "{logged}{rest}");
    assert!(rest.contains("stopped by SIGINT before everything was folded"), "{logged}{rest}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "{logged}{rest}");
}
