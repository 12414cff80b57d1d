//! What single columns say in the cases where they are easily wrong.

use super::*;

#[test]
fn a_late_parent_takes_its_subtree() {
    let tables = fold(&[
        post("r", "a", NOON),
        share("r", "child", "parent", "b", NOON + 2),
        share("r", "grandchild", "child", "c", NOON + 3),
        share("r", "parent", "r", "d", NOON + 1),
    ]);
    let row = tables.cascade("r");
    assert_eq!((&row.levels[..], row.inferred), (&[1, 1, 1, 1][..], 0));
}

#[test]
fn a_cycle_loses_the_link_of_its_last_member() {
    let tables = fold(&[share("r", "a", "b", "x", NOON), share("r", "b", "c", "x", NOON), share("r", "c", "a", "x", NOON)]);
    let row = tables.cascade("r");
    assert_eq!((row.inferred, row.cycles_cut, &row.levels[..]), (1, 1, &[1, 1, 1, 1][..]));
}

#[test]
fn a_node_that_names_itself_hangs_from_the_root() {
    let row = fold(&[share("r", "a", "a", "x", NOON)]).cascade("r").clone();
    assert_eq!((row.self_edges, row.inferred, row.size), (1, 1, 2));
}

#[test]
fn a_parent_equal_to_the_root_is_the_root_whatever_else_has_its_id() {
    let tables = fold(&[share("r", "r", "r", "x", NOON), share("r", "s", "r", "y", NOON)]);
    let row = tables.cascade("r");
    assert_eq!((row.inferred, row.self_edges, &row.levels[..]), (0, 0, &[1, 2][..]));
}

#[test]
fn a_parent_of_the_other_kind_or_root_is_unknown() {
    let tables = fold(&[
        reply("r", "m", "r", "x", NOON),
        share("r", "s", "m", "y", NOON),
        share("q", "t", "q", "y", NOON),
        share("r", "u", "t", "z", NOON),
    ]);
    assert_eq!((tables.cascade("r").inferred, tables.cascade("r").size), (2, 3));
}

#[test]
fn reach_counts_the_first_share_of_a_person() {
    let followed = |id: &str, by: &str, time, followers| {
        let mut event = share("r", id, "r", by, time);
        if let Body::Share(share) = &mut event.body {
            share.followers = followers;
        }
        event
    };
    let row = fold(&[
        followed("a", "ann", NOON + 5, Some(100)),
        followed("b", "ann", NOON + 1, Some(7)),
        followed("c", "bob", NOON, None),
        followed("d", "bob", NOON, Some(30)),
        followed("e", "cat", NOON, None),
        followed("f", "", NOON, Some(1000)),
    ])
    .cascade("r")
    .clone();
    assert_eq!((row.reach, row.reach_known, row.unique_actors, row.deleted_actors, row.repeat_shares), (37, 2, 3, 1, 2));
}

#[test]
fn deletes_change_no_total() {
    let before = fold(&[post("r", "a", NOON), share("r", "s", "r", "b", NOON + 1)]);
    let gone = Event { id: text("d"), time: NOON + 2, body: Body::Delete { root: text("r") } };
    let after = fold(&[post("r", "a", NOON), share("r", "s", "r", "b", NOON + 1), gone]);
    let (before, after) = (before.cascade("r"), after.cascade("r"));
    assert_eq!((after.deletes, after.size, after.unique_actors), (1, before.size, before.unique_actors));
}

#[test]
fn the_last_sample_by_time_stands_and_of_equal_times_the_greatest() {
    let tables = fold(&[
        sample("r", "1", "views", 10.0, NOON + 5),
        sample("r", "2", "views", 99.0, NOON + 1),
        sample("r", "3", "views", 12.0, NOON + 5),
        sample("r", "4", "votes", 3.0, NOON),
    ]);
    let window = tables.windows.values().next().unwrap();
    assert_eq!(window.samples, vec![("views".into(), 12.0), ("votes".into(), 3.0)]);
}

#[test]
fn times_of_an_unseen_root_count_from_the_first_node_of_the_tree() {
    let tables = fold(&[reply("r", "m", "r", "x", NOON), share("r", "s", "r", "y", NOON + 10_000)]);
    let row = tables.cascade("r");
    assert_eq!(row.depth_first_ms, [0, 0]);
    assert_eq!(row.age_hist, vec![(0, 1)]);
    assert!(tables.roots.is_empty(), "nothing is known of the post");
}

