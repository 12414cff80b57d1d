//! Where the items of a list stand, by a hash that each of them has: few are looked through, many are in a table.

use hashbrown::HashTable;

/// So many are found as soon by looking through them, and most trees never have more.
const FEW: usize = 8;

/// The places of a list's items. The list is not held here: it is handed in, the same every time.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    /// Nothing while the items are few. Hashes are keyed: they need no other.
    places: HashTable<u32>,
}

impl Index {
    /// Of no item yet, with room for so many.
    pub(super) fn with_capacity(items: usize) -> Self {
        Index { places: HashTable::with_capacity(if items > FEW { items } else { 0 }) }
    }

    /// The place of the item with this hash.
    pub(super) fn find<T>(&self, items: &[T], hash: u64, of: impl Fn(&T) -> u64) -> Option<u32> {
        if items.len() <= FEW {
            return (0u32..).zip(items).find(|(_, item)| of(item) == hash).map(|(at, _)| at);
        }
        self.places.find(hash, |&at| of(&items[at as usize]) == hash).copied()
    }

    /// An item was put behind all others, and has a hash that none of them has.
    pub(super) fn add_last<T>(&mut self, items: &[T], of: impl Fn(&T) -> u64) {
        if items.len() <= FEW {
            return;
        }
        let missing = if items.len() == FEW + 1 { 0 } else { items.len() - 1 };
        let of = |&at: &u32| of(&items[at as usize]);
        for at in missing..items.len() {
            let at = u32::try_from(at).expect("the budget of a partition is far below 2^32 items");
            self.places.insert_unique(of(&at), at, of);
        }
    }

    /// How much it has allocated, in bytes.
    pub(super) fn allocation_size(&self) -> usize {
        self.places.allocation_size()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_is_found_however_many_there_are() {
        let hash = |item: &u64| item.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        for capacity in [0, FEW, 100] {
            let (mut items, mut index) = (Vec::new(), Index::with_capacity(capacity));
            for item in 1..=3 * FEW as u64 {
                assert_eq!(index.find(&items, hash(&item), hash), None, "{item}");
                items.push(item);
                index.add_last(&items, hash);
                for (at, item) in (0u32..).zip(&items) {
                    assert_eq!(index.find(&items, hash(item), hash), Some(at), "{item} of {}", items.len());
                }
            }
        }
    }

    #[test]
    fn a_few_items_take_no_memory() {
        let mut index = Index::with_capacity(FEW);
        (1..=FEW).for_each(|few| index.add_last(&[1, 2, 3, 4, 5, 6, 7, 8][..few], |&item| item));
        assert_eq!(index.allocation_size(), 0);
    }
}
