//! One source is rewritten: records first, then lives, then what says that they are there.

use std::collections::BTreeSet;

use indicatif::{ProgressBar, ProgressStyle};

use super::{Parts, Plan, Source};
use crate::command::outcome::CommandError;
use crate::command::sending::send;
use crate::engine::{Batch, Engine};
use crate::event;
use crate::failure::Failure;
use crate::loss::{Loss, LostLives, OF_RECORDS};
use crate::row::Progress;
use crate::worker::{Append, Appended, Promise, Sink as _};

/// Ids in one question: its parameters must fit into a request.
const IDS_MAX: usize = 256;

impl Parts<'_> {
    /// Rewrites a source; says what of it is lost for good.
    pub(super) async fn carry_out(&self, plan: &Plan) -> Result<Vec<Loss>, CommandError> {
        let Plan { source, evidence, .. } = plan;
        let mut engine = self.restored(source).await?;
        let mut losses = evidence.lost_records();
        // What shows it may be written again by the time that this is killed.
        self.record(&source.name, &losses).await?;
        let mut lives = evidence.lost_lives();
        self.write_records(plan, &mut engine, &mut lives).await?;
        let of_lives = lives.losses();
        self.record(&source.name, &of_lives).await?;
        losses.extend(of_lives);
        let mut from = Some(0);
        while let Some(place) = from {
            from = engine.mark_whole(place, self.config.flush.rows_max);
            self.send(source, engine.flush()).await?;
        }
        let mut progress = evidence.progress.clone();
        progress.log_end = source.bounds.end.max(source.next);
        self.finish(source, progress).await?;
        Ok(losses)
    }

    /// Facts and rejects of all that the log still holds below the state.
    async fn write_records(&self, plan: &Plan, engine: &mut Engine, lives: &mut LostLives) -> Result<(), CommandError> {
        let Plan { source, from, .. } = plan;
        let bar = ProgressBar::new(source.next.saturating_sub(*from)).with_style(ProgressStyle::default_bar());
        let mut stretch = self.stretch(source.partition, (*from, source.next))?;
        loop {
            let records = stretch.records().await.map_err(|said| CommandError::Kafka(format!("{}: {said}", source.name)))?;
            let is_over = records.is_empty();
            for record in &records {
                if let Some(gone) = engine.write_again(record, event::parse(record)) {
                    lives.note(record.offset, gone);
                }
            }
            drop(records);
            bar.set_position(stretch.next().saturating_sub(*from));
            if is_over || engine.dirty_rows() >= self.config.flush.rows_max {
                self.send(source, engine.flush()).await?;
            }
            if is_over {
                bar.finish_and_clear();
                return Ok(());
            }
        }
    }

    /// Sends a piece, but for `progress`, and for clicks that are there: only those knew the way to their target.
    async fn send(&self, source: &Source, batch: Batch) -> Result<(), CommandError> {
        let mut rows = batch.rows;
        rows.progress.clear();
        let mut there = BTreeSet::new();
        for ids in rows.clicks.chunks(IDS_MAX) {
            let ids: Vec<&str> = ids.iter().map(|click| click.id.as_str()).collect();
            let ask = "SELECT DISTINCT id FROM click WHERE id IN {ids:Array(String)} AND epoch = {epoch:UInt16} AND source = {source:String}";
            let ask =
                self.database.query(ask).param("ids", ids).param("epoch", self.config.rules.epoch).param("source", &*source.name);
            there.extend(self.database.all::<String>("ask which clicks are there", ask).await?);
        }
        rows.clicks.retain(|click| !there.contains(&click.id));
        let failed =
            |error| CommandError::Store(format!("could not rewrite {}; the same command does the rest", source.name), error);
        if rows.is_empty() { Ok(()) } else { send(&self.sink, &rows, "rewrite").await.map_err(failed) }
    }

    /// The tables of facts and rejects that hold nothing of a source.
    pub(super) async fn empty_of_records(&self, source: &str) -> Result<Vec<&'static str>, CommandError> {
        let mut empty = Vec::new();
        for (table, _) in OF_RECORDS {
            let ask = format!(
                "SELECT count() FROM (SELECT 1 FROM {table} WHERE epoch = {{epoch:UInt16}} AND source = {{source:String}} LIMIT 1)"
            );
            let ask = self.database.query(&ask).param("epoch", self.config.rules.epoch).param("source", source);
            let rows: Vec<u64> = self.database.all("ask what is left of facts", ask).await?;
            empty.extend((rows == [0]).then_some(table));
        }
        Ok(empty)
    }

    /// Says what is lost for good. Said again by the same command, it stands once.
    async fn record(&self, source: &str, losses: &[Loss]) -> Result<(), CommandError> {
        for Loss { table, first, next, lives, reason } in losses {
            let record = "INSERT INTO loss (epoch, source, table, first, next, lives, reason, recorded) SELECT {epoch:UInt16}, \
                          {source:String}, {table:String}, {first:UInt64}, {next:UInt64}, {lives:Nullable(UInt64)}, {reason:String}, now64(3)";
            let query = self.database.query(record).param("epoch", self.config.rules.epoch).param("source", source);
            let query = query.param("table", table).param("first", first).param("next", next).param("lives", lives);
            self.database.run("record what is lost", query.param("reason", reason)).await?;
        }
        Ok(())
    }

    /// Marks, then `progress`: from here on a worker opens the source.
    async fn finish(&self, source: &Source, progress: Progress) -> Result<(), CommandError> {
        let failed = |error: Failure| CommandError::Store(format!("could not finish {}", source.name), error);
        // Nothing is promised: the store has just forgotten it.
        let promise = Promise { store: source.known.store, progress: None, tables: None };
        let rows = [Append { progress, promise, whole: false }];
        self.sink.mark_anew(&rows).await.map_err(failed)?;
        match self.sink.append(&rows).await.map_err(failed)? {
            Appended::Done => Ok(()),
            Appended::Broken(_) => Err(failed(Failure::Transient("another store has come in its place".to_owned()))),
        }
    }
}
