//! Recording without a lock and without an allocation: one recorder a core, one flat table of cells.
//!
//! A cell is found by index (operation × outcome × window) and its histograms are made when they are first
//! used. Once a second [`Recorder::take`] swaps them for empty ones of the same size, so that recording
//! itself allocates only for what it meets for the first time. Names are interned once, outside the hot
//! path; only the classes of errors, which are rare, are looked up by their text. Deliberately knows no
//! clock: the caller says when.

mod interval;
mod sample;
mod tables;
mod totals;

use std::mem;

pub use interval::{
    CheckInterval, Failure, Interval, MetricData, MetricInterval, MetricKind, OpInterval, ScenarioInterval,
};
pub use sample::{Ending, IterationSample, MetricId, OpId, Sample, ScenarioId, WindowKind};
pub use totals::{CheckTotals, CoreTotals, OpTotals, ScenarioTotals, Totals, WindowTotals};

use crate::histogram::LatencyHistogram;
use crate::outcome::Outcome;
use tables::{Checks, Failures, Metrics, Names, OTHERS};

/// Distinct error classes kept for each operation, outcome and second; more are counted as `other`.
const MAX_CLASSES: usize = 64;
const WINDOWS: usize = WindowKind::ALL.len();

/// The recorder of one core.
#[derive(Debug, Default)]
pub struct Recorder {
    op_names: Names,
    /// `(op * Outcome::COUNT + outcome) * WINDOWS + window`.
    ops: Vec<Option<Box<OpCell>>>,
    scenario_names: Names,
    /// `scenario * WINDOWS + window`.
    scenarios: Vec<ScenarioCell>,
    metrics: Metrics,
    checks: Checks,
    failures: Failures,
    ends_ms: Vec<u32>,
}

/// A metric name that is already taken by another kind of metric.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "metric `{name}` is a {} already and cannot be a {} too; give one of them another name",
    kind_name(*.is),
    kind_name(*.wanted)
)]
pub struct MetricClash {
    /// The name.
    pub name: String,
    /// What it is.
    pub is: MetricKind,
    /// What it was asked to be.
    pub wanted: MetricKind,
}

#[derive(Debug)]
struct OpCell {
    service: LatencyHistogram,
    pool_wait: Option<LatencyHistogram>,
    errors: u64,
    classes: Vec<(String, u64)>,
    bytes_sent: u64,
    bytes_received: u64,
    items: u64,
}

#[derive(Debug, Default)]
struct ScenarioCell {
    service: Option<LatencyHistogram>,
    response: Option<LatencyHistogram>,
    lag: Option<LatencyHistogram>,
    done: u64,
    failed: u64,
    interrupted: u64,
    dropped: u64,
    planned: u64,
    last_end_ns: u64,
}

impl Recorder {
    /// An empty recorder.
    pub fn new() -> Self {
        Recorder::default()
    }

    /// The number of the operation with this name; the same name gives the same number. Not for the hot
    /// path: ask once and keep it. When there are too many names (a thousand), the rest is recorded under `(others)`;
    /// so it is with checks and metrics.
    pub fn op(&mut self, name: &str) -> OpId {
        let id = self.op_names.intern_or(name, OTHERS);
        self.ops.resize_with(self.op_names.len() * Outcome::COUNT * WINDOWS, || None);
        OpId(id)
    }

    /// The name of an operation.
    ///
    /// # Panics
    /// When `op` comes from another recorder that knows more operations.
    pub fn op_name(&self, op: OpId) -> std::sync::Arc<str> {
        self.op_names.get(op.0 as usize)
    }

    /// The number of the scenario with this name.
    pub fn scenario(&mut self, name: &str) -> ScenarioId {
        let id = self.scenario_names.intern(name);
        self.scenarios.resize_with(self.scenario_names.len() * WINDOWS, ScenarioCell::default);
        ScenarioId(id)
    }

    /// Records one operation, in about ten nanoseconds. Allocates only for the first of its operation,
    /// outcome and window, for a new longest duration (a factor of two at a time) and for a new error class.
    ///
    /// # Panics
    /// When `op` comes from another recorder that knows more operations.
    #[inline]
    pub fn record(&mut self, window: WindowKind, op: OpId, sample: &Sample<'_>) {
        let index = (op.0 as usize * Outcome::COUNT + sample.outcome as usize) * WINDOWS + window as usize;
        let cell = self.ops[index].get_or_insert_with(OpCell::boxed);
        cell.service.record_ns(sample.service_ns);
        cell.bytes_sent += sample.bytes_sent;
        cell.bytes_received += sample.bytes_received;
        cell.items += sample.items;
        cell.errors += u64::from(sample.outcome.counts_as_error(sample.expect));
        if let Some(wait_ns) = sample.pool_wait_ns {
            cell.pool_wait.get_or_insert_with(LatencyHistogram::new).record_ns(wait_ns);
        }
        if let Some(class) = sample.class {
            cell.count_class(class);
        }
    }

