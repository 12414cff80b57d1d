//! Columns on the wire against the real engine: what is written is what is read, and what does not fit is refused.

use std::sync::{Arc, Mutex};

use clickhouse::error::Error;
use clickhouse::{Client, RowOwned, RowRead};
use grapevine::clickhouse::{SETTINGS, Table};
use grapevine::row::{
    ActivityWindow, Assignment, Cascade, Click, Conversion, Cost, Progress, Rejected, Report, Root, Rows, TargetKind, Thread,
    Visit,
};
use grapevine::worker::Sink;
use serde::Deserialize;

use crate::store::{Database, T0_MS, window};

mod dice;

use dice::Dice;

/// Every row of a table, in no order that means something.
async fn stored<T: RowOwned + RowRead + Table + std::fmt::Debug>(database: &Database) -> Vec<T> {
    let but_marks = "WHERE NOT (epoch = 65535 AND startsWith(source, '0:'))";
    let query = format!("SELECT ?fields FROM {} {but_marks}", <T as Table>::NAME);
    // The client cannot read the type of a tuple whose values have names; another test compares all types.
    let client = database.client.clone().with_validation(false);
    let mut rows = client.query(&query).fetch_all().await.unwrap();
    in_order(&mut rows);
    rows
}

fn in_order<T: std::fmt::Debug>(rows: &mut [T]) {
    rows.sort_by_cached_key(|row| format!("{row:?}"));
}

/// Rows with every extreme of every column, and others.
fn rows<T: for<'de> Deserialize<'de>>() -> Vec<T> {
    let mut dice = Dice::new();
    (0..40).map(|_| T::deserialize(dice.next_row()).unwrap()).collect()
}

#[tokio::test]
async fn every_row_is_read_as_it_was_written() {
    let database = Database::migrated("as_written").await;
    let written = Rows {
        roots: rows(),
        activity_windows: rows(),
        cascades: rows(),
        threads: rows(),
        clicks: rows(),
        visits: rows(),
        conversions: rows(),
        costs: rows(),
        assignments: rows(),
        reports: rows(),
        rejects: rows(),
        progress: rows::<Progress>().into_iter().map(|row| Progress { written: T0_MS, ..row }).collect(),
    };
    let kinds = [TargetKind::Unknown, TargetKind::Post, TargetKind::Share, TargetKind::Reply];
    assert!(kinds.iter().all(|kind| written.clicks.iter().any(|click| click.target_kind == *kind)));
    database.insert(written.clone()).await;
    let mut read = Rows {
        roots: stored::<Root>(&database).await,
        activity_windows: stored::<ActivityWindow>(&database).await,
        cascades: stored::<Cascade>(&database).await,
        threads: stored::<Thread>(&database).await,
        clicks: stored::<Click>(&database).await,
        visits: stored::<Visit>(&database).await,
        conversions: stored::<Conversion>(&database).await,
        costs: stored::<Cost>(&database).await,
        assignments: stored::<Assignment>(&database).await,
        reports: stored::<Report>(&database).await,
        rejects: stored::<Rejected>(&database).await,
        progress: stored::<Progress>(&database).await,
    };
    let mut written = written;
    macro_rules! compare {
        ($($field:ident)*) => {$(
            in_order(&mut written.$field);
            assert_eq!(std::mem::take(&mut read.$field), std::mem::take(&mut written.$field));
        )*};
    }
    assert_eq!(read.len(), written.len());
    compare!(roots activity_windows cascades threads clicks visits conversions costs assignments reports rejects progress);
    assert!(written.is_empty(), "a table is not compared");
}

