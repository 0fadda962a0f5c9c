//! Ending what a dead parent left: processes first, then shared memory, then folders.

use std::path::PathBuf;
use std::time::Duration;

use super::message::{Family, Message};
use crate::os::shared_memory::Segments;
use crate::os::{family, run_dir};

/// SIGKILL acts at once; only a process inside a disk operation takes longer.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is being watched.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Watched {
    families: Vec<Family>,
    folders: Vec<PathBuf>,
    segments: Vec<Segments>,
}

impl Watched {
    pub(crate) fn note(&mut self, message: Message) {
        match message {
            Message::WatchFamily(family) => self.families.push(family),
            Message::ForgetFamily(leader) => self.families.retain(|family| family.leader != leader),
            Message::WatchFolder(folder) => self.folders.push(folder),
            Message::ForgetFolder(folder) => {
                self.folders.retain(|watched| *watched != folder);
                self.segments.retain(|segments| segments.folder != folder);
            }
            Message::WatchSegments(segments) => self.segments.push(segments),
        }
    }

    /// Ends and removes all of it.
    pub(crate) fn sweep(self) {
        let mut segments = self.segments;
        segments.extend(self.families.iter().map(end_family));
        segments.iter().for_each(Segments::remove);
        self.folders.iter().for_each(|folder| run_dir::remove(folder));
    }
}

/// Kills a family, orphans of a dead leader included, and returns the shared memory it leaves, which the caller
/// removes.
pub(crate) fn end_family(watched: &Family) -> Segments {
    // Read before the kill: a dead process has no memory map.
    let segments = Segments::of(watched.leader, &watched.folder);
    let mut hit = family::kill(watched.leader);
    // Those that the leader's death left behind, and those it forked while the first look was taken.
    for orphan in family::orphans(&watched.programs, &watched.folder) {
        orphan.signal(rustix::process::Signal::KILL);
        hit.push(orphan);
    }
    family::wait_gone(&hit, PATIENCE);
    segments
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::process::ProcessId;

    #[test]
    fn what_is_forgotten_is_not_touched() {
        let mut watched = Watched::default();
        let leader = ProcessId { pid: 1, start: 1 };
        let family = Family { leader, programs: "/x".into(), folder: "/y".into() };
        let segments = Segments::of(leader, std::path::Path::new("/y"));
        watched.note(Message::WatchFolder("/y".into()));
        watched.note(Message::WatchFamily(family));
        watched.note(Message::WatchSegments(segments));
        assert_ne!(watched, Watched::default());
        watched.note(Message::ForgetFamily(leader));
        watched.note(Message::ForgetFolder("/y".into()));
        assert_eq!(watched, Watched::default());
    }

    #[test]
    fn a_folder_of_another_name_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let mut watched = Watched::default();
        watched.note(Message::WatchFolder(root.path().to_path_buf()));
        watched.sweep();
        assert!(root.path().exists());
    }

    #[test]
    fn a_folder_is_removed_with_what_is_in_it() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("snapbench-1-2-3");
        std::fs::create_dir_all(folder.join("a/b")).unwrap();
        std::fs::write(folder.join("a/b/c"), "x").unwrap();
        let mut watched = Watched::default();
        watched.note(Message::WatchFolder(folder.clone()));
        watched.note(Message::WatchFolder(root.path().join("snapbench-1-2-4")));
        watched.sweep();
        assert!(!folder.exists());
        assert!(root.path().exists());
    }
}
