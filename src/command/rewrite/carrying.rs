//! One source is rewritten: the steps that `crate::rewrite` hands out are carried out.

use std::collections::BTreeMap;
use std::ops::Range;

use indicatif::{ProgressBar, ProgressStyle};

use super::{Parts, Plan, Source};
use crate::clickhouse::marks;
use crate::command::outcome::CommandError;
use crate::command::sending::{insist, send};
use crate::failure::Failure;
use crate::kafka::{Part, Stretch};
use crate::loss::Loss;
use crate::record::Offset;
use crate::rewrite::{self, Rewrite, Step};
use crate::row::{Progress, Rows};
use crate::service;
use crate::worker::{Append, Appended, Promise, Sink as _};

/// Ids in one question, and their bytes: by its own settings a server takes a parameter of 128 KiB (`http_max_field_value_size`), in which a
/// byte may stand as two.
const IDS_MAX: usize = 256;
const IDS_BYTES_MAX: usize = 48 << 10;

impl Parts<'_> {
    /// Rewrites a source.
    pub(super) async fn carry_out(&self, plan: &mut Plan) -> Result<(), CommandError> {
        // Put first, and asked for last: all that is asked and written between is of the same tables.
        let run = self.number_of_run(&plan.source).await?;
        self.make_marks(&plan.source, &[known_again(&plan.source, run, None)]).await?;
        if self.known(&plan.source.name).await? != plan.source.known {
            return Err(changed(&plan.source));
        }
        let mut rewrite = self.open(&plan.source, plan.evidence.records.clone()).await?;
        // The log may begin later by now.
        if plan.evidence.is_uncut() && !rewrite.evidence().is_uncut() {
            plan.evidence = rewrite.evidence().clone();
            self.ask_what_is_held(std::slice::from_mut(plan)).await?;
            rewrite = self.open(&plan.source, plan.evidence.records.clone()).await?;
        }
        plan.to_read = rewrite.to_read();
        let source = &plan.source;
        let bar = ProgressBar::new(plan.to_read.end - plan.to_read.start).with_style(ProgressStyle::default_bar());
        let mut stretch = None;
        loop {
            match rewrite.step() {
                Step::Record(losses) => {
                    self.record(source, &losses).await?;
                    plan.losses.extend(losses);
                }
                Step::Read(part) => {
                    bar.set_position(part.start - plan.to_read.start);
                    self.read(source, part, &mut stretch, &mut rewrite).await?;
                }
                Step::Insert(rows) => self.send(source, rows).await?,
                Step::Mark(progress) => {
                    self.make_marks(source, &[anew(source, progress), known_again(source, run, Some(run))]).await?;
                }
                Step::Append(progress) => self.append(source, progress).await?,
                Step::Done => break,
            }
        }
        bar.finish_and_clear();
        plan.is_done = true;
        Ok(())
    }

    async fn number_of_run(&self, source: &Source) -> Result<u64, CommandError> {
        let again = marks::of_rewriting(&source.name);
        let newest = insist(async || self.sink.newest_mark(&again).await).await.map_err(|error| unfinished(source, error))?;
        Ok(rewrite::number_of_run(u64::try_from(service::now()).unwrap_or_default(), newest, rand::random()))
    }

    /// The next records of a part of the log.
    async fn read(
        &self,
        source: &Source,
        part: Range<Offset>,
        stretch: &mut Option<(Offset, Stretch)>,
        rewrite: &mut Rewrite,
    ) -> Result<(), CommandError> {
        // The same part may be read twice.
        let (mut at, mut opened) = match stretch.take().filter(|(at, _)| *at == part.start) {
            Some(opened) => opened,
            None => (part.start, self.stretch(source.partition, (part.start, part.end))?),
        };
        let failed = |said: String| CommandError::Kafka(format!("{}: {said}", source.name));
        match opened.records().await.map_err(failed)? {
            Part::Records(records) => {
                rewrite.read(&records).map_err(CommandError::Refused)?;
                at = records.last().map_or(at, |last| last.offset + 1);
            }
            Part::Over => rewrite.read_to(part.end).map_err(CommandError::Refused)?,
            Part::NotHeld(said) => {
                let (first, _) = self.log.bounds(source.partition)?;
                if first <= part.start {
                    return Err(failed(said));
                }
                rewrite.begins_at(first);
                return self.heed_compaction(rewrite).await;
            }
        }
        *stretch = Some((at, opened));
        Ok(())
    }

    /// Inserts rows, but for clicks that are there: only those knew the way to their target. Not so a later copy of one, which came while
    /// the first was lost.
    async fn send(&self, source: &Source, mut rows: Rows) -> Result<(), CommandError> {
        let failed =
            |error| CommandError::Store(format!("could not rewrite {}; the same command does the rest", source.name), error);
        let mut there = BTreeMap::new();
        let ids: Vec<&str> = rows.clicks.iter().map(|click| click.id.as_str()).collect();
        for ids in questions(&ids) {
            there.extend(insist(async || self.sink.clicks_there(&source.name, ids).await).await.map_err(failed)?);
        }
        rows.clicks.retain(|click| there.get(&click.id).is_none_or(|version| *version < click.version));
        if rows.is_empty() { Ok(()) } else { send(&self.sink, &rows, "rewrite").await.map_err(failed) }
    }

    /// Says what is lost for good.
    async fn record(&self, source: &Source, losses: &[Loss]) -> Result<(), CommandError> {
        for loss in losses {
            let noted = insist(async || self.sink.note_loss(&source.name, loss).await).await;
            noted.map_err(|error| CommandError::Store("could not note what is lost".to_owned(), error))?;
        }
        Ok(())
    }

    /// Makes marks, if the store and its tables are still those that this began with.
    async fn make_marks(&self, source: &Source, marks: &[Append]) -> Result<(), CommandError> {
        let made = insist(async || self.sink.mark_anew(marks).await).await.map_err(|error| unfinished(source, error))?;
        if made { Ok(()) } else { Err(changed(source)) }
    }

    /// From here on a worker opens the source.
    async fn append(&self, source: &Source, progress: Progress) -> Result<(), CommandError> {
        let rows = [anew(source, progress)];
        match insist(async || self.sink.append(&rows).await).await.map_err(|error| unfinished(source, error))? {
            Appended::Done => Ok(()),
            Appended::Broken(_) => Err(changed(source)),
        }
    }
}

