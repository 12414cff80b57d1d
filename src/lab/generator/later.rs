//! The same world in another week: every time is so many whole weeks later, nothing else differs.

use super::Line;
use super::world::{DAY, WEEK_START};
use crate::record::Millis;

/// The fields of events that hold times.
const TIMES: [&str; 3] = [r#""time":"#, r#""period_start":"#, r#""period_end":"#];

/// The first moment of a world so many weeks later than the generator's own: a Monday, 00:00 UTC.
#[must_use]
pub fn first_monday(weeks_later: u16) -> Millis {
    WEEK_START + by(weeks_later)
}

/// A world whose first Monday is the last one that is not after `time`: how many weeks later than the generator's own it is. None where that
/// is before the generator's own or further than it can count.
#[must_use]
pub fn weeks_later(time: Millis) -> Option<u16> {
    u16::try_from((time - WEEK_START).div_euclid(7 * DAY)).ok()
}

/// How much later that is.
pub(crate) fn by(weeks_later: u16) -> Millis {
    Millis::from(weeks_later) * 7 * DAY
}

/// The line so much later. Only the generator's own lines: names of fields are looked for as it writes them, and no text of it holds one.
pub(crate) fn moved(line: Line, by: Millis) -> Line {
    if by == 0 {
        return line;
    }
    let mut json = String::from_utf8_lossy(&line.json).into_owned();
    for field in TIMES {
        let Some(start) = json.find(field).map(|at| at + field.len()) else { continue };
        let end = json[start..].find([',', '}']).map_or(json.len(), |length| start + length);
        if let Ok(time) = json[start..end].parse::<Millis>() {
            json.replace_range(start..end, &(time + by).to_string());
        }
    }
    Line { json: json.into_bytes(), time: line.time + by, ..line }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;
    use crate::generator::money::{Economy, Settings};

    /// Every field of every kind of line that looks like a time of the world is one that is moved, by whole weeks; the rest stays.
    #[test]
    fn a_later_world_differs_in_its_times_alone() {
        let settings = Settings { seed: 3, events: 2_000, days: 21, visits_a_day: 200, ..Settings::default() };
        let later = Settings { weeks_later: 130, ..settings.clone() };
        let object = |line: &Line| serde_json::from_slice::<serde_json::Map<String, Value>>(&line.json).unwrap();
        let mut moved = BTreeSet::new();
        let mut lines = 0;
        for (own, other) in Economy::new(&settings).zip(Economy::new(&later)) {
            lines += 1;
            assert_eq!((&other.key, other.time - own.time), (&own.key, 130 * 7 * DAY));
            let (own, mut other) = (object(&own), object(&other));
            for (name, value) in &own {
                if let Some(time) = value.as_i64().filter(|number| *number > WEEK_START / 2) {
                    assert_eq!(other[name].as_i64(), Some(time + 130 * 7 * DAY), "{name}");
                    other.insert(name.clone(), value.clone());
                    moved.insert(name.clone());
                }
            }
            assert_eq!(own, other);
        }
        assert_eq!(moved, ["period_end", "period_start", "time"].map(str::to_owned).into());
        assert_eq!(lines, Economy::new(&settings).count());
    }

    #[test]
    fn a_world_begins_on_the_last_monday() {
        assert_eq!(weeks_later(WEEK_START), Some(0));
        assert_eq!(weeks_later(WEEK_START + 7 * DAY - 1), Some(0));
        assert_eq!(weeks_later(WEEK_START + 7 * DAY), Some(1));
        assert_eq!(weeks_later(WEEK_START - 1), None);
        assert_eq!(first_monday(2), WEEK_START + 14 * DAY);
    }
}
