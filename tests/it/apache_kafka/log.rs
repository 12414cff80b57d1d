//! What a real log can hold and suffer: transactions, compressions, tombstones, and topics that are not what they were.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use grapevine::config::Config;
use grapevine::embedded::broker::{Message, Publisher};
use grapevine::event::parse;
use grapevine::kafka::{Part, Stretch, Tokens};
use grapevine::record::{Partition, Record};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use rdkafka::{Offset, TopicPartitionList};

use super::verdict::assert_sound;
use super::{ApacheKafka, PATIENT};
use crate::commands::{say, say_without_members};
use crate::events::{Data, number};
use crate::store::Database;
use crate::world::{PATIENCE, Worker, World, key, signal, until};

const PARTITIONS: usize = 3;

fn world(name: &str) -> (Arc<ApacheKafka>, World) {
    let kafka = ApacheKafka::shared();
    let world = World::on(&kafka, PARTITIONS, Database::absent(name));
    (kafka, world)
}

/// Lines in two halves that have no root in common.
fn halves(data: &Data) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let length = |line: &&Vec<u8>| key(line).map_or(0, |root| root.bytes().map(usize::from).sum());
    let (one, other): (Vec<&Vec<u8>>, Vec<&Vec<u8>>) = data.lines.iter().partition(|line| length(line).is_multiple_of(2));
    let owned = |lines: Vec<&Vec<u8>>| lines.into_iter().cloned().collect();
    (owned(one), owned(other))
}

/// How far each partition is complete, as the store says.
fn versions(world: &World) -> BTreeMap<String, u64> {
    let rows = world.ask("SELECT source, version FROM progress FINAL");
    rows.iter().map(|row| (row["source"].as_str().unwrap().to_owned(), number(&row["version"]))).collect()
}

/// Waits until the tables are complete up to the ends of the log, control records included, and offsets are committed there.
fn wait_for_the_ends(kafka: &ApacheKafka, world: &World, partitions: usize) {
    let numbers = 0..i32::try_from(partitions).unwrap();
    let ends: Vec<u64> = numbers.map(|partition| u64::try_from(kafka.bounds(&world.topic, partition).1).unwrap()).collect();
    until("the tables are complete up to the ends of the log", || {
        let versions: Vec<u64> = versions(world).into_values().collect();
        if versions == ends { Ok(()) } else { Err((versions, ends.clone())) }
    });
    until("offsets are committed up to the ends of the log", || {
        let committed = committed(world, partitions);
        if committed == ends { Ok(()) } else { Err((committed, ends.clone())) }
    });
}

/// What the worker's group has committed.
fn committed(world: &World, partitions: usize) -> Vec<u64> {
    let group = format!("{}-epoch-0", world.topic);
    let client: BaseConsumer =
        ClientConfig::new().set("bootstrap.servers", &world.brokers).set("group.id", group).create().unwrap();
    let mut list = TopicPartitionList::new();
    list.add_partition_range(&world.topic, 0, i32::try_from(partitions).unwrap() - 1);
    let answers = client.committed_offsets(list, PATIENCE).unwrap();
    let offset = |offset| if let Offset::Offset(next) = offset { u64::try_from(next).unwrap() } else { 0 };
    answers.elements().iter().map(|element| offset(element.offset())).collect()
}

/// Publishes in transactions.
struct Transactions {
    producer: BaseProducer,
    topic: String,
}

impl Transactions {
    fn new(world: &World) -> Transactions {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &world.brokers).set("transactional.id", format!("{}-writer", world.topic));
        config.set("transaction.timeout.ms", PATIENCE.as_millis().to_string());
        let producer: BaseProducer = config.set("partitioner", "murmur2_random").create().unwrap();
        producer.init_transactions(PATIENCE).unwrap();
        Transactions { producer, topic: world.topic.clone() }
    }

    fn begin(&self, lines: &[Vec<u8>]) {
        self.producer.begin_transaction().unwrap();
        for line in lines {
            let key = key(line).unwrap_or_default();
            let record = BaseRecord::to(&self.topic).payload(line);
            self.producer.send(if key.is_empty() { record } else { record.key(&key) }).map_err(|(error, _)| error).unwrap();
            self.producer.poll(Duration::ZERO);
        }
        self.producer.flush(PATIENCE).unwrap();
    }

    fn commit(&self, lines: &[Vec<u8>]) {
        self.begin(lines);
        self.producer.commit_transaction(PATIENCE).unwrap();
    }

    fn abort(&self) {
        self.producer.abort_transaction(PATIENCE).unwrap();
    }
}

