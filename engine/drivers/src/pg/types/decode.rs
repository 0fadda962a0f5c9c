//! The binary form of a column into a value.
//!
//! Trusts nothing: a field of the wrong length is an error, not a panic. The borrowed readers (`text`,
//! `integer`) cost no allocation.

use std::str;

use bytes::{Buf, Bytes};
use uuid::Uuid;

use crate::Value;
use crate::pg::types::numeric;
use crate::pg::types::time;
use crate::pg::types::{PgType, Scalar, Shape};

/// Why the bytes are not what the type says.
pub(crate) type Reason = &'static str;

const WRONG_LENGTH: Reason = "the server sent a field of the wrong length";
const BAD_TEXT: Reason = "the server sent text that is not UTF-8";

/// Reads one field; `None` is NULL.
pub(crate) fn field(wire: Option<&[u8]>, ty: &PgType) -> Result<Value, Reason> {
    let Some(wire) = wire else { return Ok(Value::Null) };
    match ty.shape {
        Shape::Scalar(kind) => scalar(wire, kind),
        Shape::Array { element, .. } => array(wire, element),
        Shape::Unsupported => Err("the type is not supported: cast it to text in the SQL"),
    }
}

/// The field as an integer, when its type is one.
pub(crate) fn integer(wire: &[u8], ty: &PgType) -> Option<i64> {
    match ty.shape {
        Shape::Scalar(Scalar::Int8) => fixed(wire).map(i64::from_be_bytes).ok(),
        Shape::Scalar(Scalar::Int4) => fixed(wire).map(i32::from_be_bytes).map(i64::from).ok(),
        Shape::Scalar(Scalar::Int2) => fixed(wire).map(i16::from_be_bytes).map(i64::from).ok(),
        Shape::Scalar(Scalar::Oid) => fixed(wire).map(u32::from_be_bytes).map(i64::from).ok(),
        _ => None,
    }
}

/// The field as text, when it travels as text.
pub(crate) fn text<'a>(wire: &'a [u8], ty: &PgType) -> Option<&'a str> {
    match ty.shape {
        Shape::Scalar(Scalar::Text | Scalar::Json) => str::from_utf8(wire).ok(),
        Shape::Scalar(Scalar::Jsonb) => str::from_utf8(wire.strip_prefix(&[1])?).ok(),
        _ => None,
    }
}

fn fixed<const N: usize>(wire: &[u8]) -> Result<[u8; N], Reason> {
    wire.try_into().map_err(|_| WRONG_LENGTH)
}

fn scalar(wire: &[u8], kind: Scalar) -> Result<Value, Reason> {
    Ok(match kind {
        Scalar::Text => Value::Text(str::from_utf8(wire).map_err(|_| BAD_TEXT)?.into()),
        Scalar::Char => match fixed::<1>(wire)? {
            [0] => Value::Text("".into()),
            [byte] => Value::Text(char::from(byte).to_string().into()),
        },
        Scalar::Bool => Value::Bool(fixed::<1>(wire)? != [0]),
        Scalar::Int2 => Value::Int(i16::from_be_bytes(fixed(wire)?).into()),
        Scalar::Int4 => Value::Int(i32::from_be_bytes(fixed(wire)?).into()),
        Scalar::Int8 => Value::Int(i64::from_be_bytes(fixed(wire)?)),
        Scalar::Oid => Value::Int(u32::from_be_bytes(fixed(wire)?).into()),
        // Through its shortest text, so that 0.1 stays 0.1 and does not become 0.10000000149.
        Scalar::Float4 => Value::Float(widen(f32::from_be_bytes(fixed(wire)?))),
        Scalar::Float8 => Value::Float(f64::from_be_bytes(fixed(wire)?)),
        Scalar::Numeric => Value::Numeric(numeric::decode(wire)?),
        Scalar::Timestamptz | Scalar::Timestamp => {
            Value::Timestamp(time::from_wire_us(i64::from_be_bytes(fixed(wire)?))?)
        }
        Scalar::Date => Value::Timestamp(time::from_wire_days(i32::from_be_bytes(fixed(wire)?))?),
        Scalar::Uuid => Value::Uuid(Uuid::from_bytes(fixed(wire)?)),
        Scalar::Json => Value::Json(str::from_utf8(wire).map_err(|_| BAD_TEXT)?.to_owned()),
        Scalar::Jsonb => {
            let text = wire.strip_prefix(&[1]).ok_or("the server sent a version of jsonb that is unknown")?;
            Value::Json(str::from_utf8(text).map_err(|_| BAD_TEXT)?.to_owned())
        }
        Scalar::Bytea => Value::Bytes(Bytes::copy_from_slice(wire)),
        Scalar::Void => Value::Null,
    })
}

