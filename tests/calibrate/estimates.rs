//! How often the intervals of a period and of places hold the truth, and how often verdicts are wrong: simulated brands with a known truth.
//!
//!     WORLDS=1000 cargo test --release -p grapevine-core --test calibrate -- --nocapture
//!
//! Without WORLDS few worlds, in which a target counts as missed only if the figure contradicts it. What simulates knows no formula
//! of what estimates: posts have an appeal (skewed, one in fifty a hit), appeal brings sales over the days after the post, weekends and
//! weeks have their demand, orders are skewed, some are given back, mailings bring sales without a post, invoices come once a month.
//! One plan of effort is drawn anew many times; the truth is what it brings on average.

#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "simulated numbers are small"
)]

mod estimates {
    pub(crate) mod brand;
    pub(crate) mod clicks;
    pub(crate) mod dice;
    pub(crate) mod ledger;
    pub(crate) mod minutes;
    pub(crate) mod places;
    pub(crate) mod posts;
    pub(crate) mod table;
    pub(crate) mod trials;
}

use std::collections::BTreeMap;
use std::sync::Arc;

use estimates::brand::{Plan, World};
use estimates::clicks;
use estimates::dice::Dice;
use estimates::minutes::{self, Confounder};
use estimates::places::{Places, Pull, Talk, pull, returns_of_places, talk};
use estimates::posts;
use estimates::table::{Table, Target, worlds};
use estimates::trials;
use grapevine_core::answers::Side;
use grapevine_core::answers::cohort::cohorts;
use grapevine_core::answers::comparison::{Kind, Winner, comparison};
use grapevine_core::answers::experiments::experiments;
use grapevine_core::answers::immediacy::{Finding, immediacy};
use grapevine_core::answers::period::Span;
use grapevine_core::answers::places::Standing;
use grapevine_core::answers::reason::Verdict;
use grapevine_core::answers::response::{Lead, response};
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
const WORLDS: [World; 5] = [World::Plain, World::HeavyTails, World::PersistentDemand, World::FewPosts, World::RareHits];
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
        held.print(
            table,
            &name,
            (sides || world != World::PersistentDemand, sides && ![World::FewPosts, World::RareHits].contains(&world)),
        );
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
fn intervals_of_weeks_of_posts_hold_the_truth() {
    let mut table = Table::new("roi_cohort: 95 % interval of what a week of posts returned");
    let drawn = worlds(1000, 200);
    // Posts, the spread of their visits, whether its coverage is promised: a dozen posts are too few to know how rare a hit is.
    let kinds = [(12, 0.5, false), (50, 0.5, true), (200, 0.5, true), (50, 1.5, true), (200, 1.5, true), (200, 2.0, true)];
    for (kind, (posts, spread, promised)) in (8..).zip(kinds) {
        let (mut held, truth) = (Held::default(), posts as f64 * posts::WORTH / posts::COST - 1.0);
        for number in 0..drawn as u64 {
            let (ledger, of) = posts::draw(&mut Dice::new(kind, number), posts, spread);
            let row = cohorts(&[ledger], &of, posts::REACHED).into_iter().find(|row| row.side.is_none());
            held.note(row.and_then(|row| row.roi_low.zip(row.roi_high)), truth);
        }
        let name = format!("{posts} posts, spread {spread}");
        // Where posts are alike it is a little wider than need be.
        held.print(&mut table, &name, (promised, promised && posts > 50));
        let best = 2.0 * 1.96 * (posts as f64).sqrt() * posts::deviation(spread) / posts::COST;
        table.most(&format!("{name}: width over the oracle's"), held.median_width() / best, 1.5, promised);
    }
    table.end();
}

