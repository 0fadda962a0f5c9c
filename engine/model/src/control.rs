//! Holds a measured value at a target by setting a rate: a PI controller that does not wind up.
//!
//! With the error e, how far the value has yet to go in the direction into which more rate moves it:
//!
//! ```text
//! v = kp·e + I                            what the controller wants
//! u = v, kept between min and max         what it gets: the rate
//! dI/dt = ki·e + kt·(u − v),  kt = ki/kp  the integral, called back while a limit holds the rate
//! ```
//!
//! Source: Åström and Murray, "Feedback Systems", 2nd edition, chapter 11 (PI control; back-calculation against integrator
//! windup, with a tracking time as long as the integral time). The derivative in time is one Euler step for each sample. A
//! limit that holds for long leaves I at that limit, so the rate moves away from it with the first sample beyond the target.
//!
//! Deliberately absent: clocks, where the value comes from, and what is done at the rate.

/// Into which direction more rate moves the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// More rate raises it, as pushes do a queue's depth.
    #[default]
    Up,
    /// More rate lowers it, as pops do.
    Down,
}

/// How strongly an error acts, at once and over time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gains {
    /// Rate for each unit of error.
    pub kp: f64,
    /// Rate a second for each unit of error.
    pub ki: f64,
}

/// What is held, and by what means.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Law {
    /// Where the value is to be.
    pub target: f64,
    /// What more rate does to it.
    pub direction: Direction,
    /// How strongly an error acts.
    pub gains: Gains,
    /// The lowest rate, per second.
    pub min_rate: f64,
    /// The highest.
    pub max_rate: f64,
    /// The time between two samples of the value.
    pub period_s: f64,
}

/// A controller between two samples.
#[derive(Debug, Clone)]
pub struct Controller {
    law: Law,
    integral: f64,
}

/// The share of an error that one period may take back. A sample is up to a period old, and its rate holds for another one:
/// with a half the loop keeps a phase margin of about 30 degrees at that age and 45 at half of it, with a whole it would swing
/// for ever.
const SHARE_OF_A_PERIOD: f64 = 0.5;

impl Gains {
    /// `kp` from the problem's own sizes, times `gain`: an error as large as the target moves the rate over its whole range,
    /// unless that would take back more than half of an error in a period. `ki = kp²/4` makes the loop critically damped
    /// when the value is the integral of the rate, as a queue's depth is: s² + kp·s + ki = (s + kp/2)².
    pub fn suggested(gain: f64, range: f64, target: f64, period_s: f64) -> Self {
        let by_size = if target == 0.0 { f64::INFINITY } else { range / target.abs() };
        let kp = gain * by_size.min(SHARE_OF_A_PERIOD / period_s);
        Gains { kp, ki: kp * kp / 4.0 }
    }
}

impl Controller {
    /// One whose guess of the rate that is needed is `start_rate`.
    pub fn new(law: Law, start_rate: f64) -> Self {
        Controller { law, integral: start_rate.clamp(law.min_rate, law.max_rate) }
    }