#[test]
fn a_post_says_once_what_its_life_is_grouped_by() {
    let mut event = post("r", "a", NOON);
    if let Body::Post(post) = &mut event.body {
        (post.is_brand, post.campaign, post.tags) = (true, "spring".into(), vec!["new".into()]);
    }
    let tables = fold(&[share("r", "s", "r", "b", NOON + 1), event]);
    let row = &tables.roots[&("r".into(), 0)];
    assert_eq!((&*row.brand, &*row.campaign, &*row.channel, &row.tags[..]), ("acme", "spring", "feed", &["new".into()][..]));
    assert_eq!((row.root_seen, row.root_time, row.root_is_brand), (true, NOON, true));
}

#[test]
fn a_post_is_a_message_to_the_brand_if_a_known_person_outside_it_mentions_it() {
    let to_brand = |by: &str, is_brand: bool, mentions_brand: bool| {
        let mut event = post("r", by, NOON);
        if let Body::Post(post) = &mut event.body {
            (post.is_brand, post.mentions_brand) = (is_brand, mentions_brand);
        }
        fold(&[event]).roots[&("r".into(), 0)].root_to_brand
    };
    assert!(to_brand("ann", false, true));
    assert!(!to_brand("ann", false, false) && !to_brand("ann", true, true) && !to_brand("", false, true));
}

#[test]
fn an_answer_within_a_time_is_one_at_its_end_and_the_first_one_counts() {
    let asked = |id: &str, time: Millis| {
        let mut event = reply("r", id, "r", "ann", time);
        if let Body::Reply(reply) = &mut event.body {
            reply.mentions_brand = true;
        }
        event
    };
    let answered = |id: &str, parent: &str, time: Millis| {
        let mut event = reply("r", id, parent, "brand", time);
        if let Body::Reply(reply) = &mut event.body {
            reply.is_brand = true;
        }
        event
    };
    let noon = u32::try_from(NOON / 1000).unwrap();
    for (wait, soon, hour, day) in [
        (-MINUTE, 1, 1, 1),
        (15 * MINUTE, 1, 1, 1),
        (15 * MINUTE + 1, 0, 1, 1),
        (60 * MINUTE, 0, 1, 1),
        (60 * MINUTE + 1, 0, 0, 1),
        (DAY, 0, 0, 1),
        (DAY + 1, 0, 0, 0),
    ] {
        // The answer stands in the log before its message, and a later one before the first.
        let row = fold(&[answered("b", "m", NOON + wait + DAY), answered("a", "m", NOON + wait), asked("m", NOON)]);
        assert_eq!(row.thread("r").customer_quarters, [(noon, 1, soon, hour, day)], "{wait} ms");
    }
    // Each message stands in its own quarter of an hour, whenever it was answered; what nobody answered stands there, too.
    let edges =
        [asked("m", NOON - 1), asked("n", NOON), asked("o", NOON + 15 * MINUTE - 1), answered("a", "n", NOON + 20 * MINUTE)];
    assert_eq!(fold(&edges).thread("r").customer_quarters, [(noon - 900, 1, 0, 0, 0), (noon, 2, 0, 1, 1)]);
    // An answer whose parent is not known answers nothing, and what the brand says to itself is no message.
    let alone = [asked("m", NOON), answered("a", "nowhere", NOON + 1), answered("b", "a", NOON + 2)];
    assert_eq!(fold(&alone).thread("r").customer_quarters, [(noon, 1, 0, 0, 0)]);
}

#[test]
fn a_share_older_than_its_parent_is_as_old_as_its_parent() {
    let tables = fold(&[
        post("r", "a", NOON),
        share("r", "s", "r", "b", NOON + 9000),
        share("r", "t", "s", "c", NOON + 4000),
        post("q", "a", NOON),
    ]);
    assert_eq!(tables.cascade("r").depth_first_ms, vec![0, 9000, 9000]);
}

