//! Keyed 64-bit hashes that stand for ids: SipHash-1-3 under the operator's secret key.
//!
//! Raw ids of people and nodes are kept nowhere. Two ids of one life of n nodes share a hash with a
//! chance of about n²/2⁶⁵: 3 in 10 million for a tree of ten million nodes; nobody without the key can
//! make it happen. Every use has a domain of its own, so that a person's hash says nothing about a post.

use std::fmt;
use std::hash::Hasher;

use siphasher::sip::SipHasher13;

use crate::event::EventType;

/// The hash of a deleted account: no known actor has it.
pub(crate) const DELETED: u64 = 0;

/// Makes pseudonyms under one key.
#[derive(Clone, Copy)]
pub(crate) struct Pseudonyms {
    keyed: SipHasher13,
}

/// The hash under which a visitor stands in the tables.
#[must_use]
pub fn visitor_pseudonym(key: &[u8; 16], id: &str) -> u64 {
    Pseudonyms::new(key).visitor(Some(id))
}

/// The hash under which an account stands in the tables.
#[must_use]
pub fn actor_pseudonym(key: &[u8; 16], id: &str) -> u64 {
    Pseudonyms::new(key).actor(Some(id))
}

/// Never prints the key.
impl fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pseudonyms").finish_non_exhaustive()
    }
}

/// Bytes of a piece: a domain and most ids.
const SHORT: usize = 48;

const ROOT: u8 = 100;
const ACTOR: u8 = 101;
const PAIR: u8 = 102;
const RECORD: u8 = 103;
const CHECK: u8 = 104;
const VISITOR: u8 = 105;

impl Pseudonyms {
    pub(crate) fn new(key: &[u8; 16]) -> Self {
        Pseudonyms { keyed: SipHasher13::new_with_key(key) }
    }

    /// A root's id.
    pub(crate) fn root(&self, id: &str) -> u64 {
        self.hash(ROOT, id.as_bytes())
    }

    /// The id of an event: the same text under another type is another event.
    pub(crate) fn event(&self, kind: EventType, id: &str) -> u64 {
        self.hash(kind as u8, id.as_bytes())
    }

    /// A person; never [`DELETED`].
    pub(crate) fn actor(&self, id: Option<&str>) -> u64 {
        id.map_or(DELETED, |id| self.hash(ACTOR, id.as_bytes()).max(1))
    }

    /// A visitor; 0 for an event that names none.
    pub(crate) fn visitor(&self, id: Option<&str>) -> u64 {
        id.map_or(0, |id| self.hash(VISITOR, id.as_bytes()).max(1))
    }

    /// An unordered pair of people, the lower hash first.
    pub(crate) fn pair(&self, lower: u64, higher: u64) -> u64 {
        let mut both = [0; 16];
        both[..8].copy_from_slice(&lower.to_le_bytes());
        both[8..].copy_from_slice(&higher.to_le_bytes());
        self.hash(PAIR, &both)
    }

    /// The content of a record.
    pub(crate) fn record(&self, content: &[u8]) -> u64 {
        self.hash(RECORD, content)
    }

    /// Tells two keys apart without giving either away.
    pub(crate) fn check_value(&self) -> u64 {
        self.hash(CHECK, b"grapevine")
    }

    fn hash(&self, domain: u8, bytes: &[u8]) -> u64 {
        // Most texts are short, and in one piece the hasher takes them faster.
        let mut piece = [domain; SHORT];
        if let Some(text) = piece.get_mut(1..=bytes.len()) {
            text.copy_from_slice(bytes);
            return self.keyed.hash(&piece[..=bytes.len()]);
        }
        let mut hasher = self.keyed;
        hasher.write_u8(domain);
        hasher.write(bytes);
        hasher.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_one_hash_whether_it_fits_into_a_piece_or_not() {
        let names = Pseudonyms::new(b"a key of 16 byte");
        let text = "x".repeat(2 * SHORT);
        for length in 0..=text.len() {
            let mut in_two_writes = names.keyed;
            in_two_writes.write_u8(ROOT);
            in_two_writes.write(&text.as_bytes()[..length]);
            assert_eq!(names.root(&text[..length]), in_two_writes.finish(), "{length} bytes");
        }
    }

    #[test]
    fn a_pair_is_hashed_as_its_two_numbers() {
        let names = Pseudonyms::new(b"a key of 16 byte");
        let mut in_three_writes = names.keyed;
        in_three_writes.write_u8(PAIR);
        in_three_writes.write(&1u64.to_le_bytes());
        in_three_writes.write(&u64::MAX.to_le_bytes());
        assert_eq!(names.pair(1, u64::MAX), in_three_writes.finish());
    }
}
