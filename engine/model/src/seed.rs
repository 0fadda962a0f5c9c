//! Random numbers as functions of (seed, scenario, global number).
//!
//! What an iteration draws depends on its number alone, never on the VU, thread, core or machine that runs
//! it, so the same seed gives the same run however the work is spread. Nothing here is secret or
//! unpredictable: these are generators for load, not for keys.

use std::convert::Infallible;

use rand::TryRng;
use rand::rand_core::utils::fill_bytes_via_next_word;

/// The step of the Weyl sequence of SplitMix64: 2^64 / golden ratio, made odd.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// The finalizer of SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators",
/// OOPSLA 2014, constants of Stafford's variant 13): a bijection in which every input bit moves about half
/// of the output bits.
const fn scramble(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

/// 64 well mixed bits for the `number`-th thing of a scenario. For fixed `seed` and `scenario_hash` no two
/// numbers share a value (the last step is a bijection of the number).
#[inline]
pub const fn mix(seed: u64, scenario_hash: u64, number: u64) -> u64 {
    let stream = scramble(seed.wrapping_add(GOLDEN)) ^ scramble(scenario_hash.wrapping_mul(GOLDEN));
    scramble(stream.wrapping_add(number.wrapping_mul(GOLDEN)))
}

/// A stable 64-bit hash of a scenario's name (FNV-1a, then scrambled). It may never change: it decides what
/// a seed means.
pub const fn scenario_hash(name: &str) -> u64 {
    let bytes = name.as_bytes();
    let mut hash: u64 = 0xCBF2_9CE4_8422_2325;
    let mut index = 0;
    while index < bytes.len() {
        hash = (hash ^ bytes[index] as u64).wrapping_mul(0x0100_0000_01B3);
        index += 1;
    }
    scramble(hash)
}

/// A number in `[0, 1)` from the upper 53 bits of `bits`.
#[inline]
pub const fn unit_interval(bits: u64) -> f64 {
    (bits >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
}

/// The generator of one iteration: xoshiro256++ (Blackman and Vigna, "Scrambled linear pseudorandom number
/// generators", 2018), seeded from [`mix`]. Making one costs a few nanoseconds and no allocation; drawing
/// costs about one. It implements `rand::Rng`, so `RngExt` and every `rand_distr` distribution work on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IterationRng {
    state: [u64; 4],
}

impl IterationRng {
    /// The generator of iteration `number` of the scenario with this hash.
    #[inline]
    pub const fn new(seed: u64, scenario_hash: u64, number: u64) -> Self {
        Self::from_bits(mix(seed, scenario_hash, number))
    }

    /// The generator that starts from 64 bits, spread over the state by SplitMix64 as its authors advise.
    #[inline]
    pub const fn from_bits(bits: u64) -> Self {
        // Four successive outputs of a bijection over distinct inputs: at most one of them is zero, so the
        // state is never all zero (the one state xoshiro cannot leave).
        IterationRng {
            state: [
                scramble(bits.wrapping_add(GOLDEN)),
                scramble(bits.wrapping_add(GOLDEN.wrapping_mul(2))),
                scramble(bits.wrapping_add(GOLDEN.wrapping_mul(3))),
                scramble(bits.wrapping_add(GOLDEN.wrapping_mul(4))),
            ],
        }
    }

    /// The next 64 bits.
    #[inline]
    pub const fn next_bits(&mut self) -> u64 {
        let [s0, s1, s2, s3] = self.state;
        let result = s0.wrapping_add(s3).rotate_left(23).wrapping_add(s0);
        let mixed2 = s2 ^ s0;
        let mixed3 = s3 ^ s1;
        self.state = [s0 ^ mixed3, s1 ^ mixed2, mixed2 ^ (s1 << 17), mixed3.rotate_left(45)];
        result
    }

    /// The next number in `[0, 1)`.
    #[inline]
    pub const fn next_unit(&mut self) -> f64 {
        unit_interval(self.next_bits())
    }

    /// The next integer in `[0, bound)`, or 0 when `bound` is 0. Lemire's multiply-shift without the
    /// rejection step: the bias is below `bound / 2^64`, which no load can see.
    #[inline]
    pub const fn next_below(&mut self, bound: u64) -> u64 {
        ((self.next_bits() as u128 * bound as u128) >> 64) as u64
    }
}

impl TryRng for IterationRng {
    type Error = Infallible;

    #[inline]
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok((self.next_bits() >> 32) as u32)
    }

    #[inline]
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.next_bits())
    }

    fn try_fill_bytes(&mut self, dst: &mut [u8]) -> Result<(), Infallible> {
        fill_bytes_via_next_word(dst, || Ok(self.next_bits()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng, RngExt};
    use std::collections::HashSet;

    #[test]
    fn the_values_a_seed_means_are_frozen() {
        // These change what every recorded seed means: if this test must change, so must the run file's
        // version.
        assert_eq!(scenario_hash("traffic"), 0x65a7_31f7_535f_a659);
        assert_eq!(mix(1, 2, 3), 0xf060_3bf6_fff1_434c);
        assert_eq!(IterationRng::new(1, 2, 3).next_bits(), 0x6c4d_a5d6_0a5c_fd0c);
    }

    #[test]
    fn xoshiro_follows_its_reference() {
        // First outputs of the authors' C code from the state 1, 2, 3, 4.
        let mut rng = IterationRng { state: [1, 2, 3, 4] };
        let drawn: Vec<u64> = (0..4).map(|_| rng.next_bits()).collect();
        assert_eq!(drawn, [41943041, 58720359, 3588806011781223, 3591011842654386]);
    }

    #[test]
    fn numbers_of_one_scenario_never_collide() {
        let scenario = scenario_hash("traffic");
        let seen: HashSet<u64> = (0..100_000).map(|number| mix(7, scenario, number)).collect();
        assert_eq!(seen.len(), 100_000);
    }

    #[test]
    fn seeds_scenarios_and_numbers_all_matter() {
        let base = IterationRng::new(1, scenario_hash("a"), 1).next_bits();
        assert_ne!(base, IterationRng::new(2, scenario_hash("a"), 1).next_bits());
        assert_ne!(base, IterationRng::new(1, scenario_hash("b"), 1).next_bits());
        assert_ne!(base, IterationRng::new(1, scenario_hash("a"), 2).next_bits());
    }

    #[test]
    fn first_draws_of_successive_iterations_are_uniform() {
        // Chi-squared over 64 cells, 64,000 draws: 63 degrees of freedom, 99.99 % below 114.
        let mut cells = [0u32; 64];
        for number in 0..64_000 {
            cells[IterationRng::new(42, 7, number).next_below(64) as usize] += 1;
        }
        let chi: f64 = cells.iter().map(|&n| (f64::from(n) - 1000.0).powi(2) / 1000.0).sum();
        assert!(chi < 114.0, "chi-squared {chi}");
    }

    #[test]
    fn it_serves_rand() {
        let mut rng = IterationRng::new(1, 1, 1);
        let die: u8 = rng.random_range(1..=6);
        assert!((1..=6).contains(&die));
        let mut bytes = [0u8; 13];
        rng.fill_bytes(&mut bytes);
        assert!(bytes[8..].iter().any(|&byte| byte != 0));
        let unit = rng.next_unit();
        assert!((0.0..1.0).contains(&unit));
    }
}
