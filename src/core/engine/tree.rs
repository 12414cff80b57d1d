//! A tree of shares, or of replies: nodes and parents. Attaches, re-hangs, cuts cycles.
//!
//! Index 0 is the root post, seen or not. A node whose parent is not here hangs from the root at once
//! and is *inferred*; when its parent comes, only the link changes, and its subtree moves with it. A reply
//! whose parent is a quote of the other tree hangs from the root, too, but by right: whom it answers is
//! known. What the links amount to is settled in one pass by [`shape`](super::shape). Keeps I5: links are taken in
//! the log order of the events that declare them, so a tree is a function of the set of its events.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::index::Index;
use super::memory;
use super::packed;
use super::path::{Landmarks, Rank};

mod quotes;
mod restored;

/// The index of the root post.
pub(super) const ROOT: u32 = 0;

/// A tree of fewer nodes grows by half of them, not to be copied at every turn.
const SMALL: usize = 512;

/// `followers` of a node that does not say.
pub(super) const FOLLOWERS_UNKNOWN: u32 = u32::MAX;

/// What is known of a node besides its place.
pub(super) mod flag {
    pub(in crate::engine) const QUOTE: u8 = 1;
    pub(in crate::engine) const PARENT_GUESSED: u8 = 2;
    pub(in crate::engine) const MENTIONS_BRAND: u8 = 4;
    pub(in crate::engine) const BRAND: u8 = 8;
    /// Hangs from the root for want of its declared parent.
    pub(in crate::engine) const INFERRED: u8 = 16;
}

/// One share or reply: 40 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Node {
    /// Pseudonym of its id.
    pub(super) id: u64,
    /// Pseudonym of who did it, or `DELETED`.
    pub(super) actor: u64,
    /// Declared time, in milliseconds.
    pub(super) time: i64,
    /// Where it hangs now.
    pub(super) parent: u32,
    /// Towards the head of its fragment (union-find): a head points to itself.
    pub(super) head: u32,
    /// Audience, or [`FOLLOWERS_UNKNOWN`].
    pub(super) followers: u32,
    /// Bits of [`flag`].
    pub(super) flags: u8,
}

impl Node {
    pub(super) fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}

/// The parent that an event names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parent {
    /// The root post.
    Root,
    /// A node, by the pseudonym of its id.
    Node(u64),
}

/// Why a node hangs from the root that named another parent: which one, and the next node that waits for the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Unlinked {
    declared: u64,
    /// [`ROOT`] ends the chain.
    next_waiting: u32,
    /// The quote that a reply answers, by its index in the tree of shares; [`ROOT`]: none, the node is inferred.
    quote: u32,
}

/// Nodes and links of one tree.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Tree {
    #[serde(with = "packed")]
    nodes: Vec<Node>,
    /// The inferred nodes, and the replies to quotes.
    unlinked: BTreeMap<u32, Unlinked>,
    /// Links cut because they would have closed a cycle.
    pub(super) cycles_cut: u32,
    /// Nodes that named themselves as their parent.
    pub(super) self_edges: u32,
    /// Whether every parent stands before its children, so that one scan settles.
    pub(super) in_order: bool,
    /// How many of the unlinked are replies to quotes.
    #[serde(skip)]
    to_quotes: usize,
    /// Node by id.
    #[serde(skip)]
    index: Index,
    /// First of the nodes that wait for an id.
    #[serde(skip)]
    waiting: BTreeMap<u64, u32>,
    /// Where some nodes stand, as long as nothing moves.
    #[serde(skip)]
    pub(super) landmarks: Landmarks,
}

/// The root post alone.
impl Default for Tree {
    fn default() -> Self {
        let root = Node { id: 0, actor: 0, time: 0, parent: ROOT, head: ROOT, followers: FOLLOWERS_UNKNOWN, flags: 0 };
        // A share or reply follows at once, and more as a rule.
        let mut nodes = Vec::with_capacity(4);
        nodes.push(root);
        Tree {
            nodes,
            unlinked: BTreeMap::new(),
            cycles_cut: 0,
            self_edges: 0,
            in_order: true,
            to_quotes: 0,
            index: Index::default(),
            waiting: BTreeMap::new(),
            landmarks: Landmarks::new(),
        }
    }
}

impl Tree {
    /// The nodes by index; the first stands for the root post and holds nothing.
    pub(super) fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Shares or replies: the nodes without the root.
    pub(super) fn len(&self) -> usize {
        self.nodes.len() - 1
    }

    /// Nodes that hang from the root for want of their parent.
    pub(super) fn inferred(&self) -> usize {
        self.unlinked.len() - self.to_quotes
    }

