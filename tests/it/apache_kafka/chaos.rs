//! Everything dies, under load, in an order without meaning; afterwards every row is the one that a run in peace makes.
//!
//! In short form with every other test; `make chaos` (`GRAPEVINE_CHAOS=full`) runs it long, over three sets of events
//! and every kind of membership, with more than a hundred kills. It ends with a table of what was done and compared.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use grapevine::embedded::clickhouse::EmbeddedClickHouse;
use rand::seq::{IndexedRandom as _, SliceRandom as _};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use tempfile::TempDir;

use super::ApacheKafka;
use super::verdict::{Compared, PARTITIONS, assert_sound, compare_rewritten, in_peace};
use crate::events::{Data, PROGRESS, sums};
use crate::facts::assert_every_table;
use crate::real_events;
use crate::store::{Database, start};
use crate::world::{Load, Relay, Worker, World, files_in, signal, until};

mod store;

/// What can happen; and how often it does in short form and, for each set of events, in full.
const FAULTS: [(Fault, &str, usize, usize); 20] = [
    (Fault::WorkerKilled, "a worker killed", 4, 16),
    (Fault::FleetKilled, "all workers killed at once", 1, 3),
    (Fault::WorkerStopped, "a worker stopped and replaced", 1, 4),
    (Fault::WorkerJoined, "a worker joined or left", 3, 6),
    (Fault::BrokerKilled, "the broker killed", 2, 4),
    (Fault::BrokerAndWorkerKilled, "the broker and a worker killed at once", 1, 3),
    (Fault::BrokerStopped, "the broker stopped", 1, 2),
    (Fault::WorkerStoppedWithoutBroker, "a worker stopped while the broker is dead", 1, 2),
    (Fault::StoreKilled, "ClickHouse killed", 1, 3),
    (Fault::StoreReadOnly, "a table of ClickHouse read-only", 1, 2),
    (Fault::StoreFull, "ClickHouse's disk full", 1, 2),
    (Fault::StoreReplaced, "another ClickHouse under the same name", 1, 2),
    (Fault::StoreRewritten, "ClickHouse's database dropped and written again", 1, 2),
    (Fault::StoreEmptied, "ClickHouse emptied after the log lost its beginning, and written again", 1, 1),
    (Fault::StoreWentBack, "all tables of ClickHouse from an older copy, and written again", 1, 2),
    (Fault::TableEmptied, "a table of ClickHouse emptied", 1, 2),
    (Fault::TableWentBack, "a table of ClickHouse from an older copy", 1, 2),
    (Fault::AnswersLost, "connections to ClickHouse cut", 2, 5),
    (Fault::CheckpointsUnwritable, "checkpoints unwritable", 1, 2),
    (Fault::CheckpointsTorn, "newest checkpoints torn", 1, 2),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    WorkerKilled,
    FleetKilled,
    WorkerStopped,
    WorkerJoined,
    BrokerKilled,
    BrokerAndWorkerKilled,
    BrokerStopped,
    WorkerStoppedWithoutBroker,
    StoreKilled,
    StoreReadOnly,
    StoreFull,
    StoreReplaced,
    StoreRewritten,
    StoreEmptied,
    StoreWentBack,
    TableEmptied,
    TableWentBack,
    AnswersLost,
    CheckpointsUnwritable,
    CheckpointsTorn,
}

/// How the workers of a campaign are members of their group.
#[derive(Clone, Copy)]
enum Membership {
    Classic,
    Static,
    Consumer,
}

/// A campaign: its events, and the membership of its workers.
type Leg = (fn() -> Data, Membership);

/// Most workers at once.
const FLEET: usize = 3;

/// Everything that can die, and who makes it.
struct Campaign {
    dice: ChaCha8Rng,
    membership: Membership,
    fleet: BTreeMap<usize, Worker>,
    world: World,
    store: EmbeddedClickHouse,
    store_folder: TempDir,
    relay: Relay,
    kafka: Arc<ApacheKafka>,
    kills: usize,
    /// Below which offsets partitions of the log have lost their records.
    cut: BTreeMap<i32, u64>,
    /// How often a restarted broker took a worker with a name for somebody else's.
    fenced: usize,
}

