//! `COPY … FROM STDIN` in binary form: the fastest way to fill a table.
//!
//! Rows are encoded as they are asked for and leave in pieces, so that a table of any size is filled from a
//! buffer of fixed size.

use std::rc::Rc;

use bytes::{BufMut, BytesMut};
use postgres_protocol::message::frontend;

use super::batch::ask;
use super::connection::{Connection, Stop};
use super::errand::Errand;
use super::error::{PgError, Stage};
use super::own::Own;
use super::prepare;
use super::reply::{Answer, Reply};
use super::rows::Description;
use super::statement::{Rule, Statement};
use super::types::PgType;
use super::{quote, quote_path};
use crate::Value;

/// A piece leaves when it has grown to this.
const PIECE_BYTES: usize = 64 * 1024;
/// Signature, no flags, no extension (PostgreSQL documentation, COPY, "Binary Format").
const HEADER: [u8; 19] = *b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// The field count that ends the data.
const TRAILER: i16 = -1;

/// Where rows are copied to.
#[derive(Debug, Clone)]
pub struct CopyTarget {
    /// Never run: its columns tell the types.
    pub(crate) outline: Statement,
    pub(crate) sql: Statement,
}

impl CopyTarget {
    /// The columns of a table (`name` or `schema.name`) that rows bring, in their order.
    pub fn new(op: &str, table: &str, columns: &[&str]) -> CopyTarget {
        let table = quote_path(table);
        let list = columns.iter().map(|column| quote(column)).collect::<Vec<_>>().join(", ");
        let outline = format!("SELECT {list} FROM {table} WHERE false");
        let sql = format!("COPY {table} ({list}) FROM STDIN (FORMAT binary)");
        CopyTarget {
            outline: Statement::new(op, &outline, Rule::Plain),
            sql: Statement::of_transaction(op, &sql),
        }
    }
}

/// Turns rows into pieces of the binary form.
pub(crate) struct Encoder {
    types: Vec<PgType>,
    rows: u64,
}

impl Encoder {
    /// For the columns that the outline has, when values can take all their types.
    pub(crate) fn new(target: &CopyTarget, description: &Description) -> Result<Encoder, Box<PgError>> {
        match prepare::refusal(&target.outline, description) {
            Some(refusal) => Err(refusal),
            None => {
                let types = description.columns.iter().map(|column| column.ty.clone()).collect();
                Ok(Encoder { types, rows: 0 })
            }
        }
    }

    /// Appends rows until there is a piece's worth; says whether there may be more.
    pub(crate) fn piece<R: AsRef<[Value]>>(
        &mut self,
        target: &CopyTarget,
        rows: &mut dyn Iterator<Item = R>,
        out: &mut BytesMut,
    ) -> Result<bool, Box<PgError>> {
        let end = out.len() + PIECE_BYTES;
        if self.rows == 0 {
            out.put_slice(&HEADER);
        }
        while out.len() < end {
            let Some(row) = rows.next() else {
                out.put_i16(TRAILER);
                return Ok(false);
            };
            self.rows += 1;
            out.put_i16(i16::try_from(self.types.len()).unwrap_or(i16::MAX));
            prepare::fields(&target.sql, &self.types, row.as_ref(), out)
                .map_err(|error| in_row(error, self.rows))?;
        }
        Ok(true)
    }
}

/// Adds the number of the row, from 1, to an error about one of its fields.
fn in_row(mut error: Box<PgError>, row: u64) -> Box<PgError> {
    if let PgError::BadParameter { reason, .. } = &mut *error {
        reason.push_str(&format!(" (in row {row})"));
    }
    error
}

impl Own {
    pub(crate) async fn copy_in<R: AsRef<[Value]>>(
        &self,
        mut errand: Errand<'_>,
        target: &CopyTarget,
        mut rows: impl Iterator<Item = R>,
    ) -> Reply {
        let result = self.try_copy(&mut errand, target, &mut rows).await;
        errand.reply(&target.sql, result)
    }

    async fn try_copy<R: AsRef<[Value]>>(
        &self,
        errand: &mut Errand<'_>,
        target: &CopyTarget,
        rows: &mut dyn Iterator<Item = R>,
    ) -> Result<Answer, Box<PgError>> {
        let (mut connection, outline) = self.wait_ready(errand, &target.outline).await?;
        let encoder = match Encoder::new(target, &outline.description) {
            Ok(encoder) => encoder,
            Err(error) => {
                self.put(connection);
                return Err(error);
            }
        };
        ask(&mut connection, &target.sql, target.sql.sql())?;
        let mut bytes_sent = 0;
        let copying = send_rows(&mut connection, target, encoder, rows, &mut bytes_sent);
        let copied = errand.guard(&target.sql, Stage::Answer, copying).await;
        errand.bytes_sent = bytes_sent;
        let (whole, bad_row) = copied?.map_err(|fault| errand.error(&target.sql, fault))?;
        self.put(connection);
        let nothing = Description { params: Box::new([]), columns: Rc::new([]) };
        let answer = errand.answer(&target.sql, whole, &nothing);
        bad_row.map_or(answer, Err)
    }
}

type Copied = (super::wire::Whole, Option<Box<PgError>>);

async fn send_rows<R: AsRef<[Value]>>(
    connection: &mut Connection,
    target: &CopyTarget,
    mut encoder: Encoder,
    rows: &mut dyn Iterator<Item = R>,
    bytes_sent: &mut u64,
) -> Result<Copied, super::connection::Fault> {
    *bytes_sent += connection.output.len() as u64;
    if let Stop::Reply(refused) = connection.exchange_until_stop().await? {
        return Ok((refused, None));
    }
    let mut bad_row = None;
    loop {
        let frame = connection.output.len();
        connection.output.put_slice(&[b'd', 0, 0, 0, 0]);
        match encoder.piece(target, rows, &mut connection.output) {
            Ok(more) => {
                // A piece is far smaller than 4 GiB unless one row is larger, which Postgres has no room for.
                let length = (connection.output.len() - frame - 1) as u32;
                connection.output[frame + 1..frame + 5].copy_from_slice(&length.to_be_bytes());
                *bytes_sent += connection.output.len() as u64;
                if more {
                    connection.push().await?;
                    if connection.has_refused() {
                        break;
                    }
                    continue;
                }
                frontend::copy_done(&mut connection.output);
            }
            Err(error) => {
                connection.output.truncate(frame);
                // Its text has no zero byte.
                let _ = frontend::copy_fail("a row does not fit the table", &mut connection.output);
                bad_row = Some(error);
            }
        }
        break;
    }
    Ok((connection.exchange().await?, bad_row))
}
