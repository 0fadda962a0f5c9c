//! Proof of correctness from the client's side: what was acknowledged, against what the server holds at the
//! end.
//!
//! The ledger is told what operations said, never what the server thinks; the truth is read afterwards over
//! another connection. Deliberately does not know how either was done.

mod bits;
mod cas;
mod judge;
mod limits;
mod lives;
pub mod queue;
mod reading;
pub mod store;
mod verdict;

#[cfg(test)]
mod tests;

pub use cas::{CasLedger, Fate};
pub use judge::CasJudge;
pub use queue::{QueueLedger, QueueVerdict};
pub use store::{StoreJudge, StoreLedger};
pub use verdict::CasVerdict;
