//! How often the intervals of a period hold the truth, and how often verdicts are wrong: simulated brands with a known truth.
//!
//!     WORLDS=1000 cargo test --release -p grapevine-core --test calibrate -- --nocapture
//!
//! Without WORLDS few worlds, in which a target counts as missed only if the figure contradicts it. What simulates knows no formula
//! of what estimates: posts have an appeal (skewed, one in fifty a hit), appeal brings sales over the days after the post, weekends and
//! weeks have their demand, orders are skewed, some are given back, mailings bring sales without a post, invoices come once a month.
//! One plan of effort is drawn anew many times; the truth is what it brings on average.

#![expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "simulated numbers are small")]

mod estimates {
    pub(crate) mod brand;
    pub(crate) mod clicks;
    pub(crate) mod dice;
    pub(crate) mod table;
}

use std::sync::Arc;

use estimates::brand::{Plan, World};
use estimates::clicks;
use estimates::dice::Dice;
use estimates::table::{Table, Target, worlds};
use grapevine_core::answers::Side;
use grapevine_core::answers::comparison::{Kind, Winner, comparison};
use grapevine_core::answers::immediacy::{Finding, immediacy};
use grapevine_core::answers::period::Span;
use grapevine_core::answers::reason::Verdict;
use grapevine_core::answers::roi::{By, roi};

/// Plans of effort that the worlds are shared out over.
const PLANS: u64 = 10;

/// An interval and the truth.
#[derive(Default)]
struct Held {
    above: usize,
    below: usize,
    known: usize,
    unsaid: usize,
    widths: Vec<f64>,
}

impl Held {
    fn note(&mut self, interval: Option<(f64, f64)>, truth: f64) {
        let Some((low, high)) = interval else {
            self.unsaid += 1;
            return;
        };
        self.known += 1;
        self.above += usize::from(low > truth);
        self.below += usize::from(high < truth);
        self.widths.push(high - low);
    }

    /// Two targets: as often as promised, and not more often, which would be wider than need be.
    fn print(&self, table: &mut Table, name: &str, (enough, exact): (bool, bool)) {
        let held = self.known - self.above - self.below;
        let more = format!("low end above the truth {}, high end below it {}; {} unsaid", self.above, self.below, self.unsaid);
        table.share(
            &format!("{name}: holds the truth"),
            (held, self.known),
            &Target { low: 92.5, high: 100.0, promised: enough },
            &more,
        );
        table.share(&format!("{name}: not too often"), (held, self.known), &Target { low: 0.0, high: 97.5, promised: exact }, "");
    }

    fn median_width(&mut self) -> f64 {
        self.widths.sort_by(f64::total_cmp);
        self.widths.get(self.widths.len() / 2).copied().unwrap_or(f64::NAN)
    }
}

/// The spread of numbers around their mean.
fn deviation(values: &[f64]) -> f64 {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0)).sqrt()
}

const SPANS: [Span; 3] = [Span::Last4Weeks, Span::Last13Weeks, Span::All];
const WORLDS: [World; 4] = [World::Plain, World::HeavyTails, World::PersistentDemand, World::FewPosts];
const SIDES: [Side; 2] = [Side::Broadcast, Side::Conversation];

/// Returns of a period: coverage, width, verdicts.
fn returns(table: &mut Table, world: World) {
    let promised = world != World::PersistentDemand;
    let drawn = worlds(1000, 100);
    for (span, side) in SPANS.into_iter().flat_map(|span| SIDES.map(|side| (span, side))) {
        let (mut held, mut wrong, mut told, mut oracle) = (Held::default(), 0, 0, Vec::new());
        for plan in (0..PLANS).map(|number| Plan::drawn(world, number)) {
            let (mut found, truth) = (Vec::new(), plan.truth(side, plan.period(span)));
            for number in 0..drawn as u64 / PLANS {
                let ledger = plan.draw(number);
                let rows = roi(&ledger, By::Brand);
                let Some(row) = rows.into_iter().find(|row| row.side == side && row.period.span == span) else { continue };
                held.note(row.roi_low.zip(row.roi_high), truth);
                found.extend(row.roi);
                told += usize::from(matches!(row.verdict, Some(Verdict::Positive | Verdict::Negative)));
                wrong += usize::from(row.verdict == Some(if truth > 0.0 { Verdict::Negative } else { Verdict::Positive }));
            }
            oracle.push(2.0 * 1.96 * deviation(&found));
        }
        let name = format!("{}, {}, {}", world.name(), side.name(), span.name());
        held.print(table, &name, (promised, false));
        oracle.sort_by(f64::total_cmp);
        table.most(&format!("{name}: width over the oracle's"), held.median_width() / oracle[oracle.len() / 2], 1.3, false);
        let more = format!("{told} told");
        table.share(
            &format!("{name}: verdict against the truth"),
            (wrong, held.known + held.unsaid),
            &Target { low: 0.0, high: 2.5, promised },
            &more,
        );
    }
}

