//! Our own object store: an ordered index in memory over a log on disk.
//!
//! Every change is a record appended to the log; values live there and are read from there, so memory holds one
//! small entry a key. Starting replays the log. A change is acknowledged and becomes visible when its record is
//! synced (many at once), or, with durability off, when it is written.
//!
//! Knows no HTTP and no S3: buckets, keys, bytes.

mod commit;
mod compact;
mod disk;
mod index;
mod record;
mod replay;
mod state;
mod tag;
mod uploads;
mod writer;

use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Arc, RwLock};

use bytes::Bytes;
use tokio::sync::oneshot;

pub(crate) use commit::Give;
pub(crate) use disk::{LogOptions, StagedFile};
pub(crate) use index::{Item, Page};
pub(crate) use tag::Tag;
pub(crate) use uploads::{NoSuchUpload, Part, Upload, Uploads};
pub(crate) use writer::{Answer, Change, Condition, Refusal, Value, now_ms};

use commit::Committer;
use disk::Disk;
use record::Record;
use state::State;

use crate::EmbedError;

/// Values up to this many bytes lie in the log among the records; larger ones, and those that came in parts, have a file
/// each.
pub(crate) const INLINE_BYTES: usize = 1 << 20;

/// What is known of an object without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct About {
    pub(crate) size: u64,
    pub(crate) modified_ms: u64,
    pub(crate) etag: Tag,
}

/// An object that was found.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) about: About,
    /// As it was given at the put.
    pub(crate) meta: Bytes,
    pub(crate) value: Stored,
}

/// Where the value of a found object is; neither changes when the object is replaced meanwhile.
#[derive(Debug)]
pub(crate) enum Stored {
    Bytes(Bytes),
    File(std::fs::File),
}

/// Why an object cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error("no such bucket")]
    NoSuchBucket,
    #[error("no such key")]
    NoSuchKey,
    /// The disk gave back something else than was written.
    #[error("the stored object is damaged: {0}")]
    Damaged(String),
}

/// The store of one folder.
#[derive(Debug)]
pub(crate) struct OrderedStore {
    state: Arc<RwLock<State>>,
    disk: Arc<Disk>,
    committer: Committer,
    uploads: Uploads,
}

impl OrderedStore {
    /// Opens the store in `dir`, made when missing, and replays its log. With durability on, `give` gets the
    /// answers of each batch, on a thread of the store's own.
    pub(crate) fn open(dir: &Path, options: LogOptions, give: Give) -> Result<OrderedStore, EmbedError> {
        let durable = options.durable;
        let disk = Arc::new(Disk::open(dir, options).map_err(EmbedError::io("open", dir))?);
        let (state, tail) = replay::replay(&disk)?;
        let state = Arc::new(RwLock::new(state));
        let writer = writer::Writer::new(Arc::clone(&disk), Arc::clone(&state), tail);
        let committer =
            Committer::start(writer, durable, give).map_err(EmbedError::io("start a thread for", dir))?;
        Ok(OrderedStore { state, disk, committer, uploads: Uploads::default() })
    }

    /// Makes a change; the answer comes when it holds. With durability off it is there on return.
    pub(crate) fn change(&self, change: Change) -> oneshot::Receiver<Result<(), Refusal>> {
        self.committer.submit(change)
    }

    /// A file to put a large value into; removed unless it becomes part of a change.
    pub(crate) fn stage(&self) -> std::io::Result<StagedFile> {
        Disk::stage(&self.disk)
    }

    /// One file of all the others' bytes, in order, synced when durability is on. They stay. Blocks for as long as the
    /// disk takes to copy them.
    pub(crate) fn join<'a>(
        &self,
        files: impl Iterator<Item = &'a StagedFile>,
    ) -> std::io::Result<StagedFile> {
        let mut whole = self.stage()?;
        for file in files {
            whole.append_file(file)?;
        }
        whole.sync()?;
        Ok(whole)
    }

    /// Values that come in parts, until they are whole.
    pub(crate) fn uploads(&self) -> &Uploads {
        &self.uploads
    }

    /// Whether a bucket exists, and since when (Unix milliseconds).
    pub(crate) fn bucket(&self, name: &str) -> Option<u64> {
        state::read(&self.state).index.bucket(name).map(|bucket| bucket.created_ms)
    }

    /// All buckets, ordered, with when they were made (Unix milliseconds).
    pub(crate) fn buckets(&self) -> Vec<(String, u64)> {
        state::read(&self.state)
            .index
            .buckets()
            .map(|(name, bucket)| (name.to_owned(), bucket.created_ms))
            .collect()
    }

    /// One page of a bucket's keys; `None` when there is no such bucket.
    pub(crate) fn page(&self, bucket: &str, wanted: &Page<'_>) -> Option<index::Listing> {
        Some(state::read(&self.state).index.bucket(bucket)?.page(wanted))
    }

    /// What is known of an object, its meta included.
    pub(crate) fn get(&self, bucket: &str, key: &str) -> Result<Found, ReadError> {
        // An object in a file of its own may be replaced between the look-up and the opening: look again.
        for _ in 0..8 {
            if let Some(found) = self.try_get(bucket, key)? {
                return Ok(found);
            }
        }
        Err(ReadError::Damaged("its file is missing".to_owned()))
    }

    fn try_get(&self, bucket: &str, key: &str) -> Result<Option<Found>, ReadError> {
        let (entry, log) = {
            let state = state::read(&self.state);
            let objects = &state.index.bucket(bucket).ok_or(ReadError::NoSuchBucket)?.objects;
            let entry = *objects.get(key.as_bytes()).ok_or(ReadError::NoSuchKey)?;
            (entry, state.log(entry.place.segment).map_err(ReadError::Damaged)?)
        };
        let mut bytes = vec![0; entry.place.length as usize];
        log.read_exact_at(&mut bytes, entry.place.offset)
            .map_err(|error| ReadError::Damaged(error.to_string()))?;
        let bytes = Bytes::from(bytes);
        let (record, _) = Record::decode(&bytes).map_err(|flaw| ReadError::Damaged(flaw.to_string()))?;
        if record.key != key.as_bytes() {
            return Err(ReadError::Damaged("another key's record is in its place".to_owned()));
        }
        let meta = bytes.slice_ref(record.meta);
        let value = match record.file {
            None => Stored::Bytes(bytes.slice_ref(record.value)),
            Some(number) => match self.disk.open_large(number) {
                Ok(file) => Stored::File(file),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(ReadError::Damaged(error.to_string())),
            },
        };
        Ok(Some(Found { about: entry.about, meta, value }))
    }
}

#[cfg(test)]
mod tests;
