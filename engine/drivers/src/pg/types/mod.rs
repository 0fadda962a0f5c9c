//! What the server says a parameter or a column is, as far as values go.
//!
//! Knows the names of types and which of them travel; the bytes of each are `encode`'s and `decode`'s.

pub(crate) mod decode;
pub(crate) mod encode;
mod numeric;
mod time;

use std::fmt;

use postgres_types::{Kind, Type};

/// A type of one value, not an array.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scalar {
    /// `text` and all that travels as it does: `varchar`, `bpchar`, `name`, `unknown`, `citext`, enums.
    Text,
    /// The one-byte type `"char"` of the catalogues.
    Char,
    Bool,
    Int2,
    Int4,
    Int8,
    /// `oid` and `xid`: unsigned, 32 bits.
    Oid,
    Float4,
    Float8,
    Numeric,
    Timestamptz,
    Timestamp,
    Date,
    Uuid,
    Json,
    Jsonb,
    Bytea,
    /// What functions without a result return; always NULL to us.
    Void,
}

/// How values of a type travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Scalar(Scalar),
    Array { element: Scalar, element_oid: u32 },
    Unsupported,
}

/// The type of a parameter or a column.
#[derive(Clone, PartialEq, Eq)]
pub struct PgType {
    pub(crate) shape: Shape,
    ty: Type,
}

impl PgType {
    pub(crate) fn of(ty: &Type) -> PgType {
        let shape = match ty.kind() {
            Kind::Array(element) => match scalar(element) {
                Some(Scalar::Void) | None => Shape::Unsupported,
                Some(scalar) => Shape::Array { element: scalar, element_oid: element.oid() },
            },
            Kind::Domain(base) => PgType::of(base).shape,
            _ => scalar(ty).map_or(Shape::Unsupported, Shape::Scalar),
        };
        PgType { shape, ty: ty.clone() }
    }

    /// The name as SQL writes it, qualified and quoted where it is not one of the system's own.
    pub fn name(&self) -> String {
        name_of(&self.ty)
    }

    pub(crate) const fn is_supported(&self) -> bool {
        !matches!(self.shape, Shape::Unsupported)
    }

    /// Whether it is an array (which `unnest` would flatten).
    pub(crate) const fn is_array(&self) -> bool {
        matches!(self.shape, Shape::Array { .. })
    }
}

impl fmt::Debug for PgType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

fn scalar(ty: &Type) -> Option<Scalar> {
    Some(match *ty {
        Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::UNKNOWN => Scalar::Text,
        Type::CHAR => Scalar::Char,
        Type::BOOL => Scalar::Bool,
        Type::INT2 => Scalar::Int2,
        Type::INT4 => Scalar::Int4,
        Type::INT8 => Scalar::Int8,
        Type::OID | Type::XID => Scalar::Oid,
        Type::FLOAT4 => Scalar::Float4,
        Type::FLOAT8 => Scalar::Float8,
        Type::NUMERIC => Scalar::Numeric,
        Type::TIMESTAMPTZ => Scalar::Timestamptz,
        Type::TIMESTAMP => Scalar::Timestamp,
        Type::DATE => Scalar::Date,
        Type::UUID => Scalar::Uuid,
        Type::JSON => Scalar::Json,
        Type::JSONB => Scalar::Jsonb,
        Type::BYTEA => Scalar::Bytea,
        Type::VOID => Scalar::Void,
        _ => match ty.kind() {
            Kind::Enum(_) => Scalar::Text,
            Kind::Domain(base) => return scalar(base),
            // citext is an extension's type: its OID differs from server to server, its name does not.
            Kind::Simple if ty.name() == "citext" => Scalar::Text,
            _ => return None,
        },
    })
}

fn name_of(ty: &Type) -> String {
    match (ty.kind(), Type::from_oid(ty.oid())) {
        (Kind::Array(element), _) => format!("{}[]", name_of(element)),
        (_, Some(Type::CHAR)) => "\"char\"".to_owned(),
        (_, Some(known)) => known.name().to_owned(),
        (_, None) => format!("{}.{}", crate::pg::quote(ty.schema()), crate::pg::quote(ty.name())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_ready_for_sql() {
        assert_eq!(PgType::of(&Type::INT8).name(), "int8");
        assert_eq!(PgType::of(&Type::TEXT_ARRAY).name(), "text[]");
        assert_eq!(PgType::of(&Type::CHAR).name(), "\"char\"");
        let mood = Type::new("mo\"od".into(), 70_000, Kind::Enum(vec![]), "public".into());
        assert_eq!(PgType::of(&mood).name(), r#""public"."mo""od""#);
    }

    #[test]
    fn a_domain_travels_as_its_base_and_an_enum_as_text() {
        let positive = Type::new("positive".into(), 70_001, Kind::Domain(Type::INT4), "public".into());
        assert_eq!(PgType::of(&positive).shape, Shape::Scalar(Scalar::Int4));
        let moods = Type::new("mood".into(), 70_000, Kind::Enum(vec![]), "public".into());
        let array = Type::new("_mood".into(), 70_002, Kind::Array(moods), "public".into());
        assert_eq!(PgType::of(&array).shape, Shape::Array { element: Scalar::Text, element_oid: 70_000 });
    }

    #[test]
    fn what_does_not_travel_says_so() {
        for ty in [Type::INET, Type::INTERVAL, Type::POINT, Type::INT4_RANGE, Type::RECORD] {
            assert!(!PgType::of(&ty).is_supported(), "{ty}");
        }
    }
}
