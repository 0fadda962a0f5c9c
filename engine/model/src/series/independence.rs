//! How many independent points a series amounts to: samples that follow each other closely say less than
//! their number.
//!
//! A level that a table keeps for a minute, or a ramp that a vacuum ends, makes neighbours alike, and a test
//! that takes every sample as news is too sure of itself. After the trend is taken away, the correlation of
//! neighbours `r` (of their ranks, so that single wild values do not hide it) widens the variance of Kendall's
//! S as that of a first-order autoregression: by `1 + 2 Σ (1 - k/n) r^k` over the lags k (S. Yue and C. Wang,
//! "The Mann-Kendall test modified by effective sample size", Water Resources Management 18, 2004; ranks
//! after K. H. Hamed and A. R. Rao, "A modified Mann-Kendall trend test for autocorrelated data", Journal of
//! Hydrology 204, 1998). Estimated from few points `r` comes out too small, which
//! `(n r + 2) / (n - 4)` allows for (K. H. Hamed, "Enhancing the effectiveness of prewhitening", Journal of
//! Hydrology 368, 2009). It never narrows: neighbours that repel each other are not taken as a bonus.

use super::Point;

/// Beyond this neighbours are as good as the same, and the sum no longer means anything.
const ALIKE_AT_MOST: f64 = 0.999;

/// How often points in order of time say the same, 1 or more, once a trend of so much a minute is taken away.
/// Takes them as equally far apart.
pub(super) fn repetition(points: &[Point], per_minute: f64) -> f64 {
    let count = points.len() as f64;
    if count <= 4.0 {
        return 1.0;
    }
    let rest = points.iter().map(|point| point.value - per_minute * (point.t_ns as f64 / 60e9));
    let Some(raw) = neighbours(&ranks(rest.collect())) else { return 1.0 };
    let likeness = ((count * raw + 2.0) / (count - 4.0)).min(ALIKE_AT_MOST);
    if likeness <= 0.0 {
        return 1.0;
    }
    // The sum in closed form.
    let sum = (likeness.powf(count + 1.0) - count * likeness * likeness + (count - 1.0) * likeness)
        / (count * (1.0 - likeness) * (1.0 - likeness));
    (1.0 + 2.0 * sum).clamp(1.0, count)
}

/// The rank of each value; equal values share the mean of theirs.
fn ranks(values: Vec<f64>) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_unstable_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    let mut before = 0;
    for equal in order.chunk_by(|a, b| values[*a] == values[*b]) {
        let rank = before as f64 + (equal.len() - 1) as f64 / 2.0;
        equal.iter().for_each(|index| ranks[*index] = rank);
        before += equal.len();
    }
    ranks
}

/// The correlation of neighbours, -1 to 1; nothing where all values are the same.
fn neighbours(values: &[f64]) -> Option<f64> {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let spread: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
    let together: f64 = values.windows(2).map(|pair| (pair[0] - mean) * (pair[1] - mean)).sum();
    (spread > 0.0).then(|| together / spread)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(values: impl IntoIterator<Item = f64>) -> Vec<Point> {
        let at = |(k, value)| Point { t_ns: k as u64 * 60_000_000_000, value };
        values.into_iter().enumerate().map(at).collect()
    }

    #[test]
    fn values_that_alternate_or_never_change_are_taken_as_they_are() {
        assert_eq!(repetition(&points([7.0; 30]), 0.0), 1.0);
        assert_eq!(repetition(&points((0..30).map(|k| f64::from(k % 2))), 0.0), 1.0);
        assert_eq!(repetition(&points([1.0, 2.0, 3.0]), 0.0), 1.0);
    }

    #[test]
    fn a_level_that_holds_for_long_says_little_more_than_once() {
        let steps = points((0..80).map(|k| f64::from(k / 20 % 2)));
        let times = repetition(&steps, 0.0);
        assert!((10.0..=80.0).contains(&times), "{times}");
    }

    #[test]
    fn the_trend_itself_is_no_repetition() {
        let line = points((0..40).map(|k| 3.0 * f64::from(k) + f64::from(k % 2)));
        assert_eq!(repetition(&line, 3.0), 1.0);
        assert!(repetition(&line, 0.0) > 10.0);
    }

    #[test]
    fn ranks_share_their_mean() {
        assert_eq!(ranks(vec![5.0, 1.0, 5.0, 9.0]), [1.5, 0.0, 1.5, 3.0]);
    }

    #[test]
    fn the_closed_form_is_the_sum() {
        // Ranks 0..n in order have neighbours of a known likeness; the sum written out gives the same.
        let ramp = points((0..50).map(f64::from));
        let raw = neighbours(&(0..50).map(f64::from).collect::<Vec<_>>()).unwrap();
        let likeness = ((50.0 * raw + 2.0) / 46.0).min(ALIKE_AT_MOST);
        let written: f64 = (1..50).map(|k| (1.0 - f64::from(k) / 50.0) * likeness.powi(k)).sum();
        assert!((repetition(&ramp, 0.0) - (1.0 + 2.0 * written).min(50.0)).abs() < 1e-6);
    }
}
