use super::*;
use crate::outcome::Outcome;
use Fate::{Acknowledged, Ambiguous, Conflict, Failed};

fn ledger(attempts: &[(u64, u64, Fate)]) -> CasLedger {
    let mut ledger = CasLedger::new();
    attempts.iter().for_each(|&(key, step, fate)| ledger.record(key, step, fate));
    ledger
}

fn verdict(ledger: CasLedger, heads: &[(u64, u64)]) -> CasVerdict {
    let mut judge = ledger.judge();
    heads.iter().for_each(|&(key, final_seq)| judge.head(key, final_seq));
    judge.finish()
}

/// Duplicates, gaps, lost, forks.
fn findings(verdict: &CasVerdict) -> [u64; 4] {
    [verdict.duplicates(), verdict.gaps(), verdict.lost(), verdict.forks()]
}

#[test]
fn every_step_once_passes() {
    let mut all = ledger(&[(1, 0, Acknowledged), (1, 1, Conflict), (2, 0, Acknowledged)]);
    all.merge(ledger(&[(1, 1, Acknowledged), (2, 0, Conflict), (2, 0, Failed)]));
    let verdict = verdict(all, &[(2, 1), (1, 2)]);
    assert!(verdict.passed());
    assert_eq!((verdict.keys, verdict.steps, verdict.acknowledged), (2, 3, 3));
    assert_eq!((verdict.conflicts, verdict.failed), (2, 1));
    assert_eq!(verdict.examples(), [""; 0]);
}

#[test]
fn a_long_race_of_many_writers_passes() {
    let mut all = CasLedger::new();
    for writer in 0..16 {
        let mut log = CasLedger::new();
        (0..5000)
            .for_each(|step| log.record(7, step, if step % 16 == writer { Acknowledged } else { Conflict }));
        all.merge(log);
    }
    let verdict = verdict(all, &[(7, 5000)]);
    assert!(verdict.passed(), "{verdict:?}");
    assert_eq!((verdict.acknowledged, verdict.conflicts), (5000, 75_000));
}

#[test]
fn a_step_acknowledged_twice_is_a_duplicate_on_one_core_and_across_cores() {
    let one = verdict(ledger(&[(1, 0, Acknowledged), (1, 0, Acknowledged)]), &[(1, 1)]);
    assert_eq!(findings(&one), [1, 0, 0, 0]);
    let mut all = ledger(&[(1, 0, Acknowledged), (1, 1, Acknowledged), (1, 70, Acknowledged)]);
    all.merge(ledger(&[(1, 0, Acknowledged), (1, 1, Acknowledged), (1, 2, Acknowledged)]));
    let two = verdict(all, &[(1, 3)]);
    assert_eq!(findings(&two), [2, 0, 1, 0]);
    assert_eq!(two.examples()[0], "key 1: step 0 was acknowledged more than once");
}

#[test]
fn dropping_the_compare_is_caught() {
    // UPDATE … SET seq = seq + 1 without the compare: all four writers that read 0 are told they won.
    let broken = ledger(&[(1, 0, Acknowledged); 4]);
    let verdict = verdict(broken, &[(1, 4)]);
    assert_eq!(findings(&verdict), [3, 3, 0, 0]);
    assert!(!verdict.passed());
    assert_eq!(verdict.examples()[1], "key 1: the server is at 4, and nobody was acknowledged step 1");
}

#[test]
fn a_step_nobody_took_is_a_gap() {
    let verdict = verdict(ledger(&[(1, 0, Acknowledged), (1, 2, Acknowledged)]), &[(1, 3)]);
    assert_eq!(findings(&verdict), [0, 1, 0, 0]);
    assert_eq!(verdict.examples(), ["key 1: the server is at 3, and nobody was acknowledged step 1"]);
}

#[test]
fn a_key_somebody_else_moved_is_all_gaps() {
    let verdict = verdict(CasLedger::new(), &[(9, 1_000_000_000_000)]);
    assert_eq!(findings(&verdict), [0, 1_000_000_000_000, 0, 0]);
    assert_eq!(
        verdict.examples(),
        ["key 9: the server is at 1000000000000, and nobody was acknowledged step 0"]
    );
}

#[test]
fn gaps_are_named_also_far_along() {
    let mut long = CasLedger::new();
    (0..200).filter(|step| ![63, 64, 150].contains(step)).for_each(|step| long.record(1, step, Acknowledged));
    long.record(1, 63, Ambiguous);
    let found = verdict(long, &[(1, 200)]);
    assert_eq!(findings(&found), [0, 2, 0, 0]);
    assert_eq!(found.examples(), ["key 1: the server is at 200, and nobody was acknowledged step 64"]);
    let mut hole = CasLedger::new();
    (0..64).chain(128..192).for_each(|step| hole.record(1, step, Acknowledged));
    assert!(verdict(hole, &[(1, 192)]).examples()[0].ends_with("step 64"));
}

