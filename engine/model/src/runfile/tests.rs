use super::*;
use crate::outcome::{Expect, Outcome};
use crate::recorder::{Ending, IterationSample, MetricKind, Recorder, Sample, Totals, WindowKind};
use crate::shape::Shape;
use crate::threshold::{Measured, ThresholdRule, judge};

fn totals() -> Totals {
    let mut recorder = Recorder::new();
    let (push, traffic) = (recorder.op("push"), recorder.scenario("traffic"));
    let size = recorder.metric("size", MetricKind::Trend).unwrap();
    for n in 1..=1000u64 {
        let outcome = if n % 4 == 0 { Outcome::Conflict } else { Outcome::Ok };
        let sample = Sample {
            outcome: if n == 1000 { Outcome::Error } else { outcome },
            class: (n == 1000).then_some("08006"),
            expect: Expect::Normal,
            service_ns: n * 10_000,
            pool_wait_ns: Some(2_000),
            bytes_sent: 3,
            bytes_received: 5,
            items: 1,
        };
        recorder.record(WindowKind::Measure, push, &sample);
        recorder.record(WindowKind::WarmUp, push, &sample);
        let iteration = IterationSample {
            lag_ns: Some(100_000),
            service_ns: n * 10_000,
            response_ns: n * 10_000 + 100_000,
            ending: if n == 7 { Ending::Failed } else { Ending::Done },
        };
        recorder.planned(WindowKind::Measure, traffic, 1);
        recorder.iteration(WindowKind::Measure, traffic, iteration);
        recorder.observe(WindowKind::Measure, size, n as f64);
    }
    recorder.dropped(WindowKind::Measure, traffic, 2);
    recorder.check(WindowKind::Measure, "is fast", true);
    recorder.failure("boom", "s6.rhai:3:5");
    let mut totals = Totals::new();
    for mut interval in recorder.take(0, 0, 1_000_000_000) {
        (interval.cpu_ns, interval.vus_busy, interval.vus_live) = (250_000_000, 7, 9);
        totals.add(&interval);
    }
    totals
}

fn run() -> RunFile {
    let totals = totals();
    let rule = ThresholdRule::parse("push", "p(95) < 9ms").unwrap();
    let figures = Measured::new(totals.window(WindowKind::Measure), (0, 10_000_000_000));
    let judgement = judge(&rule.threshold, &figures);
    let mut run = RunFile::new("0.1.0", "k3f9");
    run.state = RunState::Finished;
    run.scenario.name = "s6_burst".into();
    run.parameters.insert("rate".into(), Parameter { value: serde_json::json!(50), from: "flag".into() });
    run.seed = 42;
    run.loads = vec![LoadRecord {
        name: "traffic".into(),
        shape: Some(Shape::Sine { low: 10.0, high: 200.0, period_s: 300.0 }.squeezed_to(60.0)),
        ..LoadRecord::default()
    }];
    run.phases = vec![PhaseTimes { name: "measure".into(), start_s: 0.0, end_s: Some(10.0) }];
    run.summary = Some(Summary::from_totals(&totals, 10.0));
    run.thresholds = vec![ThresholdRecord::new(&rule, &judgement)];
    run.exit_code = Some(99);
    run
}

#[test]
fn a_summary_is_the_measured_window_alone() {
    let summary = Summary::from_totals(&totals(), 10.0);
    assert_eq!((summary.operations, summary.operations_per_s), (1000, 100.0));
    assert_eq!((summary.errors, summary.error_share), (1, 0.001));
    assert_eq!((summary.bytes_sent, summary.bytes_received), (3000, 5000));
    let ok = &summary.ops[0];
    assert_eq!((ok.name.as_str(), ok.outcome, ok.latency.count, ok.per_s), ("push", Outcome::Ok, 750, 75.0));
    let error = summary.ops.iter().find(|op| op.outcome == Outcome::Error).unwrap();
    assert_eq!(error.classes["08006"], 1);
    assert!((error.latency.max_ms - 10.0).abs() <= 0.01, "to one part in a thousand");
    assert_eq!(error.pool_wait.unwrap().max_ms, 0.002);
    let traffic = &summary.scenarios[0];
    assert_eq!((traffic.planned, traffic.started, traffic.done, traffic.failed), (1000, 1000, 999, 1));
    assert_eq!((traffic.dropped, traffic.per_s), (2, 100.0));
    assert!(
        (traffic.duration.p99_ms - 9.9).abs() < 0.01
            && (traffic.response.unwrap().min_ms - 0.11).abs() < 1e-9
    );
    assert!((traffic.lag.unwrap().p99_9_ms - 0.1).abs() < 1e-9);
    assert!(matches!(summary.metrics["size"], MetricSummary::Trend { count: 1000, max: 1000.0, .. }));
    assert_eq!(summary.cores[0].busy_share, 0.25);
    assert_eq!((summary.failures[0].count, summary.checks[0].passed), (1, 1));
}

