//! The real events that the benchmarks publish, as often as they like.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use serde_json::Value;

/// The two real sets.
pub(crate) const FILES: [&str; 2] = ["weibo_ced", "reddit_college"];

/// The events of a file, a line each.
pub(crate) fn lines(name: &str) -> Vec<Vec<u8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../shared/data/{name}_dev.jsonl.gz"));
    let missing = "this benchmark needs the folder of real events, other people's data that lie beside the project";
    let file = std::fs::File::open(&path).unwrap_or_else(|error| panic!("{missing}: {}: {error}", path.display()));
    let mut text = Vec::new();
    flate2::read::MultiGzDecoder::new(file).read_to_end(&mut text).expect("the file is gzip");
    text.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()).map(<[u8]>::to_vec).collect()
}

/// The key and the line of an event, under ids of another copy and so many milliseconds later.
pub(crate) fn renamed(line: &[u8], copy: usize, later: i64) -> (String, Vec<u8>) {
    let mut event: BTreeMap<String, Value> = serde_json::from_slice(line).expect("the file holds events");
    for name in ["id", "root", "parent", "target", "actor"] {
        if let Some(Value::String(id)) = event.get_mut(name) {
            id.insert_str(0, &copy.to_string());
        }
    }
    if let Some(time) = event.get_mut("time") {
        *time = (time.as_i64().expect("milliseconds") + later).into();
    }
    let root = event.get("root").or_else(|| event.get("id")).and_then(Value::as_str).unwrap_or_default();
    (root.to_owned(), serde_json::to_vec(&event).expect("it was JSON"))
}
