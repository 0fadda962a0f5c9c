//! Arrivals in held time, on one core and on several.

use model::{recorder::WindowKind, shape::Stage};
use proptest::prelude::*;

use super::*;
use crate::{
    control::Order,
    executor::{ConstantArrivalRate, Executor, RampingArrivalRate},
    phase::Phase,
    plan::Plan,
    testing::{Act, Counts, MS, Played, S, plan, play, play_with_orders, settle_ns},
};

pub(super) const US: u64 = 1_000;

/// An arrival every `gap_ns`, the first after half of it.
pub(super) fn every(gap_ns: u64, duration_ns: u64, max_vus: u32) -> Plan {
    plan(ConstantArrivalRate {
        rate_per_s: 1e9 / gap_ns as f64,
        pacing: Pacing::Even,
        duration_ns,
        pre_allocated_vus: 0,
        max_vus,
    })
}

pub(super) fn shaped(shape: Shape, duration_ns: u64, max_vus: u32) -> Plan {
    let pacing = Pacing::Even;
    plan(ArrivalRate { shape: Arc::new(shape), pacing, duration_ns, pre_allocated_vus: 0, max_vus })
}

/// Nothing is skipped: whatever fell due was done, cut off or counted as dropped, and nothing ran twice.
pub(super) fn assert_nothing_skipped(played: &Played) {
    for counts in [played.measured(), played.warm_up()] {
        let ended = counts.done + counts.failed + counts.interrupted + counts.dropped;
        assert_eq!(counts.planned, ended, "{counts:?}");
    }
    let mut numbers: Vec<u64> = played.seen.iter().map(|seen| seen.number).collect();
    numbers.sort_unstable();
    assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "an arrival ran twice");
}

#[test]
fn an_arrival_starts_at_its_planned_time_whatever_became_of_those_before() {
    let played = play(every(100 * MS, S, 20), 1, |_, _| Act::Sleep(450 * MS));
    let starts: Vec<u64> = played.seen.iter().map(|seen| seen.started_ns / MS).collect();
    assert_eq!(starts, [50, 150, 250, 350, 450, 550, 650, 750, 850, 950]);
    assert!(played.seen.iter().all(|seen| seen.started_ns == seen.planned_ns));
    assert_eq!((played.measured().planned, played.measured().done), (10, 10));
    assert_eq!(played.phases, [(Phase::Measure, 0), (Phase::Drain, S), (Phase::Over, 1_400 * MS)]);
}

#[test]
fn stages_and_constants_are_shapes() {
    let stages = vec![Stage { target: 10.0, duration_s: 2.0 }, Stage { target: 10.0, duration_s: 1.0 }];
    let ramping = RampingArrivalRate {
        start_rate_per_s: 0.0,
        stages,
        pacing: Pacing::Even,
        pre_allocated_vus: 1,
        max_vus: 10,
    };
    assert_eq!(ArrivalRate::from(ramping.clone()).duration_ns, 3 * S);
    let played = play(plan(ramping), 1, |_, _| Act::Sleep(MS));
    // 10 in the ramp (its triangle) and 10 after it.
    assert_eq!(played.measured().done, 20);
    let first_ns = played.seen[0].planned_ns;
    // Half an arrival is due where 5/2 t² = 1/2.
    assert!(first_ns.abs_diff((0.2_f64.sqrt() * 1e9) as u64) < 1_000, "{first_ns}");
}

#[test]
fn who_finds_no_free_vu_is_dropped_and_counted() {
    let played = play(every(100 * MS, 2 * S, 2), 1, |_, _| Act::Sleep(980 * MS));
    // Two at 50 and 150 ms, free at 1030 and 1130 ms; two at 1050 and 1150 ms.
    assert_eq!((played.measured().done, played.measured().dropped), (4, 16));
    assert_nothing_skipped(&played);
    assert_eq!(played.most_running(), 2);
}

#[test]
fn the_vu_that_became_idle_last_is_the_next_to_work() {
    let mut plan = every(10 * MS, S, 5);
    let Executor::ArrivalRate(options) = &mut plan.scenarios[0].executor else { unreachable!() };
    options.pre_allocated_vus = 5;
    let played = play(plan, 1, |_, _| Act::Sleep(MS));
    assert_eq!(played.hired.len(), 5, "all are there from the start");
    assert!(played.seen.iter().all(|seen| seen.vu == 0), "and one is enough");
}

