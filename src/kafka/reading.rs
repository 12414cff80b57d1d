//! What a partition's reader believes of its client right after an end of the log.

use super::Reading;
use crate::record::Offset;

/// A gap is believed the second time, an error the fourth: a client that is moving its fetchers may be wrong meanwhile.
const GAP_DOUBTS: u8 = 1;
const ERROR_DOUBTS: u8 = 3;

impl Reading {
    /// Whether something at an offset beyond `position` right after an end should be asked for again. Real gaps (control
    /// records, compaction) look the same the second time.
    pub(super) fn doubts_gap(&mut self, offset: Offset) -> bool {
        self.ended && offset > self.position && self.doubt(GAP_DOUBTS)
    }

    /// Whether an error after an end is only that of the client's own wrong position: it asked for another offset than
    /// the one that is wanted. If it asked for that one, asking again may find the records of another log there.
    pub(super) fn doubts_error(&mut self, at: Offset) -> bool {
        self.ended && at != self.position && self.doubt(ERROR_DOUBTS)
    }

    fn doubt(&mut self, most: u8) -> bool {
        let doubtful = self.doubts < most;
        if doubtful {
            self.doubts += 1;
            self.misplaced = true;
        }
        doubtful
    }

    pub(super) fn hand_out(&mut self, next: Offset, ended: bool) {
        (self.position, self.ended, self.doubts) = (next, ended, 0);
    }
}
