//! From figures to places on a picture.

/// A straight line from a range of figures to a range of places.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Scale {
    figures: (f64, f64),
    places: (f64, f64),
}

impl Scale {
    /// A range without width is widened, so that there is always a scale.
    pub(super) fn new(figures: (f64, f64), places: (f64, f64)) -> Scale {
        let (low, high) = figures;
        let figures = if high - low > f64::EPSILON * high.abs().max(low.abs()) { figures } else { (low - 0.5, low + 0.5) };
        Scale { figures, places }
    }

    /// Where a figure stands; beyond the ends it stays at the end.
    pub(super) fn at(&self, figure: f64) -> f64 {
        let (low, high) = self.figures;
        let (start, end) = self.places;
        start + (figure.clamp(low, high) - low) / (high - low) * (end - start)
    }

    /// Whether a figure stands where it belongs, and not at an end that it lies beyond.
    pub(super) fn holds(&self, figure: f64) -> bool {
        let (low, high) = self.figures;
        (low..=high).contains(&figure)
    }

    /// Round figures within the range, about so many.
    pub(super) fn ticks(&self, wanted: f64) -> Vec<f64> {
        let (low, high) = self.figures;
        let step = round_step((high - low) / wanted.max(1.0));
        let mut ticks = Vec::new();
        let mut place = (low / step - 1e-9).ceil();
        while place * step <= high + step * 1e-9 && ticks.len() < 100 {
            ticks.push(if place == 0.0 { 0.0 } else { place * step });
            place += 1.0;
        }
        ticks
    }
}

/// The nearest of 1, 2, 5, 10, 20 ...
fn round_step(step: f64) -> f64 {
    let power = 10f64.powf(step.log10().floor());
    let digit = step / power;
    let nearest = [(1.5, 1.0), (3.5, 2.0), (7.5, 5.0)].into_iter().find(|(until, _)| digit < *until);
    power * nearest.map_or(10.0, |(_, round)| round)
}

/// The range of figures, 0 included.
pub(super) fn range_with_zero(figures: impl IntoIterator<Item = f64>) -> (f64, f64) {
    figures.into_iter().fold((0.0, 0.0), |(low, high), figure| (figure.min(low), figure.max(high)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_find_their_places_and_stay_inside() {
        let scale = Scale::new((0.0, 10.0), (100.0, 200.0));
        assert_eq!([0.0, 5.0, 10.0, -1.0, 99.0].map(|figure| scale.at(figure)), [100.0, 150.0, 200.0, 100.0, 200.0]);
        assert!(scale.holds(10.0) && !scale.holds(10.1));
        assert_eq!(Scale::new((0.0, 4.0), (50.0, 10.0)).at(1.0), 40.0);
    }

    #[test]
    fn ticks_are_round_and_inside() {
        assert_eq!(Scale::new((0.0, 87.0), (0.0, 1.0)).ticks(4.0), [0.0, 20.0, 40.0, 60.0, 80.0]);
        let ticks = Scale::new((-0.9, 0.35), (0.0, 1.0)).ticks(3.0);
        assert_eq!(ticks.len(), 2, "{ticks:?}");
        assert!((ticks[0] + 0.5).abs() < 1e-12 && ticks[1] == 0.0, "{ticks:?}");
        assert_eq!(Scale::new((0.0, 1.0), (0.0, 1.0)).ticks(5.0).len(), 6);
        assert_eq!(Scale::new((0.0, 3.0), (0.0, 1.0)).ticks(3.0), [0.0, 1.0, 2.0, 3.0]);
    }

    #[test]
    fn a_range_of_one_figure_is_a_range() {
        let scale = Scale::new((7.0, 7.0), (0.0, 100.0));
        assert_eq!(scale.at(7.0), 50.0);
        assert!(scale.ticks(4.0).contains(&7.0));
        assert_eq!(range_with_zero([3.0, 8.0]), (0.0, 8.0));
        assert_eq!(range_with_zero([-2.0]), (-2.0, 0.0));
        assert_eq!(range_with_zero([]), (0.0, 0.0));
    }
}
