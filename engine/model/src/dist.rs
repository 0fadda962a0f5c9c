//! Seeded distributions: what iterations draw keys, sizes and pauses from.
//!
//! Construction validates and says what is wrong; drawing never fails and costs some nanoseconds. All draw
//! from an [`IterationRng`], so that an iteration's number decides what it draws.

use rand::distr::Distribution as _;
use rand_distr::weighted::WeightedAliasIndex;

use crate::seed::IterationRng;

/// Parameters that make no distribution.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{distribution} distribution: {parameter} is {value}; it must be {allowed}")]
pub struct DistError {
    /// Which distribution.
    pub distribution: &'static str,
    /// Which parameter.
    pub parameter: String,
    /// What it was.
    pub value: f64,
    /// What it may be.
    pub allowed: &'static str,
}

/// Every number from `low` up to (not including) `high` alike.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Uniform {
    low: f64,
    width: f64,
}

/// Ranks `0..n`, rank k with a probability proportional to `1 / (k + 1)^exponent`: few favourites, many
/// rarely used.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Zipf {
    inner: rand_distr::Zipf<f64>,
    last: u64,
}

/// The bell curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Normal {
    inner: rand_distr::Normal<f64>,
}

/// Waiting times of independent events.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Exponential {
    mean: f64,
}

/// Indices, each as often as its weight says. Drawing costs the same for any number of weights (alias
/// method, Walker 1977, Vose 1991).
#[derive(Debug, Clone)]
pub struct Weighted {
    inner: WeightedAliasIndex<f64>,
}

impl Uniform {
    /// From `low` to `high`; both finite, `low` at most `high`.
    pub fn new(low: f64, high: f64) -> Result<Self, DistError> {
        finite("uniform", "low", low)?;
        finite("uniform", "high", high)?;
        if low > high {
            return Err(error("uniform", "high", high, "at least `low`"));
        }
        finite("uniform", "high - low", high - low)?;
        Ok(Uniform { low, width: high - low })
    }

    /// One number.
    pub fn draw(&self, rng: &mut IterationRng) -> f64 {
        self.low + self.width * rng.next_unit()
    }
}

impl Zipf {
    /// Over `n` ranks; the exponent is usually about 1 (0 is uniform).
    pub fn new(n: u64, exponent: f64) -> Result<Self, DistError> {
        if n == 0 {
            return Err(error("zipf", "the number of ranks", 0.0, "at least 1"));
        }
        if !(exponent >= 0.0 && exponent.is_finite()) {
            return Err(error("zipf", "the exponent", exponent, "0 or more"));
        }
        let inner = rand_distr::Zipf::new(n as f64, exponent)
            .map_err(|_| error("zipf", "the exponent", exponent, "0 or more"))?;
        Ok(Zipf { inner, last: n - 1 })
    }

    /// One rank, 0 being the favourite.
    pub fn draw(&self, rng: &mut IterationRng) -> u64 {
        (self.inner.sample(rng) as u64).saturating_sub(1).min(self.last)
    }
}

impl Normal {
    /// With this mean and standard deviation (0 or more).
    pub fn new(mean: f64, stdev: f64) -> Result<Self, DistError> {
        finite("normal", "the mean", mean)?;
        if !(stdev >= 0.0 && stdev.is_finite()) {
            return Err(error("normal", "the standard deviation", stdev, "0 or more"));
        }
        let inner = rand_distr::Normal::new(mean, stdev)
            .map_err(|_| error("normal", "the standard deviation", stdev, "0 or more"))?;
        Ok(Normal { inner })
    }

    /// One number.
    pub fn draw(&self, rng: &mut IterationRng) -> f64 {
        self.inner.sample(rng)
    }
}

impl Exponential {
    /// With this mean (0 or more; 0 gives 0 every time).
    pub fn new(mean: f64) -> Result<Self, DistError> {
        if !(mean >= 0.0 && mean.is_finite()) {
            return Err(error("exponential", "the mean", mean, "0 or more"));
        }
        Ok(Exponential { mean })
    }

    /// One number, 0 or more.
    pub fn draw(&self, rng: &mut IterationRng) -> f64 {
        let unit: f64 = rand_distr::Exp1.sample(rng);
        self.mean * unit
    }
}

impl Weighted {
    /// With these weights: 0 or more each, not all 0.
    pub fn new(weights: &[f64]) -> Result<Self, DistError> {
        let bad = |weight: &&f64| !(**weight >= 0.0 && weight.is_finite());
        if let Some((index, &weight)) = weights.iter().enumerate().find(|(_, weight)| bad(weight)) {
            return Err(error("weighted", &format!("weight {index}"), weight, "0 or more"));
        }
        let sum: f64 = weights.iter().sum();
        if !(sum > 0.0 && sum.is_finite()) {
            return Err(error("weighted", "the sum of weights", sum, "more than 0"));
        }
        // Scaled to a sum of 1: the alias method multiplies by the number of weights, which must not
        // overflow.
        let scaled = weights.iter().map(|weight| weight / sum).collect();
        let inner = WeightedAliasIndex::new(scaled)
            .map_err(|_| error("weighted", "the number of weights", weights.len() as f64, "at most 2^32"))?;
        Ok(Weighted { inner })
    }

