//! What recording costs: nanoseconds an operation and an iteration, medians over rounds.
//!
//! `cargo bench -p snapbench-model`. Service times vary as in a real run, so that the histograms' cells are
//! not all one cache line.

#![allow(clippy::print_stdout)] // A benchmark's result is its output.

use std::hint::black_box;
use std::time::Instant;

use model::outcome::{Expect, Outcome};
use model::recorder::{Ending, IterationSample, MetricKind, Recorder, Sample, WindowKind};
use model::seed::IterationRng;

const RECORDS: usize = 1_000_000;
const ROUNDS: usize = 11;

fn main() {
    // Log-normal-like times from 20 µs to some ms.
    let mut rng = IterationRng::from_bits(1);
    let times: Vec<u64> = (0..4096).map(|_| (20_000.0 * (rng.next_unit() * 5.0).exp()) as u64).collect();
    println!("{RECORDS} records a round, median of {ROUNDS} rounds");

    let mut recorder = Recorder::new();
    let op = recorder.op("push");
    let scenario = recorder.scenario("traffic");
    let metric = recorder.metric("size", MetricKind::Trend).expect("a fresh name");
    let sample = |n: usize| Sample {
        outcome: if n.is_multiple_of(10) { Outcome::Conflict } else { Outcome::Ok },
        class: None,
        expect: Expect::Normal,
        service_ns: times[n & 4095],
        pool_wait_ns: None,
        bytes_sent: 100,
        bytes_received: 200,
        items: 1,
    };
    let iteration = |n: usize, lag_ns| IterationSample {
        lag_ns,
        service_ns: times[n & 4095],
        response_ns: times[n & 4095] + 30_000,
        ending: Ending::Done,
    };
    let measure = WindowKind::Measure;
    report("operation", &mut recorder, |r, n| r.record(measure, op, &sample(n)));
    report("operation with a pool", &mut recorder, |r, n| {
        r.record(measure, op, &Sample { pool_wait_ns: Some(times[(n + 7) & 4095]), ..sample(n) });
    });
    report("operation with an error class", &mut recorder, |r, n| {
        r.record(measure, op, &Sample { outcome: Outcome::Error, class: Some("40001"), ..sample(n) });
    });
    report("iteration, closed loop", &mut recorder, |r, n| {
        r.iteration(measure, scenario, iteration(n, None))
    });
    report("iteration, open model", &mut recorder, |r, n| {
        r.iteration(measure, scenario, iteration(n, Some(30_000)));
    });
    report("trend observation", &mut recorder, |r, n| r.observe(measure, metric, times[n & 4095] as f64));
    report("check by name", &mut recorder, |r, n| r.check(measure, "is fast", n.is_multiple_of(2)));
    report_take(&mut recorder, |r| {
        r.record(measure, op, &sample(1));
        r.iteration(measure, scenario, iteration(1, Some(30_000)));
    });
}

fn report(what: &str, recorder: &mut Recorder, mut record: impl FnMut(&mut Recorder, usize)) {
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            for n in 0..RECORDS {
                record(black_box(recorder), n);
            }
            let elapsed = start.elapsed();
            black_box(recorder.take(0, 0, 1));
            elapsed.as_nanos() as f64 / RECORDS as f64
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    println!("{what:30} {:7.1} ns", rounds[ROUNDS / 2]);
}

fn report_take(recorder: &mut Recorder, mut touch: impl FnMut(&mut Recorder)) {
    let mut rounds: Vec<f64> = (0..2000)
        .map(|_| {
            touch(recorder);
            let start = Instant::now();
            black_box(recorder.take(0, 0, 1));
            touch(recorder);
            start.elapsed().as_nanos() as f64 / 1e3
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    println!("{:30} {:7.1} µs", "take + 4 histograms made anew", rounds[1000]);
}
