//! Fields that nobody reads: ignored, and counted by what their names look like, so that a producer's mistake is seen.

use super::wire::Field;

/// What a field that nobody reads looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum UnknownField {
    /// A field of another type of event.
    OtherType,
    /// The name of a field, but for case, hyphens or underscores: probably a mistake.
    Misspelled,
    /// An extension by its prefix: `ce_`, `x_` or `_`, also with hyphens.
    Extension,
    /// Anything else.
    Other,
}

impl UnknownField {
    /// All classes, in the order of their declaration.
    pub const ALL: [UnknownField; 4] =
        [UnknownField::OtherType, UnknownField::Misspelled, UnknownField::Extension, UnknownField::Other];

    /// The name in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            UnknownField::OtherType => "other_type",
            UnknownField::Misspelled => "misspelled",
            UnknownField::Extension => "extension",
            UnknownField::Other => "other",
        }
    }

    /// The class of a name that is no field's.
    pub(super) fn of(name: &str) -> UnknownField {
        if ["ce_", "ce-", "x_", "x-", "_"].iter().any(|prefix| name.starts_with(prefix)) {
            return UnknownField::Extension;
        }
        let first = name.bytes().next().map(|byte| byte.to_ascii_lowercase());
        let likely = |field: &&Field| field.key().bytes().next() == first && letters(field.key()).eq(letters(name));
        if Field::ALL.iter().any(|field| likely(&field)) { UnknownField::Misspelled } else { UnknownField::Other }
    }
}

fn letters(name: &str) -> impl Iterator<Item = u8> {
    name.bytes().filter(|byte| !matches!(byte, b'_' | b'-')).map(|byte| byte.to_ascii_lowercase())
}

/// How many fields of events nobody read, by class (index: `UnknownField as usize`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UnknownFields(pub [u64; UnknownField::ALL.len()]);

impl UnknownFields {
    pub(super) fn note(&mut self, class: UnknownField, count: u32) {
        self.0[class as usize] += u64::from(count);
    }

    pub(super) fn add(&mut self, other: UnknownFields) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine += theirs;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::parse_noting;
    use crate::record::{Header, Record};

    fn noted(payload: &str, headers: Vec<Header<'_>>) -> [u64; 4] {
        let mut unknown = UnknownFields::default();
        let record = Record { timestamp: Some(0), payload: Some(payload.as_bytes()), headers, ..Record::default() };
        drop(parse_noting(&record, &mut unknown));
        unknown.0
    }

    #[test]
    fn a_name_has_the_class_that_it_looks_like() {
        for (name, class) in [
            ("Actor", UnknownField::Misspelled),
            ("isBrand", UnknownField::Misspelled),
            ("edge-source", UnknownField::Misspelled),
            ("x_trace", UnknownField::Extension),
            ("ce-source", UnknownField::Extension),
            ("_id", UnknownField::Extension),
            ("text", UnknownField::Other),
            ("", UnknownField::Other),
            ("actors", UnknownField::Other),
        ] {
            assert_eq!(UnknownField::of(name), class, "{name}");
        }
    }

    #[test]
    fn fields_that_an_event_does_not_have_are_counted_by_class() {
        let share = r#"{"type":"share","id":"s","time":1709553600000,"actor":null,"root":"r","parent":"r","kind":"quote""#;
        assert_eq!(noted(&format!("{share}}}"), Vec::new()), [0; 4], "null is a value, and every field is one of a share");
        let more = r#","is_brand":true,"amount":"x","Followers":3,"x_a":1,"text":{"a":[1]},"lang":"en"}"#;
        assert_eq!(noted(&format!("{share}{more}"), Vec::new()), [2, 1, 1, 2]);
    }

    #[test]
    fn only_the_fields_of_events_count() {
        assert_eq!(noted(r#"{"type":"share","text":"a reject, because the rest is missing"}"#, Vec::new()), [0; 4]);
        let data = r#"{"root":"r","target":"t","actor":"a","text":1,"metric":"m"}"#;
        let envelope = format!(
            r#"{{"specversion":"1.0","id":"d","time":"2024-01-01T00:00:00Z","type":"x.reaction","source":"s","myext":1,"data":{data}}}"#
        );
        assert_eq!(noted(&envelope, Vec::new()), [1, 0, 0, 1], "those of the envelope do not");
        let value = |name, value: &'static str| Header { name, value: Some(value.as_bytes()) };
        let headers = vec![
            value("ce_specversion", "1.0"),
            value("ce_id", "d"),
            value("ce_time", "2024-01-01T00:00:00Z"),
            value("ce_type", "x.reaction"),
            value("ce_myext", "1"),
        ];
        assert_eq!(noted(data, headers), [1, 0, 0, 1], "nor do headers");
    }
}
