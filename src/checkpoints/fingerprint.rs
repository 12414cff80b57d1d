//! What rows of an epoch depend on, as it was when the epoch began. The key itself is never stored.

use crate::engine::Fingerprint;
use crate::failure::Failure;

pub(super) fn to_json(fingerprint: &Fingerprint) -> Vec<u8> {
    serde_json::to_vec_pretty(fingerprint).unwrap_or_default()
}

/// Compares with what an epoch began with.
pub(super) fn compare(now: &Fingerprint, stored: &[u8], place: &str) -> Result<(), Failure> {
    let began: Fingerprint = serde_json::from_slice(stored).map_err(|error| {
        Failure::Operator(format!(
            "{place} cannot be read ({error}): bring it back from a backup, or raise `epoch`, which reads everything again"
        ))
    })?;
    let differences = differences(now, &began);
    if differences.is_empty() {
        return Ok(());
    }
    // Another revision is another build, whose tables may be others, too.
    let ways_out = if now.revision == began.revision {
        "Set them back, or raise `epoch`, which reads everything again into rows of its own"
    } else {
        "Run that program again, or give this one a new database and a new epoch (`clickhouse.database`, `epoch`), into which it reads \
         everything again"
    };
    Err(Failure::Operator(format!(
        "this epoch began with other rules ({place}): {}. Rows of both would not fit together. {ways_out}",
        differences.join(", ")
    )))
}

fn differences(now: &Fingerprint, began: &Fingerprint) -> Vec<String> {
    let Fingerprint { revision, window, session_gap, key_check } = now;
    let mut differences = Vec::new();
    let mut differ = |name: &str, now: i64, then: i64| {
        if now != then {
            differences.push(format!("{name} was {then} and is {now}"));
        }
    };
    differ("the revision of the rules in the program", i64::from(*revision), i64::from(began.revision));
    differ("the window in milliseconds", *window, began.window);
    differ("the session gap in milliseconds", *session_gap, began.session_gap);
    if *key_check != began.key_check {
        differences.push("the pseudonym key is another one".to_owned());
    }
    differences
}