    /// An operation ended well at this time of the run's clock. Costs a comparison, and memory for each millisecond in which
    /// one did: for runs that ask when there was none.
    #[inline]
    pub fn ended_well(&mut self, now_ns: u64) {
        let ms = u32::try_from(now_ns / 1_000_000).unwrap_or(u32::MAX);
        if self.ends_ms.last().is_none_or(|last| *last < ms) {
            self.ends_ms.push(ms);
        }
    }

    /// Records the end of one iteration. Interrupted iterations are counted but have no durations: theirs
    /// would only say when they were cut off.
    ///
    /// # Panics
    /// When `scenario` comes from another recorder that knows more scenarios.
    #[inline]
    pub fn iteration(&mut self, window: WindowKind, scenario: ScenarioId, sample: IterationSample) {
        let cell = &mut self.scenarios[scenario.0 as usize * WINDOWS + window as usize];
        if let Some(lag_ns) = sample.lag_ns {
            cell.lag.get_or_insert_with(LatencyHistogram::new).record_ns(lag_ns);
        }
        match sample.ending {
            Ending::Done => cell.done += 1,
            Ending::Failed => cell.failed += 1,
            Ending::Interrupted => {
                cell.interrupted += 1;
                return;
            }
        }
        cell.service.get_or_insert_with(LatencyHistogram::new).record_ns(sample.service_ns);
        if sample.lag_ns.is_some() {
            cell.response.get_or_insert_with(LatencyHistogram::new).record_ns(sample.response_ns);
        }
    }

    /// An iteration ended at this time of the run's clock. The latest is kept: who comes next may ask whether somebody was
    /// still there.
    #[inline]
    pub fn ended_at(&mut self, window: WindowKind, scenario: ScenarioId, now_ns: u64) {
        let cell = &mut self.scenarios[scenario.0 as usize * WINDOWS + window as usize];
        cell.last_end_ns = cell.last_end_ns.max(now_ns);
    }

    /// Counts `n` arrivals that fell due, whatever becomes of them.
    pub fn planned(&mut self, window: WindowKind, scenario: ScenarioId, n: u64) {
        self.scenarios[scenario.0 as usize * WINDOWS + window as usize].planned += n;
    }

    /// Counts `n` arrivals that found no free VU.
    pub fn dropped(&mut self, window: WindowKind, scenario: ScenarioId, n: u64) {
        self.scenarios[scenario.0 as usize * WINDOWS + window as usize].dropped += n;
    }

    /// The number of the custom metric with this name and kind; refused when the name is taken by another
    /// kind. Not for the hot path.
    pub fn metric(&mut self, name: &str, kind: MetricKind) -> Result<MetricId, MetricClash> {
        self.metrics.intern(name, kind).map(MetricId)
    }

    /// Adds one observation: what a counter grows by, the value of a gauge or trend, 0 or 1 for a rate. NaN
    /// and infinities are ignored.
    pub fn observe(&mut self, window: WindowKind, metric: MetricId, value: f64) {
        self.metrics.observe(window, metric.0, value);
    }

    /// Counts one check.
    pub fn check(&mut self, window: WindowKind, name: &str, passed: bool) {
        let check = self.checks.intern(name);
        self.checks.count(window, check, passed);
    }

    /// Counts a failure of the script. Each distinct message and position is kept once with its count; when
    /// there are too many distinct ones, the rest is counted under one entry that says so.
    pub fn failure(&mut self, message: &str, position: &str) {
        self.failures.count(message, position);
    }

