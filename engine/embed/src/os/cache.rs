//! Where what is worth keeping between runs is kept.

use std::path::PathBuf;

/// Names the folder; wins over the usual places.
const CACHE_ROOT: &str = "SNAPBENCH_CACHE_DIR";

/// The folder below which things are kept; `None` when this user has nowhere to keep anything.
///
/// Root's is not in root's home: the user that Postgres runs as must be able to read it.
pub(crate) fn root() -> Option<PathBuf> {
    let named =
        |variable: &str| std::env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(root) = named(CACHE_ROOT) {
        return Some(root);
    }
    let mac = cfg!(target_os = "macos");
    if rustix::process::geteuid().is_root() {
        return Some(if mac { "/Library/Caches/snapbench".into() } else { "/var/cache/snapbench".into() });
    }
    let home = named("HOME").map(|home| home.join(if mac { "Library/Caches" } else { ".cache" }));
    let absolute = |folder: &PathBuf| folder.is_absolute();
    Some(named("XDG_CACHE_HOME").filter(absolute).or(home)?.join("snapbench"))
}
