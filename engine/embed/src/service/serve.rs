//! The service process: takes orders, makes the tables, serves until it is told to end or its parent is gone.

use queue_api::Config;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::wire::Orders;
use crate::helper::Report;
use crate::helper::within::{failed, listen, orders, runtime, tell};

/// Runs the process; its exit code.
pub(crate) fn serve() -> i32 {
    match prepare() {
        Ok((runtime, service, listener, told)) => match runtime.block_on(run(service, listener, told)) {
            Ok(()) => 0,
            Err(error) => crate::child::fatal(&format!("it cannot serve any more: {error}")),
        },
        Err(report) => {
            // A parent that is gone needs no report.
            let _ = tell(&report);
            1
        }
    }
}

type Prepared = (tokio::runtime::Runtime, queue_api::Service, TcpListener, watch::Receiver<bool>);

fn prepare() -> Result<Prepared, Report> {
    let orders: Orders = orders()?;
    let told = told_to_end()?;
    let runtime = runtime()?;
    // The port first: when it is taken, Postgres need not be troubled.
    let (listener, port) = runtime.block_on(listen(orders.port))?;
    let config = Config {
        postgres_url: orders.postgres_url,
        connections: orders.connections,
        patience: orders.patience,
    };
    let service = runtime.block_on(queue_api::open(&config));
    let service = service.map_err(|error| Report::Failed(error.to_string()))?;
    tell(&Report::Ready { port }).map_err(|error| failed("report", &error))?;
    Ok((runtime, service, listener, told))
}

/// Becomes true at SIGTERM.
fn told_to_end() -> Result<watch::Receiver<bool>, Report> {
    let (tell, told) = watch::channel(false);
    let handler = move || {
        // Without a receiver the service has ended already.
        let _ = tell.send(true);
    };
    ctrlc::set_handler(handler).map_err(|error| failed("signals", &error))?;
    Ok(told)
}

async fn run(
    service: queue_api::Service,
    listener: TcpListener,
    mut told: watch::Receiver<bool>,
) -> std::io::Result<()> {
    let until = async move {
        // The sender lives in the handler, which is never taken away.
        let _ = told.wait_for(|told| *told).await;
    };
    service.serve(listener, until).await
}
