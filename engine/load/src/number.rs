//! Which number an iteration has: what it does and draws is a function of it.
//!
//! Closed loops have no schedule to number them, so every VU owns a block of numbers: VU `v` numbers its
//! iterations `v << 40 | k`, with k from 0, whatever core it lives on and however often it is hired again. Warm-up
//! iterations count apart, with bit 63 set, so the measured ones are the same with and without a warm-up.

/// Bits of an iteration's number that count within a VU's block: 10^12 iterations, which at 100 ns each last 30 h.
pub const BLOCK_BITS: u32 = 40;

/// VUs that can have a block: bit 63 is taken.
pub const MAX_VUS: u64 = 1 << (63 - BLOCK_BITS);

/// Iterations that fit a block.
pub const MAX_ITERATIONS_PER_VU: u64 = 1 << BLOCK_BITS;

/// Marks the numbers of warm-up iterations, of closed loops and arrivals alike.
pub const WARM_UP_BIT: u64 = 1 << 63;

/// The number of iteration `k` of VU `vu`.
#[inline]
pub(crate) fn of_vu(vu: u64, k: u64) -> u64 {
    debug_assert!(vu < MAX_VUS && k < MAX_ITERATIONS_PER_VU);
    vu << BLOCK_BITS | k
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_of_neighbours_touch_and_do_not_overlap() {
        assert_eq!(of_vu(3, MAX_ITERATIONS_PER_VU - 1) + 1, of_vu(4, 0));
        assert_eq!(of_vu(MAX_VUS - 1, MAX_ITERATIONS_PER_VU - 1), WARM_UP_BIT - 1);
    }
}
