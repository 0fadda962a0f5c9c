//! Making items: JSON with a key that no other item has, on any core, and that repeats with the seed.

use load::number::{BLOCK_BITS, WARM_UP_BIT};
use model::seed;

use crate::{
    bindings::{
        payload::Payload,
        rng::{fill_text, size},
    },
    context::{Context, failure},
    engine::EvalError,
};

/// Bytes of an item without its text: `{"k":…,"at":…,"body":""}` with 19 and 20 digits.
const ITEM_BYTES_AT_LEAST: usize = 64;

/// Items that one call makes, so that their array stays within an array's limit.
const ITEMS_AT_MOST: i64 = 1000;

/// Marks keys that are not of prefilled items.
const MADE: u64 = 1 << 62;

/// Marks keys that had no room for all that makes them unique, and are well mixed instead.
const MIXED: u64 = 1 << 61;

/// What makes an item unique: scenario, iteration and its number in it, packed into 61 bits; 3 for the scenario, 5 for the
/// item, 1 for the warm-up, 52 for the iteration (18 for a user of a closed loop, 34 for its own count).
fn made_key(seed: u64, scenario: usize, iteration: u64, made: u64) -> u64 {
    let number = iteration & !WARM_UP_BIT;
    let (vu, count) = (number >> BLOCK_BITS, number & ((1 << BLOCK_BITS) - 1));
    let warm_up = iteration >> 63;
    if scenario < 8 && made < 32 && vu < 1 << 18 && count < 1 << 34 {
        return MADE | (scenario as u64) << 58 | made << 53 | warm_up << 52 | vu << 34 | count;
    }
    let mixed = seed::mix(seed::mix(seed, scenario as u64, made), seed::scenario_hash("an item"), iteration);
    MADE | MIXED | (mixed & (MIXED - 1))
}

/// The key of the next item that this virtual user makes.
fn next_key(c: &Context) -> u64 {
    match c.scenario {
        // Set-up fills queues with more items than an iteration makes.
        None => MADE | MIXED | c.core.wiring.findings.queues.next_staged(),
        Some(scenario) => {
            let made = c.queues.made.replace(c.queues.made.get() + 1);
            made_key(c.core.wiring.seed, scenario, c.iteration.get(), made)
        }
    }
}

/// The size of an item that `call` asks for.
pub(super) fn bytes_of(bytes: i64, call: &str) -> Result<usize, EvalError> {
    let asked = size(bytes, call)?;
    if asked < ITEM_BYTES_AT_LEAST {
        return Err(failure(&format!("{call} makes {ITEM_BYTES_AT_LEAST} bytes or more, not {asked}")));
    }
    Ok(asked)
}

/// How many items are asked for at once.
pub(super) fn count_of(count: i64) -> Result<i64, EvalError> {
    if (0..=ITEMS_AT_MOST).contains(&count) {
        return Ok(count);
    }
    Err(failure(&format!("book.items(count, bytes) makes 0 to {ITEMS_AT_MOST} items at once, not {count}")))
}

/// `{"k":17,"at":1203,"body":"…"}` of exactly so many bytes.
pub(super) fn item(c: &Context, bytes: usize) -> Payload {
    let mut text = Vec::with_capacity(bytes);
    let at_us = c.core.now_ns() / 1000;
    // Writing to a vector cannot fail.
    let _ = std::io::Write::write_fmt(
        &mut text,
        format_args!("{{\"k\":{},\"at\":{at_us},\"body\":\"", next_key(c)),
    );
    let body = bytes.saturating_sub(text.len() + 2);
    fill_text(&mut c.rng.borrow_mut(), &mut text, body);
    text.extend_from_slice(b"\"}");
    Payload { bytes: text.into(), is_json: true }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn keys_are_unique_and_fit_a_bigint() {
        let iterations = [0, 1, 7 << BLOCK_BITS, (7 << BLOCK_BITS) + 1, (1 << 18) << BLOCK_BITS, 1 << 34];
        let mut keys = HashSet::new();
        for scenario in [0, 1, 7, 8] {
            for iteration in iterations.into_iter().flat_map(|it| [it, it | WARM_UP_BIT]) {
                for made in [0, 1, 31, 32] {
                    let key = made_key(42, scenario, iteration, made);
                    assert!((MADE..1 << 63).contains(&key), "{key}");
                    assert!(keys.insert(key), "{scenario} {iteration} {made}");
                    assert_eq!(key, made_key(42, scenario, iteration, made));
                }
            }
        }
    }
}
