//! 9: which places deserve the next hour, and which cannot be told apart.

use crate::report::answer::Row;
use crate::report::chart::{Dot, Dots, Side, number_of};
use crate::report::html::Html;
use crate::report::number::{count, hours, known, money, range, share, short, signed_share, unknown_text};
use crate::report::section::{Meanings, Section, Table};
use crate::report::{Asked, Frame, Query, Question};

pub(super) const QUESTION: Question = Question {
    slug: "places",
    title: "Which places deserve the next hour, and which cannot be told apart?",
    short: "Which places deserve the next hour?",
    queries: &[Query { name: "Places by their pooled return", text: include_str!("places_places.sql") }],
    beside_truth: &[],
    answer,
};

const MEANINGS: Meanings = &[
    ("place", "A community of a channel. Costs without a place are listed and not ranked."),
    (
        "pooled return",
        "The place's ROI drawn towards the mean of the brand's places, the more the less its posts carry (empirical \
            Bayes). The raw best of many places is mostly luck; this is what to expect of it.",
    ),
    (
        "interval",
        "In the picture 90\u{a0}% of the pooled return, the one that the ranks stand on; in the table 95\u{a0}% of the \
            place's own ROI, by its units: posts, or weeks.",
    ),
    (
        "ranks, tied",
        "The ranks that a place may have: as many places lie wholly above its interval, and wholly below. Places whose \
            ranges overlap are ties.",
    ),
    ("P(ROI > 0), P(among the ten best)", "From the pooled estimate."),
    (
        "average, not marginal",
        "A return on what was spent so far. What the next hour brings is marginal: only an experiment speaks of it.",
    ),
    (
        "visits per reply, per post",
        "Visits by clicks on the brand's replies (posts) in the place / these replies (posts), over 91 days; the interval counts posts and \
            what hangs below them, not clicks.",
    ),
    (
        "busier weeks",
        "Visits per reply in the weeks in which the brand replied more than usual in a place, less that in its other weeks, over all places \
            of the brand: whether more of it brings more each. An association.",
    ),
    ("the days", "All days that can be judged, not only those of the period: a place needs many."),
];

fn answer(asked: &Asked, _: &Frame) -> Section {
    let rows: Vec<Row<'_>> = asked.rows(0).rows().collect();
    let ranked: Vec<&Row<'_>> = rows.iter().filter(|row| pooled(row).is_some()).collect();
    let mut section = Section { meanings: MEANINGS, ..Section::default() };
    match ranked.first() {
        None => {
            let named = rows.iter().find(|row| name(row) != "no place");
            let reason = named.or(rows.first()).map_or("no place has a cost or a margin", |row| row.text("reason"));
            section = Section::without(reason, MEANINGS);
        }
        Some(_) => rank(&ranked, &mut section),
    }
    if !ranked.is_empty() {
        let alone = ranked.iter().filter(|row| may_be_first(row)).count() == 1;
        let dots = Dots { rows: ranked.iter().take(20).map(|row| dot(row, alone)).collect(), format: signed_share, bars: false };
        section.small = Some(dots.small().thumbnail());
        let description: Vec<String> = dots.rows.iter().map(|row| format!("{}: {}", row.label, row.text)).collect();
        section.figure(
            dots.full().picture("places-rank", "Places by their pooled return", &description.join("; ")),
            "Pooled return with its 90\u{a0}% interval, at most twenty places. Round: the first place, if one is told apart; diamonds: may \
                be the first; squares: surely lower.",
        );
    }
    if !rows.is_empty() {
        section.tables.push(table(&rows));
        section.tables.push(visits(&rows));
    }
    section.answer += rows.first().map(busy).unwrap_or_default();
    section
}

/// The pooled return and its standard error.
fn pooled(row: &Row<'_>) -> Option<(f64, f64)> {
    Some((row.number("roi_pooled")?, row.number("sd")?))
}

fn name(row: &Row<'_>) -> String {
    if matches!(row.text("channel"), "" | "(unallocated)") {
        return "no place".to_owned();
    }
    let place = format!("{} {}", row.text("channel"), row.text("community"));
    if row.text("name").is_empty() { place } else { format!("{} ({place})", row.text("name")) }
}

/// Whether it may be the first: no other place is surely better.
fn may_be_first(row: &Row<'_>) -> bool {
    row.number("rank_low").is_none_or(|rank| rank <= 1.0)
}

