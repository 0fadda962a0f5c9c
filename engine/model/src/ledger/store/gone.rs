//! What is remembered of keys that were deleted and of contents that were replaced, when the ledger has let go of them:
//! enough to know them again, for as long as there is room.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};

use super::content::Content;
use super::digest::digest;
use crate::seed::mix;

/// The memory. An entry takes some 40 bytes.
#[derive(Debug, Clone)]
pub(super) struct Gone {
    ended_ns: HashMap<u64, u64, BuildHasherDefault<AsItIs>>,
    /// The oldest first.
    order: VecDeque<(u64, u64)>,
    at_most: usize,
}

impl Gone {
    /// A memory of so many entries; beyond that the oldest go.
    pub(super) fn of(at_most: usize) -> Self {
        Gone { ended_ns: HashMap::default(), order: VecDeque::new(), at_most }
    }

    /// The key was deleted, as was acknowledged then.
    pub(super) fn delete(&mut self, key: &str, ended_ns: u64) {
        self.remember(name_of(key), ended_ns);
    }

    /// When the key was deleted.
    pub(super) fn deleted_ns(&self, key: &str) -> Option<u64> {
        self.ended_ns.get(&name_of(key)).copied()
    }

    /// The key held this, which was replaced; it had been put by then.
    pub(super) fn replace(&mut self, key: &str, content: Content, ended_ns: u64) {
        self.remember(name_of_content(key, content), ended_ns);
    }

    /// Whether the key held this before.
    pub(super) fn was_replaced(&self, key: &str, content: Content) -> bool {
        self.ended_ns.contains_key(&name_of_content(key, content))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ended_ns.is_empty()
    }

    fn remember(&mut self, name: u64, ended_ns: u64) {
        self.ended_ns.insert(name, ended_ns);
        self.order.push_back((name, ended_ns));
        while self.order.len() > self.at_most
            && let Some((oldest, of_ns)) = self.order.pop_front()
        {
            // What was remembered anew stays.
            if self.ended_ns.get(&oldest) == Some(&of_ns) {
                self.ended_ns.remove(&oldest);
            }
        }
    }

    pub(super) fn merge(&mut self, other: Gone) {
        self.at_most += other.at_most;
        self.ended_ns.extend(other.ended_ns);
        self.order.extend(other.order);
    }

    /// Bytes taken, to within the allocator's rounding.
    pub(super) fn bytes(&self) -> usize {
        self.ended_ns.capacity() * 8 / 7 * (size_of::<(u64, u64)>() + 1)
            + self.order.capacity() * size_of::<(u64, u64)>()
    }
}

fn name_of(key: &str) -> u64 {
    digest(key.as_bytes())
}

fn name_of_content(key: &str, content: Content) -> u64 {
    mix(name_of(key), content.size_bytes, content.digest)
}

/// Names are digests, mixed well already.
#[derive(Debug, Clone, Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.write_u64(u64::from(byte)));
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = self.0.rotate_left(5) ^ number;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_are_forgotten_when_there_is_no_room() {
        let mut gone = Gone::of(2);
        gone.delete("a", 1);
        gone.delete("b", 2);
        gone.delete("a", 3);
        assert_eq!((gone.deleted_ns("a"), gone.deleted_ns("b")), (Some(3), Some(2)));
        gone.delete("c", 4);
        assert_eq!((gone.deleted_ns("a"), gone.deleted_ns("b")), (Some(3), None));
    }

    #[test]
    fn contents_are_known_by_key_size_and_digest() {
        let mut gone = Gone::of(10);
        let old = Content::of(b"old");
        gone.replace("a", old, 1);
        assert!(gone.was_replaced("a", old));
        assert!(!gone.was_replaced("b", old) && !gone.was_replaced("a", Content::of(b"new")));
        assert_eq!(gone.deleted_ns("a"), None);
    }
}
