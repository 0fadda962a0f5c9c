//! Marks on the time axis by kind: `autovacuum of run_head (the 3rd)` happened so often.
//!
//! A kind is the sentence without what differs from one time to the next: numbers, what stands in
//! parentheses, what follows a comma. One mark may stand for several times, and says so.

use std::collections::BTreeMap;

use crate::events::{Event, What};

/// Marks of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MarkKind {
    /// The kind, in words.
    pub(crate) words: String,
    /// How often it happened.
    pub(crate) times: u64,
    /// The first and the last, on the run's clock.
    pub(crate) span_ns: (u64, u64),
}

/// Sentences that probes end with when they looked after the warm-up.
const BEFORE: &str = "before the measured window";

/// The marks by kind, most frequent first.
pub(crate) fn tally(events: &[Event]) -> Vec<MarkKind> {
    let mut kinds: BTreeMap<String, MarkKind> = BTreeMap::new();
    for event in events {
        let (What::Mark { text }, Some(at_ns)) = (&event.what, event.at_ns) else { continue };
        let words = kind_of(text);
        let kind =
            kinds.entry(words.clone()).or_insert(MarkKind { words, times: 0, span_ns: (at_ns, at_ns) });
        kind.times += times(text);
        kind.span_ns = (kind.span_ns.0.min(at_ns), kind.span_ns.1.max(at_ns));
    }
    let mut kinds: Vec<MarkKind> = kinds.into_values().collect();
    kinds.sort_by(|a, b| b.times.cmp(&a.times).then_with(|| a.words.cmp(&b.words)));
    kinds
}

/// The kind of a mark.
pub(crate) fn kind_of(text: &str) -> String {
    let mut outside = String::new();
    let mut depth = 0_u32;
    for c in text.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ if depth == 0 => outside.push(c),
            _ => {}
        }
    }
    let first = outside.split(", ").next().unwrap_or_default();
    let mut words: Vec<&str> = first.split_whitespace().collect();
    // `2 checkpoints` are checkpoints.
    let is_number = |word: &str| word.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ','));
    let several = words.len() > 1 && is_number(words[0]);
    if several {
        words.remove(0);
    }
    let mut kind: Vec<&str> =
        words.into_iter().map(|word| if is_number(word) { "…" } else { word }).collect();
    if several {
        kind[0] = kind[0].strip_suffix('s').unwrap_or(kind[0]);
    }
    if text.contains(BEFORE) {
        kind.push(BEFORE);
    }
    kind.join(" ")
}

/// How many times one mark stands for: `2 checkpoints`, `…, 3 since the last look)`, `(4 times before …)`.
fn times(text: &str) -> u64 {
    let words: Vec<&str> = text.split([' ', '(', ')', ',']).filter(|word| !word.is_empty()).collect();
    let leading = words.first().and_then(|word| word.parse().ok());
    let told = words.windows(2).find(|pair| matches!(pair[1], "since" | "times"));
    leading.or_else(|| told.and_then(|pair| pair[0].parse().ok())).unwrap_or(1).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(texts: &[&str]) -> Vec<Event> {
        let mark = |(k, text): (usize, &&str)| Event {
            unix_us: 0,
            at_ns: Some(k as u64),
            what: What::Mark { text: (*text).to_owned() },
        };
        texts.iter().enumerate().map(mark).collect()
    }

    #[test]
    fn marks_are_counted_by_kind() {
        let events = marks(&[
            "autovacuum of run_head (the 3rd)",
            "autovacuum of run_head_2 (the 1st)",
            "autovacuum of run_head (the 6th, 3 since the last look)",
            "autovacuum of run_head (2 times before the measured window)",
            "checkpoint (timed)",
            "2 checkpoints (timed)",
            "vacuum of run_head: scanning heap, 40 %",
            "vacuum of run_head: scanning heap, 60 %",
            "pid 17 (active, `UPDATE`) holds the xmin horizon back by 1200 transactions: vacuum cannot remove what died",
        ]);
        let shown: Vec<String> =
            tally(&events).iter().map(|kind| format!("{} ×{}", kind.words, kind.times)).collect();
        assert_eq!(
            shown,
            [
                "autovacuum of run_head ×4",
                "checkpoint ×3",
                "autovacuum of run_head before the measured window ×2",
                "vacuum of run_head: scanning heap ×2",
                "autovacuum of run_head_2 ×1",
                "pid … holds the xmin horizon back by … transactions: vacuum cannot remove what died ×1",
            ]
        );
        assert_eq!(tally(&events)[0].span_ns, (0, 2));
    }

    #[test]
    fn odd_sentences_are_kinds_too() {
        for text in ["", "(", "((a)", ") b", "7", "x,", "3 "] {
            let _ = kind_of(text);
            assert!(times(text) >= 1);
        }
    }
}
