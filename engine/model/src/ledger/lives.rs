//! Inserts and deletions of keys, as far as they are not folded. Most keys have one insert and nothing else; that takes
//! an entry of 24 bytes in a hash table.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;

use super::bits::PairHasher;

/// Something that begins or ends a life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Event {
    Created {
        /// The number it was inserted with.
        at: u64,
        /// Whether the core had seen an earlier life of the key end.
        again: bool,
        /// Acknowledged; otherwise ambiguous.
        is_known: bool,
    },
    Deleted {
        /// The number that was compared, if one was.
        at: Option<u64>,
        is_known: bool,
    },
}

#[derive(Debug, Clone)]
enum Life {
    /// Inserted for the first time, acknowledged, at this number.
    Created(u64),
    Mixed(Box<[Event]>),
}

impl Life {
    fn event(&self, index: usize) -> Option<Event> {
        match self {
            Life::Created(at) if index == 0 => Some(Event::Created { at: *at, again: false, is_known: true }),
            Life::Created(_) => None,
            Life::Mixed(events) => events.get(index).copied(),
        }
    }

    fn events(&self) -> impl Iterator<Item = Event> + '_ {
        (0..).map_while(|index| self.event(index))
    }
}

/// The events of each key.
#[derive(Debug, Clone, Default)]
pub(super) struct Lives(HashMap<u64, Life, BuildHasherDefault<PairHasher>>);

impl Lives {
    pub(super) fn add(&mut self, key: u64, event: Event) {
        let life = match (self.0.remove(&key), event) {
            (None, Event::Created { at, again: false, is_known: true }) => Life::Created(at),
            (known, event) => Life::Mixed(known.iter().flat_map(Life::events).chain([event]).collect()),
        };
        self.0.insert(key, life);
    }

    pub(super) fn of(&self, key: u64) -> impl Iterator<Item = Event> + '_ {
        self.0.get(&key).into_iter().flat_map(Life::events)
    }

    /// Keys that were deleted, or may have been.
    pub(super) fn ended(&self) -> impl Iterator<Item = u64> + '_ {
        let is_end = |event: &Event| matches!(event, Event::Deleted { .. });
        let ended = self.0.iter().filter(move |(_, life)| match life {
            Life::Created(_) => false,
            Life::Mixed(events) => events.iter().any(is_end),
        });
        ended.map(|(key, _)| *key)
    }

    /// The inserts of this key may not have been its first.
    pub(super) fn doubt_first(&mut self, key: u64) {
        let Some(life) = self.0.get_mut(&key) else { return };
        let doubted = life.events().map(|event| match event {
            Event::Created { at, is_known, .. } => Event::Created { at, again: true, is_known },
            end @ Event::Deleted { .. } => end,
        });
        *life = Life::Mixed(doubted.collect());
    }

    /// Forgets what there is of a key.
    pub(super) fn remove(&mut self, key: u64) {
        self.0.remove(&key);
    }

    pub(super) fn merge(&mut self, other: Lives) {
        if self.0.is_empty() {
            *self = other;
            return;
        }
        for (key, life) in other.0 {
            life.events().for_each(|event| self.add(key, event));
        }
    }

    /// All events, by key.
    pub(super) fn sorted(self) -> Vec<(u64, Event)> {
        let of_key = |(key, life): (u64, Life)| life.events().map(|event| (key, event)).collect::<Vec<_>>();
        let mut events: Vec<_> = self.0.into_iter().flat_map(of_key).collect();
        events.sort_unstable();
        events
    }

    /// Bytes taken, to within the allocator's rounding.
    pub(super) fn bytes(&self) -> usize {
        let mixed = self.0.values().map(|life| match life {
            Life::Created(_) => 0,
            Life::Mixed(events) => size_of_val(&**events),
        });
        self.0.capacity() * 8 / 7 * (size_of::<(u64, Life)>() + 1) + mixed.sum::<usize>()
    }
}
