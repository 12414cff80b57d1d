//! `grapevine retain`, and the rules by age of deploy/clickhouse-retention.sql: what is older goes, and nothing else; workers go on, and
//! `coverage` says what was removed on purpose.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;

use crate::commands::{say, table};
use crate::events::number;
use crate::world::World;

const RULES: &str = include_str!("../../../deploy/clickhouse-retention.sql");

/// Noon of so many days ago, in milliseconds.
fn days_ago(days: u128) -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    u64::try_from((now / 86_400_000 - days) * 86_400_000 + 43_200_000).unwrap()
}

fn event(kind: &str, id: &str, days: u128, of: &[(&str, &str)]) -> Vec<u8> {
    let mut event = json!({"type": kind, "id": id, "time": days_ago(days)});
    of.iter().for_each(|(name, value)| event[*name] = json!(value));
    event.to_string().into_bytes()
}

/// A post with a share, a reply and a click that came so many days ago.
fn post(brand: &str, name: &str, days: u128, answered: u128) -> Vec<Vec<u8>> {
    let root = format!("{brand}-{name}");
    let below = |kind: &str| {
        let of = [("root", root.as_str()), ("parent", &root), ("target", &root), ("actor", "somebody")];
        event(kind, &format!("{root}-{kind}"), answered, &of)
    };
    let post = event("post", &root, days, &[("actor", "somebody"), ("brand", brand)]);
    vec![post, below("share"), below("reply"), below("click")]
}

/// What a brand has from long ago and from yesterday, in thirteen weeks and a day.
fn events(brand: &str) -> Vec<Vec<u8>> {
    let mut all = [post(brand, "ended", 100, 99), post(brand, "goes_on", 100, 1), post(brand, "new", 2, 1)].concat();
    // What goes on long after it was paid.
    let (paid, ends) = (days_ago(98), days_ago(1));
    let licence = json!({"type": "cost", "id": format!("{brand}-licence"), "time": paid, "period_start": paid, "period_end": ends,
        "brand": brand, "amount": "9", "currency": "EUR"});
    all.push(licence.to_string().into_bytes());
    for days in [98, 1] {
        let fact = |kind: &str, of: &[(&str, &str)]| {
            event(kind, &format!("{brand}-{kind}-{days}"), days, &[&[("brand", brand), ("visitor", "v")], of].concat())
        };
        all.push(fact("visit", &[]));
        all.push(fact("conversion", &[("amount", "5"), ("currency", "EUR")]));
        all.push(fact("cost", &[("amount", "3"), ("currency", "EUR")]));
        all.push(fact("report", &[("origin", "ads"), ("metric", "clicks"), ("value", "7")]));
    }
    all
}

/// Every row by its table and key; of a click one.
fn every_row(world: &World) -> BTreeMap<String, String> {
    world.every_row_but_ways()
}

