use super::*;
use crate::outcome::Expect;
use WindowKind::{Measure, WarmUp};

fn sample(outcome: Outcome, service_us: u64) -> Sample<'static> {
    Sample {
        outcome,
        class: None,
        expect: Expect::Normal,
        service_ns: service_us * 1000,
        pool_wait_ns: None,
        bytes_sent: 10,
        bytes_received: 20,
        items: 1,
    }
}

fn finished(service_us: u64) -> IterationSample {
    IterationSample { lag_ns: None, service_ns: service_us * 1000, response_ns: 0, ending: Ending::Done }
}

#[test]
fn each_operation_outcome_and_window_has_a_cell_of_its_own() {
    let mut recorder = Recorder::new();
    let (push, pop) = (recorder.op("push"), recorder.op("pop"));
    recorder.record(Measure, push, &sample(Outcome::Ok, 100));
    recorder.record(Measure, push, &sample(Outcome::Ok, 200));
    recorder.record(Measure, push, &sample(Outcome::Conflict, 300));
    recorder.record(Measure, pop, &sample(Outcome::Empty, 400));
    recorder.record(WarmUp, pop, &sample(Outcome::Ok, 500));
    let intervals = recorder.take(3, 1, 2);
    assert_eq!(intervals.len(), 2);
    assert_eq!((intervals[0].window, intervals[0].core), (WarmUp, 3));
    assert_eq!((intervals[1].start_ns, intervals[1].end_ns), (1, 2));
    let cells: Vec<(&str, Outcome, u64, u64)> = intervals
        .iter()
        .flat_map(|interval| &interval.ops)
        .map(|op| (&*op.name, op.outcome, op.histogram.count(), op.histogram.max_us()))
        .collect();
    assert_eq!(
        cells,
        [
            ("pop", Outcome::Ok, 1, 500),
            ("push", Outcome::Ok, 2, 200),
            ("push", Outcome::Conflict, 1, 300),
            ("pop", Outcome::Empty, 1, 400),
        ]
    );
    let push_ok = &intervals[1].ops[0];
    assert_eq!((push_ok.bytes_sent, push_ok.bytes_received, push_ok.items), (20, 40, 2));
}

#[test]
fn taking_leaves_nothing_behind_but_the_numbers() {
    let mut recorder = Recorder::new();
    let push = recorder.op("push");
    assert!(recorder.take(0, 0, 1).is_empty());
    recorder.record(Measure, push, &sample(Outcome::Ok, 1));
    assert_eq!(recorder.take(0, 0, 1).len(), 1);
    assert!(recorder.take(0, 1, 2).is_empty());
    assert_eq!(recorder.op("push"), push);
    recorder.record(Measure, push, &sample(Outcome::Ok, 1));
    assert_eq!(recorder.take(0, 2, 3)[0].ops[0].histogram.count(), 1);
}

#[test]
fn errors_and_their_classes_are_counted() {
    let mut recorder = Recorder::new();
    let get = recorder.op("get");
    let refused = Sample { class: Some("23514"), ..sample(Outcome::Rejected, 5) };
    recorder.record(Measure, get, &refused);
    recorder.record(Measure, get, &Sample { expect: Expect::Rejected, ..refused });
    recorder.record(Measure, get, &Sample { class: Some("22001"), ..refused });
    let op = recorder.take(0, 0, 1)[0].ops[0].clone();
    assert_eq!((op.histogram.count(), op.errors), (3, 2));
    assert_eq!(op.classes, [("23514".to_owned(), 2), ("22001".to_owned(), 1)]);
}

#[test]
fn ever_new_classes_do_not_eat_the_memory() {
    let mut recorder = Recorder::new();
    let get = recorder.op("get");
    for n in 0..1000 {
        let class = n.to_string();
        recorder.record(Measure, get, &Sample { class: Some(&class), ..sample(Outcome::Error, 5) });
    }
    let op = recorder.take(0, 0, 1)[0].ops[0].clone();
    assert_eq!(op.classes.len(), MAX_CLASSES + 1);
    assert_eq!(op.classes.last(), Some(&("other".to_owned(), 1000 - MAX_CLASSES as u64)));
}

