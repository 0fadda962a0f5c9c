//! `s3`: the object store. Keys are relative to the run's bucket.

use std::{future::Future, rc::Rc, sync::Arc};

use drivers::s3::{ListRequest, S3Reply, Store};
use model::{outcome::Expect, recorder::Sample};
use rhai::{Dynamic, Map, NativeCallContext, plugin::*};

use super::{
    payload::Payload,
    reply::{Body, Ended, Reply},
};
use crate::{
    bridge::wait_for,
    context::{self, cancelled, failure, placed},
    core::OpName,
    engine::EvalError,
    settings::Settings,
};

/// Names the operations are recorded under when the script gives none.
pub(crate) struct StoreWords {
    put: Arc<OpName>,
    get: Arc<OpName>,
    head: Arc<OpName>,
    list: Arc<OpName>,
    delete: Arc<OpName>,
    bucket: Arc<OpName>,
}

impl Default for StoreWords {
    fn default() -> Self {
        let word = |name: &str| OpName::new(name);
        Self {
            put: word("put"),
            get: word("get"),
            head: word("head"),
            list: word("list"),
            delete: word("delete"),
            bucket: word("bucket"),
        }
    }
}

/// Runs one operation on behalf of the current virtual user, records it and hands it over.
fn run<'a, F: Future<Output = S3Reply>>(
    settings: &Map,
    known: &[&'static str],
    word: impl FnOnce(&StoreWords) -> &Arc<OpName>,
    operation: impl FnOnce(Store, &mut Settings<'_>) -> F + 'a,
) -> Result<Reply, EvalError> {
    context::required("s3", |c| {
        let store = c.core.store.clone().ok_or_else(|| failure("this run has no object store"))?;
        let mut settings = Settings::new("s3", settings, known);
        let named = settings.text("op").map(|name| c.core.op_name(&name));
        let operation = operation(store, &mut settings);
        settings.done()?;
        let op = named.as_ref().unwrap_or_else(|| word(&c.core.store_words));
        let reply = wait_for(operation).map_err(|_| cancelled())?;
        let sample = Sample {
            outcome: reply.outcome,
            class: reply.class.as_deref(),
            expect: Expect::Normal,
            service_ns: reply.service_ns,
            // A connection that was kept alive waited for nothing.
            pool_wait_ns: reply.connect_wait_ns.filter(|wait_ns| *wait_ns > 0),
            bytes_sent: reply.bytes_sent,
            bytes_received: reply.bytes_received,
            items: reply.items,
        };
        c.core.record(c, op, &sample);
        let ended = Ended {
            op: op.clone(),
            outcome: reply.outcome,
            class: reply.class.as_ref().map(ToString::to_string),
            message: reply.message.clone(),
            service_ns: reply.service_ns,
            body: Body::Store(reply),
        };
        Reply(Rc::new(ended)).hand_over(Expect::Normal)
    })
}

/// What to put: a payload, a string or a blob.
fn content(value: &Dynamic) -> Result<bytes::Bytes, EvalError> {
    if let Some(payload) = value.read_lock::<Payload>() {
        return Ok(payload.bytes.clone());
    }
    if let Ok(text) = value.as_immutable_string_ref() {
        return Ok(bytes::Bytes::copy_from_slice(text.as_bytes()));
    }
    if let Ok(blob) = value.as_blob_ref() {
        return Ok(bytes::Bytes::copy_from_slice(&blob));
    }
    Err(failure(&format!(
        "s3::put takes a payload (vu.rng.payload(4096)), a string or a blob, not {}",
        value.type_name()
    )))
}

/// Keys of scenarios begin with this, so that emptying them hits nothing else.
const OWN_PREFIX: &str = "snapbench";

/// The object store.
#[export_module]
pub(crate) mod s3_api {
    /// Stores an object. Recorded under `put`.
    ///
    /// ```rhai
    /// s3::put(`runs/${vu.iteration}`, vu.rng.payload(4096));
    /// ```
    #[rhai_fn(name = "put", return_raw)]
    pub fn put_plain(call: NativeCallContext<'_>, key: &str, body: Dynamic) -> Result<Reply, EvalError> {
        put_with(call, key, body, Map::new())
    }

    /// Stores an object; `op` names what it is recorded under.
    #[rhai_fn(name = "put", return_raw)]
    pub fn put_with(
        call: NativeCallContext<'_>,
        key: &str,
        body: Dynamic,
        settings: Map,
    ) -> Result<Reply, EvalError> {
        placed(&call, || {
            let body = content(&body)?;
            run(&settings, &["op"], |w| &w.put, |store, _| async move { store.put(key, body).await })
        })
    }

    /// Reads an object. No such key is `empty`. Recorded under `get`.
    #[rhai_fn(name = "get", return_raw)]
    pub fn get_plain(call: NativeCallContext<'_>, key: &str) -> Result<Reply, EvalError> {
        get_with(call, key, Map::new())
    }

    /// Reads an object; `op` names what it is recorded under.
    #[rhai_fn(name = "get", return_raw)]
    pub fn get_with(call: NativeCallContext<'_>, key: &str, settings: Map) -> Result<Reply, EvalError> {
        placed(&call, || run(&settings, &["op"], |w| &w.get, |store, _| async move { store.get(key).await }))
    }

    /// Asks whether an object is there, and its size. No such key is `empty`. Recorded under `head`.
    #[rhai_fn(name = "head", return_raw)]
    pub fn head(call: NativeCallContext<'_>, key: &str) -> Result<Reply, EvalError> {
        placed(&call, || {
            run(&Map::new(), &["op"], |w| &w.head, |store, _| async move { store.head(key).await })
        })
    }

    /// Lists every key that begins with `prefix`, page by page. Recorded under `list`.
    ///
    /// ```rhai
    /// let found = s3::list("runs/17/");
    /// check(found.keys.len() == 3, "all three listed");
    /// ```
    #[rhai_fn(name = "list", return_raw)]
    pub fn list_plain(call: NativeCallContext<'_>, prefix: &str) -> Result<Reply, EvalError> {
        list_with(call, prefix, Map::new())
    }

    /// Lists keys: `start_after` begins behind a key, `max_keys` limits a page, `op` names what it is recorded under.
    #[rhai_fn(name = "list", return_raw)]
    pub fn list_with(call: NativeCallContext<'_>, prefix: &str, settings: Map) -> Result<Reply, EvalError> {
        placed(&call, || {
            run(
                &settings,
                &["op", "start_after", "max_keys"],
                |w| &w.list,
                |store, settings| {
                    let start_after = settings.text("start_after");
                    let max_keys = settings.count("max_keys");
                    async move {
                        let request = ListRequest {
                            start_after: start_after.as_deref(),
                            max_keys: max_keys.and_then(|n| u32::try_from(n).ok()),
                            ..ListRequest::under(prefix)
                        };
                        store.list(&request).await
                    }
                },
            )
        })
    }

    /// Deletes an object. Recorded under `delete`.
    #[rhai_fn(name = "delete", return_raw)]
    pub fn delete_plain(call: NativeCallContext<'_>, key: &str) -> Result<Reply, EvalError> {
        placed(&call, || {
            run(&Map::new(), &["op"], |w| &w.delete, |store, _| async move { store.delete(key).await })
        })
    }

    /// Deletes every key that begins with `prefix`: what teardown is made of. Recorded under `delete`.
    #[rhai_fn(return_raw)]
    pub fn delete_prefix(call: NativeCallContext<'_>, prefix: &str) -> Result<Reply, EvalError> {
        placed(&call, || {
            if !prefix.starts_with(OWN_PREFIX) {
                let allowed = context::with(|c| c.core.wiring.allow_destructive).unwrap_or(false);
                if !allowed {
                    return Err(failure(&format!(
                        "s3::delete_prefix(\"{prefix}\") may hit what others have stored, and the target is not \
                         embedded: begin the prefix with `{OWN_PREFIX}`, or allow it with --yes"
                    )));
                }
            }
            run(
                &Map::new(),
                &["op"],
                |w| &w.delete,
                |store, _| async move { store.delete_prefix(prefix).await },
            )
        })
    }

    /// Makes the run's bucket if it is not there. Recorded under `bucket`.
    #[rhai_fn(return_raw)]
    pub fn create_bucket(call: NativeCallContext<'_>) -> Result<Reply, EvalError> {
        placed(&call, || {
            run(&Map::new(), &["op"], |w| &w.bucket, |store, _| async move { store.create_bucket().await })
        })
    }
}
