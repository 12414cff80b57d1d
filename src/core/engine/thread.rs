//! What a tree of replies amounts to: dialogue, latencies, sessions; the row of `thread`.
//!
//! A function of the set of the life's events. Inferred edges and deleted accounts count in size and
//! depth, but in no pair, latency or turn. A reply to a quote answers the quote's author: the quote is a
//! message that is answered, but no node of this tree, nor a message of its sessions or of its people.

use super::cascade::Ages;
use super::head::Head;
use super::histogram::Counter;
use super::life::{Life, Post};
use super::people::People;
use super::pseudonym::{DELETED, Pseudonyms};
use super::scratch::Scratch;
use super::shape::Shape;
use super::tree::{Node, ROOT, Tree, flag};
use crate::record::Millis;
use crate::row::{CustomerQuarter, Thread};

/// Every time zone's clock is off by whole quarters of an hour, so quarters tell local hours.
const QUARTER: Millis = 15 * 60_000;
const HOUR: Millis = 4 * QUARTER;
const DAY: Millis = 24 * HOUR;

/// What a thread is measured with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measure<'a> {
    /// A silence longer than this ends a session.
    pub(super) session_gap: Millis,
    pub(super) names: &'a Pseudonyms,
}

/// The row of a life with at least one reply.
pub(super) fn row(life: &Life, tree: &Tree, scratch: &mut Scratch, head: &Head, measure: Measure<'_>) -> Thread {
    let Scratch { shape, counter } = scratch;
    shape.settle(tree);
    let dialogue = Dialogue::of(life, tree);
    let mut row = head.thread_row();
    row.size = tree.nodes().len() as u64;
    row.max_depth = shape.max_depth;
    row.levels.clone_from(&shape.levels);
    (row.s1, row.s2) = (shape.s1, shape.s2);
    row.h_index = h_index(&shape.levels);
    row.inferred = tree.inferred() as u64;
    (row.cycles_cut, row.self_edges) = (tree.cycles_cut, tree.self_edges);
    row.deletes = life.deletes();
    (row.first_time, row.last_time) = dialogue.ages.span;
    dialogue.count_people(&mut row);
    dialogue.count_pairs(measure.names, &mut row);
    dialogue.count_turns(shape, &mut row);
    dialogue.measure_responses(counter, &mut row);
    dialogue.count_customers(counter, &mut row);
    dialogue.split_sessions(measure.session_gap, &mut row);
    row
}

/// Consecutive depths 1, 2, … i that hold at least i replies each (Gómez, Kaltenbrunner and López 2008, prefix form).
fn h_index(levels: &[u64]) -> u32 {
    let enough = (1u32..).zip(&levels[1..]).take_while(|&(depth, &count)| count >= u64::from(depth));
    enough.last().map_or(0, |(depth, _)| depth)
}

/// Messages by the quarter of an hour of their own time, and what of them was answered how soon. Of each message its time, and
/// how long it waited: for ever if nobody answered.
fn by_quarter(mut waits: Vec<(Millis, Millis)>) -> Vec<CustomerQuarter> {
    waits.sort_unstable_by_key(|&(time, _)| time);
    let quarter = |time: Millis| time.div_euclid(QUARTER);
    let row = |messages: &[(Millis, Millis)]| {
        let within = |limit| count(messages.iter().filter(|&&(_, wait)| wait <= limit).count());
        let start = u32::try_from(quarter(messages[0].0) * QUARTER / 1000).unwrap_or(u32::MAX);
        (start, count(messages.len()), within(QUARTER), within(HOUR), within(DAY))
    };
    waits.chunk_by(|one, other| quarter(one.0) == quarter(other.0)).map(row).collect()
}

fn count(messages: usize) -> u32 {
    u32::try_from(messages).unwrap_or(u32::MAX)
}

/// Messages are numbered: the root post and the replies as in their tree, and behind them the quotes that are answered.
struct Dialogue<'a> {
    ages: Ages<'a>,
    tree: &'a Tree,
    life: &'a Life,
    root_is_brand: bool,
    quotes: Vec<&'a Node>,
    /// The number of the first of them.
    quotes_start: u32,
    /// By node: the message that it answers or, inferred, hangs from.
    parents: Vec<u32>,
    /// By message: whether it answers another person, by a true edge between two known ones.
    answers: Vec<bool>,
}

