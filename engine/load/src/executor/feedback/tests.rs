//! Played in time that is held still: who measures says what it saw at a time of the test's choice.

use super::*;
use crate::{
    control::Order,
    plan::Plan,
    testing::{Act, MS, Played, S, Told, plan, play_told},
};

/// Target 100, one decision a second. `gain` 0.025 of min(90/100, 1/2): kp = 1/80 and ki = 1/25600, so that an error of 80
/// moves the rate by 1 at once.
fn feedback(start_rate: f64) -> Feedback {
    Feedback {
        target: 100.0,
        direction: Direction::Up,
        gain: 0.025,
        start_rate,
        min_rate: 0.0,
        max_rate: 90.0,
        every_ns: S,
        sampled_every_ns: S,
        duration_ns: 4 * S,
        pre_allocated_vus: 0,
        max_vus: 20,
    }
}

fn felt(at_ms: u64, value: f64) -> (u64, Told) {
    (at_ms * MS, Told::Felt(value))
}

fn played(plan: Plan, cores: usize, told: &[(u64, Told)]) -> Played {
    play_told(plan, cores, told, |_, _| Act::Sleep(5 * MS))
}

/// Planned times by number.
fn planned_ms(played: &Played) -> Vec<f64> {
    let schedule = played.schedule();
    assert!(schedule.iter().enumerate().all(|(n, (number, _))| n as u64 == *number), "{schedule:?}");
    schedule.iter().map(|(_, planned_ns)| *planned_ns as f64 / 1e6).collect()
}

fn rates(played: &Played) -> Vec<(u64, f64)> {
    played.rates.iter().map(|(at_ns, rate)| (at_ns / S, *rate)).collect()
}

#[test]
fn without_a_sample_the_start_rate_is_a_metronome() {
    for cores in [1, 2, 3] {
        let played = played(plan(feedback(2.0)), cores, &[]);
        assert_eq!(planned_ms(&played), [250.0, 750.0, 1250.0, 1750.0, 2250.0, 2750.0, 3250.0, 3750.0]);
        assert_eq!(
            rates(&played),
            [(0, 2.0), (1, 2.0), (2, 2.0), (3, 2.0)],
            "each is told once on {cores} cores"
        );
        assert_eq!((played.measured().done, played.ended_ns), (8, 4 * S));
    }
}

/// The level goes 1.5, 4 (at 2.5 a second), 4 (at 0), 8 (at 4): numbers whose halves fall in, on and beyond boundaries.
#[test]
fn arrivals_are_exact_across_changes_on_any_number_of_cores() {
    let mut options = feedback(1.5);
    options.gain = 0.5;
    // kp = 1/4 and ki = 1/64, of one sample a second.
    for cores in [1, 2, 3] {
        let told = [felt(900, 96.0), felt(1_900, 200.0), felt(2_900, 88.0)];
        let played = played(plan(options.clone()), cores, &told);
        // 1.5 + 4/4; then the integral is 1.5 + 4/64 and an error of −100 asks for −23.4375, which calls it back by
        // (−100 + 23.4375·4)/64; then 12/4 upon what is left of it.
        let integral = 1.5 + 4.0 / 64.0 + (-100.0 + 23.4375 * 4.0) / 64.0;
        assert_eq!(rates(&played), [(0, 1.5), (1, 2.5), (2, 0.0), (3, integral + 3.0)]);
        let ms = |level: f64| (3_000.0 + (level - 4.0) / (integral + 3.0) * 1e3, 1e-6);
        let planned = planned_ms(&played);
        // Numbers 0, 1: levels 0.5 and 1.5, of which the second is where the first interval ends.
        assert_eq!(
            planned[..4],
            [1_000.0 / 3.0, 1_000.0, 1_400.0, 1_800.0].map(|ms: f64| (ms * 1e6).round() / 1e6)
        );
        assert_eq!(planned.len(), 8);
        for (n, at_ms) in planned.iter().enumerate().skip(4) {
            let (wanted_ms, within) = ms(n as f64 + 0.5);
            assert!((at_ms - wanted_ms).abs() <= within, "{n}: {at_ms} instead of {wanted_ms}");
        }
        assert_eq!(played.measured().done, 8);
    }
}

