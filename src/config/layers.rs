//! Three layers become one table: the defaults, the user's file, the environment. The later one wins.
//!
//! Here names and types are judged; what values mean is judged in `validate.rs`. A value with a mistake keeps its
//! default, so that the rest can still be judged and every mistake be named in one run.

use std::collections::BTreeMap;
use std::path::Path;

use toml::{Table, Value};

use super::mistake::{Mistake, nearest};
use super::passed;
use super::raw::SECRETS;

/// The reference file: every key with its default.
pub(super) const DEFAULTS: &str = include_str!("../../config/worker.toml");

const PREFIX: &str = "GRAPEVINE_";

/// Variables with the prefix that are no keys of a worker: what a build is told, where the library of the embedded ClickHouse engine lies,
/// where trials write traces, and the seeds of the simulation, which a shell may have exported.
const OTHER_VARIABLES: [&str; 6] =
    ["GRAPEVINE_COMMIT", "GRAPEVINE_DATE", "GRAPEVINE_LIBCHDB", "GRAPEVINE_READER_TRACE", "GRAPEVINE_SEED", "GRAPEVINE_SEEDS"];

/// Keys that have another name now: the section, the old name, and the cure.
const RENAMED: [(&str, &str, &str); 1] =
    [("clickhouse", "url", "is clickhouse.urls now: one address or more, with commas between them")];

/// Where the value of a key comes from.
#[derive(Clone, Debug)]
enum Origin {
    File(String),
    Variable(String),
}

/// The merged layers.
pub(super) struct Layers {
    pub(super) table: Table,
    origins: BTreeMap<(String, String), Origin>,
    secrets: BTreeMap<(&'static str, &'static str), String>,
    pub(super) mistakes: Vec<Mistake>,
}

impl Layers {
    /// Only the defaults.
    pub(super) fn defaults() -> Layers {
        let mut layers = Layers { table: Table::new(), origins: BTreeMap::new(), secrets: BTreeMap::new(), mistakes: Vec::new() };
        match DEFAULTS.parse::<Table>() {
            Ok(table) => layers.table = table,
            Err(error) => layers.mistakes.push(Mistake::new("the defaults", error.to_string(), "this build is broken")),
        }
        layers
    }

