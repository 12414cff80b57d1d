//! The model `credit_by_rule`: touches and sales out of the store, in the order of people, their credit back into it.
//!
//! Two streams in one pass, a batch of whole people at a time; `crate::attribution` says whose credit it is.

use ::clickhouse::query::RowCursor;
use ::clickhouse::{Row, RowOwned, RowRead};
use serde::{Deserialize, Serialize};

use super::frame::{Frame, model_name};
use super::store::Store;
use crate::attribution::{self, Failed, Kind, Part, Sale, Touch, Who};
use crate::clickhouse::classify;
use crate::failure::Failure;

/// Sales of a batch, but for those of its last person: some megabytes of credit.
const SALES: usize = 512;

/// Rows of one insert: what stands between us and the store may have a limit of bytes.
const ROWS: usize = 250_000;

const DOING: &str = "could not work out whose credit sales are";

/// A row of the model `touch`.
#[derive(Row, Deserialize)]
struct TouchRow {
    person: String,
    brand: String,
    time: i64,
    day: u16,
    is_click: bool,
    id: String,
    root: String,
    campaign: String,
    direct: bool,
    tracked: bool,
    visit: String,
    click: String,
    side: String,
    channel: String,
    community: String,
    /// Of a click: when what was clicked was written, if that is known.
    target_time: Option<i64>,
}

impl TouchRow {
    fn is_touch(&self) -> bool {
        !self.is_click || attribution::lone_click_is_touch(self.time, self.target_time)
    }
}

/// What of a touch no rule looks at.
#[derive(Clone, Debug, Default)]
struct Place {
    day: u16,
    visit: String,
    click: String,
    side: String,
    channel: String,
    community: String,
}

/// A row of the model `sale`.
#[derive(Row, Deserialize)]
struct SaleRow {
    person: String,
    brand: String,
    conversion: String,
    sold_at: i64,
    sold_day: u16,
    amount: i128,
    refund_of: String,
    margin_rate: Option<i32>,
    base_rate: Option<i128>,
    at: i64,
    day: u16,
    kind: String,
    currency: String,
    base_currency: String,
}

/// What of a sale no rule looks at.
#[derive(Clone, Debug, Default)]
struct Books {
    sold_day: u16,
    at: i64,
    day: u16,
    kind: String,
    currency: String,
    base_currency: String,
}

/// A row of the model `credit_by_rule`. Money as whole numbers of the last decimal.
#[derive(Row, Serialize)]
struct CreditRow {
    model: &'static str,
    lookback_days: u8,
    conversion: String,
    at: i64,
    day: u16,
    brand: String,
    kind: String,
    currency: String,
    margin_rate: Option<i32>,
    refund_of: String,
    sold_at: i64,
    touched: i64,
    touched_day: u16,
    visit: String,
    side: String,
    channel: String,
    community: String,
    campaign: String,
    root: String,
    click: String,
    direct: bool,
    tracked: bool,
    before_direct: bool,
    share: f64,
    credit: i128,
    margin: Option<i128>,
    base_currency: String,
    credit_base: Option<i128>,
    margin_base: Option<i128>,
}

/// Something of somebody.
trait Of {
    type Thing;
    fn split(self) -> (Who, Self::Thing);
}

impl Of for TouchRow {
    type Thing = Touch<Place>;

    fn split(self) -> (Who, Touch<Place>) {
        let TouchRow {
            person,
            brand,
            time,
            day,
            is_click,
            id,
            root,
            campaign,
            direct,
            tracked,
            visit,
            click,
            side,
            channel,
            community,
            target_time: _,
        } = self;
        let kind = if is_click { Kind::Click } else { Kind::Visit };
        let more = Place { day, visit, click, side, channel, community };
        (Who { person, brand }, Touch { time, kind, id, root, campaign, direct, tracked, more })
    }
}

impl Of for SaleRow {
    type Thing = Sale<Books>;

    fn split(self) -> (Who, Sale<Books>) {
        let SaleRow {
            person,
            brand,
            conversion,
            sold_at,
            sold_day,
            amount,
            refund_of,
            margin_rate,
            base_rate,
            at,
            day,
            kind,
            currency,
            base_currency,
        } = self;
        let more = Books { sold_day, at, day, kind, currency, base_currency };
        (Who { person, brand }, Sale { id: conversion, sold_at, amount, refund_of, margin_rate, base_rate, more })
    }
}

/// The rows of a model in the order of people, and the first that was not taken yet.
struct Stream<T> {
    cursor: RowCursor<T>,
    ahead: Option<T>,
}

impl<T: RowOwned + RowRead + Of> Stream<T> {
    async fn open(store: &Store, question: &str) -> Result<Stream<T>, Failure> {
        let mut stream = Stream { cursor: store.stream(DOING, question)?, ahead: None };
        stream.take().await?;
        Ok(stream)
    }

    /// Takes the first one.
    async fn take(&mut self) -> Result<Option<T>, Failure> {
        let after = self.cursor.next().await.map_err(failed)?;
        Ok(std::mem::replace(&mut self.ahead, after))
    }
}

