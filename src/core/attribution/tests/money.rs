//! What credit is worth: margin and base currency, against multiplication by hand, digit by digit.

use proptest::prelude::*;

use super::*;

/// The product of whole numbers, as decimal digits, least first.
fn product(factors: &[u128]) -> Vec<u32> {
    let mut digits = vec![1];
    for factor in factors {
        let other: Vec<u32> = factor.to_string().bytes().rev().map(|digit| u32::from(digit - b'0')).collect();
        let mut sum = vec![0; digits.len() + other.len() + 1];
        for (i, a) in digits.iter().enumerate() {
            for (j, b) in other.iter().enumerate() {
                sum[i + j] += a * b;
            }
        }
        for i in 0..sum.len() - 1 {
            sum[i + 1] += sum[i] / 10;
            sum[i] %= 10;
        }
        digits = sum;
    }
    digits
}

/// The product without its last decimals; `None` beyond 38 digits.
fn cut(factors: &[i128], decimals: usize) -> Option<i128> {
    let magnitudes: Vec<u128> = factors.iter().map(|factor| factor.unsigned_abs()).collect();
    let kept: String = product(&magnitudes).get(decimals..).unwrap_or_default().iter().rev().map(u32::to_string).collect();
    let kept = kept.trim_start_matches('0');
    let magnitude = if kept.is_empty() { 0 } else { kept.parse::<i128>().ok().filter(|_| kept.len() <= 38)? };
    Some(magnitude * factors.iter().map(|factor| factor.signum()).product::<i128>())
}

fn priced(amount: Millionths, margin_rate: Option<i32>, base_rate: Option<i128>) -> Vec<Found> {
    let touches = [touch(0, DAY_MS, "A", ""), touch(1, 2 * DAY_MS, "B", ""), touch(2, 9 * DAY_MS, "C", "")];
    parts_of(&touches, &[Sale { margin_rate, base_rate, ..sale(9 * DAY_MS, amount) }])
}

/// Any number of digits is as likely as any other.
fn wide(digits_max: u32) -> impl Strategy<Value = i128> {
    (0..=digits_max).prop_flat_map(|digits| 0..10_i128.pow(digits)).prop_flat_map(|value| prop_oneof![Just(value), Just(-value)])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn margin_and_base_are_cut_and_never_rounded(amount in wide(38), margin in wide(9), rate in wide(37)) {
        let margin = i32::try_from(margin).unwrap();
        let has_base = cut(&[amount, rate], 18).is_some_and(|worth| worth.abs() < 10_i128.pow(36));
        for part in priced(amount, Some(margin), Some(rate)) {
            let credit = part.credit;
            prop_assert_eq!(part.margin, cut(&[amount, margin.into()], 0).and_then(|_| cut(&[credit, margin.into()], 0)));
            prop_assert_eq!(part.credit_base, has_base.then(|| cut(&[credit, rate], 18)).flatten());
            let has_margin = has_base && cut(&[amount, margin.into(), rate], 24).is_some();
            prop_assert_eq!(part.margin_base, has_margin.then(|| cut(&[credit, margin.into(), rate], 24)).flatten());
        }
    }
}

#[test]
fn what_is_cut_is_cut_towards_zero_once() {
    // 0.000003 at 0.5 and 1.5: 0.00000225, of a refund -0.00000225; from rounded steps it would be 0.000001 or 0.000003.
    let of = |amount| {
        let parts = priced(amount, Some(500_000), Some(1_500_000_000_000_000_000));
        let part = parts.iter().find(|part| part.rule == Rule::First).unwrap();
        (part.credit_base, part.margin, part.margin_base)
    };
    assert_eq!(of(3), (Some(4), Some(1_500_000), Some(2)));
    assert_eq!(of(-3), (Some(-4), Some(-1_500_000), Some(-2)));
}

#[test]
fn a_rate_that_is_missing_makes_a_figure_unknown_and_never_nothing() {
    let of = |margin, rate| {
        let part = &priced(2_000_000, margin, rate)[0];
        [part.margin.is_some(), part.credit_base.is_some(), part.margin_base.is_some()]
    };
    assert_eq!(of(None, None), [false, false, false]);
    assert_eq!(of(Some(1), None), [true, false, false]);
    assert_eq!(of(None, Some(1)), [false, true, false]);
    assert_eq!(of(Some(0), Some(0)), [true, true, true]);
}

#[test]
fn a_sale_that_is_worth_too_much_has_no_figure_in_any_of_its_parts() {
    let parts = priced(10_i128.pow(37), Some(1_000_000), Some(1_000_000_000_000_000_000));
    assert!(parts.iter().all(|part| part.credit_base.is_none() && part.margin_base.is_none()));
    assert!(parts.iter().all(|part| part.margin.is_none()), "13 digits more than 38 hold");
    let parts = priced(10_i128.pow(36) - 1, Some(1_000_000), Some(1_000_000_000_000_000_000));
    assert!(parts.iter().all(|part| part.credit_base == Some(part.credit) && part.margin_base == Some(part.credit)));
}
