//! What a run has recorded so far: totals, series, seconds. Events of the load go in; rows, ticks and judgements
//! come out.

use std::{collections::BTreeMap, time::Duration};

use load::{executor::Executor, phase::Phase};
use model::{
    healing::{FaultFigure, Faulted, LoadWatch},
    recorder::{Interval, Totals, WindowKind, WindowTotals},
    runfile::{FaultRecord, LedgerRecord, SeriesSummary, WaitRecord},
    series::{LatencyWatch, Series},
    threshold::{Judgement, Measured, SweepFigures, ThresholdRule, judge},
};
use report::{
    progress::Tick,
    timeline::{Second, Seconds},
};
use script::{ScenarioOptions, SweepOptions};

use crate::{plan::Planned, steps::Steps};

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
    bursts_ns: Vec<(u64, u64)>,
    /// Faults that began, on the run's clock.
    faults_ns: Vec<(u64, u64)>,
    /// What is known of the load second by second, for faults; nothing without any.
    load_watch: Option<LoadWatch>,
    /// What became of the faults, once the load is over.
    fault_figures: Vec<FaultFigure>,
    has_schedule: bool,
    errors: u64,
    dropped: u64,
    /// The steps of a sweep.
    pub(crate) steps: Steps,
    /// What the sweep came to.
    swept: Option<SweepFigures>,
}

impl Tally {
    /// Nothing recorded yet. `scenarios` tell where bursts are planned, behind a warm-up of that length.
    pub(crate) fn new(cores: usize, scenarios: &[ScenarioOptions], warm_up_ns: u64) -> Self {
        let mut bursts_ns = Vec::new();
        let mut has_schedule = false;
        for scenario in scenarios {
            has_schedule |= scenario.executor.pre_allocated_vus().is_some();
            if let Executor::ArrivalRate(open) = &scenario.executor {
                let start_s = scenario.start.as_secs_f64() + warm_up_ns as f64 / 1e9;
                let bursts = open.shape.bursts().into_iter();
                let on_clock = |s: f64| ((s + start_s) * 1e9) as u64;
                bursts_ns.extend(bursts.map(|(from_s, to_s)| (on_clock(from_s), on_clock(to_s))));
            }
        }
        Self {
            totals: Totals::new(),
            watch: LatencyWatch::new(),
            seconds: Seconds::new(cores),
            probes: BTreeMap::new(),
            ledgers: BTreeMap::new(),
            bursts_ns,
            faults_ns: Vec::new(),
            load_watch: None,
            fault_figures: Vec::new(),
            has_schedule,
            errors: 0,
            dropped: 0,
            steps: Steps::default(),
            swept: None,
        }
    }

    /// Watches as well how the load comes through its faults, if it has any.
    pub(crate) fn watching_faults(self, has_faults: bool) -> Self {
        Self { load_watch: has_faults.then(LoadWatch::new), ..self }
    }

    /// With the steps of a sweep, told apart from here on.
    pub(crate) fn with_sweep(mut self, sweep: Option<&SweepOptions>, planned: &Planned) -> Self {
        self.steps = Steps::new(sweep, &planned.scenarios, planned.plan.warm_up_ns);
        let is_swept = planned.scenarios.iter().any(|scenario| scenario.step.is_some());
        self.swept = is_swept.then(|| SweepFigures::none("the sweep is not over"));
        self
    }

    /// The sweep is over, and came to this.
    pub(crate) fn swept(&mut self, figures: SweepFigures) {
        self.swept = Some(figures);
    }

    /// Takes one core's interval; returns the seconds this completes.
    pub(crate) fn interval(&mut self, interval: &Interval) -> Vec<Second> {
        self.totals.add(interval);
        self.watch.add(interval);
        if let Some(watch) = &mut self.load_watch {
            watch.add(interval);
        }
        self.steps.interval(interval);
        let seconds = self.seconds.add(interval);
        self.steps.seconds(&seconds);
        seconds
    }

    /// A core sends no more; returns the seconds this completes.
    pub(crate) fn core_done(&mut self, core: usize) -> Vec<Second> {
        let seconds = self.seconds.core_done(u32::try_from(core).unwrap_or(u32::MAX));
        self.steps.seconds(&seconds);
        seconds
    }

    /// Nobody sends any more; returns what is left.
    pub(crate) fn finish(&mut self) -> Vec<Second> {
        self.watch.finish();
        let seconds = std::mem::replace(&mut self.seconds, Seconds::new(0)).finish();
        self.steps.seconds(&seconds);
        seconds
    }

