//! Rows out of a `timeline.csv`, whole or cut off, of this version or another.

use super::row::Row;
use crate::salvage::{Salvaged, salvage_csv};

/// Reads every whole row. Columns are found by their names: ones this version does not know are ignored; a
/// row in which one of `t_s`, `length_s`, `phase`, `window`, `kind`, `name`, `count`, `rate_per_s` is
/// missing counts as damaged.
pub fn read(bytes: &[u8]) -> Salvaged<Row> {
    salvage_csv(bytes)
}
