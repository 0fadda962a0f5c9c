//! How long things took: the latency histogram every percentile in a report comes from.
//!
//! One layout for all (1 µs to 1 h at three significant digits), so any two histograms merge exactly and
//! percentiles are never averaged. Deliberately does not know what was timed or when.

pub mod log;
mod values;

use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer, V2DeflateSerializer, V2Serializer};

pub use values::ValueHistogram;

/// The shortest duration told apart; anything shorter counts as this.
pub const LOWEST_US: u64 = 1;
/// The longest duration told apart, one hour; anything longer counts as this.
pub const HIGHEST_US: u64 = 3_600_000_000;
const SIGNIFICANT_DIGITS: u8 = 3;
/// What a new histogram has room for before it grows: most operations take less than 4 ms, and 24 KB are
/// quickly cleared and stay in a core's cache, where the full hour would be 190 KB.
const FIRST_ROOM_US: u64 = 4095;

/// Durations counted in an HdrHistogram of microseconds. Values are kept to one part in a thousand;
/// recording saturates at both ends of the range and never fails. Memory grows with the largest value, in
/// steps of a factor of two, from 24 KB (4 ms) to 190 KB (1 h).
#[derive(Debug, Clone)]
pub struct LatencyHistogram {
    counts: Histogram<u64>,
}

/// Bytes that are no histogram of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HistogramError {
    /// Not an HdrHistogram, or a damaged one.
    #[error("this is not an HdrHistogram V2: {0}; the file is damaged or was written by something else")]
    Unreadable(String),
    /// A real HdrHistogram that holds values beyond our range, so it could not be merged exactly.
    #[error(
        "the histogram holds values up to {max_us} µs, above the hour this program records; it was written by something else"
    )]
    OutOfRange {
        /// The largest value it holds, in its own units (ours are µs).
        max_us: u64,
    },
}

impl LatencyHistogram {
    /// An empty histogram.
    pub fn new() -> Self {
        Self::with_room_to(FIRST_ROOM_US)
    }

    /// An empty histogram with room for what this one has met, so that it need not grow again.
    pub fn emptied_like(&self) -> Self {
        Self::with_room_to(self.counts.high())
    }

    fn with_room_to(highest_us: u64) -> Self {
        let mut counts = Histogram::new_with_bounds(LOWEST_US, highest_us, SIGNIFICANT_DIGITS)
            .expect("from 1 µs at three digits every range is valid");
        counts.auto(true);
        LatencyHistogram { counts }
    }

    /// Counts one duration, rounded to the nearest microsecond and clamped to 1 µs … 1 h.
    #[inline]
    pub fn record_ns(&mut self, duration_ns: u64) {
        self.record_n_ns(duration_ns, 1);
    }

    /// Counts one duration `times` times.
    #[inline]
    pub fn record_n_ns(&mut self, duration_ns: u64, times: u64) {
        let us = (duration_ns.saturating_add(500) / 1000).clamp(LOWEST_US, HIGHEST_US);
        self.counts.record_n(us, times).expect("it grows, and an hour takes 190 KB");
    }

    /// Adds every count of another histogram. Exact: the result is the histogram that both sets of
    /// recordings together would have made.
    pub fn merge(&mut self, other: &LatencyHistogram) {
        self.counts.add(&other.counts).expect("it grows, and the other holds an hour at most");
    }

    /// The value in µs below or at which `percentile` (0 to 100) percent of the recordings lie, as
    /// HdrHistogram defines it: the upper end of the cell in which that rank falls. 0 when empty.
    pub fn percentile_us(&self, percentile: f64) -> u64 {
        let count = self.count();
        if count == 0 {
            return 0;
        }
        // Half a rank below, so that rounding inside cannot reach the next rank.
        self.counts.value_at_quantile((rank_of(percentile, count) as f64 - 0.5) / count as f64)
    }

    /// The smallest recording in µs (lower end of its cell); 0 when empty.
    pub fn min_us(&self) -> u64 {
        if self.is_empty() { 0 } else { self.counts.min() }
    }

    /// The largest recording in µs (upper end of its cell); 0 when empty.
    pub fn max_us(&self) -> u64 {
        self.counts.max()
    }

    /// The mean in µs, from the middles of the cells; 0 when empty.
    pub fn mean_us(&self) -> f64 {
        self.counts.mean()
    }

    /// The standard deviation in µs (of the recordings themselves, not an estimate for a larger
    /// population); 0 when empty.
    pub fn stdev_us(&self) -> f64 {
        self.counts.stdev()
    }

    /// How many durations were counted.
    pub fn count(&self) -> u64 {
        self.counts.len()
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// How many recordings lie at or below `limit_us` (to the width of a cell).
    pub fn count_at_or_below_us(&self, limit_us: u64) -> u64 {
        self.counts.count_between(0, limit_us.min(HIGHEST_US))
    }

    /// The cells that hold anything, as (upper end in µs, count), ascending.
    pub fn cells(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.counts.iter_recorded().map(|cell| (cell.value_iterated_to(), cell.count_at_value()))
    }

    /// The HdrHistogram V2 encoding, uncompressed.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        V2Serializer::new()
            .serialize(&self.counts, &mut bytes)
            .expect("writing to memory cannot fail and the layout is encodable");
        bytes
    }

    /// The HdrHistogram V2 encoding, compressed with zlib: what interval logs carry.
    pub fn encode_deflate(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        V2DeflateSerializer::new()
            .serialize(&self.counts, &mut bytes)
            .expect("writing to memory cannot fail and the layout is encodable");
        bytes
    }

