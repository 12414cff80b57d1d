//! Replies that answer a quote: they hang from the root, but by right.

use super::{ROOT, Tree, flag};

impl Tree {
    /// The replies to quotes, each with the quote's index in the tree of shares.
    pub(in crate::engine) fn to_quotes(&self) -> impl Iterator<Item = (u32, u32)> {
        self.unlinked.iter().filter(|(_, entry)| entry.quote != ROOT).map(|(&at, entry)| (at, entry.quote))
    }

    /// Whether a node waits for this id.
    pub(in crate::engine) fn awaits(&self, id: u64) -> bool {
        self.waiting.contains_key(&id)
    }

    /// A quote came: the replies that wait for its id answer it until a reply has that id.
    pub(in crate::engine) fn meet_quote(&mut self, id: u64, quote: u32) {
        let mut waiting = self.waiting.get(&id).copied();
        while let Some(at) = waiting {
            self.answer_quote(at, quote);
            waiting = self.unlinked.get(&at).map(|entry| entry.next_waiting).filter(|&next| next != ROOT);
        }
        // The edges above these nodes were guessed; now they are not.
        self.landmarks.clear();
    }

    /// Says that an inferred reply answers a quote.
    pub(super) fn answer_quote(&mut self, at: u32, quote: u32) {
        if let Some(entry) = self.unlinked.get_mut(&at) {
            entry.quote = quote;
            self.nodes[at as usize].flags &= !flag::INFERRED;
            self.to_quotes += 1;
        }
    }
}
