//! Line by line out of a file that a killed run may have left behind.
//!
//! Whatever stands in whole lines is kept. A last line without its line end was cut off while it was
//! written: it is left out even when it could be read, because its last figure may lack digits.

use csv::{ReaderBuilder, StringRecord};
use serde::de::DeserializeOwned;

/// What could be read.
#[derive(Debug, Clone, PartialEq)]
pub struct Salvaged<T> {
    /// The records, in the order of the file.
    pub records: Vec<T>,
    /// Whether the file ends in the middle of a line, which was left out.
    pub cut_off: bool,
    /// Numbers (from 1) of whole lines that could not be read and were left out.
    pub damaged_lines: Vec<usize>,
}

impl<T> Default for Salvaged<T> {
    fn default() -> Self {
        Salvaged { records: Vec::new(), cut_off: false, damaged_lines: Vec::new() }
    }
}

/// Reads every whole line that is not empty with `parse`.
pub(crate) fn salvage<T>(bytes: &[u8], mut parse: impl FnMut(&str) -> Line<T>) -> Salvaged<T> {
    let mut read =
        Salvaged { cut_off: bytes.last().is_some_and(|last| *last != b'\n'), ..Salvaged::default() };
    for (index, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let Some(line) = line.strip_suffix(b"\n") else { continue };
        let text = std::str::from_utf8(line).map(|text| text.trim_end_matches('\r'));
        match text.map(|text| if text.trim().is_empty() { Line::Nothing } else { parse(text) }) {
            Ok(Line::Record(record)) => read.records.push(record),
            Ok(Line::Nothing) => {}
            Ok(Line::Damaged) | Err(_) => read.damaged_lines.push(index + 1),
        }
    }
    read
}

/// Reads every whole line of a CSV file whose first line holds the column names. Names must not hold line
/// ends.
pub(crate) fn salvage_csv<T: DeserializeOwned>(bytes: &[u8]) -> Salvaged<T> {
    let mut columns = None;
    salvage(bytes, |line| {
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

/// The fields of one line of CSV. Each line has its own reader, so that a stray quote spoils no other line.
fn fields(line: &str) -> Option<StringRecord> {
    let mut reader =
        ReaderBuilder::new().has_headers(false).buffer_capacity(line.len() + 1).from_reader(line.as_bytes());
    let mut record = StringRecord::new();
    reader.read_record(&mut record).ok()?.then_some(record)
}

/// What a line turned out to be.
pub(crate) enum Line<T> {
    /// A record.
    Record(T),
    /// Nothing to keep, and nothing wrong.
    Nothing,
    /// Not readable.
    Damaged,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(bytes: &[u8]) -> Salvaged<u32> {
        salvage(bytes, |line| line.parse().map_or(Line::Damaged, Line::Record))
    }

    #[test]
    fn whole_lines_are_kept_whatever_stands_between_them() {
        let read = numbers(b"1\r\n\nx\n\xff\xfe\n2\n");
        assert_eq!((read.records, read.cut_off, read.damaged_lines), (vec![1, 2], false, vec![3, 4]));
    }

    #[test]
    fn a_line_without_its_end_is_left_out_even_when_it_could_be_read() {
        let read = numbers(b"12\n34");
        assert_eq!((read.records, read.cut_off, read.damaged_lines), (vec![12], true, vec![]));
        assert_eq!(numbers(b""), Salvaged::default());
    }
}
