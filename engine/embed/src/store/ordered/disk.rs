//! The store's files, and the only place that syncs them.
//!
//! ```text
//! log/0000000001.log   segments of the log, the last one growing
//! large/17             values too large for the log, by number
//! ```

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// How the log is kept.
#[derive(Clone, Debug)]
pub(crate) struct LogOptions {
    /// Whether a change is synced before it is acknowledged.
    pub(crate) durable: bool,
    /// A segment that has reached this size is closed and the next one begun.
    pub(crate) segment_bytes: u64,
    /// For tests of power loss: a file in which everything that has been synced is noted, so that what has not
    /// can be cut off afterwards.
    pub(crate) sync_notes: Option<PathBuf>,
}

#[derive(Debug)]
pub(super) struct Disk {
    log: PathBuf,
    large: PathBuf,
    pub(super) options: LogOptions,
    notes: Option<Mutex<File>>,
    next_large: AtomicU64,
}

impl Disk {
    pub(super) fn open(dir: &Path, options: LogOptions) -> io::Result<Disk> {
        let (log, large) = (dir.join("log"), dir.join("large"));
        fs::create_dir_all(&log)?;
        fs::create_dir_all(&large)?;
        let notes =
            options.sync_notes.as_ref().map(|path| OpenOptions::new().create(true).append(true).open(path));
        let notes = notes.transpose()?.map(Mutex::new);
        let disk = Disk { log, large, options, notes, next_large: AtomicU64::new(1) };
        let largest = disk.large_numbers()?.into_iter().max().unwrap_or(0);
        disk.next_large.store(largest + 1, Ordering::Relaxed);
        disk.sync_folder(dir)?;
        Ok(disk)
    }

    /// The numbers of the segments there are, oldest first.
    pub(super) fn segments(&self) -> io::Result<Vec<u32>> {
        let mut numbers = numbers_in(&self.log, ".log")?;
        numbers.sort_unstable();
        Ok(numbers.into_iter().filter_map(|number| u32::try_from(number).ok()).collect())
    }

    pub(super) fn segment_path(&self, number: u32) -> PathBuf {
        self.log.join(format!("{number:010}.log"))
    }

    pub(super) fn open_segment(&self, number: u32) -> io::Result<File> {
        OpenOptions::new().read(true).write(true).open(self.segment_path(number))
    }

    /// Makes an empty segment whose name will be there after a power loss.
    pub(super) fn create_segment(&self, number: u32) -> io::Result<File> {
        let path = self.segment_path(number);
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(path)?;
        self.sync_folder(&self.log)?;
        Ok(file)
    }

    /// Removes a segment. Synced at once: an old segment that came back after a power loss without the later ones
    /// that undid its changes would bring deleted objects back.
    pub(super) fn remove_segment(&self, number: u32) -> io::Result<()> {
        fs::remove_file(self.segment_path(number))?;
        self.sync_folder(&self.log)
    }

    /// Makes what has been written to a segment survive a power loss, up to `length`.
    pub(super) fn sync_segment(&self, number: u32, file: &File, length: u64) -> io::Result<()> {
        self.sync_file(file, &self.segment_path(number), length)
    }

    pub(super) fn large_numbers(&self) -> io::Result<Vec<u64>> {
        numbers_in(&self.large, "")
    }

    pub(super) fn open_large(&self, number: u64) -> io::Result<File> {
        File::open(self.large.join(number.to_string()))
    }

    pub(super) fn remove_large(&self, number: u64) {
        if let Err(error) = fs::remove_file(self.large.join(number.to_string())) {
            tracing::debug!(number, %error, "file of a large value not removed");
        }
    }

    /// A new file for a large value.
    pub(super) fn stage(disk: &Arc<Disk>) -> io::Result<StagedFile> {
        let number = disk.next_large.fetch_add(1, Ordering::Relaxed);
        let path = disk.large.join(number.to_string());
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(path)?;
        Ok(StagedFile { disk: Arc::clone(disk), number, file, length: 0, is_synced: false, kept: false })
    }

    fn sync_file(&self, file: &File, path: &Path, length: u64) -> io::Result<()> {
        if self.options.durable {
            file.sync_data()?;
            self.note(|notes| writeln!(notes, "data {length} {}", path.display()))?;
        }
        Ok(())
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        if self.options.durable {
            let names: Vec<PathBuf> = if self.notes.is_some() { entries(folder)? } else { Vec::new() };
            File::open(folder)?.sync_all()?;
            self.note(|notes| {
                writeln!(notes, "folder {}", folder.display())?;
                names.iter().try_for_each(|name| writeln!(notes, "name {}", name.display()))
            })?;
        }
        Ok(())
    }

    /// Notes what has just been synced; the notes themselves need no sync, tests end the process, not the machine.
    fn note(&self, write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> io::Result<()> {
        let Some(notes) = &self.notes else { return Ok(()) };
        let mut lines = Vec::new();
        write(&mut lines)?;
        notes.lock().unwrap_or_else(PoisonError::into_inner).write_all(&lines)
    }
}

/// The file of a large value on its way in. Removed on drop unless kept.
#[derive(Debug)]
pub(crate) struct StagedFile {
    disk: Arc<Disk>,
    number: u64,
    file: File,
    length: u64,
    is_synced: bool,
    kept: bool,
}

impl StagedFile {
    pub(crate) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(bytes, self.length)?;
        self.length += bytes.len() as u64;
        self.is_synced = false;
        Ok(())
    }

    /// Appends all of another file; the operating system copies, memory holds nothing of it.
    pub(super) fn append_file(&mut self, other: &StagedFile) -> io::Result<()> {
        let (mut from, mut to) = (&other.file, &self.file);
        from.rewind()?;
        to.seek(SeekFrom::Start(self.length))?;
        let copied = io::copy(&mut from.take(other.length), &mut to)?;
        self.length += copied;
        self.is_synced = false;
        if copied == other.length { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Makes the file and its name survive a power loss, when durability is on.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        if self.is_synced {
            return Ok(());
        }
        self.disk.sync_file(&self.file, &self.disk.large.join(self.number.to_string()), self.length)?;
        self.disk.sync_folder(&self.disk.large)?;
        self.is_synced = true;
        Ok(())
    }

    /// An object refers to it from now on.
    pub(super) fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for StagedFile {
    fn drop(&mut self) {
        if !self.kept {
            self.disk.remove_large(self.number);
        }
    }
}

fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect()
}

/// The numbers that files of a folder are named by.
fn numbers_in(folder: &Path, suffix: &str) -> io::Result<Vec<u64>> {
    let number = |path: PathBuf| path.file_name()?.to_str()?.strip_suffix(suffix)?.parse().ok();
    Ok(entries(folder)?.into_iter().filter_map(number).collect())
}
