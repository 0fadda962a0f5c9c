//! Rates over time, as values with a known integral.
//!
//! A [`Shape`] gives the rate of arrivals at every moment and, in closed form, how many arrivals are due by
//! then; the inverse of that integral is the exact planned time of the n-th arrival. Leaves are the forms
//! people draw (constant, ramp, stages, sine, …); the rest combines them. Times are seconds since the
//! shape's start, rates are events a second. Deliberately does not know what arrives, nor any clock.
//!
//! | form | curve | lasts |
//! |---|---|---|
//! | constant | `────────` | for ever |
//! | ramp | `  ╱` from one rate to another | its duration |
//! | stages | `╱──╲` k6's stages: a line to each target in turn | the sum of its stages |
//! | sine | `╭╮╭╮` from low to high and back, starting low | for ever |
//! | square | `▔▁▔▁` high, then low, then again | for ever |
//! | spike | `▁▁▁▔` base, then peak | both parts |
//! | step | `▁▃▅▇` a staircase | its steps |
//! | sawtooth | `╱╱╱` from low to high, then at once down | for ever |
//! | sampled | a polyline through rates at equal distances | its samples |

mod bursts;
mod combine;
mod forms;
mod law;
mod peak;
mod pieces;
mod sampled;
mod validate;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub(crate) use pieces::Cursor;
pub use sampled::Sampled;
pub use validate::{ShapeErrors, ShapeProblem};

/// A rate of arrivals over time. Build it from the variants or with the methods, then
/// [`validate`](Shape::validate): the other methods expect a valid shape, and give meaningless numbers
/// (never a panic) for one that is not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "form", rename_all = "snake_case")]
pub enum Shape {
    /// One rate for ever.
    Constant {
        /// Events a second.
        rate: f64,
    },
    /// A straight line.
    Ramp {
        /// Rate at the start.
        from: f64,
        /// Rate at the end.
        to: f64,
        /// How long it takes.
        duration_s: f64,
    },
    /// Straight lines from target to target, as k6's `stages`. A stage of no length is a jump.
    Stages {
        /// Rate at the start.
        start: f64,
        /// The targets in turn.
        stages: Vec<Stage>,
    },
    /// A sine wave that starts at its lowest.
    Sine {
        /// Lowest rate.
        low: f64,
        /// Highest rate.
        high: f64,
        /// From one lowest to the next.
        period_s: f64,
    },
    /// High, then low, then high again.
    Square {
        /// Rate of the first part.
        high: f64,
        /// Length of the first part.
        high_for_s: f64,
        /// Rate of the second part.
        low: f64,
        /// Length of the second part.
        low_for_s: f64,
    },
    /// A base that ends in a peak.
    Spike {
        /// Rate of the first part.
        base: f64,
        /// Length of the first part.
        base_for_s: f64,
        /// Rate of the second part.
        peak: f64,
        /// Length of the second part.
        peak_for_s: f64,
    },
    /// A staircase: `from`, `from + by`, `from + 2 by`, …
    Step {
        /// Rate of the first step.
        from: f64,
        /// What each further step adds (or takes, when negative).
        by: f64,
        /// Length of each step.
        every_s: f64,
        /// How many steps.
        steps: u32,
    },
    /// From low to high in a line, then at once to low again.
    Sawtooth {
        /// Lowest rate.
        low: f64,
        /// Highest rate.
        high: f64,
        /// Length of one tooth.
        period_s: f64,
    },
    /// A function of time sampled beforehand.
    Sampled {
        /// The samples.
        curve: Sampled,
    },
    /// All shapes on top of each other; one that has ended adds nothing.
    Sum {
        /// The addends.
        shapes: Vec<Shape>,
    },
    /// The product of the rates; it ends with the first that ends.
    Product {
        /// The factors.
        shapes: Vec<Shape>,
    },
    /// Every rate times a factor.
    Scale {
        /// The shape.
        shape: Box<Shape>,
        /// The factor.
        factor: f64,
    },
    /// Time runs faster (factor above 1) or slower; rates are kept.
    Squeeze {
        /// The shape.
        shape: Box<Shape>,
        /// Seconds of the shape that pass in one second.
        factor: f64,
    },
    /// One shape, then another.
    Then {
        /// The first; it must end.
        first: Box<Shape>,
        /// What follows.
        next: Box<Shape>,
    },
    /// The beginning of a shape.
    Take {
        /// The shape.
        shape: Box<Shape>,
        /// Where it is cut.
        duration_s: f64,
    },
}

