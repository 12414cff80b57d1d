//! What answers at the store's address: for a while now and then another store, with an id of its own, or a server that is behind.
//!
//! Another store takes rows in silence, and whatever asks it finds that out. Rows that went there are missing until they are written again
//! from the last state, so no state may be published before: the marks that come before it go where the rows went (Known issues in
//! ARCHITECTURE.md: that rows are elsewhere is not seen where marks are not). It is not asked before every kept state names the right
//! store: until then any is as good. Neither happens in a history in which the store forgets or is written again: what is missing
//! there has its own rules.
//!
//! A server that is behind takes what is inserted, and compares with what it knows: it is asked again once it has caught up. At an
//! opening it may answer as it is, as the replica of another shard does.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::dice::Dice;
use crate::table::Tables;
use crate::world::{Fault, NAME, World};
use grapevine::row::Rows;
use grapevine::worker::{Append, Known, StoreId};

/// Who may answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Other {
    Nobody,
    /// Another store.
    Stranger,
    /// The same one, as it was a while ago.
    Behind,
}

/// The id of the other store.
const STRANGER: StoreId = StoreId(u128::MAX);

/// Who else answers.
pub(crate) struct Addresses {
    dice: Dice,
    /// Who it is in this history.
    other: Other,
    /// Whether it answers just now.
    is_there: bool,
    /// What it holds.
    tables: Tables,
    /// Of which sources each member has sent rows to the other store, for which of its openings.
    astray: BTreeMap<(usize, String), u64>,
}

impl Addresses {
    pub(crate) fn new(seed: u64) -> Addresses {
        let mut dice = Dice::new(seed, 5);
        let other = match dice.below(4) {
            0 => Other::Stranger,
            1 => Other::Behind,
            _ => Other::Nobody,
        };
        Addresses { dice, other, is_there: false, tables: Tables::default(), astray: BTreeMap::new() }
    }
}

/// Who answers a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answers {
    Right,
    Stranger,
    Behind,
}

impl World {
    /// The other one comes, or goes.
    pub(crate) fn change_address(&mut self) {
        let happens = self.trouble > 0 && !self.rewriting.happens && self.forgetting.never;
        let World { addresses, tables, .. } = self;
        // It stays for a while.
        let share = if addresses.is_there { 700 } else { 400 };
        let is_there = happens && addresses.other != Other::Nobody && addresses.dice.chance(share);
        if is_there && addresses.other == Other::Behind && !addresses.is_there {
            addresses.tables = tables.clone();
        }
        addresses.is_there = is_there;
    }

    /// Who answers a request that is about some sources.
    pub(crate) fn answers<'a>(&mut self, mut sources: impl Iterator<Item = &'a str>) -> Answers {
        if self.trouble == 0 || !self.addresses.is_there || !self.addresses.dice.chance(400) {
            return Answers::Right;
        }
        match self.addresses.other {
            Other::Stranger if sources.all(|source| self.is_of_this_store(source)) => Answers::Stranger,
            Other::Behind => Answers::Behind,
            Other::Stranger | Other::Nobody => Answers::Right,
        }
    }

    /// Whether every state of a source that may be read names this store.
    fn is_of_this_store(&self, source: &str) -> bool {
        let stored = self.checkpoints.get(source).map(Vec::as_slice).unwrap_or_default();
        let mut sound = stored.iter().filter(|stored| stored.sound).peekable();
        sound.peek().is_some() && sound.all(|stored| stored.promise.progress.is_some())
    }

    /// Rows go to the other store.
    pub(crate) fn insert_astray(&mut self, member: usize, rows: &Rows) {
        self.faults.note(Fault::RowsAstray);
        self.addresses.tables.insert(rows, usize::MAX);
        let mut of_rows = Tables::default();
        of_rows.insert(rows, usize::MAX);
        for source in of_rows.sources() {
            let opening = self.forgetting.openings(member, source);
            self.addresses.astray.insert((member, source.to_owned()), opening);
            self.forgetting.is_missing(source, of_rows.newest_version(source).unwrap_or_default());
        }
    }

    /// Whether rows of a source that a member has sent since it opened it last lie in the other store.
    pub(crate) fn is_astray(&self, member: usize, source: &str) -> bool {
        self.addresses.astray.get(&(member, source.to_owned())) == Some(&self.forgetting.openings(member, source))
    }

    /// What the other store makes of `progress`: it is not the one that was promised.
    pub(crate) fn refused_elsewhere(&mut self, rows: &[Append]) -> Vec<Arc<str>> {
        self.faults.note(Fault::AnotherStoreAsked);
        let broken = broken((STRANGER, &self.addresses.tables), rows);
        assert!(broken.len() == rows.len(), "I9: progress was written to another store: {rows:?}");
        broken
    }

    /// Whether a server that is behind does not know what was promised.
    pub(crate) fn is_behind(&self, rows: &[Append]) -> bool {
        !broken((self.store, &self.addresses.tables), rows).is_empty()
    }

    /// What is said of a source at an opening.
    pub(crate) fn known_at(&mut self, answers: Answers, source: &str) -> Known {
        let known = self.tables.known(self.store, source);
        let said = match answers {
            Answers::Right => return known,
            Answers::Stranger => self.addresses.tables.known(STRANGER, source),
            Answers::Behind => self.addresses.tables.known(self.store, source),
        };
        if said != known {
            self.faults.note(if answers == Answers::Stranger { Fault::AnotherStoreOpened } else { Fault::OpenedBehind });
        }
        said
    }

    /// A worker says what keeps it from its work.
    pub(crate) fn named(&mut self, said: &str) {
        if said.contains(&format!("is another store than the one that {NAME}/")) && said.contains(&STRANGER.to_string()) {
            assert!(said.contains("Set them right, and the worker goes on by itself"), "the cure: {said}");
            self.faults.note(Fault::AnotherStoreNamed);
        }
    }
}

/// The sources of which a store does not know what was promised.
pub(crate) fn broken((store, tables): (StoreId, &Tables), rows: &[Append]) -> Vec<Arc<str>> {
    let is_broken = |append: &&Append| {
        let Append { progress, promise, whole } = append;
        let known = tables.known(store, &progress.source);
        let lacks = *whole && tables.marked(&progress.source) < promise.tables;
        promise.store != known.store || known.progress < promise.progress || lacks
    };
    rows.iter().filter(is_broken).map(|append| Arc::clone(&append.progress.source)).collect()
}
