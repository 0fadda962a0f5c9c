use super::*;
use crate::outcome::{Expect, Outcome};
use crate::recorder::{Ending, IterationSample, MetricKind, Recorder, Sample, Totals, WindowKind};
use crate::series::{LatencyWatch, Series};

const S: u64 = 1_000_000_000;

pub(super) fn parsed(metric: &str, text: &str) -> Threshold {
    Threshold::parse(metric, text).unwrap_or_else(|error| panic!("{error}"))
}

fn limit_of(threshold: &Threshold) -> f64 {
    threshold.bound.unwrap().limit()
}

pub(super) fn error(metric: &str, text: &str) -> (usize, String, String) {
    let error = Threshold::parse(metric, text).expect_err(text);
    (error.offset, error.problem, error.remedy)
}

#[test]
fn k6_spellings_are_read() {
    for (text, method, op, limit) in [
        ("p(95)<200", Method::Percentile(95.0), Comparison::Below, 200.0),
        ("p(99.9) < 50ms", Method::Percentile(99.9), Comparison::Below, 50.0),
        ("  p( 90 )<=1.5s ", Method::Percentile(90.0), Comparison::AtMost, 1500.0),
        ("avg<1_000us", Method::Avg, Comparison::Below, 1.0),
        ("med>=2min", Method::Med, Comparison::AtLeast, 120_000.0),
        ("max!=3e2", Method::Max, Comparison::Unequal, 300.0),
        ("count===0", Method::Count, Comparison::Equal, 0.0),
        ("rate>100/s", Method::Rate, Comparison::Above, 100.0),
        ("slope < -2ms/min", Method::Slope, Comparison::Below, -2.0),
        ("recovery<30s", Method::Recovery, Comparison::Below, 30_000.0),
    ] {
        let threshold = parsed("push", text);
        assert_eq!((threshold.method, threshold.bound.unwrap().op), (method, op), "{text}");
        assert!((limit_of(&threshold) - limit).abs() < 1e-9, "{text}: {threshold:?}");
        assert_eq!(threshold.source_text, text);
    }
    assert_eq!(limit_of(&parsed("errors", "rate<1%")), 0.01);
    assert_eq!(limit_of(&parsed("errors", "rate<0.01")), 0.01);
    assert_eq!(limit_of(&parsed("heap", "plateau<40MB")), 40e6);
    assert_eq!(limit_of(&parsed("heap", "max<1GiB")), 1_073_741_824.0);
}

#[test]
fn the_regular_spelling_reads_back() {
    for text in ["p(99.9)<50ms", "rate<0.5%", "slope<=-3", "max > 4KiB", "med != 1e-3"] {
        let threshold = parsed("anything", text);
        let again = parsed("anything", &threshold.to_string());
        assert_eq!(
            (again.method, again.bound.unwrap().op, limit_of(&again)),
            (threshold.method, threshold.bound.unwrap().op, limit_of(&threshold))
        );
    }
    assert_eq!(parsed("push", "p(95)<200ms").to_string(), "p(95) < 200ms");
}

#[test]
fn metrics_may_be_narrowed() {
    let key = MetricKey::parse("push{outcome:conflict}").unwrap();
    assert_eq!((key.name.as_str(), key.outcome), ("push", Some(Outcome::Conflict)));
    assert_eq!(key.to_string(), "push{outcome:conflict}");
    assert_eq!(MetricKey::parse("errors{ op : push }").unwrap().op.as_deref(), Some("push"));
    assert_eq!(MetricKey::parse("iterations{scenario:a b}").unwrap().scenario.as_deref(), Some("a b"));
    assert_eq!(MetricKey::parse("ledger.duplicates").unwrap(), MetricKey::plain("ledger.duplicates"));
}

