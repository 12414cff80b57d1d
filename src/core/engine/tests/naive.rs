//! Slow and obvious computations beside the engine's: all pairs, all paths, all messages.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "histories here have fewer than a hundred events"
)]

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::order::{history, without_copies};
use super::*;
use crate::row::{Cascade, Histogram, Thread};

/// Trees by their parents: node i + 1 hangs from `parents[i]`, which is at most i; some are stars, some chains.
fn parents() -> impl Strategy<Value = Vec<usize>> {
    let drawn = proptest::collection::vec(any::<prop::sample::Index>(), 1..40)
        .prop_map(|draws| draws.iter().enumerate().map(|(node, draw)| draw.index(node + 1)).collect());
    // Near stars and near chains, among them the real ones: seen from their middle and from their end.
    let special = (1..12usize, 0..3usize, any::<bool>()).prop_map(|(count, hub, is_star)| {
        (0..count).map(|node| if is_star { hub.min(node) } else { node.saturating_sub(hub) }).collect()
    });
    prop_oneof![drawn, special]
}

fn name(node: usize) -> String {
    if node == 0 { "r".to_owned() } else { format!("s{node}") }
}

fn cascade_in_order(parents: &[usize], order: &[usize]) -> Cascade {
    let shares = order.iter().map(|&node| share("r", &name(node), &name(parents[node - 1]), "a", NOON));
    fold(&shares.collect::<Vec<_>>()).cascade("r").clone()
}

/// The nodes on the way from a node to the root, itself first.
fn way_up(parents: &[usize], mut node: usize) -> Vec<usize> {
    let mut way = vec![node];
    while node != 0 {
        node = parents[node - 1];
        way.push(node);
    }
    way
}

fn distance(parents: &[usize], one: usize, other: usize) -> usize {
    let (one, other) = (way_up(parents, one), way_up(parents, other));
    let shared = one.iter().rev().zip(other.iter().rev()).take_while(|(a, b)| a == b).count();
    one.len() + other.len() - 2 * shared
}

