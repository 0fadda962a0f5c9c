//! Makes connections to one store: name, TCP, TLS.
//!
//! Deliberately keeps none of them and knows no HTTP.

use std::io;

use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::wire::Wire;
use crate::s3::config::S3Config;
use crate::s3::endpoint::dialled;
use crate::s3::trust::{S3OpenError, tls_config};

/// Makes connections to one store.
pub(super) struct Connector {
    host: String,
    port: u16,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

/// Why there is no connection.
#[derive(Debug)]
pub(super) enum ConnectError {
    Io(io::Error),
    /// The other side speaks no TLS, or nobody we trust vouches for it.
    Tls(String),
}

impl Connector {
    pub(super) fn new(config: &S3Config) -> Result<Self, S3OpenError> {
        let address = config.address();
        let tls = if config.endpoint().is_https() {
            let name = ServerName::try_from(address.server_name.clone()).map_err(|error| {
                S3OpenError::Name { name: address.server_name.clone(), reason: error.to_string() }
            })?;
            Some((TlsConnector::from(tls_config(config)?), name))
        } else {
            None
        };
        let host = dialled(&address.server_name).to_owned();
        Ok(Connector { host, port: address.port, tls })
    }

    pub(super) async fn connect(&self) -> Result<Wire, ConnectError> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await.map_err(ConnectError::Io)?;
        // A small request must not wait for the reply to the one before it.
        stream.set_nodelay(true).map_err(ConnectError::Io)?;
        match &self.tls {
            None => Ok(Wire::plain(stream)),
            Some((connector, name)) => {
                connector.connect(name.clone(), stream).await.map(Wire::tls).map_err(tls_error)
            }
        }
    }
}

fn tls_error(error: io::Error) -> ConnectError {
    let is_tls = error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>());
    if is_tls { ConnectError::Tls(error.to_string()) } else { ConnectError::Io(error) }
}
