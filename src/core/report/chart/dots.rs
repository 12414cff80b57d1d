//! Estimates one below the other, each with its interval, on one scale.

use super::{Canvas, Heading, Place, SMALL, Side, WIDTH, number_of};
use crate::report::scale::{Scale, range_with_zero};

/// One estimate.
#[derive(Clone, Debug)]
pub(in crate::report) struct Dot {
    pub(in crate::report) label: String,
    /// What stands at the right: the figure, or that it is not known.
    pub(in crate::report) text: String,
    pub(in crate::report) side: Side,
    /// The estimate; none is drawn as nothing.
    pub(in crate::report) value: Option<f64>,
    /// Its interval.
    pub(in crate::report) interval: Option<(f64, f64)>,
    /// A wider bar behind it, such as lowest and highest over models.
    pub(in crate::report) band: Option<(f64, f64)>,
}

/// All of them. 0 is always on the scale.
#[derive(Clone, Debug)]
pub(in crate::report) struct Dots {
    pub(in crate::report) rows: Vec<Dot>,
    /// How the scale's figures are written.
    pub(in crate::report) format: fn(f64) -> String,
    /// Whether an estimate is a bar that begins at 0, and no dot.
    pub(in crate::report) bars: bool,
}

/// How high the marks of a row are, with the room around them.
const ROW: f64 = 22.0;

impl Dots {
    pub(in crate::report) fn full(&self) -> Canvas {
        let headings: Vec<Heading> = self.rows.iter().map(|row| Heading::new(&row.label, &row.text)).collect();
        let height = headings.iter().map(|heading| heading.height() + ROW).sum::<f64>() + 20.0;
        let mut canvas = Canvas::new((WIDTH, height));
        let scale = Scale::new(self.range(), (8.0, WIDTH - 8.0));
        let ticks = scale.ticks(4.0);
        for tick in &ticks {
            let words = (self.format)(*tick);
            let half = number_of(words.chars().count()) * 3.5;
            let (x, class) = match scale.at(*tick) {
                x if x < half => (0.0, "tick"),
                x if x > WIDTH - half => (WIDTH, "tick end"),
                x => (x, "tick middle"),
            };
            canvas.words((x, height - 6.0), class, &words);
        }
        let mut top = 0.0;
        for (row, heading) in self.rows.iter().zip(headings) {
            heading.draw(&mut canvas, top);
            top += heading.height();
            // Beside the words and not through them.
            for tick in &ticks {
                let x = scale.at(*tick);
                canvas.line((x, top + 1.0), (x, top + ROW - 3.0), if *tick == 0.0 { "zero" } else { "grid" });
            }
            self.draw(&mut canvas, row, &scale, (top + ROW / 2.0 - 1.0, 5.0));
            top += ROW;
        }
        canvas
    }

    pub(in crate::report) fn small(&self) -> Canvas {
        let mut canvas = Canvas::new(SMALL);
        let scale = Scale::new(self.range(), (4.0, SMALL.0 - 4.0));
        let zero = scale.at(0.0);
        canvas.line((zero, 0.0), (zero, SMALL.1), "zero");
        let shown: Vec<&Dot> = self.rows.iter().filter(|row| row.value.is_some()).take(8).collect();
        let step = SMALL.1 / number_of(shown.len().max(1));
        let mut y = step / 2.0;
        for row in shown {
            self.draw(&mut canvas, row, &scale, (y, 3.0));
            y += step;
        }
        canvas
    }

    /// From the estimates and what is around them; an interval that is far wider than everything else is cut.
    fn range(&self) -> Place {
        let values = self.rows.iter().filter_map(|row| row.value);
        let bands = self.rows.iter().filter_map(|row| row.band).flat_map(|(low, high)| [low, high]);
        let core = range_with_zero(values.chain(bands));
        let mut widths: Vec<f64> = self.rows.iter().filter_map(|row| row.interval).map(|(low, high)| high - low).collect();
        widths.sort_by(f64::total_cmp);
        let usual = widths.get(widths.len() / 2).copied().unwrap_or_default();
        let room = ((core.1 - core.0) * 1.5).max(usual);
        let intervals = self.rows.iter().filter_map(|row| row.interval).flat_map(|(low, high)| [low, high]);
        let whole = range_with_zero(intervals.chain([core.0, core.1]));
        (whole.0.max(core.0 - room), whole.1.min(core.1 + room))
    }

