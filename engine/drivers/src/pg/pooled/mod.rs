//! Operations through `deadpool-postgres` and `tokio-postgres`: what an application pays.
//!
//! Each operation checks a connection out and in again; the wait for it is measured apart. A transaction
//! keeps its connection until it ends.

mod checkout;
mod errors;
mod gauge;
mod rows;
mod traffic;
mod wire;

use std::cell::RefCell;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod};
use futures_util::SinkExt;
use tokio_postgres::{Error, SimpleQueryMessage};

use crate::Value;
use crate::pg::copy::{CopyTarget, Encoder};
use crate::pg::errand::{Errand, Standing};
use crate::pg::error::{LostCause, PgError, Stage};
use crate::pg::fault::Fault;
use crate::pg::home::Home;
use crate::pg::kept::Kept;
use crate::pg::lean::batch;
use crate::pg::lean::wire::IDLE;
use crate::pg::params;
use crate::pg::pooled::errors::{Failure, connect_error, failure};
use crate::pg::pooled::rows::Params;
use crate::pg::pooled::wire::{Connector, Register};
use crate::pg::reply::{Answer, Reply};
use crate::pg::rows::{Column, Description, Rows};
use crate::pg::statement::{Statement, is_stale};
use crate::pg::types::PgType;
pub(crate) use checkout::Checkout;
use gauge::Acquiring;
pub use gauge::{PoolGauge, PoolUse};

/// The pool of a thread.
pub(crate) struct Pooled {
    home: Rc<Home>,
    pool: Pool,
    register: Register,
    /// Counts how the pool is used, when somebody wants to know.
    gauge: Option<Arc<PoolGauge>>,
    /// What statements take and give, so that it is not worked out for every call. What is forgotten here is
    /// closed on all connections.
    descriptions: RefCell<Kept<u32, (Statement, Rc<Description>)>>,
}

/// Where a session keeps its connection during a transaction.
pub(crate) type Held = RefCell<Option<Checkout>>;

impl Pooled {
    /// A pool that opens its connections as they are needed.
    pub(crate) fn new(
        home: &Rc<Home>,
        size: usize,
        gauge: Option<Arc<PoolGauge>>,
    ) -> Result<Rc<Pooled>, PgError> {
        let register = Register::default();
        let connector = Connector { dialer: Arc::clone(&home.dialer), register: register.clone() };
        let config = Connector::config(&home.dialer, home.limit);
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let pool = Pool::builder(Manager::from_connect(config, connector, recycling))
            .max_size(size.max(1))
            .post_create(register.hook())
            .build()
            .map_err(|error| PgError::Refused { op: "pool".into(), reason: error.to_string() })?;
        Ok(Rc::new(Pooled { home: Rc::clone(home), pool, register, gauge, descriptions: RefCell::default() }))
    }

    /// The session's own connection during a transaction, else one from the pool.
    pub(crate) async fn checkout(
        &self,
        errand: &mut Errand<'_>,
        statement: &Statement,
        held: &Held,
    ) -> Result<Checkout, Box<PgError>> {
        errand.waits();
        let taken = held.borrow_mut().take();
        match taken {
            Some(checkout) if checkout.is_open() => Ok(checkout),
            _ if !errand.may_connect() => Err(errand.error(statement, Fault::lost(LostCause::Gone, false))),
            _ => {
                let is_empty = || self.pool.status().available == 0;
                let acquiring = self.gauge.as_ref().map(|gauge| Acquiring::begin(gauge, is_empty()));
                match errand.guard(statement, Stage::Connection, self.pool.get()).await? {
                    Ok(client) => {
                        let in_use = acquiring.map(Acquiring::got_one);
                        Ok(Checkout::new(client, in_use, &self.register, &self.home.dialer))
                    }
                    Err(error) => {
                        acquiring.into_iter().for_each(Acquiring::failed);
                        Err(connect_error(statement, error, &self.home))
                    }
                }
            }
        }
    }

    pub(crate) async fn run(
        &self,
        mut errand: Errand<'_>,
        statement: &Statement,
        params: &[Value],
        held: &Held,
    ) -> Reply {
        let result = self.try_run(&mut errand, statement, params, held).await;
        errand.reply(statement, result)
    }

