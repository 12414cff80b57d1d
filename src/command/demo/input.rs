//! Files of events as one stream, merged by the time of their lines; each file keeps its own order.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

use super::DemoError;
use crate::event::{Body, Event, parse};
use crate::record::{Millis, Record};

/// The lines of several files.
pub(super) struct Input {
    files: Vec<Lines>,
}

/// One line: what is published.
pub(super) struct Line {
    pub(super) bytes: Vec<u8>,
    /// The root for content events; nothing for what is no event.
    pub(super) key: Option<String>,
    /// Its time; nothing for what is no event.
    time: Option<Millis>,
}

struct Lines {
    name: String,
    reader: Box<dyn BufRead + Send>,
    /// The next line, read ahead.
    head: Option<Line>,
}

impl Input {
    pub(super) fn open(files: &[PathBuf]) -> Result<Self, DemoError> {
        let files: Result<Vec<Lines>, DemoError> = files.iter().map(|path| Lines::open(path)).collect();
        Ok(Input { files: files? })
    }

    /// The next line: the earliest of the files' next lines. One without a time does not wait.
    pub(super) fn next(&mut self) -> Result<Option<Line>, DemoError> {
        let earliest = self.files.iter_mut().filter(|file| file.head.is_some()).min_by_key(|file| file.time());
        earliest.map_or(Ok(None), |file| {
            let line = file.head.take();
            file.advance()?;
            Ok(line)
        })
    }
}

impl Lines {
    fn open(path: &Path) -> Result<Self, DemoError> {
        let name = path.display().to_string();
        let raw: Box<dyn Read + Send> = if path == Path::new("-") {
            Box::new(io::stdin())
        } else {
            Box::new(File::open(path).map_err(|error| DemoError::Input(name.clone(), error))?)
        };
        let reader = plain(raw).map_err(|error| DemoError::Input(name.clone(), error))?;
        let mut lines = Lines { name, reader, head: None };
        lines.advance()?;
        Ok(lines)
    }

    fn time(&self) -> Option<Millis> {
        self.head.as_ref().and_then(|line| line.time)
    }

    /// Reads ahead; lines of nothing but white space are no messages.
    fn advance(&mut self) -> Result<(), DemoError> {
        loop {
            let mut bytes = Vec::new();
            let read = self.reader.read_until(b'\n', &mut bytes).map_err(|error| DemoError::Input(self.name.clone(), error))?;
            if read == 0 {
                self.head = None;
                return Ok(());
            }
            if bytes.last() == Some(&b'\n') {
                bytes.pop();
            }
            if !bytes.trim_ascii().is_empty() {
                self.head = Some(Line::of(bytes));
                return Ok(());
            }
        }
    }
}

impl Line {
    fn of(bytes: Vec<u8>) -> Line {
        let record = Record { payload: Some(&bytes), ..Record::default() };
        let (key, time) = match parse(&record) {
            Ok(event) => (Some(key(&event)), Some(event.time)),
            // Published as it is: the worker says what is wrong with it.
            Err(_) => (None, None),
        };
        Line { bytes, key, time }
    }
}

/// The key that producers give: the root for content events and clicks, the campaign for costs, else the event's own id.
fn key(event: &Event<'_>) -> String {
    match &event.body {
        Body::Cost(cost) if !cost.campaign.is_empty() => cost.campaign.clone(),
        Body::Post(_) | Body::Visit(_) | Body::Conversion(_) | Body::Cost(_) | Body::Assign(_) | Body::Report(_) => {
            event.id.clone().into_owned()
        }
        Body::Share(_) | Body::Reply(_) | Body::Reaction { .. } | Body::Delete { .. } | Body::Sample { .. } | Body::Click(_) => {
            event.root().unwrap_or_default().to_owned()
        }
    }
}

/// Unpacks gzip, told by its first bytes.
fn plain(raw: Box<dyn Read + Send>) -> io::Result<Box<dyn BufRead + Send>> {
    let mut reader = BufReader::with_capacity(1 << 18, raw);
    if reader.fill_buf()?.starts_with(&[0x1f, 0x8b]) {
        return Ok(Box::new(BufReader::with_capacity(1 << 18, MultiGzDecoder::new(reader))));
    }
    Ok(Box::new(reader))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn line(id: &str, time: i64) -> String {
        format!(r#"{{"type":"post","id":"{id}","time":{time},"actor":"a"}}"#)
    }

    fn read(files: &[&str]) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let paths = files.iter().enumerate().map(|(number, text)| {
            let path = folder.path().join(format!("{number}.jsonl"));
            std::fs::write(&path, text).unwrap();
            path
        });
        let mut input = Input::open(&paths.collect::<Vec<_>>()).unwrap();
        std::iter::from_fn(|| input.next().unwrap()).map(|line| String::from_utf8_lossy(&line.bytes).into_owned()).collect()
    }

    #[test]
    fn files_are_merged_by_time_and_keep_their_own_order() {
        let line = |id: &str, seconds: i64| line(id, 1_700_000_000_000 + seconds);
        let one = format!("{}\n{}\n{}\n", line("a", 10), line("b", 5), line("c", 30));
        let other = format!("{}\n{}", line("x", 7), line("y", 20));
        let ids = [line("x", 7), line("a", 10), line("b", 5), line("y", 20), line("c", 30)];
        assert_eq!(read(&[&one, &other]), ids);
    }

    #[test]
    fn what_is_no_event_is_published_and_blank_lines_are_nothing() {
        assert_eq!(read(&["\n \t\r\n{broken\r\n\nalso broken"]), ["{broken\r", "also broken"]);
    }

    #[test]
    fn gzip_in_several_members_is_read_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events");
        let mut bytes = Vec::new();
        for part in ["one\n", "two\n"] {
            let mut packer = flate2::write::GzEncoder::new(&mut bytes, flate2::Compression::fast());
            packer.write_all(part.as_bytes()).unwrap();
            packer.finish().unwrap();
        }
        std::fs::write(&path, bytes).unwrap();
        let mut input = Input::open(&[path]).unwrap();
        assert_eq!(input.next().unwrap().unwrap().bytes, b"one");
        assert_eq!(input.next().unwrap().unwrap().bytes, b"two");
        assert!(input.next().unwrap().is_none());
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = Input::open(&[PathBuf::from("no/such.jsonl")]).err().unwrap();
        assert!(error.to_string().contains("no/such.jsonl"));
    }
}
