//! Judges one value at a time, and writes down what is wrong with it.
//!
//! Every method returns a usable value, whatever it was given, so that judging goes on after a mistake.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::layers::{Layers, variable};
use super::mistake::{Mistake, nearest};
use super::{Key, Secret};
use crate::record::Millis;

/// The mistakes so far, and where values come from.
pub(super) struct Judge<'a> {
    pub(super) layers: &'a Layers,
    pub(super) mistakes: Vec<Mistake>,
}

impl Judge<'_> {
    /// Notes a mistake in the value of a key. The value of a secret must not be in `problem`.
    pub(super) fn wrong(&mut self, (section, key): Key, problem: impl Into<String>, cure: impl Into<String>) {
        self.mistakes.push(Mistake::new(self.layers.place(section, key), problem, cure));
    }

    /// A number within bounds.
    pub(super) fn within(&mut self, key: Key, value: u64, bounds: RangeInclusive<u64>) -> u64 {
        if !bounds.contains(&value) {
            let cure = format!("choose from {} to {}", bounds.start(), bounds.end());
            self.wrong(key, format!("{value} is out of bounds"), cure);
        }
        value.clamp(*bounds.start(), *bounds.end())
    }

    pub(super) fn seconds(&mut self, key: Key, value: u64, bounds: RangeInclusive<u64>) -> Duration {
        Duration::from_secs(self.within(key, value, bounds))
    }

    pub(super) fn millis(&mut self, key: Key, value: u64, bounds: RangeInclusive<u64>) -> Duration {
        Duration::from_millis(self.within(key, value, bounds))
    }

    /// A number of units within bounds, in milliseconds of event time.
    pub(super) fn event_time(&mut self, key: Key, value: u64, bounds: RangeInclusive<u64>, unit: Millis) -> Millis {
        Millis::try_from(self.within(key, value, bounds)).unwrap_or(0).saturating_mul(unit)
    }

    /// A size or number that memory has to hold.
    pub(super) fn size(&mut self, key: Key, value: u64, bounds: RangeInclusive<u64>) -> usize {
        usize::try_from(self.within(key, value, bounds)).unwrap_or(usize::MAX)
    }

    /// One word out of a list.
    pub(super) fn one_of(&mut self, key: Key, value: String, words: &[&str]) -> String {
        if !words.contains(&value.as_str()) {
            let same = words.iter().copied().find(|word| word.eq_ignore_ascii_case(&value));
            let meant = same.or_else(|| nearest(&value, words.iter().copied()));
            let hint = meant.map_or_else(String::new, |word| format!(" (did you mean {word}?)"));
            self.wrong(key, format!("{value:?} is not known"), format!("choose one of {}{hint}", words.join(", ")));
        }
        value
    }

    /// Text of certain characters only, not empty.
    pub(super) fn name(&mut self, key: Key, value: String, allowed: fn(char) -> bool, characters: &str) -> String {
        if value.is_empty() {
            self.wrong(key, "is empty", format!("write a name of {characters}"));
        } else if value.len() > 249 || !value.chars().all(allowed) {
            self.wrong(key, format!("{value:?} is no name"), format!("use {characters}, 249 at most"));
        }
        value
    }

    /// The file that a secret comes from, unless it is from its variable.
    pub(super) fn secret_file(&self, (section, key): Key, path: &str) -> Option<PathBuf> {
        let from_file = self.layers.secret_variable(section, key).is_none() && !path.is_empty();
        from_file.then(|| PathBuf::from(path))
    }

    /// A secret: out of its variable, else out of the file that `file_key` names, else empty.
    pub(super) fn secret(&mut self, (section, key): Key, file_key: Key, path: &str) -> Secret {
        if let Some(value) = self.layers.secret_variable(section, key) {
            return Secret(value.to_owned());
        }
        if path.is_empty() {
            return Secret::default();
        }
        let cure = format!("name a readable file that holds the secret, or set {}", variable(section, key));
        Secret::held(file_key, Path::new(path)).unwrap_or_else(|flaw| {
            self.wrong(file_key, flaw.problem, cure);
            Secret::default()
        })
    }
}
