//! The embedded ClickHouse: libchdb behind ClickHouse's HTTP interface, in a process of its own.
//!
//! [`serve`] is that process, [`EmbeddedClickHouse`] the handle that its parent holds. A trial and development
//! convenience for one machine: it listens where it is told, takes every user and password, and keeps no sessions (a
//! temporary table lives as long as one request). A body and an answer are held in memory whole: a request is run only
//! when its body has arrived to the last byte and is sound, so a cut-off or damaged insert leaves nothing behind.

mod compression;
mod failure;
mod process;
mod request;
mod response;
mod statement;

use std::fs::{self, File, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request as HttpRequest, State};
use axum::http::{Method, Response, StatusCode};
use axum::routing::{any, get};
use futures::StreamExt;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use self::failure::Failure;
use self::request::Request;
use self::response::{Finished, Identity};
use self::statement::Statement;
use crate::embedded::chdb::{self, Answer, Connection, Engine, EngineError, OpenError};

pub use self::process::{EmbeddedClickHouse, StartError};

/// The largest body, as sent and as unpacked. An insert of the worker is below 100 MB.
const BODY_BYTES_MAX: usize = 512 << 20;

/// Requests that run at once; the others wait. Bounds threads, and with [`BODY_BYTES_MAX`] memory.
const RUNNING_MAX: usize = 32;

/// How long a shutdown waits for requests that are running.
const DRAIN: Duration = Duration::from_secs(3);

/// The line on standard output that says where the front listens starts so.
const READY: &str = "ready ";

/// Larger than any body that fits: the rows of one insert stay one block, which lands whole or not at all.
const WHOLE: [(&str, &str); 4] = [
    ("max_insert_block_size", "1099511627776"),
    ("min_insert_block_size_rows", "1099511627776"),
    ("min_insert_block_size_bytes", "1099511627776"),
    ("input_format_parallel_parsing", "0"),
];

/// Why the embedded ClickHouse could not run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The data folder cannot be made or read.
    #[error("could not use the data folder {}", .0.display())]
    Folder(PathBuf, #[source] io::Error),
    /// Another process has the data folder.
    #[error("could not open the data folder {}: another embedded ClickHouse is using it", .0.display())]
    InUse(PathBuf),
    /// The engine did not come up.
    #[error("could not start the engine")]
    Open(#[from] OpenError),
    /// The engine came up and does not answer.
    #[error("the engine does not answer")]
    Engine(#[from] EngineError),
    /// The address cannot be listened on.
    #[error("could not listen on {0}")]
    Listen(SocketAddr, #[source] io::Error),
    /// The runtime, a signal handler or standard output failed.
    #[error("could not serve")]
    Io(#[from] io::Error),
}

/// Serves the database in `data` at `address` until standard input ends, or SIGTERM or SIGINT arrives.
///
/// Prints one line, `ready http://ADDRESS`, when it accepts requests. `data` is made when it is not there. Port 0 takes a free one.
///
/// # Errors
///
/// When the folder, the library or the address cannot be used.
pub fn serve(data: &Path, address: SocketAddr) -> Result<(), ServeError> {
    let library = chdb::find_library()?;
    let lock = lock(data)?;
    let engine = Engine::open(&library, &data.join("clickhouse"))?;
    let identity = identify(&engine)?;
    let front = Arc::new(Front { engine, identity, requests: AtomicU64::new(0) });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(RUNNING_MAX)
        .build()
        .map_err(ServeError::Io)?;
    let outcome = runtime.block_on(listen(Arc::clone(&front), address));
    runtime.shutdown_timeout(DRAIN);
    // The engine closes its files here, unless a request is still running; then the next start repairs them.
    drop(front);
    drop(lock);
    outcome
}

/// The engine's own lock file is left behind by a crash; this one is not.
fn lock(data: &Path) -> Result<File, ServeError> {
    let folder = |error| ServeError::Folder(data.to_owned(), error);
    fs::create_dir_all(data).map_err(folder)?;
    let file = File::create(data.join("lock")).map_err(folder)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(ServeError::InUse(data.to_owned())),
        Err(TryLockError::Error(error)) => Err(folder(error)),
    }
}

fn identify(engine: &Engine) -> Result<Identity, EngineError> {
    let mut connection = engine.connect()?;
    let mut ask = |statement: &[u8]| -> Result<String, EngineError> {
        let answer = connection.query(statement, "TSVRaw", &[])?;
        Ok(String::from_utf8_lossy(answer.as_ref()).trim_end().to_owned())
    };
    Ok(Identity { timezone: ask(b"SELECT timezone()")?, version: ask(b"SELECT version()")? })
}

async fn listen(front: Arc<Front>, address: SocketAddr) -> Result<(), ServeError> {
    let listener = TcpListener::bind(address).await.map_err(|error| ServeError::Listen(address, error))?;
    let router = Router::new()
        .route("/", any(statement_request))
        .route("/ping", get(async || response::plain(StatusCode::OK, "Ok.\n")))
        .route("/replicas_status", get(async || response::plain(StatusCode::OK, "Ok.\n")))
        .fallback(async || response::plain(StatusCode::NOT_FOUND, "There is no such handle. Statements go to /.\n"))
        .with_state(front);
    let stop = stop_requested()?;
    let mut output = io::stdout().lock();
    writeln!(output, "{READY}http://{}", listener.local_addr()?)?;
    output.flush()?;
    drop(output);
    let (draining, drained) = tokio::sync::oneshot::channel();
    let shutdown = async move {
        stop.await;
        // The receiver is gone only when the server is.
        draining.send(()).ok();
    };
    let server = std::future::IntoFuture::into_future(axum::serve(listener, router).with_graceful_shutdown(shutdown));
    let deadline = async {
        if drained.await.is_ok() {
            tokio::time::sleep(DRAIN).await;
        }
    };
    tokio::select! {
        served = server => served.map_err(ServeError::Io),
        () = deadline => Ok(()),
    }
}

/// Resolves when the process has to end. The end of standard input means that the parent is gone, however it went.
fn stop_requested() -> Result<impl Future<Output = ()>, io::Error> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let (ended, input_ended) = tokio::sync::oneshot::channel();
    std::thread::Builder::new().name("stdin".to_owned()).spawn(move || {
        let mut input = io::stdin().lock();
        while matches!(input.read(&mut [0; 64]), Ok(1..)) {}
        // Nobody listens any more when a signal came first.
        ended.send(()).ok();
    })?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = input_ended => {}
        }
    })
}

