//! A tree drawn level by level: how many stand at each depth. Who hangs below whom is not kept, so no single edge is drawn.

use super::{Canvas, Place, SMALL, Side, WIDTH, number_of};
use crate::report::number::count;

/// How many nodes each depth has, the root first.
#[derive(Clone, Debug)]
pub(in crate::report) struct Tree {
    pub(in crate::report) levels: Vec<f64>,
    pub(in crate::report) side: Side,
}

/// Levels that are drawn one by one; what lies deeper is one more.
const LEVELS: usize = 10;

impl Tree {
    pub(in crate::report) fn full(&self) -> Canvas {
        let (levels, deeper) = self.drawn();
        let step = 40.0;
        let height = step * number_of(levels.len());
        let mut canvas = Canvas::new((WIDTH, height.max(step)));
        let labels = 92.0;
        self.draw(&mut canvas, &levels, ((labels, WIDTH), step));
        let mut y = step / 2.0;
        for (depth, nodes) in levels.iter().enumerate() {
            let name = match depth {
                0 => "the post".to_owned(),
                last if deeper && last + 1 == levels.len() => format!("deeper: {}", count(*nodes)),
                depth => format!("depth {depth}: {}", count(*nodes)),
            };
            canvas.words((0.0, y + 4.0), "label", &name);
            y += step;
        }
        canvas
    }

    pub(in crate::report) fn small(&self) -> Canvas {
        let mut canvas = Canvas::new(SMALL);
        let (levels, _) = self.drawn();
        self.draw(&mut canvas, &levels, ((0.0, SMALL.0), SMALL.1 / number_of(levels.len().max(1))));
        canvas
    }

    /// The levels to draw, and whether the last stands for several.
    fn drawn(&self) -> (Vec<f64>, bool) {
        let mut levels: Vec<f64> = self.levels.iter().copied().take(LEVELS).collect();
        let rest: f64 = self.levels.iter().skip(LEVELS).sum();
        let deeper = rest > 0.0;
        levels.extend(deeper.then_some(rest));
        (levels, deeper)
    }

    fn draw(&self, canvas: &mut Canvas, levels: &[f64], ((left, right), step): (Place, f64)) {
        let widest = levels.iter().copied().fold(1.0, f64::max);
        let radius = (step * 0.16).min(5.0);
        let middle = f64::midpoint(left, right);
        let half = |nodes: f64| (nodes / widest * (right - left) / 2.0).max(radius);
        let class = format!("{} band", self.side.class());
        let mut y = step / 2.0;
        for (at, nodes) in levels.iter().enumerate() {
            if let Some(below) = levels.get(at + 1) {
                let (top, bottom) = (y + radius, y + step - radius);
                let (upper, lower) = (half(*nodes), half(*below));
                canvas.polygon(
                    &[(middle - upper, top), (middle + upper, top), (middle + lower, bottom), (middle - lower, bottom)],
                    &class,
                );
            }
            let reach = half(*nodes) - radius;
            // Dots that would lie on each other are a bar.
            if *nodes == 1.0 || reach >= radius * 1.2 * (*nodes - 1.0) {
                let mut node = 0.0;
                while node < *nodes {
                    let x = if *nodes > 1.0 { middle - reach + 2.0 * reach * node / (*nodes - 1.0) } else { middle };
                    canvas.dot((x, y), radius, self.side);
                    node += 1.0;
                }
            } else {
                canvas.bar((middle - half(*nodes), y - radius), (half(*nodes) * 2.0, radius * 2.0), (self.side, false));
            }
            y += step;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_nodes_are_dots_many_are_a_bar_and_all_are_counted() {
        let drawn = |levels| Tree { levels, side: Side::Broadcast }.full().thumbnail().into_string();
        let few = drawn(vec![1.0, 20.0, 9.0]);
        assert_eq!((few.matches("<circle").count(), few.matches("<rect").count()), (30, 0), "{few}");
        let many = drawn(vec![1.0, 620.0, 22.0]);
        assert_eq!((many.matches("<circle").count(), many.matches("<rect").count()), (1, 2), "{many}");
        assert!(many.contains(">depth 1: 620<") && many.contains(">depth 2: 22<"), "{many}");
    }

    #[test]
    fn what_lies_deep_is_summed() {
        let tree = Tree { levels: vec![1.0; 14], side: Side::Conversation };
        assert_eq!(tree.drawn(), ([vec![1.0; 10], vec![4.0]].concat(), true));
        assert!(tree.full().thumbnail().into_string().contains(">deeper: 4<"));
        assert!(Tree { levels: vec![], side: Side::Broadcast }.small().thumbnail().into_string().starts_with("<svg"));
    }
}
