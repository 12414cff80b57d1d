//! Data folders of the embedded ClickHouse that hold Grapevine's schema already.
//!
//! The engine works for seconds on the schema's views when they are made, and for a moment when it finds them. So they are made
//! once, by `grapevine migrate`, and each engine that is started gets a copy of the files.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use tempfile::TempDir;

use crate::demo::{grapevine, succeeded};
use crate::store::start;

/// The database that such a folder holds: that of the default configuration.
pub(crate) const DATABASE: &str = "grapevine";

enum Entry {
    Folder,
    File(Vec<u8>),
    Link(PathBuf),
}

/// A folder of the caller's own, migrated and without a row.
pub(crate) fn migrated() -> TempDir {
    // In memory: a folder that all tests share would stay behind when they end.
    static ENTRIES: OnceLock<Vec<(PathBuf, Entry)>> = OnceLock::new();
    let folder = tempfile::tempdir().unwrap();
    for (path, entry) in ENTRIES.get_or_init(migrate) {
        let path = folder.path().join(path);
        match entry {
            Entry::Folder => fs::create_dir(path),
            Entry::File(bytes) => fs::write(path, bytes),
            Entry::Link(target) => symlink(target, path),
        }
        .unwrap();
    }
    folder
}

fn migrate() -> Vec<(PathBuf, Entry)> {
    let folder = tempfile::tempdir().unwrap();
    let engine = start(folder.path());
    let mut migrate = grapevine();
    migrate.arg("migrate").env("GRAPEVINE_CLICKHOUSE_URLS", engine.url()).env("GRAPEVINE_CLICKHOUSE_DATABASE", DATABASE);
    succeeded(migrate.output().unwrap());
    // Its end writes out what it holds.
    drop(engine);
    let mut entries = Vec::new();
    read(folder.path(), Path::new(""), &mut entries);
    entries
}

/// Reads what is below a part of a folder, a folder before what is in it.
fn read(root: &Path, part: &Path, entries: &mut Vec<(PathBuf, Entry)>) {
    for found in fs::read_dir(root.join(part)).unwrap() {
        let found = found.unwrap();
        let (kind, path) = (found.file_type().unwrap(), part.join(found.file_name()));
        if kind.is_dir() {
            entries.push((path.clone(), Entry::Folder));
            read(root, &path, entries);
        } else if kind.is_symlink() {
            entries.push((path, Entry::Link(fs::read_link(found.path()).unwrap())));
        } else {
            entries.push((path, Entry::File(fs::read(found.path()).unwrap())));
        }
    }
}
