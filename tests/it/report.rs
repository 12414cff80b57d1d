//! `grapevine report` against the views it is made from, and in a browser.

mod browser;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use grapevine::migrations::statements;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OnceCell, oneshot};

use crate::commands::Said;
use crate::demo::grapevine;
use crate::store::Database;

const PERIOD: [&str; 4] = ["--from", "2026-03-30", "--to", "2026-04-26"];
const WITHIN: &str = "brand = 'acme' AND day BETWEEN '2026-03-30' AND '2026-04-26'";

/// A folder for reports, and a database of eight weeks of the brand acme.
pub(crate) struct Desk {
    database: Database,
    folder: TempDir,
}

impl Desk {
    pub(crate) async fn new(name: &str) -> Desk {
        let database = Database::migrated(name).await;
        for statement in statements(include_str!("report/rows.sql")) {
            database.run(statement).await;
        }
        database.roll_up().await;
        Desk { database, folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The command, for a file of that name.
    async fn say(&self, name: &str, arguments: &[&str]) -> Said {
        let mut command = command(&self.database.config.urls[0], &self.database.config.database);
        command.args(arguments).arg("--output").arg(self.path(name));
        tokio::task::spawn_blocking(move || Said::of(command.output().unwrap())).await.unwrap()
    }

    /// The command for the period, by another way to the store.
    async fn say_at(&self, url: &str, name: &str) -> Said {
        let mut command = command(url, &self.database.config.database);
        command.args(["--brand", "acme"]).args(PERIOD).arg("--output").arg(self.path(name));
        tokio::task::spawn_blocking(move || Said::of(command.output().unwrap())).await.unwrap()
    }

    /// The report of the period of the answers as they are.
    async fn of_the_same_run(&self, name: &str) -> String {
        self.say_at(&self.database.config.urls[0], name).await.done();
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// The report of the period on the rows as they are: made once, for all who only look at it.
    pub(crate) async fn plain_report(&self) -> &'static str {
        static MADE: OnceCell<String> = OnceCell::const_new();
        let make = || async { self.report("plain.html", &[&["--brand", "acme"], PERIOD.as_slice()].concat()).await.1 };
        MADE.get_or_init(make).await
    }

    /// A report that must be made, of answers to the rows as they are.
    pub(crate) async fn report(&self, name: &str, arguments: &[&str]) -> (PathBuf, String) {
        self.database.roll_up().await;
        let said = self.say(name, arguments).await.done();
        assert!(said.starts_with(&self.path(name).display().to_string()), "{said}");
        let html = std::fs::read_to_string(self.path(name)).unwrap();
        check_form(&html);
        (self.path(name), html)
    }
}

fn command(url: &str, database: &str) -> Command {
    let mut command = grapevine();
    command.arg("report").env("GRAPEVINE_CLICKHOUSE_URLS", url).env("GRAPEVINE_CLICKHOUSE_DATABASE", database);
    command
}

/// What holds for every report: elements are closed in order, ids stand once and links find them, nothing is loaded.
fn check_form(html: &str) {
    let body = html.strip_prefix("<!DOCTYPE html>\n").unwrap();
    let mut open: Vec<&str> = Vec::new();
    for piece in body.split('<').skip(1) {
        let (tag, text) = piece.split_once('>').unwrap_or_else(|| panic!("a tag without an end: <{piece}"));
        let name = tag.split_whitespace().next().unwrap_or_default();
        if let Some(closed) = name.strip_prefix('/') {
            assert_eq!(open.pop(), Some(closed), "near: {text}");
        } else if !tag.ends_with('/') {
            open.push(name);
        }
        assert!(
            !text
                .replace("&amp;", "")
                .replace("&lt;", "")
                .replace("&gt;", "")
                .replace("&quot;", "")
                .replace("&#39;", "")
                .contains('&'),
            "{text}"
        );
    }
    assert!(open.is_empty(), "never closed: {open:?}");
    let ids: Vec<&str> = body.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let mut once = ids.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(ids.len(), once.len(), "an id stands twice");
    for link in body.split(" href=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
        let to_a_post = link.starts_with("https://feed.example/");
        assert!(to_a_post || link.strip_prefix('#').is_some_and(|id| ids.contains(&id)), "a link to {link}");
    }
    // Links lead elsewhere when they are followed; nothing else may name an address.
    assert_eq!(html.matches("https://").count(), html.matches("<a href=\"https://").count());
    for load in ["http://", "<script", "<link", "<img", "<iframe", "src=", "@import"] {
        assert!(!html.contains(load), "the page loads something: {load}");
    }
    assert_eq!(html.matches("url(").count(), html.matches("url(#hatch)").count());
    assert_eq!(html.matches("<section id=").count(), 10);
    assert_eq!(html.matches("<details class=\"query\">").count(), 10);
    assert_eq!(html.matches("<details class=\"meaning\">").count(), 10);
    assert!(!html.contains("NaN") && !html.contains(">inf"), "a figure is no number");
}

/// What stands in the section of a question.
fn section<'a>(html: &'a str, slug: &str) -> &'a str {
    let (_, rest) = html.split_once(&format!("<section id=\"{slug}\">")).unwrap_or_else(|| panic!("no section {slug}"));
    rest.split("</section>").next().unwrap_or_default()
}

