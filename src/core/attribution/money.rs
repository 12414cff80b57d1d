//! Exact money: splits to the last millionth, rates as fixed-point numbers.
//!
//! Products of an amount (38 digits), a margin rate and an exchange rate need more than 128 bits. They are never formed: each
//! factor is taken apart at the decimal point, so that every partial product fits, and what does not fit in the end is `None`.

use std::cmp::Reverse;

use super::Sale;
use crate::event::Millionths;

/// One, as an exchange rate.
const RATE_ONE: u128 = 1_000_000_000_000_000_000;

/// One, as a margin rate, and the units of one of a currency.
const UNIT: u128 = 1_000_000;

/// What a table's 38 digits do not hold.
const DIGITS_END: u128 = 10_u128.pow(38);

/// Beyond any real price: from 10^30 of the base currency on a sale has no figure in it.
const BASE_END: u128 = 10_u128.pow(36);

/// Room for one split, used again for the next.
#[derive(Default)]
pub(super) struct Split {
    parts: Vec<u128>,
    remainders: Vec<(Reverse<u128>, usize)>,
}

impl Split {
    /// Splits whole units by weight: rounded down, and what is left to the largest remainders, of equal ones to the earlier.
    /// `total` is the sum of the weights, above 0.
    pub(super) fn by_weight(&mut self, units: u128, weights: &[u64], total: u64) -> &[u128] {
        let total = u128::from(total);
        // units = whole * total + rest, so that units * weight / total = whole * weight + rest * weight / total: 128 bits hold it.
        let (whole, rest) = (units / total, units % total);
        self.parts.clear();
        self.remainders.clear();
        for (i, &weight) in weights.iter().enumerate() {
            let weight = u128::from(weight);
            self.parts.push(whole * weight + rest * weight / total);
            self.remainders.push((Reverse(rest * weight % total), i));
        }
        // Fewer than the parts, because each lacks less than one.
        let left = usize::try_from(units - self.parts.iter().sum::<u128>()).unwrap_or_default().min(weights.len());
        if left > 0 {
            self.remainders.select_nth_unstable(left - 1);
            for &(_, i) in &self.remainders[..left] {
                self.parts[i] += 1;
            }
        }
        &self.parts
    }
}

/// What the credit of one sale is worth. A figure that the whole sale is too large for is `None` for all of its parts.
pub(super) struct Price {
    margin: Option<i128>,
    base: Option<i128>,
    margin_base: Option<(i128, i128)>,
}

impl Price {
    pub(super) fn of<M>(sale: &Sale<M>) -> Price {
        let margin = sale.margin_rate.map(i128::from);
        let base = sale.base_rate.filter(|&rate| {
            let worth = times_rate(sale.amount.unsigned_abs(), rate.unsigned_abs());
            worth.is_some_and(|(whole, _)| whole < BASE_END)
        });
        Price {
            margin: margin.filter(|&rate| in_margin(sale.amount, rate).is_some()),
            base,
            margin_base: margin.zip(base).filter(|&(margin, rate)| margin_in_base(sale.amount, margin, rate).is_some()),
        }
    }

    /// See [`super::Part::margin`].
    pub(super) fn margin(&self, credit: Millionths) -> Option<i128> {
        in_margin(credit, self.margin?)
    }

    /// See [`super::Part::credit_base`].
    pub(super) fn credit_base(&self, credit: Millionths) -> Option<Millionths> {
        let rate = self.base?;
        let (whole, _) = times_rate(credit.unsigned_abs(), rate.unsigned_abs())?;
        signed(whole, credit.signum() * rate.signum())
    }

    /// See [`super::Part::margin_base`].
    pub(super) fn margin_base(&self, credit: Millionths) -> Option<Millionths> {
        let (margin, rate) = self.margin_base?;
        margin_in_base(credit, margin, rate)
    }
}

fn in_margin(credit: Millionths, rate: i128) -> Option<i128> {
    signed(credit.unsigned_abs().checked_mul(rate.unsigned_abs())?, credit.signum() * rate.signum())
}

fn margin_in_base(credit: Millionths, margin: i128, rate: i128) -> Option<Millionths> {
    let (whole, rest) = times_rate(credit.unsigned_abs(), rate.unsigned_abs())?;
    let share = margin.unsigned_abs();
    // (whole + rest / 10^18) * share / 10^6, the whole taken apart once more.
    let (millions, units) = (whole / UNIT, whole % UNIT);
    let below = (units * share + rest * share / RATE_ONE) / UNIT;
    signed(millions.checked_mul(share)?.checked_add(below)?, credit.signum() * margin.signum() * rate.signum())
}

/// Units times a rate: the whole units, and what is left of one in 10^-18.
fn times_rate(units: u128, rate: u128) -> Option<(u128, u128)> {
    let (many, few) = (units / RATE_ONE, units % RATE_ONE);
    let (whole, part) = (rate / RATE_ONE, rate % RATE_ONE);
    // (many * 10^18 + few) * rate / 10^18 = many * rate + few * whole + few * part / 10^18.
    let product = few * part;
    let sum = many.checked_mul(rate)?.checked_add(few.checked_mul(whole)?)?.checked_add(product / RATE_ONE)?;
    Some((sum, product % RATE_ONE))
}

/// With the sign of `sign`, if 38 digits hold it.
fn signed(magnitude: u128, sign: i128) -> Option<i128> {
    let value = i128::try_from(magnitude).ok().filter(|_| magnitude < DIGITS_END)?;
    Some(if sign < 0 { -value } else { value })
}