#[test]
fn vus_are_hired_when_nobody_is_idle() {
    let played = play(every(100 * MS, S, 8), 1, |_, _| Act::Sleep(250 * MS));
    let mut vus: Vec<u64> = played.hired.iter().map(|who| who.number).collect();
    vus.sort_unstable();
    assert_eq!(vus, [0, 1, 2], "three overlap, so three are hired");
    assert_eq!(played.measured().dropped, 0);
}

#[test]
fn one_vu_on_two_cores_loses_nothing_that_it_could_do() {
    let played = play(every(MS, S, 1), 2, |_, _| Act::Sleep(990 * US));
    assert_eq!((played.measured().done, played.measured().dropped), (1_000, 0));
    assert!(played.seen.iter().all(|seen| seen.core == 0 && seen.vu == 0));
    assert!(played.seen.iter().all(|seen| seen.started_ns == seen.planned_ns));
}

#[test]
fn vus_are_partitioned_by_segment_and_core() {
    let mut plan = every(10 * MS, S, 7);
    let mut vus = Vec::new();
    plan.segment.count = 2;
    for index in 1..=2 {
        plan.segment.index = index;
        let played = play(plan.clone(), 2, |_, _| Act::Hang);
        vus.extend(played.hired.iter().map(|who| who.number));
        assert_eq!(played.measured().interrupted + played.measured().dropped, 50);
    }
    vus.sort_unstable();
    assert_eq!(vus, [0, 1, 2, 3, 4, 5, 6]);
}

#[test]
fn arrivals_that_are_released_together_wait_for_each_other() {
    // One VU takes 90 µs of each 100 µs, holding the core, so that the dispatcher is always late.
    let played = play(every(100 * US, 10 * MS, 1), 1, |_, _| Act::Hold(90 * US));
    assert_eq!((played.measured().done, played.measured().dropped), (100, 0));
}

#[test]
fn a_core_that_was_held_up_catches_up() {
    // The first turn holds the core for 5 ms; the 50 arrivals that fall due meanwhile take 50 µs each.
    let played = play(every(100 * US, 20 * MS, 1), 1, |turn, _| {
        Act::Hold(if turn.number == 0 { 5 * MS } else { 50 * US })
    });
    assert_eq!((played.measured().done, played.measured().dropped), (200, 0));
    assert!((4_000..6_000).contains(&played.measured().lag_max_us), "{:?}", played.measured());
}

#[test]
fn nobody_waits_longer_than_the_dispatcher_was_late() {
    // The alarm is exact, so an arrival waits for the floor between alarms: 100 µs.
    let just_in_time = play(every(MS, 2 * MS, 1), 1, |_, _| Act::Sleep(1_090 * US));
    let Counts { done, lags, lag_max_us, response_max_us, .. } = just_in_time.measured();
    assert_eq!((done, lags, lag_max_us, response_max_us), (2, 2, 90, 90 + 1_090), "both count from the plan");
    let too_late = play(every(MS, 2 * MS, 1), 1, |_, _| Act::Sleep(1_110 * US));
    assert_eq!((too_late.measured().done, too_late.measured().dropped), (1, 1));
}

#[test]
fn nobody_is_dropped_while_a_vu_has_yet_to_begin() {
    // The VU takes the first arrival at 0.5 ms and begins at 5.5 ms; then it is quick.
    settle_ns(5 * MS);
    let played = play(every(MS, 10 * MS, 1), 2, |_, _| Act::Sleep(10 * US));
    assert_eq!((played.measured().done, played.measured().dropped), (10, 0));
}

#[test]
fn a_vu_that_never_begins_does_not_hold_arrivals_for_ever() {
    settle_ns(50 * MS);
    let played = play(every(MS, 60 * MS, 1), 2, |_, _| Act::Sleep(10 * US));
    // It begins with the arrival of 0.5 ms at 50.5 ms, and then serves those that were due in the last 10.1 ms.
    assert_eq!(played.measured().dropped, 39, "{:?}", played.measured());
    assert_nothing_skipped(&played);
}

