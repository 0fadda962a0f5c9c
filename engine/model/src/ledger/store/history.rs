//! What one key can hold: the changes to it that some read may still find.
//!
//! A read that began at b may find what a change V left, unless V is *superseded* for it: some other change W was
//! acknowledged before b, and had begun only after V was acknowledged. Of the changes that were acknowledged before b,
//! let f be the latest beginning: V is superseded exactly when it ended before f. A change that is on its way, or of
//! which nobody knows whether it was carried out (or will be), has not ended and is never superseded. What a key held
//! before the ledger knew of it is superseded by the first acknowledged change.
//!
//! For reads that begin later the set of what they may find only shrinks, but for new changes. So what is superseded
//! for the oldest operation on its way can be forgotten.

use super::content::{NEVER, Seen, Version};

/// One key's changes.
#[derive(Debug, Clone)]
pub(super) enum History {
    /// An acknowledged put, and no operation on its way that may find anything else but what was there before the
    /// ledger knew of the key.
    One(Version),
    /// Anything else.
    Many(Box<Versions>),
}

#[derive(Debug, Clone)]
pub(super) struct Versions {
    all: Vec<Version>,
    /// Reads that began no later may find what was there before the ledger knew of the key, whatever that was.
    known_from_ns: u64,
}

/// What an operation saw of a key, judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Judgement {
    /// Nothing is known of the key that could be contradicted.
    Open,
    /// It is what a change left that may be found.
    Sound,
    /// Nothing was found, and there must be something.
    Missing,
    /// Something was found, and nothing can be there.
    Deleted,
    /// An older content was found, of that change when it is still known.
    Stale(Option<Version>),
    /// What was found is not what any change left that is remembered.
    Unknown,
}

/// What is left of a history of which some was forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rest {
    /// Something that must be kept.
    Kept,
    /// The key is gone, since an acknowledged deletion that ended then.
    Gone(u64),
    /// Nothing is known of the key.
    Nothing,
}

impl History {
    /// Of a key that nothing was known of: a change begins.
    pub(super) fn new(change: Version) -> Self {
        History::Many(Box::new(Versions { all: vec![change], known_from_ns: NEVER }))
    }

    /// Of a key that was deleted, as was acknowledged then: a change begins.
    pub(super) fn after_deletion(ended_ns: u64, change: Version) -> Self {
        let all = vec![Version::gone(ended_ns), change];
        History::Many(Box::new(Versions { all, known_from_ns: ended_ns }))
    }

    pub(super) fn versions(&self) -> &[Version] {
        match self {
            History::One(only) => std::slice::from_ref(only),
            History::Many(versions) => &versions.all,
        }
    }

    fn known_from_ns(&self) -> u64 {
        match self {
            History::One(only) => only.ended_ns,
            History::Many(versions) => versions.known_from_ns,
        }
    }

    fn as_many(&mut self) -> &mut Versions {
        if let History::One(only) = *self {
            *self = History::Many(Box::new(Versions { all: vec![only], known_from_ns: only.ended_ns }));
        }
        match self {
            History::Many(versions) => versions,
            History::One(_) => unreachable!("it was made many above"),
        }
    }

    /// A change begins.
    pub(super) fn begin(&mut self, change: Version) {
        self.as_many().all.push(change);
    }

    /// A change was acknowledged; gives it, when it is known.
    pub(super) fn acknowledge(&mut self, began_ns: u64, ended_ns: u64) -> Option<Version> {
        let versions = self.as_many();
        let change = versions.all.iter_mut().find(|version| version.began_ns == began_ns)?;
        change.ended_ns = ended_ns;
        versions.known_from_ns = versions.known_from_ns.min(ended_ns);
        Some(*change)
    }

    /// A change was not carried out.
    pub(super) fn undo(&mut self, began_ns: u64) {
        self.as_many().all.retain(|version| version.began_ns != began_ns);
    }

    /// Whether a read that began then may find what was there before the ledger knew of the key.
    pub(super) fn is_open(&self, began_ns: u64) -> bool {
        began_ns <= self.known_from_ns()
    }

    /// The acknowledged change that began last of those that had ended when a read began.
    pub(super) fn last_before(&self, began_ns: u64) -> Option<&Version> {
        self.versions()
            .iter()
            .filter(|version| version.ended_ns < began_ns)
            .max_by_key(|version| version.began_ns)
    }

