//! Days and periods: which days a calendar period has, which ones trail behind the newest complete day.

use time::{Date, Month};

/// A day of the brand's own calendar, counted from 1970-01-01.
pub type Day = i32;

/// 1970-01-01 was the third day after a Monday.
const EPOCH_WEEKDAY: Day = 3;

/// The Julian day of 1970-01-01.
const EPOCH_JULIAN: Day = 2_440_588;

/// What kind of period a row is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Span {
    /// Monday to Sunday.
    Week,
    /// A calendar month.
    Month,
    /// A calendar quarter.
    Quarter,
    /// The 28 days before the newest complete one has passed.
    Last4Weeks,
    /// The 91 days before it.
    Last13Weeks,
    /// From the first day that can be judged.
    All,
}

impl Span {
    /// Its name in a row.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Span::Week => "week",
            Span::Month => "month",
            Span::Quarter => "quarter",
            Span::Last4Weeks => "last_4_weeks",
            Span::Last13Weeks => "last_13_weeks",
            Span::All => "all",
        }
    }
}

/// Some days, the end exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Period {
    /// Its kind.
    pub span: Span,
    /// The first day.
    pub start: Day,
    /// The day after the last one.
    pub end: Day,
}

/// The Monday of a day's week.
#[must_use]
pub fn monday(day: Day) -> Day {
    day.saturating_sub(day.saturating_add(EPOCH_WEEKDAY).rem_euclid(7))
}

/// The calendar date of a day; days beyond the years that a calendar has are the nearest it has.
fn date(day: Day) -> Date {
    let nearest = if day < 0 { Date::MIN } else { Date::MAX };
    Date::from_julian_day(day.saturating_add(EPOCH_JULIAN)).unwrap_or(nearest)
}

/// The first day of the month that is `months` after January of `year`.
fn month_start(year: i32, months: u8) -> Day {
    let (year, month) = (year + i32::from(months / 12), months % 12 + 1);
    let first = Month::try_from(month).ok().and_then(|month| Date::from_calendar_date(year, month, 1).ok());
    first.unwrap_or(Date::MAX).to_julian_day() - EPOCH_JULIAN
}

impl Period {
    /// The period of that kind that holds the day; `None` for those that have no calendar.
    #[must_use]
    pub fn holding(span: Span, day: Day) -> Option<Period> {
        let months = match span {
            Span::Week => return Some(Period { span, start: monday(day), end: monday(day).saturating_add(7) }),
            Span::Month => 1,
            Span::Quarter => 3,
            Span::Last4Weeks | Span::Last13Weeks | Span::All => return None,
        };
        let date = date(day);
        let first = (u8::from(date.month()) - 1) / months * months;
        Some(Period { span, start: month_start(date.year(), first), end: month_start(date.year(), first + months) })
    }

    /// The period of that kind that ends where the newest complete day has passed; `first` is the first day that can be judged.
    /// `None` for calendar periods, and where no day is left.
    #[must_use]
    pub fn trailing(span: Span, first: Day, end: Day) -> Option<Period> {
        let start = match span {
            Span::Last4Weeks => end.saturating_sub(28),
            Span::Last13Weeks => end.saturating_sub(91),
            Span::All => first,
            Span::Week | Span::Month | Span::Quarter => return None,
        };
        (start < end).then_some(Period { span, start, end })
    }

    /// The one of its kind before it. `None` for `all`, which has none.
    #[must_use]
    pub fn before(self) -> Option<Period> {
        match self.span {
            Span::Week | Span::Month | Span::Quarter => Period::holding(self.span, self.start.saturating_sub(1)),
            Span::Last4Weeks | Span::Last13Weeks => {
                Some(Period { start: self.start.saturating_sub(self.days()), end: self.start, ..self })
            }
            Span::All => None,
        }
    }

    /// How many days it has.
    #[must_use]
    pub fn days(self) -> i32 {
        self.end.saturating_sub(self.start)
    }

    /// Whether the day is one of its days.
    #[must_use]
    pub fn holds(self, day: Day) -> bool {
        self.start <= day && day < self.end
    }

