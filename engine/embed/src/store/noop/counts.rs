//! All that is remembered of what was put: how much, and how many in each folder.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;

/// Objects by folder, sizes in bytes.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// By `/bucket/` and the key up to its last `/`.
    folders: BTreeMap<String, u64>,
    latest_bytes: u64,
    /// Bytes of the parts so far, by upload.
    uploads: HashMap<u64, u64>,
    last_upload: u64,
}

impl Counts {
    /// An object of so many bytes came; `path` is `/bucket/key`.
    pub(super) fn put(&mut self, path: &str, bytes: u64) {
        self.latest_bytes = bytes;
        let folder = folder(path);
        // The folder's name is only copied the first time.
        match self.folders.get_mut(folder) {
            Some(objects) => *objects += 1,
            None => drop(self.folders.insert(folder.to_owned(), 1)),
        }
    }

    /// An object is gone, if there was any.
    pub(super) fn delete(&mut self, path: &str) {
        if let Some(objects) = self.folders.get_mut(folder(path)) {
            *objects = objects.saturating_sub(1);
        }
    }

    /// The size of the latest object.
    pub(super) fn latest_bytes(&self) -> u64 {
        self.latest_bytes
    }

    /// Objects in all folders that begin with `path`.
    pub(super) fn under(&self, path: &str) -> u64 {
        let folders = self
            .folders
            .range::<str, _>((Bound::Included(path), Bound::Unbounded))
            .take_while(|(folder, _)| folder.starts_with(path));
        folders.map(|(_, objects)| objects).sum()
    }

    /// An upload in parts begins; its number.
    pub(super) fn begin_upload(&mut self) -> u64 {
        self.last_upload += 1;
        self.uploads.insert(self.last_upload, 0);
        self.last_upload
    }

    /// A part of an upload came.
    pub(super) fn part(&mut self, upload: u64, bytes: u64) {
        if let Some(total) = self.uploads.get_mut(&upload) {
            *total += bytes;
        }
    }

    /// An upload has ended; what its parts had together.
    pub(super) fn end_upload(&mut self, upload: u64) -> u64 {
        self.uploads.remove(&upload).unwrap_or(0)
    }
}

fn folder(path: &str) -> &str {
    path.rfind('/').map_or(path, |slash| &path[..=slash])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_counted_by_folder_and_a_prefix_sums_up_its_folders() {
        let mut counts = Counts::default();
        for path in ["/b/a/1", "/b/a/2", "/b/a/c/1", "/b/ab/1", "/b/top", "/other/a/1"] {
            counts.put(path, 7);
        }
        assert_eq!(counts.under("/b/"), 5);
        assert_eq!(counts.under("/b/a/"), 3);
        assert_eq!(counts.under("/b/a/c/"), 1);
        assert_eq!(counts.under("/b/none/"), 0);
        counts.delete("/b/a/2");
        counts.delete("/b/none/1");
        assert_eq!(counts.under("/b/a/"), 2);
        assert_eq!(counts.latest_bytes(), 7);
    }

    #[test]
    fn an_upload_has_the_bytes_of_its_parts() {
        let mut counts = Counts::default();
        let (one, other) = (counts.begin_upload(), counts.begin_upload());
        counts.part(one, 5);
        counts.part(one, 6);
        counts.part(other, 1);
        assert_eq!((counts.end_upload(one), counts.end_upload(one), counts.end_upload(other)), (11, 0, 1));
    }
}
