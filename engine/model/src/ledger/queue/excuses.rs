//! Takes that may have held an item back without giving it to anybody: why an item that was overtaken may be innocent.

use super::deeds::{OpenTake, Span};

/// What a take that failed held is free again when its failure is told, or a moment later: the server tells the client
/// first and cleans up then.
const MOMENT_NS: u64 = 1_000_000_000;

/// All open takes of a ledger.
#[derive(Debug)]
pub(super) struct Excuses {
    /// When takes were on their way that came to nothing: apart from each other, in order.
    undone: Vec<Span>,
    /// When the first take began whose outcome nobody knows; what it holds, it may hold for ever.
    pub(super) unknown_from_ns: u64,
    /// How many items takes of unknown outcome may hold in all.
    pub(super) held_at_most: u64,
    /// How many items pops among them may have taken.
    pub(super) popped_at_most: u64,
}

impl Excuses {
    pub(super) fn of(takes: &[OpenTake]) -> Self {
        let (undone, unknown): (Vec<&OpenTake>, Vec<&OpenTake>) =
            takes.iter().partition(|take| take.is_undone);
        let asked = |take: &&OpenTake| u64::from(take.asked);
        Excuses {
            undone: apart(undone.iter().map(|take| take.span).collect()),
            unknown_from_ns: unknown.iter().map(|take| take.span.began_ns).min().unwrap_or(u64::MAX),
            held_at_most: unknown.iter().copied().map(|take| asked(&take)).sum(),
            popped_at_most: unknown.iter().copied().filter(|take| take.is_pop).map(|take| asked(&take)).sum(),
        }
    }

    /// Whether a take that came to nothing was on its way at some time between the two, or a moment before.
    pub(super) fn is_met(&self, began_ns: u64, ended_ns: u64) -> bool {
        let first = self.undone.partition_point(|undone| undone.ended_ns < began_ns);
        self.undone.get(first).is_some_and(|undone| undone.began_ns <= ended_ns)
    }
}

/// Spans with the moment behind them, those that overlap as one.
fn apart(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_unstable_by_key(|span| span.began_ns);
    let mut made: Vec<Span> = Vec::new();
    for Span { began_ns, ended_ns } in spans {
        let ended_ns = ended_ns.saturating_add(MOMENT_NS);
        match made.last_mut() {
            Some(last) if last.ended_ns >= began_ns => last.ended_ns = last.ended_ns.max(ended_ns),
            _ => made.push(Span { began_ns, ended_ns }),
        }
    }
    made
}