/// A whole number as the page groups it.
fn grouped(value: &str) -> String {
    format!("reverse(trim(BOTH ',' FROM replaceRegexpAll(reverse(toString({value})), '(\\\\d\\\\d\\\\d)', '\\\\1,')))")
}

/// Where words stand, and the query of the words: what happened, what it cost, and when something came.
fn of_activity() -> Vec<(&'static str, String)> {
    let sums = "SELECT concat({posts}, ' posts were shared ', {shares}, ' times; ', {replies}, ' replies, of which the \
        brand wrote ', {brand}, '. ')";
    let sums = [
        ("{posts}", "sum(posts)"),
        ("{shares}", "sum(shares)"),
        ("{replies}", "sum(replies)"),
        ("{brand}", "sum(brand_replies)"),
    ]
    .into_iter()
    .fold(sums.to_owned(), |text, (place, sum)| text.replace(place, &grouped(sum)));
    vec![
        ("sides", format!("{sums} FROM activity_daily WHERE {WITHIN}")),
        (
            "cost",
            format!(
                "SELECT concat({}, '\u{a0}EUR, ', toString(round(sum(seconds) / 3600, 1)), '\u{a0}h') FROM money \
                 WHERE {WITHIN} AND side = 'broadcast' AND entry IN ('cost_money', 'cost_time')",
                grouped("toInt64(round(sum(amount_base)))")
            ),
        ),
        (
            "returns",
            "SELECT concat('ROI <b>', if(roi > 0, '+', if(roi < 0, '\u{2212}', '')), toString(abs(round(roi * 100))), '\u{a0}%</b>; \
             95\u{a0}% interval ', if(roi_low > 0, '+', '\u{2212}'), toString(abs(round(roi_low * 100))), '\u{a0}% to ') FROM roi \
             WHERE brand = 'acme' AND period = 'all' AND side = 'conversation'"
                .to_owned(),
        ),
        (
            "lag",
            "SELECT concat('<b>', verdict, '</b> (a difference of ', printf('%.1f', difference * 100), ' points, ') FROM immediacy \
             WHERE brand = 'acme' AND verdict = 'supported'"
                .to_owned(),
        ),
        (
            "spread",
            "SELECT concat('<a href=\"https://feed.example/100\" rel=\"noreferrer noopener\">post-100</a> in c4 was shared ', toString(max(size) - 1), ' times by ', toString(argMax(unique_actors, size)), \
                ' people, down to depth ', toString(argMax(max_depth, size)), '.') \
             FROM cascade_shape WHERE brand = 'acme' AND toDate(root_time, 'Europe/Berlin') BETWEEN '2026-03-30' AND '2026-04-26'"
                .to_owned(),
        ),
    ]
}

