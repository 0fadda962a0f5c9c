//! Any recordings: parts merged equal the whole, encoding loses nothing, percentiles are ranks.

use model::histogram::log::{LogReader, LogWriter};
use model::histogram::{LatencyHistogram, ValueHistogram};
use proptest::prelude::*;

fn durations_ns() -> impl Strategy<Value = Vec<u64>> {
    // From nanoseconds to days, evenly over the orders of magnitude.
    prop::collection::vec((0.0..48.0f64).prop_map(|exponent| exponent.exp2() as u64), 1..200)
}

fn histogram<'a>(durations_ns: impl IntoIterator<Item = &'a u64>) -> LatencyHistogram {
    let mut histogram = LatencyHistogram::new();
    durations_ns.into_iter().for_each(|&ns| histogram.record_ns(ns));
    histogram
}

const PERCENTILES: [f64; 9] = [0.0, 1.0, 25.0, 50.0, 90.0, 95.0, 99.0, 99.9, 100.0];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn merged_parts_equal_the_whole(durations in durations_ns(), parts in 1usize..7) {
        let whole = histogram(&durations);
        let mut merged = LatencyHistogram::new();
        for part in 0..parts {
            merged.merge(&histogram(durations.iter().skip(part).step_by(parts)));
        }
        prop_assert_eq!(&merged, &whole);
        for percentile in PERCENTILES {
            prop_assert_eq!(merged.percentile_us(percentile), whole.percentile_us(percentile));
        }
        prop_assert_eq!((merged.min_us(), merged.max_us()), (whole.min_us(), whole.max_us()));
        prop_assert_eq!((merged.mean_us(), merged.stdev_us()), (whole.mean_us(), whole.stdev_us()));
    }

    #[test]
    fn percentiles_are_those_of_the_sorted_list(durations in durations_ns()) {
        let recorded = histogram(&durations);
        let mut sorted_us: Vec<u64> =
            durations.iter().map(|ns| (ns.saturating_add(500) / 1000).clamp(1, 3_600_000_000)).collect();
        sorted_us.sort_unstable();
        for percentile in PERCENTILES {
            let rank = ((percentile * sorted_us.len() as f64 / 100.0 - 1e-9).ceil() as usize).max(1);
            let exact = sorted_us[rank - 1] as f64;
            let read = recorded.percentile_us(percentile) as f64;
            prop_assert!((read - exact).abs() <= exact * 0.001 + 0.5, "p{percentile}: {read} against {exact}");
        }
    }

    #[test]
    fn encodings_and_logs_read_back(durations in durations_ns()) {
        let original = histogram(&durations);
        prop_assert_eq!(&LatencyHistogram::decode(&original.encode()).unwrap(), &original);
        prop_assert_eq!(&LatencyHistogram::decode(&original.encode_deflate()).unwrap(), &original);
        let mut log = LogWriter::begin(Vec::new(), 1).unwrap();
        log.write("push:ok", 0, 1_000_000_000, &original).unwrap();
        let text = String::from_utf8(log.into_inner()).unwrap();
        let read = LogReader::new(&text).next().unwrap().unwrap();
        prop_assert_eq!(read.histogram, original);
    }

    #[test]
    fn values_of_any_size_keep_three_digits(values in prop::collection::vec(-1e12..1e12f64, 1..300), parts in 1usize..4) {
        let mut whole = ValueHistogram::new();
        let mut merged = ValueHistogram::new();
        for part in 0..parts {
            let mut one = ValueHistogram::new();
            values.iter().skip(part).step_by(parts).for_each(|&value| assert!(one.record(value)));
            merged.merge(&one);
        }
        values.iter().for_each(|&value| assert!(whole.record(value)));
        let mut sorted = values.clone();
        sorted.sort_by(f64::total_cmp);
        for percentile in PERCENTILES {
            prop_assert_eq!(merged.percentile(percentile), whole.percentile(percentile));
            let rank = ((percentile * sorted.len() as f64 / 100.0 - 1e-9).ceil() as usize).max(1);
            let exact = sorted[rank - 1];
            let read = whole.percentile(percentile);
            prop_assert!((read - exact).abs() <= exact.abs() * 0.001_001, "p{percentile}: {read} against {exact}");
        }
    }
}
