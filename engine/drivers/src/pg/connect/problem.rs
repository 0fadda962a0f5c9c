//! Why there is no connection, and what to do about it.

use std::fmt;
use std::io;
use std::time::Duration;

use crate::io_class::{connect_remedy, io_class};
use crate::pg::config::Place;
use crate::pg::error::ServerError;

/// Why no connection could be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConnectProblem {
    /// The network or the socket said no.
    Io {
        /// A short name for the operating system's error.
        class: &'static str,
        /// Its text.
        message: String,
    },
    /// Nothing answered within the connect timeout.
    Timeout(Duration),
    /// The server answered and refused.
    Server(Box<ServerError>),
    /// The server wants a password and there is none.
    NoPassword,
    /// The server wants a way of authentication that is not spoken here.
    Authentication(String),
    /// TLS was required and the server does not offer it.
    NoTls,
    /// The TLS handshake failed, or the certificate does not convince.
    Tls(String),
    /// The bytes that came are not Postgres's protocol.
    Protocol(String),
}

impl fmt::Display for ConnectProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConnectProblem::Io { message, .. } => f.write_str(message),
            ConnectProblem::Timeout(limit) => write!(f, "nothing answered within {limit:?}"),
            ConnectProblem::Server(error) => write!(f, "{error}"),
            ConnectProblem::NoPassword => f.write_str("the server asks for a password and none is given"),
            ConnectProblem::Authentication(message) => write!(f, "authentication failed: {message}"),
            ConnectProblem::NoTls => f.write_str("the server does not offer TLS"),
            ConnectProblem::Tls(message) => write!(f, "TLS failed: {message}"),
            ConnectProblem::Protocol(message) => {
                write!(f, "what answers there does not speak Postgres's protocol ({message})")
            }
        }
    }
}

impl ConnectProblem {
    pub(crate) fn io(error: &io::Error) -> ConnectProblem {
        ConnectProblem::Io { class: io_class(error), message: error.to_string() }
    }

    /// What the user can do about it.
    pub fn remedy(&self, place: &Place) -> String {
        match self {
            ConnectProblem::Io { class, .. } => remedy_for_io(class, place),
            ConnectProblem::Timeout(_) => {
                "Check host, port and firewall, or raise connect_timeout".to_owned()
            }
            ConnectProblem::Server(error) => remedy_for_refusal(error.sqlstate(), place),
            ConnectProblem::NoPassword => "Give one with PGPASSWORD, in ~/.pgpass or in the URL".to_owned(),
            ConnectProblem::Authentication(_) => {
                "Check user and password, and which method pg_hba.conf asks for (trust, password, md5 and \
                 scram-sha-256 are spoken here)"
                    .to_owned()
            }
            ConnectProblem::NoTls => {
                "Turn it on at the server (ssl = on), or use sslmode=prefer or disable".to_owned()
            }
            ConnectProblem::Tls(_) => {
                "Check that the certificate names this host and name its issuer with sslrootcert, or use \
                 sslmode=require, which encrypts without checking"
                    .to_owned()
            }
            ConnectProblem::Protocol(_) => "Check host and port".to_owned(),
        }
    }
}

fn remedy_for_io(class: &str, place: &Place) -> String {
    if let Some(remedy) = connect_remedy(class) {
        return remedy.to_owned();
    }
    match class {
        "not_found" if place.is_socket() => format!(
            "There is no such socket: start Postgres, or check its unix_socket_directories and port ({})",
            place.port()
        ),
        "connection_refused" => {
            "Nothing listens there: start Postgres, or check its port and listen_addresses".to_owned()
        }
        "permission_denied" => "Check the permissions of the socket and its directory".to_owned(),
        _ => "Check that the server is up and that host and port are right".to_owned(),
    }
}

fn remedy_for_refusal(sqlstate: &str, place: &Place) -> String {
    match sqlstate {
        "28P01" => "The password is wrong: set PGPASSWORD, the line in ~/.pgpass or the URL".to_owned(),
        "28000" => format!(
            "Check that the role exists (createuser {}) and that pg_hba.conf lets it in from here",
            place.user()
        ),
        "3D000" => format!("Create it (createdb {}), or name another database", place.dbname()),
        "53300" => {
            "Raise max_connections, use fewer VUs, or let them share connections (pool: \"pipelined\" or \
             \"pooled\")"
                .to_owned()
        }
        "57P03" => "The server is starting, stopping or recovering: wait for it".to_owned(),
        _ => "See the server's log for more".to_owned(),
    }
}
