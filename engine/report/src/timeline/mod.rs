//! The run on its time axis: intervals of cores in, one row a second and thing out (`timeline.csv`), and
//! the histograms behind them (`histograms.hlog`).
//!
//! Deliberately does not know where the files are; writers take an `io::Write`, readers take bytes.

pub mod histograms;
mod read;
mod row;
#[cfg(test)]
mod sample;
mod seconds;
#[cfg(test)]
mod tests;
mod write;

pub use read::read;
pub use row::{Row, RowKind};
pub use seconds::{Second, Seconds};
pub use write::{TimelineWriter, rows};
