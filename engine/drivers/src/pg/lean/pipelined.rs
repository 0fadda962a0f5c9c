//! Operations of many VUs over a few shared connections.
//!
//! A request goes to the connection with the fewest in its queue. What needs a connection of its own (a
//! transaction, a batch, a copy) gets one from a second set of the same size.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use postgres_protocol::message::frontend;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::Value;
use crate::pg::errand::Errand;
use crate::pg::error::{PgError, Stage};
use crate::pg::fault::{Fault, preparing_error};
use crate::pg::home::Home;
use crate::pg::lean::catalog::Catalog;
use crate::pg::lean::connection::Connection;
use crate::pg::lean::own::Own;
use crate::pg::lean::pipeline::{Phase, Pipeline, Submitted, Ticket};
use crate::pg::lean::pipeline_driver::ensure_open;
use crate::pg::lean::prepare::Prepared;
use crate::pg::lean::wire::{IDLE, Whole};
use crate::pg::reply::{Answer, Reply};
use crate::pg::rows::{Description, Rows};
use crate::pg::statement::Statement;
use crate::pg::statement::is_stale;

/// The shared connections of a thread.
pub(crate) struct Pipelines {
    home: Rc<Home>,
    pipelines: RefCell<Vec<Rc<Pipeline>>>,
    /// Where the next search begins, so that equals take turns.
    next: Cell<usize>,
    side: SideRoom,
}

/// Connections for what cannot share one.
struct SideRoom {
    places: Arc<Semaphore>,
    idle: RefCell<Vec<Connection>>,
}

/// One session's connection of its own, for as long as it needs one.
#[derive(Default)]
pub(crate) struct Side {
    pub(crate) own: Own,
    place: Cell<Option<OwnedSemaphorePermit>>,
}

impl Pipelines {
    pub(crate) fn new(home: &Rc<Home>, connections: usize) -> Rc<Pipelines> {
        let connections = connections.max(1);
        Rc::new(Pipelines {
            home: Rc::clone(home),
            pipelines: RefCell::new((0..connections).map(|_| Pipeline::new(home)).collect()),
            next: Cell::new(0),
            side: SideRoom { places: Arc::new(Semaphore::new(connections)), idle: RefCell::default() },
        })
    }

    fn pick(&self) -> Rc<Pipeline> {
        let pipelines = self.pipelines.borrow();
        let count = pipelines.len();
        let first = self.next.get();
        self.next.set((first + 1) % count);
        let least = (0..count)
            .map(|step| &pipelines[(first + step) % count])
            .min_by_key(|pipeline| pipeline.core.borrow().load());
        Rc::clone(least.unwrap_or(&pipelines[0]))
    }

