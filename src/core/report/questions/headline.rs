//! The first sentence of the page: which side returned more, or what would tell it.

use crate::report::answer::{Answer, Row};
use crate::report::html::Html;
use crate::report::number::{capital, grouped, range, short};
use crate::report::words::said;

/// How many times as many weeks are still worth waiting for; beyond it only an experiment tells.
const PATIENCE: f64 = 8.0;

/// A sentence or two of `comparison`, by one rule of credit, and whether the other rules say the same.
pub(super) fn headline(comparison: &Answer, rules: &Answer) -> Html {
    let Some(row) = comparison.rows().next() else {
        return lead("Which side returned more is not known yet", ": there are no days with both visits and costs.".to_owned());
    };
    let days = format!("{} to {}", row.text("period_start"), row.text("last_day"));
    let times = row.number("times").zip(row.number("times_low").zip(row.number("times_high")));
    match (row.text("verdict"), times) {
        ("first", Some((times, bounds))) => told(["Broadcast", "conversation"], (times, bounds), &days, agreement(rules, &row)),
        ("second", Some((times, (low, high)))) => {
            told(["Conversation", "broadcast"], (1.0 / times, (1.0 / high, 1.0 / low)), &days, agreement(rules, &row))
        }
        ("cannot_tell", Some((times, bounds))) => undecided((times, bounds), &days),
        _ => {
            let (reason, cure) = (row.text("reason"), cure(row.text("reason")));
            lead("Which side returned more cannot be told", format!(" for {days}: {}. {cure}", said(reason)))
        }
    }
}

fn lead(answer: &str, rest: String) -> Html {
    Html::tag("b", Html::text(answer)) + Html::from(rest)
}

fn times(value: f64) -> String {
    grouped(value, if value < 10.0 { 1 } else { 0 })
}

fn told([more, less]: [&str; 2], (value, (low, high)): (f64, (f64, f64)), days: &str, agreement: String) -> Html {
    lead(
        &format!("{more} returned more than {less}"),
        format!(
            ": {} times as much for the same money (95\u{a0}% interval {}), {days}. {agreement}",
            times(value),
            range(low, high, times),
        ),
    )
}

fn undecided((value, (low, high)): (f64, (f64, f64)), days: &str) -> Html {
    let (half, difference) = ((high / low).ln() / 2.0, value.ln().abs());
    let needed = (half / difference).powi(2);
    let cure = if needed <= PATIENCE {
        format!("About {} times as many weeks like these would tell it.", short(needed))
    } else {
        "They are so near to each other that only an experiment would tell (question 5).".to_owned()
    };
    lead(
        "Which side returned more cannot be told",
        format!(": for the same money broadcast brought {} times what conversation did, {days}. {cure}", range(low, high, times)),
    )
}

/// What makes the comparison possible.
fn cure(reason: &str) -> &'static str {
    match reason {
        "no_cost" | "labour_coverage" => "Log the hours of both sides, or give the brand a rule in seconds_per_reply.",
        "not_complete" | "partial_start" => "Data of more days will tell.",
        "missing_hourly_rate" | "missing_exchange_rate" | "missing_margin_rate" => "Load it, then run: grapevine rollup.",
        _ => "Links with a click id on posts and replies, and sales that name their visitor, would tell.",
    }
}

/// How many of the rules of credit have the same side in front. Nothing where one of them is not known.
fn agreement(rules: &Answer, told: &Row<'_>) -> String {
    let rows: Vec<Row<'_>> = rules.rows().filter(|row| row.text("period") == told.text("period")).collect();
    let returned = |model: &str, side: &str| {
        let row = rows.iter().find(|row| row.text("model") == model && row.text("side") == side)?;
        Some(row.number("margin_base")? / row.number("cost_base").filter(|cost| *cost > 0.0)?)
    };
    let mut models: Vec<&str> = rows.iter().map(|row| row.text("model")).collect();
    models.dedup();
    let ahead = |model: &&str| Some(returned(model, "broadcast")? > returned(model, "conversation")?);
    let Some(ahead) = models.iter().map(ahead).collect::<Option<Vec<bool>>>().filter(|ahead| !ahead.is_empty()) else {
        return String::new();
    };
    let others: Vec<String> = models
        .iter()
        .zip(&ahead)
        .filter(|(_, ahead)| **ahead != (told.text("verdict") == "first"))
        .map(|(model, _)| format!("\u{201c}{}\u{201d}", model.replace('_', " ")))
        .collect();
    match others.len() {
        0 => format!("{} rules of credit agree.", capital(if models.len() == 5 { "all five" } else { "the" })),
        _ => format!("But by the rule {} it is the other way round: look before you act.", others.join(" and ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 8] = ["period", "period_start", "last_day", "times", "times_low", "times_high", "verdict", "reason"];

    fn answer(names: &[&str], rows: &str) -> Answer {
        let names: Vec<String> = names.iter().map(|name| format!("{{\"name\":\"{name}\"}}")).collect();
        Answer::from_json(format!("{{\"meta\":[{}],\"data\":[{rows}]}}", names.join(",")).as_bytes()).unwrap()
    }

    fn said_of(rest: &str, rules: &str) -> String {
        let row = format!(r#"["all","2026-01-01","2026-03-01",{rest}]"#);
        let rules = answer(&["period", "model", "side", "margin_base", "cost_base"], rules);
        headline(&answer(&NAMES, &row), &rules).into_string()
    }

    const RULES: &str = r#"["all","first","broadcast",10,10],["all","first","conversation",30,10],
        ["all","last","broadcast",20,10],["all","last","conversation",10,10],["last_13_weeks","last","conversation",90,1]"#;

    #[test]
    fn the_side_that_returned_more_is_named_with_how_sure_that_is() {
        let first = said_of(r#"1.7,1.09,2.62,"first","""#, RULES);
        assert!(first.starts_with("<b>Broadcast returned more than conversation</b>: 1.7 times as much"), "{first}");
        assert!(
            first.contains("1.1 to 2.6") && first.contains("by the rule \u{201c}first\u{201d} it is the other way"),
            "{first}"
        );
        let second = said_of(
            r#"0.5,0.4,0.8,"second","""#,
            &RULES.replace("20,10", "5,10").replace("\"all\",\"first\"", "\"x\",\"first\""),
        );
        assert!(second.starts_with("<b>Conversation returned more than broadcast</b>: 2.0 times as much"), "{second}");
        assert!(second.contains("1.2 to 2.5") && second.ends_with("The rules of credit agree."), "{second}");
    }

    #[test]
    fn what_cannot_be_told_says_what_would_tell_it() {
        let near = said_of(r#"1.01,0.5,2.0,"cannot_tell","""#, "");
        assert!(
            near.contains("brought 0.5 to 2.0 times") && near.ends_with("only an experiment would tell (question 5)."),
            "{near}"
        );
        let far = said_of(r#"1.5,0.9,2.5,"cannot_tell","""#, "");
        assert!(far.ends_with("About 1.59 times as many weeks like these would tell it."), "{far}");
        let reason = said_of(r#"null,null,null,null,"no_cost""#, "");
        assert!(reason.contains("no cost of it is known. Log the hours"), "{reason}");
        assert!(headline(&Answer::NONE, &Answer::NONE).into_string().contains("not known yet"));
    }
}
