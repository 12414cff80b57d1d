//! A column a day: broadcast upwards, conversation downwards, on one scale.

use super::{Canvas, Place, SMALL, Side, WIDTH, number_of};
use crate::report::number::count;
use crate::report::scale::Scale;

/// What happened on a day.
#[derive(Clone, Debug)]
pub(in crate::report) struct Day {
    pub(in crate::report) label: String,
    pub(in crate::report) posts: f64,
    pub(in crate::report) shares: f64,
    pub(in crate::report) audience_replies: f64,
    pub(in crate::report) brand_replies: f64,
}

/// Day after day.
#[derive(Clone, Debug)]
pub(in crate::report) struct Columns {
    pub(in crate::report) days: Vec<Day>,
}

impl Columns {
    pub(in crate::report) fn full(&self) -> Canvas {
        let height = 240.0;
        let mut canvas = Canvas::new((WIDTH, height));
        let (left, bottom) = (36.0, height - 20.0);
        let (up, down) = self.range();
        let scale = Scale::new((-down, up), (bottom, 6.0));
        for tick in scale.ticks(5.0) {
            let y = scale.at(tick);
            canvas.line((left, y), (WIDTH, y), if tick == 0.0 { "zero" } else { "grid" });
            canvas.words((left - 4.0, y + 4.0), "tick end", &count(tick.abs()));
        }
        self.draw(&mut canvas, &scale, (left, WIDTH));
        let step = (WIDTH - left) / number_of(self.days.len().max(1));
        let last = self.days.len().saturating_sub(1);
        for (at, class) in [(0, "tick"), (last / 2, "tick middle"), (last, "tick end")] {
            let Some(day) = self.days.get(at).filter(|_| at > 0 || class == "tick") else { continue };
            let x = match class {
                "tick" => left,
                "tick end" => WIDTH,
                _ => left + step * (number_of(at) + 0.5),
            };
            canvas.words((x, height - 5.0), class, &day.label);
        }
        canvas
    }

    pub(in crate::report) fn small(&self) -> Canvas {
        let mut canvas = Canvas::new(SMALL);
        let (up, down) = self.range();
        let scale = Scale::new((-down, up), (SMALL.1 - 1.0, 1.0));
        self.draw(&mut canvas, &scale, (0.0, SMALL.0));
        let zero = scale.at(0.0);
        canvas.line((0.0, zero), (SMALL.0, zero), "zero");
        canvas
    }

    /// The highest column upwards and the deepest downwards.
    fn range(&self) -> Place {
        let up = self.days.iter().map(|day| day.posts + day.shares).fold(0.0, f64::max);
        let down = self.days.iter().map(|day| day.audience_replies + day.brand_replies).fold(0.0, f64::max);
        (up, down)
    }

    fn draw(&self, canvas: &mut Canvas, scale: &Scale, (left, right): Place) {
        let step = (right - left) / number_of(self.days.len().max(1));
        let width = if step > 4.0 { step - 1.5 } else { step * 0.9 };
        let zero = scale.at(0.0);
        let mut x = left;
        for day in &self.days {
            let posts = zero - scale.at(day.posts);
            let shares = zero - scale.at(day.shares);
            canvas.bar((x, zero - posts), (width, posts), (Side::Broadcast, false));
            canvas.bar((x, zero - posts - shares), (width, shares), (Side::Broadcast, true));
            let by_brand = scale.at(-day.brand_replies) - zero;
            let by_others = scale.at(-day.audience_replies) - zero;
            canvas.bar((x, zero), (width, by_brand), (Side::Conversation, false));
            canvas.bar((x, zero + by_brand), (width, by_others), (Side::Conversation, true));
            x += step;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broadcast_stands_up_and_conversation_hangs_down_on_one_scale() {
        let day = Day { label: "1".to_owned(), posts: 1.0, shares: 30.0, audience_replies: 20.0, brand_replies: 11.0 };
        let columns = Columns { days: vec![day] };
        assert_eq!(columns.range(), (31.0, 31.0));
        let drawn = columns.small().thumbnail().into_string();
        assert!(drawn.contains(r#"<rect x="0" y="31" width="158.5" height="1" class="a">"#), "{drawn}");
        assert!(drawn.contains(r#"<rect x="0" y="32" width="158.5" height="11" class="b">"#), "{drawn}");
        assert!(Columns { days: vec![] }.full().thumbnail().into_string().starts_with("<svg"));
    }
}
