//! What a run is about: its number, how far the data reach, and what the dimensions were.

use std::hash::Hasher;

use serde::Deserialize;
use siphasher::sip::SipHasher13;

use super::list::{Answer, texts};
use super::scope::Scope;
use super::store::Store;
use super::text::{Places, order, quoted};
use super::{Request, Run};
use crate::answers;
use crate::failure::Failure;
use crate::record::{Millis, Offset};

/// Tables that operators load, and which epochs are read: what a run must find unchanged at its end. Who a visitor is
/// (`identity`) is learned all day: what sales and touches need of it is the model `person`.
const DIMENSIONS: [&str; 10] =
    ["active_epoch", "actor", "brand", "calendar", "campaign", "fx", "labour_rate", "media_price", "place", "utm_side"];

/// Tables of facts: versioned by the largest UInt64 less the offset.
const FACTS: [&str; 6] = ["assignment", "click", "conversion", "cost", "report", "visit"];

/// ClickHouse's code for a table that is there already.
const TABLE_ALREADY_EXISTS: &str = "Code: 57.";

/// How a table of a run is stored: read a few times within minutes and dropped, so to merge its parts would be work for nothing.
const UNMERGED: &str = "SETTINGS max_bytes_to_merge_at_max_space_in_pool = 1, max_bytes_to_merge_at_min_space_in_pool = 1";

/// A run that has begun.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) number: u64,
    /// A check value of what operators had loaded.
    pub(super) dimensions: u64,
    /// Nothing if no source has reported.
    pub(super) as_of: Option<Millis>,
    /// What there is to make.
    pub(super) scope: Scope,
    sources: Vec<Reach>,
}

/// How far a source was.
#[derive(Clone, Debug, ::clickhouse::Row, Deserialize)]
struct Reach {
    source: String,
    next: Offset,
    log_end: Offset,
    watermark: Millis,
}

impl Frame {
    /// Takes a number, and notes how far every source is.
    pub(super) async fn begin(store: &Store, request: Request) -> Result<Frame, Failure> {
        let number = take_number(store).await?;
        let dimensions = dimensions(store).await?;
        let sources = "SELECT source, next, log_end, toUnixTimestamp64Milli(s.watermark) AS watermark FROM sources AS s";
        let sources: Vec<Reach> = store.all("could not ask how far the sources are", sources).await?;
        // Facts lay there before a source said that it was so far; this server may still be copying them.
        store.catch_up().await?;
        let scope = Scope::of(store, request).await?;
        Ok(Frame { number, dimensions, as_of: as_of(&sources), scope, sources })
    }

    /// The statement that makes a table of the run.
    pub(super) fn make_table(&self, name: &str, text: &str) -> String {
        let (table, order, select) = (self.model_table(name), order(text), self.fill(text));
        format!("CREATE TABLE {table} ENGINE = MergeTree ORDER BY ({order}) {UNMERGED} EMPTY AS\n{select}")
    }

    /// The statement that puts its rows there.
    pub(super) fn fill_table(&self, store: &Store, name: &str, text: &str) -> String {
        format!("INSERT INTO {} SELECT * FROM (\n{})\n{}", self.model_table(name), self.fill(text), self.facts(store))
    }

    /// The statement that makes a table of the run with the columns of the answer of the same name.
    pub(super) fn make_like_answer(&self, name: &str) -> String {
        let table = self.model_table(name);
        format!(
            "CREATE TABLE {table} ENGINE = MergeTree ORDER BY () {UNMERGED} EMPTY AS SELECT * EXCEPT (run, as_of) FROM {name}_run"
        )
    }

    /// The statement that makes a table of the run with these columns.
    pub(super) fn make_with_columns(&self, name: &str, columns: &str) -> String {
        format!("CREATE TABLE {} ({columns}) ENGINE = MergeTree ORDER BY () {UNMERGED}", self.model_table(name))
    }

    /// The statement that makes an answer where it is kept, column by column of the same name.
    pub(super) fn keep_answer(&self, store: &Store, answer: &Answer, columns: &str) -> String {
        let (table, number, as_of) = (answer.table(), self.number, self.as_of_or_null());
        let (made, facts) = answer.select.map_or_else(
            || (self.model_table(answer.name), String::new()),
            |text| (format!("(\n{})\n", self.fill(text)), self.facts(store)),
        );
        format!("INSERT INTO {table} (run, as_of, {columns}) SELECT toUInt64({number}), {as_of}, {columns} FROM {made}{facts}")
    }

    /// Writes the row that makes the run one that is read.
    pub(super) async fn publish(&self, store: &Store, run: &Run) -> Result<(), Failure> {
        let map = |entries: Vec<(String, u64)>| {
            let (names, values): (Vec<_>, Vec<_>) = entries.iter().map(|(name, value)| (quoted(name), value.to_string())).unzip();
            format!("CAST(([{}], [{}]) AS Map(String, UInt64))", names.join(", "), values.join(", "))
        };
        let publish = format!(
            "INSERT INTO run SELECT toUInt64({number}), now64(3), {seconds}, {program}, {as_of}, {next}, toUInt64({definitions}), \
                toUInt64({dimensions}), {rows}",
            number = self.number,
            seconds = run.seconds,
            program = quoted(env!("CARGO_PKG_VERSION")),
            as_of = self.as_of_or_null(),
            next = map(self.sources.iter().map(|reach| (reach.source.clone(), reach.next)).collect()),
            definitions = definitions(),
            dimensions = self.dimensions,
            rows = map(run.rows.iter().map(|(name, rows)| ((*name).to_owned(), *rows)).collect()),
        );
        store.run("could not publish the run", &publish).await
    }

