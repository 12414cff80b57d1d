//! What can happen in a history, counted: a run in which something never happens proves nothing about it.

macro_rules! faults {
    ($($fault:ident),+ $(,)?) => {
        /// What can go wrong, and what must have happened for a run to be worth anything.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Fault { $($fault),+ }

        impl Fault {
            pub(super) const ALL: &[Fault] = &[$(Fault::$fault),+];
        }
    };
}

faults! {
    Revoked, RevokedAfterAssign, ReleasedSlowly, Lost, AssignedNothing, Fenced, AnsweredFenced, PutAside, GivenToNobody, Paused, Held, LoopBusy,
    MainThreadBusy, AnsweredEarly, PauseNeverEnded, SeekRefused, SeekTimedOut, SeekIssuedLate, MoveAnsweredLate, FetcherDead,
    ToldOutOfRangeTwice, Refetched, ErrorInBatch, ErrorAtTheEnd, EndInBatch, Control, Aborted, Skipped, LogDoubted,
    LeaderChanged, LogTruncated, Renewed, HeadCut, GivenUp, CommandRefused, ClientRefused, OneTooFar,
}

/// How often each happened.
#[derive(Clone)]
pub(super) struct Faults([u64; Fault::ALL.len()]);

impl Default for Faults {
    fn default() -> Faults {
        Faults([0; Fault::ALL.len()])
    }
}

impl Faults {
    pub(super) fn note(&mut self, fault: Fault) {
        self.0[fault as usize] += 1;
    }

    pub(super) fn count(&self, fault: Fault) -> u64 {
        self.0[fault as usize]
    }

    pub(super) fn add(&mut self, other: &Faults) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine += theirs;
        }
    }
}

impl std::fmt::Debug for Faults {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(Fault::ALL.iter().map(|fault| (fault, self.count(*fault)))).finish()
    }
}
