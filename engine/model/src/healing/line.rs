//! One figure second by second, held against its calm.

use super::Healing;
use crate::series::Band;

pub(super) const SECOND_NS: u64 = 1_000_000_000;
/// Calm seconds needed for a band.
const FEWEST_CALM: usize = 5;
/// Calm must last so long, and over so many figures, to count.
pub(super) const HOLD_NS: u64 = 5 * SECOND_NS;
const HOLD_FIGURES: usize = 3;

/// A figure of each whole second of the window; nothing where nothing ended.
#[derive(Debug)]
pub(super) struct Line {
    /// The number of the first second.
    pub(super) first: u64,
    pub(super) figures: Vec<Option<f64>>,
    /// Whether the worst calm second is calm by definition: of shares that are mostly nothing.
    pub(super) is_share: bool,
}

/// One fault as a line sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    /// When it began.
    pub(super) begin_ns: u64,
    /// When it, and all that overlaps with it, had ended.
    pub(super) end_ns: u64,
    /// When the next disturbance begins.
    pub(super) next_ns: u64,
}

impl Line {
    /// The second behind the last.
    fn end(&self) -> u64 {
        self.first + self.figures.len() as u64
    }

    fn at(&self, second: u64) -> Option<f64> {
        self.figures[(second - self.first) as usize]
    }

    /// The seconds that are calm for what begins then: over by then, and in none of these spans.
    pub(super) fn calm(&self, begin_ns: u64, disturbed_ns: &[(u64, u64)]) -> Vec<u64> {
        let until = self.end().min(begin_ns / SECOND_NS);
        let is_calm = |second: &u64| {
            let (from_ns, to_ns) = (second * SECOND_NS, (second + 1) * SECOND_NS);
            // A moment disturbs the second that it lies in.
            !disturbed_ns.iter().any(|&(start_ns, end_ns)| start_ns < to_ns && from_ns <= end_ns)
        };
        (self.first..until.max(self.first)).filter(is_calm).collect()
    }

    /// Whether and when it was back from one fault.
    pub(super) fn healing(&self, asked: Asked, disturbed_ns: &[(u64, u64)]) -> Healing {
        let calm: Vec<Option<f64>> =
            self.calm(asked.begin_ns, disturbed_ns).into_iter().map(|second| self.at(second)).collect();
        let figures: Vec<f64> = calm.iter().copied().flatten().collect();
        if figures.len() < FEWEST_CALM {
            return Healing::NoCalm;
        }
        let Some(mut band) = Band::below(&figures) else { return Healing::NoCalm };
        if self.is_share {
            band.reach(figures.iter().copied().fold(0.0, f64::max));
        }
        let knows_silence = calm.iter().any(Option::is_none);
        self.back(asked, |figure| figure.map_or(knows_silence, |value| band.holds(value)))
    }

    fn back(&self, asked: Asked, is_calm: impl Fn(Option<f64>) -> bool) -> Healing {
        let first = (asked.begin_ns / SECOND_NS).max(self.first);
        let end = self.end().min(asked.next_ns / SECOND_NS);
        let after_s = |second: u64| (second * SECOND_NS).saturating_sub(asked.begin_ns) as f64 / 1e9;
        // The start of the calm stretch that lasts until now, and its figures.
        let mut since: Option<(u64, usize)> = None;
        for second in first..end {
            let figure = self.at(second);
            if !is_calm(figure) {
                since = None;
                continue;
            }
            let (start, figures) = since.unwrap_or((second, 0));
            let figures = figures + usize::from(figure.is_some());
            let held_from_ns = (start * SECOND_NS).max(asked.end_ns);
            if (second + 1) * SECOND_NS >= held_from_ns + HOLD_NS && figures >= HOLD_FIGURES {
                return if start == first {
                    Healing::NeverLeft
                } else {
                    Healing::After { s: after_s(start) }
                };
            }
            since = Some((start, figures));
        }
        if since.is_some() || first >= end { Healing::TooShort } else { Healing::NotBack { s: after_s(end) } }
    }
}
