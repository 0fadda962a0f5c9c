//! A map that keeps so many entries and forgets the oldest: for what scripts may make without end.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// How many statements one connection, or one handle, keeps. Scripts that build a new SQL text each time would
/// otherwise fill the memory, here and at the server.
pub(crate) const KEPT_STATEMENTS: usize = 1000;

#[derive(Debug)]
pub(crate) struct Kept<K, V> {
    by_key: HashMap<K, V>,
    oldest_first: VecDeque<K>,
}

impl<K, V> Default for Kept<K, V> {
    fn default() -> Self {
        Kept { by_key: HashMap::new(), oldest_first: VecDeque::new() }
    }
}

impl<K: Hash + Eq + Clone, V> Kept<K, V> {
    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        self.by_key.get(key)
    }

    /// Adds an entry, and gives the one that had to go for it.
    pub(crate) fn put(&mut self, key: K, value: V) -> Option<V> {
        if self.by_key.insert(key.clone(), value).is_none() {
            self.oldest_first.push_back(key);
        }
        if self.by_key.len() <= KEPT_STATEMENTS {
            return None;
        }
        let oldest = self.oldest_first.pop_front()?;
        self.by_key.remove(&oldest)
    }

    pub(crate) fn forget(&mut self, key: &K) {
        if self.by_key.remove(key).is_some() {
            self.oldest_first.retain(|other| other != key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_goes_when_there_are_too_many() {
        let mut kept = Kept::default();
        for number in 0..KEPT_STATEMENTS {
            assert_eq!(kept.put(number, number), None);
        }
        assert_eq!(kept.put(5, 55), None);
        assert_eq!(kept.put(KEPT_STATEMENTS, 7), Some(0));
        assert_eq!((kept.get(&0), kept.get(&5), kept.get(&KEPT_STATEMENTS)), (None, Some(&55), Some(&7)));
        kept.forget(&1);
        assert_eq!(kept.put(0, 0), None);
        assert_eq!(kept.put(1, 1), Some(2));
    }
}
