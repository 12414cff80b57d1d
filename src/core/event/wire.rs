//! JSON text becomes the known fields of one object, each as the JSON text of its value, borrowed from the payload.
//!
//! It knows the rules of JSON: one object, well formed to its end, no known key twice. What a value means, and whether
//! it may be there at all, is decided by `body` and `check`: a value of a wrong type is an error only where its event
//! has that field. Values stay text, so numbers never pass through a float and nothing is copied or freed.

use std::cell::Cell;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{Reason, Reject, UnknownField, UnknownFields};

mod field;

pub(super) use field::Field;

/// The known fields of one object.
#[derive(Clone, Debug)]
pub(super) struct Wire<'a> {
    /// The JSON text of each value, by field.
    values: [Option<&'a str>; Field::ALL.len()],
    /// A key that stood twice, if any did.
    repeated: Option<Field>,
    /// Keys that stood in the object, and those that somebody asked for; a bit each, by field.
    present: u64,
    asked: Cell<u64>,
    /// Keys that are no field's.
    unknown: UnknownFields,
}

const _: () = assert!(Field::ALL.len() <= 64, "a bit for each field");

impl<'a> Wire<'a> {
    /// No field at all.
    pub(super) fn new() -> Wire<'a> {
        Wire {
            values: [None; Field::ALL.len()],
            repeated: None,
            present: 0,
            asked: Cell::new(0),
            unknown: UnknownFields::default(),
        }
    }

    /// Reads one JSON object, and nothing but one. It fills the fields in place: they are too many to hand around.
    pub(super) fn read(&mut self, text: &'a str) -> Result<(), Reject> {
        if !text.trim_ascii_start().starts_with('{') {
            serde_json::from_str::<IgnoredAny>(text).map_err(|error| broken(text, &error))?;
            let detail = "the payload is JSON but not an object; send one {...} per record";
            return Err(Reject::new(Reason::NotAnObject, detail));
        }
        let mut json = serde_json::Deserializer::from_str(text);
        json.deserialize_map(Filling(self)).and_then(|()| json.end()).map_err(|error| broken(text, &error))?;
        match self.repeated {
            None => Ok(()),
            Some(field) => {
                let detail = format!("`{}` stands twice in the object; send each field once", field.key());
                Err(Reject::new(Reason::RepeatedField, detail))
            }
        }
    }

    /// The JSON text of a field's value; `None` if it is absent or null.
    pub(super) fn get(&self, field: Field) -> Option<&'a str> {
        self.ask(field);
        self.values[field as usize].filter(|value| *value != "null")
    }

    /// Whether the key is there, with whatever value.
    pub(super) fn has(&self, field: Field) -> bool {
        self.ask(field);
        self.values[field as usize].is_some()
    }

    fn ask(&self, field: Field) {
        self.asked.set(self.asked.get() | 1 << field as u32);
    }

    /// The fields that nobody knows, and those that nobody asked for.
    pub(super) fn unknown(&self) -> UnknownFields {
        let mut unknown = self.unknown;
        unknown.note(UnknownField::OtherType, (self.present & !self.asked.get()).count_ones());
        unknown
    }

    /// Takes a field over from an envelope, if the data do not say it.
    pub(super) fn inherit(&mut self, field: Field, envelope: &Wire<'a>) {
        if let Some(value) = envelope.get(field)
            && self.get(field).is_none()
        {
            self.values[field as usize] = Some(value);
        }
    }
}

#[cold]
fn broken(text: &str, error: &serde_json::Error) -> Reject {
    if text.starts_with('\u{feff}') {
        return Reject::new(Reason::BrokenJson, "the payload begins with a byte order mark; send it without");
    }
    Reject::new(Reason::BrokenJson, format!("not one JSON value: {error}; send one JSON object per record"))
}

/// Puts the values of an object into its fields.
struct Filling<'w, 'a>(&'w mut Wire<'a>);

impl<'de: 'a, 'a> Visitor<'de> for Filling<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let wire = self.0;
        while let Some(Key(field)) = entries.next_key()? {
            let field = match field {
                Ok(field) => field,
                Err(class) => {
                    wire.unknown.note(class, 1);
                    entries.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            wire.present |= 1 << field as u32;
            let value: &RawValue = entries.next_value()?;
            // Reading goes on, because a fault in the JSON itself comes first.
            if wire.values[field as usize].replace(value.get()).is_some() {
                wire.repeated = wire.repeated.or(Some(field));
            }
        }
        Ok(())
    }
}

/// A key of the object: a field, or what it looks like.
struct Key(Result<Field, UnknownField>);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(KeyVisitor)
    }
}

struct KeyVisitor;

impl Visitor<'_> for KeyVisitor {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(Key(Field::from_key(key).ok_or_else(|| UnknownField::of(key))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_names_its_own_field() {
        for field in Field::ALL {
            assert_eq!(Field::from_key(field.key()), Some(*field));
        }
        assert_eq!(Field::from_key("text"), None);
        assert_eq!(Field::from_key("ID"), None);
    }
}
