//! Any log against any truth: the compact ledger finds what a slow, obvious one finds.

use std::collections::{BTreeMap, BTreeSet};

use model::ledger::{CasLedger, Fate};
use proptest::prelude::*;

type Attempt = (u64, u64, Fate, usize);

fn attempts() -> impl Strategy<Value = Vec<Attempt>> {
    let fate = prop_oneof![
        5 => Just(Fate::Acknowledged),
        2 => Just(Fate::Conflict),
        2 => Just(Fate::Ambiguous),
        1 => Just(Fate::Failed),
    ];
    // Few keys and steps, so that they meet; some steps far away.
    let step = prop_oneof![6 => 0u64..8, 1 => 60u64..70, 1 => Just(1_000u64)];
    prop::collection::vec((0u64..4, step, fate, 0usize..3), 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn the_compact_ledger_agrees_with_the_obvious_one(
        attempts in attempts(), heads in prop::collection::btree_map(0u64..4, 0u64..72, 0..4), start in 0u64..3,
    ) {
        let mut cores = vec![CasLedger::starting_at(start); 3];
        for &(key, step, fate, core) in &attempts {
            cores[core].record(key, step, fate);
        }
        let mut ledger = CasLedger::starting_at(start);
        cores.into_iter().for_each(|core| ledger.merge(core));
        let mut judge = ledger.judge();
        heads.iter().for_each(|(&key, &head)| judge.head(key, head));
        let verdict = judge.finish();

        let mut times: BTreeMap<(u64, u64), u64> = BTreeMap::new();
        let mut unknown: BTreeSet<(u64, u64)> = BTreeSet::new();
        for &(key, step, fate, _) in &attempts {
            match fate {
                Fate::Acknowledged => *times.entry((key, step)).or_default() += 1,
                Fate::Ambiguous => drop(unknown.insert((key, step))),
                _ => {}
            }
        }
        let duplicates: u64 = times.values().map(|count| count - 1).sum();
        let held = |key: u64, step: u64| heads.get(&key).is_some_and(|head| step < (*head).max(start));
        let lost = times.keys().filter(|(key, step)| !held(*key, *step)).count() as u64;
        let forks = times.keys().filter(|(key, step)| heads.contains_key(key) && *step < start).count() as u64;
        let (mut gaps, mut applied) = (0, 0);
        for (&key, &head) in &heads {
            for step in start..head {
                match (times.contains_key(&(key, step)), unknown.contains(&(key, step))) {
                    (false, false) => gaps += 1,
                    (false, true) => applied += 1,
                    _ => {}
                }
            }
        }
        prop_assert_eq!(
            (verdict.duplicates(), verdict.gaps(), verdict.lost(), verdict.forks(), verdict.ambiguous_applied),
            (duplicates, gaps, lost, forks, applied)
        );
        prop_assert_eq!(verdict.ambiguous_applied + verdict.ambiguous_not_applied, verdict.ambiguous);
        prop_assert_eq!(verdict.passed(), duplicates + gaps + lost + forks == 0);
        prop_assert_eq!(verdict.examples().is_empty(), verdict.passed());
    }
}
