//! Two streams, one pass.

use super::*;

type Touched = Result<(Who, Touch<usize>), &'static str>;
type Sold = Result<(Who, Sale<&'static str>), &'static str>;

fn who(person: &str, brand: &str) -> Who {
    Who { person: person.to_owned(), brand: brand.to_owned() }
}

fn touched(person: &str, brand: &str, number: usize) -> Touched {
    Ok((who(person, brand), touch(number, DAY_MS, "A", "")))
}

fn sold(person: &str, brand: &str, id: &'static str) -> Sold {
    Ok((who(person, brand), Sale { id: id.to_owned(), sold_at: 2 * DAY_MS, amount: 1, more: id, ..Sale::default() }))
}

/// Sales with the touch that has them under one rule.
fn joined(touches: Vec<Touched>, sales: Vec<Sold>) -> Result<Vec<(&'static str, Option<usize>)>, Failed<&'static str>> {
    let mut found = Vec::new();
    credit(touches, sales, |_, sale, parts| {
        let first = parts.iter().filter(|part| part.rule == Rule::First && part.lookback.days == 7);
        found.extend(first.map(|part| (sale.more, part.touch.map(|touch| touch.more))));
        if sale.more == "full" { Err("no room for it") } else { Ok(()) }
    })?;
    Ok(found)
}

#[test]
fn people_meet_their_own_touches_and_brands_their_own() {
    let touches =
        vec![touched("a", "x", 0), touched("b", "x", 1), touched("b", "y", 2), touched("c", "x", 3), touched("d", "x", 4)];
    let sales = vec![
        sold("", "x", "nobody"),
        sold("a", "x", "first"),
        sold("a", "y", "other brand"),
        sold("b", "y", "right brand"),
        sold("b", "y", "again"),
        sold("bb", "x", "never seen"),
        sold("d", "x", "last"),
        sold("e", "x", "after all touches"),
    ];
    let expected = vec![
        ("nobody", None),
        ("first", Some(0)),
        ("other brand", None),
        ("right brand", Some(2)),
        ("again", Some(2)),
        ("never seen", None),
        ("last", Some(4)),
        ("after all touches", None),
    ];
    assert_eq!(joined(touches, sales), Ok(expected));
}

#[test]
fn touches_of_nobody_are_nobodys() {
    assert_eq!(joined(vec![touched("", "x", 0)], vec![sold("", "x", "nobody")]), Ok(vec![("nobody", None)]));
}

#[test]
fn nothing_is_made_of_nothing() {
    assert_eq!(joined(vec![touched("a", "x", 0)], vec![]), Ok(vec![]));
    assert_eq!(joined(vec![], vec![sold("a", "x", "o")]), Ok(vec![("o", None)]));
}

#[test]
fn a_stream_that_is_not_sorted_is_refused() {
    let touches = vec![touched("b", "x", 0), touched("a", "x", 1)];
    let failed = joined(touches, vec![sold("c", "x", "o")]);
    assert_eq!(failed, Err(Failed::Disorder { stream: "touches", who: who("a", "x") }));
    let sales = vec![sold("a", "y", "o"), sold("a", "x", "p")];
    let failed = joined(vec![], sales);
    assert_eq!(failed, Err(Failed::Disorder { stream: "sales", who: who("a", "x") }));
}

#[test]
fn what_fails_outside_is_handed_on() {
    assert_eq!(joined(vec![Err("torn")], vec![sold("a", "x", "o")]), Err(Failed::Outside("torn")));
    assert_eq!(joined(vec![], vec![Err("torn")]), Err(Failed::Outside("torn")));
    assert_eq!(joined(vec![], vec![sold("a", "x", "full")]), Err(Failed::Outside("no room for it")));
}

/// It would take minutes if touches were gone through for every sale.
#[test]
fn a_person_with_a_million_touches_and_a_thousand_sales_takes_one_pass() {
    // Within a week, two posts by turns, in a row of a thousand each: a thousand sessions.
    let touches = (0..1_000_000).map(|i| {
        let root = if i / 1_000 % 2 == 0 { "A" } else { "B" };
        Ok::<_, ()>((who("a", "x"), touch(0, 100 * DAY_MS + 600 * i, root, "")))
    });
    let sales = (0..1_000).map(|i| Ok((who("a", "x"), sale(100 * DAY_MS + 600_000 * (i + 1), 1_000_000 * i128::from(i)))));
    let mut parts = 0;
    credit(touches, sales, |_, _, of_sale| {
        parts += of_sale.len();
        Ok(())
    })
    .unwrap();
    // First and last have one each; the others one for each session so far, of the latest 500.
    assert!((3 * 3 * 375_000..3 * 3 * 377_000).contains(&parts), "{parts} parts");
}
