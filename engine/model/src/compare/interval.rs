//! An estimate with its confidence interval, from a few logarithms.

use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, StudentsT};

/// An estimate and its confidence interval.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Interval {
    /// The estimate.
    pub value: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
}

/// The mean of logarithms, taken back out of them, with a two-sided interval by Student's t; nothing for less than two.
pub(super) fn interval_of_logs(logs: &[f64], confidence: f64) -> Option<Interval> {
    let count = logs.len() as f64;
    if logs.len() < 2 {
        return None;
    }
    let mean = logs.iter().sum::<f64>() / count;
    let variance = logs.iter().map(|log| (log - mean).powi(2)).sum::<f64>() / (count - 1.0);
    let half = quantile((1.0 + confidence) / 2.0, count - 1.0) * (variance / count).sqrt();
    Some(Interval { value: mean.exp(), low: (mean - half).exp(), high: (mean + half).exp() })
}

/// Of Student's t.
fn quantile(probability: f64, degrees_of_freedom: f64) -> f64 {
    let t = StudentsT::new(0.0, 1.0, degrees_of_freedom)
        .expect("the scale is 1 and there is at least one degree of freedom");
    t.inverse_cdf(probability)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_tables() {
        for (probability, freedom, wanted) in
            [(0.975, 1.0, 12.7062), (0.975, 5.0, 2.5706), (0.995, 5.0, 4.0321), (0.9958, 5.0, 4.2070)]
        {
            let found = quantile(probability, freedom);
            assert!((found - wanted).abs() < 1e-2, "t({probability}, {freedom}) is {found}");
        }
    }

    #[test]
    fn one_figure_has_no_interval() {
        assert_eq!(interval_of_logs(&[1.0], 0.95), None);
        let same = interval_of_logs(&[1.0, 1.0], 0.95).unwrap();
        assert!((same.value - 1f64.exp()).abs() < 1e-12 && same.low == same.high);
    }
}
