//! Oddities that whoever looks at a generated world would find, over many seeds: each was there once.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::Value;

use crate::generator::money::{Economy, Settings};
use crate::generator::world::{DAY, HOUR, WEEK_START};

const SEEDS: std::ops::Range<u64> = 1..6;

/// Sizes that are asked for: events, days.
const WORLDS: [(usize, u16); 3] = [(2_000, 28), (6_000, 14), (20_000, 7)];

fn world(seed: u64, events: usize, days: u16) -> Vec<Value> {
    let settings = Settings { seed, events, days, visits_a_day: 100, ..Settings::default() };
    let mut seen = HashSet::new();
    let events = Economy::new(&settings).map(|line| serde_json::from_slice::<Value>(&line.json).unwrap());
    events.filter(|event| seen.insert((text(event, "type").to_owned(), text(event, "id").to_owned()))).collect()
}

fn each_world(check: impl Fn(&[Value], u16, &str)) {
    for seed in SEEDS {
        for (events, days) in WORLDS {
            check(&world(seed, events, days), days, &format!("seed {seed}, {events} events in {days} days"));
        }
    }
}

fn text<'a>(event: &'a Value, field: &str) -> &'a str {
    event[field].as_str().unwrap_or_default()
}

fn time(event: &Value) -> i64 {
    event["time"].as_i64().unwrap()
}

fn of_type<'a>(events: &'a [Value], kind: &'a str) -> impl Iterator<Item = &'a Value> {
    events.iter().filter(move |event| text(event, "type") == kind)
}

/// How many lie in each stretch of time.
fn counts(times: impl Iterator<Item = i64>, length: i64) -> BTreeMap<i64, usize> {
    let mut counts = BTreeMap::new();
    times.for_each(|time| *counts.entry((time - WEEK_START) / length).or_default() += 1);
    counts
}

#[test]
fn posts_are_spread_over_the_days_and_pile_up_nowhere() {
    each_world(|events, days, which| {
        let posts: Vec<i64> = of_type(events, "post").map(time).collect();
        let minutes = counts(posts.iter().copied(), 60_000);
        assert!(minutes.values().all(|&count| count <= 5), "{which}: {:?} posts in a minute", minutes.values().max());
        let a_day = posts.len() / usize::from(days);
        let of_days = counts(posts.iter().copied(), DAY);
        assert!(of_days.values().all(|&count| count <= 4 * a_day + 10), "{which}: {of_days:?}");
        let weeks = counts(posts.iter().copied(), 7 * DAY);
        assert!((0..i64::from(days) / 7).all(|week| weeks.get(&week).is_some_and(|&count| count > 3)), "{which}: {weeks:?}");
    });
}

#[test]
fn nobody_answers_or_shares_what_there_was_no_time_to_read() {
    each_world(|events, _, which| {
        let written: HashMap<&str, i64> = events.iter().map(|event| (text(event, "id"), time(event))).collect();
        for (kind, least) in [("share", 3_000), ("reply", 10_000)] {
            for event in of_type(events, kind) {
                let after = written.get(text(event, "parent")).map_or(i64::MAX, |parent| time(event) - parent);
                assert!(after >= least, "{which}: {after} ms after its parent: {event}");
            }
        }
    });
}

#[test]
fn people_do_not_come_at_the_same_instant() {
    each_world(|events, _, which| {
        let mut instants = HashSet::new();
        let nodes = of_type(events, "share").chain(of_type(events, "reply"));
        let (mut all, mut same) = (0, 0);
        for event in nodes {
            all += 1;
            same += u32::from(!instants.insert((text(event, "root"), time(event))));
        }
        assert!(same * 500 <= all, "{which}: {same} of {all} at the very millisecond of another of their root");
    });
}

/// The brand's own week, and the hour of its day.
fn local(brand: &str, time: i64) -> (i64, i64) {
    let since = |days: i64, hour: i64| time >= WEEK_START + days * DAY + hour * HOUR;
    // Summer began on 31 March in Berlin, on 10 March in New York.
    let offset = if brand == "zenith" { -5 + i64::from(since(6, 7)) } else { 1 + i64::from(since(27, 1)) };
    let local = time - WEEK_START + offset * HOUR;
    (local.div_euclid(7 * DAY), local.rem_euclid(DAY) / HOUR)
}

#[test]
fn nothing_belongs_to_a_week_outside_the_days() {
    each_world(|events, days, which| {
        let weeks = 0..i64::from(days) / 7;
        let brands: HashMap<&str, &str> = of_type(events, "post").map(|post| (text(post, "id"), text(post, "brand"))).collect();
        for event in events {
            let brand = Some(text(event, "brand")).filter(|brand| !brand.is_empty());
            let brand = brand.or_else(|| brands.get(text(event, "root")).copied()).unwrap_or("acme");
            let ends = ["period_start", "period_end"].map(|field| event[field].as_i64());
            for time in [Some(time(event)), ends[0], ends[1].map(|end| end - 1)].into_iter().flatten() {
                let utc = (time - WEEK_START).div_euclid(7 * DAY);
                assert!(weeks.contains(&utc) && weeks.contains(&local(brand, time).0), "{which}: {event}");
            }
        }
    });
}

