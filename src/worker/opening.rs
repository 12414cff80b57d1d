//! What the stores and the log know of a partition, asked in the background.

use std::sync::{Arc, Weak};
use std::time::Duration;

use futures::FutureExt;
use futures::future::LocalBoxFuture;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};

use super::publishing::{self, Outcome};
use super::{AskMemory, Checkpoints, Memory, Promise, Sink, StoreId, StoredState};
use crate::assignment::{self, AssignmentId, Bounds, Broken, Found};
use crate::engine::{Limits, Snapshot};
use crate::failure::Failure;
use crate::record::Offset;

/// States that are being restored may hold about so many bytes beside their engines; others wait. One is always restored,
/// however large.
pub(super) const OPENING_KIB: u32 = 64 << 10;

/// An object, and what it is decompressed to, are at most about so many times its size.
const DECOMPRESSED: u64 = 5;

/// How long the number of partitions may be waited for.
const ADDED_DEADLINE: Duration = Duration::from_secs(5);

/// What the stores and the log know of a partition.
pub(super) struct Answer {
    pub(super) id: AssignmentId,
    pub(super) found: Result<(Findings, Bounds), Unanswered>,
    /// How many partitions the topic had when this epoch began, if that was asked and answered.
    pub(super) began_with: Option<usize>,
    /// Room for the bytes of its state.
    pub(super) room: Option<OwnedSemaphorePermit>,
    /// Until it is restored, no other state is opened that may not fit beside it.
    pub(super) alone: Option<OwnedSemaphorePermit>,
}

/// What the stores know of a partition.
pub(super) struct Findings {
    pub(super) found: Found,
    /// What the store must know from here on.
    pub(super) promise: Promise,
    /// How the store broke the promise of a newer state, if it did.
    pub(super) forgotten: Option<String>,
    /// Rows below this offset were acknowledged once.
    pub(super) acknowledged: Offset,
}

/// Who has not answered.
pub(super) enum Unanswered {
    Checkpoints(Failure),
    Store(Failure),
    Log(Failure),
    /// The store does not keep what was promised, and no state is as old as it is: what to do.
    Forgotten(String),
    /// Its state does not fit into memory: what to do.
    TooLarge(String),
    /// Nobody was asked, because nobody waits for the answer.
    Released,
}

/// Whom to ask, and what for.
pub(super) struct Question<'a, K, C> {
    pub(super) sink: &'a K,
    pub(super) checkpoints: &'a C,
    pub(super) id: AssignmentId,
    /// The source of the assignment, as long as that lasts.
    pub(super) source: Weak<str>,
    pub(super) limits: Limits,
    /// Before anybody is asked: an attempt before this one has failed.
    pub(super) wait: Duration,
    /// The log whose first number of partitions is not known yet.
    pub(super) began: Option<&'a str>,
    pub(super) openings: Arc<Semaphore>,
    pub(super) memory: &'a AskMemory,
}

/// Asks the stores, and then the log: asked before them, it would not know the end that a state of a moment ago has seen.
pub(super) fn ask<'a, K: Sink, C: Checkpoints>(
    question: Question<'a, K, C>,
    bounds: impl Future<Output = Result<Bounds, Failure>> + 'static,
) -> LocalBoxFuture<'a, Outcome> {
    async move {
        sleep(question.wait).await;
        let (mut room, mut alone) = (None, None);
        let found = async {
            let listed = question.listed().await?;
            room = Some(question.room(listed).await?);
            alone = question.memory.turn(listed).await;
            question.fits(Memory::at_least(listed))?;
            let findings = question.find(listed).await?;
            if let Found::Checkpoint(state) | Found::CleanlyStopped(state) = &findings.found {
                // What cannot be read is for the restore to refuse.
                question.fits(Snapshot::memory_of(&state.bytes).unwrap_or_default())?;
            }
            let bounds = bounds.await.map_err(Unanswered::Log)?;
            question.look_again(listed, &findings.found, &bounds).await?;
            // The log does not reach back to a state that is as old as the store.
            if let Findings { found: Found::Checkpoint(state), forgotten: Some(why), .. } = &findings
                && state.next < bounds.first
            {
                return Err(Unanswered::Forgotten(assignment::refused(why)));
            }
            Ok((findings, bounds))
        };
        let found = found.await;
        let began_with = match (&found, question.began) {
            (Ok((_, bounds)), Some(log)) => partitions_at_first(question.checkpoints, log, bounds.partitions).await,
            _ => None,
        };
        Outcome::Answered(Box::new(Answer { id: question.id, found, began_with, room, alone }))
    }
    .boxed_local()
}

