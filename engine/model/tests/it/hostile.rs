//! Bytes and texts from anywhere: every reader answers, none panics.

use model::histogram::LatencyHistogram;
use model::histogram::log::LogReader;
use model::runfile::RunFile;
use model::segment::Segment;
use model::series::{Calm, Series, Watched, plateau, recovery, slope};
use model::units::{format_duration, parse_bytes, parse_duration, parse_percent, parse_rate};
use proptest::prelude::*;
use std::time::Duration;

fn an_encoded_histogram() -> Vec<u8> {
    let mut histogram = LatencyHistogram::new();
    (1..2_000u64).for_each(|n| histogram.record_ns(n * n * 1_000));
    histogram.encode()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn histograms(bytes in prop::collection::vec(any::<u8>(), 0..200), at in 0.0..1.0f64, byte: u8) {
        let _ = LatencyHistogram::decode(&bytes);
        // One wrong byte past the length field: the header and the counts.
        let mut damaged = an_encoded_histogram();
        let place = 8 + ((damaged.len() - 9) as f64 * at) as usize;
        damaged[place] = byte;
        let _ = LatencyHistogram::decode(&damaged);
    }

    #[test]
    fn logs_and_run_files(text in "[#\\[\\]A-Za-z=,:.0-9\n {}\"]{0,200}") {
        let _ = LogReader::new(&text).count();
        let _ = RunFile::parse(&text);
    }

    #[test]
    fn quantities(text in "[-+0-9a-zA-Z./%: _µé]{0,14}") {
        let _ = (parse_duration(&text), parse_bytes(&text), parse_percent(&text), parse_rate(&text));
        let _ = text.parse::<Segment>();
    }

    #[test]
    fn a_formatted_duration_reads_back_to_its_digits(ns in 1u64..400_000_000_000_000) {
        let duration = Duration::from_nanos(ns);
        let read = parse_duration(&format_duration(duration)).unwrap();
        let allowed = if ns < 60_000_000_000 { ns as f64 * 0.006 } else { 0.5e9 };
        prop_assert!((read.as_nanos() as f64 - ns as f64).abs() <= allowed + 1.0, "{duration:?} as {read:?}");
    }

    #[test]
    fn series(
        points in prop::collection::vec((0u64..100_000_000_000, -1e9..1e9f64), 0..60),
        disturbances in prop::collection::btree_set(0u64..100_000_000_000, 0..4),
    ) {
        let series: Series = points.into_iter().collect();
        let disturbances: Vec<(u64, u64)> = disturbances.into_iter().map(|at| (at, at + 1_000_000_000)).collect();
        let _ = (slope(series.points()), plateau(series.points()));
        for calm in [Calm::Below, Calm::Around] {
            let answers = recovery(Watched { points: series.points(), calm }, &disturbances);
            prop_assert_eq!(answers.len(), disturbances.len());
        }
    }
}