/// Events that would change trees, under roots that exist, and lines that would be rejects.
fn false_lines(lines: &[Vec<u8>], number: usize) -> Vec<Vec<u8>> {
    let roots = lines.iter().filter_map(|line| {
        let record = Record { payload: Some(line), ..Record::default() };
        Some(parse(&record).ok()?.root()?.to_owned())
    });
    let event = |(at, root): (usize, String)| {
        let root = serde_json::to_string(&root).unwrap();
        let event = format!(
            "{{\"type\":\"share\",\"id\":\"false-{number}-{at}\",\"time\":1700000000000,\"actor\":\"nobody\",\"root\":{root},\"parent\":{root}}}"
        );
        event.into_bytes()
    };
    roots.take(200).enumerate().map(event).chain([b"no event".to_vec()]).collect()
}

#[test]
fn aborted_transactions_count_for_nothing_and_one_at_the_end_holds_nothing_up() {
    let data = Data::edge_cases();
    let (kafka, mut world) = world("transactions");
    let transactions = Transactions::new(&world);
    let mut worker = world.start(&[]);
    for (number, part) in data.lines.chunks(data.lines.len().div_ceil(6)).enumerate() {
        let (mine, others) = part.split_at(part.len() / 2);
        transactions.commit(mine);
        transactions.begin(&false_lines(part, number));
        // Written behind a transaction that is still open, hence not to be read before it ends.
        world.publish(others);
        if number == 2 {
            worker.kill();
            worker = world.start(&[]);
        }
        transactions.abort();
        if number == 4 {
            // The next one begins to read where nothing but what was aborted may follow.
            wait_for_the_ends(&kafka, &world, PARTITIONS);
            worker.stop();
            worker = world.start(&[]);
        }
    }
    wait_for_the_ends(&kafka, &world, PARTITIONS);
    assert_eq!(world.counts(), data.counts());
    let lag = || worker.metric("grapevine_kafka_consumer_lag", "");
    until("nothing is left to read", || if lag() == 0.0 { Ok(()) } else { Err(lag()) });
    worker.stop();
    assert_sound(&world, &data);
}

/// The offsets of the records that a part of the first partition holds, and whether it was read to its end.
fn part(world: &World, of: (u64, u64)) -> (Vec<u64>, bool) {
    let key = ("GRAPEVINE_RULES_PSEUDONYM_KEY".to_owned(), "a key for tests only".to_owned());
    let config = Config::load(Some(&world.folder().join("worker.toml")), [key].into_iter()).unwrap();
    let tokens = Tokens::start(&config.kafka).unwrap();
    let mut offsets = Vec::new();
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let mut stretch = Stretch::open(&config.kafka, &tokens, 0, Partition(0), of).unwrap();
        loop {
            match stretch.records().await.unwrap() {
                Part::Records(records) => offsets.extend(records.iter().map(|record| record.offset)),
                Part::NotHeld(said) => {
                    assert!(!said.is_empty());
                    return (offsets, false);
                }
                Part::Over => return (offsets, true),
            }
        }
    })
}

#[test]
fn a_part_of_a_log_goes_on_behind_what_was_aborted_and_is_not_held_where_the_log_was_cut() {
    let kafka = ApacheKafka::shared();
    let world = World::on(&kafka, 1, Database::absent("part"));
    let transactions = Transactions::new(&world);
    let lines = vec![b"a line".to_vec(); 3];
    transactions.commit(&lines);
    transactions.begin(&lines);
    transactions.abort();
    transactions.commit(&lines);
    // After each three a mark of the transaction.
    assert_eq!(part(&world, (0, 12)), (vec![0, 1, 2, 8, 9, 10], true));
    kafka.delete_records(&world.topic, 0, 9);
    assert_eq!(part(&world, (0, 12)), (vec![], false));
    assert_eq!(part(&world, (9, 12)), (vec![9, 10], true));
}