/// Sides against each other, and a period against the one before.
fn comparisons(table: &mut Table, world: World) {
    let drawn = worlds(1000, 100);
    for (kind, span) in [
        (Kind::Sides, Span::Last13Weeks),
        (Kind::Sides, Span::All),
        (Kind::Period, Span::Last4Weeks),
        (Kind::Period, Span::Quarter),
    ] {
        let (mut held, mut wrong, mut told) = (Held::default(), 0, 0);
        for plan in (0..PLANS).map(|number| Plan::drawn(world, number)) {
            for number in 0..drawn as u64 / PLANS {
                let rows = comparison(&plan.draw(number));
                for row in rows.iter().filter(|row| row.kind == kind && row.period.span == span && row.side != Some(Side::Other))
                {
                    let ratio = |side, period| (1.0 + plan.truth(side, period)).ln();
                    let truth = match row.side {
                        None => ratio(Side::Broadcast, row.period) - ratio(Side::Conversation, row.period),
                        Some(side) => {
                            row.period.before().map_or(f64::NAN, |before| ratio(side, row.period) - ratio(side, before))
                        }
                    };
                    held.note(row.log_ratio_low.zip(row.log_ratio_high), truth);
                    told += usize::from(row.verdict.is_some_and(|winner| winner != Winner::CannotTell));
                    wrong += usize::from(row.verdict == Some(if truth > 0.0 { Winner::Second } else { Winner::First }));
                }
            }
        }
        let name = format!("{}, comparison of {}, {}", world.name(), kind.name(), span.name());
        let sides = kind == Kind::Sides;
        held.print(table, &name, (sides || world != World::PersistentDemand, sides && world != World::FewPosts));
        let more = format!("{told} told, median width {:.2}", held.median_width());
        table.share(
            &format!("{name}: verdict against the truth"),
            (wrong, held.known + held.unsaid),
            &Target { low: 0.0, high: 2.5, promised: true },
            &more,
        );
    }
}

#[test]
fn expectations_are_the_means_of_what_is_drawn() {
    let plan = Plan::drawn(World::Plain, 0);
    for side in SIDES {
        let period = plan.period(Span::All);
        let found = (0..400).filter_map(|number| {
            let rows = roi(&plan.draw(number), By::Brand);
            rows.into_iter().find(|row| row.side == side && row.period.span == Span::All)?.roi
        });
        let found: Vec<f64> = found.collect();
        let (mean, error) = (found.iter().sum::<f64>() / 400.0, deviation(&found) / 20.0);
        assert!((mean - plan.truth(side, period)).abs() < 3.5 * error, "{side:?}: {mean} {error} {}", plan.truth(side, period));
    }
}

#[test]
fn intervals_of_returns_hold_the_truth() {
    let mut table = Table::new("roi: 95 % interval of a period's return");
    WORLDS.into_iter().for_each(|world| returns(&mut table, world));
    table.end();
}

#[test]
fn intervals_of_comparisons_hold_the_truth() {
    let mut table = Table::new("comparison: 95 % interval of log(margin/cost) less that of the other");
    WORLDS.into_iter().for_each(|world| comparisons(&mut table, world));
    table.end();
}

#[test]
fn immediacy_is_supported_where_it_is_true_alone() {
    let mut table = Table::new("immediacy: 91 days, 60 roots a side, own tempo of each");
    let drawn = worlds(1000, 100);
    for (fetched, name) in [(0.0, "no link"), (0.1, "a tenth of the links"), (1.0, "every link")] {
        for (sooner, low, high) in [(true, 95.0, 100.0), (false, 0.0, 5.0)] {
            let supported = (0..drawn as u64).filter(|number| {
                let clicks = clicks::draw(&mut Dice::new(7, *number), sooner, fetched);
                immediacy(&Arc::from("acme"), &clicks).verdict == Some(Finding::Supported)
            });
            let name = format!("{}, machines fetch {name}: supported", if sooner { "true" } else { "false" });
            table.share(&name, (supported.count(), drawn), &Target { low, high, promised: true }, "");
        }
    }
    table.end();
}
