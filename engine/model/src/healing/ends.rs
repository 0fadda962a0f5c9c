//! When operations ended well: a bit for each millisecond of the run, whichever core it was.

const MS: u64 = 1_000_000;
const BITS: u64 = u64::BITS as u64;

/// The milliseconds in which an operation ended well.
#[derive(Debug, Clone, Default)]
pub(super) struct Ends {
    bits: Vec<u64>,
}

impl Ends {
    /// Notes a millisecond since the run's epoch.
    pub(super) fn note(&mut self, ms: u32) {
        let (word, bit) = (ms as usize / BITS as usize, u64::from(ms) % BITS);
        if word >= self.bits.len() {
            self.bits.resize(word + 1, 0);
        }
        self.bits[word] |= 1 << bit;
    }

    /// The longest span without any that touches `from_ns..to_ns`, in ns. It may begin before and end after, but not outside
    /// of `bounds_ns`.
    pub(super) fn longest_gap_ns(&self, (from_ns, to_ns): (u64, u64), bounds_ns: (u64, u64)) -> u64 {
        let (first, last) = (bounds_ns.0 / MS, bounds_ns.1 / MS);
        let (from, to) = ((from_ns / MS).clamp(first, last), (to_ns / MS).clamp(first, last));
        // The last end before, from which the first span counts.
        let mut since = (first..from).rev().find(|ms| self.has(*ms)).unwrap_or(first);
        let mut longest = 0;
        let mut ms = from;
        while ms < last {
            if self.bits.get((ms / BITS) as usize).is_none_or(|word| *word == 0) && ms % BITS == 0 {
                ms = (ms + BITS).min(last);
                continue;
            }
            if self.has(ms) {
                longest = longest.max(ms - since);
                since = ms;
                if ms >= to {
                    return longest * MS;
                }
            }
            ms += 1;
        }
        longest.max(last.saturating_sub(since)) * MS
    }

    fn has(&self, ms: u64) -> bool {
        self.bits.get((ms / BITS) as usize).is_some_and(|word| word >> (ms % BITS) & 1 == 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(all: impl IntoIterator<Item = u32>) -> Ends {
        let mut ends = Ends::default();
        all.into_iter().for_each(|ms| ends.note(ms));
        ends
    }

    #[test]
    fn the_longest_span_without_an_end_is_found_to_the_millisecond() {
        let ends = ends((0..1000).step_by(5).chain((2345..4000).step_by(5)));
        let gap = |from: u64, to: u64| ends.longest_gap_ns((from * MS, to * MS), (0, 4000 * MS)) / MS;
        assert_eq!(gap(990, 1500), 2345 - 995, "it begins within, and is followed to its end");
        assert_eq!(gap(1500, 1600), 2345 - 995, "it is wider than what is asked for");
        assert_eq!(gap(100, 200), 5);
        assert_eq!(gap(2300, 3000), 2345 - 995);
        assert_eq!(gap(3000, 3990), 5);
    }

    #[test]
    fn one_that_nothing_ends_reaches_as_far_as_was_watched() {
        let none = ends([]);
        assert_eq!(none.longest_gap_ns((500 * MS, 600 * MS), (100 * MS, 900 * MS)), 800 * MS);
        let early = ends([200]);
        assert_eq!(early.longest_gap_ns((500 * MS, 600 * MS), (100 * MS, 900 * MS)), 700 * MS);
    }
}
