//! Why a partition is not read on, and the ways out: every message names the place and the cure.
//!
//! Going on would lose events, count them twice, or put two contents under one version. Nothing was written.

use super::promise::{Known, Promise, StoreId};
use crate::engine::Limits;
use crate::record::{Offset, Partition};

/// What the log shows where the last record was read before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unrecognised {
    /// Another record.
    Another,
    /// No record, although the log begins before that offset.
    Nothing,
}

/// The log begins behind the place where reading must go on.
pub(super) fn begins_later(source: &str, first: Offset, next: Offset) -> String {
    gone(&format!("the log of {source} begins at offset {first}, after offset {next} where reading must go on"))
}

/// The log ends before the place where reading must go on.
pub(super) fn ends_earlier(source: &str, end: Offset, next: Offset) -> String {
    gone(&format!("the log of {source} ends at offset {end}, before offset {next} where reading must go on"))
}

fn gone(problem: &str) -> String {
    format!(
        "{problem}: records are gone, or the topic was created again. Nothing was read. If the topic was created \
         again, give it another name in `worker.log`; if records are gone, raise `epoch`, which reads again all that \
         the log still holds into rows of its own"
    )
}

pub(super) fn no_checkpoint(source: &str, evidence: &str) -> String {
    format!(
        "there is no sound checkpoint of {source}, although {evidence}: reading on would lose events or count them \
         twice, so nothing was read. Look first whether `checkpoint.url` is the right place, and the same one for all \
         workers (a pod's own disk is not), or bring the checkpoints back. If they are gone there are two ways on: raise `epoch`, \
         which reads everything again into rows of its own; or stop every worker of this epoch and run `grapevine resume` once, to resume with empty trees behind the newest \
         row (docs/operations.md, \"Lost checkpoints\")"
    )
}

/// What is left where nothing brings the rows back.
const LAST_WAYS: &str = "If there is nothing of the kind: raise `epoch`, which is exact if the log still begins where the rows did; else stop \
                         every worker of this epoch, run `grapevine migrate` if the database was dropped, and `grapevine rewrite` once, which writes \
                         again every living root and all facts that the log still holds";

/// Where it is explained.
const MANUAL: &str = "(docs/operations.md, \"A store that forgot\")";

/// The store is another one than that which the newest state of a source was written with.
#[must_use]
pub fn another_store(source: &str, wanted: StoreId, here: StoreId) -> String {
    format!(
        "`clickhouse.database` at `clickhouse.urls` is another store than the one that {source} was written to (its id is {here}, not \
         {wanted}): nothing was read, nothing is written. Set them right, and the worker goes on by itself. If it holds a whole copy of \
         the right one, give it the id: ALTER TABLE store MODIFY COMMENT '{wanted}'. {LAST_WAYS} {MANUAL}"
    )
}

/// The store knows less than a state of a source promises.
#[must_use]
pub fn forgotten(source: &str, promise: Promise, known: &Known) -> String {
    let offset = |offset: Option<Offset>| offset.unwrap_or_default();
    let Known { store: _, progress, tables: _ } = known;
    let lacking = known.lacking(promise.tables);
    // A store that came back as a whole has older tables, too.
    if !lacking.is_empty() && (*progress >= promise.progress || !known.lacking(None).is_empty()) {
        return format!(
            "the store has lost what it held of {source} in {} up to offset {}, although `progress` is still there: that was emptied, or \
             brought back alone from an older copy. All tables must come back together, as of one time",
            lacking.join(", "),
            offset(promise.tables)
        );
    }
    format!(
        "the store knows {source} up to offset {}, but offset {} was made durable: it came back from an older copy, or has lost rows",
        offset(*progress),
        offset(promise.progress)
    )
}

/// And no state that is kept is as old as the store.
#[must_use]
pub fn refused(forgotten: &str) -> String {
    format!(
        "{forgotten}; and no checkpoint that is kept is as old, or the log does not reach back to it. Nothing was read, nothing is \
         written. Bring back the store's own backup or replica, or put older checkpoints beside those that are kept, and the worker \
         goes on by itself. {LAST_WAYS} {MANUAL}"
    )
}

