//! Pictures: shapes on a canvas, 400 units wide and as high as they need, so that their letters are read on a phone.
//!
//! Two sides never differ by colour alone: broadcast is plain and round, conversation hatched and square.

use super::html::Html;
use super::number::wrapped;

mod bars;
mod columns;
mod dots;
mod lines;
mod matrix;
mod tree;

pub(super) use bars::{Bar, Bars, Part};
pub(super) use columns::{Columns, Day};
pub(super) use dots::{Dot, Dots};
pub(super) use lines::{Growth, Lags, Series};
pub(super) use matrix::{Matrix, MatrixRow};
pub(super) use tree::Tree;

/// A place: to the right, then down.
pub(super) type Place = (f64, f64);

/// How wide a picture is.
pub(super) const WIDTH: f64 = 400.0;

/// How many letters stand beside each other, and how high a line of them is.
const LETTERS: usize = 54;
const LINE: f64 = 15.0;

/// Width and height of the small picture on a tile.
pub(super) const SMALL: Place = (160.0, 64.0);

/// Which side a shape stands for; it chooses colour, pattern and mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Broadcast,
    Conversation,
    /// Neither of them, or both.
    Other,
}

impl Side {
    /// By its name in the views.
    pub(super) fn named(name: &str) -> Side {
        match name {
            "broadcast" => Side::Broadcast,
            "conversation" => Side::Conversation,
            _ => Side::Other,
        }
    }

    fn class(self) -> &'static str {
        match self {
            Side::Broadcast => "a",
            Side::Conversation => "b",
            Side::Other => "c",
        }
    }
}

/// The words over a row of a picture, line by line: its name at the left, its figure at the right, below where both do not fit beside
/// each other. Nothing is cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Heading(Vec<(String, String)>);

impl Heading {
    pub(super) fn new(label: &str, text: &str) -> Heading {
        if label.chars().count() + text.chars().count() + 2 <= LETTERS {
            return Heading(vec![(label.to_owned(), text.to_owned())]);
        }
        let left = wrapped(label, LETTERS).into_iter().map(|line| (line, String::new()));
        Heading(left.chain(wrapped(text, LETTERS).into_iter().map(|line| (String::new(), line))).collect())
    }

    /// How high it is.
    pub(super) fn height(&self) -> f64 {
        LINE * number_of(self.0.len())
    }

    pub(super) fn draw(&self, canvas: &mut Canvas, top: f64) {
        let mut base = top + 12.0;
        for (left, right) in &self.0 {
            for (x, class, words) in [(0.0, "label", left), (WIDTH, "label end", right)] {
                if !words.is_empty() {
                    canvas.words((x, base), class, words);
                }
            }
            base += LINE;
        }
    }
}

/// Where shapes are put.
#[derive(Clone, Debug)]
pub(super) struct Canvas {
    size: Place,
    body: Html,
}

impl Canvas {
    pub(super) fn new(size: Place) -> Canvas {
        Canvas { size, body: Html::default() }
    }

    pub(super) fn line(&mut self, from: Place, to: Place, class: &str) {
        let (x1, y1, x2, y2) = (unit(from.0), unit(from.1), unit(to.0), unit(to.1));
        self.shape("line", &[("x1", &x1), ("y1", &y1), ("x2", &x2), ("y2", &y2), ("class", class)]);
    }

    pub(super) fn rect(&mut self, at: Place, size: Place, class: &str) {
        let (x, y, width, height) = (unit(at.0), unit(at.1), unit(size.0.max(0.0)), unit(size.1.max(0.0)));
        self.shape("rect", &[("x", &x), ("y", &y), ("width", &width), ("height", &height), ("class", class)]);
    }

    /// A bar of a side; a pale one is the second part of something.
    pub(super) fn bar(&mut self, at: Place, size: Place, (side, pale): (Side, bool)) {
        self.rect(at, size, if pale { [side.class(), "pale"].join(" ") } else { side.class().to_owned() }.as_str());
        if side == Side::Conversation {
            self.rect(at, size, "hatch");
        }
    }

    /// A dot of a side.
    pub(super) fn dot(&mut self, (x, y): Place, radius: f64, side: Side) {
        let class = [side.class(), "dot"].join(" ");
        match side {
            Side::Broadcast => {
                self.shape("circle", &[("cx", &unit(x)), ("cy", &unit(y)), ("r", &unit(radius)), ("class", &class)])
            }
            Side::Conversation => {
                self.rect((x - radius * 0.9, y - radius * 0.9), (radius * 1.8, radius * 1.8), &class);
            }
            Side::Other => {
                let diamond = [(x, y - radius * 1.2), (x + radius * 1.2, y), (x, y + radius * 1.2), (x - radius * 1.2, y)];
                self.polygon(&diamond, &class);
            }
        }
    }