#[test]
fn communities_have_regulars_who_come_back() {
    for seed in SEEDS {
        let events = world(seed, 20_000, 28);
        let communities: HashMap<&str, &str> =
            of_type(&events, "post").map(|post| (text(post, "id"), text(post, "community"))).collect();
        let mut people: HashMap<(&str, &str), (usize, HashSet<i64>)> = HashMap::new();
        for reply in of_type(&events, "reply").filter(|reply| reply["actor"].is_string() && reply["is_brand"].is_null()) {
            let community = communities[text(reply, "root")];
            if community.starts_with("agora") || community.starts_with("huddle") {
                let (replies, weeks) = people.entry((community, text(reply, "actor"))).or_default();
                *replies += 1;
                weeks.insert((time(reply) - WEEK_START) / (7 * DAY));
            }
        }
        let mut replies: Vec<usize> = people.values().map(|(replies, _)| *replies).collect();
        replies.sort_unstable_by_key(|&replies| std::cmp::Reverse(replies));
        let (all, top) = (replies.iter().sum::<usize>(), replies[..replies.len() / 10].iter().sum::<usize>());
        // Of 3,431 real threads the most active tenth wrote half.
        assert!((35 * all..65 * all).contains(&(100 * top)), "seed {seed}: {top} of {all} by the top tenth");
        let (mut here, mut back) = (0, 0);
        for (_, weeks) in people.values() {
            here += weeks.iter().filter(|&&week| week < 3).count();
            back += weeks.iter().filter(|&&week| weeks.contains(&(week + 1))).count();
        }
        assert!(back * 100 > here * 8, "seed {seed}: {back} of {here} come back the week after");
    }
}

#[test]
fn people_sleep_and_the_brands_people_go_home() {
    for seed in SEEDS {
        let events = world(seed, 20_000, 14);
        let share_at = |wanted: &dyn Fn(&Value) -> bool, hours: std::ops::Range<i64>| {
            let all: Vec<&Value> = events.iter().filter(|event| wanted(event)).collect();
            let at = all.iter().filter(|event| hours.contains(&local("acme", time(event)).1)).count();
            assert!(all.len() > 50);
            at * 100 / all.len()
        };
        let own = |kind: &'static str| {
            move |event: &Value| {
                text(event, "type") == kind && event["is_brand"] == true && !text(event, "actor").ends_with("zenith")
            }
        };
        let by = |kind: &'static str| move |event: &Value| text(event, "type") == kind && event["is_brand"].is_null();
        assert_eq!(share_at(&own("post"), 0..6), 0, "seed {seed}");
        assert_eq!(share_at(&own("reply"), 0..6), 0, "seed {seed}");
        assert!(share_at(&own("post"), 8..18) >= 60, "seed {seed}");
        // A quarter of the day.
        for kind in ["post", "share", "reply", "visit", "click"] {
            let at_night = share_at(&by(kind), 1..7);
            assert!(at_night <= 18, "seed {seed}: {at_night} % of {kind} by night");
        }
    }
}

#[test]
fn somebodys_followers_are_as_many_wherever_they_are_told() {
    each_world(|events, _, which| {
        let mut followers: HashMap<&str, &Value> = HashMap::new();
        for share in of_type(events, "share").filter(|share| share["followers"].is_number()) {
            let known = followers.entry(text(share, "actor")).or_insert(&share["followers"]);
            assert_eq!(*known, &share["followers"], "{which}: {share}");
        }
        let own: Vec<u64> = of_type(events, "post")
            .filter(|post| post["is_brand"] == true)
            .map(|post| post["followers"].as_u64().unwrap())
            .collect();
        assert!(own.iter().max() < own.iter().min().map(|least| least + 5_000).as_ref(), "{which}: {own:?}");
    });
}

#[test]
fn a_brands_own_communities_talk_about_that_brand() {
    each_world(|events, _, which| {
        let strange =
            of_type(events, "post").find(|post| text(post, "community").contains("acme") && text(post, "brand") != "acme");
        assert!(strange.is_none(), "{which}: {strange:?}");
    });
}

#[test]
fn costs_are_of_days_of_the_log() {
    each_world(|events, days, which| {
        let end = WEEK_START + i64::from(days) * DAY;
        let costs: Vec<&Value> = of_type(events, "cost").collect();
        assert!(!costs.is_empty());
        let late = costs.iter().find(|cost| cost["period_end"].as_i64() > Some(end));
        assert!(late.is_none(), "{which}: {late:?}");
    });
}
