//! What load itself costs: `cargo bench -p snapbench-load`, or with `-- closed`, `-- arrivals`, `-- scale` one part.
//!
//! * closed: CPU time of an empty iteration through `try_next` and `finish`, fully recorded.
//! * arrivals: how late iterations start against their plan, and what the dispatching costs, on 2 cores.
//! * scale: memory and timer lateness of VUs that mostly sleep.

// A bench is there to print.
#![allow(clippy::print_stdout)]

use std::{
    sync::{Arc, mpsc},
    time::Duration,
};

use load::{
    Start,
    control::Control,
    core::CoreContext,
    event::Event,
    executor::{ConstantArrivalRate, ConstantVus, Executor},
    plan::{Plan, ScenarioPlan},
    play,
    run::Run,
    time::Time,
    turns::{Next, Turns},
    vu::{Crew, Vu, VuId},
};
use model::{
    arrivals::Pacing,
    histogram::{LatencyHistogram, ValueHistogram},
    recorder::{Ending, MetricData, MetricKind, WindowKind},
    segment::Segment,
};

const S: u64 = 1_000_000_000;

/// Runs empty iterations, or ones that only sleep.
#[derive(Clone, Copy)]
struct Bench {
    sleep_ns: u64,
}

impl Crew for Bench {
    type Vu = Bench;

    fn hire(&self, _: VuId) -> Bench {
        *self
    }
}

impl Vu for Bench {
    async fn live<T: Time>(self, mut turns: Turns<T>) {
        let lateness = (self.sleep_ns > 0).then(|| {
            turns.recorder().borrow_mut().metric("lateness_us", MetricKind::Trend).expect("a name of its own")
        });
        loop {
            let turn = match turns.try_next() {
                Next::Turn(turn) => turn,
                Next::Wait => match turns.next().await {
                    Some(turn) => turn,
                    None => return,
                },
                Next::Stop => return,
            };
            if let Some(lateness) = lateness {
                // Spread over time, as people are.
                let spread = turn.number.wrapping_mul(0x9E37_79B9_7F4A_7C15) % self.sleep_ns;
                let at_ns = turn.started_ns + self.sleep_ns / 2 + spread;
                turns.time().sleep_until(at_ns).await;
                let late_us = (turns.now_ns() - at_ns) as f64 / 1e3;
                turns.recorder().borrow_mut().observe(turn.window, lateness, late_us);
            }
            turns.finish(turn, Ending::Done);
        }
    }
}

#[derive(Default)]
struct Result {
    done: u64,
    dropped: u64,
    cpu_ns: u64,
    covered_ns: u64,
    lag: LatencyHistogram,
    late_p99_us: f64,
    rss_kib: u64,
    coarseness_ns: u64,
}

fn measure(executor: Executor, cores: usize, bench: Bench) -> Result {
    let before_kib = rss_kib();
    let scenario = ScenarioPlan {
        name: "bench".into(),
        executor,
        start_ns: 0,
        graceful_stop_ns: 100_000_000,
        warm_up: true,
    };
    let plan = Plan { scenarios: vec![scenario], seed: 1, segment: Segment::WHOLE, warm_up_ns: S };
    let (sender, events) = mpsc::channel();
    let run = Run::new(plan, cores, Control::new(), sender).expect("a valid plan");
    let listener = std::thread::spawn(move || {
        let mut result = Result::default();
        let mut late = ValueHistogram::new();
        for event in events {
            match event {
                Event::Started { coarseness_ns, .. } => result.coarseness_ns = coarseness_ns,
                Event::Interval(interval) if interval.window == WindowKind::Measure => {
                    result.cpu_ns += interval.cpu_ns;
                    result.covered_ns += interval.end_ns - interval.start_ns;
                    result.rss_kib = result.rss_kib.max(rss_kib().saturating_sub(before_kib));
                    for scenario in &interval.scenarios {
                        result.done += scenario.done;
                        result.dropped += scenario.dropped;
                        scenario.lag.iter().for_each(|lag| result.lag.merge(lag));
                    }
                    for metric in &interval.metrics {
                        if let MetricData::Trend(values) = &metric.data {
                            late.merge(values);
                        }
                    }
                }
                _ => {}
            }
        }
        result.late_p99_us = late.percentile(99.0);
        result
    });
    play(&run, Start::WhenReady, |_: &CoreContext| Ok::<_, String>(bench)).expect("the run");
    drop(run);
    listener.join().expect("the listener")
}

/// Resident memory of this process, where `/proc` tells it.
fn rss_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()).and_then(|kib| kib.parse().ok()).unwrap_or(0)
}

fn closed() {
    println!("closed loop: empty iterations, 5 s each");
    for (cores, vus) in [(1, 1), (1, 100), (2, 2), (2, 200)] {
        let executor = ConstantVus { vus, duration_ns: 5 * S }.into();
        let Result { done, cpu_ns, .. } = measure(executor, cores, Bench { sleep_ns: 0 });
        let ns = cpu_ns as f64 / done as f64;
        println!("  {cores} cores, {vus:>3} VUs: {ns:6.1} ns of CPU an iteration ({done} iterations)");
    }
}

fn arrivals() {
    println!("arrivals: empty iterations on 2 cores, 10 s each");
    for (rate, pacing, max_vus) in [
        (5_000.0, Pacing::Even, 200),
        (5_000.0, Pacing::Poisson, 200),
        (20_000.0, Pacing::Even, 200),
        (20_000.0, Pacing::Poisson, 200),
        (2_000.0, Pacing::Poisson, 1),
    ] {
        let executor = ConstantArrivalRate {
            rate_per_s: rate,
            pacing,
            duration_ns: 10 * S,
            pre_allocated_vus: max_vus / 4,
            max_vus,
        };
        let result = measure(executor.into(), 2, Bench { sleep_ns: 0 });
        println!(
            "  {rate:>6}/s {pacing:?}, {max_vus} VUs: lag p50 {} p99 {} p99.9 {} max {} µs; {} done, {} dropped; \
             {:.1} % of each core; alarm {} µs coarse",
            result.lag.percentile_us(50.0),
            result.lag.percentile_us(99.0),
            result.lag.percentile_us(99.9),
            result.lag.max_us(),
            result.done,
            result.dropped,
            result.cpu_ns as f64 / result.covered_ns as f64 * 100.0,
            result.coarseness_ns / 1_000,
        );
    }
}

fn scale() {
    println!("scale: VUs that sleep for 1 s on average, on 2 cores, 5 s each");
    for vus in [1_000, 10_000, 50_000] {
        let executor = ConstantVus { vus, duration_ns: 5 * S }.into();
        let result = measure(executor, 2, Bench { sleep_ns: S });
        println!(
            "  {vus:>6} VUs: {} bytes of memory each; timers p99 {:.1} ms late; {:.1} % of each core",
            result.rss_kib * 1024 / u64::from(vus),
            result.late_p99_us / 1e3,
            result.cpu_ns as f64 / result.covered_ns as f64 * 100.0,
        );
    }
}

fn main() {
    // Cargo adds `--bench`.
    let asked: Arc<[String]> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let parts: [(&str, fn()); 3] = [("closed", closed), ("arrivals", arrivals), ("scale", scale)];
    for (name, part) in parts {
        if asked.is_empty() || asked.iter().any(|part| part == name) {
            part();
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}