    /// Takes a connection that does not answer out of use; its other requests keep their chance.
    fn replace(&self, stuck: &Rc<Pipeline>) {
        for pipeline in self.pipelines.borrow_mut().iter_mut() {
            if Rc::ptr_eq(pipeline, stuck) {
                *pipeline = Pipeline::new(&self.home);
            }
        }
        stuck.retire();
    }

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
        let mut pipeline = self.pick();
        loop {
            match pipeline.submit(statement, params) {
                Submitted::Bad(error) => return Err(error),
                Submitted::Queued { ticket, prepared, bytes_sent } => {
                    errand.bytes_sent = bytes_sent;
                    let whole = self.wait(errand, statement, &pipeline, ticket).await?;
                    if whole.error.as_ref().is_some_and(|error| is_stale(error.sqlstate())) {
                        pipeline.core.borrow_mut().shelf.forget(statement);
                    }
                    return errand.answer(statement, whole, &prepared.description);
                }
                Submitted::NotReady => {}
            }
            errand.waits();
            self.wait_ready(errand, statement, &pipeline).await?;
            errand.has_waited();
            if pipeline.core.borrow().phase == Phase::Retired {
                pipeline = self.pick();
            }
        }
    }

    async fn wait(
        &self,
        errand: &Errand<'_>,
        statement: &Statement,
        pipeline: &Rc<Pipeline>,
        ticket: Ticket<'_>,
    ) -> Result<Whole, Box<PgError>> {
        match errand.guard(statement, Stage::Answer, ticket).await {
            Ok(result) => result.map_err(|fault| errand.error(statement, fault)),
            Err(timeout) => {
                self.replace(pipeline);
                Err(timeout)
            }
        }
    }

    async fn wait_ready(
        &self,
        errand: &Errand<'_>,
        statement: &Statement,
        pipeline: &Rc<Pipeline>,
    ) -> Result<(), Box<PgError>> {
        ensure_open(pipeline);
        errand.guard(statement, Stage::Connection, pipeline.wait_open()).await??;
        let preparing = Box::pin(async {
            let Some(_claim) = pipeline.claim_preparing(statement).await else { return Ok(()) };
            prepare(pipeline, statement).await
        });
        let prepared = errand.guard(statement, Stage::Preparing, preparing).await;
        prepared.inspect_err(|_| self.replace(pipeline))?
    }

    /// A statement as some shared connection knows it.
    pub(crate) async fn describe(
        &self,
        errand: &mut Errand<'_>,
        statement: &Statement,
    ) -> Result<Rc<Description>, Box<PgError>> {
        loop {
            let pipeline = self.pick();
            if let Some(prepared) = pipeline.core.borrow().shelf.get(statement) {
                return Ok(Rc::clone(&prepared.description));
            }
            self.wait_ready(errand, statement, &pipeline).await?;
        }
    }

    /// Gives the session a place on the side, with a connection that was used before if there is one. Inside
    /// a transaction it has one already.
    pub(crate) async fn seat<'a>(
        &'a self,
        errand: &mut Errand<'_>,
        statement: &Statement,
        side: &'a Side,
    ) -> Result<Seat<'a>, Box<PgError>> {
        if !errand.may_connect() {
            return Ok(Seat { pipelines: None, side });
        }
        self.unseat(side);
        let place = match Arc::clone(&self.side.places).try_acquire_owned() {
            Ok(place) => Some(place),
            Err(_) => {
                errand.waits();
                let place = Arc::clone(&self.side.places).acquire_owned();
                // The semaphore is never closed.
                let place = errand.guard(statement, Stage::Connection, place).await?.ok();
                errand.has_waited();
                place
            }
        };
        side.place.set(place);
        if let Some(connection) = self.side.idle.borrow_mut().pop() {
            side.own.put(Box::new(connection));
        }
        Ok(Seat { pipelines: Some(self), side })
    }

    /// Takes the place back, and the connection for others if it is in order.
    pub(crate) fn unseat(&self, side: &Side) {
        if let Some(connection) = side.own.take()
            && connection.status == IDLE
        {
            self.side.idle.borrow_mut().push(*connection);
        }
        side.place.set(None);
    }
}

/// A place on the side for one operation; given back at its end, unless it is to stay.
pub(crate) struct Seat<'a> {
    pipelines: Option<&'a Pipelines>,
    side: &'a Side,
}

impl Seat<'_> {
    /// Keeps the place beyond this operation.
    pub(crate) fn stay(mut self) {
        self.pipelines = None;
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        if let Some(pipelines) = self.pipelines {
            pipelines.unseat(self.side);
        }
    }
}

impl Drop for Pipelines {
    fn drop(&mut self) {
        self.pipelines.borrow().iter().for_each(|pipeline| pipeline.retire());
    }
}

/// Prepares a statement on a shared connection. The caller holds the claim to do so.
async fn prepare(pipeline: &Pipeline, statement: &Statement) -> Result<(), Box<PgError>> {
    let home = &*pipeline.home;
    // Preparing changes nothing: a connection lost in it leaves no doubt.
    let fail = |fault: Fault| fault.unsent().into_error(statement.shared_op(), home);
    let mut name = String::new();
    let epoch = pipeline.core.borrow().epoch;
    let asked = pipeline.queue(|core| {
        name = core.shelf.ask(statement, &mut core.output)?;
        Ok(())
    });
    // Not open: the caller comes again.
    let Some(ticket) = asked else { return Ok(()) };
    let whole = ticket?.await.map_err(fail)?;
    if let Some(error) = whole.error {
        return Err(preparing_error(statement, error, home));
    }
    let outline = whole.outline.ok_or_else(|| fail(Fault::garbled("a statement without outline")))?;
    let unknown = home.catalog.borrow().unknown(&outline);
    if !unknown.is_empty() {
        let asked = pipeline.queue(|core| {
            // Its text is made here and has no zero byte.
            let _ = frontend::query(&Catalog::query(&unknown), &mut core.output);
            Ok(())
        });
        let Some(ticket) = asked else { return Ok(()) };
        let whole = ticket?.await.map_err(fail)?;
        if let Some(error) = whole.error {
            return Err(preparing_error(statement, error, home));
        }
        let rows = Rows::new(whole.rows, whole.row_count, &Catalog::columns());
        home.catalog.borrow_mut().learn(&unknown, &rows);
    }
    let description = home.catalog.borrow().describe(&outline);
    let core = &mut *pipeline.core.borrow_mut();
    if core.epoch == epoch {
        core.shelf.put(statement, &Rc::new(Prepared::new(statement, name, description)));
    }
    Ok(())
}
