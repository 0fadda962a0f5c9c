//! Gates, server evidence, faults and the script's own tables, on the terminal and in the report.

use model::runfile::{
    FaultRecord, GateRecord, ProbeRecord, ReportTable, RunState, SeriesSummary, ThresholdRecord,
};
use report::{Page, RunParts, Style, markdown, summary};

use crate::head_row::{Fate, files, run};
use crate::runs::{self, DIRECTORY};

#[test]
fn a_go() {
    insta::assert_snapshot!(summary(&run(&Fate::Go), &Page::plain(DIRECTORY)));
}

#[test]
fn a_no_go_in_colour() {
    let page = Page { style: Style::Colour, ..Page::plain(DIRECTORY) };
    let text = summary(&run(&Fate::NoGo), &page).replace('\x1b', "␛");
    // What stands around it is no different from a go.
    insta::assert_snapshot!(text.split("TOTAL RESULTS").next().unwrap());
    assert!(text.contains("gate phase_0: no-go, escalate to partitions (a1)"), "{text}");
}

#[test]
fn what_is_too_short_to_tell_decides_nothing() {
    let text = summary(&run(&Fate::TooShort), &Page::plain(DIRECTORY));
    insta::assert_snapshot!(text.split("TOTAL RESULTS").next().unwrap());
    assert!(text.contains("✗ FAILED  gate phase_0: not decided"), "{text}");
    // Only a wide terminal has room for the intervals.
    let text = summary(&run(&Fate::TooShort), &Page { columns: 160, ..Page::plain(DIRECTORY) });
    let heap = text.lines().find(|line| line.contains("  heap_bytes ")).unwrap();
    assert!(heap.ends_with("too short to tell"), "{heap}");
}

#[test]
fn on_a_narrow_and_on_a_wide_terminal() {
    let section = |columns| {
        let text = summary(&run(&Fate::Go), &Page { columns, ..Page::plain(DIRECTORY) });
        let from = text.find("  █ SERVER").unwrap();
        text[from..].split("  █ Does").next().unwrap().to_owned()
    };
    let narrow = section(60);
    assert!(narrow.lines().all(|line| line.chars().count() <= 60), "{narrow}");
    assert!(section(160).lines().all(|line| line.chars().count() <= 160));
    insta::assert_snapshot!(format!("{narrow}\n{}\n{}", "=".repeat(80), section(160)));
}

#[test]
fn every_line_fits_a_hundred_columns() {
    for fate in [Fate::Go, Fate::NoGo, Fate::TooShort] {
        for line in summary(&run(&fate), &Page::plain(DIRECTORY)).lines() {
            assert!(line.chars().count() <= 100, "{line}");
            assert_eq!(line.trim_end(), line);
        }
    }
}

#[test]
fn a_hundred_series_are_bounded_on_the_terminal_and_all_in_the_report() {
    let mut run = run(&Fate::Go);
    let one = run.series[0].clone();
    for n in 0..40 {
        for label in ["hot_ratio", "heap_bytes", "dead_percent"] {
            run.series.push(SeriesSummary { name: format!("part_{n:02}.{label}"), ..one.clone() });
        }
    }
    let all = run.series.len();
    let text = summary(&run, &Page::plain(DIRECTORY));
    let from = text.find("  █ SERVER").unwrap();
    let server = text[from..].split("  █ FAULTS").next().unwrap();
    assert!(server.lines().count() < 70, "{server}");
    assert!(server.contains(&format!("    {} more series in report.md", all - 32)), "{server}");
    assert!(markdown(&run, &files()).contains("`part_39.dead_percent`"));
}

#[test]
fn a_page_for_a_design_review() {
    insta::assert_snapshot!(markdown(&run(&Fate::Go), &files()));
}

#[test]
fn a_no_go_says_so_at_the_top_of_the_page() {
    let text = markdown(&run(&Fate::NoGo), &files());
    insta::assert_snapshot!(text.split("## Operations").next().unwrap());
}

