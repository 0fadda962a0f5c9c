//! Points in time between Postgres's counting (since 2000-01-01) and ours (since 1970-01-01, in microseconds).
//!
//! Text without an offset is read as UTC: a load test must not depend on where its machine stands.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

/// 2000-01-01 00:00 UTC in unix microseconds.
const EPOCH_US: i64 = 946_684_800_000_000;
/// 2000-01-01 in days since 1970-01-01.
const EPOCH_DAYS: i64 = 10_957;
const DAY_US: i64 = 86_400_000_000;

/// Unix microseconds as the wire counts them; the two infinities stay what they are.
pub(crate) fn to_wire_us(unix_us: i64) -> Result<i64, &'static str> {
    match unix_us {
        i64::MAX | i64::MIN => Ok(unix_us),
        _ => unix_us.checked_sub(EPOCH_US).ok_or("is further back than Postgres can count"),
    }
}

/// The wire's microseconds as unix microseconds.
pub(crate) fn from_wire_us(wire_us: i64) -> Result<i64, &'static str> {
    match wire_us {
        i64::MAX | i64::MIN => Ok(wire_us),
        _ => wire_us
            .checked_add(EPOCH_US)
            .ok_or("a timestamp beyond the year 294246: cast it to text in the SQL"),
    }
}

/// The day that a moment falls on, as the wire counts days. Like the server's own cast, drops the time of day.
pub(crate) fn to_wire_days(unix_us: i64) -> Result<i32, &'static str> {
    match unix_us {
        i64::MAX => Ok(i32::MAX),
        i64::MIN => Ok(i32::MIN),
        _ => i32::try_from(unix_us.div_euclid(DAY_US) - EPOCH_DAYS).map_err(|_| "is out of range for a date"),
    }
}

/// The midnight (UTC) at which a day begins, in unix microseconds.
pub(crate) fn from_wire_days(days: i32) -> Result<i64, &'static str> {
    match days {
        i32::MAX => Ok(i64::MAX),
        i32::MIN => Ok(i64::MIN),
        _ => (i64::from(days) + EPOCH_DAYS)
            .checked_mul(DAY_US)
            .ok_or("a date beyond the year 294246: cast it to text in the SQL"),
    }
}

/// Reads `2026-01-02T03:04:05.678Z`, the same with a space or an offset, without either (then UTC), a plain
/// date, `infinity` or `-infinity`.
pub(crate) fn parse(text: &str) -> Option<i64> {
    match text.trim() {
        "infinity" | "+infinity" => return Some(i64::MAX),
        "-infinity" => return Some(i64::MIN),
        _ => {}
    }
    let text = text.trim();
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Some(instant.as_microsecond());
    }
    let civil = text.parse::<DateTime>().or_else(|_| text.parse::<Date>().map(DateTime::from)).ok()?;
    civil.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp().as_microsecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_epochs_meet() {
        assert_eq!(to_wire_us(EPOCH_US), Ok(0));
        assert_eq!(from_wire_us(0), Ok(EPOCH_US));
        assert_eq!(to_wire_days(EPOCH_US), Ok(0));
        assert_eq!(from_wire_days(-(EPOCH_DAYS as i32)), Ok(0));
    }

    #[test]
    fn a_moment_before_midnight_belongs_to_the_day_before() {
        assert_eq!(to_wire_days(EPOCH_US - 1), Ok(-1));
        assert_eq!(to_wire_days(EPOCH_US + DAY_US - 1), Ok(0));
    }

    #[test]
    fn infinity_stays_infinite_and_overflow_is_told() {
        assert_eq!(to_wire_us(i64::MAX), Ok(i64::MAX));
        assert_eq!(from_wire_us(i64::MIN), Ok(i64::MIN));
        assert_eq!(to_wire_days(i64::MAX), Ok(i32::MAX));
        assert!(to_wire_us(i64::MIN + 1).is_err());
        assert!(from_wire_us(i64::MAX - 1).is_err());
        assert!(to_wire_days(i64::MAX - 1).is_ok());
        assert!(from_wire_days(i32::MAX - 1).is_err());
    }

    #[test]
    fn text_is_read_with_and_without_an_offset() {
        let expected = Some(1_767_323_045_678_000);
        for text in ["2026-01-02T03:04:05.678Z", "2026-01-02 04:04:05.678+01:00", "2026-01-02 03:04:05.678"] {
            assert_eq!(parse(text), expected, "{text}");
        }
        assert_eq!(parse("2026-01-02"), Some(1_767_312_000_000_000));
        assert_eq!(parse("infinity"), Some(i64::MAX));
        assert_eq!(parse("yesterday"), None);
    }
}
