//! The admin server and the page of metrics, over HTTP as Prometheus and probes see them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant};

use grapevine::admin::{self, Bounds};
use grapevine::certificates::Lifetime;
use grapevine::config::Config;
use grapevine::engine::{Batch, Holdings, LATENESS_BOUNDS, Tally};
use grapevine::event::UnknownFields;
use grapevine::failure::Failure;
use grapevine::metrics::{
    ErrorClass, Flushed, Health, InsertResult, LoopWatch, Metrics, Obstacle, Phase, Rebalance, Table, TopicProblem,
};
use grapevine::record::Partition;
use grapevine::row::{Progress, Rows};
use grapevine::service::Service;
use grapevine::worker::{Notice, Observer as _, Position, Silent};
use prometheus::Registry;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use crate::commands::Said;
use crate::world::PATIENCE;

const P: Partition = Partition(3);
/// One that must not be read on.
const ASIDE: Partition = Partition(4);

struct Fixture {
    registry: Registry,
    health: Arc<Health>,
    metrics: Arc<Metrics>,
    now: Arc<AtomicI64>,
}

/// A worker of one loop whose clock stands at 1,000 seconds.
fn fixture() -> Fixture {
    let registry = Registry::new();
    let health = Arc::new(Health::new(1, Duration::from_secs(3600), Instant::now()));
    let now = Arc::new(AtomicI64::new(1_000_000));
    let clock = Arc::clone(&now);
    let metrics = Metrics::with_clock(&registry, "events", Arc::clone(&health), move || clock.load(Ordering::Relaxed)).unwrap();
    Fixture { registry, health, metrics: Arc::new(metrics), now }
}

fn tally() -> Tally {
    let mut tally = Tally::default();
    tally.accepted[1] = 5;
    tally.duplicates[2] = 2;
    tally.rejected[0] = 1;
    tally.rejected[4] = 2;
    tally.conflicting_copies = 1;
    tally.future = 1;
    tally.ahead = 4;
    tally.lateness[0] = 2;
    tally.lateness[4] = 2;
    tally.lateness[LATENESS_BOUNDS.len()] = 1;
    tally.lateness_sum = 90_061_500;
    tally.evicted_by_age = 1;
    tally.evicted_by_budget = 2;
    tally
}

/// Records one of everything on a partition that is owned.
fn record_everything(metrics: &Metrics) {
    metrics.record_rebalance(Rebalance::Assigned);
    metrics.record_assigned(&[P]);
    let holdings = Holdings { roots: 4, nodes: 9, inferred: 1, entries: 12, bytes: 4096 };
    let tally = tally();
    metrics.record_batch(&Flushed { partition: P, read: 10, tally: &tally, holdings, watermark: Some(940_000), rows: 7 });
    metrics.record_lag(P, Some(17), Some(995_000));
    let table = |name| Table::named(name).unwrap();
    metrics.record_insert(table("cascade"), InsertResult::Ok, 7, Duration::from_millis(20));
    metrics.record_insert(table("thread"), InsertResult::Transient, 9, Duration::from_secs(2));
    metrics.record_retry(ErrorClass::Transient);
    metrics.record_published(P, 2048);
    metrics.record_checkpoint_failed();
    metrics.record_phase(Phase::Process, Duration::from_millis(1500));
    metrics.record_unknown_fields(&UnknownFields([1, 2, 3, 4]));
    metrics.record_refused(ASIDE);
    metrics.record_log(P, 5, Some(2));
    metrics.record_topic_problem(TopicProblem::Compacted, true);
    metrics.record_retention(Some(Duration::from_secs(100)));
    metrics.record_answers("grapevine", 950_000);
    metrics.record_answers_missing("grapevine", true);
    metrics.record_memory_limit(Some(1 << 30));
    metrics.record_certificate("kafka.ssl_certificate_file", Lifetime { from: 0, until: 1500 });
    metrics.record_refused_renewals(2);
    metrics.record_token(Lifetime { from: 1000, until: 1300 });
    metrics.record_foreign_members(3);
}

/// The value of each series of a page.
fn series(page: &str) -> BTreeMap<String, f64> {
    let samples = page.lines().filter(|line| !line.starts_with('#'));
    samples.map(|line| line.rsplit_once(' ').unwrap()).map(|(name, value)| (name.to_owned(), value.parse().unwrap())).collect()
}

