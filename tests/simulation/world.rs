//! What outlives every worker: the log, the group, the tables, the checkpoints; and the faults to come.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

use crate::addresses::{self, Addresses};
use crate::completeness::Completeness;
use crate::dice::Dice;
use crate::forgetting::Forgetting;
use crate::freshness::Freshness;
use crate::log::Log;
use crate::rewriting::Rewriting;
use crate::table::Tables;
use grapevine::failure::Failure;
use grapevine::record::{Offset, Partition, source_name};
use grapevine::row::{Progress, Rows};
use grapevine::worker::{Append, Promise, StoreId};

macro_rules! faults {
    ($($fault:ident),+ $(,)?) => {
        /// What can go wrong, and what must have happened for a run to be worth anything.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Fault { $($fault),+ }

        impl Fault {
            pub(crate) const ALL: &[Fault] = &[$(Fault::$fault),+];
        }
    };
}

faults! {
    Killed, KilledWhileReading, KilledBeforeInsert, KilledAfterInsert, KilledBeforePublish, KilledAfterPublish,
    KilledBeforeCommit, KilledAfterCommit, Shutdown, ShutdownUnpublished, Revoked, Lost, ReadByTwo,
    InsertFailed, InsertHalfDone, InsertAnswerLost, InsertRefused, RowsRefused, ProgressRefused, RefusedWithoutReason, InsertSlow, InsertOvertaken, InsertedByFormerOwner, InsertOutlivedItsWorker, AppendRefused, StoreEmptied, StoreWentBack, TableEmptied, TableWentBack, StoreBroughtBack, CompletenessLookedAt,
    RowsAstray, AnotherStoreAsked, AnotherStoreOpened, AnotherStoreNamed, ComparedBehind, OpenedBehind,
    NewestVersionFailed, CheckpointFailed, CheckpointHung, CheckpointTorn, CheckpointAnswerLost, CheckpointRotted,
    NewestFailed, TornSkipped, CommitFailed, CommitLate, CommitAnswerLost, CommitFenced, ReadFailed, BoundsFailed, BoundsSlow, StartFailed, LogDoubted, MemoryShort,
    Paused, Held, Idle, EndReached,
    InputCorrupted, InputDuplicated, InputReordered, RootLate, RootNever, HistoryBackfilled, ClockJumped, KeyMoved,
    Rewrite, RewriteOfAll, RewriteKilled, RewriteOvertaken, StoreLostInRewrite, RewriteInRewrite, StoreDropped, FactsEmptied, OlderFactsLost, LogHoled, HeadCutInRewrite, RecordsLost, LivesLost, LivesCounted, ClickWrittenAgain,
    OffsetsSkipped, EvictedByAge, EvictedByBudget, SettingsMixed, HeadCut, LastReadExpired, PublishedByTwo,
}

/// How often each fault was injected.
#[derive(Clone)]
pub(crate) struct Faults([u64; Fault::ALL.len()]);

impl Default for Faults {
    fn default() -> Faults {
        Faults([0; Fault::ALL.len()])
    }
}

impl Faults {
    pub(crate) fn note(&mut self, fault: Fault) {
        self.0[fault as usize] += 1;
    }

    pub(crate) fn count(&self, fault: &Fault) -> u64 {
        self.0[*fault as usize]
    }

    pub(crate) fn add(&mut self, other: &Faults) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine += theirs;
        }
    }
}

impl std::fmt::Debug for Faults {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(Fault::ALL.iter().map(|fault| (fault, self.count(fault)))).finish()
    }
}

/// What the group tells a member.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Notice {
    Assigned(Partition),
    Revoked(Partition),
    Lost(Partition),
}

/// A stored state; torn ones are found out when they are read.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) next: Offset,
    pub(crate) promise: Promise,
    pub(crate) bytes: Vec<u8>,
    pub(crate) sound: bool,
}

