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
            Shape::Product { .. } => integral_by_pieces(self, t_s),
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
                let end_s = if end_s.is_nan() { f64::INFINITY } else { end_s };
                return Piece { start_s: t_s, end_s, law };
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

/// A piece in which times are looked up.
#[derive(Debug, Clone)]
struct Opened {
    piece: Piece,
    /// The integral before the piece.
    before: f64,
    /// The integral over the piece.
    total: f64,
    /// (time into the piece, integral up to there), ascending: made at the first look into a piece whose law
    /// has no inverse in closed form. What is found depends on the piece alone, not on what was looked up
    /// before, so that all shares of a schedule agree to the last bit.
    knots: Vec<(f64, f64)>,
}

/// Parts between knots. A sine is so nearly a parabola in a 32nd of its period that Newton needs two steps.
const PARTS: u32 = 32;

impl Opened {
    fn new(piece: Piece, before: f64) -> Self {
        Opened { total: piece.total(), piece, before, knots: Vec::new() }
    }

    fn time_of(&mut self, n: f64) -> f64 {
        let length_s = self.piece.end_s - self.piece.start_s;
        let within = n - self.before;
        let into_s = self.piece.law.time_of(within).unwrap_or_else(|| self.look_up(within, length_s));
        self.piece.start_s + into_s.clamp(0.0, length_s)
    }

    fn look_up(&mut self, n: f64, length_s: f64) -> f64 {
        if self.knots.is_empty() {
            let law = &self.piece.law;
            let knot = |u_s: f64| (u_s, law.integral(u_s));
            if length_s.is_finite() {
                self.knots.extend((0..=PARTS).map(|k| knot(length_s * f64::from(k) / f64::from(PARTS))));
            } else {
                // Doubling: whatever the rate, some knot lies beyond n before time is meaningless.
                self.knots.extend((-20..40).map(|power| knot(f64::from(power).exp2())));
                self.knots.insert(0, (0.0, 0.0));
            }
        }
        let above = self.knots.partition_point(|&(_, integral)| integral < n).clamp(1, self.knots.len() - 1);
        self.piece.law.time_between(n, self.knots[above - 1], self.knots[above])
    }
}

/// A place in a shape from which it goes on, so that ascending arrivals cost one look each. It does not hold
/// the shape: always pass the same one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cursor {
    open: Option<Opened>,
}

impl Cursor {
    /// A cursor at the start.
    pub(crate) fn new() -> Self {
        Cursor::default()
    }

    /// When the integral reaches `n`; nothing when it never does. `n` must not be below that of an earlier
    /// call: give it ascending numbers.
    pub(crate) fn time_of(&mut self, shape: &Shape, n: f64) -> Option<f64> {
        let mut silent = 0;
        loop {
            let open = self.open.get_or_insert_with(|| Opened::new(Piece::at(shape, 0.0), 0.0));
            if n <= open.before + open.total {
                return Some(open.time_of(n));
            }
            silent = if open.total > 0.0 { 0 } else { silent + 1 };
            if open.piece.end_s.is_infinite() || silent > MOST_SILENT_PIECES {
                return None;
            }
            *open = Opened::new(Piece::at(shape, open.piece.end_s), open.before + open.total);
        }
    }
}

/// The integral up to `t_s` (finite), piece by piece: for shapes that have no closed form of their own.
fn integral_by_pieces(shape: &Shape, t_s: f64) -> f64 {
    let (mut sum, mut start_s) = (0.0, 0.0);
    while start_s < t_s {
        let piece = Piece::at(shape, start_s);
        sum += piece.law.integral(piece.end_s.min(t_s) - start_s);
        start_s = piece.end_s;
    }
    sum
}
