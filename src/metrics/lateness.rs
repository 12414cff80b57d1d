//! The histogram of lateness, fed by whole bucket counts.
//!
//! The client's own histogram takes one observation at a time, which would cost a call for every event.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus::core::{Collector, Desc};
use prometheus::proto;

use crate::engine::{LATENESS_BOUNDS, Tally};

pub(super) const NAME: &str = "grapevine_event_lateness_seconds";
const HELP: &str = "How far accepted events are behind the watermark of their source when they are read.";

#[derive(Clone)]
pub(super) struct Lateness {
    desc: Desc,
    counts: Arc<Mutex<Counts>>,
}

#[derive(Default)]
struct Counts {
    buckets: [u64; LATENESS_BOUNDS.len() + 1],
    sum_ms: u64,
}

impl Lateness {
    pub(super) fn new() -> prometheus::Result<Lateness> {
        let desc = Desc::new(NAME.to_owned(), HELP.to_owned(), Vec::new(), HashMap::new())?;
        Ok(Lateness { desc, counts: Arc::default() })
    }

    pub(super) fn add(&self, tally: &Tally) {
        let mut counts = self.lock();
        for (sum, more) in counts.buckets.iter_mut().zip(tally.lateness) {
            *sum += more;
        }
        counts.sum_ms += tally.lateness_sum;
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn histogram(&self) -> proto::Histogram {
        let counts = self.lock();
        let mut below = 0;
        let mut buckets = Vec::with_capacity(LATENESS_BOUNDS.len());
        for (bound, count) in LATENESS_BOUNDS.iter().zip(counts.buckets) {
            below += count;
            let mut bucket = proto::Bucket::default();
            bucket.set_upper_bound(f64::from(*bound));
            bucket.set_cumulative_count(below);
            buckets.push(bucket);
        }
        let mut histogram = proto::Histogram::default();
        histogram.set_bucket(buckets);
        histogram.set_sample_count(counts.buckets.iter().sum());
        histogram.set_sample_sum(counts.sum_ms as f64 / 1000.0);
        histogram
    }
}

impl Collector for Lateness {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.desc]
    }

    fn collect(&self) -> Vec<proto::MetricFamily> {
        let mut metric = proto::Metric::default();
        metric.set_histogram(self.histogram());
        let mut family = proto::MetricFamily::default();
        family.set_name(NAME.to_owned());
        family.set_help(HELP.to_owned());
        family.set_field_type(proto::MetricType::HISTOGRAM);
        family.set_metric(vec![metric]);
        vec![family]
    }
}
