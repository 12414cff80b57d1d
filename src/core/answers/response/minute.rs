//! Minutes of a brand, on its own clock.

use std::collections::BTreeMap;

use crate::answers::period::Day;

/// What happened in a minute.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Minute {
    /// The brand's day.
    pub day: Day,
    /// 0 to 1439, on its clock.
    pub minute_of_day: u16,
    /// Visits.
    pub visits: u32,
    /// The brand's replies, monologues left out.
    pub brand_replies: u32,
    /// Shares.
    pub shares: u32,
    /// The brand's own posts.
    pub brand_posts: u32,
    /// Of the calendar, in the order mail, advertisement, launch, other.
    pub events: [u32; 4],
}

/// How far a brand's clock is ahead of UTC: in seconds, by the second since 1970 from which on it is so. UTC before the first.
#[derive(Clone, Debug, Default)]
pub struct Clock(BTreeMap<u32, i32>);

impl Clock {
    /// Says what holds from a second on.
    pub fn set(&mut self, since: u32, utc_offset: i32) {
        self.0.insert(since, utc_offset);
    }

    /// The day and the minute of it, of a minute since 1970.
    fn local(&self, minute: u32) -> (Day, u16) {
        let since = self.0.range(..=minute.saturating_mul(60)).next_back();
        let local = i64::from(minute) + i64::from(since.map_or(0, |(_, utc_offset)| utc_offset / 60));
        #[expect(clippy::cast_possible_truncation, reason = "days fit, and minutes of a day are below 1440")]
        let (day, minute) = (local.div_euclid(1440) as Day, local.rem_euclid(1440) as u16);
        (day, minute)
    }
}

/// Every minute from the first to the last of these, which are in order and by their number since 1970: in those between them nothing
/// happened. The day and the minute of it are put in.
#[must_use]
pub fn every_minute(seen: &[(u32, Minute)], clock: &Clock) -> Vec<Minute> {
    let Some(((first, _), (last, _))) = seen.first().zip(seen.last()) else { return Vec::new() };
    let mut seen = seen.iter().peekable();
    let minutes = (*first..=*last).map(|number| {
        let counts = seen.next_if(|(at, _)| *at == number).map_or(Minute::default(), |(_, counts)| *counts);
        let (day, minute_of_day) = clock.local(number);
        Minute { day, minute_of_day, ..counts }
    });
    minutes.collect()
}
