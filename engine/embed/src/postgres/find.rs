//! Finding the server programs that are already on the machine.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::EmbedError;

/// Names the folder with the programs; wins over every other place.
const BIN_FOLDER: &str = "SNAPBENCH_PG_BIN";

/// A folder with `initdb` and `postgres`, and what they say they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Binaries {
    pub(crate) folder: PathBuf,
    pub(crate) version: PgVersion,
}

/// A server's version, as it reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PgVersion {
    /// 15 of "15.18".
    pub major: u32,
    /// 18 of "15.18"; 0 for a beta or a development version.
    pub minor: u32,
    /// All of it, such as "15.18 (Debian 15.18-0+deb12u1)".
    pub text: String,
}

impl std::fmt::Display for PgVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl PgVersion {
    /// Reads what `postgres --version` prints: `postgres (PostgreSQL) 15.18 (Debian …)`.
    pub(crate) fn parse(output: &str) -> Option<PgVersion> {
        let text = output.trim().split_once("(PostgreSQL)")?.1.trim();
        let number =
            |digits: &str| digits.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok();
        let major = number(text)?;
        let minor = text.split_once('.').and_then(|(_, rest)| number(rest)).unwrap_or(0);
        Some(PgVersion { major, minor, text: text.to_owned() })
    }
}

impl Binaries {
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Both programs are there and say their version.
    pub(crate) fn at(folder: &Path) -> Result<Binaries, String> {
        // Through links, so that one installation found by two names counts once.
        let folder = folder.canonicalize().map_err(|error| error.to_string())?;
        for program in ["initdb", "postgres"] {
            if !folder.join(program).is_file() {
                return Err(format!("it holds no `{program}`"));
            }
        }
        // A link to `postgres` elsewhere (as in /usr/local/bin) finds its libraries from where it really is.
        let real = folder.join("postgres").canonicalize().map_err(|error| error.to_string())?;
        let folder =
            real.parent().filter(|real| real.join("initdb").is_file()).unwrap_or(&folder).to_path_buf();
        let output = Command::new(&real).arg("--version").stdin(Stdio::null()).output();
        let output = output.map_err(|error| format!("its `postgres` cannot be run: {error}"))?;
        let version = PgVersion::parse(&String::from_utf8_lossy(&output.stdout))
            .ok_or_else(|| "its `postgres --version` answers nothing we understand".to_owned())?;
        Ok(Binaries { folder, version })
    }
}

/// What was found, newest first, and the places looked at.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) all: Vec<Binaries>,
    pub(crate) searched: String,
}

/// Looks in every place where installers put Postgres.
pub(crate) fn find() -> Result<Found, EmbedError> {
    if let Some(folder) = std::env::var_os(BIN_FOLDER).filter(|folder| !folder.is_empty()) {
        let path = PathBuf::from(folder);
        let binaries = Binaries::at(&path)
            .map_err(|problem| EmbedError::BadBinariesFolder { path: path.clone(), problem })?;
        return Ok(Found { all: vec![binaries], searched: format!("{BIN_FOLDER}={}", path.display()) });
    }
    let mut all: Vec<Binaries> = Vec::new();
    for folder in candidates() {
        match Binaries::at(&folder) {
            Ok(found) if !all.contains(&found) => all.push(found),
            Ok(_) => {}
            Err(problem) => tracing::trace!(folder = %folder.display(), problem, "no Postgres here"),
        }
    }
    // Stable: of two with the same version the one found first (the user's own PATH) stays in front.
    all.sort_by_key(|found| std::cmp::Reverse((found.version.major, found.version.minor)));
    let searched = "SNAPBENCH_PG_BIN, pg_config --bindir, PATH, /usr/lib/postgresql/*/bin, /usr/pgsql-*/bin, Homebrew, Postgres.app";
    Ok(Found { all, searched: searched.to_owned() })
}

fn candidates() -> Vec<PathBuf> {
    let mut folders = Vec::new();
    if let Ok(output) = Command::new("pg_config").arg("--bindir").stdin(Stdio::null()).output() {
        folders.push(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    }
    if let Some(path) = std::env::var_os("PATH") {
        folders.extend(std::env::split_paths(&path).filter(|folder| folder.join("postgres").exists()));
    }
    folders.extend(below("/usr/lib/postgresql", "", "bin"));
    folders.extend(below("/usr", "pgsql-", "bin"));
    for cellar in ["/opt/homebrew/opt", "/usr/local/opt", "/home/linuxbrew/.linuxbrew/opt"] {
        folders.extend(below(cellar, "postgresql", "bin"));
    }
    folders.extend(below("/Applications/Postgres.app/Contents/Versions", "", "bin"));
    folders
}

/// `parent/<prefix>*/child`, for those that exist.
fn below(parent: &str, prefix: &str, child: &str) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(parent) else { return Vec::new() };
    let mut folders: Vec<PathBuf> = entries
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
        .map(|entry| entry.path().join(child))
        .filter(|folder| folder.is_dir())
        .collect();
    folders.sort();
    folders
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_distributions_print_them() {
        let debian = PgVersion::parse("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n").unwrap();
        assert_eq!((debian.major, debian.minor), (15, 18));
        assert_eq!(debian.text, "15.18 (Debian 15.18-0+deb12u1)");
        let beta = PgVersion::parse("postgres (PostgreSQL) 19beta1").unwrap();
        assert_eq!((beta.major, beta.minor), (19, 0));
        assert_eq!(PgVersion::parse("bash 5"), None);
    }

    #[test]
    fn a_folder_without_the_programs_says_which_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Binaries::at(folder.path()).unwrap_err(), "it holds no `initdb`");
        std::fs::write(folder.path().join("initdb"), "").unwrap();
        assert_eq!(Binaries::at(folder.path()).unwrap_err(), "it holds no `postgres`");
    }
}