    /// Takes one value of a probe.
    pub(crate) fn sample(&mut self, name: &str, at_ns: u64, value: f64) {
        self.probes.entry(name.to_owned()).or_default().push(at_ns, value);
    }

    /// The load was disturbed on purpose from the first to the second time on the run's clock.
    pub(crate) fn disturbed(&mut self, span_ns: (u64, u64)) {
        self.faults_ns.push(span_ns);
    }

    /// Says of each fault how the load came through it, now that it is over.
    pub(crate) fn heal(&mut self, faults: &mut [FaultRecord], window_ns: (u64, u64)) {
        let Some(watch) = &self.load_watch else { return };
        let ns = |s: f64| (s * 1e9).round() as u64;
        let span_ns = |fault: &FaultRecord| (ns(fault.at_s), ns(fault.until_s.unwrap_or(fault.at_s)));
        let began = || faults.iter().filter(|fault| fault.took_hold.is_some());
        let faults_ns: Vec<_> = began().map(span_ns).collect();
        let faulted = Faulted { window_ns, faults_ns: &faults_ns, others_ns: &self.bursts_ns };
        let courses = watch.courses(self.watch.iterations(None), faulted);
        let began = faults.iter_mut().filter(|fault| fault.took_hold.is_some());
        began.zip(courses).for_each(|(fault, course)| fault.recovery = Some(course));
        let figures = faults.iter().map(|fault| FaultFigure {
            kind: fault.kind.clone(),
            took_hold: fault.took_hold,
            course: fault.recovery.clone(),
        });
        self.fault_figures = figures.collect();
    }

    /// Every series of a probe, summed up over a window.
    pub(crate) fn series(&self, window_ns: (u64, u64)) -> Vec<SeriesSummary> {
        self.probes.iter().filter_map(|(name, series)| SeriesSummary::of(name, series, window_ns)).collect()
    }

