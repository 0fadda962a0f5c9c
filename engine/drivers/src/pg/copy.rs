//! `COPY … FROM STDIN` in binary form: the fastest way to fill a table.
//!
//! Rows are encoded as they are asked for and leave in pieces, so that a table of any size is filled from a
//! buffer of fixed size.

use bytes::{BufMut, BytesMut};

use crate::Value;
use crate::pg::error::PgError;
use crate::pg::ident::{quote, quote_path};
use crate::pg::params;
use crate::pg::rows::Description;
use crate::pg::statement::{Rule, Statement};
use crate::pg::types::PgType;

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
        match params::refusal(&target.outline, description) {
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
            params::fields(&target.sql, &self.types, row.as_ref(), out)
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
