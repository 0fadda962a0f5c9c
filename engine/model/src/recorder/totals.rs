//! The sum of all intervals of a run: what summaries and thresholds are computed from.
//!
//! Histograms are merged, never averaged, so totals of many cores and seconds equal those of one big
//! recorder. Deliberately keeps no time axis; that is what the intervals themselves are for.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::WINDOWS;
use super::interval::{Failure, Interval, MetricData, OpInterval, ScenarioInterval};
use super::sample::WindowKind;
use crate::histogram::LatencyHistogram;
use crate::outcome::Outcome;

/// Everything recorded so far.
#[derive(Debug, Clone, Default)]
pub struct Totals {
    windows: [WindowTotals; WINDOWS],
    failures: BTreeMap<(String, String), u64>,
}

/// Everything recorded for turns that were planned in one window.
#[derive(Debug, Clone, Default)]
pub struct WindowTotals {
    /// Operations by name and outcome.
    pub ops: BTreeMap<(Arc<str>, Outcome), OpTotals>,
    /// Iterations by scenario.
    pub scenarios: BTreeMap<Arc<str>, ScenarioTotals>,
    /// Custom metrics by name.
    pub metrics: BTreeMap<Arc<str>, MetricData>,
    /// Checks by name.
    pub checks: BTreeMap<Arc<str>, CheckTotals>,
    /// How busy each core was while this window's turns ran.
    pub cores: BTreeMap<u32, CoreTotals>,
}

/// One operation with one outcome.
#[derive(Debug, Clone, Default)]
pub struct OpTotals {
    /// Service times; its count is the number of operations.
    pub latency: LatencyHistogram,
    /// Waits for a connection, when any operation had to ask for one.
    pub pool_wait: Option<LatencyHistogram>,
    /// How many count as errors.
    pub errors: u64,
    /// How often each error class occurred.
    pub classes: BTreeMap<String, u64>,
    /// Bytes that went out.
    pub bytes_sent: u64,
    /// Bytes that came back.
    pub bytes_received: u64,
    /// Things moved.
    pub items: u64,
}

/// The iterations of one scenario.
#[derive(Debug, Clone, Default)]
pub struct ScenarioTotals {
    /// Start to end of finished iterations.
    pub service: LatencyHistogram,
    /// Planned start to end of finished iterations; open models only.
    pub response: Option<LatencyHistogram>,
    /// Start minus planned start; open models only.
    pub lag: Option<LatencyHistogram>,
    /// Iterations that ran to their end.
    pub done: u64,
    /// Iterations that ended in an unhandled error.
    pub failed: u64,
    /// Iterations that were cancelled.
    pub interrupted: u64,
    /// Arrivals that found no free VU.
    pub dropped: u64,
    /// Arrivals that fell due.
    pub planned: u64,
    /// When the last of its iterations ended, on the run's clock; 0 when nobody said.
    pub last_end_ns: u64,
}

/// One named check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CheckTotals {
    /// How often it held.
    pub passed: u64,
    /// How often it did not.
    pub failed: u64,
}

/// The work of one generator core.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CoreTotals {
    /// CPU time of its thread.
    pub cpu_ns: u64,
    /// The time that passed meanwhile.
    pub wall_ns: u64,
    /// Most VUs inside an iteration at the end of any interval.
    pub vus_busy_max: u64,
    /// Most VUs that existed at the end of any interval.
    pub vus_live_max: u64,
    last_end_ns: u64,
}

impl Totals {
    /// Nothing recorded yet.
    pub fn new() -> Self {
        Totals::default()
    }

    /// Adds one interval. The order of intervals does not matter, except that those of one core should come
    /// as that core sent them (for its CPU share).
    pub fn add(&mut self, interval: &Interval) {
        let window = &mut self.windows[interval.window as usize];
        for op in &interval.ops {
            window.ops.entry((Arc::clone(&op.name), op.outcome)).or_default().add(op);
        }
        for scenario in &interval.scenarios {
            window.scenarios.entry(Arc::clone(&scenario.name)).or_default().add(scenario);
        }
        for metric in &interval.metrics {
            window
                .metrics
                .entry(Arc::clone(&metric.name))
                .and_modify(|data| data.merge(&metric.data))
                .or_insert_with(|| metric.data.clone());
        }
        for check in &interval.checks {
            let totals = window.checks.entry(Arc::clone(&check.name)).or_default();
            totals.passed += check.passed;
            totals.failed += check.failed;
        }
        window.cores.entry(interval.core).or_default().add(interval);
        for Failure { message, position, count } in &interval.failures {
            *self.failures.entry((position.clone(), message.clone())).or_default() += count;
        }
    }

    /// What was recorded for one window.
    pub fn window(&self, window: WindowKind) -> &WindowTotals {
        &self.windows[window as usize]
    }

    /// Distinct failures of both windows, most frequent first.
    pub fn failures(&self) -> Vec<Failure> {
        let mut failures: Vec<Failure> = self
            .failures
            .iter()
            .map(|((position, message), &count)| Failure {
                message: message.clone(),
                position: position.clone(),
                count,
            })
            .collect();
        failures.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.cmp(b)));
        failures
    }
}

impl OpTotals {
    fn add(&mut self, op: &OpInterval) {
        self.latency.merge(&op.histogram);
        merge_optional(&mut self.pool_wait, op.pool_wait.as_ref());
        self.errors += op.errors;
        for (class, count) in &op.classes {
            *self.classes.entry(class.clone()).or_default() += count;
        }
        self.bytes_sent += op.bytes_sent;
        self.bytes_received += op.bytes_received;
        self.items += op.items;
    }
}

impl ScenarioTotals {
    fn add(&mut self, scenario: &ScenarioInterval) {
        if let Some(service) = &scenario.service {
            self.service.merge(service);
        }
        merge_optional(&mut self.response, scenario.response.as_ref());
        merge_optional(&mut self.lag, scenario.lag.as_ref());
        self.done += scenario.done;
        self.failed += scenario.failed;
        self.interrupted += scenario.interrupted;
        self.dropped += scenario.dropped;
        self.planned += scenario.planned;
        self.last_end_ns = self.last_end_ns.max(scenario.last_end_ns);
    }

    /// Iterations that were started.
    pub fn started(&self) -> u64 {
        self.done + self.failed + self.interrupted
    }
}

impl CoreTotals {
    fn add(&mut self, interval: &Interval) {
        self.vus_busy_max = self.vus_busy_max.max(interval.vus_busy);
        self.vus_live_max = self.vus_live_max.max(interval.vus_live);
        // The time without the work that was done in it would make a busy core look idle. A thread that sends an
        // interval has used some, so 0 says that it stands in the other window's.
        if interval.cpu_ns > 0 && interval.end_ns > self.last_end_ns {
            self.wall_ns += interval.end_ns - interval.start_ns.max(self.last_end_ns).min(interval.end_ns);
            self.cpu_ns += interval.cpu_ns;
            self.last_end_ns = interval.end_ns;
        }
    }

    /// The share of the time in which the core was working, 0 to 1.
    pub fn busy_share(&self) -> f64 {
        if self.wall_ns == 0 { 0.0 } else { self.cpu_ns as f64 / self.wall_ns as f64 }
    }
}

fn merge_optional(mine: &mut Option<LatencyHistogram>, theirs: Option<&LatencyHistogram>) {
    if let Some(theirs) = theirs {
        mine.get_or_insert_default().merge(theirs);
    }
}
