//! The end of a run: thresholds, labels, the exit code, the report.

use model::{
    gate::{Gate, judge_gate},
    runfile::{
        FaultRecord, GateRecord, GeneratorFigures, LedgerRecord, RunState, Summary, ThresholdRecord,
        generator_bound,
    },
    threshold::ThresholdRule,
};
use report::{events::ServerChange, markdown};
use script::ScenarioOptions;

use super::{RunOutcome, Running, book::Book, comparing, regulating::with_decided, sweeping};
use crate::{
    directory::unix_us,
    exit::ExitCode,
    interrupts::Urgency,
    prepare::Prepared,
    read,
    tally::{Tally, limits},
};

impl Running<'_> {
    /// Puts what was measured into the run file.
    pub(super) fn sum_up(&mut self) {
        let Some(window) = &self.window else { return };
        let window_s = window.end_ns.saturating_sub(window.start_ns) as f64 / 1e9;
        let run = &mut self.book.run;
        let (planned, measured) = (&self.prepared.planned, self.tally.measured());
        let comparisons = &self.prepared.options.comparisons;
        let warm_up_s = planned.warm_up.value.as_secs_f64();
        run.comparisons = comparing::compared(comparisons, &planned.scenarios, measured, warm_up_s);
        let swept = self.prepared.options.sweep.as_ref().and_then(|sweep| {
            let (scenarios, steps) = (planned.scenarios.as_slice(), &self.tally.steps);
            let (end_ns, seed) = (window.end_ns, planned.seed.value);
            sweeping::Played { sweep, scenarios, steps, totals: measured, end_ns, seed }.record()
        });
        let mut summary = Summary::from_totals(&self.tally.totals, window_s);
        // The turns of a comparison and the steps of a sweep stand there.
        let stands_there = |s: &ScenarioOptions| s.turn.is_some() || s.step.is_some();
        let is_turn = |name: &str| planned.scenarios.iter().any(|s| s.name == name && stands_there(s));
        summary.scenarios.retain(|scenario| !is_turn(&scenario.name));
        run.summary = Some(summary);
        self.tally.heal(&mut run.faults, (window.start_ns, window.end_ns));
        run.series = self.tally.series((window.start_ns, window.end_ns));
        let limits = with_decided(limits(&planned.scenarios), &planned.scenarios, &run.series);
        let figures = GeneratorFigures::from_totals(self.tally.measured(), &limits);
        run.label.generator_bound = generator_bound(&figures);
        run.label.generator_bound.extend(comparing::bound(&run.comparisons));
        if let Some((record, figures)) = swept {
            run.label.generator_bound.extend(sweeping::bound(&record));
            run.sweeps = vec![record];
            self.tally.swept(figures);
        }
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
