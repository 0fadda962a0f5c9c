//! Ending a run early, from another thread.

use std::time::Duration;

use load::{
    control::Order,
    event::Event,
    executor::{
        ConstantArrivalRate, ConstantVus, Executor, PerVuIterations, RampingVus, SharedIterations, Stage,
    },
    phase::Phase,
};
use model::arrivals::Pacing;

use crate::support::{Act, MS, Playing, S, counts, plan, scenario, start};

const HOUR: u64 = 3_600 * S;

/// One of each executor, with work for an hour.
fn executors() -> Vec<Executor> {
    let stages = vec![Stage { duration_ns: HOUR, target: 100_000 }];
    let open = ConstantArrivalRate {
        rate_per_s: 300.0,
        pacing: Pacing::Even,
        duration_ns: HOUR,
        pre_allocated_vus: 2,
        max_vus: 50,
    };
    vec![
        ConstantVus { vus: 4, duration_ns: HOUR }.into(),
        RampingVus { start_vus: 2, stages, graceful_ramp_down_ns: HOUR }.into(),
        PerVuIterations { vus: 4, iterations: u64::MAX >> 24, max_duration_ns: HOUR }.into(),
        SharedIterations { vus: 4, iterations: u64::MAX >> 24, max_duration_ns: HOUR }.into(),
        open.into(),
    ]
}

/// Waits until so many turns have begun.
fn wait_for_turns(playing: &Playing, turns: usize) {
    while playing.log.lock().expect("nobody panics with the log").len() < turns {
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_stop_lets_every_executor_drain() {
    for executor in executors() {
        let name = format!("{executor:?}");
        let playing = start(plan(vec![scenario("a", executor)]), 2, |_, _| Act::Sleep(10 * MS));
        wait_for_turns(&playing, 20);
        playing.control.stop();
        let control = playing.control.clone();
        let (events, seen) = playing.end();
        let counts = counts(&events);
        assert_eq!(counts.interrupted, 0, "{name}");
        assert_eq!(counts.done, seen.len() as u64, "{name}");
        assert_eq!((control.order(), control.phase()), (Order::Stop, Phase::Over));
    }
}

#[test]
fn an_abort_cuts_every_executor_off() {
    for executor in executors() {
        let name = format!("{executor:?}");
        // The second VU never ends what it has begun; the first goes on.
        let act = |_: &load::turns::Turn, vu| if vu == 1 { Act::Hang } else { Act::Sleep(MS) };
        let playing = start(plan(vec![scenario("a", executor)]), 2, act);
        wait_for_turns(&playing, 5);
        playing.control.abort();
        let (events, seen) = playing.end();
        let counts = counts(&events);
        assert_eq!(counts.done + counts.interrupted, seen.len() as u64, "{name}");
        let hangs = seen.iter().filter(|seen| seen.vu == 1).count() as u64;
        assert!(hangs <= 1 && counts.interrupted >= hangs, "{name}: {counts:?}");
    }
}

#[test]
fn a_stop_wakes_cores_that_sleep() {
    let mut plan = plan(vec![scenario("a", ConstantVus { vus: 2, duration_ns: HOUR })]);
    plan.scenarios[0].start_ns = HOUR;
    let playing = start(plan, 2, |_, _| Act::Hang);
    assert!(matches!(playing.events.recv(), Ok(Event::Started { .. })));
    playing.control.stop();
    let (events, seen) = playing.end();
    assert_eq!((seen.len(), counts(&events).interrupted), (0, 0));
}

#[test]
fn the_graceful_deadline_cuts_off_what_never_ends() {
    let mut plan = plan(vec![scenario("a", ConstantVus { vus: 5, duration_ns: 50 * MS })]);
    plan.scenarios[0].graceful_stop_ns = 20 * MS;
    let (events, _) = start(plan, 2, |_, vu| if vu < 2 { Act::Hang } else { Act::Sleep(5 * MS) }).end();
    assert_eq!(counts(&events).interrupted, 2);
    let marks =
        events.iter().filter(|event| matches!(event, Event::Mark { text, .. } if text.contains("cut off")));
    assert_eq!(marks.count(), 2, "one of each core");
}
