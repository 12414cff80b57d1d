//! What the worker tells Prometheus: one function per business event, called once per batch, never per event.
//!
//! Counts begin at zero with the process; what is true of the log stands in the table `progress`. One lock is held while a
//! batch is counted and while a page is written, so that at every scrape read = accepted + duplicate + rejected.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use prometheus::process_collector::ProcessCollector;
use prometheus::{Registry, TextEncoder};

use crate::assignment::{Position, Stamps};
use crate::certificates::Lifetime;
use crate::engine::{Holdings, Tally};
use crate::event::UnknownFields;
use crate::reader::Gaps;
use crate::record::{Millis, Offset, Partition, StampedBy};

mod bucketed;
mod families;
mod health;
mod labels;
mod lives;
mod owned;
mod uncommitted;
mod watch;

pub use health::{Health, Obstacle, Warning};
use labels::Label;
pub use labels::{CheckpointResult, ErrorClass, GapKind, InsertResult, Phase, Rebalance, Table, TopicProblem};
pub use watch::LoopWatch;

use families::{FRESHNESS_BOUNDS, Families, forget};
use owned::Owned;

/// What a flush of one partition says about it.
#[derive(Clone, Copy, Debug)]
pub struct Flushed<'a> {
    /// The partition.
    pub partition: Partition,
    /// Records that the loop handed to the engine since the flush before: the loop's own count, not the engine's.
    pub read: u64,
    /// What the engine counted meanwhile.
    pub tally: &'a Tally,
    /// What the engine holds now.
    pub holdings: Holdings,
    /// How far the data reach.
    pub watermark: Option<Millis>,
    /// Rows of the flush.
    pub rows: usize,
}

/// All metrics of a worker. Its loops share it.
pub struct Metrics {
    registry: Registry,
    families: Families,
    health: Arc<Health>,
    clock: Box<dyn Fn() -> Millis + Send + Sync>,
    topic: String,
    owned: Mutex<BTreeMap<Partition, Owned>>,
    /// How long the topic keeps its records, if that is known and not for ever.
    retention: Mutex<Option<Duration>>,
    /// When the newest answers of a database were published.
    answers: Mutex<BTreeMap<String, Millis>>,
    /// Certificates in use, by the key that names their file.
    certificates: Mutex<BTreeMap<String, Lifetime>>,
}

impl Metrics {
    /// Registers all metrics of a worker that reads `topic`, and those of the process.
    ///
    /// # Errors
    ///
    /// When the registry holds a metric of the same name.
    pub fn new(registry: &Registry, topic: &str, health: Arc<Health>) -> prometheus::Result<Metrics> {
        registry.register(Box::new(ProcessCollector::for_self()))?;
        Metrics::with_clock(registry, topic, health, wall_clock)
    }

    /// The same with another clock and without those of the process, for tests.
    ///
    /// # Errors
    ///
    /// When the registry holds a metric of the same name.
    pub fn with_clock(
        registry: &Registry,
        topic: &str,
        health: Arc<Health>,
        clock: impl Fn() -> Millis + Send + Sync + 'static,
    ) -> prometheus::Result<Metrics> {
        let families = Families::register(registry, topic)?;
        Ok(Metrics {
            registry: registry.clone(),
            families,
            health,
            clock: Box::new(clock),
            topic: topic.to_owned(),
            owned: Mutex::default(),
            retention: Mutex::default(),
            answers: Mutex::default(),
            certificates: Mutex::default(),
        })
    }

    /// Counts a change of the assignment.
    pub fn record_rebalance(&self, kind: Rebalance) {
        self.families.rebalances[kind as usize].inc();
    }

    /// Partitions are this loop's from now on.
    pub fn record_assigned(&self, partitions: &[Partition]) {
        let now = (self.clock)();
        let mut owned = self.lock();
        for partition in partitions {
            self.families.partitions.remove(*partition);
            let new = Owned::at(now);
            owned.insert(*partition, new);
        }
    }

    /// A partition is not this loop's any more: its gauges go.
    pub fn record_released(&self, partition: Partition) {
        let mut owned = self.lock();
        self.families.partitions.remove(partition);
        owned.remove(&partition);
    }

    /// Counts what a flush says. Counts of a partition that was given back meanwhile stay, its gauges do not.
    pub fn record_batch(&self, flushed: &Flushed<'_>) {
        let mut owned = self.lock();
        self.count(flushed);
        let Some(known) = owned.get_mut(&flushed.partition) else { return };
        known.watermark = flushed.watermark;
        if flushed.read > 0 {
            known.progressed = (self.clock)();
        }
        let Holdings { roots, nodes, inferred, entries, bytes } = flushed.holdings;
        let gauges = &self.families.partitions;
        let label = flushed.partition.to_string();
        let values = [
            (&gauges.roots, roots),
            (&gauges.nodes, nodes),
            (&gauges.inferred, inferred),
            (&gauges.entries, entries),
            (&gauges.bytes, bytes),
        ];
        for (gauge, value) in values {
            gauge.with_label_values(&[&label]).set(value as f64);
        }
    }

