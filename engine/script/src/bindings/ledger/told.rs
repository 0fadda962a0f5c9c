//! What scripts tell a ledger: items, replies that hold them, priorities, times.

use model::ledger::QueueLedger;
use rhai::Dynamic;

use crate::{
    bindings::{
        payload::Payload,
        reply::{Body, Reply},
    },
    context::failure,
    engine::EvalError,
    ledger::queue::{Answer, Items, key_of},
    settings::as_number,
};

/// The key of what a script calls an item: a payload, JSON text, a map, or the key itself.
pub(super) fn item_key(item: &Dynamic) -> Result<u64, EvalError> {
    let number = |value: &Dynamic| value.as_int().ok().and_then(|key| u64::try_from(key).ok());
    let key = if item.is_int() {
        number(item)
    } else if let Some(payload) = item.read_lock::<Payload>() {
        key_of(&payload.bytes)
    } else if let Ok(text) = item.as_immutable_string_ref() {
        key_of(text.as_bytes())
    } else if let Ok(map) = item.as_map_ref() {
        map.get("k").and_then(number)
    } else {
        None
    };
    key.ok_or_else(|| {
        failure(
            "an item needs a key for its ledger: a whole number `k` of 0 or more, as book.item(bytes) gives it one",
        )
    })
}

/// The items of a reply, or keys and items of an array.
pub(super) fn items_of(held: &Dynamic) -> Result<Items, EvalError> {
    if let Some(reply) = held.read_lock::<Reply>() {
        return Ok(match &reply.0.body {
            Body::Rows(reply) => Items::of(Answer::Rows(&reply.rows)),
            Body::Http(reply, _) => Items::of(Answer::Json(&reply.body)),
            Body::Store(..) | Body::Many(_) | Body::Nothing => Items::default(),
        });
    }
    if let Ok(array) = held.as_array_ref() {
        let keys = array.iter().map(item_key).collect::<Result<_, _>>()?;
        return Ok(Items { keys, nameless: 0 });
    }
    Ok(Items { keys: vec![item_key(held)?], nameless: 0 })
}

/// A priority, 0 or more.
pub(super) fn priority_of(priority: i64) -> Result<u32, EvalError> {
    u32::try_from(priority).ok().filter(|it| *it <= QueueLedger::PRIORITY_AT_MOST).ok_or_else(|| {
        failure(&format!(
            "a ledger knows priorities from 0, the highest, to {}, not {priority}",
            QueueLedger::PRIORITY_AT_MOST
        ))
    })
}

/// Milliseconds, whole or not, in nanoseconds.
pub(super) fn nanoseconds(value: &Dynamic, what: &str) -> Result<u64, EvalError> {
    let ms = as_number(value).filter(|ms| (0.0..=1e12).contains(ms));
    ms.map(|ms| (ms * 1e6) as u64)
        .ok_or_else(|| failure(&format!("{what} is a number of milliseconds of 0 or more, not {value}")))
}

/// How many items are asked for.
pub(super) fn asked_of(count: i64, what: &str) -> Result<u32, EvalError> {
    u32::try_from(count).map_err(|_| failure(&format!("{what} takes 0 items or more, not {count}")))
}
