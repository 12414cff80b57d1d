//! What the money side promises: the same bytes for ever, facts that parse, and causes that can be switched off.

use std::collections::{HashMap, HashSet};
use std::hash::Hasher;

use serde_json::Value;
use siphasher::sip::SipHasher13;

use super::tally::Figures;
use super::*;
use crate::event;
use crate::generator::world::EARLY;
use crate::record::Record;

fn settings() -> Settings {
    Settings { seed: 1, events: 12_000, days: 21, visits_a_day: 600, ..Settings::default() }
}

/// Everything at once.
fn busy() -> Settings {
    let every = [
        Confounder::PersistentShock,
        Confounder::LaunchMail,
        Confounder::SuddenNews,
        Confounder::VisitsCauseReplies,
        Confounder::SmallBrand,
    ];
    Settings {
        confounders: every.map(|confounder| (confounder, Strength::Medium)).into(),
        bots: true,
        places: 30,
        experiment: Some(Experiment { unit: Unit::Post, effect_percent: 50 }),
        ..settings()
    }
}

fn lines(settings: &Settings) -> Vec<Line> {
    Economy::new(settings).collect()
}

fn event(line: &Line) -> Value {
    serde_json::from_slice(&line.json).unwrap()
}

/// Every event once, however often it is sent.
fn events(lines: &[Line]) -> Vec<Value> {
    let mut seen = HashSet::new();
    let fresh = |event: &Value| seen.insert((text(event, "type").to_owned(), text(event, "id").to_owned()));
    lines.iter().map(event).filter(fresh).collect()
}

fn text<'a>(event: &'a Value, field: &str) -> &'a str {
    event[field].as_str().unwrap_or_default()
}

fn of_type<'a>(events: &'a [Value], kind: &'a str) -> impl Iterator<Item = &'a Value> {
    events.iter().filter(move |event| text(event, "type") == kind)
}

fn cents(event: &Value) -> i64 {
    text(event, "amount").replace('.', "").parse().unwrap()
}

#[test]
fn settings_give_the_same_bytes_for_ever() {
    let mut hasher = SipHasher13::new();
    for line in lines(&busy()) {
        hasher.write(&line.json);
        hasher.write(line.key.as_bytes());
        hasher.write(&line.time.to_le_bytes());
    }
    assert_eq!(
        hasher.finish(),
        7_733_973_908_228_350_101,
        "generated files changed: whoever compares runs by seed cannot any more"
    );
    assert_ne!(lines(&settings()), lines(&Settings { seed: 2, ..settings() }));
}

#[test]
fn the_content_of_an_ordinary_week_is_still_there() {
    let events = events(&lines(&settings()));
    let content = ["post", "share", "reply", "reaction", "delete", "sample"];
    let count: usize = content.iter().map(|kind| of_type(&events, kind).count()).sum();
    assert!((11_500..=12_000).contains(&count), "{count} without copies, of 12,000 asked for");
}

#[test]
fn every_line_is_an_event_under_its_key() {
    for line in lines(&busy()) {
        let record = Record { payload: Some(&line.json), ..Record::default() };
        let parsed = event::parse(&record);
        assert!(parsed.is_ok(), "{}: {parsed:?}", String::from_utf8_lossy(&line.json));
        let event = event(&line);
        let key = match text(&event, "type") {
            "post" => text(&event, "id"),
            "share" | "reply" | "reaction" | "delete" | "sample" | "click" => text(&event, "root"),
            "visit" | "conversion" if event.get("visitor").is_some() => text(&event, "visitor"),
            "cost" if event.get("campaign").is_some() => text(&event, "campaign"),
            _ => text(&event, "id"),
        };
        assert_eq!(line.key, key);
    }
}

#[test]
fn lines_come_in_the_order_of_arrival_within_the_days() {
    let lines = lines(&busy());
    assert!(lines.is_sorted_by_key(|line| line.time));
    for line in &lines {
        let time = event(line)["time"].as_i64().unwrap();
        assert!((WEEK_START..WEEK_START + 21 * DAY - EARLY).contains(&time));
        assert!(time <= line.time, "{}", String::from_utf8_lossy(&line.json));
    }
}

