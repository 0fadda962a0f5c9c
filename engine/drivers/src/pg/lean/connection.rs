//! One connection of the lean client: whoever holds it writes a request and reads its reply on the socket
//! itself. No task, no channel, no hop.
//!
//! A connection is either idle or in the middle of one exchange. Dropped in the middle (a timeout, a VU that
//! is stopped), it asks the server to cancel and is never used again.

use std::io;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::BytesMut;
use postgres_protocol::message::frontend;

use crate::pg::connect::canceller::{self, Whose};
use crate::pg::connect::dial::{CancelKey, Dialer};
use crate::pg::connect::socket::Socket;
use crate::pg::connect::startup::{self, Started};
use crate::pg::error::{LostCause, PgError};
use crate::pg::fault::{Fault, end_of_stream, preparing_error};
use crate::pg::home::Home;
use crate::pg::lean::catalog::Catalog;
use crate::pg::lean::prepare::{Prepared, Shelf};
use crate::pg::lean::wire::{Found, IDLE, Scan, Whole};
use crate::pg::rows::Rows;
use crate::pg::statement::Statement;

/// Terminate.
pub(crate) const FAREWELL: [u8; 5] = [b'X', 0, 0, 0, 4];

pub(crate) struct Connection {
    socket: Socket,
    input: BytesMut,
    /// The request that is being put together or sent.
    pub(crate) output: BytesMut,
    sent: usize,
    scan: Scan,
    pub(crate) shelf: Shelf,
    /// The transaction status after the last exchange.
    pub(crate) status: u8,
    is_midway: bool,
    key: Option<CancelKey>,
    dialer: Arc<Dialer>,
}

impl Connection {
    /// Connects and authenticates.
    pub(crate) async fn open(home: &Home) -> Result<Box<Connection>, Box<PgError>> {
        let dialer = Arc::clone(&home.dialer);
        let started = startup::start(&dialer, home.limit).await;
        let Started { socket, input, key, .. } =
            started.map_err(|problem| Box::new(dialer.error(problem)))?;
        Ok(Box::new(Connection {
            socket,
            input,
            output: BytesMut::with_capacity(1024),
            sent: 0,
            scan: Scan::default(),
            shelf: Shelf::default(),
            status: IDLE,
            is_midway: false,
            key,
            dialer,
        }))
    }

    /// Whether the server has not hung up meanwhile. Costs no system call as long as nothing has arrived.
    pub(crate) fn is_alive(&mut self) -> bool {
        loop {
            match self.socket.fill_now(&mut self.input) {
                Poll::Pending => break,
                Poll::Ready(Ok(1..)) => {}
                Poll::Ready(Ok(0) | Err(_)) => return false,
            }
        }
        if self.input.is_empty() {
            return true;
        }
        // Notices, settings and notifications may come at any time; they are passed over with the next
        // reply. An error outside of an exchange is a farewell.
        self.scan.advance(&self.input) == Ok(Found::Part) && !self.scan.has_error()
    }

    /// Sends what is in `output` and reads the reply to its end.
    pub(crate) async fn exchange(&mut self) -> Result<Whole, Fault> {
        match self.exchange_until_stop().await? {
            Stop::Reply(whole) => Ok(whole),
            Stop::CopyIn => {
                // Nobody brings data: say so, and the server ends the statement with an error.
                let message = "data is sent by copy_in, not by a statement";
                frontend::copy_fail(message, &mut self.output).map_err(|error| Fault::io(&error, true))?;
                match self.exchange_until_stop().await? {
                    Stop::Reply(whole) => Ok(whole),
                    Stop::CopyIn => Err(Fault::garbled("it asks for data a second time")),
                }
            }
        }
    }

    pub(crate) async fn exchange_until_stop(&mut self) -> Result<Stop, Fault> {
        self.is_midway = true;
        others_first().await;
        std::future::poll_fn(|cx| self.poll_exchange(cx)).await
    }

