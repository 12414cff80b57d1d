//! Facts of a life that are no nodes: reactions, deletes, samples, clicks.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::super::window::{Facts, SampleEffect, WindowIndex};
use super::{Life, Outcome, TEXT_AN_ENTRY};
use crate::record::Millis;

/// Facts that are no nodes: reactions, deletes, samples, clicks.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(in crate::engine) struct Others {
    /// Pseudonyms of the ids, to know copies.
    pub(super) ids: BTreeSet<u64>,
    pub(in crate::engine) windows: BTreeMap<WindowIndex, Facts>,
    pub(in crate::engine) deletes: u64,
    pub(super) samples: u64,
}

impl Life {
    /// Books a fact that is no node, unless it is a copy.
    pub(super) fn note(&mut self, id: u64, at: WindowIndex, book: impl FnOnce(&mut Facts)) -> Outcome {
        let others = self.others.get_or_insert_default();
        if !others.ids.insert(id) {
            return Outcome::Duplicate;
        }
        book(others.windows.entry(at).or_default());
        Outcome::Accepted
    }

    pub(super) fn note_delete(&mut self, id: u64, at: WindowIndex) -> Outcome {
        let outcome = self.note(id, at, |facts| facts.deletes += 1);
        if outcome == Outcome::Accepted {
            if let Some(others) = &mut self.others {
                others.deletes += 1;
            }
            // The count stands on both shapes; a shape without a node has no row to change.
            self.changed.cascade |= self.cascade.is_some();
            self.changed.thread |= self.thread.is_some();
        }
        outcome
    }

    pub(super) fn note_sample(&mut self, id: u64, time: Millis, at: WindowIndex, (metric, value): (&str, f64)) -> Outcome {
        let mut effect = SampleEffect::default();
        let outcome = self.note(id, at, |facts| effect = facts.sample(metric, time, value));
        if let Some(others) = &mut self.others {
            let text = (metric.len() / TEXT_AN_ENTRY) as u64;
            others.samples += if effect.is_new_metric { 1 + text } else { 0 };
        }
        if outcome == Outcome::Accepted && effect.shows {
            self.changed.mark_window(at);
        }
        outcome
    }
}
