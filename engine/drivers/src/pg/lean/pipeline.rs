//! One connection that the VUs of a thread share.
//!
//! VUs append their requests to one buffer; a driver task sends it once a turn of the loop, reads replies and
//! hands them out in order. Each request ends with its own Sync, so an error harms only itself, and each is
//! its own transaction.
//!
//! | phase | a VU comes | the stream ends | it is retired |
//! |---|---|---|---|
//! | `Closed` | opens it, waits | – | stays closed |
//! | `Opening` | waits | all who wait get the error, `Closed` | closed when open |
//! | `Open` | queues a request | who was sent is ambiguous, the rest failed, `Closed` | `Retired` |
//! | `Retired` | is not sent here | the same, ends | – |
//!
//! A VU that goes away leaves its place in the queue: its reply is read and dropped.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use bytes::BytesMut;

use crate::Value;
use crate::pg::error::{LostCause, PgError};
use crate::pg::fault::{Fault, FaultKind};
use crate::pg::home::Home;
use crate::pg::lean::prepare::{Prepared, Shelf};
use crate::pg::lean::wire::Whole;
use crate::pg::statement::Statement;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Closed,
    Opening,
    Open,
    Retired,
}

/// A place in the queue.
#[derive(Debug)]
enum Slot {
    Free,
    /// Its request ends at this byte of all that was ever queued on the connection.
    Waiting {
        end: u64,
    },
    /// Nobody waits for its reply.
    Abandoned,
    Done(Result<Whole, Fault>),
}

pub(crate) struct Core {
    pub(crate) phase: Phase,
    /// Requests on their way out, and how much of them has been sent.
    pub(crate) output: BytesMut,
    pub(crate) sent: usize,
    /// Bytes queued on this connection before what `output` holds.
    before: u64,
    queue: VecDeque<usize>,
    slots: Vec<(Slot, Waker)>,
    free: Vec<usize>,
    /// How many in the queue are waited for.
    live: usize,
    pub(crate) shelf: Shelf,
    /// Who waits for a statement that somebody else is preparing.
    preparing: HashMap<u32, Vec<Waker>>,
    pub(crate) driver: Waker,
    openers: Vec<Waker>,
    open_error: Option<Box<PgError>>,
    /// Counts connections, so that what was learnt on one is not used on the next.
    pub(crate) epoch: u64,
}

impl Default for Core {
    fn default() -> Self {
        Core {
            phase: Phase::Closed,
            output: BytesMut::new(),
            sent: 0,
            before: 0,
            queue: VecDeque::new(),
            slots: Vec::new(),
            free: Vec::new(),
            live: 0,
            shelf: Shelf::default(),
            preparing: HashMap::new(),
            driver: Waker::noop().clone(),
            openers: Vec::new(),
            open_error: None,
            epoch: 0,
        }
    }
}

impl Core {
    /// How busy it is: requests queued and VUs waiting for it to open.
    pub(crate) fn load(&self) -> usize {
        self.queue.len() + self.openers.len()
    }

    pub(crate) fn is_wanted(&self) -> bool {
        self.live > 0
    }

    pub(crate) fn has_queue(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Queues the request that was appended to `output`; the first one of a turn calls the driver.
    fn enqueue(&mut self, was_empty: bool) -> usize {
        let slot = Slot::Waiting { end: self.before + self.output.len() as u64 };
        let index = match self.free.pop() {
            Some(index) => {
                self.slots[index].0 = slot;
                index
            }
            None => {
                self.slots.push((slot, Waker::noop().clone()));
                self.slots.len() - 1
            }
        };
        self.queue.push_back(index);
        self.live += 1;
        if was_empty {
            self.driver.wake_by_ref();
        }
        index
    }

    /// Hands a reply to whoever is first in the queue; `false` when nobody is.
    pub(crate) fn deliver(&mut self, whole: Whole) -> bool {
        let Some(index) = self.queue.pop_front() else { return false };
        self.settle(index, Ok(whole));
        true
    }

    fn settle(&mut self, index: usize, result: Result<Whole, Fault>) {
        let (slot, waker) = &mut self.slots[index];
        if matches!(slot, Slot::Abandoned) {
            *slot = Slot::Free;
            self.free.push(index);
            return;
        }
        self.live -= 1;
        *slot = Slot::Done(result);
        waker.wake_by_ref();
    }

    /// Everything that was sent and requested is gone. The first in the queue gets the fault itself, when it
    /// is about that reply; others learn that their connection was lost.
    pub(crate) fn lose(&mut self, fault: &Fault) {
        let sent_until = self.before + self.sent as u64;
        let (cause, mut own) = match &fault.kind {
            FaultKind::Lost(cause) => (cause.clone(), None),
            about_a_reply => (LostCause::GivenUp, Some(about_a_reply.clone())),
        };
        while let Some(index) = self.queue.pop_front() {
            let sent = matches!(self.slots[index].0, Slot::Waiting { end } if end <= sent_until);
            let kind = own.take().unwrap_or_else(|| FaultKind::Lost(cause.clone()));
            self.settle(index, Err(Fault { kind, sent }));
        }
        self.reset();
    }

    fn reset(&mut self) {
        self.output.clear();
        self.sent = 0;
        self.before = 0;
        self.shelf = Shelf::default();
        self.epoch += 1;
        if self.phase != Phase::Retired {
            self.phase = Phase::Closed;
        }
    }

    /// The end of an attempt to open it.
    pub(crate) fn opened(&mut self, result: Result<(), Box<PgError>>) {
        self.open_error = result.err();
        if self.phase == Phase::Opening {
            self.phase = if self.open_error.is_some() { Phase::Closed } else { Phase::Open };
        }
        self.openers.drain(..).for_each(Waker::wake);
    }

    /// What has been sent needs no room any more.
    pub(crate) fn forget_sent(&mut self) {
        self.before += self.output.len() as u64;
        self.output.clear();
        self.sent = 0;
    }

    fn abandon(&mut self, index: usize) {
        match self.slots[index].0 {
            Slot::Waiting { .. } => {
                self.slots[index].0 = Slot::Abandoned;
                self.live -= 1;
                if self.phase == Phase::Retired {
                    self.driver.wake_by_ref();
                }
            }
            Slot::Done(_) => drop(self.release(index)),
            Slot::Abandoned | Slot::Free => {}
        }
    }

    fn release(&mut self, index: usize) -> Slot {
        self.free.push(index);
        std::mem::replace(&mut self.slots[index].0, Slot::Free)
    }
}

pub(crate) struct Pipeline {
    pub(crate) core: RefCell<Core>,
    pub(crate) home: Rc<Home>,
}

/// What became of an attempt to queue a call.
pub(crate) enum Submitted<'a> {
    Queued {
        ticket: Ticket<'a>,
        prepared: Rc<Prepared>,
        bytes_sent: u64,
    },
    /// The connection is not open, or does not know the statement.
    NotReady,
    Bad(Box<PgError>),
}