/// Events that are let go while faults are injected: so few at a time that some are left for every fault that is to come.
struct Events<'a> {
    load: &'a mut Load,
    /// How many faults are to come, this one included.
    faults: usize,
}

impl Events<'_> {
    fn release(&mut self) {
        // A fault lets go at most four times.
        self.load.release_of_the_rest(3 * self.faults + 1);
    }
}

/// What such a worker says.
const FENCED: &str = "fenced: another member uses this group.instance.id";

impl Campaign {
    fn new(name: &str, membership: Membership, seed: u64) -> Campaign {
        let store_folder = tempfile::tempdir().unwrap();
        let (relay, store) = (Relay::start(), start(store_folder.path()));
        relay.point_to(Some(store.url()));
        let kafka = Arc::new(ApacheKafka::start());
        let world = World::on(&kafka, PARTITIONS, Database::at(&relay.url(), name));
        let dice = ChaCha8Rng::seed_from_u64(seed);
        Campaign {
            dice,
            membership,
            fleet: BTreeMap::new(),
            world,
            store,
            store_folder,
            relay,
            kafka,
            kills: 0,
            cut: BTreeMap::new(),
            fenced: 0,
        }
    }

    /// Injects every fault of a deck while the events are published, and compares all rows afterwards with those of a run in peace.
    fn run(&mut self, data: &Data, deck: &[Fault]) -> Compared {
        let mut load = self.world.load(&data.lines);
        for place in 0..FLEET {
            self.join(place);
        }
        let started = Instant::now();
        for (number, fault) in deck.iter().enumerate() {
            let mut events = Events { load: &mut load, faults: deck.len() - number };
            events.release();
            self.linger();
            eprintln!("{:5} s {number:3} {fault:?}", started.elapsed().as_secs());
            self.inject(*fault, &mut events);
        }
        self.world.finish(load);
        until("everything is in the store", || {
            self.tend();
            let read = self.read();
            if read == data.lines.len() as u64 { Ok(()) } else { Err(read) }
        });
        (0..FLEET)
            .filter(|place| self.fleet.contains_key(place))
            .collect::<Vec<_>>()
            .into_iter()
            .for_each(|place| self.stop(place));
        assert_sound(&self.world, data);
        compare_rewritten(&self.world, data, &self.cut)
    }

    /// A moment in which anything may be going on.
    fn linger(&mut self) {
        thread::sleep(Duration::from_millis(self.dice.random_range(0..400)));
    }

    /// Fails if a worker has ended by itself.
    fn tend(&mut self) {
        for worker in self.fleet.values_mut() {
            assert!(!worker.has_ended(), "a worker ended by itself: {}", worker.log());
        }
    }

    fn inject(&mut self, fault: Fault, events: &mut Events<'_>) {
        self.tend();
        let read = self.read();
        match fault {
            Fault::WorkerKilled => self.kill(1),
            Fault::FleetKilled => self.kill(self.fleet.len()),
            Fault::WorkerStopped => {
                let place = self.anybody();
                self.stop(place);
                self.join(place);
            }
            Fault::WorkerJoined => match (0..FLEET).find(|place| !self.fleet.contains_key(place)) {
                Some(place) => self.join(place),
                None => {
                    let place = self.anybody();
                    self.stop(place);
                }
            },
            Fault::BrokerKilled => self.lose_broker(ApacheKafka::kill),
            Fault::BrokerAndWorkerKilled => {
                self.kill(1);
                self.lose_broker(ApacheKafka::kill);
            }
            Fault::BrokerStopped => self.lose_broker(ApacheKafka::stop),
            Fault::WorkerStoppedWithoutBroker => self.stop_without_broker(),
            Fault::StoreKilled => self.kill_store(),
            Fault::StoreReadOnly => self.spoil("table_readonly", "1"),
            Fault::StoreFull => self.spoil("min_free_disk_bytes_to_perform_insert", "1000000000000000"),
            Fault::StoreReplaced => self.replace_store(events),
            Fault::StoreRewritten => self.drop_and_rewrite_store(),
            Fault::StoreEmptied => self.empty_and_rewrite_store(events),
            Fault::StoreWentBack => self.set_back_and_rewrite_store(events),
            Fault::TableEmptied | Fault::TableWentBack => {
                let table = self.any_table();
                self.lose_rows(table, fault == Fault::TableWentBack, events);
            }
            Fault::AnswersLost => self.relay.cut(),
            Fault::CheckpointsUnwritable => {
                // Whoever starts meanwhile could not.
                self.wait_for_reading(read, events);
                self.take_checkpoints_away();
            }
            Fault::CheckpointsTorn => self.tear_checkpoints(),
        }
        // Every other time the next fault meets whatever this one has left behind.
        if self.dice.random() {
            self.wait_for_reading(read, events);
        }
    }

