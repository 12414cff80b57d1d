//! Histograms that are fed by whole bucket counts.
//!
//! The client's own takes one observation at a time, which would cost a call for every event.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus::core::{Collector, Desc};
use prometheus::proto;

/// A histogram, or one for each value of a label.
#[derive(Clone)]
pub(super) struct Bucketed {
    desc: Desc,
    bounds: Vec<f64>,
    label: &'static str,
    series: Arc<Mutex<Vec<Series>>>,
}

struct Series {
    value: &'static str,
    buckets: Vec<u64>,
    sum_ms: u64,
}

impl Bucketed {
    /// One without a label.
    pub(super) fn new(name: &str, help: &str, bounds: &[f64]) -> prometheus::Result<Bucketed> {
        Bucketed::by("", &[""], name, help, bounds)
    }

    /// One for each value of a label.
    pub(super) fn by(
        label: &'static str,
        values: &[&'static str],
        name: &str,
        help: &str,
        bounds: &[f64],
    ) -> prometheus::Result<Bucketed> {
        let labels = if label.is_empty() { Vec::new() } else { vec![label.to_owned()] };
        let desc = Desc::new(name.to_owned(), help.to_owned(), labels, HashMap::new())?;
        let empty = |value| Series { value, buckets: vec![0; bounds.len() + 1], sum_ms: 0 };
        let series = Arc::new(Mutex::new(values.iter().copied().map(empty).collect()));
        Ok(Bucketed { desc, bounds: bounds.to_vec(), label, series })
    }

    /// Adds what was counted, bucket by bucket, the last beyond all bounds; and the sum of all that in milliseconds.
    pub(super) fn add(&self, series: usize, buckets: &[u64], sum_ms: u64) {
        if let Some(Series { buckets: sums, sum_ms: total, .. }) = self.lock().get_mut(series) {
            for (sum, more) in sums.iter_mut().zip(buckets) {
                *sum += more;
            }
            *total = total.saturating_add(sum_ms);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Series>> {
        self.series.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn metric(&self, series: &Series) -> proto::Metric {
        let mut below = 0;
        let mut buckets = Vec::with_capacity(self.bounds.len());
        for (bound, count) in self.bounds.iter().zip(&series.buckets) {
            below += count;
            let mut bucket = proto::Bucket::default();
            bucket.set_upper_bound(*bound);
            bucket.set_cumulative_count(below);
            buckets.push(bucket);
        }
        let mut histogram = proto::Histogram::default();
        histogram.set_bucket(buckets);
        histogram.set_sample_count(series.buckets.iter().sum());
        histogram.set_sample_sum(series.sum_ms as f64 / 1000.0);
        let mut metric = proto::Metric::default();
        metric.set_histogram(histogram);
        if !self.label.is_empty() {
            let mut label = proto::LabelPair::default();
            label.set_name(self.label.to_owned());
            label.set_value(series.value.to_owned());
            metric.set_label(vec![label]);
        }
        metric
    }
}

impl Collector for Bucketed {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.desc]
    }

    fn collect(&self) -> Vec<proto::MetricFamily> {
        let mut family = proto::MetricFamily::default();
        family.set_name(self.desc.fq_name.clone());
        family.set_help(self.desc.help.clone());
        family.set_field_type(proto::MetricType::HISTOGRAM);
        family.set_metric(self.lock().iter().map(|series| self.metric(series)).collect());
        vec![family]
    }
}
