//! What is noted of every compare-and-swap, insert and deletion, so that the end of a run can prove that no step was
//! lost, doubled or forked.
//!
//! An attempt is opened before its request leaves and settled by its reply; one that is never settled (its user was
//! cut off) counts as ambiguous. What happens inside a transaction waits for the transaction's own end:
//!
//! | the operation said | committed | rolled back | nobody knows |
//! |---|---|---|---|
//! | acknowledged | acknowledged | failed | ambiguous |
//! | anything else | the same | the same | the same |
//!
//! Deliberately absent: the judgement itself (`model::ledger`), and reading the truth (`truth`).

mod key;
pub(crate) mod queue;
pub(crate) mod store;
mod truth;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use drivers::Value;
use model::{
    ledger::{CasLedger, Fate},
    outcome::Outcome,
};

use crate::{
    context::{Context, failure},
    engine::EvalError,
};
use key::Key;
pub use queue::{NotedQueues, settle_queues};
pub use store::{StoreLogs, settle_stores};
pub use truth::settle;

/// Which table a ledger is about. All handles of one table share a book, wherever they were made.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CasBook {
    index: usize,
    name: String,
    table: String,
    keys: Vec<String>,
    version: String,
}

/// The books of a run.
#[derive(Debug, Default)]
pub(crate) struct Books(Mutex<Vec<Arc<CasBook>>>);

impl Books {
    /// The book of a table; the first handle gives it its name.
    pub(crate) fn of(&self, name: &str, table: &str, keys: &[String], version: &str) -> Arc<CasBook> {
        let mut books = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known =
            books.iter().find(|book| book.table == table && book.keys == keys && book.version == version);
        if let Some(known) = known {
            return known.clone();
        }
        let made = Arc::new(CasBook {
            index: books.len(),
            name: name.to_owned(),
            table: table.to_owned(),
            keys: keys.to_vec(),
            version: version.to_owned(),
        });
        books.push(made.clone());
        made
    }
}

/// What was noted for one book.
#[derive(Debug)]
struct Log {
    book: Arc<CasBook>,
    ledger: CasLedger,
    /// Whether a key was ever given as text that is no number.
    has_texts: bool,
}

/// The logs of one core, or merged ones of several, by ledger.
#[derive(Debug, Default)]
pub struct CasLogs(BTreeMap<usize, Log>);

impl CasLogs {
    /// Adds the logs of another core.
    pub(crate) fn merge(&mut self, other: CasLogs) {
        for (index, log) in other.0 {
            let mine = self.of(index, &log.book);
            mine.ledger.merge(log.ledger);
            mine.has_texts |= log.has_texts;
        }
    }

    /// Whether there is nothing to settle.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn of(&mut self, index: usize, book: &Arc<CasBook>) -> &mut Log {
        self.0.entry(index).or_insert_with(|| Log {
            book: book.clone(),
            ledger: CasLedger::new(),
            has_texts: false,
        })
    }

    fn note(&mut self, attempt: &Attempt) {
        let log = self.of(attempt.book.index, &attempt.book);
        let (key, fate) = (attempt.key.number, attempt.fate);
        match attempt.deed {
            Deed::Step(step) => log.ledger.record(key, step, fate),
            Deed::Insert(at) => log.ledger.created(key, at, fate),
            Deed::Delete(at) => log.ledger.deleted(key, at, fate),
        }
        log.has_texts |= attempt.key.is_text;
    }
}

/// What is attempted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    /// The version counts up from this one.
    Step(u64),
    /// A row begins at this version.
    Insert(u64),
    /// A row goes: at this version only, or at any.
    Delete(Option<u64>),
}

/// One deed, and what is known of it.
#[derive(Debug)]
pub(crate) struct Attempt {
    book: Arc<CasBook>,
    key: Key,
    deed: Deed,
    fate: Fate,
}

/// An attempt whose request is about to leave.
pub(crate) struct CasClaim<'c> {
    context: &'c Context,
    attempt: Option<Attempt>,
    in_transaction: bool,
}

