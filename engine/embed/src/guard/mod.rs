//! What cleans up when this process cannot: a small process that waits for us to die.
//!
//! It holds the read end of a pipe whose write end only this process has (closed on exec, so no server inherits
//! it). However this process ends, the kernel closes the pipe; the guard then kills what it was told to watch
//! and removes the folders. A normal stop tells it to forget first.
//!
//! One guard serves all servers of a process and goes with the last of them.

mod message;
mod sweep;
mod watch;

use std::io::Write;
use std::path::Path;
use std::process::{Child, ChildStdin, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};

pub(crate) use message::{Family, Message};
pub(crate) use sweep::end_family;
pub(crate) use watch::watch;

use crate::os::process::ProcessId;
use crate::os::shared_memory::Segments;
use crate::{EmbedError, child};

/// The line to the guard process. Dropping the last one ends the guard.
#[derive(Debug)]
pub(crate) struct Guard {
    /// `None` only while dropping.
    line: Mutex<Option<ChildStdin>>,
    process: Mutex<Child>,
}

impl Guard {
    /// The guard of this process, started when there is none.
    pub(crate) fn of_this_process() -> Result<Arc<Guard>, EmbedError> {
        static CURRENT: Mutex<Weak<Guard>> = Mutex::new(Weak::new());
        let mut current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(guard) = current.upgrade() {
            return Ok(guard);
        }
        let guard = Arc::new(Guard::start()?);
        *current = Arc::downgrade(&guard);
        Ok(guard)
    }

    fn start() -> Result<Guard, EmbedError> {
        let mut command = child::guard_command()?;
        // Silent and nowhere: it must hold neither the terminal's pipes nor a folder open after we are gone.
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).current_dir("/");
        let program = command.get_program().to_owned();
        let mut process = crate::os::spawner::spawn_detached(command)
            .map_err(EmbedError::io("run", Path::new(&program)))?;
        let line = process.stdin.take();
        Ok(Guard { line: Mutex::new(line), process: Mutex::new(process) })
    }

    /// For tests of what needs a guard and makes nothing to watch: a process that only reads.
    #[cfg(test)]
    pub(crate) fn of_nobody() -> Arc<Guard> {
        let mut process = std::process::Command::new("cat")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("cat is everywhere");
        let line = process.stdin.take();
        Arc::new(Guard { line: Mutex::new(line), process: Mutex::new(process) })
    }

    /// From now on this family is killed when we die.
    pub(crate) fn watch_family(&self, family: &Family) {
        self.tell(&Message::WatchFamily(family.clone()));
    }

    /// The family has ended; what its pid names from now on is somebody else.
    pub(crate) fn forget_family(&self, leader: ProcessId) {
        self.tell(&Message::ForgetFamily(leader));
    }

    /// From now on this folder, which need not exist yet, is removed when we die.
    pub(crate) fn watch_folder(&self, folder: &Path) {
        self.tell(&Message::WatchFolder(folder.to_path_buf()));
    }

    /// The folder has been removed.
    pub(crate) fn forget_folder(&self, folder: &Path) {
        self.tell(&Message::ForgetFolder(folder.to_path_buf()));
    }

    /// Shared memory that outlives the processes that made it.
    pub(crate) fn watch_segments(&self, segments: &Segments) {
        self.tell(&Message::WatchSegments(segments.clone()));
    }

    /// One line a message. What is in the pipe when we die is still read, so no answer is needed.
    fn tell(&self, message: &Message) {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = line.as_mut().map(|line| line.write_all(&message.to_line()));
        if let Some(Err(error)) = sent {
            // Killed by somebody. The second belt (signal on the parent's death) and the sweep at the next
            // start remain.
            tracing::warn!(%error, "the process that cleans up after a crash is gone");
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.line.lock().unwrap_or_else(PoisonError::into_inner).take());
        // It ends at the closed pipe at once; waiting leaves no zombie.
        let _ = self.process.lock().unwrap_or_else(PoisonError::into_inner).wait();
    }
}
