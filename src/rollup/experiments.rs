//! What experiments have shown: units out of the store, `crate::answers::experiments` judges them, rows back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ::clickhouse::Row;
use serde::{Deserialize, Serialize};

use super::frame::{Frame, model_name};
use super::read::Reader;
use super::store::Store;
use crate::answers::experiments::{self, Unit, experiments};
use crate::failure::Failure;

const DOING: &str = "could not judge experiments";

#[derive(Row, Deserialize)]
struct UnitRow {
    experiment: String,
    unit_type: String,
    arm: String,
    value: f64,
    without_rate: bool,
    sellers: Vec<String>,
    flaw: String,
}

#[derive(Row, Deserialize)]
struct CarriedRow {
    experiment: String,
    brand: String,
}

#[derive(Row, Serialize)]
struct ExperimentRow {
    experiment: Arc<str>,
    brand: Arc<str>,
    unit_type: Arc<str>,
    arm: Arc<str>,
    control_arm: Arc<str>,
    control_rule: &'static str,
    units: u64,
    control_units: u64,
    units_with_sales: Option<u64>,
    mean: Option<f64>,
    control_mean: Option<f64>,
    difference: Option<f64>,
    standard_error: Option<f64>,
    t: Option<f64>,
    degrees_of_freedom: Option<f64>,
    p_value: Option<f64>,
    low: Option<f64>,
    high: Option<f64>,
    verdict: &'static str,
    reason: String,
}

/// Makes the model of the answer.
pub(super) async fn make(store: &Store, frame: &Frame, model: &str) -> Result<(), Failure> {
    let reader = Reader { store, frame, doing: DOING };
    let columns = "experiment, unit_type, arm, value, without_rate, sellers, flaw";
    let units: Vec<UnitRow> = reader.all("unit", columns).await?;
    let mut carried = reader.sorted::<CarriedRow>("carried", "experiment, brand", "experiment, brand")?;
    let mut brands: BTreeMap<Arc<str>, Vec<Arc<str>>> = BTreeMap::new();
    while let Some(row) = carried.next().await? {
        brands.entry(row.experiment.into()).or_default().push(row.brand.into());
    }
    let sole: Vec<_> = sole_sellers(&units).filter(|(experiment, _)| !brands.contains_key(experiment)).collect();
    brands.extend(sole.into_iter().map(|(experiment, brand)| (experiment, vec![brand])));
    let units = units.into_iter().map(|row| Unit {
        experiment: row.experiment.into(),
        unit_type: row.unit_type.into(),
        arm: row.arm.into(),
        value: row.value,
        without_rate: row.without_rate,
        flaw: row.flaw.into(),
    });
    let rows = experiments(units.collect(), &brands).into_iter().map(experiment_row);
    store.run(DOING, &frame.make_like_answer(model)).await?;
    store.fill(DOING, &model_name(frame.number, model), rows).await
}

/// The experiments whose units bought from one brand alone: it is that brand's money that they speak of.
fn sole_sellers(units: &[UnitRow]) -> impl Iterator<Item = (Arc<str>, Arc<str>)> {
    let mut sellers: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for unit in units {
        sellers.entry(&unit.experiment).or_default().extend(unit.sellers.iter().map(String::as_str));
    }
    let sole = |(experiment, brands): (&str, BTreeSet<&str>)| match brands.into_iter().collect::<Vec<_>>()[..] {
        [brand] => Some((experiment.into(), brand.into())),
        _ => None,
    };
    sellers.into_iter().filter_map(sole)
}

fn experiment_row(row: experiments::Row) -> ExperimentRow {
    let trial = row.trial;
    ExperimentRow {
        control_rule: row.control_rule(),
        verdict: row.verdict(),
        experiment: row.experiment,
        brand: row.brand,
        unit_type: row.unit_type,
        arm: row.arm,
        control_arm: row.control_arm,
        units: row.units as u64,
        control_units: row.control_units as u64,
        units_with_sales: row.units_with_sales.map(|units| units as u64),
        mean: row.mean,
        control_mean: row.control_mean,
        difference: trial.map(|trial| trial.difference),
        standard_error: trial.map(|trial| trial.standard_error),
        t: trial.map(|trial| trial.t),
        degrees_of_freedom: trial.map(|trial| trial.degrees_of_freedom),
        p_value: trial.map(|trial| trial.p_value),
        low: trial.map(|trial| trial.low),
        high: trial.map(|trial| trial.high),
        reason: row.reason.map(|reason| reason.text().to_owned()).unwrap_or_default(),
    }
}
