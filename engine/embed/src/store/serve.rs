//! The store process: takes orders, opens the store, serves S3 on 127.0.0.1 until its parent is gone.
//!
//! One thread for all connections; a second one syncs the log, and one joins the parts of an upload when it is whole.

use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use tokio::net::{TcpListener, TcpStream};

use super::Backend;
use super::api::Api;
use super::noop::Noop;
use super::ordered::{Answer, Give, LogOptions, OrderedStore};
use super::wire::Orders;
use crate::Durability;
use crate::helper::Report;
use crate::helper::within::{self, failed, tell};

/// Runs the process; its exit code.
pub(crate) fn serve() -> i32 {
    match prepare() {
        Ok((runtime, backend, listener)) => {
            runtime.block_on(accept(backend, listener));
            0
        }
        Err(report) => {
            // A parent that is gone needs no report.
            let _ = tell(&report);
            1
        }
    }
}

fn prepare() -> Result<(tokio::runtime::Runtime, Serving, TcpListener), Report> {
    let orders: Orders = within::orders()?;
    let runtime = within::runtime()?;
    let (listener, port) = runtime.block_on(within::listen(orders.port))?;
    let serving = serving(&orders, giver(&runtime))?;
    tell(&Report::Ready { port }).map_err(|error| failed("report", &error))?;
    Ok((runtime, serving, listener))
}

/// Gives answers on the runtime's own thread: there waking a request is cheap, and the runtime itself is woken once
/// a batch.
fn giver(runtime: &tokio::runtime::Runtime) -> Give {
    let (sender, mut batches) = tokio::sync::mpsc::unbounded_channel::<Vec<Answer>>();
    runtime.spawn(async move {
        while let Some(answers) = batches.recv().await {
            answers.into_iter().for_each(Answer::give);
        }
    });
    // The task ends with the runtime, and then nobody waits.
    Box::new(move |answers| drop(sender.send(answers)))
}

/// What answers on a connection.
#[derive(Clone)]
enum Serving {
    S3(S3Service),
    Noop(Arc<Noop>),
}

fn serving(orders: &Orders, give: Give) -> Result<Serving, Report> {
    let mut builder = match orders.backend {
        Backend::Ordered => {
            let options = LogOptions {
                durable: orders.durability == Durability::On,
                segment_bytes: orders.segment_bytes,
                sync_notes: orders.sync_notes.clone(),
            };
            let store = OrderedStore::open(&orders.dir, options, give)
                .map_err(|error| Report::Failed(error.to_string()))?;
            S3ServiceBuilder::new(Api::new(store))
        }
        Backend::Noop => return Ok(Serving::Noop(Arc::default())),
        Backend::Fs => {
            let dir = orders.dir.join("objects");
            std::fs::create_dir_all(&dir).map_err(|error| Report::Failed(error.to_string()))?;
            let store = s3s_fs::FileSystem::new(dir).map_err(|error| Report::Failed(format!("{error:?}")))?;
            S3ServiceBuilder::new(store)
        }
    };
    builder.set_auth(SimpleAuth::from_single(orders.access_key.as_str(), orders.secret_key.as_str()));
    Ok(Serving::S3(builder.build()))
}

async fn accept(serving: Serving, listener: TcpListener) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors, most likely: some connection will close.
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        // Without it an answer may wait for the client's acknowledgement of the one before.
        let _ = stream.set_nodelay(true);
        match serving.clone() {
            Serving::S3(service) => drop(tokio::spawn(serve_s3(service, stream))),
            Serving::Noop(noop) => drop(tokio::spawn(noop.serve(stream))),
        }
    }
}

async fn serve_s3(service: S3Service, stream: TcpStream) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).pipeline_flush(true);
    // A connection that breaks is the client's business.
    drop(http.serve_connection(TokioIo::new(stream), service).await);
}
