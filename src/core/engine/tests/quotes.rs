//! Edges between the two trees of a root: replies to quotes and to other shares, shares of replies.

use proptest::prelude::*;

use super::*;
use crate::engine::Holdings;
use crate::row::{Cascade, Thread};

fn quote(id: &str, by: &str, time: Millis) -> Told {
    let mut event = share("r", id, "r", by, time);
    if let Body::Share(share) = &mut event.body {
        share.is_quote = true;
    }
    event
}

fn by_brand(mut event: Told) -> Told {
    match &mut event.body {
        Body::Post(post) => post.is_brand = true,
        Body::Reply(reply) => reply.is_brand = true,
        Body::Share(_) | Body::Reaction { .. } | Body::Delete { .. } | Body::Sample { .. } | Body::Click(_) => {}
        Body::Visit(_) | Body::Conversion(_) | Body::Cost(_) | Body::Assign(_) | Body::Report(_) => {}
    }
    event
}

/// The post, bob's quote of it, cat's reply to the quote, and bob's reply to that.
fn exchange() -> Vec<Told> {
    vec![
        post("r", "ann", NOON),
        quote("q", "bob", NOON + 10 * MINUTE),
        reply("r", "m", "q", "cat", NOON + 20 * MINUTE),
        reply("r", "n", "m", "bob", NOON + 35 * MINUTE),
    ]
}

fn thread(events: &[Told]) -> Thread {
    fold(events).thread("r").clone()
}

fn minutes(minutes: &[Millis]) -> crate::row::Histogram {
    let buckets = minutes.iter().map(|minutes| (crate::engine::histogram::bucket(minutes * MINUTE).cast_signed(), 1));
    buckets.collect()
}

/// How many are inferred, answer somebody, and are pairs, one-way or mutual.
fn edges(row: &Thread) -> (u64, u64, u64, u64) {
    (row.inferred, row.nonself_replies, row.dyads, row.reciprocal_pairs)
}

#[test]
fn a_reply_to_a_quote_answers_its_author() {
    let row = thread(&exchange());
    assert_eq!((row.size, &row.levels[..]), (3, &[1, 1, 1][..]));
    assert_eq!(edges(&row), (0, 2, 1, 1));
    assert_eq!((row.two_way_replies, row.aba, row.aba_eligible, row.longest_exchange), (2, 1, 1, 3));
    assert_eq!(row.latency_hist, minutes(&[10, 15]), "after the quote, not after the post");
    assert_eq!(row.first_response_hist, minutes(&[10, 15]), "the post was not answered");
    assert_eq!((row.unique_actors, row.sessions, row.first_time), (3, 1, NOON), "the quote is no node of the thread");
}

#[test]
fn a_reply_to_any_other_share_and_a_share_of_a_reply_are_inferred() {
    let tables = fold(&[
        post("r", "ann", NOON),
        share("r", "s", "r", "bob", NOON),
        reply("r", "m", "s", "cat", NOON),
        share("r", "t", "m", "dan", NOON),
        share("r", "u", "t", "eve", NOON),
    ]);
    assert_eq!(edges(tables.thread("r")), (1, 0, 0, 0));
    let cascade = tables.cascade("r");
    assert_eq!((&cascade.levels[..], cascade.inferred, cascade.delay_hist.clone()), (&[1, 2, 1][..], 1, vec![(0, 2)]));
}

#[test]
fn what_is_quoted_does_not_matter() {
    let mut quote_of_a_quote = quote("p", "dan", NOON);
    if let Body::Share(share) = &mut quote_of_a_quote.body {
        share.parent = text("q");
    }
    let events = [quote("q", "bob", NOON), quote_of_a_quote, reply("r", "m", "p", "cat", NOON)];
    assert_eq!(edges(&thread(&events)), (0, 1, 1, 0));
}

#[test]
fn a_reply_with_the_id_of_a_quote_is_the_nearer_parent() {
    let twin = reply("r", "q", "r", "dan", NOON);
    let row = thread(&[&exchange()[..], &[twin]].concat());
    assert_eq!((&row.levels[..], edges(&row)), (&[1, 1, 1, 1][..], (0, 3, 3, 0)), "cat answers dan");
}

