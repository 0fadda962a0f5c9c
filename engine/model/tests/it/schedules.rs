//! Any schedule: arrivals follow the integral, and shares own each of them once, whatever the pacing.

use std::sync::Arc;

use model::arrivals::{Arrival, Arrivals, Pacing};
use model::seed::IterationRng;
use model::segment::{Segment, Stride};
use model::shape::Shape;
use proptest::prelude::*;

use crate::shapes::any_shape;

/// More arrivals than this are not looked at.
const MOST: usize = 1_000;

fn arrivals(shape: &Shape, pacing: Pacing, stride: Stride) -> Vec<Arrival> {
    Arrivals::new(Arc::new(shape.clone()), pacing, 11, stride).take(MOST).collect()
}

fn pacing() -> impl Strategy<Value = Pacing> {
    prop_oneof![Just(Pacing::Even), Just(Pacing::Poisson)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn even_arrivals_are_where_the_integral_says(shape in any_shape()) {
        let total = shape.total().unwrap();
        let slack = 1e-9 * total.max(1.0);
        let planned = arrivals(&shape, Pacing::Even, Stride::ALL);
        if planned.len() < MOST {
            prop_assert!((planned.len() as f64 - total).abs() <= 0.5 + slack, "{} of {total}", planned.len());
        }
        for (index, arrival) in planned.iter().enumerate() {
            let t_s = arrival.planned_ns as f64 / 1e9;
            let level = index as f64 + 0.5;
            let (before, after) = (shape.integral(t_s - 1e-6), shape.integral(t_s + 1e-6));
            prop_assert_eq!(arrival.number, index as u64);
            prop_assert!(before - slack <= level && level <= after + slack, "{before} <= {level} <= {after} at {t_s}");
        }
        prop_assert!(planned.windows(2).all(|pair| pair[0].planned_ns <= pair[1].planned_ns));
    }

    #[test]
    fn walking_and_jumping_agree(shape in any_shape(), share in 0.0..1.0f64) {
        let planned = arrivals(&shape, Pacing::Even, Stride::ALL);
        prop_assume!(!planned.is_empty());
        let arrival = planned[((planned.len() - 1) as f64 * share) as usize];
        let jumped_s = shape.time_of(arrival.number as f64 + 0.5).unwrap();
        prop_assert!((jumped_s - arrival.planned_ns as f64 / 1e9).abs() <= 1e-6);
    }

    #[test]
    fn shares_own_every_arrival_once(
        shape in any_shape(), pacing in pacing(), segments in 1u32..5, cores in 1usize..4,
    ) {
        // Cut, so that no share is limited by `MOST` where the whole is not.
        let short = shape.take(2.0);
        prop_assume!(short.total().unwrap() < 1_000.0);
        let whole = arrivals(&short, pacing, Stride::ALL);
        let mut parts: Vec<Arrival> = (1..=segments)
            .flat_map(|index| (0..cores).map(move |core| (index, core)))
            .flat_map(|(index, core)| {
                let stride = Segment { index, count: segments }.stride().lane(core, cores);
                let share = arrivals(&short, pacing, stride);
                assert!(share.iter().all(|arrival| stride.contains(arrival.number)));
                share
            })
            .collect();
        parts.sort_by_key(|arrival| arrival.number);
        prop_assert_eq!(parts, whole);
    }

    #[test]
    fn lanes_of_segments_partition_the_numbers(segments in 1u32..40, cores in 1usize..9, total in 0u64..2_000) {
        let mut owned = vec![0u32; total as usize];
        for index in 1..=segments {
            let stride = Segment { index, count: segments }.stride();
            let lanes: u64 = (0..cores).map(|core| stride.lane(core, cores).count_below(total)).sum();
            prop_assert_eq!(lanes, stride.count_below(total));
            for core in 0..cores {
                stride.lane(core, cores).numbers(total).for_each(|number| owned[number as usize] += 1);
            }
        }
        prop_assert!(owned.iter().all(|&owners| owners == 1));
    }

    #[test]
    fn a_segment_is_read_in_every_spelling(count in 1u32..500, share in 0.0..1.0f64) {
        let index = 1 + (share * f64::from(count - 1)) as u32;
        let segment = Segment { index, count };
        prop_assert_eq!(segment.to_string().parse::<Segment>(), Ok(segment));
        let k6 = format!("{}/{count}:{index}/{count}", index - 1);
        prop_assert_eq!(k6.parse::<Segment>(), Ok(segment));
    }

    #[test]
    fn what_an_iteration_draws_depends_on_its_number_alone(seed: u64, scenario: u64, number: u64) {
        let draw = || {
            let mut rng = IterationRng::new(seed, scenario, number);
            (rng.next_bits(), rng.next_unit(), rng.next_below(1_000))
        };
        let (bits, unit, below) = draw();
        prop_assert_eq!(draw(), (bits, unit, below));
        prop_assert!((0.0..1.0).contains(&unit) && below < 1_000);
    }
}
