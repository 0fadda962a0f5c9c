//! Reading the log back at the start.

use std::collections::HashSet;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use super::disk::Disk;
use super::index::Place;
use super::record::{Flaw, Record};
use super::state::{Segment, State};
use crate::EmbedError;

/// Where the next record goes.
#[derive(Debug)]
pub(super) struct Tail {
    pub(super) segment: u32,
    pub(super) file: Arc<File>,
    pub(super) length: u64,
}

/// Replays all segments. An unfinished record at the very end was never acknowledged and is cut off; damage
/// anywhere else is an error, because what follows it would be lost.
pub(super) fn replay(disk: &Disk) -> Result<(State, Tail), EmbedError> {
    let mut state = State::default();
    let mut numbers = disk.segments().map_err(EmbedError::io("list", disk.segment_path(0)))?;
    if numbers.is_empty() {
        disk.create_segment(1).map_err(EmbedError::io("create", disk.segment_path(1)))?;
        numbers.push(1);
    }
    let last = numbers.last().copied().unwrap_or(1);
    let mut tail = None;
    for number in numbers {
        let path = disk.segment_path(number);
        let file = Arc::new(disk.open_segment(number).map_err(EmbedError::io("open", &path))?);
        let length = file.metadata().map_err(EmbedError::io("look at", &path))?.len();
        state.segments.insert(number, Segment { file: Arc::clone(&file), total_bytes: 0, live_bytes: 0 });
        let (good, flaw) =
            segment(&mut state, number, &file, length).map_err(EmbedError::io("read", &path))?;
        if let Some(flaw) = flaw {
            if number != last {
                return Err(EmbedError::DamagedLog { path, offset: good, flaw: flaw.to_string() });
            }
            tracing::warn!(offset = good, lost = length - good, %flaw, "cutting off an unfinished record");
            file.set_len(good).map_err(EmbedError::io("shorten", &path))?;
        }
        if let Some(segment) = state.segments.get_mut(&number) {
            segment.total_bytes = good;
        }
        tail = Some(Tail { segment: number, file, length: good });
    }
    remove_strays(disk, &state).map_err(EmbedError::io("list", disk.segment_path(0)))?;
    Ok((state, tail.expect("there is at least one segment: it was made above")))
}

/// Takes one segment's records in. Returns how far it is good, and what is wrong there unless that is its end.
fn segment(
    state: &mut State,
    number: u32,
    file: &Arc<File>,
    length: u64,
) -> std::io::Result<(u64, Option<Flaw>)> {
    let mut reader = Reader::new(file, length);
    loop {
        let offset = reader.offset;
        let bytes = reader.at_least_one_record()?;
        if bytes.is_empty() {
            return Ok((offset, None));
        }
        let taken = match Record::decode(bytes) {
            Ok((record, taken)) => {
                // A record is far shorter than 4 GiB: decoding refuses longer ones.
                let place = Place { segment: number, offset, length: taken as u32 };
                state.apply(&record, place);
                taken
            }
            Err(flaw) => return Ok((offset, Some(flaw))),
        };
        reader.skip(taken);
    }
}

/// Files of large values that no object refers to: their upload or their removal was cut short.
fn remove_strays(disk: &Disk, state: &State) -> std::io::Result<()> {
    let used: HashSet<u64> = state
        .index
        .buckets()
        .flat_map(|(_, bucket)| bucket.objects.values())
        .filter_map(|entry| entry.file)
        .collect();
    disk.large_numbers()?
        .into_iter()
        .filter(|number| !used.contains(number))
        .for_each(|n| disk.remove_large(n));
    Ok(())
}

/// Reads a file from front to back in large pieces, always with a whole record in hand.
#[derive(Debug)]
pub(super) struct Reader {
    file: Arc<File>,
    length: u64,
    /// Of the first byte in hand.
    pub(super) offset: u64,
    buffer: Vec<u8>,
    start: usize,
}

impl Reader {
    /// More than the longest record.
    const PIECE_BYTES: usize = 8 << 20;

    pub(super) fn new(file: &Arc<File>, length: u64) -> Reader {
        Reader { file: Arc::clone(file), length, offset: 0, buffer: Vec::new(), start: 0 }
    }

    /// The bytes from here on: enough for any record, or all that is left.
    pub(super) fn at_least_one_record(&mut self) -> std::io::Result<&[u8]> {
        let in_hand = self.buffer.len() - self.start;
        let left = self.length - self.offset - in_hand as u64;
        let enough = Record::length(&self.buffer[self.start..]).is_ok_and(|length| length <= in_hand);
        if !enough && left > 0 {
            self.buffer.drain(..self.start);
            self.start = 0;
            let more = left.min(Self::PIECE_BYTES as u64) as usize;
            self.buffer.resize(in_hand + more, 0);
            self.file.read_exact_at(&mut self.buffer[in_hand..], self.offset + in_hand as u64)?;
        }
        Ok(&self.buffer[self.start..])
    }

    pub(super) fn skip(&mut self, taken: usize) {
        self.start += taken;
        self.offset += taken as u64;
    }
}
