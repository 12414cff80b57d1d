//! The texts of models and answers, made to fit a run.

use super::LOOKBACK;
use crate::attribution::Lookback;

/// The longest look-back of any rule, in days.
const LONGEST: u16 = Lookback::ALL[Lookback::ALL.len() - 1].days;

/// What stands in a text for something of the run; beside it `{lookback}`, by which answers go that name none, and `{longest_lookback}`.
pub(super) struct Places<'a> {
    /// `{as_of}`: how far the data reach.
    pub(super) as_of: &'a str,
    /// `{model.name}`: the table of a model.
    pub(super) models: &'a dyn Fn(&str) -> String,
}

impl Places<'_> {
    /// A text with everything in its place.
    pub(super) fn fill(&self, text: &str) -> String {
        let text = text.replace("{as_of}", self.as_of).replace("{lookback}", &LOOKBACK.to_string());
        let text = text.replace("{longest_lookback}", &LONGEST.to_string());
        let mut parts = text.split("{model.");
        let mut filled = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (name, rest) = part.split_once('}').unwrap_or((part, ""));
            filled += &(self.models)(name);
            filled += rest;
        }
        filled
    }
}

/// A text as SQL writes it.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// By what the rows of a model are sorted, as the line `-- order: …` of its text says.
pub(super) fn order(text: &str) -> &str {
    text.lines().find_map(|line| line.strip_prefix("-- order: ")).unwrap_or("tuple()")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rollup::list::texts;
    use crate::rollup::{ANSWERS, MODELS, Made};

    fn filled(text: &str) -> String {
        Places { as_of: "now()", models: &|name| format!("m.{name}_7") }.fill(text)
    }

    #[test]
    fn everything_is_put_in_its_place() {
        assert_eq!(filled("SELECT {as_of} FROM {model.one} JOIN {model.two}"), "SELECT now() FROM m.one_7 JOIN m.two_7");
        assert_eq!(filled("INTERVAL {lookback} DAY"), "INTERVAL 30 DAY");
        assert_eq!(filled("INTERVAL {longest_lookback} DAY"), "INTERVAL 90 DAY");
    }

    #[test]
    fn a_text_is_quoted_also_within_a_quoted_one() {
        assert_eq!(quoted("it's a \\"), "'it\\'s a \\\\'");
        assert_eq!(quoted(&quoted("o'k")), "'\\'o\\\\\\'k\\''");
    }

    #[test]
    fn no_text_asks_for_something_that_is_not_there() {
        for (name, text) in texts() {
            let filled = Places { as_of: "now()", models: &|model| made(model).to_owned() }.fill(text);
            for place in ["{as_of}", "{lookback}", "{longest_lookback}", "{model"] {
                assert!(!filled.contains(place), "{name}: nothing fills {place}");
            }
        }
    }

    /// Whether there is such a table of a run.
    fn made(model: &str) -> &str {
        assert!(MODELS.iter().any(|known| known.name == model), "there is no model {model}");
        model
    }

    #[test]
    fn a_model_reads_only_models_before_it_and_says_its_order() {
        for (at, model) in MODELS.iter().enumerate() {
            let is_before = |name: &str| MODELS[..at].iter().any(|earlier| earlier.name == name);
            if let Made::With(other) = model.made {
                assert!(is_before(other), "{} is made with {other}, which is not before it", model.name);
            }
            let Made::Select(text) = model.made else { continue };
            assert!(text.contains("\n-- order: "), "{} does not say by what it is sorted", model.name);
            for part in text.split("{model.").skip(1) {
                let name = part.split('}').next().unwrap();
                assert!(is_before(name), "{} reads {name} too early", model.name);
            }
        }
    }

    #[test]
    fn the_lists_are_the_folders() {
        let listed = |folder: &str| {
            let folder = format!("{}/deploy/clickhouse/{folder}", env!("CARGO_MANIFEST_DIR"));
            let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
            let mut names: Vec<String> = names.map(|name| name.trim_end_matches(".sql").to_owned()).collect();
            names.sort();
            names
        };
        let models: Vec<String> = listed("models").iter().map(|name| name[3..].to_owned()).collect();
        let of_files = MODELS.iter().filter(|model| matches!(model.made, Made::Select(_)));
        assert_eq!(models, of_files.map(|model| model.name).collect::<Vec<_>>(), "in the order of their numbers");
        let answers: Vec<&str> = ANSWERS.iter().filter(|answer| answer.select.is_some()).map(|answer| answer.name).collect();
        assert_eq!(listed("answers"), answers, "by the alphabet");
    }

    #[test]
    fn a_question_is_read_in_one_sitting() {
        for (name, text) in texts() {
            let lines = text.lines().count();
            assert!(lines <= 60, "{name} has {lines} lines: cut it into models, or let Rust judge it");
        }
    }
}
