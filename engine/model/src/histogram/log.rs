//! HdrHistogram V2 interval logs (`histograms.hlog`): one line a second, operation and outcome.
//!
//! The format is that of HdrHistogram's own `HistogramLogWriter` (version 1.3, tagged lines), so its log
//! processors and plotters read it: values in µs, start times relative to `BaseTime`. Pure over
//! `io::Write` and `&str`; which file it is nobody here knows.

use std::borrow::Cow;
use std::io;
use std::time::{Duration, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{
    IntervalLogHistogram, IntervalLogIterator, IntervalLogWriterBuilder, IntervalLogWriterError, LogEntry,
    Tag,
};

use super::{HistogramError, LatencyHistogram};

/// Writes an interval log, line by line, so that a killed run keeps what was measured.
pub struct LogWriter<W: io::Write> {
    out: W,
    serializer: V2DeflateSerializer,
}

/// One line of an interval log.
#[derive(Debug, Clone, PartialEq)]
pub struct LoggedInterval {
    /// What was timed, such as `push:ok`; nothing on an untagged line.
    pub tag: Option<String>,
    /// Start of the interval since the run's epoch, to the millisecond.
    pub start_ns: u64,
    /// Length of the interval, to the millisecond.
    pub length_ns: u64,
    /// What was recorded in it.
    pub histogram: LatencyHistogram,
}

/// A log that could not be read on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    /// A line that is no part of an interval log.
    #[error("line {line} of the histogram log is not an interval; the file is damaged or is something else")]
    Line {
        /// Counted from 1.
        line: usize,
    },
    /// A line whose histogram cannot be decoded.
    #[error("line {line} of the histogram log: {source}")]
    Histogram {
        /// Counted from 1.
        line: usize,
        /// Why.
        source: HistogramError,
    },
}

impl<W: io::Write> LogWriter<W> {
    /// Begins a log: version, when the run's epoch was (µs of Unix time) and the column names.
    pub fn begin(mut out: W, epoch_unix_us: u64) -> io::Result<Self> {
        let mut serializer = V2DeflateSerializer::new();
        let epoch = UNIX_EPOCH + Duration::from_micros(epoch_unix_us);
        let mut header = IntervalLogWriterBuilder::new();
        header.add_comment("[Histogram log format version 1.3]").with_start_time(epoch).with_base_time(epoch);
        header.begin_log_with(&mut out, &mut serializer)?;
        writeln!(out, "#Values are microseconds")?;
        writeln!(
            out,
            r#""StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram""#
        )?;
        Ok(LogWriter { out, serializer })
    }

    /// Writes one interval. Characters a tag cannot hold (comma, space, line ends) become `_`.
    pub fn write(
        &mut self,
        tag: &str,
        start_ns: u64,
        end_ns: u64,
        histogram: &LatencyHistogram,
    ) -> io::Result<()> {
        let tag = clean_tag(tag);
        // Without headers the builder writes nothing: it only lends the writer for one line.
        IntervalLogWriterBuilder::new()
            .begin_log_with(&mut self.out, &mut self.serializer)?
            .write_histogram(
                histogram.counts(),
                Duration::from_nanos(start_ns),
                Duration::from_nanos(end_ns.saturating_sub(start_ns)),
                Tag::new(&tag),
            )
            .map_err(|error| match error {
                IntervalLogWriterError::IoError(error) => error,
                IntervalLogWriterError::SerializeError(error) => io::Error::other(error.to_string()),
            })
    }

    /// Hands buffered lines on.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// Ends the log without flushing.
    pub fn into_inner(self) -> W {
        self.out
    }
}

/// Reads a log line by line. A last line without its line end is what a killed run leaves: it is skipped,
/// and [`LogReader::is_cut_off`] tells.
pub struct LogReader<'a> {
    lines: std::iter::Enumerate<std::str::Split<'a, char>>,
    cut_off: bool,
    epoch_unix_us: Option<u64>,
}

impl<'a> LogReader<'a> {
    /// A reader over the text of a log.
    pub fn new(text: &'a str) -> Self {
        let (whole, rest) = text.rsplit_once('\n').unwrap_or(("", text));
        let mut reader = LogReader {
            lines: whole.split('\n').enumerate(),
            cut_off: !rest.is_empty(),
            epoch_unix_us: None,
        };
        reader.epoch_unix_us = whole.lines().find_map(base_time_us);
        reader
    }

    /// The wall-clock time of the run's epoch in µs of Unix time, when the log says it.
    pub fn epoch_unix_us(&self) -> Option<u64> {
        self.epoch_unix_us
    }

    /// Whether the log ends in the middle of a line.
    pub fn is_cut_off(&self) -> bool {
        self.cut_off
    }
}