/// A/A and A/B trials of each kind of unit.
#[test]
fn trials_find_an_effect_where_there_is_one() {
    let mut table = Table::new("experiments: two arms, without an effect and with one that 80 of 100 trials should find");
    let drawn = worlds(1000, 200);
    for (stream, kind) in (20..).zip(trials::KINDS) {
        let lift = kind.lift_for_80();
        let rows = |lift: f64, first: u64| {
            let draw = move |number: u64| kind.draw(&mut Dice::new(stream, first + number), lift);
            let rows = (0..drawn as u64).flat_map(move |number| experiments(draw(number), &BTreeMap::new()));
            rows.filter(|row| &*row.arm == "test").filter_map(|row| row.trial.map(|trial| (trial, row.verdict())))
        };
        let significant = rows(1.0, 0).filter(|(trial, _)| trial.p_value < 0.05).count();
        let name = |what: &str| format!("{what} by {}", kind.name);
        table.share(&name("A/A: significant at 5 %"), (significant, drawn), &Target { low: 3.5, high: 6.5, promised: true }, "");
        let (first, last) = (kind.moments(1.0), kind.moments(lift));
        let (mut held, mut found) = (Held::default(), 0);
        for (trial, verdict) in rows(lift, 1 << 32) {
            held.note(Some((trial.low, trial.high)), last.0 - first.0);
            found += usize::from(verdict == "higher");
        }
        let more = format!("{} units an arm, orders x {lift:.2}", kind.units);
        table.share(&name("A/B: found"), (found, drawn), &Target { low: 75.0, high: 85.0, promised: true }, &more);
        held.print(&mut table, &name("A/B: the interval"), (true, true));
        let best = 2.0 * 1.96 * ((first.1 + last.1) / f64::from(kind.units)).sqrt();
        table.most(&name("A/B: width over the oracle's"), held.median_width() / best, 1.5, true);
    }
    table.end();
}

/// A/A trials with a small arm and a large one, in which a small one may have sold nothing.
#[test]
fn trials_of_unlike_arms_find_no_effect_where_there_is_none() {
    let mut table = Table::new("experiments: a small arm beside a large one, without an effect");
    let drawn = worlds(1000, 200);
    for (stream, kind) in (30..).zip(trials::LOPSIDED) {
        let (mut held, mut significant) = (Held::default(), 0);
        for number in 0..drawn as u64 {
            let rows = experiments(kind.draw(&mut Dice::new(stream, number), 1.0), &BTreeMap::new());
            let Some(trial) = rows.into_iter().find(|row| &*row.arm == "test").and_then(|row| row.trial) else { continue };
            held.note(Some((trial.low, trial.high)), 0.0);
            significant += usize::from(trial.p_value < 0.05);
        }
        let name = format!("{} and {} by {}", kind.units, kind.control, kind.name);
        let more = format!("higher {}, lower {}", held.above, held.below);
        table.share(
            &format!("{name}: significant at 5 %"),
            (significant, drawn),
            &Target { low: 0.0, high: 6.5, promised: true },
            &more,
        );
        let variance = kind.moments(1.0).1;
        let best = 2.0 * 1.96 * (variance / f64::from(kind.units) + variance / f64::from(kind.control)).sqrt();
        table.most(&format!("{name}: width over the oracle's"), held.median_width() / best, 1.5, true);
    }
    table.end();
}

/// What is said of brands of a kind: the intervals within 15 and 60 minutes, the leads, verdicts.
#[derive(Default)]
struct Replies {
    held: [Held; 2],
    lead: Held,
    values: [Vec<f64>; 2],
    oracle: [Vec<f64>; 2],
    flagged: usize,
    not_flagged: usize,
    undecided: usize,
}

impl Replies {
    fn of(drawn: usize, stream: u64, (confounder, strength): (Confounder, f64)) -> Replies {
        let mut replies = Replies::default();
        for number in 0..drawn as u64 {
            let world = minutes::draw(&mut Dice::new(stream, number), confounder, strength);
            let rows = response(&Arc::from("acme"), &world.minutes, None);
            if confounder == Confounder::Nothing {
                world.oracle().into_iter().zip(&mut replies.oracle).for_each(|(width, all)| all.push(width));
            }
            for (at, row) in rows.iter().enumerate() {
                let truth = minutes::truth(usize::from(row.minutes), confounder, strength);
                replies.held[at].note(row.low.zip(row.high), truth);
                replies.values[at].extend(row.visits_per_reply.map(|visits| visits / truth - 1.0));
            }
            replies.lead.note(rows[1].lead_low.zip(rows[1].lead_high), 0.0);
            match rows[1].lead_verdict {
                Some(Lead::Flagged) => replies.flagged += 1,
                Some(Lead::NotFlagged) => replies.not_flagged += 1,
                _ => replies.undecided += 1,
            }
        }
        replies
    }
}