#[test]
fn the_catalogue_is_the_golden_one() {
    let fixture = fixture();
    record_everything(&fixture.metrics);
    fixture.metrics.page().unwrap();
    let mut catalogue = String::new();
    for family in fixture.registry.gather() {
        let labels: BTreeSet<&str> = family.get_metric().iter().flat_map(|m| m.get_label()).map(|label| label.name()).collect();
        let labels = labels.into_iter().collect::<Vec<_>>().join(",");
        catalogue += &format!("{} {:?} {{{labels}}}\n  {}\n", family.name(), family.get_field_type(), family.help());
    }
    insta::assert_snapshot!(catalogue);
}

#[test]
fn a_page_says_what_was_recorded() {
    let fixture = fixture();
    record_everything(&fixture.metrics);
    fixture.now.store(1_010_000, Ordering::Relaxed);
    let found = series(&fixture.metrics.page().unwrap());
    let expected = [
        ("grapevine_records_read_total", 10.0),
        ("grapevine_events_total{outcome=\"accepted\",type=\"share\"}", 5.0),
        ("grapevine_events_total{outcome=\"duplicate\",type=\"reply\"}", 2.0),
        ("grapevine_events_total{outcome=\"rejected\",type=\"none\"}", 3.0),
        ("grapevine_rejects_total{reason=\"repeated_field\"}", 2.0),
        ("grapevine_conflicting_copies_total", 1.0),
        ("grapevine_events_future_total", 1.0),
        ("grapevine_records_ahead_total", 4.0),
        ("grapevine_unknown_fields_total{class=\"misspelled\"}", 2.0),
        ("grapevine_event_lateness_seconds_bucket{le=\"0\"}", 2.0),
        ("grapevine_event_lateness_seconds_bucket{le=\"60\"}", 4.0),
        ("grapevine_event_lateness_seconds_bucket{le=\"86400\"}", 4.0),
        ("grapevine_event_lateness_seconds_bucket{le=\"+Inf\"}", 5.0),
        ("grapevine_event_lateness_seconds_count", 5.0),
        ("grapevine_event_lateness_seconds_sum", 90_061.5),
        ("grapevine_evictions_total{cause=\"age\"}", 1.0),
        ("grapevine_evictions_total{cause=\"budget\"}", 2.0),
        ("grapevine_certificate_expiry_seconds{file=\"kafka.ssl_certificate_file\"}", 490.0),
        ("grapevine_certificate_lifetime_seconds{file=\"kafka.ssl_certificate_file\"}", 1500.0),
        ("grapevine_renewal_refused", 2.0),
        ("grapevine_token_expiry_seconds", 300.0),
        ("grapevine_token_lifetime_seconds", 300.0),
        ("grapevine_flush_rows_total", 7.0),
        ("grapevine_insert_rows_total{table=\"cascade\"}", 7.0),
        ("grapevine_insert_rows_total{table=\"thread\"}", 0.0),
        ("grapevine_insert_duration_seconds_count{result=\"transient\",table=\"thread\"}", 1.0),
        ("grapevine_insert_retries_total{class=\"transient\"}", 1.0),
        ("grapevine_checkpoints_total{result=\"published\"}", 1.0),
        ("grapevine_checkpoints_total{result=\"failed\"}", 1.0),
        ("grapevine_rebalances_total{kind=\"assigned\"}", 1.0),
        ("grapevine_poll_loop_seconds_total{phase=\"process\"}", 1.5),
        ("grapevine_kafka_consumer_lag{partition=\"3\",topic=\"events\"}", 17.0),
        ("grapevine_kafka_consumer_lag_seconds{partition=\"3\",topic=\"events\"}", 15.0),
        ("grapevine_partition_stalled_seconds{partition=\"3\"}", 10.0),
        ("grapevine_watermark_delay_seconds{partition=\"3\"}", 70.0),
        ("grapevine_checkpoint_age_seconds{partition=\"3\"}", 10.0),
        ("grapevine_checkpoint_bytes{partition=\"3\"}", 2048.0),
        ("grapevine_live_roots{partition=\"3\"}", 4.0),
        ("grapevine_live_nodes{partition=\"3\"}", 9.0),
        ("grapevine_inferred_nodes{partition=\"3\"}", 1.0),
        ("grapevine_state_entries{partition=\"3\"}", 12.0),
        ("grapevine_state_bytes{partition=\"3\"}", 4096.0),
        ("grapevine_partition_refused{partition=\"4\"}", 1.0),
        ("grapevine_kafka_hidden_records{partition=\"3\"}", 5.0),
        ("grapevine_kafka_retention_seconds{topic=\"events\"}", 100.0),
        ("grapevine_answers_age_seconds{database=\"grapevine\"}", 60.0),
        ("grapevine_answers_missing{database=\"grapevine\"}", 1.0),
        ("grapevine_kafka_retention_margin_seconds{partition=\"3\"}", 85.0),
        ("grapevine_topic_problem{problem=\"compacted\"}", 1.0),
        ("grapevine_topic_problem{problem=\"missing\"}", 0.0),
        ("grapevine_kafka_foreign_members", 3.0),
        ("grapevine_memory_limit_bytes", 1_073_741_824.0),
        ("grapevine_freshness_seconds_count{time=\"append\"}", 0.0),
        ("grapevine_worker_ready", 0.0),
        ("grapevine_paused", 0.0),
    ];
    for (name, value) in expected {
        assert_eq!(found.get(name), Some(&value), "{name}");
    }
}

