//! What is noted of every operation on an object store whose ledger is kept.
//!
//! A store has one book, which all cores write in: what one core's read must find depends on what the others have put.
//! It is in parts, a key always in the same one, so that cores seldom meet; a part is held for as long as one entry
//! takes, about a microsecond (a listing: 25 ns a key). That is the one thing on the way of an operation that cores share, and only runs that
//! keep a ledger pay for it.
//!
//! Deliberately absent: the judgement itself (`model::ledger::store`), and reading the truth (`truth`).

mod claims;
mod truth;

use std::{
    array,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use drivers::s3::S3Config;
use model::ledger::{
    StoreLedger,
    store::{Flights, digest},
};

pub use truth::settle_stores;

/// Parts of a book.
const PARTS: usize = 16;

/// Deleted keys and replaced contents that a book remembers: 40 MB.
const REMEMBERED: usize = 1_000_000;

/// The books of a run. Names that mean one bucket of one store share a book.
#[derive(Debug, Default)]
pub(crate) struct StoreBooks(Mutex<Vec<Arc<StoreBook>>>);

impl StoreBooks {
    /// The book of a store that scripts call `name`, or do not call anything.
    pub(crate) fn of(&self, name: Option<&str>, config: &S3Config) -> Arc<StoreBook> {
        let mut books = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let name = name.unwrap_or("s3");
        if let Some(known) = books.iter().find(|book| book.is_about(config)) {
            known.also_called(name);
            return known.clone();
        }
        let made = Arc::new(StoreBook::new(name, config));
        books.push(made.clone());
        made
    }

    /// All that was noted so far; the books begin anew.
    pub(crate) fn take(&self) -> StoreLogs {
        let books = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let logs = books.iter().map(|book| book.take()).filter(|log| !log.ledger.is_empty());
        StoreLogs(logs.collect())
    }
}

/// What was noted of a run's stores.
#[derive(Debug, Default)]
pub struct StoreLogs(Vec<StoreLog>);

impl StoreLogs {
    /// Whether there is nothing to settle.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[derive(Debug)]
struct StoreLog {
    name: String,
    config: S3Config,
    ledger: StoreLedger,
}

/// One store's book.
#[derive(Debug)]
pub(crate) struct StoreBook {
    names: Mutex<Vec<String>>,
    config: S3Config,
    /// From when its times count.
    epoch: Instant,
    flights: Mutex<Flights>,
    parts: [Mutex<StoreLedger>; PARTS],
}

impl StoreBook {
    fn new(name: &str, config: &S3Config) -> Self {
        Self {
            names: Mutex::new(vec![name.to_owned()]),
            config: config.clone(),
            epoch: Instant::now(),
            flights: Mutex::default(),
            parts: array::from_fn(|_| Mutex::new(part())),
        }
    }

    fn is_about(&self, config: &S3Config) -> bool {
        self.config.endpoint().to_string() == config.endpoint().to_string()
            && self.config.bucket() == config.bucket()
    }

    fn also_called(&self, name: &str) {
        let mut names = lock(&self.names);
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }

    fn take(&self) -> StoreLog {
        let parts = self.parts.iter().map(|mine| std::mem::replace(&mut *lock(mine), part()));
        let ledger = parts.reduce(|mut all, one| {
            all.merge(one);
            all
        });
        StoreLog {
            name: lock(&self.names).join(", "),
            config: self.config.clone(),
            ledger: ledger.unwrap_or_default(),
        }
    }

    /// An operation is about to leave; its name among all of them.
    fn begin(&self) -> u64 {
        let mut flights = lock(&self.flights);
        flights.begin(self.now_ns())
    }

    /// An operation has ended: when, and when the oldest began that is on its way.
    fn stamp(&self) -> (u64, u64) {
        let mut flights = lock(&self.flights);
        (flights.stamp(self.now_ns()), flights.oldest_ns())
    }

    /// All was said of an operation.
    fn done(&self, began_ns: u64) {
        lock(&self.flights).done(began_ns);
    }

    fn now_ns(&self) -> u64 {
        u64::try_from(self.epoch.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn of_key(&self, key: &str) -> MutexGuard<'_, StoreLedger> {
        lock(&self.parts[part_of(key)])
    }
}

fn part() -> StoreLedger {
    StoreLedger::remembering(REMEMBERED / PARTS)
}

/// In which part of a book a key stands.
fn part_of(key: &str) -> usize {
    (digest(key.as_bytes()) % PARTS as u64) as usize
}

/// What somebody panicked over is as true as it was: entries are made whole.
fn lock<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}
