//! Shares the text of dimensions: a million posts of one brand hold its name once.

use std::hash::BuildHasherDefault;
use std::sync::Arc;

use hashbrown::HashSet;
use siphasher::sip::SipHasher13;

/// Names beyond so many, or longer, are kept singly: a dimension full of ids must not fill the memory.
const NAMES_MAX: usize = 16_384;
const BYTES_MAX: usize = 256;

/// Texts that are held once.
#[derive(Debug, Default)]
pub(super) struct Interner {
    names: HashSet<Arc<str>, BuildHasherDefault<SipHasher13>>,
}

impl Interner {
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
