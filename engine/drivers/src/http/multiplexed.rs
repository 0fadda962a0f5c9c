//! HTTP/2: all requests of a core on a few connections.
//!
//! A connection is opened by whoever needs it first, and whoever comes meanwhile waits for it. Each is driven by a task
//! of its own, because many wait for what comes on it. What a server permits at once bounds how many requests are on
//! their way; the others wait in hyper, and that is part of their service time.
//!
//! Deliberately absent: a second try of what may have arrived. A request that hyper hands back was never begun, and
//! takes a new connection once.

use std::cell::{Cell, RefCell};
use std::error::Error;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use hyper::body::{Body, Incoming};
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout_at};

use crate::net::{ConnectionUse, Connector, Meter, Pile, Received, Times, Trouble};

/// One core's connections to one server.
pub(super) struct Multiplexed {
    slots: Vec<Slot>,
    next: Cell<usize>,
    is_https: bool,
    opened: Cell<u64>,
    reused: Cell<u64>,
}

/// A place for a connection.
#[derive(Default)]
struct Slot {
    link: RefCell<Option<Link>>,
    /// Held by whoever opens one.
    opening: Mutex<()>,
}

#[derive(Clone)]
struct Link {
    requests: SendRequest<Full<Bytes>>,
    meter: Rc<Meter>,
    /// Whether it is sure that the other side speaks HTTP/2: it agreed to, or has answered in it.
    is_sure: Rc<Cell<bool>>,
}

/// Where a connection came from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Came {
    /// It was there.
    Kept,
    /// Somebody else was about to open it.
    Awaited,
    Opened,
}

/// Runs what belongs to a connection on the thread that uses it.
#[derive(Clone)]
struct Local;

impl<F: Future<Output = ()> + 'static> hyper::rt::Executor<F> for Local {
    fn execute(&self, task: F) {
        tokio::task::spawn_local(task);
    }
}

impl Multiplexed {
    pub(super) fn new(connections: usize, is_https: bool) -> Self {
        let slots = (0..connections.max(1)).map(|_| Slot::default()).collect();
        Multiplexed { slots, next: Cell::new(0), is_https, opened: Cell::new(0), reused: Cell::new(0) }
    }

    pub(super) fn usage(&self) -> ConnectionUse {
        let idle = self.slots.iter().filter(|slot| slot.living().is_some()).count();
        ConnectionUse { opened: self.opened.get(), reused: self.reused.get(), idle }
    }

    /// Makes sure that there is a connection.
    pub(super) async fn reach(&self, connector: &Connector, deadline: Instant) -> Result<(), Trouble> {
        self.link(&self.slots[0], connector, deadline).await.map(|_| ())
    }

    /// Carries one request and brings its reply.
    pub(super) async fn carry(
        &self,
        connector: &Connector,
        mut request: Request<Full<Bytes>>,
        limit_bytes: u64,
        times: &mut Times,
    ) -> Result<Received, Trouble> {
        loop {
            let turn = self.next.replace(self.next.get().wrapping_add(1));
            let slot = &self.slots[turn % self.slots.len()];
            let linked = self.link(slot, connector, times.deadline).await;
            // One that is there already costs no look at the clock.
            if !matches!(linked, Ok((_, Came::Kept))) {
                times.ready = Instant::now();
                times.done = times.ready;
            }
            let (link, came) = linked?;
            let exchange = link.exchange(request, limit_bytes);
            let result = timeout_at(times.deadline, exchange).await;
            times.done = Instant::now();
            match result {
                Err(_) => return Err(Trouble::TimedOut { was_sent: true }),
                Ok(Ok(received)) => {
                    let counter = if came == Came::Opened { &self.opened } else { &self.reused };
                    counter.set(counter.get() + 1);
                    return Ok(received);
                }
                Ok(Err(Ended::Unsent(unsent))) if came == Came::Kept => {
                    slot.give_up(&link);
                    request = *unsent;
                }
                Ok(Err(Ended::Unsent(_))) => {
                    let detail = "the server closed it at once".to_owned();
                    return Err(Trouble::Lost { was_sent: false, class: link.class(), detail });
                }
                Ok(Err(Ended::For(trouble))) => return Err(trouble),
            }
        }
    }

