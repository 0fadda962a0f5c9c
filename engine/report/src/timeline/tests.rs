//! The file as others read it, and reading it back whole, cut off and damaged.

use model::histogram::log::LogWriter;
use model::outcome::Outcome;
use model::recorder::WindowKind;

use super::sample::{interval, interval_in};
use super::*;

fn seconds() -> Vec<Second> {
    let mut seconds = Seconds::new(2);
    for core in 0..2 {
        seconds.add(&interval_in(WindowKind::WarmUp, core, 0, 1.0));
        seconds.add(&interval(core, 1, 1.0));
        seconds.add(&interval_in(WindowKind::WarmUp, core, 1, 1.0));
        seconds.add(&interval(core, 2, 0.5));
    }
    let mut all = Vec::new();
    all.extend(seconds.finish());
    all
}

fn written() -> Vec<u8> {
    let mut all = Seconds::new(1);
    let mut complete = Vec::new();
    let mut writer = TimelineWriter::new(Vec::new());
    writer.phase("warm-up", 0);
    writer.phase("measure", 1_000_000_000);
    writer.phase("drain", 2_000_000_000);
    complete.extend(all.add(&interval_in(WindowKind::WarmUp, 0, 0, 1.0)));
    complete.extend(all.add(&interval(0, 1, 1.0)));
    complete.extend(all.add(&interval(0, 2, 0.5)));
    complete.extend(all.finish());
    complete.iter().for_each(|second| writer.write(second).unwrap());
    writer.into_inner().unwrap()
}

#[test]
fn the_file_is_as_documented() {
    insta::assert_snapshot!(String::from_utf8(written()).unwrap());
}

#[test]
fn rows_of_several_cores_are_merged_and_windows_kept_apart() {
    let seconds = seconds();
    // Both cores were past second 1 before core 1 began: what is still open is the last.
    let second = seconds.last().unwrap();
    let rows = rows(second, "drain");
    let run = rows.iter().find(|row| row.kind == RowKind::Run).unwrap();
    assert_eq!((run.planned, run.achieved, run.dropped, run.errors), (Some(20), Some(18), Some(2), Some(2)));
    assert_eq!((run.count, run.rate_per_s, run.vus_live), (18, 36.0, Some(10)));
    assert_eq!(run.cpu_percent, Some(50.0), "that of the busiest core");
    assert_eq!(run.max_us.map(|us| us / 100), Some(91), "9.1 ms on core 1");
    let ok = rows.iter().find(|row| row.outcome == Some(Outcome::Ok)).unwrap();
    assert_eq!((ok.count, ok.errors, ok.items), (14, Some(0), Some(14)));
    assert_eq!(rows.iter().filter(|row| row.kind == RowKind::Core).count(), 2);
}

#[test]
fn what_was_written_is_read() {
    let bytes = written();
    let read = read(&bytes);
    assert!(!read.cut_off && read.damaged_lines.is_empty(), "{:?}", read.damaged_lines);
    let lines = bytes.iter().filter(|byte| **byte == b'\n').count();
    assert_eq!(read.records.len(), lines - 1);
    assert_eq!(read.records[0].window, WindowKind::WarmUp);
    assert_eq!(read.records[0].planned, Some(10));
    let op = read.records.iter().find(|row| row.kind == RowKind::Op).unwrap();
    assert_eq!(op.name, "push, \"quoted\" name");
    let mut again = csv::Writer::from_writer(Vec::new());
    read.records.iter().for_each(|row| again.serialize(row).unwrap());
    assert_eq!(again.into_inner().unwrap(), bytes);
}

#[test]
fn a_file_cut_off_anywhere_keeps_its_whole_rows() {
    let bytes = written();
    let all = read(&bytes).records;
    let last_lines = bytes.len() - 300;
    for end in (0..2).chain(last_lines..bytes.len()) {
        let lines = bytes[..end].iter().filter(|byte| **byte == b'\n').count();
        let read = read(&bytes[..end]);
        assert_eq!(read.records, all[..lines.saturating_sub(1)], "cut at {end}");
        assert_eq!(read.cut_off, end > 0 && bytes[end - 1] != b'\n', "cut at {end}");
        assert!(read.damaged_lines.is_empty(), "cut at {end}");
    }
}

