//! A VU's view of the server: one set of operations over three ways to have a connection.
//!
//! | | connection | a statement costs |
//! |---|---|---|
//! | dedicated | the session's own, opened at first use | one write, one read |
//! | pipelined | shared with other VUs of the thread | a share of one write and one read |
//! | pooled | checked out for each operation | what an application pays |
//!
//! A session does one thing at a time. An operation whose future is dropped is cancelled; its connection is
//! given up where its state is not known.

use std::cell::Cell;
use std::rc::Rc;

use crate::Value;
use crate::pg::alarm::Alarm;
use crate::pg::copy::CopyTarget;
use crate::pg::errand::{Errand, Standing};
use crate::pg::error::PgError;
use crate::pg::home::Home;
use crate::pg::lean::own::Own;
use crate::pg::lean::pipelined::{Pipelines, Side};
use crate::pg::pooled::{Held, Pooled};
use crate::pg::reply::{Cost, Reply};
use crate::pg::rows::Description;
use crate::pg::statement::Statement;
use crate::pg::transaction::Transaction;

/// How a session comes by a connection.
pub(crate) enum Link {
    Dedicated(Own),
    Pipelined(Rc<Pipelines>, Side),
    Pooled(Rc<Pooled>, Box<Held>),
}

/// One VU's way to the server. Belongs to its thread.
pub struct Session {
    home: Rc<Home>,
    pub(crate) link: Link,
    alarm: Alarm,
    is_busy: Cell<bool>,
    pub(crate) transaction: Cell<Transaction>,
}

/// The turn of one operation; ends when it is done or dropped.
pub(crate) struct Turn<'a>(&'a Cell<bool>);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}

impl Session {
    pub(crate) fn new(home: &Rc<Home>, link: Link) -> Session {
        Session {
            home: Rc::clone(home),
            link,
            alarm: Alarm::default(),
            is_busy: Cell::new(false),
            transaction: Cell::new(Transaction::None),
        }
    }

    /// Runs a statement with its parameters `$1`, `$2`, … The reply says how it ended; this never fails
    /// otherwise.
    ///
    /// Inside a transaction it runs on the transaction's connection. A connection lost there is an `error`,
    /// not `ambiguous`: what was not committed is undone.
    pub async fn run(&self, statement: &Statement, params: &[Value]) -> Reply {
        match statement.refusal() {
            Some(reason) => refused(statement, reason),
            None => self.perform(statement, params, self.standing()).await,
        }
    }

    pub(crate) async fn perform(&self, statement: &Statement, params: &[Value], standing: Standing) -> Reply {
        let Some(_turn) = self.turn() else { return busy(statement) };
        self.carry_out(self.errand(standing), statement, params).await
    }

    /// The same for an operation that is under way already. The caller has the turn.
    pub(crate) async fn carry_out(
        &self,
        errand: Errand<'_>,
        statement: &Statement,
        params: &[Value],
    ) -> Reply {
        let standing = errand.standing;
        let reply = match &self.link {
            Link::Dedicated(own) => own.run(errand, statement, params).await,
            Link::Pipelined(pipelines, _) if standing == Standing::Alone => {
                pipelines.run(errand, statement, params).await
            }
            Link::Pipelined(_, side) => side.own.run(errand, statement, params).await,
            // Large, and paid for by this mode's users only.
            Link::Pooled(pooled, held) => Box::pin(pooled.run(errand, statement, params, held)).await,
        };
        if standing == Standing::InTransaction {
            self.note_transaction();
        }
        reply
    }

    /// Runs many statements in one text, without parameters, by the simple protocol. No rows come back;
    /// `affected` is the last statement's. A batch that leaves a transaction open is rolled back and refused.
    pub async fn batch(&self, sql: &str) -> Reply {
        let statement = Statement::of_transaction("batch", sql);
        if let Some(reason) = statement.refusal() {
            return refused(&statement, reason);
        }
        let Some(_turn) = self.turn() else { return busy(&statement) };
        let standing = self.standing();
        let mut errand = self.errand(standing);
        let reply = match &self.link {
            Link::Dedicated(own) => own.batch(errand, &statement).await,
            Link::Pipelined(pipelines, side) => match pipelines.seat(&mut errand, &statement, side).await {
                Ok(_seat) => side.own.batch(errand, &statement).await,
                Err(error) => errand.reply(&statement, Err(error)),
            },
            Link::Pooled(pooled, held) => Box::pin(pooled.batch(errand, &statement, held)).await,
        };
        if standing == Standing::InTransaction {
            self.note_transaction();
        }
        reply
    }

