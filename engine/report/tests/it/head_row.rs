//! a0_head_row as the runner would leave it: a table under updates with probes, marks, a fault, a gate and tables
//! of the script's own. Half an hour, a look every 30 s, without any randomness.

use model::gate::{Gate, judge_gate};
use model::healing::{FaultCourse, Healing};
use model::outcome::Outcome;
use model::recorder::{Ending, IterationSample, Recorder, Totals, WindowKind};
use model::runfile::{
    FaultRecord, LedgerRecord, PhaseTimes, ProbeRecord, ReportTable, RunFile, SeriesSummary, ThresholdRecord,
};
use model::series::Series;
use model::threshold::{Measured, ThresholdRule, judge};
use report::RunParts;
use report::events::{self, Event, EventWriter, What};
use report::probes::{self, ProbeWriter};

use crate::runs::{DIRECTORY, begun, finish, sample};

const SECOND_NS: u64 = 1_000_000_000;
/// The measured window.
const WINDOW_S: (u64, u64) = (30, 1_830);
const QUESTION: &str = "A0 · Head row\nQuestion: does the simple schema hold under updates?";

/// The value of a series at the n-th look.
type At = fn(u64) -> f64;

/// What the probes saw: name and value at the n-th look. The last look comes after the drain.
fn seen() -> Vec<(&'static str, At)> {
    vec![
        ("run_head.hot_ratio", |n| 0.957 + 0.02 * ((n * 7 % 10) as f64 / 10.0)),
        ("run_head.hot_ratio_overall", |n| 0.96 + 0.008 * (1.0 - (-(n as f64) / 8.0).exp())),
        ("run_head.heap_bytes", |n| 9.5e6 + 2e5 * (1.0 - (-(n as f64) / 4.0).exp())),
        ("run_head.index_bytes", |n| 3.9e6 + 8192.0 * (n / 20) as f64),
        ("run_head.total_bytes", |n| 13.4e6 + 2e5 * (1.0 - (-(n as f64) / 4.0).exp())),
        ("run_head.size_per_row", |n| 134.0 + 2.0 * (1.0 - (-(n as f64) / 4.0).exp())),
        ("run_head.dead_percent", |n| 2.0 + 6.0 * ((n * 3 % 8) as f64 / 8.0)),
        ("run_head.free_percent", |n| 11.0 - 4.0 * ((n * 3 % 8) as f64 / 8.0)),
        ("run_head.live_rows", |_| 100_000.0),
        ("run_head.autovacuum_count", |n| (n / 4) as f64),
        ("run_head_pkey.bytes", |_| 3.9e6),
        ("run_head_pkey.leaf_density_percent", |n| 89.2 - 0.01 * n as f64),
        ("run_head_pkey.scans", |n| 900.0 * n as f64),
        ("postgres.wal_bytes_per_s", |n| 1.2e6 + 1e4 * (n % 3) as f64),
        ("postgres.xid_age", |n| 27_000.0 * n as f64),
        ("postgres.wait.Lock.tuple", |_| 0.0),
        ("host.cpu_percent", |n| 61.0 + (n % 5) as f64),
        ("depth", |n| (n % 3) as f64),
    ]
}

fn series(value: At) -> Series {
    // 60 looks in the window, and a last one after the drain.
    (0..60).map(|n| ((45 + 30 * n) * SECOND_NS, value(n))).chain([(1_833 * SECOND_NS, value(60))]).collect()
}

/// What became of the run.
pub(crate) enum Fate {
    /// Everything holds.
    Go,
    /// The HOT share is too low for the gate, and a ledger fails.
    NoGo,
    /// Only the first five looks are there.
    TooShort,
}

