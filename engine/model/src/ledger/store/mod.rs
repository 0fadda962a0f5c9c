//! The ledger of an object store: every acknowledged object is read and listed, what was deleted is gone, and nothing
//! else is ever seen.
//!
//! Operations are told when they begin and when they have ended, and what they saw is judged at once. Of each key the
//! ledger knows the changes that some read may still find (see `history` for the rule); a read that finds anything else
//! is a finding:
//!
//! | figure | what it means |
//! |---|---|
//! | stale_reads | a read found content that had been replaced before it began |
//! | missing_reads | a read found nothing, though a put had been acknowledged before it began, and no deletion had begun |
//! | deleted_seen | a read or a listing has a key whose deletion had been acknowledged before, with no later put begun |
//! | missing_in_list | a listing lacks a key that was acknowledged before it began, and that nobody deletes |
//! | stale_in_list | a listing tells a size that no content has which the key can hold |
//! | corrupted | a read, or the end, shows content that nobody put; see `digest` for what goes unseen |
//! | duplicate_wins | two puts on the condition that there was nothing, with no deletion that can lie between them |
//! | lost | at the end a key does not hold what was acknowledged last |
//!
//! Operations whose fate nobody knows allow both worlds, for as long as nothing else is known: they may be carried out
//! late. The end reads what they left. A read in parts, or one that only asks for the size, is judged by what it tells:
//! that there is something, and how large it is.
//!
//! That two reads, one after the other, do not go back in time while a put is on its way is not judged: either answer
//! is taken.
//!
//! A key takes about 100 bytes and its own length (measured with a million keys of 24 bytes: 118 to 140 in all). A key that was deleted is forgotten when nothing is on its way that
//! began before, but for 40 bytes by which it is known again while there is room for a million such; so is a content
//! that was replaced.
//!
//! A ledger may know a part of a store's keys, chosen by whoever shares them out; only listings concern all parts.

mod content;
mod digest;
mod end;
mod flights;
mod found;
mod gone;
mod history;
mod keys;
mod listing;
mod roots;
mod words;

#[cfg(test)]
mod tests;

pub use content::{Content, Seen};
pub use digest::digest;
pub use end::StoreJudge;
pub use flights::Flights;
pub use keys::StoreLedger;
pub use listing::ListingCall;
