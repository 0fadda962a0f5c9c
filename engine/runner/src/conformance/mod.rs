//! Whether a store keeps S3's own rules: a list of named rules, each tried on a real bucket.
//!
//! - `rule`: what a rule is, and what can become of it;
//! - `ground`: what a rule works with: clients, keys of its own, comparisons that say what came instead;
//! - `rules`: the list, a kind of rule a file, each with the sentence it holds the store to and where that stands;
//! - `open`: the store, started when it is ours, and its bucket;
//! - `check`: all rules, one after another, and the cleaning up.
//!
//! Deliberately absent: speed (that is what runs are for), printing, and everything S3 has beside objects: versions,
//! access lists, life cycles.

mod check;
mod ground;
mod open;
mod rule;
mod rules;

pub use check::{StoreCheck, check_store};
pub use rule::{Finding, Need, Rule, Verdict};