#[test]
fn a_run_file_reads_back_as_it_was_written() {
    let run = run();
    assert_eq!(RunFile::parse(&run.to_json()), Ok(run.clone()));
    assert!(!run.thresholds[0].holds());
    assert_eq!(run.thresholds[0].shown, "9.5ms");
}

#[test]
fn an_unfinished_run_is_readable() {
    let run = RunFile::new("0.1.0", "k3f9");
    let read = RunFile::parse(&run.to_json()).unwrap();
    assert_eq!((read.state, read.summary, read.exit_code), (RunState::Running, None, None));
}

#[test]
fn fields_of_the_same_version_may_be_missing_or_unknown() {
    let read = RunFile::parse(r#"{"format_version": 1, "seed": 7, "moon_phase": "full"}"#).unwrap();
    assert_eq!((read.seed, read.state), (7, RunState::Running));
}

#[test]
fn what_is_no_run_of_this_version_is_refused_with_a_sentence() {
    let refused = |text: &str| RunFile::parse(text).unwrap_err().to_string();
    assert_eq!(
        refused(r#"{"format_version": 2, "snapbench_version": "9.1.0", "phases": "changed"}"#),
        "this run file has format 2, and this program reads up to 1; it was written by snapbench 9.1.0: use that \
         version or a newer one"
    );
    assert!(refused(r#"{"format_version": 99999999999}"#).contains("snapbench unknown"));
    assert!(refused("{}").contains("no format_version"));
    assert!(refused(r#"{"format_version": 0}"#).contains("no format_version"));
    assert!(refused("not json").contains("line 1 column"));
    let whole = run().to_json();
    assert!(RunFile::parse(&whole[..whole.len() / 2]).is_err(), "half a file");
    assert!(refused(&whole.replacen("\"seed\": 42", "\"seed\": \"x\"", 1)).contains("damaged"));
}

fn scenario() -> ScenarioFigures {
    ScenarioFigures {
        name: "traffic".into(),
        lag_p99_ms: Some(0.4),
        response_p50_ms: Some(5.0),
        dropped: 0,
        peak_per_s: Some(200.0),
        max_vus: 50,
        service_p10_ms: 4.0,
    }
}

fn reasons(scenario: ScenarioFigures, change: impl Fn(&mut GeneratorFigures)) -> Vec<String> {
    let mut figures = GeneratorFigures {
        scenarios: vec![scenario],
        cores_busy_share: vec![0.5, 0.4],
        pool_wait_mean_ms: 0.1,
        service_mean_ms: 5.0,
        ceiling: None,
    };
    change(&mut figures);
    generator_bound(&figures)
}

#[test]
fn a_healthy_run_is_not_generator_bound() {
    assert_eq!(reasons(scenario(), |_| {}), [""; 0]);
    // Lag above 10 % of the response, but below a millisecond.
    let quick = ScenarioFigures { lag_p99_ms: Some(0.9), response_p50_ms: Some(1.0), ..scenario() };
    assert_eq!(reasons(quick, |_| {}), [""; 0]);
    // Lag above a millisecond, but below 10 % of the response.
    let slow = ScenarioFigures { lag_p99_ms: Some(2.0), response_p50_ms: Some(30.0), ..scenario() };
    assert_eq!(reasons(slow, |_| {}), [""; 0]);
    // Drops because the server slowed down: it would have been enough VUs at its quickest.
    assert_eq!(reasons(ScenarioFigures { dropped: 9, ..scenario() }, |_| {}), [""; 0]);
    // A closed loop has no lag.
    let closed = ScenarioFigures { lag_p99_ms: None, response_p50_ms: None, peak_per_s: None, ..scenario() };
    assert_eq!(reasons(closed, |_| {}), [""; 0]);
}

#[test]
fn each_rule_has_its_reason() {
    let late = ScenarioFigures { lag_p99_ms: Some(1.2), response_p50_ms: Some(5.0), ..scenario() };
    assert_eq!(
        reasons(late.clone(), |figures| figures.cores_busy_share[1] = 0.8),
        [
            "iterations of `traffic` started late (lag p99 1.2ms, median response 5ms); use more cores or segments, \
          or a lower rate"
        ]
    );
    assert_eq!(
        reasons(late, |figures| figures.cores_busy_share = vec![0.014, 0.01]),
        [
            "iterations of `traffic` started late (lag p99 1.2ms, median response 5ms); its cores were 1.4% busy at \
          most, so the machine woke it late: use one that is not shared, or look at ratios only"
        ]
    );
    assert_eq!(
        reasons(scenario(), |figures| figures.cores_busy_share[1] = 0.97),
        ["generator core 1 was 97% busy; use more cores or segments, or a lower rate"]
    );
    let few = ScenarioFigures { dropped: 1234, max_vus: 0, ..scenario() };
    assert_eq!(
        reasons(few, |_| {}),
        [
            "1,234 arrivals of `traffic` were dropped because the planned rate needs 1 VUs even at its quickest and \
          only 0 were allowed; raise max_vus"
        ]
    );
    let pool =
        reasons(ScenarioFigures { dropped: 1, ..scenario() }, |figures| figures.pool_wait_mean_ms = 9.0);
    assert!(pool.len() == 1 && pool[0].contains("make the pool larger"), "{pool:?}");
    let ceiling = Some(Ceiling { achieved_per_s: 46_000.0, calibrated_per_s: 50_000.0 });
    let at_ceiling = reasons(scenario(), |figures| figures.ceiling = ceiling);
    assert!(at_ceiling.len() == 1 && at_ceiling[0].contains("50,000/s"), "{at_ceiling:?}");
    let below = Some(Ceiling { achieved_per_s: 40_000.0, calibrated_per_s: 50_000.0 });
    assert_eq!(reasons(scenario(), |figures| figures.ceiling = below), [""; 0]);
}

#[test]
fn the_verdict_reads_the_recorded_figures() {
    let totals = totals();
    let figures =
        GeneratorFigures::from_totals(totals.window(WindowKind::Measure), &[("traffic", Some(1e6), 10)]);
    let traffic = &figures.scenarios[0];
    assert_eq!((traffic.dropped, traffic.max_vus, traffic.peak_per_s), (2, 10, Some(1e6)));
    assert!((traffic.service_p10_ms - 1.0).abs() < 0.001 && (traffic.lag_p99_ms.unwrap() - 0.1).abs() < 1e-9);
    assert!(
        (figures.service_mean_ms - 5.005).abs() < 0.01 && (figures.pool_wait_mean_ms - 0.002).abs() < 1e-9
    );
    assert_eq!(figures.cores_busy_share, [0.25]);
    assert!(generator_bound(&figures)[0].contains("needs 1000 VUs"));
}

#[test]
fn an_embedded_or_unnamed_target_is_shape_only() {
    let server = Server { name: "postgres".into(), embedded: true, ..Server::default() };
    assert_eq!(
        shape_only(std::slice::from_ref(&server)),
        ["postgres is embedded: it shares this machine with the generator"]
    );
    let external = Server { embedded: false, durability: Some("off".into()), ..server.clone() };
    assert_eq!(
        shape_only(&[external]),
        [
            "the target does not say that its postgres is representative hardware",
            "durability of postgres is off: what it acknowledges may be lost"
        ]
    );
    let real = Server { embedded: false, representative: true, durability: Some("on".into()), ..server };
    assert_eq!(shape_only(&[real]), [""; 0]);
}
