use std::{sync::Arc, time::Duration};

use load::executor::{
    ArrivalRate, ConstantVus, ENDLESS_NS, Executor, ExternallyControlled, Feedback, RampingVus, Replay,
    SharedIterations, Stage,
};
use model::{
    arrivals::{Pacing, listed::Listed},
    control::Direction,
    segment::Segment,
    shape::Shape,
};
use script::{Exec, ScenarioOptions, Turn, TurnKind};

use super::{Planned, made};
use crate::{origin::Origin, request::LoadRequest};

const SECOND: u64 = 1_000_000_000;

fn scenario(name: &str, executor: Executor) -> ScenarioOptions {
    ScenarioOptions {
        name: name.to_owned(),
        exec: Exec { function: name.to_owned(), takes_vu: true },
        executor,
        start: Duration::ZERO,
        graceful_stop: Duration::from_secs(30),
        tags: Default::default(),
        trace: None,
        held: None,
        turn: None,
        is_swept: true,
        step: None,
    }
}

fn open(name: &str, shape: Shape, seconds: u64) -> ScenarioOptions {
    let open = ArrivalRate {
        shape: Arc::new(shape),
        pacing: Pacing::Even,
        duration_ns: seconds * SECOND,
        pre_allocated_vus: 20,
        max_vus: 50,
    };
    scenario(name, Executor::ArrivalRate(open))
}

fn sine(name: &str) -> ScenarioOptions {
    open(name, Shape::Sine { low: 10.0, high: 200.0, period_s: 300.0 }, 300)
}

fn closed(name: &str, vus: u32, seconds: u64) -> ScenarioOptions {
    scenario(name, Executor::ConstantVus(ConstantVus { vus, duration_ns: seconds * SECOND }))
}

fn counted(name: &str) -> ScenarioOptions {
    let counted = SharedIterations { vus: 16, iterations: 5000, max_duration_ns: 600 * SECOND };
    scenario(name, Executor::SharedIterations(counted))
}

fn plan(scenarios: Vec<ScenarioOptions>, request: &LoadRequest) -> Result<Planned, Vec<String>> {
    made(&scenarios, &[], None, None, request).map_err(|told| told.iter().map(ToString::to_string).collect())
}

fn arrival_rate(planned: &Planned, index: usize) -> &ArrivalRate {
    match &planned.plan.scenarios[index].executor {
        Executor::ArrivalRate(open) => open,
        other => panic!("not an open loop: {other:?}"),
    }
}

#[test]
fn nothing_asked_changes_nothing() {
    let planned = plan(vec![sine("traffic")], &LoadRequest::default()).unwrap();
    assert_eq!(arrival_rate(&planned, 0).duration_ns, 300 * SECOND);
    assert_eq!((planned.seed.value, planned.seed.origin), (1, Origin::Default));
    assert_eq!(planned.duration.value, Some(Duration::from_secs(300)));
    assert_eq!(planned.duration.origin, Origin::Script);
}

#[test]
fn a_duration_squeezes_the_shape_and_keeps_its_form() {
    let request = LoadRequest { duration: Some(Duration::from_secs(60)), ..LoadRequest::default() };
    let planned = plan(vec![sine("traffic")], &request).unwrap();
    let open = arrival_rate(&planned, 0);
    assert_eq!(open.duration_ns, 60 * SECOND);
    assert!((open.shape.rate_at(30.0) - 200.0).abs() < 1e-6, "its peak is still at half-time");
    assert!((open.shape.integral(60.0) - 105.0 * 60.0).abs() < 1e-6, "a fifth of the arrivals");
    assert_eq!(planned.duration.origin, Origin::Flag("--duration"));
}

#[test]
fn one_factor_squeezes_scenarios_of_different_lengths_and_starts() {
    let mut late = closed("late", 5, 100);
    late.start = Duration::from_secs(200);
    let request = LoadRequest { duration: Some(Duration::from_secs(30)), ..LoadRequest::default() };
    let planned =
        plan(vec![sine("traffic"), closed("short", 5, 150), late, counted("counted")], &request).unwrap();
    let ends: Vec<(u64, u64)> =
        planned.plan.scenarios.iter().map(|s| (s.start_ns, s.executor.longest_ns())).collect();
    assert_eq!(ends, [(0, 30 * SECOND), (0, 15 * SECOND), (20 * SECOND, 10 * SECOND), (0, 30 * SECOND)]);
    let Executor::SharedIterations(counted) = &planned.plan.scenarios[3].executor else { panic!("changed") };
    assert_eq!(counted.iterations, 5000);
    let warm: Vec<bool> = planned.plan.scenarios.iter().map(|s| s.warm_up).collect();
    assert_eq!(warm, [true, true, false, true]);
}