    /// The rate from now on, given a new sample of the value (a number).
    pub fn decide(&mut self, value: f64) -> f64 {
        let Law { target, direction, gains: Gains { kp, ki }, min_rate, max_rate, period_s } = self.law;
        let error = match direction {
            Direction::Up => target - value,
            Direction::Down => value - target,
        };
        let wanted = kp * error + self.integral;
        let rate = wanted.clamp(min_rate, max_rate);
        let called_back = if kp > 0.0 { ki / kp * (rate - wanted) } else { 0.0 };
        self.integral += period_s * (ki * error + called_back);
        rate
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn law(gain: f64, target: f64, max_rate: f64, period_s: f64) -> Law {
        let gains = Gains::suggested(gain, max_rate, target, period_s);
        Law { target, direction: Direction::Up, gains, min_rate: 0.0, max_rate, period_s }
    }

    /// Plays a plant; it gets the rate and says the value a period later, and each sample is a period old when it is used.
    /// The last value and rate.
    fn played(law: Law, first: f64, steps: usize, mut plant: impl FnMut(f64, f64) -> f64) -> (f64, f64) {
        let mut controller = Controller::new(law, law.max_rate / 10.0);
        let (mut before, mut value, mut rate) = (first, first, 0.0);
        for _ in 0..steps {
            rate = controller.decide(before);
            before = value;
            value = plant(value, rate);
        }
        (value, rate)
    }

    #[test]
    fn gains_come_from_the_sizes_and_are_bounded_by_the_period() {
        assert_eq!(Gains::suggested(1.0, 100.0, 1000.0, 1.0), Gains { kp: 0.1, ki: 0.1 * 0.1 / 4.0 });
        assert_eq!(Gains::suggested(2.0, 5000.0, 1000.0, 1.0).kp, 1.0);
        assert_eq!(Gains::suggested(1.0, 5000.0, 0.0, 10.0).kp, 0.05, "a target of 0 has no size");
        assert_eq!(Gains::suggested(1.0, 100.0, -1000.0, 1.0).kp, 0.1);
    }

    #[test]
    fn an_error_acts_at_once_and_more_with_time() {
        let gains = Gains { kp: 0.5, ki: 0.25 };
        let up = Law {
            target: 100.0,
            direction: Direction::Up,
            gains,
            min_rate: 1.0,
            max_rate: 90.0,
            period_s: 2.0,
        };
        let mut controller = Controller::new(up, 20.0);
        // 20 + 0.5·10; each sample adds 0.25·10·2.
        assert_eq!([90.0, 90.0, 100.0].map(|value| controller.decide(value)), [25.0, 30.0, 30.0]);
        let mut controller = Controller::new(Law { direction: Direction::Down, ..up }, 20.0);
        assert_eq!([110.0, 110.0, 100.0].map(|value| controller.decide(value)), [25.0, 30.0, 30.0]);
    }

    proptest! {
        /// depth' = rate − service, never below 0: a queue.
        #[test]
        fn a_queue_settles_at_its_target(
            gain in 0.2..1.2f64, period_s in 0.1..10.0f64, max_rate in 10.0..10_000.0f64, fills in 0.5..100.0f64,
            served in 0.05..0.95f64, first in 0.0..3.0f64,
        ) {
            // Periods in which the highest rate would fill it.
            let target: f64 = fills * period_s * max_rate;
            let law = law(gain, target, max_rate, period_s);
            let steps = (200.0 / (law.gains.kp * period_s)).ceil() as usize;
            let service = served * max_rate;
            let (depth, rate) =
                played(law, first * target, steps, |depth, rate| (depth + (rate - service) * period_s).max(0.0));
            prop_assert!((depth - target).abs() < 0.01 * target, "depth {depth} at {target}");
            prop_assert!((rate - service).abs() < 0.01 * max_rate, "rate {rate} at {service}");
        }

        /// τ·value' = base ± k·rate − value: a lag of the first order, such as a share of time that is in use.
        #[test]
        fn a_first_order_lag_settles_at_its_target(
            gain in 0.5..1.0f64, period_s in 0.1..10.0f64, max_rate in 10.0..10_000.0f64, lag in 10.0..100.0f64,
            k in 0.5..20.0f64, share in 0.3..0.9f64, is_down: bool,
        ) {
            let k = k * period_s;
            let (base, sign) = if is_down { (2.0 * k * max_rate, -1.0) } else { (0.0, 1.0) };
            let needed = share * max_rate;
            let target: f64 = base + sign * k * needed;
            let direction = if is_down { Direction::Down } else { Direction::Up };
            let law = Law { direction, ..law(gain, target, max_rate, period_s) };
            let (value, rate) = played(law, base, 100_000, |value, rate| value + (base + sign * k * rate - value) / lag);
            prop_assert!((value - target).abs() < 0.01 * target, "value {value} at {target}");
            prop_assert!((rate - needed).abs() < 0.01 * max_rate, "rate {rate} at {needed}");
        }

        #[test]
        fn the_rate_stays_within_its_limits_and_nothing_winds_up(
            gain in 0.2..4.0f64, low in 0.0..100.0f64, range in 1.0..10_000.0f64, period_s in 0.1..10.0f64,
            values in prop::collection::vec(-1e9..1e9f64, 0..200), beyond in 0.001..1.0f64,
        ) {
            let gains = Gains::suggested(gain, range, 100.0, period_s);
            let max_rate = low + range;
            let law = Law { target: 100.0, direction: Direction::Up, gains, min_rate: low, max_rate, period_s };
            let mut controller = Controller::new(law, low);
            for value in values {
                let rate = controller.decide(value);
                prop_assert!((low..=max_rate).contains(&rate), "{rate}");
            }
            // However long it was held at a limit, it leaves it with the first sample on the other side.
            let mut other = controller.clone();
            let slack = 1e-6 * max_rate.max(1.0) + 1e-3 * gains.kp;
            let above = controller.decide(100.0 + beyond);
            prop_assert!(above <= max_rate - (gains.kp * beyond).min(range) + slack, "{above} of {max_rate}");
            let below = other.decide(100.0 - beyond);
            prop_assert!(below >= low + (gains.kp * beyond).min(range) - slack, "{below} of {low}");
        }
    }
}