struct Front {
    engine: Engine,
    identity: Identity,
    /// Requests so far; makes query ids.
    requests: AtomicU64,
}

async fn statement_request(State(front): State<Arc<Front>>, http: HttpRequest) -> Response<Body> {
    let (head, body) = http.into_parts();
    let query = head.uri.query().unwrap_or_default();
    let body = match receive(body).await {
        Ok(body) => body,
        Err(failure) => return response::build(&front.identity, "", Err(failure)),
    };
    if body.is_empty() && query.is_empty() && head.method == Method::GET {
        return response::plain(StatusCode::OK, "Ok.\n");
    }
    let query = query.to_owned();
    let run = move || {
        let number = front.requests.fetch_add(1, Ordering::Relaxed);
        let request = Request::read(&head.method, &query, &head.headers, body, BODY_BYTES_MAX);
        let given = request.as_ref().ok().and_then(|request| request.query_id.clone());
        let query_id = given.unwrap_or_else(|| format!("{}-{number}", std::process::id()));
        let outcome = request.and_then(|request| execute(&front.engine, &request));
        response::build(&front.identity, &query_id, outcome)
    };
    match tokio::task::spawn_blocking(run).await {
        Ok(response) => response,
        Err(_) => {
            response::plain(StatusCode::INTERNAL_SERVER_ERROR, "Code: 49. DB::Exception: a request failed. (LOGICAL_ERROR)\n")
        }
    }
}

/// Receives a body to its last byte. A client that goes away or cuts it short leaves an error here and nothing else.
async fn receive(body: Body) -> Result<Vec<u8>, Failure> {
    let mut received = Vec::new();
    let mut pieces = body.into_data_stream();
    while let Some(piece) = pieces.next().await {
        let piece =
            piece.map_err(|error| Failure::truncated(format_args!("Cannot read all data: the body broke off: {error}")))?;
        if received.len() + piece.len() > BODY_BYTES_MAX {
            return Err(compression::too_large(BODY_BYTES_MAX));
        }
        received.extend_from_slice(&piece);
    }
    Ok(received)
}

/// Runs a request on a connection of its own, so that its settings and its database end with it.
fn execute(engine: &Engine, request: &Request) -> Result<Finished, Failure> {
    let mut connection = engine.connect()?;
    let statement = statement::split(&request.text)?;
    prepare(&mut connection, request, matches!(statement, Statement::Insert { .. }))?;
    let default = request.format.as_deref().unwrap_or("TabSeparated");
    let parameters = &request.parameters;
    let (answer, format): (Answer, &str) = match statement {
        Statement::Query { text, format } => (connection.query(text, default, parameters)?, format.unwrap_or(default)),
        Statement::Insert { text, format, data } => (connection.insert(text, format, parameters, data)?, default),
        Statement::Empty => return Err(Failure::syntax("Syntax error: Empty query")),
    };
    Ok(Finished { answer, format: format.to_owned(), compress: request.compress })
}

fn prepare(connection: &mut Connection, request: &Request, insert: bool) -> Result<(), Failure> {
    if let Some(database) = request.database.as_deref().filter(|database| !database.is_empty()) {
        run(connection, &format!("USE {}", quote(database, '`')))?;
    }
    let whole = WHOLE.iter().filter(|_| insert).copied();
    let given = request.settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let mut assignments = Vec::new();
    for (name, value) in whole.chain(given) {
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return Err(Failure::new(115, "UNKNOWN_SETTING", format_args!("Unknown setting {}", quote(name, '\''))));
        }
        assignments.push(format!("{name} = {}", quote(value, '\'')));
    }
    if assignments.is_empty() { Ok(()) } else { run(connection, &format!("SET {}", assignments.join(", "))) }
}

fn run(connection: &mut Connection, statement: &str) -> Result<(), Failure> {
    connection.query(statement.as_bytes(), "Null", &[])?;
    Ok(())
}

fn quote(text: &str, mark: char) -> String {
    let mut quoted = String::from(mark);
    for character in text.chars() {
        if character == mark || character == '\\' {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted.push(mark);
    quoted
}
