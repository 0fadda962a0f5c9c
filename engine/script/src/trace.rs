//! A recorded trace: the entries that the executor `replay` plays, each with its time, key and operation.
//!
//! The file's text is kept as it is, with 12 bytes beside it for each entry (its time and where its row begins), and all
//! cores share it. A row becomes a map when an iteration asks for it: `vu.entry`.
//!
//! Deliberately absent: when entries are played (`model::arrivals::listed`, `load`).

mod read;
mod time;

use std::sync::Arc;

use model::arrivals::listed::Listed;
use rhai::{Dynamic, Map};

pub(crate) use self::read::read;
use crate::portable::Portable;

/// A trace that was read and checked.
#[derive(Clone, Debug)]
pub struct Trace {
    text: Box<str>,
    /// Where in the text each entry's row begins.
    rows: Box<[u32]>,
    format: Format,
    listed: Listed,
}

/// How rows are written.
#[derive(Clone, Debug)]
enum Format {
    /// Fields in the order of the header's names; nothing for the column that has the time.
    Csv(Vec<Option<rhai::Identifier>>),
    /// A JSON object in a line.
    Ndjson,
}

/// A trace as one scenario of a run plays it.
#[derive(Clone, Debug)]
pub struct Replayed {
    /// What was recorded.
    pub trace: Arc<Trace>,
    /// Which entry each iteration belongs to.
    pub listed: Listed,
}

impl Trace {
    /// The arrivals as they were recorded.
    #[must_use]
    pub fn listed(&self) -> &Listed {
        &self.listed
    }

    /// Entry `index` as scripts see it: `time_s`, `key`, `operation` and every other column.
    pub(crate) fn entry(&self, index: usize) -> Map {
        let row = self.row(index);
        let mut entry = match &self.format {
            Format::Csv(names) => csv_entry(names, row),
            Format::Ndjson => json_entry(row),
        };
        entry.insert("time_s".into(), Dynamic::from_float(self.listed.recorded_ns(index) as f64 / 1e9));
        entry
    }

    fn row(&self, index: usize) -> &str {
        let end = self.rows.get(index + 1).map_or(self.text.len(), |&end| end as usize);
        self.text[self.rows[index] as usize..end].trim_matches(['\r', '\n'])
    }
}

fn csv_entry(names: &[Option<rhai::Identifier>], row: &str) -> Map {
    let mut entry = Map::new();
    let mut put = |index: usize, field: &str| {
        if let Some(Some(name)) = names.get(index) {
            entry.insert(name.clone(), field.into());
        }
    };
    if row.contains('"') {
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(row.as_bytes());
        let mut record = csv::StringRecord::new();
        // It was read once before, when it was checked.
        if reader.read_record(&mut record).unwrap_or(false) {
            record.iter().enumerate().for_each(|(index, field)| put(index, field));
        }
    } else {
        row.split(',').enumerate().for_each(|(index, field)| put(index, field));
    }
    entry
}

fn json_entry(row: &str) -> Map {
    // It was read once before, when it was checked.
    let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(row).unwrap_or_default();
    let values = object.into_iter().filter(|(name, _)| !read::TIMES.contains(&name.as_str()));
    let values = values.map(|(name, value)| {
        let is_text = matches!(name.as_str(), "key" | "operation");
        let value = match value {
            serde_json::Value::Number(number) if is_text => number.to_string().into(),
            other => Portable::from_json(&other).to_dynamic(),
        };
        (name.into(), value)
    });
    values.collect()
}

#[cfg(test)]
mod tests;
