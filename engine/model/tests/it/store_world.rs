//! An object store in a few lines, operations on it that overlap in any way, and what its ledger must say of them.

use std::collections::BTreeMap;

use model::{
    ledger::{
        Fate, StoreLedger,
        store::{Content, Flights, ListingCall, Seen},
    },
    runfile::LedgerRecord,
};

use crate::store_oracle::Oracle;

pub(crate) const KEYS: [&str; 6] = ["a/1", "a/2", "a/b/1", "a/b/2", "b/1", "c"];
const PREFIXES: [&str; 4] = ["", "a/", "a/b", "b/"];

/// One random step: what to do, and three numbers to choose by.
pub(crate) type Step = (u8, u8, u8, u8);

/// What is done to a key.
#[derive(Debug, Clone, PartialEq)]
enum Kind {
    Put { content: Content, if_absent: bool },
    Delete,
    Sweep,
    Get,
    Head,
    List { start_after: Option<&'static str>, delimiter: bool, limit: usize },
}

/// An operation on its way.
#[derive(Debug, Clone)]
struct Op {
    kind: Kind,
    /// The key, or the prefix.
    key: &'static str,
    began_ns: u64,
    stages: u8,
    /// What was found so far by key; for a put if absent whether it lost.
    found: BTreeMap<&'static str, Content>,
    has_lost: bool,
}

/// What is wrong with the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    Nothing,
    /// What is read and listed is made up.
    Lies,
    /// A put if absent is done whatever is there.
    NoCompare,
}

/// The store, its ledgers in two parts, and the oracle.
pub(crate) struct World {
    pub(crate) objects: BTreeMap<&'static str, Content>,
    flights: Flights,
    parts: [StoreLedger; 2],
    now_ns: u64,
    ops: Vec<Op>,
    /// Of unknown fate, and perhaps carried out later.
    zombies: Vec<Op>,
    pub(crate) oracle: Oracle,
    contents: u64,
    fault: Fault,
    /// What the oracle says must be found.
    pub(crate) expected: BTreeMap<&'static str, u64>,
}

impl World {
    /// Some objects are there before anything is known.
    pub(crate) fn new(fault: Fault) -> Self {
        let objects = [("a/2", content(901)), ("b/1", content(902))].into();
        World {
            objects,
            flights: Flights::default(),
            parts: [StoreLedger::default(), StoreLedger::default()],
            now_ns: 0,
            ops: Vec::new(),
            zombies: Vec::new(),
            oracle: Oracle::default(),
            contents: 0,
            fault,
            expected: BTreeMap::new(),
        }
    }

    pub(crate) fn step(&mut self, (what, a, b, c): Step) {
        self.now_ns += u64::from(c % 3);
        let chosen = usize::from(a) % self.ops.len().max(1);
        match what % 8 {
            0..=2 if self.ops.len() < 6 => self.begin(a, b, c),
            3..=4 if !self.ops.is_empty() => advance(&mut self.ops[chosen], &mut self.objects, self.fault),
            5..=6 if !self.ops.is_empty() => self.end(chosen, b, c),
            7 if !self.zombies.is_empty() => {
                let zombie = usize::from(a) % self.zombies.len();
                advance(&mut self.zombies[zombie], &mut self.objects, self.fault);
            }
            _ => {}
        }
    }

    fn begin(&mut self, a: u8, b: u8, c: u8) {
        let key = KEYS[usize::from(a) % KEYS.len()];
        let prefix = PREFIXES[usize::from(a) % PREFIXES.len()];
        self.contents += 1;
        let put = |if_absent| Kind::Put { content: content(self.contents), if_absent };
        let (kind, key) = match b % 12 {
            0..=2 => (put(false), key),
            3 => (put(true), key),
            4 => (Kind::Delete, key),
            5 => (Kind::Sweep, prefix),
            6..=7 => (Kind::Get, key),
            8 => (Kind::Head, key),
            _ => {
                let start_after = (c.is_multiple_of(4)).then(|| KEYS[usize::from(c / 4) % KEYS.len()]);
                let limit = if c.is_multiple_of(5) { 1 + usize::from(c / 5) % 3 } else { usize::MAX };
                (Kind::List { start_after, delimiter: c.is_multiple_of(3), limit }, prefix)
            }
        };
        let began_ns = self.flights.begin(self.now_ns);
        match kind {
            Kind::Put { content, if_absent } => {
                self.part(key).put(key, content, if_absent, began_ns);
                self.oracle.put(key, content, if_absent, began_ns);
            }
            Kind::Delete => {
                self.part(key).delete(key, began_ns);
                self.oracle.delete(key, began_ns);
            }
            Kind::Sweep => {
                self.parts.iter_mut().for_each(|part| part.sweep(key, began_ns));
                self.oracle.sweep(key, began_ns);
            }
            _ => {}
        }
        let op = Op { kind, key, began_ns, stages: 0, found: BTreeMap::new(), has_lost: false };
        self.ops.push(op);
    }

