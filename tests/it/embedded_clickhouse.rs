//! The embedded ClickHouse as its clients see it: the official crate, clickhouse-connect, curl, and bare sockets.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use clickhouse::{Client, Compression, Row};
use grapevine::embedded::clickhouse::{EmbeddedClickHouse, StartError};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

fn start(data: &Path) -> EmbeddedClickHouse {
    EmbeddedClickHouse::start(Path::new(env!("CARGO_BIN_EXE_grapevine")), data).unwrap()
}

/// A database of its own with the folder it lives in. Dropped in this order.
struct Store {
    process: EmbeddedClickHouse,
    _folder: TempDir,
}

impl Store {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Self { process: start(folder.path()), _folder: folder };
        store.done("", "CREATE DATABASE g");
        store
    }

    fn client(&self) -> Client {
        Client::default().with_url(self.process.url()).with_database("g")
    }

    /// Posts `body` with the parameters `query` and the headers `headers`; returns status, head and body.
    fn post(&self, query: &str, headers: &[&str], body: &[u8]) -> Reply {
        let mut head =
            format!("POST /?database=g&{query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
        for header in headers {
            head += &format!("{header}\r\n");
        }
        Reply::of(self.exchange(&[head.as_bytes(), b"\r\n", body].concat()))
    }

    fn exchange(&self, request: &[u8]) -> Vec<u8> {
        let mut socket = TcpStream::connect(self.process.url().strip_prefix("http://").unwrap()).unwrap();
        socket.write_all(request).unwrap();
        let mut reply = Vec::new();
        socket.read_to_end(&mut reply).unwrap();
        reply
    }

    /// Runs a statement that must succeed and returns its text.
    fn done(&self, query: &str, statement: &str) -> String {
        let mut head = format!("POST /?{query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n");
        head += &format!("Content-Length: {}\r\n\r\n{statement}", statement.len());
        let reply = Reply::of(self.exchange(head.as_bytes()));
        assert_eq!(reply.status, 200, "{statement}: {}", reply.text());
        reply.text().trim_end().to_owned()
    }

    fn ask(&self, statement: &str) -> String {
        self.done("database=g", statement)
    }
}

