//! Money, rates, durations and gauges.

use std::borrow::Cow;

use super::super::Millionths;
use super::{Checked, Field, Kind, Wire, is_digits, is_integer, missing, out_of_range, text, whole_number, wrong};

/// Digits behind the point of an amount: those of the tables' `Decimal(38, 6)`.
const DECIMALS_MAX: usize = 6;

/// Digits before the point of an amount: so that it can still be multiplied by a rate in `Decimal(38, …)`.
const MONEY_DIGITS: usize = 15;

/// Digits before the point of a rate: those of `Decimal(9, 6)`.
const RATE_DIGITS: usize = 3;

/// A duration in seconds, up to 136 years; below zero it takes back.
pub(in crate::event) fn seconds(wire: &Wire<'_>, field: Field) -> Checked<Option<i64>> {
    match whole_number(wire, field)? {
        Some(seconds) if seconds.unsigned_abs() > u64::from(u32::MAX) => {
            Err(out_of_range(field, "send a whole number of seconds from -4294967295 to 4294967295"))
        }
        seconds => Ok(seconds),
    }
}

/// A gauge's value.
pub(in crate::event) fn gauge(wire: &Wire<'_>, field: Field) -> Checked<f64> {
    let value = wire.get(field).ok_or_else(|| missing(field))?;
    match value.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        Ok(_) => Err(out_of_range(field, "send a number that fits a 64-bit float")),
        Err(_) => Err(wrong(field, Kind::of(value).name(), "a number")),
    }
}

/// Money, in millionths; written as a number or as text. It is never read as a float.
pub(in crate::event) fn money(wire: &Wire<'_>, field: Field) -> Checked<Option<Millionths>> {
    decimal(wire, field, MONEY_DIGITS)
}

/// A rate, in millionths.
pub(in crate::event) fn rate(wire: &Wire<'_>, field: Field) -> Checked<Option<i32>> {
    let millionths = decimal(wire, field, RATE_DIGITS)?;
    Ok(millionths.and_then(|millionths| i32::try_from(millionths).ok()))
}

/// Money that must be there.
pub(in crate::event) fn required_decimal(wire: &Wire<'_>, field: Field) -> Checked<Millionths> {
    money(wire, field)?.ok_or_else(|| missing(field))
}

fn decimal(wire: &Wire<'_>, field: Field, digits_max: usize) -> Checked<Option<Millionths>> {
    let Some(value) = wire.get(field) else { return Ok(None) };
    let expected = "a decimal such as 12.50, as a number or as text";
    let kind = Kind::of(value);
    let text = match kind {
        Kind::Number => Cow::Borrowed(value),
        Kind::Text => text(field, value)?,
        Kind::Boolean | Kind::Array | Kind::Object => return Err(wrong(field, kind.name(), expected)),
    };
    if kind == Kind::Number && text.contains(['e', 'E']) {
        return Err(out_of_range(field, "write it out, without an exponent"));
    }
    let (whole, decimals) = text.split_once('.').unwrap_or((&text, "0"));
    if !is_integer(whole) || !is_digits(decimals) {
        return Err(wrong(field, "text that is no decimal", expected));
    }
    let digits = whole.trim_start_matches('-').trim_start_matches('0');
    let decimals = decimals.trim_end_matches('0');
    if digits.len() > digits_max || decimals.len() > DECIMALS_MAX {
        let cure = format!("send at most {digits_max} digits before the point and {DECIMALS_MAX} behind it");
        return Err(out_of_range(field, &cure));
    }
    // At most 38 digits, which 128 bits hold.
    let magnitude = format!("{digits}{decimals:0<DECIMALS_MAX$}").parse::<Millionths>().unwrap_or_default();
    Ok(Some(if whole.starts_with('-') { -magnitude } else { magnitude }))
}
