//! Starting the server process, and knowing when it is ready.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::ask::{Silence, ask};
use super::cluster::{prepare, unrunnable};
use super::{DATABASE, SERVER, USER};
use crate::EmbedError;
use crate::guard::Guard;
use crate::os::server::{Program, ServerProcess};
use crate::os::shared_memory::Segments;
use crate::os::text;
use crate::os::user::User;

/// Lines of the log that go into an error.
const LOG_LINES: usize = 15;

/// All that is needed to start the process, the first time and again.
#[derive(Debug)]
pub(crate) struct Postmaster {
    pub(crate) program: PathBuf,
    /// The run folder; the data is in `data` below it.
    pub(crate) folder: PathBuf,
    pub(crate) user: Option<User>,
    pub(crate) socket: PathBuf,
    /// The TCP port, for the message when somebody else has it.
    pub(crate) port: Option<u16>,
    pub(crate) patience: Duration,
    pub(crate) guard: Arc<Guard>,
}

impl Program for Postmaster {
    const NAME: &'static str = SERVER;
    /// "Fast": ends the backends and writes a checkpoint.
    const SHUT_DOWN: Signal = Signal::INT;
    /// "Immediate": ends the backends and frees shared memory, no more.
    const QUIT: Signal = Signal::QUIT;

    fn folder(&self) -> &Path {
        &self.folder
    }

    fn start(&self) -> Result<ServerProcess, EmbedError> {
        let mut process = self.spawn()?;
        match self.until_ready(&mut process) {
            Ok(()) => {
                self.guard.watch_segments(&Segments::of(process.id, &self.folder));
                Ok(process)
            }
            Err(error) => {
                process.give_up();
                Err(error)
            }
        }
    }
}

impl Postmaster {
    pub(crate) fn log(&self) -> PathBuf {
        self.folder.join("server.log")
    }

    /// Runs one statement as superuser.
    pub(crate) fn ask(&self, sql: &str) -> Result<(), EmbedError> {
        ask(&self.socket, USER, DATABASE, sql, self.patience)
            .map_err(|silence| self.failure(silence.to_string()))
    }

    fn spawn(&self) -> Result<ServerProcess, EmbedError> {
        let log = OpenOptions::new().create(true).append(true).open(self.log());
        let log = log.map_err(EmbedError::io("open", self.log()))?;
        let data = self.folder.join("data");
        let mut command = Command::new(&self.program);
        command.arg("-D").arg(&data).current_dir(&data);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        prepare(&mut command, self.user.as_ref());
        let programs = self.program.parent().unwrap_or(&self.program);
        ServerProcess::spawn(command, programs, &self.folder, Signal::QUIT, &self.guard)
            .map_err(|source| unrunnable(&self.program, self.user.as_ref(), source))
    }

    /// Asks until the server answers; gives up when it has ended or time is over.
    fn until_ready(&self, process: &mut ServerProcess) -> Result<(), EmbedError> {
        let deadline = Instant::now() + self.patience;
        loop {
            let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
            let silence = match ask(&self.socket, USER, DATABASE, "SELECT 1", left) {
                Ok(()) => return Ok(()),
                Err(Silence::Refused(reason)) => return Err(self.failure(reason)),
                Err(Silence::NotYet(reason)) => reason,
            };
            if let Ok(Some(status)) = process.child.try_wait() {
                return Err(self.failure(format!("the server process ended ({status})")));
            }
            if Instant::now() >= deadline {
                return Err(self.failure(format!("no answer within {:?} ({silence})", self.patience)));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn failure(&self, reason: String) -> EmbedError {
        let log = text::tail(&self.log(), LOG_LINES);
        match self.port {
            Some(port) if log.contains("Address already in use") => {
                EmbedError::PortInUse { server: SERVER, port }
            }
            _ => EmbedError::DidNotStart { server: SERVER, reason, log },
        }
    }
}