fn missing(world: &World, brand: &str) -> Vec<String> {
    let asked = format!("SELECT missing FROM coverage WHERE brand = '{brand}' AND week < today() - 90 ORDER BY week");
    world.ask(&asked).iter().map(|row| row["missing"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_is_older_goes_by_brand_and_by_rule_and_a_worker_goes_on() {
    let mut world = World::migrated(2, "retained");
    // One that never posted, and of which nothing will be left.
    let shop = event("visit", "shop-visit", 98, &[("brand", "shop"), ("visitor", "v")]);
    // With a date that is wrong by decades.
    let misdated = event("visit", "shop-misdated", 20_000, &[("brand", "shop"), ("visitor", "v")]);
    let lines = [events("acme"), events("zeta"), vec![shop, misdated]].concat();
    world.publish(&lines);
    world.publish(&[b"no event".to_vec()]);
    let worker = world.start(&[]);
    world.wait_for(lines.len() + 1);
    worker.stop();
    // Somebody has used the id of a visit again, later and for another brand: the first copy hides it. So it does where a source is read in
    // another epoch.
    world.run("INSERT INTO active_epoch (source, epoch, version) VALUES ('third/0', 1, 1)");
    for (source, epoch) in [("other/0", 0), ("third/0", 1)] {
        world.run(&format!(
            "INSERT INTO visit SELECT * REPLACE ('{source}' AS source, '{source}' AS key_source, {epoch} AS epoch, version - 1000 AS version, \
             'zeta' AS brand, now64(3) AS time) FROM (SELECT * FROM visit WHERE id = 'acme-visit-98' AND brand = 'acme')",
        ));
    }
    let before = every_row(&world);
    assert_eq!(before.keys().filter(|name| name.starts_with("root ")).count(), 6, "{before:?}");

    // Nothing but words: too few days, and a plan.
    let few = say(&world, &["retain", "--brand", "acme", "--days", "29"], &[]).refused();
    assert!(few.contains("rules.root_retention_days (30)"), "{few}");
    for misspelt in ["Acme", ""] {
        let unknown = say(&world, &["retain", "--brand", misspelt, "--days", "60"], &[]).refused();
        assert!(unknown.contains(&format!("nothing names the brand {misspelt:?}")), "{unknown}");
    }
    let plan = say(&world, &["retain", "--brand", "acme", "--days", "60", "--plan"], &[]).done();
    let counts: Vec<(&str, &str)> = table(&plan).iter().map(|row| (row[0], row[2])).collect();
    let facts = ["click", "visit", "conversion", "cost", "report"].map(|fact| format!("rows of {fact}"));
    let mut expected: Vec<(&str, &str)> =
        facts.iter().map(|fact| (fact.as_str(), if fact.ends_with("visit") { "3" } else { "1" })).collect();
    expected.push(("rows of activity_window", "3"));
    assert_eq!(counts, expected, "{plan}");
    assert_eq!(every_row(&world), before);

    let done = say(&world, &["retain", "--brand", "acme", "--days", "60"], &[]).done();
    assert!(done.starts_with(&plan) && done.contains("removed what acme had before"), "{done}");
    let after = every_row(&world);
    let gone: Vec<&str> = before.keys().filter(|name| !after.contains_key(*name)).map(String::as_str).collect();
    // Of the post that ended two windows, of the one that goes on a window, a row of each fact, and the two copies.
    assert_eq!(gone.len(), 3 + 5 + 2, "{gone:?}");
    assert!(gone.iter().all(|name| name.contains("acme") && !name.contains("new") && !name.contains("licence")), "{gone:?}");
    assert_eq!(gone.iter().filter(|name| name.contains("goes_on")).count(), 1, "{gone:?}");
    assert!(after.iter().all(|(name, content)| before[name] == *content), "what stays is what it was");
    let copies = world.ask("SELECT count() AS n FROM visit_row WHERE id = 'acme-visit-98'");
    assert_eq!(number(&copies[0]["n"]), 0, "a copy is the same fact, and does not show in the place of the first");
    say(&world, &["retain", "--brand", "shop", "--days", "60"], &[]).done();
    let again = say(&world, &["retain", "--brand", "acme", "--days", "60"], &[]).done();
    assert!(again.starts_with("acme has nothing from before"), "{again}");

    // A life that saw no post, because it was in an earlier one, is of the brand all the same.
    world.run(
        "INSERT INTO activity_window SELECT * REPLACE (opened + 1000 AS opened) FROM activity_window FINAL WHERE root = 'zeta-ended'",
    );
    let plan = say(&world, &["retain", "--brand", "zeta", "--days", "60", "--plan"], &[]).done();
    assert!(table(&plan).iter().any(|row| row[0] == "rows of activity_window" && row[2] == "5"), "{plan}");
    world.run("ALTER TABLE activity_window DELETE WHERE opened >= 1000 AND epoch = 0 SETTINGS mutations_sync = 2");

    rules_of_the_tables(&world, &every_row(&world));
    say(&world, &["rollup"], &[]).done();
    let of_acme = missing(&world, "acme");
    assert!(
        !of_acme.is_empty() && of_acme.iter().all(|words| words.contains("what was removed on purpose, from before")),
        "{of_acme:?}"
    );
    let of_shop = missing(&world, "shop");
    assert!((500..540).contains(&of_shop.len()), "ten years, and not since the wrong date: {}", of_shop.len());
    assert!(of_shop.iter().all(|words| words.contains("what was removed on purpose")), "{of_shop:?}");
    let of_zeta = missing(&world, "zeta");
    let by_rule = "what the rules of tables remove: click after 50 days";
    assert!(
        !of_zeta.is_empty() && of_zeta.iter().all(|words| words.contains(by_rule) && !words.contains("on purpose")),
        "{of_zeta:?}"
    );

    goes_on(&mut world, lines.len() + 1);
}

/// Each statement of the file works, `migrate` lets it be, and rows go.
fn rules_of_the_tables(world: &World, before: &BTreeMap<String, String>) {
    let rules = RULES.lines().filter(|line| !line.starts_with("--")).collect::<Vec<_>>().join("\n");
    let statements: Vec<&str> = rules.split(';').map(str::trim).filter(|statement| !statement.is_empty()).collect();
    assert_eq!(statements.len(), 8);
    for statement in statements {
        let rule = if statement.contains("TABLE click ") { statement.replace("(400)", "(50)") } else { statement.to_owned() };
        world.run(&format!("{rule} SETTINGS mutations_sync = 2"));
    }
    let set =
        "SELECT count() AS n FROM system.tables WHERE database = currentDatabase() AND position(create_table_query, ' TTL ') > 0";
    assert_eq!(number(&world.ask(set)[0]["n"]), 8);
    let migrated = say(world, &["migrate"], &[]).done();
    assert!(migrated.contains("already"), "{migrated}");
    assert_eq!(number(&world.ask(set)[0]["n"]), 8, "migrate takes no rule away");
    let after = every_row(world);
    let mut gone = before.keys().filter(|name| !after.contains_key(*name));
    let is_the_click = |name: &String| name.starts_with("click ") && name.contains("'zeta-ended-click'");
    assert!(gone.all(|name| is_the_click(name) || name.contains("'zeta-ended'")), "only what is older than its rule");
    assert!(!after.keys().any(is_the_click));
}

/// A worker takes what was removed for no loss, and what goes on for what it was.
fn goes_on(world: &mut World, read: usize) {
    let share = event("share", "acme-late", 1, &[("root", "acme-goes_on"), ("parent", "acme-goes_on"), ("actor", "another")]);
    world.publish(&[share]);
    let worker = world.start(&[]);
    world.wait_for(read + 1);
    worker.wait_until_ready();
    assert_eq!(worker.metric("grapevine_store_forgotten_total", "").to_bits(), 0.0_f64.to_bits(), "{}", worker.log());
    worker.stop();
    let shape = world.ask("SELECT brand, toUInt32(size) AS size FROM cascade_shape WHERE root = 'acme-goes_on'");
    assert_eq!((shape[0]["brand"].as_str(), number(&shape[0]["size"])), (Some("acme"), 3));
}