#[test]
fn a_side_that_is_switched_off_takes_only_what_it_causes() {
    let whole = lines(&busy());
    for side in [Side::Broadcast, Side::Conversation] {
        let without = lines(&busy().without(side));
        let mut rest = whole.iter();
        for line in &without {
            assert!(rest.any(|other| other == line), "new without {side:?}: {}", String::from_utf8_lossy(&line.json));
        }
        let events = events(&without);
        let own = if side == Side::Broadcast { "share" } else { "reply" };
        assert_eq!(of_type(&events, own).count(), 0);
        assert!(of_type(&events, "cost").all(|cost| text(cost, "side") != side.word()));
        assert!(without.len() < whole.len());
        let replies: HashSet<&str> = of_type(&events, "reply").map(|reply| text(reply, "id")).collect();
        for click in of_type(&events, "click").filter(|click| !text(click, "utm_medium").is_empty()) {
            let medium = text(click, "utm_medium").to_lowercase();
            assert_ne!(medium, format!("social-{}", side.word()), "{click}");
            let target = text(click, "target");
            let known = !target.is_empty() && !target.ends_with("-gone");
            assert!(!known || replies.contains(target) == (side == Side::Broadcast), "{click}");
        }
    }
}

/// What a log says happened, counted from its lines alone.
fn counted(lines: &[Line], brand: &str) -> Figures {
    let events = events(lines);
    let visits = of_type(&events, "visit").filter(|visit| text(visit, "brand") == brand).count();
    let mut figures = Figures { visits: i64::try_from(visits).unwrap(), ..Figures::default() };
    for conversion in of_type(&events, "conversion").filter(|conversion| text(conversion, "brand") == brand) {
        *(if text(conversion, "kind") == "refund" { &mut figures.refunds } else { &mut figures.conversions }) += 1;
        let currency = ["EUR", "USD", "GBP", "CHF"].into_iter().find(|&name| name == text(conversion, "currency")).unwrap();
        *figures.revenue.entry(currency).or_default() += i128::from(cents(conversion)) * 10_000;
    }
    figures
}

#[test]
fn the_causal_truth_is_the_difference_of_the_logs() {
    let busy = busy();
    let truth = Truth::of(&busy).to_json();
    let whole = lines(&busy);
    for side in [Side::Broadcast, Side::Conversation] {
        let without = lines(&busy.without(side));
        for brand in ["acme", "zenith"] {
            let mut difference = counted(&whole, brand);
            difference.add(&counted(&without, brand), -1);
            let said = &truth["caused"][side.word()][brand];
            assert_eq!(said["visits"], difference.visits);
            assert_eq!(said["conversions"], difference.conversions);
            assert_eq!(said["refunds"], difference.refunds);
            for (currency, micros) in difference.revenue {
                let amount = text(&said["revenue"], currency).replace('.', "").parse::<i128>().unwrap_or(0);
                assert_eq!(amount, micros, "{brand} {currency}");
            }
        }
    }
}

#[test]
fn what_places_brought_adds_up_to_what_their_side_did() {
    let truth = Truth::of(&busy()).to_json();
    for side in ["broadcast", "conversation"] {
        for figure in ["visits", "conversions", "refunds", "clicks", "bot_visits"] {
            let places = truth["places"].as_array().unwrap().iter();
            let sum: i64 = places
                .filter(|place| place["side"] == side && place["brand"] == "acme")
                .map(|place| place[figure].as_i64().unwrap())
                .sum();
            assert_eq!(truth["caused"][side]["acme"][figure], sum, "{side} {figure}");
        }
    }
    assert!(truth["caused"]["broadcast"]["acme"]["bot_visits"].as_i64() > Some(0));
}

