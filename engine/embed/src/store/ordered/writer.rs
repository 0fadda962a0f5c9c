//! Taking changes in, one after another: checked against what holds, written, synced, made visible, answered.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::FileExt;
use std::sync::{Arc, RwLock};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use tokio::sync::oneshot;

use super::compact::Cleaning;
use super::disk::{Disk, StagedFile};
use super::index::Place;
use super::record::{Kind, Record};
use super::replay::Tail;
use super::state::{self, Segment, State};
use super::tag::Tag;

/// A value on its way in.
#[derive(Debug)]
pub(crate) enum Value {
    /// In pieces, as they came; at most [`super::INLINE_BYTES`] together.
    Bytes(Vec<Bytes>),
    File(StagedFile),
}

/// What must hold for a put to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    None,
    /// If-None-Match: *
    Absent,
    /// If-Match: *
    Present,
    /// If-Match: "…"
    ETag(Tag),
}

/// Something to be done to the store.
#[derive(Debug)]
pub(crate) enum Change {
    CreateBucket { bucket: String },
    DeleteBucket { bucket: String },
    Put { bucket: String, key: String, meta: Bytes, value: Value, etag: Tag, condition: Condition },
    Delete { bucket: String, keys: Vec<String> },
}

/// Why a change was not made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("no such bucket")]
    NoSuchBucket,
    #[error("no such key")]
    NoSuchKey,
    #[error("the bucket exists")]
    BucketExists,
    #[error("the bucket is not empty")]
    BucketNotEmpty,
    #[error("the condition does not hold")]
    ConditionFailed,
    #[error("{0}")]
    Disk(String),
}

/// A change and who waits for it.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) change: Change,
    pub(super) reply: oneshot::Sender<Result<(), Refusal>>,
}

/// The end of a change: who waits, and what to tell.
#[derive(Debug)]
pub(crate) struct Answer {
    reply: oneshot::Sender<Result<(), Refusal>>,
    outcome: Result<(), Refusal>,
}

impl Answer {
    /// Tells it. Waking a task of another thread costs a system call, so a caller with a runtime does this there.
    pub(crate) fn give(self) {
        // Nobody waits any more only when the client has gone.
        let _ = self.reply.send(self.outcome);
    }
}

/// More than this is not gathered for one write.
const BUFFER_BYTES: usize = 16 << 20;

/// The only one who appends to the log.
///
/// Records gather in `buffer`; [`Writer::flush`] writes and syncs them, then makes them visible, then answers are due. A
/// change is checked against what is visible, so one that depends on a change still in the buffer waits for a
/// flush first.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) disk: Arc<Disk>,
    pub(super) state: Arc<RwLock<State>>,
    tail: Tail,
    pub(super) buffer: Vec<u8>,
    waiting: Vec<oneshot::Sender<Result<(), Refusal>>>,
    answers: Vec<Answer>,
    files: Vec<StagedFile>,
    /// Hashes of the keys in the buffer. Two keys with one hash cost a flush, nothing else.
    touched: HashSet<u64>,
    pub(super) cleaning: Option<Cleaning>,
}

impl Writer {
    pub(super) fn new(disk: Arc<Disk>, state: Arc<RwLock<State>>, tail: Tail) -> Writer {
        let (buffer, waiting, answers, files) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Writer { disk, state, tail, buffer, waiting, answers, files, touched: HashSet::new(), cleaning: None }
    }

    /// Makes all changes, in order, and returns the answers to be given.
    pub(super) fn commit(&mut self, requests: impl IntoIterator<Item = Request>) -> Vec<Answer> {
        self.clean_a_little();
        for Request { change, reply } in requests {
            let about_bucket = matches!(change, Change::CreateBucket { .. } | Change::DeleteBucket { .. });
            if about_bucket || self.depends_on_buffer(&change) || self.buffer.len() > BUFFER_BYTES {
                self.flush();
            }
            match self.take(change) {
                Ok(()) => self.waiting.push(reply),
                Err(refusal) => self.answers.push(Answer { reply, outcome: Err(refusal) }),
            }
            if about_bucket {
                self.flush();
            }
        }
        self.flush();
        std::mem::take(&mut self.answers)
    }

    fn depends_on_buffer(&self, change: &Change) -> bool {
        match change {
            Change::Put { condition: Condition::None, .. } => false,
            Change::Put { bucket, key, .. } => self.touched.contains(&hash(bucket, key)),
            _ => false,
        }
    }