    pub(super) fn polygon(&mut self, places: &[Place], class: &str) {
        self.shape("polygon", &[("points", &points(places)), ("class", class)]);
    }

    pub(super) fn polyline(&mut self, places: &[Place], class: &str) {
        self.shape("polyline", &[("points", &points(places)), ("class", class)]);
    }

    /// Words; the class says how they are aligned: `end`, `middle`, else they begin at the place.
    pub(super) fn words(&mut self, (x, y): Place, class: &str, words: &str) {
        self.body += Html::tag_with("text", &[("x", &unit(x)), ("y", &unit(y)), ("class", class)], Html::text(words));
    }

    /// The picture, for people who see it and for those who have it read to them. `name` is unique on the page.
    pub(super) fn picture(self, name: &str, title: &str, description: &str) -> Html {
        let (title_id, description_id) = (format!("{name}-title"), format!("{name}-description"));
        let labels = Html::tag_with("title", &[("id", &title_id)], Html::text(title))
            + Html::tag_with("desc", &[("id", &description_id)], Html::text(description));
        let labelled = format!("{title_id} {description_id}");
        let attributes = [("viewBox", self.view_box()), ("role", "img".to_owned()), ("aria-labelledby", labelled)];
        let attributes = attributes.each_ref().map(|(name, value)| (*name, value.as_str()));
        Html::tag_with("svg", &attributes, labels + self.body)
    }

    /// The picture as a decoration beside the words that say the same.
    pub(super) fn thumbnail(self) -> Html {
        Html::tag_with("svg", &[("viewBox", &self.view_box()), ("aria-hidden", "true")], self.body)
    }

    fn view_box(&self) -> String {
        format!("0 0 {} {}", unit(self.size.0), unit(self.size.1))
    }

    fn shape(&mut self, name: &'static str, attributes: &[(&'static str, &str)]) {
        self.body += Html::tag_with(name, attributes, Html::default());
    }
}

fn points(places: &[Place]) -> String {
    let places: Vec<String> = places.iter().map(|(x, y)| format!("{},{}", unit(*x), unit(*y))).collect();
    places.join(" ")
}

/// A length with one decimal, where it needs one.
fn unit(length: f64) -> String {
    let text = format!("{length:.1}");
    let text = text.strip_suffix(".0").unwrap_or(&text);
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// A length of a sequence as a figure.
#[expect(clippy::cast_precision_loss, reason = "pictures hold thousands of shapes, not 2^52")]
pub(super) fn number_of(length: usize) -> f64 {
    length as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_says_what_it_shows() {
        let mut canvas = Canvas::new((10.0, 20.5));
        canvas.line((0.0, 1.0), (2.25, -0.01), "axis");
        canvas.words((1.0, 2.0), "end", "<1");
        assert_eq!(
            canvas.picture("x", "T & t", "D").into_string(),
            "<svg viewBox=\"0 0 10 20.5\" role=\"img\" aria-labelledby=\"x-title x-description\"><title id=\"x-title\">T \
                &amp; t</title>\
             <desc id=\"x-description\">D</desc><line x1=\"0\" y1=\"1\" x2=\"2.2\" y2=\"0\" class=\"axis\"></line>\
             <text x=\"1\" y=\"2\" class=\"end\">&lt;1</text></svg>"
        );
    }

    #[test]
    fn words_that_do_not_fit_beside_each_other_stand_below() {
        assert_eq!(Heading::new("place", "+5").height(), 15.0);
        let (label, text) = ("a place with a long name ".repeat(3), "not known: no hourly rate");
        let heading = Heading::new(&label, text);
        let mut canvas = Canvas::new((WIDTH, heading.height()));
        heading.draw(&mut canvas, 0.0);
        let drawn = canvas.thumbnail().into_string();
        assert!(heading.height() == 45.0 && drawn.contains(text) && drawn.matches("place with").count() == 3, "{drawn}");
    }

    #[test]
    fn sides_differ_without_colour() {
        let drawn = |side| {
            let mut canvas = Canvas::new((1.0, 1.0));
            canvas.dot((0.0, 0.0), 4.0, side);
            canvas.bar((0.0, 0.0), (1.0, 1.0), (side, false));
            canvas.thumbnail().into_string()
        };
        let [broadcast, conversation, other] = [Side::Broadcast, Side::Conversation, Side::Other].map(drawn);
        assert!(broadcast.contains("<circle") && !broadcast.contains("hatch"), "{broadcast}");
        assert!(conversation.contains("hatch") && !conversation.contains("<circle"), "{conversation}");
        assert!(other.contains("<polygon") && !other.contains("hatch"), "{other}");
        assert_eq!(
            ["broadcast", "conversation", "unattributed"].map(Side::named),
            [Side::Broadcast, Side::Conversation, Side::Other]
        );
    }
}