#[test]
fn pool_wait_is_kept_apart_and_only_when_there_was_a_pool() {
    let mut recorder = Recorder::new();
    let get = recorder.op("get");
    recorder.record(Measure, get, &sample(Outcome::Ok, 5));
    recorder.record(Measure, get, &Sample { pool_wait_ns: Some(9_000), ..sample(Outcome::Ok, 5) });
    let op = recorder.take(0, 0, 1)[0].ops[0].clone();
    assert_eq!(op.histogram.max_us(), 5);
    assert_eq!(op.pool_wait.map(|waits| (waits.count(), waits.max_us())), Some((1, 9)));
}

#[test]
fn closed_loops_have_no_lag_and_no_response_time() {
    let mut recorder = Recorder::new();
    let traffic = recorder.scenario("traffic");
    recorder.iteration(Measure, traffic, finished(50));
    let interval = recorder.take(0, 0, 1)[0].scenarios[0].clone();
    assert_eq!(interval.service.map(|histogram| histogram.max_us()), Some(50));
    assert_eq!((interval.lag, interval.response, interval.done), (None, None, 1));
}

#[test]
fn open_iterations_are_timed_from_their_plan() {
    let mut recorder = Recorder::new();
    let traffic = recorder.scenario("traffic");
    let late = IterationSample { lag_ns: Some(30_000), response_ns: 80_000, ..finished(50) };
    recorder.planned(Measure, traffic, 4);
    recorder.iteration(Measure, traffic, late);
    recorder.iteration(Measure, traffic, IterationSample { ending: Ending::Failed, ..late });
    recorder.iteration(Measure, traffic, IterationSample { ending: Ending::Interrupted, ..late });
    recorder.dropped(Measure, traffic, 1);
    let interval = recorder.take(0, 0, 1)[0].scenarios[0].clone();
    assert_eq!((interval.done, interval.failed, interval.interrupted), (1, 1, 1));
    assert_eq!((interval.dropped, interval.planned), (1, 4));
    assert_eq!(interval.response.map(|h| (h.count(), h.max_us())), Some((2, 80)));
    assert_eq!(interval.lag.map(|h| (h.count(), h.max_us())), Some((3, 30)));
}

#[test]
fn drops_alone_are_data() {
    let mut recorder = Recorder::new();
    let traffic = recorder.scenario("traffic");
    recorder.dropped(Measure, traffic, 7);
    assert_eq!(recorder.take(0, 0, 1)[0].scenarios[0].dropped, 7);
}

#[test]
fn custom_metrics_add_up_by_kind() {
    let mut recorder = Recorder::new();
    let counter = recorder.metric("bytes", MetricKind::Counter).unwrap();
    let gauge = recorder.metric("depth", MetricKind::Gauge).unwrap();
    let rate = recorder.metric("hit", MetricKind::Rate).unwrap();
    let trend = recorder.metric("size", MetricKind::Trend).unwrap();
    for value in [4.0, 0.0, 2.0, f64::NAN] {
        for metric in [counter, gauge, rate, trend] {
            recorder.observe(Measure, metric, value);
        }
    }
    let data: Vec<MetricData> = recorder.take(0, 0, 9)[0].metrics.iter().map(|m| m.data.clone()).collect();
    assert_eq!(data[0], MetricData::Counter { sum: 6.0, count: 3 });
    assert_eq!(data[1], MetricData::Gauge { last: 2.0, at_ns: 9, min: 0.0, max: 4.0, count: 3 });
    assert_eq!(data[2], MetricData::Rate { hits: 2, total: 3 });
    assert!(matches!(&data[3], MetricData::Trend(values) if values.count() == 3 && values.sum() == 6.0));
    let clash = recorder.metric("depth", MetricKind::Trend).unwrap_err();
    assert_eq!(
        clash.to_string(),
        "metric `depth` is a gauge already and cannot be a trend too; give one of them another name"
    );
}

