//! Who is among the best, where all that is known of each is a mean and an error.

use super::normal;

/// In how many equal parts the distribution of each is cut where others are counted.
const PARTS: usize = 16;

/// How many beyond the best are looked at: that so many more are above a value is impossible while fewer than the best are.
const BEYOND: usize = 50;

/// What is known of one: normal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Known {
    /// Mean.
    pub mean: f64,
    /// Standard deviation.
    pub sd: f64,
}

impl Known {
    /// The probability that it is above a value. Nothing is known without any error: ties are broken by chance.
    fn above(self, value: f64) -> f64 {
        normal::below((self.mean - value) / self.spread())
    }

    fn spread(self) -> f64 {
        self.sd.max(1e-9 * (1.0 + self.mean.abs()))
    }
}

/// The least and the greatest rank that each may have: as many lie wholly above its interval, and wholly below. `errors` is how
/// many standard deviations the intervals reach to either side.
#[must_use]
pub fn ranges(all: &[Known], errors: f64) -> Vec<(usize, usize)> {
    let sorted = |end: fn(&Known, f64) -> f64| {
        let mut ends: Vec<f64> = all.iter().map(|of| end(of, errors)).collect();
        ends.sort_unstable_by(f64::total_cmp);
        ends
    };
    let (low, high) = (|of: &Known, errors: f64| of.mean - errors * of.sd, |of: &Known, errors: f64| of.mean + errors * of.sd);
    let (lows, highs) = (sorted(low), sorted(high));
    let range = |of: &Known| {
        let better = lows.len() - lows.partition_point(|end| *end <= high(of, errors));
        let worse = highs.partition_point(|end| *end < low(of, errors));
        (1 + better, all.len() - worse)
    };
    all.iter().map(range).collect()
}

/// The probability of each that it is among the `best` largest, all independent.
///
/// P = ∫ Q(x) dF(x), where F is its distribution and Q(x) the probability that fewer than `best` of the others are above x (a
/// Poisson-binomial one: Le Cam, An approximation theorem for the Poisson binomial distribution, 1960), exactly at the nodes and in
/// between by the trapezoid rule. Nodes are the quantiles of all, from above, so that they are dense where it is decided.
#[must_use]
pub fn among_best(all: &[Known], best: usize) -> Vec<f64> {
    if all.len() <= best || best == 0 {
        return vec![if best == 0 { 0.0 } else { 1.0 }; all.len()];
    }
    let (mut found, mut last) = (vec![0.0; all.len()], vec![(0.0, 1.0); all.len()]);
    for node in nodes(all, best) {
        let above: Vec<f64> = all.iter().map(|of| of.above(node)).collect();
        for (at, fewer) in others_fewer(&above, best).into_iter().enumerate() {
            let (before, fewer_before) = last[at];
            found[at] += (above[at] - before) * f64::midpoint(fewer, fewer_before);
            last[at] = (above[at], fewer);
        }
    }
    // Below the last node too many are above.
    found.iter().zip(last).map(|(sum, (above, fewer))| (sum + (1.0 - above) * fewer / 2.0).clamp(0.0, 1.0)).collect()
}

/// Where the others are counted, from above.
fn nodes(all: &[Known], best: usize) -> Vec<f64> {
    #[expect(clippy::cast_precision_loss, reason = "a small number")]
    let at = |part: usize| normal::quantile((part as f64 + 0.5) / PARTS as f64);
    let parts: Vec<f64> = (0..PARTS).map(at).collect();
    let mut nodes: Vec<f64> = all.iter().flat_map(|of| parts.iter().map(|part| of.mean + part * of.spread())).collect();
    nodes.sort_unstable_by(|one, other| other.total_cmp(one));
    nodes.truncate((best + BEYOND) * PARTS);
    nodes
}

/// Of each, the probability that fewer than `best` of the others are there, from the probability of each to be there: those before it
/// and those after it, counted apart.
fn others_fewer(there: &[f64], best: usize) -> Vec<f64> {
    let mut before = vec![0.0; best];
    before[0] = 1.0;
    let mut counts = Vec::with_capacity(there.len() * best);
    for probability in there {
        counts.extend_from_slice(&before);
        add(&mut before, *probability);
    }
    let mut after = vec![0.0; best];
    after[0] = 1.0;
    let mut fewer = vec![0.0; there.len()];
    for at in (0..there.len()).rev() {
        let (mut so_many, mut sum) = (0.0, 0.0);
        // With a of them before it, at most best − 1 − a may come after it.
        for (after, before) in after.iter().zip(counts[at * best..(at + 1) * best].iter().rev()) {
            so_many += after;
            sum += before * so_many;
        }
        fewer[at] = sum;
        add(&mut after, there[at]);
    }
    fewer
}

/// One more that may be there: how many there are, as far as it matters.
fn add(counts: &mut [f64], probability: f64) {
    for at in (1..counts.len()).rev() {
        counts[at] = counts[at] * (1.0 - probability) + counts[at - 1] * probability;
    }
    counts[0] *= 1.0 - probability;
}
