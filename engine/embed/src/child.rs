//! The hidden subcommands: this program started again as the guard, the object store or the queue service.
//!
//! A program serves them by calling [`dispatch_if_asked`] as the first thing in `main`; from then on it starts
//! *itself*. One that does not (a test harness) uses a helper program instead, looked for in this order:
//!
//! 1. the file that `SNAPBENCH_CHILD_EXE` names;
//! 2. `snapbench-child`, then `snapbench`, in the folder of the running program;
//! 3. the same two one folder up, when that folder is Cargo's `deps`.

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::{EmbedError, guard, service, store};

/// Names the program that serves the hidden subcommands; wins over every other.
const CHILD_EXE: &str = "SNAPBENCH_CHILD_EXE";
/// Cleans up behind a parent that died.
const GUARD: &str = "__guard";
/// Serves S3.
const STORE: &str = "__store";
/// Serves the queue service's HTTP.
const QUEUE_API: &str = "__queue_api";

/// Whether this program called [`dispatch_if_asked`].
static SERVES: AtomicBool = AtomicBool::new(false);

/// Runs the hidden subcommand that this process was started for and exits; returns at once when it was started
/// for something else. Call it first in `main`, before any thread exists.
pub fn dispatch_if_asked() {
    SERVES.store(true, Ordering::Relaxed);
    if let Some(code) = std::env::args_os().nth(1).and_then(|word| main(&word)) {
        std::process::exit(code);
    }
}

/// Runs a hidden subcommand and returns its exit code; `None` when the word names none.
pub fn main(word: &OsStr) -> Option<i32> {
    match word.to_str()? {
        GUARD => Some(guard::watch()),
        STORE => Some(store::serve()),
        QUEUE_API => Some(service::serve()),
        _ => None,
    }
}

/// A command that runs the guard.
pub(crate) fn guard_command() -> Result<Command, EmbedError> {
    command(GUARD)
}

/// A command that runs the object store.
pub(crate) fn store_command() -> Result<Command, EmbedError> {
    command(STORE)
}

/// A command that runs the queue service.
pub(crate) fn service_command() -> Result<Command, EmbedError> {
    command(QUEUE_API)
}

fn command(word: &str) -> Result<Command, EmbedError> {
    let mut command = Command::new(executable()?);
    // Found through /proc/self/exe the process would be listed as just that.
    std::os::unix::process::CommandExt::arg0(&mut command, "snapbench");
    command.arg(word);
    Ok(command)
}

fn executable() -> Result<PathBuf, EmbedError> {
    if let Some(named) = std::env::var_os(CHILD_EXE).filter(|named| !named.is_empty()) {
        return Ok(PathBuf::from(named));
    }
    let own = std::env::current_exe().map_err(EmbedError::io("find", "this program's own file"))?;
    if SERVES.load(Ordering::Relaxed) {
        // Through /proc it is the very file that runs, even when a build has replaced it since.
        let running = Path::new("/proc/self/exe");
        return Ok(if running.exists() { running.to_path_buf() } else { own });
    }
    let candidates = beside(&own);
    candidates.iter().find(|file| file.is_file()).cloned().ok_or_else(|| EmbedError::NoChildProgram {
        searched: candidates.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(", "),
    })
}

/// Where a helper program may lie, seen from the running one.
fn beside(own: &Path) -> Vec<PathBuf> {
    let mut folders: Vec<&Path> = own.parent().into_iter().collect();
    if let Some(above) = own.parent().filter(|folder| folder.ends_with("deps")).and_then(Path::parent) {
        folders.push(above);
    }
    let names = ["snapbench-child", "snapbench"];
    folders.iter().flat_map(|folder| names.map(|name| folder.join(name))).collect()
}

/// What a child says to the process that started it: one line on standard output.
pub(crate) fn tell_parent(line: &[u8]) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(line)?;
    out.write_all(b"\n")?;
    out.flush()
}

/// Ends a child that would break a promise by going on. The reason goes to standard error, which is its log.
pub(crate) fn fatal(reason: &str) -> ! {
    tracing::error!(reason, "this process stops");
    // Nothing can be done about a log that cannot be written either.
    let _ = writeln!(std::io::stderr(), "fatal: {reason}");
    std::process::exit(EXIT_DISK);
}

/// sysexits(3): an error occurred while doing I/O.
const EXIT_DISK: i32 = 74;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_harness_looks_above_deps() {
        let files = beside(Path::new("/t/debug/deps/it-0123"));
        let files: Vec<&str> = files.iter().map(|file| file.to_str().unwrap()).collect();
        assert_eq!(
            files,
            [
                "/t/debug/deps/snapbench-child",
                "/t/debug/deps/snapbench",
                "/t/debug/snapbench-child",
                "/t/debug/snapbench"
            ]
        );
        assert_eq!(beside(Path::new("/usr/bin/x")).len(), 2);
    }

    #[test]
    fn other_words_are_nobody_s_subcommand() {
        assert_eq!(main(OsStr::new("run")), None);
        assert_eq!(main(OsStr::new("")), None);
    }
}