    fn count(&self, flushed: &Flushed<'_>) {
        let families = &self.families;
        let Tally { accepted, duplicates, rejected, conflicting_copies, future, ahead, .. } = flushed.tally;
        let Tally { evicted_by_age, evicted_by_budget, .. } = flushed.tally;
        families.records_read.inc_by(flushed.read);
        add(&families.accepted, accepted);
        add(&families.duplicates, duplicates);
        add(&families.rejects, rejected);
        families.rejected.inc_by(rejected.iter().sum());
        families.conflicting_copies.inc_by(*conflicting_copies);
        families.future.inc_by(*future);
        families.ahead.inc_by(*ahead);
        families.lateness.add(0, &flushed.tally.lateness, flushed.tally.lateness_sum);
        families.evicted_by_age.inc_by(*evicted_by_age);
        families.evicted_by_budget.inc_by(*evicted_by_budget);
        families.flush_rows.inc_by(flushed.rows as u64);
    }

    /// Notes how far the group is behind, as the client's statistics say (`None`: not known), and when the last record
    /// that was read had been written.
    pub fn record_lag(&self, partition: Partition, lag: Option<u64>, last_record: Option<Millis>) {
        let now = (self.clock)();
        if let Some(known) = self.lock().get_mut(&partition) {
            known.lags(lag, last_record, now);
        }
    }

    /// Notes how many records stand behind an open transaction, where nobody may read them yet, and the first offset that
    /// the log still holds, if that is known.
    pub fn record_log(&self, partition: Partition, hidden: u64, first: Option<Offset>) {
        if let Some(known) = self.lock().get_mut(&partition) {
            known.hidden = hidden;
            known.first = first.or(known.first);
        }
    }

    /// Notes how long the topic keeps its records; `None`: for ever.
    pub fn record_retention(&self, retention: Option<Duration>) {
        *self.retention.lock().unwrap_or_else(PoisonError::into_inner) = retention;
        match retention {
            Some(retention) => self.families.retention.with_label_values(&[&self.topic]).set(retention.as_secs_f64()),
            None => forget(&self.families.retention, &self.topic),
        }
    }

    /// Notes how much memory the process may take, if anybody knows.
    pub fn record_memory_limit(&self, limit: Option<u64>) {
        if let Some(limit) = limit {
            self.families.memory_limit.with_label_values::<&str>(&[]).set(limit as f64);
        }
    }

    /// Notes whether something is wrong with the topic.
    pub fn record_topic_problem(&self, problem: TopicProblem, wrong: bool) {
        self.families.topic_problems[problem as usize].set(f64::from(u8::from(wrong)));
    }

    /// Notes how many members of the group are no workers.
    pub fn record_foreign_members(&self, members: usize) {
        self.families.foreign_members.set(members as f64);
    }

    /// Notes whether a database still lacks the answers that somebody expects there.
    pub fn record_answers_missing(&self, database: &str, missing: bool) {
        self.families.answers_missing.with_label_values(&[database]).set(f64::from(u8::from(missing)));
    }

