//! A rate known only at equal distances in time: a polyline through the samples.

use serde::{Deserialize, Serialize};

use super::forms::{Reach, ramp};
use super::law::Law;

/// Rates at 0, `every_s`, 2 `every_s`, …, joined by straight lines.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "Samples", into = "Samples")]
pub struct Sampled {
    samples: Samples,
    /// The integral up to each sample.
    integrals: Vec<f64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Samples {
    every_s: f64,
    rates: Vec<f64>,
}

impl Sampled {
    /// The polyline through `rates`, the first at time 0 and each `every_s` after the one before.
    pub fn new(every_s: f64, rates: Vec<f64>) -> Self {
        Samples { every_s, rates }.into()
    }

    /// A function sampled at `points` times from 0 to `duration_s`, both included.
    pub fn of(duration_s: f64, points: usize, mut rate_at: impl FnMut(f64) -> f64) -> Self {
        let every_s = duration_s / points.saturating_sub(1).max(1) as f64;
        Sampled::new(every_s, (0..points).map(|k| rate_at(k as f64 * every_s)).collect())
    }

    /// The distance from sample to sample.
    pub fn every_s(&self) -> f64 {
        self.samples.every_s
    }

    /// The samples.
    pub fn rates(&self) -> &[f64] {
        &self.samples.rates
    }

    pub(super) fn duration_s(&self) -> f64 {
        self.samples.every_s * self.samples.rates.len().saturating_sub(1) as f64
    }

    /// The line that holds `t_s` as (index of its first sample, rate there, rate at its end).
    fn find(&self, t_s: f64) -> Option<(usize, f64, f64)> {
        let last = self.samples.rates.len().checked_sub(2)?;
        let every_s = self.samples.every_s;
        let mut index = ((t_s / every_s) as usize).min(last);
        // Division can round across a sample; lines begin at products.
        if index < last && (index + 1) as f64 * every_s <= t_s {
            index += 1;
        }
        Some((index, self.samples.rates[index], self.samples.rates[index + 1]))
    }

    pub(super) fn rate(&self, t_s: f64) -> f64 {
        self.find(t_s).map_or(0.0, |(index, from, to)| {
            ramp::rate(from, to, self.samples.every_s, t_s - index as f64 * self.samples.every_s)
        })
    }

    /// ```text
    ///  |  ╱╲__╱    integral(t) = trapezia of the whole lines before t (summed beforehand)
    ///  |╱                      + the ramp's integral in the line that holds t
    /// ```
    pub(super) fn integral(&self, t_s: f64) -> f64 {
        self.find(t_s).map_or(0.0, |(index, from, to)| {
            let into_s = t_s - index as f64 * self.samples.every_s;
            self.integrals[index] + ramp::integral(from, to, self.samples.every_s, into_s)
        })
    }

    pub(super) fn reach(&self, t_s: f64) -> Reach {
        match self.find(t_s) {
            None => Reach { law: Law::constant(0.0), end_s: f64::INFINITY },
            Some((index, from, to)) => {
                let every_s = self.samples.every_s;
                let part = ramp::reach(from, to, every_s, t_s - index as f64 * every_s);
                Reach { law: part.law, end_s: (index + 1) as f64 * every_s }
            }
        }
    }
}

impl From<Samples> for Sampled {
    fn from(samples: Samples) -> Self {
        let mut integral = 0.0;
        let mut integrals = Vec::with_capacity(samples.rates.len());
        integrals.push(0.0);
        for pair in samples.rates.windows(2) {
            integral += (pair[0] + pair[1]) / 2.0 * samples.every_s;
            integrals.push(integral);
        }
        Sampled { samples, integrals }
    }
}

impl From<Sampled> for Samples {
    fn from(sampled: Sampled) -> Self {
        sampled.samples
    }
}
