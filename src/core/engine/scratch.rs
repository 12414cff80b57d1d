//! Buffers that are kept from tree to tree, so that a flush of many small ones allocates little.

use super::histogram::Counter;
use super::shape::Shape;

/// Holds nothing between two trees but room.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    pub(super) shape: Shape,
    pub(super) counter: Counter,
}