    fn wait_for_reading(&mut self, read: u64, events: &mut Events<'_>) {
        events.release();
        until("reading goes on", || {
            self.tend();
            if self.read() > read { Ok(()) } else { Err(self.logs()) }
        });
    }

    fn read(&self) -> u64 {
        let asked = || self.world.try_to_ask(PROGRESS).map_err(|error| error.to_string());
        until("the store answers", || Ok::<u64, String>(sums(&asked()?)[0]))
    }

    fn logs(&self) -> String {
        self.fleet.values().map(Worker::log).collect()
    }

    fn anybody(&mut self) -> usize {
        let places: Vec<usize> = self.fleet.keys().copied().collect();
        *places.choose(&mut self.dice).expect("somebody is there")
    }

    fn stop(&mut self, place: usize) {
        self.leave(place).stop();
    }

    fn leave(&mut self, place: usize) -> Worker {
        let worker = self.fleet.remove(&place).expect("somebody is there");
        self.fenced += worker.log().matches(FENCED).count();
        worker
    }

    fn join(&mut self, place: usize) {
        let name = format!("worker-{place}");
        let member = match self.membership {
            Membership::Classic => vec![],
            Membership::Static => vec![("GRAPEVINE_KAFKA_GROUP_INSTANCE_ID", name.as_str())],
            Membership::Consumer => vec![("GRAPEVINE_KAFKA_GROUP_PROTOCOL", "consumer")],
        };
        self.fleet.insert(place, self.world.start(&member));
    }

    /// `kill -9` of so many workers at once; others take their places.
    fn kill(&mut self, count: usize) {
        let places: Vec<usize> = (0..count)
            .map(|_| {
                let place = self.anybody();
                self.leave(place).kill();
                place
            })
            .collect();
        self.kills += count;
        places.into_iter().for_each(|place| self.join(place));
    }

    fn lose_broker(&mut self, how: impl Fn(&ApacheKafka)) {
        how(&self.kafka);
        self.kills += 1;
        self.linger();
        self.kafka.start_again();
    }

    /// Nobody answers a worker that leaves: it ends in order all the same.
    fn stop_without_broker(&mut self) {
        let place = self.anybody();
        self.kafka.kill();
        self.kills += 1;
        self.linger();
        self.stop(place);
        self.kafka.start_again();
        self.join(place);
    }

    /// The sum over all workers of a metric's series that have this in their labels.
    fn sum(&self, (metric, label): (&str, &str)) -> f64 {
        self.fleet.values().filter_map(|worker| worker.metric_if_alive(metric, label)).sum()
    }

    fn wait_for_more(&mut self, metric: (&str, &str), before: f64) {
        until("a worker notices", || {
            self.tend();
            if self.sum(metric) > before { Ok(()) } else { Err(self.logs()) }
        });
    }

    /// Puts a file where the folder of checkpoints was, until a worker has noticed.
    fn take_checkpoints_away(&mut self) {
        let (folder, aside) = (self.world.checkpoints(), self.world.checkpoints().with_extension("aside"));
        let failed = ("grapevine_checkpoints_total", "failed");
        let before = self.sum(failed);
        // Else a worker could make the folder anew in between.
        self.everybody("STOP");
        std::fs::rename(&folder, &aside).unwrap();
        std::fs::write(&folder, "not a folder").unwrap();
        self.everybody("CONT");
        self.wait_for_more(failed, before);
        std::fs::remove_file(&folder).unwrap();
        std::fs::rename(&aside, &folder).unwrap();
    }

    fn everybody(&self, name: &str) {
        self.fleet.values().for_each(|worker| signal(worker.process(), name));
    }