/// The same: who carried it, where, and what is known.
fn of_places() -> Vec<(&'static str, String)> {
    vec![
        (
            "carriers",
            format!(
                "SELECT concat('known of ', toString(uniqExactIf(conversion, reason = '')), ' sales and not known of \
                ', toString(uniqExactIf(conversion, reason = 'target_unknown')), ' ') FROM path_credit WHERE {WITHIN}"
            ),
        ),
        (
            "places",
            "SELECT concat('<b>', toString(countIf(rank_low = 1)), ' places are tied for the first rank</b>') FROM places \
             WHERE brand = 'acme'"
                .to_owned(),
        ),
        (
            "proof",
            "SELECT concat('>', toString(units), '</td><td>', toString(control_units), '</td>') FROM experiments \
            WHERE arm = 'fast'"
                .to_owned(),
        ),
        (
            "trust",
            "SELECT concat('Labour coverage <b>', toString(round(100 * any(labour_coverage))), '\u{a0}%</b>') FROM \
                coverage WHERE brand = 'acme'"
                .to_owned(),
        ),
        (
            "changes",
            format!(
                "SELECT concat('<th scope=\"row\">shares</th><td>', {}, '</td><td>', {}, '</td>') FROM activity_daily \
                    WHERE brand = 'acme' AND day BETWEEN '2026-03-02' AND '2026-04-26'",
                grouped("sumIf(shares, day < '2026-03-30')"),
                grouped("sumIf(shares, day >= '2026-03-30')")
            ),
        ),
    ]
}

#[tokio::test]
async fn figures_are_those_of_the_views() {
    let desk = Desk::new("report_figures").await;
    let html = desk.plain_report().await;
    for (slug, query) in of_activity().into_iter().chain(of_places()) {
        let words = desk.database.ask(&query).await;
        assert!(!words.is_empty() && !words.contains('\n'), "{query}: {words}");
        let section = section(html, slug);
        assert!(!section.contains("class=\"failure\""), "{slug}: {section}");
        assert!(section.contains(&words), "{slug} does not say {words}: {section}");
    }
    assert_eq!(
        desk.of_the_same_run("first.html").await,
        desk.of_the_same_run("again.html").await,
        "the same run makes the same file"
    );
}

#[tokio::test]
async fn the_first_screen_says_which_side_returned_more_and_four_figures() {
    let desk = Desk::new("report_first_screen").await;
    let html = desk.plain_report().await;
    let (first, _) = html.split_once("<ol class=\"tiles\"").unwrap();
    let headline = "SELECT multiIf(verdict = 'first', 'Broadcast returned more than conversation', verdict = 'second', \
        'Conversation returned more than broadcast', 'Which side returned more cannot be told') FROM comparison \
        WHERE brand = 'acme' AND kind = 'sides' ORDER BY verdict IS NULL, period = 'all' LIMIT 1";
    let headline = desk.database.ask(headline).await;
    assert!(first.contains(&format!("<p class=\"headline\"><b>{headline}</b>")), "{headline}: {first}");
    let of_money = |entries: &str| {
        format!("SELECT {} FROM money WHERE {WITHIN} AND entry IN ({entries})", grouped("toInt64(round(sum(amount_base)))"))
    };
    let sums = [
        ("Sold", of_money("'revenue', 'refund'"), "\u{a0}EUR"),
        ("Spent, hours included", of_money("'cost_money', 'cost_time'"), "\u{a0}EUR"),
        ("Visits", format!("SELECT {} FROM traffic WHERE {WITHIN}", grouped("sum(visits)")), ""),
        (
            "Shares and replies",
            format!("SELECT {} FROM activity_daily WHERE {WITHIN}", grouped("sum(shares) + sum(replies) - sum(brand_replies)")),
            "",
        ),
    ];
    for (name, query, unit) in sums {
        let figure = format!("<dt>{name}</dt><dd>{}{unit}</dd>", desk.database.ask(&query).await);
        assert!(first.contains(&figure), "{figure}: {first}");
    }
    assert!(first.contains("id=\"first-returns-title\"") && !first.contains("not known"), "{first}");
}