pub(crate) struct World {
    pub(crate) dice: Dice,
    pub(crate) logs: Rc<Vec<Log>>,
    /// Partitions whose log has become another one, and whose reader has not heard of it.
    pub(crate) made_again: BTreeSet<Partition>,
    /// How many records of each partition were written yet.
    pub(crate) visible: Vec<usize>,
    /// The first offset that each partition still holds.
    pub(crate) firsts: Vec<Offset>,
    pub(crate) committed: Vec<Option<Offset>>,
    /// Who owns a partition, as the group sees it.
    pub(crate) owners: Vec<Option<usize>>,
    pub(crate) notices: BTreeMap<usize, VecDeque<Notice>>,
    /// Members that die at their next step.
    pub(crate) doomed: Vec<usize>,
    pub(crate) store: StoreId,
    pub(crate) tables: Tables,
    /// The greatest version of `progress` that was ever written.
    pub(crate) promised: BTreeMap<String, Offset>,
    /// The greatest before which all tables were asked whether they are whole, and were.
    pub(crate) whole: BTreeMap<String, Offset>,
    pub(crate) completeness: Completeness,
    pub(crate) forgetting: Forgetting,
    pub(crate) rewriting: Rewriting,
    pub(crate) addresses: Addresses,
    pub(crate) freshness: Freshness,
    /// What a worker said last that it needs a hand for.
    pub(crate) problem: Option<String>,
    /// Inserts that have not ended: whose, and their numbers.
    pub(crate) inserting: BTreeMap<(usize, u64), Rows>,
    pub(crate) inserts: u64,
    /// Inserts of members that are gone, which the store has not carried out yet.
    pub(crate) strays: Vec<Rows>,
    pub(crate) checkpoints: BTreeMap<String, Vec<Stored>>,
    pub(crate) refused: Option<Refused>,
    /// Sources whose publications never end.
    pub(crate) hung: BTreeSet<String>,
    /// The greatest `next` that was ever published whole.
    pub(crate) published: BTreeMap<String, Offset>,
    pub(crate) faults: Faults,
    /// How many in a thousand steps go wrong; zero at the end.
    pub(crate) trouble: u64,
}

/// The source of which the store takes no rows for now.
#[derive(Clone, Debug)]
pub(crate) struct Refused {
    pub(crate) source: String,
    /// Of any table, or of `progress`.
    pub(crate) kind: Fault,
    /// Whether the store says something that is known to need a hand.
    pub(crate) has_reason: bool,
}

/// What a store says that nobody knows.
pub(crate) const WITHOUT_REASON: &str = "a limit is exceeded, as it seems";

impl World {
    /// Whether this step goes wrong in this way.
    pub(crate) fn strikes(&mut self, fault: Fault, share: u64) -> bool {
        let strikes = self.trouble > 0 && self.dice.chance(self.trouble * share / 10);
        if strikes {
            self.faults.note(fault);
        }
        strikes
    }

    /// Whether the store refuses these rows, for one of the sources that they are of.
    pub(crate) fn refuses(&mut self, kind: Fault, rows: &Rows) -> Option<Failure> {
        let Refused { source, kind: refused, has_reason } = self.refused.as_ref()?;
        if *refused != kind || !Tables::sources_of(rows).contains(source) {
            return None;
        }
        let failure = match has_reason {
            true => Failure::Operator(format!("a constraint refuses rows of {source}: drop it")),
            false => Failure::Transient(WITHOUT_REASON.to_owned()),
        };
        if !has_reason {
            self.faults.note(Fault::RefusedWithoutReason);
        }
        self.faults.note(kind);
        Some(failure)
    }

    pub(crate) fn begin_insert(&mut self, member: usize, rows: &Rows) -> u64 {
        self.inserts += 1;
        self.inserting.insert((member, self.inserts), rows.clone());
        self.inserts
    }

    /// An insert ended, perhaps before one that the same member began earlier.
    pub(crate) fn end_insert(&mut self, member: usize, number: u64) {
        if self.inserting.range((member, 0)..(member, number)).next().is_some() {
            self.faults.note(Fault::InsertOvertaken);
        }
        self.inserting.remove(&(member, number));
    }

