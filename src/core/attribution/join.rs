//! Touches and sales come together: two streams in the order of person and brand, one pass, one person's touches in memory.

use super::money::{Price, Split};
use super::{Lookback, Part, Rule, SESSIONS_MAX, Sale, Touch, Trail, Who};

/// Why the credit was not worked out to the end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failed<E> {
    /// A stream failed, or whoever takes the parts.
    #[error(transparent)]
    Outside(#[from] E),
    /// A stream is not sorted by person and brand: credit would be lost in silence.
    #[error("{stream} are not sorted by person and brand: {who:?} came too late")]
    Disorder {
        /// Which stream.
        stream: &'static str,
        /// Of whom it went back.
        who: Who,
    },
}

/// Works out every part of every sale, under each of [`Rule::ALL`] and [`Lookback::ALL`], and hands on those of one sale after the other,
/// in the order of look-backs, of rules and of touches.
///
/// Both streams are sorted by [`Who`]. Touches of people without a sale are skipped. The touches of one person are in memory
/// at a time; those in the order of time, kind and id cost least. The time is linear in touches, sales and parts.
///
/// # Errors
/// Those of the streams and of `each`, and a stream that is not sorted.
pub fn credit<M, N, E>(
    touches: impl IntoIterator<Item = Result<(Who, Touch<M>), E>>,
    sales: impl IntoIterator<Item = Result<(Who, Sale<N>), E>>,
    mut each: impl FnMut(&Who, &Sale<N>, &[Part<'_, M>]) -> Result<(), E>,
) -> Result<(), Failed<E>> {
    let mut touches = Sorted::new("touches", touches.into_iter());
    let mut sales = Sorted::new("sales", sales.into_iter());
    let mut room = Room::default();
    while let Some(who) = sales.next_who()? {
        let theirs = touches.of(&who)?;
        let trail = Trail::new(if who.person.is_empty() { Vec::new() } else { theirs });
        while let Some(sale) = sales.next_of(&who)? {
            each(&who, &sale, &trail.credit(&sale, &mut room))?;
        }
    }
    Ok(())
}

/// A stream, and the first of it that was not taken yet.
struct Sorted<I, T> {
    name: &'static str,
    stream: I,
    ahead: Option<(Who, T)>,
    begun: bool,
}

impl<I: Iterator<Item = Result<(Who, T), E>>, T, E> Sorted<I, T> {
    fn new(name: &'static str, stream: I) -> Self {
        Sorted { name, stream, ahead: None, begun: false }
    }

    /// Whose is next.
    fn next_who(&mut self) -> Result<Option<Who>, Failed<E>> {
        if !self.begun {
            self.begun = true;
            self.ahead = self.stream.next().transpose()?;
        }
        Ok(self.ahead.as_ref().map(|(who, _)| who.clone()))
    }

    /// Takes the next one.
    fn take(&mut self) -> Result<Option<T>, Failed<E>> {
        let after = self.stream.next().transpose()?;
        let Some((who, taken)) = std::mem::replace(&mut self.ahead, after) else { return Ok(None) };
        match &self.ahead {
            Some((after, _)) if *after < who => Err(Failed::Disorder { stream: self.name, who: after.clone() }),
            _ => Ok(Some(taken)),
        }
    }

    /// Takes the next one if it is theirs.
    fn next_of(&mut self, who: &Who) -> Result<Option<T>, Failed<E>> {
        match &self.ahead {
            Some((next, _)) if next == who => self.take(),
            _ => Ok(None),
        }
    }

    /// Takes all that are theirs, and drops what comes before.
    fn of(&mut self, who: &Who) -> Result<Vec<T>, Failed<E>> {
        self.next_who()?;
        while self.ahead.as_ref().is_some_and(|(next, _)| next < who) {
            self.take()?;
        }
        let mut theirs = Vec::new();
        while let Some(one) = self.next_of(who)? {
            theirs.push(one);
        }
        Ok(theirs)
    }
}

/// Room for the work on one sale, used again for the next.
#[derive(Default)]
struct Room {
    weights: Vec<u64>,
    split: Split,
}

impl<M> Trail<M> {
    /// The parts of one sale.
    fn credit<N>(&self, sale: &Sale<N>, room: &mut Room) -> Vec<Part<'_, M>> {
        let price = Price::of(sale);
        let mut parts = Vec::new();
        for lookback in Lookback::ALL {
            let mut touches: Vec<&Touch<M>> = self.sessions(sale.sold_at, lookback).collect();
            touches.drain(..touches.len().saturating_sub(SESSIONS_MAX));
            let last_known = touches.iter().rposition(|touch| !touch.direct);
            for rule in Rule::ALL {
                rule.weigh(&touches, last_known, &mut room.weights);
                // One touch takes far more memory than the 2^-32 of the range of 64 bits that it can weigh.
                let of_weight = room.weights.iter().sum();
                let units = room.split.by_weight(sale.amount.unsigned_abs(), &room.weights, of_weight);
                let weighed = room.weights.iter().zip(units).enumerate().filter(|(_, (weight, _))| **weight > 0);
                for (i, (&weight, &units)) in weighed {
                    let credit = if sale.amount < 0 {
                        0_i128.saturating_sub_unsigned(units)
                    } else {
                        0_i128.saturating_add_unsigned(units)
                    };
                    parts.push(Part {
                        rule,
                        lookback,
                        number: i,
                        touch: touches.get(i).copied(),
                        weight,
                        of_weight,
                        credit,
                        margin: price.margin(credit),
                        credit_base: price.credit_base(credit),
                        margin_base: price.margin_base(credit),
                        before_direct: rule == Rule::Last && last_known.is_some_and(|known| known + 1 < touches.len()),
                    });
                }
            }
        }
        parts
    }
}