impl<'c> CasClaim<'c> {
    /// # Errors
    /// A key that cannot be compared with what the server will say of it.
    pub(crate) fn open(
        context: &'c Context,
        book: Option<&Arc<CasBook>>,
        key: &[Value],
        deed: Deed,
        in_transaction: bool,
    ) -> Result<Self, EvalError> {
        let attempt = book.map(|book| {
            let key = Key::of(key).map_err(|kind| {
                failure(&format!(
                    "the ledger of `{}` cannot tell keys of kind {kind} apart: use int, text, uuid, bool or numeric, \
                     or leave `ledger` out",
                    book.name
                ))
            })?;
            Ok::<_, EvalError>(Attempt { book: book.clone(), key, deed, fate: Fate::Ambiguous })
        });
        Ok(Self { context, attempt: attempt.transpose()?, in_transaction })
    }

    /// The reply is here, or that there will be none.
    pub(crate) fn settle(mut self, reply: &drivers::pg::Reply) {
        if let Some(attempt) = &mut self.attempt {
            attempt.fate = fate_of(reply);
        }
    }
}

impl Drop for CasClaim<'_> {
    fn drop(&mut self) {
        let Some(attempt) = self.attempt.take() else { return };
        if self.in_transaction {
            self.context.undecided.borrow_mut().push(attempt);
        } else {
            self.context.core.ledgers.borrow_mut().note(&attempt);
        }
    }
}

/// What a reply says about the fate of what was asked. A time-out that was never sent is known to have done nothing, and
/// what came back unreadable may have been done.
pub(crate) fn fate_of(reply: &drivers::pg::Reply) -> Fate {
    match (Fate::from(reply.outcome), reply.fate_is_known()) {
        (Fate::Ambiguous, true) => Fate::Failed,
        (Fate::Failed, false) => Fate::Ambiguous,
        (fate, _) => fate,
    }
}

/// How a transaction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    Committed,
    RolledBack,
    Unknown,
}

impl Decision {
    /// What the reply to a COMMIT means.
    pub(crate) fn of_commit(outcome: Outcome) -> Self {
        match Fate::from(outcome) {
            Fate::Acknowledged => Self::Committed,
            Fate::Ambiguous => Self::Unknown,
            Fate::Conflict | Fate::Failed => Self::RolledBack,
        }
    }

    fn of(self, fate: Fate) -> Fate {
        match (fate, self) {
            (Fate::Acknowledged, Self::RolledBack) => Fate::Failed,
            (Fate::Acknowledged, Self::Unknown) => Fate::Ambiguous,
            (fate, _) => fate,
        }
    }
}

/// A transaction under way. Its deeds are noted when it ends; if it is dropped before, nobody knows.
pub(crate) struct Undecided<'c>(&'c Context);

impl<'c> Undecided<'c> {
    pub(crate) fn begin(context: &'c Context) -> Self {
        Self(context)
    }

    pub(crate) fn end(self, decision: Decision) {
        self.decide(decision);
    }

    fn decide(&self, decision: Decision) {
        for mut attempt in self.0.undecided.take() {
            attempt.fate = decision.of(attempt.fate);
            self.0.core.ledgers.borrow_mut().note(&attempt);
        }
        self.0.queues.decide(self.0, decision);
        // The last change first, so that what is left is what was before the first.
        self.0.touched.take().into_iter().rev().for_each(|touched| touched.decide(decision));
    }
}

impl Drop for Undecided<'_> {
    fn drop(&mut self) {
        self.decide(Decision::Unknown);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_swap_said_is_worth_what_its_transaction_is_worth() {
        let committed = Decision::of_commit(Outcome::Ok);
        let undone = Decision::of_commit(Outcome::Conflict);
        let lost = Decision::of_commit(Outcome::Ambiguous);
        assert_eq!((committed, undone, lost), (Decision::Committed, Decision::RolledBack, Decision::Unknown));
        assert_eq!(committed.of(Fate::Acknowledged), Fate::Acknowledged);
        assert_eq!(undone.of(Fate::Acknowledged), Fate::Failed);
        assert_eq!(lost.of(Fate::Acknowledged), Fate::Ambiguous);
        assert_eq!(undone.of(Fate::Conflict), Fate::Conflict);
    }

    #[test]
    fn handles_of_one_table_share_a_book() {
        let books = Books::default();
        let key = ["id".to_owned()];
        let one = books.of("head", "heads", &key, "seq");
        assert!(Arc::ptr_eq(&one, &books.of("other name", "heads", &key, "seq")));
        assert!(!Arc::ptr_eq(&one, &books.of("head", "tails", &key, "seq")));
        assert_eq!(one.name, "head");
    }
}
