//! Runs as the runner would leave them, from synthetic but plausible measurements without any randomness.

use std::collections::BTreeMap;

use model::outcome::{Expect, Outcome};
use model::recorder::{Ending, Interval, IterationSample, MetricKind, Recorder, Sample, Totals, WindowKind};
use model::runfile::{
    Environment, GeneratorFigures, LedgerRecord, LoadRecord, Parameter, PhaseTimes, RunFile, RunState,
    ScenarioSource, Server, Summary, ThresholdRecord, generator_bound, shape_only,
};
use model::shape::Shape;
use model::threshold::{Measured, ThresholdRule, judge};

/// Where the runs lie.
pub(crate) const DIRECTORY: &str = "results/2025-11-20T16-30-00-s6_burst-k3f9";
const SECOND_NS: u64 = 1_000_000_000;

/// The n-th of a skewed set of durations around `middle_us`: a long tail, the same every time.
fn skewed_ns(n: u64, middle_us: u64) -> u64 {
    // Weyl sequence: evenly spread over (0, 1) without randomness.
    let u = ((n as f64 + 0.5) * 0.618_033_988_749_895).fract();
    (middle_us as f64 * 1000.0 * (0.4 + 0.6 * -(1.0 - u).ln())) as u64
}

/// A sample of a server that answers well.
pub(crate) fn sample(outcome: Outcome, service_ns: u64) -> Sample<'static> {
    Sample {
        outcome,
        class: None,
        expect: Expect::Normal,
        service_ns,
        pool_wait_ns: None,
        bytes_sent: 412,
        bytes_received: 96,
        items: 1,
    }
}

/// What s6_burst (variant b: 30 s at 200/s, 30 s at 10/s) records on one core, second by second from 0.
/// The first `warm_up_s` seconds are at the shape's first rate.
pub(crate) fn burst_intervals(warm_up_s: u64, measured_s: u64) -> Vec<Interval> {
    let mut recorder = Recorder::new();
    let (push, pop) = (recorder.op("push"), recorder.op("pop"));
    let traffic = recorder.scenario("traffic");
    let depth = recorder.metric("queue_depth", MetricKind::Gauge).unwrap();
    let mut intervals = Vec::new();
    let mut n = 0;
    for second in 0..warm_up_s + measured_s {
        let window = if second < warm_up_s { WindowKind::WarmUp } else { WindowKind::Measure };
        let in_burst = second < warm_up_s || (second - warm_up_s) % 60 < 30;
        let rate = if in_burst { 200 } else { 10 };
        recorder.planned(window, traffic, rate);
        for _ in 0..rate {
            n += 1;
            let service_ns = skewed_ns(n, if in_burst { 4_200 } else { 1_300 });
            if n % 9_001 == 0 {
                recorder.dropped(window, traffic, 1);
                continue;
            }
            let (op, outcome) = match (n % 2, n % 97) {
                (_, 0) if n % 5 == 0 => (push, Outcome::Timeout),
                (0, _) => (push, Outcome::Ok),
                (_, 1..8) => (pop, Outcome::Empty),
                _ => (pop, Outcome::Ok),
            };
            let class = (outcome == Outcome::Timeout).then_some("57014");
            recorder.record(window, op, &Sample { class, ..sample(outcome, service_ns) });
            let lag_ns = skewed_ns(n, 45);
            let iteration = IterationSample {
                lag_ns: Some(lag_ns),
                service_ns: service_ns + 31_000,
                response_ns: service_ns + 31_000 + lag_ns,
                ending: if outcome == Outcome::Timeout { Ending::Failed } else { Ending::Done },
            };
            recorder.iteration(window, traffic, iteration);
            if outcome == Outcome::Timeout {
                recorder.failure(
                    "push: canceling statement due to statement timeout (57014)",
                    "scenarios/s6_burst.rhai:34:30",
                );
            }
        }
        recorder.observe(window, depth, if in_burst { 140.0 + (second % 7) as f64 } else { 3.0 });
        recorder.check(window, "popped what was pushed", true);
        for mut interval in recorder.take(0, second * SECOND_NS, (second + 1) * SECOND_NS) {
            interval.vus_busy = if in_burst { 3 } else { 1 };
            interval.vus_live = 12;
            interval.cpu_ns = rate * 700_000;
            intervals.push(interval);
        }
    }
    intervals
}

