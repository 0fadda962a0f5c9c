//! Thresholds on what probes sampled: units by name, plateaus, slopes that cannot be told, latest values.

use super::tests::{error, parsed};
use super::*;
use crate::series::Series;

const S: u64 = 1_000_000_000;

/// Half an hour of a table's series: one sample in 30 s of what a run over a head row shows.
fn table_series(name: &str) -> Series {
    let value = |k: u64| match name {
        "hot_ratio" => 0.96 + 0.005 * ((k * 7 % 10) as f64 / 10.0),
        "dead_percent" => 2.0 + 6.0 * ((k * 3 % 8) as f64 / 8.0),
        "index_bytes" => 4e6 * (1.0 - (-(k as f64) / 3.0).exp()),
        "heap_bytes" => 1e6 + 5e5 * k as f64,
        "size_per_row" => 136.0,
        "oldest_s" => 12.0 + (k % 2) as f64,
        _ => k as f64,
    };
    (0..60).map(|k| (k * 30 * S, value(k))).collect()
}

fn judged_by_name(metric: &str, text: &str) -> Judgement {
    let series = table_series(metric.rsplit('.').next().unwrap());
    let empty = crate::recorder::WindowTotals::default();
    judge(&parsed(metric, text), &Measured::new(&empty, (0, 1800 * S)).with_samples(metric, &series))
}

#[test]
fn series_are_judged_and_shown_in_the_unit_their_name_ends_in() {
    for (metric, text, passed, shown) in [
        ("run_head.hot_ratio", "avg > 90%", Some(true), "96.23%"),
        ("run_head.hot_ratio", "min > 0.97", Some(false), "96%"),
        ("run_head.dead_percent", "max < 20", Some(true), "7.25%"),
        ("run_head.dead_percent", "max < 20%", Some(true), "7.25%"),
        ("run_head.dead_percent", "max < 5%", Some(false), "7.25%"),
        ("run_head.dead_percent", "slope < 1%/min", Some(true), "0%"),
        ("run_head.dead_percent", "plateau < 6", Some(true), "4.25%"),
        ("run_head.index_bytes", "plateau < 50MB", Some(true), "4 MB"),
        ("run_head.index_bytes", "plateau", Some(true), "4 MB"),
        ("run_head.index_bytes", "slope < 1MB/min", Some(true), "1.54 KB"),
        ("run_head.heap_bytes", "slope < 900KB/min", Some(false), "1 MB"),
        ("run_head.heap_bytes", "slope > 900000", Some(true), "1 MB"),
        ("run_head.heap_bytes", "plateau", Some(false), "-"),
        ("run_head.size_per_row", "value < 200B", Some(true), "136 B"),
        ("run_head.size_per_row", "value < 100", Some(false), "136 B"),
        ("run_head.autovacuum_count", "value > 0", Some(true), "59"),
        ("queue.oldest_s", "max < 30s", Some(true), "13s"),
        ("queue.oldest_s", "max < 30", Some(true), "13s"),
        ("queue.oldest_s", "avg < 500ms", Some(false), "12.5s"),
        ("queue.oldest_s", "count == 60", Some(true), "60"),
    ] {
        let judgement = judged_by_name(metric, text);
        let found = (judgement.passed, judgement.shown.as_str());
        assert_eq!(found, (passed, shown), "{metric} {text}: {}", judgement.reason);
    }
    let reason = |metric: &str, text: &str| judged_by_name(metric, text).reason;
    assert_eq!(
        reason("run_head.index_bytes", "plateau < 50MB"),
        "settled at 4 MB from 4m on, drift +1.13% of that over the window (95 % interval +0.00428% to +55.65%)"
    );
    assert_eq!(reason("run_head.heap_bytes", "plateau"), "it has not settled: 1 MB a minute at the end");
}

