//! Messages of the backend as they lie in the read buffer: where a reply ends, and what it holds.
//!
//! Finds the end of a reply in whatever pieces it arrives, looking at each message once. Knows no sockets.
//! Message formats: PostgreSQL documentation, "Message Formats".

use std::ops::Range;

use bytes::{Buf, Bytes, BytesMut};

use crate::pg::error::ServerError;
use crate::pg::lean::prepare::Outline;

/// A tag and a length that counts itself but not the tag.
pub(crate) const HEADER_BYTES: usize = 5;
/// The tag of a row.
pub(crate) const DATA_ROW: u8 = b'D';
/// The status of a connection outside a transaction.
pub(crate) const IDLE: u8 = b'I';
/// The status inside a transaction that has failed.
pub(crate) const FAILED: u8 = b'E';

/// Whoever asks for more at once has asked for the wrong thing.
const REPLY_BYTES_MAX: usize = 1 << 30;

/// Why the bytes cannot be gone through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ScanError {
    Garbled(String),
    TooLarge,
}

/// How far a look at the buffer came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// The reply is not whole yet.
    Part,
    /// It ends here (`ReadyForQuery`).
    End,
    /// The server waits for the data of a COPY.
    CopyIn,
}

/// The progress through one reply.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    /// Where the next message begins.
    at: usize,
    rows: Range<usize>,
    row_count: usize,
    affected: u64,
    /// The first error, what follows it is its echo; but a farewell is more than any error before it.
    error: Option<Box<ServerError>>,
    params: Range<usize>,
    columns: Range<usize>,
    status: u8,
    is_whole: bool,
}

/// A reply that has come to its end.
#[derive(Debug)]
pub(crate) struct Whole {
    pub(crate) rows: Bytes,
    pub(crate) row_count: usize,
    pub(crate) affected: u64,
    pub(crate) error: Option<Box<ServerError>>,
    /// What a statement takes and gives, when that was asked.
    pub(crate) outline: Option<Box<Outline>>,
    /// The transaction status of the connection after it.
    pub(crate) status: u8,
    pub(crate) bytes: u64,
}

impl Scan {
    /// Looks at the messages that have arrived since the last look.
    pub(crate) fn advance(&mut self, buffer: &[u8]) -> Result<Found, ScanError> {
        if self.is_whole {
            return Ok(Found::End);
        }
        while let Some((tag, body)) = self.next_message(buffer)? {
            let start = self.at;
            self.at = body.end;
            match tag {
                DATA_ROW => {
                    if self.row_count == 0 {
                        self.rows.start = start;
                    }
                    self.row_count += 1;
                    self.rows.end = body.end;
                }
                b'C' => self.affected = affected(&buffer[body]),
                b'Z' => {
                    self.status = buffer.get(body.start).copied().unwrap_or(IDLE);
                    self.is_whole = true;
                    return Ok(Found::End);
                }
                b'E' => {
                    let error = server_error(&buffer[body]);
                    if self.error.is_none() || error.ends_connection() {
                        self.error = Some(Box::new(error));
                    }
                }
                b'G' => return Ok(Found::CopyIn),
                b't' => self.params = body,
                b'T' => self.columns = body,
                b'N' => notice(&buffer[body]),
                // Parse, bind and close complete; no data; parameter status; notification; empty query;
                // portal suspended; a copy out, which is read and dropped.
                b'1' | b'2' | b'3' | b'n' | b'S' | b'A' | b'I' | b's' | b'H' | b'd' | b'c' => {}
                other => {
                    return Err(ScanError::Garbled(format!("an unknown message {:?}", char::from(other))));
                }
            }
        }
        Ok(Found::Part)
    }

    fn next_message(&self, buffer: &[u8]) -> Result<Option<(u8, Range<usize>)>, ScanError> {
        let Some(header) = buffer.get(self.at..self.at + HEADER_BYTES) else { return Ok(None) };
        let length = u32::from_be_bytes([header[1], header[2], header[3], header[4]]) as usize;
        if length < 4 {
            return Err(ScanError::Garbled(format!("a message of {length} bytes")));
        }
        let end = self.at + 1 + length;
        if end > REPLY_BYTES_MAX {
            return Err(ScanError::TooLarge);
        }
        Ok((end <= buffer.len()).then_some((header[0], self.at + HEADER_BYTES..end)))
    }

    /// What the server said when it hung up. An ordinary error is one operation's business.
    pub(crate) fn take_farewell(&mut self) -> Option<Box<ServerError>> {
        self.error.take_if(|error| error.ends_connection())
    }

    /// Whether the server has already refused something of what this reply answers.
    pub(crate) fn has_error(&self) -> bool {
        self.error.is_some()
    }

    fn outline(&self, buffer: &[u8]) -> Option<Box<Outline>> {
        let columns = &buffer[self.columns.clone()];
        Outline::read(&buffer[self.params.clone()], columns).map(Box::new)
    }

    /// Takes the reply that has been found out of the buffer, and is ready for the next.
    pub(crate) fn take(&mut self, buffer: &mut BytesMut) -> Whole {
        let done = std::mem::take(self);
        let outline = if done.params.is_empty() { None } else { done.outline(buffer) };
        let rows = if done.row_count == 0 {
            buffer.advance(done.at);
            Bytes::new()
        } else {
            let mut rows = buffer.split_to(done.at);
            rows.truncate(done.rows.end);
            rows.advance(done.rows.start);
            rows.freeze()
        };
        Whole {
            rows,
            row_count: done.row_count,
            affected: done.affected,
            error: done.error,
            outline,
            status: done.status,
            bytes: done.at as u64,
        }
    }
}

