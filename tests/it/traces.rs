//! What Kafka clients were told and said, in files that sources wrote: no step that the model of the client does not allow.

use std::path::Path;

use grapevine::reader::Traced;

// Beside the model, which it is checked against.
#[path = "../../src/core/reader/tests/allowed.rs"]
mod allowed;

/// Judges every trace of a folder. Of a log that is `cut` nobody knows what it holds.
pub(crate) fn judge(folder: &Path, is_trace: impl Fn(&str) -> bool, cut: bool) {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    for file in files.filter(|file| file.file_name().is_some_and(|name| is_trace(&name.to_string_lossy()))) {
        let text = std::fs::read_to_string(&file).unwrap();
        // Whoever was killed may have left half a line.
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let steps: Vec<Traced> = whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        if let Err(why) = allowed::judge(&steps, |_| cut) {
            panic!("the client did what its model does not allow: {why}");
        }
    }
}
