//! The page around the ten questions.

use super::html::Html;
use super::{Asked, Frame, Question, first, number};

const STYLE: &str = include_str!("page.css");

/// Patterns that every picture uses.
const PATTERNS: &str = "<svg class=\"patterns\" width=\"0\" height=\"0\" aria-hidden=\"true\"><defs><pattern \
    id=\"hatch\" width=\"5\" height=\"5\" \
    patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\"><line x1=\"0\" y1=\"0\" x2=\"0\" y2=\"5\" \
        class=\"hatching\"></line></pattern></defs></svg>";

/// How sides are told apart, without colour too.
const LEGEND: &str = "<p class=\"legend\"><span><svg viewBox=\"0 0 34 12\" aria-hidden=\"true\"><rect x=\"0\" y=\"1\" \
    width=\"18\" height=\"10\" class=\"a\"></rect>\
    <circle cx=\"28\" cy=\"6\" r=\"5\" class=\"a dot\"></circle></svg> broadcast: posts and shares, plain and \
        round</span> <span><svg viewBox=\"0 0 34 12\" aria-hidden=\"true\">\
    <rect x=\"0\" y=\"1\" width=\"18\" height=\"10\" class=\"b\"></rect><rect x=\"0\" y=\"1\" width=\"18\" height=\"10\" \
        class=\"hatch\"></rect>\
    <rect x=\"23\" y=\"1\" width=\"10\" height=\"10\" class=\"b dot\"></rect></svg> conversation: replies, hatched and \
        square</span> <span><svg viewBox=\"0 0 34 12\" aria-hidden=\"true\">\
    <rect x=\"0\" y=\"1\" width=\"18\" height=\"10\" class=\"c\"></rect><polygon points=\"28,0 34,6 28,12 22,6\" \
        class=\"c dot\"></polygon></svg> neither, or both</span></p>";

/// The report as one HTML file. `asked` holds what the store answered to each of [`super::questions`], in their order.
#[must_use]
pub fn page(frame: &Frame, questions: &[Question], asked: &[Asked]) -> String {
    let mut tiles = Html::default();
    let mut sections = Html::default();
    for (number, (question, asked)) in (1..).zip(questions.iter().zip(asked)) {
        let section = question.section(asked, frame);
        tiles += question.tile(number, &section);
        sections += question.whole(number, asked, section);
    }
    let title = format!("{}, {} to {}", frame.brand, frame.from, frame.to);
    let head = Html::constant(
        "<meta charset=\"utf-8\"></meta><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"></meta>",
    ) + Html::constant("<meta name=\"color-scheme\" content=\"light dark\"></meta>")
        + Html::tag("title", Html::from(format!("{title} \u{2013} Grapevine")))
        + Html::tag("style", Html::constant(STYLE));
    let body = Html::constant(PATTERNS)
        + Html::tag("header", header(frame))
        + Html::tag(
            "main",
            first::screen(frame, questions, asked)
                + Html::tag_with("ol", &[("class", "tiles"), ("aria-label", "Ten questions")], tiles)
                + Html::constant(LEGEND)
                + sections,
        )
        + Html::tag("footer", footer());
    let html = Html::tag_with("html", &[("lang", "en")], Html::tag("head", head) + Html::tag("body", body));
    // An element without content has no end in HTML.
    format!("<!DOCTYPE html>\n{}\n", html.into_string().replace("></meta>", "/>"))
}

fn header(frame: &Frame) -> Html {
    let (previous_from, previous_to) = frame.previous();
    let reached = match frame.run.as_of.as_str() {
        "" => "how far the data reach is not known: no source has reported".to_owned(),
        as_of => format!("the data reach to {as_of} UTC"),
    };
    let when = format!(
        "{} to {} ({} days, {}). The period before: {previous_from} to {previous_to}. Answers of run {} of {} UTC; {reached}.",
        frame.from,
        frame.to,
        frame.days(),
        frame.timezone,
        frame.run.number,
        frame.run.published,
    );
    Html::tag("h1", Html::text(&frame.brand)) + Html::tag("p", Html::from(when))
}

fn footer() -> Html {
    let unknown = number::unknown("");
    let text = Html::text(
        "Made by Grapevine from the answers of one run; nothing is loaded from elsewhere. What the data cannot carry is ",
    );
    Html::tag(
        "p",
        text + unknown
            + Html::text(
                ", with the reason, and never 0. A difference between periods or sides is no cause; only an experiment \
                    compares like with like.",
            ),
    )
}
