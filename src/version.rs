//! Which program this is: its version, and the commit and the day that whoever built it has said.

use std::sync::LazyLock;

/// The version of the release.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The commit it was built from: the variable GRAPEVINE_COMMIT at the build.
pub const COMMIT: &str = said(option_env!("GRAPEVINE_COMMIT"));

/// The day of that commit, or of the build: the variable GRAPEVINE_DATE at the build.
pub const DATE: &str = said(option_env!("GRAPEVINE_DATE"));

const fn said(variable: Option<&'static str>) -> &'static str {
    match variable {
        Some(said) if !said.is_empty() => said,
        _ => "unknown",
    }
}

/// All of it, for people.
#[must_use]
pub fn text() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| format!("{VERSION} (commit {COMMIT}, {DATE})"));
    &TEXT
}