proptest! {
    #[test]
    fn the_sums_give_the_distances_of_all_pairs(
        (parents, order) in parents().prop_flat_map(|parents| {
            let order: Vec<usize> = (1..=parents.len()).collect();
            (Just(parents), Just(order).prop_shuffle())
        })
    ) {
        let row = cascade_in_order(&parents, &order);
        let n = parents.len() + 1;
        let pairs = (0..n).flat_map(|one| (0..one).map(move |other| (one, other)));
        let walked: usize = pairs.map(|(one, other)| distance(&parents, one, other)).sum();
        let wiener = usize::try_from(u128::from(row.size) * u128::from(row.s1) - row.s2).unwrap();
        prop_assert_eq!(wiener, walked);
        let depths: Vec<usize> = (0..n).map(|node| way_up(&parents, node).len() - 1).collect();
        prop_assert_eq!(row.max_depth as usize, depths.iter().copied().max().unwrap());
        for (level, &count) in row.levels.iter().enumerate() {
            prop_assert_eq!(usize::try_from(count).unwrap(), depths.iter().filter(|&&depth| depth == level).count());
        }
        let children = |node: usize| parents.iter().filter(|&&parent| parent == node).count();
        prop_assert_eq!(usize::try_from(row.max_children).unwrap(), (0..n).map(children).max().unwrap());
        // The bounds are met by stars and chains and by nothing else, wherever their root is.
        let neighbours = |node: usize| children(node) + usize::from(node != 0);
        prop_assert!(wiener >= (n - 1) * (n - 1) && wiener <= n * (n * n - 1) / 6);
        prop_assert_eq!(wiener == (n - 1) * (n - 1), (0..n).any(|node| neighbours(node) == n - 1));
        prop_assert_eq!(wiener == n * (n * n - 1) / 6, (0..n).all(|node| neighbours(node) <= 2));
    }

    #[test]
    fn the_top_nodes_are_what_a_walk_from_every_share_says(events in history().prop_map(without_copies)) {
        let names = Pseudonyms::new(&rules().pseudonym_key);
        for row in fold(&events).cascades.values() {
            let all = spreaders(&row.root, &events, &names);
            let listed: Vec<crate::row::TopNode> = all.iter().take(32).map(|&(_, node)| node).collect();
            prop_assert_eq!(row.spreaders as usize, all.len());
            prop_assert_eq!(&row.top_nodes, &listed);
        }
    }

    #[test]
    fn of_more_than_thirty_two_nodes_the_first_are_kept(
        chains in proptest::collection::vec((1..6usize, 0..3i64), 20..60).prop_shuffle()
    ) {
        // Chains under the post, each of some shares at one time: equal ones are told apart by their ids.
        let name = |chain: usize, node: usize| if node == 0 { "r".to_owned() } else { format!("c{chain}n{node}") };
        let one = |(chain, &(length, time)): (usize, &(usize, i64))| {
            (1..=length).map(move |node| share("r", &name(chain, node), &name(chain, node - 1), "a", NOON + time)).collect::<Vec<_>>()
        };
        let events: Vec<Told> = chains.iter().enumerate().flat_map(one).collect();
        let all = spreaders("r", &events, &Pseudonyms::new(&rules().pseudonym_key));
        let row = fold(&events).cascade("r").clone();
        prop_assert_eq!(row.spreaders as usize, all.len());
        prop_assert_eq!(row.top_nodes, all.into_iter().take(32).map(|(_, node)| node).collect::<Vec<_>>());
    }

    #[test]
    fn dialogue_is_what_a_look_at_every_message_says(events in history().prop_map(without_copies)) {
        let tables = fold(&events);
        for row in tables.threads.values() {
            let slow = Slow::of(&row.root, &events);
            slow.agrees_on_people(row)?;
            slow.agrees_on_turns(row)?;
            slow.agrees_on_times(row)?;
        }
    }

    #[test]
    fn the_first_copy_of_an_event_counts(
        events in history().prop_map(without_copies),
        copies in proptest::collection::vec(any::<Option<prop::sample::Index>>(), 60)
    ) {
        let mut with_copies = Vec::new();
        for (at, event) in events.iter().enumerate() {
            with_copies.push(event.clone());
            with_copies.extend(copies[at].map(|draw| saying_something_else(&events[draw.index(at + 1)])));
        }
        let (once, mut more) = (without_offsets(fold(&events)), without_offsets(fold(&with_copies)));
        let (plain, counted) = (once.progress.clone().unwrap(), more.progress.take().unwrap());
        prop_assert_eq!((counted.accepted, counted.watermark), (plain.accepted, plain.watermark));
        prop_assert_eq!(counted.duplicates, (with_copies.len() - events.len()) as u64);
        more.progress = once.progress.clone();
        prop_assert_eq!(once, more);
    }

    #[test]
    fn ids_of_shares_and_of_replies_never_meet(shares in parents(), replies in parents()) {
        let root = [post("r", "ann", NOON)];
        let shares: Vec<Told> =
            shares.iter().zip(1..).map(|(&parent, node)| share("r", &name(node), &name(parent), "bob", NOON)).collect();
        let replies: Vec<Told> =
            replies.iter().zip(1..).map(|(&parent, node)| reply("r", &name(node), &name(parent), "bob", NOON)).collect();
        let both = fold(&[&root[..], &shares, &replies].concat());
        let (apart, other) = (fold(&[&root[..], &shares].concat()), fold(&[&root[..], &replies].concat()));
        prop_assert_eq!(both.cascade("r"), apart.cascade("r"));
        prop_assert_eq!(both.thread("r"), other.thread("r"));
    }

    #[test]
    fn a_duration_is_read_off_its_bucket_within_one_per_cent(milliseconds in 1_000..4_291_747_200_000i64) {
        is_within_one_per_cent(milliseconds);
    }
}