#[test]
fn refunds_are_partial_repeated_or_early_and_never_more_than_the_sale() {
    let lines = lines(&Settings { visits_a_day: 3_000, ..settings() });
    let events = events(&lines);
    let sales: HashMap<&str, &Value> = of_type(&events, "conversion").map(|sale| (text(sale, "id"), sale)).collect();
    let mut returned: HashMap<&str, Vec<&Value>> = HashMap::new();
    for refund in of_type(&events, "conversion").filter(|conversion| conversion.get("refund_of").is_some()) {
        returned.entry(text(refund, "refund_of")).or_default().push(refund);
    }
    let (mut partial, mut repeated, mut early, mut without_visitor) = (0, 0, 0, 0);
    for (sale, refunds) in returned {
        // The sale of an early refund may be one that comes after the last day.
        let Some(sale) = sales.get(sale) else { continue };
        let sum: i64 = refunds.iter().map(|refund| -cents(refund)).sum();
        assert!(refunds.iter().all(|refund| cents(refund) < 0 && refund["currency"] == sale["currency"]));
        assert!(sum <= cents(sale), "{sale}");
        partial += u32::from(sum < cents(sale));
        repeated += u32::from(refunds.len() > 1);
        early += u32::from(refunds.iter().any(|refund| refund["time"].as_i64() < sale["time"].as_i64()));
        without_visitor += u32::from(refunds.iter().any(|refund| refund.get("visitor").is_none()));
    }
    assert!(partial > 10 && repeated > 3 && early > 3 && without_visitor > 10, "{partial} {repeated} {early} {without_visitor}");
}

#[test]
fn no_hour_is_idle_and_counts_vary_more_than_independent_visitors_would() {
    let events = events(&lines(&Settings { visits_a_day: 2_000, days: 28, ..settings() }));
    let mut hours = vec![0_u64; 28 * 24];
    for visit in of_type(&events, "visit") {
        hours[usize::try_from((visit["time"].as_i64().unwrap() - WEEK_START) / HOUR).unwrap()] += 1;
    }
    assert!(hours[5..28 * 24 - 2].iter().all(|&count| count > 0), "{hours:?}");
    // The same hour of the same weekday, in four weeks.
    let (mut spread, mut expected) = (0, 0);
    for hour in 0..168 {
        let same: Vec<u64> = (0..4).map(|week| hours[week * 168 + hour]).collect();
        let sum: u64 = same.iter().sum();
        spread += same.iter().map(|&count| (4 * count).abs_diff(sum).pow(2)).sum::<u64>();
        expected += 12 * sum;
    }
    assert!(spread > 3 * expected, "{spread} against {expected} of Poisson");
    let of_days = |days: [usize; 2]| {
        let in_days = |hour: &usize| days.contains(&(hour / 24 % 7));
        (0..hours.len()).filter(in_days).map(|hour| hours[hour]).sum::<u64>()
    };
    assert!(of_days([5, 6]) < of_days([0, 1]), "weekends are quiet");
}

#[test]
fn facts_are_as_untidy_as_real_ones() {
    let events = events(&lines(&settings()));
    let targets: HashSet<&str> = events
        .iter()
        .filter(|event| ["post", "share", "reply"].contains(&text(event, "type")))
        .map(|event| text(event, "id"))
        .collect();
    let clicks: Vec<&Value> = of_type(&events, "click").collect();
    assert!(clicks.iter().any(|click| click.get("target").is_none()));
    assert!(clicks.iter().any(|click| click.get("target").is_some() && !targets.contains(text(click, "target"))));
    let ids: HashSet<&str> = clicks.iter().map(|click| text(click, "id")).collect();
    let visits: Vec<&Value> = of_type(&events, "visit").collect();
    assert!(visits.iter().filter(|visit| visit.get("click").is_some()).all(|visit| ids.contains(text(visit, "click"))));
    let mediums: HashSet<&str> = visits.iter().map(|visit| text(visit, "utm_medium")).collect();
    for spelling in ["social-broadcast", "Social-Broadcast", "SOCIAL-BROADCAST"] {
        assert!(mediums.contains(spelling), "{spelling}");
    }
    assert!(visits.iter().any(|visit| visit.get("visitor").is_none()));
    assert!(visits.iter().any(|visit| text(visit, "referrer_host") == "shop.acme.example"));
    let conversions: Vec<&Value> = of_type(&events, "conversion").collect();
    let currencies: HashSet<&str> = conversions.iter().map(|conversion| text(conversion, "currency")).collect();
    assert_eq!(currencies.len(), 4);
    for field in ["visitor", "margin_rate"] {
        let with = conversions.iter().filter(|conversion| conversion.get(field).is_some()).count();
        assert!(with > 0 && with < conversions.len(), "{field}");
    }
    assert!(conversions.iter().any(|conversion| conversion.get("relates_to").is_some()));
    assert!(of_type(&events, "report").count() > 0);
}

