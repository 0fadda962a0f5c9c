//! Quantities as people write them: `90s`, `1m30s`, `4KB`, `1%`, `100/s`.
//!
//! Every reader answers with the plain number and its unit in the name, or with a [`UnitError`] that says
//! what was read, what is allowed and what was probably meant. Deliberately does not know which option
//! a quantity belongs to: the caller adds that.

mod format;

use std::time::Duration;

pub use format::{
    format_bytes, format_count, format_duration, format_latency_us, format_percent, format_rate,
};

use crate::suggest::did_you_mean;

/// A quantity that could not be read.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("`{read}` is not a {quantity}: {problem}; write {allowed}{}", hint(.suggestion))]
pub struct UnitError {
    /// The text as it was read.
    pub read: String,
    /// What it should have been: "duration", "size", "share" or "rate".
    pub quantity: &'static str,
    /// What is wrong with it.
    pub problem: String,
    /// What may be written, with an example.
    pub allowed: &'static str,
    /// The text that was probably meant.
    pub suggestion: Option<String>,
}

const DURATION: &str = "duration";
const DURATION_ALLOWED: &str = "a number with ns, us, ms, s, m, h or d, such as 500ms, 90s or 1m30s";
const SIZE: &str = "size";
const SIZE_ALLOWED: &str =
    "a number with B, KB, MB, GB, TB (thousands) or KiB, MiB, GiB, TiB (1024s), such as 4KB";
const SHARE: &str = "share";
const SHARE_ALLOWED: &str = "a percentage such as 1% or a fraction such as 0.01";
const RATE: &str = "rate";
const RATE_ALLOWED: &str = "a number for each second, minute, hour or day, such as 100/s or 6000/m";

/// Units of time and their length in nanoseconds.
const DURATION_UNITS: [(&str, f64); 10] = [
    ("ns", 1.0),
    ("us", 1e3),
    ("µs", 1e3),
    ("μs", 1e3),
    ("ms", 1e6),
    ("s", 1e9),
    ("m", 60e9),
    ("min", 60e9),
    ("h", 3600e9),
    ("d", 86_400e9),
];

/// Units of size in bytes; a lone `K`, `M`, `G` counts in thousands like `KB`.
const SIZE_UNITS: [(&str, f64); 13] = [
    ("B", 1.0),
    ("K", 1e3),
    ("KB", 1e3),
    ("KiB", 1024.0),
    ("M", 1e6),
    ("MB", 1e6),
    ("MiB", 1_048_576.0),
    ("G", 1e9),
    ("GB", 1e9),
    ("GiB", 1_073_741_824.0),
    ("T", 1e12),
    ("TB", 1e12),
    ("TiB", 1_099_511_627_776.0),
];

/// Reads `90s`, `1m30s`, `1.5h`, `250us`. A bare number is refused, because nobody can tell its unit; `0`
/// needs none.
pub fn parse_duration(text: &str) -> Result<Duration, UnitError> {
    let fail = |problem: String, suggestion: Option<String>| {
        error(text, DURATION, problem, DURATION_ALLOWED, suggestion)
    };
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(fail("it is empty".into(), None));
    }
    if rest.starts_with('-') {
        return Err(fail("it is negative".into(), None));
    }
    if rest == "0" {
        return Ok(Duration::ZERO);
    }
    let mut total_ns = 0.0_f64;
    while !rest.is_empty() {
        let (number, after) =
            split_number(rest).ok_or_else(|| fail(format!("`{rest}` has no number"), None))?;
        let unit_length = after.find(|c: char| !c.is_alphabetic()).unwrap_or(after.len());
        let (unit, tail) = after.split_at(unit_length);
        if unit.is_empty() {
            return Err(fail(format!("`{}` has no unit", rest.trim()), Some(format!("{}s", rest.trim()))));
        }
        total_ns += number
            * scale_of(unit, &DURATION_UNITS).map_err(|near| {
                let fixed = near.map(|near| text.trim().replace(unit, near));
                fail(format!("there is no unit `{unit}`"), fixed)
            })?;
        rest = tail.trim_start();
    }
    if total_ns > u64::MAX as f64 {
        return Err(fail("it is longer than 580 years".into(), None));
    }
    Ok(Duration::from_nanos(total_ns.round() as u64))
}