/// So many turns of a comparison, each a second long and a quarter apart.
fn turns(comparison: &str, count: u32) -> Vec<ScenarioOptions> {
    let turn = |n: u32| {
        let mut scenario = closed(&format!("{comparison} {n}"), 4, 1);
        scenario.start = Duration::from_millis(1250) * n;
        scenario.turn = Some(Turn {
            comparison: comparison.to_owned(),
            side: "a".to_owned(),
            counts: TurnKind::Round(0),
            seed_name: comparison.to_owned(),
        });
        scenario
    };
    (0..count).map(turn).collect()
}

#[test]
fn comparisons_follow_everything_else_and_each_other() {
    let all = || [vec![closed("load", 2, 10)], turns("first", 4), turns("second", 2)].concat();
    let planned = plan(all(), &LoadRequest::default()).unwrap();
    let starts: Vec<u128> = planned.scenarios.iter().map(|s| s.start.as_millis()).collect();
    assert_eq!(starts, [0, 10_000, 11_250, 12_500, 13_750, 15_000, 16_250]);
    assert!(planned.plan.scenarios[1..].iter().all(|s| !s.warm_up), "turns have a waking of their own");
    let only = LoadRequest { only: vec!["second".to_owned()], ..LoadRequest::default() };
    let planned = plan(all(), &only).unwrap();
    assert_eq!((planned.scenarios.len(), planned.scenarios[0].start), (2, Duration::ZERO));
    assert_eq!(planned.warm_up.value, Duration::ZERO);
}

#[test]
fn turns_keep_their_size_and_are_squeezed_together() {
    let request = LoadRequest { duration: Some(Duration::from_millis(2125)), ..LoadRequest::default() };
    let planned = plan(turns("race", 4), &request).unwrap();
    // 3 x 1.25 s + 1 s in 2.125 s: less than half of it.
    let last = planned.scenarios.last().unwrap();
    assert_eq!(last.start + Duration::from_nanos(last.executor.longest_ns()), Duration::from_millis(2125));
    let vus = LoadRequest { vus: Some(9), ..LoadRequest::default() };
    let told = plan(turns("race", 4), &vus).unwrap_err();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("--vus is for a scenario, and this script only compares"), "{told:?}");
}

#[test]
fn the_warm_up_is_a_tenth_and_half_a_minute_at_most() {
    let warm_up =
        |scenario: ScenarioOptions| plan(vec![scenario], &LoadRequest::default()).unwrap().warm_up.value;
    assert_eq!(warm_up(closed("a", 1, 60)), Duration::from_secs(6));
    assert_eq!(warm_up(closed("a", 1, 3600)), Duration::from_secs(30));
    assert_eq!(warm_up(counted("a")), Duration::ZERO);
    let request = LoadRequest { warm_up: Some(Duration::from_secs(2)), ..LoadRequest::default() };
    let asked = plan(vec![closed("a", 1, 60)], &request).unwrap();
    assert_eq!((asked.plan.warm_up_ns, asked.warm_up.origin), (2 * SECOND, Origin::Flag("--warm-up")));
}

#[test]
fn vus_and_stages_reshape_the_only_scenario() {
    let stages = vec![(Duration::from_secs(10), 100.0), (Duration::from_secs(5), 0.0)];
    let request = LoadRequest { stages: stages.clone(), vus: Some(3), ..LoadRequest::default() };
    let planned = plan(vec![closed("users", 10, 60)], &request).unwrap();
    let Executor::RampingVus(RampingVus { start_vus, stages: vu_stages, .. }) =
        &planned.plan.scenarios[0].executor
    else {
        panic!("not ramping");
    };
    let expected = [(10, 100), (5, 0)].map(|(s, target)| Stage { duration_ns: s * SECOND, target });
    assert_eq!((*start_vus, vu_stages.as_slice()), (3, expected.as_slice()));

    let planned = plan(vec![sine("traffic")], &LoadRequest { stages, ..LoadRequest::default() }).unwrap();
    let open = arrival_rate(&planned, 0);
    assert_eq!(open.duration_ns, 15 * SECOND);
    assert!((open.shape.rate_at(5.0) - 55.0).abs() < 1e-9, "from the rate it began with");
}

#[test]
fn every_problem_is_told_at_once() {
    let request = LoadRequest {
        only: vec!["trafic".into(), "users".into(), "traffic".into()],
        vus: Some(3),
        segment: Segment { index: 1, count: 1000 },
        ..LoadRequest::default()
    };
    let told = plan(vec![sine("traffic"), closed("users", 0, 60)], &request).unwrap_err();
    assert_eq!(
        told,
        [
            "--only: there is no scenario `trafic` (help: did you mean `traffic`?)",
            "--vus is for one scenario, and there are 2 (help: pick one with --only: traffic, users)",
            "scenario traffic: `max_vus` is 50, too few for 1000 segments: each needs at least one VU (help: raise it or use fewer segments)",
            "scenario users: `vus` is 0 (help: it must be at least 1)",
        ]
    );
}