pub(crate) fn run(fate: &Fate) -> RunFile {
    let mut run = begun("a0_head_row", QUESTION);
    run.duration_s = Some(1_800.0);
    let phase = |name: &str, start_s, end_s| PhaseTimes { name: name.into(), start_s, end_s: Some(end_s) };
    run.phases =
        vec![phase("setup", -4.0, 0.0), phase("warm_up", 0.0, 30.0), phase("measure", 30.0, 1_830.0)];
    finish(&mut run, &load(), 1_800.0, &[("transition", "p(99) < 20ms"), ("errors", "rate < 0.1%")]);
    let (window_ns, every): ((u64, u64), Vec<(&str, Series)>) = (
        match fate {
            Fate::TooShort => (WINDOW_S.0 * SECOND_NS, 180 * SECOND_NS),
            _ => (WINDOW_S.0 * SECOND_NS, WINDOW_S.1 * SECOND_NS),
        },
        seen().into_iter().map(|(name, value)| (name, series(value))).collect(),
    );
    run.series =
        every.iter().filter_map(|(name, series)| SeriesSummary::of(name, series, window_ns)).collect();
    run.probes = probes_and_their_cost();
    run.ledgers = vec![ledger(!matches!(fate, Fate::NoGo))];
    decide(&mut run, &every, window_ns, if matches!(fate, Fate::NoGo) { "97%" } else { "90%" });
    run.faults = vec![
        FaultRecord {
            kind: "hold_xmin".into(),
            at_s: 630.0,
            until_s: Some(750.04),
            took_hold: Some(true),
            finding: "backend_xmin of the holder stood at 48,211 until it ended".into(),
            recovery: Some(FaultCourse {
                outage_s: 0.042,
                calm_gap_s: Some(0.051),
                errors_back: Healing::NeverLeft,
                response_back: Healing::NotBack { s: 2_370.0 },
                ..FaultCourse::default()
            }),
        },
        FaultRecord {
            kind: "kill_backends".into(),
            at_s: 900.0,
            until_s: None,
            took_hold: Some(false),
            finding: "the server listed no connection of the load".into(),
            recovery: Some(FaultCourse {
                outage_s: 1.268,
                calm_gap_s: Some(0.051),
                errors: 1_234,
                error_classes: [("57P01".to_owned(), 1_200), ("refused".to_owned(), 34)].into(),
                errors_back: Healing::After { s: 2.96 },
                response_back: Healing::TooShort,
            }),
        },
        FaultRecord {
            kind: "pause".into(),
            at_s: 2_500.0,
            finding: "the load ended before it was due".into(),
            ..FaultRecord::default()
        },
    ];
    run.tables = vec![ReportTable {
        title: "Does the head row hold?".into(),
        columns: ["fillfactor", "active", "HOT", "heap", "bytes/row", "verdict"].map(str::to_owned).into(),
        rows: [
            ["90", "100,000", "96.9 %", "9.70 MB", "136", "holds"],
            ["70", "100,000", "98.3 %", "12.1 MB", "161", "holds, dearer | larger"],
        ]
        .map(|row| row.map(str::to_owned).into())
        .into(),
        notes: vec!["One look every 30 s; sizes are those of the last look.".into()],
    }];
    run.exit_code = Some(if matches!(fate, Fate::Go) { 0 } else { 99 });
    run
}

/// Updates at 900 a second, sampled thin.
fn load() -> Totals {
    let mut recorder = Recorder::new();
    let (transition, workers) = (recorder.op("transition"), recorder.scenario("workers"));
    for n in 0..12_000_u64 {
        let service_ns = 900_000 + (n * 7_919 % 4_001) * 1_000;
        let outcome = if n % 1_999 == 0 { Outcome::Conflict } else { Outcome::Ok };
        recorder.record(WindowKind::Measure, transition, &sample(outcome, service_ns));
        let iteration = IterationSample { lag_ns: None, service_ns, response_ns: 0, ending: Ending::Done };
        recorder.iteration(WindowKind::Measure, workers, iteration);
    }
    let mut totals = Totals::new();
    recorder.take(0, 30 * SECOND_NS, 1_830 * SECOND_NS).iter().for_each(|interval| totals.add(interval));
    totals
}

