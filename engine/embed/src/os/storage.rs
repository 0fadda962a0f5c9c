//! Where throw-away data goes: a folder on a real disk when there is one.
//!
//! On a memory file system fsync costs nothing, so what is measured there is not what a user gets.

use std::path::{Path, PathBuf};

/// Names the folder for data of servers; wins over the choice made here.
const DATA_ROOT: &str = "SNAPBENCH_DATA_DIR";

/// The folder below which run folders with data are made: the caller's choice, `SNAPBENCH_DATA_DIR`, the
/// system's folder for temporary files, or `/var/tmp` when that one lives in memory.
pub(crate) fn data_root(chosen: Option<&Path>) -> PathBuf {
    if let Some(chosen) = chosen {
        return chosen.to_path_buf();
    }
    if let Some(named) = std::env::var_os(DATA_ROOT).filter(|named| !named.is_empty()) {
        return PathBuf::from(named);
    }
    let temporary = std::env::temp_dir();
    let on_disk = PathBuf::from("/var/tmp");
    if in_memory(&temporary) && on_disk.is_dir() && !in_memory(&on_disk) { on_disk } else { temporary }
}

/// The folder for sockets: short, because a socket's path may have about 100 bytes.
pub(crate) fn socket_root() -> PathBuf {
    let temporary = std::env::temp_dir();
    if temporary.as_os_str().len() <= SHORT_BYTES { temporary } else { PathBuf::from("/tmp") }
}

/// Room for a run folder's name and `.s.PGSQL.65535` within macOS's 104 bytes.
const SHORT_BYTES: usize = 40;

/// Every folder that run folders may have been made in, for the sweep after a crash.
pub(crate) fn roots(chosen: Option<&Path>) -> Vec<PathBuf> {
    let mut roots =
        vec![data_root(chosen), socket_root(), std::env::temp_dir(), "/tmp".into(), "/var/tmp".into()];
    roots.sort();
    roots.dedup();
    roots
}

/// Whether files there live in memory only.
#[cfg(target_os = "linux")]
pub(crate) fn in_memory(path: &Path) -> bool {
    const TMPFS: u64 = 0x0102_1994;
    const RAMFS: u64 = 0x8584_58f6;
    // The width of the field differs between architectures; the magic numbers have 32 bits.
    rustix::fs::statfs(path).is_ok_and(|fs| matches!(fs.f_type as u64 & 0xffff_ffff, TMPFS | RAMFS))
}

/// Whether files there live in memory only: not told apart on this system.
#[cfg(not(target_os = "linux"))]
pub(crate) fn in_memory(_path: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_callers_choice_wins() {
        assert_eq!(data_root(Some(Path::new("/x"))), PathBuf::from("/x"));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_disk_is_not_memory() {
        if Path::new("/dev/shm").is_dir() {
            assert!(in_memory(Path::new("/dev/shm")));
        }
        assert!(!in_memory(Path::new("/nonexistent")));
    }
}
