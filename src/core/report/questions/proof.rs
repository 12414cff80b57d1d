//! 5: what experiments have shown.

use crate::report::answer::Row;
use crate::report::chart::{Dot, Dots, Side};
use crate::report::html::Html;
use crate::report::number::{count, grouped, known, range, short, tick, unknown_text};
use crate::report::section::{Meanings, Section, Table};
use crate::report::{Asked, Frame, Query, Question};

pub(super) const QUESTION: Question = Question {
    slug: "proof",
    title: "What is proven by experiment?",
    short: "What is proven by experiment?",
    queries: &[Query { name: "Every arm against the control arm", text: include_str!("proof_experiments.sql") }],
    beside_truth: &[],
    answer,
};

const MEANINGS: Meanings = &[
    (
        "experiment",
        "Units (visitors, people, posts, communities or time slots) assigned to arms by chance, as the events of the \
            kind assign say. Only this compares like with like; all experiments of the brand are shown, whenever they ran: \
            those that its posts carry, and those that no post carries and whose units bought from this brand alone. One whose \
            units bought from several brands is of none: grapevine's view experiments has it, with brand empty.",
    ),
    (
        "difference",
        "Mean sales per unit of the arm less that of the control arm, in the reference currency, by intention to treat: \
            units without a sale are zeros.",
    ),
    (
        "interval",
        "95\u{a0}%, of each arm alone, by Welch's test over units; where fewer than ten units of an arm sold anything and the other \
            has more than one and a half times as many, by Student's if that is less sure. An interval that holds 0 proves nothing either way.",
    ),
    (
        "undecided",
        "The interval holds 0, or would if it had to hold for all arms together, or the data cannot carry a test; the reason \
            stands beside it. It does not mean that there is no effect.",
    ),
];

fn answer(asked: &Asked, _: &Frame) -> Section {
    let rows: Vec<Row<'_>> = asked.rows(0).rows().collect();
    let mut section = Section { meanings: MEANINGS, ..Section::default() };
    if rows.is_empty() {
        section.answer = Html::tag(
            "p",
            Html::text(
                "Nothing: there is no experiment of this brand. Everything else on this page is association, \
                    not proof; whether it pays is ",
            ) + known(None, "no experiment", count)
                + Html::text("."),
        );
        section.brief = Html::text("Nothing: no experiment");
        return section;
    }
    let decided: Vec<&Row<'_>> = rows.iter().filter(|row| matches!(row.text("verdict"), "higher" | "lower")).collect();
    section.answer = rows.iter().map(sentence).collect();
    section.brief = match decided.first() {
        None => {
            Html::from(format!("Nothing yet: {} undecided", if rows.len() == 1 { "1 comparison" } else { "all comparisons" }))
        }
        Some(row) => Html::from(format!(
            "{}: {} sells {}",
            row.text("experiment"),
            row.text("arm"),
            if row.text("verdict") == "higher" { "more" } else { "less" }
        )),
    };
    let dots = Dots { rows: rows.iter().map(dot).collect(), format: tick, bars: false };
    section.small = dots.rows.iter().any(|row| row.value.is_some()).then(|| dots.small().thumbnail());
    let description: Vec<String> = dots.rows.iter().map(|row| format!("{}: {}", row.label, row.text)).collect();
    section.figure(
        dots.full().picture("proof-arms", "Difference in sales per unit against the control arm", &description.join("; ")),
        "Sales per unit more than in the control arm, in the reference currency, with the 95\u{a0}% interval of each arm \
            alone. Of several arms one may miss 0 by chance: proven is what the table below calls higher or lower.",
    );
    section.tables.push(table(&rows));
    section
}

fn interval(row: &Row<'_>) -> Option<(f64, f64)> {
    Some((row.number("low")?, row.number("high")?))
}

fn cents(value: f64) -> String {
    grouped(value, 2)
}

fn sentence(row: &Row<'_>) -> Html {
    let name = format!("{}: {} against {} ", row.text("experiment"), row.text("arm"), row.text("control_arm"));
    let difference = known(row.number("difference"), row.text("reason"), cents);
    let bounds = interval(row).map_or_else(String::new, |(low, high)| {
        format!(" per {} ({}): {}", row.text("unit_type"), range(low, high, cents), row.text("verdict"))
    });
    Html::tag("p", Html::from(name) + Html::tag("b", difference) + Html::from(bounds + "."))
}

fn dot(row: &Row<'_>) -> Dot {
    let value = row.number("difference");
    let text =
        value.map_or_else(|| unknown_text(row.text("reason")), |value| format!("{}, {}", cents(value), row.text("verdict")));
    Dot {
        label: format!("{}: {}", row.text("experiment"), row.text("arm")),
        text,
        side: Side::Other,
        value,
        interval: interval(row),
        band: None,
    }
}

fn table(rows: &[Row<'_>]) -> Table {
    let head = [
        "experiment",
        "unit",
        "arm",
        "units",
        "control units",
        "mean",
        "mean of control",
        "difference",
        "interval",
        "p",
        "verdict",
    ];
    let mut table = Table::new("Every arm against the control arm", &head);
    for row in rows {
        let reason = row.text("reason");
        let figure = |name: &str| known(row.number(name), reason, cents);
        table.rows.push(vec![
            Html::text(row.text("experiment")),
            Html::text(row.text("unit_type")),
            Html::text(row.text("arm")),
            Html::from(count(row.count("units"))),
            Html::from(count(row.count("control_units"))),
            figure("mean"),
            figure("control_mean"),
            figure("difference"),
            interval(row).map_or_else(|| known(None, reason, short), |(low, high)| Html::from(range(low, high, cents))),
            known(row.number("p_value"), reason, |value| grouped(value, 3)),
            Html::text(row.text("verdict")),
        ]);
    }
    table
}
