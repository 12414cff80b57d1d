//! Bytes become an [`Event`], or a [`Reject`] that says why not. Past this line no field is checked again.
//!
//! `wire` reads JSON, `envelope` takes CloudEvents apart, `body` and `fact` know what each type needs, `check` what a
//! value may be. Nothing here looks at another record: copies are recognised by the engine. For producers: `docs/events.md`.

use std::borrow::Cow;

use self::envelope::{Attributes, Mode};
pub use self::fact::{Assignment, Click, Conversion, Cost, Millionths, Report, Utm, Visit};
pub use self::kind::EventType;
pub use self::reject::{Reason, Reject};
pub use self::unknown::{UnknownField, UnknownFields};
use self::wire::{Field, Wire};
use crate::record::{Millis, Record};

mod body;
mod check;
mod envelope;
mod fact;
mod kind;
mod owned;
mod reject;
#[cfg(test)]
mod tests;
mod unknown;
mod wire;

/// One valid event.
#[derive(Clone, Debug, PartialEq)]
pub struct Event<'a> {
    /// Its id, 1 to 512 bytes, unique within its type and root.
    pub id: Cow<'a, str>,
    /// When it happened, as declared: March 1970 to the end of 2105.
    pub time: Millis,
    /// What happened.
    pub body: Body<'a>,
}

/// What happened. Content events and clicks name their root; the rest are facts that pass through.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the variants are those of EventType")]
pub enum Body<'a> {
    Post(Box<Post<'a>>),
    Share(Share<'a>),
    Reply(Reply<'a>),
    Reaction { root: Cow<'a, str> },
    Delete { root: Cow<'a, str> },
    Sample { root: Cow<'a, str>, metric: Cow<'a, str>, value: f64 },
    Click(Box<Click>),
    Visit(Box<Visit>),
    Conversion(Box<Conversion>),
    Cost(Box<Cost>),
    Assign(Box<Assignment>),
    Report(Box<Report>),
}

/// A root post; its root id is its own id. Empty text stands for an absent field.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(missing_docs, reason = "the fields are those of the event format, described in docs/events.md")]
pub struct Post<'a> {
    /// `None` is a deleted account.
    pub actor: Option<Cow<'a, str>>,
    pub brand: Cow<'a, str>,
    pub campaign: Cow<'a, str>,
    pub channel: Cow<'a, str>,
    pub platform: Cow<'a, str>,
    pub community: Cow<'a, str>,
    pub experiment: Cow<'a, str>,
    pub arm: Cow<'a, str>,
    pub tags: Vec<Cow<'a, str>>,
    pub url: Cow<'a, str>,
    pub is_brand: bool,
    pub mentions_brand: bool,
}

/// A share.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(missing_docs, reason = "the fields are those of the event format, described in docs/events.md")]
pub struct Share<'a> {
    pub actor: Option<Cow<'a, str>>,
    pub root: Cow<'a, str>,
    pub parent: Cow<'a, str>,
    /// Whether its `kind` is `quote`.
    pub is_quote: bool,
    /// Whether its own `edge_source` says that the parent was guessed (`inferred`, `root_fallback`).
    pub parent_guessed: bool,
    pub mentions_brand: bool,
    /// The sharer's audience, if the event says.
    pub followers: Option<u32>,
}

/// A reply.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(missing_docs, reason = "the fields are those of the event format, described in docs/events.md")]
pub struct Reply<'a> {
    pub actor: Option<Cow<'a, str>>,
    pub root: Cow<'a, str>,
    pub parent: Cow<'a, str>,
    pub is_brand: bool,
    pub mentions_brand: bool,
}

impl Event<'_> {
    /// Its type.
    #[must_use]
    pub fn event_type(&self) -> EventType {
        match &self.body {
            Body::Post(_) => EventType::Post,
            Body::Share(_) => EventType::Share,
            Body::Reply(_) => EventType::Reply,
            Body::Reaction { .. } => EventType::Reaction,
            Body::Delete { .. } => EventType::Delete,
            Body::Sample { .. } => EventType::Sample,
            Body::Click(_) => EventType::Click,
            Body::Visit(_) => EventType::Visit,
            Body::Conversion(_) => EventType::Conversion,
            Body::Cost(_) => EventType::Cost,
            Body::Assign(_) => EventType::Assign,
            Body::Report(_) => EventType::Report,
        }
    }

    /// The root whose life it belongs to; `None` for facts that pass through.
    #[must_use]
    pub fn root(&self) -> Option<&str> {
        match &self.body {
            Body::Post(_) => Some(&self.id),
            Body::Share(share) => Some(&share.root),
            Body::Reply(reply) => Some(&reply.root),
            Body::Reaction { root } | Body::Delete { root } | Body::Sample { root, .. } => Some(root),
            Body::Click(click) => Some(&click.root),
            Body::Visit(_) | Body::Conversion(_) | Body::Cost(_) | Body::Assign(_) | Body::Report(_) => None,
        }
    }

    /// Whether it becomes a row of its own.
    pub(crate) fn is_fact(&self) -> bool {
        match self.body {
            Body::Click(_) | Body::Visit(_) | Body::Conversion(_) | Body::Cost(_) | Body::Assign(_) | Body::Report(_) => true,
            Body::Post(_) | Body::Share(_) | Body::Reply(_) => false,
            Body::Reaction { .. } | Body::Delete { .. } | Body::Sample { .. } => false,
        }
    }
}

/// Reads one record as an event.
///
/// # Errors
///
/// A [`Reject`] for every record that is not exactly one valid event.
pub fn parse<'a>(record: &Record<'a>) -> Result<Event<'a>, Reject> {
    parse_noting(record, &mut UnknownFields::default())
}

/// The same; counts the fields of an event that nobody reads.
///
/// # Errors
///
/// As [`parse`].
pub fn parse_noting<'a>(record: &Record<'a>, unknown: &mut UnknownFields) -> Result<Event<'a>, Reject> {
    let text = payload_text(record.payload)?;
    let mode = envelope::mode(&record.headers)?;
    let mut wire = Wire::new();
    wire.read(text)?;
    match mode {
        Mode::Binary(attributes) => event_in(&wire, &attributes, unknown),
        Mode::Unsaid if wire.get(Field::SpecVersion).is_none() => event_in(&wire, &Attributes::default(), unknown),
        Mode::Unsaid | Mode::Structured => envelope::open(&wire, unknown),
    }
}

fn event_in<'a>(wire: &Wire<'a>, envelope: &Attributes<'a>, unknown: &mut UnknownFields) -> Result<Event<'a>, Reject> {
    let event = body::event(wire, envelope)?;
    unknown.add(wire.unknown());
    Ok(event)
}

fn payload_text(payload: Option<&[u8]>) -> Result<&str, Reject> {
    let Some(bytes) = payload else {
        return Err(Reject::new(Reason::Empty, "the record has no payload (a tombstone); send a delete event instead"));
    };
    if bytes.trim_ascii().is_empty() {
        return Err(Reject::new(Reason::Empty, "the payload is empty or only white space; send one JSON object per record"));
    }
    std::str::from_utf8(bytes).map_err(|error| {
        let detail = format!("the payload is not UTF-8 from byte {} on; encode it as UTF-8", error.valid_up_to());
        Reject::new(Reason::BadUtf8, detail)
    })
}
