//! A world that goes on now: thirteen weeks of it are past, the rest happens when it is due.
//!
//! On which Monday it began stands in a file, so that whoever starts again goes on with the same world: what was sent before comes again as
//! copies, under the same ids and at the same times.

use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::time::Duration;

use time::format_description::well_known::Iso8601;
use time::{Date, OffsetDateTime};

use crate::generator::{first_monday, weeks_later};
use crate::record::Millis;

/// So many weeks are past at the first start: as far back as the dashboards look at first.
const WEEKS: i64 = 13;

/// How many weeks later than the generator's own the world is whose first Monday the file names. Where there is no file it is written.
///
/// # Errors
///
/// When the file cannot be read or written, or names no Monday of such a world.
pub(super) fn weeks_later_of(file: &Path, now: OffsetDateTime) -> io::Result<u16> {
    match std::fs::read_to_string(file) {
        Ok(text) => weeks_of(text.trim()).ok_or_else(|| {
            let cure = "hold a Monday from 2024-03-04 on, such as 2026-08-31; remove it to begin another world";
            io::Error::new(ErrorKind::InvalidData, format!("it should {cure}"))
        }),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let weeks = weeks_later(millis(now - time::Duration::weeks(WEEKS))).unwrap_or(0);
            let monday = OffsetDateTime::UNIX_EPOCH + time::Duration::milliseconds(first_monday(weeks));
            let text = monday.date().format(&Iso8601::DATE).map_err(io::Error::other)?;
            let mut created = std::fs::File::create_new(file)?;
            writeln!(created, "{text}")?;
            created.sync_all()?;
            Ok(weeks)
        }
        Err(error) => Err(error),
    }
}

/// None where the text is no first Monday.
fn weeks_of(text: &str) -> Option<u16> {
    let monday = millis(Date::parse(text, &Iso8601::DATE).ok()?.midnight().assume_utc());
    weeks_later(monday).filter(|&weeks| first_monday(weeks) == monday)
}

/// How long until a line happens; nothing where it has.
pub(super) fn until(time: Millis, now: OffsetDateTime) -> Duration {
    Duration::from_millis(u64::try_from(time - millis(now)).unwrap_or(0))
}

fn millis(time: OffsetDateTime) -> Millis {
    time.unix_timestamp() * 1_000 + Millis::from(time.millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nine in the morning of a day.
    fn nine(day: &str) -> OffsetDateTime {
        Date::parse(day, &Iso8601::DATE).unwrap().midnight().assume_utc() + time::Duration::hours(9)
    }

    #[test]
    fn a_world_begins_thirteen_weeks_ago_and_is_the_same_at_the_next_start() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("first-monday");
        let weeks = weeks_later_of(&file, nine("2026-11-30")).unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "2026-08-31\n");
        assert_eq!(first_monday(weeks), millis(nine("2026-08-31")) - 9 * 3_600_000);
        assert_eq!(weeks_later_of(&file, nine("2027-02-01")).unwrap(), weeks);
    }

    #[test]
    fn a_file_that_names_no_such_monday_is_left_alone_and_says_what_it_should_hold() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("first-monday");
        for text in ["", "2026-09-01", "2024-02-26", "31.08.2026"] {
            std::fs::write(&file, text).unwrap();
            let error = weeks_later_of(&file, nine("2026-11-30")).unwrap_err();
            assert!(error.to_string().contains("a Monday"), "{text}: {error}");
            assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
        }
    }

    #[test]
    fn what_has_happened_is_due_and_the_rest_is_waited_for() {
        let now = nine("2026-11-30");
        assert_eq!(until(millis(now) - 5, now), Duration::ZERO);
        assert_eq!(until(millis(now) + 1_500, now), Duration::from_millis(1_500));
    }
}