    /// Checks a change and puts its records into the buffer.
    fn take(&mut self, change: Change) -> Result<(), Refusal> {
        let now_ms = now_ms();
        let state = Arc::clone(&self.state);
        let state = state::read(&state);
        match change {
            Change::CreateBucket { bucket } => {
                if state.index.bucket(&bucket).is_some() {
                    return Err(Refusal::BucketExists);
                }
                Record::of(Kind::CreateBucket, &bucket, "", now_ms).encode(&[], &mut self.buffer);
            }
            Change::DeleteBucket { bucket } => {
                let found = state.index.bucket(&bucket).ok_or(Refusal::NoSuchBucket)?;
                if !found.objects.is_empty() {
                    return Err(Refusal::BucketNotEmpty);
                }
                Record::of(Kind::DeleteBucket, &bucket, "", now_ms).encode(&[], &mut self.buffer);
            }
            Change::Delete { bucket, keys } => {
                let found = state.index.bucket(&bucket).ok_or(Refusal::NoSuchBucket)?;
                for key in &keys {
                    let hash = hash(&bucket, key);
                    if found.objects.contains_key(key.as_bytes()) || self.touched.contains(&hash) {
                        Record::of(Kind::Delete, &bucket, key, now_ms).encode(&[], &mut self.buffer);
                        self.touched.insert(hash);
                    }
                }
            }
            Change::Put { bucket, key, meta, value, etag, condition } => {
                let found = state.index.bucket(&bucket).ok_or(Refusal::NoSuchBucket)?;
                let present = found.objects.get(key.as_bytes()).map(|entry| entry.about.etag);
                check(condition, present)?;
                drop(state);
                let record = Record { meta: &meta, etag, ..Record::of(Kind::Put, &bucket, &key, now_ms) };
                self.put(record, value)?;
                self.touched.insert(hash(&bucket, &key));
            }
        }
        Ok(())
    }

    fn put(&mut self, record: Record<'_>, value: Value) -> Result<(), Refusal> {
        match value {
            Value::Bytes(pieces) => {
                let size = pieces.iter().map(|piece| piece.len() as u64).sum();
                Record { size, ..record }.encode(&pieces, &mut self.buffer);
            }
            Value::File(mut file) => {
                // Before the record that refers to it.
                file.sync().map_err(|error| Refusal::Disk(error.to_string()))?;
                let record = Record { size: file.length(), file: Some(file.number()), ..record };
                record.encode(&[], &mut self.buffer);
                self.files.push(file);
            }
        }
        Ok(())
    }

    /// Writes and syncs what is in the buffer, makes it visible, and prepares the answers.
    pub(super) fn flush(&mut self) {
        let written = if self.buffer.is_empty() { Ok(()) } else { self.write_out() };
        match &written {
            Ok(()) => {
                self.make_visible();
                self.files.drain(..).for_each(StagedFile::keep);
                self.cleaned();
            }
            Err(_) => self.cleaning = None,
        }
        let answers = self.waiting.drain(..).map(|reply| Answer { reply, outcome: written.clone() });
        self.answers.extend(answers);
        self.files.clear();
        self.buffer.clear();
        self.buffer.shrink_to(BUFFER_BYTES);
        self.touched.clear();
    }

    fn write_out(&mut self) -> Result<(), Refusal> {
        let refuse = |error: std::io::Error| Refusal::Disk(format!("the object store cannot write: {error}"));
        let full = self.tail.length + self.buffer.len() as u64 > self.disk.options.segment_bytes;
        if full && self.tail.length > 0 {
            self.next_segment().map_err(refuse)?;
        }
        if let Err(error) = self.tail.file.write_all_at(&self.buffer, self.tail.length) {
            // Half a record at the end would be cut off at the next start; in the middle it would be damage.
            let _ = self.tail.file.set_len(self.tail.length);
            return Err(refuse(error));
        }
        let length = self.tail.length + self.buffer.len() as u64;
        if let Err(error) = self.disk.sync_segment(self.tail.segment, &self.tail.file, length) {
            crate::child::fatal(&format!(
                "the log cannot be synced, so nothing more can be promised: {error}"
            ));
        }
        Ok(())
    }

    /// The old segment is complete and synced: every write before was.
    fn next_segment(&mut self) -> std::io::Result<()> {
        let segment = self.tail.segment + 1;
        let file = Arc::new(self.disk.create_segment(segment)?);
        let made = Segment { file: Arc::clone(&file), total_bytes: 0, live_bytes: 0 };
        state::write(&self.state).segments.insert(segment, made);
        self.tail = Tail { segment, file, length: 0 };
        Ok(())
    }

    fn make_visible(&mut self) {
        let mut freed = Vec::new();
        let mut state = state::write(&self.state);
        let mut rest = &self.buffer[..];
        while let Ok(length) = Record::length(rest) {
            // Far below 4 GiB: the buffer is.
            let place = Place { segment: self.tail.segment, offset: self.tail.length, length: length as u32 };
            if let Ok(record) = Record::parse(&rest[..length]) {
                freed.extend(state.apply(&record, place));
            }
            self.tail.length += length as u64;
            rest = &rest[length..];
        }
        if let Some(segment) = state.segments.get_mut(&self.tail.segment) {
            segment.total_bytes = self.tail.length;
        }
        drop(state);
        freed.into_iter().for_each(|number| self.disk.remove_large(number));
    }

    /// The segment that is being appended to.
    pub(super) fn current_segment(&self) -> u32 {
        self.tail.segment
    }
}

fn check(condition: Condition, present: Option<Tag>) -> Result<(), Refusal> {
    match (condition, present) {
        (Condition::Absent, Some(_)) => Err(Refusal::ConditionFailed),
        (Condition::Present | Condition::ETag(_), None) => Err(Refusal::NoSuchKey),
        (Condition::ETag(wanted), Some(etag)) if wanted != etag => Err(Refusal::ConditionFailed),
        _ => Ok(()),
    }
}

fn hash(bucket: &str, key: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (bucket, key).hash(&mut hasher);
    hasher.finish()
}

/// Unix milliseconds.
pub(crate) fn now_ms() -> u64 {
    // A clock before 1970 is no reason to stop.
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