/// Reads `4KB` (4,000 bytes), `1MiB` (1,048,576), `512` or `512B`.
pub fn parse_bytes(text: &str) -> Result<u64, UnitError> {
    let fail =
        |problem: String, suggestion: Option<String>| error(text, SIZE, problem, SIZE_ALLOWED, suggestion);
    let trimmed = text.trim();
    let (number, unit) = number_and_unit(trimmed).map_err(|problem| fail(problem, None))?;
    let scale = if unit.is_empty() {
        1.0
    } else {
        scale_of(unit, &SIZE_UNITS).map_err(|near| {
            fail(format!("there is no unit `{unit}`"), near.map(|near| trimmed.replace(unit, near)))
        })?
    };
    let bytes = (number * scale).round();
    if bytes >= u64::MAX as f64 {
        return Err(fail("it is larger than 16 EiB".into(), None));
    }
    Ok(bytes as u64)
}

/// Reads `1%` as 0.01; a bare number is a fraction already. The result is not limited to `[0, 1]`: a growth
/// of `150%` is a fair thing to say.
pub fn parse_percent(text: &str) -> Result<f64, UnitError> {
    let fail = |problem: String| error(text, SHARE, problem, SHARE_ALLOWED, None);
    let (number, unit) = number_and_unit(text.trim()).map_err(fail)?;
    match unit {
        "%" => Ok(number / 100.0),
        "" => Ok(number),
        other => Err(fail(format!("there is no unit `{other}`"))),
    }
}

/// Reads `100/s`, `6000/m`, `6000/min`, `2/h` or a bare `100` as events a second.
pub fn parse_rate(text: &str) -> Result<f64, UnitError> {
    let fail =
        |problem: String, suggestion: Option<String>| error(text, RATE, problem, RATE_ALLOWED, suggestion);
    let trimmed = text.trim();
    let (count, per) = number_and_unit(trimmed).map_err(|problem| fail(problem, None))?;
    if per.is_empty() {
        return Ok(count);
    }
    let Some(unit) = per.strip_prefix('/').map(str::trim_start) else {
        return Err(fail(format!("`{per}` does not say for each what"), Some(format!("{count}/s"))));
    };
    let unit_ns = scale_of(unit, &DURATION_UNITS).map_err(|near| {
        fail(format!("there is no unit `{unit}`"), near.map(|near| format!("{count}/{near}")))
    })?;
    Ok(count * 1e9 / unit_ns)
}

/// A non-negative number and what follows it, both without the space between.
fn number_and_unit(text: &str) -> Result<(f64, &str), String> {
    if text.is_empty() {
        return Err("it is empty".into());
    }
    if text.starts_with('-') {
        return Err("it is negative".into());
    }
    split_number(text).ok_or_else(|| "it does not begin with a number".into())
}

/// The leading number (digits, `_` between them, one point, an exponent) and the rest.
fn split_number(text: &str) -> Option<(f64, &str)> {
    let bytes = text.as_bytes();
    let mut end = 0;
    while end < bytes.len() && (bytes[end].is_ascii_digit() || matches!(bytes[end], b'.' | b'_')) {
        end += 1;
    }
    // An exponent only when digits follow: `1e3`, but not the unit of `1exabyte`.
    if end > 0 && end < bytes.len() && matches!(bytes[end], b'e' | b'E') {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let digits = bytes[end + 1 + sign..].iter().take_while(|b| b.is_ascii_digit()).count();
        if digits > 0 {
            end += 1 + sign + digits;
        }
    }
    let number: f64 = text[..end].replace('_', "").parse().ok()?;
    number.is_finite().then(|| (number, text[end..].trim_start()))
}

