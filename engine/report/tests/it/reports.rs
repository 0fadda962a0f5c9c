//! The Markdown report of finished, killed and damaged runs.

use model::histogram::log::LogWriter;
use model::recorder::Interval;
use report::events::{Event, EventWriter, ServerChange, What};
use report::probes::ProbeWriter;
use report::timeline::{Second, Seconds, TimelineWriter, histograms};
use report::{RunParts, events, json, markdown, probes, recovered, timeline};

use crate::runs::{self, DIRECTORY};

/// The files of a run directory, as bytes.
struct Files {
    timeline: Vec<u8>,
    histograms: Vec<u8>,
    events: Vec<u8>,
    probes: Vec<u8>,
}

impl Files {
    fn written(intervals: &[Interval]) -> Files {
        let mut seconds = Seconds::new(1);
        let mut complete: Vec<Second> = Vec::new();
        intervals.iter().for_each(|interval| complete.extend(seconds.add(interval)));
        complete.extend(seconds.finish());
        let mut timeline = TimelineWriter::new(Vec::new());
        timeline.phase("warm-up", 0);
        timeline.phase("measure", 30_000_000_000);
        let mut log = LogWriter::begin(Vec::new(), 1_763_656_200_000_000).unwrap();
        let mut probes = ProbeWriter::new(Vec::new());
        for second in &complete {
            timeline.write(second).unwrap();
            histograms::write(&mut log, second).unwrap();
            let phase_s = (second.start_ns / 1_000_000_000) % 60;
            probes.write(second.start_ns, "depth", 20.0 + 2.5 * phase_s.abs_diff(30) as f64).unwrap();
        }
        Files {
            timeline: timeline.into_inner().unwrap(),
            histograms: log.into_inner(),
            events: events_written(),
            probes: probes.into_inner().unwrap(),
        }
    }

    fn read(&self) -> RunParts {
        RunParts {
            directory: DIRECTORY.into(),
            timeline: Some(timeline::read(&self.timeline)),
            histograms: Some(histograms::read(&self.histograms)),
            events: Some(events::read(&self.events)),
            probes: Some(probes::read(&self.probes)),
        }
    }
}

fn events_written() -> Vec<u8> {
    let started = What::Server { server: "postgres".into(), change: ServerChange::Started, detail: None };
    let story = [
        (None, started),
        (Some(0), What::Phase { phase: "warm-up".into() }),
        (Some(30_000_000_000), What::Phase { phase: "measure".into() }),
        (
            Some(41_250_000_000),
            What::Failure {
                message: "push: canceling statement | due to <b>statement timeout".into(),
                position: "scenarios/s6_burst.rhai:34:30".into(),
            },
        ),
        (Some(330_000_000_000), What::Phase { phase: "drain".into() }),
    ];
    let mut writer = EventWriter::new(Vec::new());
    for (at_ns, what) in story {
        let unix_us = 1_763_656_200_000_000 + at_ns.unwrap_or(0) / 1000;
        writer.write(&Event { unix_us, at_ns, what }).unwrap();
    }
    writer.into_inner()
}

#[test]
fn a_finished_run() {
    let files = Files::written(&runs::burst_intervals(30, 300));
    let rules =
        [("push", "p(95) < 50ms"), ("pop", "p(99) < 10ms"), ("errors", "rate < 1%"), ("pop", "slope < 1")];
    insta::assert_snapshot!(markdown(&runs::burst(&rules), &files.read()));
}

#[test]
fn what_ends_in_the_drain_belongs_to_the_last_stretch_of_the_window() {
    let mut run = runs::burst_begun();
    run.phases[2].end_s = Some(50.0);
    let mut intervals = runs::burst_intervals(30, 20);
    // The last second again, after the window: turns that were planned in it and ended late.
    let mut late = intervals.last().unwrap().clone();
    (late.start_ns, late.end_ns) = (late.start_ns + 1_000_000_000, late.end_ns + 700_000_000);
    late.scenarios[0].planned = 0;
    intervals.push(late);
    let text = markdown(&run, &Files::written(&intervals).read());
    let last = text.lines().find(|line| line.contains("  19s |")).unwrap();
    assert!(last.contains("|     200.0 |      400.0 |"), "{last}");
    assert!(!text.contains("  20s |"), "{text}");
}

#[test]
fn a_closed_loop_of_which_only_the_run_file_is_left() {
    let parts = RunParts { directory: DIRECTORY.into(), ..RunParts::default() };
    insta::assert_snapshot!(markdown(&runs::broken_cas(), &parts));
}

#[test]
fn a_killed_run_is_reported_from_what_it_wrote() {
    let mut files = Files::written(&runs::burst_intervals(30, 44));
    for bytes in [&mut files.timeline, &mut files.histograms, &mut files.events] {
        let whole = bytes.len();
        bytes.truncate(whole - 17);
    }
    insta::assert_snapshot!(markdown(&runs::burst_begun(), &files.read()));
}

#[test]
fn a_run_killed_before_it_measured_anything() {
    let parts = RunParts { directory: DIRECTORY.into(), ..RunParts::default() };
    insta::assert_snapshot!(markdown(&runs::burst_begun(), &parts));
}

#[test]
fn awkward_names_break_no_table() {
    let text = markdown(&runs::awkward_names(), &RunParts::default());
    for block in text.split("\n\n").filter(|block| block.starts_with('|')) {
        let columns = |line: &str| line.replace("\\|", "").matches('|').count();
        let expected = block.lines().next().map(columns);
        block.lines().for_each(|line| assert_eq!(Some(columns(line)), expected, "{line}"));
    }
    assert!(!text.contains("\x1b") && !text.contains("| <b>"), "{text}");
}

#[test]
fn figures_put_together_again_are_those_of_the_summary() {
    let intervals = runs::burst_intervals(30, 90);
    let files = Files::written(&intervals).read();
    let recovered = recovered(&files.timeline.unwrap().records, &files.histograms.unwrap().records).unwrap();
    let mut expected = model::runfile::Summary::from_totals(&runs::totals(&intervals), 90.0);
    // What the files do not hold.
    expected.ops.iter_mut().for_each(|op| op.classes.clear());
    expected.failures.clear();
    expected.metrics.clear();
    for core in expected.cores.iter_mut().zip(&recovered.cores) {
        assert!((core.0.busy_share - core.1.busy_share).abs() < 1e-4);
        core.0.busy_share = core.1.busy_share;
    }
    assert_eq!(recovered, expected);
}

#[test]
fn the_machine_reads_the_run_file_itself() {
    let run = runs::burst(&[("push", "p(95) < 50ms")]);
    let text = json(&run);
    assert_eq!(model::runfile::RunFile::parse(&text), Ok(run));
    assert!(text.ends_with("}\n"));
}
