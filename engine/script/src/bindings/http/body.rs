//! What a request carries: JSON of maps and arrays, bytes, text, or nothing.
//!
//! JSON is written straight into the request. Payloads that are JSON stand in it as they are: what was generated once
//! is not read again.

use bytes::Bytes;
use rhai::Dynamic;

use crate::{
    bindings::{
        payload::Payload,
        timestamp::{Timestamp, rfc3339},
    },
    context::failure,
    engine::EvalError,
};

/// More levels than this are a value that holds itself, or soon would.
const DEPTH_AT_MOST: usize = 64;

const JSON: &str = "application/json";
const BYTES: &str = "application/octet-stream";
const TEXT: &str = "text/plain; charset=utf-8";

/// A body and what it is.
#[derive(Default)]
pub(super) struct Body {
    pub(super) bytes: Bytes,
    pub(super) content_type: Option<&'static str>,
}

impl Body {
    fn of(bytes: Bytes, content_type: &'static str) -> Self {
        Self { bytes, content_type: Some(content_type) }
    }
}

/// The body that a script's value stands for; `of` is who takes it.
///
/// # Errors
/// Values that are no body, and values within maps and arrays that JSON cannot hold, named by their place.
pub(super) fn body(of: &str, value: &Dynamic) -> Result<Body, EvalError> {
    if value.is_unit() {
        return Ok(Body::default());
    }
    if let Some(payload) = value.read_lock::<Payload>() {
        return Ok(Body::of(payload.bytes.clone(), if payload.is_json { JSON } else { BYTES }));
    }
    if let Ok(text) = value.as_immutable_string_ref() {
        return Ok(Body::of(Bytes::copy_from_slice(text.as_bytes()), TEXT));
    }
    if let Ok(blob) = value.as_blob_ref() {
        return Ok(Body::of(Bytes::copy_from_slice(&blob), BYTES));
    }
    if !value.is_map() && !value.is_array() {
        return Err(failure(&format!(
            "{of} takes a map or an array (sent as JSON), a payload, a string, a blob or (), not {}",
            value.type_name()
        )));
    }
    let mut json = Vec::with_capacity(256);
    write(&mut json, value, 0)
        .map_err(|Unwritable { place, why }| failure(&format!("{of}: body{place} {why}")))?;
    Ok(Body::of(json.into(), JSON))
}

/// A value that JSON cannot hold.
struct Unwritable {
    /// Where in the body: `.items[3]`.
    place: String,
    why: String,
}

fn unwritable(why: String) -> Unwritable {
    Unwritable { place: String::new(), why }
}

fn inside(place: impl std::fmt::Display) -> impl FnOnce(Unwritable) -> Unwritable {
    move |Unwritable { place: within, why }| Unwritable { place: format!("{place}{within}"), why }
}

fn write(out: &mut Vec<u8>, value: &Dynamic, depth: usize) -> Result<(), Unwritable> {
    if depth > DEPTH_AT_MOST {
        return Err(unwritable(format!("is nested deeper than {DEPTH_AT_MOST} levels")));
    }
    if let Ok(text) = value.as_immutable_string_ref() {
        write_plain(out, text.as_str());
    } else if let Ok(number) = value.as_int() {
        write_plain(out, &number);
    } else if let Ok(map) = value.as_map_ref() {
        out.push(b'{');
        for (n, (key, value)) in map.iter().enumerate() {
            if n > 0 {
                out.push(b',');
            }
            write_plain(out, key.as_str());
            out.push(b':');
            write(out, value, depth + 1).map_err(|e| inside(format_args!(".{key}"))(e))?;
        }
        out.push(b'}');
    } else if let Ok(items) = value.as_array_ref() {
        out.push(b'[');
        for (n, value) in items.iter().enumerate() {
            if n > 0 {
                out.push(b',');
            }
            write(out, value, depth + 1).map_err(|e| inside(format_args!("[{n}]"))(e))?;
        }
        out.push(b']');
    } else {
        write_single(out, value)?;
    }
    Ok(())
}