#[test]
fn an_open_transaction_shows_as_lag_and_as_a_stall_until_it_ends() {
    let data = Data::edge_cases();
    let (kafka, mut world) = world("open_transaction");
    let (before, behind) = data.lines.split_at(data.lines.len() / 2);
    let worker = world.start(&[]);
    world.publish(before);
    wait_for_the_ends(&kafka, &world, PARTITIONS);
    let of = |name: &str| worker.metric(name, "");
    let wait =
        |what: &str, holds: &dyn Fn() -> bool| until(what, || if holds() { Ok(()) } else { Err(worker.get("/metrics").1) });
    wait("nothing is left to read", &|| of("grapevine_kafka_consumer_lag") == 0.0);
    let transactions = Transactions::new(&world);
    transactions.begin(&false_lines(before, 0));
    world.publish(behind);
    wait("what is hidden counts", &|| of("grapevine_kafka_hidden_records") >= behind.len() as f64);
    wait("it is lag", &|| of("grapevine_kafka_consumer_lag") >= behind.len() as f64);
    wait("it is a stall", &|| of("grapevine_partition_stalled_seconds") > 2.0);
    wait("it has an age", &|| of("grapevine_kafka_consumer_lag_seconds") > 2.0);
    assert_eq!(world.counts()[0], before.len() as u64, "nobody reads what may be aborted, nor what stands behind it");
    transactions.abort();
    // The coordinator answers before it has written the end of the transaction everywhere.
    wait("nothing is hidden any more", &|| of("grapevine_kafka_hidden_records") == 0.0);
    wait_for_the_ends(&kafka, &world, PARTITIONS);
    wait("nothing is left to read", &|| of("grapevine_kafka_consumer_lag") == 0.0);
    assert_eq!(of("grapevine_partition_stalled_seconds"), 0.0);
    worker.stop();
    assert_sound(&world, &data);
}

#[test]
fn every_compression_is_read() {
    let data = Data::edge_cases();
    let (kafka, world) = world("compressions");
    let worker = world.start(&[]);
    let codecs = ["none", "gzip", "snappy", "lz4", "zstd"];
    for (codec, part) in codecs.iter().zip(data.lines.chunks(data.lines.len().div_ceil(codecs.len()))) {
        let setting = [("compression.type".to_owned(), (*codec).to_owned())];
        let mut publisher = Publisher::new(&world.brokers, &setting, &world.topic, None).unwrap();
        for line in part {
            let key = key(line);
            let message = Message { key: key.as_deref().map(str::as_bytes), payload: Some(line), ..Message::default() };
            publisher.publish(message).unwrap();
        }
        publisher.flush().unwrap();
    }
    wait_for_the_ends(&kafka, &world, PARTITIONS);
    worker.stop();
    assert_eq!(world.counts(), data.counts());
    assert_sound(&world, &data);
}

#[test]
fn tombstones_are_rejects() {
    const TOMBSTONES: u64 = 90;
    let data = Data::edge_cases();
    let (kafka, mut world) = world("tombstones");
    let worker = world.start(&[]);
    let mut publisher = Publisher::new(&world.brokers, &[], &world.topic, None).unwrap();
    for part in data.lines.chunks(data.lines.len().div_ceil(3)) {
        world.publish(part);
        for root in 0..TOMBSTONES / 3 {
            let root = format!("control-{root}");
            publisher.publish(Message { key: Some(root.as_bytes()), ..Message::default() }).unwrap();
        }
        publisher.flush().unwrap();
    }
    wait_for_the_ends(&kafka, &world, PARTITIONS);
    worker.stop();
    let [read, accepted, duplicates, rejected] = data.counts();
    assert_eq!(world.counts(), [read + TOMBSTONES, accepted, duplicates, rejected + TOMBSTONES]);
    let kept =
        &world.ask("SELECT countIf(reason = 'empty' AND payload = '' AND key LIKE 'control-%') AS n FROM rejects FINAL")[0];
    assert_eq!(number(&kept["n"]), TOMBSTONES);
    assert_sound(&world, &data);
}

#[test]
fn the_same_log_is_not_read_again_under_another_name() {
    let data = Data::edge_cases();
    let (_kafka, mut world) = world("samelog");
    let (first, second) = halves(&data);
    let worker = world.start(&[]);
    world.publish(&first);
    world.wait_for(first.len());
    worker.stop();
    let said = world.refused(&[("GRAPEVINE_WORKER_LOG", "renamed")]);
    let mistake = format!("`worker.log` is \"renamed\", but the workers of this epoch have read {}", world.topic);
    for words in [mistake.as_str(), "counted a second time", "Set `worker.log` back to \"events\"", "raise `epoch`"] {
        assert!(said.contains(words), "{said}");
    }
    assert_eq!(world.ask("SELECT source FROM progress FINAL WHERE source LIKE 'renamed/%'").len(), 0);
    world.publish(&second);
    let worker = world.start(&[]);
    world.wait_for(data.lines.len());
    worker.stop();
    assert_sound(&world, &data);
}

