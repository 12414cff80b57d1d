//! Mistakes in a configuration, collected so that one run names all of them.
//!
//! A mistake never holds a secret: whoever makes one leaves the value of a secret out.

use std::fmt;

/// One mistake: where it stands, what is wrong, and the cure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The file and key, or the variable, that holds the value.
    pub place: String,
    /// What is wrong with which value.
    pub problem: String,
    /// What to do.
    pub cure: String,
}

impl Mistake {
    pub(super) fn new(place: impl Into<String>, problem: impl Into<String>, cure: impl Into<String>) -> Mistake {
        Mistake { place: place.into(), problem: problem.into(), cure: cure.into() }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.place, self.problem, self.cure)
    }
}

/// All mistakes of a configuration, in the order of layers and keys. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors(pub Vec<Mistake>);

impl std::error::Error for ConfigErrors {}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let noun = if self.0.len() == 1 { "mistake" } else { "mistakes" };
        write!(f, "{} {noun} in the configuration", self.0.len())?;
        for mistake in &self.0 {
            write!(f, "\n  {mistake}")?;
        }
        Ok(())
    }
}

/// The candidate that a person most likely meant, if one is near enough.
pub(super) fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let near_enough = 1 + word.len() / 4;
    let distance_of = |candidate: &'a str| (edit_distance(word, candidate), candidate);
    candidates.map(distance_of).min().filter(|(distance, _)| *distance <= near_enough).map(|(_, candidate)| candidate)
}

/// Levenshtein's distance between the bytes of two words.
fn edit_distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.bytes().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, b) in to.bytes().enumerate() {
            let substituted = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::{edit_distance, nearest};

    #[test]
    fn the_edit_distance_counts_insertions_deletions_and_substitutions() {
        for (from, to, distance) in [("", "abc", 3), ("abc", "", 3), ("kitten", "sitting", 3), ("same", "same", 0)] {
            assert_eq!(edit_distance(from, to), distance, "{from} -> {to}");
        }
    }

    #[test]
    fn a_far_word_suggests_nothing() {
        assert_eq!(nearest("brokrs", ["brokers", "topic"].into_iter()), Some("brokers"));
        assert_eq!(nearest("colour", ["brokers", "topic"].into_iter()), None);
    }
}
