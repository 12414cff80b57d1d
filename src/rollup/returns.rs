//! The answers about returns: what each brand earned and spent out of the store, `crate::answers` says what it amounts to, rows back.
//!
//! The models `known`, `part`, `posted`, `spent`, `written`, `ruled`, `cohort_post` and `effort` are read whole: they have a row a sale and
//! touch, a day and thing, a root and day, a post, or a root and week, no more.

mod said;
mod written;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use ::clickhouse::Row;
use serde::{Deserialize, Serialize};

use super::frame::{Frame, model_name};
use super::read::Reader;
use super::store::Store;
use super::{LOOKBACK, RULE};
use crate::answers::cohort::{Basis, Post, cohorts};
use crate::answers::comparison::comparison;
use crate::answers::immediacy::{Share, immediacy};
use crate::answers::money::{Missing, Money};
use crate::answers::period::Day;
use crate::answers::places::{Effort, places};
use crate::answers::roi::{self, By, Ruled, by_rule};
use crate::answers::{Brand, Earned, Ledger, Place, Rule, Sale, Side, Spent};
use crate::failure::Failure;
use said::{PLACED, RETURN, cohort_row, comparison_row, immediacy_row, place_row, return_row, rule_row};

const DOING: &str = "could not work out returns";

#[derive(Row, Deserialize)]
struct KnownRow {
    brand: String,
    base_currency: String,
    complete_to: i64,
    first_visit: Option<Day>,
    first_cost: Option<Day>,
    clicked: Vec<String>,
    active_weeks: Vec<Day>,
}

#[derive(Row, Deserialize)]
struct EarnedRow {
    brand: String,
    day: Day,
    side: String,
    channel: String,
    community: String,
    campaign: String,
    root: u64,
    direct: bool,
    is_refund: bool,
    age: i64,
    share: Vec<f64>,
    margin: Vec<i128>,
    missing: u8,
    sold_at: i64,
    money_day: Day,
    basis: Option<u8>,
    revenue: i128,
    before_direct: bool,
}

#[derive(Row, Deserialize)]
struct PostedRow {
    brand: String,
    root: u64,
    day: Day,
}

#[derive(Row, Deserialize)]
struct SpentRow {
    brand: String,
    day: Day,
    side: String,
    channel: String,
    community: String,
    campaign: String,
    money: i128,
    time: i128,
    time_low: i128,
    time_high: i128,
    seconds: i64,
    timed: bool,
    unbounded: bool,
    missing: u8,
}

#[derive(Row, Deserialize)]
struct RuledInput {
    brand: String,
    day: Day,
    channel: String,
    side: String,
    model: String,
    lookback_days: u16,
    margin: i128,
    missing: u8,
    conversions: f64,
}

#[derive(Row, Deserialize)]
struct PostRow {
    root: u64,
    brand: String,
    posted_at: i64,
    week: Day,
    engagements: u64,
    clicks: u64,
}

#[derive(Row, Deserialize)]
struct ClickRoot {
    brand: String,
    conversation_early: u64,
    conversation: u64,
    broadcast_early: u64,
    broadcast: u64,
}

#[derive(Row, Deserialize)]
struct EffortRow {
    brand: String,
    channel: String,
    community: String,
    root: u64,
    week: u8,
    replies: u64,
    reply_visits: u64,
    posts: u64,
    post_visits: u64,
}

/// Makes the models of the answers about returns.
pub(super) async fn make(store: &Store, frame: &Frame) -> Result<(), Failure> {
    let reader = Reader { store, frame, doing: DOING };
    let (ledgers, mut credit) = read(reader).await?;
    let by = [("roi", By::Brand), ("roi_channel", By::Channel), ("roi_campaign", By::Campaign), ("roi_place", By::Place)];
    for (name, by) in by {
        store.run(DOING, &frame.make_with_columns(name, RETURN)).await?;
        let rows = ledgers.iter().flat_map(|ledger| roi::roi(ledger, by)).map(return_row);
        insert(store, frame, name, rows).await?;
    }
    store.run(DOING, &frame.make_like_answer("roi_by_rule")).await?;
    let ruled =
        ledgers.iter().flat_map(|ledger| by_rule(ledger, &credit.remove(&ledger.brand.name).unwrap_or_default())).map(rule_row);
    insert(store, frame, "roi_by_rule", ruled).await?;
    store.run(DOING, &frame.make_like_answer("comparison")).await?;
    insert(store, frame, "comparison", ledgers.iter().flat_map(comparison).map(comparison_row)).await?;
    store.run(DOING, &frame.make_with_columns("placed", PLACED)).await?;
    let mut efforts = efforts(reader).await?;
    let placed =
        ledgers.iter().flat_map(|ledger| places(ledger, &efforts.remove(&ledger.brand.name).unwrap_or_default())).map(place_row);
    insert(store, frame, "placed", placed).await?;
    store.run(DOING, &frame.make_like_answer("roi_cohort")).await?;
    let reached = frame.as_of.unwrap_or_default();
    let cohorts = cohorts(&ledgers, &posts(reader).await?, reached);
    insert(store, frame, "roi_cohort", cohorts.into_iter().map(cohort_row)).await?;
    store.run(DOING, &frame.make_like_answer("immediacy")).await?;
    insert(
        store,
        frame,
        "immediacy",
        clusters(reader).await?.into_iter().map(|(brand, roots)| immediacy_row(immediacy(&brand, &roots))),
    )
    .await
}

