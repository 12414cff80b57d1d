//! Runs of answers: what is read while one is made, was killed, or is repeated; what is kept and what goes.

mod lists;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use grapevine::failure::Failure;
use grapevine::rollup::{self, Request};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::store::Database;

/// One click of acme three minutes after a reply, which led to a visit and a sale; the source is read to offset 100.
const ROWS: [&str; 4] = [
    "INSERT INTO click (id, source, key_source, version, time, root, target, target_kind, target_time, visitor, has_visitor, brand, channel) VALUES
        ('c', 't/0', 't/0', 18446744073709551615 - 10, '2025-05-01 12:03:00', 'p', 'r', 'reply', '2025-05-01 12:00:00', 7, true, 'acme', 'x')",
    "INSERT INTO visit (id, source, key_source, version, time, click, visitor, has_visitor, brand) VALUES
        ('v', 't/0', 't/0', 18446744073709551615 - 20, '2025-05-01 12:03:02', 'c', 7, true, 'acme')",
    "INSERT INTO conversion (id, source, key_source, version, time, visitor, has_visitor, brand, amount, currency) VALUES
        ('o', 't/0', 't/0', 18446744073709551615 - 30, '2025-05-01 13:00:00', 7, true, 'acme', 10, 'EUR')",
    "INSERT INTO progress (source, version, watermark, log_end) VALUES ('t/0', 100, '2025-05-10 00:00:00', 100)",
];

const LAG: &str = "SELECT brand, side, target_kind, bin, clicks, unconfirmed FROM click_lag WHERE bin != '' ORDER BY ALL";
const RIGHT: &str = "acme\tconversation\treply\t1-5 min\t1\t0";

async fn with_rows(name: &str) -> Database {
    let database = Database::migrated(name).await;
    for rows in ROWS {
        database.run(rows).await;
    }
    database
}

/// The tables of runs that are under way, or were killed.
async fn models(database: &Database) -> String {
    database
        .ask("SELECT name FROM system.tables WHERE database = currentDatabase() AND startsWith(name, 'model_') ORDER BY name")
        .await
}

#[tokio::test]
async fn a_run_is_on_record_and_leaves_answers_and_nothing_else() {
    let database = with_rows("rollup").await;
    assert_eq!(database.ask(LAG).await, "", "no run yet");
    let first = database.roll_up().await;
    assert_eq!(database.ask(LAG).await, RIGHT);
    assert_eq!(models(&database).await, "");
    let record = "SELECT run, toString(as_of), next, rows['click_lag'], program FROM run";
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        database.ask(record).await,
        format!("{}\t2025-05-10 00:00:00.000\t{{'t/0':100}}\t{}\t{version}", first.number, first.rows["click_lag"])
    );
    let parts = "SELECT count() FROM system.parts WHERE database = currentDatabase() AND table = 'click_lag_run' AND active";
    assert_eq!(database.ask(parts).await, "1");
    let second = database.roll_up().await;
    assert!(second.number > first.number);
    assert_eq!(database.ask("SELECT DISTINCT run FROM click_lag").await, second.number.to_string());
}

#[tokio::test]
async fn facts_beyond_what_the_run_has_noted_are_no_part_of_it_even_if_they_are_copies() {
    let database = with_rows("rollup_cut").await;
    // Not yet read as far as its rows are: what a worker writes just now. Its copy of the visit is the one with the least offset.
    for rows in [
        "INSERT INTO progress (source, version, watermark, log_end) VALUES ('it''s \\\\ t/1', 5, '2025-05-10 00:00:00', 9)",
        "INSERT INTO visit (id, source, key_source, version, time, visitor, has_visitor, brand) VALUES
            ('v', 'it''s \\\\ t/1', 'it''s \\\\ t/1', 18446744073709551615 - 6, '2025-05-01 12:03:02', 8, true, 'acme')",
        "INSERT INTO click (id, source, key_source, version, time, root, target, target_kind, target_time, visitor, has_visitor, brand, channel) VALUES
            ('d', 't/0', 't/0', 18446744073709551615 - 100, '2025-05-01 12:03:00', 'p', 'r', 'reply', '2025-05-01 12:00:00', 9, true, 'acme', 'x')",
    ] {
        database.run(rows).await;
    }
    assert_eq!(database.ask("SELECT click FROM visit_row").await, "", "the copy stands in the live view");
    database.roll_up().await;
    assert_eq!(database.ask(LAG).await, RIGHT);
    database
        .run("INSERT INTO progress (source, version, watermark, log_end) VALUES ('t/0', 101, '2025-05-10 00:00:00', 101)")
        .await;
    database.roll_up().await;
    assert_eq!(database.ask(LAG).await, "acme\tconversation\treply\t1-5 min\t1\t1", "the other click led to no visit");
}

