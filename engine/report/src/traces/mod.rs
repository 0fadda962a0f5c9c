//! `traces.ndjson`: single iterations of a run, one JSON object a line, and how they are shown.
//!
//! Deliberately knows neither which iterations left a trace (`model::trace`) nor where the file is.

mod bar;
mod list;
mod one;

use model::{recorder::Ending, trace::Trace};

pub use list::list;
pub use one::one;

use crate::salvage::{Line, Salvaged, salvage};

/// The file's name.
pub const FILE: &str = "traces.ndjson";

/// The lines of the file.
pub fn write(traces: &[Trace]) -> Vec<u8> {
    let mut lines = Vec::new();
    for trace in traces {
        serde_json::to_writer(&mut lines, trace)
            .expect("a trace has string keys, and memory takes every byte");
        lines.push(b'\n');
    }
    lines
}

/// Reads the whole lines of the file.
pub fn read(bytes: &[u8]) -> Salvaged<Trace> {
    salvage(bytes, |line| serde_json::from_str(line).map_or(Line::Damaged, Line::Record))
}

/// Which traces somebody wants to see; without a wish all of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Choice {
    /// Those of this scenario alone.
    pub scenario: Option<String>,
    /// Those of failed iterations; with `slow` both.
    pub failed: bool,
    /// Those of the slowest.
    pub slow: bool,
}

impl Choice {
    /// Whether a trace is among them.
    pub fn admits(&self, trace: &Trace) -> bool {
        let ending = match trace.ending {
            Ending::Failed => self.failed,
            Ending::Done => self.slow,
            Ending::Interrupted => false,
        };
        let is_of_scenario = self.scenario.as_ref().is_none_or(|name| *name == trace.scenario);
        is_of_scenario && (ending || !(self.failed || self.slow))
    }
}

/// `failed (23505)`, `slow`, `interrupted`: why there is a trace.
fn ended(trace: &Trace) -> String {
    match (trace.ending, &trace.error) {
        (Ending::Done, _) => "slow".to_owned(),
        (Ending::Failed, Some(error)) => format!("failed ({})", crate::text::one_line(&error.class)),
        (Ending::Failed, None) => "failed".to_owned(),
        (Ending::Interrupted, _) => "interrupted".to_owned(),
    }
}

#[cfg(test)]
mod tests;
