//! Partitions that are put aside one after the other, on a real broker: every record of the others must be read.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};

use super::ApacheKafka;
use crate::events::number;
use crate::store::Database;
use crate::world::{World, until};

const LIVE: i32 = 3;
const GARBAGE: i32 = 12;

/// A pause between visits: short, and long enough for the broker to tell ends in between.
const PAUSE: Duration = Duration::from_micros(300);

/// Publishes to partitions by their number.
struct Writer<'w> {
    producer: BaseProducer,
    topic: &'w str,
}

impl Writer<'_> {
    fn to<'w>(world: &'w World) -> Writer<'w> {
        let mut config = ClientConfig::new();
        let producer = config.set("bootstrap.servers", &world.brokers).set("linger.ms", "0").create().unwrap();
        Writer { producer, topic: &world.topic }
    }

    fn write(&self, partition: i32, payload: &str) {
        let record: BaseRecord<'_, [u8], str> = BaseRecord::to(self.topic).partition(partition).payload(payload);
        self.producer.send(record).map_err(|(error, _)| error).unwrap();
        self.producer.poll(Duration::ZERO);
    }

    fn flush(&self) {
        self.producer.flush(Duration::from_secs(60)).unwrap();
    }
}

/// Visits, to one live partition after the other, until it is told to stop.
fn visit_until(writer: &Writer<'_>, stop: &AtomicBool) {
    for id in 0_u64.. {
        if stop.load(Ordering::Relaxed) {
            return writer.flush();
        }
        let partition = i32::try_from(id % LIVE.unsigned_abs() as u64).unwrap();
        writer.write(partition, &format!(r#"{{"type":"visit","id":"v{id}","time":1700000000000}}"#));
        thread::sleep(PAUSE);
    }
}

#[test]
fn every_record_of_the_others_is_read_while_twelve_partitions_are_put_aside() {
    let kafka = ApacheKafka::shared();
    let world = World::on(&kafka, usize::try_from(LIVE + GARBAGE).unwrap(), Database::absent("aside"));
    let environment = [("GRAPEVINE_WORKER_GARBAGE_PERCENT", "50"), ("GRAPEVINE_WORKER_GARBAGE_RECORDS", "100")];
    let worker = world.start(&environment);
    let (visits, garbage, stop) = (Writer::to(&world), Writer::to(&world), AtomicBool::new(false));
    thread::scope(|scope| {
        let visiting = scope.spawn(|| visit_until(&visits, &stop));
        for aside in 1..=GARBAGE {
            (0..200).for_each(|_| garbage.write(LIVE + aside - 1, "no event"));
            garbage.flush();
            let refused = || worker.metric("grapevine_partition_refused", "");
            until("the partition is put aside", || if refused() >= f64::from(aside) { Ok(()) } else { Err(refused()) });
        }
        stop.store(true, Ordering::Relaxed);
        visiting.join().unwrap();
    });
    let ends: Vec<u64> = (0..LIVE).map(|at| u64::try_from(kafka.bounds(&world.topic, at).1).unwrap()).collect();
    let live = "source IN ('events/0', 'events/1', 'events/2')";
    until("the tables are complete up to the ends of the log", || {
        let rows = world.ask(&format!("SELECT next FROM sources WHERE {live} ORDER BY source"));
        let reached: Vec<u64> = rows.iter().map(|row| number(&row["next"])).collect();
        if reached == ends { Ok(()) } else { Err((reached, ends.clone())) }
    });
    let read = world.ask(&format!("SELECT read, accepted, skipped FROM sources WHERE {live} ORDER BY source"));
    for (row, end) in read.iter().zip(&ends) {
        assert_eq!([number(&row["read"]), number(&row["accepted"])], [*end, *end], "{row}");
        assert_eq!(row["skipped"].to_string().trim_matches('"'), "0", "{row}");
    }
    let total: u64 = ends.iter().sum();
    assert!(total > 1_000, "too few visits to prove anything: {total}");
    let ids =
        &world.ask("SELECT uniqExact(id) AS ids, toUInt64(max(toUInt64(substring(id, 2)))) + 1 AS wanted FROM visit FINAL")[0];
    assert_eq!([number(&ids["ids"]), number(&ids["wanted"])], [total, total]);
    assert!(worker.metric("grapevine_gaps_total", "filled") == 0.0, "the client skipped records: {}", worker.log());
    // It says in the end what it has put aside.
    assert_eq!(worker.stopped().0, Some(1));
}