#[test]
fn a_unit_that_a_name_rules_out_is_found_before_the_run() {
    let say = |offset, problem: &str, remedy: &str| (offset, problem.to_owned(), remedy.to_owned());
    for (metric, text, expected) in [
        (
            "run_head.index_bytes",
            "max < 20%",
            say(6, "max of `run_head.index_bytes` is not measured in %", "write a size, such as 50MB"),
        ),
        (
            "run_head.dead_percent",
            "plateau < 1MB",
            say(
                10,
                "plateau of `run_head.dead_percent` is not measured in MB",
                "write a percentage, such as 1%",
            ),
        ),
        ("run_head.hot_ratio", "avg > 90", say(6, "a share is at most 1, not 90", "did you mean 90%?")),
        (
            "run_head.hot_ratio",
            "rate > 90%",
            say(
                0,
                "`run_head.hot_ratio` has no rate",
                "it has value, avg, min, max, med, p(N), count, slope, plateau or recovery",
            ),
        ),
        (
            "x.heap_bytes",
            "slope",
            say(5, "a comparison is missing here", "write one of <, <=, >, >=, ==, !="),
        ),
        (
            "x.heap_bytes",
            "plateau at 5",
            say(8, "a comparison is missing here", "write one of <, <=, >, >=, ==, !="),
        ),
    ] {
        assert_eq!(error(metric, text), expected, "{metric} {text}");
    }
}

#[test]
fn a_plateau_alone_asks_whether_it_has_settled_at_all() {
    let alone = parsed("run_head.index_bytes", " plateau ");
    assert_eq!((alone.bound, alone.to_string().as_str()), (None, "plateau"));
    assert_eq!(alone.check(MetricClass::Gauge), Ok(()));
    assert_eq!(alone.check(MetricClass::Counter).unwrap_err().offset, 0);
    let empty = crate::recorder::WindowTotals::default();
    let series = table_series("index_bytes");
    let judged = |end_s| {
        judge(&alone, &Measured::new(&empty, (0, end_s * S)).with_samples("run_head.index_bytes", &series))
    };
    assert_eq!(judged(1800).passed, Some(true));
    let short = judged(600);
    assert_eq!((short.passed, short.shown.as_str()), (None, "-"));
    assert_eq!(short.reason, "too short to tell: 6 points where it takes 8");
}

#[test]
fn what_swings_too_slowly_for_the_window_cannot_be_told() {
    // Three and a half cycles of a saw, sampled 120 times.
    let saw: Series = (0..120).map(|k| (k * S, 6.0 * (k as f64 / 34.0).fract())).collect();
    let empty = crate::recorder::WindowTotals::default();
    let figures = Measured::new(&empty, (0, 120 * S)).with_samples("t.dead_percent", &saw);
    let slope = judge(&parsed("t.dead_percent", "slope < 1/min"), &figures);
    assert_eq!(slope.passed, None);
    assert!(
        slope.reason.contains("(120 samples that follow each other closely count as "),
        "{}",
        slope.reason
    );
    let plateau = judge(&parsed("t.dead_percent", "plateau < 10"), &figures);
    assert_eq!(plateau.passed, None);
    assert!(plateau.reason.starts_with("too short to tell: over its last quarter"), "{}", plateau.reason);
}

#[test]
fn the_value_is_the_latest_look_also_after_the_window() {
    let empty = crate::recorder::WindowTotals::default();
    let series: Series = [(5 * S, 90.0), (15 * S, 100.0), (31 * S, 140.0)].into_iter().collect();
    let figures = Measured::new(&empty, (10 * S, 30 * S)).with_samples("t.size_per_row", &series);
    let shown = |text: &str| judge(&parsed("t.size_per_row", text), &figures).shown;
    assert_eq!(
        (shown("value < 1KB"), shown("max < 1KB"), shown("min < 1KB")),
        ("140 B".into(), "100 B".into(), "100 B".into())
    );
    let nothing = Series::new();
    let none = Measured::new(&empty, (10 * S, 30 * S)).with_samples("t.size_per_row", &nothing);
    let judgement = judge(&parsed("t.size_per_row", "value < 1KB"), &none);
    assert_eq!(
        (judgement.passed, judgement.reason.as_str()),
        (None, "nothing was recorded, and no data is not a pass")
    );
}
