//! A store that forgets: it goes back to what it knew a while ago, knows nothing any more, or loses one table, or gets an older copy of
//! it; in the end somebody brings back what it had known of the sources that wait for it.
//!
//! Three losses are left out, because nothing in the store shows them (Known issues in ARCHITECTURE.md): that of nothing but rows
//! of a flush whose `progress` is on its way for the first time, that of rows of a worker that has not heard that it lost its
//! partition, and that of one table's rows since its mark moved last.

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
    /// Whether it never happens in this history.
    pub(crate) never: bool,
    past: VecDeque<Tables>,
    /// The most that it ever knew of each source, if it has forgotten something.
    known: Option<Tables>,
    /// Whose rows of a source are in the store without `progress` for them, and for which of its openings they were written.
    unsettled: BTreeMap<String, BTreeSet<(usize, u64)>>,
    /// Who was told last that `progress` of a source is written, and to where.
    settled: BTreeMap<String, (usize, Offset)>,
    /// Up to where each member was told that all tables of lives say that they hold the rows of a source.
    told: BTreeMap<String, BTreeMap<usize, Offset>>,
    /// How often each member has opened a source.
    openings: BTreeMap<(usize, String), u64>,
    /// Up to where they must say so again, because one of them was emptied or came back alone.
    lost: BTreeMap<String, Offset>,
}

impl Forgetting {
    /// Rows of a member are in the store.
    pub(crate) fn inserted(&mut self, member: usize, rows: &Rows) {
        for source in Tables::sources_of(rows) {
            let opening = self.openings(member, &source);
            self.unsettled.entry(source).or_default().insert((member, opening));
        }
    }

    /// A member hears that its `progress` is in the store, and perhaps that all tables of lives hold the rows: for one of its
    /// openings of the source, also where it has opened it again meanwhile.
    pub(crate) fn settled(&mut self, (member, opening): (usize, u64), source: &str, version: Offset, whole: bool) {
        if let Some(members) = self.unsettled.get_mut(source) {
            members.remove(&(member, opening));
        }
        self.settled.insert(source.to_owned(), (member, version));
        if whole {
            self.told(member, source, version);
        }
    }

    /// A member hears up to where all tables of lives hold the rows of a source, and forgets what it heard before.
    pub(crate) fn opened(&mut self, member: usize, source: &str, upto: Option<Offset>) {
        *self.openings.entry((member, source.to_owned())).or_default() += 1;
        self.told.entry(source.to_owned()).or_default().remove(&member);
        upto.into_iter().for_each(|upto| self.told(member, source, upto));
    }

    /// How often a member has opened a source.
    pub(crate) fn openings(&self, member: usize, source: &str) -> u64 {
        self.openings.get(&(member, source.to_owned())).copied().unwrap_or_default()
    }

    /// A member hears that all tables of lives hold the rows of a source.
    pub(crate) fn told(&mut self, member: usize, source: &str, upto: Offset) {
        let told = self.told.entry(source.to_owned()).or_default().entry(member).or_insert(upto);
        *told = upto.max(*told);
    }

    /// Whether every table of lives has again what one of them lost of a source.
    pub(crate) fn is_whole(&self, source: &str, tables: &Tables) -> bool {
        tables.marked(source).is_some() && tables.marked(source) >= self.lost.get(source).copied()
    }

    /// Whether a table has not yet again what it lost of a source.
    fn is_being_healed(&self, source: &str, tables: &Tables) -> bool {
        self.lost.get(source).is_some_and(|lost| tables.marked(source) < Some(*lost))
    }

    /// A state that the store may go back to.
    pub(crate) fn remember(&mut self, tables: &Tables) {
        // What lacks rows of one table is no copy of a store.
        if self.left > 0 && self.lost.is_empty() {
            self.past.push_back(tables.clone());
            while self.past.len() > PAST {
                self.past.pop_front();
            }
        }
    }

    /// A copy of the store of a while ago, if there is one; `choose` says which of so many.
    pub(crate) fn copy(&self, choose: impl FnOnce(usize) -> usize) -> Option<Tables> {
        if self.past.is_empty() { None } else { self.past.get(choose(self.past.len())).cloned() }
    }

    /// The store went back behind marks that were just made of a source: by them whoever opens it notices.
    pub(crate) fn is_behind(&mut self, source: &str, marks: Offset) {
        self.lost.insert(source.to_owned(), marks);
    }

    /// Rows of a source below an offset lie elsewhere.
    pub(crate) fn is_missing(&mut self, source: &str, below: Offset) {
        let lost = self.lost.entry(source.to_owned()).or_insert(below);
        *lost = below.max(*lost);
    }

