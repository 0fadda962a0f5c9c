//! Plays a run in real time: one thread a core, each with a runtime of its own.

use std::{
    any::Any,
    fmt::Display,
    future::poll_fn,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Poll,
    thread,
};

use tokio::runtime::{Builder, LocalOptions, LocalRuntime};

use crate::{
    bell::Bell,
    core::{CoreContext, POLLS_BETWEEN_LOOKS},
    event::Event,
    play::play_core,
    run::Run,
    time::{Alarm, Epoch, RealTime, Time},
    vu::Crew,
};

/// Futures of VUs are polled on the thread's own stack, drivers and all; a main thread has as much.
const STACK_BYTES: usize = 8 << 20;

/// When the clock begins to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// As soon as every core is ready.
    WhenReady,
    /// At an agreed instant. A core that is not ready then begins late, and the figures show it.
    At(Epoch),
}

/// Why a run could not be played.
#[derive(Debug, thiserror::Error)]
pub enum RunError<E: Display> {
    /// A core's crew could not be made.
    #[error("{error}")]
    Crew {
        /// Which core's.
        core: usize,
        /// What its maker said.
        error: E,
    },
    /// No thread, or no runtime for it.
    #[error(
        "core {core} cannot start: {error}; check the limits on processes and open files (ulimit -u, ulimit -n)"
    )]
    Start {
        /// Which core.
        core: usize,
        /// What the system said.
        error: io::Error,
    },
    /// The engine itself failed. A panic inside a VU never comes here.
    #[error("core {core} panicked: {message}; this is a bug of snapbench, please report it")]
    Panicked {
        /// Which core.
        core: usize,
        /// What the panic said.
        message: String,
    },
}

/// Plays `run` to its end and returns when every core has sent its last event.
///
/// `make_crew` is called once on each core's thread.
///
/// # Errors
/// The first core that failed; the others are then aborted.
pub fn play<C: Crew, E: Display + Send>(
    run: &Arc<Run>,
    start: Start,
    make_crew: impl Fn(&CoreContext) -> Result<C, E> + Sync,
) -> Result<(), RunError<E>> {
    let line = &StartingLine::new(run.cores(), start);
    let make_crew = &make_crew;
    thread::scope(|scope| {
        let spawn = |core| {
            let body = move || play_thread(run, core, line, make_crew);
            let thread = thread::Builder::new().name(format!("core-{core}")).stack_size(STACK_BYTES);
            thread.spawn_scoped(scope, body).map_err(|error| {
                line.break_up(run);
                RunError::Start { core, error }
            })
        };
        // All are started before the first is waited for.
        let threads: Vec<_> = (0..run.cores()).map(spawn).collect();
        let results = threads.into_iter().enumerate().map(|(core, thread)| {
            let panicked = |payload: Box<dyn Any + Send>| {
                Err(RunError::Panicked { core, message: message_of(payload.as_ref()).to_owned() })
            };
            thread?.join().unwrap_or_else(panicked)
        });
        // Every thread is joined, whatever the first one said.
        results.collect::<Vec<_>>().into_iter().collect()
    })
}

fn play_thread<C: Crew, E: Display + Send>(
    run: &Arc<Run>,
    core: usize,
    line: &StartingLine,
    make_crew: &impl Fn(&CoreContext) -> Result<C, E>,
) -> Result<(), RunError<E>> {
    let mut guard = BreakUnlessPlayed { line, run, has_played: false };
    let runtime = runtime().map_err(|error| RunError::Start { core, error })?;
    let context = CoreContext::new(core, run.cores(), RealTime::not_yet());
    let crew = {
        // Crews may make things that belong to their runtime: sockets, timers.
        let _inside = runtime.enter();
        make_crew(&context).map_err(|error| RunError::Crew { core, error })?
    };
    let time = context.time.clone();
    let start = async {
        let epoch = line.arrive(run, &time).await;
        epoch.inspect(|&epoch| time.begin(epoch)).is_some()
    };
    runtime.block_on(play_core(Arc::clone(run), context, crew, start));
    guard.has_played = true;
    Ok(())
}

fn runtime() -> io::Result<LocalRuntime> {
    Builder::new_current_thread()
        .enable_all()
        .event_interval(POLLS_BETWEEN_LOOKS)
        .build_local(LocalOptions::default())
}

/// What a panic said.
pub(crate) fn message_of(payload: &(dyn Any + Send)) -> &str {
    let said = payload.downcast_ref::<&str>().copied();
    said.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("(no message)")
}

/// Where cores wait for each other.
struct StartingLine {
    start: Start,
    state: Mutex<LineState>,
    bells: Vec<Bell>,
}

struct LineState {
    missing: usize,
    is_broken: bool,
    epoch: Option<Epoch>,
}

impl StartingLine {
    fn new(cores: usize, start: Start) -> Self {
        let state = LineState { missing: cores, is_broken: false, epoch: None };
        let bells = (0..cores).map(|_| Bell::default()).collect();
        Self { start, state: Mutex::new(state), bells }
    }

    /// Waits for all cores. The epoch; nothing when one of them will never come.
    async fn arrive(&self, run: &Run, time: &RealTime) -> Option<Epoch> {
        let bell = {
            let mut state = self.state();
            state.missing -= 1;
            if state.missing == 0 && !state.is_broken {
                let epoch = self.decide(run, time);
                state.epoch = Some(epoch);
                self.bells.iter().for_each(Bell::ring);
            }
            &self.bells[state.missing]
        };
        poll_fn(|cx| {
            let _ = bell.poll_rung(cx);
            let state = self.state();
            match state.epoch {
                Some(epoch) => Poll::Ready(Some(epoch)),
                None if state.is_broken => Poll::Ready(None),
                None => Poll::Pending,
            }
        })
        .await
    }

    fn decide(&self, run: &Run, time: &RealTime) -> Epoch {
        let now = Epoch::now();
        let epoch = match self.start {
            Start::WhenReady => now,
            Start::At(epoch) => epoch,
        };
        let late_ns = now.monotonic_ns.saturating_sub(epoch.monotonic_ns);
        run.tell(Event::Started { epoch, late_ns, coarseness_ns: time.alarm().coarseness_ns() });
        epoch
    }

    /// One core will not come, or has fallen: nobody is to wait for it.
    fn break_up(&self, run: &Run) {
        self.state().is_broken = true;
        self.bells.iter().for_each(Bell::ring);
        run.control().abort();
    }

    fn state(&self) -> MutexGuard<'_, LineState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Breaks the line up when a core fails, however it does.
struct BreakUnlessPlayed<'a> {
    line: &'a StartingLine,
    run: &'a Run,
    has_played: bool,
}

impl Drop for BreakUnlessPlayed<'_> {
    fn drop(&mut self) {
        if !self.has_played {
            self.line.break_up(self.run);
        }
    }
}