    /// Reads either encoding, also of a histogram another tool made with a different layout, as long as its
    /// values (taken as µs) fit.
    pub fn decode(mut bytes: &[u8]) -> Result<LatencyHistogram, HistogramError> {
        let counts: Histogram<u64> = Deserializer::new()
            .deserialize(&mut bytes)
            .map_err(|error| HistogramError::Unreadable(error.to_string()))?;
        // By the lower end: our own last cell reaches a little beyond the hour.
        if counts.lowest_equivalent(counts.max()) > HIGHEST_US {
            return Err(HistogramError::OutOfRange { max_us: counts.max() });
        }
        let mut histogram = LatencyHistogram::new();
        histogram.counts.add(&counts).expect("it grows, and the values were checked");
        Ok(histogram)
    }

    fn counts(&self) -> &Histogram<u64> {
        &self.counts
    }
}

impl PartialEq for LatencyHistogram {
    /// Whether the same durations were counted equally often, whatever room each has.
    fn eq(&self, other: &Self) -> bool {
        self.count() == other.count() && self.cells().eq(other.cells())
    }
}

/// The rank (from 1) of a percentile among `count` values: the smallest that has at least that share at or
/// below it. 99.9 % of 1,000 is rank 999, although 99.9 / 100 * 1000 is a hair above 999 in binary.
fn rank_of(percentile: f64, count: u64) -> u64 {
    let exact = percentile.clamp(0.0, 100.0) * count as f64 / 100.0;
    let nearest = exact.round();
    let rank = if (exact - nearest).abs() <= exact * 1e-12 { nearest } else { exact.ceil() };
    (rank as u64).clamp(1, count)
}

impl Default for LatencyHistogram {
    fn default() -> Self {
        LatencyHistogram::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_us(values: impl IntoIterator<Item = u64>) -> LatencyHistogram {
        let mut histogram = LatencyHistogram::new();
        values.into_iter().for_each(|us| histogram.record_ns(us * 1000));
        histogram
    }

    #[test]
    fn figures_of_a_known_set() {
        let histogram = of_us(1..=1000);
        assert_eq!(histogram.count(), 1000);
        assert_eq!(histogram.percentile_us(50.0), 500);
        assert_eq!(histogram.percentile_us(99.9), 999);
        assert_eq!(histogram.percentile_us(100.0), 1000);
        assert_eq!(histogram.percentile_us(0.0), 1);
        assert_eq!((histogram.min_us(), histogram.max_us()), (1, 1000));
        assert!((histogram.mean_us() - 500.5).abs() < 0.51);
        assert!((histogram.stdev_us() - 288.67).abs() < 0.1);
        assert_eq!(histogram.count_at_or_below_us(250), 250);
        assert_eq!(histogram.cells().map(|(_, count)| count).sum::<u64>(), 1000);
    }

    #[test]
    fn an_empty_one_answers_zero() {
        let empty = LatencyHistogram::new();
        assert!(empty.is_empty());
        assert_eq!((empty.count(), empty.min_us(), empty.max_us(), empty.percentile_us(99.0)), (0, 0, 0, 0));
        assert_eq!((empty.mean_us(), empty.stdev_us()), (0.0, 0.0));
    }

    #[test]
    fn both_ends_saturate() {
        let mut histogram = LatencyHistogram::new();
        histogram.record_ns(0);
        histogram.record_ns(u64::MAX);
        assert_eq!(histogram.count(), 2);
        assert_eq!(histogram.min_us(), LOWEST_US);
        assert!(histogram.max_us().abs_diff(HIGHEST_US) * 1000 <= HIGHEST_US);
    }

    #[test]
    fn three_digits_hold_over_the_whole_range() {
        for exponent in 3..=12 {
            let ns = 10u64.pow(exponent) + 10u64.pow(exponent) / 7;
            let mut histogram = LatencyHistogram::new();
            histogram.record_ns(ns);
            let us = (ns as f64 / 1000.0).round();
            assert!((histogram.percentile_us(50.0) as f64 - us).abs() <= us / 1000.0, "{ns} ns");
        }
    }

    #[test]
    fn merging_is_exact() {
        let mut left = of_us([5, 70_000, 3]);
        left.merge(&of_us([1, 900_000_000]));
        left.merge(&LatencyHistogram::new());
        assert_eq!(left, of_us([1, 3, 5, 70_000, 900_000_000]));
    }

    #[test]
    fn both_encodings_come_back_the_same() {
        let histogram = of_us((0..500).map(|n| n * n));
        assert_eq!(LatencyHistogram::decode(&histogram.encode()), Ok(histogram.clone()));
        assert_eq!(LatencyHistogram::decode(&histogram.encode_deflate()), Ok(histogram));
    }

    #[test]
    fn damaged_bytes_are_refused() {
        let bytes = of_us([1, 2, 3]).encode_deflate();
        assert!(matches!(LatencyHistogram::decode(b"junk"), Err(HistogramError::Unreadable(_))));
        assert!(LatencyHistogram::decode(&bytes[..bytes.len() / 2]).is_err());
        assert!(LatencyHistogram::decode(&[]).is_err());
    }

    #[test]
    fn a_foreign_layout_is_read_and_one_out_of_range_refused() {
        let foreign = |value| {
            let mut histogram = Histogram::<u64>::new_with_bounds(1, u64::MAX / 4, 2).unwrap();
            histogram.record(value).unwrap();
            let mut bytes = Vec::new();
            V2Serializer::new().serialize(&histogram, &mut bytes).unwrap();
            LatencyHistogram::decode(&bytes)
        };
        assert_eq!(foreign(100).map(|histogram| histogram.percentile_us(50.0)), Ok(100));
        assert!(matches!(foreign(HIGHEST_US * 8), Err(HistogramError::OutOfRange { .. })));
    }
}