struct Reply {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Reply {
    fn of(bytes: Vec<u8>) -> Self {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap().to_ascii_lowercase();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Self { status, head, body: bytes[end + 4..].to_vec() }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Every kind of column that Grapevine's tables have.
const COLUMNS: &str = "n UInt64, epoch UInt16, hash UInt128, moment DateTime64(3, 'UTC'), day DateTime('UTC'), \
    name LowCardinality(String), tags Array(String), levels Array(UInt64), minutes Array(UInt8), \
    hist Map(Int16, UInt64), samples Map(String, Float64), headers Map(String, String), seen Bool, \
    kind Enum8('unknown' = 0, 'post' = 1), money Decimal(38, 6), rate Nullable(Decimal(9, 6)), \
    until Nullable(DateTime64(3, 'UTC')), payload String";

#[derive(Clone, Debug, PartialEq, Row, Serialize, Deserialize)]
struct Everything {
    n: u64,
    epoch: u16,
    hash: u128,
    moment: i64,
    day: u32,
    name: String,
    tags: Vec<String>,
    levels: Vec<u64>,
    minutes: Vec<u8>,
    hist: Vec<(i16, u64)>,
    samples: Vec<(String, f64)>,
    headers: Vec<(String, String)>,
    seen: bool,
    kind: i8,
    money: i128,
    rate: Option<i32>,
    until: Option<i64>,
    #[serde(with = "serde_bytes")]
    payload: Vec<u8>,
}

impl Everything {
    fn number(n: u64) -> Self {
        let small = i32::try_from(n % 1000).unwrap();
        Self {
            n,
            epoch: u16::try_from(n % 7).unwrap(),
            hash: u128::from(n) << 70,
            moment: i64::try_from(n).unwrap() * 1000 + 1,
            day: u32::try_from(n).unwrap() * 60,
            name: format!("name {}", n % 5),
            tags: vec!["a\n;".to_owned(); usize::try_from(n % 3).unwrap()],
            levels: (0..n % 4).collect(),
            minutes: vec![59; usize::try_from(n % 2).unwrap()],
            hist: vec![(-5, n), (300, 1)],
            samples: vec![("reach".to_owned(), 0.5)],
            headers: vec![("h;\n".to_owned(), "v".to_owned())],
            seen: n.is_multiple_of(2),
            kind: i8::try_from(n % 2).unwrap(),
            money: i128::from(n) * -1_000_001,
            rate: n.is_multiple_of(2).then_some(small),
            until: n.is_multiple_of(3).then_some(1),
            payload: b"\n;\x00\xff'\"\\; SELECT 1;\r\n".to_vec(),
        }
    }
}

const ROWS: u64 = 20_000;

async fn insert_everything(client: &Client) {
    let mut insert = client.insert::<Everything>("everything").await.unwrap();
    for n in 0..ROWS {
        insert.write(&Everything::number(n)).await.unwrap();
    }
    insert.end().await.unwrap();
}

fn create_everything(store: &Store) {
    store.ask(&format!("CREATE TABLE everything ({COLUMNS}) ENGINE = MergeTree ORDER BY n"));
}

#[tokio::test]
async fn every_type_goes_in_and_out_by_the_official_crate() {
    let store = Store::new();
    create_everything(&store);
    for compression in [Compression::None, Compression::Lz4] {
        for validation in [true, false] {
            store.ask("TRUNCATE TABLE everything");
            let client = store.client().with_compression(compression).with_validation(validation);
            insert_everything(&client).await;
            let sums =
                store.ask("SELECT count(), sum(n), sum(length(payload)), sum(hist[-5]), sum(cityHash64(hash)) FROM everything");
            let expected = store.ask(&format!(
                "SELECT {ROWS}, sum(number), {ROWS} * {}, sum(number), sum(cityHash64(bitShiftLeft(toUInt128(number), 70))) FROM numbers({ROWS})",
                Everything::number(0).payload.len()
            ));
            assert_eq!(sums, expected, "{compression:?}, validation {validation}");
            let rows: Vec<Everything> = client.query("SELECT ?fields FROM everything ORDER BY n").fetch_all().await.unwrap();
            assert_eq!(rows.len() as u64, ROWS);
            assert!(
                rows.iter().zip(0..).all(|(row, n)| *row == Everything::number(n)),
                "{compression:?}, validation {validation}"
            );
        }
    }
}

#[tokio::test]
async fn native_inserts_and_native_answers_keep_every_row() {
    let store = Store::new();
    store.ask("CREATE TABLE numbers (n UInt64, name String) ENGINE = MergeTree ORDER BY n");
    let statement = "SELECT number AS n, concat('a\\n;', toString(number)) AS name FROM numbers(50000) FORMAT Native";
    let native = store.post("", &[], statement.as_bytes());
    assert_eq!(native.status, 200, "{}", native.text());
    let inserted = store.post("query=INSERT+INTO+numbers+FORMAT+Native", &[], &native.body);
    assert_eq!(inserted.status, 200, "{}", inserted.text());
    assert!(inserted.head.contains("\"written_rows\":\"50000\""), "{}", inserted.head);
    let counts = "SELECT count(), sum(n), countIf(name = concat('a\\n;', toString(n))) FROM numbers";
    assert_eq!(store.ask(counts), "50000\t1249975000\t50000");

    let client = store.client();
    let mut blocks =
        client.query("SELECT n + 50000 AS n, concat('a\\n;', toString(n)) AS name FROM numbers").fetch_native().unwrap();
    let mut insert = client.insert_native("numbers");
    while let Some(block) = blocks.next().await.unwrap() {
        insert.write(&block).await.unwrap();
    }
    insert.end().await.unwrap();
    assert_eq!(store.ask(counts), "100000\t4999950000\t100000");
}

#[tokio::test]
async fn any_format_comes_back_by_the_official_crate() {
    let store = Store::new();
    for compression in [Compression::None, Compression::Lz4] {
        let client = store.client().with_compression(compression);
        for (format, expected) in
            [("TSVWithNames", "a\n1\n"), ("JSONEachRow", "{\"a\":1}\n"), ("CSV", "1\n"), ("RowBinary", "\u{1}")]
        {
            let bytes = client.query("SELECT 1 AS a").fetch_bytes(format).unwrap().collect().await.unwrap();
            assert_eq!(bytes, expected.as_bytes(), "{format}");
        }
        let awkward = "it's; a\ttab \\ and\nmore \u{e9}";
        let bound: String = client.query("SELECT ?").bind(awkward).fetch_one().await.unwrap();
        assert_eq!(bound, awkward);
        let named: String = client.query("SELECT {text:String}").param("text", awkward).fetch_one().await.unwrap();
        assert_eq!(named, awkward);
        let none: Option<u64> = client.query("SELECT number FROM numbers(0)").fetch_optional().await.unwrap();
        assert_eq!(none, None);
        let error = client.query("SELECT * FROM nowhere").fetch_one::<u8>().await.unwrap_err();
        assert!(error.to_string().contains("Code: 60."), "{error}");
    }
}

#[tokio::test]
async fn an_insert_that_the_official_crate_drops_leaves_nothing() {
    let store = Store::new();
    create_everything(&store);
    let mut insert = store.client().insert::<Everything>("everything").await.unwrap();
    for n in 0..ROWS {
        insert.write(&Everything::number(n)).await.unwrap();
    }
    drop(insert);
    assert_eq!(store.ask("SELECT count() FROM everything"), "0");
}

#[tokio::test]
async fn the_same_batch_with_the_same_token_lands_once_also_through_a_view() {
    let store = Store::new();
    store.ask(&format!(
        "CREATE TABLE everything ({COLUMNS}) ENGINE = MergeTree ORDER BY n SETTINGS non_replicated_deduplication_window = 100"
    ));
    store.ask("CREATE TABLE totals (n UInt64) ENGINE = MergeTree ORDER BY n SETTINGS non_replicated_deduplication_window = 100");
    store.ask("CREATE MATERIALIZED VIEW fold TO totals AS SELECT count() AS n FROM everything");
    let client = store
        .client()
        .with_setting("insert_deduplication_token", "one")
        .with_setting("deduplicate_blocks_in_dependent_materialized_views", "1");
    for _ in 0..4 {
        insert_everything(&client).await;
    }
    assert_eq!(store.ask("SELECT (SELECT count() FROM everything), (SELECT sum(n) FROM totals)"), format!("{ROWS}\t{ROWS}"));
}

/// Rows of one number; more than the engine puts into a block by itself, so that a cut leaves whole blocks before it.
fn numbers() -> Vec<u8> {
    (0..1_500_000u64).flat_map(u64::to_le_bytes).collect()
}

fn lz4(plain: &[u8]) -> Vec<u8> {
    let info = lz4_flex::frame::FrameInfo::new().content_checksum(true);
    let mut encoder = lz4_flex::frame::FrameEncoder::with_frame_info(info, Vec::new());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn zstd(plain: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

/// Blocks as ClickHouse makes them, made by the front itself.
fn blocks(store: &Store) -> Vec<u8> {
    store.post("compress=1", &[], b"SELECT number FROM numbers(1500000) FORMAT RowBinary").body
}

const INSERT: &str = "query=INSERT+INTO+numbers+FORMAT+RowBinary";

#[test]
fn every_compression_keeps_every_row() {
    let store = Store::new();
    let plain = numbers();
    let (first, second) = plain.split_at(1_000_000 * 8 + 3);
    for (encoding, body) in [
        ("lz4", [lz4(first), lz4(second)].concat()),
        ("gzip", [gzip(first), gzip(second)].concat()),
        ("zstd", [zstd(first), zstd(second)].concat()),
        ("identity", numbers()),
        ("blocks", blocks(&store)),
    ] {
        store.ask("CREATE OR REPLACE TABLE numbers (n UInt64) ENGINE = MergeTree ORDER BY n");
        let reply = match encoding {
            "blocks" => store.post(&format!("decompress=1&{INSERT}"), &[], &body),
            _ => store.post(INSERT, &[&format!("Content-Encoding: {encoding}")], &body),
        };
        assert_eq!(reply.status, 200, "{encoding}: {}", reply.text());
        assert_eq!(store.ask("SELECT count(), sum(n) FROM numbers"), "1500000\t1124999250000", "{encoding}");
    }
}

#[test]
fn a_cut_off_or_damaged_body_leaves_nothing() {
    let store = Store::new();
    store.ask("CREATE TABLE numbers (n UInt64) ENGINE = MergeTree ORDER BY n");
    for (encoding, body) in [
        ("lz4", lz4(&numbers())),
        ("gzip", gzip(&numbers())),
        ("zstd", zstd(&numbers())),
        ("blocks", blocks(&store)),
        ("identity", numbers()),
    ] {
        let send = |body: &[u8]| match encoding {
            "blocks" => store.post(&format!("decompress=1&{INSERT}"), &[], body),
            _ => store.post(INSERT, &[&format!("Content-Encoding: {encoding}")], body),
        };
        for keep in [body.len() - 1, body.len() - 5, body.len() / 8 * 7 + 3, body.len() / 2 + 1] {
            let reply = send(&body[..keep]);
            assert_ne!(reply.status, 200, "{encoding} cut at {keep} of {}", body.len());
            assert!(reply.text().starts_with("Code: "), "{encoding}: {}", reply.text());
        }
        let mut damaged = body.clone();
        damaged[body.len() / 3 * 2] ^= 0x40;
        // Plain bytes carry no checksum: there a flipped bit is another number.
        assert!(encoding == "identity" || send(&damaged).status != 200, "{encoding} damaged");
        assert_eq!(store.ask("SELECT count() FROM numbers"), "0", "{encoding}");
    }
}

#[test]
fn a_client_that_goes_away_in_the_middle_of_a_body_leaves_nothing() {
    let store = Store::new();
    store.ask("CREATE TABLE numbers (n UInt64) ENGINE = MergeTree ORDER BY n");
    let body = numbers();
    let head = format!("POST /?database=g&{INSERT} HTTP/1.1\r\nHost: x\r\n");
    let sized = format!("{head}Content-Length: {}\r\n\r\n", body.len());
    let chunked = format!("{head}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n", 8_000_000);
    for (start, rest) in [(sized, ""), (chunked, "\r\n")] {
        let mut socket = TcpStream::connect(store.process.url().strip_prefix("http://").unwrap()).unwrap();
        socket.write_all(&[start.as_bytes(), &body[..8_000_000], rest.as_bytes()].concat()).unwrap();
        socket.shutdown(Shutdown::Write).unwrap();
        let mut reply = Vec::new();
        socket.read_to_end(&mut reply).unwrap();
        assert!(!reply.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&reply));
        assert_eq!(store.ask("SELECT count() FROM numbers"), "0");
    }
}

#[test]
fn errors_come_back_as_clickhouse_sends_them() {
    let store = Store::new();
    store.ask("CREATE TABLE numbers (n UInt64) ENGINE = MergeTree ORDER BY n");
    for (query, statement, status, code) in [
        ("", "SELECT * FROM nowhere", 404, 60),
        ("", "SELEC 1", 400, 62),
        ("", "SELECT 1; SELECT 2", 400, 62),
        ("", "INSERT INTO numbers VALUES (1); SELECT 2", 400, 62),
        ("", "INSERT INTO numbers\n1", 400, 62),
        ("", "INSERT INTO nowhere FORMAT CSV\n1", 404, 60),
        ("", "INSERT INTO numbers FORMAT CSV\nx", 400, 117),
        ("no_such_setting=1", "SELECT 1", 404, 115),
        ("max_execution_time=0.1", "SELECT sleepEachRow(0.1) FROM numbers(50) SETTINGS max_block_size = 1", 408, 159),
        ("", "SELECT throwIf(1)", 500, 395),
        ("", "", 400, 62),
    ] {
        let reply = store.post(query, &[], statement.as_bytes());
        assert_eq!(reply.status, status, "{statement}: {}", reply.text());
        assert!(reply.text().starts_with(&format!("Code: {code}. DB::Exception: ")), "{statement}: {}", reply.text());
        assert!(reply.head.contains(&format!("x-clickhouse-exception-code: {code}")), "{statement}: {}", reply.head);
    }
    let unknown = Reply::of(
        store.exchange(b"POST /?database=nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 8\r\n\r\nSELECT 1"),
    );
    assert_eq!(unknown.status, 404);
    assert!(unknown.text().starts_with("Code: 81."), "{}", unknown.text());
    assert_eq!(store.ask("SELECT count() FROM numbers"), "0");
}

#[test]
fn answers_carry_the_headers_of_clickhouse() {
    let store = Store::new();
    let reply = store.post("query_id=mine&default_format=CSV&session_id=s&wait_end_of_query=1", &[], b"SELECT 1");
    assert_eq!(reply.text(), "1\n");
    for header in [
        "x-clickhouse-query-id: mine",
        "x-clickhouse-format: csv",
        "x-clickhouse-timezone: ",
        "x-clickhouse-server-display-name: ",
        "x-clickhouse-summary: {\"read_rows\":\"1\"",
    ] {
        assert!(reply.head.contains(header), "{header} is not in {}", reply.head);
    }
    let named =
        store.post("", &["X-ClickHouse-Format: JSONEachRow", "X-ClickHouse-User: x", "X-ClickHouse-Key: y"], b"SELECT 1 AS a");
    assert_eq!(named.text(), "{\"a\":1}\n");
}

#[test]
fn acknowledged_rows_survive_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store { process: start(folder.path()), _folder: tempfile::tempdir().unwrap() };
    store.done("", "CREATE DATABASE g");
    store.ask("CREATE TABLE numbers (n UInt64) ENGINE = MergeTree ORDER BY n");
    for part in 0..20 {
        store.ask(&format!("INSERT INTO numbers SELECT number + {part} * 1000 FROM numbers(1000)"));
    }
    assert_eq!(store.post(INSERT, &[], &numbers()).status, 200);
    store.process.kill().unwrap();
    store.process = start(folder.path());
    assert_eq!(store.ask("SELECT count(), sum(n) FROM numbers"), "1520000\t1125199240000");
    assert_eq!(store.ask("CHECK TABLE numbers SETTINGS check_query_single_value_result = 1"), "1");
}

#[test]
fn a_second_process_on_the_same_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let first = start(folder.path());
    let error = EmbeddedClickHouse::start(Path::new(env!("CARGO_BIN_EXE_grapevine")), folder.path()).unwrap_err();
    let StartError::Ended(said) = error else { panic!("{error}") };
    assert!(said.contains("another embedded ClickHouse is using it"), "{said}");
    drop(first);
    start(folder.path());
}

fn serving(folder: &Path) -> std::process::Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_grapevine"));
    command.args(["embedded-clickhouse", "--listen", "127.0.0.1:0", "--data"]).arg(folder);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn wait_until_ready(child: &mut std::process::Child) {
    let mut first = [0; 1];
    child.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
}

#[test]
fn the_process_ends_in_order_with_its_parent_and_on_sigterm() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = serving(folder.path());
    wait_until_ready(&mut child);
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());

