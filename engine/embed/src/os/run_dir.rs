//! A folder that belongs to one server of one run and disappears with it.
//!
//! Its name says who owns it (pid and start time) and the owner holds a lock on it, so that a later run can tell
//! the leftovers of a crash from a folder in use, even one of another container that shares the folder.

use std::fs::{DirBuilder, File};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::fs::{FlockOperation, flock};

use super::process::ProcessId;
use super::user::User;
use crate::EmbedError;

const PREFIX: &str = "snapbench-";

/// A folder of our own; removed with all that is in it on drop.
#[derive(Debug)]
pub(crate) struct RunDir {
    path: PathBuf,
    /// Held, never read: it tells other runs that the folder is in use. Closed on exec.
    _lock: File,
}

impl RunDir {
    /// The path that the next [`RunDir::create`] would take; told to the guard before the folder exists.
    pub(crate) fn next_path(root: &Path) -> PathBuf {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let own = ProcessId::own().unwrap_or(ProcessId { pid: std::process::id(), start: 0 });
        root.join(format!("{PREFIX}{}-{}-{number}", own.pid, own.start))
    }

    /// Makes the folder for the owner alone (0700), or for the user that a server steps down to.
    pub(crate) fn create(path: PathBuf, user: Option<&User>) -> Result<RunDir, EmbedError> {
        DirBuilder::new().mode(0o700).create(&path).map_err(EmbedError::io("create", &path))?;
        let lock = File::open(&path).map_err(EmbedError::io("open", &path))?;
        let dir = RunDir { _lock: lock, path };
        flock(&dir._lock, FlockOperation::NonBlockingLockExclusive)
            .map_err(|errno| EmbedError::io("lock", &dir.path)(errno.into()))?;
        if let Some(user) = user {
            std::os::unix::fs::chown(&dir.path, Some(user.uid), Some(user.gid))
                .map_err(EmbedError::io("hand over", &dir.path))?;
        }
        Ok(dir)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for RunDir {
    fn drop(&mut self) {
        remove(&self.path);
    }
}

/// Removes a folder; tries again for a moment when a dying process still writes into it.
pub(crate) fn remove(path: &Path) {
    for _ in 0..50 {
        match std::fs::remove_dir_all(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                tracing::debug!(path = %path.display(), %error, "folder not yet removed");
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
            _ => return,
        }
    }
    tracing::warn!(path = %path.display(), "a temporary folder could not be removed");
}