/// Of each brand, by name, what is known of it; and its credit by rule.
async fn read(reader: Reader<'_>) -> Result<(Vec<Ledger>, BTreeMap<Arc<str>, Vec<Ruled>>), Failure> {
    let mut texts = Texts::default();
    let known: Vec<KnownRow> =
        reader.all("known", "brand, base_currency, complete_to, first_visit, first_cost, clicked, active_weeks").await?;
    let mut ledgers: BTreeMap<Arc<str>, Ledger> = BTreeMap::new();
    for row in known {
        let name = texts.of(row.brand);
        let brand = Brand {
            name: name.clone(),
            base_currency: texts.of(row.base_currency),
            rule: RULE,
            lookback: LOOKBACK,
            complete_to: row.complete_to,
            first_visit: row.first_visit,
            first_cost: row.first_cost,
            clicked: row.clicked.iter().filter_map(|name| side(name)).collect(),
            active_weeks: row.active_weeks,
        };
        ledgers.insert(name, Ledger { brand, earned: Vec::new(), spent: Vec::new(), written: Vec::new() });
    }
    let posted = reader.all::<PostedRow>("posted", "brand, root, day").await?;
    let posted: HashMap<(Arc<str>, u64), Day> =
        posted.into_iter().map(|row| ((texts.of(row.brand), row.root), row.day)).collect();
    let columns = "brand, day, side, channel, community, campaign, if(root = '', 0, cityHash64(root)) AS root, direct, is_refund, age, share, \
        margin, missing, sold_at, money_day, basis, revenue, before_direct";
    let mut rows = reader.rows::<EarnedRow>("part", columns)?;
    while let Some(row) = rows.next().await? {
        if let Some(ledger) = ledgers.get_mut(row.brand.as_str()) {
            let root_day = posted.get(&(ledger.brand.name.clone(), row.root)).copied();
            ledger.earned.extend(earned(row, root_day, &mut texts));
        }
    }
    let columns =
        "brand, day, side, channel, community, campaign, money, time, time_low, time_high, seconds, timed, unbounded, missing";
    for row in reader.all::<SpentRow>("spent", columns).await? {
        if let Some(ledger) = ledgers.get_mut(row.brand.as_str()) {
            ledger.spent.extend(spent(row, &mut texts));
        }
    }
    written::read(reader, &mut texts, &mut ledgers).await?;
    let mut credit: BTreeMap<Arc<str>, Vec<Ruled>> = BTreeMap::new();
    let columns = "brand, day, channel, side, model, lookback_days, margin, missing, conversions";
    let mut rows = reader.rows::<RuledInput>("ruled", columns)?;
    while let Some(row) = rows.next().await? {
        let brand = texts.of(row.brand.clone());
        credit.entry(brand).or_default().extend(ruled(row, &mut texts));
    }
    Ok((ledgers.into_values().collect(), credit))
}

/// Of each brand what it wrote under each root in each week, and the visits that came by that.
async fn efforts(reader: Reader<'_>) -> Result<BTreeMap<Arc<str>, Vec<Effort>>, Failure> {
    let mut texts = Texts::default();
    let mut efforts: BTreeMap<Arc<str>, Vec<Effort>> = BTreeMap::new();
    let columns = "brand, channel, community, root, week, replies, reply_visits, posts, post_visits";
    for row in reader.all::<EffortRow>("effort", columns).await? {
        let effort = Effort {
            place: texts.place(row.channel, row.community, String::new()),
            root: row.root,
            week: row.week,
            replies: row.replies,
            reply_visits: row.reply_visits,
            posts: row.posts,
            post_visits: row.post_visits,
        };
        efforts.entry(texts.of(row.brand)).or_default().push(effort);
    }
    Ok(efforts)
}

