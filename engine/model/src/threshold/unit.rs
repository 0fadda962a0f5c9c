//! Units of threshold values and what they measure.

use crate::series::Measure;

/// A unit as written behind a threshold's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unit {
    /// None: milliseconds of a duration, a fraction of a share, else the number itself.
    Bare,
    /// Nanoseconds.
    Ns,
    /// Microseconds.
    Us,
    /// Milliseconds.
    Ms,
    /// Seconds.
    S,
    /// Minutes.
    Min,
    /// Hours.
    H,
    /// Hundredths.
    Percent,
    /// Bytes.
    B,
    /// Thousand bytes.
    KB,
    /// Million bytes.
    MB,
    /// 10^9 bytes.
    GB,
    /// 10^12 bytes.
    TB,
    /// 1,024 bytes.
    KiB,
    /// 1,024 KiB.
    MiB,
    /// 1,024 MiB.
    GiB,
    /// 1,024 GiB.
    TiB,
}

/// What a unit measures; `Any` has none of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dimension {
    Any,
    Time,
    Share,
    Size,
}

/// Every spelling, its unit, and the unit in what figures are computed in (ms, fraction, bytes).
const UNITS: [(&str, Unit, f64); 18] = [
    ("", Unit::Bare, 1.0),
    ("ns", Unit::Ns, 1e-6),
    ("us", Unit::Us, 1e-3),
    ("ms", Unit::Ms, 1.0),
    ("s", Unit::S, 1e3),
    ("min", Unit::Min, 60e3),
    ("h", Unit::H, 3600e3),
    ("%", Unit::Percent, 0.01),
    ("B", Unit::B, 1.0),
    ("KB", Unit::KB, 1e3),
    ("MB", Unit::MB, 1e6),
    ("GB", Unit::GB, 1e9),
    ("TB", Unit::TB, 1e12),
    ("KiB", Unit::KiB, 1024.0),
    ("MiB", Unit::MiB, 1_048_576.0),
    ("GiB", Unit::GiB, 1_073_741_824.0),
    ("TiB", Unit::TiB, 1_099_511_627_776.0),
    // Last, so that `as_str` finds the plain spelling first.
    ("µs", Unit::Us, 1e-3),
];

impl Unit {
    /// The unit with this spelling; also `m` for minutes, as k6 writes them, and sizes in any case.
    pub(super) fn parse(word: &str) -> Option<Unit> {
        let exact = UNITS.iter().find(|(spelling, _, _)| *spelling == word);
        let loose = || {
            UNITS.iter().find(|(spelling, unit, _)| {
                unit.dimension() == Dimension::Size && spelling.eq_ignore_ascii_case(word)
            })
        };
        match word {
            "m" => Some(Unit::Min),
            // The Greek letter looks like the micro sign.
            "μs" => Some(Unit::Us),
            _ => exact.or_else(loose).map(|(_, unit, _)| *unit),
        }
    }

    /// The spellings, for suggestions.
    pub(super) fn spellings() -> impl Iterator<Item = &'static str> {
        UNITS.iter().map(|(spelling, _, _)| *spelling).filter(|spelling| !spelling.is_empty())
    }

    /// The regular spelling; empty for none.
    pub fn as_str(self) -> &'static str {
        UNITS.iter().find(|(_, unit, _)| *unit == self).map_or("", |(spelling, _, _)| *spelling)
    }

    /// A number of this unit in what figures are computed in.
    pub(super) fn scaled(self, number: f64) -> f64 {
        UNITS.iter().find(|(_, unit, _)| *unit == self).map_or(number, |(_, _, scale)| number * scale)
    }

    pub(super) fn dimension(self) -> Dimension {
        match self {
            Unit::Bare => Dimension::Any,
            Unit::Ns | Unit::Us | Unit::Ms | Unit::S | Unit::Min | Unit::H => Dimension::Time,
            Unit::Percent => Dimension::Share,
            _ => Dimension::Size,
        }
    }
}

impl Dimension {
    /// The dimension of values that are so measured.
    pub(super) fn of(measure: Measure) -> Dimension {
        match measure {
            Measure::Plain | Measure::PerSecond => Dimension::Any,
            Measure::Bytes | Measure::BytesPerSecond => Dimension::Size,
            Measure::Share | Measure::Percent => Dimension::Share,
            Measure::Seconds | Measure::Millis | Measure::Micros | Measure::MillisPerSecond => {
                Dimension::Time
            }
        }
    }
}
