//! CloudEvents 1.0 over Kafka: binary mode (attributes in `ce_*` headers) and structured mode (an envelope object).
//!
//! The fields of the data win; the envelope fills in `id`, `time` and `type`. Batches and formats other than JSON are
//! refused.

use super::owned::into_owned;
use super::wire::{Field, Wire};
use super::{Event, EventType, Reason, Reject, UnknownFields, check};
use crate::record::Header;
use base64::prelude::{BASE64_STANDARD as BASE64, Engine as _};

/// How a record says what its payload is.
#[derive(Debug, PartialEq)]
pub(super) enum Mode<'a> {
    /// No header says anything: a plain event, or an envelope that its own `specversion` shows.
    Unsaid,
    /// The content type says that the payload is an envelope.
    Structured,
    /// The headers are the envelope.
    Binary(Attributes<'a>),
}

/// What an envelope says for an event that does not say it itself.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Attributes<'a> {
    /// Its `id`.
    pub(super) id: Option<&'a str>,
    /// Its `time`, RFC 3339.
    pub(super) time: Option<&'a str>,
    /// The type of event that its `type` names; empty if it names none.
    pub(super) event_type: Option<&'static str>,
}

#[cold]
fn bad(detail: &str) -> Reject {
    Reject::new(Reason::BadEnvelope, detail)
}

/// Reads the headers.
pub(super) fn mode<'a>(headers: &[Header<'a>]) -> Result<Mode<'a>, Reject> {
    let content_type = header(headers, "content-type").or_else(|| header(headers, "content_type"));
    if let Some(format) = content_type.and_then(|value| strip_prefix(value, b"application/cloudevents")) {
        return match strip_prefix(format, b"+json") {
            Some([] | [b';' | b' ', ..]) => Ok(Mode::Structured),
            _ => {
                Err(bad("the content type is a CloudEvents format or batch that is not read; send application/cloudevents+json"))
            }
        };
    }
    let Some(version) = header(headers, "ce_specversion") else { return Ok(Mode::Unsaid) };
    check_version(std::str::from_utf8(version).ok(), "ce_specversion")?;
    Ok(Mode::Binary(Attributes {
        id: attribute(headers, "ce_id")?,
        time: attribute(headers, "ce_time")?,
        event_type: attribute(headers, "ce_type")?.map(event_type_in),
    }))
}

/// The first header of a name that has a value. Kafka clients write names in either case.
fn header<'a>(headers: &[Header<'a>], name: &str) -> Option<&'a [u8]> {
    headers.iter().filter(|header| header.name.eq_ignore_ascii_case(name)).find_map(|header| header.value)
}

/// The text of a header; an empty one says nothing.
fn attribute<'a>(headers: &[Header<'a>], name: &str) -> Result<Option<&'a str>, Reject> {
    let Some(value) = header(headers, name) else { return Ok(None) };
    let text = std::str::from_utf8(value).map_err(|_| bad(&format!("`{name}` is not UTF-8; send UTF-8 text")))?;
    Ok(Some(text).filter(|text| !text.is_empty()))
}

fn strip_prefix<'a>(value: &'a [u8], prefix: &[u8]) -> Option<&'a [u8]> {
    let (head, rest) = value.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}

fn check_version(version: Option<&str>, field: &str) -> Result<(), Reject> {
    match version.and_then(|version| version.split('.').next()) {
        Some("1") => Ok(()),
        _ => Err(bad(&format!("`{field}` is not 1.x; send CloudEvents 1.0"))),
    }
}

/// Reads the event in a structured envelope.
pub(super) fn open<'a>(envelope: &Wire<'a>, unknown: &mut UnknownFields) -> Result<Event<'a>, Reject> {
    let version = envelope.get(Field::SpecVersion).and_then(|value| check::text(Field::SpecVersion, value).ok());
    check_version(version.as_deref(), "specversion")?;
    if let Some(data) = envelope.get(Field::Data) {
        return event_in(data, envelope, unknown);
    }
    let Some(encoded) = envelope.get(Field::DataBase64) else {
        return Err(bad("the envelope has neither `data` nor `data_base64`; put the event into `data`"));
    };
    let encoded = check::text(Field::DataBase64, encoded).ok();
    let decoded = encoded.and_then(|text| BASE64.decode(text.as_bytes()).ok()).and_then(|bytes| String::from_utf8(bytes).ok());
    let text = decoded.ok_or_else(|| bad("`data_base64` is not base64 of UTF-8 text; put the event into `data`"))?;
    event_in(&text, envelope, unknown).map(into_owned)
}

fn event_in<'a>(data: &'a str, envelope: &Wire<'a>, unknown: &mut UnknownFields) -> Result<Event<'a>, Reject> {
    if !data.trim_ascii_start().starts_with('{') {
        return Err(bad("the envelope's data are not a JSON object; put the event into `data`"));
    }
    let mut wire = Wire::new();
    wire.read(data)?;
    wire.inherit(Field::Id, envelope);
    wire.inherit(Field::Time, envelope);
    let name = envelope.get(Field::Type).map(|value| check::text(Field::Type, value)).transpose()?;
    let attributes = Attributes { event_type: name.as_deref().map(event_type_in), ..Attributes::default() };
    super::event_in(&wire, &attributes, unknown)
}

/// The type of event in a name such as `com.example.share.v1`: its last part, a version left out. Another word behind
/// the type says something else about it (`post.deleted`), so such a name is no type of event.
fn event_type_in(name: &str) -> &'static str {
    let mut parts = name.rsplit('.').peekable();
    parts.next_if(|last| is_version(last));
    parts.next().and_then(EventType::from_name).map_or("", EventType::as_str)
}

/// Whether a part of a name is `v` and a number.
fn is_version(part: &str) -> bool {
    let digits = |number: &str| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    part.strip_prefix('v').is_some_and(digits)
}