/// One stage: a straight line to a target.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    /// The rate at the end of the stage.
    pub target: f64,
    /// How long the stage takes.
    pub duration_s: f64,
}

impl Shape {
    /// The rate at `t_s`: 0 before the start and after the end, the later value where it jumps.
    pub fn rate_at(&self, t_s: f64) -> f64 {
        if t_s < 0.0 || self.duration_s().is_some_and(|duration_s| t_s >= duration_s) {
            return 0.0;
        }
        self.rate_within(t_s)
    }

    /// How many arrivals are due by `t_s`, as a real number: the integral of the rate from 0. By the end of
    /// time (`t_s` infinite) a shape without an end has infinitely many.
    pub fn integral(&self, t_s: f64) -> f64 {
        let end_s = self.duration_s().unwrap_or(f64::INFINITY);
        let until_s = t_s.max(0.0).min(end_s);
        if until_s.is_infinite() { f64::INFINITY } else { self.integral_within(until_s) }
    }

    /// When the integral reaches `n`, within 1 µs: the inverse of [`integral`](Shape::integral), the
    /// earliest time where the rate rests at zero. Nothing when it never does. Walks the shape from its
    /// start; for many arrivals in a row use [`Arrivals`](crate::arrivals::Arrivals).
    pub fn time_of(&self, n: f64) -> Option<f64> {
        Cursor::new().time_of(self, n)
    }

    /// How long it lasts; nothing when it goes on for ever.
    pub fn duration_s(&self) -> Option<f64> {
        match self {
            Shape::Constant { .. } | Shape::Sine { .. } | Shape::Square { .. } | Shape::Sawtooth { .. } => {
                None
            }
            Shape::Ramp { duration_s, .. } => Some(*duration_s),
            Shape::Stages { stages, .. } => Some(stages.iter().map(|stage| stage.duration_s).sum()),
            Shape::Spike { base_for_s, peak_for_s, .. } => Some(base_for_s + peak_for_s),
            Shape::Step { every_s, steps, .. } => Some(every_s * f64::from(*steps)),
            Shape::Sampled { curve } => Some(curve.duration_s()),
            Shape::Sum { shapes } => {
                shapes.iter().try_fold(0.0, |longest: f64, shape| Some(longest.max(shape.duration_s()?)))
            }
            Shape::Product { shapes } => shapes.iter().filter_map(Shape::duration_s).reduce(f64::min),
            Shape::Scale { shape, .. } => shape.duration_s(),
            Shape::Squeeze { shape, factor } => shape.duration_s().map(|duration_s| duration_s / factor),
            Shape::Then { first, next } => Some(first.duration_s()? + next.duration_s()?),
            Shape::Take { shape, duration_s } => {
                Some(shape.duration_s().map_or(*duration_s, |inner_s| inner_s.min(*duration_s)))
            }
        }
    }

    /// How many arrivals it has in all; nothing when it goes on for ever.
    pub fn total(&self) -> Option<f64> {
        self.duration_s().map(|duration_s| self.integral(duration_s))
    }

    /// The curve for drawing: `points` pairs of (time in s, rate) at equal distances over the whole shape.
    /// Of a shape without an end, one period (or a minute of a constant) is drawn. Ends are included: the
    /// last point has the rate just before the end.
    pub fn sample(&self, points: usize) -> Vec<(f64, f64)> {
        let span_s = self.duration_s().unwrap_or_else(|| self.period_s().unwrap_or(60.0));
        let last = points.saturating_sub(1).max(1) as f64;
        (0..points)
            .map(|index| {
                let t_s = span_s * index as f64 / last;
                let inside_s = if t_s >= span_s { span_s.next_down() } else { t_s };
                (t_s, self.rate_at(inside_s))
            })
            .collect()
    }

    /// The longest period of anything in it that repeats.
    fn period_s(&self) -> Option<f64> {
        match self {
            Shape::Sine { period_s, .. } | Shape::Sawtooth { period_s, .. } => Some(*period_s),
            Shape::Square { high_for_s, low_for_s, .. } => Some(high_for_s + low_for_s),
            Shape::Sum { shapes } | Shape::Product { shapes } => {
                shapes.iter().filter_map(Shape::period_s).reduce(f64::max)
            }
            Shape::Scale { shape, .. } | Shape::Take { shape, .. } => shape.period_s(),
            Shape::Squeeze { shape, factor } => shape.period_s().map(|period_s| period_s / factor),
            Shape::Then { first, next } => Some(first.duration_s()? + next.period_s()?),
            _ => None,
        }
    }
}
