//! The store over ClickHouse's HTTP interface: one insert a table and attempt; `progress` by compare and append.
//!
//! It keeps no rows between two attempts: whoever calls it keeps the rows until the store has said yes, and
//! sends the same ones again. It does not deduplicate either: rows replace each other by version. An insert is one block of
//! columns, and so one part for each of the table's partitions: what is inserted of a partition is inserted whole or not at all.

use std::time::Duration;

use ::clickhouse::error::Error;
use ::clickhouse::query::Query;
use ::clickhouse::{Client, RowOwned, RowRead};
use tokio::time::{Instant, timeout};

use crate::config;
use crate::failure::Failure;
use crate::record::Offset;
use crate::row::Rows;
use crate::worker::{Append, Appended, Known, Sink, Unknown};

mod addresses;
mod append;
mod connection;
mod databases;
mod errors;
mod known;
mod layout;
pub mod marks;
pub mod native;
mod replicas;
mod rewriting;
mod settings;
mod tables;
mod tls;

use addresses::Addresses;
pub(crate) use addresses::password::taken;
pub(crate) use connection::known_settings;
pub use connection::{client, connect, reach};
pub(crate) use databases::people_database;
pub use databases::rows_database;
pub(crate) use errors::late;
pub use errors::{classify, classify_exception};
pub use layout::{Layout, is_of_a_source, local_database};
pub(crate) use replicas::synced;
#[cfg(test)]
pub(crate) use rewriting::OF_BRANDS;
pub use settings::{SETTINGS, Setting};
pub(crate) use settings::{do_not_fit, may_pass};
pub use tables::{Column, Listed, TABLES, Table, Writer};

/// One insert, as it went.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    /// The table.
    pub table: &'static str,
    /// How many rows were sent.
    pub rows: usize,
    /// How long it took, the answer included.
    pub duration: Duration,
    /// What went wrong, if anything.
    pub error: Option<&'a Failure>,
}

/// The store.
pub struct ClickHouseSink {
    addresses: Addresses,
    layout: Layout,
    epoch: u16,
    send_timeout: Duration,
    end_timeout: Duration,
    clock: fn() -> i64,
    observer: Box<dyn Fn(&Attempt<'_>) + Send + Sync>,
    bytes_max: usize,
    /// What every insert says beside [`SETTINGS`].
    added: Vec<(String, String)>,
}

impl ClickHouseSink {
    /// A store that nothing is known of yet. `clock` says the milliseconds since 1970 that go into
    /// `progress.written`, the only clock in the tables. An insert has so many bytes before compression, or one row.
    #[must_use]
    pub fn new(config: &config::ClickHouse, bytes_max: usize, epoch: u16, clock: fn() -> i64) -> Self {
        ClickHouseSink {
            addresses: Addresses::of(config),
            layout: config.layout.clone(),
            epoch,
            send_timeout: config.send_timeout,
            end_timeout: config.end_timeout,
            clock,
            observer: Box::new(|_| {}),
            bytes_max,
            added: settings::added(config),
        }
    }

