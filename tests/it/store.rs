//! A database in the embedded ClickHouse, with Grapevine's schema, and rows to put into it.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use clickhouse::Client;
use grapevine::clickhouse::{ClickHouseSink, client, rows_database};
use grapevine::config::{ClickHouse, Layout, Renewed, Secret};
use grapevine::embedded::clickhouse::EmbeddedClickHouse;
use grapevine::failure::Failure;
use grapevine::migrations;
use grapevine::rollup::{self, Request};
use grapevine::row::{ActivityWindow, Cascade, Histogram, Progress, Rejected, Root, Rows, Thread};
use grapevine::worker::{Append, Appended, Promise, Sink};
use serde_bytes::ByteBuf;
use tempfile::TempDir;
use tokio::sync::OnceCell;

use crate::data_folder::{self, DATABASE as MODEL};
use crate::world::PATIENCE;

/// The start of a window: 2023-11-14 22:15 UTC.
pub(crate) const T0: u32 = 1_700_000_100;
/// The same, in milliseconds.
pub(crate) const T0_MS: i64 = 1_700_000_100_000;

/// The process and its folder, dropped in this order. The mutex is there because the handle is not `Sync`.
struct Engine {
    url: String,
    /// The statements that made Grapevine's schema in the database of its folder, tables first.
    schema: OnceCell<Vec<String>>,
    /// Whether the database of [`Database::of_the_world`] is filled.
    world: OnceCell<()>,
    _process: Mutex<EmbeddedClickHouse>,
    _folder: TempDir,
}

/// An engine on the data of a folder.
pub(crate) fn start(folder: &Path) -> EmbeddedClickHouse {
    EmbeddedClickHouse::start(Path::new(env!("CARGO_BIN_EXE_grapevine")), folder).unwrap()
}

/// The engine that the tests running now share: a start takes longer than most of them.
fn shared_engine() -> Arc<Engine> {
    static SHARED: Mutex<Weak<Engine>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(engine) = shared.upgrade() {
        return engine;
    }
    let folder = data_folder::migrated();
    let process = start(folder.path());
    let engine = Arc::new(Engine {
        url: process.url().to_owned(),
        schema: OnceCell::new(),
        world: OnceCell::new(),
        _process: Mutex::new(process),
        _folder: folder,
    });
    *shared = Arc::downgrade(&engine);
    engine
}

/// A database of its own.
pub(crate) struct Database {
    pub(crate) config: ClickHouse,
    pub(crate) client: Client,
    engine: Option<Arc<Engine>>,
}

impl Database {
    /// A name for a database that does not exist.
    pub(crate) fn absent(name: &str) -> Self {
        let engine = shared_engine();
        Database { engine: Some(engine.clone()), ..Self::at(&engine.url, name) }
    }

    /// A database of a store that the caller keeps running.
    pub(crate) fn at(url: &str, name: &str) -> Self {
        let config = ClickHouse {
            urls: vec![url.to_owned()],
            layout: Layout::Single,
            database: name.to_owned(),
            user: "default".to_owned(),
            password: Secret::default(),
            password_file: None,
            renewed_password: Renewed::default(),
            ca_file: None,
            certificate_file: None,
            key_file: None,
            send_timeout: PATIENCE,
            end_timeout: PATIENCE,
            backoff_min: Duration::from_millis(1),
            backoff_max: Duration::from_millis(2),
            compression: "lz4".to_owned(),
            answers_expected: false,
            settings: std::collections::BTreeMap::new(),
        };
        Database { client: client(&config, url), config, engine: None }
    }

    /// The same, made, without any table.
    pub(crate) async fn created(self) -> Self {
        for name in [self.config.database.clone(), self.rows()] {
            let create = format!("CREATE DATABASE IF NOT EXISTS {name}");
            self.client.clone().with_database("system").query_raw(&create).execute().await.unwrap();
        }
        self
    }

    /// The name of the database of rows, in which tests ask.
    pub(crate) fn rows(&self) -> String {
        rows_database(&self.config.database)
    }

    /// The same store, asked in the database that people read.
    pub(crate) fn of_people(&self) -> Database {
        let client = self.client.clone().with_database(&self.config.database);
        Database { client, config: self.config.clone(), engine: self.engine.clone() }
    }

    /// A database with Grapevine's schema.
    pub(crate) async fn migrated(name: &str) -> Self {
        let database = Self::absent(name);
        database.migrate().await;
        database
    }