#[test]
fn a_turn_that_was_handed_over_and_never_begun_is_dropped() {
    settle_ns(50 * MS);
    let orders = [(20 * MS, Order::Abort)];
    let played = play_with_orders(every(10 * MS, S, 5), 2, &orders, |_, _| Act::Hang);
    assert_eq!((played.measured().planned, played.measured().dropped), (2, 2));
}

#[test]
fn a_vu_of_another_core_serves_who_waits_there() {
    // Core 0 has the one VU; every second arrival is core 1's and comes 50 µs before the VU is free.
    let played = play(every(MS, 100 * MS, 1), 2, |_, _| Act::Sleep(1_050 * US));
    let on_time = played.measured().done;
    assert!(on_time > 50, "{:?}", played.measured());
    assert_nothing_skipped(&played);
}

#[test]
fn silence_does_not_spin() {
    let stages = vec![
        Stage { target: 0.0, duration_s: 3_000.0 },
        Stage { target: 2.0, duration_s: 10.0 },
        Stage { target: 0.0, duration_s: 0.0 },
        Stage { target: 0.0, duration_s: 3_000.0 },
    ];
    let played = play(shaped(Shape::Stages { start: 0.0, stages }, 6_010 * S, 3), 2, |_, _| Act::Sleep(MS));
    assert_eq!(played.measured().done, 10);
    // The tickers move time once a second; arrivals and their ends a few times more.
    assert!(played.moves < 6_010 + 60, "time was moved {} times", played.moves);
    let silent = play(shaped(Shape::Constant { rate: 0.0 }, 10 * S, 3), 2, |_, _| Act::Hang);
    assert_eq!((silent.measured().planned, silent.ended_ns), (0, 10 * S));
}

#[test]
fn many_arrivals_cost_one_alarm_for_each_floor() {
    let played = play(every(US, 10 * MS, 10_000), 1, |_, _| Act::Sleep(S));
    assert_eq!(played.measured().planned, 10_000);
    assert!(played.moves < 250, "time was moved {} times for 100 floors", played.moves);
    assert!(played.measured().lag_max_us <= 100, "{:?}", played.measured());
}

#[test]
fn the_same_seed_gives_the_same_schedule_on_any_number_of_cores() {
    let sine = Shape::Sine { low: 5.0, high: 400.0, period_s: 3.0 };
    for pacing in [Pacing::Even, Pacing::Poisson] {
        let mut plan = shaped(sine.clone(), 5 * S, 1_000);
        plan.warm_up_ns = 2 * S;
        let Executor::ArrivalRate(options) = &mut plan.scenarios[0].executor else { unreachable!() };
        options.pacing = pacing;
        let schedules: Vec<_> =
            [1, 2, 3].map(|cores| play(plan.clone(), cores, |_, _| Act::Sleep(MS)).schedule()).into();
        assert!(schedules[0].len() > 900, "{}", schedules[0].len());
        assert_eq!(schedules[0], schedules[1]);
        assert_eq!(schedules[0], schedules[2]);
        plan.seed += 1;
        let other_seed = play(plan, 1, |_, _| Act::Sleep(MS)).schedule();
        assert_eq!(
            schedules[0] == other_seed,
            pacing == Pacing::Even,
            "the seed decides what chance decides"
        );
    }
}

#[test]
fn two_scenarios_do_not_share_their_chance() {
    let shape = Arc::new(Shape::Constant { rate: 100.0 });
    let options =
        ArrivalRate { shape, pacing: Pacing::Poisson, duration_ns: S, pre_allocated_vus: 1, max_vus: 50 };
    let mut plan = plan(options.clone());
    plan.scenarios.push(crate::testing::scenario("b", options));
    let played = play(plan, 1, |_, _| Act::Sleep(MS));
    let times = |scenario| {
        let of_it = played.seen.iter().filter(move |seen| seen.scenario == scenario);
        of_it.map(|seen| seen.planned_ns).collect::<Vec<_>>()
    };
    assert_ne!(times(0), times(1));
}

