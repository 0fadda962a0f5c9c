//! Walking a shape piece by piece: what its rate is from a time on, until when, and the time at which the
//! count of arrivals reaches a number.

use super::Shape;
use super::forms::{Reach, ramp, sawtooth, sine, spike, square, stages, step};
use super::law::Law;

/// A shape that is silent for this many pieces on end is taken to be silent for ever.
const MOST_SILENT_PIECES: u32 = 1_000_000;

impl Shape {
    /// The rate at a time known to be inside the shape.
    pub(super) fn rate_within(&self, t_s: f64) -> f64 {
        match *self {
            Shape::Constant { rate } => rate,
            Shape::Ramp { from, to, duration_s } => ramp::rate(from, to, duration_s, t_s),
            Shape::Stages { start, ref stages } => stages::rate(start, stages, t_s),
            Shape::Sine { low, high, period_s } => sine::rate(low, high, period_s, t_s),
            Shape::Square { high, high_for_s, low, low_for_s } => {
                square::rate(high, high_for_s, low, low_for_s, t_s)
            }
            Shape::Spike { base, base_for_s, peak, .. } => spike::rate(base, base_for_s, peak, t_s),
            Shape::Step { from, by, every_s, steps } => step::rate(from, by, every_s, steps, t_s),
            Shape::Sawtooth { low, high, period_s } => sawtooth::rate(low, high, period_s, t_s),
            Shape::Sampled { ref curve } => curve.rate(t_s),
            Shape::Sum { ref shapes } => shapes.iter().map(|shape| shape.rate_at(t_s)).sum(),
            Shape::Product { ref shapes } => shapes.iter().map(|shape| shape.rate_at(t_s)).product(),
            Shape::Scale { ref shape, factor } => factor * shape.rate_at(t_s),
            Shape::Squeeze { ref shape, factor } => shape.rate_at(t_s * factor),
            Shape::Then { ref first, ref next } => {
                let first_s = first.duration_s().unwrap_or(f64::INFINITY);
                if t_s < first_s { first.rate_at(t_s) } else { next.rate_at(t_s - first_s) }
            }
            Shape::Take { ref shape, .. } => shape.rate_at(t_s),
        }
    }

    /// The integral up to a time known to be inside the shape or its end.
    pub(super) fn integral_within(&self, t_s: f64) -> f64 {
        match *self {
            Shape::Constant { rate } => rate * t_s,
            Shape::Ramp { from, to, duration_s } => ramp::integral(from, to, duration_s, t_s),
            Shape::Stages { start, ref stages } => stages::integral(start, stages, t_s),
            Shape::Sine { low, high, period_s } => sine::integral(low, high, period_s, t_s),
            Shape::Square { high, high_for_s, low, low_for_s } => {
                square::integral(high, high_for_s, low, low_for_s, t_s)
            }
            Shape::Spike { base, base_for_s, peak, .. } => spike::integral(base, base_for_s, peak, t_s),
            Shape::Step { from, by, every_s, steps } => step::integral(from, by, every_s, steps, t_s),
            Shape::Sawtooth { low, high, period_s } => sawtooth::integral(low, high, period_s, t_s),
            Shape::Sampled { ref curve } => curve.integral(t_s),
            // The integral of a sum is the sum of the integrals.
            Shape::Sum { ref shapes } => shapes.iter().map(|shape| shape.integral(t_s)).sum(),
            // The integral of a product is no product of integrals: piece by piece.
            Shape::Product { .. } => Cursor::new().integral(self, t_s),
            Shape::Scale { ref shape, factor } => factor * shape.integral(t_s),
            // With v = factor × t: the integral of r(factor t) dt is that of r(v) dv / factor.
            Shape::Squeeze { ref shape, factor } => shape.integral(t_s * factor) / factor,
            Shape::Then { ref first, ref next } => {
                let first_s = first.duration_s().unwrap_or(f64::INFINITY);
                first.integral(t_s) + if t_s > first_s { next.integral(t_s - first_s) } else { 0.0 }
            }
            Shape::Take { ref shape, .. } => shape.integral(t_s),
        }
    }

    /// The law from `t_s` on and the time until which it holds. After the end: nothing, for ever.
    pub(super) fn reach(&self, t_s: f64) -> Reach {
        let end_s = self.duration_s().unwrap_or(f64::INFINITY);
        if t_s >= end_s {
            return Reach { law: Law::constant(0.0), end_s: f64::INFINITY };
        }
        let mut reach = self.reach_within(t_s);
        reach.end_s = reach.end_s.min(end_s);
        reach
    }

