//! Rows out of a `timeline.csv`, whole or cut off, of this version or another.

use csv::{ReaderBuilder, StringRecord};

use super::row::Row;
use crate::salvage::{Line, Salvaged, salvage};

/// Reads every whole row. Columns are found by their names: ones this version does not know are ignored; a
/// row in which one of `t_s`, `length_s`, `phase`, `window`, `kind`, `name`, `count`, `rate_per_s` is
/// missing counts as damaged.
pub fn read(bytes: &[u8]) -> Salvaged<Row> {
    let mut columns = None;
    salvage(bytes, |_, line| {
        let Some(record) = fields(line) else { return Line::Damaged };
        let Some(columns) = &columns else {
            columns = Some(record);
            return Line::Nothing;
        };
        if record.len() != columns.len() {
            return Line::Damaged;
        }
        record.deserialize(Some(columns)).map_or(Line::Damaged, Line::Record)
    })
}

/// The fields of one line. Each line has its own reader, so that a stray quote spoils no other line.
fn fields(line: &str) -> Option<StringRecord> {
    let mut reader =
        ReaderBuilder::new().has_headers(false).buffer_capacity(line.len() + 1).from_reader(line.as_bytes());
    let mut record = StringRecord::new();
    reader.read_record(&mut record).ok()?.then_some(record)
}