    /// The connection of a slot.
    async fn link(
        &self,
        slot: &Slot,
        connector: &Connector,
        deadline: Instant,
    ) -> Result<(Link, Came), Trouble> {
        if let Some(link) = slot.living() {
            return Ok((link, Came::Kept));
        }
        let opening = async {
            let _alone = slot.opening.lock().await;
            if let Some(link) = slot.living() {
                return Ok((link, Came::Awaited));
            }
            let link = self.open(connector).await?;
            slot.link.replace(Some(link.clone()));
            Ok((link, Came::Opened))
        };
        let opened = timeout_at(deadline, opening).await;
        opened.unwrap_or(Err(Trouble::TimedOut { was_sent: false }))
    }

    async fn open(&self, connector: &Connector) -> Result<Link, Trouble> {
        let wire = connector.connect().await?;
        if self.is_https && wire.protocol() != Some(b"h2") {
            let detail = "it did not agree to HTTP/2".to_owned();
            return Err(Trouble::NotHttp { was_sent: false, detail });
        }
        let meter = wire.meter();
        let (requests, driver) = http2::handshake(Local, TokioIo::new(wire))
            .await
            .map_err(|error| Trouble::NotHttp { was_sent: false, detail: told(&error) })?;
        // Its own failure needs no look: hyper hands it to the requests.
        tokio::task::spawn_local(async move {
            let _ = driver.await;
        });
        Ok(Link { requests, meter, is_sure: Rc::new(Cell::new(self.is_https)) })
    }
}

impl Slot {
    /// The connection, unless it is over.
    fn living(&self) -> Option<Link> {
        self.link.borrow().as_ref().filter(|link| !link.requests.is_closed()).cloned()
    }

    /// Takes a connection away that is over, if it is still the one.
    fn give_up(&self, over: &Link) {
        let mut link = self.link.borrow_mut();
        if link.as_ref().is_some_and(|link| Rc::ptr_eq(&link.meter, &over.meter)) {
            *link = None;
        }
    }
}

/// Why a connection gave no reply.
enum Ended {
    /// The request was never begun. Here it is back.
    Unsent(Box<Request<Full<Bytes>>>),
    For(Trouble),
}

impl Link {
    async fn exchange(&self, request: Request<Full<Bytes>>, limit_bytes: u64) -> Result<Received, Ended> {
        let sent = self.requests.clone().try_send_request(request).await;
        let (head, mut body) = match sent {
            Ok(response) => {
                self.is_sure.set(true);
                response.into_parts()
            }
            Err(mut error) => {
                return Err(match error.take_message() {
                    Some(request) => Ended::Unsent(Box::new(request)),
                    None => Ended::For(self.lost(&error.into_error())),
                });
            }
        };
        let body = self.read(&mut body, limit_bytes).await.map_err(Ended::For)?;
        Ok(Received { head, body })
    }

    async fn read(&self, body: &mut Incoming, limit_bytes: u64) -> Result<Bytes, Trouble> {
        let mut pile = Pile::new(body.size_hint().lower());
        while pile.expected_bytes() <= limit_bytes && !body.is_end_stream() {
            match poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await {
                None => break,
                Some(Err(error)) => return Err(self.lost(&error)),
                Some(Ok(frame)) => {
                    if let Ok(piece) = frame.into_data() {
                        pile.push(piece, limit_bytes);
                    }
                }
            }
        }
        if pile.expected_bytes() > limit_bytes { Err(Trouble::TooLarge) } else { Ok(pile.into_bytes()) }
    }

    fn lost(&self, error: &hyper::Error) -> Trouble {
        Trouble::Lost { was_sent: true, class: self.class(), detail: told(error) }
    }

    /// What ended the connection, or that HTTP/2 itself failed: one side broke its rules, or nobody ever spoke it.
    fn class(&self) -> &'static str {
        self.meter.failure().filter(|_| self.is_sure.get()).unwrap_or("http2")
    }
}

/// An error with its causes: hyper's own says no more than "http2 error".
fn told(error: &hyper::Error) -> String {
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        told.push_str(&format!(": {error}"));
        cause = error.source();
    }
    told
}