fn widen(narrow: f32) -> f64 {
    if narrow.is_finite() { narrow.to_string().parse().unwrap_or(f64::from(narrow)) } else { narrow.into() }
}

fn array(mut wire: &[u8], element: Scalar) -> Result<Value, Reason> {
    const SHORT: Reason = "the server sent an array that is shorter than it says";
    if wire.len() < 12 {
        return Err(SHORT);
    }
    let count = usize::try_from(wire.get_i32()).map_err(|_| SHORT)?;
    wire.advance(8);
    if count == 0 {
        return Ok(Value::Array(Vec::new()));
    }
    if wire.len() / 8 < count {
        return Err(SHORT);
    }
    let mut lengths = Vec::with_capacity(count);
    for _ in 0..count {
        lengths.push(usize::try_from(wire.get_i32()).map_err(|_| SHORT)?);
        wire.advance(4);
    }
    // Every item takes at least its length word.
    let items = lengths.iter().try_fold(1usize, |product, length| product.checked_mul(*length));
    match items {
        Some(1..) if items <= Some(wire.len() / 4) => level(&mut wire, &lengths, element),
        _ => Err(SHORT),
    }
}

fn level(wire: &mut &[u8], lengths: &[usize], element: Scalar) -> Result<Value, Reason> {
    let Some((length, inner)) = lengths.split_first() else { return item(wire, element) };
    let mut items = Vec::with_capacity(*length);
    for _ in 0..*length {
        items.push(level(wire, inner, element)?);
    }
    Ok(Value::Array(items))
}

fn item(wire: &mut &[u8], element: Scalar) -> Result<Value, Reason> {
    if wire.len() < 4 {
        return Err(WRONG_LENGTH);
    }
    let Ok(length) = usize::try_from(wire.get_i32()) else { return Ok(Value::Null) };
    let (bytes, rest) = wire.split_at_checked(length).ok_or(WRONG_LENGTH)?;
    *wire = rest;
    scalar(bytes, element)
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use postgres_types::Type;
    use proptest::prelude::*;

    use super::*;
    use crate::pg::types::encode;

    fn round_trip(value: &Value, ty: &Type) -> Value {
        let ty = PgType::of(ty);
        let mut out = BytesMut::new();
        encode::field(value, &ty, &mut out).unwrap();
        let wire = (out[..4] != [0xff; 4]).then(|| &out[4..]);
        field(wire, &ty).unwrap()
    }

    #[test]
    fn what_is_sent_comes_back() {
        let cases = [
            (Value::from("grüß"), Type::TEXT),
            (Value::Bool(true), Type::BOOL),
            (Value::Int(-7), Type::INT2),
            (Value::Int(i64::MIN), Type::INT8),
            (Value::Int(4_000_000_000), Type::OID),
            (Value::Float(0.1), Type::FLOAT4),
            (Value::Float(f64::MIN_POSITIVE), Type::FLOAT8),
            (Value::Numeric("-1.20".into()), Type::NUMERIC),
            (Value::Timestamp(-1), Type::TIMESTAMPTZ),
            (Value::INFINITY, Type::TIMESTAMP),
            (Value::Timestamp(86_400_000_000), Type::DATE),
            (Value::Uuid(Uuid::from_u128(7)), Type::UUID),
            (Value::Json("{\"a\": 1}".into()), Type::JSONB),
            (Value::Bytes(Bytes::from_static(&[0, 255])), Type::BYTEA),
            (Value::from("x"), Type::CHAR),
            (Value::from(vec![Some("a"), None]), Type::TEXT_ARRAY),
            (Value::Array(vec![vec![1, 2].into(), vec![3, 4].into()]), Type::INT4_ARRAY),
            (Value::Array(vec![]), Type::UUID_ARRAY),
            (Value::Null, Type::INT4_ARRAY),
        ];
        for (value, ty) in cases {
            assert_eq!(round_trip(&value, &ty), value, "{ty}");
        }
    }

    proptest! {
        #[test]
        fn damaged_fields_are_errors_not_panics(wire in proptest::collection::vec(any::<u8>(), 0..64)) {
            for ty in [Type::NUMERIC, Type::TEXT_ARRAY, Type::INT8, Type::DATE, Type::JSONB, Type::UUID_ARRAY] {
                let _ = field(Some(&wire), &PgType::of(&ty));
            }
        }

        #[test]
        fn integers_and_floats_survive(int: i64, float: f64) {
            prop_assert_eq!(round_trip(&Value::Int(int), &Type::INT8), Value::Int(int));
            prop_assert_eq!(round_trip(&Value::Float(float), &Type::FLOAT8), Value::Float(float));
        }
    }
}