pub(super) fn foreign_checkpoint(source: &str, next: Offset, why: &str) -> String {
    format!(
        "the checkpoint of {source} at offset {next} cannot be used: {why}. It was written with other rules or by \
         another version: run those again, or give this one a new database and a new epoch (`clickhouse.database`, `epoch`), \
         into which it reads everything again"
    )
}

/// Rows behind the checkpoint were made under other limits: a replay would not make the same ones again.
pub(super) fn other_limits(source: &str, next: Offset, newest: Offset, then: Limits, now: Limits) -> String {
    let differences: Vec<String> = [
        ("rules.budget_entries", i128::from(then.budget), i128::from(now.budget)),
        ("rules.root_retention_days (here in ms)", i128::from(then.root_retention), i128::from(now.root_retention)),
        ("rules.reject_kib (here in bytes)", i128::from(then.reject_bytes), i128::from(now.reject_bytes)),
        ("rules.watermark_lag_seconds (here in ms)", i128::from(then.watermark_lag), i128::from(now.watermark_lag)),
        ("rules.future_bound_minutes (here in ms)", i128::from(then.future_bound), i128::from(now.future_bound)),
    ]
    .into_iter()
    .filter(|(_, then, now)| then != now)
    .map(|(name, then, now)| format!("{name} was {then} and is {now}"))
    .collect();
    format!(
        "limits changed after a stop that was not clean: {}; and the store holds rows of {source} up to version \
         {newest}, behind its newest checkpoint at offset {next}. Replayed under other limits they would come out \
         differently, so nothing was read. Set the limits back, start, stop the whole fleet cleanly (SIGTERM), and change \
         them then; if the old limits cannot be had any more, raise `epoch`",
        differences.join(", ")
    )
}

/// The log does not show the record that was read last.
pub(super) fn unrecognised(source: &str, last: Offset, what: Unrecognised) -> String {
    match what {
        Unrecognised::Another => format!(
            "the record of {source} at offset {last} differs from the one processed there: the topic was recreated, or records were lost \
             in an unclean election. Nothing more was read. If it was created \
             again, give the new log another name in `worker.log`; if records were lost, raise `epoch`, which reads \
             everything again into rows of its own"
        ),
        Unrecognised::Nothing => format!(
            "the record of {source} at offset {last}, the last one processed, is gone although the log begins before it: records were \
             compacted away (cleanup.policy=compact), or the topic was recreated. Nothing more was \
             read. Set cleanup.policy=delete, because every record counts; then raise `epoch`, which reads again all that \
             the log still holds into rows of its own"
        ),
    }
}

/// Most of what a partition holds is no event.
pub(super) fn garbage(partition: Partition, rejected: u64, read: u64) -> String {
    format!(
        "{rejected} of the last {read} records of partition {partition} are no events: `kafka.topic` is probably another \
         topic than was meant. Nothing of it is read on, good records neither. `grapevine rejects ls` counts the reasons of \
         those that were written. To take them all the same, each as a row of `rejects`, set `worker.garbage_percent` to 100"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_exact_is_named_before_what_is_not() {
        let places = |said: &str, ways: &[&str]| ways.iter().map(|way| said.find(way).unwrap()).collect::<Vec<_>>();
        let said = refused("the store has lost rows");
        assert!(
            places(&said, &["backup or replica", "older checkpoints", "`epoch`", "`grapevine rewrite`"]).is_sorted(),
            "{said}"
        );
        let said = another_store("t/0", StoreId(1), StoreId(2));
        assert!(
            places(&said, &["Set them right", "MODIFY COMMENT", "`epoch`", "`grapevine migrate`", "`grapevine rewrite`"])
                .is_sorted(),
            "{said}"
        );
    }
}