    /// Kills everybody and cuts the newest checkpoint of each source in half, unless it is the only one.
    fn tear_checkpoints(&mut self) {
        let places: Vec<usize> = self.fleet.keys().copied().collect();
        places.iter().for_each(|place| self.leave(*place).kill());
        self.kills += places.len();
        let mut of_source: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for path in files_in(&self.world.checkpoints()) {
            of_source.entry(path.parent().unwrap().to_owned()).or_default().push(path);
        }
        let torn: Vec<_> = of_source.values().filter(|paths| paths.len() > 1).filter_map(|paths| paths.last()).collect();
        assert!(!torn.is_empty(), "there are checkpoints");
        for path in torn {
            let file = std::fs::File::options().write(true).open(path).unwrap();
            file.set_len(file.metadata().unwrap().len() / 2).unwrap();
        }
        places.into_iter().for_each(|place| self.join(place));
    }
}

/// Real events where they are beside the project, else a generated week: the same faults, kills and comparisons.
fn many_shares() -> Data {
    if real_events::are_there() {
        real_events::data("weibo_ced").with_facts()
    } else {
        Data::generated("a_generated_week", 1, 170_000)
    }
}

/// The same.
fn many_replies() -> Data {
    if real_events::are_there() {
        real_events::data("reddit_college").with_facts()
    } else {
        Data::generated("another_generated_week", 2, 190_000)
    }
}

#[test]
fn whatever_dies_whenever_every_row_ends_up_as_if_nothing_had_happened() {
    let full = std::env::var("GRAPEVINE_CHAOS").is_ok_and(|value| value == "full");
    let edge_cases = || Data::edge_cases().with_facts();
    let legs: &[Leg] = if full {
        &[(edge_cases, Membership::Static), (many_shares, Membership::Classic), (many_replies, Membership::Consumer)]
    } else {
        &[(edge_cases, Membership::Classic)]
    };
    let (mut kills, mut fenced, mut events, mut rows, mut lost, mut differences) = (0, 0, 0, 0, 0, Vec::new());
    let (mut names, mut tables) = (Vec::new(), BTreeSet::new());
    let started = Instant::now();
    for (seed, (data, membership)) in (1..).zip(legs) {
        let data = data();
        let mut campaign = Campaign::new(&format!("{}_in_chaos", data.name), *membership, seed);
        let times = |short, long| if full { long } else { short };
        let mut deck: Vec<Fault> = FAULTS.iter().flat_map(|(fault, _, short, long)| vec![*fault; times(*short, *long)]).collect();
        deck.shuffle(&mut campaign.dice);
        // There are checkpoints to be torn, and older ones that nobody needs any more, only when some time has passed.
        deck.sort_by_key(|fault| (*fault == Fault::StoreEmptied, *fault == Fault::CheckpointsTorn));
        let compared = thread::scope(|scope| {
            scope.spawn(|| in_peace(&data));
            campaign.run(&data, &deck)
        });
        rows += compared.rows;
        tables.extend(compared.tables);
        lost += compared.lost;
        assert!(compared.lost > 0, "the beginning of the log held facts of {}", data.name);
        differences.extend(compared.differences);
        events += data.lines.len();
        names.push(data.name);
        kills += campaign.kills;
        fenced += campaign.fenced;
    }
    // One leg is of shares alone, one of replies.
    assert_every_table(&tables);
    println!("\n{:>9}  fault", "injected");
    for (_, name, short, long) in FAULTS {
        println!("{:>9}  {name}", if full { long * legs.len() } else { short });
    }
    println!("{fenced:>9}  times that a restarted broker took a worker with a name for somebody else's");
    println!(
        "{kills:>9}  processes killed\n{events:>9}  events of {}\n{rows:>9}  rows compared with those of a run in peace\n\
         {lost:>9}  of them named as lost with the beginning of the log, and no others gone",
        names.join(", ")
    );
    println!("{:>9}  differences\n{:>9}  seconds", differences.len(), started.elapsed().as_secs());
    assert!(differences.is_empty(), "the first: {:#?}", &differences[..differences.len().min(10)]);
    assert!(!full || kills >= 100, "{kills} kills");
}
