//! Replies of a life, and the quotes that some of them answer.

use std::sync::Arc;

use super::super::pseudonym::{DELETED, Pseudonyms};
use super::super::tree::{FOLLOWERS_UNKNOWN, Node, flag};
use super::{Life, Outcome, attach, node};
use crate::event;
use crate::record::Millis;

impl Life {
    /// The replies that wait for a quote answer it from now on.
    pub(super) fn meet_quote(&mut self, id: &str, names: &Pseudonyms) {
        let quote = self.find_quote(id, names);
        if let (Some(quote), Some(thread)) = (quote, &mut self.thread) {
            let awaited = names.event(event::EventType::Reply, id);
            if thread.awaits(awaited) {
                Arc::make_mut(thread).meet_quote(awaited, quote);
                self.changed.thread = true;
            }
        }
    }

    pub(super) fn attach_reply(&mut self, id: u64, time: Millis, reply: &event::Reply<'_>, names: &Pseudonyms) -> Outcome {
        let parent = self.parent(&reply.parent, event::EventType::Reply, names);
        let flags = [(reply.is_brand, flag::BRAND), (reply.mentions_brand, flag::MENTIONS_BRAND)];
        let actor = names.actor(reply.actor.as_deref());
        let quote = self.find_quote(&reply.parent, names);
        let node = node(id, time, actor, FOLLOWERS_UNKNOWN, &flags);
        let outcome = attach(self.thread.get_or_insert_default(), node, parent, quote);
        if outcome == Outcome::Accepted {
            self.changed.thread = true;
            // Shares of a person whom the brand is now known by are the brand's.
            if reply.is_brand && actor != DELETED && self.brand_people.insert(actor) {
                self.changed.cascade |= self.cascade.is_some();
            }
        }
        outcome
    }

    /// The quote with this id, by its index in the tree of shares.
    fn find_quote(&self, id: &str, names: &Pseudonyms) -> Option<u32> {
        let at = self.cascade.as_ref()?.find(names.event(event::EventType::Share, id))?;
        self.quote(at).map(|_| at)
    }

    /// The quote at an index of the tree of shares.
    pub(super) fn quote(&self, at: u32) -> Option<&Node> {
        self.cascade.as_ref()?.nodes().get(at as usize).filter(|node| node.has(flag::QUOTE))
    }
}
