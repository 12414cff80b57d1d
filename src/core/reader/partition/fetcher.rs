//! What is believed of a partition's fetcher: where it is in its life, and whether it stands where it should.

use std::time::Duration;

use super::Reading;
use crate::record::Offset;

/// How often in a row an error is not believed that names another offset than the one that is wanted.
const STRANGE_MAX: u8 = 3;

/// A fetcher of which nothing is heard for so long is asked where it stands: after a seek each tells the end again.
/// If nothing follows, it has been forgotten by the client (paused by the library for a rebalance that was over).
const SILENT_FOR: Duration = Duration::from_secs(60);

/// Where a partition is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::reader) enum State {
    /// The client does not have it yet.
    Starting,
    /// Its fetcher stands where it should.
    Reading,
    /// Its fetcher may stand anywhere: nothing is read until it was moved to `position`. Refused since then, if it was.
    Misplaced(Option<Duration>),
    /// The move of this number is under way. Refused since then, if the one before was.
    Moving(u64, Option<Duration>),
    /// Its log may not be the one it was: nothing is read until it is started again; to be said (again) from then on.
    Doubted(Duration),
    /// Revoked, or given up: nothing is read, the loop still has it.
    Stopped,
    /// Nobody reads it any more; the client has it until the next revocation is answered.
    Released,
}

/// What to do about an error that says that the log does not hold the place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::reader) enum CutOff {
    AskAgain,
    Doubt,
    GiveUp,
}

impl Reading {
    /// It is known to be alive; or its silence is not its own fault.
    pub(in crate::reader) fn hear(&mut self, now: Duration) {
        (self.heard, self.probed) = (now, false);
    }

    pub(in crate::reader) fn misplace(&mut self) {
        if matches!(self.state, State::Reading | State::Moving(..) | State::Misplaced(_) | State::Doubted(_)) {
            self.drop_rest();
            self.state = State::Misplaced(None);
        }
    }

    /// A rebalance makes the client stop its fetcher and resume it where it believes that was read: one too far after
    /// an end, too early otherwise. What is in hand has its offsets all the same, and is handed out first.
    pub(in crate::reader) fn distrust(&mut self) {
        if matches!(self.state, State::Reading | State::Moving(..)) {
            self.state = State::Misplaced(None);
        }
    }

    /// The flow of its records is stopped, or goes on. What is in hand is fetched again: nothing of others could be handed out before it.
    pub(in crate::reader) fn hold(&mut self, now: Duration, held: bool) {
        self.held = held;
        self.hear(now);
        if self.has_rest() {
            self.misplace();
        }
    }

    pub(in crate::reader) fn stop(&mut self) {
        self.drop_rest();
        self.state = State::Stopped;
    }

    /// The move of this number was carried out, or refused. An older one says nothing.
    pub(in crate::reader) fn moved(&mut self, now: Duration, number: u64, refused: bool) {
        if let State::Moving(asked, since) = self.state
            && asked == number
        {
            self.state = if refused { State::Misplaced(Some(since.unwrap_or(now))) } else { State::Reading };
        }
    }

    /// Looks whether its fetcher is silent. Asks it where it stands, and in the end takes it for dead.
    pub(in crate::reader) fn listen(&mut self, now: Duration, patience: Duration) {
        if self.state != State::Reading || self.held || self.has_rest() || now.saturating_sub(self.heard) < SILENT_FOR {
            return;
        }
        self.heard = now;
        self.state = State::Misplaced(self.probed.then(|| now.saturating_sub(patience)));
        self.probed = !self.probed;
    }

    /// The client says that the log does not hold the offset `at` where it read. If that is not where it should have
    /// read, it says nothing about this partition: it comes from its own wrong position, or from before a move. If it is,
    /// or if it does not say where, asking again may find the records of another log there: the last record that was
    /// read can tell.
    pub(in crate::reader) fn cut_off(&mut self, now: Duration, at: Option<Offset>) -> CutOff {
        self.misplace();
        if at.is_some_and(|at| at != self.position) && self.strange < STRANGE_MAX {
            self.strange += 1;
            return CutOff::AskAgain;
        }
        if self.compared {
            self.stop();
            return CutOff::GiveUp;
        }
        self.compared = true;
        self.state = State::Doubted(now);
        CutOff::Doubt
    }

    /// Reads on from an offset, wherever it was read before, also if it was given up.
    pub(in crate::reader) fn begin_again(&mut self, next: Offset) {
        (self.position, self.asked, self.held) = (next, None, false);
        self.drop_rest();
        if self.state != State::Starting {
            self.state = State::Misplaced(None);
        }
    }
}
