//! Reads a trace and says everything that is wrong with it, each with its line.

use std::path::Path;

use model::{arrivals::listed::Listed, suggest::did_you_mean};
use serde_json::Value;

use super::{
    Format, Trace,
    time::{Unit, in_ns},
};
use crate::bindings::data;

/// Columns that have the time, of which a trace has one.
pub(super) const TIMES: [&str; 3] = ["time", "time_ms", "time_us"];

/// A trace is held in memory, and rows are found in it by 32 bits.
const BYTES_AT_MOST: u64 = 1 << 30;

/// Wrong entries that are told one by one. After so many, they have something in common.
const TOLD_AT_MOST: usize = 8;

/// One thing that is wrong with a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Complaint {
    /// What, with file and line.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) help: &'static str,
}

/// Reads the trace at `path`.
///
/// # Errors
/// Everything that is wrong with it.
pub(crate) fn read(path: &Path) -> Result<Trace, Vec<Complaint>> {
    let shown = data::shown(path);
    let alone = |message: String, help: &'static str| Err(vec![Complaint { message, help }]);
    let unreadable = |e: &std::io::Error| data::unreadable(e, path, &shown);
    let length = match std::fs::metadata(path) {
        Ok(found) => found.len(),
        Err(e) => return alone(unreadable(&e), "name a CSV or NDJSON file"),
    };
    if length > BYTES_AT_MOST {
        let message = format!("{shown} has {length} bytes; a trace has up to {BYTES_AT_MOST}");
        return alone(message, "split it, or leave columns out that the script does not use");
    }
    match std::fs::read_to_string(path) {
        Ok(text) => of_text(&shown, text),
        Err(e) => alone(unreadable(&e), "name a CSV or NDJSON file in UTF-8"),
    }
}

/// The same for a text that is already at hand; `shown` is what its file is called.
pub(super) fn of_text(shown: &str, text: String) -> Result<Trace, Vec<Complaint>> {
    let mut found =
        Reading { shown, times_ns: Vec::new(), rows: Vec::new(), complaints: Vec::new(), wrong: 0 };
    // What some editors put at the front says nothing here.
    let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
    let format = if text.trim_start().starts_with('{') {
        found.ndjson(&text);
        Format::Ndjson
    } else {
        found.csv(&text)
    };
    let Reading { times_ns, rows, mut complaints, wrong, .. } = found;
    if wrong > TOLD_AT_MOST {
        let message = format!("{shown}: {} more entries are wrong", wrong - TOLD_AT_MOST);
        complaints.push(Complaint { message, help: "look at the first ones above" });
    }
    let first_ns = times_ns.first().copied().unwrap_or_default();
    let since_first =
        times_ns.into_iter().map(|ns| u64::try_from(ns - first_ns).unwrap_or(u64::MAX)).collect();
    match Listed::new(since_first) {
        Ok(listed) if complaints.is_empty() => {
            Ok(Trace { text: text.into(), rows: rows.into(), format, listed })
        }
        // Of a trace with no good entry it is enough to say what is wrong with the others.
        Err(e) if complaints.is_empty() => {
            let message = format!("{shown} cannot be replayed: {e}");
            Err(vec![Complaint { message, help: "give it a row for each arrival, in the order of time" }])
        }
        _ => Err(complaints),
    }
}

struct Reading<'a> {
    shown: &'a str,
    times_ns: Vec<i128>,
    rows: Vec<u32>,
    complaints: Vec<Complaint>,
    /// Entries that are wrong, told or not.
    wrong: usize,
}

