//! What scripts on all cores tell the runner beside figures: complaints, an abort, ledgers' logs, traces.

use std::sync::{
    Mutex, OnceLock, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use model::trace::Traces;

use crate::{
    diagnostic::Diagnostic,
    ledger::{Books, CasLogs, NotedQueues, StoreLogs, queue::QueueBooks, store::StoreBooks},
};

/// Distinct complaints that are kept in full; the recorder counts all of them.
const COMPLAINTS_AT_MOST: usize = 20;

/// What happens in scripts and matters to the verdict. Shared by all cores.
#[derive(Debug, Default)]
pub struct Findings {
    pub(crate) script_errors: AtomicU64,
    pub(crate) aborted: OnceLock<String>,
    complaints: Mutex<Vec<Diagnostic>>,
    progress: Mutex<Option<(String, u64, u64)>>,
    ledgers: Mutex<CasLogs>,
    traces: Mutex<Traces>,
    /// Which tables keep a ledger.
    pub(crate) books: Books,
    /// Which object stores do, and what was noted of them.
    pub(crate) stores: StoreBooks,
    /// Which queues do, and what was noted of them.
    pub(crate) queues: QueueBooks,
}

impl Findings {
    /// Iterations that ended in an error of the script itself, not of a server and not by `fail(…)`.
    #[must_use]
    pub fn script_errors(&self) -> u64 {
        self.script_errors.load(Ordering::Relaxed)
    }

    /// The message of the first `abort(…)`.
    #[must_use]
    pub fn aborted(&self) -> Option<&str> {
        self.aborted.get().map(String::as_str)
    }

    /// The first complaints of each kind that iterations ended with, with their places.
    #[must_use]
    pub fn complaints(&self) -> Vec<Diagnostic> {
        self.complaints.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How far something long has come that a script waits for, filling a table for one: what it is, how much of it is
    /// done, and how much there is. `None` while there is no such thing.
    #[must_use]
    pub fn progress(&self) -> Option<(String, u64, u64)> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The CAS ledgers' logs that the cores have handed over so far; the caller owns them now.
    #[must_use]
    pub fn take_ledgers(&self) -> CasLogs {
        std::mem::take(&mut self.ledgers.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What was noted of the object stores that keep a ledger, by all cores; the caller owns it now.
    #[must_use]
    pub fn take_store_ledgers(&self) -> StoreLogs {
        self.stores.take()
    }

    /// What was noted of the queues that keep a ledger, by the cores that have handed it over; the caller owns it now.
    #[must_use]
    pub fn take_queue_ledgers(&self) -> NotedQueues {
        self.queues.take()
    }

    /// The traces that the cores have handed over so far, numbered; the caller owns them now.
    #[must_use]
    pub fn take_traces(&self) -> Traces {
        let mut traces = std::mem::take(&mut *self.traces.lock().unwrap_or_else(PoisonError::into_inner));
        traces.number();
        traces
    }

    /// Says how far `what` has come; at its end there is nothing more to say.
    pub(crate) fn set_progress(&self, what: &str, done: u64, total: u64) {
        let progress = (done < total).then(|| (what.to_owned(), done, total));
        *self.progress.lock().unwrap_or_else(PoisonError::into_inner) = progress;
    }

    pub(crate) fn keep(&self, complaint: Diagnostic) {
        let mut complaints = self.complaints.lock().unwrap_or_else(PoisonError::into_inner);
        if complaints.len() < COMPLAINTS_AT_MOST && !complaints.contains(&complaint) {
            complaints.push(complaint);
        }
    }

    pub(crate) fn take_over_traces(&self, traces: Traces) {
        self.traces.lock().unwrap_or_else(PoisonError::into_inner).merge(traces);
    }

    pub(crate) fn take_over(&self, logs: CasLogs) {
        self.ledgers.lock().unwrap_or_else(PoisonError::into_inner).merge(logs);
    }
}
