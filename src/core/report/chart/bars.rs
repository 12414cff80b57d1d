//! Bars one below the other, each in parts.

use super::{Canvas, Heading, SMALL, Side, WIDTH, number_of};
use crate::report::scale::Scale;

/// A part of a bar; one that is below 0 has no length.
#[derive(Clone, Copy, Debug)]
pub(in crate::report) struct Part {
    pub(in crate::report) value: f64,
    pub(in crate::report) side: Side,
    pub(in crate::report) pale: bool,
}

/// One bar.
#[derive(Clone, Debug)]
pub(in crate::report) struct Bar {
    pub(in crate::report) label: String,
    /// What stands at the right: the figure, or that it is not known.
    pub(in crate::report) text: String,
    pub(in crate::report) parts: Vec<Part>,
}

/// All of them, on one scale that begins at 0.
#[derive(Clone, Debug)]
pub(in crate::report) struct Bars {
    pub(in crate::report) rows: Vec<Bar>,
}

/// How high the bar of a row is, with the room below it.
const ROW: f64 = 19.0;

impl Bars {
    pub(in crate::report) fn full(&self) -> Canvas {
        let headings: Vec<Heading> = self.rows.iter().map(|row| Heading::new(&row.label, &row.text)).collect();
        let height: f64 = headings.iter().map(|heading| heading.height() + ROW).sum();
        let mut canvas = Canvas::new((WIDTH, height));
        let scale = self.scale(WIDTH);
        let mut top = 0.0;
        for (row, heading) in self.rows.iter().zip(headings) {
            heading.draw(&mut canvas, top);
            top += heading.height() + 3.0;
            canvas.rect((0.0, top), (WIDTH, 10.0), "track");
            draw(&mut canvas, row, &scale, (top, 10.0));
            top += ROW - 3.0;
        }
        canvas
    }

    pub(in crate::report) fn small(&self) -> Canvas {
        let mut canvas = Canvas::new(SMALL);
        let scale = self.scale(SMALL.0);
        let step = SMALL.1 / number_of(self.rows.len().clamp(1, 6));
        let mut top = 0.0;
        for row in self.rows.iter().take(6) {
            draw(&mut canvas, row, &scale, (top + step * 0.15, step * 0.7));
            top += step;
        }
        canvas
    }

    fn scale(&self, width: f64) -> Scale {
        let longest = self.rows.iter().map(Bar::length).fold(0.0, f64::max);
        Scale::new((0.0, if longest > 0.0 { longest } else { 1.0 }), (0.0, width))
    }
}

impl Bar {
    fn length(&self) -> f64 {
        self.parts.iter().map(|part| part.value.max(0.0)).sum()
    }
}

fn draw(canvas: &mut Canvas, row: &Bar, scale: &Scale, (top, height): (f64, f64)) {
    let mut reached = 0.0;
    for part in row.parts.iter().filter(|part| part.value > 0.0) {
        let from = scale.at(reached);
        reached += part.value;
        canvas.bar((from, top), (scale.at(reached) - from, height), (part.side, part.pale));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_follow_each_other_and_the_longest_bar_fills_the_width() {
        let part = |value| Part { value, side: Side::Broadcast, pale: false };
        let bar = |parts| Bar { label: String::new(), text: String::new(), parts };
        let bars = Bars { rows: vec![bar(vec![part(3.0), part(1.0)]), bar(vec![part(-2.0)])] };
        let drawn = bars.full().thumbnail().into_string();
        for expected in [r#"x="0" y="18" width="300""#, r#"x="300" y="18" width="100""#] {
            assert!(drawn.contains(expected), "{drawn}");
        }
        assert_eq!(drawn.matches("class=\"a\"").count(), 2, "{drawn}");
    }
}
