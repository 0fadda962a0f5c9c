//! Shares of one run: segment i of n, and within it lane c of so many cores.
//!
//! Things that are numbered globally (arrivals, VUs, keys) are dealt out like cards: a share owns every
//! `step`-th number from `offset` on. Shares of shares are shares, every number belongs to exactly one lane
//! of one segment, and neighbours in time go to different owners. Deliberately does not know what is
//! numbered.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Segment `index` (from 1) of `count`. Written `2/3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Segment {
    /// Which share this is, counted from 1 and at most `count`.
    pub index: u32,
    /// How many shares there are, at least 1.
    pub count: u32,
}

/// The numbers `offset`, `offset + step`, `offset + 2 * step`, … (`step` at least 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Stride {
    /// The first number of the share.
    pub offset: u64,
    /// The distance from one number of the share to the next.
    pub step: u64,
}

/// A segment that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "segment `{read}`: {problem}; write i/n with i from 1 to n, such as 2/3, or k6's from:to, such as 1/4:2/4"
)]
pub struct SegmentError {
    /// The text as it was read.
    pub read: String,
    /// What is wrong with it.
    pub problem: String,
}

impl Segment {
    /// The whole run: segment 1 of 1.
    pub const WHOLE: Segment = Segment { index: 1, count: 1 };

    /// Segment `index` of `count`; nothing unless `1 <= index <= count`.
    pub fn new(index: u32, count: u32) -> Option<Segment> {
        (index >= 1 && index <= count).then_some(Segment { index, count })
    }

    /// The numbers that belong to this segment.
    pub fn stride(self) -> Stride {
        Stride { offset: u64::from(self.index.saturating_sub(1)), step: u64::from(self.count.max(1)) }
    }

    /// Whether this is the whole run.
    pub fn is_whole(self) -> bool {
        self.count <= 1
    }
}

impl Default for Segment {
    fn default() -> Self {
        Segment::WHOLE
    }
}

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

impl Stride {
    /// Every number.
    pub const ALL: Stride = Stride { offset: 0, step: 1 };

    /// The share of this share that core `core` (from 0) of `cores` owns. The lanes of all cores are
    /// disjoint and together make up this share. `core` must be below `cores`.
    pub fn lane(self, core: usize, cores: usize) -> Stride {
        debug_assert!(core < cores, "core {core} of {cores}");
        Stride { offset: self.offset + self.step * core as u64, step: self.step * cores as u64 }
    }

    /// The `k`-th number of this share, counted from 0.
    pub fn nth(self, k: u64) -> u64 {
        self.offset + self.step * k
    }

    /// Whether a global number belongs to this share.
    pub fn contains(self, number: u64) -> bool {
        number >= self.offset && (number - self.offset).is_multiple_of(self.step)
    }

    /// How many of the numbers `0..total` belong to this share.
    pub fn count_below(self, total: u64) -> u64 {
        total.saturating_sub(self.offset).div_ceil(self.step)
    }

    /// The numbers of this share below `total`, ascending.
    pub fn numbers(self, total: u64) -> impl Iterator<Item = u64> {
        (0..self.count_below(total)).map(move |k| self.nth(k))
    }
}

impl FromStr for Segment {
    type Err = SegmentError;

    /// `2/3` is the second of three. With a colon it is k6's from:to, whose bounds are fractions, decimals or
    /// percentages (`1/4:2/4`, `0:1/4`, `0.5:1`, `0:25%`), as long as the piece is one of n equal ones.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fail = |problem: String| SegmentError { read: text.to_owned(), problem };
        let trimmed = text.trim();
        if let Some((from, to)) = trimmed.split_once(':') {
            let from = Fraction::parse(from).map_err(fail)?;
            let to = Fraction::parse(to).map_err(fail)?;
            return piece(from, to).map_err(fail);
        }
        let (index, count) = trimmed.split_once('/').ok_or_else(|| fail("there is no `/` in it".into()))?;
        let whole = |part: &str| {
            part.trim().parse::<u32>().map_err(|_| fail(format!("`{}` is not a whole number", part.trim())))
        };
        let (index, count) = (whole(index)?, whole(count)?);
        Segment::new(index, count).ok_or_else(|| {
            fail(match (index, count) {
                (_, 0) => "there cannot be 0 segments".into(),
                (0, _) => "segments count from 1".into(),
                _ => format!("there is no segment {index} among {count}"),
            })
        })
    }
}

