//! Everything at once: workers, broker and store killed again and again under load, states torn; then every row compared.
//!
//! A short form runs with the other tests. `make chaos` (`GRAPEVINE_CHAOS=full`) kills more than a hundred times.

use std::collections::BTreeMap;
use std::sync::Arc;

use grapevine::embedded::clickhouse::EmbeddedClickHouse;
use tempfile::TempDir;

use super::ApacheKafka;
use super::verdict::{PARTITIONS, assert_exact};
use crate::real_events::Data;
use crate::store::{Database, start};
use crate::world::{Relay, Worker, World, files_in};

/// What goes wrong, one after the other, and again from the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    WorkerKilled,
    WorkerStopped,
    WorkerKilledAndStatesTorn,
    BrokerKilled,
    BrokerStopped,
    StoreKilled,
}

const FAULTS: [Fault; 8] = [
    Fault::WorkerKilled,
    Fault::BrokerKilled,
    Fault::WorkerKilled,
    Fault::WorkerStopped,
    Fault::StoreKilled,
    Fault::WorkerKilled,
    Fault::WorkerKilledAndStatesTorn,
    Fault::BrokerStopped,
];

/// A broker and a store of its own, for nobody else may feel what happens to them.
struct Stage {
    kafka: Arc<ApacheKafka>,
    store: EmbeddedClickHouse,
    store_folder: TempDir,
    relay: Relay,
    world: World,
    /// The longest running first.
    workers: Vec<Worker>,
}

impl Stage {
    fn new() -> Stage {
        let (kafka, relay, store_folder) = (Arc::new(ApacheKafka::start()), Relay::start(), tempfile::tempdir().unwrap());
        let store = start(store_folder.path());
        relay.point_to(Some(store.url()));
        let world = World::on(&kafka, PARTITIONS, Database::at(&relay.url(), "chaos"));
        let mut stage = Stage { kafka, store, store_folder, relay, world, workers: Vec::new() };
        stage.man();
        stage
    }

    /// Two workers, both at work.
    fn man(&mut self) {
        while self.workers.len() < 2 {
            self.workers.push(self.world.start(&[]));
        }
        self.workers.iter().for_each(Worker::wait_until_ready);
    }

    fn inflict(&mut self, fault: Fault) {
        match fault {
            Fault::WorkerKilled => self.workers.remove(0).kill(),
            Fault::WorkerStopped => self.workers.remove(0).stop(),
            Fault::WorkerKilledAndStatesTorn => {
                self.workers.remove(0).kill();
                self.tear_states();
            }
            Fault::BrokerKilled => {
                self.kafka.kill();
                self.kafka.start_again();
            }
            Fault::BrokerStopped => {
                self.kafka.stop();
                self.kafka.start_again();
            }
            Fault::StoreKilled => {
                self.store.kill().unwrap();
                self.relay.point_to(None);
                self.store = start(self.store_folder.path());
                self.relay.point_to(Some(self.store.url()));
            }
        }
        self.man();
    }

    /// Cuts the newest state of every source in half.
    fn tear_states(&self) {
        let mut newest = BTreeMap::new();
        for path in
            files_in(&self.world.checkpoints()).into_iter().filter(|path| path.extension().is_some_and(|end| end == "ckpt"))
        {
            newest.insert(path.parent().unwrap().to_owned(), path);
        }
        for path in newest.into_values() {
            // Its owner may prune it meanwhile.
            if let Ok(file) = std::fs::File::options().write(true).open(path) {
                file.set_len(file.metadata().unwrap().len() / 2).unwrap();
            }
        }
    }
}

#[test]
fn whatever_is_killed_every_row_ends_up_as_if_nothing_had_happened() {
    let full = std::env::var("GRAPEVINE_CHAOS").is_ok_and(|form| form == "full");
    let rounds = if full { 17 * FAULTS.len() } else { FAULTS.len() };
    let data = Data::read(if full { "weibo_ced" } else { "edge_cases" });
    let mut stage = Stage::new();
    let load = stage.world.load(&data.lines);
    let mut inflicted: BTreeMap<Fault, usize> = BTreeMap::new();
    for fault in FAULTS.into_iter().cycle().take(rounds) {
        load.release_one_of(rounds);
        stage.inflict(fault);
        *inflicted.entry(fault).or_default() += 1;
    }
    stage.world.finish(load);
    stage.world.wait_for(data.lines.len());
    stage.workers.drain(..).for_each(Worker::stop);
    let rows = assert_exact(&stage.world, &data);
    for (fault, count) in &inflicted {
        println!("{:<28}{count:>8}", format!("{fault:?}"));
    }
    println!("{:<28}{:>8}\n{:<28}{rows:>8}\n{:<28}{:>8}", "events", data.lines.len(), "rows compared", "differences", 0);
    assert_eq!(inflicted.values().sum::<usize>(), rounds);
}
