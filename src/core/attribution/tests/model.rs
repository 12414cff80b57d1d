//! Properties against a model that goes through the touches of every sale one by one and reckons in fractions.

use proptest::prelude::*;

use super::*;

/// One session as it is built up.
#[derive(Default)]
struct Session<'a> {
    touches: Vec<&'a Touch<usize>>,
    post: &'a str,
    campaign: &'a str,
}

fn sessions<'a>(touches: &'a [Touch<usize>], sold_at: Millis, days: u16) -> Vec<Session<'a>> {
    let mut sessions: Vec<Session<'a>> = Vec::new();
    for touch in touches.iter().filter(|t| t.time <= sold_at && t.time > sold_at - Millis::from(days) * 24 * 60 * 60 * 1_000) {
        let goes_on = sessions.last().is_some_and(|session| {
            let is_late = touch.time - session.touches.last().unwrap().time > 30 * 60 * 1_000;
            let is_another_post = !touch.root.is_empty() && !session.post.is_empty() && touch.root != session.post;
            let has_named = !session.post.is_empty() || !session.campaign.is_empty();
            let is_another_campaign = !touch.campaign.is_empty() && has_named && touch.campaign != session.campaign;
            !(is_late || is_another_post || is_another_campaign)
        });
        if !goes_on {
            sessions.push(Session::default());
        }
        let session = sessions.last_mut().unwrap();
        session.touches.push(touch);
        for (named, name) in [(&mut session.post, &touch.root), (&mut session.campaign, &touch.campaign)] {
            if named.is_empty() {
                *named = name;
            }
        }
    }
    sessions
}

/// Numerators of the shares of the touches that stand for the sessions, and the denominator.
#[expect(clippy::cast_possible_truncation, reason = "a weight of at most 2^32")]
fn shares(rule: Rule, stand: &[&Touch<usize>]) -> (Vec<i128>, i128) {
    let n = stand.len();
    let one = |chosen: usize| ((0..n).map(|i| i128::from(i == chosen)).collect::<Vec<_>>(), 1);
    match rule {
        Rule::First => one(0),
        Rule::Last => one((0..n).rev().find(|&i| !stand[i].direct).unwrap_or(n - 1)),
        Rule::Linear => (vec![1; n], n as i128),
        Rule::Position if n <= 2 => (vec![1; n], n as i128),
        Rule::Position => {
            // 40 of 100 to both ends, 20 of 100 over the others: over the denominator 100 (n - 2).
            let others = n as i128 - 2;
            ((0..n).map(|i| if i == 0 || i == n - 1 { 40 * others } else { 20 }).collect(), 100 * others)
        }
        Rule::TimeDecay => {
            let week = 7. * 24. * 60. * 60. * 1_000.;
            let weigh = |touch: &&Touch<usize>| {
                let weeks = (touch.time - stand[n - 1].time) as f64 / week;
                (2_f64.powi(32) * weeks.exp2()).round_ties_even() as i128
            };
            let weights: Vec<i128> = stand.iter().map(weigh).collect();
            let total = weights.iter().sum();
            (weights, total)
        }
    }
}

/// One unit after the other to whoever is owed most of what was not given yet.
fn split(units: i128, numerators: &[i128], denominator: i128) -> Vec<i128> {
    let mut given: Vec<i128> = numerators.iter().map(|part| units.abs() * part / denominator).collect();
    while given.iter().sum::<i128>() < units.abs() {
        let owed = |i: &usize| (units.abs() * numerators[*i] - given[*i] * denominator, std::cmp::Reverse(*i));
        let most = (0..given.len()).max_by_key(owed).unwrap();
        given[most] += 1;
    }
    given.iter().map(|part| part * units.signum()).collect()
}

/// The touch and the money of every part, share 0 left out.
fn expected(touches: &[Touch<usize>], sale: &Sale<()>, rule: Rule, days: u16) -> Vec<(Option<usize>, i128)> {
    let mut sorted = touches.to_vec();
    sorted.sort_by_key(|touch| (touch.time, touch.kind == Kind::Click, touch.id.clone()));
    let sessions = sessions(&sorted, sale.sold_at, days);
    if sessions.is_empty() {
        return vec![(None, sale.amount)];
    }
    let stands = |session: &Session<'_>| -> usize {
        session.touches.iter().find(|touch| !touch.direct).unwrap_or(&session.touches[0]).more
    };
    let stand: Vec<&Touch<usize>> = sessions.iter().map(|s| touches.iter().find(|t| t.more == stands(s)).unwrap()).collect();
    let (numerators, denominator) = shares(rule, &stand);
    let parts = split(sale.amount, &numerators, denominator);
    let weighed = stand.iter().zip(numerators).zip(parts).filter(|((_, numerator), _)| *numerator > 0);
    weighed.map(|((touch, _), part)| (Some(touch.more), part)).collect()
}

