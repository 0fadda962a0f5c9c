//! Which servers a run talks to: `targets.yaml`, flags and environment, and which of them wins.
//!
//! Deliberately absent: what the script asks of its servers (see `prepare`), starting and connecting (see
//! `servers`).

mod fields;
mod file;
mod resolve;
mod target;
mod tree;

use std::path::PathBuf;

pub(crate) use resolve::resolve;
pub use target::{PostgresAt, StoreAt, StoreSettings, Target};

/// The name of the target that is always there: throw-away servers of our own.
pub const EMBEDDED: &str = "embedded";

/// The file that names targets.
const FILE: &str = "targets.yaml";

/// Where target files are looked for, the first that has a name wins: the current folder, then the user's
/// configuration folder.
pub(crate) fn files(variable: &dyn Fn(&str) -> Option<String>) -> Vec<PathBuf> {
    let configuration = variable("XDG_CONFIG_HOME")
        .filter(|folder| !folder.is_empty())
        .map(PathBuf::from)
        .or_else(|| variable("HOME").map(|home| PathBuf::from(home).join(".config")));
    let of_user = configuration.map(|folder| folder.join("snapbench").join(FILE));
    [PathBuf::from(FILE)].into_iter().chain(of_user).collect()
}
