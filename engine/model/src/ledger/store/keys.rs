//! The ledger of an object store: what every key may hold, and what operations saw that it cannot.

use std::collections::BTreeMap;
use std::collections::VecDeque;

use super::content::{Content, Seen, Version};
use super::found::{Found, Wrong};
use super::gone::Gone;
use super::history::{History, Judgement, Rest};
use super::roots::Roots;
use super::words;
use crate::ledger::Fate;

/// Deleted keys and replaced contents that are remembered when nothing is said: 40 MB.
const REMEMBERED: usize = 1_000_000;

/// A log of what was put, deleted and seen, judged as it goes. Several may share a store's keys, each key being always
/// the same one's; they are merged at the end.
#[derive(Debug, Clone)]
pub struct StoreLedger {
    pub(super) keys: BTreeMap<Box<str>, History>,
    pub(super) gone: Gone,
    pub(super) roots: Roots,
    pub(super) found: Found,
    /// Deletions of a whole prefix that are on their way, or of which nobody knows whether they still are.
    sweeps: Vec<(String, u64)>,
    /// Keys of which something can be forgotten when nothing is on its way any more that began before that.
    later: VecDeque<(u64, Box<str>)>,
}

impl Default for StoreLedger {
    fn default() -> Self {
        StoreLedger::remembering(REMEMBERED)
    }
}

impl StoreLedger {
    /// An empty ledger that remembers so many deleted keys and replaced contents, 40 bytes each.
    #[must_use]
    pub fn remembering(at_most: usize) -> Self {
        StoreLedger {
            keys: BTreeMap::new(),
            gone: Gone::of(at_most),
            roots: Roots::default(),
            found: Found::default(),
            sweeps: Vec::new(),
            later: VecDeque::new(),
        }
    }

    /// A put is about to leave; `if_absent` when on the condition that there is nothing.
    pub fn put(&mut self, key: &str, content: Content, if_absent: bool, began_ns: u64) {
        self.begin(key, Version::put(content, if_absent, began_ns));
        let under_way: Vec<u64> = self
            .sweeps
            .iter()
            .filter(|(prefix, _)| key.starts_with(prefix.as_str()))
            .map(|(_, began_ns)| *began_ns)
            .collect();
        for began_ns in under_way {
            let has_it = |history: &History| history.versions().iter().any(|v| v.began_ns == began_ns);
            if !self.keys.get(key).is_some_and(has_it) {
                self.begin(key, Version::delete(began_ns));
            }
        }
    }

    /// A deletion is about to leave.
    pub fn delete(&mut self, key: &str, began_ns: u64) {
        self.begin(key, Version::delete(began_ns));
    }

    /// A deletion of all keys that begin so is about to leave. It concerns those put while it is on its way, too.
    pub fn sweep(&mut self, prefix: &str, began_ns: u64) {
        for key in self.keys_under(prefix) {
            self.begin(&key, Version::delete(began_ns));
        }
        self.sweeps.push((prefix.to_owned(), began_ns));
    }

    /// The deletion of all keys that begin so came to this end.
    pub fn swept(&mut self, prefix: &str, began_ns: u64, fate: Fate, ended_ns: u64, oldest_ns: u64) {
        if fate != Fate::Ambiguous {
            self.sweeps.retain(|sweep| sweep.1 != began_ns);
        }
        for key in self.keys_under(prefix) {
            let concerns = |history: &History| history.versions().iter().any(|v| v.began_ns == began_ns);
            if self.keys.get(&key).is_some_and(concerns) {
                self.settle(&key, began_ns, fate, ended_ns, oldest_ns);
            }
        }
    }

    fn keys_under(&self, prefix: &str) -> Vec<Box<str>> {
        under(&self.keys, prefix).map(|(key, _)| key.clone()).collect()
    }

    fn begin(&mut self, key: &str, change: Version) {
        if let Some(history) = self.keys.get_mut(key) {
            history.begin(change);
            return;
        }
        let history = match self.gone.deleted_ns(key) {
            Some(ended_ns) => History::after_deletion(ended_ns, change),
            None => History::new(change),
        };
        self.roots.add(key);
        self.keys.insert(key.into(), history);
    }

    /// A put or a deletion, begun then, came to this end. `oldest_ns` is the beginning of the oldest operation that is
    /// on its way, this one included.
    pub fn settle(&mut self, key: &str, began_ns: u64, fate: Fate, ended_ns: u64, oldest_ns: u64) {
        let Some(history) = self.keys.get_mut(key) else { return };
        match fate {
            Fate::Acknowledged => {
                let is_there = |version: &Version| version.is_acknowledged() && !version.is_absent();
                let was_there = history.versions().iter().any(is_there);
                if let Some(change) = history.acknowledge(began_ns, ended_ns) {
                    self.found.acknowledged(&change, was_there);
                    if change.is_if_absent()
                        && let Some(other) = history.contradicts(&change)
                    {
                        let sentence = || words::second_winner(key, &change, &other);
                        self.found.wrong(Wrong::DuplicateWin, sentence);
                    }
                }
            }
            // It has not ended, and may never.
            Fate::Ambiguous => self.found.counts.ambiguous += 1,
            Fate::Conflict | Fate::Failed => history.undo(began_ns),
        }
        // A first put that was acknowledged, or one that was not carried out, leaves nothing to wait for.
        let rest = shrink(key, history, &mut self.gone, oldest_ns);
        if rest == Rest::Kept && history.can_shrink() {
            self.later.push_back((ended_ns, key.into()));
        }
        self.let_go(key, rest);
        self.tidy(oldest_ns);
    }

