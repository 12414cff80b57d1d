//! The source against the embedded broker, and where members and fetchers matter against Apache Kafka too: order, ends,
//! rebalances, commits, flow control.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use grapevine::certificates::Files;
use grapevine::config::{Kafka, Secret};
use grapevine::embedded::broker::{BrokerError, Consumed, Message, MockBroker, Publisher, create_topic};
use grapevine::failure::Failure;
use grapevine::kafka::{KafkaSource, Tokens, Trace};
use grapevine::record::{Header, Millis, Offset, Partition};
use grapevine::worker::{Delivery, Source};
use tempfile::TempDir;

use crate::apache_kafka::ApacheKafka;
use crate::traces;

/// How long anything here may take before it counts as not happening: a busy machine may make it long.
const PATIENCE: Duration = Duration::from_secs(600);

fn settings(brokers: &str, topic: &str) -> Kafka {
    Kafka {
        brokers: brokers.to_owned(),
        topic: topic.to_owned(),
        group: topic.to_owned(),
        group_protocol: "classic".to_owned(),
        group_instance_id: String::new(),
        security_protocol: "plaintext".to_owned(),
        sasl_mechanism: String::new(),
        sasl_username: String::new(),
        sasl_password: Secret::default(),
        sasl_password_file: None,
        oauth_token_url: String::new(),
        oauth_client_id: String::new(),
        oauth_client_secret: Secret::default(),
        oauth_client_secret_file: None,
        oauth_scope: String::new(),
        oauth_extensions: Vec::new(),
        oauth_ca_file: None,
        aws_region: String::new(),
        ssl_ca_file: None,
        ssl_crl_file: None,
        ssl_certificate_file: None,
        ssl_key_file: None,
        ssl_key_password: Secret::default(),
        ssl_key_password_file: None,
        ssl_files: Files::default(),
        session_timeout: Duration::from_millis(1500),
        heartbeat_interval: Duration::from_millis(200),
        max_poll_interval: Duration::from_secs(60),
        fetch_wait: Duration::from_millis(10),
        fetch_queue_backoff: Duration::from_millis(10),
        fetch_partition_bytes: 64 << 10,
        fetch_bytes: 1 << 20,
        queued_bytes: 4 << 20,
        statistics_interval: Duration::from_millis(200),
        rack: String::new(),
        client: std::collections::BTreeMap::new(),
    }
}

struct World {
    brokers: String,
    topic: &'static str,
    traces: TempDir,
    joined: AtomicUsize,
    _broker: Broker,
}

impl Drop for World {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            traces::judge(self.traces.path(), |_| true, false);
        }
    }
}

/// Kept alive for the world.
enum Broker {
    Embedded { _broker: MockBroker },
    Apache { _kafka: Arc<ApacheKafka> },
}

impl World {
    fn new(topic: &'static str, partitions: usize) -> Self {
        let broker = MockBroker::start().unwrap();
        broker.create_topic(topic, partitions).unwrap();
        let brokers = broker.bootstrap_servers().to_owned();
        Self::around(topic, brokers, Broker::Embedded { _broker: broker })
    }

    fn on_apache_kafka(topic: &'static str, partitions: usize) -> Self {
        let kafka = ApacheKafka::shared();
        kafka.create_topic(topic, partitions);
        Self::around(topic, kafka.brokers(), Broker::Apache { _kafka: kafka })
    }

    fn around(topic: &'static str, brokers: String, broker: Broker) -> Self {
        Self { brokers, topic, traces: tempfile::tempdir().unwrap(), joined: AtomicUsize::new(0), _broker: broker }
    }

    fn join(&self) -> KafkaSource {
        self.join_by("classic")
    }

    fn join_by(&self, protocol: &str) -> KafkaSource {
        let settings = Kafka { group_protocol: protocol.to_owned(), ..settings(&self.brokers, self.topic) };
        let tokens = Tokens::start(&settings).unwrap();
        let source = KafkaSource::connect(&settings, &tokens, "log", 1, 0).unwrap();
        let number = self.joined.fetch_add(1, Ordering::Relaxed);
        source.with_trace(Trace::to(&self.traces.path().join(number.to_string())).unwrap())
    }

