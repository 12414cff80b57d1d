//! What the posts of a week brought: sales credited to them under the configured rule, within the look-back after each post, against
//! the cost of the days of that week.
//!
//! Here the brand is the post's, whoever sold; everywhere else it is the sale's. Posts of a week are the brand's own and those that it
//! answered under. Margin whose touch has no post cannot stand in a week of posts; it stands beside them, in the week of the touch.
//! Units of the interval are the posts, whose number the brand chose ([`crate::estimate::sum::Sum::spread_of`]).

mod book;

use std::collections::BTreeMap;
use std::sync::Arc;

use hashbrown::HashMap;

use super::money::Missing;
use super::period::Day;
use super::reason::Reason;
use super::{Earned, Ledger, Side};
use book::Book;

/// What is known of the way to a sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Basis {
    /// No touch.
    Nothing,
    /// A visit that names neither post nor side.
    Visits,
    /// Link parameters.
    Utm,
    /// A click on a post.
    Clicks,
}

impl Basis {
    /// Its word in a row.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Basis::Nothing => "none",
            Basis::Visits => "visits",
            Basis::Utm => "utm",
            Basis::Clicks => "clicks",
        }
    }
}

/// A post that a brand wrote or answered under.
#[derive(Clone, Debug, PartialEq)]
pub struct Post {
    /// By the number that stands for it in [`Earned::root`].
    pub root: u64,
    /// Its brand.
    pub brand: Arc<str>,
    /// The Monday of its week, of the brand's own days.
    pub week: Day,
    /// When it was posted, in milliseconds since 1970.
    pub at: i64,
    /// Shares, replies of others and reactions within the look-back.
    pub engagements: u64,
    /// Clicks within the look-back.
    pub clicks: u64,
}

/// What a side of the posts of a week returned. Money in millionths of the brand's base currency.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The brand.
    pub brand: Arc<str>,
    /// The Monday of the week.
    pub week: Day,
    /// The side; `None`: the whole.
    pub side: Option<Side>,
    /// Posts of the week.
    pub posts: usize,
    /// Money and time of its days, unless a part has no price.
    pub cost_base: Option<i128>,
    /// The money in it.
    pub money_base: Option<i128>,
    /// The time in it.
    pub time_base: Option<i128>,
    /// Hours of work.
    pub hours: f64,
    /// Credited revenue.
    pub revenue_base: Option<i128>,
    /// Credited margin.
    pub margin_base: Option<i128>,
    /// Margin of touches of the week that have no post, whenever the sale came; in no other figure.
    pub margin_without_post: Option<i128>,
    /// Credited sales: the sum of their parts.
    pub conversions: Option<f64>,
    /// margin/cost − 1.
    pub roi: Option<f64>,
    /// Where another draw of such posts would lie with 95 %, with the high estimate of the time.
    pub roi_low: Option<f64>,
    /// The same with the low one.
    pub roi_high: Option<f64>,
    /// The least over the five rules.
    pub roi_lowest_model: Option<f64>,
    /// The greatest.
    pub roi_highest_model: Option<f64>,
    /// Without margin of touches that a direct one followed.
    pub roi_direct_0: Option<f64>,
    /// With the brand's direct margin shared out over its posts like what is traced.
    pub roi_direct_100: Option<f64>,
    /// revenue/money.
    pub roas: Option<f64>,
    /// How many posts of equal size would spread as these do.
    pub effective_roots: Option<f64>,
    /// The part of the margin that the best post brought.
    pub top1_share: Option<f64>,
    /// The part of the brand's revenue, of all times, that is credited to its posts.
    pub traced_share: Option<f64>,
    /// The part of the brand's active weeks whose work is known.
    pub labour_coverage: Option<f64>,
    /// Engagements and clicks of the posts; of the whole alone.
    pub reaction: Option<Reaction>,
    /// cost/conversions.
    pub cost_per_acquisition: Option<f64>,
    /// The look-back of the newest post has passed.
    pub mature: bool,
    /// The best that is known of the brand's conversions of the time.
    pub basis: Basis,
    /// Why there is no return, or no interval.
    pub reason: Option<Reason>,
    /// Currency of the figures.
    pub base_currency: Arc<str>,
}

/// What people did with the posts of a week.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reaction {
    /// Shares, replies of others and reactions.
    pub engagements: u64,
    /// Clicks.
    pub clicks: u64,
    /// cost/engagements.
    pub cost_per_engagement: Option<f64>,
    /// cost/clicks.
    pub cost_per_click: Option<f64>,
}

/// The rows of all brands, by brand, week and side. The log has been read up to `reached`, in milliseconds since 1970.
#[must_use]
pub fn cohorts(ledgers: &[Ledger], posts: &[Post], reached: i64) -> Vec<Row> {
    let mut books: BTreeMap<&str, Book> = ledgers.iter().map(|ledger| (&*ledger.brand.name, Book::open(ledger))).collect();
    let mut by_root: HashMap<u64, &Post> = HashMap::new();
    for post in posts {
        if let Some(book) = books.get_mut(&*post.brand) {
            by_root.insert(post.root, post);
            book.weeks.entry(post.week).or_default().posts.push(post);
        }
    }
    for seller in ledgers {
        for row in &seller.earned {
            let post = row.root.and_then(|root| by_root.get(&root).copied());
            let Some(book) = books.get_mut(post.map_or(&*seller.brand.name, |post| &*post.brand)) else { continue };
            match post {
                None => book.leave(row),
                Some(post) if seller.brand.base_currency == book.ledger.brand.base_currency => book.trace(row, post),
                Some(post) => book.trace(&Earned { missing: Some(Missing::OtherCurrency), ..row.clone() }, post),
            }
        }
    }
    books.values().flat_map(|book| book.rows(reached)).collect()
}
