//! Keys that come and go: what a ledger says of their lives, case by case.

use std::collections::BTreeMap;

use model::ledger::{CasLedger, CasVerdict};

use model::ledger::Fate::{Acknowledged, Ambiguous};

fn verdict(ledger: CasLedger, rows: &BTreeMap<u64, u64>) -> CasVerdict {
    let mut judge = ledger.judge();
    rows.iter().for_each(|(&key, &version)| judge.head(key, version));
    judge.finish()
}

/// Findings: duplicates, gaps, lost, forks.
fn findings(verdict: &CasVerdict) -> [u64; 4] {
    [verdict.duplicates(), verdict.gaps(), verdict.lost(), verdict.forks()]
}

/// A life from 0 to `end` on one core.
fn life(log: &mut CasLedger, key: u64, end: u64) {
    log.created(key, 0, Acknowledged);
    (0..end).for_each(|step| log.record(key, step, Acknowledged));
    log.deleted(key, Some(end), Acknowledged);
}

#[test]
fn a_life_is_counted_and_forgotten() {
    let mut log = CasLedger::new();
    (0..1000).for_each(|key| life(&mut log, key, 12));
    assert!(log.bytes() < 1000 * 30, "{} bytes for 1,000 retired keys", log.bytes());
    let verdict = verdict(log, &BTreeMap::new());
    assert!(verdict.passed(), "{:?}", verdict.examples());
    assert_eq!((verdict.created, verdict.retired, verdict.steps), (1000, 1000, 12_000));
    assert_eq!((verdict.acknowledged, verdict.keys, verdict.missing_keys), (12_000, 0, 0));
}

#[test]
fn a_life_whose_steps_lie_on_several_cores_passes_too() {
    let mut one = CasLedger::new();
    one.created(7, 0, Acknowledged);
    one.record(7, 0, Acknowledged);
    let mut two = CasLedger::new();
    two.record(7, 1, Acknowledged);
    two.deleted(7, Some(2), Acknowledged);
    one.merge(two);
    let verdict = verdict(one, &BTreeMap::new());
    assert!(verdict.passed(), "{:?}", verdict.examples());
    assert_eq!((verdict.created, verdict.retired, verdict.steps), (1, 1, 2));
}

#[test]
fn a_key_inserted_on_one_core_and_lived_on_another_passes() {
    let mut setup = CasLedger::new();
    setup.created(7, 0, Acknowledged);
    let mut core = CasLedger::new();
    (0..3).for_each(|step| core.record(7, step, Acknowledged));
    core.deleted(7, Some(3), Acknowledged);
    setup.merge(core);
    assert!(verdict(setup, &BTreeMap::new()).passed());
}

#[test]
fn a_retired_key_that_is_found_again_is_a_fork() {
    for preloaded in [false, true] {
        let mut log = CasLedger::new();
        if preloaded {
            log.deleted(7, Some(0), Acknowledged);
        } else {
            life(&mut log, 7, 12);
        }
        let found = verdict(log, &BTreeMap::from([(7, 0)]));
        assert_eq!(findings(&found), [0, 0, 0, 1], "preloaded: {preloaded}");
        assert_eq!(found.examples(), ["key 7: its deletion was acknowledged, and the server has it at 0"]);
    }
}

#[test]
fn a_step_of_a_retired_key_is_a_duplicate() {
    let mut log = CasLedger::new();
    life(&mut log, 7, 12);
    let mut other = CasLedger::new();
    other.record(7, 3, Acknowledged);
    log.merge(other);
    let found = verdict(log, &BTreeMap::new());
    assert_eq!(findings(&found), [1, 0, 0, 0]);
    assert_eq!(found.examples(), ["key 7: step 3 was acknowledged more than once"]);
}

#[test]
fn a_key_deleted_by_somebody_else_is_lost_and_so_is_an_insert() {
    let mut log = CasLedger::new();
    log.created(7, 0, Acknowledged);
    let found = verdict(log.clone(), &BTreeMap::new());
    assert_eq!((findings(&found), found.missing_keys), ([0, 0, 1, 0], 1));
    assert_eq!(found.examples(), ["key 7: its insert was acknowledged, and the server has no such key"]);
    log.record(7, 0, Acknowledged);
    let found = verdict(log, &BTreeMap::new());
    assert_eq!((findings(&found), found.missing_keys), ([0, 0, 2, 0], 1));
}

