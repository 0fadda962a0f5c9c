//! Getting rid of garbage: when more than half of the log is dead, the oldest segment's living records are
//! written again at the end and its file is removed; then the next one.
//!
//! Oldest first, always: what a deletion in the oldest segment undid cannot stand anywhere before it, so the
//! deletion itself is garbage too. Done a little with every batch of changes, so that no change waits long.

use std::sync::Arc;

use super::index::Place;
use super::record::Record;
use super::replay::Reader;
use super::state;
use super::writer::Writer;

/// What is moved with one batch.
const MOVE_BYTES: usize = 256 << 10;
/// What is looked through with one batch.
const SCAN_BYTES: u64 = 4 << 20;

/// How far the oldest segment has been looked through. What was moved is in the writer's buffer or beyond it.
#[derive(Debug)]
pub(super) struct Cleaning {
    segment: u32,
    reader: Reader,
    done: bool,
}

impl Writer {
    /// Whether there is something to clean even when nobody asks for changes.
    pub(super) fn wants_cleaning(&self) -> bool {
        if self.cleaning.is_some() {
            return true;
        }
        let state = state::read(&self.state);
        let total = state.total_bytes();
        // Below two segments there is little to gain.
        state.segments.len() > 1
            && total > 2 * self.disk.options.segment_bytes
            && state.live_bytes() < total / 2
    }

    /// Moves some living records of the oldest segment into the buffer, to be written with the next flush.
    pub(super) fn clean_a_little(&mut self) {
        if self.cleaning.is_none() && self.wants_cleaning() {
            self.cleaning = self.begin();
        }
        let Some(mut cleaning) = self.cleaning.take() else { return };
        match self.move_some(&mut cleaning) {
            Ok(()) => self.cleaning = Some(cleaning),
            // It stays as it is and is tried again; what needs it will fail by itself.
            Err(reason) => tracing::warn!(segment = cleaning.segment, reason, "the log cannot be cleaned"),
        }
    }

    fn begin(&self) -> Option<Cleaning> {
        let state = state::read(&self.state);
        let (number, segment) = state.segments.first_key_value()?;
        let reader = Reader::new(&segment.file, segment.total_bytes);
        (*number != self.current_segment()).then_some(Cleaning { segment: *number, reader, done: false })
    }

    fn move_some(&mut self, cleaning: &mut Cleaning) -> Result<(), String> {
        let state = Arc::clone(&self.state);
        let state = state::read(&state);
        let (begun, mut moved) = (cleaning.reader.offset, 0);
        while moved < MOVE_BYTES && cleaning.reader.offset - begun < SCAN_BYTES {
            let offset = cleaning.reader.offset;
            let bytes = cleaning.reader.at_least_one_record().map_err(|error| error.to_string())?;
            if bytes.is_empty() {
                cleaning.done = true;
                return Ok(());
            }
            let (record, length) = Record::decode(bytes).map_err(|flaw| flaw.to_string())?;
            // Far below 4 GiB: decoding refuses longer ones.
            if state.is_live(&record, Place { segment: cleaning.segment, offset, length: length as u32 }) {
                self.buffer.extend_from_slice(&bytes[..length]);
                moved += length;
            }
            cleaning.reader.skip(length);
        }
        Ok(())
    }

    /// After a flush: what was moved is safe, so a segment that has been looked through is no longer needed.
    pub(super) fn cleaned(&mut self) {
        let Some(cleaning) = self.cleaning.take_if(|cleaning| cleaning.done) else { return };
        state::write(&self.state).segments.remove(&cleaning.segment);
        if let Err(error) = self.disk.remove_segment(cleaning.segment) {
            crate::child::fatal(&format!(
                "segment {} of the log cannot be removed: {error}",
                cleaning.segment
            ));
        }
    }
}
