//! `events.ndjson`: what happened in a run and when, one JSON object a line.
//!
//! Written line by line as the run goes, read again by reports; kinds that a newer version added are kept
//! apart as [`What::Unknown`]. Deliberately does not know who notices these things.

use std::io;

use serde::{Deserialize, Serialize};

use crate::salvage::{Line, Salvaged, salvage};
use crate::text::one_line;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// The wall clock, in µs of Unix time.
    pub unix_us: u64,
    /// The run's clock, in nanoseconds since its epoch; nothing before the load began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_ns: Option<u64>,
    /// What it was.
    #[serde(flatten)]
    pub what: What,
}

/// What can happen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum What {
    /// A phase began.
    Phase {
        /// Its name, such as `warm-up`.
        phase: String,
    },
    /// Something to mark on the time axis.
    Mark {
        /// In words.
        text: String,
    },
    /// Something the reader should know before believing the figures.
    Warning {
        /// In words, with a remedy.
        text: String,
    },
    /// A server changed its state.
    Server {
        /// Which, such as `postgres`.
        server: String,
        /// What became of it.
        change: ServerChange,
        /// More about it, when there is more.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        detail: Option<String>,
    },
    /// A failure of the script was seen for the first time.
    Failure {
        /// What went wrong.
        message: String,
        /// Where in the script (`file:line:column`), or empty.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        position: String,
    },
    /// The run was ended before its time.
    Stopped {
        /// By what: an interrupt, a threshold, the script.
        reason: String,
    },
    /// A kind that this version does not know.
    #[serde(other)]
    Unknown,
}

/// What became of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServerChange {
    /// It accepts connections.
    Started,
    /// It was shut down in order.
    Stopped,
    /// It was killed.
    Killed,
    /// It was down and is up again.
    Restarted,
    /// It stands still.
    Paused,
    /// It goes on.
    Resumed,
    /// It went away by itself.
    Lost,
}

impl ServerChange {
    /// The word in a sentence: `postgres was killed`.
    fn in_words(self) -> &'static str {
        match self {
            ServerChange::Started => "started",
            ServerChange::Stopped => "was stopped",
            ServerChange::Killed => "was killed",
            ServerChange::Restarted => "was restarted",
            ServerChange::Paused => "was paused",
            ServerChange::Resumed => "was resumed",
            ServerChange::Lost => "went away",
        }
    }
}

impl What {
    /// The event as one line of text.
    pub fn in_words(&self) -> String {
        one_line(&self.sentence()).into_owned()
    }

    fn sentence(&self) -> String {
        match self {
            What::Phase { phase } => format!("{phase} begins"),
            What::Mark { text } => text.clone(),
            What::Warning { text } => format!("warning: {text}"),
            What::Server { server, change, detail: None } => format!("{server} {}", change.in_words()),
            What::Server { server, change, detail: Some(detail) } => {
                format!("{server} {}: {detail}", change.in_words())
            }
            What::Failure { message, position } if position.is_empty() => {
                format!("first failure: {message}")
            }
            What::Failure { message, position } => format!("first failure: {message} ({position})"),
            What::Stopped { reason } => format!("stopped: {reason}"),
            What::Unknown => "an event of a kind this version does not know".to_owned(),
        }
    }
}

/// Writes events, each as one line in one call, so that a killed run keeps what it wrote.
#[derive(Debug)]
pub struct EventWriter<W: io::Write> {
    out: W,
}

impl<W: io::Write> EventWriter<W> {
    /// A writer that appends to `out`.
    pub fn new(out: W) -> Self {
        EventWriter { out }
    }

    /// Writes one event.
    pub fn write(&mut self, event: &Event) -> io::Result<()> {
        let mut line = serde_json::to_vec(event)?;
        line.push(b'\n');
        self.out.write_all(&line)
    }

    /// Hands buffered lines on.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// Gives back what was written to.
    pub fn into_inner(self) -> W {
        self.out
    }
}

/// Reads the whole lines of an event file.
pub fn read(bytes: &[u8]) -> Salvaged<Event> {
    salvage(bytes, |line| serde_json::from_str(line).map_or(Line::Damaged, Line::Record))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn story() -> Vec<Event> {
        let at = |at_ns, what| Event { unix_us: 1_700_000_000_000_000, at_ns, what };
        vec![
            at(None, What::Server { server: "postgres".into(), change: ServerChange::Started, detail: None }),
            at(Some(0), What::Phase { phase: "warm-up".into() }),
            at(Some(5), What::Mark { text: "scenario traffic begins".into() }),
            at(Some(6), What::Warning { text: "pg_stat_statements is not installed".into() }),
            at(Some(7), What::Failure { message: "no \"such\"\nkey".into(), position: "a.rhai:3:9".into() }),
            at(
                Some(8),
                What::Server {
                    server: "postgres".into(),
                    change: ServerChange::Killed,
                    detail: Some("fault at 2m".into()),
                },
            ),
            at(Some(9), What::Stopped { reason: "interrupted".into() }),
        ]
    }

    fn written() -> Vec<u8> {
        let mut writer = EventWriter::new(Vec::new());
        story().iter().for_each(|event| writer.write(event).unwrap());
        writer.flush().unwrap();
        writer.into_inner()
    }

    #[test]
    fn what_was_written_is_read() {
        let read = read(&written());
        assert_eq!(read.records, story());
        assert!(!read.cut_off && read.damaged_lines.is_empty());
    }

    #[test]
    fn a_file_cut_off_anywhere_keeps_its_whole_lines() {
        let bytes = written();
        for end in 0..bytes.len() {
            let whole = bytes[..end].iter().filter(|byte| **byte == b'\n').count();
            let read = read(&bytes[..end]);
            assert_eq!(read.records, story()[..whole], "cut at {end}");
            assert_eq!(read.cut_off, end > 0 && bytes[end - 1] != b'\n', "cut at {end}");
        }
    }

    #[test]
    fn events_of_a_newer_version_do_not_stop_the_reader() {
        let read = read(b"{\"unix_us\":1,\"kind\":\"eclipse\",\"depth\":3}\n{\"kind\":\"mark\"}\n");
        assert_eq!(read.records, [Event { unix_us: 1, at_ns: None, what: What::Unknown }]);
        assert_eq!(read.damaged_lines, [2]);
    }

    #[test]
    fn the_file_and_the_sentences_are_as_documented() {
        let text = String::from_utf8(written()).unwrap();
        let sentences: Vec<String> = story().iter().map(|event| event.what.in_words()).collect();
        insta::assert_snapshot!(format!("{text}\n{}", sentences.join("\n")));
    }
}
