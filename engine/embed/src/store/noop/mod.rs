//! A store that keeps nothing, and costs as little CPU as a server can: what a client reaches against it is the
//! client's own ceiling, not a store's.
//!
//! So it is no store, and says what one would say:
//!
//! - a PUT is counted and acknowledged with an ETag that is always the same; conditions always hold;
//! - a GET or HEAD of any key has as many zero bytes as the latest PUT of any key had, a Range as many as it asks for;
//! - a DELETE succeeds; so does each step of an upload in parts, and a deletion of many;
//! - a LIST has as many keys as were put under its prefix so far and not deleted: counted for each *folder*, the key
//!   up to its last `/`. An overwrite is counted as another key. The keys it names are the prefix and a number, so
//!   they are in order and pages go on where they should: `start-after` goes on after the last number in it. Names are
//!   rendered once and kept; a `delimiter` is not looked at.
//!
//! Signatures and checksums are not verified, buckets are always there, and all counts end with the process. It speaks
//! HTTP/1.1 itself, on one thread: what a small request costs is a read and a write, and little beside.

mod answers;
mod connection;
mod counts;
mod pages;
mod request;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::net::TcpStream;

use counts::Counts;
use pages::Pages;

/// What the connections share.
#[derive(Debug, Default)]
pub(super) struct Noop(Mutex<Shared>);

#[derive(Debug, Default)]
struct Shared {
    counts: Counts,
    pages: Pages,
}

impl Noop {
    /// Answers everything that comes on a connection.
    pub(super) async fn serve(self: Arc<Self>, stream: TcpStream) {
        // A connection that breaks is the client's business.
        drop(connection::serve(stream, &self).await);
    }

    /// A panic while the lock was held leaves plain numbers behind, any of which will do.
    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
