//! What experiments have shown: each arm against the control arm, intention to treat.
//!
//! A unit counts in the arm of its first assignment, with what it sold since then, 0 where it sold nothing; who was assigned and when, and
//! whose sales those are, the models `assigned`, `unit_sale` and `unit` say. The control arm is the one that is called `control`, else
//! the first by name. The test is [`crate::estimate::welch`]; of many arms that are alike one or the other differs by chance, and all do if
//! the control arm had bad luck, so verdicts are corrected for the arms of an experiment together ([`crate::estimate::holm`]).

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::estimate::holm;
use crate::estimate::welch::{Arm, Trial, test};

/// The name of a control arm that is called so.
const CONTROL: &str = "control";

/// Kinds of units whose sales are known.
const KINDS: [&str; 5] = ["visitor", "person", "root", "community", "time_slot"];

/// A unit of an experiment.
#[derive(Clone, Debug, PartialEq)]
pub struct Unit {
    /// The experiment.
    pub experiment: Arc<str>,
    /// What kind of unit was assigned.
    pub unit_type: Arc<str>,
    /// The arm of its first assignment.
    pub arm: Arc<str>,
    /// What it sold, in the reference currency.
    pub value: f64,
    /// A part of that has no exchange rate.
    pub without_rate: bool,
    /// What is wrong with a time slot, '' if nothing.
    pub flaw: Arc<str>,
}

/// Why a figure of an arm is not there, in the order in which it is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Nobody knows what such a unit sells.
    UnknownUnit,
    /// A time slot is none.
    Slot(Arc<str>),
    /// A currency without an exchange rate.
    MissingRate,
    /// It is compared with none.
    Control,
    /// An arm has one unit, or none.
    FewUnits,
    /// All units sold the same.
    NoSpread,
}

impl Reason {
    /// Its words in a row.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Reason::UnknownUnit => "no sales are known by this type of unit",
            Reason::Slot(flaw) => flaw,
            Reason::MissingRate => "a rate is missing",
            Reason::Control => "the control arm",
            Reason::FewUnits => "fewer than two units in an arm",
            Reason::NoSpread => "no unit differs from another",
        }
    }
}

/// An arm of an experiment.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The experiment.
    pub experiment: Arc<str>,
    /// A brand that it belongs to; '' if it belongs to none.
    pub brand: Arc<str>,
    /// What kind of unit was assigned.
    pub unit_type: Arc<str>,
    /// The arm.
    pub arm: Arc<str>,
    /// What it is compared with.
    pub control_arm: Arc<str>,
    /// Its units.
    pub units: usize,
    /// Units of the control arm, beside another arm.
    pub control_units: usize,
    /// Units whose value is not 0.
    pub units_with_sales: Option<usize>,
    /// Sales per unit, zeros included.
    pub mean: Option<f64>,
    /// The same of the control arm.
    pub control_mean: Option<f64>,
    /// What the test says, of this arm alone.
    pub trial: Option<Trial>,
    /// Its p-value, corrected for the other arms.
    pub corrected: Option<f64>,
    /// Why something is missing, or that it is the control arm.
    pub reason: Option<Reason>,
}

impl Row {
    /// Why that is the control arm.
    #[must_use]
    pub fn control_rule(&self) -> &'static str {
        if &*self.control_arm == CONTROL { "named control" } else { "first arm by name" }
    }

    /// Whether the arm sold more or less per unit, at 5 % for all arms together; '' for the control arm.
    #[must_use]
    pub fn verdict(&self) -> &'static str {
        match self.trial.filter(|_| self.corrected.is_some_and(|p_value| p_value < holm::LEVEL)) {
            Some(trial) if trial.difference > 0.0 => "higher",
            Some(_) => "lower",
            None if self.arm == self.control_arm => "",
            None => "undecided",
        }
    }
}

/// The units of an arm.
#[derive(Default)]
struct Units {
    values: Vec<f64>,
    without_rate: bool,
    flaw: Option<Arc<str>>,
}

/// Arms by name.
type Arms = BTreeMap<Arc<str>, Units>;

/// The rows of all experiments, by experiment, kind of unit, brand and arm. `brands` says of each experiment which brands it belongs
/// to: each has the rows of the whole experiment. One that it does not name belongs to nobody.
#[must_use]
pub fn experiments(units: Vec<Unit>, brands: &BTreeMap<Arc<str>, Vec<Arc<str>>>) -> Vec<Row> {
    let mut trials: BTreeMap<(Arc<str>, Arc<str>), Arms> = BTreeMap::new();
    for unit in units {
        let arm = trials.entry((unit.experiment, unit.unit_type)).or_default().entry(unit.arm).or_default();
        arm.values.push(unit.value);
        arm.without_rate |= unit.without_rate;
        arm.flaw = arm.flaw.take().max(Some(unit.flaw).filter(|flaw| !flaw.is_empty()));
    }
    let mut rows = Vec::new();
    for ((experiment, unit_type), arms) in trials {
        let Some((control, others)) = arms.get_key_value(CONTROL).or_else(|| arms.first_key_value()) else { continue };
        let nobody = [Arc::from("")];
        for brand in brands.get(&experiment).map_or(&nobody[..], Vec::as_slice) {
            let of = |arm: &Arc<str>| Row {
                experiment: experiment.clone(),
                brand: brand.clone(),
                unit_type: unit_type.clone(),
                arm: arm.clone(),
                control_arm: control.clone(),
                units: 0,
                control_units: 0,
                units_with_sales: None,
                mean: None,
                control_mean: None,
                trial: None,
                corrected: None,
                reason: None,
            };
            rows.extend(together(
                arms.iter().map(|(arm, own)| of(arm).judged(own, (arm != control).then_some(others))).collect(),
            ));
        }
    }
    rows
}

/// The arms of an experiment, with p-values that are corrected for all of them.
fn together(mut arms: Vec<Row>) -> Vec<Row> {
    let p_values: Vec<f64> = arms.iter().filter_map(|row| row.trial).map(|trial| trial.p_value).collect();
    let tested = arms.iter_mut().filter(|row| row.trial.is_some());
    tested.zip(holm::corrected(&p_values)).for_each(|(row, p_value)| row.corrected = Some(p_value));
    arms
}

impl Row {
    /// With what its units say, and those of the control arm unless it is that.
    fn judged(mut self, own: &Units, control: Option<&Units>) -> Row {
        self.units = own.values.len();
        self.control_units = control.map_or(0, |control| control.values.len());
        let flaw = own.flaw.clone().max(control.and_then(|control| control.flaw.clone()));
        let wrong = if KINDS.contains(&&*self.unit_type) { flaw.map(Reason::Slot) } else { Some(Reason::UnknownUnit) };
        self.reason = wrong.or(own.without_rate.then_some(Reason::MissingRate));
        if self.reason.is_some() {
            return self;
        }
        let arm = Arm::of(&own.values);
        self.units_with_sales = Some(own.values.iter().filter(|value| **value != 0.0).count());
        self.mean = Some(arm.mean());
        let Some(control) = control else { return Row { reason: Some(Reason::Control), ..self } };
        if control.without_rate {
            return Row { reason: Some(Reason::MissingRate), ..self };
        }
        let against = Arm::of(&control.values);
        self.control_mean = Some(against.mean());
        match test(arm, against) {
            Ok(trial) => self.trial = Some(trial),
            Err(_) if self.units.min(self.control_units) < 2 => self.reason = Some(Reason::FewUnits),
            Err(_) => self.reason = Some(Reason::NoSpread),
        }
        self
    }
}