    /// Calls `observer` after every insert.
    #[must_use]
    pub fn with_observer(self, observer: impl Fn(&Attempt<'_>) + Send + Sync + 'static) -> Self {
        ClickHouseSink { observer: Box::new(observer), ..self }
    }

    /// The client for the address that is used.
    fn client(&self) -> Client {
        self.addresses.client()
    }

    /// Runs something under the deadline of an attempt: not everything in the client has one of its own. Where nobody answers, whatever
    /// comes next goes to the next address.
    async fn within<T>(&self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        let (limit, moves) = (self.send_timeout + self.end_timeout, self.addresses.moves());
        let asked = self.addresses.current();
        let late = |_| Err(errors::silence(&asked.url, limit));
        let outcome = timeout(limit, work).await.unwrap_or_else(late);
        if outcome.as_ref().is_err_and(errors::is_silence) {
            self.addresses.leave(moves);
        }
        outcome
    }

    /// The one row that answers a question.
    async fn answer<T: RowOwned + RowRead>(&self, question: Query) -> Result<T, Failure> {
        self.within(async { question.fetch_one().await.map_err(|error| classify(&error)) }).await
    }

    async fn insert_all(&self, rows: &Rows, of: &str) -> Result<(), Failure> {
        let Rows {
            roots,
            activity_windows,
            cascades,
            threads,
            clicks,
            visits,
            conversions,
            costs,
            assignments,
            reports,
            rejects,
            progress,
        } = rows;
        debug_assert!(progress.is_empty(), "progress is appended");
        // First, so that no window of a post that was seen shows no brand while the rest is tried again.
        self.insert_table(&references(roots), of).await?;
        self.insert_table(&references(activity_windows), of).await?;
        self.insert_table(&references(cascades), of).await?;
        self.insert_table(&references(threads), of).await?;
        self.insert_table(&references(clicks), of).await?;
        self.insert_table(&references(visits), of).await?;
        self.insert_table(&references(conversions), of).await?;
        self.insert_table(&references(costs), of).await?;
        self.insert_table(&references(assignments), of).await?;
        self.insert_table(&references(reports), of).await?;
        self.insert_table(&references(rejects), of).await
    }

    async fn insert_table<T: Table>(&self, rows: &[&T], of: &str) -> Result<(), Failure> {
        for chunk in native::chunks(rows, self.bytes_max) {
            match self.attempt_rows(chunk, of).await {
                // Once: where a proxy takes much less than is configured, somebody has to know.
                Err(Refusal { too_large: true, .. }) if chunk.len() > 1 => {
                    tracing::warn!(
                        table = T::NAME,
                        rows = chunk.len(),
                        "something before the store finds an insert too large and gets it in halves: lower flush.bytes_max"
                    );
                    for half in chunk.chunks(chunk.len().div_ceil(2)) {
                        self.attempt_rows(half, of).await.map_err(|refusal| refusal.failure)?;
                    }
                }
                other => other.map_err(|refusal| refusal.failure)?,
            }
        }
        Ok(())
    }

    /// One insert of a block of columns.
    async fn attempt_rows<T: Table>(&self, rows: &[&T], of: &str) -> Result<(), Refusal> {
        let mut too_large = false;
        let sent = self.attempt(T::NAME, rows.len(), async {
            let settings = self.known_settings().await?;
            self.send(rows, of, settings).await.map_err(|error| {
                too_large = errors::is_too_large(&error);
                classify(&error)
            })
        });
        let result = sent.await;
        result.map_err(|failure| Refusal { failure, too_large })
    }

    /// One insert, under the deadline of an attempt, and said to the observer.
    async fn attempt(
        &self,
        table: &'static str,
        rows: usize,
        sent: impl Future<Output = Result<(), Failure>>,
    ) -> Result<(), Failure> {
        let started = Instant::now();
        let result = self.within(sent).await;
        (self.observer)(&Attempt { table, rows, duration: started.elapsed(), error: result.as_ref().err() });
        result.map_err(|error| describe(error, table, rows))
    }

    async fn send<T: Table>(&self, rows: &[&T], of: &str, settings: &[Setting]) -> Result<(), Error> {
        // Every column by name: one that the table lacks would else be left out without a word.
        let columns = T::COLUMNS.iter().map(|column| format!("`{}`", column.name)).collect::<Vec<_>>().join(", ");
        let insert = self.client().insert_formatted_with(format!("INSERT INTO {} ({columns}) FORMAT Native", T::NAME));
        let insert = insert.with_timeouts(Some(self.send_timeout), Some(self.end_timeout));
        let insert = settings.iter().fold(insert, |insert, (name, value)| insert.with_setting(*name, *value));
        let mut insert = self.added(of).fold(insert, |insert, (name, value)| insert.with_setting(name, value));
        for piece in native::block(rows) {
            // A column may be larger than a piece; the deadline of sending is one for each part.
            for part in piece.chunks(native::PIECE) {
                if let Err(error) = insert.send(part.to_vec().into()).await {
                    // Whoever hangs up before it has everything has answered why.
                    return Err(insert.end().await.err().unwrap_or(error));
                }
            }
        }
        insert.end().await
    }

    /// What every insert says beside [`SETTINGS`]: what the operator adds, and what it is of.
    fn added<'a>(&'a self, of: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let added = self.added.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        added.chain(std::iter::once((settings::LOG_COMMENT, of)))
    }