    /// Forgets what no operation can find any more that is on its way or begins later.
    fn tidy(&mut self, oldest_ns: u64) {
        while let Some((_, key)) = self.later.pop_front_if(|(since_ns, _)| *since_ns < oldest_ns) {
            let Some(history) = self.keys.get_mut(&key) else { continue };
            let rest = shrink(&key, history, &mut self.gone, oldest_ns);
            self.let_go(&key, rest);
        }
    }

    fn let_go(&mut self, key: &str, rest: Rest) {
        match rest {
            Rest::Kept => return,
            Rest::Nothing => {}
            Rest::Gone(ended_ns) => self.gone.delete(key, ended_ns),
        }
        self.keys.remove(key);
    }

    /// An operation of that name, begun then, saw this of a key.
    pub fn read(&mut self, key: &str, operation: &str, seen: Seen, began_ns: u64) {
        let Some(history) = self.keys.get(key) else {
            if let Some(ended_ns) = self.gone.deleted_ns(key) {
                self.found.counts.reads_checked += 1;
                if seen != Seen::Absent {
                    let sentence = || words::deleted(key, operation, ended_ns, began_ns);
                    self.found.wrong(Wrong::DeletedRead, sentence);
                }
            }
            return;
        };
        let sentence = |what: &str| words::read(key, operation, history, began_ns, what);
        let judgement = match (history.judge(seen, began_ns), seen) {
            (Judgement::Unknown, Seen::Whole(content)) if self.gone.was_replaced(key, content) => {
                Judgement::Stale(None)
            }
            // Of a size alone nobody can say whether it is an older one's; mostly it is.
            (Judgement::Unknown, Seen::Sized(_)) => Judgement::Stale(None),
            (judgement, _) => judgement,
        };
        self.found.counts.reads_checked += u64::from(judgement != Judgement::Open);
        let (wrong, what) = match judgement {
            Judgement::Open | Judgement::Sound => return,
            Judgement::Missing => (Wrong::MissingRead, "nothing".to_owned()),
            Judgement::Deleted => (Wrong::DeletedRead, words::shown(seen)),
            Judgement::Stale(older) => (Wrong::StaleRead, words::older(seen, older.as_ref(), began_ns)),
            Judgement::Unknown => (Wrong::Corrupted, format!("{}, which nobody put", words::shown(seen))),
        };
        self.found.wrong(wrong, || sentence(&what));
    }

    /// A listing was judged; its keys were, with [`StoreLedger::listed`], by the ledgers they belong to.
    pub fn count_listing(&mut self) {
        self.found.counts.lists_checked += 1;
    }

    /// Acknowledged puts so far.
    #[must_use]
    pub fn acknowledged_puts(&self) -> u64 {
        self.found.counts.puts
    }

    /// Adds the ledger of other keys of the same store.
    pub fn merge(&mut self, mut other: StoreLedger) {
        self.keys.append(&mut other.keys);
        self.gone.merge(other.gone);
        self.roots.merge(other.roots);
        self.found.merge(other.found);
        self.sweeps.append(&mut other.sweeps);
        self.later.append(&mut other.later);
    }

    /// Whether it was told of nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.gone.is_empty()
    }

    /// Bytes of memory taken, roughly.
    #[must_use]
    pub fn bytes(&self) -> usize {
        // Nodes of a B-tree hold up to 11 entries and are filled to two thirds, or to half when keys come in order; a
        // key is an allocation of its own, rounded up to 16 bytes.
        let entry = size_of::<(Box<str>, History)>() * 18 / 10;
        let of_key = |key: &str| key.len().next_multiple_of(16);
        let keys: usize = self.keys.iter().map(|(key, history)| entry + of_key(key) + history.bytes()).sum();
        let later: usize = self.later.iter().map(|(_, key)| size_of::<(u64, Box<str>)>() + of_key(key)).sum();
        keys + later + self.gone.bytes()
    }
}

/// Forgets what can be forgotten of a key, and remembers the contents that were replaced.
fn shrink(key: &str, history: &mut History, gone: &mut Gone, oldest_ns: u64) -> Rest {
    let mut forgotten = Vec::new();
    let rest = history.forget(oldest_ns, |version| forgotten.push(*version));
    // Of a key that is gone, whatever is found is one thing too many.
    if rest == Rest::Kept {
        for version in forgotten {
            if let Some(content) = version.content() {
                gone.replace(key, content, version.ended_ns);
            }
        }
    }
    rest
}

/// All entries whose key begins so.
pub(super) fn under<'a, V>(
    map: &'a BTreeMap<Box<str>, V>,
    prefix: &'a str,
) -> impl Iterator<Item = (&'a Box<str>, &'a V)> {
    use std::ops::Bound;
    let from: (Bound<&str>, Bound<&str>) = (Bound::Included(prefix), Bound::Unbounded);
    map.range::<str, _>(from).take_while(move |(key, _)| key.starts_with(prefix))
}