    /// The changes that a read which began then may find.
    pub(super) fn found_by(&self, began_ns: u64) -> impl Iterator<Item = &Version> {
        let floor_ns = self.last_before(began_ns).map_or(0, |last| last.began_ns);
        self.versions().iter().filter(move |version| version.ended_ns >= floor_ns)
    }

    /// Whether a read that began then must find something.
    pub(super) fn is_surely_there(&self, began_ns: u64) -> bool {
        !self.is_open(began_ns) && self.found_by(began_ns).all(|version| !version.is_absent())
    }

    /// Whether a read that began then can find nothing.
    pub(super) fn is_surely_gone(&self, began_ns: u64) -> bool {
        !self.is_open(began_ns) && self.found_by(began_ns).all(Version::is_absent)
    }

    /// Whether a listing that began then may tell this size.
    pub(super) fn can_be_listed_as(&self, size_bytes: u64, began_ns: u64) -> bool {
        let seen = Seen::Sized(size_bytes);
        self.is_open(began_ns) || self.found_by(began_ns).any(|version| version.explains(seen))
    }

    /// Judges what an operation saw that began then.
    pub(super) fn judge(&self, seen: Seen, began_ns: u64) -> Judgement {
        if self.is_open(began_ns) {
            return Judgement::Open;
        }
        if self.found_by(began_ns).any(|version| version.explains(seen)) {
            return Judgement::Sound;
        }
        if seen == Seen::Absent {
            return Judgement::Missing;
        }
        if self.is_surely_gone(began_ns) {
            return Judgement::Deleted;
        }
        let older = self.versions().iter().find(|version| version.explains(seen));
        older.map_or(Judgement::Unknown, |older| Judgement::Stale(Some(*older)))
    }

    /// Whether two puts, both on the condition that there was nothing, cannot both have been right: that one, which was
    /// just acknowledged, and another. Gives the other, or what must have been there.
    pub(super) fn contradicts(&self, winner: &Version) -> Option<Version> {
        let others = || self.versions().iter().filter(|version| version.began_ns != winner.began_ns);
        let deletions = || others().filter(|version| version.is_absent());
        // Two that won need a deletion between them: one that can have taken hold after the first and before the second.
        let between = |first: &Version, second: &Version| {
            deletions().any(|gone| gone.ended_ns > first.began_ns && gone.began_ns < second.ended_ns)
        };
        let twin = others()
            .filter(|other| other.is_if_absent() && other.is_acknowledged())
            .find(|other| !between(other, winner) && !between(winner, other));
        if let Some(twin) = twin {
            return Some(*twin);
        }
        if self.is_open(winner.began_ns) {
            return None;
        }
        let could_be_absent = self.found_by(winner.began_ns).any(|version| version.is_absent());
        let before = self.last_before(winner.began_ns)?;
        (!could_be_absent).then_some(*before)
    }

    /// Bytes taken beside the value itself.
    pub(super) fn bytes(&self) -> usize {
        match self {
            History::One(_) => 0,
            History::Many(versions) => size_of::<Versions>() + versions.all.capacity() * size_of::<Version>(),
        }
    }

    /// Whether there is more than what must be kept of a key that nothing happens to.
    pub(super) fn can_shrink(&self) -> bool {
        match self {
            History::One(_) => false,
            History::Many(versions) => match versions.all[..] {
                [only] => only.is_acknowledged(),
                _ => true,
            },
        }
    }

    /// Forgets what no operation can find that began at `oldest_ns` or later. What is forgotten of contents is handed
    /// to `forgotten`.
    pub(super) fn forget(&mut self, oldest_ns: u64, mut forgotten: impl FnMut(&Version)) -> Rest {
        let floor_ns = self.last_before(oldest_ns).map_or(0, |last| last.began_ns);
        let History::Many(versions) = self else { return Rest::Kept };
        versions.all.retain(|version| {
            let is_kept = version.ended_ns >= floor_ns;
            if !is_kept {
                forgotten(version);
            }
            is_kept
        });
        let [only] = versions.all[..] else {
            return if versions.all.is_empty() { Rest::Nothing } else { Rest::Kept };
        };
        if !only.is_acknowledged() {
            return Rest::Kept;
        }
        if only.is_absent() {
            return if only.ended_ns < oldest_ns { Rest::Gone(only.ended_ns) } else { Rest::Kept };
        }
        // Either nothing was known before it, or what was is superseded by it for all that are on their way.
        *self = History::One(only);
        Rest::Kept
    }
}
