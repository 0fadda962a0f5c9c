//! What a run has recorded so far: totals, series, seconds. Events of the load go in; rows, ticks and judgements
//! come out.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use load::{executor::Executor, phase::Phase};
use model::{
    recorder::{Interval, Totals, WindowKind, WindowTotals},
    runfile::LedgerRecord,
    series::{LatencyWatch, Series},
    threshold::{Judgement, Measured, ThresholdRule, judge},
};
use report::{
    progress::Tick,
    timeline::{Second, Seconds},
};
use script::ScenarioOptions;

/// Everything recorded so far.
#[derive(Debug)]
pub(crate) struct Tally {
    pub(crate) totals: Totals,
    watch: LatencyWatch,
    seconds: Seconds,
    probes: BTreeMap<String, Series>,
    /// Names of ledger figures, as thresholds know them, with their sums.
    ledgers: BTreeMap<String, f64>,
    /// Bursts of the planned rates, on the run's clock.
    disturbances_ns: Vec<(u64, u64)>,
    has_schedule: bool,
    errors: u64,
    dropped: u64,
}

impl Tally {
    /// Nothing recorded yet. `scenarios` tell where bursts are planned, behind a warm-up of that length.
    pub(crate) fn new(cores: usize, scenarios: &[ScenarioOptions], warm_up_ns: u64) -> Self {
        let mut disturbances_ns = Vec::new();
        let mut has_schedule = false;
        for scenario in scenarios {
            if let Executor::ArrivalRate(open) = &scenario.executor {
                has_schedule = true;
                let start_s = scenario.start.as_secs_f64() + warm_up_ns as f64 / 1e9;
                let bursts = open.shape.bursts().into_iter();
                let on_clock = |s: f64| ((s + start_s) * 1e9) as u64;
                disturbances_ns.extend(bursts.map(|(from_s, to_s)| (on_clock(from_s), on_clock(to_s))));
            }
        }
        Self {
            totals: Totals::new(),
            watch: LatencyWatch::new(),
            seconds: Seconds::new(cores),
            probes: BTreeMap::new(),
            ledgers: BTreeMap::new(),
            disturbances_ns,
            has_schedule,
            errors: 0,
            dropped: 0,
        }
    }

    /// Takes one core's interval; returns the seconds this completes.
    pub(crate) fn interval(&mut self, interval: &Interval) -> Vec<Second> {
        self.totals.add(interval);
        self.watch.add(interval);
        self.seconds.add(interval)
    }

    /// A core sends no more; returns the seconds this completes.
    pub(crate) fn core_done(&mut self, core: usize) -> Vec<Second> {
        self.seconds.core_done(u32::try_from(core).unwrap_or(u32::MAX))
    }

    /// Nobody sends any more; returns what is left.
    pub(crate) fn finish(&mut self) -> Vec<Second> {
        self.watch.finish();
        std::mem::replace(&mut self.seconds, Seconds::new(0)).finish()
    }

    /// Takes one value of a probe.
    pub(crate) fn sample(&mut self, name: &str, at_ns: u64, value: f64) {
        self.probes.entry(name.to_owned()).or_default().push(at_ns, value);
    }

    /// Takes what ledgers found; thresholds see the sum over all of them.
    pub(crate) fn ledgers(&mut self, records: &[LedgerRecord]) {
        for record in records {
            for (name, figure) in &record.figures {
                *self.ledgers.entry(format!("ledger.{name}")).or_default() += *figure as f64;
            }
        }
    }

    /// The figures of the measured window.
    pub(crate) fn measured(&self) -> &WindowTotals {
        self.totals.window(WindowKind::Measure)
    }

    /// Judges thresholds over a window that reaches from the first to the second time.
    pub(crate) fn judge<'a>(
        &self,
        rules: impl IntoIterator<Item = &'a ThresholdRule>,
        window_ns: (u64, u64),
    ) -> Vec<Judgement> {
        let mut figures = Measured::new(self.measured(), window_ns)
            .with_watch(&self.watch)
            .with_disturbances(self.disturbances_ns.clone());
        for (name, series) in &self.probes {
            figures = figures.with_samples(name, series);
        }
        for (name, number) in &self.ledgers {
            figures = figures.with_number(name, *number);
        }
        rules.into_iter().map(|rule| judge(&rule.threshold, &figures)).collect()
    }

    /// The progress that one complete second means.
    pub(crate) fn tick(&mut self, second: &Second, phase: Phase, total: Option<Duration>) -> Tick {
        let length_s = ((second.end_ns - second.start_ns) as f64 / 1e9).max(1e-3);
        let mut times = model::histogram::LatencyHistogram::new();
        let (mut planned, mut achieved, mut busy_vus, mut live_vus) = (0, 0, 0, 0);
        for window in WindowKind::ALL {
            let window_totals = second.totals.window(window);
            for scenario in window_totals.scenarios.values() {
                planned += scenario.planned;
                achieved += scenario.done + scenario.failed;
                times.merge(scenario.response.as_ref().unwrap_or(&scenario.service));
                if window == WindowKind::Measure {
                    self.dropped += scenario.dropped;
                }
            }
            if window == WindowKind::Measure {
                self.errors += window_totals.ops.values().map(|op| op.errors).sum::<u64>();
            }
            // Both windows of one moment hold the same VUs.
            busy_vus = busy_vus.max(window_totals.cores.values().map(|core| core.vus_busy_max).sum());
            live_vus = live_vus.max(window_totals.cores.values().map(|core| core.vus_live_max).sum());
        }
        let percentile = |percentile| (!times.is_empty()).then(|| times.percentile_us(percentile));
        Tick {
            phase: phase.as_str(),
            elapsed: Duration::from_nanos(second.end_ns),
            total,
            planned_per_s: self.has_schedule.then(|| planned as f64 / length_s),
            achieved_per_s: achieved as f64 / length_s,
            p50_us: percentile(50.0),
            p99_us: percentile(99.0),
            errors: self.errors,
            dropped: self.dropped,
            busy_vus,
            live_vus,
        }
    }
}

/// For each open scenario its highest planned rate, for each scenario its VU limit: what the verdict about the
/// generator needs beside the totals.
pub(crate) fn limits(scenarios: &[ScenarioOptions]) -> Vec<(&str, Option<f64>, u64)> {
    let peak = |shape: &Arc<model::shape::Shape>| {
        shape.sample(1001).into_iter().map(|(_, rate)| rate).fold(0.0, f64::max)
    };
    let limit = |scenario: &'_ ScenarioOptions| match &scenario.executor {
        Executor::ArrivalRate(open) => (Some(peak(&open.shape)), u64::from(open.max_vus)),
        other => (None, u64::from(other.max_vus())),
    };
    scenarios
        .iter()
        .map(|scenario| {
            let (peak, max_vus) = limit(scenario);
            (scenario.name.as_str(), peak, max_vus)
        })
        .collect()
}