#[test]
fn a_partition_given_back_leaves_no_series_and_its_counts_stay() {
    let fixture = fixture();
    record_everything(&fixture.metrics);
    fixture.metrics.page().unwrap();
    [P, ASIDE].iter().for_each(|partition| fixture.metrics.record_released(*partition));
    record_after_revocation(&fixture.metrics);
    let page = fixture.metrics.page().unwrap();
    assert!(!page.contains("partition=\""), "{page}");
    assert_eq!(series(&page)["grapevine_records_read_total"], 20.0);
}

fn record_after_revocation(metrics: &Metrics) {
    let (tally, holdings) = (tally(), Holdings::default());
    metrics.record_batch(&Flushed { partition: P, read: 10, tally: &tally, holdings, watermark: Some(0), rows: 0 });
    metrics.record_lag(P, Some(1), None);
    metrics.record_published(P, 1);
}

#[test]
fn an_unknown_lag_is_no_number_and_no_lag_is_no_stall() {
    let fixture = fixture();
    record_everything(&fixture.metrics);
    fixture.metrics.record_lag(P, None, None);
    fixture.now.store(2_000_000, Ordering::Relaxed);
    let page = fixture.metrics.page().unwrap();
    assert!(!page.contains("grapevine_kafka_consumer_lag{"), "{page}");
    fixture.metrics.record_lag(P, Some(0), None);
    let found = series(&fixture.metrics.page().unwrap());
    assert_eq!(found["grapevine_kafka_consumer_lag{partition=\"3\",topic=\"events\"}"], 0.0);
    assert_eq!(found["grapevine_kafka_consumer_lag_seconds{partition=\"3\",topic=\"events\"}"], 0.0);
    assert_eq!(found["grapevine_partition_stalled_seconds{partition=\"3\"}"], 0.0);
}

#[test]
fn a_stall_begins_with_the_first_record_that_waits() {
    let fixture = fixture();
    let stalled = || series(&fixture.metrics.page().unwrap())["grapevine_partition_stalled_seconds{partition=\"3\"}"];
    fixture.metrics.record_assigned(&[P]);
    fixture.metrics.record_lag(P, Some(0), None);
    fixture.now.store(4_600_000, Ordering::Relaxed);
    fixture.metrics.record_lag(P, Some(1), None);
    assert_eq!(stalled(), 0.0, "a quiet hour is no stall");
    fixture.now.store(4_607_000, Ordering::Relaxed);
    fixture.metrics.record_lag(P, Some(2), None);
    assert_eq!(stalled(), 7.0);
}