    /// Nodes that hang from the root although they named another parent: the inferred ones and the replies to quotes.
    pub(super) fn unlinked(&self) -> usize {
        self.unlinked.len()
    }

    /// The node with this id.
    pub(super) fn find(&self, id: u64) -> Option<u32> {
        self.index.find(&self.nodes[1..], id, |node| node.id).map(|place| place + 1)
    }

    /// The node at an index.
    pub(super) fn node(&self, at: u32) -> &Node {
        &self.nodes[at as usize]
    }

    /// The parent that the node's event named, unless it named the root.
    pub(super) fn declared(&self, at: u32) -> Parent {
        match (self.unlinked.get(&at), self.node(at).parent) {
            (Some(unlinked), _) => Parent::Node(unlinked.declared),
            (None, ROOT) => Parent::Root,
            (None, parent) => Parent::Node(self.node(parent).id),
        }
    }

    /// Adds a node whose id is not here yet. Its `parent`, `head` and `INFERRED` are set here.
    ///
    /// A new node takes the children that wait for it, then its own parent: so a cycle loses the link
    /// of its last member. `quote` is the quote with the parent's id, if there is one: a reply answers it
    /// as long as no reply has that id.
    pub(super) fn attach(&mut self, node: Node, parent: Parent, quote: Option<u32>) {
        let at = self.push(node);
        self.adopt_waiting(at);
        let Parent::Node(declared) = parent else { return };
        if declared == node.id {
            self.self_edges += 1;
            self.infer(at, declared, ROOT);
            return;
        }
        match self.find(declared) {
            None => {
                let next_waiting = self.waiting.insert(declared, at).unwrap_or(ROOT);
                self.infer(at, declared, next_waiting);
                if let Some(quote) = quote {
                    self.answer_quote(at, quote);
                }
            }
            Some(found) if self.head(found) == at => {
                self.cycles_cut += 1;
                self.infer(at, declared, ROOT);
            }
            Some(found) => self.link(at, found),
        }
    }

    /// About what it takes of memory.
    pub(super) fn bytes(&self) -> usize {
        let Tree { nodes, unlinked, index, waiting, landmarks, .. } = self;
        memory::shared::<Tree>()
            + memory::vec(nodes.len(), nodes.capacity(), size_of::<Node>())
            + memory::allocated(index.allocation_size())
            + memory::tree(unlinked.len(), size_of::<(u32, Unlinked)>())
            + memory::tree(waiting.len(), size_of::<(u64, u32)>())
            + memory::tree(landmarks.len(), size_of::<(u32, Rank)>())
    }

    fn push(&mut self, node: Node) -> u32 {
        let at = u32::try_from(self.nodes.len()).expect("the budget of a partition is far below 2^32 nodes");
        if self.nodes.len() == self.nodes.capacity() {
            // Growing by an eighth keeps the slack of large trees small; doubling would cost up to 40 bytes a node.
            let part = if self.nodes.len() < SMALL { 2 } else { 8 };
            self.nodes.reserve_exact((self.nodes.len() / part).max(3));
        }
        self.nodes.push(Node { parent: ROOT, head: at, flags: node.flags & !flag::INFERRED, ..node });
        self.index.add_last(&self.nodes[1..], |node| node.id);
        at
    }

    fn adopt_waiting(&mut self, at: u32) {
        let id = self.node(at).id;
        let mut waiting = self.waiting.remove(&id);
        while let Some(child) = waiting {
            let unlinked = self.unlinked.remove(&child);
            self.to_quotes -= usize::from(unlinked.is_some_and(|entry| entry.quote != ROOT));
            self.nodes[child as usize].flags &= !flag::INFERRED;
            self.landmarks.clear();
            self.link(child, at);
            waiting = unlinked.map(|entry| entry.next_waiting).filter(|&next| next != ROOT);
        }
    }

    fn infer(&mut self, at: u32, declared: u64, next_waiting: u32) {
        self.nodes[at as usize].flags |= flag::INFERRED;
        self.unlinked.insert(at, Unlinked { declared, next_waiting, quote: ROOT });
    }

    fn link(&mut self, child: u32, parent: u32) {
        let node = &mut self.nodes[child as usize];
        node.parent = parent;
        node.head = parent;
        self.in_order &= parent < child;
    }

    /// The head of a node's fragment; halves the paths it walks.
    fn head(&mut self, mut at: u32) -> u32 {
        loop {
            let up = self.node(at).head;
            if up == at {
                return at;
            }
            let upper = self.node(up).head;
            self.nodes[at as usize].head = upper;
            at = upper;
        }
    }
}
