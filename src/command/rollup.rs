//! `grapevine rollup`: makes all answers anew and publishes them, once or again and again.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use tracing::{info, warn};

use super::database::Database;
use super::outcome::{CommandError, say};
use super::run::asked_to_stop;
use super::table::Table;
use crate::config;
use crate::failure::Failure;
use crate::rollup::{self, MEMORY, Request, Run};

/// How many times as long as a run takes lies between the beginnings of two: a twentieth of a core at most.
const REST: u32 = 20;

/// How often.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Arguments {
    /// Go on until SIGTERM or SIGINT, with a run every so often (15m, 1h), but never more than a twentieth of the time;
    /// a run that fails is tried again when the next one is due
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub every: Option<Duration>,
    /// How much of the server's memory a statement may take, in GiB; millions of windows need more
    #[arg(long, value_name = "GIB", default_value_t = MEMORY >> 30, value_parser = clap::value_parser!(u64).range(1..=1024))]
    pub memory: u64,
    /// Make `credit_by_rule`, too: what each touch is credited with under each of fifteen rules, a row each. Sums by side and channel are
    /// in `roi_by_rule` anyway
    #[arg(long)]
    pub credit_by_rule: bool,
}

impl Arguments {
    fn request(self) -> Request {
        Request { memory: self.memory << 30, credit_by_rule: self.credit_by_rule }
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    let every = humantime::parse_duration(text).map_err(|error| format!("{text} is no duration: {error}; write it like 15m"))?;
    if every.is_zero() { Err("write how often, like 15m".to_owned()) } else { Ok(every) }
}

/// Makes the answers.
///
/// # Errors
/// When the store cannot be used; without `every` also when the run failed.
pub async fn run(config: &config::ClickHouse, arguments: Arguments) -> Result<(), CommandError> {
    let stop = asked_to_stop();
    let database = Database::open(config).await?;
    let Some(every) = arguments.every else {
        let made = rollup::run(database.client(), arguments.request()).await;
        return say(&table(&made.map_err(failed)?));
    };
    tokio::select! {
        signal = stop => info!(signal, "asked to stop; what a run has left goes with a later one"),
        () = again_and_again(config, database, every, arguments.request()) => {}
    }
    Ok(())
}

async fn again_and_again(config: &config::ClickHouse, mut database: Database, every: Duration, request: Request) {
    loop {
        let began = Instant::now();
        match rollup::run(database.client(), request).await {
            Ok(Run { number, seconds, rows }) => {
                info!(run = number, seconds, rows = rows.values().sum::<u64>(), "answers published")
            }
            Err(error) => {
                warn!(%error, "no answers were made; the last ones stand");
                // Perhaps at another address.
                if let Ok(again) = Database::open(config).await {
                    database = again;
                }
            }
        }
        sleep_until(began + every.max(began.elapsed() * REST)).await;
    }
}

fn failed(error: Failure) -> CommandError {
    CommandError::Store("no answers were made".to_owned(), error)
}

fn table(run: &Run) -> String {
    let mut table = Table::new(["answer", "rows"]);
    for (answer, rows) in &run.rows {
        table.row([(*answer).to_owned(), rows.to_string()]);
    }
    format!("{}run {} published after {:.1} s\n", table.text(), run.number, run.seconds)
}
