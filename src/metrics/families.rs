//! Every metric of the worker with its name, help and labels: the catalogue.
//!
//! Label values come from enums and are resolved here, once, so that each series stands at zero from the start.

use prometheus::{
    Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, Opts, Registry, core::Collector,
};

use super::bucketed::Bucketed;
use super::{CheckpointResult, ErrorClass, GapKind, InsertResult, Label, Phase, Rebalance, Table, TopicProblem, seconds};
use crate::certificates::Lifetime;
use crate::engine::LATENESS_BOUNDS;
use crate::event::{EventType, Reason, UnknownField};
use crate::record::{Millis, Partition};
use crate::version;

/// Upper bounds of the histogram of freshness, in seconds; five are the objective.
pub(super) const FRESHNESS_BOUNDS: [f64; 12] = [0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0];

/// The value of the label `type` where nothing could be read as an event.
const NO_TYPE: &str = "none";

pub(super) struct Families {
    pub(super) records_read: IntCounter,
    pub(super) accepted: Vec<IntCounter>,
    pub(super) duplicates: Vec<IntCounter>,
    pub(super) rejected: IntCounter,
    pub(super) rejects: Vec<IntCounter>,
    pub(super) conflicting_copies: IntCounter,
    pub(super) future: IntCounter,
    pub(super) ahead: IntCounter,
    pub(super) unknown_fields: Vec<IntCounter>,
    pub(super) lateness: Bucketed,
    /// By [`crate::record::StampedBy`].
    pub(super) freshness: Bucketed,
    pub(super) evicted_by_age: IntCounter,
    pub(super) evicted_by_budget: IntCounter,
    pub(super) added_partitions: IntCounter,
    pub(super) store_forgotten: IntCounter,
    pub(super) too_large: IntCounter,
    pub(super) unassigned_partitions: Gauge,
    pub(super) gaps: Vec<IntCounter>,
    pub(super) skipped_offsets: IntCounter,
    pub(super) flush_rows: IntCounter,
    pub(super) insert_duration: Vec<Vec<Histogram>>,
    pub(super) insert_rows: Vec<IntCounter>,
    pub(super) insert_retries: Vec<IntCounter>,
    pub(super) checkpoints: Vec<IntCounter>,
    pub(super) rebalances: Vec<IntCounter>,
    pub(super) phases: Vec<prometheus::Counter>,
    pub(super) topic_problems: Vec<Gauge>,
    pub(super) retention: GaugeVec,
    /// Absent where the limit is not known.
    pub(super) memory_limit: GaugeVec,
    pub(super) foreign_members: Gauge,
    pub(super) answers_age: GaugeVec,
    /// Absent where nobody expects any.
    pub(super) answers_missing: GaugeVec,
    /// Seconds that are left, and all of them.
    pub(super) certificates: [GaugeVec; 2],
    pub(super) token: [GaugeVec; 2],
    pub(super) renewal_refused: Gauge,
    pub(super) ready: Gauge,
    pub(super) paused: Gauge,
    pub(super) partitions: Partitions,
}

/// Gauges of one partition each; their series end when the partition is given back.
pub(super) struct Partitions {
    pub(super) lag: GaugeVec,
    pub(super) lag_seconds: GaugeVec,
    pub(super) stalled: GaugeVec,
    pub(super) hidden: GaugeVec,
    pub(super) retention_margin: GaugeVec,
    pub(super) watermark_delay: GaugeVec,
    pub(super) roots: GaugeVec,
    pub(super) nodes: GaugeVec,
    pub(super) inferred: GaugeVec,
    pub(super) entries: GaugeVec,
    pub(super) bytes: GaugeVec,
    pub(super) checkpoint_age: GaugeVec,
    pub(super) checkpoint_bytes: GaugeVec,
    pub(super) refused: GaugeVec,
}

