//! The stream under a pooled connection: it shows what goes over it to its traffic, and carries our own errors
//! of connecting through the library.

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use deadpool_postgres::{ClientWrapper, Connect, Hook};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Config, Error, NoTls};

use crate::pg::connect::dial::Dialer;
use crate::pg::connect::problem::ConnectProblem;
use crate::pg::connect::socket::Socket;
use crate::pg::connect::startup;
use crate::pg::error::PgError;
use crate::pg::pooled::traffic::Traffic;

/// The traffic of each connection of a pool, found by its statement cache, which is its own alone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Register {
    by_connection: Arc<Mutex<HashMap<usize, Arc<Traffic>>>>,
    /// Of the connection that was made last. Made and registered in one poll of the pool, on one thread.
    newest: Arc<Mutex<Arc<Traffic>>>,
}

impl Register {
    /// A hook that registers each new connection.
    pub(crate) fn hook(&self) -> Hook {
        let register = self.clone();
        Hook::sync_fn(move |client, _| {
            let newest = Arc::clone(&lock(&register.newest));
            lock(&register.by_connection).insert(key(client), newest);
            Ok(())
        })
    }

    pub(crate) fn traffic(&self, client: &ClientWrapper) -> Arc<Traffic> {
        lock(&self.by_connection).get(&key(client)).map(Arc::clone).unwrap_or_default()
    }

    /// A connection has gone.
    pub(crate) fn forget(&self, client: &ClientWrapper) {
        lock(&self.by_connection).remove(&key(client));
    }
}

fn key(client: &ClientWrapper) -> usize {
    Arc::as_ptr(&client.statement_cache).addr()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes the pool's connections over our own streams, so that addresses, TLS and errors are the same in all
/// modes.
pub(crate) struct Connector {
    pub(crate) dialer: Arc<Dialer>,
    pub(crate) register: Register,
}

impl Connector {
    /// The library's configuration: who we are. Where to is the stream's business.
    pub(crate) fn config(dialer: &Dialer, statement_timeout: Duration) -> Config {
        let mut config = Config::new();
        config
            .user(dialer.config.place.user())
            .dbname(dialer.config.place.dbname())
            .application_name(&dialer.config.application_name)
            .options(startup::options(&dialer.config, statement_timeout))
            .ssl_mode(tokio_postgres::config::SslMode::Disable);
        if let Some(password) = &dialer.config.password {
            config.password(password.reveal());
        }
        config
    }
}

type Connecting<'a> = Pin<Box<dyn Future<Output = Result<(Client, JoinHandle<()>), Error>> + Send + 'a>>;

impl Connect for Connector {
    fn connect(&self, config: &Config) -> Connecting<'_> {
        let config = config.clone();
        Box::pin(async move {
            let traffic = Arc::new(Traffic::default());
            let limit = self.dialer.config.connect_timeout;
            let dialled = tokio::time::timeout(limit, self.dialer.dial()).await;
            let socket = dialled
                .unwrap_or(Err(ConnectProblem::Timeout(limit)))
                .map_err(|problem| Some(io::Error::other(self.dialer.error(problem))));
            let wire = Wire { socket, traffic: Arc::clone(&traffic) };
            let (client, connection) = config.connect_raw(wire, NoTls).await?;
            *lock(&self.register.newest) = traffic;
            let task = tokio::spawn(async move {
                if let Err(error) = connection.await {
                    tracing::debug!(%error, "a pooled connection ended");
                }
            });
            Ok((client, task))
        })
    }
}

/// Our own error of connecting inside an error of the library.
pub(crate) fn own_error(error: &Error) -> Option<&PgError> {
    let source = std::error::Error::source(error)?;
    source.downcast_ref::<io::Error>()?.get_ref()?.downcast_ref::<PgError>()
}

/// A stream that counts; or the error that there is instead of one, told at the first write.
struct Wire {
    socket: Result<Socket, Option<io::Error>>,
    traffic: Arc<Traffic>,
}

impl Wire {
    fn socket(&mut self) -> io::Result<Pin<&mut Socket>> {
        match &mut self.socket {
            Ok(socket) => Ok(Pin::new(socket)),
            Err(error) => Err(error.take().unwrap_or_else(|| io::ErrorKind::NotConnected.into())),
        }
    }
}

impl Drop for Wire {
    /// The library drops the stream without reading on when the server hangs up unasked (a backend that is
    /// terminated, a shutdown). Whoever waits for the end of a reply must not wait for that one.
    fn drop(&mut self) {
        self.traffic.note_end();
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = self.socket()?.poll_read(cx, buffer);
        match (&result, &buffer.filled()[before..]) {
            (Poll::Pending, _) => {}
            (Poll::Ready(Ok(())), read @ [_, ..]) => self.traffic.note_received(read),
            (Poll::Ready(_), _) => self.traffic.note_end(),
        }
        result
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let result = self.socket()?.poll_write(cx, bytes);
        if let Poll::Ready(Ok(count)) = result {
            self.traffic.note_sent(count);
        }
        result
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket()?.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket()?.poll_shutdown(cx)
    }
}
