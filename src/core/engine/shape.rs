//! Settles a tree in one pass: order, depths, levels, the three sums of structural virality.
//!
//! W = n·S1 − S2, with S1 the sum of depths and S2 the sum of squared subtree sizes below the root
//! (Goel, Anderson, Hofman and Watts 2016, their linear-time form rearranged); exact in integers.

use super::memory;
use super::tree::{Node, ROOT, Tree};

/// Levels are listed to this many; the last entry holds the rest.
pub(super) const LEVELS_MAX: usize = 65_536;

/// How many of the nodes with a descendant are listed.
const TOP_NODES: usize = 32;

/// What the links of a tree amount to. Filled anew for every tree; only the buffers are kept.
#[derive(Debug, Default)]
pub(super) struct Shape {
    /// Every node, parents before their children; the root first.
    pub(super) order: Vec<u32>,
    /// Edges to the root, by node.
    pub(super) depth: Vec<u32>,
    /// Nodes by depth, clamped to [`LEVELS_MAX`].
    pub(super) levels: Vec<u64>,
    pub(super) max_depth: u32,
    pub(super) max_children: u64,
    pub(super) s1: u64,
    pub(super) s2: u128,
    /// Edges below a node, by node.
    pub(super) children: Vec<u32>,
    /// Nodes of the subtree that begins with a node, by node.
    subtree: Vec<u32>,
    /// How many nodes below the root have a descendant; after [`Shape::list_top_nodes`].
    pub(super) spreaders: u64,
    /// Those of them with most, at most [`TOP_NODES`].
    pub(super) top_nodes: Vec<u32>,
    /// Nodes of the largest tree so far.
    most: usize,
}

impl Shape {
    pub(super) fn settle(&mut self, tree: &Tree) {
        let nodes = tree.nodes();
        self.most = self.most.max(nodes.len());
        self.count_children(nodes);
        self.max_children = self.children.iter().copied().max().unwrap_or(0).into();
        if tree.in_order {
            self.order.clear();
            self.order.extend((0u32..).take(nodes.len()));
        } else {
            self.sort_parents_first(nodes);
        }
        self.sum_subtrees(nodes);
        self.measure_depths(nodes);
    }

    /// What its buffers take of memory: they stay as long as the largest tree was.
    pub(super) fn bytes(&self) -> usize {
        let Shape { order, depth, children, subtree, .. } = self;
        let buffers = [order, depth, children, subtree];
        buffers.map(|buffer| memory::vec(self.most, buffer.capacity(), size_of::<u32>())).iter().sum()
    }

    /// Nodes below a node.
    pub(super) fn descendants(&self, at: u32) -> u64 {
        u64::from(self.subtree[at as usize] - 1)
    }

    /// Lists the nodes below the root that have a descendant: those with most of them first, of equals the earliest,
    /// and then by id. Of the tree that was settled.
    pub(super) fn list_top_nodes(&mut self, tree: &Tree) {
        let Shape { top_nodes, subtree, .. } = self;
        top_nodes.clear();
        top_nodes.extend((1u32..).take(tree.len()).filter(|&at| subtree[at as usize] > 1));
        self.spreaders = top_nodes.len() as u64;
        // Nodes are looked at only where sizes are equal: they lie scattered in a large tree.
        let rank = |&one: &u32, &other: &u32| {
            let key = |at: u32| (tree.node(at).time, tree.node(at).id);
            subtree[other as usize].cmp(&subtree[one as usize]).then_with(|| key(one).cmp(&key(other)))
        };
        // The whole list is never sorted: it may be as long as the tree.
        if top_nodes.len() > TOP_NODES {
            top_nodes.select_nth_unstable_by(TOP_NODES, rank);
            top_nodes.truncate(TOP_NODES);
        }
        top_nodes.sort_unstable_by(rank);
    }

    fn count_children(&mut self, nodes: &[Node]) {
        self.children.clear();
        self.children.resize(nodes.len(), 0);
        for node in &nodes[1..] {
            self.children[node.parent as usize] += 1;
        }
    }

    /// Takes leaves away until only the root is left; the reverse of that order has parents first.
    fn sort_parents_first(&mut self, nodes: &[Node]) {
        self.order.clear();
        self.order.extend((0u32..).take(nodes.len()).filter(|&at| self.children[at as usize] == 0));
        // What is left of the children; the sizes of the subtrees come to stand there only then.
        self.subtree.clone_from(&self.children);
        let mut taken = 0;
        while taken < self.order.len() {
            let at = self.order[taken];
            taken += 1;
            if at == ROOT {
                break;
            }
            let parent = nodes[at as usize].parent;
            let left = &mut self.subtree[parent as usize];
            *left -= 1;
            if *left == 0 {
                self.order.push(parent);
            }
        }
        assert_eq!(self.order.len(), nodes.len(), "I5: links form a tree, cycles are cut when they are declared");
        self.order.reverse();
    }

    fn sum_subtrees(&mut self, nodes: &[Node]) {
        self.subtree.clear();
        self.subtree.resize(nodes.len(), 1);
        self.s2 = 0;
        for &at in self.order[1..].iter().rev() {
            let size = self.subtree[at as usize];
            self.subtree[nodes[at as usize].parent as usize] += size;
            self.s2 += u128::from(size) * u128::from(size);
        }
    }

    fn measure_depths(&mut self, nodes: &[Node]) {
        self.depth.clear();
        self.depth.resize(nodes.len(), 0);
        self.levels.clear();
        self.levels.push(1);
        (self.max_depth, self.s1) = (0, 0);
        for &at in &self.order[1..] {
            let depth = self.depth[nodes[at as usize].parent as usize] + 1;
            self.depth[at as usize] = depth;
            self.max_depth = self.max_depth.max(depth);
            self.s1 += u64::from(depth);
            let level = level(depth);
            if level == self.levels.len() {
                self.levels.push(0);
            }
            self.levels[level] += 1;
        }
    }
}

/// The entry of `levels` that a depth is counted in.
pub(super) fn level(depth: u32) -> usize {
    (depth as usize).min(LEVELS_MAX - 1)
}