#[test]
fn a_reply_that_names_itself_or_closes_a_cycle_answers_no_quote_of_that_id() {
    let own = thread(&[quote("m", "bob", NOON), reply("r", "m", "m", "cat", NOON)]);
    assert_eq!((edges(&own), own.self_edges), ((1, 0, 0, 0), 1));
    let quotes = [quote("m", "bob", NOON), quote("n", "bob", NOON)];
    let cycle = [reply("r", "m", "n", "cat", NOON), reply("r", "n", "m", "dan", NOON)];
    let cut = thread(&[&quotes[..], &cycle].concat());
    assert_eq!((edges(&cut), cut.cycles_cut), ((1, 1, 1, 0), 1));
    assert_eq!(cut, thread(&[&cycle[..], &quotes].concat()));
}

#[test]
fn answers_to_oneself_and_to_nobody_are_no_pair() {
    let own = thread(&[quote("q", "bob", NOON), reply("r", "m", "q", "bob", NOON)]);
    assert_eq!(edges(&own), (0, 0, 0, 0));
    let deleted = thread(&[quote("q", "", NOON), reply("r", "m", "q", "bob", NOON)]);
    assert_eq!((edges(&deleted), deleted.deleted_actors), ((0, 0, 0, 0), 0));
    let removal = Event { id: text("d"), time: NOON, body: Body::Delete { root: text("r") } };
    assert_eq!(edges(&thread(&[&exchange()[..], &[removal]].concat())), (0, 2, 1, 1));
}

#[test]
fn a_quote_of_another_root_is_unknown() {
    let mut elsewhere = quote("q", "bob", NOON);
    if let Body::Share(share) = &mut elsewhere.body {
        (share.root, share.parent) = (text("other"), text("other"));
    }
    assert_eq!(edges(&thread(&[elsewhere, reply("r", "m", "q", "cat", NOON)])), (1, 0, 0, 0));
}

#[test]
fn the_first_copy_says_whether_a_share_is_a_quote() {
    let (plain, quote, answer) = (share("r", "q", "r", "bob", NOON), quote("q", "bob", NOON), reply("r", "m", "q", "cat", NOON));
    assert_eq!(thread(&[plain.clone(), quote.clone(), answer.clone()]).inferred, 1);
    assert_eq!(thread(&[quote, plain, answer]).inferred, 0);
}

#[test]
fn a_late_quote_changes_the_thread_once() {
    let mut engine = engine();
    observe(&mut engine, &reply("r", "m", "q", "cat", NOON));
    let waiting = engine.holdings();
    engine.flush();
    observe(&mut engine, &share("r", "s", "r", "dan", NOON));
    assert!(engine.flush().rows.threads.is_empty());
    observe(&mut engine, &quote("q", "bob", NOON));
    assert_eq!(engine.flush().rows.threads[0].inferred, 0);
    assert_eq!((waiting.inferred, engine.holdings().inferred), (1, 0));
    observe(&mut engine, &quote("p", "bob", NOON));
    assert!(engine.flush().rows.threads.is_empty());
}

#[test]
fn messages_to_the_brand_and_its_answers_go_over_quotes_too() {
    let brand_quotes = thread(&[
        by_brand(post("r", "brand", NOON)),
        quote("q", "brand", NOON + 10 * MINUTE),
        reply("r", "m", "q", "cat", NOON + 20 * MINUTE),
        by_brand(reply("r", "n", "m", "brand", NOON + 25 * MINUTE)),
    ]);
    assert_eq!((brand_quotes.customer_messages, brand_quotes.customer_messages_answered), (1, 1));
    assert_eq!(brand_quotes.brand_response_hist, minutes(&[5]));
    // The brand answers a customer's quote, not the customer's post.
    let mut asked = post("r", "ann", NOON);
    if let Body::Post(post) = &mut asked.body {
        post.mentions_brand = true;
    }
    let answers_the_quote = thread(&[asked, quote("q", "bob", NOON), by_brand(reply("r", "m", "q", "brand", NOON + MINUTE))]);
    assert_eq!((answers_the_quote.customer_messages, answers_the_quote.customer_messages_answered), (1, 0));
    assert_eq!(answers_the_quote.first_response_hist, minutes(&[1]));
}