#[test]
fn intervals_of_replies_hold_the_truth() {
    let mut table = Table::new("response: 28 days without a confounder");
    let drawn = worlds(1000, 20);
    let mut clean = Replies::of(drawn, 40, (Confounder::Nothing, 0.0));
    for (at, (minutes, narrow)) in [(15, true), (60, false)].into_iter().enumerate() {
        clean.held[at].print(&mut table, &format!("visits of a reply within {minutes} minutes"), (true, true));
        clean.oracle[at].sort_by(f64::total_cmp);
        let best = clean.oracle[at][clean.oracle[at].len() / 2];
        table.most(
            &format!("within {minutes} minutes: width over the oracle's"),
            clean.held[at].median_width() / best,
            1.5,
            narrow,
        );
    }
    let lead = &clean.lead;
    let held = lead.known - lead.above - lead.below;
    let more = format!("low end above 0 {}, high end below it {}", lead.above, lead.below);
    table.share("lead, 90 % meant: holds 0", (held, lead.known), &Target { low: 87.0, high: 94.0, promised: true }, &more);
    table.share("flagged without a reason", (clean.flagged, drawn), &Target { low: 0.0, high: 5.0, promised: true }, "");
    if std::env::var("WORLDS").is_ok() {
        confounded((drawn / 20).max(5));
    }
    table.end();
}