    async fn known_settings(&self) -> Result<&[Setting], Failure> {
        let (address, client) = (self.addresses.current(), self.client());
        // Under a deadline, and whoever does not answer is left: this may be the first that is asked of an address.
        let asked = || self.within(known_settings(&client, &SETTINGS));
        address.settings.get_or_try_init(asked).await.map(Vec::as_slice)
    }
}

/// An insert that did not succeed.
struct Refusal {
    failure: Failure,
    /// Whether fewer rows might be taken.
    too_large: bool,
}

impl Sink for ClickHouseSink {
    async fn insert(&self, rows: &Rows, of: &str) -> Result<(), Failure> {
        self.insert_all(rows, of).await
    }

    async fn append(&self, rows: &[Append]) -> Result<Appended, Failure> {
        self.append_all(rows).await
    }

    fn refuses(&self, failure: &Failure) -> bool {
        errors::is_of_rows(failure)
    }

    fn unknown(&self, failure: &Failure) -> Option<Unknown> {
        errors::unknown(failure)
    }

    fn place(&self) -> usize {
        self.addresses.moves()
    }

    async fn known(&self, source: &str) -> Result<Known, Failure> {
        self.catch_up().await?;
        self.ask_known(source).await
    }

    async fn newest_version(&self, source: &str) -> Result<Option<Offset>, Failure> {
        self.catch_up().await?;
        self.ask_newest_version(source).await
    }
}

fn references<T>(rows: &[T]) -> Vec<&T> {
    rows.iter().collect()
}

fn describe(error: Failure, table: &str, rows: usize) -> Failure {
    error.on(&format!("could not insert {rows} rows into \"{table}\""))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::{Arc, Mutex};

    use axum::Router;
    use axum::body::Bytes;
    use axum::extract::{DefaultBodyLimit, Query, State};
    use axum::http::StatusCode;
    use serde_bytes::ByteBuf;
    use tokio::net::TcpListener;

    use super::*;
    use crate::row::Rejected;

    /// Inserts as they arrived: the statement and the body.
    type Arrived = Arc<Mutex<Vec<(String, Bytes)>>>;

    /// What is said beside the statement, once: of which source it is, what the operator or the layout adds, and how long that may take.
    fn said_beside(parameters: &HashMap<String, String>) -> [Option<&str>; 4] {
        ["log_comment", "insert_quorum", "insert_quorum_timeout", "distributed_foreground_insert"]
            .map(|name| parameters.get(name).map(String::as_str))
    }

    async fn answer(
        State((arrived, bytes_max)): State<(Arrived, usize)>,
        Query(parameters): Query<HashMap<String, String>>,
        body: Bytes,
    ) -> (StatusCode, &'static [u8]) {
        match parameters.get("query") {
            // No row of the names of settings.
            None => (StatusCode::OK, b"\x01\x04name\x06String"),
            Some(_) if body.len() > bytes_max => (StatusCode::PAYLOAD_TOO_LARGE, b"<h1>413 Request Entity Too Large</h1>"),
            Some(statement) => {
                arrived.lock().unwrap().push((statement.clone(), body));
                (StatusCode::OK, b"")
            }
        }
    }

    /// The sink of a store that takes every insert that is not too large.
    async fn sink(bytes_max: usize) -> (ClickHouseSink, Arrived) {
        let arrived = Arrived::default();
        let state = (Arc::clone(&arrived), bytes_max);
        let router = Router::new().fallback(answer).layer(DefaultBodyLimit::disable()).with_state(state);
        (sink_of(router).await, arrived)
    }

    async fn sink_of(router: Router) -> ClickHouseSink {
        sink_on(router, Layout::Single, &[("insert_quorum", "2")]).await
    }

    async fn sink_on(router: Router, layout: Layout, settings: &[(&str, &str)]) -> ClickHouseSink {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let config = config::ClickHouse {
            urls: vec![format!("http://{}", listener.local_addr().unwrap())],
            layout,
            database: "d".to_owned(),
            user: "default".to_owned(),
            password: config::Secret::default(),
            password_file: None,
            renewed_password: config::Renewed::default(),
            ca_file: None,
            certificate_file: None,
            key_file: None,
            send_timeout: Duration::from_secs(30),
            end_timeout: Duration::from_secs(30),
            backoff_min: Duration::ZERO,
            backoff_max: Duration::ZERO,
            compression: "none".to_owned(),
            answers_expected: false,
            settings: settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        };
        tokio::spawn(axum::serve(listener, router).into_future());
        ClickHouseSink::new(&config, 32 << 20, 0, || 7)
    }

    /// Answers an insert before it has read it.
    async fn hurried(Query(parameters): Query<HashMap<String, String>>) -> (StatusCode, &'static [u8]) {
        match parameters.get("query") {
            None => (StatusCode::OK, b"\x01\x04name\x06String"),
            Some(_) => (StatusCode::PAYLOAD_TOO_LARGE, b"413 Payload Too Large"),
        }
    }

    #[tokio::test]
    async fn an_insert_that_fails_with_an_unknown_code_is_said_with_where_to_ask_for_it() {
        async fn refuse(Query(parameters): Query<HashMap<String, String>>) -> (StatusCode, &'static [u8]) {
            match parameters.get("query") {
                None => (StatusCode::OK, b"\x01\x04name\x06String"),
                Some(_) => (StatusCode::INTERNAL_SERVER_ERROR, b"Code: 307. DB::Exception: Limit for bytes exceeded"),
            }
        }
        let sink = sink_of(Router::new().fallback(refuse)).await;
        let rows = Rows { rejects: vec![Rejected { payload: ByteBuf::new(), ..reject(0) }], ..Rows::default() };
        let said = sink.insert(&rows, "").await.unwrap_err();
        assert!(matches!(&said, Failure::Transient(text) if text.contains("\"rejects\"") && text.contains("code 307")), "{said}");
        let Some(Unknown { code: 307, cure }) = sink.unknown(&said) else { panic!("{:?}", sink.unknown(&said)) };
        assert!(cure.contains("system.errors WHERE code = 307") && cure.contains("flush.bytes_max"), "{cure}");
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_says_nothing_is_named_by_the_key_and_with_the_cure() {
        let sink = sink_of(Router::new().fallback(async || std::future::pending::<StatusCode>().await)).await;
        let outcome = sink.within(std::future::pending::<Result<(), Failure>>()).await;
        let Err(Failure::Transient(said)) = outcome else { panic!("{outcome:?}") };
        assert!(said.starts_with("no answer from `clickhouse.urls` (http://127.0.0.1:"), "{said}");
        assert!(said.ends_with("within 60s: look whether it runs, and whether this machine reaches it"), "{said}");
    }

    #[tokio::test]
    async fn whoever_hangs_up_in_the_middle_is_heard() {
        let sink = sink_of(Router::new().fallback(hurried)).await;
        let outcome = sink.insert(&Rows { rejects: (0..100).map(reject).collect(), ..Rows::default() }, "").await;
        assert!(matches!(&outcome, Err(Failure::Operator(text)) if text.contains("flush.bytes_max")), "{outcome:?}");
    }

    fn reject(offset: u64) -> Rejected {
        Rejected {
            epoch: 0,
            source: "t/0".into(),
            offset,
            version: 1,
            received: 2,
            reason: "json".into(),
            detail: String::new(),
            key: ByteBuf::new(),
            payload: ByteBuf::from(vec![9; 100_000]),
            headers: Vec::new(),
            truncated: false,
            replayed: false,
        }
    }

    /// What was said beside each question and insert.
    type Heard = Arc<Mutex<Vec<[Option<String>; 4]>>>;

    async fn listen(State(heard): State<Heard>, Query(parameters): Query<HashMap<String, String>>) -> &'static [u8] {
        heard.lock().unwrap().push(said_beside(&parameters).map(|said| said.map(str::to_owned)));
        if parameters.contains_key("query") { b"" } else { b"\x01\x04name\x06String" }
    }

    #[tokio::test]
    async fn every_insert_says_what_it_is_of_and_what_the_operator_adds() {
        let heard = Heard::default();
        let sink = sink_of(Router::new().fallback(listen).with_state(Arc::clone(&heard))).await;
        let roots = vec![crate::row::Root::default()];
        sink.insert(&Rows { rejects: vec![reject(0)], roots, ..Rows::default() }, "t/0@7 t/1@9").await.unwrap();
        let insert = [Some("t/0@7 t/1@9"), Some("2"), Some("60000"), None].map(|said| said.map(str::to_owned));
        assert_eq!(*heard.lock().unwrap(), [[const { None }; 4], insert.clone(), insert], "a question says none of it");
    }

    /// Else rows would be gone with the one server that has taken them, or before it has handed them on.
    #[tokio::test]
    async fn what_is_copied_or_spread_is_taken_when_others_have_it() {
        let cluster = || "north".to_owned();
        for (layout, wanted) in [
            (Layout::Single, [None, None]),
            (Layout::Replicated { cluster: None }, [Some("auto"), None]),
            (Layout::Replicated { cluster: Some(cluster()) }, [Some("auto"), None]),
            (Layout::Sharded { cluster: cluster() }, [Some("auto"), Some("1")]),
        ] {
            let heard = Heard::default();
            let router = Router::new().fallback(listen).with_state(Arc::clone(&heard));
            let sink = sink_on(router, layout.clone(), &[]).await;
            sink.insert(&Rows { rejects: vec![reject(0)], ..Rows::default() }, "t/0@7").await.unwrap();
            let heard = heard.lock().unwrap();
            assert_eq!(heard.len(), 2);
            for said in heard.iter() {
                assert_eq!([said[1].as_deref(), said[3].as_deref()], wanted, "{layout:?}: whatever is said");
            }
        }
    }

    #[tokio::test]
    async fn a_table_is_sent_as_one_block_and_nothing_of_one_without_rows() {
        let (sink, arrived) = sink(usize::MAX).await;
        sink.insert(&Rows::default(), "").await.unwrap();
        assert_eq!(arrived.lock().unwrap().len(), 0);
        let rejects: Vec<_> = (0..10).map(reject).collect();
        sink.insert(&Rows { rejects: rejects.clone(), ..Rows::default() }, "").await.unwrap();
        let arrived = arrived.lock().unwrap();
        let [(statement, body)] = arrived.as_slice() else { panic!("{} inserts", arrived.len()) };
        let columns = "(`epoch`, `source`, `offset`, `version`, `received`, `reason`, `detail`, `key`, `payload`, `headers`, \
            `truncated`, `replayed`)";
        assert_eq!(*statement, format!("INSERT INTO rejects {columns} FORMAT Native"));
        let block: Vec<_> = native::block(&references(&rejects)).collect();
        assert!(*body == block.concat(), "{} bytes", body.len());
    }

    #[tokio::test]
    async fn what_is_found_too_large_on_the_way_goes_in_halves_once() {
        let (sink, arrived) = sink(550_000).await;
        let insert = async |count| {
            arrived.lock().unwrap().clear();
            let outcome = sink.insert(&Rows { rejects: (0..count).map(reject).collect(), ..Rows::default() }, "").await;
            (outcome, arrived.lock().unwrap().iter().map(|(_, body)| body.len() / 100_000).collect::<Vec<_>>())
        };
        assert_eq!(insert(5).await, (Ok(()), vec![5]));
        assert_eq!(insert(9).await, (Ok(()), vec![5, 4]));
        let (outcome, taken) = insert(11).await;
        assert!(matches!(&outcome, Err(Failure::Operator(text)) if text.contains("flush.bytes_max")), "{outcome:?}");
        assert!(taken.is_empty(), "{taken:?}");
    }
}
