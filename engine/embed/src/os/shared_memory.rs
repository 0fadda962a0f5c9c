//! Shared memory that a killed Postgres leaves behind: a small System V segment and files in /dev/shm.
//!
//! A Postgres that ends by itself removes them; after SIGKILL they stay until the machine restarts.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::process::ProcessId;

/// What one server has made, as read from its memory map. Always empty outside Linux, where neither is listed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Segments {
    /// The server's folder, for telling whose they are.
    pub(crate) folder: PathBuf,
    /// Who made the System V ones; an id that has since come to mean another's is left alone.
    creator: u32,
    system_v: Vec<i32>,
    files: Vec<PathBuf>,
}

impl Segments {
    /// What a running server holds.
    pub(crate) fn of(server: ProcessId, folder: &Path) -> Segments {
        let mut segments =
            Segments { folder: folder.to_path_buf(), creator: server.pid, ..Segments::default() };
        if server.is_alive() {
            let maps = std::fs::read_to_string(format!("/proc/{}/maps", server.pid)).unwrap_or_default();
            maps.lines().for_each(|line| segments.note(line));
        }
        segments
    }

    /// proc_pid_maps(5): `address perms offset dev inode path`; a System V segment's inode is its id.
    fn note(&mut self, line: &str) {
        let mut fields = line.split_ascii_whitespace().skip(4);
        let (Some(inode), Some(path)) = (fields.next(), fields.next()) else { return };
        if path.starts_with("/SYSV") {
            self.system_v.extend(inode.parse::<i32>().ok().filter(|id| !self.system_v.contains(id)));
        } else if path.starts_with("/dev/shm/PostgreSQL.")
            && !self.files.iter().any(|file| file == Path::new(path))
        {
            self.files.push(path.into());
        }
    }

    /// Removes them; those that are gone already are none of our concern.
    pub(crate) fn remove(&self) {
        for file in &self.files {
            let _ = std::fs::remove_file(file);
        }
        self.system_v.iter().for_each(|id| remove_system_v(*id, self.creator));
    }
}

#[cfg(target_os = "linux")]
fn remove_system_v(id: i32, creator: u32) {
    // SAFETY: shmid_ds is a plain C struct for which all zeroes is a value.
    let mut about: libc::shmid_ds = unsafe { std::mem::zeroed() };
    // SAFETY: IPC_STAT writes one shmid_ds to the pointer, which is valid for that; IPC_RMID takes none.
    unsafe {
        let known = libc::shmctl(id, libc::IPC_STAT, &raw mut about) == 0;
        if known && u32::try_from(about.shm_cpid) == Ok(creator) {
            libc::shmctl(id, libc::IPC_RMID, std::ptr::null_mut());
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn remove_system_v(_id: i32, _creator: u32) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_read_from_a_memory_map() {
        let mut segments = Segments::default();
        for line in [
            "7f0000000000-7f0000001000 rw-s 00000000 00:01 196611                     /SYSV0052e2c1 (deleted)",
            "7f0000002000-7f0000003000 rw-s 00000000 00:19 77      /dev/shm/PostgreSQL.1234567890",
            "7f0000002000-7f0000003000 rw-s 00001000 00:19 77      /dev/shm/PostgreSQL.1234567890",
            "7f0000004000-7f0000005000 rw-s 00000000 00:01 8       /dev/zero (deleted)",
            "7f0000006000-7f0000007000 rw-p 00000000 00:00 0 ",
        ] {
            segments.note(line);
        }
        assert_eq!(segments.system_v, [196_611]);
        assert_eq!(segments.files, [PathBuf::from("/dev/shm/PostgreSQL.1234567890")]);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn only_the_makers_segment_is_removed() {
        // SAFETY: asks for a new private segment of one page; it is attached nowhere.
        let id = unsafe { libc::shmget(libc::IPC_PRIVATE, 4096, libc::IPC_CREAT | 0o600) };
        assert!(id >= 0);
        let exists = || {
            // SAFETY: as in `remove_system_v`.
            unsafe {
                let mut about: libc::shmid_ds = std::mem::zeroed();
                libc::shmctl(id, libc::IPC_STAT, &raw mut about) == 0
            }
        };
        remove_system_v(id, std::process::id() + 1);
        assert!(exists(), "another's segment stays");
        remove_system_v(id, std::process::id());
        assert!(!exists());
    }
}