/// The scale of a unit: exactly as written, else regardless of case when that is unambiguous; else the
/// nearest unit as a hint.
fn scale_of(unit: &str, units: &[(&'static str, f64)]) -> Result<f64, Option<&'static str>> {
    let exact = units.iter().find(|(name, _)| *name == unit);
    let loose = || units.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit));
    match exact.or_else(loose) {
        Some((_, scale)) => Ok(*scale),
        None => Err(spelled_out(unit).or_else(|| did_you_mean(unit, units.iter().map(|(name, _)| *name)))),
    }
}

/// Units people write out in full, which edit distance would not find.
fn spelled_out(unit: &str) -> Option<&'static str> {
    let singular = unit.strip_suffix('s').unwrap_or(unit).to_ascii_lowercase();
    Some(match singular.as_str() {
        "second" | "sec" => "s",
        "minute" | "min" => "m",
        "hour" | "hr" => "h",
        "day" => "d",
        "milli" | "millisecond" | "msec" => "ms",
        "micro" | "microsecond" | "usec" => "us",
        "nano" | "nanosecond" | "nsec" => "ns",
        "byte" => "B",
        "kilobyte" => "KB",
        "megabyte" => "MB",
        "gigabyte" => "GB",
        _ => return None,
    })
}

fn hint(suggestion: &Option<String>) -> String {
    suggestion.as_ref().map(|text| format!(" (did you mean `{text}`?)")).unwrap_or_default()
}

fn error(
    read: &str,
    quantity: &'static str,
    problem: String,
    allowed: &'static str,
    suggestion: Option<String>,
) -> UnitError {
    UnitError { read: read.to_owned(), quantity, problem, allowed, suggestion }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_as_people_write_them() {
        let cases: [(&str, u64); 11] = [
            ("90s", 90_000_000_000),
            ("1m30s", 90_000_000_000),
            ("1m 30s", 90_000_000_000),
            ("500ms", 500_000_000),
            ("250us", 250_000),
            ("250µs", 250_000),
            ("1h", 3_600_000_000_000),
            ("1.5h", 5_400_000_000_000),
            ("2min", 120_000_000_000),
            ("1_000ns", 1_000),
            ("0", 0),
        ];
        for (text, ns) in cases {
            assert_eq!(parse_duration(text), Ok(Duration::from_nanos(ns)), "{text}");
        }
    }

    #[test]
    fn a_bad_duration_says_what_is_wrong_and_what_to_write() {
        assert_eq!(
            parse_duration("90").unwrap_err().to_string(),
            "`90` is not a duration: `90` has no unit; write a number with ns, us, ms, s, m, h or d, such as \
             500ms, 90s or 1m30s (did you mean `90s`?)"
        );
        assert_eq!(parse_duration("5 minutes").unwrap_err().suggestion.as_deref(), Some("5 m"));
        assert_eq!(parse_duration("50mss").unwrap_err().suggestion.as_deref(), Some("50ms"));
        for bad in ["", "-5s", "s", "fast", "1.2.3s", "1e999s", "99999999999h"] {
            assert!(parse_duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn sizes_in_thousands_and_in_1024s() {
        let cases: [(&str, u64); 7] = [
            ("4KB", 4_000),
            ("4kb", 4_000),
            ("4KiB", 4_096),
            ("1MiB", 1_048_576),
            ("1.5 GB", 1_500_000_000),
            ("512", 512),
            ("64B", 64),
        ];
        for (text, bytes) in cases {
            assert_eq!(parse_bytes(text), Ok(bytes), "{text}");
        }
        assert_eq!(parse_bytes("4 kilobytes").unwrap_err().suggestion.as_deref(), Some("4 KB"));
        assert!(parse_bytes("-1KB").is_err());
        assert!(parse_bytes("KB").is_err());
    }

    #[test]
    fn shares_as_percent_or_fraction() {
        assert_eq!(parse_percent("1%"), Ok(0.01));
        assert_eq!(parse_percent("0.25"), Ok(0.25));
        assert_eq!(parse_percent("99.9 %").map(|share| (share * 1e6).round()), Ok(999_000.0));
        assert!(parse_percent("1 percent").is_err());
    }

    #[test]
    fn rates_become_events_a_second() {
        assert_eq!(parse_rate("100/s"), Ok(100.0));
        assert_eq!(parse_rate("6000/m"), Ok(100.0));
        assert_eq!(parse_rate("7200 / h"), Ok(2.0));
        assert_eq!(parse_rate("1e3/s"), Ok(1000.0));
        assert_eq!(parse_rate("50"), Ok(50.0));
        assert_eq!(parse_rate("100rps").unwrap_err().suggestion.as_deref(), Some("100/s"));
        assert_eq!(parse_rate("100/sec").unwrap_err().suggestion.as_deref(), Some("100/s"));
        assert!(parse_rate("-5/s").is_err());
    }
}