impl Families {
    pub(super) fn register(registry: &Registry, topic: &str) -> prometheus::Result<Families> {
        let to = Registrar(registry);
        let events = to.counters(
            "events_total",
            "Records by type and outcome: accepted, duplicate of an event of the same life, or rejected (type none).",
            &["type", "outcome"],
        )?;
        let evictions = to.counters("evictions_total", "Lives that left memory, by cause: age or budget.", &["cause"])?;
        to.build_info()?;
        Ok(Families {
            records_read: to.counter("records_read_total", "Records read; the sum of grapevine_events_total at every scrape.")?,
            accepted: EventType::ALL.iter().map(|event| events.with_label_values(&[event.as_str(), "accepted"])).collect(),
            duplicates: EventType::ALL.iter().map(|event| events.with_label_values(&[event.as_str(), "duplicate"])).collect(),
            rejected: events.with_label_values(&[NO_TYPE, "rejected"]),
            rejects: to.rejects()?,
            conflicting_copies: to
                .counter("conflicting_copies_total", "Duplicates that said something else than the first copy in the log.")?,
            future: to
                .counter("events_future_total", "Events whose time is ahead of their record's own by more than the bound.")?,
            ahead: to.counter(
                "records_ahead_total",
                "Records whose own time is ahead of the log's clock by more than the retention of roots.",
            )?,
            unknown_fields: to.unknown_fields()?,
            lateness: to.lateness()?,
            freshness: to.freshness()?,
            evicted_by_age: evictions.with_label_values(&["age"]),
            evicted_by_budget: evictions.with_label_values(&["budget"]),
            added_partitions: to.counter(
                "added_partitions_total",
                "Assignments of partitions that the topic did not have when the epoch began.",
            )?,
            store_forgotten: to
                .counter("store_forgotten_total", "Times that the store knew less of a partition than was made durable.")?,
            too_large: to.counter("states_too_large_total", "Partitions not opened, as their states do not fit into memory.")?,
            unassigned_partitions: to.gauge(
                "unassigned_partitions",
                "Partitions that the stable group has assigned to no member; only members with a name look.",
            )?,
            gaps: to.counted::<GapKind>(
                "gaps_total",
                "Gaps between records of the log, by what asking again for them brought; filled is a defect.",
                "kind",
            )?,
            skipped_offsets: to.counter(
                "skipped_offsets_total",
                "Offsets at which the log holds no record to read: markers of transactions, or compaction.",
            )?,
            flush_rows: to.counter("flush_rows_total", "Rows that left the engines, for the store to take.")?,
            insert_duration: to.insert_duration()?,
            insert_rows: to.counted::<Table>("insert_rows_total", "Rows that the store acknowledged.", "table")?,
            insert_retries: to.counted::<ErrorClass>("insert_retries_total", "Repeated attempts, by error class.", "class")?,
            checkpoints: to.counted::<CheckpointResult>("checkpoints_total", "Checkpoints, by result.", "result")?,
            rebalances: to.counted::<Rebalance>("rebalances_total", "Changes of the assignment, by kind.", "kind")?,
            phases: to.phases()?,
            topic_problems: to.topic_problems()?,
            retention: to.retention()?,
            memory_limit: to.memory_limit()?,
            foreign_members: to.gauge(
                "kafka_foreign_members",
                "Members of the consumer group that are no workers; what is assigned to them nobody reads.",
            )?,
            answers_age: to.answers_age()?,
            answers_missing: to.answers_missing()?,
            certificates: to.certificates()?,
            token: to.token()?,
            renewal_refused: to.renewal_refused()?,
            ready: to.gauge("worker_ready", "1 if the worker is ready (as /readyz says), else 0.")?,
            paused: to.gauge("paused", "Loops that have stopped reading because their rows cannot leave.")?,
            partitions: Partitions::register(&to, topic)?,
        })
    }
}

impl Partitions {
    fn register(to: &Registrar<'_>, topic: &str) -> prometheus::Result<Partitions> {
        // These two have the labels that other consumers' lag has, so that one panel shows all.
        let lag = "Records between the committed offset and the end of the partition, those behind an open transaction included.";
        let lag_seconds = "Age of the last record read while there are more, else 0.";
        Ok(Partitions {
            lag: to.by_topic_and_partition("kafka_consumer_lag", lag, topic)?,
            lag_seconds: to.by_topic_and_partition("kafka_consumer_lag_seconds", lag_seconds, topic)?,
            stalled: to
                .by_partition("partition_stalled_seconds", "Seconds without a record read although there are more, else 0.")?,
            hidden: to.by_partition(
                "kafka_hidden_records",
                "Records behind an open transaction, a part of the lag: nobody may read them before it ends.",
            )?,
            retention_margin: to.by_partition(
                "kafka_retention_margin_seconds",
                "Time until the topic forgets the first record that is not committed; absent while it has not forgotten any, or never does.",
            )?,
            watermark_delay: to.by_partition("watermark_delay_seconds", "How far the watermark is behind the clock.")?,
            roots: to.by_partition("live_roots", "Roots in memory.")?,
            nodes: to.by_partition("live_nodes", "Nodes of the trees in memory.")?,
            inferred: to
                .by_partition("inferred_nodes", "Nodes in memory that hang from their root because their parent is not known.")?,
            entries: to.by_partition("state_entries", "Nodes and entries in memory, as counted against rules.budget_entries.")?,
            bytes: to.by_partition("state_bytes", "Estimated memory of the state.")?,
            checkpoint_age: to
                .by_partition("checkpoint_age_seconds", "Seconds since the newest checkpoint was published, by whomever; 0 while it covers all that was read, so that a restart would read nothing again.")?,
            checkpoint_bytes: to.by_partition("checkpoint_bytes", "Size of the newest checkpoint, published or restored.")?,
            refused: to.by_partition("partition_refused", "1: must not be read on and was put aside; the log says why.")?,
        })
    }

