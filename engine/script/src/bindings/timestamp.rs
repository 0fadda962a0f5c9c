//! Points in time as values: what `timestamptz` columns hold.

use rhai::plugin::*;

/// Microseconds since 1970-01-01 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Timestamp {
    pub(crate) unix_us: i64,
}

pub(super) fn rfc3339(at: Timestamp) -> String {
    // Postgres's infinities are no points in time.
    jiff::Timestamp::from_microsecond(at.unix_us)
        .map_or_else(|_| format!("{} µs", at.unix_us), |t| t.to_string())
}

/// Points in time.
#[export_module]
pub(crate) mod timestamp_api {
    /// Milliseconds since 1970-01-01 UTC.
    #[rhai_fn(get = "unix_ms", pure)]
    pub fn unix_ms(at: &mut Timestamp) -> f64 {
        at.unix_us as f64 / 1e3
    }

    /// RFC 3339 with microseconds, in UTC.
    #[rhai_fn(pure)]
    pub fn to_string(at: &mut Timestamp) -> String {
        rfc3339(*at)
    }

    /// RFC 3339 with microseconds, in UTC.
    #[rhai_fn(pure)]
    pub fn to_debug(at: &mut Timestamp) -> String {
        rfc3339(*at)
    }

    /// Milliseconds between two points in time.
    #[rhai_fn(name = "-")]
    pub fn minus(a: Timestamp, b: Timestamp) -> f64 {
        (a.unix_us - b.unix_us) as f64 / 1e3
    }

    /// A point in time some milliseconds later.
    #[rhai_fn(name = "+")]
    pub fn plus_ms(at: Timestamp, ms: i64) -> Timestamp {
        Timestamp { unix_us: at.unix_us.saturating_add(ms.saturating_mul(1_000)) }
    }

    /// Whether two points in time are the same.
    #[rhai_fn(name = "==")]
    pub fn equal(a: Timestamp, b: Timestamp) -> bool {
        a == b
    }

    /// Whether two points in time differ.
    #[rhai_fn(name = "!=")]
    pub fn not_equal(a: Timestamp, b: Timestamp) -> bool {
        a != b
    }

    /// Whether the first is earlier.
    #[rhai_fn(name = "<")]
    pub fn earlier(a: Timestamp, b: Timestamp) -> bool {
        a < b
    }

    /// Whether the first is later.
    #[rhai_fn(name = ">")]
    pub fn later(a: Timestamp, b: Timestamp) -> bool {
        a > b
    }
}