#[test]
fn the_margin_to_the_retention_is_that_of_the_first_record_without_a_checkpoint() {
    let fixture = fixture();
    let metrics = &fixture.metrics;
    let margin = || series(&metrics.page().unwrap()).get("grapevine_kafka_retention_margin_seconds{partition=\"3\"}").copied();
    // Read so far, the last record of it written then, and so much of it in checkpoints.
    let read = |next, written, published, behind| {
        metrics.record_position(&Position { partition: P, next, durable: None, published, committed: None });
        metrics.record_lag(P, Some(behind), Some(written));
    };
    metrics.record_assigned(&[P]);
    metrics.record_retention(Some(Duration::from_secs(500)));
    read(100, 800_000, 100, 1);
    read(200, 900_000, 100, 101);
    assert_eq!(margin(), None, "the log has forgotten nothing yet");
    metrics.record_log(P, 0, Some(1));
    assert_eq!(margin(), Some(300.0));
    read(300, 990_000, 200, 101);
    assert_eq!(margin(), Some(400.0));
    read(300, 990_000, 300, 1);
    assert_eq!(margin(), Some(490.0), "there is one that was not read yet");
    read(300, 990_000, 300, 0);
    assert_eq!(margin(), Some(500.0), "a restart would read nothing again");
    metrics.record_retention(None);
    assert_eq!(margin(), None, "it forgets nothing");
}

#[test]
fn at_every_scrape_read_is_accepted_plus_duplicate_plus_rejected() {
    let fixture = fixture();
    let metrics = &fixture.metrics;
    let stop = &AtomicBool::new(false);
    std::thread::scope(|scope| {
        let loops: Vec<_> = (0..4).map(|number| scope.spawn(move || count_batches(metrics, Partition(number), stop))).collect();
        let broken = (0..300).find_map(|_| broken_identity(&series(&metrics.page().unwrap())));
        stop.store(true, Ordering::Relaxed);
        let batches: u32 = loops.into_iter().map(|counting| counting.join().unwrap()).sum();
        assert_eq!(broken, None);
        assert_eq!(series(&metrics.page().unwrap())["grapevine_records_read_total"], f64::from(batches) * 10.0);
    });
}

/// What does not add up in a page.
fn broken_identity(page: &BTreeMap<String, f64>) -> Option<String> {
    let of = |family: &str| page.iter().filter(|(name, _)| name.starts_with(family)).map(|(_, value)| value).sum::<f64>();
    let (read, events, rejects) =
        (of("grapevine_records_read_total"), of("grapevine_events_total{"), of("grapevine_rejects_total{"));
    let rejected = page["grapevine_events_total{outcome=\"rejected\",type=\"none\"}"];
    (read != events || rejected != rejects)
        .then(|| format!("read {read}, events {events}, rejected {rejected}, rejects {rejects}"))
}

/// Counts batches of ten records, at least one, until told to stop; says how many.
fn count_batches(metrics: &Metrics, partition: Partition, stop: &AtomicBool) -> u32 {
    let (tally, holdings) = (tally(), Holdings::default());
    metrics.record_assigned(&[partition]);
    let mut batches = 0;
    while batches == 0 || !stop.load(Ordering::Relaxed) {
        metrics.record_batch(&Flushed { partition, read: 10, tally: &tally, holdings, watermark: None, rows: 1 });
        batches += 1;
    }
    batches
}

/// A flush of an engine that says it has read so many records over the life of its source.
fn batch(read: u64) -> Batch {
    let progress = Progress {
        epoch: 1,
        source: "events/3".into(),
        first: 0,
        version: read,
        watermark: 0,
        read,
        accepted: 0,
        duplicates: 0,
        conflicting_copies: 0,
        rejected: 0,
        accepted_by_type: Vec::new(),
        log_end: read,
        written: 0,
    };
    let rows = Rows { progress: vec![progress], ..Rows::default() };
    Batch { rows, next: read, watermark: None, tally: tally() }
}

#[test]
fn a_restored_checkpoint_is_as_old_as_it_is_and_one_that_covers_all_has_no_age() {
    let fixture = fixture();
    let watch = LoopWatch::new(0, Arc::clone(&fixture.metrics), Arc::clone(&fixture.health));
    let of = |name: &str| series(&fixture.metrics.page().unwrap())[&*format!("{name}{{partition=\"3\"}}")];
    let moved = |next, published| {
        watch.notice(Notice::Moved(Position { partition: P, next, durable: None, published, committed: None }));
    };
    watch.notice(Notice::Assigned(&[P]));
    watch.notice(Notice::Restored { partition: P, bytes: 77, published: 1_000_000 - 86_400_000 });
    assert_eq!(of("grapevine_checkpoint_bytes"), 77.0);
    assert_eq!(of("grapevine_checkpoint_age_seconds"), 86_400.0);
    moved(5, 5);
    assert_eq!(of("grapevine_checkpoint_age_seconds"), 0.0, "a partition at rest is not behind its checkpoint");
    moved(6, 5);
    assert_eq!(of("grapevine_checkpoint_age_seconds"), 86_400.0);
}

