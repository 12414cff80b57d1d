//! Why a record is no event.

/// Why a record is no event: the closed list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// The record has no payload (a tombstone), or one of white space only.
    Empty,
    /// The payload is not UTF-8.
    BadUtf8,
    /// The payload is not one JSON value.
    BrokenJson,
    /// The payload is JSON, but not an object.
    NotAnObject,
    /// A field stands twice in the object.
    RepeatedField,
    /// A required field is absent, or null where null means nothing.
    MissingField,
    /// A field holds a value of another type.
    WrongType,
    /// `type` names no type of event.
    UnknownType,
    /// An id is empty or longer than 512 bytes.
    BadId,
    /// A label, tag, host or name of more than 512 bytes, an address of more than 8 KiB, or more than 256 tags.
    TooLong,
    /// A time that is neither unix milliseconds nor RFC 3339.
    BadTime,
    /// A time before March 1970, as unix seconds are if they are taken for milliseconds, or after 2105.
    TimeOutOfRange,
    /// A number outside its range.
    NumberOutOfRange,
    /// A CloudEvents envelope that cannot be read.
    BadEnvelope,
}

impl Reason {
    /// All reasons, in the order of their declaration.
    pub const ALL: [Reason; 14] = [
        Reason::Empty,
        Reason::BadUtf8,
        Reason::BrokenJson,
        Reason::NotAnObject,
        Reason::RepeatedField,
        Reason::MissingField,
        Reason::WrongType,
        Reason::UnknownType,
        Reason::BadId,
        Reason::TooLong,
        Reason::BadTime,
        Reason::TimeOutOfRange,
        Reason::NumberOutOfRange,
        Reason::BadEnvelope,
    ];

    /// The name in the table `rejects` and in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Reason::Empty => "empty",
            Reason::BadUtf8 => "bad_utf8",
            Reason::BrokenJson => "broken_json",
            Reason::NotAnObject => "not_an_object",
            Reason::RepeatedField => "repeated_field",
            Reason::MissingField => "missing_field",
            Reason::WrongType => "wrong_type",
            Reason::UnknownType => "unknown_type",
            Reason::BadId => "bad_id",
            Reason::TooLong => "too_long",
            Reason::BadTime => "bad_time",
            Reason::TimeOutOfRange => "time_out_of_range",
            Reason::NumberOutOfRange => "number_out_of_range",
            Reason::BadEnvelope => "bad_envelope",
        }
    }
}

/// Why a record is no event, with the place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reject {
    /// The reason, out of the closed list.
    pub reason: Reason,
    /// The place and the cure, for a person: which field, at which column.
    pub detail: String,
}

impl Reject {
    pub(super) fn new(reason: Reason, detail: impl Into<String>) -> Reject {
        Reject { reason, detail: detail.into() }
    }
}
