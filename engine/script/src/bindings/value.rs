//! Values on their way between scripts and servers.

use std::sync::Arc;

use drivers::Value;
use rhai::{Array, Dynamic};

use super::{payload::Payload, timestamp::Timestamp};
use crate::{context::failure, engine::EvalError};

/// A script's value as a parameter.
///
/// # Errors
/// Values no server takes (function pointers, replies), named by their place.
pub(crate) fn to_driver(value: &Dynamic, place: &dyn Fn() -> String) -> Result<Value, EvalError> {
    if let Ok(it) = value.as_int() {
        return Ok(Value::Int(it));
    }
    if let Ok(it) = value.as_immutable_string_ref() {
        return Ok(Value::Text(Arc::from(it.as_str())));
    }
    if let Some(it) = value.read_lock::<Payload>() {
        return Ok(if it.is_json { Value::Text(it.text()) } else { Value::Bytes(it.bytes.clone()) });
    }
    if value.is_unit() {
        return Ok(Value::Null);
    }
    if let Ok(it) = value.as_float() {
        return Ok(Value::Float(it));
    }
    if let Ok(it) = value.as_bool() {
        return Ok(Value::Bool(it));
    }
    if let Some(it) = value.read_lock::<Timestamp>() {
        return Ok(Value::Timestamp(it.unix_us));
    }
    if let Ok(it) = value.as_char() {
        return Ok(Value::Text(it.to_string().into()));
    }
    if let Ok(it) = value.as_blob_ref() {
        return Ok(Value::Bytes(it.clone().into()));
    }
    if let Ok(items) = value.as_array_ref() {
        let items = items.iter().map(|item| to_driver(item, place));
        return Ok(Value::Array(items.collect::<Result<_, _>>()?));
    }
    if let Ok(map) = value.as_map_ref() {
        return Ok(Value::Json(rhai::format_map_as_json(&map)));
    }
    Err(failure(&format!("{} is a {}, which no column takes", place(), value.type_name())))
}

/// The parameters of a statement.
pub(crate) fn parameters(values: &Array) -> Result<Vec<Value>, EvalError> {
    values.iter().enumerate().map(|(n, v)| to_driver(v, &|| format!("parameter ${}", n + 1))).collect()
}

/// A server's value for a script. Numerics come as exact text, UUIDs as text, JSON as maps and arrays.
pub(crate) fn to_script(value: Value) -> Dynamic {
    match value {
        Value::Null => Dynamic::UNIT,
        Value::Bool(it) => it.into(),
        Value::Int(it) => it.into(),
        Value::Float(it) => it.into(),
        Value::Text(it) => (&*it).into(),
        Value::Bytes(it) => Dynamic::from_blob(it.to_vec()),
        Value::Json(it) => json(&it),
        Value::Uuid(it) => it.to_string().into(),
        Value::Timestamp(unix_us) => Dynamic::from(Timestamp { unix_us }),
        Value::Numeric(it) => it.into(),
        Value::Array(items) => Dynamic::from_array(items.into_iter().map(to_script).collect()),
    }
}

fn json(text: &str) -> Dynamic {
    // A server's JSON is valid; were it not, its text is the honest answer.
    serde_json::from_str(text).map_or_else(|_| text.into(), of_json)
}

/// A JSON document for a script. Numbers that are whole are integers.
pub(crate) fn of_json(value: serde_json::Value) -> Dynamic {
    match value {
        serde_json::Value::Null => Dynamic::UNIT,
        serde_json::Value::Bool(it) => it.into(),
        serde_json::Value::Number(it) => {
            it.as_i64().map_or_else(|| it.as_f64().unwrap_or(f64::NAN).into(), Dynamic::from)
        }
        serde_json::Value::String(it) => it.into(),
        serde_json::Value::Array(items) => Dynamic::from_array(items.into_iter().map(of_json).collect()),
        serde_json::Value::Object(map) => {
            Dynamic::from_map(map.into_iter().map(|(k, v)| (k.into(), of_json(v))).collect())
        }
    }
}