#[test]
fn a_watched_loop_counts_what_its_engines_say_they_read() {
    let fixture = fixture();
    let watch = LoopWatch::new(0, Arc::clone(&fixture.metrics), Arc::clone(&fixture.health));
    let read = || series(&fixture.metrics.page().unwrap())["grapevine_records_read_total"];
    let flushed = |batch: Batch| watch.notice(Notice::Flushed { partition: P, batch: &batch, holdings: Holdings::default() });
    watch.notice(Notice::Assigned(&[P]));
    flushed(batch(1000));
    assert_eq!(read(), 10.0, "the first flush after a restore counts its outcomes");
    flushed(batch(1011));
    assert_eq!(read(), 21.0, "an engine that lost a record on the way would show here");
    watch.notice(Notice::Released(P));
    watch.notice(Notice::Assigned(&[P]));
    flushed(batch(5));
    assert_eq!(read(), 31.0);
}

#[test]
fn a_watched_loop_is_ready_when_rows_leave_and_nobody_has_to_act() {
    let fixture = fixture();
    let watch = LoopWatch::new(0, Arc::clone(&fixture.metrics), Arc::clone(&fixture.health));
    fixture.health.clear(0, Obstacle::Checkpoints);
    fixture.health.clear(0, Obstacle::Schema);
    watch.notice(Notice::Assigned(&[]));
    watch.notice(Notice::Inserted(Err(&Failure::Operator("no such table".to_owned()))));
    watch.notice(Notice::Problem(Some("run grapevine migrate")));
    watch.notice(Notice::Paused(true));
    assert_eq!(fixture.health.obstacles(), ["loop 0: clickhouse: no such table", "loop 0: operator: run grapevine migrate"]);
    let found = series(&fixture.metrics.page().unwrap());
    assert_eq!((found["grapevine_insert_retries_total{class=\"operator\"}"], found["grapevine_paused"]), (1.0, 1.0));
    watch.notice(Notice::Inserted(Ok(())));
    watch.notice(Notice::Problem(None));
    watch.notice(Notice::Paused(false));
    assert!(fixture.health.obstacles().is_empty());
    assert_eq!(series(&fixture.metrics.page().unwrap())["grapevine_worker_ready"], 1.0);
}

