//! Parameters into the client library and rows out of it, as bytes that this driver has encoded itself.
//!
//! All modes so convert values by the same rules, and a reply's rows are read the same way.

use std::error::Error as StdError;
use std::pin::pin;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use futures_util::TryStreamExt;
use postgres_types::{FromSql, IsNull, ToSql, Type};
use tokio_postgres::{Client, Error, Row};

use crate::Value;
use crate::pg::error::PgError;
use crate::pg::lean::wire::DATA_ROW;
use crate::pg::params;
use crate::pg::statement::Statement;
use crate::pg::types::PgType;

/// Encoded parameters: fields, each a length and its bytes.
pub(crate) struct Params {
    fields: Bytes,
    count: usize,
}

impl Params {
    pub(crate) fn encode(
        statement: &Statement,
        wanted: &[PgType],
        params: &[Value],
    ) -> Result<Params, Box<PgError>> {
        let mut fields = BytesMut::new();
        params::fields(statement, wanted, params, &mut fields)?;
        Ok(Params { fields: fields.freeze(), count: params.len() })
    }

    fn iter(&self) -> impl ExactSizeIterator<Item = Field<'_>> {
        let mut rest = &self.fields[..];
        (0..self.count).map(move |_| {
            let length = usize::try_from(rest.get_i32()).ok();
            let field = length.map(|length| &rest[..length]);
            rest.advance(length.unwrap_or(0));
            Field(field)
        })
    }
}

/// One field, ready for the wire; `None` is NULL.
#[derive(Debug)]
struct Field<'a>(Option<&'a [u8]>);

impl ToSql for Field<'_> {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        match self.0 {
            Some(bytes) => {
                out.put_slice(bytes);
                Ok(IsNull::No)
            }
            None => Ok(IsNull::Yes),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn to_sql_checked(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        self.to_sql(ty, out)
    }
}

impl<'a> FromSql<'a> for Field<'a> {
    fn from_sql(_: &Type, bytes: &'a [u8]) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        Ok(Field(Some(bytes)))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        Ok(Field(None))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// Rows as the wire would carry them.
pub(crate) struct Answered {
    pub(crate) rows: Bytes,
    pub(crate) row_count: usize,
    pub(crate) affected: u64,
}

/// Runs a prepared statement and gathers its rows.
pub(crate) async fn query(
    client: &Client,
    prepared: &tokio_postgres::Statement,
    params: &Params,
) -> Result<Answered, Error> {
    let mut stream = pin!(client.query_raw(prepared, params.iter()).await?);
    let mut rows = BytesMut::new();
    let mut row_count = 0;
    while let Some(row) = stream.try_next().await? {
        put_row(&row, &mut rows)?;
        row_count += 1;
    }
    let affected = stream.rows_affected().unwrap_or(0);
    Ok(Answered { rows: rows.freeze(), row_count, affected })
}

fn put_row(row: &Row, out: &mut BytesMut) -> Result<(), Error> {
    let start = out.len();
    out.put_u8(DATA_ROW);
    out.put_u32(0);
    out.put_u16(u16::try_from(row.len()).unwrap_or(u16::MAX));
    for index in 0..row.len() {
        match row.try_get::<_, Field<'_>>(index)?.0 {
            Some(bytes) => {
                // A field came in a message whose length is 31 bits.
                out.put_i32(bytes.len() as i32);
                out.put_slice(bytes);
            }
            None => out.put_i32(-1),
        }
    }
    let length = (out.len() - start - 1) as u32;
    out[start + 1..start + 5].copy_from_slice(&length.to_be_bytes());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg::Rule;

    #[test]
    fn parameters_come_out_as_they_were_encoded() {
        let statement = Statement::new("op", "irrelevant", Rule::Plain);
        let wanted = [Type::TEXT, Type::INT4, Type::TEXT].map(|ty| PgType::of(&ty));
        let values = ["ab".into(), Value::Null, "".into()];
        let params = Params::encode(&statement, &wanted, &values).unwrap();
        let fields: Vec<_> = params.iter().map(|field| field.0.map(<[u8]>::to_vec)).collect();
        assert_eq!(fields, [Some(b"ab".to_vec()), None, Some(Vec::new())]);
        assert_eq!(params.iter().len(), 3);
    }
}
