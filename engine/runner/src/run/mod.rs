//! One run from the request to the exit code.
//!
//! ```text
//! prepare ─ preflight ─ directory ─ servers ─ setup ─ load ─ verify ─ ledgers ─ teardown ─ judge ─ report
//!    │          │           │          │        │       │       │         │         │        │
//!    └──────────┴───────────┴──────────┘        └───────┴───────┴─────────┘         │        │
//!       wrong: nothing was begun,                 wrong: what follows is left out   └────────┘
//!       nothing is left behind                    up to teardown                    always
//! ```
//!
//! A failed or interrupted `setup` is followed by no `teardown`: there is nothing to hand to it.

mod again;
mod book;
mod company;
mod comparing;
mod evidence;
mod finish;
mod playing;
mod progress;
mod record;
mod regulating;
mod reporting;
mod settling;
mod sweeping;
mod troubles;
mod wiring;

use std::{
    net::TcpListener,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use load::run::Window;
use model::{
    runfile::{RunFile, RunState, shape_only},
    units::format_duration,
};
use report::events::ServerChange;
use script::{Diagnostic, FaultOptions, Portable, Wiring};

use self::{
    book::Book,
    playing::{EndedBy, Player},
};
pub use progress::Progress;
pub(crate) use record::executor_name;
pub(crate) use sweeping::planned as planned_sweep;
pub(crate) use wiring::wiring;

use crate::{
    detours::Detours,
    directory::RunDirectory,
    error::RunError,
    exit::ExitCode,
    interrupts::{Interrupts, Urgency},
    preflight::{self, Needs},
    prepare::{Prepared, parameters, prepare},
    request::RunRequest,
    reset::{self, removed},
    servers::{self, Servers},
    stage::{StageFailure, StageThread},
    steering,
    tally::Tally,
};

/// A run that came to its end, whichever it was.
#[derive(Debug)]
pub struct RunOutcome {
    /// Everything about it; the same as `run.json`.
    pub run: RunFile,
    /// Where its files are.
    pub directory: PathBuf,
    /// With which code the program ends.
    pub exit_code: ExitCode,
    /// What went wrong on the way, for the user to see.
    pub complaints: Vec<Diagnostic>,
}

/// Makes one run. Blocks until it is over and its directory is complete; servers that it started are gone then.
///
/// # Errors
/// When the load could not begin: wrong script, flags or target, servers that do not start, results that cannot be
/// written, an interrupt before that. Nothing is left behind then.
pub fn run(
    request: &RunRequest,
    watch: &dyn Fn(Progress),
    interrupts: &Interrupts,
) -> Result<RunOutcome, RunError> {
    let prepared = prepare(&request.script, &request.load, &request.target)?;
    if request.reset {
        reset::may_be_done(&prepared, request.yes)?;
    }
    // A script may take its time to say its options, and starting servers takes more.
    if interrupts.urgency() > Urgency::None {
        return Err(RunError::Interrupted);
    }
    let port = steering::open(&prepared, request)?;
    let needs = Needs::of(&prepared);
    let mut warnings = preflight::machine(&needs, &request.out)?;
    let has_probes = !prepared.options.probes.is_empty();
    let directory = RunDirectory::create(&request.out, &prepared.program.name(), has_probes)?;
    let mut book = Book::open(record::run_file(&prepared, request), directory, watch)?;
    book.phase("start");
    if let Some(address) = port.as_ref().and_then(|port| port.local_addr().ok()) {
        book.note(format!("control port: http://{address}{}", steering::PATH));
    }
    let Started { servers, detours, stage, wiring } =
        match start(&prepared, &needs, request, &mut book, &mut warnings, interrupts) {
            Ok(started) => started,
            Err(error) => {
                book.tear_up();
                return Err(error);
            }
        };
    warnings.into_iter().for_each(|warning| book.warn(warning));
    let mut running = Running {
        tally: Tally::new(
            prepared.cores.value,
            &prepared.planned.scenarios,
            prepared.planned.plan.warm_up_ns,
        )
        .watching_faults(!prepared.planned.faults.is_empty())
        .with_sweep(prepared.options.sweep.as_ref(), &prepared.planned),
        prepared: &prepared,
        request,
        wiring,
        stage,
        interrupts,
        book,
        servers,
        port,
        detours,
        shared: None,
        window: None,
        doubts: Vec::new(),
    };
    running.phases();
    Ok(running.finish())
}

/// What was started for a run.
struct Started {
    servers: Servers,
    detours: Detours,
    stage: StageThread,
    wiring: Wiring,
}

/// Starts what the run needs, up to the stage.
fn start(
    prepared: &Prepared,
    needs: &Needs,
    request: &RunRequest,
    book: &mut Book<'_>,
    warnings: &mut Vec<String>,
    interrupts: &Interrupts,
) -> Result<Started, RunError> {
    may_break(prepared, request)?;
    let began = Instant::now();
    let servers = servers::start(prepared, needs)?;
    let took = format_duration(Duration::from_millis(began.elapsed().as_millis() as u64));
    for name in servers.embedded_names() {
        book.server(name, ServerChange::Started, None);
    }
    if !servers.embedded_names().is_empty() {
        book.note(format!("started {} in {took}", servers.embedded_names().join(" and ")));
    }
    warnings.extend(preflight::servers(needs, &servers)?);
    if interrupts.urgency() > Urgency::None {
        return Err(RunError::Interrupted);
    }
    book.run.servers.clone_from(&servers.records);
    let detours = Detours::start(prepared, &servers)?;
    for server in detours.servers() {
        book.warn(format!(
            "for its faults on the wire the load reaches {server} through a proxy in this process, which takes CPU of the \
             generator's machine and lengthens every round trip a little"
        ));
    }
    // From here on, so that a run that is killed says it as well.
    book.run.label.shape_only = shape_only(&book.run.servers);
    let wiring = wiring(prepared, &servers, &detours, request.yes);
    let stage = StageThread::start(&prepared.program, &wiring, interrupts)?;
    Ok(Started { servers, detours, stage, wiring })
}

/// Whether the faults of a run may be done to what it runs against.
fn may_break(prepared: &Prepared, request: &RunRequest) -> Result<(), RunError> {
    let faults = &prepared.planned.faults;
    let is_refused = |fault: &&FaultOptions| !request.yes && !prepared.permits_fault(&fault.fault);
    let Some(fault) = faults.iter().find(is_refused) else { return Ok(()) };
    let message = format!("fault `{}`: the target does not permit to break anything", fault.fault.kind());
    let help = "say `allow_destructive: true` in the target, or --yes for this run";
    Err(RunError::Wrong(vec![Diagnostic::usage(message).help(help)]))
}

/// A run between its start and its end.
struct Running<'a> {
    prepared: &'a Prepared,
    request: &'a RunRequest,
    wiring: Wiring,
    stage: StageThread,
    interrupts: &'a Interrupts,
    book: Book<'a>,
    tally: Tally,
    servers: Servers,
    /// Where the run can be steered from outside.
    port: Option<TcpListener>,
    /// Proxies before servers, until all is over.
    detours: Detours,
    /// What `setup` returned.
    shared: Option<Arc<Portable>>,
    /// What was measured; nothing before the load.
    window: Option<Window>,
    /// Why gates may not decide.
    doubts: Vec<String>,
}