    fn part(&mut self, key: &str) -> &mut StoreLedger {
        &mut self.parts[part_of(key)]
    }

    fn end(&mut self, chosen: usize, b: u8, c: u8) {
        let op = self.ops.swap_remove(chosen);
        match op.kind {
            Kind::Get | Kind::Head if op.stages > 0 => self.end_read(&op, b),
            Kind::List { .. } if op.stages > 1 => self.end_listing(&op, b, c),
            // Its reply was lost.
            Kind::Get | Kind::Head | Kind::List { .. } => {}
            _ => self.end_change(&op, b),
        }
        self.flights.done(op.began_ns);
    }

    fn end_change(&mut self, op: &Op, b: u8) {
        let is_done = op.stages >= if op.kind == Kind::Sweep { 2 } else { 1 };
        let fate = match (is_done, b % 5) {
            (true, 0) | (false, 0..=1) => Fate::Ambiguous,
            (true, _) if op.has_lost => Fate::Conflict,
            (true, _) => Fate::Acknowledged,
            // Some of it may have been done.
            (false, _) if op.stages > 0 => Fate::Ambiguous,
            (false, _) => Fate::Failed,
        };
        let ended_ns = self.flights.stamp(self.now_ns);
        let oldest_ns = self.flights.oldest_ns();
        let Op { key, began_ns, .. } = *op;
        if op.kind == Kind::Sweep {
            self.parts.iter_mut().for_each(|part| part.swept(key, began_ns, fate, ended_ns, oldest_ns));
        } else {
            self.part(key).settle(key, began_ns, fate, ended_ns, oldest_ns);
        }
        self.oracle.end(began_ns, fate, ended_ns);
        if fate == Fate::Acknowledged
            && matches!(op.kind, Kind::Put { if_absent: true, .. })
            && self.oracle.cannot_win(key, began_ns)
        {
            *self.expected.entry("duplicate_wins").or_default() += 1;
        }
        // Who has given up lists no more.
        if fate == Fate::Ambiguous && (op.kind != Kind::Sweep || op.stages > 0) {
            self.zombies.push(op.clone());
        }
    }

    fn end_read(&mut self, op: &Op, b: u8) {
        let found = if self.fault == Fault::Lies { self.made_up(b) } else { op.found.get(op.key).copied() };
        let seen = match (found, &op.kind) {
            (None, _) => Seen::Absent,
            (Some(content), Kind::Head) => Seen::Sized(content.size_bytes),
            (Some(content), _) => Seen::Whole(content),
        };
        self.part(op.key).read(op.key, "get", seen, op.began_ns);
        if self.oracle.allows(op.key, found, op.began_ns) {
            return;
        }
        let wrong = match found {
            None => "missing_reads",
            Some(_) if !self.oracle.allows_any(op.key, op.began_ns) => "deleted_seen",
            Some(_) => "stale_or_corrupted",
        };
        *self.expected.entry(wrong).or_default() += 1;
    }

    /// Nothing, what was put at some time, or what never was.
    fn made_up(&self, b: u8) -> Option<Content> {
        let number = u64::from(b) % (self.contents + 3);
        (!b.is_multiple_of(3) && number > 0).then(|| content(number))
    }

    fn end_listing(&mut self, op: &Op, b: u8, c: u8) {
        let Kind::List { start_after, delimiter, limit } = op.kind else { return };
        let mut found = op.found.clone();
        if self.fault == Fault::Lies {
            let there: Vec<_> = found.keys().copied().collect();
            let changed = KEYS[usize::from(b) % KEYS.len()];
            match self.made_up(c).filter(|_| changed.starts_with(op.key)) {
                Some(content) => drop(found.insert(changed, content)),
                None if there.is_empty() => {}
                None => drop(found.remove(there[usize::from(b) % there.len()])),
            }
        }
        let reply = Reply::of(&found, op.key, start_after, delimiter, limit);
        let call = ListingCall {
            prefix: op.key,
            start_after,
            delimiter: delimiter.then_some("/"),
            common_prefixes: &reply.parts,
            until: reply.until,
            began_ns: op.began_ns,
        };
        for (number, part) in self.parts.iter_mut().enumerate() {
            let own: Vec<_> = reply.keys.iter().copied().filter(|(key, _)| part_of(key) == number).collect();
            part.listed(&call, &own);
        }
        self.parts[0].count_listing();
        self.expect_of_listing(op, &reply, start_after, delimiter);
    }

