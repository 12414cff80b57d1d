//! Rows that a command writes: the same ones are sent again for a while before it gives up.

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
    let mut attempt = 0;
    loop {
        match sink.insert(rows, command).await {
            Err(Failure::Transient(_)) if attempt + 1 < ATTEMPTS => tokio::time::sleep(BACKOFF.delay(attempt, 0)).await,
            done => return done,
        }
        attempt += 1;
    }
}
