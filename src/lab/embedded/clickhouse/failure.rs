//! What goes wrong, said as ClickHouse says it: a code, a sentence, a name; and the HTTP status that a server gives to each code.

use axum::http::StatusCode;

use crate::embedded::chdb::EngineError;

/// An error as it goes to the client.
#[derive(Debug)]
pub(super) struct Failure {
    /// ClickHouse's number of the error; 0 when the engine named none.
    pub(super) code: u32,
    /// `Code: N. DB::Exception: … (NAME)`.
    pub(super) text: String,
}

impl Failure {
    /// An error of the front itself, in the engine's wording.
    pub(super) fn new(code: u32, name: &str, message: impl std::fmt::Display) -> Self {
        Self { code, text: format!("Code: {code}. DB::Exception: {message}. ({name})") }
    }

    /// A statement that cannot be read.
    pub(super) fn syntax(message: impl std::fmt::Display) -> Self {
        Self::new(62, "SYNTAX_ERROR", message)
    }

    /// Something that a server can do and this front cannot.
    pub(super) fn unsupported(message: impl std::fmt::Display) -> Self {
        Self::new(48, "NOT_IMPLEMENTED", message)
    }

    /// A body that ends too early.
    pub(super) fn truncated(message: impl std::fmt::Display) -> Self {
        Self::new(33, "CANNOT_READ_ALL_DATA", message)
    }

    /// The HTTP status that a ClickHouse server sends with this code.
    pub(super) fn status(&self) -> StatusCode {
        match self.code {
            // Cannot be parsed, or makes no sense for these columns.
            6 | 8 | 15 | 25 | 26 | 27 | 36 | 38 | 41 | 43 | 44 | 53 | 62 | 65 | 72 | 117 | 167 | 168 | 223 | 321 | 376 | 427
            | 441 | 675 | 676 => StatusCode::BAD_REQUEST,
            // No such table, function, column, type, engine, database, setting, format.
            46 | 47 | 50 | 56 | 60 | 63 | 73 | 78 | 81 | 115 => StatusCode::NOT_FOUND,
            192 | 193 | 497 | 516 => StatusCode::FORBIDDEN,
            159 => StatusCode::REQUEST_TIMEOUT,
            307 => StatusCode::PAYLOAD_TOO_LARGE,
            48 => StatusCode::NOT_IMPLEMENTED,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        let text = error.0.strip_prefix("Error: ").unwrap_or(&error.0).to_owned();
        let digits = text.strip_prefix("Code: ").and_then(|rest| rest.split('.').next());
        let code = digits.and_then(|digits| digits.parse().ok()).unwrap_or_default();
        Self { code, text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_read_out_of_the_engines_words() {
        let failure = Failure::from(EngineError("Code: 60. DB::Exception: Table a does not exist. (UNKNOWN_TABLE)".to_owned()));
        assert_eq!(failure.code, 60);
        assert_eq!(failure.status(), StatusCode::NOT_FOUND);
    }

    #[test]
    fn words_without_a_code_are_an_internal_error() {
        let failure = Failure::from(EngineError("Error: no idea".to_owned()));
        assert_eq!((failure.code, failure.text.as_str()), (0, "no idea"));
        assert_eq!(failure.status(), StatusCode::INTERNAL_SERVER_ERROR);
    }
}
