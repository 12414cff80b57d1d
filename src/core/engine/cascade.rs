//! What a tree of shares amounts to: the row of `cascade`.
//!
//! A function of the set of the life's events. Inferred edges count in no delay and no self-share.

use std::cmp::Reverse;

use super::head::Head;
use super::histogram::Counter;
use super::life::Life;
use super::people::People;
use super::pseudonym::DELETED;
use super::scratch::Scratch;
use super::shape::{Shape, level};
use super::tree::{FOLLOWERS_UNKNOWN, Node, ROOT, Tree, flag};
use crate::record::Millis;
use crate::row::Cascade;

/// Numbers of people whose arrival is timed.
const CROWDS: [u32; 14] = [10, 20, 50, 100, 200, 500, 1_000, 1_500, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000];

/// The row of a life with at least one share.
pub(super) fn row(life: &Life, tree: &Tree, scratch: &mut Scratch, head: &Head) -> Cascade {
    let Scratch { shape, counter } = scratch;
    shape.settle(tree);
    let view = Ages::of(life, tree);
    let mut row = head.cascade_row();
    row.size = tree.nodes().len() as u64;
    row.max_depth = shape.max_depth;
    row.levels.clone_from(&shape.levels);
    (row.s1, row.s2) = (shape.s1, shape.s2);
    row.max_children = shape.max_children;
    row.inferred = tree.inferred() as u64;
    (row.cycles_cut, row.self_edges) = (tree.cycles_cut, tree.self_edges);
    row.deletes = life.deletes();
    (row.first_time, row.last_time) = view.span;
    row.ages_from_post = view.root_seen;
    row.depth_first_ms = view.depth_first(shape);
    row.deleted_actors = view.deleted_actors;
    count_shares(&view, counter, &mut row);
    count_people(&view, &mut row);
    measure_delays(&view, counter, &mut row);
    list_top_nodes(life, tree, shape, &mut row);
    row
}

/// A tree with its root post's time and author.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ages<'a> {
    pub(super) tree: &'a Tree,
    /// The post's time; not seen: the least time of this tree's nodes.
    pub(super) root_time: Millis,
    pub(super) root_actor: u64,
    pub(super) root_seen: bool,
    /// The least and greatest declared time, of the post too if it was seen.
    pub(super) span: (Millis, Millis),
    /// Nodes, and the post if it was seen, whose authors are deleted now, or were never known.
    pub(super) deleted_actors: u64,
}

impl<'a> Ages<'a> {
    pub(super) fn of(life: &Life, tree: &'a Tree) -> Self {
        let post = life.post.as_deref();
        let (mut first, mut last, mut deleted) = (Millis::MAX, Millis::MIN, 0);
        for node in &tree.nodes()[1..] {
            (first, last) = (first.min(node.time), last.max(node.time));
            deleted += u64::from(node.actor == DELETED);
        }
        Ages {
            tree,
            root_time: post.map_or(first, |post| post.time),
            root_actor: post.map_or(DELETED, |post| post.actor),
            root_seen: post.is_some(),
            span: post.map_or((first, last), |post| (first.min(post.time), last.max(post.time))),
            deleted_actors: deleted + u64::from(post.is_some_and(|post| post.actor == DELETED)),
        }
    }

    pub(super) fn actor(&self, at: u32) -> u64 {
        if at == ROOT { self.root_actor } else { self.tree.node(at).actor }
    }

    pub(super) fn time(&self, at: u32) -> Millis {
        if at == ROOT { self.root_time } else { self.tree.node(at).time }
    }

    /// Time since the root post, never below zero.
    pub(super) fn age(&self, time: Millis) -> u64 {
        u64::try_from(time - self.root_time).unwrap_or_default()
    }

    /// Every node but the root.
    pub(super) fn nodes(&self) -> impl Iterator<Item = u32> + use<> {
        (1u32..).take(self.tree.len())
    }

    /// Whether the edge above a node is declared, not inferred, and both its ends are known people.
    fn joins_known_people(&self, at: u32) -> bool {
        let node = self.tree.node(at);
        !node.has(flag::INFERRED) && node.actor != DELETED && self.actor(node.parent) != DELETED
    }

    /// The least age at each depth; no child is younger than its parent.
    fn depth_first(&self, shape: &Shape) -> Vec<u64> {
        let mut ages = vec![0; self.tree.nodes().len()];
        let mut first = vec![u64::MAX; shape.levels.len()];
        first[0] = 0;
        for &at in &shape.order[1..] {
            let node = self.tree.node(at);
            let age = self.age(node.time).max(ages[node.parent as usize]);
            ages[at as usize] = age;
            let entry = &mut first[level(shape.depth[at as usize])];
            *entry = age.min(*entry);
        }
        first
    }
}

/// What each share says by itself.
fn count_shares(view: &Ages<'_>, counter: &mut Counter, row: &mut Cascade) {
    for node in &view.tree.nodes()[1..] {
        row.quotes += u64::from(node.has(flag::QUOTE));
        row.reported_inferred += u64::from(node.has(flag::PARENT_GUESSED));
        counter.add(node.time - view.root_time);
    }
    row.age_hist = counter.take();
}

/// The audience that a share says.
fn followers(node: &Node) -> Option<u32> {
    Some(node.followers).filter(|&count| count != FOLLOWERS_UNKNOWN)
}

fn count_people(view: &Ages<'_>, row: &mut Cascade) {
    // Everybody's first share: by time; of equal times one that says its audience before one that does not, then the greatest.
    let order = |share: &Node| (share.time, Reverse(followers(share)));
    let nodes = view.tree.nodes();
    let mut firsts: People<u32> = People::with_capacity(view.tree.len());
    for (at, share) in (1u32..).zip(&nodes[1..]).filter(|(_, share)| share.actor != DELETED) {
        if let Some(first) = firsts.meet(share.actor, at) {
            if order(share) < order(&nodes[*first as usize]) {
                *first = at;
            }
            row.repeat_shares += 1;
        }
    }
    let mut ages = Vec::with_capacity(firsts.all().len() + 1);
    if view.root_actor != DELETED {
        ages.push(0);
    }
    for &(actor, first) in firsts.all() {
        let share = &nodes[first as usize];
        row.reach += u64::from(followers(share).unwrap_or(0));
        row.reach_known += u64::from(followers(share).is_some());
        if actor != view.root_actor {
            ages.push(view.age(share.time));
        }
    }
    ages.sort_unstable();
    row.unique_actors = ages.len() as u64;
    row.users_first_ms = CROWDS.iter().map_while(|&crowd| Some((crowd, *ages.get(crowd as usize - 1)?))).collect();
}

fn measure_delays(view: &Ages<'_>, counter: &mut Counter, row: &mut Cascade) {
    for at in view.nodes().filter(|&at| view.joins_known_people(at)) {
        let node = view.tree.node(at);
        counter.add(node.time - view.time(node.parent));
        row.self_shares += u64::from(node.actor == view.actor(node.parent));
    }
    row.delay_hist = counter.take();
}

fn list_top_nodes(life: &Life, tree: &Tree, shape: &mut Shape, row: &mut Cascade) {
    shape.list_top_nodes(tree);
    row.spreaders = shape.spreaders;
    let listed = shape.top_nodes.iter().map(|&at| {
        let actor = tree.node(at).actor;
        (actor, shape.children[at as usize], shape.descendants(at), shape.depth[at as usize], life.is_of_brand(actor))
    });
    row.top_nodes = listed.collect();
}