#[tokio::test]
async fn nobody_reads_half_a_run_and_what_a_killed_one_left_goes() {
    let database = with_rows("rollup_killed").await;
    let first = database.roll_up().await;
    // Killed after its answer; the models of another one, killed long ago.
    let killed = first.number + 1;
    database.run(&format!("INSERT INTO click_lag_run (run, brand) VALUES ({killed}, 'half')")).await;
    database.run("CREATE TABLE model_17_clicked (x UInt8) ENGINE = MergeTree ORDER BY ()").await;
    database.run("INSERT INTO click_lag_run (run, brand) VALUES (17, 'half')").await;
    assert_eq!(database.ask(LAG).await, RIGHT);
    // A program that does not know an answer leaves the last one.
    database.run(&format!("INSERT INTO run (run, rows) VALUES ({}, map('other', 1))", first.number + 2)).await;
    assert_eq!(database.ask(LAG).await, RIGHT);
    // Dropped by somebody after it was published, or not here yet.
    database.run(&format!("INSERT INTO run (run, rows) VALUES ({}, map('click_lag', 5, 'coverage', 1))", first.number + 3)).await;
    assert_eq!(database.ask(LAG).await, RIGHT);
    assert_eq!(database.ask("SELECT DISTINCT run FROM coverage").await, first.number.to_string());
    // One whose clock was ahead.
    let ahead = first.number + 86_400_000;
    database.run(&format!("INSERT INTO run (run, rows) VALUES ({ahead}, map('click_lag', 0))")).await;
    assert_eq!(database.ask(LAG).await, "", "there are no rows by its record");
    let last = database.roll_up().await;
    assert!(last.number > ahead);
    assert_eq!(database.ask(LAG).await, RIGHT);
    assert_eq!(models(&database).await, "");
    let present = database.ask("SELECT DISTINCT run FROM click_lag_run").await;
    assert_eq!(present, last.number.to_string(), "what was left more than six hours before is gone, and what is not kept");
}

#[tokio::test]
async fn a_run_is_published_although_nobody_hears_that_it_is() {
    let database = with_rows("rollup_unheard").await;
    let client = database.client.clone().with_url(unheard(&database, "INSERT INTO run ").await);
    let run = rollup::run(&client, Request::default()).await.unwrap();
    assert_eq!(database.ask("SELECT run FROM run").await, run.number.to_string());
    assert_eq!(database.ask(LAG).await, RIGHT);
    assert_eq!(models(&database).await, "");
}

/// An address that passes everything on to the store. The first statement with these words is carried out, and not answered.
async fn unheard(database: &Database, words: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (store, client) = (database.config.urls[0].trim_start_matches("http://").to_owned(), database.client.clone());
    let is_lost = Arc::new(AtomicBool::new(false));
    tokio::spawn(async move {
        loop {
            let (near, _) = listener.accept().await.unwrap();
            let far = TcpStream::connect(&store).await.unwrap();
            tokio::spawn(pass_on(near, far, words, is_lost.clone(), client.clone()));
        }
    });
    address
}

async fn pass_on(mut near: TcpStream, mut far: TcpStream, words: &str, is_lost: Arc<AtomicBool>, client: clickhouse::Client) {
    let (mut asked, mut answered) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        tokio::select! {
            read = near.read(&mut asked) => {
                let Ok(length @ 1..) = read else { return };
                far.write_all(&asked[..length]).await.unwrap();
                if String::from_utf8_lossy(&asked[..length]).contains(words) && !is_lost.swap(true, Ordering::Relaxed) {
                    while client.query_raw("SELECT count() FROM run").fetch_one::<u64>().await.unwrap() == 0 {
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                    return;
                }
            }
            read = far.read(&mut answered) => {
                let Ok(length @ 1..) = read else { return };
                if near.write_all(&answered[..length]).await.is_err() {
                    return;
                }
            }
        }
    }
}

#[tokio::test]
async fn two_runs_at_once_are_two_runs() {
    let database = with_rows("rollup_two").await;
    let run = || rollup::run(&database.client, Request::default());
    let (one, other) = tokio::join!(run(), run());
    assert_ne!(one.unwrap().number, other.unwrap().number);
    assert_eq!(database.ask(LAG).await, RIGHT);
    assert_eq!(database.ask("SELECT count() FROM run").await, "2");
    assert_eq!(database.ask("SELECT conversion, side, credit FROM credit").await, "o\tconversation\t10");
    database.roll_up().await;
    assert_eq!(
        database.ask("SELECT uniqExact(run) FROM credit_run").await,
        "2",
        "what somebody bought is kept twice, and not three times"
    );
    assert_eq!(models(&database).await, "");
}