    async fn try_run(
        &self,
        errand: &mut Errand<'_>,
        statement: &Statement,
        params: &[Value],
        held: &Held,
    ) -> Result<Answer, Box<PgError>> {
        let checkout = self.checkout(errand, statement, held).await?;
        let visit = Visit { errand, statement, held };
        let (mut visit, checkout, prepared) = visit.prepare(checkout).await?;
        visit.errand.has_waited();
        let description = self.description(statement, &prepared);
        let encoded = match params::refusal(statement, &description) {
            Some(refusal) => Err(refusal),
            None => Params::encode(statement, &description.params, params),
        };
        let params = match encoded {
            Ok(params) => params,
            Err(error) => {
                visit.keep(checkout);
                return Err(error);
            }
        };
        let (checkout, result) =
            visit.exchange(checkout, async |client| rows::query(client, &prepared, &params).await).await?;
        visit.keep(checkout);
        let answer = result.inspect_err(|error| self.forget_if_stale(statement, error))?;
        Ok(Answer {
            rows: Rows::new(answer.rows, answer.row_count, &description.columns),
            affected: answer.affected,
        })
    }

    fn forget_if_stale(&self, statement: &Statement, error: &PgError) {
        if error.server().is_some_and(|error| is_stale(error.sqlstate())) {
            self.descriptions.borrow_mut().forget(&statement.id());
            self.close(statement);
        }
    }

    fn description(&self, statement: &Statement, prepared: &tokio_postgres::Statement) -> Rc<Description> {
        if let Some((_, description)) = self.descriptions.borrow().get(&statement.id()) {
            return Rc::clone(description);
        }
        let column = |column: &tokio_postgres::Column| Column {
            name: column.name().into(),
            ty: PgType::of(column.type_()),
        };
        let description = Rc::new(Description {
            params: prepared.params().iter().map(PgType::of).collect(),
            columns: prepared.columns().iter().map(column).collect(),
        });
        let entry = (statement.clone(), Rc::clone(&description));
        if let Some((oldest, _)) = self.descriptions.borrow_mut().put(statement.id(), entry) {
            self.close(&oldest);
        }
        description
    }

    /// Closes a statement on all connections, each as soon as nothing is under way on it.
    fn close(&self, statement: &Statement) {
        self.pool.manager().statement_caches.remove(statement.sql(), &[]);
    }

    pub(crate) async fn describe(
        &self,
        errand: &mut Errand<'_>,
        statement: &Statement,
        held: &Held,
    ) -> Result<Rc<Description>, Box<PgError>> {
        let checkout = self.checkout(errand, statement, held).await?;
        let (visit, checkout, prepared) = Visit { errand, statement, held }.prepare(checkout).await?;
        visit.keep(checkout);
        Ok(self.description(statement, &prepared))
    }

    pub(crate) async fn batch(&self, mut errand: Errand<'_>, statement: &Statement, held: &Held) -> Reply {
        let result = self.try_batch(&mut errand, statement, held).await;
        errand.reply(statement, result)
    }

    async fn try_batch(
        &self,
        errand: &mut Errand<'_>,
        statement: &Statement,
        held: &Held,
    ) -> Result<Answer, Box<PgError>> {
        let checkout = self.checkout(errand, statement, held).await?;
        errand.has_waited();
        let standing = errand.standing;
        let mut visit = Visit { errand, statement, held };
        let (checkout, result) =
            visit.exchange(checkout, async |client| client.simple_query(statement.sql()).await).await?;
        match (standing, checkout.status()) {
            (Standing::Alone, IDLE) => visit.keep(checkout),
            (Standing::Alone, _) => {
                let (checkout, _) =
                    visit.exchange(checkout, async |client| client.simple_query("ROLLBACK").await).await?;
                visit.keep(checkout);
                return result.and_then(|_| Err(batch::left_open(statement)));
            }
            // Dropped, so that the session sees that its transaction is over.
            (_, IDLE) => return result.and_then(|_| Err(batch::ended_transaction(statement))),
            _ => visit.keep(checkout),
        }
        let affected = result?.iter().rev().find_map(|message| match message {
            SimpleQueryMessage::CommandComplete(count) => Some(*count),
            _ => None,
        });
        Ok(Answer { rows: Rows::default(), affected: affected.unwrap_or(0) })
    }

    pub(crate) async fn copy_in<R: AsRef<[Value]>>(
        &self,
        mut errand: Errand<'_>,
        target: &CopyTarget,
        mut rows: impl Iterator<Item = R>,
        held: &Held,
    ) -> Reply {
        let result = self.try_copy(&mut errand, target, &mut rows, held).await;
        errand.reply(&target.sql, result)
    }

