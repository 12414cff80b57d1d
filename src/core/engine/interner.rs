//! Shares the text of dimensions: a million posts of one brand hold its name once.

use std::hash::BuildHasherDefault;
use std::sync::Arc;

use hashbrown::HashSet;
use siphasher::sip::SipHasher13;

use super::memory;

/// Names beyond so many, or longer, are kept singly: a dimension full of ids must not fill the memory.
const NAMES_MAX: usize = 16_384;
const BYTES_MAX: usize = 256;

/// Texts that are held once.
#[derive(Debug, Default)]
pub(super) struct Interner {
    names: HashSet<Arc<str>, BuildHasherDefault<SipHasher13>>,
}

impl Interner {
    /// About what the names take, most of which are short.
    pub(super) fn bytes(&self) -> u64 {
        (self.names.allocation_size() + self.names.len() * memory::text(16)) as u64
    }

    pub(super) fn intern(&mut self, name: &str) -> Arc<str> {
        if name.is_empty() {
            return Arc::default();
        }
        if let Some(known) = self.names.get(name) {
            return Arc::clone(known);
        }
        let name: Arc<str> = name.into();
        if self.names.len() < NAMES_MAX && name.len() <= BYTES_MAX {
            self.names.insert(Arc::clone(&name));
        }
        name
    }
}
