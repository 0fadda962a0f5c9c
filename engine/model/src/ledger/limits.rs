//! Where a key's lives begin and end, and the ways in which that can be read.

/// Readings of one key that are tried.
const READINGS_AT_MOST: usize = 4_096;

/// Beginnings and ends, known ones and possible ones.
#[derive(Debug, Default)]
pub(super) struct Limits {
    pub(super) begins: Vec<u64>,
    pub(super) ends: Vec<u64>,
    /// Deletions that compared nothing: ends without a number.
    pub(super) open_ends: u64,
    pub(super) may_be_preloaded: bool,
    pub(super) possible: Vec<Possible>,
}

/// Attempts at the same change whose fate nobody knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Possible {
    change: Change,
    count: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    Begin(u64),
    End(Option<u64>),
}

/// One way to see it: how many of each possible change were applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) applied: Vec<u64>,
    pub(super) is_preloaded: bool,
}

/// What there is too much of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Surplus {
    Begins(u64),
    Ends(u64),
}

impl Limits {
    pub(super) fn add_possible(&mut self, change: Change) {
        match self.possible.iter_mut().find(|known| known.change == change) {
            Some(known) => known.count += 1,
            None => self.possible.push(Possible { change, count: 1 }),
        }
    }

    /// Known beginnings less known ends.
    fn balance(&self) -> i64 {
        self.begins.len() as i64 - self.ends.len() as i64 - self.open_ends as i64
    }

    /// A reading in which beginnings and ends match, applying as little as that takes.
    pub(super) fn first_reading(&self) -> Result<Reading, Surplus> {
        let mut balance = self.balance();
        let mut applied = vec![0; self.possible.len()];
        for (possible, applied) in self.possible.iter().zip(&mut applied) {
            *applied = match possible.change {
                Change::Begin(_) if balance < 0 => possible.count.min(balance.unsigned_abs()),
                Change::End(_) if balance > 0 => possible.count.min(balance.unsigned_abs()),
                _ => 0,
            };
            let change = *applied as i64;
            balance += if matches!(possible.change, Change::Begin(_)) { change } else { -change };
        }
        match balance {
            0 => Ok(Reading { applied, is_preloaded: false }),
            -1 if self.may_be_preloaded => Ok(Reading { applied, is_preloaded: true }),
            1.. => Err(Surplus::Begins(balance.unsigned_abs())),
            _ => Err(Surplus::Ends(balance.unsigned_abs() - u64::from(self.may_be_preloaded))),
        }
    }

    /// All readings in which beginnings and ends match, up to a limit.
    pub(super) fn readings(&self) -> impl Iterator<Item = Reading> {
        let mut next = Some(vec![0; self.possible.len()]);
        let all = std::iter::from_fn(move || {
            let this = next.take()?;
            let mut following = this.clone();
            let more = following.iter_mut().zip(&self.possible).any(|(digit, possible)| {
                *digit = if *digit < possible.count { *digit + 1 } else { 0 };
                *digit > 0
            });
            next = more.then_some(following);
            Some(this)
        });
        all.take(READINGS_AT_MOST).filter_map(|applied| {
            let change = |(possible, applied): (&Possible, &u64)| match possible.change {
                Change::Begin(_) => *applied as i64,
                Change::End(_) => -(*applied as i64),
            };
            let balance = self.balance() + self.possible.iter().zip(&applied).map(change).sum::<i64>();
            let is_preloaded = balance == -1 && self.may_be_preloaded;
            (balance == 0 || is_preloaded).then_some(Reading { applied, is_preloaded })
        })
    }

    /// Where lives begin (+1) and end (-1), in order, and how many ends have no number.
    pub(super) fn edges(&self, reading: &Reading, start: u64) -> (Vec<(u64, i64)>, u64) {
        let mut open_ends = self.open_ends;
        // A row below the start of its preloaded key has lost nothing that this ledger saw.
        let end = |at: u64| if reading.is_preloaded { at.max(start) } else { at };
        let mut edges: Vec<(u64, i64)> = self.begins.iter().map(|at| (*at, 1)).collect();
        edges.extend(reading.is_preloaded.then_some((start, 1)));
        edges.extend(self.ends.iter().map(|at| (end(*at), -1)));
        for (possible, &applied) in self.possible.iter().zip(&reading.applied) {
            match possible.change {
                Change::Begin(at) => edges.extend((0..applied).map(|_| (at, 1))),
                Change::End(Some(at)) => edges.extend((0..applied).map(|_| (end(at), -1))),
                Change::End(None) => open_ends += applied,
            }
        }
        edges.sort_unstable_by_key(|edge| edge.0);
        (edges, open_ends)
    }
}
