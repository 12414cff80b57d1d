//! Writes facts as JSON in the event format, and puts them on their way to the log.
//!
//! Texts are plain ASCII without anything that JSON would escape.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::generator::Line;
use crate::generator::dice::Dice;
use crate::generator::world::{self, FIRST, HOUR, WEEK_START};
use crate::record::Millis;

/// The hour in which people wake (UTC).
const MORNING: usize = 6;

/// A fact under way: an event without its closing brace.
#[derive(Clone, Debug)]
pub(crate) struct Fact {
    json: String,
    key: String,
    time: Millis,
}

impl Fact {
    /// Its key is its id, unless another is given.
    pub(crate) fn new(kind: &str, id: &str, time: Millis) -> Self {
        Fact { json: format!(r#"{{"id":"{id}","type":"{kind}","time":{time}"#), key: id.to_owned(), time }
    }

    pub(crate) fn keyed(mut self, key: &str) -> Self {
        key.clone_into(&mut self.key);
        self
    }

    /// A text; an empty one is left out.
    pub(crate) fn text(self, name: &str, value: &str) -> Self {
        if value.is_empty() { self } else { self.raw(name, &format!(r#""{value}""#)) }
    }

    /// A number.
    pub(crate) fn number(self, name: &str, value: impl std::fmt::Display) -> Self {
        self.raw(name, &value.to_string())
    }

    fn raw(mut self, name: &str, value: &str) -> Self {
        for part in [",\"", name, "\":", value] {
            self.json.push_str(part);
        }
        self
    }
}

/// Facts on their way to the log. What would happen before the first hour or after the last day is left out.
#[derive(Debug)]
pub(crate) struct Outbox {
    /// The end of the last day.
    pub(crate) until: Millis,
    pub(crate) lines: Vec<Line>,
}

impl Outbox {
    /// Like the rest of the log: mostly within seconds, one line in a hundred twice. Whether it is sent at all.
    pub(crate) fn send(&mut self, dice: &mut Dice, fact: Fact) -> bool {
        let time = fact.time;
        self.send_later(dice, fact, time)
    }

    /// The same for what is known or written down only later.
    pub(crate) fn send_later(&mut self, dice: &mut Dice, fact: Fact, known: Millis) -> bool {
        let Fact { mut json, key, time } = fact;
        if !(FIRST..self.until).contains(&time) {
            return false;
        }
        json.push('}');
        let line = Line { key, json: json.into_bytes(), time: known + millis(dice.draw(world::ARRIVAL)) };
        if dice.permille(10) {
            let copied = line.time + millis(200 + dice.below(3_000_000));
            self.lines.push(Line { time: copied, ..line.clone() });
        }
        self.lines.push(line);
        true
    }
}

/// When somebody does what would fall on a time: in 1,000 so many do it at once, by the hour (UTC); the others in the morning. Hours in
/// which more than 1,000 do are awake anyway.
pub(crate) fn awake(time: Millis, hours: &[u64; 24], dice: &mut Dice) -> Millis {
    let hour = usize::try_from((time - WEEK_START).div_euclid(HOUR).rem_euclid(24)).unwrap_or(0);
    let later = HOUR * Millis::try_from((MORNING + 24 - hour) % 24).unwrap_or(0) + millis(dice.below(10_800_000));
    if dice.below(1_000) < hours[hour] { time } else { time + later }
}

pub(crate) fn millis(duration: u64) -> Millis {
    Millis::try_from(duration).unwrap_or(Millis::MAX)
}

/// The milliseconds of so many seconds, and a part of the next.
pub(crate) fn seconds(dice: &mut Dice, seconds: u64) -> Millis {
    millis(seconds * 1_000 + dice.below(1_000))
}

/// A time as people read it.
pub(crate) fn instant(time: Millis) -> String {
    let time = OffsetDateTime::from_unix_timestamp(time.div_euclid(1_000)).ok();
    time.and_then(|time| time.format(&Rfc3339).ok()).unwrap_or_default()
}

/// The date of a time.
pub(crate) fn date(time: Millis) -> String {
    instant(time).chars().take(10).collect()
}

/// An amount of money, with two digits behind the point.
pub(crate) fn money(cents: i64) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", cents.unsigned_abs() / 100, cents.unsigned_abs() % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_has_two_digits_and_one_sign() {
        assert_eq!([0, 5, -5, 123_456, -100].map(money), ["0.00", "0.05", "-0.05", "1234.56", "-1.00"]);
    }

    #[test]
    fn a_fact_before_the_first_hour_or_after_the_last_day_is_not_sent() {
        let mut outbox = Outbox { until: FIRST + 1_000, lines: Vec::new() };
        for time in [FIRST - 1, FIRST + 1_000] {
            assert!(!outbox.send(&mut Dice::new(1), Fact::new("visit", "v", time)));
        }
        assert!(outbox.send(&mut Dice::new(1), Fact::new("visit", "v", FIRST).text("brand", "").number("n", 7)));
        let wanted = format!(r#"{{"id":"v","type":"visit","time":{FIRST},"n":7}}"#);
        assert_eq!(String::from_utf8_lossy(&outbox.lines[0].json), wanted);
    }

    #[test]
    fn whoever_sleeps_comes_in_the_morning() {
        let mut dice = Dice::new(1);
        let hours: [u64; 24] = std::array::from_fn(|hour| if hour < MORNING { 0 } else { 1_000 });
        for hour in 0..24 {
            let time = WEEK_START + hour * HOUR + 5;
            let done = awake(time, &hours, &mut dice);
            let morning = WEEK_START + 6 * HOUR;
            assert_eq!(done == time, hour >= 6);
            assert!(done == time || (morning..morning + 4 * HOUR).contains(&done));
        }
    }
}