    async fn try_copy<R: AsRef<[Value]>>(
        &self,
        errand: &mut Errand<'_>,
        target: &CopyTarget,
        rows: &mut dyn Iterator<Item = R>,
        held: &Held,
    ) -> Result<Answer, Box<PgError>> {
        let checkout = self.checkout(errand, &target.outline, held).await?;
        let visit = Visit { errand, statement: &target.outline, held };
        let (mut visit, checkout, outline) = visit.prepare(checkout).await?;
        visit.errand.has_waited();
        let mut encoder = match Encoder::new(target, &self.description(&target.outline, &outline)) {
            Ok(encoder) => encoder,
            Err(error) => {
                visit.keep(checkout);
                return Err(error);
            }
        };
        let mut bad_row = None;
        let copying = async |client: &Checkout| {
            let mut sink = pin!(client.copy_in::<_, Bytes>(target.sql.sql()).await?);
            let mut piece = BytesMut::new();
            loop {
                match encoder.piece(target, rows, &mut piece) {
                    Ok(more) => {
                        sink.send(piece.split().freeze()).await?;
                        if !more {
                            return sink.finish().await;
                        }
                    }
                    Err(error) => {
                        // The sink, dropped unfinished, fails the copy.
                        bad_row = Some(error);
                        return Ok(0);
                    }
                }
            }
        };
        let (checkout, copied) = visit.exchange(checkout, copying).await?;
        visit.keep(checkout);
        match bad_row {
            Some(error) => Err(error),
            None => copied.map(|affected| Answer { rows: Rows::default(), affected }),
        }
    }
}

/// An operation with a connection in hand.
struct Visit<'a, 'e> {
    errand: &'a mut Errand<'e>,
    statement: &'a Statement,
    held: &'a Held,
}

impl Visit<'_, '_> {
    /// Puts the connection where it belongs: with the session inside a transaction, else into the pool.
    fn keep(&self, checkout: Checkout) {
        if self.errand.standing != Standing::Alone || checkout.status() != IDLE {
            *self.held.borrow_mut() = Some(checkout);
        }
    }

    async fn prepare(
        self,
        mut checkout: Checkout,
    ) -> Result<(Self, Checkout, tokio_postgres::Statement), Box<PgError>> {
        checkout.is_midway = true;
        let preparing = settling(&checkout, checkout.prepare_cached(self.statement.sql()));
        let prepared = self.errand.guard(self.statement, Stage::Preparing, preparing).await?;
        checkout.is_midway = false;
        match prepared {
            Ok(prepared) => Ok((self, checkout, prepared)),
            Err(error) => {
                // The library would keep the place of each text that failed.
                drop(checkout.statement_cache.remove(self.statement.sql(), &[]));
                // Preparing changes nothing: a connection lost in it leaves no doubt.
                let failure = failure(&error, false);
                checkout.is_broken = matches!(failure, Failure::Fault(_));
                let error = self.error(failure);
                if !checkout.is_broken {
                    self.keep(checkout);
                }
                Err(error)
            }
        }
    }

    /// Does something with the client within the deadline. An error of the server comes back with the
    /// connection; a fault of the connection ends it.
    async fn exchange<T>(
        &mut self,
        mut checkout: Checkout,
        work: impl AsyncFnOnce(&Checkout) -> Result<T, Error>,
    ) -> Result<(Checkout, Result<T, Box<PgError>>), Box<PgError>> {
        let (sent_before, received_before) = checkout.bytes();
        checkout.is_midway = true;
        let working = settling(&checkout, work(&checkout));
        let done = self.errand.guard(self.statement, Stage::Answer, working).await;
        let (sent, received) = checkout.bytes();
        self.errand.bytes_sent += sent - sent_before;
        self.errand.bytes_received += received - received_before;
        let done = done?;
        checkout.is_midway = false;
        match done {
            Ok(output) => Ok((checkout, Ok(output))),
            Err(error) => match failure(&error, sent > sent_before) {
                failure @ Failure::Server(_) => Ok((checkout, Err(self.error(failure)))),
                fault => {
                    checkout.is_broken = true;
                    Err(self.error(fault))
                }
            },
        }
    }

    fn error(&self, failure: Failure) -> Box<PgError> {
        match failure {
            Failure::Server(error) => Box::new(PgError::Server { op: self.statement.shared_op(), error }),
            Failure::Fault(fault) => self.errand.error(self.statement, fault),
        }
    }
}

/// Does something and waits until the server is done with it as well: the library answers at the first error
/// or the end of a command, which is before the end of the reply.
async fn settling<T>(checkout: &Checkout, work: impl Future<Output = T>) -> T {
    let done = work.await;
    checkout.settled().await;
    done
}
