//! What a schedule costs: nanoseconds an arrival, medians over rounds.
//!
//! `cargo bench -p snapbench-model --bench arrivals`. At 20,000 arrivals a second, 1 µs each is 2 % of a core.

#![allow(clippy::print_stdout)] // A benchmark's result is its output.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use model::arrivals::{Arrivals, Pacing};
use model::segment::Stride;
use model::shape::{Sampled, Shape};

const ARRIVALS: usize = 200_000;
const ROUNDS: usize = 9;

fn main() {
    let sine = || Shape::Sine { low: 1_000.0, high: 20_000.0, period_s: 30.0 };
    let square = || Shape::Square { high: 20_000.0, high_for_s: 1.0, low: 1_000.0, low_for_s: 1.0 };
    let modulation = Shape::Sine { low: 0.5, high: 1.5, period_s: 7.0 };
    let curve = Sampled::of(100.0, 1_001, |t_s| 10_000.0 + 5_000.0 * (t_s / 3.0).sin());
    println!("{ARRIVALS} arrivals a round, median of {ROUNDS} rounds");
    report("constant", Shape::Constant { rate: 20_000.0 }, Pacing::Even);
    report("constant, Poisson", Shape::Constant { rate: 20_000.0 }, Pacing::Poisson);
    report("ramp", Shape::Ramp { from: 100.0, to: 20_000.0, duration_s: 60.0 }, Pacing::Even);
    report("square", square(), Pacing::Even);
    report("sine", sine(), Pacing::Even);
    report("sine, squeezed and scaled", sine().take(30.0).squeezed_to(60.0).scaled(0.5), Pacing::Even);
    report("square × sine", Shape::product(vec![square(), modulation]), Pacing::Even);
    report("sampled", Shape::Sampled { curve }, Pacing::Even);
}

fn report(what: &str, shape: Shape, pacing: Pacing) {
    let shape = Arc::new(shape);
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            let arrivals = Arrivals::new(Arc::clone(&shape), pacing, 1, Stride::ALL).take(ARRIVALS);
            let planned = arrivals.fold(0u64, |count, arrival| count + black_box(arrival.planned_ns).min(1));
            start.elapsed().as_nanos() as f64 / planned as f64
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    println!("{what:30} {:7.1} ns", rounds[ROUNDS / 2]);
}
