//! How a run ended, in one sentence: what both the terminal and the report say first or last.

use model::runfile::{GateRecord, RunFile, RunState};

use crate::style::Tone;
use crate::text::one_line;

/// The end of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Good, bad, or neither.
    pub standing: Standing,
    /// One word in capitals, such as `PASSED`.
    pub word: &'static str,
    /// What stands behind it, in one sentence.
    pub sentence: String,
}

/// What a verdict amounts to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Everything that was judged holds.
    Good,
    /// Something does not hold, or something broke.
    Bad,
    /// Nothing was judged, or not to the end.
    Open,
}

impl Standing {
    /// `✓`, `✗` or `!`.
    pub fn mark(self) -> &'static str {
        match self {
            Standing::Good => "✓",
            Standing::Bad => "✗",
            Standing::Open => "!",
        }
    }

    pub(crate) fn tone(self) -> Tone {
        match self {
            Standing::Good => Tone::Good,
            Standing::Bad => Tone::Bad,
            Standing::Open => Tone::Warn,
        }
    }
}

/// The verdict of a run file. It follows the exit code (DESIGN.md §9) and explains it.
pub fn verdict(run: &RunFile) -> Verdict {
    let judged = judged(run);
    let so_far = "the figures cover what was measured until then";
    let (standing, word, sentence) = match run.exit_code {
        None => (Standing::Open, "UNFINISHED", unfinished(run)),
        Some(0) if run.thresholds.is_empty() && run.ledgers.is_empty() && run.gates.is_empty() => {
            let why = match run.command.iter().any(|word| word == "--no-thresholds") {
                true => "--no-thresholds was given",
                false => "the script sets no thresholds",
            };
            (Standing::Open, "FINISHED", format!("nothing was judged: {why}"))
        }
        // A gate that nothing speaks against and nothing speaks for has decided nothing.
        Some(0) if run.gates.iter().any(|gate| gate.passed != Some(true)) => {
            (Standing::Open, "FINISHED", judged)
        }
        Some(0) => (Standing::Good, "PASSED", judged),
        Some(99) if run.state == RunState::Aborted => {
            (Standing::Bad, "FAILED", format!("a threshold ended the run early: {judged}"))
        }
        Some(99) if holds(run) => (Standing::Bad, "FAILED", format!("verify() found a fault; {judged}")),
        Some(99) => (Standing::Bad, "FAILED", judged),
        Some(104) => (Standing::Bad, "NOT RUN", "the configuration or an option is wrong".to_owned()),
        Some(105) => (Standing::Open, "INTERRUPTED", format!("the user stopped the run; {so_far}")),
        Some(107) => (Standing::Bad, "SCRIPT ERROR", format!("the script failed; {judged}")),
        Some(108) => (Standing::Bad, "ABORTED", format!("the script ended the run; {so_far}")),
        Some(_) => (Standing::Bad, "BROKEN", format!("something outside of the script failed; {so_far}")),
    };
    let exit = run.exit_code.map(|code| format!(" (exit {code})")).unwrap_or_default();
    Verdict { standing, word, sentence: format!("{sentence}{exit}") }
}

/// Whether everything that was judged holds, so that something else must have failed.
fn holds(run: &RunFile) -> bool {
    run.thresholds.iter().all(|threshold| threshold.passed == Some(true))
        && run.ledgers.iter().all(|ledger| ledger.passed)
        && run.gates.iter().all(|gate| gate.passed == Some(true))
}

fn unfinished(run: &RunFile) -> String {
    let missing = "thresholds were not judged to the end and the files hold what was measured";
    match run.state {
        RunState::Running => format!("the run still goes on or was killed; {missing}"),
        _ => format!("the run ended without an exit code; {missing}"),
    }
}

/// `gate phase_0: go, the schema holds; 3 of 3 thresholds hold; the ledger passes`, or what does not, which comes
/// first.
fn judged(run: &RunFile) -> String {
    let (mut bad, mut good) = (Vec::new(), Vec::new());
    for gate in &run.gates {
        let side = if gate.passed == Some(true) { &mut good } else { &mut bad };
        side.push(decided(gate));
    }
    let which = |passed: Option<bool>| -> Vec<String> {
        let chosen = run.thresholds.iter().filter(|threshold| threshold.passed == passed);
        chosen.map(|threshold| format!("{} {}", threshold.metric, threshold.threshold)).collect()
    };
    let (broken, untold) = (which(Some(false)), which(None));
    let all = run.thresholds.len();
    if !broken.is_empty() {
        let verb = if broken.len() == 1 { "does" } else { "do" };
        bad.push(format!("{} {verb} not hold: {}", part(broken.len(), all, "threshold"), some(&broken)));
    }
    if !untold.is_empty() {
        bad.push(format!("{} cannot be judged: {}", part(untold.len(), all, "threshold"), some(&untold)));
    }
    if broken.is_empty() && untold.is_empty() && all > 0 {
        good.push(format!("{} {}", part(all, all, "threshold"), if all == 1 { "holds" } else { "hold" }));
    }
    let failed: Vec<String> =
        run.ledgers.iter().filter(|ledger| !ledger.passed).map(|ledger| ledger.name.clone()).collect();
    let all = run.ledgers.len();
    if !failed.is_empty() {
        let verb = if failed.len() == 1 { "fails" } else { "fail" };
        bad.push(format!("{} {verb}: {}", part(failed.len(), all, "ledger"), some(&failed)));
    } else if all > 0 {
        good.push(format!("{} {}", part(all, all, "ledger"), if all == 1 { "passes" } else { "pass" }));
    }
    bad.append(&mut good);
    if bad.is_empty() { "nothing was judged".to_owned() } else { one_line(&bad.join("; ")).into_owned() }
}