impl<K: Sink, C: Checkpoints> Question<'_, K, C> {
    fn source(&self) -> Result<Arc<str>, Unanswered> {
        self.source.upgrade().ok_or(Unanswered::Released)
    }

    /// How large the largest of its states is.
    async fn listed(&self) -> Result<u64, Unanswered> {
        self.checkpoints.size(&self.source()?).await.map_err(Unanswered::Checkpoints)
    }

    /// Waits until the bytes of its state fit beside those that others are being restored from.
    async fn room(&self, listed: u64) -> Result<OwnedSemaphorePermit, Unanswered> {
        let kib = publishing::kib(listed.saturating_mul(DECOMPRESSED), OPENING_KIB);
        let room = Arc::clone(&self.openings).acquire_many_owned(kib).await;
        // It is never closed.
        room.map_err(|error| Unanswered::Checkpoints(Failure::Transient(error.to_string())))
    }

    /// Whether an engine of so many bytes fits into memory.
    fn fits(&self, bytes: u64) -> Result<(), Unanswered> {
        let source = self.source()?;
        self.memory.now().map_or(Ok(()), |memory| memory.fits(&source, bytes)).map_err(Unanswered::TooLarge)
    }

    async fn newest(&self, listed: u64, below: Option<Offset>) -> Result<Option<StoredState>, Unanswered> {
        let source = self.source()?;
        let newest = self.checkpoints.newest(&source, below);
        publishing::in_time(listed.saturating_mul(DECOMPRESSED), newest).await.map_err(Unanswered::Checkpoints)
    }

    /// The newest state whose promise the store keeps. The store is asked after the newest was read: what a state promises was
    /// there before it was published.
    async fn find(&self, listed: u64) -> Result<Findings, Unanswered> {
        let source = self.source()?;
        let newest = self.newest(listed, None).await?;
        let known = self.sink.known(&source).await.map_err(Unanswered::Store)?;
        let Some(mut state) = newest else { return self.without_a_state(&source, known.store).await };
        let mut forgotten: Option<String> = None;
        let acknowledged = known.progress.max(state.promise.progress).unwrap_or_default();
        loop {
            match state.promise.compare(&known) {
                Ok(promise) => {
                    let found = self.with_limits(&source, state).await?;
                    return Ok(Findings { found, promise, forgotten, acknowledged });
                }
                // An older state that promises nothing would take any store.
                Err(Broken::Another) => {
                    return Err(Unanswered::Forgotten(assignment::another_store(&source, state.promise.store, known.store)));
                }
                Err(broken) => {
                    let why = forgotten.get_or_insert_with(|| assignment::forgotten(&source, state.promise, &known));
                    let may_be_as_old = broken == Broken::Forgotten;
                    let older = if may_be_as_old { self.newest(listed, Some(state.next)).await? } else { None };
                    let Some(older) = older else { return Err(Unanswered::Forgotten(assignment::refused(why))) };
                    state = older;
                }
            }
        }
    }

    /// Another member may have begun, written and committed since the checkpoints were asked: then they are asked again.
    async fn look_again(&self, listed: u64, found: &Found, bounds: &Bounds) -> Result<(), Unanswered> {
        let somebody_read = match found {
            Found::Nothing => bounds.committed.is_some(),
            Found::Rows(_) => true,
            Found::Checkpoint(_) | Found::CleanlyStopped(_) | Found::OtherLimits(..) => false,
        };
        if somebody_read && self.newest(listed, None).await?.is_some() {
            let why = "another member has published a first checkpoint meanwhile";
            return Err(Unanswered::Checkpoints(Failure::Transient(why.to_owned())));
        }
        Ok(())
    }

    async fn without_a_state(&self, source: &str, store: StoreId) -> Result<Findings, Unanswered> {
        let newest = self.sink.newest_version(source).await.map_err(Unanswered::Store)?;
        let promise = Promise { store, progress: None, tables: None };
        Ok(Findings { found: newest.map_or(Found::Nothing, Found::Rows), promise, forgotten: None, acknowledged: 0 })
    }

    async fn with_limits(&self, source: &str, state: StoredState) -> Result<Found, Unanswered> {
        // What cannot be read is for the restore to refuse.
        let then = Snapshot::limits_of(&state.bytes).unwrap_or(self.limits);
        if then == self.limits {
            return Ok(Found::Checkpoint(state));
        }
        self.under_other_limits(source, then, state).await
    }

    /// After a clean stop nothing was written behind the checkpoint, and nothing will be made twice.
    async fn under_other_limits(&self, source: &str, then: Limits, state: StoredState) -> Result<Found, Unanswered> {
        let newest = self.sink.newest_version(source).await.map_err(Unanswered::Store)?;
        Ok(match newest.filter(|newest| *newest > state.next) {
            Some(newest) => Found::OtherLimits(then, state.next, newest),
            None => Found::CleanlyStopped(state),
        })
    }
}

