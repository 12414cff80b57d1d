//! A page of metrics, as far as it says how a worker is. The numbers that make a problem are those of the alerts of the same names.

use std::collections::BTreeMap;

/// What of a partition is a problem beyond how many seconds.
const LIMITS: [(&str, u32, &str); 3] = [
    ("grapevine_kafka_consumer_lag_seconds", 900, "is behind for so many seconds"),
    ("grapevine_partition_stalled_seconds", 300, "has records that nobody reads for so many seconds"),
    ("grapevine_checkpoint_age_seconds", 600, "has a checkpoint that is so many seconds old"),
];

/// The share of its memory that a worker should not pass.
const MEMORY: f64 = 0.85;

type Labels = BTreeMap<String, String>;

/// The values of a page by the name of their series.
#[derive(Debug, Default)]
pub(super) struct Page(BTreeMap<String, Vec<(Labels, f64)>>);

impl Page {
    /// Reads Prometheus's text format; what cannot be read is left out.
    pub(super) fn read(text: &str) -> Page {
        let mut page = Page::default();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            if let Some((name, labels, value)) = sample(line) {
                page.0.entry(name).or_default().push((labels, value));
            }
        }
        page
    }

    /// The first value of a name.
    pub(super) fn value(&self, name: &str) -> Option<f64> {
        self.0.get(name)?.first().map(|(_, value)| *value)
    }

    /// The value of a label, of the first series of a name.
    pub(super) fn label(&self, name: &str, label: &str) -> Option<String> {
        self.0.get(name)?.first()?.0.get(label).cloned()
    }

    /// The sum of all series of a name of which a label has one of some values, or of all.
    pub(super) fn sum(&self, name: &str, label: Option<(&str, &[&str])>) -> f64 {
        let chosen = |labels: &Labels| {
            label.is_none_or(|(label, values)| labels.get(label).is_some_and(|value| values.contains(&value.as_str())))
        };
        self.0.get(name).into_iter().flatten().filter(|(labels, _)| chosen(labels)).map(|(_, value)| value).sum()
    }

    /// The values of a name by their partition.
    pub(super) fn by_partition(&self, name: &str) -> BTreeMap<i32, f64> {
        let each = self.0.get(name).into_iter().flatten();
        each.filter_map(|(labels, value)| Some((labels.get("partition")?.parse().ok()?, *value))).collect()
    }

    /// What is wrong by the page alone.
    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        for (name, limit, what) in LIMITS {
            let over = self.by_partition(name).into_iter().filter(|(_, value)| *value > f64::from(limit));
            problems.extend(over.map(|(partition, value)| format!("partition {partition} {what}: {value:.0}")));
        }
        for partition in self.by_partition("grapevine_partition_refused").into_keys() {
            problems.push(format!("partition {partition} was put aside; the worker's log says why"));
        }
        if let Some(share) = self.memory().filter(|share| *share > MEMORY) {
            problems.push(format!("takes {:.0} % of the memory that it may", share * 100.0));
        }
        problems
    }

    /// The memory that is taken, as a share of what may be.
    pub(super) fn memory(&self) -> Option<f64> {
        Some(self.value("process_resident_memory_bytes")? / self.value("grapevine_memory_limit_bytes")?)
    }

    /// The share of records that could be read within five seconds, since the worker started.
    pub(super) fn fresh(&self) -> Option<f64> {
        let all = self.sum("grapevine_freshness_seconds_count", None);
        (all > 0.0).then(|| self.sum("grapevine_freshness_seconds_bucket", Some(("le", &["5", "5.0"]))) / all)
    }
}

/// A line: name, labels in braces if there are any, value.
fn sample(line: &str) -> Option<(String, Labels, f64)> {
    let (series, value) = line.rsplit_once(' ')?;
    let value = value.parse().ok()?;
    let Some((name, labels)) = series.split_once('{') else { return Some((series.to_owned(), Labels::new(), value)) };
    Some((name.to_owned(), pairs(labels.strip_suffix('}')?)?, value))
}

/// `a="b",c="d"`: a backslash takes the next character as it is, but for the line break that `\n` is.
fn pairs(mut rest: &str) -> Option<Labels> {
    let mut labels = Labels::new();
    while !rest.is_empty() {
        let (name, after) = rest.split_once("=\"")?;
        let (mut value, mut characters) = (String::new(), after.char_indices());
        let end = loop {
            match characters.next()? {
                (at, '"') => break at,
                (_, '\\') => value.push(match characters.next()?.1 {
                    'n' => '\n',
                    other => other,
                }),
                (_, other) => value.push(other),
            }
        };
        labels.insert(name.to_owned(), value);
        rest = after.get(end + 1..)?;
        rest = rest.strip_prefix(',').unwrap_or(rest);
    }
    Some(labels)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# HELP a b\n# TYPE a counter\ngrapevine_build_info{version=\"0.1.0\",commit=\"a\\\"b\\\\c\"} 1\n\
        grapevine_freshness_seconds_bucket{time=\"create\",le=\"5\"} 90\n\
        grapevine_freshness_seconds_bucket{time=\"append\",le=\"5.0\"} 9\n\
        grapevine_freshness_seconds_bucket{time=\"create\",le=\"10\"} 99\n\
        grapevine_freshness_seconds_count{time=\"create\"} 100\ngrapevine_freshness_seconds_count{time=\"append\"} 10\n\
        process_resident_memory_bytes 95\ngrapevine_memory_limit_bytes 100\n\
        grapevine_partition_stalled_seconds{partition=\"3\"} 301\ngrapevine_partition_stalled_seconds{partition=\"4\"} 2\n\
        grapevine_partition_refused{partition=\"7\"} 1\nbroken{a=\"b 1\nno value\n";

    #[test]
    fn a_page_is_read_and_what_is_broken_is_left_out() {
        let page = Page::read(PAGE);
        assert_eq!(page.label("grapevine_build_info", "commit").as_deref(), Some("a\"b\\c"));
        assert_eq!(page.by_partition("grapevine_partition_stalled_seconds"), BTreeMap::from([(3, 301.0), (4, 2.0)]));
        assert_eq!((page.fresh(), page.memory()), (Some(0.9), Some(0.95)));
        assert_eq!(Page::read("").fresh(), None);
    }

    #[test]
    fn limits_are_those_of_the_alerts() {
        let alerts = include_str!("../../../deploy/prometheus/alerts.yml");
        for (name, limit, _) in LIMITS {
            assert!(alerts.contains(&format!("{name}{{job=\"grapevine\"}} > {limit}\n")), "{name}: {limit}");
        }
        assert!(alerts.contains(&format!("{MEMORY} * grapevine_memory_limit_bytes")));
    }

    #[test]
    fn what_alerts_would_say_is_a_problem() {
        let problems = Page::read(PAGE).problems();
        let wanted =
            ["partition 3 has records that nobody reads for so many seconds: 301", "partition 7 was put aside", "takes 95 %"];
        assert_eq!(problems.len(), wanted.len(), "{problems:?}");
        assert!(problems.iter().zip(wanted).all(|(problem, wanted)| problem.starts_with(wanted)), "{problems:?}");
        assert!(Page::read("grapevine_partition_stalled_seconds{partition=\"3\"} 300\n").problems().is_empty());
    }
}