    /// The database that holds [`world`], one for all who only read it.
    pub(crate) async fn of_the_world() -> Self {
        let database = Self::absent("the_world");
        if let Some(engine) = &database.engine {
            let fill = || async {
                database.migrate().await;
                database.insert(world()).await;
            };
            engine.world.get_or_init(fill).await;
        }
        database
    }

    /// Makes Grapevine's schema: copies what is in the engine's folder, so that the engine need not work out the views again.
    pub(crate) async fn migrate(&self) {
        let Some(engine) = &self.engine else {
            migrations::apply(&self.client, &self.config.layout).await.unwrap();
            return;
        };
        let database = Self::at(&engine.url, &self.config.database).created().await;
        let (name, rows) = (&self.config.database, database.rows());
        for statement in engine.schema.get_or_init(|| schema(&engine.url)).await {
            // A request whose answer was lost on a kept connection is sent again.
            let again = statement.replacen("CREATE TABLE ", "CREATE TABLE IF NOT EXISTS ", 1);
            let again = again.replacen("CREATE VIEW ", "CREATE VIEW IF NOT EXISTS ", 1);
            let again = again.replace(&format!("{}.", rows_database(MODEL)), &format!("{rows}."));
            self.run(&again.replace(&format!("{MODEL}."), &format!("{name}."))).await;
        }
        self.run(&format!("INSERT INTO schema_migrations SELECT * FROM {}.schema_migrations", rows_database(MODEL))).await;
    }

    /// Takes every row out of every table; only what was migrated is still known.
    pub(crate) async fn empty(&self) {
        self.run(&format!("TRUNCATE TABLES FROM {} NOT LIKE 'schema_migrations'", self.rows())).await;
    }

    pub(crate) fn sink(&self) -> ClickHouseSink {
        self.sink_of(32 << 20)
    }

    /// A sink whose inserts have at most so many bytes.
    pub(crate) fn sink_of(&self, bytes_max: usize) -> ClickHouseSink {
        ClickHouseSink::new(&self.config, bytes_max, 0, || T0_MS)
    }

    pub(crate) async fn insert(&self, rows: Rows) {
        write(&self.sink(), rows).await.unwrap();
    }

    /// Makes all answers of what there is now.
    pub(crate) async fn roll_up(&self) -> rollup::Run {
        rollup::run(&self.client, Request { credit_by_rule: true, ..Request::default() }).await.unwrap()
    }

    pub(crate) async fn run(&self, statement: &str) {
        self.client.query_raw(statement).execute().await.map_err(|error| format!("{statement}: {error}")).unwrap();
    }

    /// The answer as tab-separated lines.
    pub(crate) async fn ask(&self, query: &str) -> String {
        let answer = async { self.client.query_raw(query).fetch_bytes("TabSeparated")?.collect().await };
        let bytes = answer.await.map_err(|error: clickhouse::error::Error| format!("{query}: {error}")).unwrap();
        String::from_utf8_lossy(&bytes).trim_end_matches('\n').to_owned()
    }
}

async fn schema(url: &str) -> Vec<String> {
    let model = Database::at(url, MODEL);
    let made = format!(
        "SELECT create_table_query FROM system.tables WHERE database IN ('{MODEL}', '{}') ORDER BY engine = 'View', database = '{MODEL}', name",
        model.rows()
    );
    model.client.query_raw(&made).fetch_all().await.unwrap()
}

/// A fact of the first partition, its first record.
macro_rules! fact {
    ($row:ident { $($column:ident: $value:expr),* }) => {
        grapevine::row::$row {
            id: "f".into(),
            source: "t/0".into(),
            key_source: "t/0".into(),
            version: u64::MAX,
            time: T0_MS,
            $($column: $value,)*
            ..grapevine::row::$row::default()
        }
    };
}

/// The offset that opens the life of a root in source t/0: another for each root, as in any log.
pub(crate) fn opened(root: &str) -> u64 {
    root.bytes().fold(0, |offset, byte| offset * 128 + u64::from(byte % 128))
}

/// A post of the brand acme, in channel x and community c1; not by the brand itself.
pub(crate) fn post(root: &str) -> Root {
    Root {
        root: root.into(),
        epoch: 0,
        source: "t/0".into(),
        opened: opened(root),
        version: 1,
        root_seen: true,
        root_time: T0_MS,
        root_is_brand: false,
        root_to_brand: false,
        brand: "acme".into(),
        campaign: "spring".into(),
        channel: "x".into(),
        platform: "p".into(),
        community: "c1".into(),
        experiment: "".into(),
        arm: "".into(),
        tags: Arc::new([]),
        url: "".into(),
    }
}