#[test]
fn every_second_of_a_day_is_read_off_its_bucket_within_one_per_cent() {
    (1..86_400).for_each(|second| is_within_one_per_cent(second * 1000));
}

fn is_within_one_per_cent(milliseconds: Millis) {
    let bucket = crate::engine::histogram::bucket(milliseconds);
    let (gamma, seconds) = (1.01f64 / 0.99, (milliseconds / 1000) as f64);
    let read = 2.0 * gamma.powi(bucket.into()) / (gamma + 1.0);
    assert!((read - seconds).abs() <= seconds * (0.01 + 1e-9), "{seconds} s is read as {read} s");
}

/// A copy that says something else in every field that a copy can.
fn saying_something_else(event: &Told) -> Told {
    let mut copy = event.clone();
    copy.time += 7 * 60 * MINUTE;
    match &mut copy.body {
        Body::Post(post) => (post.actor, post.brand, post.is_brand) = (actor("zoe"), text("other"), !post.is_brand),
        Body::Share(share) => {
            (share.actor, share.parent, share.is_quote) = (actor("zoe"), text("elsewhere"), !share.is_quote);
            share.followers = Some(1_000_000);
        }
        Body::Reply(reply) => (reply.actor, reply.parent, reply.is_brand) = (actor("zoe"), text("elsewhere"), !reply.is_brand),
        Body::Sample { value, metric, .. } => (*value, *metric) = (1e9, text("other")),
        Body::Reaction { .. } | Body::Delete { .. } | Body::Click(_) => {}
        Body::Visit(_) | Body::Conversion(_) | Body::Cost(_) | Body::Assign(_) | Body::Report(_) => {}
    }
    copy
}

/// What ranks a share: most descendants first, of equals the earliest, then by the hash of the id.
type Place = (std::cmp::Reverse<u64>, Millis, u64);

