//! Latency over time, second by second: from the intervals of all cores to one series for each operation.
//!
//! The value of a second is the 95th percentile of everything that ended in it on any core, in ms, from the
//! merged histograms; its point stands in the middle of the second, so recovery is known to a second. Seconds
//! stay open for a moment, because cores report one after the other.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Series;
use crate::histogram::LatencyHistogram;
use crate::outcome::Outcome;
use crate::recorder::Interval;

const SECOND_NS: u64 = 1_000_000_000;
/// A second is closed when intervals this much later arrive.
const OPEN_SECONDS: u64 = 3;
/// The percentile that is watched.
const PERCENTILE: f64 = 95.0;

/// What is watched: an operation (with one outcome, or with any) or a scenario's response time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Op(Arc<str>),
    OpOutcome(Arc<str>, Outcome),
    Iterations,
    Scenario(Arc<str>),
}

/// Builds latency series from intervals, as they come.
#[derive(Debug, Clone, Default)]
pub struct LatencyWatch {
    open: BTreeMap<u64, BTreeMap<Key, LatencyHistogram>>,
    series: BTreeMap<Key, Series>,
    newest_second: u64,
}

impl LatencyWatch {
    /// Nothing watched yet.
    pub fn new() -> Self {
        LatencyWatch::default()
    }

    /// Adds one core's interval. Both windows are watched; the time tells them apart.
    pub fn add(&mut self, interval: &Interval) {
        // The second that most of the interval lies in.
        let second = (interval.start_ns / 2 + interval.end_ns / 2) / SECOND_NS;
        let open = self.open.entry(second).or_default();
        for op in &interval.ops {
            open.entry(Key::Op(Arc::clone(&op.name))).or_default().merge(&op.histogram);
            open.entry(Key::OpOutcome(Arc::clone(&op.name), op.outcome)).or_default().merge(&op.histogram);
        }
        for scenario in &interval.scenarios {
            if let Some(times) = scenario.response.as_ref().or(scenario.service.as_ref()) {
                open.entry(Key::Iterations).or_default().merge(times);
                open.entry(Key::Scenario(Arc::clone(&scenario.name))).or_default().merge(times);
            }
        }
        self.newest_second = self.newest_second.max(second);
        self.close_until(self.newest_second.saturating_sub(OPEN_SECONDS));
    }

    /// Closes what is still open: no more intervals come.
    pub fn finish(&mut self) {
        self.close_until(u64::MAX);
    }

    /// The series of an operation, of one outcome of it when given.
    pub fn op(&self, name: &str, outcome: Option<Outcome>) -> Option<&Series> {
        let name = Arc::from(name);
        self.series.get(
            &outcome.map_or_else(|| Key::Op(Arc::clone(&name)), |o| Key::OpOutcome(Arc::clone(&name), o)),
        )
    }

    /// The series of the iterations' response time (service time in closed loops), of one scenario when
    /// given.
    pub fn iterations(&self, scenario: Option<&str>) -> Option<&Series> {
        self.series.get(&scenario.map_or(Key::Iterations, |name| Key::Scenario(name.into())))
    }

    fn close_until(&mut self, second: u64) {
        let still_open = self.open.split_off(&second);
        for (second, histograms) in std::mem::replace(&mut self.open, still_open) {
            for (key, histogram) in histograms {
                let middle_ns = second * SECOND_NS + SECOND_NS / 2;
                let ms = histogram.percentile_us(PERCENTILE) as f64 / 1000.0;
                self.series.entry(key).or_default().push(middle_ns, ms);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Expect;
    use crate::recorder::{Recorder, Sample, WindowKind};

    fn second_of(core: u32, second: u64, ms: &[u64]) -> Interval {
        let mut recorder = Recorder::new();
        let op = recorder.op("push");
        for ms in ms {
            let sample = Sample {
                outcome: if *ms > 50 { Outcome::Timeout } else { Outcome::Ok },
                class: None,
                expect: Expect::Normal,
                service_ns: ms * 1_000_000,
                pool_wait_ns: None,
                bytes_sent: 0,
                bytes_received: 0,
                items: 0,
            };
            recorder.record(WindowKind::Measure, op, &sample);
        }
        recorder.take(core, second * SECOND_NS, (second + 1) * SECOND_NS).remove(0)
    }

    #[test]
    fn a_second_is_the_percentile_of_all_cores_together() {
        let mut watch = LatencyWatch::new();
        // 10 fast ones on one core, 10 slow ones on the other: the 95th percentile is slow. Averaging two
        // percentiles would give half of it.
        watch.add(&second_of(0, 4, &[1; 10]));
        watch.add(&second_of(1, 4, &[40; 10]));
        watch.add(&second_of(0, 5, &[2; 10]));
        assert!(watch.op("push", None).is_none(), "still open");
        watch.finish();
        let points = watch.op("push", None).unwrap().points();
        assert_eq!(points.len(), 2);
        assert_eq!(points[0].t_ns, 4_500_000_000);
        assert!((points[0].value - 40.0).abs() < 0.05, "{points:?}");
        assert!((points[1].value - 2.0).abs() < 0.01);
    }

    #[test]
    fn outcomes_have_series_of_their_own() {
        let mut watch = LatencyWatch::new();
        watch.add(&second_of(0, 0, &[10, 100]));
        watch.add(&second_of(0, 9, &[10]));
        assert_eq!(watch.op("push", Some(Outcome::Timeout)).map(|series| series.points().len()), Some(1));
        assert_eq!(watch.op("push", Some(Outcome::Conflict)), None);
        assert_eq!(watch.op("pop", None), None);
    }
}