impl<'a> Dialogue<'a> {
    fn of(life: &'a Life, tree: &'a Tree) -> Self {
        let post = life.post.as_deref();
        let mut dialogue = Dialogue {
            ages: Ages::of(life, tree),
            tree,
            life,
            root_is_brand: post.is_some_and(|post| post.is_brand),
            quotes: Vec::new(),
            quotes_start: u32::try_from(tree.nodes().len()).unwrap_or(u32::MAX),
            parents: tree.nodes().iter().map(|node| node.parent).collect(),
            answers: Vec::new(),
        };
        dialogue.put_quotes_behind();
        dialogue.answers = dialogue.messages().map(|at| dialogue.is_answer(at)).collect();
        dialogue
    }

    /// Gives every quote that is answered its number.
    fn put_quotes_behind(&mut self) {
        let Some(shares) = self.life.cascade.as_deref() else { return };
        let mut to_quotes: Vec<(u32, u32)> = self.tree.to_quotes().map(|(reply, quote)| (quote, reply)).collect();
        to_quotes.sort_unstable();
        for (number, replies) in (self.quotes_start..).zip(to_quotes.chunk_by(|a, b| a.0 == b.0)) {
            self.quotes.push(shares.node(replies[0].0));
            for &(_, reply) in replies {
                self.parents[reply as usize] = number;
            }
        }
    }

    fn is_answer(&self, at: u32) -> bool {
        if at == ROOT || self.quote(at).is_some() || self.tree.node(at).has(flag::INFERRED) {
            return false;
        }
        let (by, to) = (self.actor(at), self.actor(self.parent(at)));
        by != DELETED && to != DELETED && by != to
    }

    fn answers(&self, at: u32) -> bool {
        self.answers[at as usize]
    }

    fn parent(&self, at: u32) -> u32 {
        self.parents[at as usize]
    }