    fn publisher(&self, more: &[(&str, &str)]) -> Publisher {
        let more: Vec<_> = more.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Publisher::new(&self.brokers, &more, self.topic, None).unwrap()
    }

    fn publish(&self, payloads: &[&str]) {
        let mut publisher = self.publisher(&[]);
        for payload in payloads {
            publisher.publish(Message { payload: Some(payload.as_bytes()), ..Message::default() }).unwrap();
        }
        publisher.flush().unwrap();
    }

    /// Publishes to partition 0 of seven.
    fn publish_to_zero(&self, count: usize) {
        let mut publisher = self.publisher(&[]);
        for _ in 0..count {
            publisher.publish(Message { key: Some(KEY_OF_ZERO), payload: Some(b"x"), ..Message::default() }).unwrap();
        }
        publisher.flush().unwrap();
    }
}

/// A delivery that owns what it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Seen {
    Assigned(Vec<Partition>),
    Records(Partition, Vec<Copy>),
    End(Partition, Offset),
    Revoked(Vec<Partition>),
    Lost(Vec<Partition>),
    Fenced(Vec<Partition>),
    Doubted(Partition),
    Idle,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Copy {
    offset: Offset,
    timestamp: Option<Millis>,
    key: Option<Vec<u8>>,
    payload: Option<Vec<u8>>,
    headers: Vec<(String, Option<Vec<u8>>)>,
}

impl Copy {
    fn text(&self) -> &str {
        std::str::from_utf8(self.payload.as_deref().unwrap()).unwrap()
    }
}

async fn step(source: &mut KafkaSource) -> Seen {
    match source.next().await.unwrap() {
        Delivery::Assigned(partitions) => Seen::Assigned(partitions),
        Delivery::Revoked(partitions) => Seen::Revoked(partitions),
        Delivery::Lost(partitions) => Seen::Lost(partitions),
        Delivery::Fenced(partitions) => Seen::Fenced(partitions),
        Delivery::Doubted(partition) => Seen::Doubted(partition),
        Delivery::End(partition, end) => Seen::End(partition, end),
        Delivery::Idle => Seen::Idle,
        Delivery::Records(partition, records) => {
            let copy = |record: &grapevine::record::Record<'_>| Copy {
                offset: record.offset,
                timestamp: record.timestamp,
                key: record.key.map(<[u8]>::to_vec),
                payload: record.payload.map(<[u8]>::to_vec),
                headers: record.headers.iter().map(|h| (h.name.to_owned(), h.value.map(<[u8]>::to_vec))).collect(),
            };
            Seen::Records(partition, records.iter().map(copy).collect())
        }
    }
}

/// Steps until something is found, and returns it; panics when it does not come.
async fn until<T>(source: &mut KafkaSource, mut find: impl FnMut(&Seen) -> Option<T>) -> T {
    let found = async {
        loop {
            if let Some(found) = find(&step(source).await) {
                return found;
            }
        }
    };
    tokio::time::timeout(PATIENCE, found).await.expect("it did not happen in time")
}

async fn assigned(source: &mut KafkaSource) -> Vec<Partition> {
    until(source, |seen| match seen {
        Seen::Assigned(partitions) => Some(partitions.clone()),
        Seen::Records(..)
        | Seen::End(..)
        | Seen::Revoked(_)
        | Seen::Lost(_)
        | Seen::Fenced(_)
        | Seen::Doubted(_)
        | Seen::Idle => None,
    })
    .await
}

/// Everything of partition 0 up to its end, and the end.
async fn to_end(source: &mut KafkaSource) -> (Vec<Copy>, Offset) {
    let mut all = Vec::new();
    let end = until(source, |seen| match seen {
        Seen::Records(_, records) => {
            all.extend(records.iter().cloned());
            None
        }
        Seen::End(_, end) => Some(*end),
        Seen::Assigned(_) | Seen::Revoked(_) | Seen::Lost(_) | Seen::Fenced(_) | Seen::Doubted(_) | Seen::Idle => None,
    })
    .await;
    (all, end)
}

