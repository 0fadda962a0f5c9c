//! Any shape: its integral is that of its rate, its inverse is exact, and squeezing keeps its form.

use model::shape::{Sampled, Shape, Stage};
use proptest::prelude::*;

/// A microsecond: the promised precision of planned times.
const PRECISION_S: f64 = 1e-6;

fn rate() -> impl Strategy<Value = f64> {
    prop_oneof![1 => Just(0.0), 6 => 0.0..200.0f64]
}

fn low_and_high() -> impl Strategy<Value = (f64, f64)> {
    (rate(), rate()).prop_map(|(a, b)| (a.min(b), a.max(b)))
}

fn length_s() -> impl Strategy<Value = f64> {
    0.05..8.0f64
}

fn leaf() -> impl Strategy<Value = Shape> {
    let stage = (rate(), prop_oneof![1 => Just(0.0), 4 => length_s()])
        .prop_map(|(target, duration_s)| Stage { target, duration_s });
    prop_oneof![
        rate().prop_map(|rate| Shape::Constant { rate }),
        (rate(), rate(), length_s()).prop_map(|(from, to, duration_s)| Shape::Ramp { from, to, duration_s }),
        (rate(), prop::collection::vec(stage, 1..5), length_s()).prop_map(|(start, mut stages, more_s)| {
            stages.push(Stage { target: 5.0, duration_s: more_s });
            Shape::Stages { start, stages }
        }),
        (low_and_high(), length_s()).prop_map(|((low, high), period_s)| Shape::Sine { low, high, period_s }),
        (low_and_high(), length_s(), length_s()).prop_map(|((low, high), high_for_s, low_for_s)| {
            Shape::Square { high, high_for_s, low, low_for_s }
        }),
        (rate(), length_s(), rate(), length_s()).prop_map(|(base, base_for_s, peak, peak_for_s)| {
            Shape::Spike { base, base_for_s, peak, peak_for_s }
        }),
        (rate(), 0.0..30.0f64, length_s(), 1u32..6).prop_map(|(from, by, every_s, steps)| Shape::Step {
            from,
            by,
            every_s,
            steps
        }),
        (low_and_high(), length_s()).prop_map(|((low, high), period_s)| Shape::Sawtooth {
            low,
            high,
            period_s
        }),
        (0.05..1.0f64, prop::collection::vec(rate(), 2..20))
            .prop_map(|(every_s, rates)| Shape::Sampled { curve: Sampled::new(every_s, rates) }),
    ]
}

/// Any shape that ends within some seconds.
pub(crate) fn any_shape() -> impl Strategy<Value = Shape> {
    let tree = leaf().prop_recursive(3, 12, 3, |inner| {
        let factor = inner.clone().prop_map(|shape| shape.scaled(0.02));
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(Shape::sum),
            (inner.clone(), prop::collection::vec(factor, 1..3)).prop_map(|(shape, mut factors)| {
                factors.push(shape);
                Shape::product(factors)
            }),
            (inner.clone(), 0.1..3.0f64).prop_map(|(shape, factor)| shape.scaled(factor)),
            (inner.clone(), length_s()).prop_map(|(shape, total_s)| shape.squeezed_to(total_s)),
            (inner.clone(), length_s(), inner.clone())
                .prop_map(|(first, duration_s, next)| first.take(duration_s).then(next)),
            (inner.clone(), length_s()).prop_map(|(shape, tail_s)| shape.with_calm_tail(tail_s)),
            (inner, length_s()).prop_map(|(shape, duration_s)| shape.take(duration_s)),
        ]
    });
    (tree, 1.0..20.0f64).prop_map(|(shape, duration_s)| shape.take(duration_s))
}

fn total(shape: &Shape) -> f64 {
    shape.total().expect("every shape here ends")
}

