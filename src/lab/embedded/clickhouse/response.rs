//! Writes answers and errors as ClickHouse's HTTP interface does.

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, Response, StatusCode};

use super::compression;
use super::failure::Failure;
use crate::embedded::chdb::Answer;

/// What the front says of itself in every answer.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    /// The engine's time zone.
    pub(super) timezone: String,
    /// The engine's version.
    pub(super) version: String,
}

/// A finished statement on its way to the client.
pub(super) struct Finished {
    pub(super) answer: Answer,
    /// The format of the bytes.
    pub(super) format: String,
    pub(super) compress: bool,
}

/// Builds the response of a statement, finished or failed.
pub(super) fn build(identity: &Identity, query_id: &str, outcome: Result<Finished, Failure>) -> Response<Body> {
    let mut response = match outcome {
        Ok(finished) => success(finished),
        Err(failure) => error(identity, &failure),
    };
    let mut set = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(name, value);
        }
    };
    set("x-clickhouse-query-id", query_id);
    set("x-clickhouse-timezone", &identity.timezone);
    set("x-clickhouse-server-display-name", "grapevine-embedded");
    response
}

fn success(finished: Finished) -> Response<Body> {
    let Finished { answer, format, compress } = finished;
    let summary = summary(&answer);
    let bytes = if compress { Bytes::from(compression::encode_blocks(answer.as_ref())) } else { Bytes::from_owner(answer) };
    let mut response = Response::new(Body::from(bytes));
    let mut set = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(name, value);
        }
    };
    set("content-type", content_type(&format));
    set("x-clickhouse-format", &format);
    set("x-clickhouse-summary", &summary);
    response
}

fn error(identity: &Identity, failure: &Failure) -> Response<Body> {
    let version = format!(" (version {})", identity.version);
    let text = failure.text.trim_end();
    // The engine adds its version to some errors only, a server to all.
    let text = format!("{}{version}\n", text.strip_suffix(&version).unwrap_or(text));
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = failure.status();
    response.headers_mut().insert("content-type", HeaderValue::from_static("text/plain; charset=UTF-8"));
    response.headers_mut().insert("x-clickhouse-exception-code", HeaderValue::from(failure.code));
    response
}

/// A short text, such as the answer to `/ping`.
pub(super) fn plain(status: StatusCode, text: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert("content-type", HeaderValue::from_static("text/html; charset=UTF-8"));
    response
}

fn summary(answer: &Answer) -> String {
    let ((read_rows, read_bytes), (written_rows, written_bytes)) = (answer.read, answer.written);
    let (result_rows, result_bytes) = answer.result_size;
    let elapsed_ns = std::time::Duration::try_from_secs_f64(answer.elapsed_seconds).unwrap_or_default().as_nanos();
    format!(
        "{{\"read_rows\":\"{read_rows}\",\"read_bytes\":\"{read_bytes}\",\"written_rows\":\"{written_rows}\",\
         \"written_bytes\":\"{written_bytes}\",\"total_rows_to_read\":\"{read_rows}\",\"result_rows\":\"{result_rows}\",\
         \"result_bytes\":\"{result_bytes}\",\"elapsed_ns\":\"{elapsed_ns}\"}}"
    )
}

fn content_type(format: &str) -> &'static str {
    match format {
        "JSONEachRow" | "JSONCompactEachRow" | "JSONStringsEachRow" | "JSONLines" | "NDJSON" => {
            "application/x-ndjson; charset=UTF-8"
        }
        format if format.starts_with("JSON") => "application/json; charset=UTF-8",
        format if format.starts_with("CSV") => "text/csv; charset=UTF-8; header=absent",
        format if format.starts_with("TSV") || format.starts_with("TabSeparated") => "text/tab-separated-values; charset=UTF-8",
        "Native" | "Parquet" | "Arrow" | "ArrowStream" | "ORC" | "Avro" => "application/octet-stream",
        format if format.starts_with("RowBinary") => "application/octet-stream",
        _ => "text/plain; charset=UTF-8",
    }
}