/// The i/n that covers exactly `from..to`.
fn piece(from: Fraction, to: Fraction) -> Result<Segment, String> {
    // Both over one denominator, so that the arithmetic is exact.
    let whole = from.den * to.den;
    let (start, end) = (from.num * to.den, to.num * from.den);
    if end > whole {
        return Err("it ends beyond the whole (1)".into());
    }
    if start >= end {
        return Err("it ends before it begins".into());
    }
    let width = end - start;
    let equal_pieces = whole.is_multiple_of(width) && start.is_multiple_of(width);
    let (index, count) = (u32::try_from(start / width + 1), u32::try_from(whole / width));
    match (equal_pieces, index, count) {
        (true, Ok(index), Ok(count)) => Ok(Segment { index, count }),
        _ => Err("it is not one of n equal pieces".into()),
    }
}

/// A non-negative number as numerator and denominator, both below 2^32, so that products fit in 128 bits.
#[derive(Clone, Copy)]
struct Fraction {
    num: u128,
    den: u128,
}

impl Fraction {
    fn parse(text: &str) -> Result<Fraction, String> {
        let text = text.trim();
        let not_a_number = || format!("`{text}` is not a fraction");
        let whole = |part: &str| part.trim().parse::<u32>().map(u128::from).map_err(|_| not_a_number());
        if let Some((num, den)) = text.split_once('/') {
            let (num, den) = (whole(num)?, whole(den)?);
            return if den == 0 { Err(not_a_number()) } else { Ok(Fraction { num, den }) };
        }
        let (number, percent) = match text.strip_suffix('%') {
            Some(number) => (number.trim_end(), 100),
            None => (text, 1),
        };
        let (int, decimals) = number.split_once('.').unwrap_or((number, ""));
        if decimals.len() > 9 || (int.is_empty() && decimals.is_empty()) || decimals.contains('+') {
            return Err(not_a_number());
        }
        let scale = 10u128.pow(decimals.len() as u32);
        let int = if int.is_empty() { 0 } else { whole(int)? };
        let part = if decimals.is_empty() { 0 } else { whole(decimals)? };
        Ok(Fraction { num: int * scale + part, den: scale * percent })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i_of_n() {
        assert_eq!("2/3".parse(), Ok(Segment { index: 2, count: 3 }));
        assert_eq!(" 1/1 ".parse(), Ok(Segment::WHOLE));
    }

    #[test]
    fn k6_pieces() {
        for (text, index, count) in [
            ("1/4:2/4", 2, 4),
            ("0:1/4", 1, 4),
            ("1/2:1", 2, 2),
            ("0:1", 1, 1),
            ("0.25:0.5", 2, 4),
            ("0:25%", 1, 4),
            ("2/6:2/3", 2, 3),
        ] {
            assert_eq!(text.parse(), Ok(Segment { index, count }), "{text}");
        }
    }

    #[test]
    fn what_is_no_segment_says_why() {
        for (text, problem) in [
            ("3/2", "there is no segment 3 among 2"),
            ("0/2", "segments count from 1"),
            ("1/0", "there cannot be 0 segments"),
            ("2", "there is no `/` in it"),
            ("a/b", "`a` is not a whole number"),
            ("-1/2", "`-1` is not a whole number"),
            ("1/4:3/4", "it is not one of n equal pieces"),
            ("1/2:1/4", "it ends before it begins"),
            ("1:5/4", "it ends beyond the whole (1)"),
            ("x:1", "`x` is not a fraction"),
            ("0:1/0", "`1/0` is not a fraction"),
        ] {
            assert_eq!(text.parse::<Segment>().unwrap_err().problem, problem, "{text}");
        }
        assert_eq!(
            "3/2".parse::<Segment>().unwrap_err().to_string(),
            "segment `3/2`: there is no segment 3 among 2; write i/n with i from 1 to n, such as 2/3, or k6's \
             from:to, such as 1/4:2/4"
        );
    }

    #[test]
    fn lanes_of_segments_own_every_number_once() {
        let mut owners = vec![0; 1000];
        for index in 1..=3 {
            for core in 0..4 {
                let lane = Segment { index, count: 3 }.stride().lane(core, 4);
                for number in lane.numbers(1000) {
                    assert!(lane.contains(number));
                    owners[number as usize] += 1;
                }
            }
        }
        assert!(owners.iter().all(|&owned| owned == 1));
    }

    #[test]
    fn a_share_of_few_may_be_empty() {
        let stride = Segment { index: 3, count: 3 }.stride();
        assert_eq!(stride.count_below(2), 0);
        assert_eq!(stride.count_below(3), 1);
        assert_eq!(stride.numbers(7).collect::<Vec<_>>(), [2, 5]);
        assert!(!stride.contains(0));
    }
}
