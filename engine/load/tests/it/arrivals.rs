//! Arrivals on real threads: the schedule is the same however it is played, and nothing is skipped.

use std::sync::Arc;

use load::executor::{ArrivalRate, ConstantArrivalRate};
use model::{arrivals::Pacing, shape::Shape};

use crate::support::{Act, MS, S, counts, plan, scenario, start};

#[test]
fn the_same_seed_gives_the_same_arrivals_on_one_core_and_on_two() {
    for pacing in [Pacing::Even, Pacing::Poisson] {
        let shape = Arc::new(Shape::Sine { low: 100.0, high: 3_000.0, period_s: 0.2 });
        let options =
            ArrivalRate { shape, pacing, duration_ns: 300 * MS, pre_allocated_vus: 10, max_vus: 10_000 };
        let mut plan = plan(vec![scenario("a", options)]);
        plan.warm_up_ns = 50 * MS;
        let schedule = |cores| {
            let (events, seen) = start(plan.clone(), cores, |_, _| Act::Nothing).end();
            assert_eq!(counts(&events).dropped, 0, "there are VUs for all");
            let mut schedule: Vec<_> = seen.iter().map(|seen| (seen.number, seen.planned_ns)).collect();
            schedule.sort_unstable();
            schedule
        };
        let on_one = schedule(1);
        assert!(on_one.len() > 300, "{}", on_one.len());
        assert_eq!(on_one, schedule(2));
    }
}

#[test]
fn whatever_falls_due_is_done_dropped_or_interrupted() {
    let options = |max_vus| ConstantArrivalRate {
        rate_per_s: 5_000.0,
        pacing: Pacing::Poisson,
        duration_ns: 300 * MS,
        pre_allocated_vus: 1,
        max_vus,
    };
    for max_vus in [1, 3, 20] {
        let mut plan = plan(vec![scenario("a", options(max_vus))]);
        plan.scenarios[0].graceful_stop_ns = 5 * MS;
        let act = |turn: &load::turns::Turn, _| match turn.number % 50 {
            0 => Act::Panic,
            1 => Act::Hang,
            _ => Act::Sleep(2 * MS),
        };
        let (events, seen) = start(plan, 2, act).end();
        let counts = counts(&events);
        assert_eq!(counts.planned, counts.done + counts.failed + counts.interrupted + counts.dropped);
        assert_eq!(seen.len() as u64, counts.done + counts.failed + counts.interrupted);
        assert!(counts.planned > 1_000 && counts.dropped > 0, "{counts:?}");
    }
}

#[test]
fn the_only_vu_serves_the_arrivals_of_both_cores() {
    let options = ConstantArrivalRate {
        rate_per_s: 500.0,
        pacing: Pacing::Even,
        duration_ns: 400 * MS,
        pre_allocated_vus: 1,
        max_vus: 1,
    };
    let (events, seen) = start(plan(vec![scenario("a", options)]), 2, |_, _| Act::Nothing).end();
    let counts = counts(&events);
    assert_eq!((counts.planned, counts.done + counts.dropped), (200, 200));
    assert!(seen.iter().all(|seen| seen.vu == 0));
    // Those of core 1 are the odd ones. A machine that is held up for 10 ms may lose some of them, never all.
    let of_other_core = seen.iter().filter(|seen| seen.number % 2 == 1).count();
    assert!(of_other_core > 10, "{of_other_core} of 100");
}

#[test]
fn a_run_of_nothing_but_silence_ends() {
    let shape = Arc::new(Shape::Constant { rate: 0.0 });
    let options =
        ArrivalRate { shape, pacing: Pacing::Even, duration_ns: 100 * MS, pre_allocated_vus: 2, max_vus: 4 };
    let mut plan = plan(vec![scenario("a", options)]);
    plan.scenarios[0].start_ns = 50 * MS;
    plan.scenarios[0].graceful_stop_ns = 3_600 * S;
    let (events, seen) = start(plan, 2, |_, _| Act::Hang).end();
    assert_eq!((counts(&events).planned, seen.len()), (0, 0));
}