impl Pipeline {
    pub(crate) fn new(home: &Rc<Home>) -> Rc<Pipeline> {
        Rc::new(Pipeline { core: RefCell::default(), home: Rc::clone(home) })
    }

    /// Queues a call of a statement, when that can be done at once.
    pub(crate) fn submit(&self, statement: &Statement, params: &[Value]) -> Submitted<'_> {
        let core = &mut *self.core.borrow_mut();
        if core.phase != Phase::Open {
            return Submitted::NotReady;
        }
        let Some(prepared) = core.shelf.get(statement).map(Rc::clone) else { return Submitted::NotReady };
        let start = core.output.len();
        if let Err(error) = prepared.call(statement, params, &mut core.output) {
            return Submitted::Bad(error);
        }
        let bytes_sent = (core.output.len() - start) as u64;
        let index = core.enqueue(start == 0);
        Submitted::Queued { ticket: Ticket { pipeline: self, index }, prepared, bytes_sent }
    }

    /// Queues what `write` appends; `None` when the connection is not open.
    pub(crate) fn queue(
        &self,
        write: impl FnOnce(&mut Core) -> Result<(), Box<PgError>>,
    ) -> Option<Result<Ticket<'_>, Box<PgError>>> {
        let core = &mut *self.core.borrow_mut();
        if core.phase != Phase::Open {
            return None;
        }
        let start = core.output.len();
        if let Err(error) = write(core) {
            return Some(Err(error));
        }
        let index = core.enqueue(start == 0);
        Some(Ok(Ticket { pipeline: self, index }))
    }

    /// No more requests; the connection ends when nobody waits for a reply.
    pub(crate) fn retire(&self) {
        let mut core = self.core.borrow_mut();
        core.phase = Phase::Retired;
        core.driver.wake_by_ref();
    }

    /// Waits until it is open or the attempt to open it has failed.
    pub(crate) async fn wait_open(&self) -> Result<(), Box<PgError>> {
        let mut has_waited = false;
        std::future::poll_fn(|cx| {
            let mut core = self.core.borrow_mut();
            match core.phase {
                Phase::Open | Phase::Retired => Poll::Ready(Ok(())),
                Phase::Closed if has_waited => match &core.open_error {
                    Some(error) => Poll::Ready(Err(error.clone())),
                    // Opened and lost again before this VU had its turn: it tries anew.
                    None => Poll::Ready(Ok(())),
                },
                Phase::Closed | Phase::Opening => {
                    has_waited = true;
                    core.openers.push(cx.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }

    /// Claims the preparing of a statement, or waits until whoever does it is done.
    pub(crate) async fn claim_preparing(&self, statement: &Statement) -> Option<Preparing<'_>> {
        let mut has_waited = false;
        std::future::poll_fn(|cx| {
            let core = &mut *self.core.borrow_mut();
            match core.preparing.get_mut(&statement.id()) {
                Some(wakers) => {
                    has_waited = true;
                    wakers.push(cx.waker().clone());
                    Poll::Pending
                }
                None if has_waited => Poll::Ready(None),
                None => {
                    core.preparing.insert(statement.id(), Vec::new());
                    Poll::Ready(Some(Preparing { pipeline: self, id: statement.id() }))
                }
            }
        })
        .await
    }
}

/// The right to prepare a statement; others wait until it is dropped.
pub(crate) struct Preparing<'a> {
    pipeline: &'a Pipeline,
    id: u32,
}

impl Drop for Preparing<'_> {
    fn drop(&mut self) {
        let wakers = self.pipeline.core.borrow_mut().preparing.remove(&self.id);
        wakers.into_iter().flatten().for_each(Waker::wake);
    }
}

/// The wait for one reply. Dropped early, it leaves the queue in order.
pub(crate) struct Ticket<'a> {
    pipeline: &'a Pipeline,
    index: usize,
}

/// Marks a ticket whose place has been given back.
const REDEEMED: usize = usize::MAX;

impl Future for Ticket<'_> {
    type Output = Result<Whole, Fault>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let index = self.index;
        let mut core = self.pipeline.core.borrow_mut();
        if !matches!(core.slots[index].0, Slot::Done(_)) {
            core.slots[index].1.clone_from(cx.waker());
            return Poll::Pending;
        }
        let slot = core.release(index);
        drop(core);
        self.index = REDEEMED;
        match slot {
            Slot::Done(result) => Poll::Ready(result),
            _ => Poll::Pending,
        }
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        if self.index != REDEEMED {
            self.pipeline.core.borrow_mut().abandon(self.index);
        }
    }
}
