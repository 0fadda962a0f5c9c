//! How a figure stands in a table: one form a column, decimals under decimals.
//!
//! In running text figures have three digits (`model::units`); in columns they have a fixed number of
//! decimals, so that the eye can compare them.

use std::time::Duration;

use model::units::{format_count, format_duration};

/// What stands where nothing was measured.
pub(crate) const NONE: &str = "-";

/// A latency for a column: `850µs`, `12.30ms`, `1.25s ` (with a space, so that decimals stay aligned with
/// those of ms), `3m20s`.
pub(crate) fn latency(latency_us: f64) -> String {
    match latency_us {
        us if !us.is_finite() => NONE.to_owned(),
        us if us < 999.5 => format!("{us:.0}µs"),
        us if us < 999_995.0 => format!("{:.2}ms", us / 1e3),
        us if us < 59_995_000.0 => format!("{:.2}s ", us / 1e6),
        us => format_duration(Duration::from_secs_f64((us / 1e6).min(1e12))),
    }
}

/// Rates for one column, all with the decimals that suit the largest.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rates {
    decimals: usize,
}

impl Rates {
    /// The form for a column of these rates.
    pub(crate) fn of(rates: impl Iterator<Item = f64>) -> Self {
        let largest = rates.filter(|rate| rate.is_finite()).fold(0.0, f64::max);
        let decimals = match largest {
            rate if rate < 1_000.0 => 2,
            rate if rate < 100_000.0 => 1,
            _ => 0,
        };
        Rates { decimals }
    }

    /// One rate. What is too small for the column is not zero, and does not look like it.
    pub(crate) fn show(self, per_second: f64) -> String {
        let least = 0.1_f64.powi(self.decimals as i32);
        match per_second {
            rate if !rate.is_finite() => NONE.to_owned(),
            rate if rate > 0.0 && rate < least / 2.0 => format!("<{least:.*}", self.decimals),
            rate => decimal(rate, self.decimals),
        }
    }
}

/// A number with thousands separated: `12,345.60`.
pub(crate) fn decimal(value: f64, decimals: usize) -> String {
    if !value.is_finite() {
        return NONE.to_owned();
    }
    let text = format!("{:.decimals$}", value.abs());
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let whole = whole.parse().map_or_else(|_| whole.to_owned(), format_count);
    let sign = if value < 0.0 && text.contains(|c| matches!(c, '1'..='9')) { "-" } else { "" };
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

/// A number without a unit, as it comes: whole when it is whole, else up to four significant digits.
pub fn number(value: f64) -> String {
    digits(value, 4)
}

/// The same with three digits: of percentiles, which are right to one part in a thousand.
pub(crate) fn three_digits(value: f64) -> String {
    digits(value, 3)
}

fn digits(value: f64, significant: i32) -> String {
    if value.fract() == 0.0 && value.abs() < 1e15 {
        return decimal(value, 0);
    }
    if value.is_finite() && (value.abs() >= 1e15 || value.abs() < 1e-6) {
        return format!("{value:.*e}", significant as usize - 1);
    }
    let whole_digits = value.abs().log10().floor() as i32 + 1;
    let decimals = (significant - whole_digits).clamp(0, 9) as usize;
    let text = decimal(value, decimals);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// A difference in percent with its sign: `+0.12%`, `-3.40%`, `0.00%`.
pub(crate) fn difference(share: f64) -> String {
    let percent = share * 100.0;
    match percent {
        p if !p.is_finite() => NONE.to_owned(),
        p if p.abs() < 0.005 && p != 0.0 => format!("{}0.01%", if p < 0.0 { ">-" } else { "<+" }),
        0.0 => "0.00%".to_owned(),
        p => format!("{p:+.2}%"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies_of_a_column_keep_their_decimals_aligned() {
        for (us, text) in [
            (0.0, "0µs"),
            (850.0, "850µs"),
            (999.4, "999µs"),
            (999.6, "1.00ms"),
            (12_300.0, "12.30ms"),
            (999_994.0, "999.99ms"),
            (999_996.0, "1.00s "),
            (59_994_000.0, "59.99s "),
            (200_000_000.0, "3m20s"),
            (f64::NAN, "-"),
        ] {
            assert_eq!(latency(us), text, "{us}");
        }
    }

    #[test]
    fn rates_of_a_column_share_their_decimals() {
        let small = Rates::of([0.5, 12.0].into_iter());
        assert_eq!((small.show(0.5), small.show(12.0)), ("0.50".into(), "12.00".into()));
        assert_eq!(small.show(0.001), "<0.01");
        assert_eq!(small.show(0.0), "0.00");
        let large = Rates::of([12_345.678, 1.0].into_iter());
        assert_eq!((large.show(12_345.678), large.show(1.0)), ("12,345.7".into(), "1.0".into()));
        assert_eq!(large.show(0.01), "<0.1");
        let huge = Rates::of([1_234_567.8, f64::INFINITY].into_iter());
        assert_eq!((huge.show(1_234_567.8), huge.show(0.2)), ("1,234,568".into(), "<1".into()));
        assert_eq!(huge.show(f64::NAN), "-");
    }

    #[test]
    fn bare_numbers() {
        for (value, text) in [
            (0.0, "0"),
            (1_234_567.0, "1,234,567"),
            (-3.0, "-3"),
            (0.25, "0.25"),
            (1_234.567, "1,235"),
            (12.345_67, "12.35"),
            (-0.001_234_5, "-0.001234"),
            (1e-9, "1.000e-9"),
            (2e18, "2.000e18"),
            (f64::NAN, "-"),
        ] {
            assert_eq!(number(value), text, "{value}");
        }
        assert_eq!(three_digits(6.253), "6.25");
        assert_eq!(decimal(-0.001, 2), "0.00", "no negative zero");
    }

    #[test]
    fn differences_carry_a_sign_and_never_hide() {
        for (share, text) in [
            (0.0012, "+0.12%"),
            (-0.034, "-3.40%"),
            (0.0, "0.00%"),
            (0.000_01, "<+0.01%"),
            (-0.000_01, ">-0.01%"),
            (f64::NAN, "-"),
        ] {
            assert_eq!(difference(share), text, "{share}");
        }
    }
}
