//! Lets the views read another epoch, by source, once it has caught up.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::gaps::{self, Gap};
use crate::command::CommandError;
use crate::command::database::{ActiveEpochs, Database};
use crate::command::outcome::say;
use crate::command::table::{Table, or_dash};
use crate::config::Config;
use crate::record::Offset;
use crate::row::Progress;

/// How often an epoch that is behind is looked at again.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Which epoch, of which sources.
#[derive(Clone, Debug, clap::Args)]
pub struct Promotion {
    /// The epoch that the views shall read
    epoch: u16,
    /// Only this source, log/partition (repeatable) [default: all]
    #[arg(long)]
    source: Vec<String>,
    /// Promote although the epoch begins later than the active one, or has gaps that the active one has not: what is
    /// missing is seen no more
    #[arg(long)]
    force: bool,
    /// Promote although the epoch has not caught up, as when going back to an older one whose workers were stopped
    #[arg(long)]
    behind: bool,
    /// Seconds to wait for an epoch that is behind
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    wait: u64,
}

/// A source, its active epoch and the one to promote.
struct Standing {
    source: String,
    active: u16,
    old: Option<Progress>,
    new: Option<Progress>,
    /// Offsets that the active epoch covers and the one to promote does not, behind its beginning.
    lost: u64,
}

/// What is to be said of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Verdict {
    Active,
    Ready,
    NotBegun,
    Behind(u64),
    BeginsLater { old: u64, new: u64 },
    HasGaps(u64),
}

pub(super) async fn run(config: &Config, promotion: &Promotion) -> Result<(), CommandError> {
    let database = Database::open(&config.clickhouse).await?;
    let active = database.active_epochs().await?;
    let gaps = gaps::of_all(&database).await?;
    let mut standings = standings(&database.progress().await?, &gaps, &active, promotion);
    if standings.is_empty() {
        let epoch = promotion.epoch;
        return Err(CommandError::Refused(format!("no source has rows of epoch {epoch}: see `grapevine epoch status`")));
    }
    let deadline = Instant::now() + Duration::from_secs(promotion.wait);
    // What the active epoch writes meanwhile does not count: both go on for ever.
    while standings.iter().any(|standing| matches!(standing.verdict(promotion), Verdict::Behind(_))) && Instant::now() < deadline
    {
        sleep(LOOK_EVERY).await;
        let rows = database.progress().await?;
        for standing in &mut standings {
            standing.new = find(&rows, &standing.source, promotion.epoch);
        }
    }
    let verdicts: Vec<Verdict> = standings.iter().map(|standing| standing.verdict(promotion)).collect();
    let refused = verdicts.iter().filter(|verdict| !matches!(verdict, Verdict::Active | Verdict::Ready)).count();
    let ready = || standings.iter().zip(&verdicts).filter(|(_, verdict)| **verdict == Verdict::Ready);
    if refused == 0 && ready().next().is_some() {
        let sources = ready().map(|(standing, _)| standing.source.clone()).collect();
        database.promote(promotion.epoch, sources).await?;
    }
    say(&report(&standings, &verdicts, refused > 0))?;
    if refused == 0 {
        return Ok(());
    }
    Err(CommandError::Refused(format!(
        "nothing was promoted: {refused} of {} sources are not ready, as the table says; --source promotes some without the \
         others",
        standings.len()
    )))
}

/// The chosen sources; else those with rows of the epoch, and the others of their logs, which would stay behind.
fn standings(rows: &[Progress], gaps: &[Gap], active: &ActiveEpochs, promotion: &Promotion) -> Vec<Standing> {
    let of_epoch = || rows.iter().filter(|row| row.epoch == promotion.epoch).map(|row| &*row.source);
    let logs: BTreeSet<&str> = of_epoch().filter_map(|source| Some(source.rsplit_once('/')?.0)).collect();
    let belongs = |source: &str| source.rsplit_once('/').is_some_and(|(log, _)| logs.contains(log));
    let is_read = |row: &&Progress| row.epoch == promotion.epoch || row.epoch == active.of(&row.source);
    let all = rows.iter().filter(is_read).map(|row| &*row.source).filter(|source| belongs(source));
    let chosen: BTreeSet<&str> = promotion.source.iter().map(String::as_str).collect();
    let sources: BTreeSet<&str> = if chosen.is_empty() { all.collect() } else { chosen };
    let standing = |source: &str| {
        let epoch = active.of(source);
        let (old, new) = (find(rows, source, epoch), find(rows, source, promotion.epoch));
        let begin = old.as_ref().map_or(Offset::MAX, |old| old.first);
        let lost = gaps::lost(gaps, source, (epoch, promotion.epoch), begin);
        Standing { source: source.to_owned(), active: epoch, old, new, lost }
    };
    sources.into_iter().map(standing).collect()
}

fn find(rows: &[Progress], source: &str, epoch: u16) -> Option<Progress> {
    rows.iter().find(|row| *row.source == *source && row.epoch == epoch).cloned()
}