#[test]
fn a_topic_created_again_is_refused_until_its_log_has_another_name() {
    let data = Data::edge_cases();
    let (kafka, world) = world("recreated");
    let mut world = world.whose_log_changes();
    let (first, second) = halves(&data);
    let worker = world.start(&[]);
    world.publish(&first);
    world.wait_for(first.len());
    worker.stop();
    kafka.delete_topic(&world.topic);
    kafka.create_topic(&world.topic, PARTITIONS);
    world.forget_publisher();
    let empty = world.refused(&[]);
    assert!(empty.contains("ends at offset 0") && empty.contains("another name in `worker.log`"), "{empty}");
    // As much as there was, so that only the records themselves tell.
    while (0..3).any(|partition| kafka.bounds(&world.topic, partition).1 <= i64::try_from(first.len()).unwrap()) {
        world.publish(&second);
    }
    let other = world.refused(&[]);
    assert!(other.contains("differs from the one processed there") && other.contains("another name in `worker.log`"), "{other}");
    let worker = world.start(&[("GRAPEVINE_WORKER_LOG", "events-again")]);
    until("the new log is read", || {
        let versions = versions(&world);
        let ends: u64 = (0..3).map(|partition| u64::try_from(kafka.bounds(&world.topic, partition).1).unwrap()).sum();
        let read: u64 = versions.iter().filter(|(source, _)| source.starts_with("events-again/")).map(|(_, next)| next).sum();
        if read == ends { Ok(()) } else { Err((read, ends)) }
    });
    worker.stop();
    assert_sound(&world, &data);
}

#[test]
fn a_topic_created_again_under_a_running_worker_is_never_read_on() {
    let data = Data::edge_cases();
    let (kafka, world) = world("recreated_running");
    let mut world = world.whose_log_changes();
    let worker = world.start(&[]);
    world.publish(&data.lines);
    world.wait_for(data.lines.len());
    let before = world.content();
    kafka.delete_topic(&world.topic);
    kafka.create_topic(&world.topic, PARTITIONS);
    let said = worker.gave_up();
    assert!(said.contains("another name in `worker.log`"), "{said}");
    assert_eq!(world.content(), before);
}

/// Its client finds records at the old position, and nothing that tells them from the old ones.
#[test]
fn a_topic_created_again_and_filled_beyond_the_old_position_under_a_running_worker_is_not_read_on() {
    let data = Data::edge_cases();
    let (kafka, world) = world("recreated_filled");
    let mut world = world.whose_log_changes();
    let (first, second) = data.lines.split_at(1000);
    let worker = world.start(&PATIENT);
    world.publish(first);
    wait_for_the_ends(&kafka, &world, PARTITIONS);
    // It has asked what the topic is.
    std::thread::sleep(Duration::from_secs(10));
    signal(worker.process(), "STOP");
    kafka.delete_topic(&world.topic);
    kafka.create_topic(&world.topic, PARTITIONS);
    world.forget_publisher();
    world.publish(second);
    signal(worker.process(), "CONT");
    let said = worker.gave_up();
    assert!(said.contains("another name in `worker.log`"), "{said}");
}

#[test]
fn partitions_that_are_added_are_read_from_their_start() {
    let data = Data::edge_cases();
    let (kafka, mut world) = world("grown");
    let (first, second) = halves(&data);
    let one = world.start(&[]);
    world.publish(&first);
    world.wait_for(first.len());
    kafka.grow_topic(&world.topic, 2 * PARTITIONS);
    // Roots that nobody has seen yet: none of them was in another partition before.
    world.forget_publisher();
    world.publish(&second);
    // Whoever joins makes the group look at the topic.
    let other = world.start(&[]);
    wait_for_the_ends(&kafka, &world, 2 * PARTITIONS);
    one.stop();
    other.stop();
    assert_eq!(world.counts(), data.counts());
    assert_sound(&world, &data);
}

