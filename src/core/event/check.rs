//! One function per meaning of a field: an id, a label, an address, a time, an amount of money.
//!
//! Each takes a field out of the object and returns its value or the reject. Messages name the field and the cure,
//! never the value: rejects are read by people who should not see ids.

use std::borrow::Cow;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::wire::{Field, Wire};
use super::{Reason, Reject};
use crate::record::Millis;

mod amount;

pub(super) use amount::{gauge, money, rate, required_decimal, seconds};

/// The longest id, label, tag, host or name of a metric, in bytes of UTF-8. Every row of a root repeats its labels and tags.
const TEXT_BYTES_MAX: usize = 512;

/// The longest address of a page, in bytes of UTF-8.
const ADDRESS_BYTES_MAX: usize = 8 * 1024;

/// The most tags of one event.
const TAGS_MAX: usize = 256;

/// 1970-03-01: the first time that is taken. No post is older, and unix seconds, which many a producer
/// sends for milliseconds, stay below it until the year 2131.
const TIME_START: Millis = 5_097_600_000;

/// 2106-01-01: the first time that is refused. A 32-bit count of seconds ends in that year.
const TIME_END: Millis = 4_291_747_200_000;

type Checked<T> = Result<T, Reject>;

#[cold]
fn missing(field: Field) -> Reject {
    let detail = format!("`{}` is missing, null or empty; this type of event needs it", field.key());
    Reject::new(Reason::MissingField, detail)
}

#[cold]
fn wrong(field: Field, found: &str, expected: &str) -> Reject {
    Reject::new(Reason::WrongType, format!("`{}` is {found}; send {expected}", field.key()))
}

#[cold]
fn out_of_range(field: Field, cure: &str) -> Reject {
    Reject::new(Reason::NumberOutOfRange, format!("`{}` is out of range; {cure}", field.key()))
}

/// The JSON types, as far as the first byte of a value tells them.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Text,
    Number,
    Boolean,
    Array,
    Object,
}

impl Kind {
    fn of(value: &str) -> Kind {
        match value.as_bytes().first() {
            Some(b'"') => Kind::Text,
            Some(b'{') => Kind::Object,
            Some(b'[') => Kind::Array,
            Some(b't' | b'f') => Kind::Boolean,
            _ => Kind::Number,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Kind::Text => "text",
            Kind::Number => "a number",
            Kind::Boolean => "a boolean",
            Kind::Array => "an array",
            Kind::Object => "an object",
        }
    }
}

/// Whether a number is written without point and exponent.
fn is_integer(text: &str) -> bool {
    is_digits(text.strip_prefix('-').unwrap_or(text))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The text in a JSON value; borrowed, unless it holds escapes.
pub(super) fn text(field: Field, value: &str) -> Checked<Cow<'_, str>> {
    let Some(inside) = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return Err(wrong(field, Kind::of(value).name(), "text"));
    };
    if !inside.as_bytes().contains(&b'\\') {
        return Ok(Cow::Borrowed(inside));
    }
    serde_json::from_str(value).map(Cow::Owned).map_err(|_| {
        let detail = format!("`{}` holds an escape that is no character, such as half a surrogate pair", field.key());
        Reject::new(Reason::BrokenJson, detail)
    })
}

/// A required id.
pub(super) fn id<'a>(wire: &Wire<'a>, field: Field) -> Checked<Cow<'a, str>> {
    optional_id(wire, field)?.ok_or_else(|| missing(field))
}

/// An id that may be absent or null.
pub(super) fn optional_id<'a>(wire: &Wire<'a>, field: Field) -> Checked<Option<Cow<'a, str>>> {
    let Some(value) = wire.get(field) else { return Ok(None) };
    let id = text(field, value)?;
    check_id(field.key(), &id)?;
    Ok(Some(id))
}

/// Checks the length of an id.
pub(super) fn check_id(name: &str, id: &str) -> Checked<()> {
    if (1..=TEXT_BYTES_MAX).contains(&id.len()) {
        return Ok(());
    }
    let detail = format!("`{name}` has {} bytes of UTF-8; an id has 1 to {TEXT_BYTES_MAX}", id.len());
    Err(Reject::new(Reason::BadId, detail))
}

/// The actor: it must be there, and null is a deleted account.
pub(super) fn actor<'a>(wire: &Wire<'a>) -> Checked<Option<Cow<'a, str>>> {
    if !wire.has(Field::Actor) {
        return Err(Reject::new(Reason::MissingField, "`actor` is missing; send null for a deleted account"));
    }
    optional_id(wire, Field::Actor)
}

/// Text that may be absent; empty text stands for that.
pub(super) fn label<'a>(wire: &Wire<'a>, field: Field) -> Checked<Cow<'a, str>> {
    wire.get(field).map_or(Ok(Cow::Borrowed("")), |value| bounded(text(field, value)?, TEXT_BYTES_MAX, || field.key().to_owned()))
}

/// The address of a page, or its host alone; empty text stands for an absent one.
pub(super) fn address<'a>(wire: &Wire<'a>, field: Field) -> Checked<Cow<'a, str>> {
    wire.get(field)
        .map_or(Ok(Cow::Borrowed("")), |value| bounded(text(field, value)?, ADDRESS_BYTES_MAX, || field.key().to_owned()))
}

/// The host in an address.
pub(super) fn host(field: Field, host: String) -> Checked<String> {
    bounded(host, TEXT_BYTES_MAX, || format!("host of {}", field.key()))
}

