//! What is still to come, in the order in which it reaches the log; of equal times, in the order of planning.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use crate::record::Millis;

/// Planned items, the earliest arrival first.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    heap: BinaryHeap<Reverse<Turn<T>>>,
    turns: u64,
}

/// An item and its place: by arrival, then in the order of planning.
#[derive(Debug)]
struct Turn<T> {
    arrival: Millis,
    number: u64,
    item: T,
}

impl<T> Turn<T> {
    fn place(&self) -> (Millis, u64) {
        (self.arrival, self.number)
    }
}

impl<T> PartialEq for Turn<T> {
    fn eq(&self, other: &Self) -> bool {
        self.place() == other.place()
    }
}

impl<T> Eq for Turn<T> {}

impl<T> PartialOrd for Turn<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Turn<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.place().cmp(&other.place())
    }
}

impl<T> Queue<T> {
    pub(crate) fn new() -> Self {
        Queue { heap: BinaryHeap::new(), turns: 0 }
    }

    pub(crate) fn push(&mut self, arrival: Millis, item: T) {
        self.turns += 1;
        self.heap.push(Reverse(Turn { arrival, number: self.turns, item }));
    }

    /// Whether something arrives before that time.
    pub(crate) fn has_before(&self, time: Millis) -> bool {
        self.heap.peek().is_some_and(|Reverse(turn)| turn.arrival < time)
    }

    pub(crate) fn pop(&mut self) -> Option<T> {
        self.heap.pop().map(|Reverse(turn)| turn.item)
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.heap.len()
    }
}
