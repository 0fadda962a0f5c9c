//! From an announcement to a line in the log.
//!
//! | state | next operation is recorded | another announcement | iteration ends | user is cut off |
//! |---|---|---|---|---|
//! | nothing announced | - | announced | - | - |
//! | announced | noted with its outcome | the script's mistake | the script's mistake | noted, of unknown fate |
//!
//! A deed is noted from its announcement, which comes before the operation's beginning, to the moment at which its reply
//! is recorded, which comes after its end: a span that is a little too wide accuses nobody. What happens inside a
//! transaction lasts from before the transaction's beginning (whose clock the server's `now()` shows) to behind its end,
//! and waits for that: see the table in `ledger`.

use std::cell::{Cell, RefCell};

use drivers::{http::HttpReply, pg};
use model::{
    ledger::{
        Fate,
        queue::{Span, Taking},
    },
    outcome::Outcome,
};

use super::{
    QueueBook,
    items::{Answer, Items},
};
use crate::{
    context::{Context, failure},
    engine::EvalError,
    ledger::{Decision, fate_of},
};

/// What an operation does to a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Deed {
    Push { key: u64, priority: u32, delay_ns: u64 },
    PushMany { keys: Vec<u64>, priority: u32, delay_ns: u64 },
    Take { asked: u32, taking: Taking },
    Complete { keys: Vec<u64> },
}

impl Deed {
    fn name(&self) -> &'static str {
        match self {
            Deed::Push { .. } | Deed::PushMany { .. } => "push",
            Deed::Take { taking: Taking::Pop, .. } => "pop",
            Deed::Take { .. } => "claim",
            Deed::Complete { .. } => "complete",
        }
    }

    /// What an acknowledgement is worth of an operation that counts its rows: one that changed nothing has not pushed or
    /// completed anything, and of one that changed fewer rows than it names items nobody knows which.
    fn fate_by_rows(&self, affected: u64) -> Fate {
        let items = match self {
            Deed::Take { .. } => return Fate::Acknowledged,
            Deed::Push { .. } => 1,
            Deed::PushMany { keys, .. } | Deed::Complete { keys } => keys.len() as u64,
        };
        match affected {
            0 => Fate::Conflict,
            some if some < items => Fate::Ambiguous,
            _ => Fate::Acknowledged,
        }
    }
}

#[derive(Debug)]
struct Announced {
    book: usize,
    began_ns: u64,
    deed: Deed,
}

/// A deed and what is known of it.
#[derive(Debug)]
pub(crate) struct Told {
    pub(super) book: usize,
    pub(super) deed: Deed,
    pub(super) fate: Fate,
    pub(super) items: Items,
}

/// What a virtual user has announced, and what its open transaction has done.
#[derive(Debug, Default)]
pub(crate) struct QueueDesk {
    announced: RefCell<Option<Announced>>,
    undecided: RefCell<Vec<Told>>,
    transaction_began_ns: Cell<u64>,
    /// Items that were made in this iteration.
    pub(crate) made: Cell<u64>,
}

/// The next operation of this virtual user is this deed.
///
/// # Errors
/// When something is announced already.
pub(crate) fn announce(c: &Context, book: &QueueBook, deed: Deed) -> Result<(), EvalError> {
    let mut announced = c.queues.announced.borrow_mut();
    if let Some(earlier) = announced.take() {
        return Err(failure(&format!(
            "`{}` was announced to a ledger, then `{}`, and no operation between them: announce each right before the \
             operation that does it",
            earlier.deed.name(),
            deed.name()
        )));
    }
    *announced = Some(Announced { book: book.index, began_ns: now_ns(c), deed });
    Ok(())
}

/// An operation on Postgres has ended.
pub(crate) fn heard_rows(c: &Context, reply: &pg::Reply) {
    if c.queues.announced.borrow().is_none() {
        return;
    }
    let in_transaction = c.session.get().is_some_and(pg::Session::in_transaction);
    c.queues.settle(c, fate_of(reply), Some(reply.affected), Answer::Rows(&reply.rows), in_transaction);
}