/// Only a warning hangs on it, so nothing waits for it long, or twice.
async fn partitions_at_first<C: Checkpoints>(checkpoints: &C, log: &str, now: usize) -> Option<usize> {
    // A broker that has not heard of a new topic yet names none.
    if now == 0 {
        return None;
    }
    let asked = checkpoints.partitions_at_first(log, now);
    let answer = timeout(ADDED_DEADLINE, asked).await.ok().and_then(Result::ok);
    Some(answer.unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use futures::StreamExt;
    use futures::stream::FuturesUnordered;

    use super::super::publishing::room;
    use super::super::{Append, Appended, Known};
    use super::*;
    use crate::record::Partition;
    use crate::row::Rows;

    /// Holds one state of a size, or nothing; counts how many are read side by side.
    #[derive(Default)]
    struct Store {
        size: u64,
        hangs: bool,
        reading: Cell<usize>,
        most: Cell<usize>,
    }

    impl Checkpoints for Store {
        async fn newest(&self, _source: &str, _below: Option<Offset>) -> Result<Option<StoredState>, Failure> {
            self.reading.set(self.reading.get() + 1);
            self.most.set(self.most.get().max(self.reading.get()));
            sleep(if self.hangs { Duration::MAX } else { Duration::from_secs(1) }).await;
            Ok(Some(StoredState { next: 1, promise: Promise::default(), bytes: Vec::new(), published: 0 }))
        }

        async fn size(&self, _source: &str) -> Result<u64, Failure> {
            Ok(self.size)
        }

        async fn publish(&self, _source: &str, _next: Offset, _promise: Promise, _state: Snapshot) -> Result<(), Failure> {
            Ok(())
        }

        async fn partitions_at_first(&self, _log: &str, now: usize) -> Result<usize, Failure> {
            Ok(now)
        }
    }

    struct Empty;

    impl Sink for Empty {
        async fn insert(&self, _rows: &Rows, _of: &str) -> Result<(), Failure> {
            Ok(())
        }

        async fn append(&self, _rows: &[Append]) -> Result<Appended, Failure> {
            Ok(Appended::Done)
        }

        async fn known(&self, _source: &str) -> Result<Known, Failure> {
            Ok(Known { store: StoreId(1), progress: None, tables: Vec::new() })
        }

        async fn newest_version(&self, _source: &str) -> Result<Option<Offset>, Failure> {
            Ok(None)
        }
    }

    fn question<'a>(
        store: &'a Store,
        memory: &'a AskMemory,
        source: &Arc<str>,
        openings: &Arc<Semaphore>,
    ) -> LocalBoxFuture<'a, Outcome> {
        let limits = Limits { budget: 1, root_retention: 1, reject_bytes: 1, watermark_lag: 1, future_bound: 1 };
        let question = Question {
            sink: &Empty,
            checkpoints: store,
            id: AssignmentId { partition: Partition(0), number: 1 },
            source: Arc::downgrade(source),
            limits,
            wait: Duration::ZERO,
            began: None,
            openings: Arc::clone(openings),
            memory,
        };
        ask(question, async { Ok(Bounds { first: 0, end: 1, committed: None, partitions: 1 }) })
    }

    /// How many of eight states are read side by side, when each is restored two seconds after it was read.
    async fn side_by_side(store: &Store) -> usize {
        let (source, openings, memory) = (Arc::from("log/0"), room(OPENING_KIB), AskMemory::default());
        let restored = |outcome| async move {
            let Outcome::Answered(answer) = outcome else { panic!("it asks and nothing else") };
            assert!(answer.found.is_ok());
            sleep(Duration::from_secs(2)).await;
            store.reading.set(store.reading.get() - 1);
            drop(answer);
        };
        let all = (0..8).map(|_| async { restored(question(store, &memory, &source, &openings).await).await });
        let mut all: FuturesUnordered<_> = all.collect();
        while all.next().await.is_some() {}
        store.most.get()
    }

    #[tokio::test(start_paused = true)]
    async fn large_states_are_restored_one_by_one_and_small_ones_side_by_side() {
        assert_eq!(side_by_side(&Store { size: 10_000, ..Store::default() }).await, 8);
        assert_eq!(side_by_side(&Store { size: 500 << 20, ..Store::default() }).await, 1);
        // Half of what there is room for, decompressed.
        let half = u64::from(OPENING_KIB) * 1024 / DECOMPRESSED / 2;
        assert_eq!(side_by_side(&Store { size: half, ..Store::default() }).await, 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_hangs_gives_its_room_back() {
        let (store, source, openings) = (Store { hangs: true, ..Store::default() }, Arc::from("log/0"), room(OPENING_KIB));
        let memory = AskMemory::default();
        let Outcome::Answered(answer) = question(&store, &memory, &source, &openings).await else {
            panic!("it asks and nothing else")
        };
        assert!(matches!(&answer.found, Err(Unanswered::Checkpoints(Failure::Transient(_)))));
        drop(answer);
        assert_eq!(openings.available_permits(), OPENING_KIB as usize);
    }

    #[tokio::test(start_paused = true)]
    async fn a_state_that_does_not_fit_is_not_read_until_memory_is_free() {
        let (store, source, openings) = (Store { size: 1 << 20, ..Store::default() }, Arc::from("log/0"), room(OPENING_KIB));
        let (taken, alone) = (Rc::new(Cell::new(7 << 20)), Arc::new(Semaphore::new(1)));
        let asked = Rc::clone(&taken);
        let memory = AskMemory::new(move || Some(Memory { limit: 10 << 20, taken: asked.get() }), Arc::clone(&alone));
        let mut outcomes = Vec::new();
        for now in [7 << 20, 6 << 20] {
            taken.set(now);
            let outcome = question(&store, &memory, &source, &openings).await;
            let Outcome::Answered(answer) = outcome else { panic!("it asks and nothing else") };
            assert!(answer.alone.is_some(), "nobody else takes what is left");
            outcomes.push(answer.found.map(|_| store.reading.get()).map_err(|unanswered| match unanswered {
                Unanswered::TooLarge(why) => why,
                Unanswered::Checkpoints(_)
                | Unanswered::Store(_)
                | Unanswered::Log(_)
                | Unanswered::Forgotten(_)
                | Unanswered::Released => "another reason".to_owned(),
            }));
        }
        assert!(matches!(&outcomes[0], Err(why) if why.contains("log/0 takes 3 MiB or more")), "{outcomes:?}");
        assert_eq!(outcomes[1], Ok(1), "the first was not even read");
        assert_eq!(alone.available_permits(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_partition_that_has_gone_is_not_asked_for() {
        let (store, source, openings) = (Store::default(), Arc::from("log/0"), room(OPENING_KIB));
        let memory = AskMemory::default();
        let asked = question(&store, &memory, &source, &openings);
        drop(source);
        let Outcome::Answered(answer) = asked.await else { panic!("it asks and nothing else") };
        assert!(matches!(&answer.found, Err(Unanswered::Released)) && store.most.get() == 0);
    }
}