const ZERO: Partition = Partition(0);

/// A key whose hash says partition 0, of seven.
const KEY_OF_ZERO: &[u8] = b"key2";

#[tokio::test]
async fn records_come_back_whole_and_in_order_with_every_compression() {
    let world = World::new("whole", 1);
    for compression in ["none", "gzip", "snappy", "lz4", "zstd"] {
        let mut publisher = world.publisher(&[("compression.type", compression)]);
        let headers = [
            Header { name: "ce_type", value: Some(b"reply") },
            Header { name: "nothing", value: None },
            Header { name: "empty", value: Some(b"") },
        ];
        for number in 0..100_i64 {
            let text = format!("{compression} {number} {}", "x".repeat(200));
            publisher
                .publish(Message {
                    key: Some(b"root"),
                    payload: Some(text.as_bytes()),
                    headers: &headers,
                    timestamp: Some(1_000_000_000_000 + number),
                })
                .unwrap();
        }
        publisher.publish(Message { timestamp: Some(5), ..Message::default() }).unwrap();
        publisher.publish(Message { key: Some(b""), payload: Some(b""), ..Message::default() }).unwrap();
        publisher.flush().unwrap();
        publisher.nothing_dropped().unwrap();
    }

    let mut source = world.join();
    assert_eq!(assigned(&mut source).await, [ZERO]);
    source.start(ZERO, 0).unwrap();
    let (all, end) = to_end(&mut source).await;

    assert_eq!(end, 510);
    assert!(all.iter().map(|record| record.offset).eq(0..510));
    let first = &all[102];
    assert!(first.text().starts_with("gzip 0 xxx"));
    assert_eq!(first.key.as_deref(), Some(b"root".as_slice()));
    assert_eq!(first.timestamp, Some(1_000_000_000_000));
    assert_eq!(
        first.headers,
        [("ce_type".to_owned(), Some(b"reply".to_vec())), ("nothing".to_owned(), None), ("empty".to_owned(), Some(Vec::new()))]
    );
    let tombstone = &all[100];
    assert_eq!((&tombstone.key, &tombstone.payload, tombstone.timestamp), (&None, &None, Some(5)));
    let empty = &all[101];
    assert_eq!((empty.key.as_deref(), empty.payload.as_deref()), (Some(b"".as_slice()), Some(b"".as_slice())));
    source.close().await.unwrap();
}

#[tokio::test]
async fn an_empty_partition_ends_where_it_begins() {
    let world = World::new("empty", 1);
    let mut source = world.join();
    assigned(&mut source).await;
    source.start(ZERO, 0).unwrap();
    assert_eq!(to_end(&mut source).await, (Vec::new(), 0));
}

#[tokio::test]
async fn reading_starts_where_the_loop_says() {
    let world = World::new("middle", 1);
    world.publish(&["a", "b", "c", "d"]);
    let mut source = world.join();
    assigned(&mut source).await;
    source.start(ZERO, 2).unwrap();
    let (all, end) = to_end(&mut source).await;
    assert_eq!((all[0].offset, all[0].text(), all.len(), end), (2, "c", 2, 4));
    assert_eq!(source.lag().iter().map(|lag| (lag.partition, lag.unread)).collect::<Vec<_>>(), [(ZERO, Some(0))]);

    source.start(ZERO, 1).unwrap();
    let (again, end) = to_end(&mut source).await;
    assert_eq!((again[0].offset, again.len(), end), (1, 3, 4));
}

/// What each partition's records were, and whom a member was told that it owns.
#[derive(Default)]
struct Read {
    owned: BTreeSet<Partition>,
    records: BTreeMap<Partition, usize>,
}

impl Read {
    /// One step of a member that starts whatever it is given, and gives back whatever it is asked for.
    async fn step(&mut self, source: &mut KafkaSource) {
        match step(source).await {
            Seen::Assigned(partitions) => {
                for partition in partitions {
                    self.owned.insert(partition);
                    source.start(partition, 0).unwrap();
                }
            }
            Seen::Revoked(partitions) | Seen::Lost(partitions) | Seen::Fenced(partitions) => {
                self.owned.retain(|partition| !partitions.contains(partition));
                source.release(&partitions).unwrap();
            }
            Seen::Records(partition, records) => *self.records.entry(partition).or_default() += records.len(),
            Seen::Doubted(partition) => panic!("{partition} was doubted"),
            Seen::End(..) | Seen::Idle => {}
        }
    }
}