    fn poll_exchange(&mut self, cx: &mut Context<'_>) -> Poll<Result<Stop, Fault>> {
        if self.sent < self.output.len() {
            let sent = ready!(self.socket.poll_send(cx, &self.output, &mut self.sent));
            // Without its last byte, which ends it, a request has no effect.
            sent.map_err(|error| self.hung_up(&error, self.sent == self.output.len()))?;
        }
        loop {
            match self.scan.advance(&self.input)? {
                Found::End => {
                    let whole = self.scan.take(&mut self.input);
                    self.status = whole.status;
                    self.is_midway = false;
                    self.clear_output();
                    return Poll::Ready(Ok(Stop::Reply(whole)));
                }
                Found::CopyIn => {
                    self.clear_output();
                    return Poll::Ready(Ok(Stop::CopyIn));
                }
                Found::Part => {}
            }
            match ready!(self.socket.poll_fill(cx, &mut self.input)) {
                Ok(0) => return Poll::Ready(Err(self.hung_up(&end_of_stream(), true))),
                Ok(_) => {}
                Err(error) => return Poll::Ready(Err(self.hung_up(&error, true))),
            }
        }
    }

    /// Sends what is in `output` without expecting a reply yet (data of a COPY).
    pub(crate) async fn push(&mut self) -> Result<(), Fault> {
        let sent = std::future::poll_fn(|cx| self.socket.poll_send(cx, &self.output, &mut self.sent)).await;
        sent.map_err(|error| self.hung_up(&error, true))?;
        self.clear_output();
        Ok(())
    }

    /// Whether the server has already refused what is being sent.
    pub(crate) fn has_refused(&mut self) -> bool {
        let _ = self.socket.fill_now(&mut self.input);
        let _ = self.scan.advance(&self.input);
        self.scan.has_error()
    }

    fn clear_output(&mut self) {
        self.output.clear();
        self.sent = 0;
    }

    fn hung_up(&mut self, error: &io::Error, sent: bool) -> Fault {
        // There is nobody left who could be asked to cancel.
        self.key = None;
        Fault { sent, ..hung_up(&mut self.socket, &mut self.input, &mut self.scan, error) }
    }

    /// Prepares a statement, or finds it prepared.
    pub(crate) async fn prepare(
        &mut self,
        home: &Home,
        statement: &Statement,
    ) -> Result<Rc<Prepared>, Box<PgError>> {
        if let Some(prepared) = self.shelf.get(statement) {
            return Ok(Rc::clone(prepared));
        }
        // Preparing changes nothing: a connection lost in it leaves no doubt.
        let fail = |fault: Fault| fault.unsent().into_error(statement.shared_op(), home);
        let name = self.shelf.ask(statement, &mut self.output)?;
        let whole = pin!(self.exchange()).await.map_err(fail)?;
        if let Some(error) = whole.error {
            return Err(preparing_error(statement, error, home));
        }
        let outline = whole.outline.ok_or_else(|| fail(Fault::garbled("a statement without outline")))?;
        let unknown = home.catalog.borrow().unknown(&outline);
        if !unknown.is_empty() {
            frontend::query(&Catalog::query(&unknown), &mut self.output)
                .map_err(|error| fail(Fault::io(&error, false)))?;
            let whole = self.exchange().await.map_err(fail)?;
            if let Some(error) = whole.error {
                return Err(preparing_error(statement, error, home));
            }
            let rows = Rows::new(whole.rows, whole.row_count, &Catalog::columns());
            home.catalog.borrow_mut().learn(&unknown, &rows);
        }
        let description = home.catalog.borrow().describe(&outline);
        let prepared = Rc::new(Prepared::new(statement, name, description));
        self.shelf.put(statement, &prepared);
        Ok(prepared)
    }
}

/// The fault of a stream that has ended; the server's own words, if they still arrived, say it better.
pub(crate) fn hung_up(
    socket: &mut Socket,
    input: &mut BytesMut,
    scan: &mut Scan,
    error: &io::Error,
) -> Fault {
    while let Poll::Ready(Ok(1..)) = socket.fill_now(input) {}
    let _ = scan.advance(input);
    match scan.take_farewell() {
        Some(farewell) => Fault::lost(LostCause::Server(farewell), true),
        None => Fault::io(error, true),
    }
}

/// Lets those who are ready on this thread go before: then all of their requests leave one after the other.
///
/// A request wakes a server process, which on a busy machine takes the core at once and leaves our caches cold. Were
/// each VU to send as soon as it can, the script of the next would run cold every time. Costs one poll.
async fn others_first() {
    let mut has_waited = false;
    std::future::poll_fn(|cx| {
        if std::mem::replace(&mut has_waited, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Where an exchange pauses.
pub(crate) enum Stop {
    Reply(Whole),
    CopyIn,
}

impl Drop for Connection {
    fn drop(&mut self) {
        if !self.is_midway {
            self.socket.send_now(&FAREWELL);
            return;
        }
        if let Some(key) = self.key {
            canceller::cancel(&self.dialer, Whose::Lean(key));
        }
    }
}
