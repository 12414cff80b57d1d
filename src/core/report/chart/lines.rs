//! When something came: effects by lag, and what had come by then.

use super::{Canvas, Place, SMALL, Side, WIDTH, number_of};
use crate::report::number::{count, tick as figure, wrapped};
use crate::report::scale::{Scale, range_with_zero};

/// The effects of one side, a place a lag; none where it is not known.
#[derive(Clone, Debug)]
pub(in crate::report) struct Series {
    pub(in crate::report) side: Side,
    /// The effect, and its interval.
    pub(in crate::report) values: Vec<Option<(f64, f64, f64)>>,
}

/// Effects by lag, sides beside each other.
#[derive(Clone, Debug)]
pub(in crate::report) struct Lags {
    pub(in crate::report) bins: Vec<String>,
    pub(in crate::report) series: Vec<Series>,
}

impl Lags {
    pub(in crate::report) fn full(&self) -> Canvas {
        let height = 240.0;
        let mut canvas = Canvas::new((WIDTH, height));
        let left = 36.0;
        let scale = self.scale((height - 40.0, 8.0));
        for tick in scale.ticks(5.0) {
            let y = scale.at(tick);
            canvas.line((left, y), (WIDTH, y), if tick == 0.0 { "zero" } else { "grid" });
            canvas.words((left - 4.0, y + 4.0), "tick end", &figure(tick));
        }
        let step = (WIDTH - left) / number_of(self.bins.len().max(1));
        let mut x = left + step / 2.0;
        for bin in &self.bins {
            // A figure and its unit, one below the other.
            for (line, y) in wrapped(bin, 6).iter().zip([height - 22.0, height - 7.0]) {
                canvas.words((x, y), "tick middle", line);
            }
            x += step;
        }
        self.draw(&mut canvas, &scale, ((left, WIDTH), 5.0));
        canvas
    }

    pub(in crate::report) fn small(&self) -> Canvas {
        let mut canvas = Canvas::new(SMALL);
        let scale = self.scale((SMALL.1 - 3.0, 3.0));
        let zero = scale.at(0.0);
        canvas.line((0.0, zero), (SMALL.0, zero), "zero");
        self.draw(&mut canvas, &scale, ((0.0, SMALL.0), 3.0));
        canvas
    }

    fn scale(&self, places: Place) -> Scale {
        let known = self.series.iter().flat_map(|series| series.values.iter().flatten());
        Scale::new(range_with_zero(known.flat_map(|(value, low, high)| [*value, *low, *high])), places)
    }

    fn draw(&self, canvas: &mut Canvas, scale: &Scale, ((left, right), radius): (Place, f64)) {
        let step = (right - left) / number_of(self.bins.len().max(1));
        let mut shift = -(number_of(self.series.len()) - 1.0) / 2.0 * radius * 2.6;
        for series in &self.series {
            let class = series.side.class();
            let mut x = left + step / 2.0 + shift;
            let mut line = Vec::new();
            for value in &series.values {
                if let Some((value, low, high)) = value {
                    let place = (x, scale.at(*value));
                    canvas.line((x, scale.at(*low)), (x, scale.at(*high)), &format!("{class} whisker"));
                    canvas.dot(place, radius, series.side);
                    line.push(place);
                }
                x += step;
            }
            canvas.polyline(&line, &format!("{class} path"));
            shift += radius * 2.6;
        }
    }
}

/// How much had come by when: hours since the beginning, and the sum until then.
#[derive(Clone, Debug)]
pub(in crate::report) struct Growth {
    pub(in crate::report) steps: Vec<(f64, f64)>,
    pub(in crate::report) side: Side,
}

impl Growth {
    pub(in crate::report) fn full(&self) -> Canvas {
        let (height, left) = (170.0, 44.0);
        let mut canvas = Canvas::new((WIDTH, height));
        let (hours, sum) = self.steps.iter().fold((0.0f64, 0.0f64), |most, step| (most.0.max(step.0), most.1.max(step.1)));
        let across = Scale::new((0.0, hours), (left, WIDTH - 8.0));
        let up = Scale::new((0.0, sum), (height - 34.0, 8.0));
        for tick in up.ticks(4.0) {
            canvas.line((left, up.at(tick)), (WIDTH, up.at(tick)), if tick == 0.0 { "zero" } else { "grid" });
            canvas.words((left - 4.0, up.at(tick) + 4.0), "tick end", &count(tick));
        }
        for tick in across.ticks(5.0) {
            canvas.words((across.at(tick), height - 20.0), "tick middle", &figure(tick));
        }
        canvas.words((WIDTH, height - 4.0), "tick end", "hours since the post");
        let mut line = vec![(across.at(0.0), up.at(0.0))];
        let mut reached = 0.0;
        for (hour, sum) in &self.steps {
            line.push((across.at(*hour), up.at(reached)));
            line.push((across.at(*hour), up.at(*sum)));
            reached = *sum;
        }
        canvas.polyline(&line, &format!("{} path", self.side.class()));
        canvas
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_effect_has_a_dot_and_an_interval() {
        let known = Series { side: Side::Broadcast, values: vec![Some((1.0, 0.5, 1.5)), None] };
        let lags = Lags { bins: vec!["0".to_owned(), "1-4".to_owned()], series: vec![known] };
        let drawn = lags.full().thumbnail().into_string();
        assert_eq!((drawn.matches("<circle").count(), drawn.matches("a whisker").count()), (1, 1), "{drawn}");
        assert!(lags.small().thumbnail().into_string().contains("polyline"));
    }

    #[test]
    fn growth_goes_up_in_steps() {
        let growth = Growth { steps: vec![(1.0, 10.0), (4.0, 20.0)], side: Side::Broadcast };
        let drawn = growth.full().thumbnail().into_string();
        assert!(drawn.contains("points=\"44,136 131,136 131,72 392,72 392,8\""), "{drawn}");
    }
}
