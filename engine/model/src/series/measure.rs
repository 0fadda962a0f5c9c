//! What a series measures, as its name tells: units stand last in a name (`heap_bytes`, `hot_ratio`,
//! `dead_percent`, `wait_ms`), so thresholds, summary and report read them there, and only there.

use crate::units::{format_bytes, format_count, format_latency_us, format_percent, format_rate};

/// The unit that values of a series are in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// A number of no unit that the name would tell: rows, pages, runs.
    Plain,
    /// Bytes: `…_bytes`, `size_per_row`.
    Bytes,
    /// A share of one: `…_ratio`, `…_share`.
    Share,
    /// Hundredths: `…_percent`.
    Percent,
    /// Seconds: `…_s`.
    Seconds,
    /// Milliseconds: `…_ms`.
    Millis,
    /// Microseconds: `…_us`.
    Micros,
    /// Events a second: `…_per_s`.
    PerSecond,
    /// Bytes a second: `…_bytes_per_s`.
    BytesPerSecond,
    /// Milliseconds in every second: `…_ms_per_s`.
    MillisPerSecond,
}

/// How names end and what that means; the first that fits counts.
const ENDINGS: [(&str, Measure); 11] = [
    ("_bytes_per_s", Measure::BytesPerSecond),
    ("_ms_per_s", Measure::MillisPerSecond),
    ("_per_s", Measure::PerSecond),
    ("_bytes", Measure::Bytes),
    ("size_per_row", Measure::Bytes),
    ("_ratio", Measure::Share),
    ("_share", Measure::Share),
    ("_percent", Measure::Percent),
    ("_ms", Measure::Millis),
    ("_us", Measure::Micros),
    ("_s", Measure::Seconds),
];

impl Measure {
    /// What the series of this name measures: `run_head.hot_ratio_overall` is a share.
    pub fn of(name: &str) -> Measure {
        // Of a whole, said behind the unit, so that both stand together when sorted.
        let name = name.strip_suffix("_overall").unwrap_or(name);
        let last = name.rsplit('.').next().unwrap_or(name);
        // A field of a map may be the unit alone: `wal.bytes`.
        let ends = |ending: &str| last.ends_with(ending) || ending.strip_prefix('_') == Some(last);
        ENDINGS.iter().find(|(ending, _)| ends(ending)).map_or(Measure::Plain, |(_, measure)| *measure)
    }

    /// A value as people read it: `9.5 MB`, `96.85%`, `3.1ms`, `12/s`, `1,234`.
    pub fn show(self, value: f64) -> String {
        if !value.is_finite() {
            return "-".to_owned();
        }
        let size = value.abs();
        let text = match self {
            Measure::Plain => plain(size),
            Measure::Bytes => format_bytes(size),
            Measure::Share => format_percent(size),
            Measure::Percent => format_percent(size / 100.0),
            Measure::Seconds => format_latency_us(size * 1e6),
            Measure::Millis => format_latency_us(size * 1e3),
            Measure::Micros => format_latency_us(size),
            Measure::PerSecond => format_rate(size),
            Measure::BytesPerSecond => format!("{}/s", format_bytes(size)),
            Measure::MillisPerSecond => format!("{} ms/s", plain(size)),
        };
        // What is rounded to nothing has no sign.
        if value < 0.0 && !is_nothing(&text) { format!("-{text}") } else { text }
    }

    /// A change, with its sign: `+0.01 pt`, `-4 KB`, `0`. That of a share is in points, as a change by a hundredth
    /// could as well be one of itself.
    pub fn show_change(self, value: f64) -> String {
        let text = self.show(value);
        let text = match self {
            Measure::Share | Measure::Percent => text.replace('%', " pt"),
            _ => text,
        };
        if value > 0.0 && !is_nothing(&text) { format!("+{text}") } else { text }
    }
}

/// Whether a shown value was rounded to nothing.
fn is_nothing(text: &str) -> bool {
    !text.contains(|c| matches!(c, '1'..='9'))
}

/// Four significant digits at least, whole numbers whole, thousands separated.
fn plain(size: f64) -> String {
    if size >= 1e15 {
        return format!("{size:.3e}");
    }
    if size.fract() == 0.0 || size >= 1000.0 {
        return format_count(size.round() as u64);
    }
    let decimals = (3 - size.log10().floor() as i32).clamp(0, 12) as usize;
    let text = format!("{size:.decimals$}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_name_tells_the_unit() {
        for (name, measure) in [
            ("run_head.hot_ratio", Measure::Share),
            ("run_head.hot_ratio_overall", Measure::Share),
            ("postgres.cache_hit_ratio", Measure::Share),
            ("run_head.dead_percent", Measure::Percent),
            ("run_head.leaf_density_percent", Measure::Percent),
            ("run_head.heap_bytes", Measure::Bytes),
            ("run_head.size_per_row", Measure::Bytes),
            ("wal.bytes", Measure::Bytes),
            ("postgres.wal_bytes_per_s", Measure::BytesPerSecond),
            ("host.cgroup_throttled_ms_per_s", Measure::MillisPerSecond),
            ("postgres.commits_per_s", Measure::PerSecond),
            ("queue.oldest_s", Measure::Seconds),
            ("probe.took_ms", Measure::Millis),
            ("probe.took_us", Measure::Micros),
            ("run_head.autovacuum_count", Measure::Plain),
            ("depth", Measure::Plain),
            ("sessions", Measure::Plain),
            ("ratio.of_x", Measure::Plain),
            ("", Measure::Plain),
        ] {
            assert_eq!(Measure::of(name), measure, "{name}");
        }
    }

    #[test]
    fn values_are_shown_in_their_unit() {
        for (measure, value, text) in [
            (Measure::Bytes, 9.5e6, "9.5 MB"),
            (Measure::Bytes, 136.0, "136 B"),
            (Measure::Bytes, -4e3, "-4 KB"),
            (Measure::Share, 0.9685, "96.85%"),
            (Measure::Percent, 3.25, "3.25%"),
            (Measure::Seconds, 90.0, "1m30s"),
            (Measure::Millis, -3.1, "-3.1ms"),
            (Measure::Micros, 250.0, "250µs"),
            (Measure::PerSecond, 12.0, "12/s"),
            (Measure::BytesPerSecond, 1.25e6, "1.25 MB/s"),
            (Measure::MillisPerSecond, 40.0, "40 ms/s"),
            (Measure::MillisPerSecond, 0.0, "0 ms/s"),
            (Measure::Plain, 1_234_567.0, "1,234,567"),
            (Measure::Plain, 12.3456, "12.35"),
            (Measure::Plain, -0.001_234_5, "-0.001234"),
            (Measure::Plain, 2e18, "2.000e18"),
            (Measure::Plain, 0.0, "0"),
            (Measure::Plain, f64::NAN, "-"),
        ] {
            assert_eq!(measure.show(value), text, "{measure:?} {value}");
        }
    }

    #[test]
    fn changes_carry_a_sign_unless_there_is_none() {
        assert_eq!(Measure::Percent.show_change(0.01), "+0.01 pt");
        assert_eq!(Measure::Share.show_change(-0.0073), "-0.73 pt");
        assert_eq!(Measure::Share.show_change(0.0), "0 pt");
        assert_eq!(Measure::Bytes.show_change(-2_000.0), "-2 KB");
        assert_eq!(Measure::Plain.show_change(0.0), "0");
        assert_eq!(Measure::Seconds.show_change(-0.0), "0s");
    }
}