#[test]
fn a_killed_run_is_followed_over_time_from_its_samples() {
    let mut run = run(&Fate::Go);
    (run.state, run.exit_code, run.summary) = (RunState::Running, None, None);
    (run.gates, run.faults, run.tables, run.probes, run.series) = Default::default();
    run.thresholds.clear();
    run.ledgers.clear();
    run.phases[2].end_s = None;
    let text = markdown(&run, &files());
    let from = text.find("## Server").unwrap();
    insta::assert_snapshot!(text[from..].split("## What this is valid for").next().unwrap());
}

#[test]
fn conditions_of_a_gate_that_was_never_judged_are_not_decided() {
    let mut run = run(&Fate::Go);
    run.gates.clear();
    run.exit_code = None;
    assert!(summary(&run, &Page::plain(DIRECTORY)).contains("    ? NOT DECIDED  phase_0\n"));
    assert!(markdown(&run, &RunParts::default()).contains("**? NOT DECIDED** phase_0."));
}

#[test]
fn empty_records_leave_no_half_sections() {
    let mut run = runs::nothing_measured();
    run.probes = vec![ProbeRecord { name: "host".into(), every_s: 1.0, ..ProbeRecord::default() }];
    run.faults = vec![FaultRecord { kind: "restart".into(), ..FaultRecord::default() }];
    run.tables =
        vec![ReportTable::default(), ReportTable { title: "Nothing".into(), ..ReportTable::default() }];
    run.gates = vec![GateRecord { name: "empty".into(), ..GateRecord::default() }];
    run.series =
        vec![SeriesSummary { name: "t.heap_bytes".into(), last: 8192.0, ..SeriesSummary::default() }];
    let page = markdown(&run, &RunParts::default());
    let from = page.find("## Decision").unwrap();
    let page = page[from..].split("## Environment").next().unwrap();
    insta::assert_snapshot!(format!(
        "{}\n{}\n\n{page}",
        summary(&run, &Page::plain(DIRECTORY)),
        "=".repeat(80)
    ));
}

#[test]
fn awkward_names_move_no_cursor_and_break_no_table() {
    let mut run = run(&Fate::NoGo);
    let long = "partition_with_a_name_that_somebody_generated_from_a_schema_".repeat(3);
    for name in [long.as_str(), "名前がとても長い表", "two\nlines\x1b[31mred|`pipe`"] {
        run.series.push(SeriesSummary {
            name: format!("{name}.heap_bytes"),
            samples: 3,
            ..SeriesSummary::default()
        });
        run.probes.push(ProbeRecord {
            name: name.into(),
            lacks: vec![name.into()],
            ..ProbeRecord::default()
        });
        let fault = FaultRecord { kind: name.into(), finding: name.into(), ..FaultRecord::default() };
        run.faults.push(fault);
        run.gates.push(GateRecord { name: name.into(), reasons: vec![name.into()], ..GateRecord::default() });
        run.thresholds.push(ThresholdRecord {
            metric: name.into(),
            threshold: "plateau".into(),
            gate: Some(name.into()),
            ..ThresholdRecord::default()
        });
        run.tables.push(ReportTable {
            title: name.into(),
            columns: vec![name.into(), "count".into()],
            rows: vec![vec![name.into(), "12".into()]],
            notes: vec![name.into()],
        });
    }
    let text = summary(&run, &Page::plain(DIRECTORY));
    assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "the cursor is moved");
    let page = markdown(&run, &files());
    assert!(!page.contains(|c: char| c.is_control() && c != '\n'), "{page}");
    for block in page.split("\n\n").filter(|block| block.starts_with('|')) {
        let columns = |line: &str| line.replace("\\|", "").matches('|').count();
        let expected = block.lines().next().map(columns);
        block.lines().for_each(|line| assert_eq!(Some(columns(line)), expected, "{line}"));
    }
}
