//! Arms of experiments: which is the control, and why a figure is not there.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::answers::experiments::{Reason, Row, Unit, experiments};

fn unit(arm: &str, value: f64) -> Unit {
    Unit { experiment: "trial".into(), unit_type: "root".into(), arm: arm.into(), value, without_rate: false, flaw: "".into() }
}

/// Three arms of four units.
fn units() -> Vec<Unit> {
    let arm = |name: &'static str, values: [f64; 4]| values.map(|value| unit(name, value));
    [arm("b", [0.0, 2.0, 0.0, 6.0]), arm("a", [5.0, 9.0, 7.0, 0.0]), arm("c", [1.0, 1.0, 2.0, 2.0])]
        .into_iter()
        .flatten()
        .collect()
}

#[track_caller]
fn of(units: Vec<Unit>) -> Vec<Row> {
    experiments(units, &BTreeMap::new())
}

#[test]
fn every_arm_stands_beside_the_control_arm() {
    let rows = of(units());
    let short =
        |row: &Row| (row.arm.to_string(), row.control_arm.to_string(), row.units, row.control_units, row.units_with_sales);
    let expected = [("a", 0, 3), ("b", 4, 2), ("c", 4, 4)];
    let expected = expected.map(|(arm, control, sold)| (arm.to_owned(), "a".to_owned(), 4, control, Some(sold)));
    assert_eq!(rows.iter().map(short).collect::<Vec<_>>(), expected);
    assert_eq!(
        (rows[0].reason.clone(), rows[0].verdict(), rows[0].control_rule()),
        (Some(Reason::Control), "", "first arm by name")
    );
    let trial = rows[1].trial.unwrap();
    assert!((trial.difference - (2.0 - 5.25)).abs() < 1e-12 && rows[1].verdict() == "undecided");
    let named: Vec<Unit> =
        units().into_iter().map(|unit| if &*unit.arm == "c" { Unit { arm: "control".into(), ..unit } } else { unit }).collect();
    assert!(of(named).iter().all(|row| &*row.control_arm == "control" && row.control_rule() == "named control"));
}

#[test]
fn verdicts_need_an_interval_clear_of_nothing() {
    let arm = |name: &'static str, shift: f64| (0..20).map(move |number| unit(name, shift + f64::from(number % 3)));
    let rows = of(arm("control", 10.0).chain(arm("more", 30.0)).chain(arm("less", 1.0)).collect());
    assert_eq!(
        rows.iter().map(|row| (&*row.arm, row.verdict())).collect::<Vec<_>>(),
        [("control", ""), ("less", "lower"), ("more", "higher")]
    );
}

#[test]
fn of_many_arms_one_differs_by_chance() {
    let arm = |name: String, shift: f64| {
        (0..20).map(move |number| Unit { arm: name.as_str().into(), ..unit("", shift + f64::from(number % 3)) })
    };
    let of = |others: usize| {
        let alike = (0..others).flat_map(|number| arm(format!("other{number}"), 10.0));
        of(arm("control".into(), 10.0).chain(arm("lucky".into(), 10.6)).chain(alike).collect())
            .into_iter()
            .find(|row| &*row.arm == "lucky")
            .unwrap()
    };
    let (alone, among) = (of(0), of(19));
    assert_eq!((alone.verdict(), among.verdict(), alone.trial), ("higher", "undecided", among.trial));
    let p_value = alone.trial.unwrap().p_value;
    assert!((0.01..0.05).contains(&p_value), "{p_value}");
    assert_eq!((alone.corrected, among.corrected), (Some(p_value), Some(20.0 * p_value)));
}

#[test]
fn an_experiment_has_a_row_of_each_brand_whose_posts_carry_it() {
    let carried = BTreeMap::from([(Arc::from("trial"), vec![Arc::from("acme"), Arc::from("zeta")])]);
    let rows = experiments(units(), &carried);
    assert_eq!(rows.iter().map(|row| &*row.brand).collect::<Vec<_>>(), ["acme", "acme", "acme", "zeta", "zeta", "zeta"]);
    assert_eq!(of(units()).iter().map(|row| &*row.brand).collect::<Vec<_>>(), ["", "", ""]);
    let figures = |rows: &[Row]| rows.iter().map(|row| (row.arm.clone(), row.trial, row.mean)).collect::<Vec<_>>();
    assert_eq!(figures(&rows[..3]), figures(&rows[3..]));
}

/// A change of the units, and the reasons of the arms a, b and c.
type Change = (fn(&mut Vec<Unit>), [Option<Reason>; 3]);

#[test]
fn what_is_wrong_with_an_arm_is_said() {
    let slot = || Some(Reason::Slot("a time slot is no time".into()));
    let rate = || Some(Reason::MissingRate);
    let control = || Some(Reason::Control);
    let changes: [Change; 6] = [
        (|units| units.iter_mut().for_each(|unit| unit.unit_type = "device".into()), [const { Some(Reason::UnknownUnit) }; 3]),
        (|units| units[0].without_rate = true, [control(), rate(), None]),
        // The control arm's sums are part of every comparison.
        (|units| units[4].without_rate = true, [rate(), rate(), rate()]),
        (|units| units[4].flaw = "a time slot is no time".into(), [slot(), slot(), slot()]),
        (|units| drop(units.drain(1..4)), [control(), Some(Reason::FewUnits), None]),
        (
            |units| units.iter_mut().filter(|unit| &*unit.arm != "b").for_each(|unit| unit.value = 3.0),
            [control(), None, Some(Reason::NoSpread)],
        ),
    ];
    for (number, (change, reasons)) in changes.into_iter().enumerate() {
        let mut units = units();
        change(&mut units);
        let rows = of(units);
        assert_eq!(rows.iter().map(|row| row.reason.clone()).collect::<Vec<_>>(), reasons, "change {number}");
        for row in rows {
            assert_eq!(row.trial.is_some(), row.reason.is_none(), "{row:?}");
            assert!(row.trial.is_some() || matches!(row.verdict(), "" | "undecided"));
        }
    }
}