/// The first place, or that several are tied for it.
fn rank(ranked: &[&Row<'_>], section: &mut Section) {
    let tied: Vec<&&Row<'_>> = ranked.iter().filter(|row| may_be_first(row)).collect();
    let lower = ranked.len() - tied.len();
    // No figure here says what one more hour brings.
    let average =
        "It is an average of what was spent, not a promise of what the next hour returns: only an experiment tells that.";
    if let [first] = tied.as_slice() {
        let roi = Html::tag("b", known(first.number("roi_pooled"), first.text("reason"), signed_share));
        section.answer = Html::tag(
            "p",
            Html::from(format!("{} stands first, with a pooled return of ", name(first)))
                + roi
                + Html::from(format!(", told apart from all others ({lower}).")),
        );
        section.brief = Html::from(format!("{} alone", name(first)));
    } else {
        let listed: Vec<String> = tied.iter().take(5).map(|row| name(row)).collect();
        let more = if tied.len() > 5 { format!(" and {} more", tied.len() - 5) } else { String::new() };
        let number = count(number_of(tied.len()));
        section.answer = Html::tag(
            "p",
            Html::tag("b", Html::from(format!("{number} places are tied for the first rank")))
                + Html::from(format!(": {}{more} cannot be told apart. Surely lower: {lower}.", listed.join(", "))),
        );
        section.brief = Html::from(format!("A tie: {number} places cannot be told apart"));
    }
    section.answer += Html::tag("p", Html::text(average));
}

fn dot(row: &Row<'_>, alone: bool) -> Dot {
    let side = match (may_be_first(row), alone) {
        (true, true) => Side::Broadcast,
        (true, false) => Side::Other,
        (false, _) => Side::Conversation,
    };
    let text = pooled(row).map_or_else(|| unknown_text(row.text("reason")), |(value, _)| signed_share(value));
    let interval = pooled(row).map(|(value, sd)| (value - 1.645 * sd, value + 1.645 * sd));
    Dot { label: name(row), text, side, value: row.number("roi_pooled"), interval, band: None }
}

fn table(rows: &[Row<'_>]) -> Table {
    let head = [
        "place",
        "ranks",
        "members",
        "cost",
        "hours",
        "margin",
        "ROI",
        "interval",
        "pooled ROI",
        "P(ROI > 0)",
        "P(ten best)",
        "effective units",
        "top unit's share",
    ];
    let mut table = Table::new("Places by their pooled return", &head);
    for row in rows {
        let (reason, currency) = (row.text("reason"), row.text("base_currency"));
        let bounds = row.number("roi_low").zip(row.number("roi_high"));
        let ranks = row.number("rank_low").zip(row.number("rank_high"));
        table.rows.push(vec![
            Html::from(name(row)),
            ranks.map_or_else(
                || known(None, reason, count),
                |(low, high)| Html::from(if low < high { range(low, high, count) } else { count(low) }),
            ),
            known(row.number("members"), "not in the table place", count),
            known(row.number("cost_base"), reason, |value| money(value, currency)),
            known(row.number("hours"), reason, hours),
            known(row.number("margin_base"), reason, |value| money(value, currency)),
            known(row.number("average_roi"), reason, signed_share),
            bounds.map_or_else(|| known(None, reason, short), |(low, high)| Html::from(range(low, high, signed_share))),
            known(row.number("roi_pooled"), reason, signed_share),
            known(row.number("p_positive"), reason, share),
            known(row.number("p_top10"), reason, share),
            known(row.number("effective_units"), reason, short),
            known(row.number("top1_share"), reason, share),
        ]);
    }
    table
}

/// What a reply and a post bring, place by place.
fn visits(rows: &[Row<'_>]) -> Table {
    let head = ["place", "replies", "visits per reply", "interval", "posts", "visits per post", "interval"];
    let mut table = Table::new("Visits per reply and per post of the brand, over 91 days", &head);
    for row in rows.iter().filter(|row| name(row) != "no place") {
        let figures = |of: &str, value: &str, reason: &str| {
            let reason = row.text(reason);
            let bounds = row.number(&format!("{value}_low")).zip(row.number(&format!("{value}_high")));
            [
                Html::from(count(row.count(of))),
                known(row.number(value), reason, short),
                bounds.map_or_else(|| known(None, reason, short), |(low, high)| Html::from(range(low, high, short))),
            ]
        };
        let (replies, posts) =
            (figures("replies", "visits_per_reply", "replies_reason"), figures("posts", "visits_per_post", "posts_reason"));
        table.rows.push([Html::from(name(row))].into_iter().chain(replies).chain(posts).collect());
    }
    table
}

/// Whether a reply brings more where there are more of them; the same in every row of a brand.
fn busy(row: &Row<'_>) -> Html {
    let bounds = row.number("busy_less_quiet_low").zip(row.number("busy_less_quiet_high"));
    let verdict = match bounds {
        Some((low, _)) if low > 0.0 => "A reply brings more in busier weeks",
        Some((_, high)) if high < 0.0 => "A reply brings less in busier weeks",
        _ => "Whether a reply brings more or less in busier weeks cannot be told",
    };
    let bounds = bounds.map_or_else(String::new, |(low, high)| format!(", {}", range(low, high, short)));
    let difference = known(row.number("busy_less_quiet"), row.text("busy_reason"), short);
    Html::tag(
        "p",
        Html::text(verdict) + Html::text(" (visits per reply, busier less quieter: ") + difference + Html::from(bounds + ")."),
    )
}