#[test]
fn errors_say_where_what_and_what_to_write() {
    let say = |offset, problem: &str, remedy: &str| (offset, problem.to_owned(), remedy.to_owned());
    let methods = "methods are avg, min, max, med, p(N), count, rate, value, slope, plateau, recovery, \
                   outage, knee";
    for (metric, text, expected) in [
        ("push", "p95<200", say(0, "there is no method `p95`", "did you mean p(95)?")),
        ("push", "p99.9<200", say(0, "there is no method `p99.9`", "did you mean p(99.9)?")),
        ("push", "mean<5", say(0, "there is no method `mean`", "did you mean avg?")),
        ("push", " conut<5", say(1, "there is no method `conut`", "did you mean count?")),
        ("push", "banana<5", say(0, "there is no method `banana`", methods)),
        ("push", "", say(0, "a method is missing here", methods)),
        ("push", "p<5", say(1, "the percentile is missing", "write p(95) or p(99.9)")),
        ("push", "p(101)<5", say(2, "there is no percentile 101", "write one from 0 to 100")),
        ("push", "p(95<5", say(4, "the parenthesis is not closed", "write p(95) or p(99.9)")),
        ("push", "p(95) 200", say(6, "a comparison is missing here", "write one of <, <=, >, >=, ==, !=")),
        ("push", "p(95)=<200", say(5, "there is no comparison `=<`", "did you mean <=?")),
        ("push", "p(95)=200", say(5, "`=` compares nothing", "did you mean ==?")),
        (
            "push",
            "p(95)<",
            say(6, "the value is missing", "write a number, with a unit if you like: 200, 50ms, 1%"),
        ),
        (
            "push",
            "p(95)<fast",
            say(6, "`fast` is not a number", "write a number, with a unit if you like: 200, 50ms, 1%"),
        ),
        ("push", "p(95)<50msec", say(8, "there is no unit `msec`", "did you mean ms?")),
        ("push", "p(95)<50mss", say(8, "there is no unit `mss`", "did you mean ms?")),
        (
            "push",
            "p(95)<50ms && max<1s",
            say(
                11,
                "`&& max<1s` is too much",
                "a threshold is one condition: give a list of them, which must all hold",
            ),
        ),
        (
            "push",
            "rate<5/min",
            say(6, "`/min` does not fit rate", "a rate is for each second: write /s or nothing"),
        ),
        ("depth", "recovery<30", say(9, "recovery is a time and needs its unit", "write for example 30s")),
        ("errors", "rate<5", say(5, "a share is at most 1, not 5", "did you mean 5%?")),
        ("errors", "p(95)<5", say(0, "`errors` has no p(95)", "it has rate or count")),
        (
            "errors",
            "rate<5ms",
            say(5, "rate of `errors` is not measured in ms", "write a percentage, such as 1%"),
        ),
        (
            "schedule_lag",
            "p(99)<5%",
            say(6, "p(99) of `schedule_lag` is not measured in %", "write a time, such as 50ms"),
        ),
        (
            "push{outcome:confict}",
            "count<1",
            say(5, "there is no outcome `confict`", "did you mean conflict?"),
        ),
        ("push{outcom:ok}", "count<1", say(5, "there is no tag `outcom`", "did you mean outcome?")),
        ("push{outcome:ok", "count<1", say(15, "the brace is not closed", "end it with }")),
        (
            "errors{outcome:ok}",
            "rate<1%",
            say(7, "`errors` cannot be narrowed by outcome", "only operations can, such as push{outcome:ok}"),
        ),
    ] {
        assert_eq!(error(metric, text), expected, "{metric} {text}");
    }
    let whole = Threshold::parse("push", "p95<200").unwrap_err();
    assert_eq!(
        whole.to_string(),
        "threshold `p95<200` of `push`, byte 0: there is no method `p95`; did you mean p(95)?"
    );
}

#[test]
fn unknown_metrics_are_found_before_the_run() {
    let check =
        |name: &str| MetricKey::plain(name).check_known(&["push", "pop"]).map_err(|error| error.to_string());
    assert_eq!(check("push"), Ok(()));
    assert_eq!(check("errors"), Ok(()));
    assert_eq!(
        check("pusch"),
        Err("there is no metric `pusch` in this run; did you mean `push`?".to_owned())
    );
    assert!(check("banana").unwrap_err().ends_with("schedule_lag, faults, push, pop"));
}

