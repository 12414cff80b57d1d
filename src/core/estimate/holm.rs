//! Many questions at once: Holm's correction.

/// The level at which what is asked together is told apart together.
pub const LEVEL: f64 = 0.05;

/// Each p-value, corrected so that all that stay below a level are wrong together no more often than that
/// (Holm, A simple sequentially rejective multiple test procedure, 1979). The order is that of the argument.
#[must_use]
pub fn corrected(p_values: &[f64]) -> Vec<f64> {
    let mut ascending: Vec<usize> = (0..p_values.len()).collect();
    ascending.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    let (mut corrected, mut least) = (vec![1.0; p_values.len()], 0.0_f64);
    for (rank, &at) in ascending.iter().enumerate() {
        #[expect(clippy::cast_precision_loss, reason = "a number of rows")]
        let left = (p_values.len() - rank) as f64;
        // A larger p-value never becomes surer than a smaller one.
        least = least.max(p_values[at] * left).min(1.0);
        corrected[at] = least;
    }
    corrected
}