/// A window in which nothing happened.
pub(crate) fn window(root: &str, windows_after_t0: u32) -> ActivityWindow {
    ActivityWindow {
        window_start: T0 + 900 * windows_after_t0,
        root: root.into(),
        epoch: 0,
        source: "t/0".into(),
        opened: opened(root),
        version: 1,
        posts: 0,
        shares: 0,
        quotes: 0,
        replies: 0,
        brand_replies: 0,
        mentions: 0,
        reactions: 0,
        deletes: 0,
        clicks: 0,
        sharers: vec![],
        repliers: vec![],
        share_minutes: vec![],
        reply_minutes: vec![],
        brand_reply_minutes: vec![],
        samples: vec![],
    }
}

/// A star of `shares` shares.
pub(crate) fn star(root: &str, shares: u64) -> Cascade {
    Cascade {
        root: root.into(),
        epoch: 0,
        source: "t/0".into(),
        opened: opened(root),
        version: 1,
        size: shares + 1,
        max_depth: u32::from(shares > 0),
        levels: if shares > 0 { vec![1, shares] } else { vec![1] },
        s1: shares,
        s2: u128::from(shares),
        inferred: 0,
        cycles_cut: 0,
        self_edges: 0,
        reported_inferred: 0,
        unique_actors: shares + 1,
        deleted_actors: 0,
        repeat_shares: 0,
        self_shares: 0,
        quotes: 0,
        deletes: 0,
        max_children: shares,
        reach: 0,
        reach_known: 0,
        first_time: T0_MS,
        last_time: T0_MS + 1,
        ages_from_post: true,
        age_hist: vec![],
        delay_hist: vec![],
        depth_first_ms: vec![],
        users_first_ms: vec![],
        spreaders: 0,
        top_nodes: vec![],
    }
}

/// The thread whose parents are -1 0 0 0 1 4 5 2 7 3 0 and whose authors are B A C D B A B B C D A, B the brand.
pub(crate) fn dialogue(root: &str) -> Thread {
    let hist: Histogram = vec![(0, 1), (100, 7), (200, 1)];
    Thread {
        root: root.into(),
        epoch: 0,
        source: "t/0".into(),
        opened: opened(root),
        version: 1,
        size: 11,
        max_depth: 4,
        levels: vec![1, 4, 3, 2, 1],
        s1: 20,
        s2: 50,
        inferred: 0,
        cycles_cut: 0,
        self_edges: 0,
        unique_actors: 4,
        deleted_actors: 0,
        deletes: 0,
        h_index: 2,
        brand_replies: 3,
        audience_replies: 7,
        nonself_replies: 9,
        two_way_replies: 8,
        dyads: 3,
        reciprocal_pairs: 2,
        dyad_fwd: vec![1, 2, 3],
        dyad_rev: vec![1, 2],
        aba: 5,
        aba_eligible: 5,
        longest_exchange: 5,
        reentrants: 4,
        sessions: 2,
        longest_session_ms: 90_500,
        longest_session_messages: 6,
        last_session_start: T0_MS + 1_800_000,
        first_time: T0_MS,
        last_time: T0_MS + 1_900_000,
        latency_hist: hist,
        first_response_hist: vec![(100, 1)],
        brand_response_hist: vec![],
        customer_messages: 4,
        customer_messages_answered: 3,
        customer_quarters: vec![(T0, 3, 1, 2, 3), (T0 + 900, 1, 0, 0, 0)],
    }
}

/// Writes rows as a worker does, `progress` last, to whatever store it is.
pub(crate) async fn write(sink: &ClickHouseSink, mut rows: Rows) -> Result<(), Failure> {
    let progress = std::mem::take(&mut rows.progress);
    sink.insert(&rows, "").await?;
    if progress.is_empty() {
        return Ok(());
    }
    let promise = Promise { store: sink.known("any").await?.store, progress: None, tables: None };
    let rows: Vec<Append> = progress.into_iter().map(|progress| Append { progress, promise, whole: true }).collect();
    assert_eq!(sink.append(&rows).await?, Appended::Done);
    Ok(())
}

/// How far a source is complete; its counts add up.
pub(crate) fn progress(source: &str, version: u64, watermark: i64) -> Progress {
    Progress {
        epoch: 0,
        source: source.into(),
        first: 0,
        version,
        watermark,
        read: 100,
        accepted: 90,
        duplicates: 7,
        conflicting_copies: 1,
        rejected: 3,
        accepted_by_type: vec![("share".to_owned(), 83), ("cost".to_owned(), 7)],
        log_end: version,
        written: 0,
    }
}

