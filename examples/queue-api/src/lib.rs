//! A priority queue over Postgres, spoken to in JSON over HTTP: items are pushed and popped, or claimed under a lease
//! and completed. It is the reference service that scripts are run against, and small enough to be read whole.
//!
//! Begin with `queue` (the statements), then `schema` (why these indexes), then `routes`.
//!
//! Deliberately absent: users and permissions, TLS, a cache. Every answer is what Postgres said for this request.

mod body;
mod error;
mod pool;
mod queue;
mod requests;
mod routes;
mod schema;
mod validate;

use std::future::Future;
use std::io;
use std::time::Duration;

use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::sync::watch;

use pool::Connections;

/// How long requests that are being answered may take after the service was asked to end.
const GRACE: Duration = Duration::from_secs(10);

/// What the service needs to know.
#[derive(Clone)]
pub struct Config {
    /// Where Postgres is: `postgresql://user:password@host:port/database`, or a socket's folder as
    /// `postgresql://user@/database?host=/folder`. Without TLS.
    pub postgres_url: String,
    /// Connections to Postgres at most; they are opened as they are needed.
    pub connections: usize,
    /// How long a request waits for a connection (then the answer is 503), and how long a statement may take.
    pub patience: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Config { postgres_url: String::new(), connections: 16, patience: Duration::from_secs(5) }
    }
}

/// Shows no URL: there may be a password in it.
impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config")
            .field("postgres_url", &"(redacted)")
            .field("connections", &self.connections)
            .field("patience", &self.patience)
            .finish()
    }
}

/// Why the service could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The connection string does not say where Postgres is.
    #[error(
        "the Postgres URL cannot be used: {reason}; it looks like postgresql://user:password@127.0.0.1:5432/database"
    )]
    Url {
        /// What is wrong with it; never the URL, which may hold a password.
        reason: String,
    },
    /// Postgres could not be reached, or refused to make the tables.
    #[error("the tables could not be made ready: {reason}")]
    Schema {
        /// In words.
        reason: String,
    },
}

/// The service with its tables made, ready to serve.
#[derive(Debug)]
pub struct Service {
    connections: Connections,
}

/// Connects to Postgres and makes the tables when they are not there.
///
/// # Errors
/// A URL that cannot be used, a Postgres that cannot be reached or refuses.
pub async fn open(config: &Config) -> Result<Service, OpenError> {
    let connections = Connections::new(config)?;
    let made = schema::make(&connections).await;
    made.map_err(|error| OpenError::Schema { reason: error.to_string() })?;
    Ok(Service { connections })
}

impl Service {
    /// Serves HTTP/1.1, and HTTP/2 to clients that begin with it, until `until` is over. Then nothing new is accepted,
    /// and what is being answered is answered, for at most 10 s.
    ///
    /// # Errors
    /// The listener fails.
    pub async fn serve(
        self,
        listener: TcpListener,
        until: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<()> {
        // Without it an answer may wait for the client's acknowledgement of the one before.
        let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
        let (told, mut is_ending) = watch::channel(false);
        let ending = async move {
            until.await;
            // The receiver lives as long as this function.
            let _ = told.send(true);
        };
        let serving = axum::serve(listener, routes::router(self.connections)).with_graceful_shutdown(ending);
        tokio::select! {
            result = serving.into_future() => result,
            () = async {
                // The sender goes with `serving`, which the other branch sees.
                let _ = is_ending.wait_for(|is_ending| *is_ending).await;
                tokio::time::sleep(GRACE).await;
            } => Ok(()),
        }
    }
}