    /// Notes when the newest answers of a database were published.
    pub fn record_answers(&self, database: &str, published: Millis) {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).insert(database.to_owned(), published);
    }

    /// Counts an attempt to insert rows into a table.
    pub fn record_insert(&self, table: Table, result: InsertResult, rows: usize, duration: Duration) {
        self.families.insert_duration[table.0][result as usize].observe(duration.as_secs_f64());
        if result == InsertResult::Ok {
            self.families.insert_rows[table.0].inc_by(rows as u64);
        }
    }

    /// Counts an attempt that is going to be repeated.
    pub fn record_retry(&self, class: ErrorClass) {
        self.families.insert_retries[class as usize].inc();
    }

    /// Counts a checkpoint of so many bytes that was published: the partition's newest is of now.
    pub fn record_published(&self, partition: Partition, bytes: usize) {
        self.count_checkpoint(partition, CheckpointResult::Published, (bytes, (self.clock)()));
    }

    /// Counts a checkpoint of so many bytes that was read: what a crash would read again begins there.
    pub fn record_restored(&self, partition: Partition, bytes: usize, published: Millis) {
        self.count_checkpoint(partition, CheckpointResult::Restored, (bytes, published));
    }

    /// Counts how long it took until records could be read whose rows were acknowledged just now, for the first time. A clock that runs
    /// ahead makes it nothing.
    pub fn record_acknowledged(&self, stamps: &Stamps) {
        let now = (self.clock)();
        for clock in StampedBy::ALL {
            let (mut buckets, mut sum) = ([0; FRESHNESS_BOUNDS.len() + 1], 0_u64);
            for (written, count) in stamps.of(clock) {
                let took = now.saturating_sub(written).max(0);
                buckets[FRESHNESS_BOUNDS.partition_point(|bound| *bound < seconds(took))] += count;
                sum = sum.saturating_add(took.unsigned_abs().saturating_mul(count));
            }
            self.families.freshness.add(clock as usize, &buckets, sum);
        }
    }

    /// How far a partition is: whether a restart would read anything again.
    pub fn record_position(&self, position: &Position) {
        if let Some(known) = self.lock().get_mut(&position.partition) {
            known.moved(position);
        }
    }

    /// Counts a checkpoint that could not be read or published.
    pub fn record_checkpoint_failed(&self) {
        self.families.checkpoints[CheckpointResult::Failed as usize].inc();
    }

    fn count_checkpoint(&self, partition: Partition, result: CheckpointResult, (bytes, at): (usize, Millis)) {
        self.families.checkpoints[result as usize].inc();
        if let Some(known) = self.lock().get_mut(&partition) {
            known.checkpoint = at;
            self.families.partitions.checkpoint_bytes.with_label_values(&[&partition.to_string()]).set(bytes as f64);
        }
    }

    /// A partition was assigned that the topic did not have when the epoch began.
    pub fn record_added_partition(&self) {
        self.families.added_partitions.inc();
    }

    /// Counts fields of events that nobody reads.
    pub fn record_unknown_fields(&self, fields: &UnknownFields) {
        add(&self.families.unknown_fields, &fields.0);
    }

    /// The store knew less of a partition than was made durable.
    pub fn record_forgotten(&self) {
        self.families.store_forgotten.inc();
    }

    /// The state of a partition did not fit into memory.
    pub fn record_too_large(&self) {
        self.families.too_large.inc();
    }

    /// A partition was put aside, because it must not be read on. Its other series end: they would stand still.
    pub fn record_refused(&self, partition: Partition) {
        self.lock().remove(&partition);
        self.families.partitions.remove(partition);
        self.families.partitions.refused.with_label_values(&[&partition.to_string()]).set(1.0);
    }

    /// Counts gaps between the records of the log.
    pub fn record_gaps(&self, gaps: &Gaps) {
        add(&self.families.gaps, &[gaps.filled, gaps.confirmed, gaps.unasked]);
        self.families.skipped_offsets.inc_by(gaps.offsets);
    }

    /// Notes how many partitions are unassigned.
    pub fn record_unassigned(&self, partitions: usize) {
        self.families.unassigned_partitions.set(partitions as f64);
    }

    /// Adds to the time that loops spent on something.
    pub fn record_phase(&self, phase: Phase, duration: Duration) {
        self.families.phases[phase as usize].inc_by(duration.as_secs_f64());
    }

    /// All metrics in the text format that Prometheus reads.
    ///
    /// # Errors
    ///
    /// When the encoder refuses a metric.
    pub fn page(&self) -> prometheus::Result<String> {
        let owned = self.lock();
        self.families.ready.set(f64::from(u8::from(self.health.obstacles().is_empty())));
        self.families.paused.set(self.health.paused_loops() as f64);
        let now = (self.clock)();
        for (partition, known) in owned.iter() {
            self.show_ages(*partition, known, now);
        }
        self.show_certificates(now);
        for (database, published) in self.answers.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            self.families.answers_age.with_label_values(&[database]).set(seconds(now - published));
        }
        TextEncoder::new().encode_to_string(&self.registry.gather())
    }

    fn show_ages(&self, partition: Partition, known: &Owned, now: Millis) {
        let gauges = &self.families.partitions;
        let label = partition.to_string();
        let retention = *self.retention.lock().unwrap_or_else(PoisonError::into_inner);
        let values = [
            (&gauges.lag, known.lag.map(|lag| lag as f64)),
            (&gauges.lag_seconds, known.behind_by(now)),
            (&gauges.stalled, Some(known.stalled(now))),
            (&gauges.hidden, Some(known.hidden as f64)),
            (&gauges.retention_margin, retention.and_then(|retention| known.margin(retention, now))),
            (&gauges.watermark_delay, known.watermark.map(|watermark| seconds(now - watermark))),
            (&gauges.checkpoint_age, Some(if known.covered { 0.0 } else { seconds(now - known.checkpoint) })),
        ];
        for (gauge, value) in values {
            match value {
                Some(value) => gauge.with_label_values(&[&label]).set(value),
                None => forget(gauge, &label),
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Partition, Owned>> {
        self.owned.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

fn add(counters: &[prometheus::IntCounter], counts: &[u64]) {
    for (counter, count) in counters.iter().zip(counts) {
        counter.inc_by(*count);
    }
}

fn seconds(millis: Millis) -> f64 {
    millis as f64 / 1000.0
}

fn wall_clock() -> Millis {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis::try_from(since_1970.as_millis()).unwrap_or(Millis::MAX)
}
