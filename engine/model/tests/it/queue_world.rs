//! A queue in a few lines, with operations that overlap in any way, and what its ledger was told of them.

use model::ledger::{
    Fate, QueueLedger,
    queue::{Span, Taking},
};

use crate::queue_oracle::{Deed, Oracle};

/// One random step: what to do, and three numbers to choose by.
pub(crate) type Step = (u8, u8, u8, u8);

const US: u64 = 1000;

/// What is wrong with the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    Nothing,
    /// Some items vanish when they are pushed.
    Drops,
    /// Some items are stored twice.
    Copies,
    /// Some takes give items and leave them free.
    Keeps,
    /// Delays are not heeded.
    Hastes,
    /// Items appear that nobody pushed.
    Invents,
    /// The last comes first.
    Reverses,
    /// What was completed stays.
    Forgets,
}

pub(crate) const FAULTS: [Fault; 7] = [
    Fault::Drops,
    Fault::Copies,
    Fault::Keeps,
    Fault::Hastes,
    Fault::Invents,
    Fault::Reverses,
    Fault::Forgets,
];

/// An item as the server holds it.
#[derive(Debug, Clone)]
struct Stored {
    key: u64,
    priority: u32,
    /// When it may be taken: after its delay, or after a lease.
    free_ns: u64,
    /// By which operation it is locked.
    locked_by: Option<u64>,
}

#[derive(Debug, Clone, PartialEq)]
enum Kind {
    Push { key: u64, priority: u32, delay_ns: u64 },
    Take { asked: usize, taking: Taking },
    Complete { keys: Vec<u64> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Sent,
    /// A take that has locked what it takes.
    Locked,
    Done,
    /// Rolled back.
    Undone,
}

/// An operation on its way.
#[derive(Debug, Clone)]
struct Op {
    number: u64,
    kind: Kind,
    began_ns: u64,
    stage: Stage,
    /// What it has taken.
    keys: Vec<u64>,
    /// How many it has completed.
    completed: usize,
    at_ns: u64,
}

/// The server, two logs of its ledger, and the oracle.
pub(crate) struct World {
    stored: Vec<Stored>,
    ops: Vec<Op>,
    /// Of unknown fate, and perhaps carried out later.
    zombies: Vec<Op>,
    claimed: Vec<u64>,
    logs: [QueueLedger; 2],
    oracle: Oracle,
    now_ns: u64,
    next: u64,
    fault: Fault,
    /// Every operation is carried out and answered.
    is_calm: bool,
}

impl World {
    pub(crate) fn new(fault: Fault, is_calm: bool) -> Self {
        let mut logs = [QueueLedger::new(), QueueLedger::new()];
        let mut oracle = Oracle::default();
        logs[1].prefilled(4, 2, 0);
        for key in 0..4 {
            let deed = Deed::Push { key, priority: (key % 2) as u32, delay_ns: 0 };
            oracle.tell(deed, Span { began_ns: 0, ended_ns: 0 }, Fate::Acknowledged);
        }
        // In the order in which they were filled in.
        let prefilled =
            (0..4).map(|key| Stored { key, priority: (key % 2) as u32, free_ns: 0, locked_by: None });
        World {
            stored: prefilled.collect(),
            ops: Vec::new(),
            zombies: Vec::new(),
            claimed: Vec::new(),
            logs,
            oracle,
            now_ns: 10 * US,
            next: 100,
            fault,
            is_calm,
        }
    }

    pub(crate) fn step(&mut self, (what, a, b, c): Step) {
        self.now_ns += u64::from(c % 4) * US;
        let chosen = usize::from(a) % self.ops.len().max(1);
        match what % 9 {
            0..=2 if self.ops.len() < 6 => self.begin(a, b, c),
            3..=5 if !self.ops.is_empty() => {
                let mut op = self.ops.swap_remove(chosen);
                self.advance(&mut op, b);
                self.ops.push(op);
            }
            6..=7 if !self.ops.is_empty() => self.end(chosen, b),
            8 if !self.zombies.is_empty() => {
                let mut op = self.zombies.swap_remove(usize::from(a) % self.zombies.len());
                self.advance(&mut op, b);
                self.zombies.push(op);
            }
            _ => {}
        }
    }

    fn begin(&mut self, a: u8, b: u8, c: u8) {
        self.next += 1;
        let asked = 1 + usize::from(c) % 3;
        let kind = match b % 8 {
            0..=3 => Kind::Push {
                // Sometimes one again that was pushed before.
                key: if a.is_multiple_of(16) { 100 + u64::from(c) % (self.next - 100) } else { self.next },
                priority: u32::from(c % 3),
                delay_ns: if a.is_multiple_of(3) { u64::from(a) * US / 4 } else { 0 },
            },
            4..=5 => Kind::Take { asked, taking: Taking::Pop },
            6 => Kind::Take { asked, taking: Taking::Claim { lease_ns: u64::from(a % 40) * US } },
            _ if self.claimed.is_empty() => return,
            _ => {
                let from = usize::from(a) % self.claimed.len();
                let keys = self.claimed.drain(from..(from + asked).min(self.claimed.len()));
                Kind::Complete { keys: keys.collect() }
            }
        };
        let op = Op {
            number: self.next,
            kind,
            began_ns: self.now_ns,
            stage: Stage::Sent,
            keys: Vec::new(),
            completed: 0,
            at_ns: 0,
        };
        self.ops.push(op);
    }

