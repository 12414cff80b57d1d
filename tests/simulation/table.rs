//! The simulated store: of each key the row with the greatest version counts, as in ReplacingMergeTree.

use std::collections::BTreeMap;

use grapevine::record::Offset;
use grapevine::row::{ActivityWindow, Cascade, Progress, Rejected, Rows, Thread};

/// Of each key the newest row: its version, and all of its columns but the version.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tables {
    rows: BTreeMap<String, (Offset, String)>,
    newest: BTreeMap<String, Offset>,
    progress: BTreeMap<String, Offset>,
}

/// One row as a table sees it.
struct Cell {
    key: String,
    source: String,
    version: Offset,
    content: String,
}

macro_rules! cell {
    ($row:ident, $table:literal, $($key:ident),+) => {
        Cell {
            key: format!(concat!($table, " {:?}"), ($(&$row.$key,)+)),
            source: $row.source.to_string(),
            version: $row.version,
            content: {
                let mut content = $row.clone();
                content.version = 0;
                format!("{content:?}")
            },
        }
    };
}

fn window(row: &ActivityWindow) -> Cell {
    cell!(row, "activity_window", window_start, epoch, source, root, opened)
}

fn cascade(row: &Cascade) -> Cell {
    cell!(row, "cascade", epoch, source, root, opened)
}

fn thread(row: &Thread) -> Cell {
    cell!(row, "thread", epoch, source, root, opened)
}

fn reject(row: &Rejected) -> Cell {
    cell!(row, "rejects", epoch, source, offset)
}

fn progress(row: &Progress) -> Cell {
    // When it was written is the one thing that the clock may say.
    let row = &Progress { written: 0, ..row.clone() };
    cell!(row, "progress", epoch, source)
}

impl Tables {
    /// Inserts the first `limit` rows, `progress` last.
    pub(crate) fn insert(&mut self, rows: &Rows, limit: usize) {
        let cells = (rows.activity_windows.iter().map(window))
            .chain(rows.cascades.iter().map(cascade))
            .chain(rows.threads.iter().map(thread))
            .chain(rows.rejects.iter().map(reject))
            .chain(rows.progress.iter().map(progress));
        for cell in cells.take(limit) {
            if cell.key.starts_with("progress") {
                let version = self.progress.entry(cell.source.clone()).or_default();
                *version = cell.version.max(*version);
            }
            self.put(cell);
        }
    }

    fn put(&mut self, cell: Cell) {
        let Cell { key, source, version, content } = cell;
        let newest = self.newest.entry(source).or_insert(version);
        *newest = version.max(*newest);
        match self.rows.get(&key) {
            Some((known, old)) if *known == version => {
                assert_eq!(*old, content, "{key} was written twice under version {version}, with different content");
            }
            Some((known, _)) if *known > version => {}
            Some(_) | None => {
                self.rows.insert(key, (version, content));
            }
        }
    }

    /// The greatest version of a source's rows.
    pub(crate) fn newest_version(&self, source: &str) -> Option<Offset> {
        self.newest.get(source).copied()
    }

    /// How far a source is complete.
    pub(crate) fn progress(&self, source: &str) -> Option<Offset> {
        self.progress.get(source).copied()
    }

    /// Content by key, without versions.
    pub(crate) fn content(&self) -> BTreeMap<&str, &str> {
        self.rows.iter().map(|(key, (_, content))| (key.as_str(), content.as_str())).collect()
    }
}
