//! A crate may name only crates of lower floors among its dependencies; tests may also use `embed`.
//!
//! `queue_api`, the reference service, stands beside the floors: it is there to be read, so it uses none of them. `embed`
//! alone may use it, because it starts it as a throw-away server.

use std::{fs, path::Path};

use crate::Breach;

/// Crates by floor, lowest first.
const FLOORS: [&[&str]; 5] =
    [&["model"], &["load", "drivers", "embed"], &["script", "report"], &["runner"], &["cli"]];

/// The reference service and its folder.
const BESIDE: (&str, &str) = ("queue_api", "examples/queue-api");
/// Who may use it.
const USER_OF_BESIDE: &str = "embed";

fn floor_of(name: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&name))
}

/// Reads every crate's manifest.
pub(crate) fn check(root: &Path) -> Vec<Breach> {
    let mut breaches = Vec::new();
    let floors = FLOORS.iter().flat_map(|floor| floor.iter());
    let crates = floors.map(|name| (*name, Path::new("engine").join(name)));
    for (name, folder) in crates.chain([(BESIDE.0, BESIDE.1.into())]) {
        let file = folder.join("Cargo.toml");
        match fs::read_to_string(root.join(&file)) {
            Ok(manifest) => breaches.extend(
                check_manifest(name, &manifest).map(|message| Breach { file: file.clone(), message }),
            ),
            Err(e) => breaches.push(Breach { file, message: format!("cannot be read: {e}") }),
        }
    }
    breaches
}

fn check_manifest<'a>(name: &'a str, manifest: &'a str) -> impl Iterator<Item = String> + 'a {
    let own = floor_of(name).unwrap_or(0);
    let mut section = "";
    manifest.lines().filter_map(move |line| {
        let line = line.trim();
        if line.starts_with('[') {
            section = line;
            return None;
        }
        if !section.contains("dependencies") {
            return None;
        }
        let dependency = line.split(['.', '=', ' ']).next()?;
        if dependency == BESIDE.0 {
            return (name != USER_OF_BESIDE).then(|| {
                format!("`{name}` must not depend on `{dependency}`: `{USER_OF_BESIDE}` starts it, and offers it as a server")
            });
        }
        let floor = floor_of(dependency)?;
        let is_test_server = section == "[dev-dependencies]" && floor <= 1;
        (floor >= own && !is_test_server).then(|| {
            format!("`{name}` (floor {own}) must not depend on `{dependency}` (floor {floor}): pass what it needs in, or move the code down")
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn breaches(name: &str, manifest: &str) -> usize {
        check_manifest(name, manifest).count()
    }

    #[test]
    fn a_lower_floor_may_be_used_and_an_upper_or_equal_one_not() {
        assert_eq!(breaches("script", "[dependencies]\nload.workspace = true\n"), 0);
        assert_eq!(breaches("load", "[dependencies]\nscript.workspace = true\n"), 1);
        assert_eq!(breaches("load", "[dependencies]\ndrivers.workspace = true\n"), 1);
    }

    #[test]
    fn the_reference_service_uses_no_floor_and_is_started_by_embed_alone() {
        assert_eq!(breaches("embed", "[dependencies]\nqueue_api.workspace = true\n"), 0);
        assert_eq!(breaches("runner", "[dependencies]\nqueue_api.workspace = true\n"), 1);
        assert_eq!(breaches("queue_api", "[dependencies]\nmodel.workspace = true\n"), 1);
        assert_eq!(breaches("queue_api", "[dev-dependencies]\nembed.workspace = true\n"), 0);
    }

    #[test]
    fn tests_may_start_the_embedded_servers() {
        assert_eq!(breaches("drivers", "[dev-dependencies]\nembed.workspace = true\n"), 0);
        assert_eq!(breaches("drivers", "[dependencies]\nembed.workspace = true\n"), 1);
    }
}