#[test]
fn the_object_form_knows_both_spellings() {
    assert_eq!("abortOnFail".parse(), Ok(RuleOption::AbortOnFail));
    assert_eq!("delay_abort".parse(), Ok(RuleOption::DelayAbort));
    assert_eq!(
        "abort_on_fial".parse::<RuleOption>().unwrap_err().to_string(),
        "a threshold has no option `abort_on_fial` (did you mean `abort_on_fail`?); its options are threshold, \
         abort_on_fail and delay_abort"
    );
    let rule = ThresholdRule::parse_object("push", "p(95)<5", true, Some("10s")).unwrap();
    assert_eq!((rule.abort_on_fail, rule.delay_abort.as_secs()), (true, 10));
    let bad = ThresholdRule::parse_object("push", "p(95)<5", true, Some("10")).unwrap_err();
    assert!(bad.problem.contains("has no unit"), "{bad}");
    assert!(!ThresholdRule::parse("push", "p(95)<5").unwrap().abort_on_fail);
}

fn totals() -> Totals {
    let mut recorder = Recorder::new();
    let push = recorder.op("push");
    let traffic = recorder.scenario("traffic");
    for ms in 1..=100 {
        let sample = Sample {
            outcome: if ms > 90 { Outcome::Timeout } else { Outcome::Ok },
            class: None,
            expect: Expect::Normal,
            service_ns: ms * 1_000_000,
            pool_wait_ns: None,
            bytes_sent: 0,
            bytes_received: 0,
            items: 1,
        };
        recorder.record(WindowKind::Measure, push, &sample);
        let iteration = IterationSample {
            lag_ns: Some(50_000),
            service_ns: ms * 1_000_000,
            response_ns: ms * 1_000_000 + 50_000,
            ending: Ending::Done,
        };
        recorder.iteration(WindowKind::Measure, traffic, iteration);
    }
    recorder.dropped(WindowKind::Measure, traffic, 3);
    recorder.check(WindowKind::Measure, "is fast", true);
    let size = recorder.metric("size", MetricKind::Trend).unwrap();
    let depth = recorder.metric("depth", MetricKind::Gauge).unwrap();
    for value in [10.0, 30.0, 20.0] {
        recorder.observe(WindowKind::Measure, size, value);
        recorder.observe(WindowKind::Measure, depth, value);
    }
    let mut totals = Totals::new();
    recorder.take(0, 0, S).iter().for_each(|interval| totals.add(interval));
    totals
}

#[test]
fn figures_of_a_run_are_judged() {
    let totals = totals();
    let figures =
        Measured::new(totals.window(WindowKind::Measure), (10 * S, 20 * S)).with_number("ledger.gaps", 0.0);
    for (metric, text, passed, shown) in [
        ("push", "p(95)<96ms", true, "95ms"),
        ("push", "p(95)<95", false, "95ms"),
        ("push", "count==100", true, "100"),
        ("push", "rate>=10/s", true, "10/s"),
        ("push", "max<1s", true, "100ms"),
        ("push{outcome:ok}", "max<=90.1ms", true, "90ms"),
        ("push{outcome:timeout}", "count<11", true, "10"),
        ("push{outcome:conflict}", "count<1", true, "0"),
        ("errors", "rate<1%", false, "10%"),
        ("errors{op:push}", "count==10", true, "10"),
        ("checks", "rate>=99%", true, "100%"),
        ("iterations", "count==100", true, "100"),
        ("iterations{scenario:traffic}", "rate==10", true, "10/s"),
        ("dropped_iterations", "count<1", false, "3"),
        ("iteration_duration", "med<51", true, "50ms"),
        ("iteration_response", "min>1ms", true, "1.05ms"),
        ("schedule_lag", "p(99)<1ms", true, "50µs"),
        ("size", "avg==20", true, "20"),
        ("size", "max<25", false, "30"),
        ("depth", "value==20", true, "20"),
        ("ledger.gaps", "value==0", true, "0"),
    ] {
        let judgement = judge(&parsed(metric, text), &figures);
        assert_eq!((judgement.passed, judgement.shown.as_str()), (Some(passed), shown), "{metric} {text}");
    }
}

#[test]
fn what_cannot_be_judged_does_not_pass_and_says_why() {
    let (totals, empty) = (totals(), crate::recorder::WindowTotals::default());
    let full = Measured::new(totals.window(WindowKind::Measure), (10 * S, 20 * S));
    let blank = Measured::new(&empty, (10 * S, 10 * S));
    for (figures, metric, text, reason) in [
        (&full, "psh", "p(95)<5", "there is no metric `psh` in this run; did you mean `push`?"),
        (&full, "push", "p(95)<5%", "p(95) of `push` is not measured in %; write a time, such as 50ms"),
        (&full, "push", "slope<1", "`push` was not watched over time, which slope needs"),
        (&full, "push{outcome:empty}", "p(95)<5", "nothing was recorded, and no data is not a pass"),
        (
            &full,
            "depth",
            "avg<5",
            "of a gauge only value, min, max and count are kept; avg needs a trend or a probe",
        ),
        (&blank, "errors", "rate<1%", "nothing was recorded, and no data is not a pass"),
        (&blank, "iterations", "rate>1", "the measured window has no length yet"),
    ] {
        let judgement = judge(&parsed(metric, text), figures);
        assert_eq!((judgement.passed, judgement.reason.as_str()), (None, reason), "{metric} {text}");
    }
}

