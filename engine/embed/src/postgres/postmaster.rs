//! The server process: started, asked, killed, paused, started again.

use std::fs::OpenOptions;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::ask::{Silence, ask};
use super::cluster::{prepare, unrunnable};
use super::{DATABASE, SERVER, USER};
use crate::EmbedError;
use crate::guard::{Family, Guard};
use crate::os::process::ProcessId;
use crate::os::shared_memory::Segments;
use crate::os::user::User;
use crate::os::{family, run_dir, text};

/// Lines of the log that go into an error.
const LOG_LINES: usize = 15;
/// A clean shutdown writes a checkpoint; after this long it is cut short.
const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(30);
/// An immediate shutdown writes nothing; after this long the family is killed.
const QUIT_PATIENCE: Duration = Duration::from_secs(2);
/// How long the kernel may take to end a killed process.
const KILL_PATIENCE: Duration = Duration::from_secs(10);

/// All that is needed to start the process, the first time and again.
#[derive(Debug)]
pub(crate) struct Launch {
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

/// | state   | kill9      | pause      | resume     | restart               | drop       |
/// |---------|------------|------------|------------|-----------------------|------------|
/// | running | → down     | → paused   | running    | shut down, start      | quit       |
/// | paused  | → down     | paused     | → running  | thaw, shut down, start| thaw, quit |
/// | down    | NotRunning | NotRunning | NotRunning | start                 | nothing    |
#[derive(Debug)]
pub(crate) struct Postmaster {
    launch: Launch,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// `None` is "down".
    running: Option<Running>,
    /// Shared memory of killed servers that a restart has not taken back.
    left: Vec<Segments>,
}

#[derive(Debug)]
struct Running {
    child: Child,
    id: ProcessId,
    guard: Arc<Guard>,
}

impl Postmaster {
    pub(crate) fn start(launch: Launch) -> Result<Postmaster, EmbedError> {
        let running = launch.start()?;
        Ok(Postmaster { launch, state: Mutex::new(State { running: Some(running), left: Vec::new() }) })
    }

    pub(crate) fn pid(&self) -> Option<u32> {
        self.state().running.as_ref().filter(|running| running.id.is_alive()).map(|running| running.id.pid)
    }

    pub(crate) fn log_tail(&self, lines: usize) -> String {
        text::tail(&self.launch.log(), lines)
    }

    /// Runs one statement as superuser.
    pub(crate) fn ask(&self, sql: &str) -> Result<(), EmbedError> {
        let launch = &self.launch;
        ask(&launch.socket, USER, DATABASE, sql, launch.patience)
            .map_err(|silence| launch.failure(silence.to_string()))
    }

    pub(crate) fn kill9(&self) -> Result<(), EmbedError> {
        let mut state = self.state();
        let running = state.running.take().ok_or(EmbedError::NotRunning { server: SERVER })?;
        let segments = Segments::of(running.id, &self.launch.folder);
        state.left.push(segments);
        running.kill();
        Ok(())
    }

    pub(crate) fn pause(&self) -> Result<(), EmbedError> {
        self.with_running(|running| drop(family::freeze(running.id)))
    }

    pub(crate) fn resume(&self) -> Result<(), EmbedError> {
        self.with_running(|running| family::thaw(running.id))
    }

    pub(crate) fn restart(&self) -> Result<Duration, EmbedError> {
        let begun = Instant::now();
        let mut state = self.state();
        if let Some(running) = state.running.take() {
            running.shut_down(Signal::INT, SHUTDOWN_PATIENCE);
        }
        state.running = Some(self.launch.start()?);
        // The new server found the old one's segments by its data directory and removed them.
        state.left.clear();
        Ok(begun.elapsed())
    }

    fn with_running(&self, act: impl FnOnce(&Running)) -> Result<(), EmbedError> {
        self.state().running.as_ref().map(act).ok_or(EmbedError::NotRunning { server: SERVER })
    }

    /// A panic while the lock was held leaves the state as it was: still the truth about the process.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Postmaster {
    fn drop(&mut self) {
        let mut state = self.state();
        // The data goes with the server, so nothing is gained by the checkpoint of a clean shutdown: an
        // immediate one ends every backend, frees shared memory, and costs no disk time that a neighbour needs.
        if let Some(running) = state.running.take() {
            let segments = Segments::of(running.id, &self.launch.folder);
            running.shut_down(Signal::QUIT, QUIT_PATIENCE);
            state.left.push(segments);
        }
        state.left.iter().for_each(Segments::remove);
    }
}

impl Running {
    /// Asks the postmaster to end, and kills the family when it does not within `patience`.
    fn shut_down(mut self, how: Signal, patience: Duration) {
        family::thaw(self.id);
        let members = family::members(self.id);
        self.id.signal(how);
        if self.wait(patience) && family::wait_gone(&members, QUIT_PATIENCE) {
            self.guard.forget_family(self.id);
        } else {
            tracing::warn!("Postgres did not end in time and was killed");
            members.iter().for_each(|member| member.signal(Signal::KILL));
            self.kill();
        }
    }

    /// SIGKILL to all, and no return before the last one has let go of shared memory.
    fn kill(mut self) {
        let members = family::kill(self.id);
        self.wait(KILL_PATIENCE);
        family::wait_gone(&members, KILL_PATIENCE);
        self.guard.forget_family(self.id);
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
    fn log(&self) -> PathBuf {
        self.folder.join("server.log")
    }

    /// Starts the process and waits until it has answered.
    fn start(&self) -> Result<Running, EmbedError> {
        let mut running = self.spawn()?;
        match self.until_ready(&mut running) {
            Ok(()) => {
                self.guard.watch_segments(&Segments::of(running.id, &self.folder));
                Ok(running)
            }
            Err(error) => {
                running.shut_down(Signal::QUIT, QUIT_PATIENCE);
                Err(error)
            }
        }
    }

    fn spawn(&self) -> Result<Running, EmbedError> {
        let log = OpenOptions::new().create(true).append(true).open(self.log());
        let log = log.map_err(EmbedError::io("open", self.log()))?;
        let data = self.folder.join("data");
        let mut command = Command::new(&self.program);
        command.arg("-D").arg(&data).current_dir(&data);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        prepare(&mut command, self.user.as_ref());
        let child = crate::os::spawner::spawn(command, Signal::QUIT)
            .map_err(|source| unrunnable(&self.program, self.user.as_ref(), source))?;
        // Our own child stays in the process table until we wait for it.
        let id = ProcessId::of(child.id()).unwrap_or(ProcessId { pid: child.id(), start: 0 });
        let programs = self.program.parent().unwrap_or(&self.program).to_path_buf();
        let family = Family { leader: id, programs, folder: self.folder.clone() };
        self.guard.watch_family(&family);
        run_dir::note_family(&self.folder, &family);
        Ok(Running { child, id, guard: Arc::clone(&self.guard) })
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
        let log = text::tail(&self.log(), LOG_LINES);
        match self.port {
            Some(port) if log.contains("Address already in use") => {
                EmbedError::PortInUse { server: SERVER, port }
            }
            _ => EmbedError::DidNotStart { server: SERVER, reason, log },
        }
    }
}