impl Running<'_> {
    /// Set-up to teardown.
    fn phases(&mut self) {
        if self.request.reset && self.reset().is_none() {
            self.book.state(RunState::Failed);
            return;
        }
        let Some(shared) = self.set_up() else {
            self.book.state(RunState::Failed);
            return;
        };
        self.shared.clone_from(&shared);
        self.load(shared);
        if self.interrupts.urgency() == Urgency::None && self.book.run.state == RunState::Running {
            self.call("verify", None, Urgency::Finish);
        }
        if self.interrupts.urgency() < Urgency::Leave {
            self.settle_ledgers();
            self.own_report();
            self.call("teardown", None, Urgency::Leave);
        }
        self.book.phase_ends();
    }

    /// Removes what earlier runs have left; nothing when it failed.
    fn reset(&mut self) -> Option<()> {
        let removed = removed(&self.call(reset::FUNCTION, None, Urgency::Finish)?);
        self.book.note(match removed.as_slice() {
            [] => "reset() removed nothing that it names".to_owned(),
            removed => format!("reset() removed {}", removed.join(", ")),
        });
        Some(())
    }

    /// What every virtual user gets as `shared`; nothing when it failed.
    fn set_up(&mut self) -> Option<Option<Arc<Portable>>> {
        if !self.prepared.program.has_function("setup") {
            return Some(None);
        }
        let shared = self.call("setup", None, Urgency::Finish);
        // Parameters that are declared outside of `options()` are known only now.
        self.book.run.parameters.extend(parameters(&self.stage.params()));
        let shared = Arc::new(shared?);
        match self.stage.adopt(shared.clone()) {
            Ok(()) => Some(Some(shared)),
            Err(complaint) => {
                self.book.complain(vec![complaint]);
                None
            }
        }
    }

    fn load(&mut self, shared: Option<Arc<Portable>>) {
        let options = &self.prepared.options;
        let of_gates = options.gates.iter().flat_map(|gate| &gate.thresholds);
        let thresholds = options.thresholds.iter().chain(of_gates);
        let aborting = thresholds.filter(|rule| rule.abort_on_fail && self.request.judge_thresholds);
        let player = Player {
            prepared: self.prepared,
            wiring: &self.wiring,
            shared,
            stage: &self.stage,
            interrupts: self.interrupts,
            embedded: &self.servers.embedded,
            port: self.port.take(),
            detours: &self.detours,
            aborting: aborting.collect(),
            book: &mut self.book,
            tally: &mut self.tally,
        };
        let (ended_by, window) = player.play();
        self.window = Some(window);
        self.book.traces(&self.wiring.findings.take_traces());
        self.sum_up();
        if let Some(doubt) = self.cut_short(&ended_by) {
            self.doubts.push(doubt);
        }
        match ended_by {
            EndedBy::Plan | EndedBy::Outside => {}
            EndedBy::Interrupt => {
                self.book.codes.push(ExitCode::Interrupted);
                self.book.state(RunState::Interrupted);
            }
            EndedBy::Threshold => self.book.state(RunState::Aborted),
            EndedBy::Script => {
                self.book.codes.push(ExitCode::Aborted);
                self.book.state(RunState::Aborted);
            }
        }
    }

    /// Why gates cannot judge a load that ended before its time. One that a threshold ended has shown what it fails.
    fn cut_short(&self, ended_by: &EndedBy) -> Option<String> {
        let who = match ended_by {
            EndedBy::Plan | EndedBy::Threshold => return None,
            // Without a duration there is no other end.
            EndedBy::Outside => {
                self.prepared.planned.duration.value?;
                "the control port"
            }
            EndedBy::Interrupt => "the user",
            EndedBy::Script => "the script",
        };
        let window = self.window.as_ref()?;
        let measured = Duration::from_nanos(window.end_ns.saturating_sub(window.start_ns));
        let planned = self.prepared.planned.duration.value.map(format_duration);
        let of = planned.map_or(String::new(), |planned| format!(" of {planned}"));
        Some(format!("{who} ended the run after {}{of}", format_duration(measured)))
    }

    /// Calls a function of the script, if it has it. Nothing when it failed or was cancelled.
    fn call(
        &mut self,
        function: &'static str,
        argument: Option<Portable>,
        give_up_at: Urgency,
    ) -> Option<Portable> {
        if !self.prepared.program.has_function(function) {
            return None;
        }
        self.book.phase(function);
        let was_aborted = self.wiring.findings.aborted().is_some();
        let (findings, book) = (&self.wiring.findings, &self.book);
        let result = self.stage.call(function, argument, give_up_at, || book.work(findings.progress()));
        let aborted = self.wiring.findings.aborted().filter(|_| !was_aborted);
        match result {
            Ok(value) => return Some(value),
            Err(StageFailure::Interrupted) => {
                self.book.stopped(format!("interrupted during {function}"));
                self.book.codes.push(ExitCode::Interrupted);
                self.book.state(RunState::Interrupted);
            }
            Err(StageFailure::Script(_)) if aborted.is_some() => {
                let message = aborted.unwrap_or_default().to_owned();
                self.book.stopped(format!("the script aborted the run in {function}: {message}"));
                self.book.codes.push(ExitCode::Aborted);
                self.book.state(RunState::Aborted);
            }
            Err(StageFailure::Parameters(complaints)) => self.book.complain(complaints),
            Err(StageFailure::Script(complaint)) => {
                let code = match (complaint.in_script, function) {
                    // What `verify` throws is its verdict.
                    (false, "verify") => ExitCode::ThresholdMissed,
                    (false, _) if complaint.by_server => ExitCode::Other,
                    _ => ExitCode::ScriptError,
                };
                let message = format!("{function}() failed: {}", complaint.message);
                self.book.failed(code, Diagnostic { message, ..*complaint });
            }
        }
        None
    }
}

#[cfg(test)]
mod tests;