#[tokio::test]
async fn a_partition_that_is_given_up_unasked_is_read_no_more_until_the_group_moves_it() {
    let world = World::new("aside", 2);
    let (mut first, mut of_first) = (world.join(), Read::default());
    let late = tokio::time::Instant::now() + PATIENCE;
    world.publish(&["a"; 40]);
    while of_first.records.values().sum::<usize>() < 40 {
        assert!(tokio::time::Instant::now() < late, "{:?}", of_first.records);
        of_first.step(&mut first).await;
    }
    first.release(&[ZERO]).unwrap();
    let before = of_first.records[&ZERO];
    world.publish(&["b"; 40]);
    let other = of_first.records[&Partition(1)];
    // Records without a key go round, in batches: both partitions get some in the end.
    while of_first.records[&Partition(1)] == other {
        assert!(tokio::time::Instant::now() < late, "{:?}", of_first.records);
        world.publish(&["c"]);
        of_first.step(&mut first).await;
    }
    first.commit(&[(Partition(1), 1)]).await.unwrap();
    assert_eq!(of_first.records[&ZERO], before, "what was given up is read no more");

    // The group still believes that it is here, and asks for it, or for the other one, when somebody joins.
    let (mut second, mut of_second) = (world.join(), Read::default());
    while of_second.owned.len() != 1 || of_first.owned.len() != 1 || of_second.records.is_empty() {
        assert!(tokio::time::Instant::now() < late, "{:?} {:?}", of_first.owned, of_second.owned);
        of_first.step(&mut first).await;
        of_second.step(&mut second).await;
    }
    assert!(of_first.owned.is_disjoint(&of_second.owned));
    first.close().await.unwrap();
    while of_second.owned.len() != 2 {
        assert!(tokio::time::Instant::now() < late, "{:?}", of_second.owned);
        of_second.step(&mut second).await;
    }
    second.close().await.unwrap();
}

/// The client's batches mix records and ends, and are handed out run by run: what is left of one when another partition is
/// given up must be handed out all the same.
#[tokio::test]
async fn the_rest_of_a_batch_survives_when_another_partition_is_given_up() {
    const OTHERS: i32 = 6;
    let world = World::new("rest", 1 + OTHERS.unsigned_abs() as usize);
    let mut source = world.join();
    for partition in assigned(&mut source).await {
        source.start(partition, 0).unwrap();
    }
    let (mut read, mut split) = (Vec::new(), 0);
    for given_up in 1..=OTHERS {
        source.pause(None, true);
        world.publish_to_zero(10);
        until_fetched(&mut source, 10).await;
        world.publish_to_zero(10);
        until_fetched(&mut source, 20).await;
        source.pause(None, false);
        let run = until(&mut source, offsets_of_zero).await;
        split += usize::from(run.len() < 20);
        read.extend(run);
        source.release(&[Partition(given_up)]).unwrap();
        world.publish_to_zero(1);
        let end = 21 * u64::try_from(given_up).unwrap();
        while read.last() != Some(&(end - 1)) {
            read.extend(until(&mut source, offsets_of_zero).await);
        }
        assert!(read.iter().copied().eq(0..end), "there is a hole: {read:?}");
    }
    assert!(split > 0, "no batch held an end between its records");
}

fn offsets_of_zero(seen: &Seen) -> Option<Vec<Offset>> {
    match seen {
        Seen::Records(ZERO, records) => Some(records.iter().map(|record| record.offset).collect()),
        Seen::Records(..)
        | Seen::Assigned(_)
        | Seen::End(..)
        | Seen::Revoked(_)
        | Seen::Lost(_)
        | Seen::Fenced(_)
        | Seen::Doubted(_)
        | Seen::Idle => None,
    }
}

