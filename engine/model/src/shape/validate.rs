//! Whether a shape makes sense: every problem at once, each with its place and a remedy.

use std::fmt;

use super::{Shape, Stage};

/// One thing that is wrong with a shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShapeProblem {
    /// Where in the shape, such as `stages[2].target` or `sum[0].rate`.
    pub at: String,
    /// What is wrong and what to do about it.
    pub problem: String,
}

/// Everything that is wrong with a shape; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShapeErrors(pub Vec<ShapeProblem>);

impl fmt::Display for ShapeProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.problem)
    }
}

impl fmt::Display for ShapeErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for ShapeErrors {}

impl Shape {
    /// Finds every problem of the shape and of those it is made of.
    pub fn validate(&self) -> Result<(), ShapeErrors> {
        let mut check = Check { problems: Vec::new(), path: String::new() };
        check.shape(self);
        if check.problems.is_empty() { Ok(()) } else { Err(ShapeErrors(check.problems)) }
    }
}

struct Check {
    problems: Vec<ShapeProblem>,
    path: String,
}

impl Check {
    fn shape(&mut self, shape: &Shape) {
        match *shape {
            Shape::Constant { rate } => self.rate("rate", rate),
            Shape::Ramp { from, to, duration_s } => {
                self.rate("from", from);
                self.rate("to", to);
                self.duration("duration", duration_s);
            }
            Shape::Stages { start, ref stages } => self.stages(start, stages),
            Shape::Sine { low, high, period_s } | Shape::Sawtooth { low, high, period_s } => {
                self.low_and_high(low, high);
                self.duration("period", period_s);
            }
            Shape::Square { high, high_for_s, low, low_for_s } => {
                self.low_and_high(low, high);
                self.duration("high_for", high_for_s);
                self.duration("low_for", low_for_s);
            }
            Shape::Spike { base, base_for_s, peak, peak_for_s } => {
                self.rate("base", base);
                self.rate("peak", peak);
                self.duration("base_for", base_for_s);
                self.duration("peak_for", peak_for_s);
            }
            Shape::Step { from, by, every_s, steps } => self.step(from, by, every_s, steps),
            Shape::Sampled { ref curve } => self.sampled(curve),
            _ => self.combined(shape),
        }
    }

    fn combined(&mut self, shape: &Shape) {
        match *shape {
            Shape::Sum { ref shapes } => self.parts("sum", shapes),
            Shape::Product { ref shapes } => self.parts("product", shapes),
            Shape::Scale { ref shape, factor } => {
                self.rate("scale", factor);
                self.shape(shape);
            }
            Shape::Squeeze { ref shape, factor } => {
                // The factor comes from the wanted duration; zero or infinity means that had no length.
                if !(factor > 0.0 && factor.is_finite()) {
                    self.add("duration", "a shape cannot be squeezed into no time; give a longer duration");
                }
                self.shape(shape);
            }
            Shape::Then { ref first, ref next } => {
                self.within("first", first);
                if first.duration_s().is_none() {
                    self.add("first", "it never ends, so nothing can follow; cut it with a duration first");
                }
                self.within("then", next);
            }
            Shape::Take { ref shape, duration_s } => {
                self.duration("duration", duration_s);
                self.shape(shape);
            }
            // The leaves are checked by `shape`.
            _ => {}
        }
    }

    fn stages(&mut self, start: f64, stages: &[Stage]) {
        self.rate("start", start);
        if stages.is_empty() {
            self.add("stages", "the list is empty; give at least one stage with a target and a duration");
        } else if stages.iter().map(|stage| stage.duration_s).sum::<f64>() <= 0.0 {
            self.add("stages", "they last no time at all; give at least one of them a duration");
        }
        for (index, stage) in stages.iter().enumerate() {
            self.rate(&format!("stages[{index}].target"), stage.target);
            // No length is a jump, and allowed.
            if stage.duration_s != 0.0 {
                self.duration(&format!("stages[{index}].duration"), stage.duration_s);
            }
        }
    }

    fn step(&mut self, from: f64, by: f64, every_s: f64, steps: u32) {
        self.rate("from", from);
        self.duration("every", every_s);
        if steps == 0 {
            self.add("steps", "there are none; give at least 1");
        } else if !by.is_finite() {
            self.add("by", &format!("{by} is not a number"));
        } else if from >= 0.0 && from + by * f64::from(steps - 1) < 0.0 {
            let text = format!(
                "the last of {steps} steps would have a negative rate; use fewer steps or a smaller `by`"
            );
            self.add("by", &text);
        }
    }

    fn sampled(&mut self, curve: &super::Sampled) {
        self.duration("every", curve.every_s());
        if curve.rates().len() < 2 {
            self.add("samples", "a curve needs at least 2 of them");
        }
        if let Some((index, rate)) =
            curve.rates().iter().enumerate().find(|(_, rate)| !(rate.is_finite() && **rate >= 0.0))
        {
            self.rate(&format!("samples[{index}]"), *rate);
        }
    }

    fn parts(&mut self, what: &str, shapes: &[Shape]) {
        if shapes.is_empty() {
            self.add(what, "there is nothing in it; give at least one shape");
        }
        for (index, shape) in shapes.iter().enumerate() {
            self.within(&format!("{what}[{index}]"), shape);
        }
    }

    fn within(&mut self, name: &str, shape: &Shape) {
        let length = self.path.len();
        self.path.push_str(name);
        self.path.push('.');
        self.shape(shape);
        self.path.truncate(length);
    }

    fn low_and_high(&mut self, low: f64, high: f64) {
        self.rate("low", low);
        self.rate("high", high);
        if low > high {
            self.add("low", &format!("{low} is above high ({high}); exchange them"));
        }
    }

    fn rate(&mut self, name: &str, rate: f64) {
        if !rate.is_finite() {
            self.add(name, &format!("{rate} is not a number"));
        } else if rate < 0.0 {
            self.add(name, &format!("{rate} is negative; it must be 0 or more"));
        }
    }

    fn duration(&mut self, name: &str, duration_s: f64) {
        if !duration_s.is_finite() {
            self.add(name, &format!("{duration_s} is not a number"));
        } else if duration_s < 0.0 {
            self.add(name, &format!("{duration_s} s is negative; it must be more than 0"));
        } else if duration_s == 0.0 {
            self.add(name, "it is 0; it must be more than 0");
        }
    }

    fn add(&mut self, name: &str, problem: &str) {
        self.problems.push(ShapeProblem { at: format!("{}{name}", self.path), problem: problem.to_owned() });
    }
}
