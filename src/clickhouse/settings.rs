//! Settings of inserts: those that every insert has, and those that an operator may add (`[clickhouse.settings]`). Refused is what the sink
//! says itself, and what would change what a statement says or when its answer comes.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::config;

/// The name of a setting of ClickHouse, and what it is set to.
pub type Setting = (&'static str, &'static str);

/// What every insert says, of servers that know it: an unknown setting is an error there.
pub const SETTINGS: [Setting; 16] = [
    // The answer must mean that the rows are there.
    ("async_insert", "0"),
    // A repeated insert must never be dropped as a copy: versions settle that.
    ("insert_deduplicate", "0"),
    ("deduplicate_insert", "disable"),
    // What the store knew a while ago is no answer.
    ("use_query_cache", "0"),
    // A flush has each key once: looking for rows to replace in it is work for nothing, a quarter of the CPU.
    ("optimize_on_insert", "0"),
    // Our tables have no partitions; one that somebody has given some refuses no old events for lying in many.
    ("throw_on_max_partitions_per_insert_block", "0"),
    // What does not fit the table is refused. Without a word, a server would else leave a column out, store another number,
    // or 0 where there is none.
    ("input_format_skip_unknown_fields", "0"),
    ("input_format_native_allow_types_conversion", "0"),
    ("input_format_null_as_default", "0"),
    ("input_format_native_decode_types_in_binary_format", "0"),
    // What takes too long fails: it must not end early as if it were done.
    ("timeout_overflow_mode", "throw"),
    // One block stays one block, whatever the user's profile says.
    ("use_strict_insert_block_limits", "0"),
    ("max_insert_block_size", ANY_ROWS),
    ("max_insert_block_size_bytes", "0"),
    ("min_insert_block_size_rows", ANY_ROWS),
    ("min_insert_block_size_bytes", "0"),
];

/// More rows than an insert has.
const ANY_ROWS: &str = "1099511627776";

/// The name of the setting by which an insert is found in `system.query_log`.
pub(super) const LOG_COMMENT: &str = "log_comment";

const EARLY: &str = "the answer would not mean that the rows are there";
const COPY: &str = "a repeated insert would be dropped as a copy";
const CHANGED: &str = "rows would be read otherwise than they are sent";
const LEFT_OUT: &str = "what the store says of itself would be cut";
const SPREAD: &str = "rows of a source would lie in several places, where they do not replace each other";
const SEVERAL: &str = "it stands for many settings, among them some that every insert sets itself";
const REQUEST: &str = "it is no setting but a part of the request";

/// How names of settings begin that are refused, and why.
const REFUSED: [(&str, &str); 30] = [
    ("additional_", LEFT_OUT),
    ("async_insert", EARLY),
    ("compatibility", SEVERAL),
    ("compress", REQUEST),
    ("database", REQUEST),
    ("date_time_input_format", CHANGED),
    ("decompress", REQUEST),
    ("deduplicate_", COPY),
    ("default_format", REQUEST),
    ("distributed_", EARLY),
    ("enable_http_compression", REQUEST),
    ("final", LEFT_OUT),
    ("input_format_", CHANGED),
    ("insert_deduplicat", COPY),
    // The older name of distributed_foreground_insert.
    ("insert_distributed_", EARLY),
    ("insert_shard_id", SPREAD),
    ("limit", LEFT_OUT),
    ("offset", LEFT_OUT),
    ("param_", REQUEST),
    ("password", REQUEST),
    ("profile", SEVERAL),
    ("query", REQUEST),
    ("quota_key", REQUEST),
    ("readonly", "nothing could be written"),
    ("role", REQUEST),
    ("session_", CHANGED),
    ("stacktrace", REQUEST),
    ("user", REQUEST),
    ("wait_end_of_query", REQUEST),
    ("wait_for_async_insert", EARLY),
];

/// Whether an operator may add a setting to every insert; if not, what is wrong, and what to do.
///
/// # Errors
///
/// The problem and the cure.
pub(crate) fn may_pass(name: &str) -> Result<(), (String, String)> {
    let refused = |why: &str| Err((format!("{name:?} is not added to inserts"), format!("{why}; remove it")));
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_') {
        return Err((format!("{name:?} is no name of a setting"), "write it as system.settings does".to_owned()));
    }
    if let Some((_, value)) = SETTINGS.iter().find(|(pinned, _)| *pinned == name) {
        return refused(&format!("every insert sets it to {value:?}, for exactness"));
    }
    if name == LOG_COMMENT {
        return refused("it says of which source each insert is, and up to where");
    }
    if name.ends_with("_overflow_mode") {
        return refused("what takes too much would end early, as if it were done");
    }
    REFUSED.iter().find(|(beginning, _)| name.starts_with(beginning)).map_or(Ok(()), |(_, why)| refused(why))
}

/// How long a server waits for a quorum, where one is asked for, in milliseconds: ten minutes, if nobody says otherwise.
const QUORUM_TIMEOUT: &str = "insert_quorum_timeout";

/// Settings of how long the server may take, and how many milliseconds one of theirs has.
const TIMES: [(&str, u64); 2] = [(QUORUM_TIMEOUT, 1), ("max_execution_time", 1000)];

/// What goes into every insert beside [`SETTINGS`]: what the operator adds, and that a quorum, whoever asks for it, is waited for no longer
/// than the worker waits.
pub(super) fn added(settings: &config::ClickHouse) -> Vec<(String, String)> {
    let deadline = (settings.send_timeout + settings.end_timeout).as_millis().to_string();
    let mut added = BTreeMap::from([(QUORUM_TIMEOUT.to_owned(), deadline)]);
    added.extend(settings.settings.clone());
    added.into_iter().collect()
}

/// What does not go together of these settings and the worker's own deadline: each with what to do.
pub(crate) fn do_not_fit(settings: &config::ClickHouse) -> Vec<(String, String)> {
    let deadline = settings.send_timeout + settings.end_timeout;
    let late = |(name, unit): &(&str, u64)| {
        let takes = Duration::from_millis(settings.settings.get(*name)?.parse::<u64>().ok()?.saturating_mul(*unit));
        let problem = || {
            format!("{name:?} lets an insert take {takes:?}, and after {deadline:?} the worker gives it up and sends it again")
        };
        let cure = "lower it, or raise clickhouse.send_timeout_seconds and clickhouse.end_timeout_seconds, whose sum that is";
        (takes > deadline).then(|| (problem(), cure.to_owned()))
    };
    TIMES.iter().filter_map(late).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_the_sink_pins_is_refused() {
        for (name, value) in SETTINGS {
            let (problem, cure) = may_pass(name).unwrap_err();
            assert!(problem.contains(name) && cure.contains(value), "{problem}; {cure}");
        }
    }

    #[test]
    fn what_would_change_a_statement_is_refused_and_the_rest_is_not() {
        for name in [
            "log_comment",
            "read_overflow_mode",
            "limit",
            "additional_table_filters",
            "async_insert_max_data_size",
            "insert_distributed_sync",
            "insert_shard_id",
            "profile",
            "compatibility",
            "param_source",
            "database",
            "session_id",
            "A b",
            "",
        ] {
            assert!(may_pass(name).is_err(), "{name}");
        }
        for name in [
            "insert_quorum",
            "insert_quorum_timeout",
            "workload",
            "max_threads",
            "fsync_after_insert",
            "max_partitions_per_insert_block",
        ] {
            assert_eq!(may_pass(name), Ok(()), "{name}");
        }
    }
}