/// Ids, as many as fit into a question.
fn questions<'a, 'b>(mut ids: &'a [&'b str]) -> Vec<&'a [&'b str]> {
    let mut questions = Vec::new();
    while !ids.is_empty() {
        let mut bytes = 0;
        let fits = ids.iter().take(IDS_MAX).take_while(|id| {
            bytes += id.len();
            bytes <= IDS_BYTES_MAX
        });
        let (question, rest) = ids.split_at(fits.count().max(1));
        questions.push(question);
        ids = rest;
    }
    questions
}

/// Nothing is promised: the store has just forgotten it.
fn anew(source: &Source, progress: Progress) -> Append {
    Append { progress, promise: Promise { store: source.known.store, progress: None, tables: None }, whole: false }
}

/// A mark beside that of the source, by which tables are known again.
fn known_again(source: &Source, run: u64, promised: Option<u64>) -> Append {
    let progress = Progress { source: marks::of_rewriting(&source.name).into(), version: run, ..Progress::default() };
    Append { promise: Promise { tables: promised, ..anew(source, Progress::default()).promise }, progress, whole: false }
}

/// What was written of a source may not be there.
fn changed(source: &Source) -> CommandError {
    let why =
        "meanwhile a table was emptied, brought back or written to by somebody else, or another store has come in its place";
    unfinished(source, Failure::Operator(why.to_owned()))
}

fn unfinished(source: &Source, error: Failure) -> CommandError {
    CommandError::Store(format!("could not finish {}; the same command does it", source.name), error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_has_no_more_ids_than_fit_into_a_parameter() {
        let (long, short) = ("'".repeat(512), "a".to_owned());
        let ids: Vec<&str> = std::iter::repeat_n(long.as_str(), 300).chain(std::iter::repeat_n(short.as_str(), 600)).collect();
        let questions = questions(&ids);
        assert_eq!(questions.concat(), ids);
        // Each id has its quotes and a comma, and what is in it may stand as two bytes.
        let size = |question: &&[&str]| question.iter().map(|id| 2 * id.len() + 3).sum::<usize>();
        assert!(questions.iter().all(|question| question.len() <= IDS_MAX && size(question) < 128 << 10));
        assert!(questions.len() < 8, "{}", questions.len());
        assert!(super::questions(&[]).is_empty());
    }
}