#[test]
fn the_warm_up_arrives_at_the_rate_of_the_beginning() {
    let mut plan = shaped(Shape::Ramp { from: 10.0, to: 30.0, duration_s: 2.0 }, 2 * S, 9);
    plan.warm_up_ns = 3 * S;
    let played = play(plan, 1, |_, _| Act::Sleep(MS));
    assert_eq!((played.warm_up().planned, played.warm_up().done), (30, 30));
    assert_eq!((played.measured().planned, played.measured().done), (40, 40));
    for seen in &played.seen {
        let is_warm_up = seen.window == WindowKind::WarmUp;
        assert_eq!(is_warm_up, seen.planned_ns < 3 * S);
        assert_eq!(is_warm_up, seen.number & WARM_UP_BIT != 0);
    }
}

#[test]
fn what_was_planned_in_the_warm_up_belongs_to_it_however_late_it_ends_or_is_dropped() {
    let mut plan = every(100 * MS, S, 1);
    plan.warm_up_ns = S;
    let played = play(plan, 1, |_, _| Act::Sleep(1_500 * MS));
    // One VU: 50 ms to 1550 ms, then 1550 ms (a tie it may win or not) to the end.
    assert_eq!((played.warm_up().done, played.warm_up().dropped), (1, 9));
    assert_eq!(played.measured().done, 1);
    assert_nothing_skipped(&played);
}

#[test]
fn the_grace_lets_iterations_end_and_then_cuts_them_off() {
    let mut plan = every(100 * MS, S, 10);
    plan.scenarios[0].graceful_stop_ns = 2 * S;
    let played = play(plan, 2, |turn, _| if turn.number < 4 { Act::Hang } else { Act::Sleep(S) });
    assert_eq!((played.measured().done, played.measured().interrupted), (6, 4));
    assert_eq!(played.ended_ns, 3 * S);
    assert_nothing_skipped(&played);
}

#[test]
fn a_stop_releases_nothing_more_and_skips_nothing() {
    let orders = [(505 * MS, Order::Stop)];
    let played = play_with_orders(every(10 * MS, S, 3), 2, &orders, |_, _| Act::Sleep(95 * MS));
    assert_eq!(played.measured().planned, 50);
    assert_nothing_skipped(&played);
    assert_eq!(played.phases[1], (Phase::Drain, 505 * MS));
    assert!(played.ended_ns <= 600 * MS);
}

#[test]
fn an_abort_cuts_off_who_runs() {
    let orders = [(505 * MS, Order::Abort)];
    let played = play_with_orders(every(10 * MS, S, 3), 2, &orders, |_, _| Act::Sleep(95 * MS));
    assert_eq!((played.measured().planned, played.measured().interrupted), (50, 2), "one was just idle");
    assert_eq!(played.ended_ns, 505 * MS);
    assert_nothing_skipped(&played);
}

#[test]
fn options_that_make_no_sense_are_all_named() {
    let mut plan = shaped(Shape::Constant { rate: -5.0 }, 0, 2);
    let Executor::ArrivalRate(options) = &mut plan.scenarios[0].executor else { unreachable!() };
    options.pre_allocated_vus = 3;
    (plan.segment.index, plan.segment.count) = (1, 4);
    let problems = plan.validate().expect_err("four problems").0;
    assert_eq!(problems.len(), 4, "{problems:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_arrival_is_accounted_for(
        rate in 1u32..2_000,
        service_us in 1u64..20_000,
        max_vus in 1u32..12,
        cores in 1usize..4,
        poisson: bool,
        fate in 0u64..5,
    ) {
        let pacing = if poisson { Pacing::Poisson } else { Pacing::Even };
        let shape = Arc::new(Shape::Constant { rate: f64::from(rate) });
        let options = ArrivalRate { shape, pacing, duration_ns: 200 * MS, pre_allocated_vus: max_vus / 2, max_vus };
        let mut plan = plan(options);
        plan.warm_up_ns = 50 * MS;
        plan.scenarios[0].graceful_stop_ns = 10 * MS;
        let played = play(plan, cores, move |turn, _| match (turn.number & 0xff) * 7 % 29 {
            0 if fate == 1 => Act::Panic,
            1 if fate == 2 => Act::Resign,
            2 if fate == 3 => Act::Hang,
            3 if fate == 4 => Act::Hold(service_us * US),
            _ => Act::Sleep(service_us * US),
        });
        assert_nothing_skipped(&played);
        prop_assert!(played.most_running() <= max_vus as usize);
        prop_assert!(played.seen.iter().all(|seen| seen.started_ns >= seen.planned_ns));
    }
}
