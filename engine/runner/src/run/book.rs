//! The book of a run: its run file, its directory and who watches. Everything that happens is noted here once, and
//! reaches all of them.

use std::time::Duration;

use load::time::Epoch;
use model::{
    runfile::{PhaseTimes, RunFile, RunState},
    trace::Traces,
};
use report::{
    events::{ServerChange, What},
    timeline::Second,
};
use script::Diagnostic;

use super::Progress;
use crate::{directory::RunDirectory, error::RunError, exit::ExitCode};

/// Sentences that the run file keeps.
const WARNINGS_AT_MOST: usize = 20;

/// Keeps the book of one run.
pub(super) struct Book<'a> {
    pub(super) run: RunFile,
    pub(super) directory: RunDirectory,
    watch: &'a dyn Fn(Progress),
    /// Name, start and end of each phase on the machine's monotonic clock.
    phases: Vec<(&'static str, u64, Option<u64>)>,
    epoch: Option<Epoch>,
    /// Complaints that the user has to see.
    pub(super) complaints: Vec<Diagnostic>,
    /// Everything that bears on the exit code.
    pub(super) codes: Vec<ExitCode>,
}

impl<'a> Book<'a> {
    /// Opens the book; `run.json` is on disk from here on.
    pub(super) fn open(
        mut run: RunFile,
        mut directory: RunDirectory,
        watch: &'a dyn Fn(Progress),
    ) -> Result<Self, RunError> {
        directory.id().clone_into(&mut run.id);
        run.files = directory.files().map(|(name, what)| (name.to_owned(), what.to_owned())).collect();
        directory.first_run_file(&run)?;
        Ok(Self {
            run,
            directory,
            watch,
            phases: Vec::new(),
            epoch: None,
            complaints: Vec::new(),
            codes: Vec::new(),
        })
    }

    /// Closes the book of a run that never began; nothing of it is kept.
    pub(super) fn tear_up(self) {
        self.directory.discard();
    }

    /// The load clock runs.
    pub(super) fn begin(&mut self, epoch: Epoch) {
        self.epoch = Some(epoch);
        self.run.started_unix_us = epoch.unix_us;
        self.directory.begin(epoch.unix_us);
        self.write();
    }

    /// A phase of the runner begins now.
    pub(super) fn phase(&mut self, name: &'static str) {
        let now_ns = Epoch::now().monotonic_ns;
        let at_ns = self.epoch.map(|epoch| now_ns.saturating_sub(epoch.monotonic_ns));
        self.phase_at(name, now_ns, at_ns);
    }

    /// A phase of the load began at a time on the run's clock.
    pub(super) fn load_phase(&mut self, name: &'static str, at_ns: u64) {
        let epoch_ns = self.epoch.map_or(0, |epoch| epoch.monotonic_ns);
        self.directory.phase(name, at_ns);
        self.phase_at(name, epoch_ns.saturating_add(at_ns), Some(at_ns));
    }

    /// The last phase ends now.
    pub(super) fn phase_ends(&mut self) {
        let now_ns = Epoch::now().monotonic_ns;
        self.end_last(now_ns);
    }

    fn phase_at(&mut self, name: &'static str, monotonic_ns: u64, at_ns: Option<u64>) {
        self.end_last(monotonic_ns);
        self.phases.push((name, monotonic_ns, None));
        self.event_at(at_ns, What::Phase { phase: name.to_owned() });
        (self.watch)(Progress::Phase(name));
        self.write();
    }

    fn end_last(&mut self, monotonic_ns: u64) {
        if let Some((_, start_ns, end_ns @ None)) = self.phases.last_mut() {
            *end_ns = Some(monotonic_ns.max(*start_ns));
        }
    }

    /// Something worth a line.
    pub(super) fn note(&mut self, text: String) {
        (self.watch)(Progress::Note(text));
    }

    /// A mark on the time axis.
    pub(super) fn mark(&mut self, at_ns: u64, text: String) {
        self.event_at(Some(at_ns), What::Mark { text });
    }

    /// Something the reader should know before believing the figures.
    pub(super) fn warn(&mut self, text: String) {
        self.event(What::Warning { text: text.clone() });
        self.keep(text.clone());
        (self.watch)(Progress::Warning(text));
    }

