//! Which servers a run talks to: `targets.yaml`, flags and environment, and which of them wins.
//!
//! Deliberately absent: what the script asks of its servers (see `prepare`), starting and connecting (see
//! `servers`).

mod commands;
mod fields;
mod file;
mod http;
mod resolve;
mod target;
mod tree;

use std::path::PathBuf;

use embed::store::Backend;

pub use commands::{Action, FaultCommands, ServerCommands};
pub use http::{HttpAt, ServiceSettings};
pub(crate) use resolve::{resolve, resolve_store};
pub use target::{PostgresAt, StoreAt, StoreSettings, Target};

/// The name of the target that is always there: throw-away servers of our own.
pub const EMBEDDED: &str = "embedded";

/// Every target that is always there, and the backend of its object store where it is not the script's choice.
pub(crate) const BUILT_IN: [(&str, Option<Backend>); 3] =
    [(EMBEDDED, None), ("embedded-fs", Some(Backend::Fs)), ("embedded-noop", Some(Backend::Noop))];

/// The backend that a target which is always there stands for; nothing for other targets.
fn built_in(name: &str) -> Option<Option<Backend>> {
    BUILT_IN.iter().find(|(known, _)| *known == name).map(|(_, backend)| *backend)
}

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
