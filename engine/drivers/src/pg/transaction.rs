//! Transactions of several statements on one connection.
//!
//! | state | `run` | `commit` | `rollback` |
//! |---|---|---|---|
//! | `None` | on its own | refused | ok, nothing to do |
//! | `Open` | inside; an error of the server → `Failed`, the connection lost → `Lost` | → `None` | → `None` |
//! | `Failed` | the server refuses (25P02), except ROLLBACK TO → `Open` | rolls back, `rolled_back` → `None` | → `None` |
//! | `Lost` | error (`connection_gone`) | `rolled_back` → `None` | ok → `None` |

use std::sync::LazyLock;

use crate::pg::errand::Standing;
use crate::pg::error::PgError;
use crate::pg::lean::pipelined::Seat;
use crate::pg::lean::wire::{FAILED, IDLE};
use crate::pg::reply::{Answer, Cost, Reply};
use crate::pg::session::{Link, Session, busy, refused};
use crate::pg::statement::Statement;

/// Where a session stands with its transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transaction {
    None,
    Open,
    Failed,
    Lost,
}

/// What a transaction may see of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Isolation {
    /// What the server is configured for, which is mostly read committed.
    #[default]
    Default,
    /// Each statement sees what was committed before it.
    ReadCommitted,
    /// All statements see the same.
    RepeatableRead,
    /// As if transactions ran one after another; who cannot be fitted in fails with 40001, a conflict.
    Serializable,
}

struct Words {
    begin: [Statement; 4],
    commit: Statement,
    rollback: Statement,
}

/// Made once a process, so that every connection prepares them once.
static WORDS: LazyLock<Words> = LazyLock::new(|| Words {
    begin: [
        "BEGIN",
        "BEGIN ISOLATION LEVEL READ COMMITTED",
        "BEGIN ISOLATION LEVEL REPEATABLE READ",
        "BEGIN ISOLATION LEVEL SERIALIZABLE",
    ]
    .map(|sql| Statement::of_transaction("begin", sql)),
    commit: Statement::of_transaction("commit", "COMMIT"),
    rollback: Statement::of_transaction("rollback", "ROLLBACK"),
});

impl Session {
    /// Begins a transaction; what follows runs in it until [`commit`](Session::commit) or
    /// [`rollback`](Session::rollback). A pipelined session gets a connection of its own for the time, a
    /// pooled one keeps its checkout.
    pub async fn begin(&self, isolation: Isolation) -> Reply {
        let statement = &WORDS.begin[isolation as usize];
        if self.transaction.get() != Transaction::None {
            return refused(statement, "a transaction is open already: commit or roll it back first");
        }
        let Some(_turn) = self.turn() else { return busy(statement) };
        // One for both, so that the wait for a seat counts and the time limit holds for all of it.
        let mut errand = self.errand(Standing::Begin);
        let seat = match &self.link {
            Link::Pipelined(pipelines, side) => match pipelines.seat(&mut errand, statement, side).await {
                Ok(seat) => Some(seat),
                Err(error) => return errand.reply(statement, Err(error)),
            },
            Link::Dedicated(_) | Link::Pooled(..) => None,
        };
        let reply = self.carry_out(errand, statement, &[]).await;
        if reply.is_ok() {
            self.transaction.set(Transaction::Open);
            seat.into_iter().for_each(Seat::stay);
        } else {
            self.release();
        }
        reply
    }

    /// Commits. When the connection is lost on the way the outcome is `ambiguous`; when the transaction had
    /// failed or was lost before, nothing is committed and the class is `rolled_back`.
    pub async fn commit(&self) -> Reply {
        let statement = &WORDS.commit;
        let state = self.transaction.get();
        let reply = match state {
            Transaction::None => return refused(statement, "no transaction is open: begin one first"),
            Transaction::Open => self.perform(statement, &[], Standing::Commit).await,
            Transaction::Failed => {
                let undone = self.perform(&WORDS.rollback, &[], Standing::InTransaction).await;
                rolled_back(
                    statement,
                    "a statement of the transaction failed, and it was rolled back",
                    &undone,
                )
            }
            Transaction::Lost => {
                rolled_back(statement, "the transaction was lost with its connection", &nothing(statement))
            }
        };
        self.transaction.set(Transaction::None);
        self.release();
        reply
    }

    /// Undoes the transaction, if there is one.
    pub async fn rollback(&self) -> Reply {
        let statement = &WORDS.rollback;
        let reply = match self.transaction.get() {
            // The server has undone what it lost.
            Transaction::None | Transaction::Lost => nothing(statement),
            Transaction::Open | Transaction::Failed => {
                self.perform(statement, &[], Standing::InTransaction).await
            }
        };
        self.transaction.set(Transaction::None);
        self.release();
        reply
    }

    /// Whether a transaction is open, failed ones included.
    pub fn in_transaction(&self) -> bool {
        self.transaction.get() != Transaction::None
    }

    /// Reads the state of the transaction off its connection.
    pub(crate) fn note_transaction(&self) {
        let status = match &self.link {
            Link::Dedicated(own) => own.status(),
            Link::Pipelined(_, side) => side.own.status(),
            Link::Pooled(_, held) => held.borrow().as_ref().map(|checkout| checkout.status()),
        };
        self.transaction.set(match status {
            None | Some(IDLE) => Transaction::Lost,
            Some(FAILED) => Transaction::Failed,
            Some(_) => Transaction::Open,
        });
    }

    /// Gives back the connection that was kept for the transaction.
    fn release(&self) {
        match &self.link {
            Link::Dedicated(own) => {
                // Still in a transaction (its end could not be sent): closing it ends the transaction.
                if own.status().is_some_and(|status| status != IDLE) {
                    drop(own.take());
                }
            }
            Link::Pipelined(pipelines, side) => pipelines.unseat(side),
            Link::Pooled(_, held) => drop(held.borrow_mut().take()),
        }
    }
}

fn nothing(statement: &Statement) -> Reply {
    Reply::new(statement.rule(), Ok(Answer::default()), Cost::default())
}

fn rolled_back(statement: &Statement, reason: &str, spent: &Reply) -> Reply {
    let error = PgError::RolledBack { op: statement.shared_op(), reason: reason.to_owned() };
    let (service_ns, pool_wait_ns) = (spent.service_ns, spent.pool_wait_ns);
    let (bytes_sent, bytes_received) = (spent.bytes_sent, spent.bytes_received);
    let cost = Cost { service_ns, pool_wait_ns, bytes_sent, bytes_received };
    Reply::new(statement.rule(), Err(Box::new(error)), cost)
}