#[test]
fn a_million_replies_to_a_quote_before_and_behind_it() {
    let replies = |from: usize| (from..from + 500_000).map(|number| reply("r", &format!("m{number}"), "q", "cat", NOON));
    let mut engine = engine();
    let events = replies(0).chain([quote("q", "bob", NOON)]).chain(replies(500_000));
    events.for_each(|event| observe(&mut engine, &event));
    let row = engine.flush().rows.threads.remove(0);
    assert_eq!((row.inferred, row.nonself_replies, row.dyads), (0, 1_000_000, 1));
}

#[test]
fn whose_share_it_is_shows_when_the_brand_replies() {
    let tree = |cascade: &Cascade| cascade.top_nodes.iter().map(|node| node.4).collect::<Vec<_>>();
    let shares = [share("r", "s", "r", "brand", NOON), share("r", "t", "s", "bob", NOON), share("r", "u", "t", "cat", NOON)];
    assert_eq!(tree(fold(&shares).cascade("r")), [false, false]);
    assert_eq!(tree(fold(&[&shares[..], &[by_brand(post("r", "brand", NOON))]].concat()).cascade("r")), [true, false]);
    let replies = [by_brand(reply("r", "m", "r", "brand", NOON)), by_brand(reply("r", "n", "r", "", NOON))];
    assert_eq!(tree(fold(&[&shares[..], &replies].concat()).cascade("r")), [true, false]);
}

/// Quotes, plain shares and replies with few ids, so that they often name each other.
fn crowd() -> impl Strategy<Value = Vec<Told>> {
    let one = (0..3u8, 0..8usize, 0..9usize, 0..4usize, 0..60i64);
    let event = |(kind, id, parent, by, minutes): (u8, usize, usize, usize, i64)| {
        let (id, by, time) = (format!("n{id}"), ["", "ann", "bob", "cat"][by], NOON + minutes * MINUTE);
        // Only lower ones are named, or there would be cycles, which the order settles.
        let parent = if parent < 8 { format!("n{}", parent % (id[1..].parse::<usize>().unwrap() + 1)) } else { "r".to_owned() };
        match kind {
            0 => reply("r", &id, &parent, by, time),
            1 => by_brand(reply("r", &id, &parent, by, time)),
            _ if minutes % 3 == 0 => share("r", &id, &parent, by, time),
            _ => {
                let mut quote = quote(&id, by, time);
                if let Body::Share(share) = &mut quote.body {
                    share.parent = text(&parent);
                }
                quote
            }
        }
    };
    proptest::collection::vec(one.prop_map(event), 1..30).prop_map(super::order::without_copies)
}

proptest! {
    #[test]
    fn any_order_and_a_snapshot_anywhere_give_the_same_rows(
        (straight, shuffled) in crowd().prop_flat_map(|events| (Just(events.clone()), Just(events).prop_shuffle())),
        at in 0..30usize
    ) {
        let at = at.min(shuffled.len());
        let (mut engine, mut tables) = (engine(), Tables::default());
        shuffled[..at].iter().for_each(|event| observe(&mut engine, event));
        tables.insert(engine.flush());
        let held = engine.holdings();
        let mut engine = Engine::restore(rules(), "t/0".into(), &engine.snapshot().encode()).expect("its own snapshot");
        // What a restore takes of memory has no slack yet.
        prop_assert_eq!(Holdings { bytes: held.bytes, ..engine.holdings() }, held);
        shuffled[at..].iter().for_each(|event| observe(&mut engine, event));
        tables.insert(engine.flush());
        prop_assert_eq!(without_offsets(tables), without_offsets(fold(&straight)));
    }
}
