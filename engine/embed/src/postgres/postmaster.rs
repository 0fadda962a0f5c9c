//! The server process: started, asked, killed, paused, started again.

use std::fs::OpenOptions;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::ask::{Silence, ask};
use super::cluster::{prepare, unrunnable};
use super::{DATABASE, SERVER, USER};
use crate::EmbedError;
use crate::os::process::ProcessId;
use crate::os::user::User;
use crate::os::{family, text};

/// Lines of the log that go into an error.
const LOG_LINES: usize = 15;
/// A clean shutdown writes a checkpoint; after this long it is cut short.
const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(30);
/// An immediate shutdown writes nothing; after this long the family is killed.
const QUIT_PATIENCE: Duration = Duration::from_secs(2);

/// All that is needed to start the process, the first time and again.
#[derive(Debug)]
pub(crate) struct Launch {
    pub(crate) program: PathBuf,
    pub(crate) data: PathBuf,
    pub(crate) log: PathBuf,
    pub(crate) user: Option<User>,
    pub(crate) socket: PathBuf,
    /// The TCP port, for the message when somebody else has it.
    pub(crate) port: Option<u16>,
    pub(crate) patience: Duration,
}

/// | state   | kill9        | pause   | resume  | restart            | drop          |
/// |---------|--------------|---------|---------|--------------------|---------------|
/// | running | → down       | → paused| running | shutdown, start    | quit          |
/// | paused  | → down       | paused  | → running| thaw, shutdown, start | thaw, quit |
/// | down    | NotRunning   | NotRunning | NotRunning | start        | nothing       |
#[derive(Debug)]
pub(crate) struct Postmaster {
    launch: Launch,
    state: Mutex<Option<Running>>,
}

#[derive(Debug)]
struct Running {
    child: Child,
    id: ProcessId,
}

impl Postmaster {
    pub(crate) fn start(launch: Launch) -> Result<Postmaster, EmbedError> {
        let running = launch.start()?;
        Ok(Postmaster { launch, state: Mutex::new(Some(running)) })
    }

    pub(crate) fn pid(&self) -> Option<u32> {
        self.state().as_ref().map(|running| running.id.pid)
    }

    pub(crate) fn log_tail(&self, lines: usize) -> String {
        text::tail(&self.launch.log, lines)
    }

    /// Runs one statement as superuser.
    pub(crate) fn ask(&self, sql: &str) -> Result<(), EmbedError> {
        let launch = &self.launch;
        ask(&launch.socket, USER, DATABASE, sql, launch.patience)
            .map_err(|silence| launch.failure(silence.to_string()))
    }

    pub(crate) fn kill9(&self) -> Result<(), EmbedError> {
        let mut state = self.state();
        let mut running = state.take().ok_or(EmbedError::NotRunning { server: SERVER })?;
        running.kill();
        Ok(())
    }

    pub(crate) fn pause(&self) -> Result<(), EmbedError> {
        let state = self.state();
        let running = state.as_ref().ok_or(EmbedError::NotRunning { server: SERVER })?;
        family::freeze(running.id);
        Ok(())
    }

    pub(crate) fn resume(&self) -> Result<(), EmbedError> {
        let state = self.state();
        let running = state.as_ref().ok_or(EmbedError::NotRunning { server: SERVER })?;
        family::thaw(running.id);
        Ok(())
    }

    pub(crate) fn restart(&self) -> Result<Duration, EmbedError> {
        let begun = Instant::now();
        let mut state = self.state();
        if let Some(mut running) = state.take() {
            running.shut_down(Signal::INT, SHUTDOWN_PATIENCE);
        }
        *state = Some(self.launch.start()?);
        Ok(begun.elapsed())
    }

    /// A panic while the lock was held leaves the state as it was: still the truth about the process.
    fn state(&self) -> MutexGuard<'_, Option<Running>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Postmaster {
    fn drop(&mut self) {
        // The data goes with the server, so nothing is gained by the checkpoint of a clean shutdown: an
        // immediate one ends every backend, frees shared memory, and costs no disk time that a neighbour needs.
        if let Some(mut running) = self.state().take() {
            running.shut_down(Signal::QUIT, QUIT_PATIENCE);
        }
    }
}

impl Running {
    /// Asks the postmaster to end, and kills the family when it does not within `patience`.
    fn shut_down(&mut self, how: Signal, patience: Duration) {
        family::thaw(self.id);
        let members = family::members(self.id);
        self.id.signal(how);
        if self.wait(patience) {
            family::wait_gone(&members, QUIT_PATIENCE);
        } else {
            tracing::warn!("Postgres did not end in time and was killed");
            self.kill();
        }
    }

    /// SIGKILL to all, and no return before the last one has let go of shared memory.
    fn kill(&mut self) {
        let members = family::kill(self.id);
        self.wait(Duration::from_secs(10));
        family::wait_gone(&members, Duration::from_secs(10));
    }

    fn wait(&mut self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        let mut pause = Duration::from_micros(500);
        while let Ok(None) = self.child.try_wait() {
            if Instant::now() >= deadline {
                return false;
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(10));
        }
        true
    }
}

impl Launch {
    /// Starts the process and waits until it has answered.
    fn start(&self) -> Result<Running, EmbedError> {
        let log = OpenOptions::new().create(true).append(true).open(&self.log);
        let log = log.map_err(EmbedError::io("open", &self.log))?;
        let mut command = Command::new(&self.program);
        command.arg("-D").arg(&self.data).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        prepare(&mut command, &self.data, self.user.as_ref());
        let child = crate::os::spawner::spawn(command, Signal::QUIT)
            .map_err(|source| unrunnable(&self.program, self.user.as_ref(), source))?;
        // Our own child cannot be gone from the process table before we wait for it.
        let id = ProcessId::of(child.id()).unwrap_or(ProcessId { pid: child.id(), start: 0 });
        let mut running = Running { child, id };
        match self.until_ready(&mut running) {
            Ok(()) => Ok(running),
            Err(error) => {
                running.shut_down(Signal::QUIT, QUIT_PATIENCE);
                Err(error)
            }
        }
    }

    /// Asks until the server answers; gives up when it has ended or time is over.
    fn until_ready(&self, running: &mut Running) -> Result<(), EmbedError> {
        let deadline = Instant::now() + self.patience;
        loop {
            let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
            let silence = match ask(&self.socket, USER, DATABASE, "SELECT 1", left) {
                Ok(()) => return Ok(()),
                Err(Silence::Refused(reason)) => return Err(self.failure(reason)),
                Err(Silence::NotYet(reason)) => reason,
            };
            if let Ok(Some(status)) = running.child.try_wait() {
                return Err(self.failure(format!("the server process ended ({status})")));
            }
            if Instant::now() >= deadline {
                return Err(self.failure(format!("no answer within {:?} ({silence})", self.patience)));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn failure(&self, reason: String) -> EmbedError {
        let log = text::tail(&self.log, LOG_LINES);
        match self.port {
            Some(port) if log.contains("Address already in use") => {
                EmbedError::PortInUse { server: SERVER, port }
            }
            _ => EmbedError::DidNotStart { server: SERVER, reason, log },
        }
    }
}