fn ledger(passed: bool) -> LedgerRecord {
    let duplicates = if passed { 0 } else { 2 };
    LedgerRecord {
        name: "heads".into(),
        kind: "cas".into(),
        passed,
        figures: [("acknowledged", 11_993), ("duplicates", duplicates), ("gaps", 0), ("completed", 811)]
            .map(|(name, count)| (name.to_owned(), count))
            .into(),
        examples: if passed { vec![] } else { vec!["run-17: step 4 was acknowledged twice".into()] },
        ..LedgerRecord::default()
    }
}

fn probes_and_their_cost() -> Vec<ProbeRecord> {
    let probe = |name: &str, every_s, looks, mean_ms| ProbeRecord {
        name: name.into(),
        every_s,
        looks,
        mean_ms,
        max_ms: 4.0 * mean_ms,
        ..ProbeRecord::default()
    };
    let mut tuples = probe("postgres.tuples", 30.0, 61, 41.0);
    tuples.failures = 2;
    tuples.lacks = vec![
        "pgstattuple is not installed: dead_percent comes from the statistics (CREATE EXTENSION pgstattuple)"
            .into(),
    ];
    vec![probe("postgres.tables", 30.0, 61, 3.1), tuples, probe("host", 1.0, 1_803, 0.21)]
}

/// Thresholds of the gate and the gate, judged as the runner does.
fn decide(run: &mut RunFile, every: &[(&str, Series)], window_ns: (u64, u64), hot: &str) {
    let totals = load();
    let mut figures = Measured::new(totals.window(WindowKind::Measure), window_ns);
    for (name, series) in every {
        figures = figures.with_samples(name, series);
    }
    let hot = format!("avg > {hot}");
    let records: Vec<ThresholdRecord> = [
        ("run_head.hot_ratio", hot.as_str()),
        ("run_head.dead_percent", "max < 20"),
        ("run_head.dead_percent", "plateau"),
        ("run_head.heap_bytes", "slope < 1MB/min"),
        ("run_head.size_per_row", "value < 200B"),
    ]
    .into_iter()
    .map(|(metric, text)| {
        let rule = ThresholdRule::parse(metric, text).unwrap();
        let record = ThresholdRecord::new(&rule, &judge(&rule.threshold, &figures));
        ThresholdRecord { gate: Some("phase_0".into()), ..record }
    })
    .collect();
    let gate = Gate {
        name: "phase_0".into(),
        go: "the simple schema holds".into(),
        no_go: "escalate to partitions (a1)".into(),
    };
    run.gates = vec![judge_gate(&gate, &records, &run.ledgers, &[])];
    run.thresholds.extend(records);
}

/// The files of its directory, timeline and histograms left out.
pub(crate) fn files() -> RunParts {
    let mut samples = ProbeWriter::new(Vec::new());
    for (name, value) in seen() {
        for point in series(value).points() {
            samples.write(point.t_ns, name, point.value).unwrap();
        }
    }
    let mut story = vec![
        (30, What::Phase { phase: "measure".into() }),
        (630, What::Mark { text: "fault: a snapshot is held open for 2m".into() }),
    ];
    for n in 1..=15_u64 {
        let t_s = 45 + 120 * (n - 1);
        story.push((t_s, What::Mark { text: format!("autovacuum of run_head (number {n})") }));
        if n % 4 == 0 {
            story.push((t_s + 1, What::Mark { text: "2 checkpoints (timed)".into() }));
        }
    }
    story.sort_by_key(|(t_s, _)| *t_s);
    let mut written = EventWriter::new(Vec::new());
    for (t_s, what) in story {
        let (unix_us, at_ns) = (1_763_656_200_000_000 + t_s * 1_000_000, Some(t_s * SECOND_NS));
        written.write(&Event { unix_us, at_ns, what }).unwrap();
    }
    RunParts {
        directory: DIRECTORY.into(),
        events: Some(events::read(&written.into_inner())),
        probes: Some(probes::read(&samples.into_inner().unwrap())),
        ..RunParts::default()
    }
}
