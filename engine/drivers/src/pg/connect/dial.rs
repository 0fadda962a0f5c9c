//! From a configuration to an open, protected stream, before the first word of Postgres's protocol.
//!
//! Serves the lean client, the pool and cancel requests alike.

use std::io;
use std::sync::Arc;

use bytes::BytesMut;
use postgres_protocol::message::frontend;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;

use crate::pg::config::{Host, PgConfig, SslMode};
use crate::pg::connect::problem::ConnectProblem;
use crate::pg::connect::socket::Socket;
use crate::pg::error::PgError;

/// Opens streams to one server.
#[derive(Clone)]
pub(crate) struct Dialer {
    pub(crate) config: PgConfig,
    tls: Option<TlsConnector>,
}

/// What a server needs to be told to cancel what a connection is doing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CancelKey {
    pub(crate) process: i32,
    pub(crate) secret: i32,
}

impl Dialer {
    pub(crate) fn new(config: PgConfig) -> Result<Dialer, PgError> {
        let wants_tls = config.ssl_mode != SslMode::Disable && !config.place.is_socket();
        let tls = wants_tls.then(|| crate::pg::connect::tls::connector(&config)).transpose().map_err(
            |message| PgError::Connect {
                place: Arc::clone(&config.place),
                problem: ConnectProblem::Tls(message),
            },
        )?;
        Ok(Dialer { config, tls })
    }

    /// An error of connecting, with the place.
    pub(crate) fn error(&self, problem: ConnectProblem) -> PgError {
        PgError::Connect { place: Arc::clone(&self.config.place), problem }
    }

    /// Opens the stream, with TLS when it is asked for and offered.
    pub(crate) async fn dial(&self) -> Result<Socket, ConnectProblem> {
        let place = &self.config.place;
        if let Some(detour) = self.config.detour {
            let stream = tcp(TcpStream::connect(detour).await)?;
            return match (&self.tls, place.host()) {
                (Some(connector), Host::Tcp(host)) => self.protect(stream, host, connector).await,
                _ => Ok(Socket::Tcp(stream)),
            };
        }
        if let Some(path) = place.socket_path() {
            let stream = UnixStream::connect(path).await.map_err(|error| ConnectProblem::io(&error))?;
            return Ok(Socket::Unix(stream));
        }
        let Host::Tcp(host) = place.host() else {
            return Err(ConnectProblem::io(&io::ErrorKind::InvalidInput.into()));
        };
        let stream = tcp(TcpStream::connect((host.as_str(), place.port())).await)?;
        match &self.tls {
            Some(connector) => self.protect(stream, host, connector).await,
            None => Ok(Socket::Tcp(stream)),
        }
    }

    async fn protect(
        &self,
        mut stream: TcpStream,
        host: &str,
        connector: &TlsConnector,
    ) -> Result<Socket, ConnectProblem> {
        let mut request = BytesMut::new();
        frontend::ssl_request(&mut request);
        stream.write_all(&request).await.map_err(|error| ConnectProblem::io(&error))?;
        let answer = stream.read_u8().await.map_err(|error| ConnectProblem::io(&error))?;
        match answer {
            b'S' => {}
            b'N' if self.config.ssl_mode == SslMode::Prefer => return Ok(Socket::Tcp(stream)),
            b'N' => return Err(ConnectProblem::NoTls),
            other => {
                let answer = char::from(other);
                return Err(ConnectProblem::Protocol(format!(
                    "it answered {answer:?} to the request for TLS"
                )));
            }
        }
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| ConnectProblem::Tls(format!("`{host}` cannot be the name in a certificate")))?;
        let stream =
            connector.connect(name, stream).await.map_err(|error| ConnectProblem::Tls(error.to_string()))?;
        Ok(Socket::Tls(Box::new(stream)))
    }
}

fn tcp(connected: io::Result<TcpStream>) -> Result<TcpStream, ConnectProblem> {
    let stream = connected.map_err(|error| ConnectProblem::io(&error))?;
    // A request is one write: waiting for more to send with it only costs time.
    stream.set_nodelay(true).map_err(|error| ConnectProblem::io(&error))?;
    Ok(stream)
}
