//! A folder that belongs to one server of one run and disappears with it.
//!
//! Its name says who owns it (pid and start time) and the owner holds a lock on it, so that a later run can tell
//! the leftovers of a crash from a folder in use, even by another container that shares the folder.

use std::fs::{DirBuilder, File};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::fs::{FlockOperation, flock};

use super::process::ProcessId;
use super::user::User;
use crate::EmbedError;
use crate::guard::{Family, Guard, end_family};

const PREFIX: &str = "snapbench-";
/// In a run folder: the family that works there, for a sweep after guard and owner both died.
const FAMILY_FILE: &str = "family.json";

/// A folder of our own; removed with all that is in it on drop, or by the guard.
#[derive(Debug)]
pub(crate) struct RunDir {
    path: PathBuf,
    guard: Arc<Guard>,
    /// Held, never read: it tells other runs that the folder is in use. Closed on exec.
    lock: Option<File>,
}

impl RunDir {
    /// Makes the folder for the owner alone (0700), or for the user that a server steps down to.
    pub(crate) fn create(root: &Path, user: Option<&User>, guard: &Arc<Guard>) -> Result<RunDir, EmbedError> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let own = ProcessId::own().unwrap_or(ProcessId { pid: std::process::id(), start: 0 });
        let name = format!("{PREFIX}{}-{}-{}", own.pid, own.start, NEXT.fetch_add(1, Ordering::Relaxed));
        let path = root.join(name);
        if path.to_str().is_none() {
            return Err(EmbedError::OddFolder { path: root.to_path_buf() });
        }
        // A folder that the user has named need not be there yet.
        std::fs::create_dir_all(root).map_err(EmbedError::io("create", root))?;
        // Told before it exists: there is no instant at which our death would leave it.
        guard.watch_folder(&path);
        let mut dir = RunDir { path, guard: Arc::clone(guard), lock: None };
        DirBuilder::new().mode(0o700).create(&dir.path).map_err(EmbedError::io("create", &dir.path))?;
        let lock = File::open(&dir.path).map_err(EmbedError::io("open", &dir.path))?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive)
            .map_err(|errno| EmbedError::io("lock", &dir.path)(errno.into()))?;
        dir.lock = Some(lock);
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
        self.guard.forget_folder(&self.path);
    }
}

/// Notes in the run folder `dir` which family works there.
pub(crate) fn note_family(dir: &Path, family: &Family) {
    // Only a sweep after a double death misses it.
    if let Ok(text) = serde_json::to_vec(family) {
        let _ = std::fs::write(dir.join(FAMILY_FILE), text);
    }
}