    /// Keeps a sentence for the summary and the report; `events.ndjson` has all of them.
    fn keep(&mut self, text: String) {
        let warnings = &mut self.run.warnings;
        if warnings.len() < WARNINGS_AT_MOST && !warnings.contains(&text) {
            warnings.push(text);
        }
    }

    /// A server of ours changed its state.
    pub(super) fn server(&mut self, name: &str, change: ServerChange, detail: Option<String>) {
        self.event(What::Server { server: name.to_owned(), change, detail });
    }

    /// The run ends before its time.
    pub(super) fn stopped(&mut self, reason: String) {
        (self.watch)(Progress::Note(format!("stopping: {reason}")));
        self.event(What::Stopped { reason });
    }

    /// Complaints about the script or its options.
    pub(super) fn complain(&mut self, complaints: Vec<Diagnostic>) {
        for complaint in complaints {
            let code = if complaint.in_script { ExitCode::ScriptError } else { ExitCode::Usage };
            self.failed(code, complaint);
        }
    }

    /// Something outside of the script failed.
    pub(super) fn broken(&mut self, complaint: Diagnostic) {
        self.failed(ExitCode::Other, complaint);
    }

    /// Something failed, which means this code.
    pub(super) fn failed(&mut self, code: ExitCode, complaint: Diagnostic) {
        self.codes.push(code);
        self.event(What::Failure { message: complaint.message.clone(), position: complaint.position() });
        self.keep(complaint.message.clone());
        self.complaints.push(complaint);
    }

    /// One complete second of the load.
    pub(super) fn second(&mut self, second: &Second) {
        self.directory.second(second);
        self.tell_trouble();
    }

    /// How the load stands.
    pub(super) fn tick(&mut self, tick: report::progress::Tick) {
        (self.watch)(Progress::Tick(tick));
    }

    /// How far long work of the script has come, when it says so.
    pub(super) fn work(&self, progress: Option<(String, u64, u64)>) {
        if let Some((what, done, total)) = progress {
            (self.watch)(Progress::Work(what, done, total));
        }
    }

    fn event(&mut self, what: What) {
        let at_ns = self.epoch.map(|epoch| Epoch::now().monotonic_ns.saturating_sub(epoch.monotonic_ns));
        self.event_at(at_ns, what);
    }

    fn event_at(&mut self, at_ns: Option<u64>, what: What) {
        self.directory.event(at_ns, what);
        self.tell_trouble();
    }

    /// Writes the run file as it stands.
    pub(super) fn write(&mut self) {
        // Before the load clock runs, times count from the first phase.
        let zero_ns = self.epoch.map(|epoch| epoch.monotonic_ns);
        let zero_ns = zero_ns.or(self.phases.first().map(|(_, start_ns, _)| *start_ns)).unwrap_or(0);
        let seconds = |at_ns: u64| {
            let after = Duration::from_nanos(at_ns.saturating_sub(zero_ns)).as_secs_f64();
            after - Duration::from_nanos(zero_ns.saturating_sub(at_ns)).as_secs_f64()
        };
        let phases = self.phases.iter().map(|(name, start_ns, end_ns)| PhaseTimes {
            name: name.replace('-', "_"),
            start_s: seconds(*start_ns),
            end_s: end_ns.map(seconds),
        });
        self.run.phases = phases.collect();
        self.directory.run_file(&self.run);
        self.tell_trouble();
    }

    /// Keeps the traces of a load that has ended.
    pub(super) fn traces(&mut self, traces: &Traces) {
        self.run.traces = Some(traces.counts);
        let (name, what) = self.directory.traces(&traces.kept);
        self.run.files.insert(name.to_owned(), what.to_owned());
        self.tell_trouble();
    }

    /// Writes the report.
    pub(super) fn report(&mut self, markdown: &str) {
        self.directory.report(markdown);
        self.tell_trouble();
    }

    /// How far the run got.
    pub(super) fn state(&mut self, state: RunState) {
        // What went wrong first is what it was.
        if self.run.state == RunState::Running {
            self.run.state = state;
        }
    }

    /// Trouble with the disk is told, not only noted: the file it would be noted in is what is in trouble.
    fn tell_trouble(&mut self) {
        for trouble in self.directory.take_trouble() {
            self.codes.push(ExitCode::Other);
            (self.watch)(Progress::Warning(trouble));
        }
    }
}