/// Text that is not too long. It is never cut: two labels must not become one.
fn bounded<T: AsRef<str>>(text: T, bytes_max: usize, name: impl FnOnce() -> String) -> Checked<T> {
    let length = text.as_ref().len();
    if length <= bytes_max { Ok(text) } else { Err(too_long(&name(), length, "bytes of UTF-8", bytes_max)) }
}

#[cold]
fn too_long(name: &str, found: usize, of: &str, most: usize) -> Reject {
    Reject::new(Reason::TooLong, format!("`{name}` has {found} {of}; send at most {most}"))
}

/// Text that must be there.
pub(super) fn required_label<'a>(wire: &Wire<'a>, field: Field) -> Checked<Cow<'a, str>> {
    let label = label(wire, field)?;
    if label.is_empty() { Err(missing(field)) } else { Ok(label) }
}

/// A yes or no; absent is no.
pub(super) fn flag(wire: &Wire<'_>, field: Field) -> Checked<bool> {
    match wire.get(field) {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(value) => Err(wrong(field, Kind::of(value).name(), "true or false")),
    }
}

/// An audience. The greatest 32-bit number is left out: it stands for "not said" in memory.
pub(super) fn followers(wire: &Wire<'_>) -> Checked<Option<u32>> {
    match whole_number(wire, Field::Followers)?.map(u32::try_from) {
        None => Ok(None),
        Some(Ok(count)) if count < u32::MAX => Ok(Some(count)),
        Some(_) => Err(out_of_range(Field::Followers, "send a whole number from 0 to 4294967294")),
    }
}

/// A whole number. One that does not fit 64 bits is far away.
fn whole_number(wire: &Wire<'_>, field: Field) -> Checked<Option<i64>> {
    let Some(value) = wire.get(field) else { return Ok(None) };
    match Kind::of(value) {
        Kind::Number if is_integer(value) => Ok(Some(value.parse().unwrap_or(i64::MAX))),
        Kind::Number => Err(wrong(field, "a number with a point or an exponent", "a whole number")),
        kind @ (Kind::Text | Kind::Boolean | Kind::Array | Kind::Object) => Err(wrong(field, kind.name(), "a whole number")),
    }
}

/// Tags; nothing but texts, and not too many.
pub(super) fn tags<'a>(wire: &Wire<'a>) -> Checked<Vec<Cow<'a, str>>> {
    let Some(value) = wire.get(Field::Tags) else { return Ok(Vec::new()) };
    let refused = |found: &str| wrong(Field::Tags, found, "an array of texts");
    if Kind::of(value) != Kind::Array {
        return Err(refused(Kind::of(value).name()));
    }
    let values: Vec<&serde_json::value::RawValue> =
        serde_json::from_str(value).map_err(|_| refused("an array of other things"))?;
    if values.len() > TAGS_MAX {
        return Err(too_long(Field::Tags.key(), values.len(), "texts", TAGS_MAX));
    }
    let tag = |(number, value)| bounded(text(Field::Tags, value)?, TEXT_BYTES_MAX, || format!("tags[{number}]"));
    values.into_iter().map(serde_json::value::RawValue::get).enumerate().map(tag).collect()
}

/// A time that must be there.
pub(super) fn time(wire: &Wire<'_>, field: Field) -> Checked<Millis> {
    optional_time(wire, field)?.ok_or_else(|| missing(field))
}

/// A time that may be absent: unix milliseconds, or RFC 3339.
pub(super) fn optional_time(wire: &Wire<'_>, field: Field) -> Checked<Option<Millis>> {
    let Some(value) = wire.get(field) else { return Ok(None) };
    match Kind::of(value) {
        // Whole numbers that do not fit 64 bits are times far away.
        Kind::Number if is_integer(value) => unix_millis(field.key(), value.parse().unwrap_or(Millis::MAX)),
        Kind::Number => Err(bad_time(field.key())),
        Kind::Text => rfc3339(field.key(), &text(field, value)?),
        kind @ (Kind::Boolean | Kind::Array | Kind::Object) => {
            Err(wrong(field, kind.name(), "unix milliseconds or RFC 3339 text"))
        }
    }
    .map(Some)
}

/// RFC 3339: date, time and offset. Digits below the millisecond are cut off.
pub(super) fn rfc3339(name: &str, text: &str) -> Checked<Millis> {
    // The library takes any byte between date and time.
    if !matches!(text.as_bytes().get(10), Some(b'T' | b't' | b' ')) {
        return Err(bad_time(name));
    }
    let parsed = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| bad_time(name))?;
    let millis = parsed.unix_timestamp_nanos().div_euclid(1_000_000);
    in_range(name, Millis::try_from(millis).unwrap_or(Millis::MAX), "send the time at which it happened")
}

fn unix_millis(name: &str, number: Millis) -> Checked<Millis> {
    let cure = if (0..TIME_START).contains(&number) {
        "it looks like seconds: send milliseconds, which are seconds times 1000"
    } else {
        "send milliseconds, not micro- or nanoseconds"
    };
    in_range(name, number, cure)
}

fn in_range(name: &str, time: Millis, cure: &str) -> Checked<Millis> {
    if (TIME_START..TIME_END).contains(&time) {
        return Ok(time);
    }
    Err(Reject::new(Reason::TimeOutOfRange, format!("`{name}` is before March 1970 or after 2105; {cure}")))
}

#[cold]
fn bad_time(name: &str) -> Reject {
    let cure = "send whole unix milliseconds as a number, or RFC 3339 text with date, time and offset";
    Reject::new(Reason::BadTime, format!("`{name}` is no time; {cure}"))
}
