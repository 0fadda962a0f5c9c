//! `s3`: object stores. Keys are relative to the run's bucket.

mod asked;
mod call;
mod keys;
mod many;
mod on_core;

use bytes::Bytes;
use rhai::{Array, Dynamic, ImmutableString, Map, NativeCallContext, plugin::*};

use self::{
    asked::{Condition, Listed},
    call::Asked,
    keys::{Keys, Source},
};
use super::{
    reply::Reply,
    rng::{random_bytes, size},
};
use crate::{
    context::{self, failure, placed},
    engine::EvalError,
};

pub(crate) use self::{
    keys::{Numbered, numbered_api},
    many::Many,
    on_core::StoreOnCore,
};

/// Objects on their way at once when nothing is said.
const IN_FLIGHT: usize = 32;

/// Keys of scenarios begin with this, so that emptying them hits nothing else.
const OWN_PREFIX: &str = "snapbench";

/// Refuses to empty what may be somebody else's.
fn permit_emptying(prefix: &str) -> Result<(), EvalError> {
    let is_allowed = || context::with(|c| c.core.wiring.allow_destructive).unwrap_or(false);
    if prefix.starts_with(OWN_PREFIX) || is_allowed() {
        return Ok(());
    }
    Err(failure(&format!(
        "s3::delete_prefix(\"{prefix}\") may hit what others have stored, and the target is not embedded: begin the \
         prefix with `{OWN_PREFIX}`, or allow it with --yes"
    )))
}