    /// Ends all series of a partition.
    pub(super) fn remove(&self, partition: Partition) {
        let label = partition.to_string();
        let all = [
            &self.lag,
            &self.lag_seconds,
            &self.stalled,
            &self.hidden,
            &self.retention_margin,
            &self.watermark_delay,
            &self.roots,
            &self.nodes,
            &self.inferred,
            &self.entries,
            &self.bytes,
            &self.checkpoint_age,
            &self.checkpoint_bytes,
            &self.refused,
        ];
        for gauges in all {
            forget(gauges, &label);
        }
    }
}

/// Ends one series. One that never began is as good as ended, hence no error.
pub(super) fn forget(gauges: &GaugeVec, label: &str) {
    drop(gauges.remove_label_values(&[label]));
}

/// Creates and registers metrics under the project's prefix.
struct Registrar<'a>(&'a Registry);

impl Registrar<'_> {
    fn put<M: Collector + Clone + 'static>(&self, metric: M) -> prometheus::Result<M> {
        self.0.register(Box::new(metric.clone()))?;
        Ok(metric)
    }

    fn counter(&self, name: &str, help: &str) -> prometheus::Result<IntCounter> {
        self.put(IntCounter::new(prefixed(name), help)?)
    }

    fn counters(&self, name: &str, help: &str, labels: &[&str]) -> prometheus::Result<IntCounterVec> {
        self.put(IntCounterVec::new(Opts::new(prefixed(name), help), labels)?)
    }

    fn counted<L: Label>(&self, name: &str, help: &str, label: &str) -> prometheus::Result<Vec<IntCounter>> {
        let family = self.counters(name, help, &[label])?;
        Ok(L::VALUES.iter().map(|value| family.with_label_values(&[value])).collect())
    }

    fn gauge(&self, name: &str, help: &str) -> prometheus::Result<Gauge> {
        self.put(Gauge::new(prefixed(name), help)?)
    }

    fn by_partition(&self, name: &str, help: &str) -> prometheus::Result<GaugeVec> {
        self.put(GaugeVec::new(Opts::new(prefixed(name), help), &["partition"])?)
    }

    fn by_topic_and_partition(&self, name: &str, help: &str, topic: &str) -> prometheus::Result<GaugeVec> {
        self.put(GaugeVec::new(Opts::new(prefixed(name), help).const_label("topic", topic), &["partition"])?)
    }

    fn rejects(&self) -> prometheus::Result<Vec<IntCounter>> {
        let family = self.counters(
            "rejects_total",
            "Records that are no event, by reason; they are kept in the table rejects.",
            &["reason"],
        )?;
        Ok(Reason::ALL.iter().map(|reason| family.with_label_values(&[reason.as_str()])).collect())
    }

    fn unknown_fields(&self) -> prometheus::Result<Vec<IntCounter>> {
        let family = self.counters(
            "unknown_fields_total",
            "Fields of events that nobody reads, by class: of another type of event, misspelled, extension or other.",
            &["class"],
        )?;
        Ok(UnknownField::ALL.iter().map(|class| family.with_label_values(&[class.as_str()])).collect())
    }

    /// One histogram a table and result, in the order of the enums.
    fn insert_duration(&self) -> prometheus::Result<Vec<Vec<Histogram>>> {
        let buckets = vec![0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 60.0];
        let opts =
            HistogramOpts::new(prefixed("insert_duration_seconds"), "Duration of attempts to insert, by table and result.");
        let family = self.put(HistogramVec::new(opts.buckets(buckets), &["table", "result"])?)?;
        let of_table =
            |table: &&str| InsertResult::VALUES.iter().map(|result| family.with_label_values(&[*table, *result])).collect();
        Ok(Table::VALUES.iter().map(of_table).collect())
    }

    fn lateness(&self) -> prometheus::Result<Bucketed> {
        let help = "How far accepted events are behind the watermark of their source when they are read.";
        self.put(Bucketed::new(&prefixed("event_lateness_seconds"), help, &LATENESS_BOUNDS.map(f64::from))?)
    }

    /// The values of its label are in the order of [`crate::record::StampedBy`].
    fn freshness(&self) -> prometheus::Result<Bucketed> {
        let help = "From a record's own time (append: the broker's, create: its producer's) until its rows could be read, once a record.";
        self.put(Bucketed::by("time", &["create", "append"], &prefixed("freshness_seconds"), help, &FRESHNESS_BOUNDS)?)
    }

    fn topic_problems(&self) -> prometheus::Result<Vec<Gauge>> {
        let opts =
            Opts::new(prefixed("topic_problem"), "1: the topic is missing, is compacted, or keeps records for too short a time.");
        let family = self.put(GaugeVec::new(opts, &["problem"])?)?;
        Ok(TopicProblem::VALUES.iter().map(|problem| family.with_label_values(&[problem])).collect())
    }

    fn retention(&self) -> prometheus::Result<GaugeVec> {
        let help = "How long the topic keeps its records (retention.ms); absent: for ever, or not known.";
        self.put(GaugeVec::new(Opts::new(prefixed("kafka_retention_seconds"), help), &["topic"])?)
    }

    fn memory_limit(&self) -> prometheus::Result<GaugeVec> {
        let help =
            "What this process may take: memory.limit_mib, else what its container or the machine allows; absent: not known.";
        self.put(GaugeVec::new(Opts::new(prefixed("memory_limit_bytes"), help), &[])?)
    }

    fn answers_age(&self) -> prometheus::Result<GaugeVec> {
        let help = "Seconds since the newest run of grapevine rollup was published, by whomever; absent: there was none.";
        self.put(GaugeVec::new(Opts::new(prefixed("answers_age_seconds"), help), &["database"])?)
    }

    fn answers_missing(&self) -> prometheus::Result<GaugeVec> {
        let help =
            "1 while no run of grapevine rollup was ever published; absent: clickhouse.answers expects none, or not known.";
        self.put(GaugeVec::new(Opts::new(prefixed("answers_missing"), help), &["database"])?)
    }

    fn renewal_refused(&self) -> prometheus::Result<Gauge> {
        let help =
            "Mistakes in renewed files of certificates, keys and secrets, for which the old ones go on; the log names them.";
        self.gauge("renewal_refused", help)
    }

    fn certificates(&self) -> prometheus::Result<[GaugeVec; 2]> {
        let expiry =
            "Seconds until the certificate expires that the key of the label names; of authorities, the one that expires last.";
        let lifetime = "Seconds from the beginning of that certificate's life to its end.";
        self.life("certificate", &["file"], [expiry, lifetime])
    }

    fn token(&self) -> prometheus::Result<[GaugeVec; 2]> {
        let expiry =
            "Seconds until the newest token or signature ends that brokers are shown, by this machine's clock; absent: none yet.";
        let lifetime = "Seconds from when that token came to its end.";
        self.life("token", &[], [expiry, lifetime])
    }

    /// What is left of something that ends by itself, and the whole of it.
    fn life(&self, what: &str, labels: &[&str], [expiry, lifetime]: [&str; 2]) -> prometheus::Result<[GaugeVec; 2]> {
        let gauge = |name: &str, help| self.put(GaugeVec::new(Opts::new(prefixed(&format!("{what}_{name}")), help), labels)?);
        Ok([gauge("expiry_seconds", expiry)?, gauge("lifetime_seconds", lifetime)?])
    }

    fn phases(&self) -> prometheus::Result<Vec<prometheus::Counter>> {
        let opts = Opts::new(prefixed("poll_loop_seconds_total"), "What the loops spend their time on, by phase.");
        let family = self.put(prometheus::CounterVec::new(opts, &["phase"])?)?;
        Ok(Phase::VALUES.iter().map(|phase| family.with_label_values(&[*phase])).collect())
    }

    fn build_info(&self) -> prometheus::Result<()> {
        let opts = Opts::new(
            prefixed("build_info"),
            "Always 1; the labels say which version runs, and the commit and day it was built from.",
        );
        let family = self.put(GaugeVec::new(opts, &["version", "commit", "date"])?)?;
        family.with_label_values(&[version::VERSION, version::COMMIT, version::DATE]).set(1.0);
        Ok(())
    }
}

fn prefixed(name: &str) -> String {
    format!("grapevine_{name}")
}

/// Shows what is left of a life, and the whole of it.
pub(super) fn show_life([expiry, lifetime]: &[GaugeVec; 2], labels: &[&str], life: Lifetime, now: Millis) {
    expiry.with_label_values(labels).set(seconds(life.until.saturating_mul(1000).saturating_sub(now)));
    lifetime.with_label_values(labels).set(life.until.saturating_sub(life.from) as f64);
}
