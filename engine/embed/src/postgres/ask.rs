//! A client just large enough to know that the server answers: start-up, one simple query, over the Unix socket.
//!
//! Only trust authentication, which is what the socket of an embedded server offers.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// How asking ended without an answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Silence {
    /// The server is not there, or is still starting.
    #[error("{0}")]
    NotYet(String),
    /// It answered, and the answer is an error.
    #[error("{0}")]
    Refused(String),
}

const PROTOCOL: i32 = 196_608;
/// cannot_connect_now: starting up, shutting down or in recovery.
const STARTING: &str = "57P03";
/// A reply to our own short statements is far shorter.
const LONGEST_MESSAGE_BYTES: usize = 1 << 20;

/// Connects, runs `sql` and waits until the server is ready for the next one.
pub(crate) fn ask(
    socket: &Path,
    user: &str,
    database: &str,
    sql: &str,
    patience: Duration,
) -> Result<(), Silence> {
    let mut stream = UnixStream::connect(socket).map_err(not_yet)?;
    stream.set_read_timeout(Some(patience)).map_err(not_yet)?;
    stream.set_write_timeout(Some(patience)).map_err(not_yet)?;
    stream.write_all(&startup(user, database)).map_err(not_yet)?;
    until_ready(&mut stream)?;
    stream.write_all(&message(b'Q', &[sql.as_bytes(), b"\0"])).map_err(not_yet)?;
    until_ready(&mut stream)?;
    // Goodbye; the server notices the closed socket as well.
    let _ = stream.write_all(&message(b'X', &[]));
    Ok(())
}

fn not_yet(error: io::Error) -> Silence {
    Silence::NotYet(error.to_string())
}

fn startup(user: &str, database: &str) -> Vec<u8> {
    let pairs = ["user", user, "database", database, "application_name", "snapbench"];
    let mut body = PROTOCOL.to_be_bytes().to_vec();
    for word in pairs {
        body.extend_from_slice(word.as_bytes());
        body.push(0);
    }
    body.push(0);
    let mut message = i32::try_from(body.len() + 4).unwrap_or(i32::MAX).to_be_bytes().to_vec();
    message.extend(body);
    message
}

fn message(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut message = vec![tag];
    message.extend(i32::try_from(length + 4).unwrap_or(i32::MAX).to_be_bytes());
    parts.iter().for_each(|part| message.extend_from_slice(part));
    message
}

/// Reads messages up to ReadyForQuery ('Z'); an ErrorResponse ('E') or a wish for a password ('R' ≠ 0) ends it.
fn until_ready(stream: &mut UnixStream) -> Result<(), Silence> {
    let mut refusal = None;
    loop {
        let mut head = [0; 5];
        if let Err(error) = stream.read_exact(&mut head) {
            return Err(refusal.unwrap_or_else(|| not_yet(error)));
        }
        let length = i32::from_be_bytes([head[1], head[2], head[3], head[4]]);
        let length = usize::try_from(length).ok().and_then(|length| length.checked_sub(4));
        let Some(length) = length.filter(|length| *length <= LONGEST_MESSAGE_BYTES) else {
            return Err(Silence::Refused("what listens there does not speak Postgres's protocol".into()));
        };
        let mut body = vec![0; length];
        stream.read_exact(&mut body).map_err(not_yet)?;
        match head[0] {
            b'Z' => return refusal.map_or(Ok(()), Err),
            b'E' => refusal = Some(refused(&body)),
            b'R' if body != [0; 4] => return Err(Silence::Refused("it asks for a password".into())),
            _ => {}
        }
    }
}

/// ErrorResponse: fields of one type byte and a C string.
fn refused(body: &[u8]) -> Silence {
    let field = |wanted: u8| {
        let found = body.split(|byte| *byte == 0).find(|field| field.first() == Some(&wanted));
        found.map(|field| String::from_utf8_lossy(&field[1..]).into_owned()).unwrap_or_default()
    };
    let (code, text) = (field(b'C'), field(b'M'));
    if code == STARTING {
        Silence::NotYet(text)
    } else {
        Silence::Refused(format!("{text} (SQLSTATE {code})"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_starting_server_is_not_a_refusing_one() {
        let starting = refused(b"SFATAL\0C57P03\0Mthe database system is starting up\0\0");
        assert!(matches!(starting, Silence::NotYet(text) if text.contains("starting")));
        let refusing = refused(b"SFATAL\0C3D000\0Mdatabase \"x\" does not exist\0\0");
        assert!(matches!(refusing, Silence::Refused(text) if text.contains("3D000")));
    }

    #[test]
    fn messages_carry_their_length() {
        assert_eq!(message(b'Q', &[b"SELECT 1", b"\0"]), b"Q\x00\x00\x00\x0dSELECT 1\0");
        let startup = startup("u", "d");
        assert_eq!(startup.len(), i32::from_be_bytes(startup[..4].try_into().unwrap()) as usize);
    }
}
