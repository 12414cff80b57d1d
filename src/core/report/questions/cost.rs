//! 3: what each side cost, hours included.

use crate::report::answer::Row;
use crate::report::chart::{Bar, Bars, Part, Side};
use crate::report::html::Html;
use crate::report::number::{capital, hours, known, money, unknown_text};
use crate::report::section::{Meanings, Section, Table};
use crate::report::words::{said, side};
use crate::report::{Asked, Frame, Query, Question};

pub(super) const QUESTION: Question = Question {
    slug: "cost",
    title: "What did each side cost, hours included?",
    short: "What did each cost, hours included?",
    queries: &[Query { name: "Money and time spent, by side", text: include_str!("cost_spent.sql") }],
    beside_truth: &[],
    answer,
};

const MEANINGS: Meanings = &[
    (
        "money",
        "What was paid on days of the period, in the brand's base currency by the exchange rate of its day. A payment \
            for several days is spread over them, exactly.",
    ),
    (
        "time",
        "Hours that were logged, or given by the brand's rule per reply where a week has none, at the hourly rate of \
            their role on that day.",
    ),
    ("neither side named", "Costs that name neither side. They are shown, and never spread over the sides."),
    ("estimated hours", "Hours that came from a rule or were entered as an estimate."),
    (
        "not known",
        "A rate is missing: of the currency or of the role. Load it into \
            the table fx or labour_rate and make the report again.",
    ),
];

struct Spent<'a> {
    row: Row<'a>,
    side: &'a str,
    currency: &'a str,
    money: Option<f64>,
    time: Option<f64>,
}

impl<'a> Spent<'a> {
    fn of(row: Row<'a>) -> Spent<'a> {
        let (money, time) = (row.number("money_base"), row.number("time_base"));
        Spent { row, side: row.text("side"), currency: row.text("base_currency"), money, time }
    }

    fn total(&self) -> Option<f64> {
        Some(self.money? + self.time?)
    }

    fn reason(&self) -> String {
        self.row.text("reasons").split(", ").map(said).collect::<Vec<_>>().join("; ")
    }

    fn text(&self) -> String {
        let hours = hours(self.row.count("hours"));
        self.total().map_or_else(|| unknown_text(&self.reason()), |total| format!("{}, {hours}", money(total, self.currency)))
    }

    fn bar(&self) -> Bar {
        let of = Side::named(self.side);
        let part = |value: Option<f64>, pale| Part { value: value.unwrap_or_default(), side: of, pale };
        Bar { label: side(self.side), text: self.text(), parts: vec![part(self.money, false), part(self.time, true)] }
    }
}

fn answer(asked: &Asked, _: &Frame) -> Section {
    let spent: Vec<Spent<'_>> = asked.rows(0).rows().map(Spent::of).collect();
    if spent.is_empty() {
        return Section::without(
            "no cost of the period is in the tables: send cost events, or give the brand a rule in seconds_per_reply",
            MEANINGS,
        );
    }
    let mut section = Section { meanings: MEANINGS, ..Section::default() };
    let sentence = |spent: &Spent<'_>| {
        let part = |value: Option<f64>| value.map_or_else(|| unknown_text(&spent.reason()), |value| money(value, spent.currency));
        let parts = format!(". Money: {}; time: {}.", part(spent.money), part(spent.time));
        let name = format!("{}: ", capital(&side(spent.side)));
        Html::tag("p", Html::from(name) + Html::tag("b", Html::from(spent.text())) + Html::from(parts))
    };
    section.answer = spent.iter().map(sentence).collect();
    section.brief = brief(&spent);
    let bars = Bars { rows: spent.iter().map(Spent::bar).collect() };
    section.small = Some(bars.small().thumbnail());
    let description: Vec<String> = spent.iter().map(|spent| format!("{}: {}", spent.side, spent.text())).collect();
    section.figure(
        bars.full().picture("cost-sides", "Cost by side", &description.join("; ")),
        "Money (strong) and the worth of the time (pale). A part that is not known has no length.",
    );
    section.tables.push(table(&spent));
    section
}

fn brief(spent: &[Spent<'_>]) -> Html {
    let shown = spent.iter().filter(|one| one.side != "(unallocated)" || spent.len() == 1);
    let lines = shown.map(|spent| {
        let total = spent.total().map_or_else(|| unknown_text(&spent.reason()), |total| money(total, spent.currency));
        format!("{} {total}", spent.side)
    });
    Html::from(capital(&lines.collect::<Vec<_>>().join(", ")))
}

fn table(spent: &[Spent<'_>]) -> Table {
    let mut table =
        Table::new("Money and time spent, by side", &["side", "money", "time", "together", "hours", "of them estimated"]);
    for one in spent {
        let reason = one.reason();
        let amount = |value: Option<f64>| known(value, &reason, |value| money(value, one.currency));
        table.rows.push(vec![
            Html::from(side(one.side)),
            amount(one.money),
            amount(one.time),
            amount(one.total()),
            Html::from(hours(one.row.count("hours"))),
            Html::from(hours(one.row.count("estimated_hours"))),
        ]);
    }
    table
}
