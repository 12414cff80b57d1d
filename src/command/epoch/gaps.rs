//! What an epoch has lost against another: offsets that no count of it covers, because it was resumed without its state.

use serde::Deserialize;

use crate::command::CommandError;
use crate::command::database::Database;
use crate::record::Offset;

/// One gap of one source in one epoch, as the table keeps it.
#[derive(Clone, Debug, clickhouse::Row, Deserialize)]
pub(super) struct Gap {
    pub(super) source: String,
    pub(super) epoch: u16,
    pub(super) first: Offset,
    pub(super) next: Offset,
}

/// All gaps, in the order of their offsets.
pub(super) async fn of_all(database: &Database) -> Result<Vec<Gap>, CommandError> {
    let query = database.query("SELECT source, epoch, first, next FROM gap FINAL WHERE next > first ORDER BY first");
    database.all("ask for gaps", query).await
}

/// How many offsets are missing in one epoch of a source, from `begin` on, that the other epoch has.
pub(super) fn lost(gaps: &[Gap], source: &str, (old, new): (u16, u16), begin: Offset) -> u64 {
    let of = |epoch| gaps.iter().filter(move |gap| gap.source == source && gap.epoch == epoch);
    let missing = |gap: &Gap| {
        // What is left of the gap behind each gap of the other epoch, and what they leave between them.
        let (mut at, mut lost) = (gap.first.max(begin), 0);
        for known in of(old) {
            lost += known.first.min(gap.next).saturating_sub(at);
            at = at.max(known.next);
        }
        lost + gap.next.saturating_sub(at)
    };
    of(new).map(missing).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gap(source: &str, epoch: u16, first: Offset, next: Offset) -> Gap {
        Gap { source: source.to_owned(), epoch, first, next }
    }

    #[test]
    fn only_what_the_other_epoch_has_is_lost() {
        let lost_of = |gaps: &[Gap], begin| lost(gaps, "t/0", (0, 1), begin);
        assert_eq!(lost_of(&[gap("t/0", 0, 5, 9), gap("t/1", 1, 5, 9)], 0), 0, "another epoch, another source");
        assert_eq!(lost_of(&[gap("t/0", 1, 5, 9)], 0), 4);
        assert_eq!(lost_of(&[gap("t/0", 1, 5, 9)], 7), 2, "the other begins inside it");
        assert_eq!(lost_of(&[gap("t/0", 0, 0, 20), gap("t/0", 1, 5, 9)], 0), 0);
        let several = [gap("t/0", 0, 4, 6), gap("t/0", 1, 5, 20), gap("t/0", 0, 8, 10), gap("t/0", 0, 30, 40)];
        assert_eq!(lost_of(&several, 0), 2 + 10, "6..8 and 10..20");
    }
}