/// The shares that were shared on, in their order, by a walk up from every share.
fn spreaders(root: &str, events: &[Told], names: &Pseudonyms) -> Vec<(Place, crate::row::TopNode)> {
    let of_root = || events.iter().filter(|event| event.root() == Some(root));
    let shares: BTreeMap<&str, (Millis, &Share<'_>)> = of_root()
        .filter_map(|event| if let Body::Share(share) = &event.body { Some((&*event.id, (event.time, share))) } else { None })
        .collect();
    let brand = of_root().filter_map(|event| match &event.body {
        Body::Post(post) if post.is_brand => post.actor.as_deref(),
        Body::Reply(reply) if reply.is_brand => reply.actor.as_deref(),
        Body::Post(_) | Body::Share(_) | Body::Reply(_) | Body::Reaction { .. } | Body::Delete { .. } => None,
        Body::Sample { .. } | Body::Click(_) | Body::Visit(_) | Body::Conversion(_) | Body::Cost(_) => None,
        Body::Assign(_) | Body::Report(_) => None,
    });
    let brand: BTreeSet<&str> = brand.collect();
    let parent = |id: &str| shares.get_key_value(&*shares[id].1.parent).map(|(&parent, _)| parent).filter(|&parent| parent != id);
    let way_up = |id| std::iter::successors(Some(id), |&id| parent(id)).collect::<Vec<&str>>();
    let mut all: Vec<(Place, crate::row::TopNode)> = shares
        .iter()
        .filter_map(|(&id, &(time, share))| {
            let below = shares.keys().filter(|&&other| other != id && way_up(other).contains(&id)).count() as u64;
            let children = shares.keys().filter(|&&other| parent(other) == Some(id)).count() as u32;
            let by_brand = share.actor.as_deref().is_some_and(|actor| brand.contains(actor));
            let node = (names.actor(share.actor.as_deref()), children, below, way_up(id).len() as u32, by_brand);
            (below > 0).then(|| ((std::cmp::Reverse(below), time, names.event(EventType::Share, id)), node))
        })
        .collect();
    all.sort_unstable();
    all
}

/// A message of a thread, the root post and the quotes under it among them.
struct Message {
    id: String,
    parent: Option<String>,
    by: Option<String>,
    time: Option<Millis>,
    by_brand: bool,
    mentions_brand: bool,
    is_quote: bool,
}

/// A thread as a list of messages, with a search for every question. Quotes are answered; they are in no tree of replies.
struct Slow {
    messages: Vec<Message>,
    levels: Vec<u64>,
}

impl Slow {
    fn of(root: &str, events: &[Told]) -> Slow {
        let of_root = events.iter().filter(|event| event.root() == Some(root));
        let nothing = || Message {
            id: root.into(),
            parent: None,
            by: None,
            time: None,
            by_brand: false,
            mentions_brand: false,
            is_quote: false,
        };
        let mut messages = vec![nothing()];
        for event in of_root {
            match &event.body {
                Body::Post(post) => {
                    (messages[0].by, messages[0].time) = (post.actor.as_deref().map(str::to_owned), Some(event.time));
                    (messages[0].by_brand, messages[0].mentions_brand) = (post.is_brand, post.mentions_brand);
                }
                Body::Reply(reply) => messages.push(Message {
                    id: event.id.to_string(),
                    parent: Some(reply.parent.to_string()),
                    by: reply.actor.as_deref().map(str::to_owned),
                    time: Some(event.time),
                    by_brand: reply.is_brand,
                    mentions_brand: reply.mentions_brand,
                    is_quote: false,
                }),
                Body::Share(share) if share.is_quote => messages.push(Message {
                    id: event.id.to_string(),
                    by: share.actor.as_deref().map(str::to_owned),
                    time: Some(event.time),
                    is_quote: true,
                    ..nothing()
                }),
                Body::Share(_) | Body::Reaction { .. } | Body::Delete { .. } | Body::Sample { .. } | Body::Click(_) => {}
                Body::Visit(_) | Body::Conversion(_) | Body::Cost(_) | Body::Assign(_) | Body::Report(_) => {}
            }
        }
        let brand: BTreeSet<String> =
            messages.iter().filter(|message| message.by_brand).filter_map(|message| message.by.clone()).collect();
        for quote in messages.iter_mut().filter(|message| message.is_quote) {
            quote.by_brand = quote.by.as_ref().is_some_and(|by| brand.contains(by));
        }
        let mut slow = Slow { messages, levels: Vec::new() };
        for at in slow.nodes() {
            let (mut depth, mut up) = (0, at);
            while up != 0 {
                (depth, up) = (depth + 1, slow.parent(up).filter(|&up| !slow.messages[up].is_quote).unwrap_or(0));
            }
            slow.levels.resize(slow.levels.len().max(depth + 1), 0);
            slow.levels[depth] += 1;
        }
        slow
    }

    /// The message that a message names as its parent, if it is here and not itself: the post, else a reply, else a quote.
    fn parent(&self, at: usize) -> Option<usize> {
        let wanted = self.messages[at].parent.as_ref()?;
        let named = |other: &usize| self.messages[*other].id == *wanted;
        let in_tree = self.nodes().into_iter().find(named);
        in_tree.or_else(|| self.all().find(named)).filter(|&other| other != at)
    }

    /// Who is answered by a message: another known person.
    fn answers(&self, at: usize) -> Option<usize> {
        let parent = self.parent(at)?;
        let (by, to) = (self.messages[at].by.as_ref()?, self.messages[parent].by.as_ref()?);
        (by != to).then_some(parent)
    }

    fn all(&self) -> std::ops::Range<usize> {
        0..self.messages.len()
    }

    /// The messages but for the quotes.
    fn nodes(&self) -> Vec<usize> {
        self.all().filter(|&at| !self.messages[at].is_quote).collect()
    }

    fn pair(&self, at: usize) -> Option<(&str, &str)> {
        let answered = self.answers(at)?;
        Some((self.messages[at].by.as_deref()?, self.messages[answered].by.as_deref()?))
    }

    fn agrees_on_people(&self, row: &Thread) -> Result<(), TestCaseError> {
        let pairs: Vec<(&str, &str)> = self.all().filter_map(|at| self.pair(at)).collect();
        let is_mutual = |&(a, b): &(&str, &str)| pairs.contains(&(b, a));
        let unordered: BTreeSet<(&str, &str)> = pairs.iter().map(|&(a, b)| (a.min(b), a.max(b))).collect();
        let directed: BTreeSet<(&str, &str)> = pairs.iter().copied().collect();
        prop_assert_eq!(row.nonself_replies as usize, pairs.len());
        prop_assert_eq!(row.two_way_replies as usize, pairs.iter().filter(|pair| is_mutual(pair)).count());
        prop_assert_eq!(row.dyads as usize, unordered.len());
        prop_assert_eq!(row.reciprocal_pairs as usize, directed.iter().filter(|pair| is_mutual(pair)).count() / 2);
        prop_assert_eq!(row.dyad_fwd.len() + row.dyad_rev.len(), directed.len());
        let either: BTreeSet<u64> = row.dyad_fwd.iter().chain(&row.dyad_rev).copied().collect();
        prop_assert_eq!(either.len(), unordered.len());
        let nodes = || self.messages.iter().filter(|message| !message.is_quote);
        let people: Vec<&str> = nodes().filter_map(|message| message.by.as_deref()).collect();
        let distinct: BTreeSet<&str> = people.iter().copied().collect();
        let again = distinct.iter().filter(|person| people.iter().filter(|other| other == person).count() > 1).count();
        prop_assert_eq!((row.unique_actors as usize, row.reentrants as usize), (distinct.len(), again));
        let deleted = nodes().filter(|message| message.time.is_some() && message.by.is_none()).count();
        prop_assert_eq!(row.deleted_actors as usize, deleted);
        Ok(())
    }

    fn agrees_on_turns(&self, row: &Thread) -> Result<(), TestCaseError> {
        // Steps by which the exchange that ends in a message goes on alternating upwards.
        let by = |at: usize| self.messages[at].by.as_deref();
        let exchange = |mut at: usize| {
            let Some(mut up) = self.answers(at) else { return 1 };
            let mut length = 2;
            while let Some(upper) = self.answers(up).filter(|&upper| by(upper) == by(at)) {
                (length, at, up) = (length + 1, up, upper);
            }
            length
        };
        prop_assert_eq!(row.longest_exchange, self.all().map(exchange).max().unwrap());
        let above = |at: usize| self.answers(at).and_then(|up| self.answers(up)).map(|upper| (at, upper));
        let eligible: Vec<(usize, usize)> = self.all().filter_map(above).collect();
        let turns = eligible.iter().filter(|&&(at, upper)| by(at) == by(upper)).count();
        prop_assert_eq!((row.aba_eligible as usize, row.aba as usize), (eligible.len(), turns));
        prop_assert_eq!(&row.levels, &self.levels);
        let holds = |h: usize| (1..=h).all(|depth| self.levels.get(depth).is_some_and(|&count| count as usize >= depth));
        prop_assert_eq!(row.h_index as usize, self.all().filter(|&h| holds(h)).max().unwrap());
        let inferred = self.nodes().into_iter().skip(1).filter(|&at| self.parent(at).is_none()).count();
        prop_assert_eq!(row.inferred as usize, inferred);
        Ok(())
    }

    fn agrees_on_times(&self, row: &Thread) -> Result<(), TestCaseError> {
        let nodes = || self.messages.iter().filter(|message| !message.is_quote);
        let first = nodes().filter_map(|message| message.time).min().unwrap();
        let time = |at: usize| self.messages[at].time.unwrap_or(first);
        let latency = |at: usize| self.answers(at).map(|up| time(at) - time(up));
        prop_assert_eq!(&row.latency_hist, &buckets(self.all().filter_map(latency)));
        let answer = |at: usize| self.all().filter(|&other| self.answers(other) == Some(at)).map(time).min();
        prop_assert_eq!(&row.first_response_hist, &buckets(self.all().filter_map(|at| Some(answer(at)? - time(at)))));
        let to_brand = |&at: &usize| {
            let message = &self.messages[at];
            let speaks = message.mentions_brand || self.answers(at).is_some_and(|up| self.messages[up].by_brand);
            speaks && message.by.is_some() && !message.by_brand && !message.is_quote
        };
        let by_brand = |at: usize| {
            let answers =
                self.nodes().into_iter().filter(|&other| self.messages[other].by_brand && self.parent(other) == Some(at));
            answers.map(time).min()
        };
        let waits: Vec<Millis> = self.all().filter(to_brand).filter_map(|at| Some(by_brand(at)? - time(at))).collect();
        let mut quarters: BTreeMap<Millis, Vec<Option<Millis>>> = BTreeMap::new();
        for at in self.all().filter(to_brand) {
            quarters.entry(time(at) / (15 * MINUTE)).or_default().push(by_brand(at).map(|answered| answered - time(at)));
        }
        let number = |count: usize| u32::try_from(count).unwrap();
        let within = |waits: &[Option<Millis>], limit| number(waits.iter().flatten().filter(|&&wait| wait <= limit).count());
        let quarters = quarters.iter().map(|(quarter, waits)| {
            let [soon, hour, day] = [15 * MINUTE, 60 * MINUTE, DAY].map(|limit| within(waits, limit));
            (u32::try_from(quarter * 900).unwrap(), number(waits.len()), soon, hour, day)
        });
        prop_assert_eq!(&row.customer_quarters, &quarters.collect::<Vec<_>>());
        prop_assert_eq!(row.customer_messages as usize, self.all().filter(to_brand).count());
        prop_assert_eq!(row.customer_messages_answered as usize, waits.len());
        prop_assert_eq!(&row.brand_response_hist, &buckets(waits.into_iter()));
        let (times, gap) = (nodes().filter_map(|message| message.time).collect::<Vec<_>>(), 30 * MINUTE);
        // A session starts with a message before which nobody spoke for longer than the gap.
        let starts: BTreeSet<Millis> =
            times.iter().copied().filter(|&start| !times.iter().any(|&other| other < start && start - other <= gap)).collect();
        prop_assert_eq!((row.sessions as usize, row.last_session_start), (starts.len(), *starts.last().unwrap()));
        let of_session = |start: Millis| {
            let end = starts.range(start + 1..).next().copied().unwrap_or(Millis::MAX);
            let within: Vec<Millis> = times.iter().copied().filter(|&moment| (start..end).contains(&moment)).collect();
            (within.iter().max().unwrap() - start, std::cmp::Reverse(start), within.len())
        };
        let longest = starts.iter().map(|&start| of_session(start)).max().unwrap();
        prop_assert_eq!((row.longest_session_ms as i64, row.longest_session_messages as usize), (longest.0, longest.2));
        Ok(())
    }
}

/// Counts by bucket, by the definition.
fn buckets(durations: impl Iterator<Item = Millis>) -> Histogram {
    let mut counts = BTreeMap::new();
    for duration in durations {
        let seconds = (duration / 1000).max(1);
        let bucket = (0i16..).find(|&bucket| (1.01f64 / 0.99).powi(bucket.into()) >= seconds as f64).unwrap();
        *counts.entry(bucket).or_insert(0) += 1;
    }
    counts.into_iter().collect()
}