#[test]
fn costs_hold_what_was_done() {
    let events = events(&lines(&settings()));
    let costs: Vec<&Value> = of_type(&events, "cost").collect();
    let own_posts = of_type(&events, "post").filter(|post| post["is_brand"] == true).count();
    assert_eq!(costs.iter().filter(|cost| text(cost, "kind") == "writing").count(), own_posts);
    let answers = of_type(&events, "reply").filter(|reply| text(reply, "actor").ends_with(":acme")).count();
    let handled: u64 =
        costs.iter().filter(|cost| text(cost, "kind") == "handling").map(|cost| cost["seconds"].as_u64().unwrap()).sum();
    let answers = u64::try_from(answers).unwrap();
    assert!((20 * answers..90 * answers).contains(&handled), "{handled} seconds for {answers} answers");
    for cost in costs.iter().filter(|cost| cost["estimated"] == true) {
        let [low, seconds, high] = ["seconds_low", "seconds", "seconds_high"].map(|field| cost[field].as_u64().unwrap());
        assert!(low <= seconds && seconds <= high, "{cost}");
    }
    assert!(costs.iter().any(|cost| cost["estimated"] == true) && costs.iter().any(|cost| cost.get("estimated").is_none()));
    assert!(costs.iter().any(|cost| cost.get("channel").is_none()), "some name no place");
    let length = |cost: &Value| Some(cost["period_end"].as_i64()? - cost["period_start"].as_i64()?);
    assert!(costs.iter().any(|cost| length(cost) == Some(7 * DAY - 2 * HOUR)), "a week of the brand's own");
}

#[test]
fn confounders_add_visits_and_answers_and_take_nothing_away() {
    let plain = events(&lines(&settings()));
    for confounder in
        [Confounder::PersistentShock, Confounder::LaunchMail, Confounder::SuddenNews, Confounder::VisitsCauseReplies]
    {
        let counts: Vec<(usize, usize)> = [Strength::Weak, Strength::Medium, Strength::Strong]
            .map(|strength| {
                let events = events(&lines(&Settings { confounders: [(confounder, strength)].into(), ..settings() }));
                let visits = of_type(&events, "visit").count();
                (visits, of_type(&events, "reply").filter(|reply| text(reply, "actor").ends_with(":acme")).count())
            })
            .into();
        assert!(counts.is_sorted(), "{confounder:?}: {counts:?}");
        assert!(counts[0].0 > of_type(&plain, "visit").count());
    }
    let small = Settings { confounders: [(Confounder::SmallBrand, Strength::Medium)].into(), ..settings() };
    let small = events(&lines(&small));
    let of_brand = |events: &[Value]| of_type(events, "visit").filter(|visit| text(visit, "brand") == "acme").count();
    assert!((8 * of_brand(&small)..12 * of_brand(&small)).contains(&of_brand(&plain)));
}

#[test]
fn only_treated_units_differ_and_only_by_the_effect() {
    for unit in [Unit::Post, Unit::Community, Unit::TimeSlot] {
        let of = |effect_percent| Settings { experiment: Some(Experiment { unit, effect_percent }), ..settings() };
        let (same, better) = (lines(&of(0)), lines(&of(100)));
        let mut all = better.iter();
        assert!(same.iter().all(|line| all.any(|other| other == line)), "an effect only adds");
        let before: HashSet<&[u8]> = same.iter().map(|line| &line.json[..]).collect();
        let added: Vec<Value> = better.iter().filter(|line| !before.contains(&line.json[..])).map(event).collect();
        let assigned = events(&better);
        let arms: HashMap<&str, &str> =
            of_type(&assigned, "assign").map(|assign| (text(assign, "unit"), text(assign, "arm"))).collect();
        let both: HashSet<&&str> = arms.values().collect();
        assert_eq!(both.len(), 2, "{unit:?}");
        let clicks: Vec<&Value> = of_type(&added, "click").collect();
        assert!(clicks.len() > 20);
        if unit == Unit::Post {
            assert!(clicks.iter().all(|click| arms.get(text(click, "root")) == Some(&"treated")));
        }
    }
}

