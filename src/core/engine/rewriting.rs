//! Rows again that the store has lost: of every living life, as it is now, and of every fact and reject that the log still holds.
//!
//! Facts and rejects are functions of their record alone, so they come out as they were. The way to a clicked target is not: it was the
//! tree's when the click was read. It is taken from the tree as it is now, and marked as inferred from end to end.

use std::collections::BTreeSet;

use super::Engine;
use super::life::Life;
use super::window::{self, WindowIndex};
use crate::event::{Event, EventType, Reject};
use crate::record::{Millis, Record};
use crate::row::Click;

/// An event of a life that has left memory: its rows cannot be had again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gone {
    /// The keyed hash of the root.
    pub root: u64,
    /// What kind of event it is.
    pub kind: EventType,
}

impl Engine {
    /// Marks lives, whole, from a place on until a flush would give so many rows: a place is 0, or what this gave before. Gives the place
    /// of the first life that is not marked; nothing once all are.
    pub fn mark_whole(&mut self, from: usize, rows_max: usize) -> Option<usize> {
        let window = self.rules.window;
        for (at, slot) in self.lives.places().enumerate().skip(from) {
            if self.dirty_rows() >= rows_max {
                return Some(at);
            }
            let marked = self.lives.change(slot, |life| {
                let (known, before) = (life.changed.any, life.changed.rows());
                life.mark_whole(window);
                life.changed.any = true;
                (!known, life.changed.rows() - before)
            });
            if let Some((is_news, rows)) = marked {
                self.note_change(slot, is_news, rows);
            }
        }
        None
    }

    /// Gives the row of a record's fact or reject to the next flush once more; counts nothing. Says whether the record is an event of a
    /// life that has left memory.
    pub fn write_again(&mut self, record: &Record<'_>, event: Result<Event<'_>, Reject>) -> Option<Gone> {
        let event = match event {
            Ok(event) => event,
            Err(reject) => {
                self.keep_reject(record, &reject);
                return None;
            }
        };
        let kind = event.event_type();
        let root = event.root().map(|root| (self.names.root(root), self.lives.find(root, self.names.root(root))));
        let life = root.and_then(|(_, slot)| slot);
        let is_alive = life.and_then(|slot| self.lives.get(slot)).is_some_and(|life| life.opened <= record.offset);
        if event.is_fact() {
            self.keep_fact(event, record, life);
            // The post is at the end of every way: that one is exact.
            let has_post = is_alive && life.and_then(|slot| self.lives.get(slot)).is_some_and(|life| life.post.is_some());
            let is_exact = |click: &&mut Click| has_post && click.depth == 0;
            // Of its own record: one of a copy is marked, too.
            let click = self.pending.clicks.last_mut().filter(|_| kind == EventType::Click);
            click.filter(|click| !is_exact(click)).into_iter().for_each(infer);
        }
        root.filter(|_| !is_alive).map(|(root, _)| Gone { root, kind })
    }
}

/// A path that was known when the click was read, and is not any more.
fn infer(click: &mut Click) {
    click.target_inferred = true;
    // Also where nothing is known of it: no way that has no step is taken for a whole one.
    click.path_inferred = click.depth.max(1);
}

impl Life {
    /// Marks every row that it has.
    fn mark_whole(&mut self, window: Millis) {
        let nodes = self.cascade.iter().chain(&self.thread).flat_map(|tree| &tree.nodes()[1..]);
        let times = self.post.iter().map(|post| post.time).chain(nodes.map(|node| node.time));
        let of_others = self.others.iter().flat_map(|others| others.windows.keys().copied());
        let windows: BTreeSet<WindowIndex> = times.map(|time| window::index(time, window)).chain(of_others).collect();
        self.changed.windows = windows.into_iter().collect();
        self.changed.root = self.post.is_some();
        self.changed.cascade = self.cascade.is_some();
        self.changed.thread = self.thread.is_some();
    }
}
