//! A request on its way: on the freshest connection that is still open, or on a new one, and back with the reply.
//!
//! A request that found its connection closed before any of it was sent takes the next connection: that is the choice
//! of a connection and not a second try. Deliberately does not know what a reply means.

use std::io;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use tokio::time::{Instant, timeout_at};

use super::connect::{ConnectError, Connector};
use super::connection::{Connection, Failure, Received, Wanted};
use super::pool::Pool;

/// When things happened to one request.
pub(crate) struct Times {
    pub(crate) asked: Instant,
    pub(crate) deadline: Instant,
    /// A connection was there.
    pub(crate) ready: Instant,
    /// The reply was whole, or would never be.
    pub(crate) done: Instant,
}

impl Times {
    /// Of a request that is about to be made.
    pub(crate) fn until(asked: Instant, deadline: Instant) -> Self {
        Times { asked, deadline, ready: asked, done: asked }
    }

    /// From the moment there was a connection to the end.
    pub(crate) fn service_ns(&self) -> u64 {
        self.done.duration_since(self.ready).as_nanos() as u64
    }

    /// Until there was a connection.
    pub(crate) fn connect_wait_ns(&self) -> u64 {
        self.ready.duration_since(self.asked).as_nanos() as u64
    }
}

/// Why there is no reply.
pub(crate) enum Trouble {
    /// No connection could be made.
    Unreachable(io::Error),
    /// The other side speaks no TLS, or nobody we trust vouches for it.
    Untrusted(String),
    /// The time was over.
    TimedOut { was_sent: bool },
    /// The connection went away.
    Lost { was_sent: bool, class: &'static str, detail: String },
    /// What came back was not HTTP.
    NotHttp { was_sent: bool, detail: String },
    /// More came back than is wanted.
    TooLarge,
}

impl From<ConnectError> for Trouble {
    fn from(error: ConnectError) -> Self {
        match error {
            ConnectError::Io(error) => Trouble::Unreachable(error),
            ConnectError::Tls(detail) => Trouble::Untrusted(detail),
        }
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Unsent(_) => Trouble::Lost {
                was_sent: false,
                class: "unexpected_eof",
                detail: "the server closed it at once".to_owned(),
            },
            Failure::TimedOut { was_sent } => Trouble::TimedOut { was_sent },
            Failure::Lost { was_sent, class, detail } => Trouble::Lost { was_sent, class, detail },
            Failure::NotHttp { was_sent, detail } => Trouble::NotHttp { was_sent, detail },
            Failure::TooLarge => Trouble::TooLarge,
        }
    }
}

/// Carries one request to the server of `connector` and brings its reply.
pub(crate) async fn carry(
    pool: &Pool,
    connector: &Connector,
    mut request: Request<Full<Bytes>>,
    wanted: Wanted,
    times: &mut Times,
) -> Result<Received, Trouble> {
    loop {
        let pooled = pool.take(times.ready);
        let is_new = pooled.is_none();
        let mut connection = match pooled {
            Some(connection) => connection,
            None => {
                let opened = open(connector, times.deadline).await;
                times.ready = Instant::now();
                times.done = times.ready;
                opened?
            }
        };
        let result = connection.exchange(request, times.deadline, wanted).await;
        times.done = Instant::now();
        match result {
            Ok(received) => {
                pool.note_use(is_new);
                if connection.is_reusable() {
                    pool.put(times.done, connection);
                }
                return Ok(received);
            }
            Err(Failure::Unsent(unsent)) if !is_new => request = *unsent,
            Err(failure) => return Err(failure.into()),
        }
    }
}

/// A new connection.
pub(crate) async fn open(connector: &Connector, deadline: Instant) -> Result<Box<Connection>, Trouble> {
    let connecting = async {
        let wire = connector.connect().await?;
        let opened = Connection::open(wire, deadline).await;
        opened.map(Box::new).map_err(|detail| Trouble::NotHttp { was_sent: false, detail })
    };
    timeout_at(deadline, connecting).await.unwrap_or(Err(Trouble::TimedOut { was_sent: false }))
}
