//! Where thresholds get their figures from: a narrow interface, and its implementation over what a run
//! recorded.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::MetricKey;
use super::key::{MetricClass, SWEEP};
use super::of_sweep::SweepFigures;
use crate::healing::FaultFigure;
use crate::histogram::{LatencyHistogram, ValueHistogram};
use crate::recorder::{MetricData, ScenarioTotals, WindowTotals};
use crate::series::{LatencyWatch, Series};

/// What is known about one metric.
#[derive(Debug, Clone)]
pub enum Figure<'a> {
    /// Durations, and their 95th percentile second by second in ms where it was watched.
    Latency {
        /// All durations.
        times: Cow<'a, LatencyHistogram>,
        /// The watched series.
        series: Option<&'a Series>,
    },
    /// So many of so many.
    Share {
        /// How many.
        hits: u64,
        /// Of how many.
        of: u64,
    },
    /// A number of events.
    Counter(f64),
    /// A script's trend.
    Trend(&'a ValueHistogram),
    /// A gauge of which only the extremes are kept.
    Gauge {
        /// The latest value.
        last: f64,
        /// The smallest.
        min: f64,
        /// The largest.
        max: f64,
        /// How often it was set.
        count: u64,
    },
    /// A value over time.
    Samples(&'a Series),
    /// One number.
    Number(f64),
    /// The faults that were done, or were to be.
    Faults(&'a [FaultFigure]),
    /// What a sweep found.
    Sweep(Cow<'a, SweepFigures>),
}

/// What a judge may ask.
pub trait Figures {
    /// What is known about a metric; nothing when there is no such metric.
    fn figure(&self, key: &MetricKey) -> Option<Figure<'_>>;

    /// The names of all metrics beside the built-in ones, for suggestions.
    fn names(&self) -> Vec<String>;

    /// The measured window so far, (start, end) in ns.
    fn window_ns(&self) -> (u64, u64);

    /// Bursts and faults, (start, end) in ns, ascending.
    fn disturbances_ns(&self) -> &[(u64, u64)];
}

/// The figures of a run.
#[derive(Debug, Default)]
pub struct Measured<'a> {
    totals: Option<&'a WindowTotals>,
    watch: Option<&'a LatencyWatch>,
    samples: BTreeMap<String, &'a Series>,
    numbers: BTreeMap<String, f64>,
    sweep: Option<&'a SweepFigures>,
    window_ns: (u64, u64),
    disturbances_ns: Vec<(u64, u64)>,
    faults: &'a [FaultFigure],
}

impl<'a> Measured<'a> {
    /// The figures of the measured window `(start_ns, end_ns)`.
    pub fn new(totals: &'a WindowTotals, window_ns: (u64, u64)) -> Self {
        Measured { totals: Some(totals), window_ns, ..Measured::default() }
    }

    /// With the latencies second by second, for `slope`, `plateau` and `recovery` of operations.
    pub fn with_watch(mut self, watch: &'a LatencyWatch) -> Self {
        self.watch = Some(watch);
        self
    }

    /// With what a probe sampled.
    pub fn with_samples(mut self, name: &str, series: &'a Series) -> Self {
        self.samples.insert(name.to_owned(), series);
        self
    }

    /// With one number, such as `ledger.duplicates`.
    pub fn with_number(mut self, name: &str, number: f64) -> Self {
        self.numbers.insert(name.to_owned(), number);
        self
    }

    /// With what a sweep found.
    pub fn with_sweep(mut self, sweep: &'a SweepFigures) -> Self {
        self.sweep = Some(sweep);
        self
    }

    /// With the bursts and faults, (start, end) in ns, in any order.
    pub fn with_disturbances(mut self, mut disturbances_ns: Vec<(u64, u64)>) -> Self {
        disturbances_ns.sort_unstable();
        self.disturbances_ns = disturbances_ns;
        self
    }

    /// With what the load made of its faults.
    pub fn with_faults(mut self, faults: &'a [FaultFigure]) -> Self {
        self.faults = faults;
        self
    }

    fn op(&self, key: &MetricKey) -> Option<Figure<'a>> {
        let totals = self.totals?;
        let mut parts = totals
            .ops
            .iter()
            .filter(|((name, outcome), _)| {
                **name == *key.name && key.outcome.is_none_or(|wanted| wanted == *outcome)
            })
            .map(|(_, op)| &op.latency);
        let times = match (parts.next(), parts.next()) {
            (Some(only), None) => Cow::Borrowed(only),
            (Some(first), Some(second)) => {
                let mut all = first.clone();
                std::iter::once(second).chain(parts).for_each(|part| all.merge(part));
                Cow::Owned(all)
            }
            // An outcome that never occurred, of an operation that did: none of them.
            _ if totals.ops.keys().any(|(name, _)| **name == *key.name) => {
                Cow::Owned(LatencyHistogram::new())
            }
            _ => return None,
        };
        Some(Figure::Latency { times, series: self.watch.and_then(|watch| watch.op(&key.name, key.outcome)) })
    }

    fn built_in(&self, key: &MetricKey) -> Option<Figure<'a>> {
        let totals = self.totals?;
        match key.name.as_str() {
            "errors" => {
                let ops = totals
                    .ops
                    .iter()
                    .filter(|((name, _), _)| key.op.as_deref().is_none_or(|op| *op == **name));
                let (hits, of) =
                    ops.fold((0, 0), |(hits, of), (_, op)| (hits + op.errors, of + op.latency.count()));
                Some(Figure::Share { hits, of })
            }
            "checks" => {
                let (hits, of) = totals.checks.values().fold((0, 0), |(hits, of), check| {
                    (hits + check.passed, of + check.passed + check.failed)
                });
                Some(Figure::Share { hits, of })
            }
            "iterations" => Some(self.counted(key, |scenario| scenario.done + scenario.failed)),
            "failed_iterations" => {
                let (hits, of) = self.scenarios(key).fold((0, 0), |(hits, of), scenario| {
                    (hits + scenario.failed, of + scenario.done + scenario.failed)
                });
                Some(Figure::Share { hits, of })
            }
            "dropped_iterations" => Some(self.counted(key, |scenario| scenario.dropped)),
            "iteration_duration" => Some(self.timed(key, |scenario| Some(&scenario.service))),
            "iteration_response" => Some(self.timed(key, |scenario| scenario.response.as_ref())),
            "schedule_lag" => Some(self.timed(key, |scenario| scenario.lag.as_ref())),
            "faults" => Some(Figure::Faults(self.faults)),
            SWEEP => Some(Figure::Sweep(match self.sweep {
                Some(found) => Cow::Borrowed(found),
                None => Cow::Owned(SweepFigures::none(
                    "this run has no sweep; give options() a `sweep`, or the run a --sweep",
                )),
            })),
            _ => None,
        }
    }

    fn scenarios(&self, key: &MetricKey) -> impl Iterator<Item = &'a ScenarioTotals> {
        let wanted = key.scenario.clone();
        self.totals
            .into_iter()
            .flat_map(|totals| &totals.scenarios)
            .filter(move |(name, _)| wanted.as_deref().is_none_or(|wanted| *wanted == ***name))
            .map(|(_, scenario)| scenario)
    }

    fn counted(&self, key: &MetricKey, count: impl Fn(&ScenarioTotals) -> u64) -> Figure<'a> {
        Figure::Counter(self.scenarios(key).map(count).sum::<u64>() as f64)
    }

    fn timed(
        &self,
        key: &MetricKey,
        times: impl Fn(&'a ScenarioTotals) -> Option<&'a LatencyHistogram>,
    ) -> Figure<'a> {
        let mut all = LatencyHistogram::new();
        self.scenarios(key).filter_map(times).for_each(|part| all.merge(part));
        let series = match key.name.as_str() {
            "schedule_lag" => None,
            _ => self.watch.and_then(|watch| watch.iterations(key.scenario.as_deref())),
        };
        Figure::Latency { times: Cow::Owned(all), series }
    }

    fn custom(&self, key: &MetricKey) -> Option<Figure<'a>> {
        let data = self.totals?.metrics.get(key.name.as_str())?;
        Some(match data {
            MetricData::Counter { sum, .. } => Figure::Counter(*sum),
            MetricData::Gauge { last, min, max, count, .. } => {
                Figure::Gauge { last: *last, min: *min, max: *max, count: *count }
            }
            MetricData::Rate { hits, total } => Figure::Share { hits: *hits, of: *total },
            MetricData::Trend(values) => Figure::Trend(values),
        })
    }
}

