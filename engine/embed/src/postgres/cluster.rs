//! Making a data directory: by `initdb` once for each version, by copying what it made ever after.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use super::USER;
use super::find::Binaries;
use crate::EmbedError;
use crate::guard::Guard;
use crate::os::run_dir::RunDir;
use crate::os::text::last_lines;
use crate::os::tool::{self, Unfinished};
use crate::os::user::User;
use crate::os::{cache, tree};

/// Collation C: the same order on every machine, and the one that costs least.
const INITDB: [&str; 5] = ["--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"];
/// It takes well under a second; a machine on its knees may take this long.
const INITDB_PATIENCE: Duration = Duration::from_secs(120);

/// Makes a new cluster in `data`, which must not exist.
pub(crate) fn create(
    binaries: &Binaries,
    data: &Path,
    user: Option<&User>,
    guard: &Arc<Guard>,
) -> Result<(), EmbedError> {
    match template(binaries, user, guard) {
        Ok(Some(template)) => {
            tree::copy(&template, data, user).map_err(EmbedError::io("copy a cluster to", data))
        }
        Ok(None) => initdb(binaries, data, user, guard),
        Err(error @ EmbedError::Io { .. }) => {
            // A cache that cannot be written costs time, not the run.
            tracing::info!(%error, "no cached cluster; set SNAPBENCH_CACHE_DIR to a folder that can be written");
            initdb(binaries, data, user, guard)
        }
        Err(error) => Err(error),
    }
}

/// Where the templates are; swept of what a crash left there like every other root.
pub(crate) fn template_root() -> Option<PathBuf> {
    Some(cache::root()?.join("postgres-clusters"))
}

/// A cluster to copy, made now when there is none for these programs. Only ever complete: it gets its name when
/// all of it is on disk.
fn template(
    binaries: &Binaries,
    user: Option<&User>,
    guard: &Arc<Guard>,
) -> Result<Option<PathBuf>, EmbedError> {
    let Some(root) = template_root() else { return Ok(None) };
    let template = root.join(template_name(binaries, user)?);
    if template.is_dir() {
        return Ok(Some(template));
    }
    // Open to all: as root, it is another user who makes the cluster and runs in it. Each cluster is 0700.
    let made = fs::DirBuilder::new().recursive(true).mode(0o755).create(&root);
    made.map_err(EmbedError::io("create", &root))?;
    let workshop = RunDir::create(&root, user, guard)?;
    let data = workshop.path().join("data");
    initdb(binaries, &data, user, guard)?;
    sync(&data).map_err(EmbedError::io("sync", &data))?;
    match fs::rename(&data, &template) {
        // Another run was faster.
        Err(_) if template.is_dir() => {}
        renamed => renamed.map_err(EmbedError::io("name", &template))?,
    }
    Ok(Some(template))
}

/// A name that changes with all that the result depends on: the programs (upgraded in place, they keep their
/// path), how they are called, and who owns the files.
fn template_name(binaries: &Binaries, user: Option<&User>) -> Result<String, EmbedError> {
    let program = binaries.program("postgres");
    let about = fs::metadata(&program).map_err(EmbedError::io("look at", &program))?;
    let mut hasher = DefaultHasher::new();
    (&binaries.folder, &binaries.version.text, about.len(), about.mtime(), INITDB).hash(&mut hasher);
    user.map(|user| user.uid).hash(&mut hasher);
    let version = &binaries.version;
    Ok(format!("{}.{}-{:016x}", version.major, version.minor, hasher.finish()))
}

/// A template that a power failure emptied would break every later start.
#[cfg(target_os = "linux")]
fn sync(data: &Path) -> std::io::Result<()> {
    Ok(rustix::fs::syncfs(fs::File::open(data)?)?)
}

#[cfg(not(target_os = "linux"))]
fn sync(_data: &Path) -> std::io::Result<()> {
    rustix::fs::sync();
    Ok(())
}

/// Runs `initdb` into `data`, as the user the server will run as.
fn initdb(binaries: &Binaries, data: &Path, user: Option<&User>, guard: &Guard) -> Result<(), EmbedError> {
    let program = binaries.program("initdb");
    let mut command = Command::new(&program);
    command.args(INITDB).arg(format!("--username={USER}")).arg("--pgdata").arg(data);
    prepare(&mut command, user);
    let failed = |status: String, output: &str| EmbedError::Program {
        program: program.display().to_string(),
        status,
        output: last_lines(output, 15),
    };
    match tool::run(command, data.parent().unwrap_or(data), guard, INITDB_PATIENCE) {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
            Err(failed(output.status.to_string(), &said))
        }
        Err(Unfinished::NotStarted(source)) => Err(unrunnable(&program, user, source)),
        Err(too_long @ Unfinished::TooLong(_)) => Err(failed(too_long.to_string(), "")),
    }
}

/// What every Postgres program needs: nobody's PG* variables, messages in English, and not to be root.
pub(crate) fn prepare(command: &mut Command, user: Option<&User>) {
    command.env("LC_ALL", "C").env_remove("LANGUAGE");
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PG")) {
        command.env_remove(name);
    }
    if let Some(user) = user {
        user.apply(command);
    }
}

/// A program that could not be started at all; as root usually because the other user cannot reach it.
pub(crate) fn unrunnable(program: &Path, user: Option<&User>, source: std::io::Error) -> EmbedError {
    match user {
        Some(user) => EmbedError::Unreachable {
            program: program.to_path_buf(),
            user: user.name.clone(),
            reason: source.to_string(),
        },
        None => EmbedError::Io { action: "run", path: program.to_path_buf(), source },
    }
}
