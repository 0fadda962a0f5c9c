//! Quantities as people read them: three significant digits, the unit last, no trailing zeros of false
//! precision.

use std::time::Duration;

/// `90s` as `1m30s`, `0.25 s` as `250ms`, `0` as `0s`. Above a minute whole seconds, below it three digits.
pub fn format_duration(duration: Duration) -> String {
    let whole_s = duration.as_secs_f64().round() as u64;
    if duration < Duration::from_secs(60) && whole_s < 60 {
        let us = duration.as_nanos() as f64 / 1e3;
        return if us >= 1e6 {
            format!("{}s", three_digits(us / 1e6))
        } else if us == 0.0 {
            "0s".to_owned()
        } else {
            format_latency_us(us)
        };
    }
    let (days, hours, minutes, seconds) =
        (whole_s / 86_400, whole_s / 3600 % 24, whole_s / 60 % 60, whole_s % 60);
    [(days, "d"), (hours, "h"), (minutes, "m"), (seconds, "s")]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, unit)| format!("{count}{unit}"))
        .collect()
}

/// `1234567` as `1,234,567`.
pub fn format_count(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Microseconds in the unit that suits them: `850µs`, `1.23ms`, `2.5s`, `3m20s`; sub-microsecond as `120ns`.
pub fn format_latency_us(latency_us: f64) -> String {
    if !latency_us.is_finite() {
        return "-".to_owned();
    }
    // The thresholds are where rounding to three digits would reach the next unit.
    match latency_us {
        0.0 => "0s".to_owned(),
        us if us < 0.9995 => format!("{}ns", three_digits(us * 1e3)),
        us if us < 999.5 => format!("{}µs", three_digits(us)),
        us if us < 999_500.0 => format!("{}ms", three_digits(us / 1e3)),
        us if us < 59_950_000.0 => format!("{}s", three_digits(us / 1e6)),
        us => format_duration(Duration::from_secs_f64((us / 1e6).min(1e12))),
    }
}

/// Bytes in thousands: `512 B`, `4 KB`, `1.5 GB`.
pub fn format_bytes(bytes: f64) -> String {
    scaled(bytes, &[(1e12, " TB"), (1e9, " GB"), (1e6, " MB"), (1e3, " KB"), (1.0, " B")])
}

/// Events a second: `0.5/s`, `120/s`, `12,345/s`.
pub fn format_rate(per_second: f64) -> String {
    if per_second >= 999.5 {
        format!("{}/s", format_count(per_second.round() as u64))
    } else {
        format!("{}/s", three_digits(per_second))
    }
}

/// A share of one as a percentage: `0.0123` as `1.23%`, `1.0` as `100%`.
pub fn format_percent(share: f64) -> String {
    let percent = share * 100.0;
    // Two decimals keep 99.99 apart from 100.
    let text = if percent.abs() >= 1.0 { trim_zeros(format!("{percent:.2}")) } else { three_digits(percent) };
    format!("{text}%")
}

fn scaled(value: f64, units: &[(f64, &str)]) -> String {
    let (scale, unit) = units
        .iter()
        .find(|(scale, _)| value.abs() >= 0.9995 * scale)
        .copied()
        .unwrap_or_else(|| units.last().copied().unwrap_or((1.0, "")));
    format!("{}{unit}", three_digits(value / scale))
}

/// At most three significant digits, without trailing zeros; whole numbers are never cut.
fn three_digits(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let magnitude = value.abs().log10().floor() as i32;
    let decimals = (2 - magnitude).clamp(0, 9) as usize;
    trim_zeros(format!("{value:.decimals$}"))
}

fn trim_zeros(text: String) -> String {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (ns, text) in [
            (0, "0s"),
            (250, "250ns"),
            (500_000_000, "500ms"),
            (1_500_000_000, "1.5s"),
            (59_999_999_999, "1m"),
            (90_000_000_000, "1m30s"),
            (3_600_000_000_000, "1h"),
            (90_061_000_000_000, "1d1h1m1s"),
        ] {
            assert_eq!(format_duration(Duration::from_nanos(ns)), text);
        }
    }

    #[test]
    fn latencies_keep_three_digits_and_change_unit_cleanly() {
        for (us, text) in [
            (0.0, "0s"),
            (0.12, "120ns"),
            (1.0, "1µs"),
            (850.0, "850µs"),
            (999.4, "999µs"),
            (999.6, "1ms"),
            (1_234.0, "1.23ms"),
            (123_456.0, "123ms"),
            (999_700.0, "1s"),
            (2_500_000.0, "2.5s"),
            (200_000_000.0, "3m20s"),
            (f64::NAN, "-"),
        ] {
            assert_eq!(format_latency_us(us), text);
        }
    }

    #[test]
    fn counts_rates_sizes_and_shares() {
        assert_eq!(format_count(0), "0");
        assert_eq!(format_count(999), "999");
        assert_eq!(format_count(1_234_567), "1,234,567");
        assert_eq!(format_rate(0.5), "0.5/s");
        assert_eq!(format_rate(12_345.4), "12,345/s");
        assert_eq!(format_bytes(512.0), "512 B");
        assert_eq!(format_bytes(4_000.0), "4 KB");
        assert_eq!(format_bytes(1.5e9), "1.5 GB");
        assert_eq!(format_percent(0.0123), "1.23%");
        assert_eq!(format_percent(0.9999), "99.99%");
        assert_eq!(format_percent(1.0), "100%");
        assert_eq!(format_percent(0.0), "0%");
        assert_eq!(format_percent(0.000_012_3), "0.00123%");
    }
}
