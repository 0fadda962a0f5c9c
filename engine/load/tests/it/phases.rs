//! The order in which a run tells its story.

use std::time::Duration;

use load::{
    Start,
    event::Event,
    executor::{ConstantVus, PerVuIterations},
    phase::Phase,
    time::Epoch,
};
use model::recorder::WindowKind;

use crate::support::{Act, MS, S, counts, plan, scenario, start, start_at};

/// What happened, in short.
fn story(events: &[Event]) -> Vec<String> {
    let tell = |event: &Event| match event {
        Event::Started { .. } => "started".to_owned(),
        Event::Phase { phase, .. } => phase.as_str().to_owned(),
        Event::Interval(interval) => format!("interval of core {}", interval.core),
        Event::Mark { text, .. } => text.clone(),
        Event::Rate { rate, .. } => format!("rate {rate}"),
        Event::Panic { message, .. } => format!("panic: {message}"),
        Event::CoreDone { core, .. } => format!("core {core} done"),
    };
    events.iter().map(tell).collect()
}

#[test]
fn a_run_starts_warms_up_measures_drains_and_is_over() {
    let mut plan = plan(vec![scenario("a", ConstantVus { vus: 3, duration_ns: 60 * MS })]);
    plan.warm_up_ns = 40 * MS;
    let (events, _) = start(plan, 2, |_, _| Act::Sleep(5 * MS)).end();
    let story = story(&events);
    let told = |what: &str| {
        story.iter().position(|told| told == what).unwrap_or_else(|| panic!("{what}: {story:?}"))
    };
    let order = ["started", "warm-up", "scenario a begins", "measure", "scenario a ends", "drain", "over"];
    assert!(order.map(told).is_sorted(), "{story:?}");
    for core in 0..2 {
        let done = told(&format!("core {core} done"));
        let last = story.iter().rposition(|told| *told == format!("interval of core {core}"));
        assert!(
            last.is_some_and(|last| last < done),
            "a core's last interval comes before its end: {story:?}"
        );
    }
    assert_eq!(told("over"), story.len() - 1);
    let at = |wanted| {
        events.iter().find_map(|event| match event {
            Event::Phase { phase, at_ns } if *phase == wanted => Some(*at_ns),
            _ => None,
        })
    };
    let planned = [Phase::WarmUp, Phase::Measure, Phase::Drain].map(at);
    assert_eq!(planned, [Some(0), Some(40 * MS), Some(100 * MS)], "planned phases begin as planned");
}

#[test]
fn intervals_of_a_core_follow_each_other_without_a_gap() {
    let mut plan = plan(vec![scenario("a", ConstantVus { vus: 2, duration_ns: 1_200 * MS })]);
    plan.warm_up_ns = 300 * MS;
    let (events, seen) = start(plan, 2, |_, _| Act::Sleep(20 * MS)).end();
    for core in 0..2 {
        let mut spans: Vec<(u64, u64, WindowKind)> = Vec::new();
        for event in &events {
            match event {
                Event::Interval(interval) if interval.core == core => {
                    spans.push((interval.start_ns, interval.end_ns, interval.window));
                }
                _ => {}
            }
        }
        // Both windows may share a span; a new span begins where the last one ended.
        spans.dedup_by_key(|span| (span.0, span.1));
        assert!(spans.len() >= 3, "{spans:?}");
        assert_eq!(spans[0].0, 0);
        assert!(spans.windows(2).all(|pair| pair[0].1 == pair[1].0), "{spans:?}");
        let is_split = spans.iter().any(|&(start_ns, end_ns, _)| start_ns < 300 * MS && end_ns > 1_000 * MS);
        assert!(!is_split, "one ends with the warm-up: {spans:?}");
    }
    let counts = counts(&events);
    assert_eq!(counts.done, seen.len() as u64);
}

#[test]
fn vus_stay_on_their_thread() {
    let plan = plan(vec![scenario("a", PerVuIterations { vus: 4, iterations: 20, max_duration_ns: 60 * S })]);
    let (_, seen) = start(plan, 2, |_, _| Act::Sleep(MS)).end();
    assert_eq!(seen.len(), 80);
    let threads_of = |vu| {
        let mut threads: Vec<_> = seen.iter().filter(|seen| seen.vu == vu).map(|seen| seen.thread).collect();
        threads.dedup();
        threads
    };
    assert!((0..4).all(|vu| threads_of(vu).len() == 1));
    assert_ne!(threads_of(0), threads_of(1), "neighbours live on different cores");
}

#[test]
fn an_agreed_start_is_waited_for_or_its_lateness_told() {
    let counted = || scenario("a", PerVuIterations { vus: 2, iterations: 1, max_duration_ns: 60 * S });
    let ahead = Epoch::now().after(Duration::from_millis(150));
    let playing = start_at(Start::At(ahead), plan(vec![counted()]), 2, |_, _| Act::Nothing);
    let (events, seen) = playing.end();
    assert!(matches!(events[0], Event::Started { epoch, .. } if epoch == ahead));
    assert_eq!(seen.len(), 2);
    assert!(Epoch::now().monotonic_ns >= ahead.monotonic_ns, "nothing began before it");

    let past = Epoch::at_unix_us(Epoch::now().unix_us - 2_000_000);
    let (events, _) = start_at(Start::At(past), plan(vec![counted()]), 2, |_, _| Act::Nothing).end();
    assert!(matches!(events[0], Event::Started { late_ns, .. } if late_ns > S), "{:?}", events[0]);
}

#[test]
fn an_abort_does_not_wait_for_an_agreed_start() {
    let hour = Epoch::now().after(Duration::from_secs(3_600));
    let plan = plan(vec![scenario("a", ConstantVus { vus: 2, duration_ns: S })]);
    let playing = start_at(Start::At(hour), plan, 2, |_, _| Act::Nothing);
    assert!(matches!(playing.events.recv(), Ok(Event::Started { .. })));
    playing.control.abort();
    let (_, seen) = playing.end();
    assert_eq!(seen.len(), 0);
}
