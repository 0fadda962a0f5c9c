//! The ledger of a queue: every acknowledged push is taken once, or still there at the end.
//!
//! Deeds are told with the span in which they happened: not before it began, and, where the server answered, not after
//! it ended. A span may be told wider than it was; that hides findings and makes none. Items are known by a key.
//!
//! | finding | what it means |
//! |---|---|
//! | lost | an acknowledged push that nobody took and that is not there at the end; a claimed item that nobody completed and that is gone |
//! | twice | an item that was popped twice, or is there though it was popped or completed, or was claimed while an earlier lease certainly held |
//! | early | a take that ended before the push began and its delay was over |
//! | invented | an item that nobody pushed |
//! | order | an item that was overtaken (only of queues that promise an order); see `order` for the rule |
//!
//! What is told beside them is no violation: a claim after the earlier lease may have run out is `redelivered`, a completion
//! that began after the lease had certainly run out is `late`.
//!
//! A push of unknown fate explains one appearance of its item. A pop whose answer never came may have taken as many items
//! as it asked for: so many may be missing, and count as `in_doubt` instead of lost. A completion of unknown fate explains
//! why its items are missing. Where a script does not tell what remains, nothing can be called lost: `lost` and `remaining`
//! are left out, and `untaken` says how many items nobody took.
//!
//! A key that was pushed more than once (an item that was put back) is judged by numbers alone: it may be popped as often
//! as it was pushed. It has no part in the judgement of the order.
//!
//! An item takes 32 bytes for its push, and 24 each for its take and its completion; the judgement takes about as much
//! again for a moment.
//!
//! Deliberately absent: how replies are read, and where the end is read from.

mod deeds;
mod excuses;
mod judge;
mod log;
mod order;
mod verdict;
mod waits;
mod words;

#[cfg(test)]
mod tests;

pub use deeds::{Span, Taking};
pub use log::QueueLedger;
pub use verdict::QueueVerdict;
