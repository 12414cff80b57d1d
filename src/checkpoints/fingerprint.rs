//! What rows of an epoch depend on, as it was when the epoch began. The key itself is never stored.

use std::hash::Hasher;

use serde::{Deserialize, Serialize};
use siphasher::sip::SipHasher13;

use crate::engine::Rules;
use crate::worker::CheckpointError;

/// What must not change within an epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// The revision of the rules that are in the code.
    pub rules_revision: u32,
    /// The length of a window.
    pub window_milliseconds: i64,
    /// The silence that ends a session of a thread.
    pub session_gap_milliseconds: i64,
    /// Says whether the key of pseudonyms is the same, without saying the key.
    pub pseudonym_key_check: String,
}

impl Fingerprint {
    /// The fingerprint of rules.
    #[must_use]
    pub fn of(rules: &Rules, rules_revision: u32) -> Fingerprint {
        let mut hasher = SipHasher13::new_with_key(&rules.pseudonym_key);
        hasher.write(b"grapevine: check value of the pseudonym key");
        Fingerprint {
            rules_revision,
            window_milliseconds: rules.window,
            session_gap_milliseconds: rules.session_gap,
            pseudonym_key_check: format!("{:016x}", hasher.finish()),
        }
    }

    pub(super) fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec_pretty(self).unwrap_or_default()
    }

    /// Compares with what an epoch began with.
    pub(super) fn compare(&self, stored: &[u8], place: &str) -> Result<(), CheckpointError> {
        let began: Fingerprint = serde_json::from_slice(stored).map_err(|error| {
            CheckpointError::Operator(format!(
                "{place} cannot be read ({error}): bring it back from a backup, or raise `epoch`, which reads everything again"
            ))
        })?;
        let differences = self.differences(&began);
        if differences.is_empty() {
            return Ok(());
        }
        Err(CheckpointError::Operator(format!(
            "this epoch began with other rules ({place}): {}. Rows of both would not fit together. Set them back, or \
             raise `epoch`, which reads everything again into rows of its own",
            differences.join(", ")
        )))
    }

    fn differences(&self, began: &Fingerprint) -> Vec<String> {
        let Fingerprint { rules_revision, window_milliseconds, session_gap_milliseconds, pseudonym_key_check } = self;
        let mut differences = Vec::new();
        let mut differ = |name: &str, now: i64, then: i64| {
            if now != then {
                differences.push(format!("{name} was {then} and is {now}"));
            }
        };
        differ("the revision of the rules in the program", i64::from(*rules_revision), i64::from(began.rules_revision));
        differ("the window in milliseconds", *window_milliseconds, began.window_milliseconds);
        differ("the session gap in milliseconds", *session_gap_milliseconds, began.session_gap_milliseconds);
        if *pseudonym_key_check != began.pseudonym_key_check {
            differences.push("the pseudonym key is another one".to_owned());
        }
        differences
    }
}