impl Reading<'_> {
    fn wrong(&mut self, line: u64, problem: &str, help: &'static str) {
        self.wrong += 1;
        if self.wrong <= TOLD_AT_MOST {
            self.complaints.push(Complaint { message: format!("{}:{line}: {problem}", self.shown), help });
        }
    }

    fn csv(&mut self, text: &str) -> Format {
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
        let names: Vec<String> = match reader.headers() {
            Ok(names) => names.iter().map(|name| name.trim().to_owned()).collect(),
            Err(_) => Vec::new(),
        };
        if names.is_empty() {
            return Format::Csv(Vec::new());
        }
        let column = self.time_column(&names);
        let format = names
            .iter()
            .enumerate()
            .map(|(index, name)| (Some(index) != column).then(|| rhai::Identifier::from(name.as_str())));
        let format = Format::Csv(format.collect());
        let Some(column) = column else { return format };
        let unit = Unit::of(&names[column]);
        let mut record = csv::StringRecord::new();
        while reader.read_record(&mut record).unwrap_or(false) {
            let (line, at) = record.position().map_or((0, 0), |place| (place.line(), place.byte()));
            if record.len() != names.len() {
                let problem = format!("it has {} fields, and the header {}", record.len(), names.len());
                self.wrong(line, &problem, "give each row a field for each column");
                continue;
            }
            self.entry(line, at, &names[column], &record[column], unit);
        }
        format
    }

    /// Which of the header's columns has the time.
    fn time_column(&mut self, names: &[String]) -> Option<usize> {
        let mut seen: Vec<&str> = Vec::new();
        for name in names {
            if seen.contains(&name.as_str()) {
                self.wrong(1, &format!("there are two columns `{name}`"), "rename one of them");
            }
            seen.push(name);
        }
        let found: Vec<usize> = (0..names.len()).filter(|&n| TIMES.contains(&names[n].as_str())).collect();
        match found[..] {
            [one] => return Some(one),
            [] => {
                let near = names.iter().find_map(|name| did_you_mean(name, TIMES).map(|near| (name, near)));
                let near = near
                    .map_or(String::new(), |(name, near)| format!(" (is `{name}` meant to be `{near}`?)"));
                let problem = format!("the header names no column of times: {}{near}", names.join(", "));
                self.wrong(1, &problem, "name it `time` (seconds or RFC 3339), `time_ms` or `time_us`");
            }
            _ => self.wrong(1, "the header names several columns of times", "keep one of them"),
        }
        None
    }

    fn ndjson(&mut self, text: &str) {
        let mut at = 0;
        for (line, row) in (1..).zip(text.split_inclusive('\n')) {
            let begins = at;
            at += row.len();
            if row.trim().is_empty() {
                continue;
            }
            let object: Columns = match serde_json::from_str(row) {
                Ok(object) => object,
                Err(e) => {
                    let problem = format!("this is no JSON object with a time: {}", without_place(&e));
                    self.wrong(line, &problem, "write a line such as {\"time\": 1.5, \"key\": \"a\"}");
                    continue;
                }
            };
            self.json_entry(line, begins as u64, &object);
        }
    }

    fn json_entry(&mut self, line: u64, at: u64, object: &Columns) {
        for (name, value) in [("key", &object.key), ("operation", &object.operation)] {
            if matches!(value, Some(Value::Array(_) | Value::Object(_) | Value::Bool(_))) {
                self.wrong(line, &format!("`{name}` is not text"), "write a text or a number");
                return;
            }
        }
        let times = [("time", &object.time), ("time_ms", &object.time_ms), ("time_us", &object.time_us)];
        let mut times = times.into_iter().filter_map(|(name, time)| Some((name, time.as_ref()?)));
        match (times.next(), times.next()) {
            (Some((name, Value::String(text))), None) => self.entry(line, at, name, text, Unit::of(name)),
            (Some((name, value)), None) => self.entry(line, at, name, &value.to_string(), Unit::of(name)),
            (None, _) => {
                let help = "give it `time` (seconds or RFC 3339), `time_ms` or `time_us`";
                self.wrong(line, "it has no time", help);
            }
            (Some(_), Some(_)) => self.wrong(line, "it has several times", "keep one of them"),
        }
    }

    fn entry(&mut self, line: u64, at: u64, name: &str, text: &str, unit: Unit) {
        let Some(ns) = in_ns(text, unit) else {
            let help = match unit {
                Unit::Seconds => "write seconds such as 12.5, or a time such as 2024-02-15T08:00:00.25Z",
                _ => "write a number such as 12.5",
            };
            return self.wrong(line, &format!("`{name}` is no time: `{text}`"), help);
        };
        if self.times_ns.last().is_some_and(|&before_ns| ns < before_ns) {
            let problem = format!("`{name}` is {text}, which is before the entry above it");
            return self.wrong(line, &problem, "sort the file by time");
        }
        self.times_ns.push(ns);
        self.rows.push(u32::try_from(at).expect("a trace is shorter than 4 GiB"));
    }
}

/// What of a JSON object is looked at before it is played.
#[derive(serde::Deserialize)]
struct Columns {
    time: Option<Value>,
    time_ms: Option<Value>,
    time_us: Option<Value>,
    key: Option<Value>,
    operation: Option<Value>,
}

/// What serde says, without the line of a text that is one line long.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or(&text).to_owned()
}