#[test]
fn the_latest_gauge_wins_whatever_the_order() {
    let gauge = |last, at_ns| MetricData::Gauge { last, at_ns, min: last, max: last, count: 1 };
    let expected = MetricData::Gauge { last: 5.0, at_ns: 20, min: 5.0, max: 8.0, count: 2 };
    let (mut forward, mut backward) = (gauge(8.0, 10), gauge(5.0, 20));
    forward.merge(&gauge(5.0, 20));
    backward.merge(&gauge(8.0, 10));
    assert_eq!((forward, backward), (expected.clone(), expected));
}

#[test]
fn checks_are_counted_by_name() {
    let mut recorder = Recorder::new();
    recorder.check(Measure, "is fast", true);
    recorder.check(Measure, "is fast", false);
    recorder.check(WarmUp, "is fast", true);
    let intervals = recorder.take(0, 0, 1);
    assert_eq!((intervals[1].checks[0].passed, intervals[1].checks[0].failed), (1, 1));
    assert_eq!((intervals[0].checks[0].passed, intervals[0].checks[0].failed), (1, 0));
}

#[test]
fn failures_are_kept_once_each_and_bounded_for_life() {
    let mut recorder = Recorder::new();
    for n in 0..300 {
        recorder.failure(&format!("item {n} is bad"), "s.rhai:3:5");
        recorder.failure("boom", "s.rhai:9:1");
    }
    let first = recorder.take(0, 0, 1);
    assert_eq!((first.len(), first[0].window), (1, Measure));
    assert_eq!(first[0].failures.len(), tables::MAX_FAILURES + 1);
    let count = |message: &str| first[0].failures.iter().find(|f| f.message == message).map(|f| f.count);
    assert_eq!(count("boom"), Some(300));
    assert_eq!(count(tables::OTHER_FAILURES), Some(300 - (tables::MAX_FAILURES as u64 - 1)));
    recorder.failure("new", "s.rhai:1:1");
    recorder.failure("boom", "s.rhai:9:1");
    let again = recorder.take(0, 1, 2)[0].failures.clone();
    let texts: Vec<(&str, u64)> = again.iter().map(|f| (f.message.as_str(), f.count)).collect();
    assert_eq!(texts, [(tables::OTHER_FAILURES, 1), ("boom", 1)]);
}

#[test]
fn names_made_of_data_are_bounded_and_the_rest_is_kept_under_one() {
    let mut recorder = Recorder::new();
    let many = tables::MAX_NAMES as u64 + 500;
    for n in 0..many {
        let name = format!("item {n}");
        let op = recorder.op(&name);
        recorder.record(Measure, op, &sample(Outcome::Ok, 1));
        recorder.check(Measure, &name, n % 2 == 0);
        let kind = if n % 2 == 0 { MetricKind::Counter } else { MetricKind::Trend };
        let metric = recorder.metric(&name, kind).unwrap();
        recorder.observe(Measure, metric, 1.0);
    }
    let known = recorder.op("item 7");
    recorder.record(Measure, known, &sample(Outcome::Ok, 1));
    let taken = recorder.take(0, 0, 1).remove(0);
    let most = tables::MAX_NAMES;
    assert_eq!((taken.ops.len(), taken.checks.len(), taken.metrics.len()), (most + 1, most + 1, most + 2));
    let op = taken.ops.last().unwrap();
    assert_eq!((&*op.name, op.histogram.count()), ("(others)", 500));
    let check = taken.checks.last().unwrap();
    assert_eq!((&*check.name, check.passed, check.failed), ("(others)", 250, 250));
    let others: Vec<(&str, u64)> =
        taken.metrics[most..].iter().map(|metric| (&*metric.name, metric.data.count())).collect();
    assert_eq!(others, [("(other counters)", 250), ("(other trends)", 250)]);
    assert_eq!(taken.ops[7].histogram.count(), 2, "a name that is known stays known");
    assert_eq!(recorder.metric("item 8", MetricKind::Gauge).unwrap_err().is, MetricKind::Counter);
}