/// Everything that was recorded.
pub(crate) fn totals(intervals: &[Interval]) -> Totals {
    let mut totals = Totals::new();
    intervals.iter().for_each(|interval| totals.add(interval));
    totals
}

/// A run of this script that has just begun.
pub(crate) fn begun(name: &str, question: &str) -> RunFile {
    let mut run = RunFile::new("0.1.0", "k3f9");
    run.scenario = ScenarioSource {
        name: name.into(),
        path: format!("scenarios/{name}.rhai"),
        source: String::new(),
        hash: "sha256:5f1c6c3f0a".into(),
        description: question.into(),
    };
    run.command = ["run", &run.scenario.path, "--seed", "42", "--cores", "2", "--tag", "what=it's a test"]
        .map(str::to_owned)
        .into();
    run.command_env = vec!["SNAPBENCH_POSTGRES_URL".into()];
    run.seed = 42;
    run.cores = 2;
    run.started_unix_us = 1_763_656_200_000_000;
    run.environment = Environment {
        os: "linux".into(),
        kernel: "6.12.8".into(),
        arch: "x86_64".into(),
        cpu_model: "AMD EPYC 9254 24-Core Processor".into(),
        cpus: 2,
        memory_bytes: 8_322_000_000,
        container: Some("docker".into()),
    };
    run.servers = vec![postgres("on")];
    run.label.shape_only = shape_only(&run.servers);
    run.files = [
        ("events.ndjson", "what happened and when"),
        ("histograms.hlog", "every histogram, second by second"),
        ("report.md", "this report"),
        ("run.json", "everything but the time series"),
        ("timeline.csv", "every second"),
    ]
    .map(|(name, what)| (name.to_owned(), what.to_owned()))
    .into();
    run
}