/// What one GET answers: the status and the body.
async fn get(address: std::net::SocketAddr, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: worker\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

#[test]
fn a_partition_that_waits_for_a_checkpoint_is_an_obstacle_until_it_is_read() {
    let fixture = fixture();
    let watch = LoopWatch::new(0, Arc::clone(&fixture.metrics), Arc::clone(&fixture.health));
    [Obstacle::ClickHouse, Obstacle::Schema].into_iter().for_each(|obstacle| fixture.health.clear(0, obstacle));
    watch.notice(Notice::Assigned(&[P, ASIDE]));
    assert!(fixture.health.obstacles().is_empty());
    for partition in [P, ASIDE] {
        watch.notice(Notice::CheckpointFailed(partition));
    }
    let said = fixture.health.obstacles();
    assert!(said.len() == 1 && said[0].starts_with("loop 0: checkpoints: partitions 3, 4 cannot begin"), "{said:?}");
    watch.notice(Notice::Released(ASIDE));
    assert!(fixture.health.obstacles()[0].contains("partitions 3 cannot"));
    watch.notice(Notice::Started { partition: P, next: 0, end: 0 });
    assert!(fixture.health.obstacles().is_empty());
    // From here on rows go on without, and somebody has to know.
    assert!(fixture.health.warnings().is_empty());
    for partition in [P, ASIDE] {
        watch.notice(Notice::CheckpointFailed(partition));
    }
    assert!(fixture.health.obstacles().is_empty());
    let said = fixture.health.warnings();
    assert!(said.len() == 1 && said[0].starts_with("loop 0: checkpoints of partitions 3, 4 cannot be published"), "{said:?}");
    watch.notice(Notice::Released(ASIDE));
    assert!(fixture.health.warnings()[0].contains("partitions 3 cannot"));
    watch.notice(Notice::Published(P, 7));
    assert!(fixture.health.warnings().is_empty());
}

#[tokio::test]
async fn probes_say_what_the_worker_waits_for_and_the_server_stops_when_told() {
    let Fixture { health, metrics, now, .. } = fixture();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let shutdown = async move { drop(stopped.await) };
    let server = tokio::spawn(admin::serve(listener, admin::BOUNDS, Arc::clone(&metrics), Arc::clone(&health), shutdown));

    assert_eq!(get(address, "/healthz").await, (200, "ok\n".to_owned()));
    let (status, reasons) = get(address, "/readyz").await;
    assert_eq!((status, reasons.lines().count()), (503, 4), "{reasons}");
    for obstacle in [Obstacle::Checkpoints, Obstacle::Kafka, Obstacle::ClickHouse, Obstacle::Schema] {
        health.clear(0, obstacle);
    }
    assert_eq!(get(address, "/readyz").await, (200, "ok\n".to_owned()));
    assert!(get(address, "/metrics").await.1.contains("grapevine_worker_ready 1\n"));
    metrics.record_assigned(&[P]);
    metrics.record_lag(P, Some(5), None);
    metrics.record_log(P, 5, None);
    now.fetch_add(62_000, Ordering::Relaxed);
    let (status, warned) = get(address, "/readyz").await;
    assert!(status == 200 && warned.starts_with("ok\nwarning: 5 records of partition 3 wait for a transaction"), "{warned}");
    metrics.record_log(P, 0, None);
    health.block(0, Obstacle::Operator, "table cascade is missing; run grapevine migrate");
    health.pause(0, true);
    let (status, reasons) = get(address, "/readyz").await;
    assert_eq!((status, reasons.as_str()), (503, "loop 0: operator: table cascade is missing; run grapevine migrate\n"));
    let page = get(address, "/metrics").await.1;
    assert!(page.contains("grapevine_worker_ready 0\n") && page.contains("grapevine_paused 1\n"));
    assert!(get(address, "/").await.1.contains("/readyz"));
    assert_eq!(get(address, "/nothing").await.0, 404);

    stop.send(()).unwrap();
    server.await.unwrap().unwrap();
    // A process that another test is starting right now holds a copy of the socket until it runs its program.
    let closed = async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, closed).await.expect("the server still listens");
}

#[tokio::test]
async fn a_loop_that_hangs_makes_the_worker_unhealthy() {
    let health = Arc::new(Health::new(2, Duration::ZERO, Instant::now()));
    let metrics = Arc::new(Metrics::new(&Registry::new(), "events", Arc::clone(&health)).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(admin::serve(listener, admin::BOUNDS, metrics, Arc::clone(&health), std::future::pending()));
    health.tick(0, Instant::now() + Duration::from_secs(3600));
    let (status, loops) = get(address, "/healthz").await;
    assert_eq!(status, 503);
    assert!(loops.starts_with("loop 1: no tick for"), "{loops}");
    assert!(get(address, "/metrics").await.1.contains("process_resident_memory_bytes"));
}

/// What `grapevine health` says of a worker at this address, and its exit code.
async fn health_of(address: &str, arguments: &[&str]) -> Said {
    let mut command = crate::demo::grapevine();
    command.arg("health").args(arguments).env("GRAPEVINE_ADMIN_ADDRESS", address);
    tokio::task::spawn_blocking(move || Said::of(command.output().unwrap())).await.unwrap()
}

#[tokio::test]
async fn a_worker_is_asked_how_it_is_by_its_own_configuration() {
    let health = Arc::new(Health::new(1, Duration::from_secs(3600), Instant::now()));
    let metrics = Arc::new(Metrics::new(&Registry::new(), "events", Arc::clone(&health)).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    // A worker that listens at every address is asked at its own.
    let (everywhere, address) = (format!("0.0.0.0:{}", listener.local_addr().unwrap().port()), listener.local_addr().unwrap());
    let server = tokio::spawn(admin::serve(listener, admin::BOUNDS, metrics, Arc::clone(&health), std::future::pending()));

    assert_eq!(health_of(&everywhere, &[]).await.done(), "ok\n");
    let said = health_of(&everywhere, &["--ready"]).await.refused();
    assert!(said.contains("loop 0: clickhouse: not asked yet"), "{said}");
    for obstacle in [Obstacle::Checkpoints, Obstacle::Kafka, Obstacle::ClickHouse, Obstacle::Schema] {
        health.clear(0, obstacle);
    }
    assert_eq!(health_of(&everywhere, &["--ready"]).await.done(), "ok\n");
    server.abort();
    drop(server.await);
    let said = health_of(&address.to_string(), &[]).await.refused();
    assert!(said.contains("does not answer"), "{said}");
    let said = health_of("", &[]).await.refused();
    assert!(said.contains("admin.address is empty"), "{said}");
}

#[tokio::test]
async fn a_port_that_somebody_else_has_is_named_by_its_key() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let variables = [("GRAPEVINE_ADMIN_ADDRESS".to_owned(), address.clone())];
    let config = Config::load_without_key(None, variables.into_iter()).unwrap();
    let refused = Service::start(&config, |_| Silent).await.map(drop).unwrap_err();
    assert_eq!(refused.to_string(), format!("could not listen on {address} (`admin.address`)"));
}

/// A worker's admin server with these bounds.
async fn served(bounds: Bounds) -> (std::net::SocketAddr, oneshot::Sender<()>, tokio::task::JoinHandle<std::io::Result<()>>) {
    let Fixture { health, metrics, .. } = fixture();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let shutdown = async move { drop(stopped.await) };
    (address, stop, tokio::spawn(admin::serve(listener, bounds, metrics, health, shutdown)))
}

/// What comes until the other side closes; being cut off is one way to be closed.
async fn rest(stream: &mut TcpStream) -> String {
    let mut rest = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest)).await.expect("it is never closed");
    drop(read);
    String::from_utf8(rest).unwrap()
}

