//! Values into the binary form of the type that the server asks for.
//!
//! A value is taken wherever nothing of it is lost: an integer where it is in range, text where it reads as
//! the wanted type (as SQL's own quoted literals do), anything scalar as text. Everything else is refused
//! with a reason, before a byte is sent. `date` drops the time of day, as the server's cast does.

use std::borrow::Cow;

use bytes::{BufMut, BytesMut};
use uuid::Uuid;

use crate::Value;
use crate::pg::types::numeric;
use crate::pg::types::time;
use crate::pg::types::{PgType, Scalar, Shape};

/// Why a value does not fit, as the end of a sentence that begins with the value.
pub(crate) type Reason = Cow<'static, str>;

/// The largest integer up to which every integer is a float of its own.
const FLOAT_EXACT: i64 = 1 << 53;
/// As many dimensions as the server takes (`MAXDIM`).
const DIMENSIONS_MAX: usize = 6;

/// Appends the value as a field: its length and its bytes, or the length -1 for NULL.
pub(crate) fn field(value: &Value, ty: &PgType, out: &mut BytesMut) -> Result<(), Reason> {
    match ty.shape {
        Shape::Scalar(wanted) => scalar_field(value, wanted, out),
        Shape::Array { element, element_oid } => array_field(value, element, element_oid, out),
        Shape::Unsupported => Err(Cow::Owned(format!("cannot be sent as {}", ty.name()))),
    }
}

fn scalar_field(value: &Value, wanted: Scalar, out: &mut BytesMut) -> Result<(), Reason> {
    if matches!(value, Value::Null) {
        out.put_i32(-1);
        return Ok(());
    }
    with_length(out, |out| scalar(value, wanted, out))
}

fn with_length(
    out: &mut BytesMut,
    body: impl FnOnce(&mut BytesMut) -> Result<(), Reason>,
) -> Result<(), Reason> {
    let start = out.len();
    out.put_i32(0);
    body(out)?;
    let length = i32::try_from(out.len() - start - 4).map_err(|_| Cow::Borrowed("is larger than 2 GiB"))?;
    out[start..start + 4].copy_from_slice(&length.to_be_bytes());
    Ok(())
}

fn scalar(value: &Value, wanted: Scalar, out: &mut BytesMut) -> Result<(), Reason> {
    match wanted {
        Scalar::Int8 => out.put_i64(integer(value)?),
        Scalar::Text => out.put_slice(text(value)?.as_bytes()),
        Scalar::Int4 => out.put_i32(narrow(value, "int4", i32::MIN, i32::MAX)?),
        Scalar::Int2 => out.put_i16(narrow(value, "int2", i16::MIN, i16::MAX)?),
        Scalar::Oid => out.put_u32(narrow(value, "oid", u32::MIN, u32::MAX)?),
        Scalar::Bool => out.put_u8(u8::from(boolean(value)?)),
        Scalar::Float8 => out.put_f64(float(value)?),
        Scalar::Float4 => out.put_f32(float4(value)?),
        Scalar::Numeric => {
            let text = numeric_text(value)?;
            numeric::encode(&text, out).map_err(Cow::Borrowed)?;
        }
        Scalar::Timestamptz | Scalar::Timestamp => out.put_i64(time::to_wire_us(moment(value)?)?),
        Scalar::Date => out.put_i32(time::to_wire_days(moment(value)?)?),
        Scalar::Uuid => out.put_slice(uuid(value)?.as_bytes()),
        Scalar::Json => out.put_slice(json(value)?.as_bytes()),
        Scalar::Jsonb => {
            // Version 1 of the binary form is the text behind a one.
            let text = json(value)?;
            out.put_u8(1);
            out.put_slice(text.as_bytes());
        }
        Scalar::Bytea => out.put_slice(bytes(value)?),
        Scalar::Char => out.put_u8(one_byte(value)?),
        Scalar::Void => return Err(Cow::Borrowed("cannot be sent as void")),
    }
    Ok(())
}

fn misfit<T>(wanted: &str) -> Result<T, Reason> {
    Err(Cow::Owned(format!("cannot be sent as {wanted}")))
}

