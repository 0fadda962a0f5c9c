//! Copying a folder with all that is in it.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::user::User;

/// Making a file costs far more than filling it, mostly inside the kernel: two at a time pay, more do not.
const COPIERS: usize = 2;

/// Copies folders and plain files (there are no others in a new cluster), with their modes, and gives them to
/// `owner`. Where the file system can share blocks (`copy_file_range` on Btrfs and XFS), it does.
pub(crate) fn copy(from: &Path, to: &Path, owner: Option<&User>) -> io::Result<()> {
    let mut files = Vec::new();
    folders_first(from, to, owner, &mut files)?;
    let next = AtomicUsize::new(0);
    let failure = Mutex::new(None);
    let copier = || {
        while let Some((from, to)) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            if let Err(error) = fs::copy(from, to).and_then(|_| hand_over(to, owner)) {
                *failure.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(error);
                return;
            }
        }
    };
    std::thread::scope(|scope| {
        (0..COPIERS).for_each(|_| drop(scope.spawn(copier)));
    });
    failure.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner).map_or(Ok(()), Err)
}

fn folders_first(
    from: &Path,
    to: &Path,
    owner: Option<&User>,
    files: &mut Vec<(PathBuf, PathBuf)>,
) -> io::Result<()> {
    let mode = fs::metadata(from)?.permissions().mode();
    DirBuilder::new().mode(mode & 0o7777).create(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            folders_first(&entry.path(), &target, owner, files)?;
        } else {
            files.push((entry.path(), target));
        }
    }
    hand_over(to, owner)
}

fn hand_over(path: &Path, owner: Option<&User>) -> io::Result<()> {
    owner.map_or(Ok(()), |owner| chown(path, Some(owner.uid), Some(owner.gid)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_copy_has_the_same_files_and_modes() {
        let root = tempfile::tempdir().unwrap();
        let from = root.path().join("from");
        fs::create_dir_all(from.join("a/empty")).unwrap();
        for number in 0..20 {
            fs::write(from.join(format!("a/{number}")), number.to_string()).unwrap();
        }
        fs::set_permissions(from.join("a"), fs::Permissions::from_mode(0o700)).unwrap();
        fs::set_permissions(from.join("a/7"), fs::Permissions::from_mode(0o600)).unwrap();
        let to = root.path().join("to");
        copy(&from, &to, None).unwrap();
        for number in 0..20 {
            assert_eq!(fs::read_to_string(to.join(format!("a/{number}"))).unwrap(), number.to_string());
        }
        assert!(to.join("a/empty").is_dir());
        let mode = |path: &str| fs::metadata(to.join(path)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode("a"), mode("a/7")), (0o700, 0o600));
    }

    #[test]
    fn a_failure_is_told() {
        let root = tempfile::tempdir().unwrap();
        assert!(copy(&root.path().join("missing"), &root.path().join("to"), None).is_err());
    }
}