    /// Whether readers see the run.
    pub(super) async fn is_published(&self, store: &Store) -> Result<bool, Failure> {
        let rows = format!("SELECT count() FROM run WHERE run = {}", self.number);
        Ok(store.one::<u64>("could not ask whether the run is published", &rows).await? > 0)
    }

    /// A setting under which tables of facts hold those of the run and no others, whatever views read them. Written out: in a
    /// filter of this kind, a subquery lets everything pass.
    fn facts(&self, store: &Store) -> String {
        let list = |of: &dyn Fn(&Reach) -> String| self.sources.iter().map(of).collect::<Vec<_>>().join(", ");
        let cut = format!(
            "18446744073709551615 - version < transform(source, [{}], [{}], toUInt64(0))",
            list(&|reach| quoted(&reach.source)),
            list(&|reach| reach.next.to_string()),
        );
        let each = FACTS.map(|table| format!("{}: {}", quoted(&format!("{}.{table}", store.facts)), quoted(&cut)));
        format!("SETTINGS additional_table_filters = {{{}}}", each.join(", "))
    }

    fn fill(&self, text: &str) -> String {
        let as_of = time(self.as_of.unwrap_or_default());
        Places { as_of: &as_of, models: &|name| self.model_table(name) }.fill(text)
    }

    fn as_of_or_null(&self) -> String {
        self.as_of.map_or_else(|| "NULL".to_owned(), time)
    }

    /// The table of a model.
    pub(super) fn model_table(&self, model: &str) -> String {
        model_name(self.number, model)
    }
}

fn time(millis: Millis) -> String {
    format!("fromUnixTimestamp64Milli(toInt64({millis}), 'UTC')")
}

/// The name of a run's model.
pub(super) fn model_name(run: u64, model: &str) -> String {
    format!("model_{run}_{model}")
}

/// How far the data reach: as far as the source that is least far of those that have more to read. Those that have not are
/// complete to any time, and of them the newest says how far time is.
fn as_of(sources: &[Reach]) -> Option<Millis> {
    let known = || sources.iter().filter(|reach| reach.watermark > 0);
    let behind = known().filter(|reach| reach.next < reach.log_end).map(|reach| reach.watermark).min();
    behind.or_else(|| known().map(|reach| reach.watermark).max())
}

/// Takes the number of the server's present moment, or a later one: greater than every run's, and nobody else's.
async fn take_number(store: &Store) -> Result<u64, Failure> {
    let doing = "could not begin a run";
    let wanted = "SELECT greatest(toUInt64(toUnixTimestamp64Milli(now64(3))), ifNull((SELECT max(run) FROM run), 0) + 1)";
    let mut number: u64 = store.one(doing, wanted).await?;
    loop {
        let take = format!("CREATE TABLE {} (taken Bool) ENGINE = MergeTree ORDER BY ()", model_name(number, "number"));
        match store.run(doing, &take).await {
            Err(error) if error.to_string().contains(TABLE_ALREADY_EXISTS) => number += 1,
            taken => return taken.map(|()| number),
        }
    }
}

/// A check value of everything that operators load: it changes when a row does.
pub(super) async fn dimensions(store: &Store) -> Result<u64, Failure> {
    // A hash of values is NULL if one of them is; of a tuple it is not.
    let each =
        DIMENSIONS.map(|table| format!("SELECT cityHash64('{table}', sum(cityHash64(tuple(*)))) AS value FROM {table} FINAL"));
    store.one("could not read the dimension tables", &format!("SELECT sum(value) FROM ({})", each.join(" UNION ALL "))).await
}

/// A check value of what this program's models and answers mean.
fn definitions() -> u64 {
    let mut hasher = SipHasher13::new();
    texts().for_each(|(_, text)| hasher.write(text.as_bytes()));
    hasher.write_u32(answers::REVISION);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(name: &str, next: Offset, log_end: Offset, watermark: Millis) -> Reach {
        Reach { source: name.to_owned(), next, log_end, watermark }
    }

    #[test]
    fn data_reach_as_far_as_the_source_that_is_least_far_of_those_with_something_to_read() {
        assert_eq!(as_of(&[]), None);
        assert_eq!(as_of(&[source("a", 0, 0, 0)]), None);
        assert_eq!(as_of(&[source("a", 5, 5, 70), source("b", 9, 9, 90)]), Some(90), "one is at rest");
        assert_eq!(as_of(&[source("a", 5, 6, 70), source("b", 9, 9, 90), source("c", 1, 2, 80)]), Some(70));
        assert_eq!(as_of(&[source("a", 0, 6, 0), source("b", 9, 9, 90)]), Some(90), "nothing of it was dated yet");
    }
}