/// Fills the model.
pub(super) async fn fill(store: &Store, frame: &Frame, table: &str) -> Result<(), Failure> {
    let of_people = |model: &str| format!("{} ORDER BY person, brand", frame.model_table(model));
    let touches = format!(
        "SELECT person, brand, toUnixTimestamp64Milli(time) AS time, day, is_click, id, root, campaign, direct, tracked, visit, click, side, channel, \
            community, toUnixTimestamp64Milli(target_time) AS target_time FROM {}, time",
        of_people("touch")
    );
    let sales = format!(
        "SELECT person, brand, conversion, toUnixTimestamp64Milli(sold_at) AS sold_at, sold_day, amount, refund_of, margin_rate, base_rate, \
            toUnixTimestamp64Milli(at) AS at, day, kind, currency, base_currency FROM {}, conversion",
        of_people("sale")
    );
    let (mut touches, mut sales) =
        (Stream::<TouchRow>::open(store, &touches).await?, Stream::<SaleRow>::open(store, &sales).await?);
    let model = model_name(frame.number, table);
    let mut insert = store.insert::<CreditRow>(DOING, &model).await?;
    let mut written = 0;
    loop {
        let sold = batch(&mut sales).await?;
        let Some((last, _)) = sold.last() else { break };
        let came = up_to(&mut touches, last).await?;
        for row in credit(came, sold)? {
            if written == ROWS {
                let full = std::mem::replace(&mut insert, store.insert(DOING, &model).await?);
                full.end().await.map_err(failed)?;
                written = 0;
            }
            insert.write(&row).await.map_err(failed)?;
            written += 1;
        }
    }
    insert.end().await.map_err(failed)
}

fn failed(error: ::clickhouse::error::Error) -> Failure {
    classify(&error).on(DOING)
}

/// Sales of whole people.
async fn batch(sales: &mut Stream<SaleRow>) -> Result<Vec<(Who, Sale<Books>)>, Failure> {
    let mut taken: Vec<(Who, Sale<Books>)> = Vec::new();
    while let Some(next) = &sales.ahead {
        let is_same = taken.last().is_some_and(|(who, _)| (&who.person, &who.brand) == (&next.person, &next.brand));
        if taken.len() >= SALES && !is_same {
            break;
        }
        taken.extend(sales.take().await?.map(Of::split));
    }
    Ok(taken)
}

/// Touches of people up to one, who is the last to have sales in the batch.
async fn up_to(touches: &mut Stream<TouchRow>, last: &Who) -> Result<Vec<(Who, Touch<Place>)>, Failure> {
    let mut taken = Vec::new();
    while touches.ahead.as_ref().is_some_and(|next| (&next.person, &next.brand) <= (&last.person, &last.brand)) {
        taken.extend(touches.take().await?.filter(TouchRow::is_touch).map(Of::split));
    }
    Ok(taken)
}

fn credit(touches: Vec<(Who, Touch<Place>)>, sales: Vec<(Who, Sale<Books>)>) -> Result<Vec<CreditRow>, Failure> {
    let mut rows = Vec::new();
    let worked_out = attribution::credit(touches.into_iter().map(Ok), sales.into_iter().map(Ok), |who, sale, part| {
        rows.push(row(who, sale, part));
        Ok(())
    });
    worked_out.map(|()| rows).map_err(|failed| match failed {
        Failed::Outside(failure) => failure,
        disorder @ Failed::Disorder { .. } => Failure::Operator(format!("{DOING}: {disorder}")),
    })
}

fn row(who: &Who, sale: &Sale<Books>, part: &Part<'_, Place>) -> CreditRow {
    let of = |get: fn(&Touch<Place>) -> &String| part.touch.map(get).cloned().unwrap_or_default();
    CreditRow {
        model: part.rule.name(),
        lookback_days: u8::try_from(part.lookback.days).unwrap_or(u8::MAX),
        conversion: sale.id.clone(),
        at: sale.more.at,
        day: sale.more.day,
        brand: who.brand.clone(),
        kind: sale.more.kind.clone(),
        currency: sale.more.currency.clone(),
        margin_rate: sale.margin_rate,
        refund_of: sale.refund_of.clone(),
        sold_at: sale.sold_at,
        touched: part.touch.map_or(sale.more.at, |touch| touch.time),
        touched_day: part.touch.map_or(sale.more.sold_day, |touch| touch.more.day),
        visit: of(|touch| &touch.more.visit),
        side: part.touch.map_or_else(|| "unattributed".to_owned(), |touch| touch.more.side.clone()),
        channel: of(|touch| &touch.more.channel),
        community: of(|touch| &touch.more.community),
        campaign: of(|touch| &touch.campaign),
        root: of(|touch| &touch.root),
        click: of(|touch| &touch.more.click),
        direct: part.direct(),
        tracked: part.tracked(),
        before_direct: part.before_direct,
        share: part.share(),
        credit: part.credit,
        margin: part.margin,
        base_currency: sale.more.base_currency.clone(),
        credit_base: part.credit_base,
        margin_base: part.margin_base,
    }
}
