//! One connection, and one request with its reply on it.
//!
//! hyper splits a connection in two: a handle that takes requests, and a driver that must be polled for
//! anything to happen. The usual way is to spawn the driver as a task, which costs two task switches and two
//! wake-ups a request. Here whoever waits for a reply polls the driver himself: no task, no switch, and a
//! connection nobody uses costs nothing. A close by the server is noticed when the connection is next used,
//! before anything is sent on it.
//!
//! Deliberately knows no S3 and no service: any HTTP/1.1 request goes through.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, StatusCode, response};
use http_body_util::Full;
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, Sleep, sleep_until};

use super::pile::Pile;
use super::relay::Relay;
use super::wire::{Meter, Wire};

/// Most of a reply that is not wanted: an error document has a few hundred bytes, a web page is cut off here.
const ERROR_LIMIT_BYTES: u64 = 64 * 1024;

/// A connection that carries one request at a time.
pub(crate) struct Connection {
    requests: http1::SendRequest<Full<Bytes>>,
    /// Nothing once the connection is over.
    driver: Option<http1::Connection<TokioIo<Wire>, Full<Bytes>>>,
    meter: Rc<Meter>,
    relay: Relay,
    /// One timer for the life of the connection: setting it later than it stands is a store, not a
    /// re-registration, so a timeout costs next to nothing while nothing times out.
    alarm: Pin<Box<Sleep>>,
}

/// What of a reply is taken. Of any other only the beginning is, and the connection is given up if there is more.
#[derive(Clone, Copy)]
pub(crate) struct Wanted {
    /// Most of a body.
    pub(crate) limit_bytes: u64,
    /// Which replies are wanted.
    pub(crate) of: Of,
}

/// Replies by their status.
#[derive(Clone, Copy)]
pub(crate) enum Of {
    /// Whatever the server says.
    Any,
    Success,
    Status(StatusCode),
}

impl Wanted {
    fn is_met_by(self, status: StatusCode) -> bool {
        match self.of {
            Of::Any => true,
            Of::Success => status.is_success(),
            Of::Status(wanted) => wanted == status,
        }
    }
}

/// A whole reply, or the beginning of one that was not wanted.
pub(crate) struct Received {
    pub(crate) head: response::Parts,
    pub(crate) body: Bytes,
}

/// Why there is no whole reply.
pub(crate) enum Failure {
    /// The connection was over before any of the request was sent. Here it is back.
    Unsent(Box<Request<Full<Bytes>>>),
    TimedOut {
        was_sent: bool,
    },
    Lost {
        was_sent: bool,
        class: &'static str,
        detail: String,
    },
    NotHttp {
        was_sent: bool,
        detail: String,
    },
    TooLarge,
}

impl Connection {
    pub(crate) async fn open(wire: Wire, deadline: Instant) -> Result<Self, String> {
        let meter = wire.meter();
        let (requests, driver) =
            http1::handshake(TokioIo::new(wire)).await.map_err(|error| error.to_string())?;
        let alarm = Box::pin(sleep_until(deadline));
        Ok(Connection { requests, driver: Some(driver), meter, relay: Relay::new(), alarm })
    }

    /// Whether another request can follow.
    pub(crate) fn is_reusable(&self) -> bool {
        self.driver.is_some() && self.requests.is_ready()
    }

    /// Sends a request and takes the whole reply, if it is one that is wanted, before `deadline`.
    pub(crate) async fn exchange(
        &mut self,
        request: Request<Full<Bytes>>,
        deadline: Instant,
        wanted: Wanted,
    ) -> Result<Received, Failure> {
        let sent_before = self.meter.sent_bytes();
        self.alarm.as_mut().reset(deadline);
        let mut reply = pin!(self.requests.try_send_request(request));
        let Connection { driver, relay, alarm, .. } = self;
        let answer = poll_fn(|cx| {
            relay.poll(cx, |cx| {
                drive(driver, cx);
                match reply.as_mut().poll(cx) {
                    Poll::Ready(answer) => Poll::Ready(Some(answer)),
                    Poll::Pending => alarm.as_mut().poll(cx).map(|()| None),
                }
            })
        })
        .await;
        let was_sent = self.meter.sent_bytes() > sent_before;
        match answer {
            None => Err(Failure::TimedOut { was_sent }),
            Some(Ok(response)) => {
                let (head, body) = response.into_parts();
                let body = self.read(wanted.is_met_by(head.status), body, wanted.limit_bytes).await?;
                Ok(Received { head, body })
            }
            Some(Err(mut error)) => match error.take_message() {
                Some(request) if !was_sent => Err(Failure::Unsent(Box::new(request))),
                _ => Err(self.failed(&error.into_error(), was_sent)),
            },
        }
    }

    /// Takes the body.
    async fn read(
        &mut self,
        is_wanted: bool,
        mut body: Incoming,
        limit_bytes: u64,
    ) -> Result<Bytes, Failure> {
        let limit_bytes = if is_wanted { limit_bytes } else { ERROR_LIMIT_BYTES };
        let mut pile = Pile::new(body.size_hint().lower());
        if is_wanted && pile.expected_bytes() > limit_bytes {
            return Err(Failure::TooLarge);
        }
        while !body.is_end_stream() {
            let Some(frame) = poll_fn(|cx| self.poll_frame(&mut body, cx)).await? else { break };
            let Ok(piece) = frame.into_data() else { continue };
            pile.push(piece, limit_bytes);
            if pile.total_bytes() > limit_bytes && is_wanted {
                return Err(Failure::TooLarge);
            }
            // Whoever announces too much of what is not wanted is not waited for.
            if pile.expected_bytes() > limit_bytes {
                break;
            }
        }
        Ok(pile.into_bytes())
    }

    fn poll_frame(
        &mut self,
        body: &mut Incoming,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<hyper::body::Frame<Bytes>>, Failure>> {
        let Connection { driver, relay, alarm, .. } = self;
        let frame = relay.poll(cx, |cx| {
            // Asking first tells the driver that somebody wants the body: it then has it ready in the same poll.
            let frame = Pin::new(&mut *body).poll_frame(cx);
            if frame.is_ready() {
                return frame.map(Some);
            }
            drive(driver, cx);
            match Pin::new(&mut *body).poll_frame(cx) {
                Poll::Ready(frame) => Poll::Ready(Some(frame)),
                Poll::Pending => alarm.as_mut().poll(cx).map(|()| None),
            }
        });
        frame.map(|frame| match frame {
            None => Err(Failure::TimedOut { was_sent: true }),
            Some(None) => Ok(None),
            Some(Some(Ok(frame))) => Ok(Some(frame)),
            Some(Some(Err(error))) => Err(self.failed(&error, true)),
        })
    }

    fn failed(&self, error: &hyper::Error, was_sent: bool) -> Failure {
        if error.is_parse() {
            return Failure::NotHttp { was_sent, detail: error.to_string() };
        }
        let class = self.meter.failure().unwrap_or("unexpected_eof");
        Failure::Lost { was_sent, class, detail: error.to_string() }
    }
}

/// Lets the connection move. Its own errors need no look: hyper hands them to the request or the body.
fn drive(driver: &mut Option<http1::Connection<TokioIo<Wire>, Full<Bytes>>>, cx: &mut Context<'_>) {
    if let Some(connection) = driver
        && Pin::new(connection).poll(cx).is_ready()
    {
        // Dropping it gives back a request it had not begun to send.
        *driver = None;
    }
}
