//! The index and the log's files together, as one change after another leaves them.

use std::collections::BTreeMap;
use std::fs::File;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::About;
use super::index::{Bucket, Entry, Index, Place};
use super::record::{Kind, Record};

/// One file of the log.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) file: Arc<File>,
    pub(super) total_bytes: u64,
    /// Bytes of records that are still the truth about their key or bucket.
    pub(super) live_bytes: u64,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) index: Index,
    /// By number, oldest first.
    pub(super) segments: BTreeMap<u32, Segment>,
}

/// A panic cannot leave the state half changed: [`State::apply`] has no step that fails.
pub(super) fn read(state: &RwLock<State>) -> RwLockReadGuard<'_, State> {
    state.read().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn write(state: &RwLock<State>) -> RwLockWriteGuard<'_, State> {
    state.write().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    /// The file of a segment.
    pub(super) fn log(&self, segment: u32) -> Result<Arc<File>, String> {
        let found = self.segments.get(&segment).map(|segment| Arc::clone(&segment.file));
        found.ok_or_else(|| format!("segment {segment} of the log is missing"))
    }

    /// Takes a record in, at the place where it stands. Returns the file that no object refers to any more.
    pub(super) fn apply(&mut self, record: &Record<'_>, place: Place) -> Option<u64> {
        // Names come from requests as text.
        let bucket = String::from_utf8_lossy(record.bucket);
        match record.kind {
            Kind::CreateBucket => {
                let made = self.index.bucket_mut(&bucket);
                made.created_ms = record.modified_ms;
                let old = made.place.replace(place);
                self.live(place);
                old.into_iter().for_each(|old| self.dead(old));
                None
            }
            Kind::DeleteBucket => {
                if let Some(Bucket { place, objects, .. }) = self.index.remove_bucket(&bucket) {
                    place.into_iter().for_each(|place| self.dead(place));
                    objects.values().for_each(|entry| self.dead(entry.place));
                }
                None
            }
            Kind::Put => {
                let about = About { size: record.size, modified_ms: record.modified_ms, etag: record.etag };
                let entry = Entry { place, about, file: record.file };
                // The bucket's own record may have moved to a later place in the log than this one.
                let old = self.index.bucket_mut(&bucket).objects.insert(record.key.into(), entry);
                self.live(place);
                let freed = old.and_then(|old| old.file).filter(|file| Some(*file) != record.file);
                old.into_iter().for_each(|old| self.dead(old.place));
                freed
            }
            Kind::Delete => {
                let old =
                    self.index.existing_mut(&bucket).and_then(|bucket| bucket.objects.remove(record.key));
                old.into_iter().for_each(|old| self.dead(old.place));
                old.and_then(|old| old.file)
            }
        }
    }

    /// Whether the record that stands at `place` is still the truth.
    pub(super) fn is_live(&self, record: &Record<'_>, place: Place) -> bool {
        let bucket = self.index.bucket(&String::from_utf8_lossy(record.bucket));
        match record.kind {
            Kind::CreateBucket => bucket.is_some_and(|bucket| bucket.place == Some(place)),
            Kind::Put => bucket
                .and_then(|bucket| bucket.objects.get(record.key))
                .is_some_and(|entry| entry.place == place),
            // Only the oldest segment is ever cleaned, and what these two undo cannot stand before it.
            Kind::Delete | Kind::DeleteBucket => false,
        }
    }

    pub(super) fn total_bytes(&self) -> u64 {
        self.segments.values().map(|segment| segment.total_bytes).sum()
    }

    pub(super) fn live_bytes(&self) -> u64 {
        self.segments.values().map(|segment| segment.live_bytes).sum()
    }

    fn live(&mut self, place: Place) {
        if let Some(segment) = self.segments.get_mut(&place.segment) {
            segment.live_bytes += u64::from(place.length);
        }
    }

    fn dead(&mut self, place: Place) {
        if let Some(segment) = self.segments.get_mut(&place.segment) {
            segment.live_bytes = segment.live_bytes.saturating_sub(u64::from(place.length));
        }
    }
}
