//! Examples as people write them: a table of what happened, with a column for each rule that says who gets what.
//!
//! ```text
//! | when         | what          | first | last | last of r1 | linear, 7 days |
//! |--------------|---------------|-------|------|------------|----------------|
//! | day 1, 10:00 | post A        | 100   |      |            | 50             |
//! | day 1, 10:10 | campaign b    |       | 100  | -20        | 50             |
//! | day 1, 10:15 | sale of 100   |       |      |            |                |
//! | day 2, 09:00 | refund of 20  |       |      |            |                |
//! ```
//!
//! What may happen: see [`Example::happens`]. A column is of the first conversion, or `of` the one that is named, within 30 days if
//! it does not say. What nobody gets stands in the row of the conversion.

use super::*;

#[derive(Default)]
pub(super) struct Example {
    /// What passes through is the number of the row, of sales as well.
    pub(super) touches: Vec<Touch<usize>>,
    pub(super) sales: Vec<Sale<usize>>,
    heading: Vec<String>,
    rows: Vec<Vec<String>>,
}

fn cells(line: &str) -> Vec<String> {
    line.trim().trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()
}

/// `day 2, 10:15`, with seconds and milliseconds if they matter.
fn time(text: &str) -> Millis {
    let (day, clock) =
        text.strip_prefix("day ").and_then(|rest| rest.split_once(", ")).unwrap_or_else(|| panic!("when is {text}?"));
    day.parse::<Millis>().unwrap() * DAY_MS + duration(clock, &[3_600_000, 60_000, 1_000, 1])
}

/// Numbers between colons and points, each in its unit.
fn duration(text: &str, units: &[Millis]) -> Millis {
    text.split([':', '.']).zip(units).map(|(number, unit)| number.parse::<Millis>().unwrap() * unit).sum()
}

fn units(text: &str) -> Millionths {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let magnitude = format!("{}{decimals:0<6}", whole.trim_start_matches('-')).parse::<Millionths>().unwrap();
    if whole.starts_with('-') { -magnitude } else { magnitude }
}

fn in_words(units: Millionths) -> String {
    let text = format!("{}{}.{:06}", if units < 0 { "-" } else { "" }, units.abs() / 1_000_000, units.abs() % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

impl Example {
    /// Reads lines of a table; `None` if it is another table.
    pub(super) fn read(table: &[&str]) -> Option<Example> {
        let heading = cells(table.first()?);
        let mut example = Example { heading, ..Example::default() };
        if example.heading.first()? != "when" {
            return None;
        }
        for line in &table[2..] {
            let row = cells(line);
            assert_eq!(row.len(), example.heading.len(), "{line}");
            example.happens(&row[1], time(&row[0]));
            example.rows.push(row);
        }
        Some(example)
    }

    /// `post A`, `reply under A`, `campaign b`, `google`, `direct`, in any sensible combination (`post A, campaign b`); a visit
    /// through a `payment page`; `click on post A without a visit, 9 s after it` (or `at an unknown age`); `sale of 100`,
    /// `sale o2 of 100`, `refund of 20` (of the first sale), `refund r1 of 20`, `sale r2 of -20`.
    fn happens(&mut self, what: &str, time: Millis) {
        let row = self.rows.len();
        let words: Vec<&str> = what.split([' ', ',']).filter(|word| !word.is_empty()).collect();
        let after = |word: &str| words.iter().position(|w| *w == word).and_then(|at| words.get(at + 1)).copied();
        if matches!(words[0], "sale" | "refund") {
            let id = if words[1] == "of" { words[0] } else { words[1] }.to_owned();
            let amount = units(after("of").unwrap());
            let (refund_of, sold_at, amount) = match self.sales.first() {
                _ if words[0] == "sale" => (String::new(), time, amount),
                Some(sale) => (sale.id.clone(), sale.sold_at, -amount),
                None => ("unknown".to_owned(), time, -amount),
            };
            self.sales.push(Sale { id, sold_at, amount, refund_of, more: row, ..Sale::default() });
            return;
        }
        let lone = what.contains("without a visit");
        let age = words.iter().position(|word| *word == "s").map(|at| duration(words[at - 1], &[1_000, 1]));
        if what == "payment page" || (lone && !lone_click_is_touch(time, age.map(|age| time - age))) {
            return;
        }
        let root = after("post").or_else(|| after("under")).unwrap_or_default().to_owned();
        let campaign = after("campaign").unwrap_or_default().to_owned();
        assert!(!(root.is_empty() && campaign.is_empty()) || ["direct", "google"].contains(&what), "what is {what}?");
        let kind = if lone { Kind::Click } else { Kind::Visit };
        let direct = what == "direct";
        self.touches.push(Touch { time, kind, id: row.to_string(), root, campaign, direct, tracked: !direct, more: row });
    }

    /// Compares every cell with what the rules say; the number of cells with a figure.
    pub(super) fn check(&self) -> usize {
        let mut figures = 0;
        for (column, title) in self.heading.iter().enumerate().skip(2) {
            let (title_rule, days) = title.split_once(", ").unwrap_or((title, "30 days"));
            let days: u16 = days.strip_suffix(" days").and_then(|days| days.parse().ok()).unwrap();
            let (rule, of) = title_rule.split_once(" of ").unwrap_or((title_rule, self.sales[0].id.as_str()));
            let mut found = vec![String::new(); self.rows.len()];
            for part in parts_of(&self.touches, &self.sales) {
                let sale = &self.sales[part.sale];
                if sale.id == of && part.rule.name() == rule && part.days == days {
                    found[part.touch.unwrap_or(sale.more)] = in_words(part.credit);
                }
            }
            let expected: Vec<&str> = self.rows.iter().map(|row| row[column].as_str()).collect();
            assert_eq!(found, expected, "{title} of {:#?}", self.rows);
            figures += expected.iter().filter(|cell| !cell.is_empty()).count();
        }
        figures
    }
}
