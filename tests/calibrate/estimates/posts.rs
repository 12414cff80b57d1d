//! A week of posts and what they bring.

use std::sync::Arc;

use super::dice::Dice;
use super::ledger::{self, DAY};
use grapevine_core::answers::cohort::{Basis, Post};
use grapevine_core::answers::period::Day;
use grapevine_core::answers::{Brand, Earned, Ledger, Sale, Side, Spent};

/// The Monday of the week.
const WEEK: Day = 20_003;

/// When the log has been read up to.
pub(crate) const REACHED: i64 = (WEEK as i64 + 100) * DAY;

/// What the days of the week cost.
pub(crate) const COST: f64 = 500.0;

/// Visits of a post on average.
const VISITS: f64 = 30.0;

/// How many of 100 visitors buy.
const BUYERS: f64 = 3.0;

/// An order on average, before its spread of 1.
const ORDER: f64 = 20.085_536_923_187_668;

/// What a post brings on average.
pub(crate) const WORTH: f64 = VISITS * BUYERS / 100.0 * ORDER;

/// What a post brings varies by so much: orders come by a Poisson number whose mean differs from post to post.
pub(crate) fn deviation(spread: f64) -> f64 {
    let orders = VISITS * BUYERS / 100.0;
    let square = ORDER * ORDER;
    let within = orders * square * std::f64::consts::E;
    (within + orders * orders * square * (spread * spread).exp_m1()).sqrt()
}

/// A post brings a Poisson number of visits around a lognormal mean; orders are lognormal.
pub(crate) fn draw(dice: &mut Dice, posts: u64, spread: f64) -> (Ledger, Vec<Post>) {
    let brand: Arc<str> = Arc::from("acme");
    let at = i64::from(WEEK) * DAY;
    let mut earned = Vec::new();
    for root in 1..=posts {
        let mean = VISITS * dice.skewed(spread);
        for _ in 0..dice.poisson(mean) {
            if dice.chance(BUYERS / 100.0) {
                let margin = (ORDER * dice.skewed(1.0) * 1e6) as i128;
                earned.push(sale(root, at, margin));
            }
        }
    }
    let post = |root| Post { root, brand: brand.clone(), week: WEEK, at, engagements: 0, clicks: 0 };
    let cost = (COST * 1e6) as i128;
    let spent = Spent { seconds: 3600, ..ledger::worked(WEEK, Side::Broadcast, cost) };
    let brand = Brand { clicked: vec![Side::Broadcast], ..ledger::brand(WEEK, REACHED) };
    (Ledger { brand, earned, spent: vec![spent], written: Vec::new() }, (1..=posts).map(post).collect())
}

fn sale(root: u64, at: i64, margin: i128) -> Earned {
    let sale = Sale { at, day: WEEK, basis: Some(Basis::Clicks), revenue: margin, before_direct: false };
    Earned { root: Some(root), root_day: Some(WEEK), sale, ..ledger::earned(WEEK, Side::Broadcast, margin) }
}
