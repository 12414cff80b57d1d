//! The way from a root to one of its nodes, as the tree is now.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::life::Life;
use super::pseudonym::{DELETED, Pseudonyms};
use super::tree::{ROOT, Tree, flag};
use crate::event::EventType;
use crate::record::Millis;
use crate::row::TargetKind;

/// How many nodes of a path are kept besides the root: those nearest to the target.
const NODES_MAX: usize = 31;

/// One node in so many of a long way remembers its rank, so that a chain of a million nodes is climbed once, not at
/// every click.
const LANDMARK_EVERY: u32 = 1024;

/// From a root to a clicked target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Path {
    pub(super) target_kind: TargetKind,
    /// When the target was written, if it is known.
    pub(super) target_time: Option<Millis>,
    /// Whether the target is unknown, or hangs from the root for want of its parent.
    pub(super) target_inferred: bool,
    /// Pseudonyms of the nearest nodes, the target last; the root is not among them.
    pub(super) nodes: Vec<u64>,
    /// Who wrote the root, and then each of `nodes`; `DELETED` where nobody knows.
    pub(super) actors: Vec<u64>,
    /// Whether each of them wrote under the brand's flag, which shares do not have.
    pub(super) by_brand: Vec<bool>,
    /// Depth of the target, however long the way.
    pub(super) depth: u32,
    /// Edges of the whole way that were guessed, here or by the producer.
    pub(super) inferred: u32,
}

/// Where a node stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Rank {
    depth: u32,
    inferred: u32,
}

/// Ranks of some nodes, forgotten when a node moves.
pub(super) type Landmarks = BTreeMap<u32, Rank>;

impl Life {
    /// The way to a target; no target is the root post. An unknown one has a way of nothing but the root.
    pub(super) fn path_to(&mut self, target: Option<&str>, names: &Pseudonyms) -> Path {
        let post = self.post.as_deref();
        let root = Path {
            target_kind: TargetKind::Post,
            target_time: post.map(|post| post.time),
            actors: vec![post.map_or(DELETED, |post| post.actor)],
            by_brand: vec![post.is_some_and(|post| post.is_brand)],
            ..Path::default()
        };
        let Some(target) = target.filter(|target| **target != *self.root) else { return root };
        for (tree, kind, event_type) in
            [(&mut self.cascade, TargetKind::Share, EventType::Share), (&mut self.thread, TargetKind::Reply, EventType::Reply)]
        {
            let id = names.event(event_type, target);
            if let Some(tree) = tree
                && let Some(at) = tree.find(id)
            {
                return walk(tree, at, Path { target_kind: kind, ..root });
            }
        }
        Path { target_kind: TargetKind::Unknown, target_time: None, target_inferred: true, ..root }
    }
}

fn walk(tree: &mut Arc<Tree>, target: u32, root: Path) -> Path {
    let nearest: Vec<u32> = tree.way_up(target).take(NODES_MAX).collect();
    let Path { mut actors, mut by_brand, target_kind, .. } = root;
    let mut nodes = Vec::with_capacity(nearest.len());
    for node in nearest.iter().rev().map(|&at| tree.node(at)) {
        nodes.push(node.id);
        actors.push(node.actor);
        by_brand.push(node.has(flag::BRAND));
    }
    let (target_time, target_inferred) = (Some(tree.node(target).time), tree.node(target).has(flag::INFERRED));
    let Rank { depth, inferred } = rank(tree, target);
    Path { target_kind, target_time, target_inferred, nodes, actors, by_brand, depth, inferred }
}

/// Depth and guessed edges of a node. Landmarks are left unless a snapshot holds the tree, which must not be copied
/// for them.
fn rank(tree: &mut Arc<Tree>, target: u32) -> Rank {
    let mut climbed = Rank::default();
    let mut passed = Vec::new();
    let mut known = Rank::default();
    for at in tree.way_up(target) {
        if let Some(&landmark) = tree.landmarks.get(&at) {
            known = landmark;
            break;
        }
        if climbed.depth > 0 && climbed.depth.is_multiple_of(LANDMARK_EVERY) {
            passed.push((at, climbed));
        }
        climbed.depth += 1;
        let node = tree.node(at);
        climbed.inferred += u32::from(node.has(flag::INFERRED) || node.has(flag::PARENT_GUESSED));
    }
    let total = Rank { depth: known.depth + climbed.depth, inferred: known.inferred + climbed.inferred };
    if let Some(tree) = Arc::get_mut(tree) {
        let below =
            |(at, rank): (u32, Rank)| (at, Rank { depth: total.depth - rank.depth, inferred: total.inferred - rank.inferred });
        tree.landmarks.extend(passed.into_iter().map(below));
    }
    total
}

impl Tree {
    /// A node and those above it, the root left out.
    fn way_up(&self, from: u32) -> impl Iterator<Item = u32> {
        std::iter::successors(Some(from), |&at| Some(self.node(at).parent)).take_while(|&at| at != ROOT)
    }
}