fn integer(value: &Value) -> Result<i64, Reason> {
    match value {
        Value::Int(number) => Ok(*number),
        // -2^63 is a float, 2^63 is the first that is too large.
        Value::Float(number)
            if number.fract() == 0.0 && *number >= -(2f64.powi(63)) && *number < 2f64.powi(63) =>
        {
            Ok(*number as i64)
        }
        Value::Float(_) => Err(Cow::Borrowed("is not a whole number that fits an integer")),
        Value::Text(text) => text.trim().parse().map_err(|_| Cow::Borrowed("is not an integer")),
        Value::Numeric(text) => text.parse().map_err(|_| Cow::Borrowed("is not an integer")),
        _ => misfit("an integer"),
    }
}

fn narrow<T>(value: &Value, name: &str, least: T, most: T) -> Result<T, Reason>
where
    T: TryFrom<i64> + std::fmt::Display,
{
    T::try_from(integer(value)?)
        .map_err(|_| Cow::Owned(format!("is out of range for {name} ({least} to {most})")))
}

fn boolean(value: &Value) -> Result<bool, Reason> {
    match value {
        Value::Bool(value) => Ok(*value),
        Value::Text(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "t" | "yes" | "on" | "1" => Ok(true),
            "false" | "f" | "no" | "off" | "0" => Ok(false),
            _ => Err(Cow::Borrowed("is not a bool; write true or false")),
        },
        _ => misfit("bool"),
    }
}

fn float(value: &Value) -> Result<f64, Reason> {
    match value {
        Value::Float(number) => Ok(*number),
        Value::Int(number) if number.unsigned_abs() <= FLOAT_EXACT as u64 => Ok(*number as f64),
        Value::Int(_) => Err(Cow::Borrowed("has more digits than a float holds exactly")),
        Value::Text(text) => text.trim().parse().map_err(|_| Cow::Borrowed("is not a number")),
        Value::Numeric(text) => text.parse().map_err(|_| Cow::Borrowed("is not a number")),
        _ => misfit("a float"),
    }
}

fn float4(value: &Value) -> Result<f32, Reason> {
    let wide = float(value)?;
    let narrow = wide as f32;
    // Rounding is what float4 is for; an overflow to infinity or an underflow to zero is not.
    let lost = (narrow.is_infinite() && wide.is_finite()) || (narrow == 0.0 && wide != 0.0);
    if lost { Err(Cow::Borrowed("is out of range for float4")) } else { Ok(narrow) }
}

fn text(value: &Value) -> Result<Cow<'_, str>, Reason> {
    Ok(match value {
        Value::Text(text) => Cow::Borrowed(text),
        Value::Json(text) | Value::Numeric(text) => Cow::Borrowed(text),
        Value::Int(_) | Value::Float(_) | Value::Bool(_) | Value::Uuid(_) | Value::Timestamp(_) => {
            Cow::Owned(value.to_string())
        }
        _ => return misfit("text"),
    })
}

fn numeric_text(value: &Value) -> Result<Cow<'_, str>, Reason> {
    Ok(match value {
        Value::Numeric(text) => Cow::Borrowed(text),
        Value::Text(text) => Cow::Borrowed(text),
        // The shortest digits that read back as the same number.
        Value::Int(_) | Value::Float(_) => Cow::Owned(value.to_string()),
        _ => return misfit("numeric"),
    })
}

fn moment(value: &Value) -> Result<i64, Reason> {
    match value {
        Value::Timestamp(unix_us) => Ok(*unix_us),
        Value::Text(text) => time::parse(text)
            .ok_or(Cow::Borrowed("is not a point in time; write it as 2026-01-02T03:04:05Z or 2026-01-02")),
        Value::Int(_) | Value::Float(_) => {
            Err(Cow::Borrowed("does not say its unit; pass a timestamp, not a number"))
        }
        _ => misfit("a point in time"),
    }
}

fn uuid(value: &Value) -> Result<Uuid, Reason> {
    match value {
        Value::Uuid(uuid) => Ok(*uuid),
        Value::Text(text) => Uuid::try_parse(text.trim()).map_err(|_| Cow::Borrowed("is not a uuid")),
        _ => misfit("uuid"),
    }
}

