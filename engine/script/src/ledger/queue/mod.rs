//! What is noted of every push and take of a queue, so that the end of a run can prove that none was lost, doubled or
//! forged.
//!
//! A script announces what its next operation does (see `desk`); the operation's reply tells how that ended, and which
//! items came (see `items`). All logs of a run share one clock, which ticks before the load begins: set-up pushes too.
//!
//! Deliberately absent: the judgement itself (`model::ledger::queue`), and reading the end (`truth`).

mod desk;
mod items;
mod truth;

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use model::ledger::{QueueLedger, queue::Span};

pub(crate) use desk::{Deed, QueueDesk, announce, heard, heard_http, heard_rows};
pub(crate) use items::{Answer, Items, key_of};
pub use truth::settle_queues;

use desk::Told;

/// A queue of which a ledger is kept. All handles of one name share it.
#[derive(Debug)]
pub(crate) struct QueueBook {
    pub(crate) index: usize,
    pub(crate) name: String,
    promises_order: bool,
    /// The query for the keys of what remains.
    pub(crate) remaining: Option<String>,
}

/// The queues of a run, and the clock of their logs.
#[derive(Debug)]
pub(crate) struct QueueBooks {
    books: Mutex<Vec<Arc<QueueBook>>>,
    logs: Mutex<QueueLogs>,
    epoch: Instant,
    /// Items that were made outside of iterations.
    staged: AtomicU64,
}

impl Default for QueueBooks {
    fn default() -> Self {
        Self {
            books: Mutex::default(),
            logs: Mutex::default(),
            epoch: Instant::now(),
            staged: AtomicU64::new(0),
        }
    }
}

impl QueueBooks {
    /// The book of that name; nothing when it is known with other settings.
    pub(crate) fn of(
        &self,
        name: &str,
        promises_order: bool,
        remaining: Option<String>,
    ) -> Option<Arc<QueueBook>> {
        let mut books = self.books.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = books.iter().find(|book| book.name == name) {
            let is_same = known.promises_order == promises_order && known.remaining == remaining;
            return is_same.then(|| known.clone());
        }
        let made = QueueBook { index: books.len(), name: name.to_owned(), promises_order, remaining };
        books.push(Arc::new(made));
        books.last().cloned()
    }

    /// Nanoseconds on the clock of all logs.
    pub(crate) fn now_ns(&self) -> u64 {
        u64::try_from(self.epoch.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// The number of the next item that is made outside of iterations.
    pub(crate) fn next_staged(&self) -> u64 {
        self.staged.fetch_add(1, Ordering::Relaxed)
    }

    /// Adds the logs of a core.
    pub(crate) fn take_over(&self, logs: QueueLogs) {
        self.logs.lock().unwrap_or_else(PoisonError::into_inner).merge(logs);
    }

    /// All that was noted so far, with the queues it was noted of; the logs begin anew.
    pub(crate) fn take(&self) -> NotedQueues {
        let logs = std::mem::take(&mut *self.logs.lock().unwrap_or_else(PoisonError::into_inner));
        let books = self.books.lock().unwrap_or_else(PoisonError::into_inner);
        let noted = books.iter().cloned().zip(logs.logs).filter(|(_, ledger)| !ledger.is_empty());
        NotedQueues(noted.collect())
    }
}

/// What was noted of a run's queues.
#[derive(Debug, Default)]
pub struct NotedQueues(Vec<(Arc<QueueBook>, QueueLedger)>);

impl NotedQueues {
    /// Whether there is nothing to settle.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The logs of one core, or merged ones of several, by the queue's place among the books.
#[derive(Debug, Default)]
pub(crate) struct QueueLogs {
    logs: Vec<QueueLedger>,
}

impl QueueLogs {
    fn of(&mut self, index: usize) -> &mut QueueLedger {
        if index >= self.logs.len() {
            self.logs.resize_with(index + 1, QueueLedger::new);
        }
        &mut self.logs[index]
    }

    fn merge(&mut self, other: QueueLogs) {
        for (index, log) in other.logs.into_iter().enumerate() {
            self.of(index).merge(log);
        }
    }

    /// Items 0 to `count` - 1 are there from now on.
    pub(crate) fn prefilled(&mut self, book: &QueueBook, count: u64, priorities: u32, now_ns: u64) {
        self.of(book.index).prefilled(count, priorities, now_ns);
    }

    /// An item is still there at the end.
    pub(crate) fn remains(&mut self, book: &QueueBook, keys: &[u64], nameless: u64) {
        let log = self.of(book.index);
        keys.iter().for_each(|key| log.remains(Some(*key)));
        (0..nameless).for_each(|_| log.remains(None));
    }

    /// It was told in full what is still there.
    pub(crate) fn all_told(&mut self, book: &QueueBook) {
        self.of(book.index).all_told();
    }

    fn note(&mut self, told: &Told, span: Span, run_began_ns: Option<u64>) {
        let log = self.of(told.book);
        if let Some(at_ns) = run_began_ns {
            log.run_began(at_ns);
        }
        match &told.deed {
            Deed::Push { key, priority, delay_ns } => {
                log.push(*key, *priority, *delay_ns, span, told.fate);
            }
            Deed::PushMany { keys, priority, delay_ns } => {
                keys.iter().for_each(|key| log.push(*key, *priority, *delay_ns, span, told.fate));
            }
            Deed::Take { asked, taking } => {
                log.take(&told.items.keys, told.items.nameless, *asked, *taking, span, told.fate);
            }
            Deed::Complete { keys } => log.complete(keys, span, told.fate),
        }
    }
}