#[test]
fn a_rate_far_from_the_target_stays_within_its_limits() {
    let options = Feedback { gain: 4.0, min_rate: 3.0, ..feedback(20.0) };
    let empty: Vec<_> = (0..4).map(|s| felt(s * 1_000 + 500, 0.0)).collect();
    let full: Vec<_> = (0..4).map(|s| felt(s * 1_000 + 500, 1e9)).collect();
    let after_first = |options: &Feedback, told: &[_]| {
        let played = played(plan(options.clone()), 2, told);
        let rates = rates(&played);
        assert_eq!(played.measured().planned, rates.iter().map(|(_, rate)| rate).sum::<f64>() as u64);
        rates[1..].iter().map(|(_, rate)| *rate).collect::<Vec<_>>()
    };
    assert_eq!(after_first(&options, &empty), [90.0; 3]);
    assert_eq!(after_first(&options, &full), [3.0; 3]);
    let down = Feedback { direction: Direction::Down, ..options };
    assert_eq!(after_first(&down, &empty), [3.0; 3]);
    assert_eq!(after_first(&down, &full), [90.0; 3]);
}

#[test]
fn a_measurement_that_fails_keeps_the_last_rate() {
    let told = [felt(500, 60.0), (1_500 * MS, Told::Felt(f64::NAN))];
    let options = Feedback { gain: 0.5, ..feedback(5.0) };
    assert_eq!(rates(&played(plan(options), 2, &told)), [(0, 5.0), (1, 15.0), (2, 15.0), (3, 15.0)]);
}

#[test]
fn a_warm_up_is_at_the_start_rate_and_in_no_number() {
    let mut plan = plan(feedback(2.0));
    (plan.warm_up_ns, plan.scenarios[0].warm_up) = (2 * S, true);
    let played = played(plan, 2, &[]);
    assert_eq!((played.warm_up().done, played.measured().done), (4, 8));
    assert_eq!(rates(&played), [(2, 2.0), (3, 2.0), (4, 2.0), (5, 2.0)]);
    let measured: Vec<u64> =
        played.schedule().iter().filter(|(n, _)| *n < 8).map(|(_, at_ns)| at_ns / MS).collect();
    assert_eq!(measured, [2250, 2750, 3250, 3750, 4250, 4750, 5250, 5750]);
}

#[test]
fn a_duration_that_is_no_multiple_ends_within_an_interval() {
    let options = Feedback { duration_ns: 2_600 * MS, ..feedback(10.0) };
    let played = played(plan(options), 2, &[]);
    assert_eq!((played.measured().done, played.ended_ns), (26, 2_600 * MS));
    assert_eq!(rates(&played).len(), 3);
}

#[test]
fn segments_play_every_number_once() {
    let mut plan = plan(Feedback { gain: 0.5, ..feedback(5.0) });
    let told = [felt(500, 60.0), felt(1_500, 110.0)];
    let whole = played(plan.clone(), 2, &told).schedule();
    plan.segment.count = 3;
    let mut all = Vec::new();
    for index in 1..=3 {
        plan.segment.index = index;
        all.extend(played(plan.clone(), 2, &told).schedule());
    }
    all.sort_unstable();
    assert_eq!(all, whole);
}

#[test]
fn a_rate_of_nothing_waits_for_decisions_and_for_a_stop() {
    let options = Feedback { duration_ns: 100 * S, gain: 0.5, ..feedback(0.0) };
    let told = [felt(50_500, 60.0), (60_500 * MS, Told::Order(Order::Stop))];
    let played = played(plan(options), 2, &told);
    assert_eq!(played.ended_ns, 60_500 * MS);
    assert_eq!(played.measured().done, 95, "ten a second from 51 s to 60.5 s");
    // Waiting for decisions spins nowhere: a look a second and core, and what the seconds and arrivals need.
    assert!(played.moves < 500, "{}", played.moves);
}

#[test]
fn numbers_that_make_no_sense_are_refused() {
    let wrong = Feedback {
        gain: 0.0,
        min_rate: -1.0,
        start_rate: 91.0,
        every_ns: MS,
        duration_ns: 0,
        ..feedback(1.0)
    };
    let reversed = Feedback { target: f64::NAN, min_rate: 100.0, max_vus: 0, ..feedback(1.0) };
    let told = |options| plan(options).validate().expect_err("it is wrong").to_string();
    let expected = "scenario a: rate: gain: it is 0; give it a number above 0, such as 1.0\n\
        scenario a: rate: min_rate: it is -1; a rate is 0 or more\n\
        scenario a: rate: start_rate: it is 91, and must be between `min_rate` (-1) and `max_rate` (90)\n\
        scenario a: rate: every: a rate is decided no more often than every 10ms\n\
        scenario a: `duration` is 0; give it a time such as \"30s\"";
    assert_eq!(told(wrong), expected);
    let expected = "scenario a: rate: target: it is NaN; give it a number\n\
        scenario a: rate: max_rate: it is 90, and must be above `min_rate` (100)\n\
        scenario a: `max_vus` is 0; it must be at least 1";
    assert_eq!(told(reversed), expected);
}
