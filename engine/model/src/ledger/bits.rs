//! A set of (key, step) pairs in a few bytes each: one word of 64 steps for each key that has any of them.

use std::collections::{HashMap, hash_map::Entry};
use std::hash::{BuildHasherDefault, Hasher};

use crate::seed::mix;

/// The set. A key with up to 64 neighbouring steps takes one entry of 24 bytes in a hash table.
#[derive(Debug, Clone, Default)]
pub(super) struct StepSet {
    words: HashMap<(u64, u64), u64, BuildHasherDefault<PairHasher>>,
}

impl StepSet {
    /// Adds a step; whether it is new.
    pub(super) fn insert(&mut self, key: u64, step: u64) -> bool {
        let word = self.words.entry((key, step / 64)).or_default();
        let bit = 1 << (step % 64);
        let new = *word & bit == 0;
        *word |= bit;
        new
    }

    /// Takes the steps from `from` to before `to` out, if all of them are here; says whether they were.
    pub(super) fn take(&mut self, key: u64, from: u64, to: u64) -> bool {
        let wanted = |index: u64| {
            let all = Word { key, index, bits: u64::MAX };
            all.at_or_above(from).below(to).bits
        };
        let indices = || (from / 64..to.div_ceil(64)).filter(|_| from < to);
        // Ends at the first word that is not whole, however far away `to` is.
        let has =
            |index| self.words.get(&(key, index)).is_some_and(|word| word & wanted(index) == wanted(index));
        if !indices().all(has) {
            return false;
        }
        for index in indices() {
            if let Entry::Occupied(mut word) = self.words.entry((key, index)) {
                *word.get_mut() &= !wanted(index);
                if *word.get() == 0 {
                    word.remove();
                }
            }
        }
        true
    }

    /// Adds all of another set and hands every word of steps that were in both to `common`.
    pub(super) fn merge(&mut self, other: StepSet, mut common: impl FnMut(Word)) {
        if self.words.is_empty() {
            self.words = other.words;
            return;
        }
        for ((key, index), bits) in other.words {
            let word = self.words.entry((key, index)).or_default();
            if *word & bits != 0 {
                common(Word { key, index, bits: *word & bits });
            }
            *word |= bits;
        }
    }

    /// All words, by key and step.
    pub(super) fn sorted(&self) -> Vec<Word> {
        let mut words: Vec<Word> =
            self.words.iter().map(|(&(key, index), &bits)| Word { key, index, bits }).collect();
        words.sort_unstable();
        words
    }

    /// The steps that are here and not in `other`.
    pub(super) fn without(&self, other: &StepSet) -> Vec<Word> {
        let mut words = self.sorted();
        for word in &mut words {
            word.bits &= !other.words.get(&(word.key, word.index)).copied().unwrap_or_default();
        }
        words.retain(|word| word.bits != 0);
        words
    }

    /// Bytes taken, to within the allocator's rounding.
    pub(super) fn bytes(&self) -> usize {
        // The table holds entries and one control byte each, and is at most 7/8 full.
        self.words.capacity() * 8 / 7 * (size_of::<((u64, u64), u64)>() + 1)
    }
}

/// 64 neighbouring steps of one key: bit b of word i is step 64 i + b.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Word {
    pub(super) key: u64,
    pub(super) index: u64,
    pub(super) bits: u64,
}

impl Word {
    /// How many steps.
    pub(super) fn count(self) -> u64 {
        u64::from(self.bits.count_ones())
    }

    /// The steps.
    pub(super) fn steps(self) -> impl Iterator<Item = u64> {
        (0..64).filter(move |bit| self.bits & (1 << bit) != 0).map(move |bit| self.index * 64 + bit)
    }

    /// The first step.
    pub(super) fn first(self) -> u64 {
        self.index * 64 + u64::from(self.bits.trailing_zeros().min(63))
    }

    /// Only the steps from `from` on.
    pub(super) fn at_or_above(mut self, from: u64) -> Word {
        match from.checked_sub(self.index * 64) {
            None => {}
            Some(skipped) if skipped < 64 => self.bits &= u64::MAX << skipped,
            Some(_) => self.bits = 0,
        }
        self
    }

    /// Only the steps before `to`.
    pub(super) fn below(mut self, to: u64) -> Word {
        self.bits &= !self.at_or_above(to).bits;
        self
    }
}

/// Mixes two numbers; keys are not chosen by an adversary, and this is on the path of every acknowledgement.
#[derive(Debug, Clone, Default)]
pub(super) struct PairHasher(u64);

impl Hasher for PairHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.write_u64(u64::from(byte)));
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = mix(self.0, 0, number);
    }
}