pub(crate) fn postgres(durability: &str) -> Server {
    Server {
        name: "postgres".into(),
        kind: "PostgreSQL".into(),
        version: "16.4".into(),
        endpoint: "unix socket".into(),
        embedded: true,
        durability: Some(durability.into()),
        representative: false,
        client: "lean".into(),
        pool_mode: Some("dedicated (12 connections)".into()),
        settings: [("shared_buffers", "128MB"), ("synchronous_commit", "on"), ("max_connections", "220")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
    }
}

const BURST_QUESTION: &str = "S6 · Burst traffic\nQuestion: what does a burst cost, and how long until latency \
                              is back to its calm level?\nWhat it does: half pushes, half pops | at the planned \
                              rate.";

/// s6_burst, variant b, as it begins.
pub(crate) fn burst_begun() -> RunFile {
    let mut run = begun("s6_burst", BURST_QUESTION);
    let parameter = |value: serde_json::Value, from: &str| Parameter { value, from: from.to_owned() };
    run.parameters = BTreeMap::from([
        ("backend".to_owned(), parameter("table".into(), "default")),
        ("variant".to_owned(), parameter("b".into(), "flag")),
    ]);
    run.duration_s = Some(300.0);
    let square = Shape::Square { high: 200.0, high_for_s: 30.0, low: 10.0, low_for_s: 30.0 }.take(300.0);
    run.loads = vec![LoadRecord {
        name: "traffic".into(),
        executor: "arrival-rate".into(),
        exec: "push_or_pop".into(),
        shape: Some(square),
        max_vus: 200,
        ..LoadRecord::default()
    }];
    let phase = |name: &str, start_s, end_s| PhaseTimes { name: name.into(), start_s, end_s };
    run.phases = vec![
        phase("setup", -0.8, Some(0.0)),
        phase("warm_up", 0.0, Some(30.0)),
        phase("measure", 30.0, None),
    ];
    run
}

/// s6_burst, variant b, finished; `rules` are judged.
pub(crate) fn burst(rules: &[(&str, &str)]) -> RunFile {
    let totals = totals(&burst_intervals(30, 300));
    let mut run = burst_begun();
    run.phases[2].end_s = Some(330.0);
    run.phases.push(PhaseTimes { name: "drain".into(), start_s: 330.0, end_s: Some(330.02) });
    finish(&mut run, &totals, 300.0, rules);
    run
}

/// Ends a run as the runner does: figures, judgements, labels, exit code.
pub(crate) fn finish(run: &mut RunFile, totals: &Totals, window_s: f64, rules: &[(&str, &str)]) {
    let window = totals.window(WindowKind::Measure);
    let start_ns = 30 * SECOND_NS;
    let figures = Measured::new(window, (start_ns, start_ns + (window_s * 1e9) as u64));
    run.thresholds = rules
        .iter()
        .map(|(metric, text)| {
            let rule = ThresholdRule::parse(metric, text).unwrap();
            ThresholdRecord::new(&rule, &judge(&rule.threshold, &figures))
        })
        .collect();
    run.summary = Some(Summary::from_totals(totals, window_s));
    let limits: Vec<(&str, Option<f64>, u64)> =
        run.loads.iter().map(|load| (load.name.as_str(), Some(200.0), load.max_vus)).collect();
    run.label.generator_bound = generator_bound(&GeneratorFigures::from_totals(window, &limits));
    run.state = RunState::Finished;
    run.finished_unix_us = Some(run.started_unix_us + 331_400_000);
    let holds = run.thresholds.iter().all(ThresholdRecord::holds) && run.ledgers.iter().all(|l| l.passed);
    run.exit_code = Some(if holds { 0 } else { 99 });
}

/// a2_cas with the compare dropped: a closed loop with a ledger that fails, conflicts and lost connections.
pub(crate) fn broken_cas() -> RunFile {
    let mut recorder = Recorder::new();
    let window = WindowKind::Measure;
    let (cas, read) = (recorder.op("cas"), recorder.op("read_head"));
    let (writers, readers) = (recorder.scenario("writers"), recorder.scenario("readers"));
    let retries = recorder.metric("retries", MetricKind::Counter).unwrap();
    let gap = recorder.metric("head_gap", MetricKind::Trend).unwrap();
    let hit = recorder.metric("first_try", MetricKind::Rate).unwrap();
    for n in 0..80_000 {
        let service_ns = skewed_ns(n, 310);
        let (outcome, class) = match n % 20_011 {
            7 => (Outcome::Ambiguous, Some("connection reset")),
            11 => (Outcome::Error, Some("08006")),
            12 | 13 => (Outcome::Error, Some("57P01")),
            m if m % 9 == 0 => (Outcome::Conflict, None),
            _ => (Outcome::Ok, None),
        };
        let pool_wait_ns = Some(skewed_ns(n, 4));
        recorder.record(window, cas, &Sample { class, pool_wait_ns, ..sample(outcome, service_ns) });
        let ending = if outcome == Outcome::Error { Ending::Failed } else { Ending::Done };
        let iteration = IterationSample { lag_ns: None, service_ns, response_ns: 0, ending };
        recorder.iteration(window, writers, iteration);
        recorder.observe(window, retries, f64::from(outcome == Outcome::Conflict));
        recorder.observe(window, hit, f64::from(outcome == Outcome::Ok));
        recorder.observe(window, gap, (n % 13) as f64 + 0.25);
        if outcome == Outcome::Error {
            recorder.failure(
                "cas: terminating connection due to administrator command",
                "scenarios/a2_cas.rhai:41:17",
            );
        }
        if n % 4 == 0 {
            recorder.record(window, read, &sample(Outcome::Ok, skewed_ns(n, 120)));
            recorder.iteration(window, readers, IterationSample { ending: Ending::Done, ..iteration });
            recorder.check(window, "head never goes back", n % 8_000 != 0);
            recorder.check(window, "head exists", true);
        }
    }
    let mut totals = Totals::new();
    for core in 0..2 {
        for mut interval in recorder.take(core, 30 * SECOND_NS, 42 * SECOND_NS) {
            (interval.cpu_ns, interval.vus_busy, interval.vus_live) = (11_300_000_000, 16, 17);
            totals.add(&interval);
        }
    }
    let mut run = begun("a2_cas", "A2 · Compare-and-swap on a head row\nQuestion: is any update lost?");
    run.parameters =
        BTreeMap::from([("broken".to_owned(), Parameter { value: true.into(), from: "flag".into() })]);
    run.loads = ["writers", "readers"]
        .map(|name| LoadRecord {
            name: name.into(),
            executor: "per-vu-iterations".into(),
            ..LoadRecord::default()
        })
        .into();
    run.phases = vec![PhaseTimes { name: "measure".into(), start_s: 0.0, end_s: Some(12.0) }];
    run.servers[0].durability = Some("off".into());
    run.label.shape_only = shape_only(&run.servers);
    run.ledgers = vec![LedgerRecord {
        name: "heads".into(),
        kind: "cas".into(),
        passed: false,
        figures: [("acknowledged", 71_107), ("ambiguous", 4), ("duplicates", 12), ("gaps", 0), ("forks", 3)]
            .map(|(name, count)| (name.to_owned(), count))
            .into(),
        examples: vec![
            "key 17: step 4,211 was acknowledged twice, to writer 3 and to writer 9".into(),
            "key 17: step 4,212 forks: one reader saw the value of writer 3, the table holds that of writer 9".into(),
        ],
        ..LedgerRecord::default()
    }];
    finish(
        &mut run,
        &totals,
        12.0,
        &[("cas", "p(99.9) < 50ms"), ("errors", "rate < 1%"), ("checks", "rate > 99%")],
    );
    run
}

/// A run in which nothing happened: the load ended before the first arrival.
pub(crate) fn nothing_measured() -> RunFile {
    let mut run = burst_begun();
    run.phases[2].end_s = Some(30.0);
    finish(&mut run, &Totals::new(), 0.0, &[("push", "p(95) < 50ms"), ("errors", "rate < 1%")]);
    run
}

/// 240 operations, some of which fail, in 12 scenarios.
pub(crate) fn many_operations() -> RunFile {
    let mut recorder = Recorder::new();
    let mut run = begun("sweep", "Every endpoint once.");
    for n in 0..240_u64 {
        let op = recorder.op(&format!("endpoint_{n:03}"));
        let name = format!("group_{:02}", n / 20);
        let scenario = recorder.scenario(&name);
        for k in 0..=n {
            let service_ns = skewed_ns(n * 7 + k, 900 + n);
            let outcome = if n == 3 && k == 2 { Outcome::Error } else { Outcome::Ok };
            let class = (outcome == Outcome::Error).then_some("500");
            recorder.record(WindowKind::Measure, op, &Sample { class, ..sample(outcome, service_ns) });
            let iteration =
                IterationSample { lag_ns: None, service_ns, response_ns: 0, ending: Ending::Done };
            recorder.iteration(WindowKind::Measure, scenario, iteration);
        }
        recorder.check(WindowKind::Measure, &format!("check {n}"), n % 50 != 0);
        recorder.failure(&format!("failure number {n}"), "sweep.rhai:1:1");
    }
    let totals = totals(&recorder.take(0, 30 * SECOND_NS, 90 * SECOND_NS));
    finish(&mut run, &totals, 60.0, &[]);
    run
}

/// Names and messages that are much too long, wide, or try to move the cursor.
pub(crate) fn awkward_names() -> RunFile {
    let mut recorder = Recorder::new();
    let window = WindowKind::Measure;
    let long = "customer_orders_with_a_name_that_somebody_generated_from_a_schema_".repeat(4);
    let names = [
        long.as_str(),
        "名前がとても長い操作とその結果をまとめて表示する",
        "two\nlines\tand\x1b[31mred|`pipe`",
        "<b>",
    ];
    for name in names {
        let (op, scenario) = (recorder.op(name), recorder.scenario(name));
        let metric = recorder.metric(&format!("metric {name}"), MetricKind::Counter).unwrap();
        for n in 0..100 {
            let service_ns = skewed_ns(n, 12_345_678);
            let outcome = if n % 10 == 0 { Outcome::Rejected } else { Outcome::Ok };
            let class = (n % 10 == 0).then_some(name);
            recorder.record(window, op, &Sample { class, ..sample(outcome, service_ns) });
            let iteration = IterationSample {
                lag_ns: Some(1),
                service_ns,
                response_ns: service_ns,
                ending: Ending::Done,
            };
            recorder.iteration(window, scenario, iteration);
            recorder.observe(window, metric, 1.0);
        }
        recorder.check(window, name, false);
        recorder.failure(&format!("{name}: {name}: {name}"), name);
    }
    let totals = totals(&recorder.take(0, 30 * SECOND_NS, 90 * SECOND_NS));
    let mut run = begun(&long, names[2]);
    run.parameters.insert(long.clone(), Parameter { value: long.clone().into(), from: "flag".into() });
    run.servers[0].endpoint = format!("postgres://host/{long}");
    run.servers[0].embedded = false;
    finish(&mut run, &totals, 60.0, &[]);
    let threshold = ThresholdRecord {
        metric: names[2].into(),
        threshold: "p(95) < 1ms".into(),
        reason: "there is no metric of this name in this run; this run has ".to_owned() + &names.join(", "),
        ..ThresholdRecord::default()
    };
    run.thresholds = vec![threshold];
    run.exit_code = Some(99);
    run
}