    /// Takes what ledgers found; thresholds see the sum over all of them, and of waits the longest.
    pub(crate) fn ledgers(&mut self, records: &[LedgerRecord]) {
        for record in records {
            for (name, figure) in &record.figures {
                *self.ledgers.entry(format!("ledger.{name}")).or_default() += *figure as f64;
            }
            for (name, time_ms) in record.waits.iter().flat_map(WaitRecord::times_ms) {
                let longest_ms = self.ledgers.entry(format!("ledger.{name}")).or_default();
                *longest_ms = longest_ms.max(time_ms);
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
            .with_disturbances(self.bursts_ns.iter().chain(&self.faults_ns).copied().collect())
            .with_faults(&self.fault_figures);
        for (name, series) in &self.probes {
            figures = figures.with_samples(name, series);
        }
        for (name, number) in &self.ledgers {
            figures = figures.with_number(name, *number);
        }
        if let Some(swept) = &self.swept {
            figures = figures.with_sweep(swept);
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
    let peak = |shape: &model::shape::Shape| {
        shape.sample(1001).into_iter().map(|(_, rate)| rate).fold(0.0, f64::max)
    };
    let limit = |scenario: &'_ ScenarioOptions| match &scenario.executor {
        Executor::ArrivalRate(open) => (Some(peak(&open.shape)), u64::from(open.max_vus)),
        Executor::Replay(replay) => (Some(peak(&replay.curve())), u64::from(replay.max_vus)),
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use load::executor::{ArrivalRate, ConstantVus};
    use model::{
        arrivals::Pacing,
        outcome::{Expect, Outcome},
        recorder::{Ending, IterationSample, Recorder, Sample},
        shape::Shape,
    };
    use script::Exec;

    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn scenario(executor: Executor) -> ScenarioOptions {
        ScenarioOptions {
            name: "traffic".to_owned(),
            exec: Exec { function: "work".to_owned(), takes_vu: true },
            executor,
            start: Duration::from_secs(1),
            graceful_stop: Duration::ZERO,
            tags: BTreeMap::new(),
            trace: None,
            held: None,
            turn: None,
            is_swept: true,
            step: None,
        }
    }

    fn open() -> ScenarioOptions {
        scenario(Executor::ArrivalRate(ArrivalRate {
            shape: Arc::new(Shape::Spike { base: 10.0, base_for_s: 4.0, peak: 50.0, peak_for_s: 2.0 }),
            pacing: Pacing::Even,
            duration_ns: 6 * SECOND,
            pre_allocated_vus: 1,
            max_vus: 30,
        }))
    }

    /// One second of one core: 4 arrivals, one of them dropped, 3 iterations of so many ms, one error.
    fn interval(core: u32, second: u64, ms: u64) -> Interval {
        let mut recorder = Recorder::new();
        let (op, traffic) = (recorder.op("push"), recorder.scenario("traffic"));
        let window = WindowKind::Measure;
        recorder.planned(window, traffic, 4);
        recorder.dropped(window, traffic, 1);
        for n in 0..3 {
            let outcome = if n == 0 { Outcome::Timeout } else { Outcome::Ok };
            let sample = Sample {
                outcome,
                class: None,
                expect: Expect::Normal,
                service_ns: ms * 1_000_000,
                pool_wait_ns: None,
                bytes_sent: 0,
                bytes_received: 0,
                items: 0,
            };
            recorder.record(window, op, &sample);
            let times = ms * 1_000_000;
            let sample = IterationSample {
                lag_ns: Some(0),
                service_ns: times,
                response_ns: times,
                ending: Ending::Done,
            };
            recorder.iteration(window, traffic, sample);
        }
        let mut interval = recorder.take(core, second * SECOND, (second + 1) * SECOND).remove(0);
        (interval.vus_busy, interval.vus_live) = (1, 2);
        interval
    }

    #[test]
    fn a_tick_is_one_second_of_all_cores_and_counts_of_the_whole_run() {
        let mut tally = Tally::new(2, &[open()], 0);
        let mut seconds = Vec::new();
        for second in 0..3 {
            seconds.extend(tally.interval(&interval(0, second, 10)));
            seconds.extend(tally.interval(&interval(1, second, 30)));
        }
        assert_eq!(seconds.len(), 2, "the third is still open");
        let total = Some(Duration::from_secs(6));
        tally.tick(&seconds[0], Phase::Measure, total);
        let tick = tally.tick(&seconds[1], Phase::Measure, total);
        assert_eq!((tick.planned_per_s, tick.achieved_per_s), (Some(8.0), 6.0));
        assert_eq!((tick.errors, tick.dropped), (4, 4));
        assert_eq!((tick.busy_vus, tick.live_vus), (2, 4));
        assert_eq!(tick.elapsed, Duration::from_secs(2));
        assert!(tick.p50_us.is_some_and(|us| us.abs_diff(10_000) < 20), "{tick:?}");
        assert!(tick.p99_us.is_some_and(|us| us.abs_diff(30_000) < 40), "{tick:?}");
        assert_eq!(tally.core_done(0).len() + tally.core_done(1).len(), 1);
        assert!(tally.finish().is_empty());
    }

    #[test]
    fn thresholds_see_operations_probes_and_the_sum_of_ledgers() {
        let mut tally = Tally::new(1, &[open()], 0);
        tally.interval(&interval(0, 0, 10));
        tally.sample("depth", SECOND / 2, 7.0);
        let record = |duplicates| LedgerRecord {
            figures: [("duplicates".to_owned(), duplicates)].into(),
            ..LedgerRecord::default()
        };
        tally.ledgers(&[record(2), record(3)]);
        let rules: Vec<ThresholdRule> = [
            ("push", "count == 3"),
            ("depth", "max < 5"),
            ("ledger.duplicates", "value == 5"),
            ("nothing", "count > 0"),
        ]
        .iter()
        .map(|(metric, text)| ThresholdRule::parse(metric, text).unwrap())
        .collect();
        let passed: Vec<Option<bool>> =
            tally.judge(&rules, (0, SECOND)).iter().map(|found| found.passed).collect();
        assert_eq!(passed, [Some(true), Some(false), Some(true), None]);
    }

    #[test]
    fn bursts_stand_where_the_warm_up_and_the_start_put_them() {
        let tally = Tally::new(1, &[open()], 2 * SECOND);
        assert_eq!(tally.bursts_ns, [(7 * SECOND, 9 * SECOND)]);
        let closed = scenario(Executor::ConstantVus(ConstantVus { vus: 5, duration_ns: SECOND }));
        assert!(Tally::new(1, &[closed], 0).bursts_ns.is_empty());
    }

    #[test]
    fn limits_are_the_peak_and_the_users() {
        let closed = scenario(Executor::ConstantVus(ConstantVus { vus: 5, duration_ns: SECOND }));
        let both = [open(), closed];
        assert_eq!(limits(&both), [("traffic", Some(50.0), 30), ("traffic", None, 5)]);
    }
}