/// The count at the end of a command tag: `UPDATE 3`, `INSERT 0 1`, `SELECT 10`; 0 where there is none.
fn affected(body: &[u8]) -> u64 {
    let tag = body.strip_suffix(&[0]).unwrap_or(body);
    let digits = tag.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    tag[tag.len() - digits..]
        .iter()
        .fold(0u64, |sum, digit| sum.saturating_mul(10).saturating_add(u64::from(digit - b'0')))
}

fn notice(body: &[u8]) {
    let notice = server_error(body);
    tracing::debug!(severity = notice.severity, message = notice.message, "notice from the server");
}

/// Reads an `ErrorResponse` or `NoticeResponse`: fields, each a letter and a text, up to a zero.
pub(crate) fn server_error(mut body: &[u8]) -> ServerError {
    let mut error = ServerError { code: *b"XX000", ..ServerError::default() };
    while let Some((&field, rest)) = body.split_first() {
        if field == 0 {
            break;
        }
        let end = rest.iter().position(|byte| *byte == 0).unwrap_or(rest.len());
        let text = || String::from_utf8_lossy(&rest[..end]).into_owned();
        match field {
            b'V' => error.severity = text(),
            // Servers before 9.6 have only the translated one.
            b'S' if error.severity.is_empty() => error.severity = text(),
            b'C' => error.code = rest[..end].try_into().unwrap_or(*b"XX000"),
            b'M' => error.message = text(),
            b'D' => error.detail = Some(text()),
            b'H' => error.hint = Some(text()),
            b'P' => error.position = text().parse().ok(),
            b'W' => error.context = Some(text()),
            b'n' => error.constraint = Some(text()),
            _ => {}
        }
        body = rest.get(end + 1..).unwrap_or_default();
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(tag: u8, body: &[u8]) -> Vec<u8> {
        let mut message = vec![tag];
        message.extend((body.len() as u32 + 4).to_be_bytes());
        message.extend(body);
        message
    }

    fn select_reply() -> Vec<u8> {
        [
            message(b'2', b""),
            message(b'D', b"\0\x01\0\0\0\x01x"),
            message(b'N', b"SNOTICE\0Mhello\0\0"),
            message(b'D', b"\0\x01\0\0\0\x01y"),
            message(b'C', b"SELECT 2\0"),
            message(b'Z', b"T"),
        ]
        .concat()
    }

    #[test]
    fn a_reply_is_the_same_in_one_piece_and_byte_by_byte() {
        let reply = select_reply();
        let mut scan = Scan::default();
        let mut buffer = BytesMut::new();
        for (index, byte) in reply.iter().enumerate() {
            buffer.extend_from_slice(&[*byte]);
            let expected = if index + 1 == reply.len() { Found::End } else { Found::Part };
            assert_eq!(scan.advance(&buffer), Ok(expected));
        }
        // The beginning of the next reply stays where it is.
        buffer.extend_from_slice(b"2\0");
        let whole = scan.take(&mut buffer);
        assert_eq!((whole.row_count, whole.affected, whole.status), (2, 2, b'T'));
        assert_eq!(whole.bytes, reply.len() as u64);
        assert_eq!(whole.rows.first(), Some(&b'D'));
        assert_eq!(whole.rows.last(), Some(&b'y'));
        assert_eq!(&buffer[..], b"2\0");
    }

    #[test]
    fn an_error_after_the_command_is_an_error() {
        let error = b"SERROR\0VERROR\0C40001\0Mno luck\0Hretry\0P7\0\0";
        let mut buffer = BytesMut::from(
            &[message(b'C', b"UPDATE 1\0"), message(b'E', error), message(b'Z', b"I")].concat()[..],
        );
        let mut scan = Scan::default();
        assert_eq!(scan.advance(&buffer), Ok(Found::End));
        let error = scan.take(&mut buffer).error.unwrap();
        assert_eq!((error.sqlstate(), error.position), ("40001", Some(7)));
        assert_eq!(error.to_string(), "no luck (SQLSTATE 40001) at character 7 of the SQL; hint: retry");
    }

    #[test]
    fn only_what_ends_the_connection_is_a_farewell() {
        let error =
            |severity: &str| message(b'E', format!("S{severity}\0V{severity}\0C57P01\0Mwhy\0\0").as_bytes());
        let mut scan = Scan::default();
        assert_eq!(scan.advance(&error("ERROR")), Ok(Found::Part));
        assert_eq!(scan.take_farewell(), None);
        let mut scan = Scan::default();
        assert_eq!(scan.advance(&[error("ERROR"), error("FATAL")].concat()), Ok(Found::Part));
        assert!(scan.take_farewell().is_some_and(|farewell| farewell.severity == "FATAL"));
    }

    #[test]
    fn command_tags_give_their_counts() {
        for (tag, count) in
            [("INSERT 0 12\0", 12), ("UPDATE 3\0", 3), ("BEGIN\0", 0), ("COPY 100000\0", 100_000)]
        {
            assert_eq!(affected(tag.as_bytes()), count, "{tag}");
        }
    }

    #[test]
    fn garbage_is_told_from_a_reply_that_is_not_whole() {
        assert_eq!(Scan::default().advance(b"Z\0\0"), Ok(Found::Part));
        assert!(matches!(Scan::default().advance(b"HTTP/1.1 400"), Err(ScanError::TooLarge)));
        assert!(matches!(Scan::default().advance(b"Z\0\0\0\x01"), Err(ScanError::Garbled(_))));
        assert!(matches!(Scan::default().advance(b"?\0\0\0\x04"), Err(ScanError::Garbled(_))));
    }
}
