//! The ledger of a queue over random histories: sound servers are never accused, and of spoilt ones exactly that is found
//! which a slow memory of everything finds.

use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::queue_oracle::Oracle;
use crate::queue_world::{FAULTS, Fault, Step, World};
use model::ledger::QueueLedger;

fn steps() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(any::<Step>(), 0..250)
}

fn history(steps: &[Step], fault: Fault, is_calm: bool) -> (QueueLedger, Oracle) {
    let mut world = World::new(fault, is_calm);
    steps.iter().for_each(|step| world.step(*step));
    world.ended()
}

/// Those figures of the ledger that the oracle knows.
fn found(ledger: QueueLedger, oracle: &BTreeMap<&'static str, u64>) -> BTreeMap<String, u64> {
    let mut figures = ledger.judge(true).figures();
    figures.retain(|name, _| oracle.contains_key(name.as_str()));
    figures
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn a_sound_queue_is_never_accused(steps in steps(), is_calm: bool) {
        let (ledger, _) = history(&steps, Fault::Nothing, is_calm);
        let verdict = ledger.judge(true);
        prop_assert!(verdict.passed(), "{:?}", verdict.examples());
    }

    #[test]
    fn of_a_spoilt_queue_is_found_what_everything_remembered_shows(
        steps in steps(),
        fault in prop::sample::select(FAULTS.to_vec()),
        is_calm: bool,
    ) {
        let (ledger, oracle) = history(&steps, fault, is_calm);
        let expected = oracle.findings();
        let figures = found(ledger, &expected);
        let expected: BTreeMap<String, u64> =
            expected.into_iter().map(|(name, count)| (name.to_owned(), count)).collect();
        prop_assert_eq!(figures, expected);
    }
}

/// So that the property above is not true of nothing: over many histories each fault is found under its name.
#[test]
fn every_fault_is_found_in_some_history() {
    let mut rng = model::seed::IterationRng::new(1, 2, 3);
    let mut draw = || (rng.next_bits() >> 56) as u8;
    let mut met: BTreeMap<(String, &str), u64> = BTreeMap::new();
    for fault in FAULTS {
        for number in 0..200 {
            let steps: Vec<Step> = (0..200).map(|_| (draw(), draw(), draw(), draw())).collect();
            for (name, count) in history(&steps, fault, number % 2 == 0).1.findings() {
                *met.entry((format!("{fault:?}"), name)).or_default() += count;
            }
        }
    }
    for (fault, name) in [
        ("Drops", "lost"),
        ("Copies", "twice"),
        ("Keeps", "twice"),
        ("Hastes", "early"),
        ("Invents", "invented"),
        ("Reverses", "order"),
        ("Forgets", "twice"),
    ] {
        assert!(met[&(fault.to_owned(), name)] > 20, "{fault} is hardly found as {name}: {met:?}");
    }
    assert!(met[&("Drops".to_owned(), "in_doubt")] > 20 && met[&("Drops".to_owned(), "redelivered")] > 20);
}
