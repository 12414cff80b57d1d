//! A tree out of a snapshot: what was left out is made anew, and what does not hold together is found.

use super::{Index, ROOT, Tree, flag};

impl Tree {
    /// Rebuilds what a snapshot leaves out.
    pub(in crate::engine) fn reindex(&mut self) {
        self.index = Index::with_capacity(self.len());
        for end in 2..=self.nodes.len() {
            self.index.add_last(&self.nodes[1..end], |node| node.id);
        }
        self.to_quotes = self.to_quotes().count();
        self.waiting.clear();
        // A node waits if what it names is not here; it does not if it names itself or was cut off a cycle.
        let Tree { nodes, unlinked, index, waiting, .. } = self;
        for (&at, entry) in unlinked.iter_mut() {
            let id = entry.declared;
            let here = index.find(&nodes[1..], id, |node| node.id).is_some();
            entry.next_waiting = if here { ROOT } else { waiting.insert(id, at).unwrap_or(ROOT) };
        }
    }

    /// Whether links and indexes agree: every parent and head is a node, every unlinked node hangs from the root.
    pub(in crate::engine) fn is_sound(&self) -> bool {
        let count = self.nodes.len();
        let inferred = self.nodes.iter().filter(|node| node.has(flag::INFERRED)).count();
        let within = self.nodes.iter().all(|node| (node.parent as usize) < count && (node.head as usize) < count);
        let hanging = self.unlinked.keys().all(|&at| (at as usize) < count && self.node(at).parent == ROOT);
        count > 0 && within && hanging && inferred + self.to_quotes().count() == self.unlinked.len()
    }
}