#[tokio::test]
async fn a_probe_gets_through_ten_times_as_many_idle_sockets_as_are_held() {
    // Fewer than a process may have open.
    let bounds = Bounds { connections: 50, silence: Duration::from_secs(86_400) };
    let (address, _stop, _server) = served(bounds).await;
    let mut idle = Vec::new();
    for _ in 0..500 {
        idle.push(TcpStream::connect(address).await.unwrap());
    }
    let probe = tokio::time::timeout(PATIENCE, get(address, "/readyz")).await.expect("an answer");
    assert_eq!(probe.0, 503);
    // The newest are still there; the oldest have given their places.
    for closed in idle.iter_mut().take(500 - bounds.connections) {
        assert_eq!(rest(closed).await, "");
    }
    let open = idle.last_mut().unwrap();
    open.write_all(b"GET /healthz HTTP/1.1\r\nHost: worker\r\nConnection: close\r\n\r\n").await.unwrap();
    assert!(rest(open).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_connection_that_is_silent_is_closed_whatever_it_has_begun() {
    let bounds = Bounds { silence: Duration::from_millis(500), ..admin::BOUNDS };
    let (address, _stop, _server) = served(bounds).await;
    for begun in ["", "GET /metrics HTTP/1.1\r\nHost: wor", "GET /healthz HTTP/1.1\r\nHost: worker\r\n\r\n"] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(begun.as_bytes()).await.unwrap();
        let answer = rest(&mut stream).await;
        let answered = begun.ends_with("\r\n\r\n");
        assert_eq!(answer.starts_with("HTTP/1.1 200"), answered, "{begun:?}: {answer}");
    }
}

#[tokio::test]
async fn a_connection_that_asks_is_kept() {
    let (address, _stop, _server) = served(admin::BOUNDS).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    for _ in 0..3 {
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: worker\r\n\r\n").await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\nok\n") {
            answer.push(stream.read_u8().await.unwrap());
        }
    }
}

#[tokio::test]
async fn a_server_that_stops_waits_for_no_half_sent_request_longer_than_for_others() {
    let (address, stop, server) = served(Bounds { silence: Duration::from_millis(500), ..admin::BOUNDS }).await;
    let mut half = TcpStream::connect(address).await.unwrap();
    half.write_all(b"GET /metrics HT").await.unwrap();
    assert_eq!(get(address, "/healthz").await.0, 200);
    stop.send(()).unwrap();
    tokio::time::timeout(PATIENCE, server).await.expect("it waits for ever").unwrap().unwrap();
}
