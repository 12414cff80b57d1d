//! 2: how much broadcast, how much conversation.

use crate::report::chart::{Columns, Day, Side, Tree};
use crate::report::html::Html;
use crate::report::number::{count, known, share, short};
use crate::report::section::{Meanings, Section, Table, paragraph};
use crate::report::{Asked, Frame, Query, Question};

pub(super) const QUESTION: Question = Question {
    slug: "sides",
    title: "How much broadcast, how much conversation?",
    short: "How much broadcast, how much conversation?",
    queries: &[
        Query { name: "Posts, shares and replies by day", text: include_str!("sides_days.sql") },
        Query { name: "The largest conversation", text: include_str!("sides_dialogue.sql") },
    ],
    beside_truth: &[],
    answer,
};

const MEANINGS: Meanings = &[
    (
        "broadcast",
        "Posts, shares of all kinds (quotes are shares), and the brand's replies below its own posts where nobody else has \
            replied, on the day on which they happened.",
    ),
    (
        "conversation",
        "All other replies, on the day on which they happened; the brand's own stand apart, because they are what was done and not \
            what came back.",
    ),
    ("conversation share", "Conversation / (broadcast + conversation)."),
    (
        "two-way",
        "Replies between two people who both replied to the other / replies to somebody else. Only replies whose parent \
            is known count.",
    ),
    ("pairs that talk both ways", "Pairs of people with replies in both directions / pairs with a reply at all."),
    (
        "h-index of a conversation",
        "The greatest h such that each depth from 1 to h holds at least as many replies as its number.",
    ),
    ("day", "A day of the brand's own calendar, in its time zone."),
];

fn answer(asked: &Asked, _: &Frame) -> Section {
    let days: Vec<Day> = asked
        .rows(0)
        .rows()
        .map(|row| Day {
            label: row.text("day").to_owned(),
            posts: row.count("posts"),
            shares: row.count("shares"),
            audience_replies: (row.count("replies") - row.count("brand_replies")).max(0.0),
            brand_replies: row.count("brand_replies"),
        })
        .collect();
    if days.is_empty() {
        return Section::without("no day of the period is in the tables", MEANINGS);
    }
    let sum = |of: fn(&Day) -> f64| days.iter().map(of).sum::<f64>();
    let (posts, shares) = (sum(|day| day.posts), sum(|day| day.shares));
    let (by_others, by_brand) = (sum(|day| day.audience_replies), sum(|day| day.brand_replies));
    let replies = by_others + by_brand;
    let monologue: f64 = asked.rows(0).rows().map(|row| row.count("monologue")).sum();
    let all = posts + shares + monologue + replies;
    let conversation = (all > 0.0).then_some(replies / all);
    let mut section = Section { meanings: MEANINGS, ..Section::default() };
    section.answer = paragraph(format!(
        "{} posts were shared {} times; {} replies, of which the brand wrote {}. ",
        count(posts),
        count(shares),
        count(replies + monologue),
        count(by_brand + monologue)
    )) + Html::tag(
        "p",
        Html::text("Conversation is ") + known(conversation, "nothing happened", share) + Html::text(" of it."),
    );
    if monologue > 0.0 {
        section.answer +=
            paragraph(format!("{} of the brand's replies stand where nobody else replied: broadcast.", count(monologue)));
    }
    section.brief =
        Html::from(format!("{} posts, {} shares, {} replies", count(posts), count(shares), count(replies + monologue)));
    let columns = Columns { days };
    section.small = Some(columns.small().thumbnail());
    let title = "Broadcast upwards, conversation downwards, by day";
    let description = format!(
        "{} posts and {} shares above the line, {} replies of conversation below it; the days are in the table.",
        count(posts),
        count(shares),
        count(replies)
    );
    section.figure(
        columns.full().picture("sides-days", title, &description),
        "Upwards: posts (strong) and their shares (pale). Downwards: replies by the brand (strong) and by others (pale). \
            One scale for both.",
    );
    section.tables.push(day_table(&columns.days));
    dialogue(asked, &mut section);
    section
}

fn day_table(days: &[Day]) -> Table {
    let mut table = Table::new(
        "Posts, shares and replies by day",
        &[
            "day",
            "posts",
            "shares",
            "replies of others",
            "replies of the \
            brand",
        ],
    );
    for day in days {
        let cells = [day.posts, day.shares, day.audience_replies, day.brand_replies].map(|value| Html::from(count(value)));
        table.rows.push([vec![Html::text(&day.label)], cells.to_vec()].concat());
    }
    table
}

/// The conversations that grew largest; the first one is drawn.
fn dialogue(asked: &Asked, section: &mut Section) {
    let mut table = Table::new(
        "The largest conversations under posts of the period",
        &[
            "post",
            "place",
            "replies",
            "people",
            "deepest",
            "two-way",
            "pairs that talk both ways",
            "h-index",
            "longest \
            exchange",
        ],
    );
    for (at, row) in asked.rows(1).rows().enumerate() {
        if at == 0 {
            let tree = Tree { levels: row.list("levels"), side: Side::Conversation };
            let replies = count(row.count("replies"));
            let title = format!("The largest conversation: {replies} replies, level by level");
            let description = format!(
                "Under {}: {} levels deep, {} people.",
                row.text("root"),
                count(row.count("max_depth")),
                count(row.count("unique_actors"))
            );
            let caption = format!(
                "{title}, under {} in {}: how many replies stand at each depth. Squares are single replies; a level too \
                    full for them is a bar.",
                row.text("root"),
                row.text("community")
            );
            section.figure(tree.full().picture("sides-dialogue", &title, &description), &caption);
        }
        let none = "no reply to somebody whose author is known";
        table.rows.push(vec![
            Html::link(row.text("url"), row.text("root")),
            Html::from(format!("{} {}", row.text("channel"), row.text("community"))),
            Html::from(count(row.count("replies"))),
            Html::from(count(row.count("unique_actors"))),
            Html::from(count(row.count("max_depth"))),
            known(row.number("two_wayness"), none, share),
            known(row.number("dyad_reciprocity"), none, share),
            Html::from(short(row.count("h_index"))),
            Html::from(count(row.count("longest_exchange"))),
        ]);
    }
    if !table.rows.is_empty() {
        section.tables.push(table);
    }
}
