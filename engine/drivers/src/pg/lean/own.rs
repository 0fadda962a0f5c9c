//! A connection that belongs to one session: made at first use, kept, and made anew after it was lost.
//!
//! An operation takes the connection out of its place and puts it back when it knows the connection's state.
//! An operation that is dropped on the way drops the connection with it.

use std::cell::Cell;
use std::rc::Rc;

use crate::Value;
use crate::pg::errand::Errand;
use crate::pg::error::{LostCause, PgError, Stage};
use crate::pg::fault::Fault;
use crate::pg::lean::connection::Connection;
use crate::pg::lean::prepare::Prepared;
use crate::pg::lean::wire::Whole;
use crate::pg::reply::{Answer, Reply};
use crate::pg::rows::Description;
use crate::pg::statement::Statement;
use crate::pg::statement::is_stale;

type Ready = (Box<Connection>, Rc<Prepared>);

/// The place of the connection; empty before the first use, during an operation and after a loss.
#[derive(Default)]
pub(crate) struct Own(Cell<Option<Box<Connection>>>);

impl Own {
    pub(crate) fn put(&self, connection: Box<Connection>) {
        self.0.set(Some(connection));
    }

    pub(crate) fn take(&self) -> Option<Box<Connection>> {
        self.0.take()
    }

    /// The transaction status of the connection, when there is one.
    pub(crate) fn status(&self) -> Option<u8> {
        let connection = self.take();
        let status = connection.as_ref().map(|connection| connection.status);
        self.0.set(connection);
        status
    }

    /// Runs a statement and judges its reply.
    pub(crate) async fn run(&self, mut errand: Errand<'_>, statement: &Statement, params: &[Value]) -> Reply {
        let result = self.try_run(&mut errand, statement, params).await;
        errand.reply(statement, result)
    }

    async fn try_run(
        &self,
        errand: &mut Errand<'_>,
        statement: &Statement,
        params: &[Value],
    ) -> Result<Answer, Box<PgError>> {
        let (mut connection, prepared) = match self.take_ready(statement) {
            Some(ready) => ready,
            None => self.wait_ready(errand, statement).await?,
        };
        if let Err(error) = prepared.call(statement, params, &mut connection.output) {
            self.put(connection);
            return Err(error);
        }
        errand.bytes_sent = connection.output.len() as u64;
        let whole = self.exchange(errand, statement, connection).await?;
        errand.answer(statement, whole, &prepared.description)
    }

    /// What a statement takes and gives.
    pub(crate) async fn describe(
        &self,
        errand: &mut Errand<'_>,
        statement: &Statement,
    ) -> Result<Rc<Description>, Box<PgError>> {
        let (connection, prepared) = self.wait_ready(errand, statement).await?;
        self.put(connection);
        Ok(Rc::clone(&prepared.description))
    }

    /// Sends what the connection holds, reads the reply and puts the connection back.
    pub(crate) async fn exchange(
        &self,
        errand: &Errand<'_>,
        statement: &Statement,
        mut connection: Box<Connection>,
    ) -> Result<Whole, Box<PgError>> {
        let exchanged = errand.guard(statement, Stage::Answer, connection.exchange()).await?;
        let whole = exchanged.map_err(|fault| errand.error(statement, fault))?;
        if whole.error.as_ref().is_some_and(|error| is_stale(error.sqlstate())) {
            connection.shelf.forget(statement);
        }
        self.put(connection);
        Ok(whole)
    }

    /// The connection, when it is there, lives and knows the statement.
    fn take_ready(&self, statement: &Statement) -> Option<Ready> {
        let mut connection = self.take()?;
        if let Some(prepared) = connection.shelf.get(statement).map(Rc::clone)
            && connection.is_alive()
        {
            return Some((connection, prepared));
        }
        self.put(connection);
        None
    }

    /// Makes what is missing, which counts as waiting for a connection.
    pub(crate) async fn wait_ready(
        &self,
        errand: &mut Errand<'_>,
        statement: &Statement,
    ) -> Result<Ready, Box<PgError>> {
        errand.waits();
        // Rare and large: boxed, so that the future of the usual case stays small.
        let connecting = Box::pin(self.connect(errand, statement));
        let mut connection = errand.guard(statement, Stage::Connection, connecting).await??;
        let preparing = Box::pin(connection.prepare(errand.home, statement));
        match errand.guard(statement, Stage::Preparing, preparing).await? {
            Ok(prepared) => {
                errand.has_waited();
                Ok((connection, prepared))
            }
            Err(error) => {
                if matches!(*error, PgError::Server { .. } | PgError::Refused { .. }) {
                    self.put(connection);
                }
                Err(error)
            }
        }
    }

    /// The connection, made anew where that is allowed.
    pub(crate) async fn connect(
        &self,
        errand: &Errand<'_>,
        statement: &Statement,
    ) -> Result<Box<Connection>, Box<PgError>> {
        if let Some(mut connection) = self.take()
            && connection.is_alive()
        {
            return Ok(connection);
        }
        if errand.may_connect() {
            return Connection::open(errand.home).await;
        }
        Err(errand.error(statement, Fault::lost(LostCause::Gone, false)))
    }
}
