//! `probes.csv`: what probes sampled, one value a line: `t_s,probe,value`.
//!
//! A probe that returns a map has one name for each of its fields (`queue.depth`). Deliberately does not
//! know what is sampled, or how.

use std::collections::BTreeMap;
use std::io;

use model::series::Series;
use serde::{Deserialize, Serialize};

use crate::salvage::{Salvaged, salvage_csv};
use crate::text::one_line;

/// One value of one probe. The field names are the column names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// When, since the run's epoch.
    pub t_s: f64,
    /// The probe, and the field when it has several.
    pub probe: String,
    /// What it found.
    pub value: f64,
}

/// Writes samples line by line.
pub struct ProbeWriter<W: io::Write> {
    out: csv::Writer<W>,
}

impl<W: io::Write> ProbeWriter<W> {
    /// A writer that begins `out` with the column names.
    pub fn new(out: W) -> Self {
        ProbeWriter { out: csv::Writer::from_writer(out) }
    }

    /// Writes one sample and hands it on, so that a killed run keeps it. Values that are not finite are no
    /// measurements and are left out.
    pub fn write(&mut self, t_ns: u64, probe: &str, value: f64) -> io::Result<()> {
        if !value.is_finite() {
            return Ok(());
        }
        let t_s = (t_ns / 1_000_000) as f64 / 1e3;
        let sample = Sample { t_s, probe: one_line(probe).into_owned(), value };
        self.out.serialize(sample).map_err(io::Error::other)?;
        self.out.flush()
    }

    /// Gives back what was written to.
    pub fn into_inner(self) -> io::Result<W> {
        self.out.into_inner().map_err(|error| error.into_error())
    }
}

/// Reads the whole lines of a probe file.
pub fn read(bytes: &[u8]) -> Salvaged<Sample> {
    salvage_csv(bytes)
}

/// The samples by probe, in order of time.
pub fn series(samples: &[Sample]) -> BTreeMap<&str, Series> {
    let mut series: BTreeMap<&str, Series> = BTreeMap::new();
    for sample in samples {
        series.entry(&sample.probe).or_default().push((sample.t_s.max(0.0) * 1e9) as u64, sample.value);
    }
    series
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written() -> Vec<u8> {
        let mut writer = ProbeWriter::new(Vec::new());
        writer.write(1_000_400_000, "depth", 3.0).unwrap();
        writer.write(2_000_000_000, "depth", f64::NAN).unwrap();
        writer.write(2_000_000_000, "a,\n\"b\"", -0.5).unwrap();
        writer.write(3_000_000_000, "depth", 4.5).unwrap();
        writer.into_inner().unwrap()
    }

    #[test]
    fn the_file_has_three_columns_and_a_line_for_every_sample() {
        let text = String::from_utf8(written()).unwrap();
        assert_eq!(text, "t_s,probe,value\n1.0,depth,3.0\n2.0,\"a, \"\"b\"\"\",-0.5\n3.0,depth,4.5\n");
    }

    #[test]
    fn what_was_written_is_read_and_a_cut_off_line_left_out() {
        let bytes = written();
        let whole = read(&bytes);
        assert_eq!(whole.records.len(), 3);
        let depth = &series(&whole.records)["depth"];
        assert_eq!(depth.points().iter().map(|point| point.value).collect::<Vec<_>>(), [3.0, 4.5]);
        assert_eq!(depth.points()[1].t_ns, 3_000_000_000);
        let cut = read(&bytes[..bytes.len() - 2]);
        assert_eq!((cut.records.as_slice(), cut.cut_off), (&whole.records[..2], true));
    }

    #[test]
    fn a_damaged_line_is_named() {
        let read = read(b"t_s,probe,value\nnonsense\n1.0,depth,x\n1.0,depth,2\n");
        assert_eq!((read.records.len(), read.damaged_lines), (1, vec![2, 3]));
    }
}