fn series(value: impl Fn(u64) -> f64) -> Series {
    (0..60).map(|second| (second * S, value(second))).collect()
}

#[test]
fn slopes_and_plateaus_of_probes() {
    let empty = crate::recorder::WindowTotals::default();
    let (growing, flat) = (series(|t| t as f64), series(|t| 50.0 + (t % 3) as f64));
    let noisy: Series =
        (0..12).map(|t| (t * S, if t % 2 == 0 { 9.0 } else { 1.0 + t as f64 / 3.0 })).collect();
    let figures = Measured::new(&empty, (0, 60 * S))
        .with_samples("growing", &growing)
        .with_samples("flat", &flat)
        .with_samples("noisy", &noisy);
    let judged = |metric: &str, text: &str| judge(&parsed(metric, text), &figures);
    assert_eq!(judged("growing", "slope < 10").passed, Some(false));
    assert_eq!(judged("growing", "slope > 50/min").shown, "60");
    assert_eq!(judged("flat", "slope < 10").passed, Some(true));
    let undecided = judged("noisy", "slope < 0");
    assert_eq!(undecided.passed, None);
    assert!(undecided.reason.starts_with("too short to tell"), "{}", undecided.reason);
    assert_eq!(judged("flat", "plateau < 60").passed, Some(true));
    assert_eq!(judged("flat", "plateau < 40").passed, Some(false));
    let moving = judged("growing", "plateau < 1000");
    assert_eq!(moving.passed, Some(false));
    assert!(moving.reason.starts_with("it has not settled"), "{}", moving.reason);
    assert_eq!(judged("flat", "p(50) == 51").passed, Some(true));
    assert_eq!(judged("growing", "max < 60").passed, Some(true));
    // Only the measured window counts.
    let late = Measured::new(&empty, (30 * S, 60 * S)).with_samples("growing", &growing);
    assert_eq!(judge(&parsed("growing", "min >= 30"), &late).passed, Some(true));
}

#[test]
fn recovery_of_an_operation_is_watched_second_by_second() {
    let mut watch = LatencyWatch::new();
    let mut totals = Totals::new();
    for second in 0..60 {
        let mut recorder = Recorder::new();
        let push = recorder.op("push");
        let sample = Sample {
            outcome: Outcome::Ok,
            class: None,
            expect: Expect::Normal,
            service_ns: if (20..34).contains(&second) { 90_000_000 } else { 5_000_000 },
            pool_wait_ns: None,
            bytes_sent: 0,
            bytes_received: 0,
            items: 1,
        };
        (0..10).for_each(|_| recorder.record(WindowKind::Measure, push, &sample));
        for interval in recorder.take(0, second * S, (second + 1) * S) {
            totals.add(&interval);
            watch.add(&interval);
        }
    }
    watch.finish();
    let figures = Measured::new(totals.window(WindowKind::Measure), (0, 60 * S))
        .with_watch(&watch)
        .with_disturbances(vec![(20 * S, 30 * S)]);
    let judgement = judge(&parsed("push", "recovery < 10s"), &figures);
    assert_eq!((judgement.passed, judgement.shown.as_str()), (Some(true), "4.5s"));
    assert_eq!(judgement.reason, "back to calm after 4.5s, the longest of 1");
    assert_eq!(judge(&parsed("push", "recovery < 2s"), &figures).passed, Some(false));
    let calm = Measured::new(totals.window(WindowKind::Measure), (0, 60 * S)).with_watch(&watch);
    let nothing = judge(&parsed("push", "recovery < 2s"), &calm);
    assert_eq!(nothing.passed, None);
    assert_eq!(nothing.reason, "there was no burst and no fault to recover from");
}