    /// Swaps out everything recorded since the last call: one interval for each window with data, the
    /// warm-up first. Nothing recorded gives nothing.
    pub fn take(&mut self, core: u32, start_ns: u64, end_ns: u64) -> Vec<Interval> {
        let mut intervals = Vec::new();
        for window in WindowKind::ALL {
            let mut interval = Interval::empty(core, start_ns, end_ns, window);
            self.take_ops(&mut interval);
            self.take_scenarios(&mut interval);
            interval.metrics = self.metrics.take(window, end_ns);
            interval.checks = self.checks.take(window);
            let has_data = !(interval.ops.is_empty()
                && interval.scenarios.is_empty()
                && interval.metrics.is_empty()
                && interval.checks.is_empty());
            if has_data {
                intervals.push(interval);
            }
        }
        let failures = self.failures.take();
        if !failures.is_empty() {
            if intervals.is_empty() {
                intervals.push(Interval::empty(core, start_ns, end_ns, WindowKind::Measure));
            }
            intervals[0].failures = failures;
        }
        // Who ended well recorded something, so there is an interval; without one they wait for the next.
        if let Some(first) = intervals.first_mut() {
            first.ends_ms = mem::take(&mut self.ends_ms);
        }
        intervals
    }

    fn take_ops(&mut self, interval: &mut Interval) {
        let cells = self.ops.iter_mut().enumerate().skip(interval.window as usize).step_by(WINDOWS);
        for (index, slot) in cells {
            let Some(cell) = slot.as_deref_mut().filter(|cell| !cell.service.is_empty()) else { continue };
            let cell = mem::replace(cell, cell.emptied());
            let op_and_outcome = index / WINDOWS;
            interval.ops.push(OpInterval {
                name: self.op_names.get(op_and_outcome / Outcome::COUNT),
                outcome: Outcome::ALL[op_and_outcome % Outcome::COUNT],
                histogram: cell.service,
                pool_wait: cell.pool_wait.filter(|waits| !waits.is_empty()),
                errors: cell.errors,
                classes: cell.classes,
                bytes_sent: cell.bytes_sent,
                bytes_received: cell.bytes_received,
                items: cell.items,
            });
        }
    }

    fn take_scenarios(&mut self, interval: &mut Interval) {
        let cells = self.scenarios.iter_mut().enumerate().skip(interval.window as usize).step_by(WINDOWS);
        for (index, slot) in cells {
            if slot.done + slot.failed + slot.interrupted + slot.dropped + slot.planned == 0 {
                continue;
            }
            let cell = mem::replace(slot, slot.emptied());
            interval.scenarios.push(ScenarioInterval {
                name: self.scenario_names.get(index / WINDOWS),
                service: cell.service.filter(|times| !times.is_empty()),
                response: cell.response.filter(|times| !times.is_empty()),
                lag: cell.lag.filter(|times| !times.is_empty()),
                done: cell.done,
                failed: cell.failed,
                interrupted: cell.interrupted,
                dropped: cell.dropped,
                planned: cell.planned,
                last_end_ns: cell.last_end_ns,
            });
        }
    }
}

impl OpCell {
    /// Out of line, so that the hot path stays small.
    #[cold]
    fn boxed() -> Box<OpCell> {
        Box::new(OpCell {
            service: LatencyHistogram::new(),
            pool_wait: None,
            errors: 0,
            classes: Vec::new(),
            bytes_sent: 0,
            bytes_received: 0,
            items: 0,
        })
    }

    /// The cell for the next second.
    fn emptied(&self) -> OpCell {
        OpCell {
            service: self.service.emptied_like(),
            pool_wait: self.pool_wait.as_ref().map(LatencyHistogram::emptied_like),
            errors: 0,
            classes: Vec::new(),
            bytes_sent: 0,
            bytes_received: 0,
            items: 0,
        }
    }

    #[cold]
    fn count_class(&mut self, class: &str) {
        // A handful at most: comparing them all is cheaper than hashing one.
        let room = self.classes.len() < MAX_CLASSES;
        let name = if room || self.classes.iter().any(|(known, _)| known == class) { class } else { "other" };
        match self.classes.iter_mut().find(|(known, _)| known == name) {
            Some((_, count)) => *count += 1,
            None => self.classes.push((name.to_owned(), 1)),
        }
    }
}

impl ScenarioCell {
    /// The cell for the next second.
    fn emptied(&self) -> ScenarioCell {
        let emptied = |times: &Option<LatencyHistogram>| times.as_ref().map(LatencyHistogram::emptied_like);
        ScenarioCell {
            service: emptied(&self.service),
            response: emptied(&self.response),
            lag: emptied(&self.lag),
            ..ScenarioCell::default()
        }
    }
}

fn kind_name(kind: MetricKind) -> &'static str {
    match kind {
        MetricKind::Counter => "counter",
        MetricKind::Gauge => "gauge",
        MetricKind::Rate => "rate",
        MetricKind::Trend => "trend",
    }
}

#[cfg(test)]
mod tests;
