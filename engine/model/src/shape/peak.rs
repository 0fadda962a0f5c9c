//! How high a shape can reach, from its parts.

use super::Shape;

impl Shape {
    /// A rate that is never exceeded: the highest one of every form; of a sum and a product what the highest ones
    /// come to, whether or not they ever meet.
    pub fn at_most(&self) -> f64 {
        match self {
            Shape::Constant { rate } => *rate,
            Shape::Ramp { from, to, .. } => from.max(*to),
            Shape::Stages { start, stages } => highest(stages.iter().map(|stage| stage.target)).max(*start),
            Shape::Sine { low, high, .. }
            | Shape::Sawtooth { low, high, .. }
            | Shape::Square { low, high, .. } => low.max(*high),
            Shape::Spike { base, peak, .. } => base.max(*peak),
            Shape::Step { from, by, steps, .. } => from.max(from + by * f64::from(steps.saturating_sub(1))),
            Shape::Sampled { curve } => highest(curve.rates().iter().copied()),
            Shape::Sum { shapes } => shapes.iter().map(Shape::at_most).sum(),
            Shape::Product { shapes } => shapes.iter().map(Shape::at_most).product(),
            Shape::Scale { shape, factor } => shape.at_most() * factor,
            Shape::Squeeze { shape, .. } | Shape::Take { shape, .. } => shape.at_most(),
            Shape::Then { first, next } => first.at_most().max(next.at_most()),
        }
    }
}

fn highest(rates: impl Iterator<Item = f64>) -> f64 {
    rates.fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::Stage;

    #[test]
    fn the_highest_rate_is_found_wherever_it_stands() {
        let constant = |rate| Shape::Constant { rate };
        let falling = Shape::Step { from: 30.0, by: -5.0, every_s: 1.0, steps: 3 };
        let stages = vec![Stage { target: 7.0, duration_s: 1.0 }, Stage { target: 2.0, duration_s: 1.0 }];
        let stages = Shape::Stages { start: 1.0, stages };
        assert_eq!(falling.at_most(), 30.0);
        assert_eq!(stages.at_most(), 7.0);
        assert_eq!(Shape::sum(vec![falling, stages.clone()]).at_most(), 37.0);
        assert_eq!(Shape::product(vec![constant(3.0), stages.clone()]).at_most(), 21.0);
        let scaled = Shape::Scale { shape: Box::new(stages), factor: 10.0 };
        let then = Shape::Then { first: Box::new(constant(4.0).take(1.0)), next: Box::new(scaled) };
        assert_eq!(then.at_most(), 70.0);
    }
}
