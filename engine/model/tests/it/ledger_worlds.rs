//! Keys that come and go: a server in a few lines, any number of writers, and the faults a server may have.

use std::collections::BTreeMap;

use model::ledger::{CasLedger, CasVerdict, Fate};
use proptest::prelude::*;

use Fate::{Acknowledged, Ambiguous, Conflict};

const CORES: usize = 3;

/// A table of versions, and what the clients of each core noted.
struct World {
    rows: BTreeMap<u64, u64>,
    cores: Vec<CasLedger>,
}

/// What a client asks for.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Op {
    Create,
    /// At the version the row has, less this.
    Advance(u64),
    Retire(u64),
    Delete,
}

/// What becomes of the reply.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Reply {
    Told,
    LostAfter,
    LostBefore,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    /// An acknowledged step is forgotten.
    Forget,
    /// A swap is done although its compare fails.
    NoCompare,
    /// A step counts for two.
    Skip,
    /// A deleted row is there again, as it was or as it began.
    Resurrect { as_new: bool },
    /// A row is deleted by somebody else.
    Vanish,
}

impl World {
    /// Keys below `preloaded` are there from the beginning.
    fn new(preloaded: u64) -> Self {
        World { rows: (0..preloaded).map(|key| (key, 0)).collect(), cores: vec![CasLedger::new(); CORES] }
    }

    fn act(&mut self, core: usize, key: u64, op: Op, reply: Reply) {
        let version = self.rows.get(&key).copied();
        let expected = |stale: u64| version.unwrap_or(0).saturating_sub(stale);
        let works = match op {
            Op::Create => version.is_none(),
            Op::Advance(stale) | Op::Retire(stale) => version == Some(expected(stale)),
            Op::Delete => version.is_some(),
        };
        if works && reply != Reply::LostBefore {
            match op {
                Op::Create => drop(self.rows.insert(key, 0)),
                Op::Advance(_) => *self.rows.get_mut(&key).unwrap() += 1,
                Op::Retire(_) | Op::Delete => drop(self.rows.remove(&key)),
            }
        }
        let fate = match (reply, works) {
            (Reply::Told, true) => Acknowledged,
            (Reply::Told, false) => Conflict,
            _ => Ambiguous,
        };
        self.note(core, key, op, expected, fate);
    }

    fn note(&mut self, core: usize, key: u64, op: Op, expected: impl Fn(u64) -> u64, fate: Fate) {
        let log = &mut self.cores[core];
        match op {
            Op::Create => log.created(key, 0, fate),
            Op::Advance(stale) => log.record(key, expected(stale), fate),
            Op::Retire(stale) => log.deleted(key, Some(expected(stale)), fate),
            Op::Delete => log.deleted(key, None, fate),
        }
    }

    /// Something goes wrong with a key that has made a step.
    fn spoil(&mut self, core: usize, key: u64, fault: Fault) {
        let version = self.rows[&key];
        let log = &mut self.cores[core];
        match fault {
            Fault::Forget => log.record(key, version, Acknowledged),
            Fault::NoCompare => log.record(key, version - 1, Acknowledged),
            Fault::Skip => {
                log.record(key, version, Acknowledged);
                self.rows.insert(key, version + 2);
            }
            Fault::Resurrect { as_new } => {
                log.deleted(key, Some(version), Acknowledged);
                self.rows.insert(key, if as_new { 0 } else { version });
            }
            Fault::Vanish => drop(self.rows.remove(&key)),
        }
    }

    fn judge(self, order: [usize; CORES]) -> CasVerdict {
        let mut logs: Vec<_> = self.cores.into_iter().map(Some).collect();
        let mut all = CasLedger::new();
        order.into_iter().for_each(|core| all.merge(logs[core].take().unwrap()));
        verdict(all, &self.rows)
    }
}

fn verdict(ledger: CasLedger, rows: &BTreeMap<u64, u64>) -> CasVerdict {
    let mut judge = ledger.judge();
    rows.iter().for_each(|(&key, &version)| judge.head(key, version));
    judge.finish()
}

fn ops() -> impl Strategy<Value = (u64, Op)> {
    let op = prop_oneof![
        3 => Just(Op::Create),
        6 => Just(Op::Advance(0)),
        1 => Just(Op::Advance(1)),
        2 => Just(Op::Retire(0)),
        1 => Just(Op::Retire(1)),
    ];
    (0u64..4, op)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn a_sound_server_passes_whoever_does_what_and_whatever_is_lost_on_the_way(
        story in prop::collection::vec(
            (ops(), 0..CORES, prop::bool::weighted(0.05), prop_oneof![
                8 => Just(Reply::Told), 1 => Just(Reply::LostAfter), 1 => Just(Reply::LostBefore),
            ]),
            0..60,
        ),
    ) {
        let mut world = World::new(2);
        for ((key, op), core, blind, reply) in story {
            world.act(core, key, if blind { Op::Delete } else { op }, reply);
        }
        let verdict = world.judge([0, 1, 2]);
        prop_assert!(verdict.passed(), "{:?}", verdict.examples());
        prop_assert_eq!(verdict.ambiguous_applied + verdict.ambiguous_not_applied, verdict.ambiguous);
    }

    #[test]
    fn every_fault_is_found_whatever_happened_before_and_after(
        before in prop::collection::vec(ops(), 0..30), after in prop::collection::vec(ops(), 0..30),
        key in 0u64..4, owners in any::<bool>(),
        fault in prop_oneof![
            Just(Fault::Forget), Just(Fault::NoCompare), Just(Fault::Skip), Just(Fault::Vanish),
            any::<bool>().prop_map(|as_new| Fault::Resurrect { as_new }),
        ],
    ) {
        // Only where each key has one core is a first insert known to be one.
        let owners = owners || matches!(fault, Fault::Resurrect { .. });
        let core = |key: u64, n: usize| if owners { key as usize % CORES } else { n % CORES };
        let mut world = World::new(2);
        for (n, &(key, op)) in before.iter().enumerate() {
            world.act(core(key, n), key, op, Reply::Told);
        }
        // So that it is there, and somebody would miss it.
        world.act(core(key, 1), key, Op::Create, Reply::Told);
        world.act(core(key, 2), key, Op::Advance(0), Reply::Told);
        world.spoil(core(key, 0), key, fault);
        for (n, &(key, op)) in after.iter().enumerate() {
            world.act(core(key, n), key, op, Reply::Told);
        }
        let verdict = world.judge([2, 0, 1]);
        prop_assert!(!verdict.passed(), "{:?} at key {}", fault, key);
        prop_assert!(!verdict.examples().is_empty());
    }

    #[test]
    fn logs_may_be_merged_in_any_order(
        story in prop::collection::vec((ops(), 0..CORES), 0..60),
    ) {
        let play = |order| {
            let mut world = World::new(2);
            story.iter().for_each(|&((key, op), core)| world.act(core, key, op, Reply::Told));
            world.judge(order).figures()
        };
        let first = play([0, 1, 2]);
        prop_assert_eq!(&first, &play([2, 1, 0]));
        prop_assert_eq!(&first, &play([1, 2, 0]));
    }
}
