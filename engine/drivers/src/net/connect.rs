//! Makes connections to one server: name, TCP, TLS.
//!
//! Deliberately keeps none of them and knows no HTTP.

use std::{io, net::SocketAddr};

use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::trust::{Trust, TrustError};
use super::wire::Wire;

/// Makes connections to one server.
pub(crate) struct Connector {
    host: String,
    port: u16,
    detour: Option<SocketAddr>,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

/// Why there is no connection.
#[derive(Debug)]
pub(crate) enum ConnectError {
    Io(io::Error),
    /// The other side speaks no TLS, or nobody we trust vouches for it.
    Tls(String),
}

impl Connector {
    /// Connections to `server_name`, encrypted when somebody is to be believed.
    pub(crate) fn new(server_name: &str, port: u16, trust: Option<&Trust<'_>>) -> Result<Self, TrustError> {
        let tls = match trust {
            None => None,
            Some(trust) => {
                let name =
                    ServerName::try_from(server_name.to_owned()).map_err(|error| TrustError::Name {
                        setting: trust.setting,
                        name: server_name.to_owned(),
                        reason: error.to_string(),
                    })?;
                Some((TlsConnector::from(trust.tls_config()?), name))
            }
        };
        Ok(Connector { host: dialled(server_name).to_owned(), port, detour: None, tls })
    }

    /// Dials there instead, when it is given: a proxy before the server, whose name stays that of the server.
    pub(crate) fn through(self, detour: Option<SocketAddr>) -> Self {
        Self { detour, ..self }
    }

    pub(crate) async fn connect(&self) -> Result<Wire, ConnectError> {
        let stream = match self.detour {
            Some(detour) => TcpStream::connect(detour).await,
            None => TcpStream::connect((self.host.as_str(), self.port)).await,
        };
        let stream = stream.map_err(ConnectError::Io)?;
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

/// The name to ask a resolver for. RFC 6761: every name under `localhost` is this machine. Resolvers do not agree
/// about that, and `bucket.localhost` is how virtual-host style is tried out.
pub(crate) fn dialled(server_name: &str) -> &str {
    if server_name.ends_with(".localhost") { "localhost" } else { server_name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_under_localhost_is_this_machine() {
        assert_eq!((dialled("b.localhost"), dialled("b.example.com")), ("localhost", "b.example.com"));
    }
}