#[test]
fn a_window_belongs_to_the_declared_time() {
    let tables = fold(&[post("r", "a", NOON + 14 * MINUTE + 59_999), share("r", "s", "r", "b", NOON + 15 * MINUTE)]);
    let windows: Vec<_> =
        tables.windows.values().map(|row| (row.window_start, row.posts, row.shares, row.share_minutes.clone())).collect();
    let noon = u32::try_from(NOON / 1000).unwrap();
    assert_eq!(windows, vec![(noon, 1, 0, vec![]), (noon + 900, 0, 1, vec![0])]);
}

#[test]
fn the_extremes_of_time_have_windows() {
    let last = 4_291_747_199_999;
    let tables = fold(&[post("r", "a", 0), share("r", "s", "r", "b", last)]);
    let starts: Vec<u32> = tables.windows.values().map(|row| row.window_start).collect();
    assert_eq!(starts, vec![0, 4_291_746_300]);
    assert_eq!(tables.cascade("r").depth_first_ms, vec![0, u64::try_from(last).unwrap()]);
}

#[test]
fn a_conflicting_copy_is_counted_and_changes_nothing() {
    let mut engine = engine();
    for event in [share("r", "s", "r", "b", NOON), share("r", "s", "r", "b", NOON), share("r", "s", "x", "b", NOON)] {
        observe(&mut engine, &event);
    }
    let progress = engine.flush().rows.progress.pop().unwrap();
    assert_eq!((progress.accepted, progress.duplicates, progress.conflicting_copies), (1, 2, 1));
}

#[test]
fn a_reject_is_a_row_with_its_bytes_and_a_version_of_its_own() {
    let mut engine = engine();
    let record = Record { offset: 7, timestamp: Some(NOON), key: Some(b"k"), payload: Some(b"\xff{"), ..Record::default() };
    engine.observe(&record, a_reject());
    engine.advance(100);
    let batch = engine.flush();
    let row = &batch.rows.rejects[0];
    assert_eq!((row.offset, row.version, &row.payload[..], &row.key[..]), (7, 8, &b"\xff{"[..], &b"k"[..]));
    assert_eq!((batch.next, batch.rows.progress[0].rejected, batch.rows.progress[0].read), (100, 1, 1));
}

#[test]
fn of_a_reject_that_is_too_long_the_payload_is_cut() {
    let header = |name, value| crate::record::Header { name, value };
    let record = Record {
        key: Some(b"key"),
        payload: Some(b"{\"type\":\"post\"}"),
        headers: vec![header("producer", Some(b"shop")), header("trace", None)],
        ..Record::default()
    };
    let kept = |reject_bytes| {
        let mut engine = Engine::new(Rules { reject_bytes, ..rules() }, "t/0".into(), 0);
        engine.observe(&record, a_reject());
        let row = engine.flush().rows.rejects.remove(0);
        let headers: Vec<(String, String)> =
            row.headers.iter().map(|(name, value)| (name.clone(), String::from_utf8_lossy(value).into_owned())).collect();
        (String::from_utf8_lossy(&row.key).into_owned(), headers, row.payload.len(), row.truncated)
    };
    let headers = |names: [(&str, &str); 2]| names.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let whole = headers([("producer", "shop"), ("trace", "")]);
    assert_eq!(kept(35), ("key".into(), whole.clone(), 15, false));
    assert_eq!(kept(30), ("key".into(), whole.clone(), 10, true));
    assert_eq!(kept(20), ("key".into(), whole, 0, true));
    assert_eq!(kept(13), ("key".into(), headers([("producer", "sh"), ("", "")]), 0, true));
    assert_eq!(kept(2), ("ke".into(), headers([("", ""), ("", "")]), 0, true));
}

#[test]
fn an_event_from_the_future_moves_no_watermark() {
    let mut engine = engine();
    observe_at(&mut engine, &post("r", "a", NOON), NOON);
    observe_at(&mut engine, &post("q", "a", NOON + 6 * MINUTE), NOON);
    assert_eq!(engine.watermark(), Some(NOON - MINUTE));
    assert_eq!(engine.flush().tally.future, 1);
}

#[test]
fn an_offset_below_next_is_ignored() {
    let mut engine = Engine::new(rules(), "t/0".into(), 5);
    let event = post("r", "a", NOON);
    engine.observe(&Record { offset: 4, ..Record::default() }, Ok(event));
    assert_eq!((engine.next(), engine.holdings().roots), (5, 0));
}