/// Removes a run folder; tries again for a moment when a dying process still writes into it.
///
/// Whatever it is told, it removes nothing that does not bear a run folder's name: a mistake anywhere above, made
/// by root in /tmp, must not cost anybody else their files.
pub(crate) fn remove(path: &Path) {
    if path.file_name().and_then(|name| name.to_str()).and_then(owner_in).is_none() {
        tracing::error!(path = %path.display(), "refusing to remove what is no run folder");
        return;
    }
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

/// Removes what runs have left behind that died together with their guard (power loss, for one): folders whose
/// owner is gone and whose lock nobody holds, and servers that still work in them.
pub(crate) fn sweep_stale(roots: &[PathBuf]) {
    let entries = roots.iter().filter_map(|root| std::fs::read_dir(root).ok()).flatten().flatten();
    for entry in entries {
        let owner = entry.file_name().to_str().and_then(owner_in);
        if owner.is_some_and(|owner| !owner.is_alive()) && is_unlocked(&entry.path()) {
            tracing::info!(path = %entry.path().display(), "removing what an earlier run left behind");
            end_noted_family(&entry.path());
            remove(&entry.path());
        }
    }
}

/// `snapbench-<pid>-<start>-<number>`
fn owner_in(name: &str) -> Option<ProcessId> {
    let mut numbers = name.strip_prefix(PREFIX)?.split('-').map(str::parse::<u64>);
    let (pid, start, _number) = (numbers.next()?.ok()?, numbers.next()?.ok()?, numbers.next()?.ok()?);
    if numbers.next().is_some() {
        return None;
    }
    Some(ProcessId { pid: u32::try_from(pid).ok()?, start })
}

/// Nobody holds its lock; a folder that is not ours to open, or a link, counts as locked.
fn is_unlocked(path: &Path) -> bool {
    let is_folder = path.symlink_metadata().is_ok_and(|about| about.is_dir());
    let opened = is_folder.then(|| File::open(path).ok()).flatten();
    opened.is_some_and(|file| flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok())
}

/// The note is believed only when this very user wrote it: anybody can make a folder in /tmp.
fn end_noted_family(dir: &Path) {
    let note = dir.join(FAMILY_FILE);
    let own = rustix::process::geteuid().as_raw();
    if note.symlink_metadata().is_ok_and(|about| about.is_file() && about.uid() == own) {
        let text = std::fs::read(&note).unwrap_or_default();
        if let Ok(family) = serde_json::from_slice::<Family>(&text) {
            end_family(&family).remove();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_says_who_owns_the_folder() {
        assert_eq!(owner_in("snapbench-12-34-0"), Some(ProcessId { pid: 12, start: 34 }));
        for other in ["snapbench-12-34", "snapbench-a-34-0", "snapbench-12-34-0-1", "snapbench-child", "x"] {
            assert_eq!(owner_in(other), None, "{other}");
        }
    }

    #[test]
    fn the_folder_for_data_is_made_when_it_is_not_there() {
        let root = tempfile::tempdir().unwrap();
        let data = root.path().join("not/there/yet");
        let dir = RunDir::create(&data, None, &Guard::of_nobody()).unwrap();
        assert!(dir.path().starts_with(&data) && dir.path().is_dir());
        drop(dir);
        assert_eq!(std::fs::read_dir(&data).unwrap().count(), 0);
    }

    #[test]
    fn nothing_without_a_run_folders_name_is_ever_removed() {
        let root = tempfile::tempdir().unwrap();
        for name in ["precious", "snapbench-data", "snapbench-1-2"] {
            let path = root.path().join(name);
            std::fs::create_dir(&path).unwrap();
            remove(&path);
            assert!(path.exists(), "{name}");
        }
        remove(&root.path().join("snapbench-1-2-3/.."));
        assert!(root.path().exists());
    }

    #[test]
    fn only_folders_of_the_dead_are_removed() {
        let root = tempfile::tempdir().unwrap();
        let own = ProcessId::own().unwrap();
        let make = |name: String| {
            let path = root.path().join(name);
            std::fs::create_dir_all(path.join("data")).unwrap();
            path
        };
        let mine = make(format!("snapbench-{}-{}-0", own.pid, own.start));
        let dead = make(format!("snapbench-{}-{}-0", own.pid, own.start + 1));
        let held = make(format!("snapbench-{}-{}-1", own.pid, own.start + 1));
        let other = make("something-else".to_owned());
        let lock = File::open(&held).unwrap();
        flock(&lock, FlockOperation::NonBlockingLockExclusive).unwrap();
        sweep_stale(&[root.path().to_path_buf()]);
        assert!(mine.exists() && held.exists() && other.exists());
        assert!(!dead.exists());
    }

    #[test]
    fn a_server_that_still_works_in_a_stale_folder_is_ended() {
        let root = tempfile::tempdir().unwrap();
        let own = ProcessId::own().unwrap();
        let dir = root.path().join(format!("snapbench-{}-{}-0", own.pid, own.start + 1));
        std::fs::create_dir(&dir).unwrap();
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let leader = ProcessId::of(child.id()).unwrap();
        note_family(&dir, &Family { leader, programs: "/bin".into(), folder: dir.clone() });
        let reaper = std::thread::spawn(move || child.wait().unwrap());
        sweep_stale(&[root.path().to_path_buf()]);
        assert!(!reaper.join().unwrap().success());
        assert!(!dir.exists());
    }
}
