//! The first words of a connection: who we are, the proof of it, and the server's key for cancelling.
//!
//! Message flow: PostgreSQL documentation, "Start-up".

use std::time::Duration;

use bytes::BytesMut;
use fallible_iterator::FallibleIterator;
use postgres_protocol::authentication::md5_hash;
use postgres_protocol::authentication::sasl::{ChannelBinding, SCRAM_SHA_256, ScramSha256};
use postgres_protocol::message::backend::Message;
use postgres_protocol::message::frontend;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::pg::config::PgConfig;
use crate::pg::connect::dial::{CancelKey, Dialer};
use crate::pg::connect::problem::ConnectProblem;
use crate::pg::connect::socket::Socket;
use crate::pg::lean::wire;

/// Enough for everything a server says at the start.
const READ_BYTES: usize = 4 * 1024;
/// No message of the start-up is longer; libpq draws the line at 30,000.
const MESSAGE_BYTES_MAX: usize = 32 * 1024;

/// A connection that is ready for its first request.
pub(crate) struct Started {
    pub(crate) socket: Socket,
    /// What came behind the end of the start-up, if anything.
    pub(crate) input: BytesMut,
    pub(crate) key: Option<CancelKey>,
    pub(crate) server_version: String,
}

/// The `options` of the start-up message: our statement timeout first, so that the user's own wins.
pub(crate) fn options(config: &PgConfig, statement_timeout: Duration) -> String {
    let limit_ms = statement_timeout.as_millis().clamp(1, i32::MAX as u128);
    format!("-c statement_timeout={limit_ms} {}", config.options).trim_end().to_owned()
}

/// Dials, authenticates and waits until the server is ready, all within the connect timeout.
pub(crate) async fn start(dialer: &Dialer, statement_timeout: Duration) -> Result<Started, ConnectProblem> {
    let limit = dialer.config.connect_timeout;
    let started = tokio::time::timeout(limit, async {
        let socket = dialer.dial().await?;
        let mut talk = Talk { socket, input: BytesMut::new(), output: BytesMut::new() };
        talk.introduce(&dialer.config, statement_timeout).await?;
        talk.authenticate(&dialer.config).await?;
        talk.await_ready().await
    });
    started.await.unwrap_or(Err(ConnectProblem::Timeout(limit)))
}

struct Talk {
    socket: Socket,
    input: BytesMut,
    output: BytesMut,
}

fn garbled(error: std::io::Error) -> ConnectProblem {
    ConnectProblem::Protocol(error.to_string())
}

fn unexpected(wanted: &str) -> ConnectProblem {
    ConnectProblem::Protocol(format!("a message came that is not {wanted}"))
}

impl Talk {
    async fn introduce(&mut self, config: &PgConfig, limit: Duration) -> Result<(), ConnectProblem> {
        let options = options(config, limit);
        let words = [
            ("user", config.place.user()),
            ("database", config.place.dbname()),
            ("application_name", &config.application_name),
            ("client_encoding", "UTF8"),
            ("options", &options),
        ];
        frontend::startup_message(words, &mut self.output).map_err(garbled)?;
        self.send().await
    }

    async fn send(&mut self) -> Result<(), ConnectProblem> {
        let sent = async {
            self.socket.write_all(&self.output).await?;
            self.socket.flush().await
        };
        let sent = sent.await;
        self.output.clear();
        sent.map_err(|error| ConnectProblem::io(&error))
    }

    /// The next message; a refusal by the server is an error, notices and settings are passed over.
    async fn receive(&mut self) -> Result<Message, ConnectProblem> {
        loop {
            self.expect_postgres()?;
            // The body is parsed here, where its fields can all be kept.
            if let Some(error) = self.refusal() {
                return Err(ConnectProblem::Server(Box::new(error)));
            }
            match Message::parse(&mut self.input).map_err(garbled)? {
                Some(Message::NoticeResponse(_)) => {}
                Some(message) => return Ok(message),
                None => {
                    self.input.reserve(READ_BYTES);
                    let read = self.socket.read_buf(&mut self.input).await;
                    if read.map_err(|error| ConnectProblem::io(&error))? == 0 {
                        return Err(ConnectProblem::io(&std::io::Error::new(
                            std::io::ErrorKind::UnexpectedEof,
                            "the server closed the connection during the start-up",
                        )));
                    }
                }
            }
        }
    }

