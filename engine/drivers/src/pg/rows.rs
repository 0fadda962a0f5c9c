//! The rows of a reply: the bytes as they came, read column by column when somebody asks.
//!
//! A reply that nobody looks into costs no decoding and no allocation a row.

use std::fmt;
use std::rc::Rc;

use bytes::{Buf, Bytes};

use crate::Value;
use crate::pg::lean::wire::{DATA_ROW, HEADER_BYTES};
use crate::pg::types::PgType;
use crate::pg::types::decode;

/// A column of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    pub(crate) name: Box<str>,
    pub(crate) ty: PgType,
}

impl Column {
    /// Its name, or its alias.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its type.
    pub fn ty(&self) -> &PgType {
        &self.ty
    }
}

/// What a statement takes and gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    pub(crate) params: Box<[PgType]>,
    pub(crate) columns: Rc<[Column]>,
}

impl Description {
    /// The types of its parameters, in order.
    pub fn params(&self) -> &[PgType] {
        &self.params
    }

    /// The columns of its rows; none when it gives no rows.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }
}

/// A column that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("column `{column}` ({ty}): {reason}")]
pub struct ColumnError {
    column: String,
    ty: String,
    reason: &'static str,
}

/// Rows in the order in which they came.
#[derive(Clone, Default)]
pub struct Rows {
    /// `DataRow` messages, possibly with notices between them.
    messages: Bytes,
    count: usize,
    columns: Option<Rc<[Column]>>,
}

impl Rows {
    pub(crate) fn new(messages: Bytes, count: usize, columns: &Rc<[Column]>) -> Rows {
        Rows { messages, count, columns: Some(Rc::clone(columns)) }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Their columns.
    pub fn columns(&self) -> &[Column] {
        self.columns.as_deref().unwrap_or_default()
    }

    /// The place of a column by its name.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns().iter().position(|column| column.name() == name)
    }

    /// The first row.
    pub fn first(&self) -> Option<Row<'_>> {
        self.iter().next()
    }

    /// All rows.
    pub fn iter(&self) -> RowIter<'_> {
        RowIter { messages: &self.messages, columns: self.columns() }
    }
}

impl<'a> IntoIterator for &'a Rows {
    type Item = Row<'a>;
    type IntoIter = RowIter<'a>;

    fn into_iter(self) -> RowIter<'a> {
        self.iter()
    }
}

impl fmt::Debug for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// Walks the rows of a reply.
#[derive(Debug, Clone)]
pub struct RowIter<'a> {
    messages: &'a [u8],
    columns: &'a [Column],
}

impl<'a> Iterator for RowIter<'a> {
    type Item = Row<'a>;

    fn next(&mut self) -> Option<Row<'a>> {
        loop {
            let (header, rest) = self.messages.split_first_chunk::<HEADER_BYTES>()?;
            let length = u32::from_be_bytes([header[1], header[2], header[3], header[4]]) as usize;
            let (body, rest) = rest.split_at_checked(length.checked_sub(4)?)?;
            self.messages = rest;
            if header[0] == DATA_ROW {
                return Some(Row { fields: body.get(2..)?, columns: self.columns });
            }
        }
    }
}

/// One row.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    /// For each column its length (-1 is NULL) and its bytes.
    fields: &'a [u8],
    columns: &'a [Column],
}

impl<'a> Row<'a> {
    /// How many columns it has.
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// Whether it has no columns.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// The value at a place, counted from 0. A place behind the last column is NULL.
    pub fn value(&self, index: usize) -> Result<Value, ColumnError> {
        let Some(column) = self.columns.get(index) else { return Ok(Value::Null) };
        decode::field(self.field(index), &column.ty).map_err(|reason| ColumnError {
            column: column.name.to_string(),
            ty: column.ty.name(),
            reason,
        })
    }

    /// The integer at a place; `None` when it is NULL or not an integer.
    pub fn int(&self, index: usize) -> Option<i64> {
        decode::integer(self.field(index)?, &self.columns.get(index)?.ty)
    }

    /// The text at a place, not copied; `None` when it is NULL or neither text nor JSON.
    pub fn text(&self, index: usize) -> Option<&'a str> {
        decode::text(self.field(index)?, &self.columns.get(index)?.ty)
    }

    /// Whether the place holds NULL.
    pub fn is_null(&self, index: usize) -> bool {
        self.field(index).is_none()
    }

    fn field(&self, index: usize) -> Option<&'a [u8]> {
        let mut rest = self.fields;
        for _ in 0..index {
            let skipped = next_field(&mut rest);
            skipped?;
        }
        next_field(&mut rest)?
    }
}

/// Takes one field off: `None` at the end of the row, `Some(None)` for NULL.
fn next_field<'a>(rest: &mut &'a [u8]) -> Option<Option<&'a [u8]>> {
    if rest.len() < 4 {
        return None;
    }
    let Ok(length) = usize::try_from(rest.get_i32()) else { return Some(None) };
    let (field, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(Some(field))
}

impl fmt::Debug for Row<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = f.debug_map();
        for (index, column) in self.columns.iter().enumerate() {
            match self.value(index) {
                Ok(value) => map.entry(&column.name, &value),
                Err(error) => map.entry(&column.name, &error),
            };
        }
        map.finish()
    }
}

#[cfg(test)]
mod tests {
    use bytes::{BufMut, BytesMut};
    use postgres_types::Type;

    use super::*;

    fn columns() -> Rc<[Column]> {
        [("id", Type::INT8), ("name", Type::TEXT)]
            .map(|(name, ty)| Column { name: name.into(), ty: PgType::of(&ty) })
            .into()
    }

    fn put_row(out: &mut BytesMut, id: i64, name: Option<&str>) {
        out.put_u8(DATA_ROW);
        out.put_u32(4 + 2 + 12 + 4 + name.map_or(0, str::len) as u32);
        out.put_u16(2);
        out.put_i32(8);
        out.put_i64(id);
        out.put_i32(name.map_or(-1, |name| name.len() as i32));
        out.put_slice(name.unwrap_or_default().as_bytes());
    }

    #[test]
    fn columns_are_read_where_they_lie() {
        let mut messages = BytesMut::new();
        put_row(&mut messages, 1, Some("one"));
        // A notice in between is not a row.
        messages.put_slice(b"N\0\0\0\x05\0");
        put_row(&mut messages, 2, None);
        let rows = Rows::new(messages.freeze(), 2, &columns());
        let read: Vec<_> = rows.iter().map(|row| (row.int(0), row.text(1), row.is_null(1))).collect();
        assert_eq!(read, [(Some(1), Some("one"), false), (Some(2), None, true)]);
        assert_eq!(rows.first().unwrap().value(1), Ok(Value::from("one")));
        assert_eq!(rows.column("name"), Some(1));
        assert_eq!(rows.first().unwrap().int(1), None);
        assert_eq!(rows.first().unwrap().value(7), Ok(Value::Null));
    }

    #[test]
    fn rows_cut_short_end_early_without_a_panic() {
        let mut messages = BytesMut::new();
        put_row(&mut messages, 1, Some("one"));
        for end in 0..messages.len() {
            let rows = Rows::new(Bytes::copy_from_slice(&messages[..end]), 1, &columns());
            assert_eq!(rows.iter().count(), 0);
        }
    }
}
