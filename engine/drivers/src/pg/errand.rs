//! One operation under way: when it began, when it must be done, what it has cost.
//!
//! The same for all three modes, so that their figures mean the same.

use std::future::Future;
use std::time::{Duration, Instant};

use crate::pg::alarm::Alarm;
use crate::pg::error::{LostCause, PgError, Stage};
use crate::pg::fault::Fault;
use crate::pg::home::Home;
use crate::pg::lean::wire::Whole;
use crate::pg::reply::{Answer, Cost, Reply};
use crate::pg::rows::{Description, Rows};
use crate::pg::statement::Statement;

/// How much longer the client waits than the server's own statement timeout, so that a server that is alive
/// ends the statement itself and the connection stays in order.
const GRACE_SHARE: u32 = 10;
const GRACE_MIN: Duration = Duration::from_millis(100);
const GRACE_MAX: Duration = Duration::from_secs(2);

pub(crate) struct Errand<'a> {
    pub(crate) home: &'a Home,
    alarm: &'a Alarm,
    begun: Instant,
    deadline: Instant,
    pub(crate) standing: Standing,
    wait: Wait,
    pub(crate) bytes_sent: u64,
    pub(crate) bytes_received: u64,
}

/// How far the waiting for a connection, which begins with the operation, has come.
#[derive(Debug, Clone, Copy)]
enum Wait {
    /// Nobody had to.
    None,
    /// Under way.
    Open,
    Over(Duration),
}

/// What the loss of the connection would mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// On its own: what was sent may have been committed.
    Alone,
    /// The begin of a transaction: nothing has happened yet.
    Begin,
    /// Inside a transaction: the loss undoes it, without doubt.
    InTransaction,
    /// The commit of a transaction: what was sent may have been committed.
    Commit,
}

impl<'a> Errand<'a> {
    pub(crate) fn begin(home: &'a Home, alarm: &'a Alarm, standing: Standing) -> Errand<'a> {
        let begun = Instant::now();
        let grace = (home.limit / GRACE_SHARE).clamp(GRACE_MIN, GRACE_MAX);
        let deadline = begun + home.limit + grace;
        Errand { home, alarm, begun, deadline, standing, wait: Wait::None, bytes_sent: 0, bytes_received: 0 }
    }

    /// Waits for a connection or an answer, no longer than the deadline.
    pub(crate) async fn guard<F: Future>(
        &self,
        statement: &Statement,
        stage: Stage,
        future: F,
    ) -> Result<F::Output, Box<PgError>> {
        self.alarm.guard(self.deadline, future).await.map_err(|_| {
            Box::new(PgError::Timeout { op: statement.shared_op(), limit: self.home.limit, stage })
        })
    }

    /// Says that from now on it waits for a connection; what fails in there was waiting to its end.
    pub(crate) fn waits(&mut self) {
        self.wait = Wait::Open;
    }

    /// Says that everything up to now was waiting for a connection.
    pub(crate) fn has_waited(&mut self) {
        self.wait = Wait::Over(self.begun.elapsed());
    }

    /// Whether a new connection may stand in for one that is gone.
    pub(crate) fn may_connect(&self) -> bool {
        matches!(self.standing, Standing::Alone | Standing::Begin)
    }

    /// A fault of the connection as this operation's error.
    pub(crate) fn error(&self, statement: &Statement, fault: Fault) -> Box<PgError> {
        let is_doubtful = matches!(self.standing, Standing::Alone | Standing::Commit);
        let fault = if is_doubtful { fault } else { fault.unsent() };
        fault.into_error(statement.shared_op(), self.home)
    }

    /// A whole reply as the answer to a statement.
    pub(crate) fn answer(
        &mut self,
        statement: &Statement,
        whole: Whole,
        description: &Description,
    ) -> Result<Answer, Box<PgError>> {
        self.bytes_received += whole.bytes;
        match whole.error {
            Some(error) if error.ends_connection() => {
                Err(self.error(statement, Fault::lost(LostCause::Server(error), true)))
            }
            Some(error) => Err(Box::new(PgError::Server { op: statement.shared_op(), error })),
            None => Ok(Answer {
                rows: Rows::new(whole.rows, whole.row_count, &description.columns),
                affected: whole.affected,
            }),
        }
    }

    /// The end of it.
    pub(crate) fn reply(self, statement: &Statement, result: Result<Answer, Box<PgError>>) -> Reply {
        let elapsed = self.begun.elapsed();
        let waited = match self.wait {
            Wait::None => None,
            Wait::Open => Some(elapsed),
            Wait::Over(waited) => Some(waited),
        };
        let service = elapsed.saturating_sub(waited.unwrap_or_default());
        Reply::new(
            statement.rule(),
            result,
            Cost {
                service_ns: nanos(service),
                pool_wait_ns: waited.map(nanos),
                bytes_sent: self.bytes_sent,
                bytes_received: self.bytes_received,
            },
        )
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