    /// The server comes on with an operation.
    fn advance(&mut self, op: &mut Op, b: u8) {
        let is_spoilt = b.is_multiple_of(4);
        match (op.stage, op.kind.clone()) {
            (Stage::Sent, Kind::Push { key, priority, delay_ns }) => {
                let is_hasty = is_spoilt && self.fault == Fault::Hastes;
                let free_ns = self.now_ns + if is_hasty { 0 } else { delay_ns };
                let copies = match self.fault {
                    Fault::Drops if is_spoilt => 0,
                    Fault::Copies if is_spoilt => 2,
                    _ => 1,
                };
                self.stored.extend((0..copies).map(|_| Stored { key, priority, free_ns, locked_by: None }));
                if is_spoilt && self.fault == Fault::Invents {
                    let key = 10_000 + op.number;
                    self.stored.push(Stored { key, priority, free_ns, locked_by: None });
                }
                op.stage = Stage::Done;
            }
            (Stage::Sent, Kind::Take { asked, .. }) => self.lock(op, asked),
            (Stage::Locked, Kind::Take { taking, .. }) => {
                let is_undone = b.is_multiple_of(5) && !self.is_calm;
                self.release(op, taking, is_undone, is_spoilt && self.fault == Fault::Keeps);
            }
            (Stage::Sent, Kind::Complete { keys }) => {
                for key in keys {
                    let found = self.stored.iter().position(|it| it.key == key && it.locked_by.is_none());
                    if let Some(found) = found {
                        op.completed += 1;
                        if self.fault != Fault::Forgets {
                            self.stored.remove(found);
                        }
                    }
                }
                op.stage = Stage::Done;
            }
            _ => {}
        }
    }

    fn lock(&mut self, op: &mut Op, asked: usize) {
        let is_free = |it: &Stored| it.locked_by.is_none() && it.free_ns <= self.now_ns;
        let mut free: Vec<usize> = (0..self.stored.len()).filter(|at| is_free(&self.stored[*at])).collect();
        free.sort_by_key(|at| self.stored[*at].priority);
        if self.fault == Fault::Reverses {
            free.reverse();
        }
        for at in free.into_iter().take(asked) {
            self.stored[at].locked_by = Some(op.number);
            op.keys.push(self.stored[at].key);
        }
        (op.stage, op.at_ns) = (Stage::Locked, self.now_ns);
    }

    fn release(&mut self, op: &mut Op, taking: Taking, is_undone: bool, is_kept: bool) {
        let is_own = |it: &Stored| it.locked_by == Some(op.number);
        if !is_undone && !is_kept {
            match taking {
                Taking::Pop => self.stored.retain(|it| !is_own(it)),
                Taking::Claim { lease_ns } => {
                    let own = self.stored.iter_mut().filter(|it| is_own(it));
                    own.for_each(|it| it.free_ns = op.at_ns + lease_ns);
                }
            }
        }
        self.stored.iter_mut().filter(|it| is_own(it)).for_each(|it| it.locked_by = None);
        op.stage = if is_undone { Stage::Undone } else { Stage::Done };
    }

    fn end(&mut self, chosen: usize, b: u8) {
        let mut op = self.ops.swap_remove(chosen);
        if self.is_calm {
            self.carry_out(&mut op, b);
        }
        let is_lost = b.is_multiple_of(6) && !self.is_calm;
        let fate = match (op.stage, &op.kind) {
            (Stage::Locked, _) => Fate::Ambiguous,
            _ if is_lost => Fate::Ambiguous,
            (Stage::Sent | Stage::Undone, _) => Fate::Failed,
            (Stage::Done, Kind::Take { .. }) if op.keys.is_empty() => Fate::Conflict,
            (Stage::Done, Kind::Complete { .. }) if op.completed == 0 => Fate::Conflict,
            (Stage::Done, Kind::Complete { keys }) if op.completed < keys.len() => Fate::Ambiguous,
            (Stage::Done, _) => Fate::Acknowledged,
        };
        self.tell(&op, fate);
        if fate == Fate::Ambiguous {
            self.zombies.push(op);
        }
    }

    fn carry_out(&mut self, op: &mut Op, b: u8) {
        while matches!(op.stage, Stage::Sent | Stage::Locked) {
            self.advance(op, b);
        }
    }

    fn tell(&mut self, op: &Op, fate: Fate) {
        let span = Span { began_ns: op.began_ns, ended_ns: self.now_ns };
        let log = &mut self.logs[(op.number % 2) as usize];
        match &op.kind {
            Kind::Push { key, priority, delay_ns } => {
                log.push(*key, *priority, *delay_ns, span, fate);
                let deed = Deed::Push { key: *key, priority: *priority, delay_ns: *delay_ns };
                self.oracle.tell(deed, span, fate);
            }
            Kind::Take { asked, taking } => {
                let keys = if fate == Fate::Acknowledged { op.keys.clone() } else { Vec::new() };
                log.take(&keys, 0, *asked as u32, *taking, span, fate);
                if fate == Fate::Acknowledged && *taking != Taking::Pop {
                    self.claimed.extend(&keys);
                }
                self.oracle.tell(Deed::Take { keys, asked: *asked as u64, taking: *taking }, span, fate);
            }
            Kind::Complete { keys } => {
                log.complete(keys, span, fate);
                self.oracle.tell(Deed::Complete { keys: keys.clone() }, span, fate);
            }
        }
    }

    /// Ends the history, and the end is read: the merged log, and the oracle.
    pub(crate) fn ended(mut self) -> (QueueLedger, Oracle) {
        while self.is_calm && !self.ops.is_empty() {
            self.end(0, 1);
        }
        for op in std::mem::take(&mut self.ops) {
            self.tell(&op, Fate::Ambiguous);
        }
        let [mut ledger, other] = self.logs;
        ledger.merge(other);
        for it in &self.stored {
            ledger.remains(Some(it.key));
            self.oracle.remaining.push(it.key);
        }
        ledger.all_told();
        (ledger, self.oracle)
    }
}
