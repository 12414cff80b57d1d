//! The first screen: the answer in a sentence, four figures, a bar a side. The ten tiles follow it.

use super::html::Html;
use super::questions::{LargeFigure, first_sentence, large_figures, two_bars};
use super::{Asked, Frame, Question};

/// What stands before the tiles. `asked` holds the answers to each of the questions, in their order.
pub(super) fn screen(frame: &Frame, questions: &[Question], asked: &[Asked]) -> Html {
    let none = Asked::default();
    let of = |slug: &str| {
        let found = questions.iter().zip(asked).find(|(question, _)| question.slug == slug);
        found.map_or(&none, |(_, asked)| asked)
    };
    let (returns, changes) = (of("returns"), of("changes"));
    let figures: Html = large_figures(changes, frame).into_iter().map(figure).collect();
    let bars = two_bars(returns).unwrap_or_default();
    Html::classed("p", "headline", first_sentence(returns))
        + Html::classed("div", "glance", Html::classed("dl", "large", figures) + bars)
}

fn figure(figure: LargeFigure) -> Html {
    let LargeFigure { name, value, change } = figure;
    Html::tag("div", Html::tag("dt", Html::text(name)) + Html::tag("dd", value) + Html::classed("dd", "change", change))
}