#[test]
fn stages_that_make_no_sense_are_refused() {
    let stages = |stages| LoadRequest { stages, ..LoadRequest::default() };
    let half = stages(vec![(Duration::from_secs(1), 1.5)]);
    let told = plan(vec![closed("users", 1, 60)], &half).unwrap_err();
    assert_eq!(
        told,
        ["--stage: 1.5 is not a number of virtual users (help: give whole numbers, such as --stage 30s:100)"]
    );
    let whole = stages(vec![(Duration::from_secs(1), 1.0)]);
    assert!(
        plan(vec![counted("race")], &whole).unwrap_err()[0]
            .starts_with("--stage: the scenario counts iterations")
    );
}

fn controlled(name: &str) -> ScenarioOptions {
    let options = ExternallyControlled { vus: 2, max_vus: 10, duration_ns: ENDLESS_NS };
    scenario(name, Executor::ExternallyControlled(options))
}

#[test]
fn what_has_no_end_lasts_until_it_is_stopped_or_as_long_as_a_flag_says() {
    let scenarios = || vec![closed("users", 5, 60), controlled("outside")];
    let planned = plan(scenarios(), &LoadRequest::default()).unwrap();
    assert_eq!(planned.duration.value, None);
    assert_eq!(planned.warm_up.value, Duration::from_secs(6), "a tenth of what has an end");
    let request = LoadRequest { duration: Some(Duration::from_secs(30)), ..LoadRequest::default() };
    let planned = plan(scenarios(), &request).unwrap();
    let lengths: Vec<u64> = planned.plan.scenarios.iter().map(|s| s.executor.longest_ns()).collect();
    assert_eq!((lengths, planned.duration.value), (vec![30 * SECOND; 2], Some(Duration::from_secs(30))));

    let alone = LoadRequest { warm_up: Some(Duration::from_secs(1)), ..LoadRequest::default() };
    assert_eq!(plan(vec![controlled("outside")], &alone).unwrap().plan.warm_up_ns, SECOND);
    let told = plan([vec![controlled("outside")], turns("race", 4)].concat(), &LoadRequest::default());
    let expected =
        "comparisons begin when scenario outside has ended, which has no end (help: give it a `duration`)";
    assert_eq!(told.unwrap_err(), [expected]);
}

#[test]
fn a_replay_is_squeezed_and_has_no_warm_up_and_no_stages() {
    let listed = Listed::new(vec![0, SECOND, 3 * SECOND]).unwrap();
    let replay = Replay { duration_ns: listed.pass_ns(), listed, pre_allocated_vus: 4, max_vus: 10 };
    let again = || vec![scenario("again", Executor::Replay(replay.clone()))];
    let request =
        LoadRequest { duration: Some(Duration::from_secs(9)), vus: Some(3), ..LoadRequest::default() };
    let planned = plan(again(), &request).unwrap();
    let Executor::Replay(twice) = &planned.plan.scenarios[0].executor else { panic!("no replay") };
    // 4.5 s in 9 s.
    assert_eq!((twice.listed.planned_ns(1), twice.duration_ns), (Some(2 * SECOND), 9 * SECOND));
    assert_eq!((twice.pre_allocated_vus, twice.max_vus, planned.warm_up.value), (3, 3, Duration::ZERO));
    let stages = LoadRequest { stages: vec![(Duration::from_secs(1), 1.0)], ..LoadRequest::default() };
    for (scenarios, what) in
        [(again(), "replays a trace"), (vec![controlled("outside")], "controlled from outside")]
    {
        let told = plan(scenarios, &stages).unwrap_err();
        assert!(told.len() == 1 && told[0].contains(what), "{told:?}");
    }
}

#[test]
fn what_holds_a_value_keeps_its_pace_when_it_is_squeezed_and_has_no_stages() {
    let feedback = Feedback {
        target: 100.0,
        direction: Direction::Up,
        gain: 1.0,
        start_rate: 5.0,
        min_rate: 0.0,
        max_rate: 50.0,
        every_ns: SECOND,
        sampled_every_ns: SECOND,
        duration_ns: 300 * SECOND,
        pre_allocated_vus: 20,
        max_vus: 50,
    };
    let push = || vec![scenario("push", Executor::Feedback(feedback.clone()))];
    let request =
        LoadRequest { duration: Some(Duration::from_secs(60)), vus: Some(8), ..LoadRequest::default() };
    let planned = plan(push(), &request).unwrap();
    let Executor::Feedback(squeezed) = &planned.plan.scenarios[0].executor else { panic!("no feedback") };
    let expected =
        Feedback { duration_ns: 60 * SECOND, pre_allocated_vus: 8, max_vus: 8, ..feedback.clone() };
    assert_eq!((squeezed, planned.warm_up.value), (&expected, Duration::from_secs(6)));
    let stages = LoadRequest { stages: vec![(Duration::from_secs(1), 1.0)], ..LoadRequest::default() };
    let told = plan(push(), &stages).unwrap_err();
    assert!(told.len() == 1 && told[0].contains("decides its rate by what it holds"), "{told:?}");
}
