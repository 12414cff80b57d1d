//! One root while it lives: its post, its two trees, the other facts of its windows, and which rows changed.
//!
//! Folds events; a copy of an event is recognised here, inside the life. Keeps I6: the rows that change
//! with an event are exactly those marked.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::interner::Interner;
use super::pseudonym::{DELETED, Pseudonyms};
use super::tree::{FOLLOWERS_UNKNOWN, Node, Parent, Tree, flag};
use super::window::WindowIndex;
use crate::event::{self, Body, Event};
use crate::record::{Millis, Offset};

mod load;
mod others;
mod post;
mod replies;

pub(super) use others::Others;
pub(super) use post::{Dimensions, Post};

/// What an event of a life turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Accepted,
    Duplicate,
    /// A duplicate that says something else than the first copy.
    ConflictingCopy,
}

/// Which rows changed since the last flush.
#[derive(Clone, Debug, Default)]
pub(super) struct Changed {
    /// Whether it took anything in, even if no row shows it.
    pub(super) any: bool,
    /// What the post says of the life: its row of `root`.
    pub(super) root: bool,
    pub(super) cascade: bool,
    pub(super) thread: bool,
    /// Sorted, distinct.
    pub(super) windows: Vec<WindowIndex>,
}

/// One root, from its first event until it is evicted.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Life {
    pub(super) root: Arc<str>,
    pub(super) root_hash: u64,
    /// Offset of its first event.
    pub(super) opened: Offset,
    /// Offset of its last event, copies included.
    pub(super) touched: Offset,
    /// How many stamps the log's clock had seen then.
    pub(super) touched_stamped: u64,
    pub(super) post: Option<Box<Post>>,
    pub(super) cascade: Option<Arc<Tree>>,
    pub(super) thread: Option<Arc<Tree>>,
    pub(super) others: Option<Box<Others>>,
    /// Known people who replied under the brand's flag.
    #[serde(skip)]
    brand_people: BTreeSet<u64>,
    /// What its texts cost, in entries of the budget; they change with its post alone.
    #[serde(skip)]
    text_entries: u64,
    /// About what it took of memory, in bytes, when it was last weighed.
    #[serde(skip)]
    pub(super) weight: u64,
    /// Not in snapshots: they are taken right after a flush.
    #[serde(skip)]
    pub(super) changed: Changed,
}

/// Text is charged as one entry for so many bytes.
const TEXT_AN_ENTRY: usize = 64;

impl Life {
    pub(super) fn open(root: &str, root_hash: u64, opened: Offset) -> Self {
        let mut life = Life {
            root: root.into(),
            root_hash,
            opened,
            touched: opened,
            touched_stamped: 0,
            post: None,
            cascade: None,
            thread: None,
            others: None,
            brand_people: BTreeSet::new(),
            text_entries: 0,
            weight: 0,
            changed: Changed::default(),
        };
        life.weigh_texts();
        life
    }

    /// Folds one event of this root.
    pub(super) fn fold(&mut self, event: &Event<'_>, window: Millis, names: &Pseudonyms, interner: &mut Interner) -> Outcome {
        let at = super::window::index(event.time, window);
        let id = names.event(event.event_type(), &event.id);
        let outcome = match &event.body {
            Body::Post(post) => self.see_post(event.time, post, names, interner),
            Body::Share(share) => self.attach_share(id, event, share, names),
            Body::Reply(reply) => self.attach_reply(id, event.time, reply, names),
            Body::Reaction { .. } => self.note(id, at, |facts| facts.reactions += 1),
            Body::Click(_) => self.note(id, at, |facts| facts.clicks += 1),
            Body::Delete { .. } => self.note_delete(id, at),
            Body::Sample { metric, value, .. } => self.note_sample(id, event.time, at, (metric, *value)),
            // Facts without a root never come here: they pass the engine by.
            Body::Visit(_) | Body::Conversion(_) | Body::Cost(_) | Body::Assign(_) | Body::Report(_) => return Outcome::Accepted,
        };
        self.changed.any |= outcome == Outcome::Accepted;
        if outcome == Outcome::Accepted && !matches!(event.body, Body::Sample { .. }) {
            self.changed.mark_window(at);
        }
        outcome
    }

    /// Delete events under this root, whatever their target.
    pub(super) fn deletes(&self) -> u64 {
        self.others.as_ref().map_or(0, |others| others.deletes)
    }

    /// Shares and replies.
    pub(super) fn nodes(&self) -> usize {
        self.of_both_trees(Tree::len)
    }

    /// Whether a person is known to write for the brand: the author of its post, or of a reply of it.
    pub(super) fn is_of_brand(&self, actor: u64) -> bool {
        let of_post = self.post.as_ref().is_some_and(|post| post.is_brand && post.actor == actor);
        actor != DELETED && (of_post || self.brand_people.contains(&actor))
    }