#[tokio::test]
async fn where_a_run_is_published_between_two_questions_all_are_asked_again() {
    let desk = Desk::new("report_of_one_run").await;
    let before = desk.of_the_same_run("before.html").await;
    let number = desk.database.ask("SELECT max(run) FROM run").await;
    assert!(before.contains(&format!("Answers of run {number} of ")), "{}", &before[..12_000]);

    // Hours become dearer, which moves cost, returns and places; and a run says so, after half of the questions.
    let (url, meddler) = meddling(&desk.database, "FROM immediacy").await;
    let meddled = async {
        meddler.await.unwrap();
        desk.database.run("INSERT INTO labour_rate VALUES ('2020-01-02', 'community', 96, 'EUR')").await;
        desk.database.roll_up().await;
    };
    let (during, ()) = tokio::join!(desk.say_at(&url, "during.html"), meddled);
    assert!(!during.done().contains(&format!("run {number};")));
    let after = desk.of_the_same_run("after.html").await;
    assert_eq!(std::fs::read_to_string(desk.path("during.html")).unwrap(), after, "two runs are mixed");
    assert!(!after.contains(&number) && section(&after, "cost") != section(&before, "cost"), "the second run changed nothing");
    assert!(section(&after, "places") != section(&before, "places"), "the second run changed nothing that is asked late");
}

/// An address that passes everything on to the store. The first question with these words waits until the store has one more run; what
/// is returned ends when that question has come.
async fn meddling(database: &Database, words: &'static str) -> (String, oneshot::Receiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (come, heard) = oneshot::channel();
    let come = Arc::new(Mutex::new(Some(come)));
    let (store, client) = (database.config.urls[0].trim_start_matches("http://").to_owned(), database.client.clone());
    tokio::spawn(async move {
        loop {
            let (near, _) = listener.accept().await.unwrap();
            let far = TcpStream::connect(&store).await.unwrap();
            let ((mut from_near, mut to_near), (mut from_far, mut to_far)) = (near.into_split(), far.into_split());
            tokio::spawn(async move { tokio::io::copy(&mut from_far, &mut to_near).await });
            let (come, client) = (come.clone(), client.clone());
            tokio::spawn(async move {
                let mut piece = vec![0; 1 << 16];
                while let Ok(length @ 1..) = from_near.read(&mut piece).await {
                    if String::from_utf8_lossy(&piece[..length]).contains(words) {
                        let first = come.lock().unwrap().take();
                        if let Some(first) = first {
                            wait_for_a_run(&client, first).await;
                        }
                    }
                    to_far.write_all(&piece[..length]).await.unwrap();
                }
            });
        }
    });
    (address, heard)
}

