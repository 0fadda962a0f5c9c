//! Where a shape bursts, for the question how long recovery takes.
//!
//! A square wave bursts while it is high, a spike at its peak, a sine in the upper half of its wave. Of
//! drawn curves (stages, samples, sums and products) a burst is where the rate is above half-way between
//! the curve's lowest and highest, unless the curve only climbs or only falls: then there is no calm to
//! come back to. Constants, ramps, staircases and sawteeth have none.

use super::Shape;
use super::pieces::Piece;

/// Looks at each piece of a curve at this many places besides its borders.
const LOOKS: u32 = 16;
/// Borders of a burst are found to this precision.
const PRECISION_S: f64 = 1e-6;

impl Shape {
    /// The bursts as (start, end) in seconds, ascending. A shape without an end is asked for none: cut it
    /// with [`take`](Shape::take) first.
    pub fn bursts(&self) -> Vec<(f64, f64)> {
        self.duration_s().map_or_else(Vec::new, |duration_s| join(self.bursts_until(duration_s)))
    }

    /// Whether the last burst lasts to the very end.
    pub(super) fn ends_in_burst(&self) -> bool {
        let end_s = self.duration_s().unwrap_or(f64::INFINITY);
        self.bursts()
            .last()
            .is_some_and(|(_, burst_end_s)| end_s - burst_end_s <= PRECISION_S * end_s.max(1.0))
    }

    /// The median over time of the rate outside the bursts; nothing when there are no bursts or nothing else.
    pub(super) fn calm_rate(&self) -> Option<f64> {
        let bursts = self.bursts();
        if bursts.is_empty() {
            return None;
        }
        let mut rates: Vec<f64> = self
            .sample(4001)
            .into_iter()
            .filter(|(t_s, _)| !bursts.iter().any(|(start_s, end_s)| start_s <= t_s && t_s <= end_s))
            .map(|(_, rate)| rate)
            .collect();
        rates.sort_by(f64::total_cmp);
        rates.get(rates.len() / 2).copied()
    }

    fn bursts_until(&self, end_s: f64) -> Vec<(f64, f64)> {
        // A hair beyond its own end, where rounding may put us, a shape is silent: that is no calm to compare
        // with.
        let end_s = self.duration_s().map_or(end_s, |duration_s| end_s.min(duration_s));
        let bursts = match *self {
            Shape::Constant { .. } | Shape::Ramp { .. } | Shape::Step { .. } | Shape::Sawtooth { .. } => {
                Vec::new()
            }
            Shape::Sine { low, high, period_s } if high > low => {
                repeated(period_s, 0.25 * period_s, 0.75 * period_s, end_s)
            }
            Shape::Square { high, high_for_s, low, low_for_s } if high > low => {
                repeated(high_for_s + low_for_s, 0.0, high_for_s, end_s)
            }
            Shape::Sine { .. } | Shape::Square { .. } => Vec::new(),
            Shape::Spike { base, base_for_s, peak, peak_for_s } => {
                if peak > base {
                    vec![(base_for_s, base_for_s + peak_for_s)]
                } else {
                    Vec::new()
                }
            }
            Shape::Stages { .. } | Shape::Sampled { .. } | Shape::Sum { .. } | Shape::Product { .. } => {
                above_half_way(self, end_s)
            }
            Shape::Scale { ref shape, .. } | Shape::Take { ref shape, .. } => shape.bursts_until(end_s),
            Shape::Squeeze { ref shape, factor } => shape
                .bursts_until(end_s * factor)
                .into_iter()
                .map(|(from_s, to_s)| (from_s / factor, to_s / factor))
                .collect(),
            Shape::Then { ref first, ref next } => {
                let first_s = first.duration_s().unwrap_or(f64::INFINITY);
                let mut bursts = first.bursts_until(end_s.min(first_s));
                let later = next.bursts_until((end_s - first_s).max(0.0));
                bursts.extend(later.into_iter().map(|(from_s, to_s)| (from_s + first_s, to_s + first_s)));
                bursts
            }
        };
        bursts
            .into_iter()
            .filter(|(from_s, _)| *from_s < end_s)
            .map(|(from_s, to_s)| (from_s, to_s.min(end_s)))
            .collect()
    }
}

/// The same burst in every period that begins before `end_s`.
fn repeated(period_s: f64, from_s: f64, to_s: f64, end_s: f64) -> Vec<(f64, f64)> {
    // A period so short that bursts number in the millions has no recovery anyone could time.
    let periods = (end_s / period_s).ceil().clamp(0.0, 100_000.0) as u32;
    (0..periods).map(|k| f64::from(k) * period_s).map(|start_s| (start_s + from_s, start_s + to_s)).collect()
}

/// Where a drawn curve is above half-way between its lowest and its highest rate.
fn above_half_way(shape: &Shape, end_s: f64) -> Vec<(f64, f64)> {
    let looks = looks(shape, end_s);
    let (low, high) = looks
        .iter()
        .fold((f64::INFINITY, 0.0_f64), |(low, high), (_, rate)| (low.min(*rate), high.max(*rate)));
    let climbs = looks.windows(2).all(|pair| pair[0].1 <= pair[1].1);
    let falls = looks.windows(2).all(|pair| pair[0].1 >= pair[1].1);
    if climbs || falls {
        return Vec::new();
    }
    let half_way = f64::midpoint(low, high);
    let mut bursts = Vec::new();
    let mut since_s = None;
    let mut before_s = 0.0;
    for (t_s, rate) in looks {
        match since_s {
            None if rate > half_way => since_s = Some(border(shape, half_way, before_s, t_s)),
            Some(from_s) if rate <= half_way => {
                bursts.push((from_s, border(shape, half_way, before_s, t_s)));
                since_s = None;
            }
            _ => {}
        }
        before_s = t_s;
    }
    bursts.extend(since_s.map(|from_s| (from_s, end_s)));
    bursts
}

/// Times and rates at the borders of every piece and at places between.
fn looks(shape: &Shape, end_s: f64) -> Vec<(f64, f64)> {
    let mut looks = Vec::new();
    let mut start_s = 0.0;
    while start_s < end_s {
        let piece = Piece::at(shape, start_s);
        let length_s = piece.end_s.min(end_s) - start_s;
        looks.extend((0..=LOOKS).map(|k| {
            // The last look is just before the border, where the law still holds.
            let share = if k == LOOKS { 1.0 - 1e-9 } else { f64::from(k) / f64::from(LOOKS) };
            (start_s + share * length_s, piece.law.rate(share * length_s))
        }));
        start_s = piece.end_s;
    }
    looks
}

/// Where between two times the rate passes `level`, by halving.
fn border(shape: &Shape, level: f64, mut from_s: f64, mut to_s: f64) -> f64 {
    let above = shape.rate_at(to_s) > level;
    while to_s - from_s > PRECISION_S {
        let middle_s = f64::midpoint(from_s, to_s);
        if (shape.rate_at(middle_s) > level) == above { to_s = middle_s } else { from_s = middle_s }
    }
    to_s
}

/// Joins bursts that touch: one that a cut or a join split in two is one burst.
fn join(bursts: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    let mut joined: Vec<(f64, f64)> = Vec::with_capacity(bursts.len());
    for (from_s, to_s) in bursts {
        match joined.last_mut() {
            Some(last) if from_s - last.1 <= PRECISION_S => last.1 = last.1.max(to_s),
            _ => joined.push((from_s, to_s)),
        }
    }
    joined
}
