//! The lives of a partition: found by root, ordered by when they were last touched.
//!
//! A snapshot shares them: a life that one still holds is copied before it changes.

use std::collections::VecDeque;
use std::sync::Arc;

use hashbrown::HashTable;

use super::life::{Changed, Life};
use super::memory;
use super::tally::Holdings;
use crate::record::Offset;

/// The place of a life while it lives.
pub(super) type Slot = u32;

/// The roots that live now.
#[derive(Debug, Default)]
pub(super) struct Lives {
    slots: Vec<Option<Arc<Life>>>,
    free: Vec<Slot>,
    by_root: HashTable<Slot>,
    /// Touches in the order of the log. One is stale when its life was touched again, or is gone.
    touches: VecDeque<(Offset, Slot)>,
    holdings: Holdings,
}

impl Lives {
    /// The life of a root; a new one opens with this event.
    pub(super) fn find_or_open(&mut self, root: &str, root_hash: u64, opened: Offset) -> Slot {
        if let Some(slot) = self.find(root, root_hash) {
            return slot;
        }
        self.add(Arc::new(Life::open(root, root_hash, opened)))
    }

    /// The life of a root, if there is one.
    pub(super) fn find(&self, root: &str, root_hash: u64) -> Option<Slot> {
        let is_it = |&slot: &Slot| at(&self.slots, slot).is_some_and(|life| *life.root == *root);
        self.by_root.find(root_hash, is_it).copied()
    }

    /// Every place, with a life or without.
    pub(super) fn places(&self) -> impl Iterator<Item = Slot> + use<> {
        // A place is numbered when it is made.
        0..Slot::try_from(self.slots.len()).unwrap_or(Slot::MAX)
    }

    /// Adds a life; lives are added in the order in which they were touched.
    pub(super) fn add(&mut self, life: Arc<Life>) -> Slot {
        self.holdings.roots += 1;
        self.count(&life, u64::wrapping_add);
        let (hash, touched) = (life.root_hash, life.touched);
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            Slot::try_from(self.slots.len() - 1).expect("the budget of a partition is far below 2^32 lives")
        });
        self.slots[slot as usize] = Some(life);
        let slots = &self.slots;
        self.by_root.insert_unique(hash, slot, |&other| at(slots, other).map_or(0, |life| life.root_hash));
        self.touches.push_back((touched, slot));
        slot
    }

    pub(super) fn get(&self, slot: Slot) -> Option<&Life> {
        at(&self.slots, slot)
    }

    /// Changes a life, keeping the sums right.
    pub(super) fn change<T>(&mut self, slot: Slot, change: impl FnOnce(&mut Life) -> T) -> Option<T> {
        let life = Arc::make_mut(self.slots.get_mut(slot as usize)?.as_mut()?);
        let before = life.load();
        let result = change(life);
        let after = life.load();
        let holdings = &mut self.holdings;
        holdings.nodes = holdings.nodes - before.nodes + after.nodes;
        holdings.inferred = holdings.inferred - before.inferred + after.inferred;
        holdings.entries = holdings.entries - before.entries + after.entries;
        Some(result)
    }

    /// Takes what changed in a life since it was last asked, and weighs it anew.
    pub(super) fn take_changed(&mut self, slot: Slot) -> Option<Changed> {
        let life = Arc::make_mut(self.slots.get_mut(slot as usize)?.as_mut()?);
        self.holdings.bytes -= life.weight;
        life.weigh();
        self.holdings.bytes += life.weight;
        Some(std::mem::take(&mut life.changed))
    }

    /// Marks a life as touched by the record at an offset, when the log's clock had seen so many stamps.
    pub(super) fn touch(&mut self, slot: Slot, offset: Offset, stamped: u64) {
        if let Some(Some(life)) = self.slots.get_mut(slot as usize) {
            let life = Arc::make_mut(life);
            life.touched_stamped = stamped;
            if life.touched != offset {
                life.touched = offset;
                self.touches.push_back((offset, slot));
            }
        }
        if self.touches.len() > 2 * self.by_root.len() + 1024 {
            let slots = &self.slots;
            self.touches.retain(|&touch| is_fresh(slots, touch));
        }
    }

    /// The life that was not touched for the longest.
    pub(super) fn least_recent(&mut self) -> Option<(Slot, &Life)> {
        while let Some(&touch) = self.touches.front() {
            if is_fresh(&self.slots, touch) {
                return at(&self.slots, touch.1).map(|life| (touch.1, life));
            }
            self.touches.pop_front();
        }
        None
    }

    pub(super) fn remove(&mut self, slot: Slot) -> Option<Arc<Life>> {
        let life = self.slots.get_mut(slot as usize)?.take()?;
        if let Ok(entry) = self.by_root.find_entry(life.root_hash, |&other| other == slot) {
            entry.remove();
        }
        self.free.push(slot);
        self.holdings.roots -= 1;
        self.count(&life, u64::wrapping_sub);
        Some(life)
    }

    /// Every life, the least recently touched first.
    pub(super) fn in_order_of_touch(&self) -> impl Iterator<Item = &Arc<Life>> {
        let fresh = self.touches.iter().filter(|touch| is_fresh(&self.slots, **touch));
        fresh.filter_map(|touch| self.slots.get(touch.1 as usize)?.as_ref())
    }

    /// What the budget counts.
    pub(super) fn entries(&self) -> u64 {
        self.holdings.entries
    }

    pub(super) fn holdings(&self) -> Holdings {
        let Lives { slots, free, by_root, touches, holdings } = self;
        let tables = memory::vec(slots.len(), slots.capacity(), size_of::<Option<Arc<Life>>>())
            + memory::vec(free.len(), free.capacity(), size_of::<Slot>())
            + memory::vec(touches.len(), touches.capacity(), size_of::<(Offset, Slot)>())
            + memory::allocated(by_root.allocation_size());
        Holdings { bytes: holdings.bytes + tables as u64, ..*holdings }
    }

    fn count(&mut self, life: &Life, count: fn(u64, u64) -> u64) {
        let (load, holdings) = (life.load(), &mut self.holdings);
        holdings.nodes = count(holdings.nodes, load.nodes);
        holdings.inferred = count(holdings.inferred, load.inferred);
        holdings.entries = count(holdings.entries, load.entries);
        holdings.bytes = count(holdings.bytes, life.weight);
    }
}

fn at(slots: &[Option<Arc<Life>>], slot: Slot) -> Option<&Life> {
    slots.get(slot as usize)?.as_deref()
}

fn is_fresh(slots: &[Option<Arc<Life>>], (offset, slot): (Offset, Slot)) -> bool {
    at(slots, slot).is_some_and(|life| life.touched == offset)
}
