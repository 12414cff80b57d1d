//! Which rows the golden histories gave under which revision of the rules, as hashes.
//!
//! The words of `detail` are for people and are left out: better words are no other rule.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::Hasher;

use grapevine::engine::RULES_REVISION;
use siphasher::sip::SipHasher13;

use crate::fold::Case;

/// The content of `revision.txt`.
#[derive(Debug, Default)]
pub(crate) struct Revision {
    number: u32,
    /// Of each history by name: the hash of its events, and of its rows.
    hashes: BTreeMap<String, (String, String)>,
}

impl Revision {
    pub(crate) fn of(cases: &[Case]) -> Revision {
        let hashes = |case: &Case| (case.name.clone(), (hash(&case.events), hash(without_details(&case.text()).as_bytes())));
        Revision { number: RULES_REVISION, hashes: cases.iter().map(hashes).collect() }
    }

    pub(crate) fn read(text: &str) -> Revision {
        let mut revision = Revision::default();
        for line in text.lines() {
            match *line.split(' ').collect::<Vec<_>>() {
                ["revision", number] => revision.number = number.parse().expect("a revision is a number"),
                [name, events, rows] => {
                    revision.hashes.insert(name.to_owned(), (events.to_owned(), rows.to_owned()));
                }
                _ => panic!("revision.txt: {line:?} is no line of it"),
            }
        }
        revision
    }

    /// Histories with the same events and other rows, under the same number.
    pub(crate) fn changed_since(&self, accepted: &Revision) -> Vec<&str> {
        let changed = |(name, (events, rows)): &(&String, &(String, String))| {
            accepted.hashes.get(*name).is_some_and(|(old_events, old_rows)| old_events == events && old_rows != rows)
        };
        let changed = self.hashes.iter().filter(changed).map(|(name, _)| &**name);
        if self.number == accepted.number { changed.collect() } else { Vec::new() }
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "revision {}", self.number)?;
        self.hashes.iter().try_for_each(|(name, (events, rows))| writeln!(f, "{name} {events} {rows}"))
    }
}

fn without_details(text: &str) -> String {
    text.lines().filter(|line| !line.starts_with("  detail: ")).collect::<Vec<_>>().join("\n")
}

fn hash(bytes: &[u8]) -> String {
    let mut hasher = SipHasher13::new();
    hasher.write(bytes);
    format!("{:016x}", hasher.finish())
}
