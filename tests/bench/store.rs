//! ClickHouse: the embedded engine in a process of its own.

use std::path::Path;
use std::time::{Duration, Instant};

use clickhouse::Client;
use grapevine::clickhouse::{Layout, rows_database};
use grapevine::embedded::clickhouse::EmbeddedClickHouse;
use grapevine::migrations;
use tempfile::TempDir;

use crate::measure::cpu_seconds;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(300);

/// How often a view is asked how far it is.
const ASKED_EVERY: Duration = Duration::from_millis(50);

/// How long nothing may be merged until all merges count as done.
const CALM: Duration = Duration::from_secs(1);

/// One engine for all.
pub(crate) struct Store {
    engine: EmbeddedClickHouse,
    runtime: tokio::runtime::Runtime,
    _folder: TempDir,
}

impl Store {
    pub(crate) fn start() -> Store {
        let folder = tempfile::tempdir().expect("a folder");
        let program = Path::new(env!("CARGO_BIN_EXE_grapevine"));
        let engine = EmbeddedClickHouse::start(program, folder.path()).expect("libchdb: `make setup`");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        Store { engine, runtime, _folder: folder }
    }

    pub(crate) fn url(&self) -> &str {
        self.engine.url()
    }

    /// Waits until something is done that the store takes part in.
    pub(crate) fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    fn client(&self, database: &str) -> Client {
        // Statements are about rows; `system` is the server's.
        let database = if database == "system" { database.to_owned() } else { rows_database(database) };
        Client::default().with_url(self.url()).with_database(database)
    }

    pub(crate) fn run(&self, database: &str, statement: &str) {
        let ran = self.wait(self.client(database).query_raw(statement).execute());
        ran.unwrap_or_else(|error| panic!("{statement}: {error}"));
    }

    /// All rows of an answer.
    pub(crate) fn ask<T: clickhouse::RowOwned + clickhouse::RowRead>(&self, database: &str, question: &str) -> Vec<T> {
        let answer = self.wait(self.client(database).query_raw(question).fetch_all());
        answer.unwrap_or_else(|error| panic!("{question}: {error}"))
    }

    pub(crate) fn number(&self, database: &str, question: &str) -> u64 {
        self.ask(database, question)[0]
    }

    /// A new database with Grapevine's tables and views.
    pub(crate) fn migrate(&self, database: &str) {
        self.wait(migrations::apply(&self.client(database), &Layout::Single)).expect("a schema");
    }

    /// A new database with nothing in it, and the one beside it that statements are about.
    pub(crate) fn create_database(&self, database: &str) {
        for database in [database, &rows_database(database)] {
            self.run("system", &format!("CREATE DATABASE {database}"));
        }
    }

    pub(crate) fn drop_database(&self, database: &str) {
        for database in [database, &rows_database(database)] {
            self.run("system", &format!("DROP DATABASE {database} SYNC"));
        }
    }

    /// Seconds of CPU of the engine's process so far.
    pub(crate) fn cpu(&self) -> f64 {
        cpu_seconds(&self.engine.id().to_string())
    }

    /// Waits until nothing is left to merge: that work is owed to what was inserted.
    pub(crate) fn wait_for_merges(&self) {
        let (late, mut calm) = (Instant::now() + PATIENCE, Instant::now());
        while calm.elapsed() < CALM && Instant::now() < late {
            if self.number("system", "SELECT count() FROM system.merges") > 0 {
                calm = Instant::now();
            }
            std::thread::sleep(ASKED_EVERY);
        }
    }

    pub(crate) fn wait_for(&self, what: &str, database: &str, question: &str, wanted: u64) {
        let late = Instant::now() + PATIENCE;
        loop {
            let seen = self.number(database, question);
            if seen >= wanted {
                return;
            }
            assert!(Instant::now() < late, "{what}: {seen} of {wanted} in time");
            std::thread::sleep(ASKED_EVERY);
        }
    }
}
