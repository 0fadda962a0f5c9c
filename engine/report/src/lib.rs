//! What people see of a run: run files, intervals and events in, text out.
//!
//! Every function is pure over values and a writer. This crate deliberately runs nothing, opens nothing,
//! prints nothing and reads no clock: the runner feeds it, the door shows what it makes. It invents no
//! figure either: what a run file does not hold is said to be missing.

pub mod curve;
pub mod events;
mod evidence;
mod figures;
mod json;
mod markdown;
mod page;
pub mod probes;
pub mod progress;
mod recover;
mod salvage;
mod style;
mod summary;
mod table;
mod text;
pub mod timeline;
pub mod traces;
mod verdict;
mod words;

pub use figures::number;
pub use json::json;
pub use markdown::{RunParts, markdown};
pub use page::Page;
pub use recover::recovered;
pub use salvage::Salvaged;
pub use style::Style;
pub use summary::summary;
pub use verdict::{Standing, Verdict, verdict};
