//! Where the library is looked for. The set-up puts it into the cache folder; nothing here loads it.

use std::path::PathBuf;

use super::OpenError;

/// The version of the library package that the set-up installs; a part of the path below the cache folder.
pub const PACKAGE_VERSION: &str = "26.7.3-stable.1";

/// The variable that names the library file, before every other place.
pub const LIBRARY_VARIABLE: &str = "GRAPEVINE_LIBCHDB";

const LIBRARY_FILE: &str = "libchdb.so";

/// Finds the library: what [`LIBRARY_VARIABLE`] names, beside the executable, in the cache folder of the set-up.
///
/// # Errors
///
/// [`OpenError::Missing`] names every place. A variable that is set is the only place.
pub fn find_library() -> Result<PathBuf, OpenError> {
    let places = match std::env::var_os(LIBRARY_VARIABLE) {
        Some(named) => vec![PathBuf::from(named)],
        None => usual_places(),
    };
    match places.iter().find(|place| place.is_file()) {
        Some(found) => Ok(found.clone()),
        None => Err(OpenError::Missing(places)),
    }
}

fn usual_places() -> Vec<PathBuf> {
    let beside = std::env::current_exe().ok().and_then(|exe| Some(exe.parent()?.join(LIBRARY_FILE)));
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache")));
    let cached = cache.map(|cache| cache.join("grapevine").join(format!("chdb-{PACKAGE_VERSION}")).join(LIBRARY_FILE));
    beside.into_iter().chain(cached).collect()
}