/// Until the client knows of so many records that were not handed out, and has had time to tell their end.
async fn until_fetched(source: &mut KafkaSource, unread: u64) {
    let mut after = 0;
    while after < 10 {
        until(source, |seen| matches!(seen, Seen::Idle).then_some(())).await;
        let known = source.lag().into_iter().any(|lag| lag.partition == ZERO && lag.unread == Some(unread));
        after += usize::from(known);
    }
}

#[tokio::test]
async fn an_offset_that_the_log_does_not_hold_is_for_the_operator() {
    let world = World::new("gone", 1);
    world.publish(&["a"]);
    let mut source = world.join();
    assigned(&mut source).await;
    source.start(ZERO, 7).unwrap();
    let refused = async {
        loop {
            let doubted = match source.next().await {
                Err(error) => return error,
                Ok(delivery) => matches!(delivery, Delivery::Doubted(_)),
            };
            // The log was compared and is the one it was: it is read again, and then given up.
            if doubted {
                source.start(ZERO, 7).unwrap();
            }
        }
    };
    let error = tokio::time::timeout(PATIENCE, refused).await.unwrap();
    let Failure::Operator(message) = error else { panic!("{error}") };
    assert!(message.contains("gone/0 at offset 7"), "{message}");
}

#[tokio::test]
async fn a_topic_that_does_not_exist_is_named_and_waited_for() {
    let broker = MockBroker::start().unwrap();
    broker.create_topic("other", 1).unwrap();
    let settings = settings(broker.bootstrap_servers(), "absent");
    let mut source = KafkaSource::connect(&settings, &Tokens::start(&settings).unwrap(), "log", 1, 0).unwrap();
    let mut complaints = Vec::new();
    for _ in 0..200 {
        match source.next().await {
            Ok(Delivery::Idle) => {}
            Ok(other) => panic!("{other:?}"),
            Err(Failure::Transient(message)) => complaints.push(message),
            Err(Failure::Operator(message)) => panic!("{message}"),
        }
    }
    assert_eq!(complaints.len(), 1, "{complaints:?}");
    assert!(complaints[0].contains("absent"), "{complaints:?}");
}

#[tokio::test]
async fn a_commit_is_seen_by_the_next_member() {
    let world = World::new("commit", 1);
    world.publish(&["a", "b", "c"]);
    let mut source = world.join();
    assigned(&mut source).await;
    let bounds = source.bounds(ZERO).await.unwrap();
    assert_eq!((bounds.first, bounds.end, bounds.committed), (0, 3, None));
    source.commit(&[(ZERO, 2)]).await.unwrap();
    source.close().await.unwrap();

    let mut next = world.join();
    assigned(&mut next).await;
    assert_eq!(next.bounds(ZERO).await.unwrap().committed, Some(2));
}

#[tokio::test]
async fn what_a_group_commits_counts_as_consumed() {
    let world = World::new("followed", 1);
    let consumed = Consumed::new(1);
    let follower = consumed.follow(&world.brokers, "followed-epoch-1", world.topic).unwrap();
    let mut source = world.join();
    assigned(&mut source).await;
    source.commit(&[(ZERO, 5)]).await.unwrap();
    until(&mut source, |_| (consumed.next(ZERO) == 5).then_some(())).await;
    drop(follower);
}

#[tokio::test]
async fn a_broker_that_is_gone_makes_a_commit_fail() {
    let world = World::new("failing", 1);
    let mut source = world.join();
    assigned(&mut source).await;
    drop(world);
    assert!(source.commit(&[(ZERO, 1)]).await.is_err());
}

/// Takes one step of a member, starts what it gets behind what was seen, and releases what it loses.
async fn answer(name: u8, source: &mut KafkaSource, seen: &mut BTreeMap<Partition, Vec<(u8, Offset)>>) {
    match step(source).await {
        Seen::Assigned(partitions) => {
            for partition in partitions {
                let next = seen.get(&partition).and_then(|read| read.last()).map_or(0, |last| last.1 + 1);
                source.start(partition, next).unwrap();
            }
        }
        Seen::Revoked(partitions) | Seen::Lost(partitions) | Seen::Fenced(partitions) => source.release(&partitions).unwrap(),
        Seen::Records(partition, records) => {
            seen.entry(partition).or_default().extend(records.iter().map(|record| (name, record.offset)));
        }
        Seen::End(..) | Seen::Doubted(_) | Seen::Idle => {}
    }
}

