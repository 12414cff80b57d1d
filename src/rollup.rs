//! Answers: one run reads the rows, makes models of them and answers of the models, and publishes all of it at once.
//!
//! Rows are the worker's and change under a run; so a run notes first how far every source is, and takes no fact beyond it. Models
//! are tables of the run, with its number in their names, in the database of rows, where readers have no grant: two runs cannot
//! meet. What makes readers see a run is its row in `run`, written last: one that is killed anywhere leaves nothing that is
//! read, and later ones clear it away.
//!
//! `deploy/clickhouse/models` and `deploy/clickhouse/answers` hold the questions, one SELECT a file.

mod attribution;
mod experiments;
mod frame;
mod keep;
mod list;
mod read;
mod response;
mod returns;
mod scope;
mod store;
mod text;

use std::collections::BTreeMap;

use ::clickhouse::Client;
use tokio::time::Instant;

use crate::attribution::Rule;
use crate::failure::Failure;

pub use list::{ANSWERS, Answer, MODELS, Made, Model};
pub(crate) use text::quoted;

use frame::Frame;
use store::Store;

/// What a statement of a run may take of the server's memory, in bytes, unless somebody says otherwise: 4 GiB.
pub const MEMORY: u64 = 4 << 30;

/// The rule of credit by which answers go that name none.
const RULE: Rule = Rule::Last;

/// Its look-back in days.
const LOOKBACK: u16 = 30;

/// What a run is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// How many bytes of the server's memory a statement may take.
    pub memory: u64,
    /// Whether it makes `credit_by_rule`, too.
    pub credit_by_rule: bool,
}

impl Default for Request {
    fn default() -> Self {
        Request { memory: MEMORY, credit_by_rule: false }
    }
}

/// How often a run begins again because a dimension changed under it.
const BEGINNINGS: usize = 3;

/// A run that was published.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Its number: unix milliseconds of the server when it began, or one more than the last run's.
    pub number: u64,
    /// How long it took.
    pub seconds: f64,
    /// Rows of each answer.
    pub rows: BTreeMap<&'static str, u64>,
}

/// Makes all answers anew and publishes them.
///
/// # Errors
/// When the store refuses something, or a dimension was changed again and again meanwhile. Nothing of the run is read then.
pub async fn run(client: &Client, request: Request) -> Result<Run, Failure> {
    let store = Store::open(client, request.memory).await?;
    let began = Instant::now();
    for _ in 0..BEGINNINGS {
        let frame = Frame::begin(&store, request).await?;
        let mut made = attempt(&store, &frame, request, began).await;
        if let Ok(Some(run)) = &made
            && let Err(failure) = frame.publish(&store, run).await
            // Only the answer may be lost. Where nobody can say, everything stays: it may be read.
            && !frame.is_published(&store).await?
        {
            made = Err(failure);
        }
        let Ok(Some(run)) = made else {
            let cleared = keep::clear(&store, frame.number).await;
            // What stopped the run matters more than what it left.
            made?;
            cleared?;
            continue;
        };
        keep::drop_models(&store, frame.number).await?;
        keep::forget_old(&store, &run).await?;
        return Ok(run);
    }
    Err(Failure::Transient(format!(
        "the dimension tables or the active epochs were changed while a run read them, {BEGINNINGS} times in a row; run it again when they \
         are loaded"
    )))
}

/// One beginning of a run, up to its publication; nothing if what it read changed meanwhile.
async fn attempt(store: &Store, frame: &Frame, request: Request, began: Instant) -> Result<Option<Run>, Failure> {
    for Model { name, made, .. } in MODELS.iter().filter(|model| frame.scope.is_read(model.name)) {
        match made {
            Made::Select(text) => {
                let doing = format!("could not make {name}");
                // The table, then its rows, so that what is there when one of them fails is known by name.
                store.run(&doing, &frame.make_table(name, text)).await?;
                if frame.scope.is_filled(name) {
                    store.run(&doing, &frame.fill_table(store, name, text)).await?;
                }
            }
            Made::Attribution => attribution::make(store, frame, request).await?,
            Made::With(_) => {}
            Made::Returns => returns::make(store, frame).await?,
            Made::Response => response::make(store, frame, name).await?,
            Made::Experiments => experiments::make(store, frame, name).await?,
        }
    }
    let rows = keep::keep_answers(store, frame).await?;
    if frame.dimensions != frame::dimensions(store).await? {
        return Ok(None);
    }
    Ok(Some(Run { number: frame.number, seconds: began.elapsed().as_secs_f64(), rows }))
}