    let mut child = serving(folder.path());
    wait_until_ready(&mut child);
    let sent = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_missing_library_is_named_with_the_command_that_installs_it() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_grapevine"))
        .args(["embedded-clickhouse", "--data"])
        .arg(folder.path())
        .env("GRAPEVINE_LIBCHDB", "/nowhere/libchdb.so")
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    assert!(said.contains("/nowhere/libchdb.so") && said.contains(".ci/setup libchdb"), "{said}");
}

#[tokio::test]
async fn eight_inserts_and_selects_at_once_keep_every_row() {
    let store = Store::new();
    create_everything(&store);
    let work = (0..8).map(|worker| {
        let client = store.client();
        async move {
            insert_everything(&client).await;
            let seen: u64 = client.query("SELECT count() FROM everything").fetch_one().await.unwrap();
            assert!(seen >= ROWS && seen.is_multiple_of(ROWS), "worker {worker} saw {seen} rows");
        }
    });
    futures::future::join_all(work).await;
    assert_eq!(store.ask("SELECT count(), uniqExact(n) FROM everything"), format!("{}\t{ROWS}", 8 * ROWS));
}

fn succeeded(output: Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn clickhouse_connect_reads_and_writes() {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = project.join("target/python-venv/bin/python");
    assert!(python.is_file(), "{} is missing: run .ci/setup python", python.display());
    let store = Store::new();
    let output = Command::new(python)
        .arg(project.join("tests/it/clickhouse_connect_client.py"))
        .arg(store.process.url())
        .output()
        .unwrap();
    assert_eq!(succeeded(output), "False ok\nlz4 ok\nzstd ok\ngzip ok\n");
}

#[test]
fn curl_reads_and_writes() {
    let store = Store::new();
    let url = store.process.url();
    let curl = |arguments: &[&str]| succeeded(Command::new("curl").arg("-sS").args(arguments).output().unwrap());
    assert_eq!(curl(&[&format!("{url}/ping")]), "Ok.\n");
    assert_eq!(curl(&[&format!("{url}/?query=SELECT%201%2B1")]), "2\n");
    assert_eq!(curl(&["-d", "CREATE TABLE g.n (n UInt8) ENGINE = MergeTree ORDER BY n", url]), "");
    assert_eq!(curl(&["-d", "1\n2\n", &format!("{url}/?query=INSERT%20INTO%20g.n%20FORMAT%20TSV")]), "");
    assert_eq!(curl(&["-d", "INSERT INTO g.n VALUES (3), (1 + 3)", url]), "");
    assert_eq!(curl(&["-u", "me:secret", "-d", "SELECT sum(n) FROM n", &format!("{url}/?database=g")]), "10\n");
    assert_eq!(curl(&["-F", "query=SELECT {a:UInt8} + 1", "-F", "param_a=1", url]), "2\n");
    let read_only = curl(&[&format!("{url}/?query=INSERT%20INTO%20g.n%20VALUES%20(9)")]);
    assert!(read_only.starts_with("Code: 164."), "{read_only}");
}