/// Drives both members, starting what they get and releasing what they lose, until each owns half.
async fn share_out(first: &mut KafkaSource, second: &mut KafkaSource, seen: &mut BTreeMap<Partition, Vec<(u8, Offset)>>) {
    let balanced = async {
        while first.assigned().len() != 2 || second.assigned().len() != 2 {
            answer(1, first, seen).await;
            answer(2, second, seen).await;
        }
    };
    tokio::time::timeout(PATIENCE, balanced).await.expect("the group did not balance in time");
}

#[tokio::test]
async fn a_second_member_takes_over_and_no_record_is_read_twice() {
    taking_over(World::new("shared", 4), "classic").await;
}

#[tokio::test]
async fn a_second_member_takes_over_by_the_consumer_protocol_too() {
    taking_over(World::new("shared", 4), "consumer").await;
}

#[test]
fn a_second_member_takes_over_on_apache_kafka() {
    for (topic, protocol) in [("shared_classic", "classic"), ("shared_consumer", "consumer")] {
        alone(taking_over(World::on_apache_kafka(topic, 4), protocol));
    }
}

/// Runs a test that has begun outside of any runtime.
fn alone(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test);
}

async fn taking_over(world: World, protocol: &str) {
    let payloads: Vec<String> = (0..400).map(|number| number.to_string()).collect();
    let payloads: Vec<&str> = payloads.iter().map(String::as_str).collect();
    world.publish(&payloads);
    let mut first = world.join_by(protocol);
    let mut seen = BTreeMap::new();
    let all = assigned(&mut first).await;
    assert_eq!(all.len(), 4);
    // One partition is never started: its revocation must complete all the same.
    for partition in &all[..3] {
        first.start(*partition, 0).unwrap();
    }
    let mut ends = BTreeSet::new();
    until(&mut first, |delivery| {
        match delivery {
            Seen::Records(partition, records) => {
                seen.entry(*partition).or_insert_with(Vec::new).extend(records.iter().map(|record| (1, record.offset)));
            }
            Seen::End(partition, _) => {
                ends.insert(*partition);
            }
            Seen::Assigned(_) | Seen::Revoked(_) | Seen::Lost(_) | Seen::Fenced(_) | Seen::Doubted(_) | Seen::Idle => {}
        }
        (ends.len() == 3).then_some(())
    })
    .await;

    let mut second = world.join_by(protocol);
    share_out(&mut first, &mut second, &mut seen).await;
    world.publish(&payloads);
    let both = async {
        let unstarted = all[3];
        while seen.iter().filter(|(partition, _)| **partition != unstarted).map(|(_, read)| read.len()).sum::<usize>() < 600 {
            for (name, source) in [(1, &mut first), (2, &mut second)] {
                if let Seen::Records(partition, records) = step(source).await {
                    seen.entry(partition).or_default().extend(records.iter().map(|record| (name, record.offset)));
                }
            }
        }
    };
    tokio::time::timeout(PATIENCE, both).await.expect("records are missing");
    for (partition, read) in &seen {
        let mut offsets: Vec<Offset> = read.iter().map(|(_, offset)| *offset).collect();
        let count = offsets.len();
        offsets.sort_unstable();
        offsets.dedup();
        assert_eq!(offsets.len(), count, "partition {partition} was read twice: {read:?}");
        assert!(offsets.iter().copied().eq(0..count as u64), "partition {partition} has gaps: {read:?}");
    }
    assert!(seen.values().flatten().any(|(name, _)| *name == 2));
    first.close().await.unwrap();
    second.close().await.unwrap();
}

#[tokio::test]
async fn a_record_that_follows_an_end_survives_a_rebalance_in_between() {
    after_an_end(World::new("after_end", 4)).await;
}

