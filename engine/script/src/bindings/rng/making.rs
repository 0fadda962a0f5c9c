//! Making bytes: text, JSON and random ones, all of them functions of what is drawn.
//!
//! Random bytes are cut from a pool that is made once: a piece of it, from a place that is drawn, with each of its words
//! changed by one word that is drawn. That costs little more than copying, and no two payloads, nor two pieces of one,
//! have anything in common that a compressor could find. It is no randomness for keys.

use std::{iter, sync::OnceLock};

use model::seed::{IterationRng, scenario_hash};

const WORD: usize = size_of::<u64>();

/// Bytes of a payload that come from one piece of the pool.
const PIECE_BYTES: usize = 64 << 10;

/// Bytes of the pool: a piece may begin at any word of its first half.
const POOL_BYTES: usize = 2 * PIECE_BYTES;

/// Of so many bytes a compressible payload repeats a share.
const BLOCK_BYTES: usize = 512;

fn pool() -> &'static [[u8; WORD]] {
    static POOL: OnceLock<Box<[[u8; WORD]]>> = OnceLock::new();
    POOL.get_or_init(|| {
        let mut rng = IterationRng::new(0, scenario_hash("the pool that payloads are cut from"), 0);
        iter::repeat_with(|| rng.next_bits().to_le_bytes()).take(POOL_BYTES / WORD).collect()
    })
}

/// So many random bytes, of which a general compressor saves about this share.
pub(in crate::bindings) fn random_bytes(rng: &mut IterationRng, bytes: usize, compressible: f64) -> Vec<u8> {
    let mut made = vec![0; bytes];
    for piece in made.chunks_mut(PIECE_BYTES) {
        let from = rng.next_below((PIECE_BYTES / WORD) as u64) as usize;
        let change = rng.next_bits();
        let mut words = pool()[from..].iter().map(|word| (u64::from_le_bytes(*word) ^ change).to_le_bytes());
        let (whole, rest) = piece.as_chunks_mut::<WORD>();
        whole.iter_mut().zip(words.by_ref()).for_each(|(to, word)| *to = word);
        rest.iter_mut().zip(words.next().into_iter().flatten()).for_each(|(to, byte)| *to = byte);
    }
    if compressible > 0.0 {
        for block in made.chunks_mut(BLOCK_BYTES) {
            let kept = ((1.0 - compressible) * block.len() as f64).round() as usize;
            block[kept..].fill(0);
        }
    }
    made
}

/// Letters, digits and spaces at the rates of text; 64 of them, so that six random bits choose one.
const LETTERS: &[u8; 64] = b"eeeeettttaaaooiinnsshhrrddllccuummwwffggyyppbbvvkkjxqz0123456789";

/// Text that looks like text.
pub(in crate::bindings) fn fill_text(rng: &mut model::seed::IterationRng, into: &mut Vec<u8>, bytes: usize) {
    let end = into.len() + bytes;
    while into.len() < end {
        let mut bits = rng.next_bits();
        for _ in 0..10.min(end - into.len()) {
            into.push(LETTERS[(bits & 63) as usize]);
            bits >>= 6;
        }
    }
}

/// A JSON object without a body: what is between its quotation marks can have any size.
pub(super) const ITEM_BYTES_AT_LEAST: usize = 35;

/// A JSON object of exactly the wanted size.
pub(super) fn json_item(rng: &mut model::seed::IterationRng, bytes: usize) -> Vec<u8> {
    let mut text = format!("{{\"id\":\"{:016x}\",\"body\":\"", rng.next_bits()).into_bytes();
    let body = bytes.saturating_sub(text.len() + 2);
    fill_text(rng, &mut text, body);
    text.extend_from_slice(b"\"}");
    text
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, write::DeflateEncoder};

    use super::*;

    fn made(number: u64, bytes: usize, compressible: f64) -> Vec<u8> {
        random_bytes(&mut IterationRng::new(42, 7, number), bytes, compressible)
    }

    /// What deflate saves of some bytes, as a share of them.
    fn saved(bytes: &[u8]) -> f64 {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        1.0 - encoder.finish().unwrap().len() as f64 / bytes.len() as f64
    }

    #[test]
    fn a_compressor_saves_the_share_that_was_asked_for() {
        for bytes in [4 << 10, 64 << 10, 1 << 20] {
            for share in [0.0, 0.2, 0.5, 0.7, 0.9] {
                let saved = saved(&made(1, bytes, share));
                assert!((saved - share).abs() < 0.03, "{saved} of {bytes} bytes, not {share}");
            }
        }
        assert!(saved(&made(1, 4096, 1.0)) > 0.98);
    }

    #[test]
    fn many_payloads_together_compress_no_better_than_one() {
        let together: Vec<u8> = (0..200).flat_map(|number| made(number, 4096, 0.0)).collect();
        assert!(saved(&together) < 0.01, "{}", saved(&together));
    }

    #[test]
    fn payloads_are_of_their_iteration_and_have_their_size() {
        for bytes in [0, 1, 7, 8, 9, 4096, PIECE_BYTES + 3] {
            assert_eq!(made(1, bytes, 0.0).len(), bytes);
            assert_eq!(made(1, bytes, 0.0), made(1, bytes, 0.0));
            assert!(bytes < 7 || made(1, bytes, 0.0) != made(2, bytes, 0.0));
        }
    }

    #[test]
    fn every_byte_is_as_likely_as_any_other() {
        let mut cells = [0u32; 256];
        (0..256).flat_map(|number| made(number, 1000, 0.0)).for_each(|byte| cells[usize::from(byte)] += 1);
        // Chi-squared over 256 cells, 1,000 expected in each: 255 degrees of freedom, 99.99 % below 347.
        let chi: f64 = cells.iter().map(|&n| (f64::from(n) - 1000.0).powi(2) / 1000.0).sum();
        assert!(chi < 347.0, "chi-squared {chi}");
    }
}