    fn expect_of_listing(&mut self, op: &Op, reply: &Reply, start_after: Option<&str>, delimiter: bool) {
        for key in KEYS.into_iter().filter(|key| key.starts_with(op.key)) {
            let part = part_under(key, op.key).filter(|_| delimiter);
            let is_behind = start_after.is_none_or(|start| key > start);
            let is_cut = part.is_some_and(|part| start_after.is_some_and(|start| start.starts_with(part)));
            let is_reached = reply.until.is_none_or(|until| part.unwrap_or(key) <= until);
            if !is_behind || is_cut || !is_reached {
                continue;
            }
            let size_bytes = reply.keys.iter().find(|(listed, _)| *listed == key).map(|(_, size)| *size);
            let is_listed = part.map_or(size_bytes.is_some(), |part| reply.parts.contains(&part));
            let wrong = match size_bytes {
                _ if !is_listed && !self.oracle.allows(key, None, op.began_ns) => "missing_in_list",
                Some(_) if !self.oracle.allows_any(key, op.began_ns) => "deleted_seen",
                Some(size) if !self.oracle.allows_size(key, size, op.began_ns) => "stale_in_list",
                _ => continue,
            };
            *self.expected.entry(wrong).or_default() += 1;
        }
    }

    /// Ends the history; the server holds `objects`. Gives what the merged ledgers found.
    pub(crate) fn judged(self, objects: &BTreeMap<&'static str, Content>) -> LedgerRecord {
        let [mut ledger, other] = self.parts;
        ledger.merge(other);
        let mut judge = ledger.judge();
        for prefix in judge.prefixes() {
            let listed: Vec<_> = objects
                .iter()
                .filter(|(key, _)| key.starts_with(&prefix))
                .map(|(key, content)| (*key, content.size_bytes))
                .collect();
            // In two pieces.
            let (first, second) = listed.split_at(listed.len() / 2);
            let until = first.last().map(|(key, _)| *key);
            if until.is_some() {
                judge.listed(&ListingCall { prefix: &prefix, until, ..ListingCall::default() }, first);
            }
            judge.listed(
                &ListingCall { prefix: &prefix, start_after: until, ..ListingCall::default() },
                second,
            );
        }
        let mut keys = judge.take_doubts();
        keys.extend(judge.sample(100, 7));
        keys.sort();
        keys.dedup();
        for key in keys {
            judge.read(&key, objects.get(&*key).map_or(Seen::Absent, |content| Seen::Whole(*content)));
        }
        judge.record("store")
    }
}

/// What a store answers a listing.
struct Reply {
    keys: Vec<(&'static str, u64)>,
    parts: Vec<&'static str>,
    until: Option<&'static str>,
}

impl Reply {
    fn of(
        found: &BTreeMap<&'static str, Content>,
        prefix: &str,
        start_after: Option<&str>,
        delimiter: bool,
        limit: usize,
    ) -> Self {
        let mut reply = Reply { keys: Vec::new(), parts: Vec::new(), until: None };
        let behind = found
            .iter()
            .filter(|(key, _)| key.starts_with(prefix) && start_after.is_none_or(|start| **key > start));
        let mut last = None;
        for (key, content) in behind {
            let part = part_under(key, prefix).filter(|_| delimiter);
            if part.is_some() && reply.parts.last() == part.as_ref() {
                continue;
            }
            if reply.keys.len() + reply.parts.len() == limit {
                reply.until = last;
                break;
            }
            match part {
                Some(part) => reply.parts.push(part),
                None => reply.keys.push((key, content.size_bytes)),
            }
            last = part.or(Some(key));
        }
        reply
    }
}

/// The part of a key up to the `/` behind the prefix.
fn part_under<'a>(key: &'a str, prefix: &str) -> Option<&'a str> {
    key[prefix.len()..].find('/').map(|at| &key[..=prefix.len() + at])
}

/// The server comes on with an operation.
fn advance(op: &mut Op, objects: &mut BTreeMap<&'static str, Content>, fault: Fault) {
    op.stages += 1;
    let Op { key, stages, .. } = *op;
    match (&op.kind, stages) {
        (Kind::Put { if_absent: true, .. }, 1) if fault != Fault::NoCompare && objects.contains_key(key) => {
            op.has_lost = true;
        }
        (Kind::Put { content, .. }, 1) => drop(objects.insert(key, *content)),
        (Kind::Delete, 1) => drop(objects.remove(key)),
        (Kind::Get | Kind::Head, 1) => {
            op.found.extend(objects.get_key_value(key).map(|(key, content)| (*key, *content)));
        }
        // A page at a time, and neither sees both at once.
        (Kind::List { .. }, 1 | 2) => {
            let is_on_page = |it: &str| it.starts_with(key) && (it < "a/b") == (stages == 1);
            op.found.extend(objects.iter().filter(|(it, _)| is_on_page(it)));
        }
        (Kind::Sweep, 1) => op.found.extend(objects.iter().filter(|(it, _)| it.starts_with(key))),
        (Kind::Sweep, 2) => objects.retain(|it, _| !op.found.contains_key(it)),
        _ => {}
    }
}

/// A content of its own, and of a size of its own.
pub(crate) fn content(number: u64) -> Content {
    Content { size_bytes: 1_000 + number, digest: number }
}

fn part_of(key: &str) -> usize {
    key.len() % 2
}