#[tokio::test]
async fn credit_by_every_rule_is_made_for_who_asks_and_nothing_else_depends_on_it() {
    let database = with_rows("rollup_by_rule").await;
    let told = "SELECT count(), uniqExact(model, lookback_days), sum(credit), uniqExact(run) FROM credit_by_rule";
    let asked = database.roll_up().await;
    assert_eq!(asked.rows["credit_by_rule"], 15);
    assert_eq!(database.ask(told).await, "15\t15\t150\t1");
    let plain = rollup::run(&database.client, Request::default()).await.unwrap();
    assert!(!plain.rows.contains_key("credit_by_rule"));
    for (answer, rows) in &plain.rows {
        let of = |run: &rollup::Run| format!("SELECT * EXCEPT run FROM {answer}_run WHERE run = {} ORDER BY ALL", run.number);
        assert_eq!(database.ask(&of(&asked)).await, database.ask(&of(&plain)).await, "{answer}");
        assert_eq!(asked.rows[answer], *rows, "{answer}");
    }
    // What nobody asked for again shows the newest run that has it, until that is forgotten like other answers about single people.
    assert_eq!(database.ask(told).await, "15\t15\t150\t1");
    assert_eq!(database.ask("SELECT DISTINCT run FROM credit_by_rule").await, asked.number.to_string());
    rollup::run(&database.client, Request::default()).await.unwrap();
    assert_eq!(database.ask(told).await, "0\t0\t0\t0");
    assert_eq!(models(&database).await, "");
}

#[tokio::test]
async fn a_dimension_that_keeps_changing_is_named_and_nothing_is_published() {
    let database = with_rows("rollup_moved").await;
    let moving = async {
        for day in 0_u32.. {
            database
                .run(&format!("INSERT INTO brand (valid_from, brand, margin_rate) VALUES (toDate({day}), 'acme', NULL)"))
                .await;
        }
    };
    let failed = tokio::select! {
        ended = rollup::run(&database.client, Request::default()) => ended.unwrap_err(),
        () = moving => unreachable!(),
    };
    assert!(matches!(&failed, Failure::Transient(text) if text.contains("dimension tables")), "{failed}");
    assert_eq!(database.ask("SELECT count() FROM run").await, "0");
    assert_eq!(database.ask("SELECT count() FROM click_lag_run").await, "0");
    assert_eq!(models(&database).await, "");
    database.roll_up().await;
    assert_eq!(database.ask(LAG).await, RIGHT);
}

#[tokio::test]
async fn an_empty_database_has_answers_without_rows() {
    let database = Database::migrated("rollup_empty").await;
    let run = database.roll_up().await;
    assert_eq!(database.ask("SELECT as_of IS NULL FROM run").await, "1");
    assert!(run.rows.values().all(|rows| *rows == 0), "{run:?}");
}

