//! Which rows the same ledger gave under which revision of the answers.

use std::hash::Hasher;

use siphasher::sip::SipHasher13;

use super::*;
use crate::answers::comparison::comparison;
use crate::answers::immediacy::{Share, immediacy};
use crate::answers::roi::{By, Ruled, by_rule, roi};
use crate::answers::{REVISION, money::Money};

/// A brand whose days differ, with refunds, sales that no post is known of, and costs without a side.
fn lively() -> Ledger {
    let mut ledger = steady();
    for (number, row) in ledger.earned.iter_mut().enumerate() {
        let luck = i128::try_from(number * 7919 % 23).unwrap();
        row.margin = [0, 1, 2, 3, 4].map(|rule| (luck + rule) * UNIT);
        row.root = row.root.filter(|_| number % 5 > 0).map(|root| root / 3);
        row.direct = number % 11 == 0;
        row.place.campaign = ["", "spring"][number % 2].into();
    }
    let refund = |row: &Earned| Earned { is_refund: true, margin: row.margin.map(|margin| -margin / 2), ..row.clone() };
    let refunds: Vec<Earned> = ledger.earned.iter().step_by(17).map(refund).collect();
    ledger.earned.extend(refunds);
    ledger.spent.push(Spent { side: Side::Unallocated, ..hours(100, Side::Other, 70) });
    ledger
}

/// The numbers of a text with six digits: the last ones of a logarithm differ between machines.
fn rounded(text: &str) -> String {
    let mut rounded = String::new();
    for part in text.split_inclusive([' ', ',', '(', ')']) {
        let end = part.trim_end_matches([' ', ',', '(', ')']);
        let number = end.contains('.').then(|| end.parse::<f64>().ok()).flatten();
        rounded += &number.map_or_else(|| part.to_owned(), |number| format!("{number:.6e}{}", &part[end.len()..]));
    }
    rounded
}

#[test]
fn other_answers_have_another_revision() {
    let ledger = lively();
    let mut text: String =
        [By::Brand, By::Channel, By::Campaign, By::Place].iter().map(|by| format!("{:?}", roi(&ledger, *by))).collect();
    let of = |rule: Rule, lookback: u16| {
        let ruled = move |row: &Earned| Ruled {
            day: row.day,
            channel: row.place.channel.clone(),
            side: row.side,
            rule,
            lookback,
            margin: Money::unless(None, row.margin[rule as usize]),
            conversions: 1.0,
        };
        ledger.earned.iter().map(ruled)
    };
    let credit: Vec<Ruled> = of(Rule::First, 7).chain(of(Rule::TimeDecay, 90)).collect();
    text += &format!("{:?}", by_rule(&ledger, &credit));
    text += &format!("{:?}", comparison(&ledger));
    let share = |part: u32, whole: u32| Share { part: part.into(), whole: whole.into() };
    let roots: Vec<_> = (0..30).map(|root| (share(root % 4, 5), share(root % 2, 3 + root % 3))).collect();
    text += &format!("{:?}", immediacy(&brand().name, &roots));
    let mut hasher = SipHasher13::new();
    hasher.write(rounded(&text).as_bytes());
    assert_eq!(
        (REVISION, format!("{:016x}", hasher.finish()).as_str()),
        (7, "2f0a3f20cd61e9bc"),
        "the answers say something else than before: raise REVISION, then write the new pair here"
    );
}
