//! Whose credit sales are: touches and sales out of the store, in the order of people, what came of them back into it.
//!
//! Two streams in one pass, a batch of whole people at a time; `crate::attribution` says whose credit it is, `said` what is kept.

mod said;

use std::collections::HashMap;

use ::clickhouse::insert::Insert;
use ::clickhouse::{Row, RowOwned, RowRead};
use serde::{Deserialize, Serialize};

use super::Request;
use super::frame::{Frame, model_name};
use super::list::BY_RULE;
use super::read::{Reader, Rows};
use super::store::Store;
use crate::attribution::{self, Failed, Kind, Sale, Touch, Who};
use crate::clickhouse::classify;
use crate::failure::Failure;
use said::{PART, RULED, Said};

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
        let (kind, id) = if is_click { (Kind::Click, click.clone()) } else { (Kind::Visit, visit.clone()) };
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
    rows: Rows<T>,
    ahead: Option<T>,
}

impl<T: RowOwned + RowRead + Of> Stream<T> {
    async fn open(rows: Rows<T>) -> Result<Stream<T>, Failure> {
        let mut stream = Stream { rows, ahead: None };
        stream.take().await?;
        Ok(stream)
    }

    /// Takes the first one.
    async fn take(&mut self) -> Result<Option<T>, Failure> {
        let after = self.rows.next().await?;
        Ok(std::mem::replace(&mut self.ahead, after))
    }
}

/// Makes the models `credit`, `part` and `ruled`, and `credit_by_rule` if it is asked for.
pub(super) async fn make(store: &Store, frame: &Frame, request: Request) -> Result<(), Failure> {
    let each = request.credit_by_rule.then(|| frame.make_like_answer(BY_RULE));
    let models =
        [frame.make_like_answer("credit"), frame.make_with_columns("part", PART), frame.make_with_columns("ruled", RULED)];
    for model in models.iter().chain(&each) {
        store.run(DOING, model).await?;
    }
    let reader = Reader { store, frame, doing: DOING };
    let touches = "person, brand, toUnixTimestamp64Milli(time) AS time, day, is_click, root, campaign, direct, tracked, visit, click, side, channel, \
        community, toUnixTimestamp64Milli(target_time) AS target_time";
    let sales = "person, brand, conversion, toUnixTimestamp64Milli(sold_at) AS sold_at, sold_day, amount, refund_of, margin_rate, base_rate, \
        toUnixTimestamp64Milli(at) AS at, day, kind, currency, base_currency";
    let now: Vec<(String, String)> = reader.all("base", "toString(brand), toString(base_currency)").await?;
    let mut touches = Stream::<TouchRow>::open(reader.sorted("touch", touches, "person, brand, time")?).await?;
    let mut sales = Stream::<SaleRow>::open(reader.sorted("sale", sales, "person, brand, conversion")?).await?;
    let (mut credit, mut by_rule) = (Output::new(store, frame, "credit"), Output::new(store, frame, BY_RULE));
    let (mut parts, mut ruled) = (Output::new(store, frame, "part"), Output::new(store, frame, "ruled"));
    let mut said = Said::new(HashMap::from_iter(now), request.credit_by_rule);
    loop {
        let sold = batch(&mut sales).await?;
        let Some((last, _)) = sold.last() else { break };
        let came = up_to(&mut touches, last).await?;
        work_out(came, sold, &mut said)?;
        credit.write(said.credit.drain(..)).await?;
        parts.write(said.parts.drain(..)).await?;
        by_rule.write(said.by_rule.drain(..)).await?;
        if said.sums() >= ROWS {
            ruled.write(said.take_sums()).await?;
        }
    }
    ruled.write(said.take_sums()).await?;
    credit.end().await?;
    parts.end().await?;
    by_rule.end().await?;
    ruled.end().await
}

/// Rows on their way into a model.
struct Output<'a, T> {
    store: &'a Store,
    model: String,
    insert: Option<Insert<T>>,
    /// Rows of this insert.
    written: usize,
}

impl<'a, T: for<'r> Row<Value<'r> = T> + Serialize> Output<'a, T> {
    fn new(store: &'a Store, frame: &Frame, model: &str) -> Self {
        Output { store, model: model_name(frame.number, model), insert: None, written: 0 }
    }

    async fn write(&mut self, rows: impl Iterator<Item = T>) -> Result<(), Failure> {
        for row in rows {
            if self.written == ROWS {
                self.end().await?;
            }
            let insert = match &mut self.insert {
                Some(insert) => insert,
                none => none.insert(self.store.insert(DOING, &self.model).await?),
            };
            insert.write(&row).await.map_err(failed)?;
            self.written += 1;
        }
        Ok(())
    }

    /// Ends the insert, if one has begun.
    async fn end(&mut self) -> Result<(), Failure> {
        self.written = 0;
        match self.insert.take() {
            Some(insert) => insert.end().await.map_err(failed),
            None => Ok(()),
        }
    }
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

/// Whose credit these sales are.
fn work_out(touches: Vec<(Who, Touch<Place>)>, sales: Vec<(Who, Sale<Books>)>, said: &mut Said) -> Result<(), Failure> {
    let worked_out = attribution::credit(touches.into_iter().map(Ok), sales.into_iter().map(Ok), |who, sale, parts| {
        said.of_sale(who, sale, parts);
        Ok(())
    });
    worked_out.map_err(|failed| match failed {
        Failed::Outside(failure) => failure,
        disorder @ Failed::Disorder { .. } => Failure::Operator(format!("{DOING}: {disorder}")),
    })
}