#[test]
fn damaged_rows_and_columns_of_another_version_do_not_stop_the_reader() {
    let text = String::from_utf8(written()).unwrap();
    let lines: Vec<String> = text.lines().map(|line| format!("{line},7")).collect();
    let mut newer = lines[0].replace(",7", ",dreams_per_s") + "\n" + &lines[1] + "\n";
    newer.push_str("1.0,1.0,measure,\"unclosed\n");
    newer.push_str(&lines[2].replace("warm_up", "tomorrow"));
    newer.push('\n');
    newer.push_str(&lines[2].replace(",scenario,", ",dream,"));
    newer.push('\n');
    let read = read(newer.as_bytes());
    assert_eq!(read.damaged_lines, [3, 4]);
    let kinds: Vec<RowKind> = read.records.iter().map(|row| row.kind).collect();
    assert_eq!(kinds, [RowKind::Run, RowKind::Unknown]);
}

#[test]
fn the_histograms_of_a_second_are_logged_under_their_tags_and_merged_again() {
    let mut log = LogWriter::begin(Vec::new(), 1_700_000_000_000_000).unwrap();
    seconds().iter().for_each(|second| histograms::write(&mut log, second).unwrap());
    let mut one = Seconds::new(1);
    one.add(&interval_in(WindowKind::WarmUp, 0, 9, 1.0));
    one.finish().iter().for_each(|second| histograms::write(&mut log, second).unwrap());
    let bytes = log.into_inner();
    let read = histograms::read(&bytes).records;
    let tags: Vec<&str> = read.iter().filter_map(|line| line.tag.as_deref()).collect();
    assert!(tags.contains(&"iteration_response/traffic"), "{tags:?}");
    assert!(tags.contains(&"warm_up/schedule_lag/traffic"), "{tags:?}");
    assert!(tags.iter().any(|tag| tag.starts_with("pool_wait/push") && tag.ends_with(":ok")), "{tags:?}");
    let expected: u64 = seconds()
        .iter()
        .flat_map(|second| second.totals.window(WindowKind::Measure).scenarios.values())
        .map(|scenario| scenario.service.count())
        .sum();
    let all = histograms::of_scenarios(&read, histograms::ITERATION_DURATION, 0, u64::MAX).unwrap();
    assert_eq!(all.count(), expected);
    assert_eq!(histograms::of_scenarios(&read, histograms::ITERATION_DURATION, 0, 1_000_000_000), None);
    let tag = histograms::op_tag("push, \"quoted\"\nname", Outcome::Ok);
    assert_eq!(tag, "push__\"quoted\"_name:ok");
    assert!(histograms::by_tag(&read)[tag.as_str()].count() >= 7);
    let cut_off = histograms::read(&bytes[..bytes.len() - 1]);
    assert_eq!((cut_off.records.len(), cut_off.cut_off), (read.len() - 1, true));
}

#[test]
fn two_lines_run_into_one_by_a_full_disk_are_damage_and_not_a_row() {
    let text = String::from_utf8(written()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let glued = format!("{}\n{}{}\n{}\n", lines[0], lines[2], lines[3], lines[4]);
    let read = read(glued.as_bytes());
    assert_eq!((read.records.len(), read.damaged_lines), (1, vec![2]));
}

#[test]
fn every_percentile_has_its_own_column() {
    let mut recorder = model::recorder::Recorder::new();
    let op = recorder.op("push");
    for n in 1..=10_000_u64 {
        let sample = model::recorder::Sample {
            outcome: Outcome::Ok,
            class: None,
            expect: model::outcome::Expect::Normal,
            service_ns: n * 1000,
            pool_wait_ns: Some(n * 2000),
            bytes_sent: 0,
            bytes_received: 0,
            items: 1,
        };
        recorder.record(WindowKind::Measure, op, &sample);
    }
    let mut seconds = Seconds::new(1);
    recorder.take(0, 0, 1_000_000_000).iter().for_each(|interval| drop(seconds.add(interval)));
    let rows = rows(&seconds.finish()[0], "measure");
    let push = rows.iter().find(|row| row.kind == RowKind::Op).unwrap();
    let near = |us: Option<u64>, expected: u64| us.unwrap().abs_diff(expected) * 1000 <= expected;
    assert!(near(push.p50_us, 5_000) && near(push.p90_us, 9_000) && near(push.p95_us, 9_500), "{push:?}");
    assert!(near(push.p99_us, 9_900) && near(push.p999_us, 9_990) && near(push.max_us, 10_000), "{push:?}");
    assert!(near(push.pool_wait_p99_us, 19_800), "{push:?}");
}
