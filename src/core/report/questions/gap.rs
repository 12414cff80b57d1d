//! The gap between what a rule of credit says and what is true, where the truth is known: in a generated world.

use crate::report::Query;
use crate::report::answer::Answer;
use crate::report::html::Html;
use crate::report::number::{capital, known, money, range, signed_share, unknown_text};
use crate::report::section::{Table, paragraph};
use crate::report::truth::{Caused, Truth};

pub(super) const QUERY: Query =
    Query { name: "Credit of all days by model and side, beside the truth", text: include_str!("gap.sql") };

/// What a rule says of a side: the model of the ledger, and the least and the most of the five.
struct Credited {
    last: f64,
    models: (f64, f64),
    currency: String,
}

/// Credit of a side, in one of its two figures; nothing where a rate is missing or currencies differ.
fn credited(answer: &Answer, side: &str, figure: &str) -> Option<Credited> {
    let rows: Vec<_> = answer.rows().filter(|row| row.text("side") == side).collect();
    let figures = rows.iter().map(|row| row.number(figure)).collect::<Option<Vec<f64>>>()?;
    let last = rows.iter().position(|row| row.text("model") == "last")?;
    let currency = rows.first()?.text("base_currency");
    // Amounts of two currencies are no sum.
    let one_currency = rows.iter().all(|row| row.text("base_currency") == currency);
    let models = (figures.iter().copied().reduce(f64::min)?, figures.iter().copied().reduce(f64::max)?);
    one_currency.then_some(Credited { last: *figures.get(last)?, models, currency: currency.to_owned() })
}

/// Sentences and a table: rule, truth, gap.
pub(super) fn gap(answer: &Answer, truth: &Truth) -> Html {
    let head = ["side", "figure", "accounting rule says", "over the five models", "truth says", "gap"];
    let mut table = Table::new("Credited and caused, over all days: look-back 30 days, rule \u{201c}last\u{201d}", &head);
    let mut said = Html::default();
    for caused in &truth.caused {
        for (name, figure, true_amount) in [("revenue", "revenue_base", caused.revenue), ("margin", "margin_base", caused.margin)]
        {
            let credited = credited(answer, caused.side, figure);
            if figure == "margin_base" {
                said += paragraph(sentence(caused, credited.as_ref()));
            }
            table.rows.push(line(caused.side, name, true_amount, credited.as_ref()));
        }
    }
    said + table.html()
        + paragraph(
            "This world was generated, so the truth is known: what would be missing from the log without the side. It is of \
                everything that was generated, whatever the period of this report.",
        )
}

fn line(side: &str, figure: &str, caused: f64, credited: Option<&Credited>) -> Vec<Html> {
    let currency = credited.map_or("", |credited| credited.currency.as_str());
    let amount = |value: Option<f64>| known(value, REASON, |value| money(value, currency));
    let models = credited.map_or_else(
        || known(None, REASON, signed_share),
        |credited| Html::from(range(credited.models.0, credited.models.1, |value| money(value, ""))),
    );
    vec![
        Html::text(side),
        Html::text(figure),
        amount(credited.map(|credited| credited.last)),
        models,
        amount(Some(caused)),
        amount(credited.map(|credited| credited.last - caused)),
    ]
}

const REASON: &str = "a rate is missing, or nothing is credited";

fn sentence(caused: &Caused, credited: Option<&Credited>) -> String {
    let side = capital(caused.side);
    let Some(Credited { last, currency, .. }) = credited else {
        return format!("{side}: what it is credited with is {}.", unknown_text(REASON));
    };
    let gap = last - caused.margin;
    let relative =
        if caused.margin > 0.0 { format!(", {} of the truth", signed_share(gap / caused.margin)) } else { String::new() };
    format!(
        "{side} is credited with {} of margin and caused {}: the rule is off by {}{relative}.",
        money(*last, currency),
        money(caused.margin, currency),
        money(gap, currency),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn truth() -> Truth {
        let caused = |side, revenue, margin| Caused { side, revenue, margin };
        Truth { caused: vec![caused("broadcast", 500.0, 200.0), caused("conversation", 60.0, 0.0)] }
    }

    fn answer(rows: &str) -> Answer {
        let names =
            ["model", "side", "base_currency", "revenue_base", "margin_base"].map(|name| format!("{{\"name\":\"{name}\"}}"));
        Answer::from_json(format!("{{\"meta\":[{}],\"data\":[{rows}]}}", names.join(",")).as_bytes()).unwrap()
    }

    #[test]
    fn rule_truth_and_gap_stand_side_by_side() {
        let rows = r#"["first","broadcast","EUR",700,250],["last","broadcast","EUR",750,300],["linear","broadcast","EUR",800,320],
            ["last","conversation","EUR",10,"4.5"]"#;
        let html = gap(&answer(rows), &truth()).into_string();
        assert!(html.contains(
            "Broadcast is credited with 300.00\u{a0}EUR of margin and caused 200.00\u{a0}EUR: the rule is off by \
                100.00\u{a0}EUR, +50\u{a0}% of the truth."
        ));
        assert!(html.contains("caused 0\u{a0}EUR: the rule is off by 4.50\u{a0}EUR.</p>"), "{html}");
        let cells =
            "<td>revenue</td><td>750.00\u{a0}EUR</td><td>700.00 to 800.00</td><td>500.00\u{a0}EUR</td><td>250.00\u{a0}EUR</td>";
        assert!(html.contains(cells), "{html}");
    }

    #[test]
    fn a_gap_is_not_known_without_the_credit() {
        for rows in [r#"["last","broadcast","EUR",700,null]"#, r#"["last","broadcast","EUR",7,2],["last","broadcast","USD",7,2]"#]
        {
            let html = gap(&answer(rows), &truth()).into_string();
            assert!(html.contains("Broadcast: what it is credited with is not known: a rate is missing"), "{html}");
            assert!(html.contains("<td>200.00</td><td><span class=\"unknown\">not known"), "{html}");
        }
    }
}