/// Prints how far hidden causes bias what is said, and what the leads say of it.
fn confounded(drawn: usize) {
    println!("  {drawn} brands each, in %: bias and held within 15 minutes, within 60; flagged, undecided, not flagged");
    for (stream, (confounder, name, strengths)) in (50..).step_by(3).zip(Confounder::ALL) {
        for (more, (word, strength)) in (0..).zip(["weak", "medium", "strong"].into_iter().zip(strengths)) {
            let found = Replies::of(drawn, stream + more, (confounder, strength));
            let percent = |count: usize, of: usize| 100.0 * count as f64 / of.max(1) as f64;
            let figures = [0, 1].map(|at| {
                let (held, values) = (&found.held[at], &found.values[at]);
                let bias = 100.0 * values.iter().sum::<f64>() / values.len().max(1) as f64;
                format!("{bias:+.0} {:.0}", percent(held.known - held.above - held.below, held.known))
            });
            let verdicts =
                [found.flagged, found.undecided, found.not_flagged].map(|count| format!("{:.0}", percent(count, drawn)));
            println!("  {name:30} {word:8} {} {}", figures.join(", "), verdicts.join(" "));
        }
    }
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

#[test]
fn few_clicks_that_are_all_alike_prove_nothing() {
    let mut table = Table::new("immediacy: a click or two a root, as many early ones on both sides");
    let drawn = worlds(1000, 200);
    for (stream, (roots, early)) in
        (60..).zip([((20, 20), 0.9), ((20, 300), 0.9), ((300, 20), 0.9), ((20, 300), 0.05), ((20, 300), 0.5), ((40, 300), 0.95)])
    {
        let (mut held, mut told) = (Held::default(), 0);
        for number in 0..drawn as u64 {
            let row = immediacy(&Arc::from("acme"), &clicks::few(&mut Dice::new(stream, number), roots, early));
            held.note(row.difference_low.zip(row.difference_high), 0.0);
            told += usize::from(row.verdict == Some(Finding::Supported));
        }
        let name = format!("{} and {} roots, {early} early", roots.0, roots.1);
        held.print(&mut table, &name, (true, false));
        table.share(&format!("{name}: supported"), (told, drawn), &Target { low: 0.0, high: 5.0, promised: true }, "");
    }
    table.end();
}

/// Worlds of places, with what each row's standing is worth.
fn pooled(table: &mut Table, of: Places, drawn: usize, promised: bool) {
    let (mut held, mut known, mut first, mut best, mut gap, mut listed) = (0, 0, 0, 0, 0.0, 0.0);
    for number in 0..drawn as u64 {
        let (rows, truths) = returns_of_places(&mut Dice::new(11 + u64::from(of.count), number), of);
        assert_eq!(rows.len(), truths.len());
        let mut stand: Vec<(Standing, f64)> =
            rows.iter().zip(truths).filter_map(|(row, truth)| Some((row.standing?, truth))).collect();
        let holds = |(of, truth): &(Standing, f64)| (of.roi_pooled - truth).abs() <= 1.645 * of.sd;
        held += stand.iter().filter(|of| holds(of)).count();
        known += stand.len();
        first += usize::from(stand.iter().any(|(of, _)| of.place_rank == Some(1)));
        listed += stand.iter().map(|(of, _)| of.p_top10).sum::<f64>();
        stand.sort_by(|one, other| other.0.roi_pooled.total_cmp(&one.0.roi_pooled));
        stand.truncate(10);
        best += stand.iter().filter(|of| holds(of)).count();
        gap += stand.iter().map(|(of, truth)| of.roi_pooled - truth).sum::<f64>() / 10.0;
    }
    let name = format!("{} places, spread {}, of posts {}", of.count, of.differ, of.posts);
    // Where places are alike nobody is misled by an interval that is wider than need be.
    let high = if of.differ == 0.0 { 100.0 } else { 92.5 };
    table.share(&format!("{name}: 90 % intervals"), (held, known), &Target { low: 87.5, high, promised }, "");
    let listed = (listed / drawn as f64 - 10.0_f64.min(f64::from(of.count))).abs();
    table.most(&format!("{name}: p_top10 adds up to 10, off by"), listed, 0.05, true);
    if of.differ == 0.0 {
        table.share(
            &format!("{name}: one is called the first"),
            (first, drawn),
            &Target { low: 0.0, high: 5.0, promised: true },
            "",
        );
    }
    if of.count >= 1000 {
        let gap = gap / drawn as f64;
        let target = Target { low: 85.0, high: 95.0, promised: false };
        let more = format!("pooled less true on average {gap:+.2}");
        table.share(&format!("{name}: 90 % intervals of the ten best"), (best, 10 * drawn), &target, &more);
        table.most(&format!("{name}: the ten best, pooled less true"), gap, 0.05, true);
    }
}

#[test]
fn pooled_returns_of_places_are_what_they_say() {
    let mut table = Table::new("places: 90 % intervals of pooled returns, ranks");
    let drawn = worlds(1000, 50);
    let of = |count, differ, posts| Places { count, differ, posts };
    for differs in [of(12, 0.35, 0.5), of(12, 0.35, 1.2), of(50, 0.35, 0.5), of(50, 0.35, 1.2)] {
        pooled(&mut table, differs, drawn, true);
    }
    pooled(&mut table, of(12, 1.0, 0.5), drawn, false);
    for alike in [of(11, 0.0, 0.5), of(11, 0.0, 1.2), of(50, 0.0, 0.5)] {
        pooled(&mut table, alike, drawn, true);
    }
    pooled(&mut table, of(1000, 0.35, 0.5), (drawn / 50).max(1), true);
    table.end();
}

#[test]
fn visits_per_reply_lie_within_their_intervals() {
    let mut table = Table::new("places: 95 % interval of visits per reply or post, by roots");
    let drawn = worlds(1000, 100);
    let of = |roots, replies, each, spread| Pull { roots, replies, each, spread };
    for world in [
        of(20, 2.0, 0.6, 0.8),
        of(50, 2.0, 0.6, 0.8),
        of(50, 0.5, 0.2, 0.8),
        of(200, 1.0, 0.6, 0.8),
        of(50, 0.5, 0.6, 1.5),
        of(200, 0.5, 0.6, 1.5),
        of(60, 0.0, 100.0, 1.2),
        of(200, 0.0, 20.0, 1.4),
    ] {
        let mut held = Held::default();
        for number in 0..drawn as u64 {
            let replies = pull(&mut Dice::new(13 + world.roots, number), world).replies;
            held.note(replies.low.zip(replies.high), world.each);
        }
        let Pull { roots, replies, each, spread } = world;
        let name = format!("{roots} roots, {replies} more replies each, {each} visits, spread {spread}");
        held.print(&mut table, &name, (true, true));
    }
    table.end();
}

#[test]
fn busy_weeks_differ_from_quiet_ones_where_they_do() {
    let mut table = Table::new("places: 95 % interval of visits per reply in busy weeks less that in quiet ones");
    let drawn = worlds(1000, 100);
    let of = |places, effect, differ, together| Talk { places, effect, differ, together };
    for world in [
        of(22, 0.0, 0.6, 0.1),
        of(30, 0.0, 0.6, 0.1),
        of(60, 0.0, 0.6, 0.1),
        of(60, 0.0, 1.2, 1.0),
        of(200, 0.0, 0.6, 0.1),
        of(30, 0.3, 0.6, 0.1),
        of(60, 0.3, 0.6, 0.1),
    ] {
        let (mut held, mut told) = (Held::default(), 0);
        for number in 0..drawn as u64 {
            let Some(row) = talk(&mut Dice::new(17 + u64::from(world.places), number), world) else { continue };
            let interval = row.busy.low.zip(row.busy.high);
            told += usize::from(interval.is_some_and(|(low, high)| low > 0.0 || high < 0.0));
            held.note(interval, world.effect);
        }
        let Talk { places, effect, differ, together } = world;
        let name = format!("{places} places, true {effect}, spread {differ}, weeks {together}");
        held.print(&mut table, &name, (true, true));
        let (low, high) = if effect == 0.0 { (2.5, 7.5) } else { (80.0, 100.0) };
        let target = Target { low, high, promised: true };
        table.share(
            &format!("{name}: clear of 0"),
            (told, held.known),
            &target,
            &format!("median width {:.2}", held.median_width()),
        );
    }
    table.end();
}
