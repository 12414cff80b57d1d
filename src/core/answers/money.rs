//! Sums of money that are exact, or not known.

use std::ops::AddAssign;

/// Why an amount is not known in the brand's base currency. The first of them is the one that is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Missing {
    /// It is kept in another base currency.
    OtherCurrency,
    /// Hours without a rate.
    HourlyRate,
    /// A currency without an exchange rate.
    ExchangeRate,
    /// A sale without a margin rate.
    MarginRate,
}

impl Missing {
    const ALL: [Missing; 4] = [Missing::OtherCurrency, Missing::HourlyRate, Missing::ExchangeRate, Missing::MarginRate];
}

/// Adds millionths to a sum of them.
pub(super) fn add(sum: &mut i128, units: i128) {
    *sum = sum.saturating_add(units);
}

/// A sum in millionths of the base currency, or the first reason why a part of it is not known: one such part and the whole is not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Money {
    /// Of the parts that are known.
    units: i128,
    /// How many parts are not, in the order of [`Missing::ALL`].
    missing: [u32; 4],
}

impl Money {
    /// So many millionths.
    #[must_use]
    pub fn units(units: i128) -> Money {
        Money { units, ..Money::default() }
    }

    /// So many millionths, unless something is missing.
    #[must_use]
    pub fn unless(missing: Option<Missing>, units: i128) -> Money {
        let Some(missing) = missing else { return Money::units(units) };
        Money { units: 0, missing: Missing::ALL.map(|reason| u32::from(reason == missing)) }
    }

    /// Millionths of the base currency.
    #[must_use]
    pub fn known(self) -> Option<i128> {
        self.missing().is_none().then_some(self.units)
    }

    /// The same in the base currency, for estimates.
    #[must_use]
    pub fn value(self) -> Option<f64> {
        self.known().map(value)
    }

    /// What is left of it without a part of it: known, if only that part is not.
    #[must_use]
    pub fn less(self, part: Money) -> Money {
        let mut left = Money { units: self.units.saturating_sub(part.units), ..self };
        left.missing.iter_mut().zip(part.missing).for_each(|(left, part)| *left = left.saturating_sub(part));
        left
    }

    /// Why it is not known.
    #[must_use]
    pub fn missing(self) -> Option<Missing> {
        Missing::ALL.into_iter().zip(self.missing).find(|(_, parts)| *parts > 0).map(|(missing, _)| missing)
    }
}

/// Millionths as a number of the base currency.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "an estimate has 15 digits; what must be exact is added before")]
pub fn value(units: i128) -> f64 {
    units as f64 / 1e6
}

impl AddAssign for Money {
    fn add_assign(&mut self, other: Money) {
        // No currency has 10^32 units; if one had, the sum would stay at the edge rather than end the run.
        self.units = self.units.saturating_add(other.units);
        self.missing.iter_mut().zip(other.missing).for_each(|(sum, parts)| *sum = sum.saturating_add(parts));
    }
}

impl std::iter::Sum for Money {
    fn sum<I: Iterator<Item = Money>>(amounts: I) -> Money {
        let mut sum = Money::default();
        amounts.for_each(|amount| sum += amount);
        sum
    }
}

/// The first of two reasons.
pub(super) fn first<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
    one.into_iter().chain(other).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_is_exact_or_says_first_what_is_missing() {
        let cents = |units| Money::units(units);
        assert_eq!([cents(1), cents(i128::from(u64::MAX)), cents(-3)].into_iter().sum::<Money>().known(), Some((1 << 64) - 3));
        let parts = [Money::unless(Some(Missing::MarginRate), 5), cents(7), Money::unless(Some(Missing::ExchangeRate), 5)];
        let sum = parts.into_iter().sum::<Money>();
        assert_eq!((sum.known(), sum.value(), sum.missing()), (None, None, Some(Missing::ExchangeRate)));
        assert_eq!([cents(i128::MAX), cents(1)].into_iter().sum::<Money>().known(), Some(i128::MAX));
        assert_eq!(cents(1_500_000).value(), Some(1.5));
    }

    #[test]
    fn what_is_left_without_the_only_unknown_part_is_known() {
        let unknown = Money::unless(Some(Missing::HourlyRate), 5);
        let sum = [unknown, Money::units(7)].into_iter().sum::<Money>();
        assert_eq!((sum.less(unknown).known(), sum.less(Money::units(7)).missing()), (Some(7), Some(Missing::HourlyRate)));
        let more = [sum, unknown].into_iter().sum::<Money>();
        assert_eq!(more.less(unknown).missing(), Some(Missing::HourlyRate));
    }
}
