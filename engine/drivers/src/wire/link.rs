//! Takes connections and joins each with one to the server.

use std::io;
use std::net::TcpListener as StdListener;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;

use super::Upstream;
use super::line::{Direction, carry};
use super::trouble::{Trouble, Troubles};

/// How long to leave a system alone that has no descriptor for a new connection.
const BREATH: Duration = Duration::from_millis(10);

struct Link {
    upstream: Upstream,
    troubles: Arc<Troubles>,
    there: Direction,
    back: Direction,
}

/// The connection to the server.
enum Far {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// Takes connections until it is over.
///
/// # Errors
/// When the port cannot be listened on by this runtime.
pub(super) async fn serve(
    listener: StdListener,
    upstream: Upstream,
    troubles: Arc<Troubles>,
    mut is_over: watch::Receiver<bool>,
) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    let link = Rc::new(Link { upstream, troubles, there: Direction::new(0), back: Direction::new(1) });
    loop {
        tokio::select! {
            biased;
            // Whoever could say it is gone: that is over as well.
            _ = is_over.wait_for(|is_over| *is_over) => return Ok(()),
            accepted = listener.accept() => match accepted {
                Ok((near, _)) => drop(tokio::task::spawn_local(Rc::clone(&link).join(near))),
                Err(error) => {
                    tracing::warn!(%error, "the proxy could not take a connection");
                    tokio::time::sleep(BREATH).await;
                }
            }
        }
    }
}

/// Counts an open connection for as long as it is one.
struct Open<'a>(&'a AtomicU64);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

impl Link {
    /// One connection from its beginning to its end.
    async fn join(self: Rc<Self>, mut near: TcpStream) {
        let counts = &self.troubles.counts;
        let mut now = self.troubles.now.subscribe();
        let Trouble { is_refusing, resets, .. } = *now.borrow();
        if is_refusing {
            counts.refused.fetch_add(1, Relaxed);
            return abandon(&near);
        }
        counts.open.fetch_add(1, Relaxed);
        let _open = Open(&counts.open);
        let mut reset = pin!(now.wait_for(|trouble| trouble.resets > resets));
        let dialled = tokio::select! {
            biased;
            _ = &mut reset => None,
            far = self.dial() => Some(far),
        };
        let Some(dialled) = dialled else {
            counts.reset.fetch_add(1, Relaxed);
            return abandon(&near);
        };
        // A server that is not there ends the connection: there is no way to take back that it was accepted.
        let Ok(mut far) = dialled else { return abandon(&near) };
        let through = tokio::select! {
            biased;
            _ = &mut reset => None,
            through = self.through(&mut near, &mut far) => Some(through),
        };
        match through {
            Some(Ok(())) => {}
            Some(Err(_)) => {
                abandon(&near);
                far.abandon();
            }
            None => {
                counts.reset.fetch_add(1, Relaxed);
                abandon(&near);
                far.abandon();
            }
        }
    }

    /// Connects to the server, once anything gets through.
    async fn dial(&self) -> io::Result<Far> {
        let mut now = self.troubles.now.subscribe();
        if now.borrow().is_cut {
            self.troubles.counts.held.fetch_add(1, Relaxed);
            now.wait_for(|trouble| !trouble.is_cut).await.map_err(|_| io::ErrorKind::ConnectionAborted)?;
        }
        Ok(match &self.upstream {
            Upstream::Tcp(host, port) => {
                let stream = TcpStream::connect((host.as_str(), *port)).await?;
                stream.set_nodelay(true)?;
                Far::Tcp(stream)
            }
            Upstream::Unix(path) => Far::Unix(UnixStream::connect(path).await?),
        })
    }

    /// Both directions, until both have ended or one has failed.
    async fn through(&self, near: &mut TcpStream, far: &mut Far) -> io::Result<()> {
        near.set_nodelay(true)?;
        let counts = &self.troubles.counts;
        let now = || self.troubles.now.subscribe();
        let (from_near, to_near) = near.split();
        match far {
            Far::Tcp(far) => {
                let (from_far, to_far) = far.split();
                let there = carry(from_near, to_far, &self.there, now(), counts);
                tokio::try_join!(there, carry(from_far, to_near, &self.back, now(), counts))?;
            }
            Far::Unix(far) => {
                let (from_far, to_far) = far.split();
                let there = carry(from_near, to_far, &self.there, now(), counts);
                tokio::try_join!(there, carry(from_far, to_near, &self.back, now(), counts))?;
            }
        }
        Ok(())
    }
}

impl Far {
    fn abandon(&self) {
        if let Far::Tcp(stream) = self {
            abandon(stream);
        }
    }
}

/// Makes the end of a connection a reset.
fn abandon(stream: &TcpStream) {
    // Without it the end is an ordinary one, which is told below as well as may be.
    if let Err(error) = stream.set_zero_linger() {
        tracing::debug!(%error, "a connection could not be reset");
    }
}