fn json(value: &Value) -> Result<Cow<'_, str>, Reason> {
    match value {
        Value::Bytes(_) | Value::Array(_) | Value::Null => misfit("json"),
        Value::Float(number) if !number.is_finite() => Err(Cow::Borrowed("is no number that JSON knows")),
        // Neither is JSON without quotation marks.
        Value::Uuid(_) | Value::Timestamp(_) => Ok(Cow::Owned(format!("\"{value}\""))),
        _ => text(value),
    }
}

fn bytes(value: &Value) -> Result<&[u8], Reason> {
    match value {
        Value::Bytes(bytes) => Ok(bytes),
        Value::Text(text) => Ok(text.as_bytes()),
        _ => misfit("bytea"),
    }
}

fn one_byte(value: &Value) -> Result<u8, Reason> {
    match value {
        Value::Text(text) if text.len() == 1 => Ok(text.as_bytes()[0]),
        _ => Err(Cow::Borrowed("is not a single ASCII character")),
    }
}

fn array_field(value: &Value, element: Scalar, element_oid: u32, out: &mut BytesMut) -> Result<(), Reason> {
    let items = match value {
        Value::Null => {
            out.put_i32(-1);
            return Ok(());
        }
        Value::Array(items) => items,
        _ => return misfit("an array"),
    };
    let lengths = dimensions(items)?;
    with_length(out, |out| {
        out.put_i32(lengths.len() as i32);
        let flag = out.len();
        out.put_i32(0);
        out.put_u32(element_oid);
        for length in &lengths {
            out.put_i32(i32::try_from(*length).map_err(|_| Cow::Borrowed("has too many items"))?);
            out.put_i32(1);
        }
        if elements(items, &lengths, element, out)? {
            out[flag..flag + 4].copy_from_slice(&1i32.to_be_bytes());
        }
        Ok(())
    })
}

/// The length of each dimension, read along the first items. An empty array has no dimension at all.
fn dimensions(items: &[Value]) -> Result<Vec<usize>, Reason> {
    let mut lengths = Vec::new();
    let mut level = items;
    while !level.is_empty() {
        lengths.push(level.len());
        match &level[0] {
            Value::Array(inner) => level = inner,
            _ => break,
        }
    }
    if lengths.len() > DIMENSIONS_MAX {
        return Err(Cow::Owned(format!("has more than {DIMENSIONS_MAX} dimensions")));
    }
    Ok(lengths)
}

/// Writes the elements in row-major order; says whether one of them is NULL.
fn elements(items: &[Value], lengths: &[usize], element: Scalar, out: &mut BytesMut) -> Result<bool, Reason> {
    let Some((length, inner)) = lengths.split_first() else { return Ok(false) };
    if items.len() != *length {
        return Err(Cow::Borrowed("is not rectangular: its inner arrays differ in length"));
    }
    let mut any_null = false;
    for (index, item) in items.iter().enumerate() {
        match item {
            Value::Array(deeper) if !inner.is_empty() => any_null |= elements(deeper, inner, element, out)?,
            _ if !inner.is_empty() => {
                return Err(Cow::Borrowed("is not rectangular: it mixes arrays and single items"));
            }
            _ => {
                any_null |= matches!(item, Value::Null);
                scalar_field(item, element, out)
                    .map_err(|reason| Cow::Owned(format!("holds `{item}` at [{index}], which {reason}")))?;
            }
        }
    }
    Ok(any_null)
}

#[cfg(test)]
mod tests {
    use postgres_types::Type;

    use super::*;

    fn encoded(value: impl Into<Value>, ty: &Type) -> Result<Vec<u8>, String> {
        let mut out = BytesMut::new();
        field(&value.into(), &PgType::of(ty), &mut out).map(|()| out.to_vec()).map_err(Cow::into_owned)
    }

    #[test]
    fn a_field_is_a_length_and_its_bytes() {
        assert_eq!(encoded(258, &Type::INT4).unwrap(), [0, 0, 0, 4, 0, 0, 1, 2]);
        assert_eq!(encoded("ab", &Type::TEXT).unwrap(), [0, 0, 0, 2, b'a', b'b']);
        assert_eq!(encoded(Value::Null, &Type::INT4).unwrap(), [0xff; 4]);
    }