/// The posts that brands wrote or answered under.
async fn posts(reader: Reader<'_>) -> Result<Vec<Post>, Failure> {
    let mut texts = Texts::default();
    let rows = reader.all::<PostRow>("cohort_post", "root, brand, posted_at, week, engagements, clicks").await?;
    let post = |row: PostRow| Post {
        root: row.root,
        brand: texts.of(row.brand),
        week: row.week,
        at: row.posted_at,
        engagements: row.engagements,
        clicks: row.clicks,
    };
    Ok(rows.into_iter().map(post).collect())
}

/// Of each brand the clicks of its roots: on replies, and on posts and shares.
async fn clusters(reader: Reader<'_>) -> Result<BTreeMap<Arc<str>, Vec<(Share, Share)>>, Failure> {
    let columns = "brand, conversation_early, conversation, broadcast_early, broadcast";
    let mut clusters: BTreeMap<Arc<str>, Vec<(Share, Share)>> = BTreeMap::new();
    let share = |early: u64, all: u64| Share { part: early as f64, whole: all as f64 };
    for row in reader.all::<ClickRoot>("click_root", columns).await? {
        let sides = (share(row.conversation_early, row.conversation), share(row.broadcast_early, row.broadcast));
        clusters.entry(row.brand.into()).or_default().push(sides);
    }
    Ok(clusters)
}

async fn insert<T: for<'a> Row<Value<'a> = T> + Serialize>(
    store: &Store,
    frame: &Frame,
    model: &str,
    rows: impl Iterator<Item = T>,
) -> Result<(), Failure> {
    store.fill(DOING, &model_name(frame.number, model), rows).await
}

/// Texts that stand once.
#[derive(Default)]
struct Texts(HashSet<Arc<str>>);

impl Texts {
    fn of(&mut self, text: String) -> Arc<str> {
        if let Some(known) = self.0.get(text.as_str()) {
            return known.clone();
        }
        let new: Arc<str> = text.into();
        self.0.insert(new.clone());
        new
    }

    fn place(&mut self, channel: String, community: String, campaign: String) -> Place {
        Place { channel: self.of(channel), community: self.of(community), campaign: self.of(campaign) }
    }
}

fn side(name: &str) -> Option<Side> {
    let sides = [Side::Broadcast, Side::Conversation, Side::Other, Side::Unattributed, Side::Unallocated];
    sides.into_iter().find(|side| side.name() == name)
}

/// What the models say is missing, as they number it.
fn missing(number: u8) -> Option<Missing> {
    match number {
        1 => Some(Missing::OtherCurrency),
        2 => Some(Missing::HourlyRate),
        3 => Some(Missing::ExchangeRate),
        4 => Some(Missing::MarginRate),
        _ => None,
    }
}

fn earned(row: EarnedRow, root_day: Option<Day>, texts: &mut Texts) -> Option<Earned> {
    Some(Earned {
        day: row.day,
        side: side(&row.side)?,
        place: texts.place(row.channel, row.community, row.campaign),
        root: (row.root != 0).then_some(row.root),
        root_day,
        direct: row.direct,
        is_refund: row.is_refund,
        age: row.age,
        share: row.share.try_into().ok()?,
        margin: row.margin.try_into().ok()?,
        missing: missing(row.missing),
        sale: Sale {
            at: row.sold_at,
            day: row.money_day,
            basis: row.basis.map(basis),
            revenue: row.revenue,
            before_direct: row.before_direct,
        },
    })
}

/// What is known of the way to a sale, as the model numbers it.
fn basis(number: u8) -> Basis {
    match number {
        3 => Basis::Clicks,
        2 => Basis::Utm,
        1 => Basis::Visits,
        _ => Basis::Nothing,
    }
}

fn spent(row: SpentRow, texts: &mut Texts) -> Option<Spent> {
    Some(Spent {
        day: row.day,
        side: side(&row.side)?,
        place: texts.place(row.channel, row.community, row.campaign),
        money: row.money,
        time: row.time,
        time_low: row.time_low,
        time_high: row.time_high,
        seconds: row.seconds,
        timed: row.timed,
        unbounded: row.unbounded,
        missing: missing(row.missing),
    })
}

fn ruled(row: RuledInput, texts: &mut Texts) -> Option<Ruled> {
    Some(Ruled {
        day: row.day,
        channel: texts.of(row.channel),
        side: side(&row.side)?,
        rule: Rule::ALL.into_iter().find(|rule| rule.name() == row.model)?,
        lookback: row.lookback_days,
        margin: Money::unless(missing(row.missing), row.margin),
        conversions: row.conversions,
    })
}