    /// Copies rows into a table in binary form; `affected` is their number. The iterator is asked as there
    /// is room, so the rows need not fit into memory. All or none of them arrive.
    pub async fn copy_in<R: AsRef<[Value]>>(
        &self,
        target: &CopyTarget,
        rows: impl IntoIterator<Item = R>,
    ) -> Reply {
        if let Some(reason) = target.sql.refusal() {
            return refused(&target.sql, reason);
        }
        let Some(_turn) = self.turn() else { return busy(&target.sql) };
        let standing = self.standing();
        let mut errand = self.errand(standing);
        let rows = rows.into_iter();
        let reply = match &self.link {
            Link::Dedicated(own) => own.copy_in(errand, target, rows).await,
            Link::Pipelined(pipelines, side) => match pipelines.seat(&mut errand, &target.sql, side).await {
                Ok(_seat) => side.own.copy_in(errand, target, rows).await,
                Err(error) => errand.reply(&target.sql, Err(error)),
            },
            Link::Pooled(pooled, held) => Box::pin(pooled.copy_in(errand, target, rows, held)).await,
        };
        if standing == Standing::InTransaction {
            self.note_transaction();
        }
        reply
    }

    /// What a statement takes and gives, without running it.
    pub async fn describe(&self, statement: &Statement) -> Result<Rc<Description>, Box<PgError>> {
        if let Some(reason) = statement.refusal() {
            return Err(refusal(statement, reason));
        }
        let Some(_turn) = self.turn() else { return Err(busy_error(statement)) };
        let standing = self.standing();
        let mut errand = self.errand(standing);
        match &self.link {
            Link::Dedicated(own) => own.describe(&mut errand, statement).await,
            Link::Pipelined(pipelines, _) if standing == Standing::Alone => {
                pipelines.describe(&mut errand, statement).await
            }
            Link::Pipelined(_, side) => side.own.describe(&mut errand, statement).await,
            Link::Pooled(pooled, held) => Box::pin(pooled.describe(&mut errand, statement, held)).await,
        }
    }

    pub(crate) fn standing(&self) -> Standing {
        match self.transaction.get() {
            Transaction::None => Standing::Alone,
            Transaction::Open | Transaction::Failed | Transaction::Lost => Standing::InTransaction,
        }
    }

    /// The right to do one operation; `None` while another is under way.
    pub(crate) fn turn(&self) -> Option<Turn<'_>> {
        (!self.is_busy.replace(true)).then_some(Turn(&self.is_busy))
    }

    pub(crate) fn errand(&self, standing: Standing) -> Errand<'_> {
        Errand::begin(&self.home, &self.alarm, standing)
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mode = match &self.link {
            Link::Dedicated(_) => "dedicated",
            Link::Pipelined(..) => "pipelined",
            Link::Pooled(..) => "pooled",
        };
        f.debug_struct("Session").field("mode", &mode).field("transaction", &self.transaction.get()).finish()
    }
}

fn busy_error(statement: &Statement) -> Box<PgError> {
    refusal(statement, "the session is busy with another operation: give each VU a session of its own")
}

pub(crate) fn busy(statement: &Statement) -> Reply {
    Reply::new(statement.rule(), Err(busy_error(statement)), Cost::default())
}

pub(crate) fn refused(statement: &Statement, reason: &str) -> Reply {
    Reply::new(statement.rule(), Err(refusal(statement, reason)), Cost::default())
}

fn refusal(statement: &Statement, reason: &str) -> Box<PgError> {
    Box::new(PgError::Refused { op: statement.shared_op(), reason: reason.to_owned() })
}