/// What holds no other values and is rarer.
fn write_single(out: &mut Vec<u8>, value: &Dynamic) -> Result<(), Unwritable> {
    if let Some(payload) = value.read_lock::<Payload>() {
        if !payload.is_json {
            let why = "is a payload of bytes, which JSON cannot hold: make it with vu.rng.item, or send it by itself";
            return Err(unwritable(why.to_owned()));
        }
        out.extend_from_slice(&payload.bytes);
    } else if let Ok(is_true) = value.as_bool() {
        write_plain(out, &is_true);
    } else if let Ok(number) = value.as_float() {
        if !number.is_finite() {
            return Err(unwritable(format!("is {number}, which is no number in JSON")));
        }
        write_plain(out, &number);
    } else if value.is_unit() {
        out.extend_from_slice(b"null");
    } else if let Ok(letter) = value.as_char() {
        write_plain(out, &letter);
    } else if let Some(time) = value.read_lock::<Timestamp>() {
        write_plain(out, &rfc3339(*time));
    } else {
        return Err(unwritable(format!("is a {}, which JSON cannot hold", value.type_name())));
    }
    Ok(())
}

fn write_plain<T: serde::Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    serde_json::to_writer(out, value)
        .expect("texts, whole and finite numbers can be written, and memory takes them");
}

#[cfg(test)]
mod tests {
    use rhai::{Array, Map};

    use super::*;

    fn payload(bytes: &'static str, is_json: bool) -> Dynamic {
        Dynamic::from(Payload { bytes: bytes.into(), is_json })
    }

    fn told(value: &Dynamic) -> String {
        crate::diagnostic::message_of(&body("http::post", value).err().expect("it is no body"))
    }

    #[test]
    fn maps_and_arrays_are_json_and_payloads_stand_in_it_as_they_are() {
        let map = Map::from([
            ("item".into(), payload(r#"{"n": 1}"#, true)),
            (
                "list".into(),
                Dynamic::from_array(vec![1.into(), 2.5.into(), true.into(), 'ä'.into(), Dynamic::UNIT]),
            ),
            ("text \"q\"".into(), "line\n\u{1}".into()),
            ("at".into(), Dynamic::from(Timestamp { unix_us: 0 })),
        ]);
        let made = body("http::post", &Dynamic::from_map(map)).ok().unwrap();
        assert_eq!(made.content_type, Some(JSON));
        let text = std::str::from_utf8(&made.bytes).unwrap();
        assert!(text.contains(r#""item":{"n": 1}"#), "{text}");
        assert!(text.contains(r#""list":[1,2.5,true,"ä",null]"#), "{text}");
        let read: serde_json::Value = serde_json::from_str(text).unwrap();
        assert_eq!((&read["text \"q\""], read["at"].as_str().unwrap().len()), (&"line\n\u{1}".into(), 20));
    }

    #[test]
    fn every_other_body_is_its_bytes() {
        let of = |value: Dynamic| {
            let made = body("http::post", &value).ok().unwrap();
            (made.bytes, made.content_type)
        };
        assert_eq!(of("text".into()), ("text".into(), Some(TEXT)));
        assert_eq!(of(payload("[1]", true)), ("[1]".into(), Some(JSON)));
        assert_eq!(of(payload("\u{0}", false)), ("\u{0}".into(), Some(BYTES)));
        assert_eq!(of(Dynamic::from_blob(vec![1, 2])), (Bytes::from_static(&[1, 2]), Some(BYTES)));
        assert_eq!(of(Dynamic::UNIT), (Bytes::new(), None));
    }

    #[test]
    fn what_cannot_be_sent_is_named_by_its_place() {
        assert!(told(&7.into()).contains("not i64"), "{}", told(&7.into()));
        let list = Dynamic::from_array(vec![1.into(), payload("\u{0}", false)]);
        let map = Dynamic::from_map(Map::from([("items".into(), list)]));
        assert!(told(&map).starts_with("http::post: body.items[1] is a payload of bytes"), "{}", told(&map));
        let nan = Dynamic::from_array(vec![f64::NAN.into()]);
        assert_eq!(told(&nan), "http::post: body[0] is NaN, which is no number in JSON");
        let deep = (0..100).fold(Dynamic::UNIT, |inner, _| Dynamic::from_array(Array::from([inner])));
        assert!(told(&deep).ends_with("is nested deeper than 64 levels"));
    }
}
