//! Intervals for tests, made by the real recorder.

use model::outcome::{Expect, Outcome};
use model::recorder::{Ending, Interval, IterationSample, MetricKind, Recorder, Sample, WindowKind};

/// What a core records in one second of a small open-model run: 9 pushes (one of them a conflict, one an
/// error), 10 arrivals of which one was dropped. `length` shortens the second.
pub(crate) fn interval(core: u32, second: u64, length: f64) -> Interval {
    interval_in(WindowKind::Measure, core, second, length)
}

pub(crate) fn interval_in(window: WindowKind, core: u32, second: u64, length: f64) -> Interval {
    let mut recorder = Recorder::new();
    let push = recorder.op("push, \"quoted\"\nname");
    let traffic = recorder.scenario("traffic");
    let depth = recorder.metric("depth", MetricKind::Gauge).unwrap();
    for n in 0..9_u64 {
        let service_ns = (n + 1) * 1_000_000 + u64::from(core) * 100_000;
        let (outcome, class) = match n {
            7 => (Outcome::Conflict, None),
            8 => (Outcome::Error, Some("XX000")),
            _ => (Outcome::Ok, None),
        };
        recorder.record(
            window,
            push,
            &Sample {
                outcome,
                class,
                expect: Expect::Normal,
                service_ns,
                pool_wait_ns: (n == 0).then_some(50_000),
                bytes_sent: 100,
                bytes_received: 200,
                items: 1,
            },
        );
        let sample = IterationSample {
            lag_ns: Some(20_000),
            service_ns,
            response_ns: service_ns + 20_000,
            ending: if n == 8 { Ending::Failed } else { Ending::Done },
        };
        recorder.iteration(window, traffic, sample);
    }
    recorder.planned(window, traffic, 10);
    recorder.dropped(window, traffic, 1);
    recorder.observe(window, depth, 3.5);
    recorder.check(window, "row is there", true);
    recorder.check(window, "row is there", false);
    let start_ns = second * 1_000_000_000;
    let end_ns = start_ns + (length * 1e9) as u64;
    let mut interval = recorder.take(core, start_ns, end_ns).remove(0);
    interval.vus_busy = 2;
    interval.vus_live = 5;
    interval.cpu_ns = (length * 25e7) as u64 * (1 + u64::from(core));
    interval
}