    /// How many weeks lie within it whole, Monday to Sunday.
    #[must_use]
    pub fn whole_weeks(self) -> i32 {
        let first = monday(self.start.saturating_add(6));
        (monday(self.end).saturating_sub(first) / 7).max(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(year: i32, month: u8, day: u8) -> Day {
        Date::from_calendar_date(year, Month::try_from(month).unwrap(), day).unwrap().to_julian_day() - EPOCH_JULIAN
    }

    fn ends(span: Span, at: Day) -> (Day, Day) {
        let period = Period::holding(span, at).unwrap();
        assert!(period.holds(at) && period.span == span);
        (period.start, period.end)
    }

    #[test]
    fn days_count_from_1970() {
        assert_eq!(day(1970, 1, 1), 0);
        assert_eq!(day(2026, 11, 29), 20_786);
    }

    #[test]
    fn weeks_begin_on_mondays() {
        assert_eq!(monday(0), -3);
        assert_eq!(monday(4), 4);
        // 2024-12-30 is a Monday: the week lies in two years.
        let week = (day(2024, 12, 30), day(2025, 1, 6));
        assert_eq!([ends(Span::Week, day(2024, 12, 31)), ends(Span::Week, day(2025, 1, 5))], [week, week]);
        assert_eq!(ends(Span::Week, day(2024, 12, 29)).1, week.0);
    }

    #[test]
    fn months_and_quarters_end_with_the_year() {
        assert_eq!(ends(Span::Month, day(2025, 12, 31)), (day(2025, 12, 1), day(2026, 1, 1)));
        assert_eq!(ends(Span::Quarter, day(2025, 12, 31)), (day(2025, 10, 1), day(2026, 1, 1)));
        assert_eq!(ends(Span::Quarter, day(2026, 1, 1)), (day(2026, 1, 1), day(2026, 4, 1)));
    }

    #[test]
    fn leap_days_belong_to_february() {
        assert_eq!(ends(Span::Month, day(2024, 2, 29)), (day(2024, 2, 1), day(2024, 3, 1)));
        assert_eq!(Period::holding(Span::Month, day(2024, 2, 10)).unwrap().days(), 29);
        assert_eq!(Period::holding(Span::Month, day(2023, 2, 10)).unwrap().days(), 28);
        assert_eq!(Period::holding(Span::Quarter, day(2024, 2, 29)).unwrap().days(), 91);
        // 2000 had one, 1900 had none.
        assert_eq!(Period::holding(Span::Month, day(2000, 2, 1)).unwrap().days(), 29);
        assert_eq!(Period::holding(Span::Month, day(1900, 2, 1)).unwrap().days(), 28);
    }

    #[test]
    fn before_a_period_is_one_of_its_kind() {
        let before = |span, at| Period::holding(span, at).unwrap().before().unwrap();
        assert_eq!(before(Span::Month, day(2026, 1, 15)).start, day(2025, 12, 1));
        assert_eq!(before(Span::Month, day(2024, 3, 1)).days(), 29);
        assert_eq!(before(Span::Quarter, day(2026, 1, 15)).start, day(2025, 10, 1));
        let last = Period::trailing(Span::Last4Weeks, 0, 100).unwrap();
        assert_eq!(last.before(), Some(Period { span: Span::Last4Weeks, start: 44, end: 72 }));
        assert_eq!(Period::trailing(Span::All, 0, 100).unwrap().before(), None);
    }

    #[test]
    fn trailing_periods_end_where_days_are_complete() {
        assert_eq!(Period::trailing(Span::Last13Weeks, 50, 100).map(|period| (period.start, period.end)), Some((9, 100)));
        assert_eq!(Period::trailing(Span::All, 50, 100).map(|period| (period.start, period.end)), Some((50, 100)));
        assert_eq!(Period::trailing(Span::All, 100, 100), None);
        assert_eq!(Period::trailing(Span::Month, 0, 100), None);
        assert_eq!(Period::holding(Span::All, 3), None);
    }

    #[test]
    fn whole_weeks_are_counted_from_monday_to_sunday() {
        let weeks = |start, end| Period { span: Span::All, start, end }.whole_weeks();
        // 4 is a Monday.
        assert_eq!([weeks(4, 95), weeks(5, 95), weeks(4, 94), weeks(5, 11), weeks(5, 10), weeks(4, 4)], [13, 12, 12, 0, 0, 0]);
        assert_eq!(weeks(3, 96), 13);
    }

    #[test]
    fn days_beyond_the_calendar_are_its_last() {
        for extreme in [Day::MIN, Day::MIN + 1, -EPOCH_JULIAN, Day::MAX - 1, Day::MAX] {
            for span in [Span::Week, Span::Month, Span::Quarter] {
                let period = Period::holding(span, extreme).unwrap();
                assert!(period.before().is_some() && period.whole_weeks() <= 14);
            }
            for span in [Span::Last4Weeks, Span::Last13Weeks, Span::All] {
                assert!(Period::trailing(span, extreme, extreme).is_none_or(|period| period.days() <= 91));
            }
        }
    }
}
