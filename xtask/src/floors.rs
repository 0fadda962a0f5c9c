//! A crate may name only crates of lower floors among its dependencies; tests may also use `embed`.

use std::{fs, path::Path};

use crate::Breach;

/// Crates by floor, lowest first.
const FLOORS: [&[&str]; 5] =
    [&["model"], &["load", "drivers", "embed"], &["script", "report"], &["runner"], &["cli"]];

fn floor_of(name: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&name))
}

/// Reads every crate's manifest.
pub(crate) fn check(root: &Path) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for name in FLOORS.iter().flat_map(|floor| floor.iter()) {
        let file = Path::new("engine").join(name).join("Cargo.toml");
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
    fn tests_may_start_the_embedded_servers() {
        assert_eq!(breaches("drivers", "[dev-dependencies]\nembed.workspace = true\n"), 0);
        assert_eq!(breaches("drivers", "[dependencies]\nembed.workspace = true\n"), 1);
    }
}
