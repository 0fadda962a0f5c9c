//! Seconds into rows of `timeline.csv`.

use std::io;

use model::histogram::LatencyHistogram;
use model::recorder::{MetricData, ScenarioTotals, WindowKind, WindowTotals};

use super::row::{Row, RowKind, Span, rounded};
use super::seconds::Second;

/// Writes the timeline, second by second. Every row is one line, whatever names a script gives.
pub struct TimelineWriter<W: io::Write> {
    out: csv::Writer<W>,
    /// When each phase began, ascending.
    phases: Vec<(u64, String)>,
}

impl<W: io::Write> TimelineWriter<W> {
    /// A writer that begins `out` with the column names.
    pub fn new(out: W) -> Self {
        TimelineWriter { out: csv::Writer::from_writer(out), phases: Vec::new() }
    }

    /// A phase begins at this time since the run's epoch.
    pub fn phase(&mut self, name: &str, at_ns: u64) {
        self.phases.push((at_ns, name.to_owned()));
        self.phases.sort_by_key(|phase| phase.0);
    }

    /// Writes the rows of one second and hands them on, so that a killed run keeps them.
    pub fn write(&mut self, second: &Second) -> io::Result<()> {
        for row in rows(second, self.phase_at(second.start_ns)) {
            self.out.serialize(row).map_err(io::Error::other)?;
        }
        self.out.flush()
    }

    /// Gives back what was written to.
    pub fn into_inner(self) -> io::Result<W> {
        self.out.into_inner().map_err(|error| error.into_error())
    }

    fn phase_at(&self, at_ns: u64) -> &str {
        self.phases.iter().rev().find(|phase| phase.0 <= at_ns).map_or("", |phase| phase.1.as_str())
    }
}

/// The rows of one second, window by window: the run, its scenarios, operations, metrics, checks, cores.
pub fn rows(second: &Second, phase: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    for window in WindowKind::ALL {
        let totals = second.totals.window(window);
        if totals.cores.is_empty() {
            continue;
        }
        let span = Span {
            t_s: second.start_ns as f64 / 1e9,
            length_s: rounded((second.end_ns - second.start_ns) as f64 / 1e9).max(0.001),
            phase,
            window,
        };
        rows.push(run_row(totals, &span));
        rows.extend(totals.scenarios.iter().map(|(name, scenario)| scenario_row(name, scenario, &span)));
        rows.extend(op_rows(totals, &span));
        rows.extend(totals.metrics.iter().map(|(name, data)| metric_row(name, data, &span)));
        rows.extend(totals.checks.iter().map(|(name, check)| Row {
            errors: Some(check.failed),
            ..Row::new(RowKind::Check, name, &span, check.passed + check.failed)
        }));
        rows.extend(totals.cores.iter().map(|(core, totals)| Row {
            vus_busy: Some(totals.vus_busy_max),
            vus_live: Some(totals.vus_live_max),
            cpu_percent: Some(rounded(totals.busy_share() * 100.0)),
            ..Row::new(RowKind::Core, &core.to_string(), &span, 0)
        }));
    }
    rows
}

fn run_row(totals: &WindowTotals, span: &Span<'_>) -> Row {
    let mut all = ScenarioTotals::default();
    for scenario in totals.scenarios.values() {
        all.service.merge(&scenario.service);
        merge_into(&mut all.response, scenario.response.as_ref());
        merge_into(&mut all.lag, scenario.lag.as_ref());
        all.done += scenario.done;
        all.failed += scenario.failed;
        all.interrupted += scenario.interrupted;
        all.dropped += scenario.dropped;
        all.planned += scenario.planned;
    }
    let mut pool_wait = None;
    totals.ops.values().for_each(|op| merge_into(&mut pool_wait, op.pool_wait.as_ref()));
    let cores = totals.cores.values();
    let busiest = cores.clone().map(|core| core.busy_share()).fold(0.0, f64::max);
    Row {
        kind: RowKind::Run,
        errors: Some(totals.ops.values().map(|op| op.errors).sum()),
        pool_wait_p99_us: percentile(pool_wait.as_ref(), 99.0),
        bytes_sent: Some(totals.ops.values().map(|op| op.bytes_sent).sum()),
        bytes_received: Some(totals.ops.values().map(|op| op.bytes_received).sum()),
        items: Some(totals.ops.values().map(|op| op.items).sum()),
        vus_busy: Some(cores.clone().map(|core| core.vus_busy_max).sum()),
        vus_live: Some(cores.map(|core| core.vus_live_max).sum()),
        cpu_percent: Some(rounded(busiest * 100.0)),
        ..scenario_row("", &all, span)
    }
}

fn scenario_row(name: &str, scenario: &ScenarioTotals, span: &Span<'_>) -> Row {
    // Closed loops plan nothing: no figure rather than zero.
    let is_open = scenario.planned > 0 || scenario.lag.is_some() || scenario.dropped > 0;
    Row {
        response_p50_us: percentile(scenario.response.as_ref(), 50.0),
        response_p99_us: percentile(scenario.response.as_ref(), 99.0),
        lag_p50_us: percentile(scenario.lag.as_ref(), 50.0),
        lag_p99_us: percentile(scenario.lag.as_ref(), 99.0),
        planned: is_open.then_some(scenario.planned),
        achieved: Some(scenario.done + scenario.failed),
        dropped: is_open.then_some(scenario.dropped),
        failed: Some(scenario.failed),
        interrupted: Some(scenario.interrupted),
        ..Row::new(RowKind::Scenario, name, span, scenario.started()).with_latency(&scenario.service)
    }
}

fn op_rows(totals: &WindowTotals, span: &Span<'_>) -> impl Iterator<Item = Row> {
    totals.ops.iter().map(|((name, outcome), op)| Row {
        outcome: Some(*outcome),
        errors: Some(op.errors),
        pool_wait_p99_us: percentile(op.pool_wait.as_ref(), 99.0),
        bytes_sent: Some(op.bytes_sent),
        bytes_received: Some(op.bytes_received),
        items: Some(op.items),
        ..Row::new(RowKind::Op, name, span, op.latency.count()).with_latency(&op.latency)
    })
}

fn metric_row(name: &str, data: &MetricData, span: &Span<'_>) -> Row {
    let value = match data {
        MetricData::Counter { sum, .. } => *sum,
        MetricData::Gauge { last, .. } => *last,
        MetricData::Rate { hits, total } => *hits as f64 / (*total).max(1) as f64,
        MetricData::Trend(values) => values.mean(),
    };
    Row { value: Some(value), ..Row::new(RowKind::Metric, name, span, data.count()) }
}

fn percentile(times: Option<&LatencyHistogram>, percentile: f64) -> Option<u64> {
    times.filter(|times| !times.is_empty()).map(|times| times.percentile_us(percentile))
}

fn merge_into(all: &mut Option<LatencyHistogram>, part: Option<&LatencyHistogram>) {
    if let Some(part) = part {
        all.get_or_insert_default().merge(part);
    }
}
