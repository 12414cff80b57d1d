//! Brands of many places: what each returns and what replies there bring, by chance and on average.

use std::sync::Arc;

use super::dice::Dice;
use super::ledger::{self, DAY};
use grapevine_core::answers::period::{Day, monday};
use grapevine_core::answers::places::{Effort, Row, places};
use grapevine_core::answers::{Brand, Earned, Ledger, Place, Side, Spent};

const ORIGIN: Day = 19_723;
const DAYS: u32 = 180;
const WEEKS: u8 = 13;

/// What a post brings on average where a place is like the others; it costs as much.
const WORTH: f64 = 18.0;

/// How a brand's places differ.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Places {
    pub(crate) count: u32,
    /// Of the logarithm of what a post brings in a place.
    pub(crate) differ: f64,
    /// Of the logarithm of what a post brings within one.
    pub(crate) posts: f64,
}

fn place(number: u32) -> Place {
    Place { channel: Arc::from("forum"), community: Arc::from(format!("{number:05}")), ..Place::default() }
}

fn brand() -> Brand {
    Brand { active_weeks: vec![monday(ORIGIN)], ..ledger::brand(ORIGIN, (i64::from(ORIGIN) + i64::from(DAYS) + 30) * DAY) }
}

/// A brand's rows in the order of its places, and what each place returns on average. A place has 10 to 80 posts.
pub(crate) fn returns_of_places(dice: &mut Dice, of: Places) -> (Vec<Row>, Vec<f64>) {
    let (mut ledger, mut truths) =
        (Ledger { brand: brand(), earned: Vec::new(), spent: Vec::new(), written: Vec::new() }, Vec::new());
    let mut root = 0;
    for number in 0..of.count {
        let (place, appeal, posts) = (place(number), dice.skewed(of.differ), 10 + (70.0 * dice.unit()) as i32);
        for _ in 0..posts {
            root += 1;
            let day = ORIGIN + (dice.unit() * f64::from(DAYS)) as Day;
            let mean = 0.9 * appeal * dice.skewed(of.posts);
            for _ in 0..dice.poisson(mean) {
                let margin = (20.0 * dice.skewed(1.0) * 1e6) as i128;
                ledger.earned.push(sold(day, &place, root, margin));
            }
        }
        ledger.spent.push(spent(&place, WORTH * f64::from(posts)));
        truths.push(appeal - 1.0);
    }
    (places(&ledger, &[]), truths)
}

fn sold(day: Day, place: &Place, root: u64, margin: i128) -> Earned {
    let sale = ledger::earned(day, Side::Conversation, margin);
    Earned { place: place.clone(), root: Some(root), root_day: Some(day), age: DAY, ..sale }
}

fn spent(place: &Place, cost: f64) -> Spent {
    Spent { place: place.clone(), ..ledger::worked(ORIGIN, Side::Conversation, (cost * 1e6) as i128) }
}

/// What one place's replies or posts bring.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pull {
    pub(crate) roots: u64,
    /// Replies under a root, at least one; their spread is 0.8. With 0 it is the root itself.
    pub(crate) replies: f64,
    /// Visits each on average.
    pub(crate) each: f64,
    /// Of the logarithm of what roots bring.
    pub(crate) spread: f64,
}

/// The row of a brand with one place.
pub(crate) fn pull(dice: &mut Dice, of: Pull) -> Row {
    let effort = |root| {
        let more = of.replies * dice.skewed(0.8);
        let written = 1 + dice.poisson(more);
        let mean = of.each * f64::from(written) * dice.skewed(of.spread);
        let (written, visits) = (u64::from(written), u64::from(dice.poisson(mean)));
        Effort { place: place(0), root, week: 0, replies: written, reply_visits: visits, posts: 0, post_visits: 0 }
    };
    let efforts: Vec<Effort> = (0..of.roots).map(effort).collect();
    nothing_sold(&efforts).remove(0)
}

fn nothing_sold(efforts: &[Effort]) -> Vec<Row> {
    places(&Ledger { brand: brand(), earned: Vec::new(), spent: Vec::new(), written: Vec::new() }, efforts)
}

/// What replies bring over weeks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Talk {
    pub(crate) places: u32,
    /// What a reply in a busy week brings beyond others.
    pub(crate) effect: f64,
    /// Of the logarithm of what a reply brings in a place.
    pub(crate) differ: f64,
    /// How much replies of one week hang together: the variance of what they bring, on average 1.
    pub(crate) together: f64,
}

/// A row of a brand whose replies bring 0.6 visits each, in weeks of more and of less demand that all places share. How much the brand replies in
/// a week is chance.
pub(crate) fn talk(dice: &mut Dice, of: Talk) -> Option<Row> {
    let demand: Vec<f64> = (0..WEEKS).map(|_| dice.skewed(0.3)).collect();
    let mut efforts = Vec::new();
    for number in 0..of.places {
        let (own, usual) = (0.6 * dice.skewed(of.differ), 6.0 * dice.skewed(0.8));
        let mut weeks: Vec<u32> = Vec::new();
        for _ in 0..WEEKS {
            let mean = usual * dice.skewed(0.6);
            weeks.push(dice.poisson(mean));
        }
        let mut used: Vec<u32> = weeks.iter().copied().filter(|replies| *replies > 0).collect();
        used.sort_unstable();
        for (week, (replies, demand)) in (0..).zip(weeks.iter().zip(&demand)) {
            // Above the median: above the lower of the two in the middle, and not equal to the upper one.
            let busy = !used.is_empty() && 2 * replies > used[(used.len() - 1) / 2] + used[used.len() / 2];
            let each = own * demand * dice.skewed((1.0 + of.together).ln().sqrt()) + if busy { of.effect } else { 0.0 };
            let visits = dice.poisson(each * f64::from(*replies));
            let (replies, reply_visits) = (u64::from(*replies), u64::from(visits));
            efforts.push(Effort {
                place: place(number),
                root: week.into(),
                week,
                replies,
                reply_visits,
                posts: 0,
                post_visits: 0,
            });
        }
    }
    nothing_sold(&efforts).into_iter().next()
}