#[tokio::test]
async fn a_batch_that_is_too_large_goes_in_several_inserts() {
    let database = Database::migrated("several").await;
    let rows: Vec<_> = (0..300).map(|at| ActivityWindow { sharers: vec![at; 100], ..window(&format!("r{at}"), 0) }).collect();
    let large = ActivityWindow { sharers: vec![7; 20_000], ..window("large", 1) };
    let seen = Arc::new(Mutex::new(Vec::new()));
    let notes = seen.clone();
    let sink = database.sink_of(65_536).with_observer(move |attempt| notes.lock().unwrap().push(attempt.rows));
    let rows = Rows { activity_windows: rows.into_iter().chain([large]).collect(), ..Rows::default() };
    sink.insert(&rows, "").await.unwrap();
    let seen = seen.lock().unwrap().clone();
    assert_eq!((seen.iter().sum::<usize>(), seen.last()), (301, Some(&1)), "{seen:?}");
    assert!(seen.len() >= 6 && seen[0] < 100, "{seen:?}");
    assert_eq!(database.ask("SELECT count(), sum(length(sharers)) FROM activity_window").await, "301\t50000");
}

// What the server makes of blocks that are not the table's: without our settings, and with them.

const WIRE: &str = "CREATE TABLE wire (a UInt8, b UInt32, s LowCardinality(String), t DateTime64(3, 'UTC'), e Enum8('x' = 0, 'y' = 1)) \
    ENGINE = MergeTree ORDER BY tuple()";

type Column<'a> = (&'a str, &'a str, &'a [u8]);

/// The row that fits.
const GOOD: [Column<'static>; 5] = [
    ("a", "UInt8", &[7]),
    ("b", "UInt32", &[1, 0, 0, 0]),
    ("s", "String", b"\x02hi"),
    ("t", "DateTime64(3, 'UTC')", &[1, 0, 0, 0, 0, 0, 0, 0]),
    ("e", "Enum8('x' = 0, 'y' = 1)", &[1]),
];

