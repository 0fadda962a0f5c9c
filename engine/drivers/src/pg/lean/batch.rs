//! Many statements in one text, by the simple protocol: for set-up and tear-down.
//!
//! A batch must leave no transaction open, or whoever uses the connection next would be inside it.

use postgres_protocol::message::frontend;

use crate::pg::errand::{Errand, Standing};
use crate::pg::error::{PgError, Stage};
use crate::pg::lean::connection::Connection;
use crate::pg::lean::own::Own;
use crate::pg::lean::wire::IDLE;
use crate::pg::reply::{Answer, Reply};
use crate::pg::rows::{Description, Rows};
use crate::pg::statement::Statement;

/// The end of a batch that left a transaction open; it has been rolled back.
pub(crate) fn left_open(statement: &Statement) -> Box<PgError> {
    let reason = "the batch left a transaction open, which has been rolled back: end it in the batch, or use \
                  begin and commit around it";
    Box::new(PgError::Refused { op: statement.shared_op(), reason: reason.to_owned() })
}

/// The end of a batch that committed or rolled back the transaction around it.
pub(crate) fn ended_transaction(statement: &Statement) -> Box<PgError> {
    let reason = "the batch ended the transaction that it was run in: leave COMMIT and ROLLBACK out of it";
    Box::new(PgError::Refused { op: statement.shared_op(), reason: reason.to_owned() })
}

impl Own {
    /// Runs the text of `statement`, which may be many statements. No rows come back; `affected` is the last
    /// statement's.
    pub(crate) async fn batch(&self, mut errand: Errand<'_>, statement: &Statement) -> Reply {
        let result = self.try_batch(&mut errand, statement).await;
        errand.reply(statement, result)
    }

    async fn try_batch(
        &self,
        errand: &mut Errand<'_>,
        statement: &Statement,
    ) -> Result<Answer, Box<PgError>> {
        errand.waits();
        let connect = self.connect(errand, statement);
        let mut connection = errand.guard(statement, Stage::Connection, connect).await??;
        errand.has_waited();
        ask(&mut connection, statement, statement.sql())?;
        errand.bytes_sent = connection.output.len() as u64;
        let whole = self.exchange(errand, statement, connection).await?;
        let status = whole.status;
        let nothing = Description { params: Box::new([]), columns: std::rc::Rc::new([]) };
        let answer = errand.answer(statement, whole, &nothing);
        match (errand.standing, status) {
            (Standing::Alone, IDLE) => {}
            (Standing::Alone, _) => {
                self.roll_back(errand, statement).await?;
                return answer.and_then(|_| Err(left_open(statement)));
            }
            // Dropped, so that the session sees that its transaction is over.
            (_, IDLE) => {
                drop(self.take());
                return answer.and_then(|_| Err(ended_transaction(statement)));
            }
            _ => {}
        }
        answer.map(|answer| Answer { rows: Rows::default(), affected: answer.affected })
    }

    async fn roll_back(&self, errand: &Errand<'_>, statement: &Statement) -> Result<(), Box<PgError>> {
        let Some(mut connection) = self.take() else { return Ok(()) };
        ask(&mut connection, statement, "ROLLBACK")?;
        self.exchange(errand, statement, connection).await.map(drop)
    }
}

/// Puts a simple query into the connection's output.
pub(crate) fn ask(connection: &mut Connection, statement: &Statement, sql: &str) -> Result<(), Box<PgError>> {
    frontend::query(sql, &mut connection.output).map_err(|_| {
        let reason = "the SQL contains a zero byte, which Postgres cannot read".to_owned();
        Box::new(PgError::Refused { op: statement.shared_op(), reason })
    })
}
