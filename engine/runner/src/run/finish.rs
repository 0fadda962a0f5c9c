//! The end of a run: ledgers, thresholds, labels, the exit code, the report.

use model::{
    gate::{Gate, judge_gate},
    runfile::{
        FaultRecord, GateRecord, GeneratorFigures, LedgerRecord, RunState, Summary, ThresholdRecord,
        generator_bound,
    },
    threshold::ThresholdRule,
};
use report::{events::ServerChange, markdown};
use script::Diagnostic;

use super::{RunOutcome, Running, book::Book};
use crate::{
    directory::unix_us,
    exit::ExitCode,
    interrupts::Urgency,
    prepare::Prepared,
    read, runtime,
    tally::{Tally, limits},
};

impl Running<'_> {
    /// Reads the truth that ledgers are judged by, while it is still there.
    pub(super) fn settle_ledgers(&mut self) {
        // What the stage noted is handed over when it is made anew; a failure of that is told by teardown.
        let handed_over = self.stage.hand_over();
        let logs = self.wiring.findings.take_ledgers();
        let Some((config, _)) = self.wiring.postgres.as_ref().filter(|_| !logs.is_empty()) else {
            return;
        };
        if let Err(complaint) = handed_over {
            self.book.broken(complaint);
        }
        if !self.prepared.planned.plan.segment.is_whole() {
            // The table holds the steps of all segments, and this log only those of one: every other's would be a gap.
            let why = "this is one segment of a run: its ledgers, and thresholds on them, are not judged";
            self.doubts.push(why.to_owned());
            self.book.warn(why.to_owned());
            return;
        }
        let runtime = match runtime::local() {
            Ok(runtime) => runtime,
            Err(error) => {
                self.book.broken(Diagnostic::usage(format!("the ledgers cannot be judged: {error}")));
                return;
            }
        };
        let settled = runtime.block_on(async {
            tokio::select! {
                () = self.interrupts.reached(Urgency::Leave) => None,
                settled = script::ledger::settle(logs, config) => Some(settled),
            }
        });
        match settled {
            Some(Ok(records)) => {
                self.tally.ledgers(&records);
                self.book.run.ledgers = records;
            }
            Some(Err(complaint)) => {
                self.doubts.push(format!("the ledgers were not judged: {}", complaint.message));
                self.book.broken(complaint);
            }
            None => self.doubts.push("the ledgers were not judged: the run was left".to_owned()),
        }
    }

    /// Puts what was measured into the run file.
    pub(super) fn sum_up(&mut self) {
        let Some(window) = &self.window else { return };
        let window_s = window.end_ns.saturating_sub(window.start_ns) as f64 / 1e9;
        let run = &mut self.book.run;
        run.summary = Some(Summary::from_totals(&self.tally.totals, window_s));
        run.series = self.tally.series((window.start_ns, window.end_ns));
        let figures =
            GeneratorFigures::from_totals(self.tally.measured(), &limits(&self.prepared.planned.scenarios));
        run.label.generator_bound = generator_bound(&figures);
    }

    /// Judges, stops the servers and completes the directory.
    pub(super) fn finish(self) -> RunOutcome {
        let Running {
            stage,
            mut book,
            tally,
            prepared,
            request,
            wiring,
            interrupts,
            servers,
            window,
            mut doubts,
            ..
        } = self;
        // The stage has connections: it ends before its servers do.
        drop(stage);
        let names = servers.embedded_names();
        servers.stop();
        for name in names {
            book.server(name, ServerChange::Stopped, None);
        }
        if interrupts.urgency() > Urgency::None {
            book.codes.push(ExitCode::Interrupted);
            book.state(RunState::Interrupted);
        }
        if wiring.findings.script_errors() > 0 {
            book.codes.push(ExitCode::ScriptError);
            book.complaints.extend(wiring.findings.complaints());
        }
        if let Some(window) = window.filter(|_| request.judge_thresholds) {
            doubts.extend(book.run.faults.iter().filter_map(doubt_of));
            let judged = Judged::of(prepared, &tally, (window.start_ns, window.end_ns));
            (book.run.thresholds, book.run.gates) = judged.against(&book.run.ledgers, &doubts);
        }
        let thresholds_hold = book.run.thresholds.iter().all(ThresholdRecord::holds);
        let gates_open = book.run.gates.iter().all(|gate| gate.passed == Some(true));
        if !thresholds_hold || !gates_open || !book.run.ledgers.iter().all(|ledger| ledger.passed) {
            book.codes.push(ExitCode::ThresholdMissed);
        }
        complete(book)
    }
}

/// A fault that was not done leaves open what the design would have made of it.
fn doubt_of(fault: &FaultRecord) -> Option<String> {
    match fault.took_hold {
        Some(true) => None,
        Some(false) => Some(format!("fault {} did not take hold: {}", fault.kind, fault.finding)),
        None => Some(format!("fault {} was not done: {}", fault.kind, fault.finding)),
    }
}

/// What was judged.
struct Judged {
    thresholds: Vec<ThresholdRecord>,
    gates: Vec<(Gate, Vec<ThresholdRecord>)>,
}

impl Judged {
    /// Judges thresholds and gates over a window. Of a segment, what ledgers would have to say is left out.
    fn of(prepared: &Prepared, tally: &Tally, window_ns: (u64, u64)) -> Self {
        let is_whole = prepared.planned.plan.segment.is_whole();
        let can_be_judged =
            |rule: &&ThresholdRule| is_whole || !rule.threshold.metric.to_string().starts_with("ledger.");
        let judge = |rules: &[ThresholdRule]| -> Vec<ThresholdRecord> {
            let rules: Vec<_> = rules.iter().filter(can_be_judged).collect();
            let judgements = tally.judge(rules.iter().copied(), window_ns);
            rules.iter().zip(&judgements).map(|(rule, found)| ThresholdRecord::new(rule, found)).collect()
        };
        let gates = prepared.options.gates.iter().map(|gate| {
            let mut records = judge(&gate.thresholds);
            records.iter_mut().for_each(|record| record.gate = Some(gate.name.clone()));
            let gate = Gate { name: gate.name.clone(), go: gate.go.clone(), no_go: gate.no_go.clone() };
            (gate, records)
        });
        Self { thresholds: judge(&prepared.options.thresholds), gates: gates.collect() }
    }

    /// The records, gates judged together with what ledgers found.
    fn against(self, ledgers: &[LedgerRecord], doubts: &[String]) -> (Vec<ThresholdRecord>, Vec<GateRecord>) {
        let mut thresholds = self.thresholds;
        let mut gates = Vec::new();
        for (gate, records) in self.gates {
            gates.push(judge_gate(&gate, &records, ledgers, doubts));
            thresholds.extend(records);
        }
        (thresholds, gates)
    }
}

/// Writes the last word: state, exit code, report.
fn complete(mut book: Book<'_>) -> RunOutcome {
    let is_broken = book.codes.iter().any(|code| matches!(code, ExitCode::Other | ExitCode::Usage));
    book.state(if is_broken { RunState::Failed } else { RunState::Finished });
    book.run.finished_unix_us = Some(unix_us());
    book.run.exit_code = Some(i32::from(ExitCode::of(&book.codes).code()));
    book.write();
    let directory = book.directory.path().to_path_buf();
    let report = markdown(&book.run, &read::parts(&directory));
    book.report(&report);
    // Trouble with the last files counts as well.
    let exit_code = ExitCode::of(&book.codes);
    book.run.exit_code = Some(i32::from(exit_code.code()));
    RunOutcome { exit_code, complaints: book.complaints, run: book.run, directory }
}