/// A block of one row.
fn block(columns: &[Column<'_>]) -> Vec<u8> {
    let text = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    let column = |(name, kind, value): &Column<'_>| [text(name), text(kind), value.to_vec()].concat();
    [vec![u8::try_from(columns.len()).unwrap(), 1], columns.iter().flat_map(column).collect()].concat()
}

/// The row that fits, but for one column.
fn with(column: Column<'_>) -> Vec<u8> {
    block(&GOOD.map(|good| if good.0 == column.0 { column } else { good }))
}

/// The code of the server's answer, 0 if it took the block.
async fn send(client: &Client, columns: &str, settings: &[(&str, &str)], body: Vec<u8>) -> u32 {
    let insert = client.insert_formatted_with(format!("INSERT INTO wire {columns} FORMAT Native"));
    let mut insert = settings.iter().fold(insert, |insert, (name, value)| insert.with_setting(*name, *value));
    let sent = async {
        insert.send(body.into()).await?;
        insert.end().await
    };
    match sent.await {
        Ok(()) => 0,
        Err(Error::BadResponse(text)) => {
            let code = text.split_once("Code: ").map(|(_, code)| code.split('.').next().unwrap_or_default());
            code.unwrap_or_default().parse().unwrap_or_else(|_| panic!("{text}"))
        }
        Err(error) => panic!("{error}"),
    }
}

const LISTED: &str = "(`a`, `b`, `s`, `t`, `e`)";
/// What the engine takes when it is not told otherwise.
const LENIENT: [(&str, &str); 1] = [("async_insert", "0")];

#[tokio::test]
async fn what_does_not_fit_the_table_is_refused() {
    let database = Database::absent("wire").created().await;
    database.run(WIRE).await;
    let lenient = async |columns, body| send(&database.client, columns, &LENIENT, body).await;
    let strict = async |columns, body| send(&database.client, columns, &SETTINGS, body).await;
    assert_eq!(strict(LISTED, block(&GOOD)).await, 0);
    assert_eq!(database.ask("SELECT * FROM wire").await, "7\t1\thi\t1970-01-01 00:00:00.001\ty");

    // A column that the table has not, or under another name.
    let more = block(&[&GOOD[..], &[("later", "UInt8", &[1])]].concat());
    assert_eq!((lenient("", more.clone()).await, strict("", more.clone()).await), (0, 117));
    assert_eq!(strict("(`a`, `b`, `s`, `t`, `e`, `later`)", more).await, 16);
    let renamed = block(&GOOD.map(|(name, kind, value)| if name == "s" { ("S", kind, value) } else { (name, kind, value) }));
    assert_eq!((lenient("", renamed.clone()).await, strict("(`a`, `b`, `S`, `t`, `e`)", renamed).await), (0, 16));

    // Another type.
    let others = [
        ("a", "UInt16", &300_u16.to_le_bytes()[..]),
        ("b", "UInt64", &u64::MAX.to_le_bytes()),
        ("b", "Int32", &(-1_i32).to_le_bytes()),
        ("t", "Int64", &1_i64.to_le_bytes()),
        ("t", "DateTime64(6, 'UTC')", &1_i64.to_le_bytes()),
    ];
    for other in others {
        assert_eq!((lenient(LISTED, with(other)).await, strict(LISTED, with(other)).await), (0, 53), "{other:?}");
    }
    let missing = with(("a", "Nullable(UInt8)", &[1, 0]));
    assert_eq!((lenient(LISTED, missing.clone()).await, strict(LISTED, missing.clone()).await), (0, 53));
    let no_defaults = [LENIENT[0], ("input_format_null_as_default", "0")];
    assert_eq!(send(&database.client, LISTED, &no_defaults, missing).await, 349);

    // A body that is cut short, or goes on behind the block.
    let whole = block(&GOOD);
    for length in 1..whole.len() {
        let code = strict(LISTED, whole[..length].to_vec()).await;
        assert!([32, 33, 117].contains(&code), "cut at {length}: {code}");
    }
    let code = strict(LISTED, [whole.clone(), vec![9]].concat()).await;
    assert!([32, 33, 117].contains(&code), "{code}");
}

/// These the server takes whatever it is told: they must never be sent.
#[tokio::test]
async fn some_blocks_are_taken_without_a_word() {
    let database = Database::absent("wire_taken").created().await;
    database.run(WIRE).await;
    let strict = async |body| send(&database.client, LISTED, &SETTINGS, body).await;
    let no_rows = [[5, 0].to_vec(), block(&GOOD.map(|(name, kind, _)| (name, kind, &[][..])))[2..].to_vec()].concat();
    assert_eq!(strict(no_rows).await, 0);
    assert_eq!(database.ask("SELECT count() FROM wire").await, "0");
    assert_eq!(strict(with(("e", "Enum8('x' = 0, 'y' = 1)", &[9]))).await, 0);
    let stumbles = database.client.query_raw("SELECT toString(e) FROM wire").fetch_one::<String>().await;
    assert!(matches!(&stumbles, Err(Error::BadResponse(text)) if text.contains("Code: 691")), "{stumbles:?}");
}

#[tokio::test]
async fn a_block_is_one_part_whatever_the_users_profile_says() {
    let database = Database::absent("one_part").created().await;
    database.run("CREATE TABLE wire (a UInt8) ENGINE = MergeTree ORDER BY tuple()").await;
    database.run("SYSTEM STOP MERGES wire").await;
    let rows = 1_500_000_usize;
    let body = [b"\x01\xe0\xc6\x5b\x01a\x05UInt8".to_vec(), vec![1; rows]].concat();
    let parts = "SELECT count(), sum(rows) FROM system.parts WHERE database = currentDatabase() AND table = 'wire' AND active";
    assert_eq!(send(&database.client, "(`a`)", &SETTINGS, body.clone()).await, 0);
    assert_eq!(database.ask(parts).await, format!("1\t{rows}"));
    let hostile = [
        ("use_strict_insert_block_limits", "1"),
        ("max_insert_block_size", "100000"),
        ("min_insert_block_size_rows", "1"),
        ("min_insert_block_size_bytes", "1"),
        ("max_insert_block_size_bytes", "100000"),
    ];
    let profile = hostile.iter().fold(database.client.clone(), |client, (name, value)| client.with_setting(*name, *value));
    database.run("TRUNCATE TABLE wire").await;
    assert_eq!(send(&profile, "(`a`)", &LENIENT, body.clone()).await, 0);
    assert_ne!(database.ask(parts).await, format!("1\t{rows}"));
    database.run("TRUNCATE TABLE wire").await;
    assert_eq!(send(&profile, "(`a`)", &SETTINGS, body).await, 0);
    assert_eq!(database.ask(parts).await, format!("1\t{rows}"));
}
