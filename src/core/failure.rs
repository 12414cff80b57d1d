//! What did not work outside, by what is done about it.

/// A log, a store or a group did not do what it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// It is tried again; worth a log line.
    #[error("{0}")]
    Transient(String),
    /// Somebody must act: the message says how. What can be tried again is tried again, slowly.
    #[error("{0}")]
    Operator(String),
}

/// An error with its causes, each said once, on one line.
#[must_use]
pub fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let said = inner.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = inner.source();
    }
    // Answers of object stores are XML of many lines.
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Failure {
    /// The same, with what did not work in front.
    #[must_use]
    pub fn on(self, doing: &str) -> Failure {
        match self {
            Failure::Transient(text) => Failure::Transient(format!("{doing}: {text}")),
            Failure::Operator(text) => Failure::Operator(format!("{doing}: {text}")),
        }
    }
}