/// Touches close together, of few posts and campaigns, so that every rule about sessions is met; some weeks in between.
fn history() -> impl Strategy<Value = Vec<Touch<usize>>> {
    let gap = prop_oneof![4 => Just(0), 20 => 1..1_800_000_i64, 4 => Just(1_800_000), 4 => Just(1_800_001), 6 => 0..20 * DAY_MS];
    let name = |names: [&'static str; 4]| prop::sample::select(names.to_vec());
    let one = (gap, name(["", "", "A", "B"]), name(["", "", "a", "b"]), any::<bool>(), any::<bool>());
    prop::collection::vec(one, 0..25).prop_map(|steps| {
        let mut time = 100 * DAY_MS;
        let make = |(number, (gap, root, campaign, is_other, is_click)): (usize, (Millis, &str, &str, bool, bool))| {
            time += gap;
            let kind = if is_click { Kind::Click } else { Kind::Visit };
            let made = touch(number, time, root, campaign);
            Touch { kind, direct: made.direct && !is_other, ..made }
        };
        steps.into_iter().enumerate().map(make).collect()
    })
}

/// At a touch or beside it, or as far from it as a look-back reaches.
fn sold_at(touches: &[Touch<usize>], near: usize, off: Millis, lookback: usize) -> Millis {
    let time = touches.get(near).map_or(150 * DAY_MS, |touch| touch.time);
    time + [0, 0, 7, 30, 90][lookback] * DAY_MS + off
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn every_part_is_that_of_the_slow_model(
        touches in history(),
        sales in prop::collection::vec((0..25_usize, -2_i64..3, 0..5_usize, -1_000_000_000_000_i128..1_000_000_000_000), 1..6),
    ) {
        let sales: Vec<Sale<()>> =
            sales.into_iter().map(|(near, off, lookback, amount)| sale(sold_at(&touches, near, off, lookback), amount)).collect();
        let found = parts_of(&touches, &sales);
        let mut seen = 0;
        for (place, sale) in sales.iter().enumerate() {
            for (rule, days) in Rule::ALL.into_iter().flat_map(|rule| [(rule, 7), (rule, 30), (rule, 90)]) {
                let parts = found.iter().filter(|part| part.sale == place && part.rule == rule && part.days == days);
                let parts: Vec<_> = parts.map(|part| (part.touch, part.credit)).collect();
                seen += parts.len();
                prop_assert_eq!(parts, expected(&touches, sale, rule, days), "{:?} of {} days", rule, days);
            }
        }
        prop_assert_eq!(seen, found.len());
    }

    #[test]
    fn parts_and_shares_add_up_whatever_the_amount(touches in history(), amount in any::<i128>(), few in -10_i128..10) {
        for amount in [amount, few] {
            let found = parts_of(&touches, &[sale(150 * DAY_MS, amount)]);
            for (rule, days) in Rule::ALL.into_iter().flat_map(|rule| [(rule, 7), (rule, 30), (rule, 90)]) {
                let parts: Vec<&Found> = found.iter().filter(|part| part.rule == rule && part.days == days).collect();
                prop_assert_eq!(parts.iter().map(|part| part.credit).sum::<i128>(), amount);
                prop_assert!(parts.iter().all(|part| part.credit.signum() * amount.signum() >= 0), "the sign of the whole");
                prop_assert!(parts.iter().all(|part| part.share.0 > 0));
                prop_assert_eq!(parts.iter().map(|part| part.share.0).sum::<u64>(), parts[0].share.1);
            }
        }
    }

    #[test]
    fn the_order_in_which_touches_of_one_person_come_does_not_matter(touches in history(), seed in any::<u64>()) {
        let mut shuffled = touches.clone();
        let mut state = seed;
        for i in (1..shuffled.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            shuffled.swap(i, usize::try_from(state >> 33).unwrap() % (i + 1));
        }
        let sales = [sale(150 * DAY_MS, 100_000_001), sale(101 * DAY_MS, -7)];
        prop_assert_eq!(parts_of(&shuffled, &sales), parts_of(&touches, &sales));
    }

    /// The model `touch` leaves them out.
    #[test]
    fn touches_that_no_sale_looks_back_to_change_nothing(
        touches in history(), times in prop::collection::vec((0..25_usize, -2_i64..3, 0..5_usize), 1..4),
    ) {
        let times: Vec<Millis> = times.into_iter().map(|(near, off, lookback)| sold_at(&touches, near, off, lookback)).collect();
        let (since, until) = (times.iter().min().unwrap() - 90 * DAY_MS, times.iter().max().unwrap());
        let kept: Vec<_> = touches.iter().filter(|touch| touch.time > since && touch.time <= *until).cloned().collect();
        let sales: Vec<_> = times.iter().map(|time| sale(*time, 100_000_001)).collect();
        prop_assert_eq!(parts_of(&kept, &sales), parts_of(&touches, &sales));
    }
}

#[test]
fn no_extreme_is_too_much() {
    let times = [Millis::MIN, Millis::MIN + 1, -1, 0, Millis::MAX - 1, Millis::MAX];
    let touches: Vec<_> = times.iter().enumerate().map(|(i, &time)| touch(i, time, ["", "A"][i % 2], "")).collect();
    for sold_at in times {
        for amount in [i128::MIN, i128::MIN + 1, -1, 0, 1, i128::MAX] {
            let rates = [(i32::MIN, i128::MIN), (i32::MAX, i128::MAX), (0, 0), (1, 1)];
            let sales =
                rates.map(|(margin, rate)| Sale { margin_rate: Some(margin), base_rate: Some(rate), ..sale(sold_at, amount) });
            for part in parts_of(&touches, &sales) {
                assert!(part.credit == 0 || part.credit.signum() == amount.signum());
            }
        }
    }
}