/// Rounding of sums of up to some hundred thousand arrivals.
fn slack(shape: &Shape) -> f64 {
    1e-9 * total(shape).max(1.0)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn every_shape_made_here_is_valid(shape in any_shape()) {
        prop_assert_eq!(shape.validate(), Ok(()));
    }

    #[test]
    fn the_integral_is_that_of_the_rate(shape in any_shape(), from in 0.0..1.0f64, to in 0.0..1.0f64) {
        let duration_s = shape.duration_s().unwrap();
        let (from_s, to_s) = (from.min(to) * duration_s, from.max(to) * duration_s);
        let slices = 4_000;
        let width_s = (to_s - from_s) / f64::from(slices);
        let mut sum = 0.0;
        // Where the rate jumps a slice may be wrong by its own size: that much is allowed.
        let mut jumps = 0.0;
        let mut before = shape.rate_at(from_s);
        for k in 0..slices {
            let rate = shape.rate_at(from_s + (f64::from(k) + 0.5) * width_s);
            sum += rate * width_s;
            jumps += (rate - before).abs() * width_s;
            before = rate;
        }
        // The last half slice may hold a jump as well.
        jumps += (shape.rate_at(to_s) - before).abs() * width_s;
        let exact = shape.integral(to_s) - shape.integral(from_s);
        prop_assert!((exact - sum).abs() <= jumps + 1e-6 * sum.max(1.0), "{exact} against {sum} +- {jumps}");
    }

    #[test]
    fn the_integral_never_falls_and_ends_at_the_total(shape in any_shape(), at in prop::collection::vec(0.0..1.2f64, 2..20)) {
        let duration_s = shape.duration_s().unwrap();
        let mut at = at;
        at.sort_by(f64::total_cmp);
        let integrals: Vec<f64> = at.iter().map(|share| shape.integral(share * duration_s)).collect();
        prop_assert!(integrals.windows(2).all(|pair| pair[0] <= pair[1] + slack(&shape)), "{integrals:?}");
        prop_assert!(integrals.iter().all(|&integral| integral <= total(&shape) + slack(&shape)));
    }

    #[test]
    fn the_inverse_is_right_to_a_microsecond(shape in any_shape(), share in 0.0..1.0f64) {
        let n = share * total(&shape);
        let Some(t_s) = shape.time_of(n) else {
            // Only the very last arrivals may be lost, to rounding.
            prop_assert!(n >= total(&shape) - slack(&shape), "{n} of {}", total(&shape));
            return Ok(());
        };
        let (before, after) = (shape.integral(t_s - PRECISION_S), shape.integral(t_s + PRECISION_S));
        prop_assert!(before - slack(&shape) <= n && n <= after + slack(&shape), "{before} <= {n} <= {after} at {t_s}");
    }

    #[test]
    fn a_squeezed_shape_keeps_its_form(shape in any_shape(), total_s in 0.5..60.0f64, share in 0.0..1.0f64) {
        let duration_s = shape.duration_s().unwrap();
        let squeezed = shape.clone().squeezed_to(total_s);
        prop_assert!((squeezed.duration_s().unwrap() - total_s).abs() < 1e-9);
        // As far along, as many of all; and the same rate, except where rounding falls on the other side of a jump.
        let (t_s, squeezed_s) = (share * duration_s, share * total_s);
        let ratio = total_s / duration_s;
        let difference = squeezed.integral(squeezed_s) - shape.integral(t_s) * ratio;
        prop_assert!(difference.abs() <= slack(&shape) * ratio.max(1.0), "{difference}");
        let near = [-1e-9, 0.0, 1e-9].map(|nudge| shape.rate_at((t_s + nudge).clamp(0.0, duration_s.next_down())));
        let rate = squeezed.rate_at(squeezed_s.min(total_s.next_down()));
        prop_assert!(near.iter().any(|&other| (rate - other).abs() <= 1e-6 * rate.max(1.0)), "{rate} against {near:?}");
    }

    #[test]
    fn bursts_lie_inside_in_order_and_squeeze_along(shape in any_shape(), total_s in 0.5..60.0f64) {
        let duration_s = shape.duration_s().unwrap();
        let bursts = shape.bursts();
        prop_assert!(bursts.iter().all(|(from_s, to_s)| 0.0 <= *from_s && from_s < to_s && *to_s <= duration_s));
        prop_assert!(bursts.windows(2).all(|pair| pair[0].1 < pair[1].0), "{bursts:?}");
        let scale = total_s / duration_s;
        let squeezed = shape.squeezed_to(total_s).bursts();
        // Borders are found to a microsecond of the shape's own time.
        let allowed = 1e-5 * scale.max(1.0);
        // Two bursts a microsecond apart may join or part in squeezing; where none do, they correspond.
        if squeezed.len() == bursts.len() {
            for (one, other) in bursts.iter().zip(&squeezed) {
                prop_assert!((one.0 * scale - other.0).abs() < allowed && (one.1 * scale - other.1).abs() < allowed);
            }
        }
    }

    #[test]
    fn a_shape_reads_back_from_json(shape in any_shape()) {
        let text = serde_json::to_string(&shape).unwrap();
        prop_assert_eq!(serde_json::from_str::<Shape>(&text).unwrap(), shape);
    }
}