/// A record of source t/0 that is no event, with bytes that are no text.
pub(crate) fn reject(offset: u64, reason: &str) -> Rejected {
    Rejected {
        epoch: 0,
        source: "t/0".into(),
        offset,
        version: 1,
        received: T0_MS,
        reason: reason.into(),
        detail: format!("offset {offset}"),
        key: ByteBuf::from(*b"\xff\x00"),
        payload: ByteBuf::from(*b"{\xff\n;"),
        headers: vec![("h".to_owned(), ByteBuf::from(*b"\xfe")), ("h".to_owned(), ByteBuf::from(*b"2"))],
        truncated: false,
        replayed: false,
    }
}

/// Two shared posts, one of which moved to another partition, a post that nobody shared, a conversation, and a
/// share whose post nobody saw.
pub(crate) fn world() -> Rows {
    let windows = vec![
        ActivityWindow { posts: 1, shares: 2, sharers: vec![1, 2], share_minutes: vec![0, 5], ..window("a", 0) },
        ActivityWindow { shares: 1, sharers: vec![2], share_minutes: vec![0], ..window("a", 1) },
        ActivityWindow { posts: 1, ..window("b", 0) },
        ActivityWindow { posts: 1, shares: 1, sharers: vec![3], share_minutes: vec![1], ..window("m", 0) },
        unseen(ActivityWindow { shares: 2, sharers: vec![3, 4], share_minutes: vec![1, 2], ..window("m", 1) }),
        unseen(ActivityWindow { shares: 1, sharers: vec![5], share_minutes: vec![1], ..window("u", 0) }),
        ActivityWindow { posts: 1, replies: 6, brand_replies: 2, repliers: vec![1, 2, 3], ..window("t", 0) },
        ActivityWindow { replies: 4, brand_replies: 1, repliers: vec![1, 4], reactions: 2, ..window("t", 2) },
    ];
    let deep = Cascade {
        max_depth: 2,
        levels: vec![1, 2, 1],
        s1: 4,
        s2: 6,
        max_children: 2,
        reach: 12,
        age_hist: vec![(0, 1), (100, 1), (200, 1)],
        delay_hist: vec![(0, 3)],
        depth_first_ms: vec![0, 1000, 901_000],
        users_first_ms: vec![(10, 5000)],
        ..star("a", 3)
    };
    let moved = Cascade { source: "t/1".into(), ..star("m", 2) };
    let orphan = Cascade { source: "t/1".into(), ..star("u", 1) };
    let orphan = Cascade { unique_actors: 1, ..orphan };
    let of_the_brand = |root: &str| Root { root_is_brand: true, ..post(root) };
    Rows {
        roots: vec![of_the_brand("a"), post("b"), post("m"), Root { community: "c2".into(), ..of_the_brand("t") }],
        activity_windows: windows,
        cascades: vec![deep, star("m", 1), moved, orphan],
        threads: vec![dialogue("t")],
        clicks: vec![fact!(Click {
            root: "a".into(),
            target: "a".into(),
            path: vec!["a".into()],
            path_actors: vec![7],
            path_is_brand: vec![true]
        })],
        visits: vec![fact!(Visit { visitor: 5, has_visitor: true, click: "f".into(), brand: "acme".into() })],
        conversions: vec![fact!(Conversion { visitor: 5, has_visitor: true, amount: -12_500_000, margin_rate: Some(350_000) })],
        costs: vec![fact!(Cost { amount: Some(1), seconds: Some(90), seconds_low: None, period_start: Some(T0_MS) })],
        assignments: vec![fact!(Assignment { experiment: "e".into(), arm: "test".into(), unit: "5".into() })],
        reports: vec![fact!(Report { origin: "ads".into(), value: 812_000_000, period_end: None })],
        rejects: vec![reject(7, "json"), reject(8, "json"), reject(9, "null")],
        progress: vec![
            progress("t/0", 100, T0_MS + 8 * 86_400_000),
            Progress { accepted: 89, ..progress("t/1", 50, T0_MS + 60_000) },
        ],
    }
}

/// The same window of a life in another partition, which never saw the post.
pub(crate) fn unseen(window: ActivityWindow) -> ActivityWindow {
    ActivityWindow { source: "t/1".into(), ..window }
}
