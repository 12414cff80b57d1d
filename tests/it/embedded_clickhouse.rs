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
            seen: n % 2 == 0,
            kind: i8::try_from(n % 2).unwrap(),
            money: i128::from(n) * -1_000_001,
            rate: (n % 2 == 0).then_some(small),
            until: (n % 3 == 0).then_some(1),
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
