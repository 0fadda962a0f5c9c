//! Cancel requests, sent by a thread of their own.
//!
//! A connection is mostly dropped in mid-exchange because everything around it ends: at the end of a load the
//! core's runtime goes right afterwards, and a task on it would never run. The thread outlives all cores; it
//! keeps nobody from exiting, because nobody joins it.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::BytesMut;
use postgres_protocol::message::frontend;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{Semaphore, mpsc};
use tokio_postgres::{CancelToken, NoTls};

use crate::pg::connect::dial::{CancelKey, Dialer};

/// As many connections may be dropped at once; what comes on top is left to the server's statement timeout.
const QUEUE_MAX: usize = 64 * 1024;
/// Each is a connection to the server for a moment, which has only so many to give.
const AT_ONCE: usize = 16;
/// How long one may take before it is given up: a server far away, behind TLS, needs four round trips.
const LIMIT: Duration = Duration::from_secs(1);

/// Whose statement is to be cancelled.
pub(crate) enum Whose {
    Lean(CancelKey),
    Pooled(CancelToken),
}

struct Order {
    dialer: Arc<Dialer>,
    whose: Whose,
}

/// Asks the server to stop what a connection is doing. Works outside of any runtime, and does not wait. Best
/// effort: the answer is that the other connection ends its statement, or does not.
pub(crate) fn cancel(dialer: &Arc<Dialer>, whose: Whose) {
    static QUEUE: OnceLock<Option<mpsc::Sender<Order>>> = OnceLock::new();
    let order = Order { dialer: Arc::clone(dialer), whose };
    let queue = QUEUE.get_or_init(start).as_ref();
    if queue.is_none_or(|queue| queue.try_send(order).is_err()) {
        tracing::warn!(place = %dialer.config.place, "a cancel request could not be sent: too many at once");
    }
}

fn start() -> Option<mpsc::Sender<Order>> {
    let (sender, orders) = mpsc::channel(QUEUE_MAX);
    let started = tokio::runtime::Builder::new_current_thread().enable_all().build().and_then(|runtime| {
        std::thread::Builder::new()
            .name("pg-cancel".to_owned())
            .spawn(move || runtime.block_on(serve(orders)))
    });
    match started {
        Ok(_) => Some(sender),
        Err(error) => {
            tracing::warn!(%error, "no thread for cancel requests could be started");
            None
        }
    }
}

async fn serve(mut orders: mpsc::Receiver<Order>) {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    while let Some(order) = orders.recv().await {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        tokio::spawn(async move {
            order.carry_out().await;
            drop(place);
        });
    }
}

impl Order {
    async fn carry_out(self) {
        let place = &self.dialer.config.place;
        match tokio::time::timeout(LIMIT, send(&self.dialer, self.whose)).await {
            Ok(Ok(())) => {}
            Ok(Err(message)) => tracing::warn!(%place, message, "cancel request failed"),
            Err(_) => tracing::warn!(%place, "cancel request timed out"),
        }
    }
}

async fn send(dialer: &Dialer, whose: Whose) -> Result<(), String> {
    let mut socket = dialer.dial().await.map_err(|problem| problem.to_string())?;
    match whose {
        Whose::Pooled(token) => {
            token.cancel_query_raw(socket, NoTls).await.map_err(|error| error.to_string())
        }
        Whose::Lean(key) => {
            let mut request = BytesMut::new();
            frontend::cancel_request(key.process, key.secret, &mut request);
            socket.write_all(&request).await.map_err(|error| error.to_string())?;
            socket.flush().await.map_err(|error| error.to_string())?;
            // The server closes the stream when it has passed the request on.
            let _ = socket.read_u8().await;
            Ok(())
        }
    }
}
