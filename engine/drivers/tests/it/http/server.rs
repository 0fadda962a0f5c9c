//! A real HTTP server, of hyper: what it answers is in the path of the request.
//!
//! `/echo` gives method, path, headers and body back; `/status/404` has that status; `/bytes/1000` so many bytes in
//! pieces; `/never` does not answer.

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::rc::Rc;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, spawn_local};

/// Most of a piece of a body.
const PIECE_BYTES: usize = 16 * 1024;

#[derive(Clone)]
struct Local;

impl<F: Future<Output = ()> + 'static> hyper::rt::Executor<F> for Local {
    fn execute(&self, task: F) {
        spawn_local(task);
    }
}

/// Serves every connection until it is dropped.
pub(super) struct Server {
    pub(super) port: u16,
    seen: Rc<Seen>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Seen {
    connections: RefCell<Vec<JoinHandle<()>>>,
    open: Cell<u32>,
    most_open: Cell<u32>,
}

impl Server {
    /// Speaks HTTP/2 alone. Must be called within a `LocalSet`.
    pub(super) async fn of_http2() -> Self {
        Self::start(true).await
    }

    /// Speaks HTTP/1.1 alone.
    pub(super) async fn of_http1() -> Self {
        Self::start(false).await
    }

    async fn start(is_http2: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Rc::<Seen>::default();
        let noted = Rc::clone(&seen);
        let task = spawn_local(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let of_connection = Rc::clone(&noted);
                let service = service_fn(move |request| answer(Rc::clone(&of_connection), request));
                let io = TokioIo::new(stream);
                let connection = spawn_local(async move {
                    if is_http2 {
                        let _ = hyper::server::conn::http2::Builder::new(Local)
                            .serve_connection(io, service)
                            .await;
                    } else {
                        let _ =
                            hyper::server::conn::http1::Builder::new().serve_connection(io, service).await;
                    }
                });
                noted.connections.borrow_mut().push(connection);
            }
        });
        Server { port, seen, task }
    }

    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// How many connections there were.
    pub(super) fn connections(&self) -> usize {
        self.seen.connections.borrow().len()
    }

    /// The most requests that were on their way at once.
    pub(super) fn most_open(&self) -> u32 {
        self.seen.most_open.get()
    }

    /// Closes every connection without a word.
    pub(super) async fn hang_up(&self) {
        for connection in self.seen.connections.borrow().iter() {
            connection.abort();
        }
        // The sockets are closed when the tasks are gone.
        tokio::task::yield_now().await;
        tokio::task::yield_now().await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(
    seen: Rc<Seen>,
    request: Request<Incoming>,
) -> Result<Response<UnsyncBoxBody<Bytes, Infallible>>, Infallible> {
    seen.open.set(seen.open.get() + 1);
    seen.most_open.set(seen.most_open.get().max(seen.open.get()));
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let words: Vec<&str> = head.uri.path().split('/').collect();
    let (status, said) = match words[1..] {
        ["echo", ..] => (200, echo(&head, &body)),
        ["status", status] => (status.parse().unwrap(), Vec::new()),
        ["bytes", count] => (200, vec![7; count.parse().unwrap()]),
        ["never"] => std::future::pending().await,
        _ => (404, b"no such path".to_vec()),
    };
    // Others may come before this one goes.
    tokio::task::yield_now().await;
    seen.open.set(seen.open.get() - 1);
    let pieces: Vec<_> =
        said.chunks(PIECE_BYTES).map(|piece| Ok(Frame::data(Bytes::copy_from_slice(piece)))).collect();
    let body = BodyExt::boxed_unsync(StreamBody::new(stream::iter(pieces)));
    Ok(Response::builder().status(status).header("x-said", "yes").body(body).unwrap())
}

fn echo(head: &http::request::Parts, body: &[u8]) -> Vec<u8> {
    let path = head.uri.path_and_query().unwrap();
    let mut lines = vec![format!("{} {path}", head.method)];
    let headers = head.headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()));
    lines.extend(headers);
    // HTTP/2 has no header for it.
    lines.extend(head.uri.authority().map(|authority| format!("authority: {authority}")));
    lines.push(String::from_utf8_lossy(body).into_owned());
    lines.join("\n").into_bytes()
}