/// A request to an HTTP service has ended. One that completes tasks tells in `completed` how many there were.
pub(crate) fn heard_http(c: &Context, reply: &HttpReply) {
    let completes =
        c.queues.announced.borrow().as_ref().is_some_and(|it| matches!(it.deed, Deed::Complete { .. }));
    let completed = completes.then(|| serde_json::from_slice::<Completed>(&reply.body).ok()).flatten();
    let fate = match (Fate::from(reply.outcome), reply.fate_is_known()) {
        // A timeout without a status was never sent; 408 is a server's word, and no more than that.
        (Fate::Ambiguous, true) if reply.status.is_none() => Fate::Failed,
        (Fate::Failed, false) => Fate::Ambiguous,
        (fate, _) => fate,
    };
    c.queues.settle(c, fate, completed.map(|it| it.completed), Answer::Json(&reply.body), false);
}

/// What a service says of a completion, as far as it matters here.
#[derive(serde::Deserialize)]
struct Completed {
    completed: u64,
}

/// An operation on anything else has ended.
pub(crate) fn heard(c: &Context, outcome: Outcome, answer: Answer<'_>) {
    c.queues.settle(c, Fate::from(outcome), None, answer, false);
}

fn now_ns(c: &Context) -> u64 {
    c.core.wiring.findings.queues.now_ns()
}

impl QueueDesk {
    fn settle(
        &self,
        c: &Context,
        fate: Fate,
        affected: Option<u64>,
        answer: Answer<'_>,
        in_transaction: bool,
    ) {
        let Some(Announced { book, began_ns, deed }) = self.announced.take() else { return };
        let fate = match (fate, affected) {
            (Fate::Acknowledged, Some(affected)) => deed.fate_by_rows(affected),
            (fate, _) => fate,
        };
        let takes = matches!(deed, Deed::Take { .. }) && fate == Fate::Acknowledged;
        let items = if takes { Items::of(answer) } else { Items::default() };
        let told = Told { book, deed, fate, items };
        if in_transaction {
            self.undecided.borrow_mut().push(told);
        } else {
            note(c, &told, began_ns);
        }
    }

    /// A new iteration begins.
    pub(crate) fn begin_iteration(&self) {
        self.made.set(0);
    }

    /// An iteration, or a call, has come to its end.
    ///
    /// # Errors
    /// When something was announced and nothing followed.
    pub(crate) fn end_iteration(&self) -> Result<(), EvalError> {
        match self.announced.take() {
            None => Ok(()),
            Some(Announced { deed, .. }) => Err(failure(&format!(
                "`{}` was announced to a ledger, and no operation followed: announce it right before the operation that \
                 does it",
                deed.name()
            ))),
        }
    }

    /// An iteration has ended in an error; what was announced was never sent.
    pub(crate) fn forget(&self) {
        self.announced.take();
    }

    /// The virtual user is cut off: what was announced may be on its way.
    pub(crate) fn cut_off(&self, c: &Context) {
        self.settle(c, Fate::Ambiguous, None, Answer::Nothing, false);
    }

    /// A transaction is about to begin.
    pub(crate) fn transaction_begins(&self, c: &Context) {
        self.transaction_began_ns.set(now_ns(c));
    }

    /// A transaction has ended.
    pub(crate) fn decide(&self, c: &Context, decision: Decision) {
        for mut told in self.undecided.take() {
            told.fate = decision.of(told.fate);
            if told.fate != Fate::Acknowledged
                && let Deed::Take { asked, .. } = &mut told.deed
                && !told.items.keys.is_empty()
            {
                // It is known how many it has taken, if it has.
                *asked = u32::try_from(told.items.keys.len()).unwrap_or(u32::MAX);
            }
            note(c, &told, self.transaction_began_ns.get());
        }
    }
}

fn note(c: &Context, told: &Told, began_ns: u64) {
    let ended_ns = now_ns(c);
    // The stage's clock counts from elsewhere until the load begins.
    let run_began_ns = c.scenario.map(|_| ended_ns.saturating_sub(c.core.now_ns()));
    c.core.queues.borrow_mut().note(told, Span { began_ns, ended_ns }, run_began_ns);
}