    /// Whatever else listens there sends bytes that would be the header of a huge message: waiting for its
    /// rest would end with a time-out that says nothing.
    fn expect_postgres(&self) -> Result<(), ConnectProblem> {
        let Some(&[tag, a, b, c, d]) = self.input.first_chunk() else { return Ok(()) };
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        if b"RSKZENv".contains(&tag) && (4..=MESSAGE_BYTES_MAX).contains(&length) {
            return Ok(());
        }
        let start = &self.input[..self.input.len().min(16)];
        Err(ConnectProblem::Protocol(format!("it begins with \"{}\"", start.escape_ascii())))
    }

    fn refusal(&self) -> Option<crate::pg::error::ServerError> {
        let header = self.input.get(..wire::HEADER_BYTES)?;
        let length = u32::from_be_bytes([header[1], header[2], header[3], header[4]]) as usize;
        let body = self.input.get(wire::HEADER_BYTES..length + 1)?;
        (header[0] == b'E').then(|| wire::server_error(body))
    }

    async fn authenticate(&mut self, config: &PgConfig) -> Result<(), ConnectProblem> {
        let password =
            || config.password.as_ref().map(|secret| secret.reveal()).ok_or(ConnectProblem::NoPassword);
        match self.receive().await? {
            Message::AuthenticationOk => return Ok(()),
            Message::AuthenticationCleartextPassword => {
                frontend::password_message(password()?.as_bytes(), &mut self.output).map_err(garbled)?;
            }
            Message::AuthenticationMd5Password(body) => {
                let user = config.place.user().as_bytes();
                let hash = md5_hash(user, password()?.as_bytes(), body.salt());
                frontend::password_message(hash.as_bytes(), &mut self.output).map_err(garbled)?;
            }
            Message::AuthenticationSasl(body) => {
                let mut mechanisms = body.mechanisms();
                let mut offered = Vec::new();
                while let Some(name) = mechanisms.next().map_err(garbled)? {
                    offered.push(name.to_owned());
                }
                self.scram(password()?, &offered).await?;
            }
            Message::AuthenticationGss
            | Message::AuthenticationSspi
            | Message::AuthenticationKerberosV5
            | Message::AuthenticationScmCredential => {
                let message = "the server asks for GSSAPI, SSPI, Kerberos or SCM credentials";
                return Err(ConnectProblem::Authentication(message.to_owned()));
            }
            _ => return Err(unexpected("a request for authentication")),
        }
        self.send().await?;
        match self.receive().await? {
            Message::AuthenticationOk => Ok(()),
            _ => Err(unexpected("the end of the authentication")),
        }
    }

    /// SCRAM-SHA-256 (RFC 7677) without channel binding, up to the server's own proof.
    async fn scram(&mut self, password: &str, offered: &[String]) -> Result<(), ConnectProblem> {
        if !offered.iter().any(|name| name == SCRAM_SHA_256) {
            let message = format!("the server offers {}, not {SCRAM_SHA_256}", offered.join(", "));
            return Err(ConnectProblem::Authentication(message));
        }
        let failed = |error: std::io::Error| ConnectProblem::Authentication(error.to_string());
        let mut scram = ScramSha256::new(password.as_bytes(), ChannelBinding::unsupported());
        frontend::sasl_initial_response(SCRAM_SHA_256, scram.message(), &mut self.output).map_err(garbled)?;
        self.send().await?;
        let Message::AuthenticationSaslContinue(body) = self.receive().await? else {
            return Err(unexpected("the server's challenge"));
        };
        scram.update(body.data()).map_err(failed)?;
        frontend::sasl_response(scram.message(), &mut self.output).map_err(garbled)?;
        self.send().await?;
        let Message::AuthenticationSaslFinal(body) = self.receive().await? else {
            return Err(unexpected("the server's proof"));
        };
        scram.finish(body.data()).map_err(failed)
    }

    async fn await_ready(mut self) -> Result<Started, ConnectProblem> {
        let mut key = None;
        let mut server_version = String::new();
        loop {
            match self.receive().await? {
                Message::BackendKeyData(body) => {
                    key = Some(CancelKey { process: body.process_id(), secret: body.secret_key() });
                }
                Message::ParameterStatus(body) => {
                    if body.name().map_err(garbled)? == "server_version" {
                        body.value().map_err(garbled)?.clone_into(&mut server_version);
                    }
                }
                Message::ReadyForQuery(_) => {
                    return Ok(Started { socket: self.socket, input: self.input, key, server_version });
                }
                _ => return Err(unexpected("part of the start-up")),
            }
        }
    }
}