#[test]
fn a_log_that_has_lost_only_what_was_read_is_read_on_and_one_that_has_lost_more_is_refused() {
    let data = Data::edge_cases();
    let (kafka, world) = world("cut");
    let mut world = world.whose_log_changes();
    let (first, rest) = data.lines.split_at(data.lines.len() / 2);
    let worker = world.start(&[]);
    world.publish(first);
    wait_for_the_ends(&kafka, &world, PARTITIONS);
    worker.stop();
    let ends =
        |kafka: &ApacheKafka, world: &World| (0..3).map(|partition| kafka.bounds(&world.topic, partition).1).collect::<Vec<_>>();
    for (partition, end) in (0..).zip(ends(&kafka, &world)) {
        kafka.delete_records(&world.topic, partition, end);
    }
    let worker = world.start(&[]);
    world.publish(rest);
    wait_for_the_ends(&kafka, &world, PARTITIONS);
    worker.stop();
    assert_eq!(world.counts(), data.counts());
    assert_sound(&world, &data);

    let reach = "SELECT version, read FROM progress FINAL WHERE epoch = 0 AND source = 'events/1'";
    let before = (ends(&kafka, &world), world.ask(reach));
    world.publish(&first[..500]);
    kafka.delete_records(&world.topic, 1, before.0[1] + 1);
    let place = format!("the log of events/1 begins at offset {}, after offset {}", before.0[1] + 1, before.0[1]);
    // The partition is put aside, and the others go on; it is the last word of the worker too.
    let worker = world.start(&[]);
    worker.wait_until_unready(&place);
    signal(worker.process(), "TERM");
    let said = worker.gave_up();
    assert!(said.contains(&place) && said.contains("raise `epoch`"), "{said}");
    assert_eq!(world.ask(reach), before.1);
    // The way on: all that the log still holds.
    let worker = world.start(&[("GRAPEVINE_WORKER_EPOCH", "1")]);
    until("the new epoch is complete", || {
        let rows = world.ask("SELECT source, first, version FROM progress FINAL WHERE epoch = 1 ORDER BY source");
        let reach: Vec<(u64, u64)> = rows.iter().map(|row| (number(&row["first"]), number(&row["version"]))).collect();
        let bounds = |partition| kafka.bounds(&world.topic, partition);
        let unsigned = |(first, end): (i64, i64)| (u64::try_from(first).unwrap(), u64::try_from(end).unwrap());
        let wanted: Vec<(u64, u64)> = (0..3).map(|partition| unsigned(bounds(partition))).collect();
        if reach == wanted { Ok(()) } else { Err((reach, wanted)) }
    });
    worker.stop();
}

#[test]
fn a_log_that_is_cut_under_a_worker_that_sleeps_stops_it() {
    let data = Data::edge_cases();
    let (kafka, world) = world("cut_running");
    let mut world = world.whose_log_changes();
    let (first, rest) = data.lines.split_at(data.lines.len() / 2);
    let worker: Worker = world.start(&PATIENT);
    world.publish(first);
    wait_for_the_ends(&kafka, &world, PARTITIONS);
    signal(worker.process(), "STOP");
    // What it had asked for by then is answered with nothing, not with what comes now.
    std::thread::sleep(Duration::from_secs(2));
    let before = world.content();
    world.publish(rest);
    for partition in 0..3 {
        kafka.delete_records(&world.topic, partition, kafka.bounds(&world.topic, partition).1 - 1);
    }
    signal(worker.process(), "CONT");
    let said = worker.gave_up();
    assert!(said.contains("records are gone") && said.contains("raise `epoch`"), "{said}");
    assert_eq!(world.content(), before);
}

#[test]
fn of_facts_that_nobody_misses_those_are_named_that_the_log_has_lost_and_no_others() {
    let kafka = ApacheKafka::shared();
    let mut world = World::on(&kafka, 1, Database::absent("rewrite_cut")).whose_log_changes();
    let visit = |number: u8| format!(r#"{{"type":"visit","id":"v{number}","time":1708937974425,"visitor":"v"}}"#);
    let sale = r#"{"type":"conversion","id":"sale","time":1708937975425,"visitor":"v","amount":"12.5","currency":"EUR"}"#;
    let lines: Vec<Vec<u8>> =
        (0..10).map(visit).chain([sale.to_owned(), "no event".to_owned()]).map(String::into_bytes).collect();
    let worker = world.start(&[]);
    world.publish(&lines);
    world.wait_for(lines.len());
    worker.stop();
    kafka.delete_records(&world.topic, 0, 5);
    // Emptied a while ago, and written to since.
    world.run("ALTER TABLE visit DELETE WHERE id < 'v7' SETTINGS mutations_sync = 2");

    let plan = say(&world, &["rewrite", "--all", "--plan"], &[]).done();
    assert!(plan.contains("in visit: records that the log no longer holds, 0 to 5, unless the log shows"), "{plan}");
    for _ in 0..2 {
        say_without_members(&world, &["rewrite", "--all"]).done();
        let lost = world.ask("SELECT table, first, next FROM losses");
        // The only sale is in the log.
        assert_eq!(lost, [serde_json::json!({"table": "visit", "first": 0, "next": 5})]);
        let there = world.ask("SELECT arraySort(groupArray(id)) AS ids FROM visit FINAL");
        assert_eq!(there[0]["ids"], serde_json::json!(["v5", "v6", "v7", "v8", "v9"]));
    }
}
