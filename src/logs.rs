//! Sets up structured logs, once, on standard error: text for people, JSON lines for collectors.
//!
//! Levels follow the consequence for the operator: `error` means that the operator must act.

use std::io::IsTerminal;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::Log;

/// Logs cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum LogsError {
    /// The level is none.
    #[error("log.level: {0}")]
    Level(String),
    /// Somebody has set up logs in this process before.
    #[error("logs were set up before")]
    Twice,
}

/// Sends all logs of this process to standard error, as the configuration says.
///
/// # Errors
///
/// When the level cannot be read, or when logs were set up before.
pub fn start(log: &Log) -> Result<(), LogsError> {
    let filter = directives(&log.level).map_err(LogsError::Level)?;
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = if log.format == "json" {
        lines.json().flatten_event(true).with_current_span(false).boxed()
    } else {
        lines.with_ansi(std::io::stderr().is_terminal()).boxed()
    };
    tracing_subscriber::registry().with(lines.with_filter(filter)).try_init().map_err(|_| LogsError::Twice)
}

/// The filter of a level or of directives such as `info,grapevine=debug`. Stricter than the filter's own parser, which
/// takes a misspelt level for the name of a module and then logs everything of that module and nothing else.
pub(crate) fn directives(text: &str) -> Result<Targets, String> {
    let directives: Vec<&str> = text.split(',').map(str::trim).collect();
    for directive in &directives {
        let level = directive.rsplit_once('=').map_or(*directive, |(_, level)| level);
        if level.parse::<LevelFilter>().is_err() || level.is_empty() {
            return Err(format!("{directive:?} holds no level"));
        }
    }
    directives.join(",").parse().map_err(|error: tracing_subscriber::filter::ParseError| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::directives;

    #[test]
    fn a_misspelt_level_is_refused() {
        for text in ["inf", "", "info,", "grapevine=loud", "info,grapevine"] {
            assert!(directives(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn levels_and_directives_are_understood() {
        for text in ["info", "ERROR", "warn,grapevine=debug", "info,grapevine::worker=trace", " warn , grapevine=debug"] {
            assert!(directives(text).is_ok(), "{text:?}");
        }
        let spaced = directives(" warn , grapevine=debug").unwrap();
        assert!(spaced.would_enable("grapevine_core::engine", &tracing::Level::DEBUG));
        assert!(spaced.would_enable("rdkafka", &tracing::Level::WARN) && !spaced.would_enable("rdkafka", &tracing::Level::INFO));
    }
}
