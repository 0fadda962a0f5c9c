//! The end of a run: ledgers, thresholds, labels, the exit code, the report.

use model::{
    runfile::{GeneratorFigures, RunState, Summary, ThresholdRecord, generator_bound, shape_only},
    threshold::ThresholdRule,
};
use report::{events::ServerChange, markdown};
use script::Diagnostic;
use tokio::runtime::{Builder, LocalOptions};

use super::{RunOutcome, Running, book::Book};
use crate::{directory::unix_us, exit::ExitCode, interrupts::Urgency, read, servers::Servers, tally::limits};

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
            self.book.warn(
                "this is one segment of a run: its ledgers, and thresholds on them, are not judged"
                    .to_owned(),
            );
            return;
        }
        let runtime = match Builder::new_current_thread().enable_all().build_local(LocalOptions::default()) {
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
            Some(Err(complaint)) => self.book.broken(complaint),
            None => {}
        }
    }

    /// Judges, stops the servers and completes the directory.
    pub(super) fn finish(self, servers: Servers) -> RunOutcome {
        let Running { stage, mut book, tally, prepared, request, wiring, interrupts, window } = self;
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
        book.run.label.shape_only = shape_only(&book.run.servers);
        if let Some(window) = window {
            let window_s = window.end_ns.saturating_sub(window.start_ns) as f64 / 1e9;
            book.run.summary = Some(Summary::from_totals(&tally.totals, window_s));
            let figures =
                GeneratorFigures::from_totals(tally.measured(), &limits(&prepared.planned.scenarios));
            book.run.label.generator_bound = generator_bound(&figures);
            if request.judge_thresholds {
                let is_whole = prepared.planned.plan.segment.is_whole();
                let can_be_judged = |rule: &&ThresholdRule| {
                    is_whole || !rule.threshold.metric.to_string().starts_with("ledger.")
                };
                let rules: Vec<_> = prepared.options.thresholds.iter().filter(can_be_judged).collect();
                let judgements = tally.judge(rules.iter().copied(), (window.start_ns, window.end_ns));
                let records = rules.iter().zip(&judgements);
                book.run.thresholds =
                    records.map(|(rule, found)| ThresholdRecord::new(rule, found)).collect();
            }
        }
        let thresholds_hold = book.run.thresholds.iter().all(ThresholdRecord::holds);
        if !thresholds_hold || !book.run.ledgers.iter().all(|ledger| ledger.passed) {
            book.codes.push(ExitCode::ThresholdMissed);
        }
        complete(book)
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