#[test]
fn an_acknowledged_step_the_server_does_not_hold_is_lost() {
    let rolled_back = verdict(ledger(&[(1, 0, Acknowledged), (1, 1, Acknowledged)]), &[(1, 1)]);
    assert_eq!(findings(&rolled_back), [0, 0, 1, 0]);
    assert_eq!(rolled_back.examples(), ["key 1: step 1 was acknowledged, and the server is at 1"]);
    let gone = verdict(ledger(&[(1, 0, Acknowledged), (1, 1, Acknowledged)]), &[]);
    assert_eq!((findings(&gone), gone.missing_keys), ([0, 0, 2, 0], 1));
}

#[test]
fn ambiguous_attempts_are_settled_by_the_truth() {
    let attempts = [
        (1, 0, Acknowledged),
        (1, 0, Ambiguous), // somebody else took it
        (1, 1, Ambiguous), // one of these two did
        (1, 1, Ambiguous),
        (1, 2, Ambiguous), // beyond the end
        (5, 0, Ambiguous), // no such key
    ];
    let verdict = verdict(ledger(&attempts), &[(1, 2)]);
    assert!(verdict.passed(), "{verdict:?}");
    assert_eq!((verdict.ambiguous, verdict.ambiguous_applied, verdict.ambiguous_not_applied), (5, 1, 4));
}

#[test]
fn timeouts_are_ambiguous_and_refusals_are_not() {
    assert_eq!(Fate::from(Outcome::Ok), Acknowledged);
    assert_eq!(Fate::from(Outcome::Timeout), Ambiguous);
    assert_eq!(Fate::from(Outcome::Ambiguous), Ambiguous);
    assert_eq!(Fate::from(Outcome::Conflict), Conflict);
    assert_eq!(Fate::from(Outcome::Error), Failed);
}

fn with_history(attempts: &[(u64, u64, Fate)], head: u64, history: &[u64]) -> CasVerdict {
    let mut judge = ledger(attempts).judge();
    judge.head(1, head);
    history.iter().for_each(|&step| judge.history(1, step));
    judge.finish()
}

#[test]
fn the_history_shows_forks_and_losses() {
    let two = [(1, 0, Acknowledged), (1, 1, Acknowledged)];
    assert!(with_history(&two, 2, &[1, 0]).passed());
    let twice = with_history(&two, 2, &[0, 1, 1]);
    assert_eq!(findings(&twice), [0, 0, 0, 1]);
    assert_eq!(twice.examples(), ["key 1: step 1 is in the history more than once"]);
    let absent = with_history(&two, 2, &[0]);
    assert_eq!(findings(&absent), [0, 0, 1, 0]);
    let beyond = with_history(&two, 2, &[0, 1, 2]);
    assert_eq!(findings(&beyond), [0, 0, 0, 1]);
}

#[test]
fn two_heads_of_one_key_are_a_fork() {
    let forked = verdict(ledger(&[(1, 0, Acknowledged), (1, 1, Acknowledged)]), &[(1, 2), (1, 1)]);
    assert_eq!(findings(&forked), [0, 0, 0, 1]);
    assert_eq!(forked.examples(), ["key 1: it has two heads, at 1 and at 2"]);
}

#[test]
fn keys_may_begin_anywhere() {
    let judge = |steps: [u64; 2], head: u64| {
        let mut ledger = CasLedger::starting_at(100);
        steps.iter().for_each(|&step| ledger.record(1, step, Acknowledged));
        let mut judge = ledger.judge();
        judge.head(1, head);
        judge
    };
    assert!(judge([100, 101], 102).finish().passed());
    let judge = judge([100, 99], 101);
    assert_eq!(findings(&judge.finish()), [0, 0, 0, 1]);
}

#[test]
fn wild_numbers_do_no_harm() {
    let wild = ledger(&[
        (u64::MAX, u64::MAX, Acknowledged),
        (0, u64::MAX - 1, Ambiguous),
        (3, 1 << 60, Acknowledged),
    ]);
    let verdict = verdict(wild, &[(u64::MAX, u64::MAX), (0, u64::MAX), (3, 0)]);
    assert_eq!(verdict.lost(), 2);
}

#[test]
fn a_million_keys_would_fit_in_a_fraction_of_a_gigabyte() {
    let mut many = CasLedger::new();
    for key in 0..50_000u64 {
        (0..20).for_each(|step| many.record(key * 7919, step, Acknowledged));
    }
    let bytes_a_key = many.bytes() / 50_000;
    assert!(bytes_a_key < 80, "{bytes_a_key} bytes a key");
    let heads: Vec<(u64, u64)> = (0..50_000).map(|key| (key * 7919, 20)).collect();
    assert!(verdict(many, &heads).passed());
}

#[test]
fn the_record_names_every_figure() {
    let record = verdict(ledger(&[(1, 0, Acknowledged); 2]), &[(1, 1)]).record("head row");
    assert_eq!((record.passed, record.kind.as_str(), record.figures["duplicates"]), (false, "cas", 1));
    assert_eq!(record.examples.len(), 1);
}
