//! What publications that were killed leave in a local folder: files `*.ckpt#1`, which object_store writes before it gives them
//! their name, and hides from whoever lists. Nobody reads them, and nobody else removes them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tracing::{info, warn};

/// No publication takes so long.
const AGE: Duration = Duration::from_secs(3600);

/// Removes those of a source, away from the loop's thread. What cannot be removed now is removed after another publication.
pub(super) async fn remove(folder: PathBuf) {
    let removed = tokio::task::spawn_blocking(move || remove_older(&folder, SystemTime::now() - AGE)).await;
    match removed {
        Ok(Ok(0)) => {}
        Ok(Ok(count)) => info!(count, "removed what publications that were killed had left"),
        Ok(Err(error)) => warn!(%error, "what publications that were killed have left stays until another one"),
        Err(error) => warn!(%error, "a background task ended"),
    }
}

fn remove_older(folder: &Path, than: SystemTime) -> io::Result<usize> {
    let mut count = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(is_leftover) {
            match remove_if_older(&entry, than) {
                Ok(removed) => count += usize::from(removed),
                // A publication under way has just given it its name.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(count)
}

fn remove_if_older(entry: &fs::DirEntry, than: SystemTime) -> io::Result<bool> {
    let is_older = entry.metadata()?.modified()? < than;
    if is_older {
        fs::remove_file(entry.path())?;
    }
    Ok(is_older)
}

fn is_leftover(name: &str) -> bool {
    let number = name.split_once(".ckpt#").map(|(_, number)| number);
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_old_leftovers_go() {
        let folder = tempfile::tempdir().unwrap();
        let (now, path) = (SystemTime::now(), |name: &str| folder.path().join(name));
        for name in ["1-a.ckpt", "1-a.ckpt#1", "2-b.ckpt#23", "2-b.ckpt#x", "notes#1", "3-c.ckpt#1"] {
            let file = fs::File::create(path(name)).unwrap();
            let age = if name == "3-c.ckpt#1" { Duration::from_secs(60) } else { 2 * AGE };
            file.set_modified(now - age).unwrap();
        }
        assert_eq!(remove_older(folder.path(), now - AGE).unwrap(), 2);
        let gone: Vec<bool> = ["1-a.ckpt#1", "2-b.ckpt#23", "3-c.ckpt#1"].map(|name| !path(name).exists()).into();
        assert_eq!(gone, [true, true, false], "the last may be a publication under way");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 4);
        assert!(remove_older(&path("nothing"), now).is_err());
    }
}
