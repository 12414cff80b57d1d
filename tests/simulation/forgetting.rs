//! A store that forgets: it goes back to what it knew a while ago, knows nothing any more, or loses one table; in the end somebody
//! brings back what it had known of the sources that wait for it.
//!
//! Two losses are left out, because nothing in the store shows them (Known issues in ARCHITECTURE.md): that of nothing but rows
//! of a flush whose `progress` is on its way for the first time, and that of rows of a worker that has not heard that it lost its
//! partition.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::table::{MARKED, Tables};
use crate::world::{Fault, World};
use grapevine::record::Offset;
use grapevine::row::Rows;

/// States of the store that are remembered, to go back to.
const PAST: usize = 12;

/// What the store may forget, and what it had.
#[derive(Default)]
pub(crate) struct Forgetting {
    /// How often it may still happen.
    pub(crate) left: u64,
    past: VecDeque<Tables>,
    /// The most that it ever knew of each source, if it has forgotten something.
    known: Option<Tables>,
    /// Whose rows of a source are in the store without `progress` for them.
    unsettled: BTreeMap<String, BTreeSet<usize>>,
    /// Who was told last that `progress` of a source is written, and to where.
    settled: BTreeMap<String, (usize, Offset)>,
}

impl Forgetting {
    /// Rows of a member are in the store.
    pub(crate) fn inserted(&mut self, member: usize, rows: &Rows) {
        for source in Tables::sources_of(rows) {
            self.unsettled.entry(source).or_default().insert(member);
        }
    }

    /// A member hears that its `progress` is in the store.
    pub(crate) fn settled(&mut self, member: usize, source: &str, version: Offset) {
        if let Some(members) = self.unsettled.get_mut(source) {
            members.remove(&member);
        }
        self.settled.insert(source.to_owned(), (member, version));
    }

    /// A state that the store may go back to.
    pub(crate) fn remember(&mut self, tables: &Tables) {
        if self.left > 0 {
            self.past.push_back(tables.clone());
            while self.past.len() > PAST {
                self.past.pop_front();
            }
        }
    }

    /// A member is gone: nobody will write `progress` for its rows.
    pub(crate) fn gone(&mut self, member: usize) {
        for members in self.unsettled.values_mut() {
            members.remove(&member);
        }
    }

    /// Whether it can be noticed that the store has gone back: of each source that lost rows, a mark was lost, or something that
    /// somebody was told to be in `progress`, while nobody else has rows under way.
    fn is_noticeable(&self, tables: &Tables, older: &Tables) -> bool {
        tables.sources().all(|source| {
            if older.has_all_of(source, tables) {
                return true;
            }
            if !older.lacking(source).is_empty() {
                return true;
            }
            let Some((settler, version)) = self.settled.get(source) else { return false };
            // It may have been told late, of what was lost before.
            let was_there = tables.progress(source).map(|span| span.version) >= Some(*version);
            let lost = older.progress(source).map(|span| span.version) < Some(*version);
            was_there && lost && self.unsettled.get(source).is_none_or(|members| members.iter().all(|member| member == settler))
        })
    }
}

impl World {
    /// The store forgets something here, perhaps.
    pub(crate) fn perhaps_forget(&mut self) {
        if self.trouble == 0 || self.forgetting.left == 0 || !self.dice.chance(30) {
            return;
        }
        let past = &self.forgetting.past;
        // Seldom: whoever waits does so for hours of the simulation.
        let (fault, older) = match self.dice.below(24) {
            0 => (Fault::TableEmptied, self.tables.without(MARKED[self.dice.index(MARKED.len())])),
            1..6 => (Fault::StoreEmptied, Tables::default()),
            _ if past.is_empty() => (Fault::StoreEmptied, Tables::default()),
            _ => (Fault::StoreWentBack, past[self.dice.index(past.len())].clone()),
        };
        if self.tables.is_empty() || !self.forgetting.is_noticeable(&self.tables, &older) {
            return;
        }
        self.faults.note(fault);
        let forgetting = &mut self.forgetting;
        forgetting.left -= 1;
        // What was heard before was said of what is gone.
        forgetting.settled.clear();
        forgetting.known.get_or_insert_default().take_the_better(&self.tables);
        self.tables = older;
        self.completeness.begin_again();
    }

    /// Somebody brings back what the store knew of the sources of which it has not found more since.
    pub(crate) fn bring_back(&mut self) {
        if let Some(known) = self.forgetting.known.take() {
            self.faults.note(Fault::StoreBroughtBack);
            self.tables.take_the_better(&known);
            self.completeness.begin_again();
        }
    }
}