impl Iterator for LogReader<'_> {
    type Item = Result<LoggedInterval, LogError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (index, line) = self.lines.next()?;
            if line.trim().is_empty() {
                continue;
            }
            let line_with_end = format!("{line}\n");
            match IntervalLogIterator::new(line_with_end.as_bytes()).next() {
                None | Some(Ok(LogEntry::StartTime(_) | LogEntry::BaseTime(_))) => continue,
                Some(Ok(LogEntry::Interval(entry))) => return Some(logged(&entry, index + 1)),
                Some(Err(_)) => return Some(Err(LogError::Line { line: index + 1 })),
            }
        }
    }
}

fn logged(entry: &IntervalLogHistogram<'_>, line: usize) -> Result<LoggedInterval, LogError> {
    let fail = |source| LogError::Histogram { line, source };
    let bytes = STANDARD
        .decode(entry.encoded_histogram())
        .map_err(|error| fail(HistogramError::Unreadable(error.to_string())))?;
    Ok(LoggedInterval {
        tag: entry.tag().map(|tag| tag.as_str().to_owned()),
        start_ns: saturating_ns(entry.start_timestamp()),
        length_ns: saturating_ns(entry.duration()),
        histogram: LatencyHistogram::decode(&bytes).map_err(fail)?,
    })
}

fn base_time_us(line: &str) -> Option<u64> {
    let seconds = line.strip_prefix("#[BaseTime: ")?.split(' ').next()?.parse::<f64>().ok()?;
    Some((seconds * 1e6).round() as u64)
}

fn saturating_ns(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn clean_tag(tag: &str) -> Cow<'_, str> {
    let forbidden = |c: char| matches!(c, ',' | ' ' | '\r' | '\n');
    if tag.contains(forbidden) { Cow::Owned(tag.replace(forbidden, "_")) } else { Cow::Borrowed(tag) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(us: u64) -> LatencyHistogram {
        let mut histogram = LatencyHistogram::new();
        histogram.record_ns(us * 1000);
        histogram
    }

    fn written() -> String {
        let mut log = LogWriter::begin(Vec::new(), 1_700_000_000_250_000).unwrap();
        log.write("push:ok", 0, 1_000_000_000, &histogram(1500)).unwrap();
        log.write("pop, all:ok", 1_000_000_000, 2_000_000_000, &histogram(7)).unwrap();
        log.flush().unwrap();
        String::from_utf8(log.into_inner()).unwrap()
    }

    #[test]
    fn the_header_is_what_other_tools_expect() {
        let text = written();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "#[Histogram log format version 1.3]");
        assert_eq!(lines[1], "#[StartTime: 1700000000.250 (seconds since epoch)]");
        assert_eq!(lines[2], "#[BaseTime: 1700000000.250 (seconds since epoch)]");
        assert!(lines[4].starts_with("\"StartTimestamp\""));
        // HISTFAAA: the cookie of a deflated V2 histogram in base 64, by which every port recognises it.
        assert!(lines[5].starts_with("Tag=push:ok,0.000,1.000,1500.000,HISTFAAA"), "{}", lines[5]);
    }

    #[test]
    fn what_was_written_is_read() {
        let text = written();
        let reader = LogReader::new(&text);
        assert_eq!(reader.epoch_unix_us(), Some(1_700_000_000_250_000));
        assert!(!reader.is_cut_off());
        let read: Vec<LoggedInterval> = reader.collect::<Result<_, _>>().unwrap();
        assert_eq!(read.len(), 2);
        assert_eq!(read[0].tag.as_deref(), Some("push:ok"));
        assert_eq!(read[0].histogram, histogram(1500));
        assert_eq!(read[1].tag.as_deref(), Some("pop__all:ok"));
        assert_eq!((read[1].start_ns, read[1].length_ns), (1_000_000_000, 1_000_000_000));
    }

    #[test]
    fn a_log_cut_off_anywhere_keeps_its_whole_lines() {
        let text = written();
        for end in 0..text.len() {
            let reader = LogReader::new(&text[..end]);
            assert_eq!(reader.is_cut_off(), end > 0 && !text[..end].ends_with('\n'));
            let whole = text[..end].matches('\n').count().saturating_sub(5);
            assert_eq!(reader.filter(Result::is_ok).count(), whole, "cut at {end}");
            assert!(LogReader::new(&text[..end]).all(|line| line.is_ok()));
        }
    }

    #[test]
    fn a_damaged_line_is_named() {
        assert_eq!(LogReader::new("#x\nhello\n").next(), Some(Err(LogError::Line { line: 2 })));
        let bad = LogReader::new("Tag=a,0.0,1.0,2.0,!!!\n").next();
        assert!(matches!(bad, Some(Err(LogError::Histogram { line: 1, .. }))));
    }
}
