//! What reads of an object store may find, by a memory that keeps everything and knows nothing of how the ledger does
//! it.

use model::ledger::{Fate, store::Content};

use crate::store_world::KEYS;

/// A change of a key.
#[derive(Debug, Clone)]
struct Change {
    key: &'static str,
    content: Option<Content>,
    if_absent: bool,
    began_ns: u64,
    ended_ns: u64,
}

/// Every change that was or may be carried out.
#[derive(Debug, Default)]
pub(crate) struct Oracle {
    changes: Vec<Change>,
    /// Deletions of prefixes that are on their way, or may be for ever.
    sweeps: Vec<(&'static str, u64)>,
}

impl Oracle {
    pub(crate) fn put(&mut self, key: &'static str, content: Content, if_absent: bool, began_ns: u64) {
        self.begin(Change { key, content: Some(content), if_absent, began_ns, ended_ns: u64::MAX });
        let sweeps = self.sweeps.iter().filter(|(prefix, _)| key.starts_with(prefix));
        for sweep_ns in sweeps.map(|(_, began_ns)| *began_ns).collect::<Vec<_>>() {
            if !self.changes.iter().any(|it| it.key == key && it.began_ns == sweep_ns) {
                self.delete(key, sweep_ns);
            }
        }
    }

    pub(crate) fn delete(&mut self, key: &'static str, began_ns: u64) {
        self.begin(Change { key, content: None, if_absent: false, began_ns, ended_ns: u64::MAX });
    }

    /// A deletion of all keys that begin so: of those that anything is known of.
    pub(crate) fn sweep(&mut self, prefix: &'static str, began_ns: u64) {
        for key in KEYS.into_iter().filter(|key| key.starts_with(prefix)) {
            if self.changes.iter().any(|change| change.key == key) {
                self.delete(key, began_ns);
            }
        }
        self.sweeps.push((prefix, began_ns));
    }

    fn begin(&mut self, change: Change) {
        self.changes.push(change);
    }

    pub(crate) fn end(&mut self, began_ns: u64, fate: Fate, ended_ns: u64) {
        if fate != Fate::Ambiguous {
            self.sweeps.retain(|(_, of_ns)| *of_ns != began_ns);
        }
        match fate {
            Fate::Acknowledged => {
                let of_op = self.changes.iter_mut().filter(|change| change.began_ns == began_ns);
                of_op.for_each(|change| change.ended_ns = ended_ns);
            }
            Fate::Ambiguous => {}
            Fate::Conflict | Fate::Failed => self.changes.retain(|change| change.began_ns != began_ns),
        }
    }

    /// Whether a read that began then may find this: the rule, over everything that ever happened.
    pub(crate) fn allows(&self, key: &str, found: Option<Content>, began_ns: u64) -> bool {
        self.possible(key, began_ns).is_none_or(|contents| contents.contains(&found))
    }

    pub(crate) fn allows_any(&self, key: &str, began_ns: u64) -> bool {
        self.possible(key, began_ns).is_none_or(|contents| contents.iter().any(Option::is_some))
    }

    pub(crate) fn allows_size(&self, key: &str, size_bytes: u64, began_ns: u64) -> bool {
        let has_size = |it: &Option<Content>| it.is_some_and(|it| it.size_bytes == size_bytes);
        self.possible(key, began_ns).is_none_or(|contents| contents.iter().any(has_size))
    }

    /// Whether a put if absent that was acknowledged, the one that began then, cannot have found nothing.
    pub(crate) fn cannot_win(&self, key: &str, began_ns: u64) -> bool {
        let of_key = || self.changes.iter().filter(|change| change.key == key);
        let Some(winner) = of_key().find(|change| change.began_ns == began_ns) else { return false };
        let is_between = |gone: &Change, first: &Change, second: &Change| {
            gone.content.is_none() && gone.ended_ns > first.began_ns && gone.began_ns < second.ended_ns
        };
        let has_twin = of_key().any(|twin| {
            twin.if_absent
                && twin.began_ns != began_ns
                && twin.ended_ns != u64::MAX
                && !of_key().any(|it| is_between(it, twin, winner) || is_between(it, winner, twin))
        });
        has_twin || !self.allows(key, None, began_ns)
    }

    /// Everything that a read which began then may find; nothing when that is anything.
    fn possible(&self, key: &str, began_ns: u64) -> Option<Vec<Option<Content>>> {
        let of_key: Vec<&Change> = self.changes.iter().filter(|change| change.key == key).collect();
        let before: Vec<_> = of_key.iter().filter(|change| change.ended_ns < began_ns).collect();
        if before.is_empty() {
            return None;
        }
        let is_replaced = |it: &Change| before.iter().any(|by| by.began_ns > it.ended_ns);
        Some(of_key.iter().filter(|it| !is_replaced(it)).map(|it| it.content).collect())
    }
}