    fn draw(&self, canvas: &mut Canvas, row: &Dot, scale: &Scale, (y, radius): Place) {
        let side = row.side.class();
        if let Some((low, high)) = row.band {
            let x = scale.at(low);
            canvas.rect((x - 2.0, y - radius - 2.0), (scale.at(high) - x + 4.0, radius * 2.0 + 4.0), &format!("{side} band"));
        }
        if let Some(value) = row.value.filter(|_| self.bars) {
            let (from, to) = (scale.at(value.min(0.0)), scale.at(value.max(0.0)));
            canvas.bar((from, y - radius), (to - from, radius * 2.0), (row.side, false));
        }
        let class = if self.bars { "ink" } else { side };
        if let Some((low, high)) = row.interval {
            let (from, to) = (scale.at(low), scale.at(high));
            canvas.line((from, y), (to, y), &format!("{class} whisker"));
            end(canvas, scale.holds(low), ((from, y), -radius), class);
            end(canvas, scale.holds(high), ((to, y), radius), class);
        }
        if let Some(value) = row.value.filter(|_| !self.bars) {
            canvas.dot((scale.at(value), y), radius, row.side);
        }
    }
}

/// The end of an interval: a stroke, or an arrow where it goes on beyond the picture.
fn end(canvas: &mut Canvas, is_inside: bool, ((x, y), length): (Place, f64), class: &str) {
    if is_inside {
        canvas.line((x, y - length), (x, y + length), &format!("{class} whisker"));
    } else {
        canvas.polygon(&[(x + length, y), (x - length * 0.6, y - length), (x - length * 0.6, y + length)], class);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dot(value: Option<f64>, interval: Option<(f64, f64)>) -> Dot {
        Dot { label: "l".to_owned(), text: "t".to_owned(), side: Side::Broadcast, value, interval, band: None }
    }

    #[test]
    fn the_scale_holds_zero_and_is_not_ruled_by_one_wide_interval() {
        let dots = |rows| Dots { rows, format: |value| value.to_string(), bars: false };
        assert_eq!(dots(vec![dot(Some(2.0), Some((1.0, 4.0)))]).range(), (0.0, 4.0));
        let wide = dot(Some(2.0), Some((-900.0, 900.0)));
        assert_eq!(dots(vec![wide.clone()]).range(), (-900.0, 900.0), "one interval is shown whole");
        let dots_of_three = dots(vec![wide, dot(Some(2.0), Some((1.0, 4.0))), dot(Some(1.0), Some((0.0, 2.0)))]);
        assert_eq!(dots_of_three.range(), (-3.0, 5.0), "one of many is cut");
        assert_eq!(dots_of_three.full().thumbnail().into_string().matches("<polygon").count(), 2, "and its ends are arrows");
        assert_eq!(dots(vec![dot(None, None)]).range(), (0.0, 0.0));
    }

    #[test]
    fn a_bar_begins_at_nothing_and_goes_either_way() {
        let rows = vec![dot(Some(1.0), None), dot(Some(-1.0), None)];
        let drawn = Dots { rows, format: |value| value.to_string(), bars: true }.full().thumbnail().into_string();
        assert!(drawn.contains(r#"<rect x="200" y="20" width="192" height="10" class="a">"#), "{drawn}");
        assert!(drawn.contains(r#"<rect x="8" y="57" width="192" height="10" class="a">"#), "{drawn}");
    }

    #[test]
    fn what_is_not_known_has_words_and_no_dot() {
        let dots = Dots { rows: vec![dot(None, None)], format: |value| value.to_string(), bars: false };
        let drawn = dots.full().thumbnail().into_string();
        assert!(drawn.contains(">t</text>") && !drawn.contains("<circle"), "{drawn}");
        assert!(!dots.small().thumbnail().into_string().contains("<circle"));
    }
}
