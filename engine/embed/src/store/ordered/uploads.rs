//! Values that come in parts, until they are whole.
//!
//! An unfinished upload lives as long as the process: its parts are files, what is known of it is in memory. A store
//! that stops, however it stops, forgets its unfinished uploads, and the next start removes their files; so a part is
//! not synced, only the whole is. One that nobody has touched for a week is given up when the next one begins.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::StagedFile;

/// After this long without a new part an upload is given up, milliseconds.
const PATIENCE_MS: u64 = 7 * 24 * 3600 * 1000;

/// A part that has arrived. Its file is removed with it.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) file: StagedFile,
    pub(crate) digest: [u8; 16],
    pub(crate) modified_ms: u64,
}

/// A value of which some parts have arrived.
#[derive(Debug)]
pub(crate) struct Upload {
    pub(crate) bucket: String,
    pub(crate) key: String,
    /// As it was given at the beginning.
    pub(crate) meta: Bytes,
    pub(crate) begun_ms: u64,
    /// By number. A part that comes again replaces the one before.
    pub(crate) parts: BTreeMap<u16, Part>,
    touched_ms: u64,
}

impl Upload {
    /// One without any parts yet.
    pub(crate) fn new(bucket: String, key: String, meta: Bytes, now_ms: u64) -> Upload {
        Upload { bucket, key, meta, begun_ms: now_ms, parts: BTreeMap::new(), touched_ms: now_ms }
    }
}

/// It has never begun, is finished, was given up, or is one of another key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no such upload under way; it may be finished, aborted, or from before a restart of the store"
)]
pub(crate) struct NoSuchUpload;

/// All unfinished uploads, by their ids.
#[derive(Debug, Default)]
pub(crate) struct Uploads(Mutex<HashMap<String, Upload>>);

impl Uploads {
    /// Takes an upload in under an id that nobody can guess.
    pub(crate) fn begin(&self, id: String, upload: Upload) {
        let mut all = self.all();
        all.retain(|_, old| old.touched_ms.saturating_add(PATIENCE_MS) > upload.begun_ms);
        all.insert(id, upload);
    }

    /// Looks at an upload.
    pub(crate) fn look<T>(
        &self,
        id: &str,
        bucket: &str,
        key: &str,
        look: impl FnOnce(&Upload) -> T,
    ) -> Result<T, NoSuchUpload> {
        self.all().get(id).filter(|upload| upload.is_of(bucket, key)).map(look).ok_or(NoSuchUpload)
    }

    /// Looks at all uploads of a bucket, in the order of their keys, then of their age, then of their ids.
    pub(crate) fn of_bucket<T>(&self, bucket: &str, look: impl Fn(&str, &Upload) -> T) -> Vec<T> {
        let all = self.all();
        let mut found: Vec<_> = all.iter().filter(|(_, upload)| upload.bucket == bucket).collect();
        found.sort_by_key(|(id, upload)| (&upload.key, upload.begun_ms, *id));
        found.into_iter().map(|(id, upload)| look(id, upload)).collect()
    }

    /// Adds a part, or puts it in the place of the one with its number.
    pub(crate) fn add(
        &self,
        id: &str,
        bucket: &str,
        key: &str,
        number: u16,
        part: Part,
    ) -> Result<(), NoSuchUpload> {
        let mut all = self.all();
        let upload = all.get_mut(id).filter(|upload| upload.is_of(bucket, key)).ok_or(NoSuchUpload)?;
        upload.touched_ms = part.modified_ms;
        upload.parts.insert(number, part);
        Ok(())
    }

    /// Takes an upload out, to be finished or dropped; nobody else finds it from now on.
    pub(crate) fn take(&self, id: &str, bucket: &str, key: &str) -> Result<Upload, NoSuchUpload> {
        self.take_if(id, bucket, key, |_| Ok(()))
    }

    /// Takes an upload out if it passes a check; else it stays.
    pub(crate) fn take_if<E: From<NoSuchUpload>>(
        &self,
        id: &str,
        bucket: &str,
        key: &str,
        check: impl FnOnce(&Upload) -> Result<(), E>,
    ) -> Result<Upload, E> {
        let mut all = self.all();
        check(all.get(id).filter(|upload| upload.is_of(bucket, key)).ok_or(NoSuchUpload)?)?;
        Ok(all.remove(id).ok_or(NoSuchUpload)?)
    }

    /// Puts back one that was taken out and could not be finished.
    pub(crate) fn give_back(&self, id: String, upload: Upload) {
        self.all().insert(id, upload);
    }

    /// Gives up all uploads to a bucket that is gone.
    pub(crate) fn forget_bucket(&self, bucket: &str) {
        self.all().retain(|_, upload| upload.bucket != bucket);
    }

    /// No step here can fail half-way, so a panic elsewhere leaves the table good.
    fn all(&self) -> MutexGuard<'_, HashMap<String, Upload>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Upload {
    fn is_of(&self, bucket: &str, key: &str) -> bool {
        self.bucket == bucket && self.key == key
    }
}