/// What runs said of one week of each brand, by hand: day 0 is the end of the period. Only the last three are complete.
#[tokio::test]
async fn what_was_expected_is_held_against_what_came() {
    let database = Database::migrated("backtest").await;
    for run in [
        // number, days after the end, definitions, dimensions
        "(1, 1, 1, 1)",
        "(2, 6, 1, 1)",
        "(3, 9, 1, 1)",
        "(4, 30, 1, 1)",
        "(5, 31, 1, 1)",
        "(6, 32, 2, 1)",
        "(7, 33, 1, 3)",
        "(8, 34, 1, 1)",
    ] {
        database.run(&format!(
            "INSERT INTO run (run, as_of, definitions, dimensions, rows)
                SELECT x.1, toDateTime64('2025-06-02 12:00:00', 3, 'UTC') + toIntervalDay(x.2), x.3, x.4, map('roi', 1) FROM (SELECT {run} AS x)"
        ))
        .await;
    }
    let said = "INSERT INTO roi_run (run, as_of, brand, side, period, period_start, period_end, complete, roi_so_far, expected_share, roi, roi_low, roi_high, reason)
        SELECT r.run, r.as_of, x.2, 'conversation', x.3, '2025-05-26', '2025-06-02', x.4, x.5, x.6, x.7, x.8, x.9, x.10
        FROM (SELECT arrayJoin([
            -- Of the run of day 6 (the nearest to 7) and the first complete one: twice what there was, within and beyond the interval.
            (1, 'hit', 'month', false, -0.9, 0.1, NULL, NULL, NULL, 'not_complete'),
            (2, 'hit', 'month', false, -0.25, 0.5, NULL, NULL, NULL, 'not_complete'),
            (3, 'hit', 'month', false, 0., 0.9, NULL, NULL, NULL, 'not_complete'),
            (4, 'hit', 'month', true, NULL, NULL, 0.4, 0.1, 0.8, ''),
            (5, 'hit', 'month', true, NULL, NULL, 9., 8., 10., ''),
            (2, 'miss', 'month', false, -0.25, 0.5, NULL, NULL, NULL, 'not_complete'),
            (4, 'miss', 'month', true, NULL, NULL, 1.5, 0.6, 2., ''),
            (2, 'short', 'week', false, -0.25, 0.5, NULL, NULL, NULL, 'not_complete'),
            (4, 'short', 'week', true, NULL, NULL, 0.5, NULL, NULL, 'short_period'),
            (2, 'few', 'month', false, -0.25, NULL, NULL, NULL, NULL, 'not_complete'),
            (4, 'few', 'month', true, NULL, NULL, 0.5, 0.4, 0.6, ''),
            (2, 'rules', 'month', false, -0.25, 0.5, NULL, NULL, NULL, 'not_complete'),
            (6, 'rules', 'month', true, NULL, NULL, 0.5, 0.4, 0.6, ''),
            (2, 'rates', 'month', false, -0.25, 0.5, NULL, NULL, NULL, 'not_complete'),
            (7, 'rates', 'month', true, NULL, NULL, 0.5, 0.4, 0.6, ''),
            (4, 'late', 'month', true, NULL, NULL, 0.5, 0.4, 0.6, ''),
            (2, 'early', 'month', false, -0.25, 0.5, NULL, NULL, NULL, 'not_complete'),
            (8, 'trailing', 'last_4_weeks', true, NULL, NULL, 0.5, 0.4, 0.6, ''),
            (17, 'killed', 'month', true, NULL, NULL, 0.5, 0.4, 0.6, '')
        ]) AS x) AS said LEFT JOIN run AS r ON r.run = x.1";
    database.run(said).await;
    let found = "SELECT brand, early_run, late_run, round(roi_expected, 6), roi, round(error, 6), hit, reason FROM backtest ORDER BY brand";
    assert_eq!(
        database.ask(found).await,
        "few\t2\t4\t\\N\t0.5\t\\N\t\\N\tfew_sales\n\
         hit\t2\t4\t0.5\t0.4\t0.1\ttrue\t\n\
         miss\t2\t4\t0.5\t1.5\t-1\tfalse\t\n\
         rates\t2\t7\t0.5\t0.5\t\\N\t\\N\tdimensions_changed\n\
         rules\t2\t6\t0.5\t0.5\t\\N\t\\N\tdefinitions_changed\n\
         short\t2\t4\t0.5\t0.5\t0\t\\N\tshort_period"
    );
}

/// A visitor experiment that a post of acme carries: what bolt sold to the same visitors is nobody's business at acme.
#[tokio::test]
async fn sales_of_other_brands_count_for_no_experiment_that_a_brand_carries() {
    let database = Database::migrated("others_sales").await;
    for rows in [
        "INSERT INTO root (root, source, version, root_seen, root_time, root_is_brand, brand, experiment, arm) VALUES
            ('p', 't/0', 9, true, '2025-05-01 10:00:00', true, 'acme', 'e', 'treated')",
        "INSERT INTO assignment (id, source, key_source, version, time, experiment, arm, unit, unit_type)
            SELECT concat(e, toString(n)), 't/0', 't/0', 18446744073709551615 - n, '2025-05-01 11:00:00', e, if(n % 2 = 0, 'control', 'treated'), toString(n), 'visitor'
            FROM (SELECT number + 1 AS n, arrayJoin(['e', 'free']) AS e FROM numbers(8))",
        "INSERT INTO conversion (id, source, key_source, version, time, visitor, has_visitor, brand, amount, currency)
            SELECT toString(n), 't/0', 't/0', 18446744073709551615 - 20 - n, '2025-05-02 12:00:00', n, true, if(n < 3, 'acme', 'bolt'), 10 * n, 'EUR'
            FROM (SELECT number + 1 AS n FROM numbers(8))",
        "INSERT INTO fx (valid_from, currency, to_base) VALUES ('2025-01-01', 'EUR', 1)",
        "INSERT INTO progress (source, version, watermark, log_end) VALUES ('t/0', 100, '2025-05-10 00:00:00', 100)",
    ] {
        database.run(rows).await;
    }
    database.roll_up().await;
    let found = "SELECT experiment, brand, arm, units, units_with_sales, mean FROM experiments ORDER BY experiment, brand, arm";
    assert_eq!(
        database.ask(found).await,
        "e\tacme\tcontrol\t4\t1\t5\n\
         e\tacme\ttreated\t4\t1\t2.5\n\
         free\t\tcontrol\t4\t4\t50\n\
         free\t\ttreated\t4\t4\t40"
    );
}
