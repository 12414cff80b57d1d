//! Visits after replies: an effect that is there is found, what is missing is said, and the days are those that are known.

#![expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "small numbers")]

use std::sync::Arc;

use proptest::prelude::*;

use crate::answers::immediacy::Finding;
use crate::answers::response::minute::{Clock, Minute, every_minute};
use crate::answers::response::{Beside, Lead, Reason, Row, response};

const DAY: usize = 1440;

/// A number between 0 and 1 by position: the same in every run.
fn chance(at: usize, stream: u64) -> f64 {
    let mut mixed = (at as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ stream.wrapping_mul(0xD134_2543_DE82_EF95);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

/// Days of a brand that replies now and then; each reply brings a visit in each of the minutes 2, 5 and 20 after it.
fn minutes(days: usize) -> Vec<Minute> {
    let mut minutes: Vec<Minute> = (0..days * DAY)
        .map(|at| Minute {
            day: i32::try_from(at / DAY).unwrap(),
            minute_of_day: u16::try_from(at % DAY).unwrap(),
            visits: u32::from(chance(at, 1) < 0.3 + 0.2 * (at % DAY) as f64 / DAY as f64),
            brand_replies: u32::from(chance(at, 2) < 0.02),
            shares: u32::from(chance(at, 3) < 0.05),
            ..Minute::default()
        })
        .collect();
    for at in 0..minutes.len() {
        for after in [2, 5, 20] {
            if minutes[at].brand_replies > 0 && at + after < minutes.len() {
                minutes[at + after].visits += 1;
            }
        }
    }
    minutes
}

fn of(minutes: &[Minute], immediacy: Option<Finding>) -> [Row; 2] {
    response(&Arc::from("acme"), minutes, immediacy)
}

#[test]
fn what_replies_bring_is_found() {
    let rows = of(&minutes(30), Some(Finding::Supported));
    for (row, (minutes, truth)) in rows.iter().zip([(15, 2.0), (60, 3.0)]) {
        assert_eq!((row.minutes, row.reason, row.days, row.reply_days), (minutes, None, 30, 30));
        let (low, high) = row.low.zip(row.high).unwrap();
        assert!(low < truth && truth < high && high - low < 0.6 * truth, "{row:?}");
        assert!(
            row.lead_low.unwrap() < 0.0 && row.lead_high.unwrap() > 0.0 && row.lead_verdict != Some(Lead::Flagged),
            "{row:?}"
        );
        assert_eq!(row.beside_immediacy, Beside::Agrees);
    }
}

#[test]
fn it_stands_beside_what_clicks_say() {
    let mut still = minutes(30);
    still.iter_mut().enumerate().for_each(|(at, minute)| minute.visits = u32::from(chance(at, 4) < 0.01));
    let beside = |minutes: &[Minute], immediacy| of(minutes, immediacy)[0].beside_immediacy;
    assert_eq!(beside(&still, Some(Finding::Supported)), Beside::Contradicts);
    assert_eq!(beside(&minutes(30), Some(Finding::Undecided)), Beside::CannotTell);
    assert_eq!(beside(&minutes(30), None), Beside::CannotTell);
    assert_eq!(beside(&minutes(5), Some(Finding::Supported)), Beside::CannotTell);
}

#[test]
fn replies_that_follow_visits_flag_the_model() {
    let mut led = minutes(30);
    for at in 10..led.len() {
        led[at - 10].visits += 3 * led[at].brand_replies;
    }
    assert_eq!(of(&led, None)[0].lead_verdict, Some(Lead::Flagged));
}

/// A change of the minutes, and the reason that it makes.
type Change = (fn(&mut Vec<Minute>), Reason);

#[test]
fn what_cannot_be_told_is_said() {
    let changes: [Change; 5] = [
        (|minutes| minutes.truncate(13 * DAY), Reason::FewDays),
        (|minutes| minutes.iter_mut().for_each(|minute| minute.brand_replies = 0), Reason::NoReplies),
        (|minutes| minutes.iter_mut().skip(8 * DAY).for_each(|minute| minute.brand_replies = 0), Reason::FewReplyDays),
        (|minutes| minutes.iter_mut().for_each(|minute| minute.brand_replies = 1), Reason::NoSpread),
        (|minutes| minutes.iter_mut().for_each(|minute| minute.shares = minute.brand_replies), Reason::NoSpread),
    ];
    for (change, reason) in changes {
        let mut minutes = minutes(20);
        change(&mut minutes);
        for row in of(&minutes, Some(Finding::Supported)) {
            assert_eq!(row.reason, Some(reason));
            let figures = [row.visits_per_reply, row.low, row.high, row.lead, row.lead_low, row.lead_high];
            assert!(figures.iter().all(Option::is_none) && row.lead_verdict.is_none(), "{row:?}");
        }
    }
    assert_eq!(of(&[], None)[0].reason, Some(Reason::FewDays));
}

#[test]
fn days_that_lack_minutes_are_left_out() {
    let whole = minutes(20);
    // The first day begins at six in the morning, the last ends at noon: neither is whole.
    assert_eq!(of(&whole[360..20 * DAY - 720], None)[0].days, 18);
    // Twelve hours before anything is known, and half an hour after.
    assert_eq!(of(&whole, None)[0].days, 20);
    assert_eq!(of(&whole[..15 * DAY], None)[0].reason, None);
}

proptest! {
    // A case is some weeks of minutes.
    #![proptest_config(ProptestConfig::with_cases(6))]

    /// Nothing that minutes can hold makes a figure that is no number.
    #[test]
    fn figures_are_numbers(seed in 0_u64..1000, largest in prop::sample::select(vec![0_u32, 1, 50, u32::MAX])) {
        let minutes: Vec<Minute> = (0..16 * DAY)
            .map(|at| {
                let some = |stream: u64| (chance(at, seed * 10 + stream) * f64::from(largest)) as u32 * u32::from(chance(at, seed + stream) < 0.02);
                Minute {
                    day: i32::try_from(at / DAY).unwrap(),
                    minute_of_day: u16::try_from(at % DAY).unwrap(),
                    visits: some(1),
                    brand_replies: some(2),
                    shares: some(3),
                    brand_posts: some(4),
                    events: [some(5), some(6), some(7), some(8)],
                }
            })
            .collect();
        for row in of(&minutes, None) {
            for figure in [row.visits_per_reply, row.low, row.high, row.lead, row.lead_low, row.lead_high] {
                prop_assert!(figure.is_none_or(f64::is_finite));
            }
        }
    }
}

/// A minute with so many visits.
fn visited(visits: u32) -> Minute {
    Minute { visits, ..Minute::default() }
}

#[test]
fn minutes_between_those_that_are_known_are_quiet_and_on_the_brands_clock() {
    let mut clock = Clock::default();
    // An hour ahead from the second minute on, an hour and a half behind from the fourth.
    clock.set(120, 3600);
    clock.set(240, -5400);
    let minutes = every_minute(&[(1, visited(3)), (5, visited(7))], &clock);
    let told: Vec<_> = minutes.iter().map(|minute| (minute.day, minute.minute_of_day, minute.visits)).collect();
    assert_eq!(told, [(0, 1, 3), (0, 62, 0), (0, 63, 0), (-1, 1354, 0), (-1, 1355, 7)]);
    assert_eq!(every_minute(&[], &clock), []);
    let last = u32::MAX / 60;
    assert_eq!(every_minute(&[(last, visited(1))], &Clock::default()).len(), 1);
}
