//! What decides the rate of a scenario that holds a measured value: one decision an interval, for all cores.
//!
//! Samples come from any thread into one cell; the first core that needs an interval decides its rate, and all others find
//! it decided. A decision uses a sample once: without a new one, because nothing has been measured yet or the measurement
//! failed, the rate stays as it is and nothing adds up meanwhile.
//!
//! The level at a time is the integral of the rate until then. It goes on across decisions, so that arrivals can be planned
//! on it as on a shape's: no burst and no gap where the rate changes.
//!
//! Deliberately absent: what is measured and by whom (the runner's probes), and when arrivals are (`executor::feedback`).

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use model::control::{Controller, Law};

/// What the cell holds when there is no new sample. As a number it is none, so no sample is taken for it.
const NO_SAMPLE: u64 = f64::NAN.to_bits();

/// One scenario's regulator.
#[derive(Debug)]
pub struct Regulator {
    /// The newest sample, as bits.
    sample: AtomicU64,
    every_ns: u64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    controller: Controller,
    rate: f64,
    /// What was decided, by interval.
    decided: Vec<Decided>,
}

/// One interval's rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Decided {
    /// Iterations a second, over all cores and segments.
    pub(crate) rate: f64,
    /// The level at its beginning.
    pub(crate) level: f64,
}

impl Decided {
    /// The level so long after its beginning.
    pub(crate) fn level_after(self, ns: u64) -> f64 {
        self.level + self.rate * (ns as f64 / 1e9)
    }
}

impl Regulator {
    pub(crate) fn new(law: Law, start_rate: f64, every_ns: u64) -> Self {
        let controller = Controller::new(law, start_rate);
        Self {
            sample: AtomicU64::new(NO_SAMPLE),
            every_ns,
            state: Mutex::new(State { controller, rate: start_rate, decided: Vec::new() }),
        }
    }

    /// Takes a sample of the value; the next decision uses the newest. What is no number is no sample.
    pub fn feel(&self, value: f64) {
        if value.is_finite() {
            self.sample.store(value.to_bits(), Ordering::Relaxed);
        }
    }

    /// The rate of interval `index`, and whether it was decided just now.
    pub(crate) fn interval(&self, index: usize) -> (Decided, bool) {
        // Nothing that can panic happens under the lock.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = index >= state.decided.len();
        // A core plays every interval before the next, so this is one at most.
        while index >= state.decided.len() {
            self.decide(&mut state);
        }
        (state.decided[index], is_new)
    }

    fn decide(&self, state: &mut State) {
        let sample = f64::from_bits(self.sample.swap(NO_SAMPLE, Ordering::Relaxed));
        if !sample.is_nan() {
            state.rate = state.controller.decide(sample);
        }
        let level = state.decided.last().map_or(0.0, |last| last.level_after(self.every_ns));
        state.decided.push(Decided { rate: state.rate, level });
    }
}

#[cfg(test)]
mod tests {
    use model::control::{Direction, Gains};

    use super::*;

    const S: u64 = 1_000_000_000;

    fn law(kp: f64, ki: f64) -> Law {
        let gains = Gains { kp, ki };
        Law { target: 100.0, direction: Direction::Up, gains, min_rate: 2.0, max_rate: 50.0, period_s: 2.0 }
    }

    fn regulator(law: Law) -> Regulator {
        Regulator::new(law, 10.0, 2 * S)
    }

    fn rate(regulator: &Regulator, index: usize) -> f64 {
        regulator.interval(index).0.rate
    }

    #[test]
    fn an_interval_is_decided_once_whoever_asks() {
        let regulator = regulator(law(1.0, 0.0));
        regulator.feel(90.0);
        assert_eq!(regulator.interval(0), (Decided { rate: 20.0, level: 0.0 }, true));
        regulator.feel(95.0);
        assert_eq!(regulator.interval(0), (Decided { rate: 20.0, level: 0.0 }, false));
        assert_eq!(regulator.interval(1), (Decided { rate: 15.0, level: 40.0 }, true));
        assert_eq!(regulator.interval(2), (Decided { rate: 15.0, level: 70.0 }, true));
        assert_eq!(regulator.interval(1), (Decided { rate: 15.0, level: 40.0 }, false));
    }

    #[test]
    fn without_a_new_sample_the_rate_stays() {
        let regulator = regulator(law(1.0, 0.0));
        assert_eq!(rate(&regulator, 0), 10.0, "nothing is measured yet");
        regulator.feel(95.0);
        regulator.feel(f64::NAN);
        assert_eq!([rate(&regulator, 1), rate(&regulator, 2), rate(&regulator, 3)], [15.0; 3]);
        regulator.feel(0.0);
        assert_eq!(rate(&regulator, 4), 50.0);
    }

    #[test]
    fn what_was_missed_does_not_add_up() {
        let regulator = regulator(law(0.0, 1.0));
        regulator.feel(99.0);
        let first: Vec<f64> = (0..50).map(|index| rate(&regulator, index)).collect();
        assert_eq!(first, [10.0; 50]);
        regulator.feel(99.0);
        // One sample's worth: 1·1·2.
        assert_eq!(rate(&regulator, 50), 12.0);
    }
}