    fn weigh_texts(&mut self) {
        let post = self.post.as_ref().map_or(0, |post| TEXT_AN_ENTRY * 4 + post.url.len() + post.dimensions.bytes());
        self.text_entries = ((self.root.len() + post) / TEXT_AN_ENTRY) as u64;
    }

    fn of_both_trees(&self, count: fn(&Tree) -> usize) -> usize {
        self.cascade.as_deref().map_or(0, count) + self.thread.as_deref().map_or(0, count)
    }

    /// Rebuilds what a snapshot leaves out; false if the trees do not hold together.
    pub(super) fn reindex(&mut self, interner: &mut Interner) -> bool {
        if let Some(post) = &mut self.post {
            post.dimensions.share(interner);
        }
        self.weigh_texts();
        let is_sound = self.cascade.iter_mut().chain(&mut self.thread).all(|tree| {
            let sound = tree.is_sound();
            if sound {
                Arc::make_mut(tree).reindex();
            }
            sound
        });
        let by_brand = |node: &&Node| node.has(flag::BRAND) && node.actor != DELETED;
        let replies = self.thread.iter().flat_map(|tree| tree.nodes());
        self.brand_people = replies.filter(by_brand).map(|node| node.actor).collect();
        self.weigh();
        let mut quotes = self.thread.iter().flat_map(|tree| tree.to_quotes());
        is_sound && quotes.all(|(_, quote)| self.quote(quote).is_some())
    }

    fn see_post(&mut self, time: Millis, post: &event::Post<'_>, names: &Pseudonyms, interner: &mut Interner) -> Outcome {
        let actor = names.actor(post.actor.as_deref());
        if let Some(first) = &self.post {
            return copy_of(first.time == time && first.actor == actor);
        }
        self.post = Some(Box::new(Post {
            time,
            actor,
            is_brand: post.is_brand,
            mentions_brand: post.mentions_brand,
            url: (&*post.url).into(),
            dimensions: Dimensions::of(post, interner),
        }));
        self.changed.root = true;
        // Both shapes count its author and measure from its time.
        self.changed.cascade |= self.cascade.is_some();
        self.changed.thread |= self.thread.is_some();
        self.weigh_texts();
        Outcome::Accepted
    }

    fn attach_share(&mut self, id: u64, event: &Event<'_>, share: &event::Share<'_>, names: &Pseudonyms) -> Outcome {
        let parent = self.parent(&share.parent, event::EventType::Share, names);
        let flags = [
            (share.is_quote, flag::QUOTE),
            (share.parent_guessed, flag::PARENT_GUESSED),
            (share.mentions_brand, flag::MENTIONS_BRAND),
        ];
        let followers = share.followers.unwrap_or(FOLLOWERS_UNKNOWN);
        let node = node(id, event.time, names.actor(share.actor.as_deref()), followers, &flags);
        let outcome = attach(self.cascade.get_or_insert_default(), node, parent, None);
        if outcome == Outcome::Accepted {
            self.changed.cascade = true;
            if share.is_quote {
                self.meet_quote(&event.id, names);
            }
        }
        outcome
    }

    fn parent(&self, parent: &str, kind: event::EventType, names: &Pseudonyms) -> Parent {
        if *parent == *self.root { Parent::Root } else { Parent::Node(names.event(kind, parent)) }
    }
}

impl Changed {
    /// How many rows that is.
    pub(super) fn rows(&self) -> usize {
        usize::from(self.root) + usize::from(self.cascade) + usize::from(self.thread) + self.windows.len()
    }

    fn mark_window(&mut self, at: WindowIndex) {
        if let Err(place) = self.windows.binary_search(&at) {
            self.windows.insert(place, at);
        }
    }
}

fn node(id: u64, time: Millis, actor: u64, followers: u32, flags: &[(bool, u8)]) -> Node {
    let flags = flags.iter().filter(|(set, _)| *set).fold(0, |all, (_, flag)| all | flag);
    Node { id, actor, time, parent: 0, head: 0, followers, flags }
}

/// Attaches a node, unless its id is here.
fn attach(tree: &mut Arc<Tree>, node: Node, parent: Parent, quote: Option<u32>) -> Outcome {
    if let Some(at) = tree.find(node.id) {
        let first = tree.node(at);
        return copy_of(first.time == node.time && first.actor == node.actor && tree.declared(at) == parent);
    }
    Arc::make_mut(tree).attach(node, parent, quote);
    Outcome::Accepted
}

fn copy_of(says_the_same: bool) -> Outcome {
    if says_the_same { Outcome::Duplicate } else { Outcome::ConflictingCopy }
}
