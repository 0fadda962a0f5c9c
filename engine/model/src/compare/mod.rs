//! Which of several sides does better, when all do the same work in turn.
//!
//! A machine is never the same twice: it warms up, a neighbour wakes, a disk fills. So sides are not measured one after
//! the other but in turn ([`turns`]), and what is compared is not two means but the ratio within each round, so that
//! what changes slowly meets all sides alike. The rounds' logarithms of the ratio are taken as independent and roughly
//! normal; their mean has a confidence interval by Student's t (W. S. Gosset, "The probable error of a mean",
//! Biometrika 6, 1908). A run that decides several things at once asks more of each (Bonferroni: a confidence of
//! 95 % for all of them together), or one in twenty would be decided by chance.
//!
//! Deliberately absent: what a side is, where the figures come from, and what a difference costs.

mod figure;
mod interval;
mod turns;

pub use figure::Figure;
pub use interval::Interval;
pub use turns::turns;

use interval::interval_of_logs;

/// The confidence of all decisions of a run together.
pub const FAMILY_CONFIDENCE: f64 = 0.95;

/// Rounds below which nothing is decided: two agree by chance too easily.
pub const FEWEST_ROUNDS: usize = 3;

/// The confidence that each of `decisions` needs, so that all of them together have [`FAMILY_CONFIDENCE`].
pub fn confidence_of_each(decisions: usize) -> f64 {
    1.0 - (1.0 - FAMILY_CONFIDENCE) / decisions.max(1) as f64
}

/// What one side reached: a figure above 0 for each of its turns, by round. A turn that gave no figure is left out.
pub type Rounds = Vec<Vec<f64>>;

/// Whether one side does better than the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The whole interval of the ratio lies beyond the margin, on one side of it.
    Decided,
    /// The interval holds 1, or differences within the margin.
    NotDecided,
    /// Too few rounds in which both sides gave a figure.
    TooFewRounds,
}

/// Two sides, compared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair {
    /// The second side's figure over the first's: the estimate and its interval; nothing with too few rounds.
    pub ratio: Option<Interval>,
    /// In how many rounds both sides gave a figure.
    pub rounds: usize,
    /// What it comes to.
    pub verdict: Verdict,
}

/// The level that a side holds over all rounds, with its interval; nothing with too few rounds. It is a geometric mean, as
/// ratios are what is compared.
pub fn level(side: &[Vec<f64>], confidence: f64) -> Option<Interval> {
    let logs: Vec<f64> = side.iter().filter_map(|round| mean_log(round)).collect();
    interval_of_logs(&logs, confidence)
}

/// Compares the second side with the first. A difference within `margin` (0.05: five percent) decides nothing, however
/// surely it is there.
pub fn compare(first: &[Vec<f64>], second: &[Vec<f64>], confidence: f64, margin: f64) -> Pair {
    let both = first.iter().zip(second);
    let logs: Vec<f64> = both.filter_map(|(a, b)| Some(mean_log(b)? - mean_log(a)?)).collect();
    let rounds = logs.len();
    let Some(ratio) = interval_of_logs(&logs, confidence).filter(|_| rounds >= FEWEST_ROUNDS) else {
        return Pair { ratio: None, rounds, verdict: Verdict::TooFewRounds };
    };
    let beyond = 1.0 + margin;
    let is_decided = ratio.low > beyond || ratio.high < 1.0 / beyond;
    Pair {
        ratio: Some(ratio),
        rounds,
        verdict: if is_decided { Verdict::Decided } else { Verdict::NotDecided },
    }
}

/// The mean of ratios: what levels are. Nothing for nothing above 0.
pub fn geometric_mean(figures: &[f64]) -> Option<f64> {
    mean_log(figures).map(f64::exp)
}

/// The mean logarithm of a round's turns.
fn mean_log(round: &[f64]) -> Option<f64> {
    let logs: Vec<f64> = round.iter().filter(|value| **value > 0.0).map(|value| value.ln()).collect();
    (!logs.is_empty()).then(|| logs.iter().sum::<f64>() / logs.len() as f64)
}

#[cfg(test)]
mod tests {
    use rand::RngExt;
    use rand_distr::{Distribution, StudentT};

    use super::*;
    use crate::seed::IterationRng;