    #[test]
    fn integers_are_checked_against_the_range_of_the_type() {
        assert!(encoded(32_767, &Type::INT2).is_ok());
        assert_eq!(encoded(32_768, &Type::INT2).unwrap_err(), "is out of range for int2 (-32768 to 32767)");
        assert!(encoded(-1, &Type::OID).is_err());
        assert!(encoded(i64::from(u32::MAX), &Type::OID).is_ok());
        assert!(encoded(i64::from(i32::MAX) + 1, &Type::INT4).is_err());
    }

    #[test]
    fn numbers_change_kind_only_when_nothing_is_lost() {
        assert_eq!(encoded(3.0, &Type::INT8), encoded(3, &Type::INT8));
        assert!(encoded(3.5, &Type::INT8).is_err());
        assert!(encoded(2f64.powi(63), &Type::INT8).is_err());
        assert_eq!(encoded(-(2f64.powi(63)), &Type::INT8), encoded(i64::MIN, &Type::INT8));
        assert!(encoded(f64::NAN, &Type::INT8).is_err());
        assert!(encoded(FLOAT_EXACT, &Type::FLOAT8).is_ok());
        assert!(encoded(FLOAT_EXACT + 1, &Type::FLOAT8).is_err());
        assert!(encoded(i64::MIN, &Type::FLOAT8).is_err());
        assert!(encoded(1e300, &Type::FLOAT4).is_err());
        assert!(encoded(1e-300, &Type::FLOAT4).is_err());
        assert!(encoded(f64::INFINITY, &Type::FLOAT4).is_ok());
    }

    #[test]
    fn text_is_read_as_the_wanted_type_or_refused() {
        assert_eq!(encoded("42", &Type::INT4), encoded(42, &Type::INT4));
        assert_eq!(encoded("on", &Type::BOOL), encoded(true, &Type::BOOL));
        assert_eq!(encoded("not-a-uuid", &Type::UUID).unwrap_err(), "is not a uuid");
        assert_eq!(encoded("4x", &Type::INT4).unwrap_err(), "is not an integer");
        assert!(encoded("maybe", &Type::BOOL).is_err());
        assert!(encoded("soon", &Type::TIMESTAMPTZ).is_err());
    }

    #[test]
    fn a_number_is_not_taken_for_a_time() {
        assert!(encoded(1_700_000_000, &Type::TIMESTAMPTZ).unwrap_err().contains("unit"));
    }

    #[test]
    fn arrays_carry_dimensions_and_nulls() {
        let flat = Value::Array(vec![Value::Int(1), Value::Null]);
        let wire = encoded(flat, &Type::INT4_ARRAY).unwrap();
        let expected: [i32; 8] = [1, 1, 23, 2, 1, 4, 1, -1];
        assert_eq!(wire[4..], expected.iter().flat_map(|word| word.to_be_bytes()).collect::<Vec<u8>>());
        assert_eq!(encoded(Value::Array(vec![]), &Type::INT4_ARRAY).unwrap()[..8], [0, 0, 0, 12, 0, 0, 0, 0]);
    }

    #[test]
    fn crooked_arrays_and_wrong_items_are_refused_by_place() {
        let crooked = Value::Array(vec![Value::from(vec![1, 2]), Value::from(vec![3])]);
        assert!(encoded(crooked, &Type::INT4_ARRAY).unwrap_err().contains("rectangular"));
        let mixed = Value::Array(vec![Value::from(vec![1]), Value::Int(2)]);
        assert!(encoded(mixed, &Type::INT4_ARRAY).unwrap_err().contains("mixes"));
        let wrong = Value::Array(vec![Value::Int(1), Value::from("x")]);
        assert_eq!(
            encoded(wrong, &Type::INT4_ARRAY).unwrap_err(),
            "holds `x` at [1], which is not an integer"
        );
        assert!(encoded(5, &Type::INT4_ARRAY).is_err());
    }
}