#[test]
fn a_deletion_at_a_number_that_was_not_reached_is_a_gap() {
    let mut log = CasLedger::new();
    log.created(7, 0, Acknowledged);
    log.record(7, 0, Acknowledged);
    log.deleted(7, Some(2), Acknowledged);
    let found = verdict(log, &BTreeMap::new());
    assert_eq!(findings(&found), [0, 1, 0, 0]);
    assert_eq!(found.examples(), ["key 7: it was deleted at 2, and nobody was acknowledged step 1"]);
}

#[test]
fn a_key_may_begin_at_any_number_and_be_used_again() {
    let mut log = CasLedger::new();
    log.created(7, 100, Acknowledged);
    log.record(7, 100, Acknowledged);
    log.deleted(7, Some(101), Acknowledged);
    life(&mut log, 7, 3);
    log.created(7, 50, Acknowledged);
    let found = verdict(log, &BTreeMap::from([(7, 50)]));
    assert!(found.passed(), "{:?}", found.examples());
    assert_eq!((found.created, found.retired, found.steps), (3, 2, 4));
}

#[test]
fn ambiguous_inserts_and_deletions_are_settled_by_the_truth() {
    for (insert_done, delete_done) in [(false, false), (true, false), (true, true)] {
        let mut log = CasLedger::new();
        log.created(7, 0, Ambiguous);
        if insert_done {
            log.record(7, 0, Acknowledged);
            log.deleted(7, Some(1), Ambiguous);
        }
        let rows = if insert_done && !delete_done { BTreeMap::from([(7, 1)]) } else { BTreeMap::new() };
        let found = verdict(log, &rows);
        assert!(found.passed(), "{insert_done} {delete_done}: {:?}", found.examples());
        let applied = u64::from(insert_done) + u64::from(delete_done);
        let attempts = 1 + u64::from(insert_done);
        assert_eq!((found.ambiguous_applied, found.ambiguous_not_applied), (applied, attempts - applied));
    }
}

#[test]
fn a_deletion_without_a_number_leaves_steps_to_be_counted_once() {
    let mut log = CasLedger::new();
    log.created(7, 0, Acknowledged);
    (0..4).for_each(|step| log.record(7, step, Acknowledged));
    log.deleted(7, None, Acknowledged);
    assert!(verdict(log.clone(), &BTreeMap::new()).passed());
    assert_eq!(findings(&verdict(log.clone(), &BTreeMap::from([(7, 4)])))[3], 1, "it is there again");
    log.record(7, 2, Acknowledged);
    assert_eq!(findings(&verdict(log, &BTreeMap::new())), [1, 0, 0, 0]);
}

#[test]
fn two_inserts_of_one_key_leave_a_row_to_be_missed() {
    let mut log = CasLedger::new();
    log.created(7, 0, Acknowledged);
    log.created(7, 0, Acknowledged);
    let found = verdict(log, &BTreeMap::from([(7, 0)]));
    assert_eq!(findings(&found), [0, 0, 1, 0]);
}

#[test]
fn a_long_soak_stays_small() {
    // A million keys of 20 steps, scaled down: 2,000 alive at a time, each replaced 20 times.
    let (alive, generations, steps) = (2_000u64, 20, 20);
    let mut log = CasLedger::new();
    for generation in 0..generations {
        (0..alive).for_each(|key| life(&mut log, generation * alive + key, steps));
    }
    for key in 0..alive {
        let key = generations * alive + key;
        log.created(key, 0, Acknowledged);
        (0..steps).for_each(|step| log.record(key, step, Acknowledged));
    }
    let living = (alive as usize) * 120;
    let retired = (alive * generations) as usize * 17;
    assert!(log.bytes() < living + retired, "{} bytes", log.bytes());
    let rows = (0..alive).map(|key| (generations * alive + key, steps)).collect();
    assert!(verdict(log, &rows).passed());
}