    fn reach_within(&self, t_s: f64) -> Reach {
        match *self {
            Shape::Constant { rate } => Reach { law: Law::constant(rate), end_s: f64::INFINITY },
            Shape::Ramp { from, to, duration_s } => ramp::reach(from, to, duration_s, t_s),
            Shape::Stages { start, ref stages } => stages::reach(start, stages, t_s),
            Shape::Sine { low, high, period_s } => sine::reach(low, high, period_s, t_s),
            Shape::Square { high, high_for_s, low, low_for_s } => {
                square::reach(high, high_for_s, low, low_for_s, t_s)
            }
            Shape::Spike { base, base_for_s, peak, peak_for_s } => {
                spike::reach(base, base_for_s, peak, peak_for_s, t_s)
            }
            Shape::Step { from, by, every_s, steps } => step::reach(from, by, every_s, steps, t_s),
            Shape::Sawtooth { low, high, period_s } => sawtooth::reach(low, high, period_s, t_s),
            Shape::Sampled { ref curve } => curve.reach(t_s),
            Shape::Sum { ref shapes } => together(shapes, t_s, 0.0, |sum, law| sum.plus(law)),
            Shape::Product { ref shapes } => together(shapes, t_s, 1.0, |product, law| product.times(law)),
            Shape::Scale { ref shape, factor } => {
                let Reach { law, end_s } = shape.reach(t_s);
                Reach { law: law.scaled(factor), end_s }
            }
            Shape::Squeeze { ref shape, factor } => {
                let Reach { law, end_s } = shape.reach(t_s * factor);
                Reach { law: law.faster(factor), end_s: end_s / factor }
            }
            Shape::Then { ref first, ref next } => {
                let first_s = first.duration_s().unwrap_or(f64::INFINITY);
                if t_s < first_s {
                    return first.reach(t_s);
                }
                let Reach { law, end_s } = next.reach(t_s - first_s);
                Reach { law, end_s: first_s + end_s }
            }
            Shape::Take { ref shape, .. } => shape.reach(t_s),
        }
    }
}

/// Several laws at once: they hold together until the first ends.
fn together(shapes: &[Shape], t_s: f64, neutral: f64, combine: impl Fn(Law, &Law) -> Law) -> Reach {
    let start = Reach { law: Law::constant(neutral), end_s: f64::INFINITY };
    shapes.iter().fold(start, |all, shape| {
        let one = shape.reach(t_s);
        Reach { law: combine(all.law, &one.law), end_s: all.end_s.min(one.end_s) }
    })
}

/// A stretch of time in which one law holds.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    pub(super) start_s: f64,
    pub(super) end_s: f64,
    pub(super) law: Law,
}

impl Piece {
    /// The piece that begins at `t_s`. It always has a length: where rounding in nested shapes makes a border
    /// fall on `t_s` itself, the law is read a hair later.
    pub(super) fn at(shape: &Shape, t_s: f64) -> Piece {
        let mut probe_s = t_s;
        loop {
            let Reach { law, end_s } = shape.reach(probe_s);
            // An end that is no number belongs to an invalid shape: it must not trap us here.
            if end_s > t_s || end_s.is_nan() {
                return Piece {
                    start_s: t_s,
                    end_s: if end_s.is_nan() { f64::INFINITY } else { end_s },
                    law,
                };
            }
            probe_s = t_s + ((probe_s - t_s) * 2.0).max(t_s.next_up() - t_s);
        }
    }

    /// The integral of the rate over the whole piece; an endless piece of rate 0 holds nothing.
    fn total(&self) -> f64 {
        if self.end_s.is_finite() {
            self.law.integral(self.end_s - self.start_s)
        } else if self.law.rate(0.0) > 0.0 || self.law.rate(1.0) > 0.0 {
            f64::INFINITY
        } else {
            0.0
        }
    }
}

/// A place in a shape from which it goes on, so that ascending arrivals cost one look each. It does not hold
/// the shape: always pass the same one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cursor {
    piece: Option<(Piece, f64)>,
    /// The integral at the start of the piece.
    before: f64,
}

impl Cursor {
    /// A cursor at the start.
    pub(crate) fn new() -> Self {
        Cursor::default()
    }

    /// When the integral reaches `n`; nothing when it never does. `n` must not be below that of an earlier
    /// call by more than the current piece holds; give it ascending numbers.
    pub(crate) fn time_of(&mut self, shape: &Shape, n: f64) -> Option<f64> {
        let mut silent = 0;
        loop {
            let (piece, total) = self.piece.get_or_insert_with(|| with_total(Piece::at(shape, 0.0)));
            if n <= self.before + *total {
                return Some(piece.start_s + piece.law.time_of(n - self.before, piece.end_s - piece.start_s));
            }
            silent = if *total > 0.0 { 0 } else { silent + 1 };
            if piece.end_s.is_infinite() || silent > MOST_SILENT_PIECES {
                return None;
            }
            self.before += *total;
            let next_s = piece.end_s;
            self.piece = Some(with_total(Piece::at(shape, next_s)));
        }
    }

    /// The integral up to `t_s`, from the start.
    fn integral(self, shape: &Shape, t_s: f64) -> f64 {
        let (mut sum, mut start_s) = (self.before, 0.0);
        while start_s < t_s {
            let piece = Piece::at(shape, start_s);
            sum += piece.law.integral(piece.end_s.min(t_s) - start_s);
            start_s = piece.end_s;
        }
        sum
    }
}

fn with_total(piece: Piece) -> (Piece, f64) {
    let total = piece.total();
    (piece, total)
}
