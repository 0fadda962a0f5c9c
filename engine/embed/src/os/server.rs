//! A server process through its life: started, killed, paused, started again, ended.

use std::path::Path;
use std::process::{Child, Command};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::process::ProcessId;
use super::shared_memory::Segments;
use super::{family, run_dir, spawner};
use crate::EmbedError;
use crate::guard::{Family, Guard};

/// A clean shutdown may write much; after this long it is cut short.
const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(30);
/// Ending without tidying up writes nothing; after this long the family is killed.
const QUIT_PATIENCE: Duration = Duration::from_secs(2);
/// How long the kernel may take to end a killed process.
const KILL_PATIENCE: Duration = Duration::from_secs(10);

/// What makes one kind of server different from another.
pub(crate) trait Program {
    /// For messages.
    const NAME: &'static str;
    /// Asks it to end in good order, its data complete on disk.
    const SHUT_DOWN: Signal;
    /// Asks it to end at once; its data is about to be removed.
    const QUIT: Signal;

    /// The run folder it works in.
    fn folder(&self) -> &Path;

    /// Starts the process and returns when it has answered.
    fn start(&self) -> Result<ServerProcess, EmbedError>;
}

/// | state   | kill9      | pause      | resume     | restart                | drop       |
/// |---------|------------|------------|------------|------------------------|------------|
/// | running | → down     | → paused   | running    | shut down, start       | quit       |
/// | paused  | → down     | paused     | → running  | thaw, shut down, start | thaw, quit |
/// | down    | NotRunning | NotRunning | NotRunning | start                  | nothing    |
#[derive(Debug)]
pub(crate) struct Server<P: Program> {
    program: P,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// `None` is "down".
    process: Option<ServerProcess>,
    /// Shared memory of killed processes that a restart has not taken back.
    left: Vec<Segments>,
}

impl<P: Program> Server<P> {
    pub(crate) fn start(program: P) -> Result<Server<P>, EmbedError> {
        let process = Some(program.start()?);
        Ok(Server { program, state: Mutex::new(State { process, left: Vec::new() }) })
    }

    pub(crate) fn program(&self) -> &P {
        &self.program
    }

    pub(crate) fn pid(&self) -> Option<u32> {
        self.state().process.as_ref().filter(|process| process.id.is_alive()).map(|process| process.id.pid)
    }

    pub(crate) fn kill9(&self) -> Result<(), EmbedError> {
        let mut state = self.state();
        let process = state.process.take().ok_or(EmbedError::NotRunning { server: P::NAME })?;
        state.left.push(Segments::of(process.id, self.program.folder()));
        process.kill();
        Ok(())
    }

    pub(crate) fn pause(&self) -> Result<(), EmbedError> {
        self.with_process(|process| {
            if !family::wait_still(&family::freeze(process.id)) {
                tracing::warn!("a process of {} waits for the disk and is held when it returns", P::NAME);
            }
        })
    }

    pub(crate) fn resume(&self) -> Result<(), EmbedError> {
        self.with_process(|process| family::thaw(process.id))
    }

    pub(crate) fn restart(&self) -> Result<Duration, EmbedError> {
        let begun = Instant::now();
        let mut state = self.state();
        if let Some(process) = state.process.take() {
            process.shut_down(P::SHUT_DOWN, SHUTDOWN_PATIENCE);
        }
        state.process = Some(self.program.start()?);
        // A new server finds the old one's shared memory by its folder, and removes it.
        state.left.clear();
        Ok(begun.elapsed())
    }

    fn with_process(&self, act: impl FnOnce(&ServerProcess)) -> Result<(), EmbedError> {
        self.state().process.as_ref().map(act).ok_or(EmbedError::NotRunning { server: P::NAME })
    }

    /// A panic while the lock was held leaves the state as it was: still the truth about the process.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<P: Program> Drop for Server<P> {
    fn drop(&mut self) {
        let mut state = self.state();
        // The data goes with the server, so nothing is gained by what a clean shutdown writes, and a neighbour
        // may need the disk.
        if let Some(process) = state.process.take() {
            let segments = Segments::of(process.id, self.program.folder());
            process.shut_down(P::QUIT, QUIT_PATIENCE);
            state.left.push(segments);
        }
        state.left.iter().for_each(Segments::remove);
    }
}

/// A process that was started for a server, watched by the guard.
#[derive(Debug)]
pub(crate) struct ServerProcess {
    pub(crate) child: Child,
    pub(crate) id: ProcessId,
    guard: Arc<Guard>,
}

impl ServerProcess {
    /// Starts it in a process group of its own. `programs` is where its executables lie, `folder` its run folder.
    pub(crate) fn spawn(
        command: Command,
        programs: &Path,
        folder: &Path,
        on_parent_death: Signal,
        guard: &Arc<Guard>,
    ) -> std::io::Result<ServerProcess> {
        let child = spawner::spawn(command, on_parent_death)?;
        // Our own child stays in the process table until we wait for it.
        let id = ProcessId::of(child.id()).unwrap_or(ProcessId { pid: child.id(), start: 0 });
        let family = Family { leader: id, programs: programs.to_path_buf(), folder: folder.to_path_buf() };
        guard.watch_family(&family);
        run_dir::note_family(folder, &family);
        Ok(ServerProcess { child, id, guard: Arc::clone(guard) })
    }

    /// Ends a process that never became a server.
    pub(crate) fn give_up(self) {
        self.shut_down(Signal::QUIT, QUIT_PATIENCE);
    }

    /// Asks the leader to end, and kills the family when it does not within `patience`.
    fn shut_down(mut self, how: Signal, patience: Duration) {
        family::thaw(self.id);
        let members = family::members(self.id);
        self.id.signal(how);
        if self.wait(patience) && family::wait_gone(&members, QUIT_PATIENCE) {
            self.guard.forget_family(self.id);
        } else {
            tracing::warn!("a server did not end in time and was killed");
            members.iter().for_each(|member| member.signal(Signal::KILL));
            self.kill();
        }
    }

    /// SIGKILL to all, and no return before the last one has let go of what it held.
    fn kill(mut self) {
        let members = family::kill(self.id);
        self.wait(KILL_PATIENCE);
        family::wait_gone(&members, KILL_PATIENCE);
        self.guard.forget_family(self.id);
    }

    /// Waits for the leader to end; false when it is still there after `patience`.
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