#[test]
fn a_record_that_follows_an_end_survives_a_rebalance_on_apache_kafka() {
    alone(after_an_end(World::on_apache_kafka("after_end", 4)));
}

async fn after_an_end(world: World) {
    world.publish(&["a", "b", "c", "d"]);
    let mut first = world.join();
    for partition in assigned(&mut first).await {
        first.start(partition, 0).unwrap();
    }
    let mut ends = 0;
    until(&mut first, |seen| {
        ends += usize::from(matches!(seen, Seen::End(..)));
        (ends == 4).then_some(())
    })
    .await;
    let mut second = world.join();
    share_out(&mut first, &mut second, &mut BTreeMap::new()).await;
    let kept = first.assigned();
    // The client believes that it stands behind the end; the next record is exactly there.
    world.publish(&["e", "f", "g", "h"]);
    let mut found = BTreeSet::new();
    until(&mut first, |seen| {
        if let Seen::Records(partition, records) = seen {
            assert_eq!(records[0].offset, 1);
            found.insert(*partition);
        }
        kept.iter().all(|partition| found.contains(partition)).then_some(())
    })
    .await;
}

#[test]
fn single_records_between_ends_and_rebalances_are_read_once_each() {
    for (topic, protocol) in [("between_classic", "classic"), ("between_consumer", "consumer")] {
        alone(between_rebalances(World::on_apache_kafka(topic, 4), protocol));
    }
}

/// The client's position is one too far after every end, and every rebalance makes it go there.
async fn between_rebalances(world: World, protocol: &str) {
    const ROUNDS: usize = 4;
    let mut first = world.join_by(protocol);
    let mut seen = BTreeMap::new();
    for partition in assigned(&mut first).await {
        first.start(partition, 0).unwrap();
    }
    for round in 0..ROUNDS {
        let mut second = world.join_by(protocol);
        share_out(&mut first, &mut second, &mut seen).await;
        world.publish(&["a", "b", "c", "d"]);
        read_on(&mut [&mut first, &mut second], &mut seen, 2 * round + 1).await;
        second.close().await.unwrap();
        world.publish(&["e", "f", "g", "h"]);
        read_on(&mut [&mut first], &mut seen, 2 * round + 2).await;
    }
    for (partition, read) in &seen {
        assert!(read.iter().map(|(_, offset)| *offset).eq(0..2 * ROUNDS as u64), "{partition}: {read:?}");
    }
}

/// Drives members until so many records of every partition have been read.
async fn read_on(members: &mut [&mut KafkaSource], seen: &mut BTreeMap<Partition, Vec<(u8, Offset)>>, count: usize) {
    let complete = async {
        while seen.len() < 4 || seen.values().any(|read| read.len() < count) {
            for source in members.iter_mut() {
                answer(1, source, seen).await;
            }
        }
    };
    tokio::time::timeout(PATIENCE, complete).await.unwrap_or_else(|_| panic!("not {count} records each: {seen:?}"));
}

#[tokio::test]
async fn a_pause_stops_records_but_not_rebalances() {
    let world = World::new("paused", 4);
    let mut first = world.join();
    let all = assigned(&mut first).await;
    for partition in &all {
        first.start(*partition, 0).unwrap();
    }
    first.pause(None, true);
    world.publish(&["a", "b", "c", "d"]);
    let mut second = world.join();
    let revoked = async {
        loop {
            // The second member has to be driven too, so that it joins.
            if let Seen::Assigned(partitions) = step(&mut second).await {
                for partition in partitions {
                    second.start(partition, 0).unwrap();
                }
            }
            match step(&mut first).await {
                Seen::Revoked(partitions) => return partitions,
                Seen::Records(partition, _) => panic!("{partition} was read"),
                Seen::Assigned(_) | Seen::End(..) | Seen::Lost(_) | Seen::Fenced(_) | Seen::Doubted(_) | Seen::Idle => {}
            }
        }
    };
    let revoked = tokio::time::timeout(PATIENCE, revoked).await.expect("no revocation");
    first.release(&revoked).unwrap();
    first.pause(None, false);
    let kept: Vec<Partition> = all.into_iter().filter(|partition| !revoked.contains(partition)).collect();
    let mut found = BTreeSet::new();
    until(&mut first, |seen| {
        if let Seen::Records(partition, records) = seen {
            assert_eq!((records.len(), records[0].offset), (1, 0));
            found.insert(*partition);
        }
        kept.iter().all(|partition| found.contains(partition)).then_some(())
    })
    .await;
    assert!(found.iter().all(|partition| kept.contains(partition)));
}

