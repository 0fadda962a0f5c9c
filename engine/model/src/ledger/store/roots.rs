//! Below which prefixes a ledger's keys lie: what must be listed at the end to see all of them, and little else.

use std::collections::BTreeMap;

/// Prefixes that are kept apart; beyond that one prefix stands for all.
const AT_MOST: usize = 1_000;

/// For each first part of a path (up to its `/`), the longest beginning that its keys share. Keys without a `/` are one
/// such part together.
#[derive(Debug, Clone, Default)]
pub(super) struct Roots(BTreeMap<String, String>);

impl Roots {
    /// A key is new.
    pub(super) fn add(&mut self, key: &str) {
        let part = key.find('/').map_or("", |at| &key[..=at]);
        self.widen(part, key);
    }

    fn widen(&mut self, part: &str, key: &str) {
        if let Some(shared) = self.0.get_mut(part) {
            shorten(shared, key);
        } else if self.0.len() < AT_MOST {
            self.0.insert(part.to_owned(), key.to_owned());
        } else {
            let mut one = key.to_owned();
            self.0.values().for_each(|shared| shorten(&mut one, shared));
            self.0 = BTreeMap::from([(String::new(), one)]);
        }
    }

    pub(super) fn merge(&mut self, other: Roots) {
        other.0.into_iter().for_each(|(part, shared)| self.widen(&part, &shared));
    }

    /// The prefixes, none of which begins another.
    pub(super) fn prefixes(&self) -> Vec<String> {
        let mut all: Vec<&String> = self.0.values().collect();
        all.sort_unstable();
        let mut kept: Vec<String> = Vec::new();
        for prefix in all {
            if !kept.last().is_some_and(|last| prefix.starts_with(last.as_str())) {
                kept.push(prefix.clone());
            }
        }
        kept
    }
}

/// Cuts `shared` to what `key` begins with as well.
fn shorten(shared: &mut String, key: &str) {
    if key.starts_with(shared.as_str()) {
        return;
    }
    let same = shared.char_indices().zip(key.chars()).find(|((_, a), b)| a != b);
    let length = same.map_or(shared.len().min(key.len()), |((at, _), _)| at);
    shared.truncate(length);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(keys: &[&str]) -> Vec<String> {
        let mut roots = Roots::default();
        keys.iter().for_each(|key| roots.add(key));
        roots.prefixes()
    }

    #[test]
    fn keys_of_one_folder_share_as_much_as_they_can() {
        assert_eq!(of(&["b4/run-1/a", "b4/run-12/b", "b4/run-10/c"]), ["b4/run-1"]);
        assert_eq!(of(&["b4/x"]), ["b4/x"]);
        assert_eq!(of(&["é/äa", "é/äb", "é/ö"]), ["é/"]);
    }

    #[test]
    fn folders_are_listed_apart_and_nothing_twice() {
        assert_eq!(of(&["a/1", "b/1", "a/2"]), ["a/", "b/1"]);
        assert_eq!(of(&["a", "a/1", "b/1"]), ["a", "b/1"]);
        assert_eq!(of(&["one", "two", "a/1"]), [""]);
    }

    #[test]
    fn keys_without_any_order_are_listed_as_one() {
        let keys: Vec<String> = (0..5_000).map(|n| format!("of-{n}/x")).collect();
        assert_eq!(of(&keys.iter().map(String::as_str).collect::<Vec<_>>()), ["of-"]);
    }
}