    /// Inserts the first `limit` rows, as the store does.
    pub(crate) fn insert(&mut self, member: usize, rows: &Rows, limit: usize) {
        self.tables.insert(rows, limit);
        self.forgetting.inserted(member, rows);
        let another = |(partition, owner): (usize, &Option<usize>)| {
            let partition = Partition(i32::try_from(partition).expect("few"));
            owner.is_some_and(|owner| owner != member).then(|| source_name(NAME, partition).to_string())
        };
        let others: BTreeSet<String> = self.owners.iter().enumerate().filter_map(another).collect();
        if !others.is_disjoint(&Tables::sources_of(rows)) {
            self.faults.note(Fault::InsertedByFormerOwner);
        }
    }

    /// The store carries out what somebody sent before it was gone.
    pub(crate) fn land(&mut self) {
        if !self.strays.is_empty() {
            let at = self.dice.index(self.strays.len());
            let rows = self.strays.swap_remove(at);
            if self.refuses(Fault::RowsRefused, &rows).is_some() {
                return;
            }
            self.tables.insert(&rows, usize::MAX);
            self.faults.note(Fault::InsertOutlivedItsWorker);
        }
    }

    /// The sources of which the store does not know what was promised.
    pub(crate) fn broken(&self, rows: &[Append]) -> Vec<Arc<str>> {
        addresses::broken((self.store, &self.tables), rows)
    }

    /// Appends rows of `progress`.
    pub(crate) fn append(&mut self, rows: &[Append]) {
        let progress: Vec<Progress> = rows.iter().map(|append| append.progress.clone()).collect();
        for Append { progress: row, .. } in rows.iter().filter(|append| append.whole) {
            let whole = self.whole.entry(row.source.to_string()).or_default();
            *whole = row.version.max(*whole);
        }
        for row in &progress {
            let promised = self.promised.entry(row.source.to_string()).or_default();
            *promised = row.version.max(*promised);
        }
        let World { tables, completeness, forgetting, rewriting, logs, .. } = self;
        tables.insert(&Rows { progress, ..Rows::default() }, usize::MAX);
        forgetting.remember(tables);
        for (partition, log) in (0..).map(Partition).zip(logs.iter()) {
            // A table whose mark is as old as what it lost says itself that it is not complete.
            if rewriting.facts_are_gone || !forgetting.is_whole(&source_name(NAME, partition), tables) {
                continue;
            }
            completeness.check(partition, log, tables, rewriting);
        }
    }

    /// Tells a member something.
    pub(crate) fn notify(&mut self, member: usize, notice: Notice) {
        self.notices.entry(member).or_default().push_back(notice);
    }

    /// Whether a member has yet to hear of an assignment.
    pub(crate) fn will_hear_of(&self, member: usize, partition: Partition) -> bool {
        let assigned = |notice: &Notice| matches!(notice, Notice::Assigned(given) if *given == partition);
        self.notices.get(&member).is_some_and(|notices| notices.iter().any(assigned))
    }

    /// Every partition but one was read to its end, and is durable, published and committed.
    pub(crate) fn check_all_is_committed_but(&self, refused: usize) {
        for (partition, (log, committed)) in self.logs.iter().zip(&self.committed).enumerate() {
            assert!(partition == refused || *committed == Some(log.end), "{partition} waits for {refused}: {committed:?}");
        }
    }

    /// A member is gone: its partitions are nobody's.
    pub(crate) fn gone(&mut self, member: usize) {
        self.forgetting.gone(member);
        let under_way: Vec<(usize, u64)> = self.inserting.range((member, 0)..=(member, u64::MAX)).map(|(key, _)| *key).collect();
        for key in under_way {
            let rows = self.inserting.remove(&key);
            let lands = self.trouble > 0 && self.dice.chance(500);
            self.strays.extend(rows.filter(|_| lands));
        }
        self.notices.remove(&member);
        for owner in &mut self.owners {
            if *owner == Some(member) {
                *owner = None;
            }
        }
    }
}

/// The log's name in sources.
pub(crate) const NAME: &str = "simulated";

pub(crate) fn slot(partition: Partition) -> usize {
    usize::try_from(partition.0).expect("partitions are not negative")
}