/// Says that a question has come, and waits until there is another run.
async fn wait_for_a_run(client: &clickhouse::Client, come: oneshot::Sender<()>) {
    let runs = async || client.query_raw("SELECT count() FROM run").fetch_one::<u64>().await.unwrap();
    let known = runs().await;
    come.send(()).unwrap();
    while runs().await == known {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn what_is_not_known_says_why_and_is_never_zero() {
    let desk = Desk::new("report_unknown").await;
    desk.database.run("TRUNCATE TABLE labour_rate").await;
    desk.database.run("ALTER TABLE assignment DELETE WHERE 1 SETTINGS mutations_sync = 2").await;
    let (_, html) = desk.report("report.html", &[&["--brand", "acme"], PERIOD.as_slice()].concat()).await;
    let cost = section(&html, "cost");
    assert!(cost.contains("time: not known: an hourly rate is missing, table labour_rate."), "{cost}");
    assert!(!cost.contains(">0\u{a0}EUR</td><td>30"), "{cost}");
    let returns = section(&html, "returns");
    assert!(returns.contains("not known: an hourly rate is missing"), "{returns}");
    assert!(section(&html, "proof").contains("there is no experiment of this brand"));
    let places = section(&html, "places");
    assert!(places.contains("not known: an hourly rate is missing"), "{places}");
    let (first, _) = html.split_once("<ol class=\"tiles\"").unwrap();
    assert!(first.contains("cannot be told</b> for ") && first.contains("an hourly rate is missing"), "{first}");
}

#[tokio::test]
async fn a_view_that_is_missing_takes_only_its_section_with_it() {
    let desk = Desk::new("report_missing").await;
    desk.database.run("DROP VIEW places").await;
    let (_, html) = desk.report("report.html", &[&["--brand", "acme"], PERIOD.as_slice()].concat()).await;
    let places = section(&html, "places");
    assert!(places.contains("class=\"failure\"") && places.contains("run: grapevine migrate"), "{places}");
    assert!(places.contains("not known: the store could not answer"), "{places}");
    assert!(section(&html, "sides").contains(" posts were shared "));
    assert_eq!(html.matches("class=\"failure\"").count(), 1);
}

#[tokio::test]
async fn what_a_side_is_credited_with_stands_beside_what_it_caused() {
    let desk = Desk::new("report_truth").await;
    let arguments = [&["--brand", "acme"], PERIOD.as_slice()].concat();
    let without = desk.plain_report().await;
    let rule = "Credit is a rule, not a cause: it does not say what would have come back without the posts.";
    assert!(section(without, "returns").contains(rule) && !without.contains("truth says"));

    let caused = |revenue, margin| format!(r#"{{"acme":{{"revenue_base":"{revenue}","margin_base":"{margin}"}}}}"#);
    let truth = format!(r#"{{"caused":{{"broadcast":{},"conversation":{}}}}}"#, caused(500, 200), caused(8, -2));
    std::fs::write(desk.path("truth.json"), truth).unwrap();
    let file = desk.path("truth.json").display().to_string();
    let (_, html) = desk.report("with.html", &[&arguments[..], &["--truth", &file]].concat()).await;
    let returns = section(&html, "returns");
    assert!(returns.contains(rule) && returns.contains("Credit of all days by model and side, beside the truth"));
    // Of all days, whatever the period.
    let shown = |amount: &str| {
        let large = grouped(&format!("toInt64(round({amount}))"));
        format!("concat(if(abs({amount}) < 1000, printf('%.2f', toFloat64({amount})), {large}), '\u{a0}EUR')")
    };
    for (side, truth, shown_truth) in [("broadcast", 200, "200.00"), ("conversation", -2, "\u{2212}2.00")] {
        let margin = format!(
            "SELECT sum(margin_base) AS m, {}, {} FROM credit_by_rule \
             WHERE brand = 'acme' AND model = 'last' AND lookback_days = 30 AND side = '{side}'",
            shown("m"),
            shown(&format!("(m - ({truth}))"))
        );
        let answer = desk.database.ask(&margin).await;
        let cells: Vec<&str> = answer.split('\t').collect();
        let row = format!("<th scope=\"row\">{side}</th><td>margin</td><td>{}</td>", cells[1]);
        let (_, rest) = returns.split_once(&row).unwrap_or_else(|| panic!("{row}: {returns}"));
        let (rest, _) = rest.split_once("</tr>").unwrap();
        assert!(rest.ends_with(&format!("<td>{shown_truth}\u{a0}EUR</td><td>{}</td>", cells[2])), "{rest}, {cells:?}");
    }

    let no_brand = desk.say("none.html", &[&arguments[..], &["--truth", "no/such/file"]].concat()).await.refused();
    assert!(no_brand.contains("could not use --truth no/such/file: "), "{no_brand}");
    std::fs::write(desk.path("truth.json"), r#"{"caused":{"broadcast":{"zenith":{}}}}"#).unwrap();
    let other = desk.say("none.html", &[&arguments[..], &["--truth", &file]].concat()).await.refused();
    assert!(other.contains("it knows no brand \"acme\"; it knows zenith"), "{other}");
    assert!(!desk.path("none.html").exists());
}

#[tokio::test]
async fn a_brand_may_be_called_anything() {
    let desk = Desk::new("report_names").await;
    let name = "<b>&\"it's\\";
    let quoted = "'<b>&\"it\\'s\\\\'";
    desk.database
        .run(&format!(
            "INSERT INTO root (root, epoch, source, opened, version, root_seen, root_time, root_is_brand, brand, channel, community) \
             VALUES ('<i>1</i>', 0, 't/0', 9999, 9999, 1, 1775000000000, 1, {quoted}, '<x>', '&amp;')"
        ))
        .await;
    desk.database
        .run(
            "INSERT INTO activity_window (window_start, root, epoch, source, opened, version, posts, shares) \
             VALUES (1775000000, '<i>1</i>', 0, 't/0', 9999, 9999, 1, 2)",
        )
        .await;
    desk.database
        .run(
            "INSERT INTO cascade (root, epoch, source, opened, version, size, max_depth, levels, s1, s2, unique_actors) \
             VALUES ('<i>1</i>', 0, 't/0', 9999, 9999, 3, 1, [1, 2], 2, 2, 3)",
        )
        .await;
    // Its only day is the last one with data, so it needs no dates.
    let (_, html) = desk.report("report.html", &["--brand", name]).await;
    assert!(html.contains("<h1>&lt;b&gt;&amp;&quot;it&#39;s\\</h1>"), "{}", &html[..12_000]);
    assert!(section(&html, "spread").contains(
        "&lt;i&gt;1&lt;/i&gt; in &amp;amp; was shared 2 times by 3 people, down \
        to depth 1."
    ));
    assert!(section(&html, "cost").contains("not known: no cost of the period is in the tables"));
    assert!(section(&html, "changes").contains("not known"));
}

#[tokio::test]
async fn mistakes_are_named_with_their_cure() {
    let desk = Desk::new("report_mistakes").await;
    let refused = async |arguments: &[&str]| desk.say("none.html", arguments).await.refused();
    let no_brand = refused(&["--brand", "acne"]).await;
    assert_eq!(no_brand, "grapevine: no brand \"acne\" in the answers; --brand can be \"acme\"\n");
    let no_data = refused(&["--brand", "acme", "--from", "2020-01-01", "--to", "2020-02-01"]).await;
    assert!(no_data.contains("has no data from 2020-01-01 to 2020-02-01: its data lie between 2026-03-0"), "{no_data}");
    let backwards = refused(&["--brand", "acme", "--from", "2026-04-02", "--to", "2026-04-01"]).await;
    assert!(backwards.contains("--from 2026-04-02 is after --to 2026-04-01"), "{backwards}");
    assert!(!desk.path("none.html").exists());

    let run = async |url: &str, database: &str| {
        let mut command = command(url, database);
        command.args(["--brand", "acme", "--output"]).arg(desk.path("none.html"));
        tokio::task::spawn_blocking(move || Said::of(command.output().unwrap())).await.unwrap().refused()
    };
    let url = desk.database.config.urls[0].clone();
    let behind = run(&url, "report_of_nothing").await;
    assert!(behind.contains("\"report_of_nothing\" shows this user nothing; run: grapevine migrate"), "{behind}");
    let without_a_run = Database::migrated("report_without_a_run").await;
    let no_run = run(&url, &without_a_run.config.database).await;
    assert_eq!(no_run, "grapevine: no answers have been made yet; run: grapevine rollup\n");
    let gone = run("http://127.0.0.1:1", "report_mistakes").await;
    assert!(gone.contains("could not use ClickHouse at http://127.0.0.1:1 (clickhouse.urls)"), "{gone}");
    let file = desk.say("no/such/folder.html", &[&["--brand", "acme"], PERIOD.as_slice()].concat()).await.refused();
    assert!(file.contains("could not write") && file.contains("no/such/folder.html"), "{file}");
    assert!(!Path::new("report.html").exists(), "a report was written to where nobody asked for it");
}