/// Object stores. Every operation takes, in its settings: `store`, which one of those that the run has (see
/// `s3::stores()`); `op`, the name that it is recorded under instead of its own; and `expect: "rejected"` for one that
/// must be refused. What is done on a store with a name is recorded with it: `put@garage`.
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

    /// Stores an object on a condition: `if_absent: true` when there must be none, `if_match: etag` when it must be
    /// the one that a reply told of. Where it does not hold the reply is a `conflict`, and nothing is stored.
    ///
    /// ```rhai
    /// let first = s3::put("head", "1", #{ if_absent: true });
    /// if first.ok { s3::put("head", "2", #{ if_match: first.etag }); }
    /// ```
    #[rhai_fn(name = "put", return_raw)]
    pub fn put_with(
        call: NativeCallContext<'_>,
        key: &str,
        body: Dynamic,
        settings: Map,
    ) -> Result<Reply, EvalError> {
        placed(&call, || {
            let body = asked::body(&body)?;
            Asked {
                of: "s3::put",
                settings: &settings,
                known: &Condition::SETTINGS,
                word: |words| &words.put,
            }
            .run(Condition::of, async move |store, condition| {
                store.put(key, body, condition.as_driver()).await
            })
        })
    }

    /// Stores an object in parts, several on their way at once. Recorded under `put_multipart`.
    #[rhai_fn(name = "put_multipart", return_raw)]
    pub fn put_multipart_plain(
        call: NativeCallContext<'_>,
        key: &str,
        body: Dynamic,
    ) -> Result<Reply, EvalError> {
        put_multipart_with(call, key, body, Map::new())
    }

    /// Stores an object in parts of `part_bytes` (8 MiB when nothing is said; S3 wants 5 MiB at least of all but the
    /// last), `in_flight` (4) of them on their way at once. When a part fails, what was sent is given up.
    ///
    /// ```rhai
    /// s3::put_multipart("large", vu.rng.payload(50_000_000), #{ part_bytes: "10MiB", in_flight: 5 });
    /// ```
    #[rhai_fn(name = "put_multipart", return_raw)]
    pub fn put_multipart_with(
        call: NativeCallContext<'_>,
        key: &str,
        body: Dynamic,
        settings: Map,
    ) -> Result<Reply, EvalError> {
        placed(&call, || {
            let body = asked::body(&body)?;
            let known = &["part_bytes", "in_flight"];
            Asked { of: "s3::put_multipart", settings: &settings, known, word: |words| &words.put_multipart }
                .run(asked::multipart, async move |store, how| store.put_multipart(key, body, how).await)
        })
    }

    /// Stores many objects. Each is recorded under `put`, and all of them as one `put_many`.
    #[rhai_fn(name = "put_many", return_raw)]
    pub fn put_many_plain(
        call: NativeCallContext<'_>,
        keys: Dynamic,
        body: Dynamic,
    ) -> Result<Reply, EvalError> {
        put_many_with(call, keys, body, Map::new())
    }

    /// Stores many objects (keys: an array, `s3::numbered(…)`, or the reply of `s3::list`), `in_flight` (32) of them on their way at once: what filling a bucket is made of. The body
    /// is the same for all, or a whole number: so many random bytes for each. Each is recorded under `put`, and all of
    /// them, with the time that all took, as one `put_many` (or as `op` says). In `setup()` it says how far it has come.
    ///
    /// ```rhai
    /// s3::put_many(s3::numbered("snapbench/run-1/", 0, 1000), 4096, #{ in_flight: 64 });
    /// ```
    #[rhai_fn(name = "put_many", return_raw)]
    pub fn put_many_with(
        call: NativeCallContext<'_>,
        keys: Dynamic,
        body: Dynamic,
        settings: Map,
    ) -> Result<Reply, EvalError> {
        placed(&call, || {
            let keys = Source::of("s3::put_many", keys)?;
            let keys = Keys::of("s3::put_many", &keys)?;
            let random =
                body.as_int().ok().map(|bytes| size(bytes, "s3::put_many(keys, bytes)")).transpose()?;
            let body = if random.is_some() { Bytes::new() } else { asked::body(&body)? };
            let known = &["in_flight"];
            Asked { of: "s3::put_many", settings: &settings, known, word: |words| &words.put_many }.call(
                |settings| asked::in_flight(settings, IN_FLIGHT),
                |call, in_flight| {
                    let store = call.store;
                    many::fan_out(call, &store.words.put, &keys, in_flight, |key| {
                        let rng = &mut *call.context.rng.borrow_mut();
                        let body =
                            random.map_or_else(|| body.clone(), |bytes| random_bytes(rng, bytes, 0.0).into());
                        async move { store.put(&key, body, drivers::s3::PutCondition::None).await }
                    })
                },
            )
        })
    }

    /// Reads an object. No such key is `empty`. Recorded under `get`.
    #[rhai_fn(name = "get", return_raw)]
    pub fn get_plain(call: NativeCallContext<'_>, key: &str) -> Result<Reply, EvalError> {
        get_with(call, key, Map::new())
    }

    /// Reads an object or a part of it: `range: [first, last]`, both included, `from: first` to the end, or `last:
    /// bytes` at the end. A part that the object does not have is `rejected`.
    ///
    /// ```rhai
    /// let footer = s3::get("data.parquet", #{ last: 8 });
    /// ```
    #[rhai_fn(name = "get", return_raw)]
    pub fn get_with(call: NativeCallContext<'_>, key: &str, settings: Map) -> Result<Reply, EvalError> {
        placed(&call, || {
            Asked { of: "s3::get", settings: &settings, known: &asked::RANGE, word: |words| &words.get }.run(
                asked::range,
                async move |store, range| match range {
                    None => store.get(key).await,
                    Some(range) => store.get_range(key, range).await,
                },
            )
        })
    }

    /// Reads many objects. Each is recorded under `get`, and all of them as one `get_many`.
    #[rhai_fn(name = "get_many", return_raw)]
    pub fn get_many_plain(call: NativeCallContext<'_>, keys: Dynamic) -> Result<Reply, EvalError> {
        get_many_with(call, keys, Map::new())
    }

    /// Reads many objects, `in_flight` (32) of them on their way at once: a fan-out. Each is recorded under `get`, and
    /// all of them, with the time that all took, as one `get_many` (or as `op` says). The reply has `items` (objects
    /// found), `bytes` and `missing` (keys of which there was nothing); bodies are not kept. When a read fails no more
    /// are begun, and the whole ends as it did.
    ///
    /// ```rhai
    /// let found = s3::get_many(s3::list("runs/17/"), #{ in_flight: 64 });
    /// check(found.missing.is_empty(), "all that was listed is there");
    /// ```
    #[rhai_fn(name = "get_many", return_raw)]
    pub fn get_many_with(
        call: NativeCallContext<'_>,
        keys: Dynamic,
        settings: Map,
    ) -> Result<Reply, EvalError> {
        placed(&call, || {
            let keys = Source::of("s3::get_many", keys)?;
            let keys = Keys::of("s3::get_many", &keys)?;
            let known = &["in_flight"];
            Asked { of: "s3::get_many", settings: &settings, known, word: |words| &words.get_many }.call(
                |settings| asked::in_flight(settings, IN_FLIGHT),
                |call, in_flight| {
                    let store = call.store;
                    let get = |key: ImmutableString| async move { store.get(&key).await };
                    many::fan_out(call, &store.words.get, &keys, in_flight, get)
                },
            )
        })
    }

    /// Asks whether an object is there, its size and its ETag. No such key is `empty`. Recorded under `head`.
    #[rhai_fn(name = "head", return_raw)]
    pub fn head_plain(call: NativeCallContext<'_>, key: &str) -> Result<Reply, EvalError> {
        head_with(call, key, Map::new())
    }

    /// The same, with settings.
    #[rhai_fn(name = "head", return_raw)]
    pub fn head_with(call: NativeCallContext<'_>, key: &str, settings: Map) -> Result<Reply, EvalError> {
        placed(&call, || {
            Asked { of: "s3::head", settings: &settings, known: &[], word: |words| &words.head }
                .run(|_| (), async move |store, ()| store.head(key).await)
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

    /// Lists keys: `start_after` begins behind a key; `delimiter` puts keys together that have it behind the prefix,
    /// as one of the reply's `prefixes` each; `max_keys` limits a page, and `limit` the whole (then `truncated` says
    /// whether there is more).
    ///
    /// ```rhai
    /// for run in s3::list("runs/", #{ delimiter: "/" }).prefixes { s3::list(run, #{ limit: 10 }); }
    /// ```
    #[rhai_fn(name = "list", return_raw)]
    pub fn list_with(call: NativeCallContext<'_>, prefix: &str, settings: Map) -> Result<Reply, EvalError> {
        placed(&call, || {
            Asked { of: "s3::list", settings: &settings, known: &Listed::SETTINGS, word: |words| &words.list }
                .run(Listed::of, async move |store, own| store.list(&own.request(prefix)).await)
        })
    }

    /// Deletes an object; it is `ok`, too, when there was none. Recorded under `delete`.
    #[rhai_fn(name = "delete", return_raw)]
    pub fn delete_plain(call: NativeCallContext<'_>, key: &str) -> Result<Reply, EvalError> {
        delete_with(call, key, Map::new())
    }

    /// The same, with settings.
    #[rhai_fn(name = "delete", return_raw)]
    pub fn delete_with(call: NativeCallContext<'_>, key: &str, settings: Map) -> Result<Reply, EvalError> {
        placed(&call, || {
            Asked { of: "s3::delete", settings: &settings, known: &[], word: |words| &words.delete }
                .run(|_| (), async move |store, ()| store.delete(key).await)
        })
    }

    /// Deletes many objects, a thousand a request. Recorded as one `delete_many`; the reply's `items` are those gone.
    #[rhai_fn(name = "delete_many", return_raw)]
    pub fn delete_many_plain(call: NativeCallContext<'_>, keys: Dynamic) -> Result<Reply, EvalError> {
        delete_many_with(call, keys, Map::new())
    }

    /// The same, with settings.
    #[rhai_fn(name = "delete_many", return_raw)]
    pub fn delete_many_with(
        call: NativeCallContext<'_>,
        keys: Dynamic,
        settings: Map,
    ) -> Result<Reply, EvalError> {
        placed(&call, || {
            let keys = Source::of("s3::delete_many", keys)?;
            let keys: Vec<ImmutableString> = Keys::of("s3::delete_many", &keys)?.iter().collect();
            let keys: Vec<&str> = keys.iter().map(ImmutableString::as_str).collect();
            Asked { of: "s3::delete_many", settings: &settings, known: &[], word: |words| &words.delete_many }
                .run(|_| (), async move |store, ()| store.delete_many(&keys).await)
        })
    }

    /// Deletes every key that begins with `prefix`: what teardown is made of. Recorded under `delete`.
    #[rhai_fn(name = "delete_prefix", return_raw)]
    pub fn delete_prefix_plain(call: NativeCallContext<'_>, prefix: &str) -> Result<Reply, EvalError> {
        delete_prefix_with(call, prefix, Map::new())
    }

    /// The same, with settings.
    #[rhai_fn(name = "delete_prefix", return_raw)]
    pub fn delete_prefix_with(
        call: NativeCallContext<'_>,
        prefix: &str,
        settings: Map,
    ) -> Result<Reply, EvalError> {
        placed(&call, || {
            permit_emptying(prefix)?;
            Asked { of: "s3::delete_prefix", settings: &settings, known: &[], word: |words| &words.delete }
                .run(|_| (), async move |store, ()| store.delete_prefix(prefix).await)
        })
    }

    /// Makes the run's bucket if it is not there. Recorded under `bucket`.
    #[rhai_fn(name = "create_bucket", return_raw)]
    pub fn create_bucket_plain(call: NativeCallContext<'_>) -> Result<Reply, EvalError> {
        create_bucket_with(call, Map::new())
    }

    /// The same, with settings.
    ///
    /// ```rhai
    /// for store in s3::stores() { s3::create_bucket(#{ store: store }); }
    /// ```
    #[rhai_fn(name = "create_bucket", return_raw)]
    pub fn create_bucket_with(call: NativeCallContext<'_>, settings: Map) -> Result<Reply, EvalError> {
        placed(&call, || {
            Asked { of: "s3::create_bucket", settings: &settings, known: &[], word: |words| &words.bucket }
                .run(|_| (), async |store, ()| store.create_bucket().await)
        })
    }

    /// Keys that differ in a number at their end, `count` of them from `first` on: the prefix and eight digits. They take
    /// no memory of their own, however many they are, and go wherever many keys go.
    ///
    /// ```rhai
    /// let states = s3::numbered("runs/17/", 0, 5000);
    /// ```
    #[rhai_fn(return_raw)]
    pub fn numbered(
        call: NativeCallContext<'_>,
        prefix: ImmutableString,
        first: i64,
        count: i64,
    ) -> Result<Numbered, EvalError> {
        placed(&call, || Numbered::new(prefix, first, count))
    }

    /// Names of the run's stores (`stores` in options()), in their order; none when the run has the one of its target.
    #[rhai_fn(name = "stores", return_raw)]
    pub fn stores(call: NativeCallContext<'_>) -> Result<Array, EvalError> {
        placed(&call, || {
            context::required("s3", |c| {
                Ok(c.core.stores.iter().filter_map(|store| store.name.clone()).map(Dynamic::from).collect())
            })
        })
    }
}