#[test]
fn totals_of_two_cores_equal_one_recorder() {
    let mut totals = Totals::new();
    let (mut one, mut expected) = (Recorder::new(), LatencyHistogram::new());
    let mut other = Recorder::new();
    other.op("something else first");
    let (a, b) = (one.op("push"), other.op("push"));
    for us in 1..=500 {
        one.record(Measure, a, &sample(Outcome::Ok, us));
        other.record(Measure, b, &sample(Outcome::Ok, us * 7));
        expected.record_ns(us * 1000);
        expected.record_ns(us * 7000);
    }
    one.record(WarmUp, a, &sample(Outcome::Ok, 9));
    for interval in one.take(0, 0, 1).iter().chain(&other.take(1, 0, 1)) {
        totals.add(interval);
    }
    let measured = totals.window(Measure);
    let push = &measured.ops[&("push".into(), Outcome::Ok)];
    assert_eq!(push.latency, expected);
    assert_eq!(push.items, 1000);
    assert_eq!(totals.window(WarmUp).ops[&("push".into(), Outcome::Ok)].latency.count(), 1);
}

#[test]
fn a_core_is_busy_by_its_cpu_time_over_the_time_that_passed() {
    let mut totals = Totals::new();
    for second in 0..4u64 {
        let mut interval = Interval::empty(0, second * 1_000, (second + 1) * 1_000, Measure);
        interval.cpu_ns = 150 * (second + 1);
        totals.add(&interval);
        // The same second again, as the other window's interval would be: not counted twice.
        totals.add(&interval);
    }
    let core = totals.window(Measure).cores[&0];
    assert_eq!((core.cpu_ns, core.wall_ns), (1_500, 4_000));
    assert!((core.busy_share() - 0.375).abs() < 1e-12);
}

#[test]
fn time_counts_where_the_work_that_was_done_in_it_counts() {
    let mut totals = Totals::new();
    let mut add = |start_ns, end_ns, window, cpu_ns| {
        totals.add(&Interval { cpu_ns, ..Interval::empty(0, start_ns, end_ns, window) });
    };
    // The tick at the end of the warm-up, at 1000, came 2 late, and something of the measured window was recorded.
    add(0, 1_002, WarmUp, 982);
    add(0, 1_002, Measure, 0);
    for second in 0..9 {
        let start_ns = if second == 0 { 1_002 } else { (second + 1) * 1_000 };
        let end_ns = (second + 2) * 1_000;
        add(start_ns, end_ns, Measure, (end_ns - start_ns) * 98 / 100);
        // A turn of the warm-up that ended late.
        add(start_ns, end_ns, WarmUp, 0);
    }
    let core = |window| totals.window(window).cores[&0];
    assert_eq!((core(WarmUp).wall_ns, core(Measure).wall_ns), (1_002, 8_998));
    assert!((core(Measure).busy_share() - 0.98).abs() < 1e-3, "{:?}", core(Measure));
}

#[test]
fn failures_of_all_cores_add_up_most_frequent_first() {
    let mut totals = Totals::new();
    for core in 0..2 {
        let mut recorder = Recorder::new();
        recorder.failure("rare", "a:1:1");
        (0..5).for_each(|_| recorder.failure("boom", "a:2:2"));
        recorder.take(core, 0, 1).iter().for_each(|interval| totals.add(interval));
    }
    let failures: Vec<(String, u64)> = totals.failures().into_iter().map(|f| (f.message, f.count)).collect();
    assert_eq!(failures, [("boom".to_owned(), 10), ("rare".to_owned(), 2)]);
}
