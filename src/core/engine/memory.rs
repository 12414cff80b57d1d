//! What the state takes of memory, counted from lengths and capacities: a gauge, on which nothing hangs that rows show.
//!
//! Measured against resident memory by `tests/memory.rs`. Memory is counted as mimalloc hands it out, which the program uses; other
//! allocators are alike.

/// Beyond so many bytes the tail of a piece that was never written to takes no memory.
const LARGE: usize = 128 << 10;

/// Entries of a node of a `BTreeMap`, at most, and in the mean of many that came in no order.
const TREE_NODE: usize = 11;
const TREE_NODE_MEAN: usize = 8;

/// What a piece of so many bytes takes: a multiple of 16, and four sizes a doubling beyond 128 bytes.
pub(super) const fn allocated(bytes: usize) -> usize {
    match bytes {
        0 => 0,
        1..=128 => bytes.next_multiple_of(16),
        LARGE.. => bytes,
        _ => bytes.next_multiple_of(1 << ((bytes - 1).ilog2() - 2)),
    }
}

/// What a `Vec` takes whose elements have so many bytes.
pub(super) const fn vec(length: usize, capacity: usize, element: usize) -> usize {
    let all = capacity.saturating_mul(element);
    if all < LARGE { allocated(all) } else { length.saturating_mul(element) }
}

/// What the text of an `Arc<str>` takes.
pub(super) const fn text(bytes: usize) -> usize {
    allocated(bytes + 2 * size_of::<usize>())
}

/// What a value behind an `Arc` takes.
pub(super) const fn shared<T>() -> usize {
    allocated(size_of::<T>() + 2 * size_of::<usize>())
}

/// What a `BTreeMap` or `BTreeSet` takes whose entries have so many bytes.
pub(super) const fn tree(length: usize, entry: usize) -> usize {
    // Behind its entries a leaf has a pointer and two numbers; above about eight leaves stands a node with pointers to them.
    let leaf = allocated(TREE_NODE * entry + 16);
    match length {
        0 => 0,
        1..=TREE_NODE => leaf,
        _ => {
            let inner = allocated(leaf + (TREE_NODE + 1) * size_of::<usize>());
            length.div_ceil(TREE_NODE_MEAN).saturating_mul(leaf + inner / TREE_NODE_MEAN)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_handed_out_in_four_sizes_a_doubling() {
        let sizes = [(0, 0), (1, 16), (64, 64), (65, 80), (128, 128), (129, 160), (256, 256), (257, 320), (513, 640)];
        for (bytes, taken) in sizes {
            assert_eq!(allocated(bytes), taken, "{bytes}");
        }
        assert_eq!(allocated(10_000_001), 10_000_001);
    }

    #[test]
    fn what_was_never_written_to_takes_no_memory() {
        assert_eq!(vec(3, 4, 40), 160);
        assert_eq!(vec(1_000_000, 1_125_000, 40), 40_000_000);
    }
}