    /// A source was written again: what was known of it before is not brought back.
    pub(crate) fn is_rewritten(&mut self, source: &str) {
        if let Some(known) = &mut self.known {
            known.forget(source);
        }
    }

    /// A member is gone: nobody will write `progress` for its rows.
    pub(crate) fn gone(&mut self, member: usize) {
        for members in self.unsettled.values_mut() {
            members.retain(|(other, _)| *other != member);
        }
        for members in self.told.values_mut() {
            members.remove(&member);
        }
    }

    /// Whether it can be noticed that one table has gone back: of each source that lost rows, its mark says less than every member was
    /// told that holds the source, or may write to it still; whoever opens it later reads again from where a mark says no more.
    fn is_noticeable_alone(&self, table: &'static str, tables: &Tables, older: &Tables) -> bool {
        tables.sources().all(|source| {
            let none = BTreeMap::new();
            let (told, mark) = (self.told.get(source).unwrap_or(&none), older.mark_of(table, source));
            let unsettled = self.unsettled.get(source).into_iter().flatten().map(|(member, _)| member);
            let all_know = unsettled.chain(told.keys()).all(|member| told.get(member).copied() > mark);
            older.has_all_of(source, tables) || (all_know && tables.progress(source).is_some())
        })
    }

    /// Whether it can be noticed that the store has gone back: of each source that lost rows, something was lost that somebody was told
    /// to be in `progress`, while nobody else has rows under way.
    fn is_noticeable(&self, tables: &Tables, older: &Tables) -> bool {
        tables.sources().all(|source| {
            if older.has_all_of(source, tables) {
                return true;
            }
            let Some((settler, version)) = self.settled.get(source) else { return false };
            // It may have been told late, of what was lost before.
            let was_there = tables.progress(source).map(|span| span.version) >= Some(*version);
            let lost = older.progress(source).map(|span| span.version) < Some(*version);
            was_there
                && lost
                && self.unsettled.get(source).is_none_or(|members| members.iter().all(|(member, _)| member == settler))
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
        let (fault, copy) = match self.dice.below(24) {
            0 => (Fault::TableEmptied, Tables::default()),
            1..6 => (Fault::StoreEmptied, Tables::default()),
            _ if past.is_empty() => (Fault::StoreEmptied, Tables::default()),
            6..12 => (Fault::TableWentBack, past[self.dice.index(past.len())].clone()),
            _ => (Fault::StoreWentBack, past[self.dice.index(past.len())].clone()),
        };
        let alone = matches!(fault, Fault::TableEmptied | Fault::TableWentBack).then(|| MARKED[self.dice.index(MARKED.len())]);
        let older = alone.map_or_else(|| copy.clone(), |table| self.tables.with_table_of(table, &copy));
        let is_noticeable = match alone {
            Some(table) => self.forgetting.is_noticeable_alone(table, &self.tables, &older),
            None => self.forgetting.is_noticeable(&self.tables, &older),
        };
        if self.tables.is_empty() || !is_noticeable {
            return;
        }
        self.faults.note(fault);
        self.forgetting.left -= 1;
        self.lose(older, alone.is_some());
    }

    /// The store holds less from now on: in some tables, or in all as of one time.
    pub(crate) fn lose(&mut self, left: Tables, in_some: bool) {
        // What lacks rows already, and is being healed, is nothing to bring back.
        let mut had = self.tables.clone();
        let lacking = self.tables.sources().filter(|source| self.forgetting.is_being_healed(source, &self.tables));
        lacking.for_each(|source| had.forget(source));
        let forgetting = &mut self.forgetting;
        if in_some {
            // Rows that were lost may be of flushes whose `progress` is not there yet, and comes before anybody asks the table.
            let newest = |source: &str| Some((source.to_owned(), self.tables.newest_version(source)?));
            forgetting.past.clear();
            forgetting.lost.extend(self.tables.sources().filter_map(newest));
        } else {
            forgetting.lost.clear();
        }
        // What was heard before was said of what is gone.
        forgetting.settled.clear();
        forgetting.known.get_or_insert_default().take_the_better(&had);
        self.tables = left;
        self.completeness.begin_again();
    }

    /// Somebody brings back what the store knew of the sources of which it has not found more since.
    pub(crate) fn bring_back(&mut self) {
        if let Some(known) = self.forgetting.known.take() {
            self.faults.note(Fault::StoreBroughtBack);
            // Of a source that somebody has written again, and was killed before it was said, nothing is brought back.
            let is_brought_back = |source: &str| known.is_further(&self.tables, source);
            self.forgetting.lost.retain(|source, _| !is_brought_back(source));
            self.tables.take_the_better(&known);
            self.completeness.begin_again();
        }
    }
}