    /// Puts the user's file over what is there.
    pub(super) fn put_file(&mut self, path: &Path) {
        let name = path.display().to_string();
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) => {
                let cure = "give the path of a readable file, or none to use the defaults";
                return self.mistakes.push(Mistake::new(name, format!("cannot be read: {error}"), cure));
            }
        };
        match text.parse::<Table>() {
            Ok(sections) => self.put_sections(&name, sections),
            // The parser's message shows the line, which may hold a secret that does not belong there.
            Err(error) => {
                let line = error.span().map_or(0, |span| text.get(..span.start).unwrap_or("").matches('\n').count() + 1);
                let problem = format!("is not TOML, line {line}: {}", error.message().trim());
                self.mistakes.push(Mistake::new(name, problem, "mend that line; text stands in double quotes"));
            }
        }
    }

    fn put_sections(&mut self, file: &str, sections: Table) {
        for (section, keys) in sections {
            let Value::Table(keys) = keys else {
                let cure = format!("put it under its section; there are {}", list(self.table.keys()));
                self.mistakes.push(Mistake::new(format!("{file}: {section}"), "stands outside of a section", cure));
                continue;
            };
            if !self.table.contains_key(&section) {
                let cure = suggestion(&section, self.table.keys().map(String::as_str));
                self.mistakes.push(Mistake::new(format!("{file}: [{section}]"), "is no section", cure));
                continue;
            }
            for (key, value) in keys {
                self.put_file_value(file, (&section, &key), value);
            }
        }
    }

    fn put_file_value(&mut self, file: &str, (section, key): (&str, &str), value: Value) {
        let place = format!("{file}: {section}.{key}");
        if SECRETS.contains(&(section, key)) {
            let problem = "is a secret, and such files end up in repositories and images";
            let cure = format!("set {} or name a file in {section}.{key}_file", variable(section, key));
            return self.mistakes.push(Mistake::new(place, problem, cure));
        }
        let Some(default) = self.default(section, key) else {
            let cure = renamed(|old_section, old| (old_section, old) == (section, key));
            let cure = cure.unwrap_or_else(|| suggestion(key, self.keys(section)));
            return self.mistakes.push(Mistake::new(place, "is no key", cure));
        };
        let wrong = format!("{value} has the wrong type");
        let fits = if default.is_table() { passed::settings(value) } else { fitting(default, &value).map(|()| value) };
        match fits {
            Ok(value) => self.put((section, key), value, Origin::File(file.to_owned())),
            Err(cure) => self.mistakes.push(Mistake::new(place, wrong, cure)),
        }
    }

    /// Puts the variables with our prefix over what is there.
    pub(super) fn put_environment(&mut self, variables: impl Iterator<Item = (String, String)>) {
        let ours = |name: &str| name.starts_with(PREFIX) && !OTHER_VARIABLES.contains(&name) && !is_service_link(name);
        let mut variables: Vec<_> = variables.filter(|(name, _)| ours(name)).collect();
        variables.sort();
        for (name, text) in variables {
            self.put_variable(name, &text);
        }
    }

    fn put_variable(&mut self, name: String, text: &str) {
        if let Some(secret) = SECRETS.into_iter().find(|(section, key)| variable(section, key) == name) {
            self.secrets.insert(secret, text.to_owned());
            self.origins.insert((secret.0.to_owned(), secret.1.to_owned()), Origin::Variable(name));
            return;
        }
        if let Some((section, key)) = self.table_of(&name) {
            let cure = format!("write [{section}.{key}] into the file that --config names, and a setting a line below it");
            return self.mistakes.push(Mistake::new(name, "would set a table, which a variable cannot hold", cure));
        }
        let Some((section, key)) = self.all_keys().into_iter().find(|(section, key)| variable(section, key) == name) else {
            let names: Vec<String> = self.all_keys().iter().chain(&owned(&SECRETS)).map(|(s, k)| variable(s, k)).collect();
            let cure = renamed(|section, old| variable(section, old) == name);
            let cure = cure.unwrap_or_else(|| suggestion(&name, names.iter().map(String::as_str)));
            return self.mistakes.push(Mistake::new(name, "is no variable of the configuration", cure));
        };
        let Some(default) = self.default(&section, &key) else { return };
        let number = text.trim().replace('_', "").parse().ok().filter(|_| default.is_integer());
        let value = number.map_or_else(|| Value::String(text.to_owned()), Value::Integer);
        match fitting(default, &value) {
            Ok(()) => self.put((&section, &key), value, Origin::Variable(name)),
            Err(cure) => self.mistakes.push(Mistake::new(name, format!("{text:?} has the wrong type"), cure)),
        }
    }

    fn put(&mut self, (section, key): (&str, &str), value: Value, origin: Origin) {
        if let Some(Value::Table(keys)) = self.table.get_mut(section) {
            keys.insert(key.to_owned(), value);
            self.origins.insert((section.to_owned(), key.to_owned()), origin);
        }
    }

    /// The value of a secret that stands in a variable.
    pub(super) fn secret_variable(&self, section: &'static str, key: &'static str) -> Option<&str> {
        self.secrets.get(&(section, key)).map(String::as_str)
    }

    /// Where the value of a key stands, in words. A secret that stands in no variable stands where its file is named.
    pub(super) fn place(&self, section: &str, key: &str) -> String {
        let origin = |key: &str| self.origins.get(&(section.to_owned(), key.to_owned()));
        let from_file = format!("{key}_file");
        let secret = SECRETS.contains(&(section, key));
        match origin(key).or_else(|| origin(&from_file).filter(|_| secret)) {
            Some(Origin::File(file)) => format!("{file}: {section}.{key}"),
            Some(Origin::Variable(name)) => name.clone(),
            None if secret => format!("{section}.{key}"),
            None => format!("{section}.{key} (default)"),
        }
    }

    fn default(&self, section: &str, key: &str) -> Option<&Value> {
        self.table.get(section)?.get(key)
    }

    fn keys<'a>(&'a self, section: &str) -> impl Iterator<Item = &'a str> {
        self.table.get(section).and_then(Value::as_table).into_iter().flat_map(Table::keys).map(String::as_str)
    }

    /// The table that a variable would set, or a setting in it.
    fn table_of(&self, name: &str) -> Option<(String, String)> {
        let is_table = |(section, key): &(String, String)| self.default(section, key).is_some_and(Value::is_table);
        self.all_keys().into_iter().filter(is_table).find(|(section, key)| {
            let rest = name.strip_prefix(&variable(section, key));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
        })
    }

    fn all_keys(&self) -> Vec<(String, String)> {
        let of = |section: &String| -> Vec<_> { self.keys(section).map(|key| (section.clone(), key.to_owned())).collect() };
        self.table.keys().flat_map(of).collect()
    }
}

/// The variable that sets a key.
pub(super) fn variable(section: &str, key: &str) -> String {
    format!("{PREFIX}{}_{}", section.to_uppercase(), key.to_uppercase())
}

fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(section, key)| ((*section).to_owned(), (*key).to_owned())).collect()
}

/// Kubernetes tells every container about a Service called `grapevine` (or `grapevine-…`) in variables of these forms.
fn is_service_link(name: &str) -> bool {
    let port = name.split_once("_PORT_").is_some_and(|(_, rest)| rest.starts_with(|digit: char| digit.is_ascii_digit()));
    name.ends_with("_SERVICE_HOST") || name.contains("_SERVICE_PORT") || name.ends_with("_PORT") || port
}

/// Says what a value has to be, if it is not of the default's kind.
fn fitting(default: &Value, value: &Value) -> Result<(), &'static str> {
    match (default, value) {
        (Value::Integer(_), Value::Integer(number)) if *number >= 0 => Ok(()),
        (Value::Integer(_), _) => Err("write a whole number, not negative, without quotes; its unit is in the key's name"),
        (Value::String(_), Value::String(_)) => Ok(()),
        _ => Err("write text in double quotes"),
    }
}

/// What became of a key that had another name.
fn renamed(is_it: impl Fn(&str, &str) -> bool) -> Option<String> {
    RENAMED.into_iter().find(|(section, old, _)| is_it(section, old)).map(|(_, _, cure)| format!("it {cure}"))
}

fn suggestion<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> String {
    match nearest(word, candidates) {
        Some(candidate) => format!("did you mean {candidate}?"),
        None => "remove it; config/worker.toml lists every key".to_owned(),
    }
}

fn list<'a>(names: impl Iterator<Item = &'a String>) -> String {
    names.map(|name| format!("[{name}]")).collect::<Vec<_>>().join(", ")
}