impl Standing {
    fn verdict(&self, promotion: &Promotion) -> Verdict {
        let Standing { source: _, active, old, new, lost } = self;
        let Some(new) = new else { return Verdict::NotBegun };
        if *active == promotion.epoch {
            return Verdict::Active;
        }
        let Some(old) = old else { return Verdict::Ready };
        if new.version < old.version && !promotion.behind {
            return Verdict::Behind(old.version - new.version);
        }
        if new.first > old.first && !promotion.force {
            return Verdict::BeginsLater { old: old.first, new: new.first };
        }
        if *lost > 0 && !promotion.force {
            return Verdict::HasGaps(*lost);
        }
        Verdict::Ready
    }
}

impl Verdict {
    fn text(&self, refused: bool) -> String {
        match self {
            Verdict::Active => "active already".to_owned(),
            Verdict::Ready if refused => "ready".to_owned(),
            Verdict::Ready => "promoted".to_owned(),
            Verdict::NotBegun => "has no rows of this epoch: are its workers running?".to_owned(),
            Verdict::Behind(records) => format!("{records} offsets behind: wait, or --behind"),
            Verdict::BeginsLater { old, new } => {
                format!(
                    "begins at offset {new}, the active one at {old}: Kafka kept less than the tables hold; --force loses that"
                )
            }
            Verdict::HasGaps(lost) => {
                format!("lacks {lost} offsets that the active one has (table gap): it was resumed; --force loses them")
            }
        }
    }
}

fn report(standings: &[Standing], verdicts: &[Verdict], refused: bool) -> String {
    let mut table = Table::new(["source", "active", "its next", "new next", "outcome"]);
    for (Standing { source, active, old, new, lost: _ }, verdict) in standings.iter().zip(verdicts) {
        let next = |row: &Option<Progress>| or_dash(row.as_ref().map(|row| row.version));
        table.row([source.clone(), active.to_string(), next(old), next(new), verdict.text(refused)]);
    }
    table.text()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(source: &str, epoch: u16, first: u64, version: u64) -> Progress {
        let counts = (0, 0, 0, 0, 0);
        let (read, accepted, duplicates, conflicting_copies, rejected) = counts;
        Progress {
            epoch,
            source: source.into(),
            first,
            version,
            watermark: 0,
            read,
            accepted,
            duplicates,
            conflicting_copies,
            rejected,
            accepted_by_type: Vec::new(),
            log_end: version,
            written: 0,
        }
    }

    fn promotion(epoch: u16) -> Promotion {
        Promotion { epoch, source: vec![], force: false, behind: false, wait: 0 }
    }

    /// A gap of t/5.
    fn gap(epoch: u16, first: u64, next: u64) -> Gap {
        Gap { source: "t/5".to_owned(), epoch, first, next }
    }

    fn verdicts(rows: &[Progress], promotion: &Promotion) -> Vec<(String, Verdict)> {
        let gaps = [gap(1, 5, 8), gap(0, 5, 9), gap(1, 9, 12)];
        let standings = standings(rows, &gaps, &ActiveEpochs::default(), promotion);
        standings.into_iter().map(|standing| (standing.source.clone(), standing.verdict(promotion))).collect()
    }

    #[test]
    fn a_source_is_ready_when_it_has_caught_up_and_begins_no_later() {
        let rows = [
            row("t/0", 0, 0, 10),
            row("t/0", 1, 0, 10),
            row("t/1", 0, 5, 10),
            row("t/1", 1, 6, 11),
            row("t/2", 0, 0, 10),
            row("t/2", 1, 0, 7),
            row("t/3", 0, 0, 10),
            row("t/4", 1, 3, 4),
            row("t/5", 0, 0, 20),
            row("t/5", 1, 0, 20),
            row("other/0", 0, 0, 10),
        ];
        let expected = [
            ("t/0", Verdict::Ready),
            ("t/1", Verdict::BeginsLater { old: 5, new: 6 }),
            ("t/2", Verdict::Behind(3)),
            ("t/3", Verdict::NotBegun),
            ("t/4", Verdict::Ready),
            ("t/5", Verdict::HasGaps(3)),
        ];
        assert_eq!(verdicts(&rows, &promotion(1)), expected.map(|(source, verdict)| (source.to_owned(), verdict)));
        let forced = Promotion { force: true, behind: true, ..promotion(1) };
        let verdicts = verdicts(&rows, &forced);
        assert_eq!(verdicts.iter().filter(|(_, verdict)| *verdict != Verdict::Ready).count(), 1, "{verdicts:?}");
    }

    #[test]
    fn chosen_sources_leave_the_others_alone() {
        let rows = [row("t/0", 0, 0, 10), row("t/0", 1, 0, 10), row("t/1", 0, 0, 10)];
        let one = Promotion { source: vec!["t/0".to_owned()], ..promotion(1) };
        assert_eq!(verdicts(&rows, &one), [("t/0".to_owned(), Verdict::Ready)]);
        assert_eq!(verdicts(&rows, &promotion(0))[0].1, Verdict::Active);
    }
}