#[tokio::test]
async fn forty_mebibytes_through_one_partition_lose_nothing() {
    const COUNT: u64 = 20_000;
    let world = World::new("narrow", 1);
    let consumed = Consumed::new(1);
    let mut publisher = Publisher::new(&world.brokers, &[], world.topic, Some(consumed.clone())).unwrap();
    let writing = std::thread::spawn(move || {
        // Not compressible, so that the broker's limit is met.
        let mut state = 88_172_645_463_325_252_u64;
        for _ in 0..COUNT {
            let payload: Vec<u8> = (0..262)
                .flat_map(|_| {
                    state ^= state << 13;
                    state ^= state >> 7;
                    state ^= state << 17;
                    state.to_le_bytes()
                })
                .collect();
            publisher.publish(Message { payload: Some(&payload), ..Message::default() })?;
        }
        publisher.flush()?;
        Ok::<_, BrokerError>(publisher)
    });
    let mut source = world.join();
    assigned(&mut source).await;
    source.start(ZERO, 0).unwrap();
    let mut next = 0;
    until(&mut source, |seen| {
        if let Seen::Records(partition, records) = seen {
            for record in records {
                assert_eq!(record.offset, next);
                next += 1;
            }
            consumed.advance(*partition, next);
        }
        (next == COUNT).then_some(())
    })
    .await;
    let publisher = writing.join().unwrap().unwrap();
    publisher.nothing_dropped().unwrap();
}

#[tokio::test]
async fn a_publisher_gives_up_when_the_reader_stops() {
    let world = World::new("stopped", 1);
    let consumed = Consumed::new(1);
    let mut publisher = Publisher::new(&world.brokers, &[], world.topic, Some(consumed.clone())).unwrap();
    consumed.stop();
    let payload = vec![7; 1 << 16];
    let outcome = (0..100).try_for_each(|_| publisher.publish(Message { payload: Some(&payload), ..Message::default() }));
    assert!(matches!(outcome, Err(BrokerError::Stopped)), "{outcome:?}");
    publisher.flush().unwrap();
    publisher.nothing_dropped().unwrap();
}

#[tokio::test]
async fn equal_keys_share_a_partition_as_other_producers_choose_it() {
    let world = World::new("keys", 6);
    let mut publisher = world.publisher(&[]);
    for _ in 0..3 {
        publisher.publish(Message { key: Some(b"kafka"), payload: Some(b"x"), ..Message::default() }).unwrap();
    }
    publisher.flush().unwrap();
    let mut source = world.join();
    for partition in assigned(&mut source).await {
        source.start(partition, 0).unwrap();
    }
    // murmur2("kafka") = 0xd067cf64, made positive, modulo 6.
    let expected = Partition(i32::try_from((0xd067_cf64_u32 & 0x7fff_ffff) % 6).unwrap());
    let (partition, count) = until(&mut source, |seen| match seen {
        Seen::Records(partition, records) => Some((*partition, records.len())),
        Seen::Assigned(_)
        | Seen::End(..)
        | Seen::Revoked(_)
        | Seen::Lost(_)
        | Seen::Fenced(_)
        | Seen::Doubted(_)
        | Seen::Idle => None,
    })
    .await;
    assert_eq!((partition, count), (expected, 3));
}

#[tokio::test]
async fn a_broker_that_does_not_answer_is_reported_when_a_topic_is_created() {
    let short = [("socket.timeout.ms".to_owned(), "1000".to_owned())];
    let outcome = create_topic("127.0.0.1:1", &short, "any", 1);
    assert!(matches!(tokio::time::timeout(Duration::from_secs(45), outcome).await, Ok(Err(BrokerError::Broker(_)))));
}
