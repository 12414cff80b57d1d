//! What a command asks of the store, or writes there: the same is tried again for a while before it gives up.

use std::time::Duration;

use crate::backoff::Backoff;
use crate::clickhouse::ClickHouseSink;
use crate::failure::Failure;
use crate::row::Rows;
use crate::worker::Sink as _;

const ATTEMPTS: u32 = 8;
const BACKOFF: Backoff = Backoff { min: Duration::from_millis(200), max: Duration::from_secs(10) };

/// Inserts rows for a command.
///
/// # Errors
/// When somebody must act, or the store has refused them for the last time.
pub(crate) async fn send(sink: &ClickHouseSink, rows: &Rows, command: &str) -> Result<(), Failure> {
    insist(async || sink.insert(rows, command).await).await
}

/// Tries something again for as long as its failure may pass by itself.
///
/// # Errors
/// When somebody must act, or it has failed for the last time.
pub(crate) async fn insist<T>(attempt: impl AsyncFn() -> Result<T, Failure>) -> Result<T, Failure> {
    let mut failures = 0;
    loop {
        match attempt().await {
            Err(Failure::Transient(_)) if failures + 1 < ATTEMPTS => tokio::time::sleep(BACKOFF.delay(failures, 0)).await,
            done => return done,
        }
        failures += 1;
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use axum::Router;
    use axum::body::Bytes;
    use tokio::net::TcpListener;

    use super::*;
    use crate::config::Config;

    #[tokio::test(start_paused = true)]
    async fn what_may_pass_is_tried_again_for_a_while_and_what_does_not_is_said_at_once() {
        let tried = Cell::new(0);
        let fails = async |failure: Failure| {
            tried.set(0);
            let attempt = async || {
                tried.set(tried.get() + 1);
                Err::<(), _>(failure.clone())
            };
            assert_eq!(insist(attempt).await, Err(failure.clone()));
            tried.get()
        };
        assert_eq!(fails(Failure::Transient("later".to_owned())).await, ATTEMPTS);
        assert_eq!(fails(Failure::Operator("never".to_owned())).await, 1);
    }

    /// Answers two questions: for settings, of which it knows none, and for clicks, of which it has one.
    async fn answer(question: Bytes) -> &'static [u8] {
        let is_for_clicks = String::from_utf8_lossy(&question).contains("FROM click");
        if is_for_clicks {
            b"\x02\x02id\x0cmax(version)\x06String\x06UInt64\x01a\x07\0\0\0\0\0\0\0"
        } else {
            b"\x01\x04name\x06String"
        }
    }

    #[tokio::test]
    async fn what_nobody_answers_at_one_address_is_asked_again_at_the_next() {
        let (closed, open) = (TcpListener::bind("127.0.0.1:0").await.unwrap(), TcpListener::bind("127.0.0.1:0").await.unwrap());
        let mut config = Config::load_without_key(None, std::iter::empty()).unwrap().clickhouse;
        config.urls = [&closed, &open].map(|listener| format!("http://{}", listener.local_addr().unwrap())).to_vec();
        drop(closed);
        tokio::spawn(axum::serve(open, Router::new().fallback(answer)).into_future());
        let sink = ClickHouseSink::new(&config, 1 << 20, 0, || 0);
        let there = insist(async || sink.clicks_there("t/0", &["a", "b"]).await).await;
        assert_eq!(there, Ok(vec![("a".to_owned(), 7)]));
    }
}
