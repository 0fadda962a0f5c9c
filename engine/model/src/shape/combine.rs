//! Shapes made of shapes: what `--duration` and `--scale` do to any of them, cutting, joining, and the calm
//! after a burst.

use super::Shape;

impl Shape {
    /// Every rate times `factor`: what `--scale` does.
    pub fn scaled(self, factor: f64) -> Shape {
        Shape::Scale { shape: Box::new(self), factor }
    }

    /// The same form in `total_s` seconds, rates kept: what `--duration` does. A shape without an end has no
    /// length to squeeze and is cut instead.
    pub fn squeezed_to(self, total_s: f64) -> Shape {
        match self.duration_s() {
            Some(duration_s) => Shape::Squeeze { shape: Box::new(self), factor: duration_s / total_s },
            None => self.take(total_s),
        }
    }

    /// The first `duration_s` seconds.
    pub fn take(self, duration_s: f64) -> Shape {
        Shape::Take { shape: Box::new(self), duration_s }
    }

    /// This shape and then another. (One without an end is never followed by anything:
    /// [`validate`](Shape::validate) says so.)
    pub fn then(self, next: Shape) -> Shape {
        Shape::Then { first: Box::new(self), next: Box::new(next) }
    }

    /// The sum of shapes.
    pub fn sum(shapes: Vec<Shape>) -> Shape {
        Shape::Sum { shapes }
    }

    /// The product of shapes.
    pub fn product(shapes: Vec<Shape>) -> Shape {
        Shape::Product { shapes }
    }

    /// This shape and then `tail_s` seconds of calm: at the rate it holds outside of bursts, or, if it has none, at
    /// the rate it began with.
    pub fn then_calm(self, tail_s: f64) -> Shape {
        let rate = self.calm_rate().unwrap_or_else(|| self.rate_at(0.0));
        self.then(Shape::Constant { rate }.take(tail_s))
    }

    /// A shape that ends in its burst, followed by `tail_s` seconds at its calm rate, so that recovery can be
    /// seen; any other shape as it is. Call it before [`squeezed_to`](Shape::squeezed_to), which then
    /// squeezes the tail with the rest. The calm rate is the one the shape holds for most of the time outside
    /// bursts (the median over time).
    pub fn with_calm_tail(self, tail_s: f64) -> Shape {
        match self.calm_rate() {
            Some(rate) if self.ends_in_burst() => self.then(Shape::Constant { rate }.take(tail_s)),
            _ => self,
        }
    }
}
