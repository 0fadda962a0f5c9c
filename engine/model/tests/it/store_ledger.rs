//! The store's ledger: a sound store is never accused, and whatever is shown that no sound store can show is found.

use std::collections::BTreeMap;

use model::runfile::LedgerRecord;
use proptest::{prelude::*, strategy::ValueTree};

use crate::store_world::{Fault, KEYS, Step, World, content};

fn steps() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(any::<Step>(), 1..250)
}

fn figure(record: &LedgerRecord, name: &str) -> u64 {
    record.figures[name]
}

fn history(steps: &[Step], fault: Fault) -> World {
    let mut world = World::new(fault);
    steps.iter().for_each(|step| world.step(*step));
    world
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn a_sound_store_is_never_accused(steps in steps()) {
        let world = history(&steps, Fault::Nothing);
        prop_assert_eq!(&world.expected, &BTreeMap::new(), "the oracle");
        let objects = world.objects.clone();
        let record = world.judged(&objects);
        prop_assert!(record.passed, "{:?}", record);
    }

    #[test]
    fn every_read_and_listing_that_no_sound_store_gives_is_found(steps in steps()) {
        let world = history(&steps, Fault::Lies);
        let objects = world.objects.clone();
        let expected = world.expected.clone();
        let record = world.judged(&objects);
        let expects = |name: &str| expected.get(name).copied().unwrap_or(0);
        for name in ["missing_reads", "deleted_seen", "missing_in_list", "stale_in_list"] {
            prop_assert_eq!(figure(&record, name), expects(name), "{}: {:?}", name, record);
        }
        let stale_or_corrupted = figure(&record, "stale_reads") + figure(&record, "corrupted");
        prop_assert_eq!(stale_or_corrupted, expects("stale_or_corrupted"), "{:?}", record);
        prop_assert_eq!(record.passed, expected.is_empty());
        prop_assert_eq!(record.examples.is_empty(), expected.is_empty());
    }

    #[test]
    fn whatever_the_server_does_not_hold_at_the_end_is_found(
        steps in steps(),
        spoilt in 0..KEYS.len(),
        number in prop::option::of(1u64..60),
    ) {
        let world = history(&steps, Fault::Nothing);
        let mut objects = world.objects.clone();
        let key = KEYS[spoilt];
        match number {
            None => drop(objects.remove(key)),
            Some(number) => drop(objects.insert(key, content(number))),
        }
        let is_sound = world.oracle.allows(key, objects.get(key).copied(), u64::MAX - 1);
        let record = world.judged(&objects);
        prop_assert_eq!(record.passed, is_sound, "{}: {:?}", key, record);
    }

    #[test]
    fn puts_that_both_won_the_same_race_are_found(steps in steps()) {
        let world = history(&steps, Fault::NoCompare);
        let (objects, expected) = (world.objects.clone(), world.expected.clone());
        let record = world.judged(&objects);
        let wins = expected.get("duplicate_wins").copied().unwrap_or(0);
        prop_assert_eq!(figure(&record, "duplicate_wins"), wins, "{:?}", record);
        prop_assert_eq!(record.passed, wins == 0, "{:?}", record);
    }
}

/// How often histories show what is asked for.
fn shown(fault: Fault, name: &str) -> u64 {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let histories = (0..1_000).map(|_| steps().new_tree(&mut runner).unwrap().current());
    histories
        .map(|steps| {
            let world = history(&steps, fault);
            let objects = world.objects.clone();
            world.judged(&objects).figures[name]
        })
        .sum()
}

#[test]
fn the_histories_that_are_tried_show_what_they_are_about() {
    for name in
        ["puts", "deletes", "ambiguous", "ambiguous_applied", "reads_checked", "lists_checked", "read_at_end"]
    {
        assert!(shown(Fault::Nothing, name) > 20, "{name}");
    }
    for name in
        ["stale_reads", "missing_reads", "deleted_seen", "missing_in_list", "stale_in_list", "corrupted"]
    {
        assert!(shown(Fault::Lies, name) > 20, "{name}");
    }
    assert!(shown(Fault::NoCompare, "duplicate_wins") > 20);
}
