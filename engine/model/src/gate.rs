//! Gates: thresholds and ledgers that together decide something, with the sentence to print for it.
//!
//! A gate answers go only when every one of its conditions holds and every ledger of the run passes; one that
//! fails is a no-go; when nothing fails and something cannot be judged, nothing is decided, which is no go
//! either. A run that did not go as it was planned (it was stopped, a fault did not take hold) decides nothing, except
//! that a ledger which fails has proved what it has proved. Deliberately does not know which thresholds belong to it: the caller hands them over.

use crate::runfile::{GateRecord, LedgerRecord, ThresholdRecord};

/// A decision that a run is to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gate {
    /// Its name, such as `phase_0`.
    pub name: String,
    /// What to say when everything holds.
    pub go: String,
    /// What to say when something does not.
    pub no_go: String,
}

/// Judges a gate by its conditions and by the ledgers of the run. A gate with nothing to judge decides nothing, and
/// `doubts` about the run, in a sentence each, leave only ledgers to decide.
pub fn judge_gate(
    gate: &Gate,
    conditions: &[ThresholdRecord],
    ledgers: &[LedgerRecord],
    doubts: &[String],
) -> GateRecord {
    let broken: Vec<_> = conditions.iter().filter(|condition| condition.passed == Some(false)).collect();
    let forged: Vec<_> = ledgers.iter().filter(|ledger| !ledger.passed).collect();
    let mut reasons = doubts.to_vec();
    reasons.extend(broken.iter().map(|condition| does_not_hold(condition)));
    reasons.extend(forged.iter().map(|ledger| fails(ledger)));
    reasons.extend(conditions.iter().filter(|condition| condition.passed.is_none()).map(cannot_be_judged));
    if conditions.is_empty() && ledgers.is_empty() {
        reasons.push("none of its conditions was judged".to_owned());
    }
    let (passed, sentence) = match (forged.first(), broken.is_empty(), reasons.is_empty()) {
        // Whatever the gate asks, what is wrong here is correctness.
        (Some(ledger), true, _) => (Some(false), format!("the ledger of {} fails", ledger.name)),
        (Some(_), false, _) => (Some(false), gate.no_go.clone()),
        (None, false, _) if doubts.is_empty() => (Some(false), gate.no_go.clone()),
        (None, true, true) => (Some(true), gate.go.clone()),
        (None, ..) => (None, String::new()),
    };
    GateRecord { name: gate.name.clone(), passed, sentence, reasons }
}

fn does_not_hold(condition: &ThresholdRecord) -> String {
    // The reason of a judgement holds the figure; a record without one has only that.
    let found = if condition.reason.is_empty() { &condition.shown } else { &condition.reason };
    said(&format!("{} {} does not hold", condition.metric, condition.threshold), found)
}

fn cannot_be_judged(condition: &ThresholdRecord) -> String {
    said(&format!("{} {} cannot be judged", condition.metric, condition.threshold), &condition.reason)
}

fn fails(ledger: &LedgerRecord) -> String {
    said(&format!("ledger {} fails", ledger.name), ledger.examples.first().map_or("", String::as_str))
}

fn said(what: &str, why: &str) -> String {
    if why.is_empty() { what.to_owned() } else { format!("{what}: {why}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate() -> Gate {
        let (go, no_go) = ("the simple schema holds", "escalate to partitions (a1)");
        Gate { name: "phase_0".into(), go: go.into(), no_go: no_go.into() }
    }

    fn condition(passed: Option<bool>, reason: &str) -> ThresholdRecord {
        ThresholdRecord {
            metric: "run_head.hot_ratio".into(),
            threshold: "avg > 90%".into(),
            passed,
            reason: reason.into(),
            gate: Some("phase_0".into()),
            ..ThresholdRecord::default()
        }
    }

    fn ledger(passed: bool) -> LedgerRecord {
        let examples = if passed { vec![] } else { vec!["run-7: step 3 was acknowledged twice".to_owned()] };
        LedgerRecord { name: "heads".into(), passed, examples, ..LedgerRecord::default() }
    }

    #[test]
    fn all_that_holds_is_a_go_with_its_sentence() {
        let holds = condition(Some(true), "avg is 96.2%");
        let record = judge_gate(&gate(), &[holds.clone(), holds], &[ledger(true)], &[]);
        assert_eq!((record.passed, record.sentence.as_str()), (Some(true), "the simple schema holds"));
        assert!(record.reasons.is_empty());
        assert_eq!(
            judge_gate(&gate(), &[], &[ledger(true)], &[]).passed,
            Some(true),
            "a ledger may be all there is"
        );
    }

    #[test]
    fn one_that_fails_is_a_no_go_and_everything_against_it_is_named() {
        let conditions = [
            condition(None, "too short to tell: 3 points where it takes 8"),
            condition(Some(false), "avg is 85.2%"),
        ];
        let record = judge_gate(&gate(), &conditions, &[ledger(false)], &[]);
        assert_eq!((record.passed, record.sentence.as_str()), (Some(false), "escalate to partitions (a1)"));
        assert_eq!(
            record.reasons,
            [
                "run_head.hot_ratio avg > 90% does not hold: avg is 85.2%",
                "ledger heads fails: run-7: step 3 was acknowledged twice",
                "run_head.hot_ratio avg > 90% cannot be judged: too short to tell: 3 points where it takes 8",
            ]
        );
    }

    #[test]
    fn a_failed_ledger_alone_is_a_no_go() {
        let record = judge_gate(&gate(), &[condition(Some(true), "avg is 96.2%")], &[ledger(false)], &[]);
        assert_eq!((record.passed, record.sentence.as_str()), (Some(false), "the ledger of heads fails"));
    }

    #[test]
    fn a_run_that_did_not_go_as_planned_decides_nothing_but_what_a_ledger_proved() {
        let stopped = ["it was interrupted after 2.7s of 2m".to_owned()];
        for passed in [true, false] {
            let record = judge_gate(&gate(), &[condition(Some(passed), "")], &[ledger(true)], &stopped);
            assert_eq!((record.passed, &record.reasons[0]), (None, &stopped[0]), "{passed}");
        }
        let proved = judge_gate(&gate(), &[condition(Some(true), "")], &[ledger(false)], &stopped);
        assert_eq!(proved.passed, Some(false));
    }

    #[test]
    fn what_cannot_be_judged_is_not_decided_and_says_why() {
        let record =
            judge_gate(&gate(), &[condition(Some(true), ""), condition(None, "")], &[ledger(true)], &[]);
        assert_eq!((record.passed, record.sentence.as_str()), (None, ""));
        assert_eq!(record.reasons, ["run_head.hot_ratio avg > 90% cannot be judged"]);
        let nothing = judge_gate(&gate(), &[], &[], &[]);
        assert_eq!((nothing.passed, nothing.reasons.len()), (None, 1), "no data is not a go");
    }
}
