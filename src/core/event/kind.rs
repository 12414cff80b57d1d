//! The types of event.

/// The types of event. The names are those of the `type` field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventType {
    /// A root post.
    Post,
    /// A repost, quote, crosspost or link share.
    Share,
    /// A reply.
    Reply,
    /// A like or another reaction.
    Reaction,
    /// A deletion.
    Delete,
    /// A gauge: impressions, followers, votes.
    Sample,
    /// A click on a link in a post, share or reply.
    Click,
    /// A visit of a landing page.
    Visit,
    /// A conversion.
    Conversion,
    /// Money or time spent.
    Cost,
    /// An assignment to an arm of an experiment.
    Assign,
    /// A figure reported by a platform.
    Report,
}

impl EventType {
    /// All types, in the order of their declaration.
    pub const ALL: [EventType; 12] = [
        EventType::Post,
        EventType::Share,
        EventType::Reply,
        EventType::Reaction,
        EventType::Delete,
        EventType::Sample,
        EventType::Click,
        EventType::Visit,
        EventType::Conversion,
        EventType::Cost,
        EventType::Assign,
        EventType::Report,
    ];

    /// The name in the `type` field, in metrics and in tables.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            EventType::Post => "post",
            EventType::Share => "share",
            EventType::Reply => "reply",
            EventType::Reaction => "reaction",
            EventType::Delete => "delete",
            EventType::Sample => "sample",
            EventType::Click => "click",
            EventType::Visit => "visit",
            EventType::Conversion => "conversion",
            EventType::Cost => "cost",
            EventType::Assign => "assign",
            EventType::Report => "report",
        }
    }

    /// The type of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<EventType> {
        EventType::ALL.into_iter().find(|event_type| event_type.as_str() == name)
    }
}
