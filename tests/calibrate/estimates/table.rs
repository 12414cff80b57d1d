//! A table of targets and figures.

/// How many worlds: what WORLDS says, else few.
pub(crate) fn worlds(full: usize, short: usize) -> usize {
    let said = std::env::var("WORLDS").ok();
    said.map_or(short, |text| text.parse().unwrap_or(full))
}

/// Whether every figure has to meet its target; a short run only must not contradict it.
fn is_short() -> bool {
    std::env::var("WORLDS").is_err()
}

/// What a share in percent has to lie within.
pub(crate) struct Target {
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) promised: bool,
}

/// Rows of target and figure. Promised ones are those that docs/calibration.md lists as met.
pub(crate) struct Table {
    broken: Vec<String>,
}

impl Table {
    pub(crate) fn new(title: &str) -> Table {
        println!("{title}\n  {:72} {:>18} {:>9}  verdict", "quantity", "target", "figure");
        Table { broken: Vec::new() }
    }

    fn row(&mut self, (name, target, figure): (&str, String, String), met: bool, promised: bool, more: &str) {
        let verdict = match (met, promised) {
            (true, true) => "met",
            (true, false) => "met, though not promised",
            (false, true) => "missed",
            (false, false) => "missed, as documented",
        };
        let more = if more.is_empty() { String::new() } else { format!(", {more}") };
        println!("  {name:72} {target:>18} {figure:>9}  {verdict}{more}");
        if promised && !met {
            self.broken.push(name.to_owned());
        }
    }

    /// A share in percent that has to lie within bounds. A short run allows three and a half standard errors of each bound.
    pub(crate) fn share(&mut self, name: &str, (count, of): (usize, usize), target: &Target, more: &str) {
        let Target { low, high, promised } = *target;
        let share = count as f64 / of.max(1) as f64;
        let slack = |bound: f64| if is_short() { 3.5 * (bound * (1.0 - bound) / of.max(1) as f64).sqrt() } else { 0.0 };
        let (least, most) = (low / 100.0 - slack(low / 100.0), high / 100.0 + slack(high / 100.0));
        let met = of > 0 && least <= share && share <= most;
        let more = format!("{of} cases{}{more}", if more.is_empty() { "" } else { ", " });
        self.row((name, format!("{low} to {high} %"), format!("{:.1} %", 100.0 * share)), met, promised, &more);
    }

    /// A figure that may be at most so large; a short run allows half as much again.
    pub(crate) fn most(&mut self, name: &str, figure: f64, most: f64, promised: bool) {
        let met = figure <= most * if is_short() { 1.5 } else { 1.0 };
        self.row((name, format!("at most {most}"), format!("{figure:.2}")), met, promised, "");
    }

    /// Fails if a promise is broken.
    pub(crate) fn end(self) {
        assert!(self.broken.is_empty(), "missed although listed as met: {}", self.broken.join("; "));
    }
}