    /// A message, if it is a quote.
    fn quote(&self, at: u32) -> Option<&'a Node> {
        self.quotes.get(at.checked_sub(self.quotes_start)? as usize).copied()
    }

    fn actor(&self, at: u32) -> u64 {
        self.quote(at).map_or_else(|| self.ages.actor(at), |quote| quote.actor)
    }

    fn time(&self, at: u32) -> Millis {
        self.quote(at).map_or_else(|| self.ages.time(at), |quote| quote.time)
    }

    /// A quote says not whose it is: it is the brand's if its author is.
    fn by_brand(&self, at: u32) -> bool {
        match self.quote(at) {
            Some(quote) => self.life.is_of_brand(quote.actor),
            None if at == ROOT => self.root_is_brand,
            None => self.tree.node(at).has(flag::BRAND),
        }
    }

    fn count_people(&self, row: &mut Thread) {
        let replies = &self.tree.nodes()[1..];
        row.brand_replies = replies.iter().filter(|node| node.has(flag::BRAND)).count() as u64;
        row.audience_replies = replies.len() as u64 - row.brand_replies;
        row.deleted_actors = self.ages.deleted_actors;
        let authors = replies.iter().map(|node| node.actor).chain([self.ages.root_actor]);
        let mut people = People::with_capacity(replies.len() + 1);
        for author in authors.filter(|&actor| actor != DELETED) {
            if let Some(is_again) = people.meet(author, false) {
                *is_again = true;
            }
        }
        row.unique_actors = people.all().len() as u64;
        row.reentrants = people.all().iter().filter(|(_, is_again)| *is_again).count() as u64;
    }

    fn count_pairs(&self, names: &Pseudonyms, row: &mut Thread) {
        let answers = self.ages.nodes().filter(|&at| self.answers(at));
        let mut pairs: Vec<Answer> =
            answers.map(|at| Answer::between(self.actor(at), self.actor(self.parent(at)), names)).collect();
        row.nonself_replies = pairs.len() as u64;
        pairs.sort_unstable();
        for pair in pairs.chunk_by(|a, b| a.pair == b.pair) {
            // Sorted, so the first is by the higher of the two if any is, and the last by the lower.
            let (rev, fwd) = (!pair[0].by_lower, pair[pair.len() - 1].by_lower);
            row.dyads += 1;
            if fwd && rev {
                row.reciprocal_pairs += 1;
                row.two_way_replies += pair.len() as u64;
            }
            row.dyad_fwd.extend(fwd.then_some(pair[0].pair));
            row.dyad_rev.extend(rev.then_some(pair[0].pair));
        }
    }

    /// ABA turns and the longest alternating exchange.
    fn count_turns(&self, shape: &Shape, row: &mut Thread) {
        let mut run = vec![1u32; self.answers.len()];
        row.longest_exchange = 1;
        for &at in &shape.order[1..] {
            if !self.answers(at) {
                continue;
            }
            let parent = self.parent(at);
            let mut length = 2;
            if self.answers(parent) {
                row.aba_eligible += 1;
                if self.actor(at) == self.actor(self.parent(parent)) {
                    row.aba += 1;
                    length = run[parent as usize] + 1;
                }
            }
            run[at as usize] = length;
            row.longest_exchange = row.longest_exchange.max(length);
        }
    }

    fn measure_responses(&self, counter: &mut Counter, row: &mut Thread) {
        let mut first = self.unanswered();
        for at in self.ages.nodes().filter(|&at| self.answers(at)) {
            counter.add(self.time(at) - self.time(self.parent(at)));
            self.answer(&mut first, at);
        }
        row.latency_hist = counter.take();
        self.messages().for_each(|at| self.count_wait(at, &first, counter));
        row.first_response_hist = counter.take();
    }

    fn count_customers(&self, counter: &mut Counter, row: &mut Thread) {
        let mut first = self.unanswered();
        let by_brand = |&at: &u32| self.by_brand(at) && !self.tree.node(at).has(flag::INFERRED);
        self.ages.nodes().filter(by_brand).for_each(|at| self.answer(&mut first, at));
        let mut waits = Vec::new();
        for at in (ROOT..self.quotes_start).filter(|&at| self.is_for_the_brand(at)) {
            row.customer_messages += 1;
            row.customer_messages_answered += u64::from(first[at as usize] != Millis::MAX);
            self.count_wait(at, &first, counter);
            waits.push((self.time(at), first[at as usize].saturating_sub(self.time(at))));
        }
        row.brand_response_hist = counter.take();
        row.customer_quarters = by_quarter(waits);
    }

    /// When each message was answered first: none was yet.
    fn unanswered(&self) -> Vec<Millis> {
        vec![Millis::MAX; self.answers.len()]
    }

    /// Keeps when a reply's parent was answered first.
    fn answer(&self, first: &mut [Millis], reply: u32) {
        let first = &mut first[self.parent(reply) as usize];
        *first = self.time(reply).min(*first);
    }

    /// Counts how long a message waited for its first answer, if it has one.
    fn count_wait(&self, at: u32, first: &[Millis], counter: &mut Counter) {
        let first = first[at as usize];
        if first != Millis::MAX {
            counter.add(first - self.time(at));
        }
    }

    /// A message of a known person outside the brand that mentions it or answers it.
    fn is_for_the_brand(&self, at: u32) -> bool {
        if at == ROOT {
            return self.life.post.as_deref().is_some_and(Post::is_for_the_brand);
        }
        let speaks_to_it =
            || self.tree.node(at).has(flag::MENTIONS_BRAND) || (self.answers(at) && self.by_brand(self.parent(at)));
        !self.by_brand(at) && self.actor(at) != DELETED && speaks_to_it()
    }

    /// Every message, the root post first, the quotes last.
    fn messages(&self) -> impl Iterator<Item = u32> + use<> {
        (ROOT..).take(self.tree.nodes().len() + self.quotes.len())
    }

    /// Bursts of messages separated by silence; the longest by duration, of equals the earliest.
    fn split_sessions(&self, gap: Millis, row: &mut Thread) {
        let post = self.ages.root_seen.then_some(self.ages.root_time);
        // The post first: as a rule they are in order then.
        let mut times: Vec<Millis> = post.into_iter().chain(self.tree.nodes()[1..].iter().map(|node| node.time)).collect();
        times.sort_unstable();
        for session in times.chunk_by(|earlier, later| later - earlier <= gap) {
            let length = u64::try_from(session[session.len() - 1] - session[0]).unwrap_or_default();
            if row.sessions == 0 || length > row.longest_session_ms {
                row.longest_session_ms = length;
                row.longest_session_messages = u32::try_from(session.len()).unwrap_or(u32::MAX);
            }
            row.sessions += 1;
            row.last_session_start = session[0];
        }
    }
}

/// One answer, by its pair of people.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Answer {
    /// The pair's pseudonym, under which it stands in the row.
    pair: u64,
    by_lower: bool,
}

impl Answer {
    fn between(author: u64, answered: u64, names: &Pseudonyms) -> Self {
        Answer { pair: names.pair(author.min(answered), author.max(answered)), by_lower: author < answered }
    }
}
