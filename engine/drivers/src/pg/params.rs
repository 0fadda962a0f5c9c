//! Parameters against what a statement takes.

use bytes::BytesMut;

use crate::Value;
use crate::pg::error::PgError;
use crate::pg::rows::Description;
use crate::pg::statement::Statement;
use crate::pg::types::{PgType, encode};

/// Appends the values as fields of the wanted types.
pub(crate) fn fields(
    statement: &Statement,
    wanted: &[PgType],
    params: &[Value],
    out: &mut BytesMut,
) -> Result<(), Box<PgError>> {
    if wanted.len() != params.len() {
        let (wanted, given) = (wanted.len(), params.len());
        return Err(Box::new(PgError::ParameterCount { op: statement.shared_op(), wanted, given }));
    }
    for (index, (value, ty)) in params.iter().zip(wanted).enumerate() {
        encode::field(value, ty, out).map_err(|reason| {
            Box::new(PgError::BadParameter {
                op: statement.shared_op(),
                number: index + 1,
                wanted: ty.name(),
                value: value.to_string(),
                kind: value.kind(),
                reason: reason.into_owned(),
            })
        })?;
    }
    Ok(())
}

/// The error of running a statement with a type that values cannot take.
pub(crate) fn refusal(statement: &Statement, description: &Description) -> Option<Box<PgError>> {
    let unsupported = |what: String, type_name: String, cast: String| {
        Box::new(PgError::UnsupportedType { op: statement.shared_op(), what, type_name, cast })
    };
    let params =
        description.params.iter().enumerate().find(|(_, ty)| !ty.is_supported()).map(|(index, ty)| {
            let name = ty.name();
            let cast = format!("${}::text::{name}", index + 1);
            unsupported(format!("parameter ${}", index + 1), name, cast)
        });
    params.or_else(|| {
        let column = description.columns.iter().find(|column| !column.ty.is_supported())?;
        let cast = format!("{}::text", column.name);
        Some(unsupported(format!("column `{}`", column.name), column.ty.name(), cast))
    })
}
