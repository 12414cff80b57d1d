//! 7: how far the best post went, and whether it was one hit.

use crate::report::answer::{Answer, Row};
use crate::report::chart::{Bar, Bars, Growth, Part, Side, Tree};
use crate::report::html::Html;
use crate::report::number::{count, known, share, short};
use crate::report::section::{Meanings, Section, Table, paragraph};
use crate::report::{Asked, Frame, Query, Question};

pub(super) const QUESTION: Question = Question {
    slug: "spread",
    title: "How far did the best post go, and was it one hit?",
    short: "How far did the best post go? One hit?",
    queries: &[
        Query { name: "The posts that were shared most", text: include_str!("spread_posts.sql") },
        Query { name: "How the best one grew", text: include_str!("spread_growth.sql") },
    ],
    beside_truth: &[],
    answer,
};

const MEANINGS: Meanings = &[
    ("shares", "Shares of all kinds under a post of the brand, to this day, for posts of the period."),
    ("depth", "Steps from the post: a share of the post is at depth 1, a share of that share at depth 2."),
    (
        "structural virality",
        "The mean number of steps between two people of the tree: 2 at most where everybody shared the post itself, \
            higher where it went from hand to hand. Compare it only among trees of a size.",
    ),
    (
        "guessed",
        "Shares whose parent is not known and which hang from the post instead: they make a tree look flatter than it was.",
    ),
    ("top post's share", "Shares of the best post / shares of all posts of the period. Near 100 %: one hit."),
    (
        "effective posts",
        "(sum of shares)\u{00b2} / sum of squared shares: how many equally shared posts would be as concentrated.",
    ),
    ("who hangs below whom", "Is not kept, only how many stand at each depth; so levels are drawn, and no single edge."),
];

fn answer(asked: &Asked, _: &Frame) -> Section {
    let rows: Vec<Row<'_>> = asked.rows(0).rows().collect();
    let Some(best) = rows.first() else {
        return Section::without("no post of the brand from this period was shared", MEANINGS);
    };
    let mut section = Section { meanings: MEANINGS, ..Section::default() };
    let (shares, all) = (best.count("shares"), best.count("shares_of_all"));
    let top = (all > 0.0).then_some(shares / all);
    let effective = best.number("effective_posts");
    let rest = format!(
        " in {} was shared {} times by {} people, down to depth {}.",
        best.text("community"),
        count(shares),
        count(best.count("unique_actors")),
        count(best.count("max_depth"))
    );
    section.answer = paragraph(Html::link(best.text("url"), best.text("root")) + Html::from(rest))
        + Html::tag(
            "p",
            Html::text("That is ")
                + Html::tag("b", known(top, "no shares", share))
                + Html::from(format!(
                    " of all shares of the period's {} shared posts, which count like ",
                    count(best.count("posts_shared"))
                ))
                + known(effective, "no shares", short)
                + Html::text(" equal ones."),
        );
    section.brief = Html::from(format!("{} shares, {} deep; ", count(shares), count(best.count("max_depth"))))
        + known(top, "no shares", share)
        + Html::text(" of all shares");
    let tree = Tree { levels: best.list("levels"), side: Side::Broadcast };
    section.small = Some(tree.small().thumbnail());
    let levels: Vec<String> = tree.levels.iter().map(|nodes| count(*nodes)).collect();
    section.figure(
        tree.full().picture(
            "spread-tree",
            "The best post's tree of shares, level by level",
            &format!(
                "From the post \
            down: {}.",
                levels.join(", ")
            ),
        ),
        "The tree of the best post, level by level: how many shares stand at each depth. Dots are single shares; a level \
            too full for dots is a bar.",
    );
    growth(asked.rows(1), &mut section);
    concentration(&rows, all, &mut section);
    section.tables.push(table(&rows));
    section
}

fn growth(answer: &Answer, section: &mut Section) {
    let steps: Vec<(f64, f64)> = answer.rows().map(|row| (row.count("hours").max(0.0), row.count("shares"))).collect();
    let Some((_, all)) = steps.last().copied() else { return };
    let half = steps.iter().find(|(_, sum)| *sum * 2.0 >= all).map_or(0.0, |(hours, _)| *hours);
    let title = "How the best post's shares grew";
    let when = if half > 0.0 {
        format!("the window that begins {} hours after the post", short(half))
    } else {
        "its first window".to_owned()
    };
    let caption = format!("Its shares over time, by window of the tables: half had come in {when}.");
    section.figure(Growth { steps, side: Side::Broadcast }.full().picture("spread-growth", title, &caption), &caption);
}

fn concentration(rows: &[Row<'_>], all: f64, section: &mut Section) {
    let part = |value| vec![Part { value, side: Side::Broadcast, pale: false }];
    let bar = |row: &Row<'_>| Bar {
        label: row.text("root").to_owned(),
        text: count(row.count("shares")),
        parts: part(row.count("shares")),
    };
    let mut bars: Vec<Bar> = rows.iter().map(bar).collect();
    let rest = all - rows.iter().map(|row| row.count("shares")).sum::<f64>();
    if rest > 0.0 {
        let others = rows.first().map_or(0.0, |row| row.count("posts_shared")) - rows.iter().map(|_| 1.0).sum::<f64>();
        let parts = vec![Part { value: rest, side: Side::Broadcast, pale: true }];
        bars.push(Bar { label: format!("{} other posts together", count(others)), text: count(rest), parts });
    }
    let bars = Bars { rows: bars };
    let description: Vec<String> = bars.rows.iter().map(|bar| format!("{}: {}", bar.label, bar.text)).collect();
    section.figure(
        bars.full().picture("spread-posts", "Shares by post", &description.join("; ")),
        "The ten posts that were shared most, and all others together (pale): one long bar is one hit.",
    );
}

fn table(rows: &[Row<'_>]) -> Table {
    let head =
        ["post", "place", "posted (UTC)", "shares", "people", "deepest", "structural virality", "guessed", "whole tree seen"];
    let mut table = Table::new("The posts that were shared most", &head);
    for row in rows {
        table.rows.push(vec![
            Html::link(row.text("url"), row.text("root")),
            Html::from(format!("{} {}", row.text("channel"), row.text("community"))),
            Html::from(row.text("root_time").chars().take(16).collect::<String>()),
            Html::from(count(row.count("shares"))),
            Html::from(count(row.count("unique_actors"))),
            Html::from(count(row.count("max_depth"))),
            known(row.number("structural_virality"), "fewer than two people", short),
            known(row.number("inferred_share"), "no shares", share),
            Html::text(if row.is("structure_exact") { "yes" } else { "no: several lives, or not its post" }),
        ]);
    }
    table
}