    /// A run of two sides whose figures are `level` times noise with heavy tails, on a machine whose speed drifts.
    fn played(rng: &mut IterationRng, levels: [f64; 2], rounds: usize, noise: f64) -> [Rounds; 2] {
        let tails = StudentT::new(4.0).unwrap();
        let drift = rng.random_range(-0.3..0.3);
        let order = turns(2, rounds);
        let mut sides = [vec![Vec::new(); rounds], vec![Vec::new(); rounds]];
        for (n, side) in order.iter().enumerate() {
            let speed = drift * n as f64 / order.len() as f64;
            let log: f64 = speed + noise * tails.sample(rng);
            sides[*side][n / 4].push(levels[*side] * log.exp());
        }
        sides
    }

    fn decided(seed: u64, levels: [f64; 2], noise: f64, margin: f64) -> usize {
        let verdict = |n| {
            let mut rng = IterationRng::new(seed, 0, n);
            let [a, b] = played(&mut rng, levels, 6, noise);
            compare(&a, &b, 0.95, margin).verdict
        };
        (0..1000).filter(|n| verdict(*n) == Verdict::Decided).count()
    }

    #[test]
    fn a_side_against_itself_is_decided_by_chance_one_time_in_twenty_at_most() {
        let by_chance = decided(1, [100.0, 100.0], 0.1, 0.0);
        assert!((10..=65).contains(&by_chance), "{by_chance} of 1,000 at 95 %");
        let beyond_margin = decided(2, [100.0, 100.0], 0.1, 0.05);
        assert!(beyond_margin < by_chance, "a margin makes it rarer: {beyond_margin}");
    }

    #[test]
    fn an_order_of_magnitude_is_always_decided_and_a_tenth_in_the_noise_is_not() {
        assert!(decided(3, [10.0, 100.0], 0.3, 0.05) >= 995);
        assert!(decided(4, [100.0, 110.0], 0.3, 0.05) < 100);
    }

    #[test]
    fn a_drift_alone_decides_nothing() {
        // No noise at all: what A B B A leaves of a straight drift is nothing.
        let speed = |n: usize| 100.0 * (0.1 * n as f64).exp();
        let mut sides = [vec![Vec::new(); 4], vec![Vec::new(); 4]];
        for (n, side) in turns(2, 4).into_iter().enumerate() {
            sides[side][n / 4].push(speed(n));
        }
        let pair = compare(&sides[0], &sides[1], 0.95, 0.0);
        let ratio = pair.ratio.unwrap();
        assert!((ratio.value - 1.0).abs() < 1e-12 && pair.verdict == Verdict::NotDecided, "{pair:?}");
    }

    #[test]
    fn the_ratio_and_its_interval_are_those_of_the_textbook() {
        // ln 2, ln 2.2, ln 1.8: mean 0.6897, s 0.1005, t(0.975, 2) 4.303.
        let pair = compare(&[vec![1.0], vec![1.0], vec![1.0]], &[vec![2.0], vec![2.2], vec![1.8]], 0.95, 0.0);
        let ratio = pair.ratio.unwrap();
        let near = |found: f64, wanted: f64| (found - wanted).abs() < 1e-3;
        assert!(
            near(ratio.value, 1.9933) && near(ratio.low, 1.5530) && near(ratio.high, 2.5584),
            "{ratio:?}"
        );
        assert_eq!(pair.verdict, Verdict::Decided);
    }

    #[test]
    fn rounds_in_which_a_side_gave_nothing_do_not_count() {
        let a = vec![vec![1.0, 1.1], vec![1.0], vec![], vec![0.9], vec![1.0]];
        let b = vec![vec![2.0], vec![], vec![2.0], vec![2.1], vec![0.0]];
        let pair = compare(&a, &b, 0.95, 0.0);
        assert_eq!((pair.rounds, pair.verdict), (2, Verdict::TooFewRounds));
        assert_eq!(compare(&[], &[], 0.95, 0.0).verdict, Verdict::TooFewRounds);
    }

    #[test]
    fn several_decisions_ask_more_of_each() {
        assert!((confidence_of_each(1) - 0.95).abs() < 1e-12);
        assert!((confidence_of_each(5) - 0.99).abs() < 1e-12);
        let side = vec![vec![9.0], vec![10.0], vec![11.0]];
        let width = |confidence| level(&side, confidence).map(|found| found.high - found.low).unwrap();
        assert!(width(0.99) > width(0.95));
    }
}
