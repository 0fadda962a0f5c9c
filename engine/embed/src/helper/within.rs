//! The same within the process that was started: it reads its orders, listens, reports, and ends with its parent.

use std::io::{self, BufRead, Read};
use std::net::{Ipv4Addr, SocketAddr};

use serde::de::DeserializeOwned;
use tokio::net::TcpListener;

use super::Report;

/// Reads the orders; from then on the end of the parent is the end of this process.
///
/// # Errors
/// No orders, or not such ones.
pub(crate) fn orders<O: DeserializeOwned>() -> Result<O, Report> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).map_err(|error| failed("orders", &error))?;
    let orders = serde_json::from_str(&line).map_err(|error| failed("orders", &error))?;
    std::thread::spawn(end_with_parent);
    Ok(orders)
}

/// One thread for all connections.
///
/// # Errors
/// The system gives none.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Report> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| failed("runtime", &error))
}

/// Listens on 127.0.0.1 (0 takes a free port); the port that it is.
///
/// # Errors
/// The port is taken, or the system gives none.
pub(crate) async fn listen(port: u16) -> Result<(TcpListener, u16), Report> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let listener = TcpListener::bind(address).await.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => Report::PortInUse,
        _ => failed("listen", &error),
    })?;
    let port = listener.local_addr().map_err(|error| failed("listen", &error))?.port();
    Ok((listener, port))
}

/// A failure of one of the steps.
pub(crate) fn failed(what: &str, error: &dyn std::fmt::Display) -> Report {
    Report::Failed(format!("{what}: {error}"))
}

/// Says to the parent how it went.
pub(crate) fn tell(report: &Report) -> io::Result<()> {
    crate::child::tell_parent(&serde_json::to_vec(report)?)
}

/// Standard input ends when the parent does, however that happens. What was acknowledged is where it has to be already.
fn end_with_parent() {
    let mut rest = [0; 64];
    while io::stdin().lock().read(&mut rest).is_ok_and(|read| read > 0) {}
    std::process::exit(0);
}
