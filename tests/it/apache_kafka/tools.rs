//! The official Java tools as clients beside the worker: what they write it folds, and what they show of its group it says, too.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::Stdio;

use super::ApacheKafka;
use crate::demo::succeeded;
use crate::events::number;
use crate::store::Database;
use crate::world::{Worker, World, until};

const PARTITIONS: usize = 3;

/// Writes events under their root's id, as somebody at a terminal would.
fn produce(kafka: &ApacheKafka, topic: &str, events: &[(String, String)]) {
    let mut producer = kafka.tool("ConsoleProducer");
    producer.args(["--topic", topic, "--reader-property", "parse.key=true", "--reader-property", "key.separator=|"]);
    let mut producer = producer.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let lines: String = events.iter().map(|(key, event)| format!("{key}|{event}\n")).collect();
    producer.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    succeeded(producer.wait_with_output().unwrap());
}

/// A post of each root, and shares of it.
fn events(roots: std::ops::Range<usize>, shares: usize) -> Vec<(String, String)> {
    let tree = |root: usize| {
        let root = format!("root-{root}");
        let post = format!("{{\"type\":\"post\",\"id\":\"{root}\",\"time\":1700000000000,\"actor\":\"author\"}}");
        let share = |number| {
            format!(
                "{{\"type\":\"share\",\"id\":\"{root}-{number}\",\"time\":1700000000001,\"actor\":\"reader-{number}\",\
                 \"root\":\"{root}\",\"parent\":\"{root}\"}}"
            )
        };
        let lines: Vec<String> = std::iter::once(post).chain((0..shares).map(share)).collect();
        lines.into_iter().map(move |line| (root.clone(), line))
    };
    roots.flat_map(tree).collect()
}

/// What the tool for groups says of each partition: committed, end and lag; nothing while a column says `-`.
fn described(kafka: &ApacheKafka, world: &World) -> BTreeMap<usize, [u64; 3]> {
    let mut tool = kafka.tool("consumer.group.ConsumerGroupCommand");
    tool.args(["--describe", "--group", &format!("{}-epoch-0", world.topic)]);
    let said = String::from_utf8(succeeded(tool.output().unwrap()).stdout).unwrap();
    let mut rows = said.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()).filter(|row| row.len() > 5);
    let header = rows.next().unwrap_or_else(|| panic!("{said}"));
    let columns = ["PARTITION", "CURRENT-OFFSET", "LOG-END-OFFSET", "LAG"];
    let [partition, committed, end, lag] = columns.map(|name| header.iter().position(|column| *column == name).unwrap());
    let of = |row: Vec<&str>| {
        let figures = [committed, end, lag].map(|column| row[column].parse().ok());
        Some((row[partition].parse().ok()?, [figures[0]?, figures[1]?, figures[2]?]))
    };
    rows.filter_map(of).collect()
}

/// What the worker says of the lag of each partition.
fn lags(worker: &Worker, topic: &str) -> BTreeMap<usize, u64> {
    let known = |partition: usize| {
        let labels = format!("{{partition=\"{partition}\",topic=\"{topic}\"}} ");
        let page = worker.get("/metrics").1;
        let line =
            page.lines().find_map(|line| line.strip_prefix(&format!("grapevine_kafka_consumer_lag{labels}")).map(str::to_owned));
        line.map(|lag| (partition, lag.parse().unwrap()))
    };
    (0..PARTITIONS).filter_map(known).collect()
}

/// Waits until the tool and the worker say the same lag, and says how much it is.
fn agreed(kafka: &ApacheKafka, world: &World, worker: &Worker, total: u64) -> BTreeMap<usize, u64> {
    until("the tool and the worker say the same", || {
        let described = described(kafka, world);
        let shown: BTreeMap<usize, u64> = described.iter().map(|(partition, [_, _, lag])| (*partition, *lag)).collect();
        let said = lags(worker, &world.topic);
        let is_all = shown.len() == PARTITIONS && shown.values().sum::<u64>() == total;
        if is_all && shown == said { Ok(shown) } else { Err((described, said)) }
    })
}

#[test]
fn the_java_tools_write_what_is_folded_and_show_the_lag_that_the_worker_says() {
    let kafka = ApacheKafka::shared();
    let mut world = World::on(&kafka, PARTITIONS, Database::absent("java_tools"));
    let first = events(0..10, 9);
    let worker = world.start(&[]);
    produce(&kafka, &world.topic, &first);
    world.wait_for(first.len());
    let cascades = world.ask("SELECT count() AS n, sum(size) AS size FROM cascade_shape");
    assert_eq!([number(&cascades[0]["n"]), number(&cascades[0]["size"])], [10, 100]);
    let at_the_end = agreed(&kafka, &world, &worker, 0);
    assert!(at_the_end.values().all(|lag| *lag == 0), "{at_the_end:?}");
    worker.stop();

    // Read, and in the tables, but in no checkpoint: that is what a restart reads again.
    let worker = world.start(&[("GRAPEVINE_CHECKPOINT_INTERVAL_SECONDS", "86400")]);
    let more = events(10..40, 4);
    produce(&kafka, &world.topic, &more);
    world.wait_for(first.len() + more.len());
    let behind = agreed(&kafka, &world, &worker, more.len() as u64);
    assert!(behind.values().all(|lag| *lag > 0), "{behind:?}");
    worker.stop();

    // And what nobody has read.
    world.publish(&first.iter().map(|(_, event)| event.clone().into_bytes()).collect::<Vec<_>>());
    let unread: u64 = described(&kafka, &world).values().map(|[_, _, lag]| lag).sum();
    assert_eq!(unread, first.len() as u64);
}
