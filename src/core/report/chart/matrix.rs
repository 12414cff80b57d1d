//! Shares by week: a row a measure, a cell a week, strong where much is known.

use super::{Canvas, SMALL, WIDTH, number_of};
use crate::report::number::share;

/// One measure.
#[derive(Clone, Debug)]
pub(in crate::report) struct MatrixRow {
    pub(in crate::report) label: String,
    /// A share of 1 a week; none where it is not known.
    pub(in crate::report) cells: Vec<Option<f64>>,
}

/// All measures over the same weeks.
#[derive(Clone, Debug)]
pub(in crate::report) struct Matrix {
    pub(in crate::report) weeks: Vec<String>,
    pub(in crate::report) rows: Vec<MatrixRow>,
}

const ROW: f64 = 24.0;
const LABELS: f64 = 148.0;

impl Matrix {
    pub(in crate::report) fn full(&self) -> Canvas {
        let mut canvas = Canvas::new((WIDTH, ROW * number_of(self.rows.len()) + 20.0));
        let width = (WIDTH - LABELS) / number_of(self.weeks.len().max(1));
        let mut x = LABELS;
        for week in &self.weeks {
            canvas.words((x + width / 2.0, 12.0), "tick middle", week);
            x += width;
        }
        let mut top = 20.0;
        for row in &self.rows {
            canvas.words((0.0, top + 15.0), "label", &row.label);
            let mut x = LABELS;
            for cell in &row.cells {
                canvas.rect((x, top), (width - 2.0, ROW - 2.0), level(*cell));
                let text = cell.map_or_else(|| "?".to_owned(), |value| share(value).replace('\u{a0}', ""));
                canvas.words((x + width / 2.0 - 1.0, top + 15.0), &format!("tick middle on-{}", level(*cell)), &text);
                x += width;
            }
            top += ROW;
        }
        canvas
    }

    pub(in crate::report) fn small(&self) -> Canvas {
        let mut canvas = Canvas::new(SMALL);
        let step = (SMALL.0 / number_of(self.weeks.len().max(1)), SMALL.1 / number_of(self.rows.len().max(1)));
        let mut top = 0.0;
        for row in &self.rows {
            let mut x = 0.0;
            for cell in &row.cells {
                canvas.rect((x, top), (step.0 - 1.5, step.1 - 1.5), level(*cell));
                x += step.0;
            }
            top += step.1;
        }
        canvas
    }
}

/// How strong a cell is: in fifths, so that neighbours differ.
fn level(cell: Option<f64>) -> &'static str {
    match cell {
        None => "level-none",
        Some(value) if value < 0.2 => "level-0",
        Some(value) if value < 0.4 => "level-1",
        Some(value) if value < 0.6 => "level-2",
        Some(value) if value < 0.8 => "level-3",
        Some(_) => "level-4",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_says_its_share_and_an_unknown_one_a_question_mark() {
        let row = MatrixRow { label: "visits told".to_owned(), cells: vec![Some(0.85), Some(0.1), None] };
        let matrix = Matrix { weeks: vec!["2 Mar".to_owned(), "9 Mar".to_owned(), "16 Mar".to_owned()], rows: vec![row] };
        let drawn = matrix.full().thumbnail().into_string();
        for expected in ["level-4", ">85%<", "level-0", ">10%<", "level-none", ">?<", ">visits told<"] {
            assert!(drawn.contains(expected), "{expected}: {drawn}");
        }
        assert_eq!(matrix.small().thumbnail().into_string().matches("<rect").count(), 3);
    }
}