/// `gate phase_0: no-go, escalate to partitions`.
fn decided(gate: &GateRecord) -> String {
    let word = match gate.passed {
        Some(true) => "go",
        Some(false) => "no-go",
        None => "not decided",
    };
    let sentence = gate.sentence.trim().trim_end_matches('.');
    let gap = if sentence.is_empty() { "" } else { ", " };
    format!("gate {}: {word}{gap}{sentence}", gate.name)
}

/// `the threshold` when there is one only, else `1 of 4 thresholds`.
fn part(some: usize, all: usize, noun: &str) -> String {
    if all == 1 { format!("the {noun}") } else { format!("{some} of {all} {noun}s") }
}

/// The first three, and how many more.
fn some(names: &[String]) -> String {
    let shown = names.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
    match names.len() {
        0..=3 => shown,
        n => format!("{shown} and {} more", n - 3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::runfile::{LedgerRecord, ThresholdRecord};

    fn run(exit_code: Option<i32>, thresholds: &[Option<bool>], ledgers: &[bool]) -> RunFile {
        let mut run = RunFile { exit_code, state: RunState::Finished, ..RunFile::default() };
        for (index, passed) in thresholds.iter().enumerate() {
            let metric = format!("op{index}");
            let threshold = "p(95) < 1s".to_owned();
            run.thresholds.push(ThresholdRecord {
                metric,
                threshold,
                passed: *passed,
                ..ThresholdRecord::default()
            });
        }
        for passed in ledgers {
            run.ledgers.push(LedgerRecord {
                name: "heads".into(),
                passed: *passed,
                ..LedgerRecord::default()
            });
        }
        run
    }

    fn text(run: &RunFile) -> String {
        let verdict = verdict(run);
        format!("{} {}: {}", verdict.standing.mark(), verdict.word, verdict.sentence)
    }

    #[test]
    fn good_runs() {
        let yes = Some(true);
        assert_eq!(
            text(&run(Some(0), &[yes], &[true])),
            "✓ PASSED: the threshold holds; the ledger passes (exit 0)"
        );
        assert_eq!(text(&run(Some(0), &[yes, yes], &[])), "✓ PASSED: 2 of 2 thresholds hold (exit 0)");
        assert_eq!(
            text(&run(Some(0), &[], &[])),
            "! FINISHED: nothing was judged: the script sets no thresholds (exit 0)"
        );
    }

    #[test]
    fn what_does_not_hold_comes_first_and_not_knowing_is_told_apart() {
        let (yes, no) = (Some(true), Some(false));
        assert_eq!(
            text(&run(Some(99), &[yes, no, None], &[true, false])),
            "✗ FAILED: 1 of 3 thresholds does not hold: op1 p(95) < 1s; 1 of 3 thresholds cannot be judged: op2 p(95) \
             < 1s; 1 of 2 ledgers fails: heads (exit 99)"
        );
        assert_eq!(
            text(&run(Some(99), &[no; 5], &[])),
            "✗ FAILED: 5 of 5 thresholds do not hold: op0 p(95) < 1s, op1 p(95) < 1s, op2 p(95) < 1s and 2 more \
             (exit 99)"
        );
        assert_eq!(
            text(&run(Some(99), &[yes], &[false])),
            "✗ FAILED: the ledger fails: heads; the threshold holds (exit 99)"
        );
    }

    #[test]
    fn gates_come_first_and_one_that_decided_nothing_is_no_pass() {
        let gated = |exit_code, passed, sentence: &str, thresholds: &[Option<bool>]| {
            let mut run = run(Some(exit_code), thresholds, &[]);
            run.gates.push(GateRecord {
                name: "phase_0".into(),
                passed,
                sentence: sentence.into(),
                ..GateRecord::default()
            });
            text(&run)
        };
        assert_eq!(
            gated(0, Some(true), "the simple schema holds.", &[Some(true)]),
            "✓ PASSED: gate phase_0: go, the simple schema holds; the threshold holds (exit 0)"
        );
        assert_eq!(
            gated(99, Some(false), "escalate to a1", &[Some(false)]),
            "✗ FAILED: gate phase_0: no-go, escalate to a1; the threshold does not hold: op0 p(95) < 1s (exit 99)"
        );
        assert_eq!(
            gated(99, Some(false), "escalate to a1", &[Some(true)]),
            "✗ FAILED: gate phase_0: no-go, escalate to a1; the threshold holds (exit 99)"
        );
        assert_eq!(gated(0, None, "", &[]), "! FINISHED: gate phase_0: not decided (exit 0)");
    }

    #[test]
    fn every_exit_code_has_its_word() {
        let words = [104, 105, 107, 108, 1].map(|code| verdict(&run(Some(code), &[], &[])).word);
        assert_eq!(words, ["NOT RUN", "INTERRUPTED", "SCRIPT ERROR", "ABORTED", "BROKEN"]);
        assert_eq!(verdict(&run(None, &[None], &[])).standing, Standing::Open);
    }
}
