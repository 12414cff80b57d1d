//! Estimators against vectors of scipy and statsmodels (`tests/oracle/estimates.py`), and on inputs that say nothing.

use proptest::prelude::*;
use serde_json::Value;

use super::regression::{Cluster, Fit};
use super::{
    Unsaid, difference, holm, moments, moments::Moments, pooling, ranking, ratio, student, sum::Sum, weeks, welch, within,
};

fn vectors(name: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(include_str!("tests/vectors.json")).unwrap();
    let rows = all[name].as_array().unwrap().clone();
    assert!(!rows.is_empty(), "{name}");
    rows
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

#[track_caller]
fn agrees(found: Option<f64>, expected: &Value, row: &Value) {
    let close = |found: f64, expected: f64| (found - expected).abs() <= 1e-9 * expected.abs().max(1e-3);
    let same = match (found, expected.as_f64()) {
        (Some(found), Some(expected)) => close(found, expected),
        (found, expected) => found == expected,
    };
    assert!(same, "{found:?} instead of {expected} in {row}");
}

#[test]
fn students_t_is_that_of_scipy() {
    for row in vectors("student") {
        let freedom = row["freedom"].as_f64().unwrap();
        agrees(Some(student::within_95(freedom)), &row["within_95"], &row);
        agrees(Some(student::within_90(freedom)), &row["within_90"], &row);
        for pair in row["below"].as_array().unwrap() {
            // Next to 0 the library keeps eight decimals.
            let (found, expected) = (student::below(pair[0].as_f64().unwrap(), freedom), pair[1].as_f64().unwrap());
            assert!((found - expected).abs() < 1e-8, "{found} instead of {expected} in {row}");
        }
    }
}

#[test]
fn students_t_takes_any_number() {
    for freedom in [f64::NAN, f64::NEG_INFINITY, -1.0, 0.0, 1e-300, f64::MAX, f64::INFINITY] {
        assert!((1.95..12.71).contains(&student::within_95(freedom)), "{freedom}");
        for t in [f64::NAN, f64::NEG_INFINITY, -1e300, 0.0, 1e300, f64::INFINITY] {
            assert!((0.0..=1.0).contains(&student::below(t, freedom)), "{t} {freedom}");
            assert!((0.0..=1.0).contains(&student::two_sided(t, freedom)), "{t} {freedom}");
        }
    }
    assert!(student::within_95(1e9) > 1.959_96 && student::within_95(1e9) < 1.959_97);
}

#[test]
fn sums_of_units_are_those_of_exact_fractions() {
    for row in vectors("sum") {
        let sum = Sum::of(numbers(&row["values"]));
        agrees(Some(sum.effective()), &row["effective"], &row);
        agrees(sum.spread().ok().map(|spread| spread.half), &row["half"], &row);
        agrees(sum.spread().ok().map(|spread| spread.half_up), &row["half_up"], &row);
        agrees(sum.spread_of(numbers(&row["values"]).len()).ok().map(|spread| spread.half), &row["half_of"], &row);
    }
}

#[test]
fn a_sum_without_an_interval_says_why() {
    let why = |values: &[f64]| Sum::of(values.to_vec()).spread().unwrap_err();
    assert_eq!(why(&[]), Unsaid::NoValue);
    assert_eq!(why(&[0.0, 0.0]), Unsaid::NoValue);
    assert_eq!(why(&[3.0, -3.0]), Unsaid::NoValue);
    assert_eq!(why(&[-1.0]), Unsaid::NoValue);
    assert_eq!(why(&[7.0]), Unsaid::FewUnits);
    assert_eq!(why(&[1e9, 1.0, 1.0]), Unsaid::FewUnits);
    assert_eq!(why(&[f64::MAX, f64::MAX]), Unsaid::FewUnits);
}

#[test]
fn likeness_of_neighbouring_days_is_that_of_statsmodels() {
    for row in vectors("weeks") {
        agrees(weeks::autocorrelation(&numbers(&row["days"])), &row["likeness"], &row);
    }
}

#[test]
fn days_hang_together_beyond_two_standard_errors() {
    assert!(!weeks::hang_together(&[]) && !weeks::hang_together(&[1.0]) && !weeks::hang_together(&[0.1; 91]));
    let half = |day: usize| if day < 45 { 1.0 } else { 2.0 };
    assert!(weeks::hang_together(&(0..90).map(half).collect::<Vec<_>>()));
    assert!(!weeks::hang_together(&(0..90).map(|day| half(day * 45 % 90)).collect::<Vec<_>>()));
}

#[test]
fn shares_of_clusters_are_those_of_weighted_least_squares() {
    for row in vectors("ratio") {
        let share = |part: f64, whole: f64| ratio::Share { part, whole };
        let pair = |cluster: Vec<f64>| (share(cluster[0], cluster[1]), share(cluster[2], cluster[3]));
        let clusters: Vec<_> = row["clusters"].as_array().unwrap().iter().map(|cluster| pair(numbers(cluster))).collect();
        let found = ratio::apart(&clusters).ok();
        agrees(found.map(|apart| apart.difference), &row["difference"], &row);
        agrees(found.map(|apart| apart.low), &row["low"], &row);
        agrees(found.map(|apart| apart.high), &row["high"], &row);
    }
    assert_eq!(ratio::apart(&[]), Err(Unsaid::FewUnits));
}

#[test]
fn shares_of_few_that_are_all_alike_are_not_known_to_the_point() {
    let side = |clusters: usize, part: f64| vec![ratio::Share { part, whole: 1.0 }; clusters];
    let apart = |first: Vec<ratio::Share>, second: Vec<ratio::Share>| {
        let nothing = ratio::Share::default();
        let first = first.into_iter().map(|share| (share, nothing));
        ratio::apart(&first.chain(second.into_iter().map(|share| (nothing, share))).collect::<Vec<_>>()).unwrap()
    };
    let told = apart(side(20, 1.0), side(20, 0.0));
    assert!(told.difference == 1.0 && told.high >= 1.0 && (0.6..0.9).contains(&told.low), "{told:?}");
    // Seven in eight of many: that all of 20 others are so is no wonder.
    let many = |count: usize| (0..count).map(|at| ratio::Share { part: f64::from(u8::from(at % 8 > 0)), whole: 1.0 }).collect();
    let unknown = apart(side(20, 1.0), many(320));
    assert!(unknown.difference == 0.125 && unknown.low < 0.0 && unknown.high > 0.125, "{unknown:?}");
    assert!(apart(side(200, 1.0), many(320)).low > 0.0);
}

#[test]
fn differences_of_returns_are_those_of_the_delta_method() {
    for row in vectors("difference") {
        let (first, second, costs) = (numbers(&row["first"]), numbers(&row["second"]), numbers(&row["costs"]));
        let units = [0, 1].map(|side| Moments::of(numbers(&row["units"][side])));
        let first = difference::Returned { margin: &first, units: units[0], cost: costs[0] };
        let second = difference::Returned { margin: &second, units: units[1], cost: costs[1] };
        let compare = if row["kind"] == "jointly" { difference::jointly } else { difference::apart };
        let found = compare(first, second).ok();
        agrees(found.map(|found| found.log_ratio), &row["log_ratio"], &row);
        agrees(found.map(|found| found.low), &row["low"], &row);
        agrees(found.map(|found| found.high), &row["high"], &row);
        agrees(found.map(|found| found.p_first), &row["p_first"], &row);
    }
}

#[test]
fn a_difference_without_an_interval_says_why() {
    let returned = |margin, cost| difference::Returned { margin, units: Moments::default(), cost };
    let some = returned(&[1.0, 2.0], 1.0);
    assert_eq!(difference::jointly(some, returned(&[], 1.0)), Err(Unsaid::NoValue));
    assert_eq!(difference::apart(some, returned(&[1.0], 0.0)), Err(Unsaid::NoCost));
    assert_eq!(difference::jointly(some, returned(&[], 0.0)), Err(Unsaid::NoCost));
    assert_eq!(difference::jointly(some, returned(&[10.0, 20.0], 1.0)), Err(Unsaid::FewUnits));
    let shorter = difference::jointly(some, returned(&[2.0], 1.0)).unwrap();
    assert_eq!(shorter, difference::jointly(some, returned(&[2.0, 0.0], 1.0)).unwrap());
}

#[test]
fn holms_correction_is_that_of_statsmodels() {
    for row in vectors("holm") {
        for (found, expected) in holm::corrected(&numbers(&row["p"])).into_iter().zip(row["corrected"].as_array().unwrap()) {
            agrees(Some(found), expected, &row);
        }
    }
    assert!(holm::corrected(&[]).is_empty());
}

#[test]
fn trials_are_those_of_scipy() {
    for row in vectors("welch") {
        let arms = [&row["arm"], &row["control"]].map(|values| welch::Arm::of(&numbers(values)));
        let found = welch::test(arms[0], arms[1]).ok();
        agrees(found.map(|trial| trial.difference), &row["difference"], &row);
        agrees(found.map(|trial| trial.t), &row["t"], &row);
        agrees(found.map(|trial| trial.degrees_of_freedom), &row["freedom"], &row);
        agrees(found.map(|trial| trial.p_value), &row["p"], &row);
        agrees(found.map(|trial| trial.low), &row["low"], &row);
        agrees(found.map(|trial| trial.high), &row["high"], &row);
    }
}

#[test]
fn an_arm_that_sold_nothing_may_have_been_unlucky() {
    // One in twenty of the control arm buys: that none of twenty units did is no wonder, that none of two hundred did is one.
    let control: Vec<f64> = (0..1000).map(|unit| if unit % 20 == 0 { 40.0 } else { 0.0 }).collect();
    let found = |units| welch::test(welch::Arm::of(&vec![0.0; units]), welch::Arm::of(&control)).unwrap();
    assert!(found(20).high > 0.0 && found(200).high < 0.0, "{:?} {:?}", found(20), found(200));
}

#[test]
fn rates_are_those_of_weighted_least_squares_on_a_logarithmic_scale() {
    for row in vectors("rate") {
        let clusters = row["clusters"].as_array().unwrap().iter().map(numbers);
        let found = ratio::rate(&clusters.map(|of| ratio::Share { part: of[0], whole: of[1] }).collect::<Vec<_>>()).ok();
        agrees(found.map(|rate| rate.value), &row["value"], &row);
        agrees(found.map(|rate| rate.low), &row["low"], &row);
        agrees(found.map(|rate| rate.high), &row["high"], &row);
    }
    assert_eq!(ratio::rate(&[]), Err(Unsaid::NoValue));
    assert_eq!(ratio::rate(&[ratio::Share { part: 0.0, whole: 3.0 }; 9]), Err(Unsaid::NoValue));
    let hit = |part| ratio::Share { part, whole: 1.0 };
    assert_eq!(ratio::rate(&[hit(1000.0), hit(1.0), hit(1.0)]), Err(Unsaid::FewUnits));
}

#[test]
fn pooled_estimates_are_those_of_morris() {
    for row in vectors("pool") {
        let estimates = numbers(&row["values"]).into_iter().zip(numbers(&row["variances"]));
        let estimates: Vec<_> = estimates.map(|(value, variance)| pooling::Estimate { value, variance }).collect();
        let found = pooling::pooled(&estimates).unwrap();
        agrees(Some(found.tau2), &row["tau2"], &row);
        for (at, of) in found.of.iter().enumerate() {
            agrees(Some(of.value), &row["pooled"][at], &row);
            agrees(Some(of.sd), &row["sd"][at], &row);
            agrees(Some(of.own_sd), &row["own_sd"][at], &row);
        }
    }
    let of = |value, variance| pooling::Estimate { value, variance };
    assert_eq!(pooling::pooled(&[]), Err(Unsaid::FewUnits));
    assert_eq!(pooling::pooled(&[of(1.0, 1.0), of(2.0, 0.0)]), Err(Unsaid::FewUnits));
    assert_eq!(pooling::pooled(&[of(f64::MAX, 1e-300); 4]), Err(Unsaid::FewUnits));
}

#[test]
fn who_is_among_the_best_is_what_quadrature_says() {
    for row in vectors("best") {
        let all = numbers(&row["mean"]).into_iter().zip(numbers(&row["sd"]));
        let all: Vec<_> = all.map(|(mean, sd)| ranking::Known { mean, sd }).collect();
        let best = usize::try_from(row["best"].as_u64().unwrap()).unwrap();
        let found = ranking::among_best(&all, best);
        for (found, expected) in found.iter().zip(numbers(&row["p"])) {
            assert!((found - expected).abs() < 2e-3, "{found} instead of {expected} in {row}");
        }
        assert!((found.iter().sum::<f64>() - best as f64).abs() < 0.01, "{found:?}");
    }
}

#[test]
fn a_regression_and_its_clustered_errors_are_those_of_statsmodels() {
    for row in vectors("regression") {
        let mut clusters: Vec<Cluster> = Vec::new();
        for observation in row["rows"].as_array().unwrap() {
            let (cluster, row) = (usize::try_from(observation[0].as_u64().unwrap()).unwrap(), numbers(observation));
            clusters.resize(clusters.len().max(cluster + 1), Cluster::new(3));
            clusters[cluster].add(&row[1..]);
        }
        let found = Fit::of(&clusters).unwrap().effect(&numbers(&row["weights"])).ok();
        agrees(found.map(|effect| effect.value), &row["value"], &row);
        agrees(found.map(|effect| effect.error), &row["error"], &row);
        agrees(found.map(|effect| effect.within_95().0), &row["low"], &row);
        agrees(found.map(|effect| effect.within_95().1), &row["high"], &row);
    }
}

#[test]
fn ties_share_the_best_ranks_by_chance() {
    let tie = ranking::Known { mean: 0.3, sd: 0.0 };
    for found in ranking::among_best(&[tie; 40], 10) {
        assert!((found - 0.25).abs() < 0.01, "{found}");
    }
    assert_eq!(ranking::among_best(&[tie; 10], 10), vec![1.0; 10]);
    assert_eq!(ranking::among_best(&[tie; 3], 0), vec![0.0; 3]);
    assert!(ranking::among_best(&[], 10).is_empty() && ranking::ranges(&[], 1.0).is_empty());
    let far = |mean| ranking::Known { mean, sd: 1.0 };
    assert_eq!(ranking::ranges(&[far(0.0), far(9.0), far(1.0)], 1.645), [(2, 3), (1, 1), (2, 3)]);
    assert_eq!(ranking::ranges(&[tie; 3], 1.645), [(1, 3); 3]);
}

#[test]
fn differences_within_clusters_are_those_of_a_regression_with_their_effects() {
    for row in vectors("within") {
        let share = |part, whole| ratio::Share { part, whole };
        let cells = row["cells"].as_array().unwrap().iter().map(numbers);
        let clusters: Vec<_> = cells.filter_map(|of| within::Cluster::of(share(of[0], of[1]), share(of[2], of[3]))).collect();
        let found = within::mean(&clusters).ok();
        agrees(found.map(|mean| mean.difference), &row["difference"], &row);
        agrees(found.map(|mean| mean.low), &row["low"], &row);
        agrees(found.map(|mean| mean.high), &row["high"], &row);
    }
    let one = within::Cluster { difference: 1.0, weight: 2.0 };
    assert_eq!(within::mean(&[]), Err(Unsaid::FewUnits));
    assert_eq!(within::mean(&[one, within::Cluster { weight: 0.0, ..one }]), Err(Unsaid::FewUnits));
}

#[test]
fn a_regression_says_nothing_of_what_does_not_vary() {
    let constant = |value: f64| {
        let mut cluster = Cluster::new(2);
        (0..9).for_each(|at| cluster.add(&[value, f64::from(at), 0.1 * f64::from(at * at)]));
        cluster
    };
    let fit = Fit::of(&[constant(0.1), constant(0.3)]).unwrap();
    assert_eq!(fit.effect(&[1.0, 0.0]), Err(Unsaid::FewUnits));
    assert!(fit.effect(&[0.0, 1.0]).is_ok());
    assert!(Fit::of(&[constant(1.0)]).is_err() && Fit::of(&[]).is_err());
    assert!(Fit::of(&[constant(f64::MAX), constant(f64::MAX)]).is_err());
}

fn any_values() -> impl Strategy<Value = Vec<f64>> {
    let value = prop_oneof![Just(0.0), -1e3..1e3, Just(1e308), Just(-1e308), Just(1e-300), 0.0..1e15];
    prop::collection::vec(value, 0..40)
}

proptest! {
    #[test]
    fn nothing_that_is_said_is_infinite(first in any_values(), second in any_values(), cost in -1.0..1e6) {
        if let Ok(spread) = Sum::of(first.clone()).spread() {
            prop_assert!(spread.half > 0.0 && spread.half_up >= spread.half && spread.half_up.is_finite());
        }
        let units = |margin: &[f64]| Moments::of(margin.to_vec());
        let sides = [&first, &second].map(|margin| difference::Returned { margin, units: units(margin), cost });
        for found in [difference::jointly(sides[0], sides[1]), difference::apart(sides[0], sides[1])].into_iter().flatten() {
            prop_assert!(found.low <= found.log_ratio && found.log_ratio <= found.high);
            prop_assert!((found.high - found.low).is_finite() && (0.0..=1.0).contains(&found.p_first));
        }
        if let Ok(trial) = welch::test(welch::Arm::of(&first), welch::Arm::of(&second)) {
            prop_assert!(trial.low.is_finite() && trial.high.is_finite() && (0.0..=1.0).contains(&trial.p_value));
        }
        prop_assert!(weeks::autocorrelation(&first).is_none_or(f64::is_finite));
        let pairs = || first.iter().copied().zip(second.iter().copied());
        let estimates: Vec<_> = pairs().map(|(value, variance)| pooling::Estimate { value, variance }).collect();
        for of in pooling::pooled(&estimates).into_iter().flat_map(|pool| pool.of) {
            prop_assert!(of.value.is_finite() && of.sd.is_finite() && of.sd >= of.own_sd * (1.0 - 1e-9));
        }
        let shares: Vec<_> = pairs().map(|(part, whole)| ratio::Share { part: part.abs(), whole }).collect();
        if let Ok(rate) = ratio::rate(&shares) {
            prop_assert!(rate.low <= rate.value && rate.value <= rate.high && rate.high.is_finite(), "{rate:?}");
        }
        let clusters: Vec<_> =
            pairs().map(|(difference, weight)| within::Cluster { difference, weight: weight.abs() }).collect();
        if let Ok(mean) = within::mean(&clusters) {
            prop_assert!(mean.low <= mean.difference && mean.difference <= mean.high && (mean.high - mean.low).is_finite());
        }
    }

    #[test]
    fn moments_of_sets_are_those_of_their_numbers(sets in prop::collection::vec(prop::collection::vec(-1e3..1e4, 0..9), 1..9)) {
        let by_definition = |numbers: &[f64]| {
            let mean = numbers.iter().sum::<f64>() / numbers.len().max(1) as f64;
            let powers = |power| numbers.iter().map(|x| (x - mean).powi(power)).sum::<f64>();
            [numbers.len() as f64, mean, powers(2), powers(4)]
        };
        let others = moments::without_each(&sets.iter().cloned().map(Moments::of).collect::<Vec<_>>());
        prop_assert_eq!(others.len(), sets.len());
        for (at, found) in others.into_iter().enumerate() {
            let numbers: Vec<f64> = sets[..at].iter().chain(&sets[at + 1..]).flatten().copied().collect();
            for (found, wanted) in [found.count, found.mean, found.squares, found.fourths].into_iter().zip(by_definition(&numbers)) {
                prop_assert!((found - wanted).abs() <= 1e-9 * (1.0 + wanted.abs()), "{found} is not {wanted}");
            }
        }
    }

    #[test]
    fn the_unit_of_money_does_not_matter(values in prop::collection::vec(0.01..1e4, 2..40), factor in 1e-3..1e3) {
        let scaled: Vec<f64> = values.iter().map(|x| x * factor).collect();
        match (Sum::of(values).spread(), Sum::of(scaled).spread()) {
            (Ok(own), Ok(other)) => prop_assert!((own.half / other.half - 1.0).abs() < 1e-6),
            (own, other) => prop_assert_eq!(own.is_ok(), other.is_ok()),
        }
    }

    #[test]
    fn both_ways_round_a_difference_is_the_same(pairs in prop::collection::vec((0.0..9.0, 0.1..9.0), 1..30)) {
        let (first, second): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
        let units = |margin: &[f64]| Moments::of(margin.to_vec());
        let sides = [(&first, 3.0), (&second, 5.0)].map(|(margin, cost)| difference::Returned { margin, units: units(margin), cost });
        if let Ok(there) = difference::jointly(sides[0], sides[1]) {
            let back = difference::jointly(sides[1], sides[0]).unwrap();
            prop_assert!((there.log_ratio + back.log_ratio).abs() < 1e-9 && (there.p_first + back.p_first - 1.0).abs() < 1e-9);
        }
    }
}
