//! Where the steps at the client's face are written, if anywhere. In trials only: without the feature `lab` it is nothing at all.

use crate::reader::Traced;

/// The environment variable that names the file; the number of the loop is put behind it.
#[cfg(feature = "lab")]
const NAMED_BY: &str = "GRAPEVINE_READER_TRACE";

/// One step a line, as JSON.
#[derive(Debug, Default)]
pub struct Trace {
    #[cfg(feature = "lab")]
    file: Option<std::fs::File>,
}

#[cfg(feature = "lab")]
impl Trace {
    /// Written to a new file.
    ///
    /// # Errors
    /// When there can be no such file.
    pub fn to(file: &std::path::Path) -> std::io::Result<Trace> {
        Ok(Trace { file: Some(std::fs::File::create_new(file)?) })
    }

    /// Written where the environment says.
    pub(super) fn of_environment(thread: usize) -> Trace {
        let named = std::env::var(NAMED_BY).ok().map(|file| format!("{file}-{thread}"));
        named.and_then(|file| Trace::to(file.as_ref()).ok()).unwrap_or_default()
    }

    pub(super) fn keep(&mut self, step: impl FnOnce() -> Traced) {
        use std::io::Write as _;
        let Some(file) = &mut self.file else { return };
        let step = step();
        if step.is_dull() {
            return;
        }
        // At once, so that it is there when the process is killed. Whoever reads it sees what is missing.
        if let Ok(line) = serde_json::to_string(&step) {
            drop(writeln!(file, "{line}"));
        }
    }
}

#[cfg(not(feature = "lab"))]
impl Trace {
    pub(super) fn of_environment(_thread: usize) -> Trace {
        Trace {}
    }

    pub(super) fn keep(&mut self, _step: impl FnOnce() -> Traced) {}
}
