//! What rows depend on, and how two sets of rules are told apart.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::pseudonym::Pseudonyms;
use crate::record::Millis;

/// The revision of the rules in code: raised whenever the same events give other rows, which makes every
/// running deployment ask for a new epoch. A golden test fails when rows change and this does not.
pub const RULES_REVISION: u32 = 7;

/// How many records of a partition must be stamped in an hour or later before the log's clock shows it: more than a few
/// machines with a wrong clock write before somebody looks, less than a busy partition gets in minutes. Another number is
/// another [`RULES_REVISION`].
pub const CLOCK_WITNESSES: usize = 1_024;

/// The rules that rows depend on, and the limits of what is held.
#[derive(Clone, PartialEq, Eq)]
pub struct Rules {
    /// The epoch that rows carry.
    pub epoch: u16,
    /// The key of pseudonyms: ids of people become keyed 64-bit hashes.
    pub pseudonym_key: [u8; 16],
    /// Length of a window: whole minutes that divide a day.
    pub window: Millis,
    /// A silence in a thread longer than this ends a session.
    pub session_gap: Millis,
    /// What is subtracted from the greatest event time to give the watermark.
    pub watermark_lag: Millis,
    /// An event later than its record's own time plus this moves no watermark.
    pub future_bound: Millis,
    /// A root untouched for longer, on the log's clock, is evicted.
    pub root_retention: Millis,
    /// [`CLOCK_WITNESSES`]; few in simulations, whose logs are short.
    pub clock_witnesses: usize,
    /// Nodes and entries a partition may hold before the least recently touched root is evicted.
    pub budget: u64,
    /// Bytes of a reject that are kept: key and headers first, then the payload, which is cut.
    pub reject_bytes: usize,
}

/// What must be equal for two sets of rules to give the same rows. Kept beside the state of an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// [`RULES_REVISION`].
    pub revision: u32,
    /// Length of a window.
    pub window: Millis,
    /// Silence that ends a session.
    pub session_gap: Millis,
    /// Tells two pseudonym keys apart.
    pub key_check: u64,
}

/// What may differ between two runs of one epoch, but only across a clean stop: a replay under other limits would
/// evict, cut and count otherwise than the rows that are written already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// [`Rules::watermark_lag`].
    pub watermark_lag: Millis,
    /// [`Rules::future_bound`].
    pub future_bound: Millis,
    /// [`Rules::root_retention`].
    pub root_retention: Millis,
    /// [`Rules::budget`].
    pub budget: u64,
    /// [`Rules::reject_bytes`].
    pub reject_bytes: u64,
}

/// Never prints the key.
impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Rules {
            epoch,
            pseudonym_key: _,
            window,
            session_gap,
            watermark_lag,
            future_bound,
            root_retention,
            clock_witnesses,
            budget,
            reject_bytes,
        } = self;
        f.debug_struct("Rules")
            .field("epoch", epoch)
            .field("window", window)
            .field("session_gap", session_gap)
            .field("watermark_lag", watermark_lag)
            .field("future_bound", future_bound)
            .field("root_retention", root_retention)
            .field("clock_witnesses", clock_witnesses)
            .field("budget", budget)
            .field("reject_bytes", reject_bytes)
            .finish_non_exhaustive()
    }
}

impl Rules {
    /// The fingerprint of these rules.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint {
            revision: RULES_REVISION,
            window: self.window,
            session_gap: self.session_gap,
            key_check: Pseudonyms::new(&self.pseudonym_key).check_value(),
        }
    }

    /// The limits of these rules.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits {
            watermark_lag: self.watermark_lag,
            future_bound: self.future_bound,
            root_retention: self.root_retention,
            budget: self.budget,
            reject_bytes: self.reject_bytes as u64,
        }
    }
}
