//! Times as traces write them, to the nanosecond.

use jiff::Timestamp;

/// What a number in a column of times counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Seconds,
    Milliseconds,
    Microseconds,
}

impl Unit {
    /// The unit of the column `name`.
    pub(super) fn of(name: &str) -> Self {
        match name {
            "time_ms" => Unit::Milliseconds,
            "time_us" => Unit::Microseconds,
            _ => Unit::Seconds,
        }
    }

    fn ns(self) -> i128 {
        match self {
            Unit::Seconds => 1_000_000_000,
            Unit::Milliseconds => 1_000_000,
            Unit::Microseconds => 1_000,
        }
    }
}

/// The time in nanoseconds, since whatever it counts from; nothing when it is none.
pub(super) fn in_ns(text: &str, unit: Unit) -> Option<i128> {
    let text = text.trim();
    if let Some(ns) = decimal(text, unit.ns()) {
        return Some(ns);
    }
    if unit == Unit::Seconds && text.contains(':') {
        return text.parse::<Timestamp>().ok().map(Timestamp::as_nanosecond);
    }
    // Numbers with an exponent; those of centuries hence are slips.
    let value: f64 = text.parse().ok()?;
    let ns = value * unit.ns() as f64;
    (ns.abs() < 1e19).then(|| ns.round() as i128)
}

/// A decimal number times a power of ten, without a detour over binary fractions.
fn decimal(text: &str, unit_ns: i128) -> Option<i128> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty()
        || whole.len() > 18
        || fraction.len() > 18
        || !is_digits(whole)
        || !is_digits(fraction)
    {
        return None;
    }
    let number = |part: &str| part.bytes().fold(0, |sum: i128, byte| sum * 10 + i128::from(byte - b'0'));
    let scale = 10_i128.pow(fraction.len() as u32);
    // Rounded to the nearest nanosecond.
    let of_fraction = (number(fraction) * unit_ns + scale / 2) / scale;
    Some(sign * (number(whole) * unit_ns + of_fraction))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_exact() {
        for (text, unit, ns) in [
            ("0", Unit::Seconds, 0),
            ("1700000000.123456789", Unit::Seconds, 1_700_000_000_123_456_789),
            (" 0.1 ", Unit::Seconds, 100_000_000),
            ("-1.5", Unit::Milliseconds, -1_500_000),
            ("12.0004999", Unit::Microseconds, 12_000),
            ("1e-3", Unit::Seconds, 1_000_000),
            ("2024-02-15T08:00:00.25Z", Unit::Seconds, 1_707_984_000_250_000_000),
            ("2024-02-15T09:00:00.25+01:00", Unit::Seconds, 1_707_984_000_250_000_000),
        ] {
            assert_eq!(in_ns(text, unit), Some(ns), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in ["", "soon", "NaN", "inf", "1e300", "1,5", "2024-02-15", "12:30", "1.2.3"] {
            assert_eq!(in_ns(text, Unit::Seconds), None, "{text}");
        }
        assert_eq!(in_ns("2024-02-15T08:00:00Z", Unit::Milliseconds), None);
    }
}
