//! How a fleet is, as tables for people or as one JSON object for programs.

use super::asking::{Answers, PartitionStanding, Standing, Worker};
use crate::command::table::{Table, or_dash};

/// One line, for programs.
pub(super) fn json(standing: &Standing) -> String {
    format!("{}\n", serde_json::to_string(standing).unwrap_or_default())
}

/// Tables, then what somebody should look at.
pub(super) fn tables(standing: &Standing) -> String {
    let mut text = format!("group {}\n\n", standing.group);
    let mut workers = Table::new(["worker", "ready", "version", "up", "memory", "within 5 s"]);
    for Worker { worker, ready, version, up_seconds, memory, fresh } in &standing.workers {
        let is_ready = if *ready { "yes" } else { "no" }.to_owned();
        workers.row([worker.clone(), is_ready, or_dash(version.as_deref()), span(*up_seconds), share(*memory), share(*fresh)]);
    }
    if !workers.is_empty() {
        text += &format!("{}\n", workers.text());
    }
    let mut partitions = Table::new(["partition", "worker", "end", "readable to", "committed", "lag", "behind", "checkpoint"]);
    for standing in &standing.partitions {
        let PartitionStanding { partition, worker, end, readable, committed, lag, behind_seconds, checkpoint_seconds } = standing;
        partitions.row([
            partition.to_string(),
            or_dash(worker.as_deref()),
            or_dash(*end),
            or_dash(*readable),
            or_dash(*committed),
            or_dash(*lag),
            span(*behind_seconds),
            span(*checkpoint_seconds),
        ]);
    }
    text += &format!("{}\n", partitions.text());
    text += &match &standing.answers {
        Some(Answers { run, age_seconds, took_seconds }) => {
            format!("answers: run {run}, published {} ago, took {took_seconds:.1} s\n", span(Some(*age_seconds)))
        }
        None if standing.is_answered => "answers: none yet\n".to_owned(),
        None => String::new(),
    };
    for problem in &standing.problems {
        text += &format!("problem: {problem}\n");
    }
    for unasked in &standing.unasked {
        text += &format!("not asked: {unasked}\n");
    }
    if standing.problems.is_empty() && standing.unasked.is_empty() {
        text += "all is well\n";
    }
    text
}

fn share(share: Option<f64>) -> String {
    share.map_or_else(|| or_dash::<f64>(None), |share| format!("{:.1} %", share * 100.0))
}

/// Seconds as people say them, in the two largest units.
fn span(seconds: Option<u64>) -> String {
    let Some(seconds) = seconds else { return or_dash::<u64>(None) };
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds / 3600 % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_said_in_their_two_largest_units() {
        let said = [0, 59, 60, 3_599, 3_661, 90_000].map(|seconds| span(Some(seconds)));
        assert_eq!(said, ["0 s", "59 s", "1 min 0 s", "59 min 59 s", "1 h 1 min", "1 d 1 h"]);
        assert_eq!(span(None), "-");
    }

    #[test]
    fn whoever_could_not_be_asked_leaves_dashes_and_is_named() {
        let mut standing = Standing { group: "g-epoch-0".to_owned(), ..Standing::default() };
        standing.partitions.push(PartitionStanding { partition: 3, end: Some(9), ..PartitionStanding::default() });
        standing.unasked.push("http://a:1/metrics does not answer".to_owned());
        let text = tables(&standing);
        let row = text.lines().find(|line| line.trim_start().starts_with('3')).unwrap();
        assert_eq!(row.split_whitespace().collect::<Vec<_>>(), ["3", "-", "9", "-", "-", "-", "-", "-"]);
        assert!(text.ends_with("\n\nnot asked: http://a:1/metrics does not answer\n"), "{text}");
        let read: serde_json::Value = serde_json::from_str(&json(&standing)).unwrap();
        assert_eq!((&read["partitions"][0]["end"], &read["partitions"][0]["lag"]), (&9.into(), &serde_json::Value::Null));
    }
}