    /// One index.
    pub fn draw(&self, rng: &mut IterationRng) -> usize {
        self.inner.sample(rng)
    }
}

fn finite(distribution: &'static str, parameter: &str, value: f64) -> Result<(), DistError> {
    if value.is_finite() { Ok(()) } else { Err(error(distribution, parameter, value, "a finite number")) }
}

fn error(distribution: &'static str, parameter: &str, value: f64, allowed: &'static str) -> DistError {
    DistError { distribution, parameter: parameter.to_owned(), value, allowed }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRAWS: usize = 100_000;

    fn draws<T>(mut draw: impl FnMut(&mut IterationRng) -> T) -> Vec<T> {
        (0..DRAWS as u64).map(|number| draw(&mut IterationRng::new(3, 5, number))).collect()
    }

    fn mean_and_deviation(values: &[f64]) -> (f64, f64) {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64;
        (mean, variance.sqrt())
    }

    #[test]
    fn uniform_fills_its_range_alike() {
        let uniform = Uniform::new(-2.0, 6.0).unwrap();
        let values = draws(|rng| uniform.draw(rng));
        assert!(values.iter().all(|value| (-2.0..6.0).contains(value)));
        let (mean, deviation) = mean_and_deviation(&values);
        assert!(
            (mean - 2.0).abs() < 0.03 && (deviation - 8.0 / 12f64.sqrt()).abs() < 0.03,
            "{mean} {deviation}"
        );
    }

    #[test]
    fn normal_and_exponential_have_their_moments() {
        let normal = Normal::new(50.0, 5.0).unwrap();
        let (mean, deviation) = mean_and_deviation(&draws(|rng| normal.draw(rng)));
        assert!((mean - 50.0).abs() < 0.1 && (deviation - 5.0).abs() < 0.1, "{mean} {deviation}");
        let exponential = Exponential::new(4.0).unwrap();
        let values = draws(|rng| exponential.draw(rng));
        assert!(values.iter().all(|value| *value >= 0.0));
        let (mean, deviation) = mean_and_deviation(&values);
        assert!((mean - 4.0).abs() < 0.1 && (deviation - 4.0).abs() < 0.15, "{mean} {deviation}");
    }

    #[test]
    fn zipf_favours_the_first_ranks_as_its_law_says() {
        let zipf = Zipf::new(100, 1.0).unwrap();
        let mut counts = [0u32; 100];
        draws(|rng| zipf.draw(rng)).into_iter().for_each(|rank| counts[rank as usize] += 1);
        let harmonic: f64 = (1..=100).map(|k| 1.0 / f64::from(k)).sum();
        for rank in [0usize, 1, 9, 99] {
            let expected = DRAWS as f64 / harmonic / (rank as f64 + 1.0);
            let slack = 5.0 * expected.sqrt();
            assert!(
                (f64::from(counts[rank]) - expected).abs() < slack,
                "rank {rank}: {} of {expected}",
                counts[rank]
            );
        }
    }

    #[test]
    fn weights_are_kept() {
        let weighted = Weighted::new(&[5.0, 0.0, 3.0, 2.0]).unwrap();
        let mut counts = [0u32; 4];
        draws(|rng| weighted.draw(rng)).into_iter().for_each(|index| counts[index] += 1);
        assert_eq!(counts[1], 0);
        for (index, share) in [(0, 0.5), (2, 0.3), (3, 0.2)] {
            assert!((f64::from(counts[index]) / DRAWS as f64 - share).abs() < 0.01, "{counts:?}");
        }
    }

    #[test]
    fn what_is_no_distribution_is_refused_with_the_reason() {
        assert_eq!(
            Uniform::new(2.0, 1.0).unwrap_err().to_string(),
            "uniform distribution: high is 1; it must be at least `low`"
        );
        assert!(Uniform::new(0.0, f64::INFINITY).is_err());
        assert!(Uniform::new(-f64::MAX, f64::MAX).is_err());
        assert!(Zipf::new(0, 1.0).is_err());
        assert!(Zipf::new(5, -1.0).is_err());
        assert!(Zipf::new(5, f64::NAN).is_err());
        assert!(Normal::new(0.0, -1.0).is_err());
        assert!(Exponential::new(-1.0).is_err());
        assert!(Weighted::new(&[]).is_err());
        assert!(Weighted::new(&[0.0, 0.0]).is_err());
        assert_eq!(
            Weighted::new(&[1.0, -2.0]).unwrap_err().to_string(),
            "weighted distribution: weight 1 is -2; it must be 0 or more"
        );
    }

    #[test]
    fn the_same_number_draws_the_same() {
        let normal = Normal::new(0.0, 1.0).unwrap();
        let draw = |number| normal.draw(&mut IterationRng::new(1, 1, number));
        assert_eq!(draw(9), draw(9));
        assert_ne!(draw(9), draw(10));
    }
}