#[test]
fn communities_are_assigned_half_and_half_also_where_nothing_is_posted() {
    let experiment = Some(Experiment { unit: Unit::Community, effect_percent: 0 });
    let events = events(&lines(&Settings { experiment, places: 200, events: 500, ..settings() }));
    let treated = of_type(&events, "assign").filter(|assign| text(assign, "arm") == "treated").count();
    assert_eq!((of_type(&events, "assign").count(), treated), (211, 105));
    let posted: HashSet<&str> = of_type(&events, "post").map(|post| text(post, "community")).collect();
    assert!(posted.len() < 100);
}

#[test]
fn lines_bring_as_many_visitors_as_expected() {
    let settings = Settings { events: 60_000, visits_a_day: 10, ..settings() };
    let events = events(&lines(&settings));
    let brought: HashSet<(&str, &str)> = of_type(&events, "visit")
        .filter_map(|visit| text(visit, "id").strip_prefix("visit:"))
        .filter_map(|id| id.split_once("/c"))
        .map(|(line, rest)| (line, rest.split('/').next().unwrap_or_default()))
        .collect();
    let own: HashSet<&str> =
        of_type(&events, "post").filter(|post| post["is_brand"] == true).map(|post| text(post, "id")).collect();
    let is_ours = |event: &Value| match text(event, "type") {
        "reply" => text(event, "actor").ends_with(":acme"),
        "share" => own.contains(text(event, "root")),
        _ => false,
    };
    for (kind, per_line) in [("share", pull::expected(&settings)[1]), ("reply", pull::expected(&settings)[2])] {
        let ids: HashSet<&str> = of_type(&events, kind).filter(|event| is_ours(event)).map(|event| text(event, "id")).collect();
        let visitors = brought.iter().filter(|(line, _)| ids.contains(line)).count();
        // Posts differ much: one of a few widely shared ones moves the mean.
        let expected = ids.len() * usize::try_from(per_line).unwrap() / 1_000;
        assert!((expected * 6 / 10..expected * 14 / 10).contains(&visitors), "{kind}: {visitors} instead of {expected}");
    }
}

#[test]
fn bots_share_and_click_and_buy_nothing() {
    let plain = lines(&settings());
    let with_bots = lines(&Settings { bots: true, ..settings() });
    let mut all = with_bots.iter();
    assert!(plain.iter().all(|line| all.any(|other| other == line)), "bots only add");
    let events = events(&with_bots);
    let of_bots = |kind| of_type(&events, kind).filter(|event| event.to_string().contains(":bot")).count();
    assert!(of_bots("share") > 50 && of_bots("visit") > 100, "{} {}", of_bots("share"), of_bots("visit"));
    assert_eq!(of_type(&events, "conversion").filter(|event| text(event, "visitor").contains("bot/")).count(), 0);
}

#[test]
fn dimensions_are_statements_for_the_tables_of_the_store() {
    let sql = Economy::dimensions(&busy());
    let tables = include_str!("../../../../deploy/clickhouse/004_facts.sql");
    let mut statements = 0;
    for statement in sql.split(";\n").map(str::trim).filter(|statement| !statement.is_empty()) {
        statements += 1;
        let table = statement.strip_prefix("INSERT INTO ").and_then(|rest| rest.split(' ').next()).unwrap();
        assert!(tables.contains(&format!("CREATE TABLE IF NOT EXISTS {table} (")), "{table}");
    }
    assert_eq!(statements, 8);
    assert!(sql.contains("'mail', 'launch mail'") && sql.contains("chirper/place-00029"));
    assert!(!Economy::dimensions(&settings()).contains("launch mail"));
}

#[test]
fn the_lines_to_come_are_a_part_of_all() {
    let mut economy = Economy::new(&settings());
    let (mut most, mut all) = (0, 0);
    while economy.next().is_some() {
        most = most.max(economy.pending.len());
        all += 1;
    }
    assert!(most < all / 4, "{most} of {all} lines were held at once");
}
