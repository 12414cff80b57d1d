//! The people of one tree, each once, in the order in which they are met.

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

/// Actors, each with what is kept of them.
pub(super) struct People<T> {
    met: Vec<(u64, T)>,
    index: HashTable<usize>,
}

impl<T> People<T> {
    /// Nobody yet, and room for so many.
    pub(super) fn with_capacity(people: usize) -> Self {
        People { met: Vec::with_capacity(people), index: HashTable::with_capacity(people) }
    }

    /// What is kept of an actor, if it was met before; otherwise `new` is, from now on.
    pub(super) fn meet(&mut self, actor: u64, new: T) -> Option<&mut T> {
        let People { met, index } = self;
        // Actors are keyed hashes: they need no other.
        match index.entry(actor, |&at| met[at].0 == actor, |&at| met[at].0) {
            Entry::Occupied(entry) => Some(&mut met[*entry.get()].1),
            Entry::Vacant(entry) => {
                entry.insert(met.len());
                met.push((actor, new));
                None
            }
        }
    }

    /// Everybody who was met.
    pub(super) fn all(&self) -> &[(u64, T)] {
        &self.met
    }
}