impl Figures for Measured<'_> {
    /// Built-in names win over operations, operations over probes, probes over custom metrics.
    fn figure(&self, key: &MetricKey) -> Option<Figure<'_>> {
        self.built_in(key)
            .or_else(|| self.op(key))
            .or_else(|| self.samples.get(&key.name).map(|series| Figure::Samples(series)))
            .or_else(|| self.custom(key))
            .or_else(|| self.numbers.get(&key.name).map(|number| Figure::Number(*number)))
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        if let Some(totals) = self.totals {
            names.extend(totals.ops.keys().map(|(name, _)| name.to_string()));
            names.extend(totals.metrics.keys().map(ToString::to_string));
        }
        names.extend(self.samples.keys().chain(self.numbers.keys()).cloned());
        names.dedup();
        names
    }

    fn window_ns(&self) -> (u64, u64) {
        self.window_ns
    }

    fn disturbances_ns(&self) -> &[(u64, u64)] {
        &self.disturbances_ns
    }
}

impl Figure<'_> {
    /// What may be asked of it.
    pub fn class(&self) -> MetricClass {
        match self {
            Figure::Latency { .. } => MetricClass::Latency,
            Figure::Share { .. } => MetricClass::Share,
            Figure::Counter(_) => MetricClass::Counter,
            Figure::Trend(_) => MetricClass::Trend,
            Figure::Gauge { .. } | Figure::Samples(_) => MetricClass::Gauge,
            Figure::Number(_) => MetricClass::Number,
            Figure::Faults(_) => MetricClass::Faults,
            Figure::Sweep(_) => MetricClass::Sweep,
        }
    }
}
