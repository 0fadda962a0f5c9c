//! `reply`: how an operation ended, as a value that scripts branch on.

use std::{cell::OnceCell, rc::Rc, sync::Arc};

use model::outcome::{Expect, Outcome};
use rhai::{Array, Dynamic, EvalAltResult, Map, Position, plugin::*};

use super::{payload::Payload, s3::Many, value::to_script};
use crate::{
    context::failure,
    core::{OpName, is_handed_over},
    engine::EvalError,
};

/// An operation's end. Cloning shares it.
#[derive(Clone)]
pub(crate) struct Reply(pub(crate) Rc<Ended>);

/// What is kept of an operation's end.
pub(crate) struct Ended {
    pub(crate) op: Arc<OpName>,
    pub(crate) outcome: Outcome,
    pub(crate) class: Option<String>,
    pub(crate) message: Option<String>,
    pub(crate) service_ns: u64,
    pub(crate) body: Body,
}

/// What came back.
pub(crate) enum Body {
    /// Rows of Postgres.
    Rows(drivers::pg::Reply),
    /// An object store's answer, and its keys as a script has them, once it has asked for them.
    Store(drivers::s3::S3Reply, OnceCell<Dynamic>),
    /// An HTTP service's answer, and its JSON as a script has it, once it has asked for it.
    Http(drivers::http::HttpReply, OnceCell<Dynamic>),
    /// What became of an operation on many objects.
    Many(Many),
    /// Nothing: the operation had no server.
    Nothing,
}

impl Reply {
    /// Gives the reply to the script, or throws it when it is an error the caller did not expect.
    pub(crate) fn hand_over(self, expect: Expect) -> Result<Self, EvalError> {
        if is_handed_over(self.0.outcome, expect) {
            return Ok(self);
        }
        Err(EvalAltResult::ErrorRuntime(Dynamic::from(self), Position::NONE).into())
    }

    /// One line for people: what was done, how it ended, what the server said.
    pub(crate) fn describe(&self) -> String {
        let Ended { op, outcome, class, message, .. } = &*self.0;
        let class = class.as_ref().map(|c| format!("({c})")).unwrap_or_default();
        let message = message.as_ref().map(|m| format!(": {m}")).unwrap_or_default();
        format!("{} ended as {outcome}{class}{message}", op.name)
    }

    /// Its class, or its outcome where there is none.
    pub(crate) fn kind(&self) -> String {
        self.0.class.clone().unwrap_or_else(|| self.0.outcome.to_string())
    }

    fn postgres(&self) -> Result<&drivers::pg::Reply, EvalError> {
        match &self.0.body {
            Body::Rows(reply) => Ok(reply),
            Body::Store(..) | Body::Http(..) | Body::Many(_) | Body::Nothing => {
                Err(failure("rows come from Postgres; this reply is not of Postgres"))
            }
        }
    }

    fn store(&self) -> Result<&drivers::s3::S3Reply, EvalError> {
        match &self.0.body {
            Body::Store(reply, _) => Ok(reply),
            Body::Many(_) => Err(failure(
                "an operation on many objects gives `items`, `bytes` and `missing`; read one with s3::get to have its body",
            )),
            Body::Rows(_) | Body::Http(..) | Body::Nothing => Err(of_no_store()),
        }
    }
}

fn of_no_store() -> EvalError {
    failure("keys and bodies come from an object store; this reply is not of one")
}

fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn row_map(columns: &[drivers::pg::Column], row: &drivers::pg::Row<'_>) -> Result<Map, EvalError> {
    let mut map = Map::new();
    for (n, column) in columns.iter().enumerate() {
        let value = row.value(n).map_err(|e| failure(&e.to_string()))?;
        map.insert(column.name().into(), to_script(value));
    }
    Ok(map)
}

/// How an operation ended. Errors are thrown, so a reply that you hold is `ok`, `conflict` or `empty` (or
/// `rejected`, where the operation said `expect: "rejected"`); `try { … } catch (reply) { … }` gets the others.
#[export_module]
pub(crate) mod reply_api {
    /// Whether the server did what was asked.
    #[rhai_fn(get = "ok", pure)]
    pub fn ok(reply: &mut Reply) -> bool {
        reply.0.outcome == Outcome::Ok
    }

    /// Whether somebody else was first.
    #[rhai_fn(get = "conflict", pure)]
    pub fn conflict(reply: &mut Reply) -> bool {
        reply.0.outcome == Outcome::Conflict
    }

    /// Whether there was nothing to take or to read.
    #[rhai_fn(get = "empty", pure)]
    pub fn empty(reply: &mut Reply) -> bool {
        reply.0.outcome == Outcome::Empty
    }

    /// The outcome's name: `ok`, `conflict`, `empty`, `rejected`, `throttled`, `timeout`, `ambiguous`, `error`.
    #[rhai_fn(get = "outcome", pure)]
    pub fn outcome(reply: &mut Reply) -> String {
        reply.0.outcome.as_str().to_owned()
    }

    /// The error's class (SQLSTATE, S3 code, HTTP status, kind of I/O error), or an empty string.
    #[rhai_fn(get = "class", pure)]
    pub fn class(reply: &mut Reply) -> String {
        reply.0.class.clone().unwrap_or_default()
    }

    /// What the server said, or an empty string.
    #[rhai_fn(get = "message", pure)]
    pub fn message(reply: &mut Reply) -> String {
        reply.0.message.clone().unwrap_or_default()
    }

    /// How long server and wire took, in milliseconds.
    #[rhai_fn(get = "latency_ms", pure)]
    pub fn latency_ms(reply: &mut Reply) -> f64 {
        reply.0.service_ns as f64 / 1e6
    }

    /// Postgres: rows inserted, updated, deleted or returned.
    #[rhai_fn(get = "affected", pure, return_raw)]
    pub fn affected(reply: &mut Reply) -> Result<i64, EvalError> {
        Ok(i64::try_from(reply.postgres()?.affected).unwrap_or(i64::MAX))
    }

    /// Postgres: every row, as an array of maps.
    #[rhai_fn(get = "rows", pure, return_raw)]
    pub fn rows(reply: &mut Reply) -> Result<Array, EvalError> {
        let rows = &reply.postgres()?.rows;
        rows.iter().map(|row| row_map(rows.columns(), &row).map(Dynamic::from_map)).collect()
    }

    /// Postgres: the first row as a map, or `()`.
    #[rhai_fn(get = "row", pure, return_raw)]
    pub fn row(reply: &mut Reply) -> Result<Dynamic, EvalError> {
        let rows = &reply.postgres()?.rows;
        rows.first().map_or(Ok(Dynamic::UNIT), |row| row_map(rows.columns(), &row).map(Dynamic::from_map))
    }

    /// Postgres: the first column of the first row, or `()`.
    #[rhai_fn(get = "value", pure, return_raw)]
    pub fn value(reply: &mut Reply) -> Result<Dynamic, EvalError> {
        let rows = &reply.postgres()?.rows;
        match rows.first() {
            Some(row) if !row.is_empty() => row.value(0).map(to_script).map_err(|e| failure(&e.to_string())),
            _ => Ok(Dynamic::UNIT),
        }
    }

    /// Postgres: one column of every row, as an array, such as an array parameter takes.
    ///
    /// ```rhai
    /// let taken = vu.shared.claim.run([10]);
    /// if taken.ok { vu.shared.complete.run([taken.column("id")]); }
    /// ```
    #[rhai_fn(pure, return_raw)]
    pub fn column(reply: &mut Reply, name: &str) -> Result<Array, EvalError> {
        let rows = &reply.postgres()?.rows;
        let Some(at) = rows.column(name) else {
            let names: Vec<&str> = rows.columns().iter().map(drivers::pg::Column::name).collect();
            return if rows.is_empty() {
                Ok(Array::new())
            } else {
                Err(failure(&format!("there is no column `{name}` among {}", names.join(", "))))
            };
        };
        rows.iter().map(|row| row.value(at).map(to_script).map_err(|e| failure(&e.to_string()))).collect()
    }

    /// Leases: the fencing token of `acquire` and `renew`, or `()` where the outcome was `conflict`.
    #[rhai_fn(get = "token", pure, return_raw)]
    pub fn token(reply: &mut Reply) -> Result<Dynamic, EvalError> {
        value(reply)
    }

    /// Object store: keys of a listing, in its order.
    #[rhai_fn(get = "keys", pure, return_raw)]
    pub fn keys(reply: &mut Reply) -> Result<Dynamic, EvalError> {
        let objects = &reply.store()?.listing.objects;
        let Body::Store(_, made) = &reply.0.body else { return Err(of_no_store()) };
        // Shared: a loop that asks for them again and again gets the same ones.
        let make = || objects.iter().map(|object| Dynamic::from(object.key.clone())).collect::<Array>();
        Ok(made.get_or_init(|| Dynamic::from_array(make()).into_shared()).clone())
    }

    /// Object store: sizes of what a listing found, in bytes, in the order of its keys.
    #[rhai_fn(get = "sizes", pure, return_raw)]
    pub fn sizes(reply: &mut Reply) -> Result<Array, EvalError> {
        let objects = &reply.store()?.listing.objects;
        Ok(objects.iter().map(|object| whole(object.size_bytes).into()).collect())
    }

    /// Object store: what a listing's `delimiter` put together, in its order.
    #[rhai_fn(get = "prefixes", pure, return_raw)]
    pub fn prefixes(reply: &mut Reply) -> Result<Array, EvalError> {
        Ok(reply.store()?.listing.common_prefixes.iter().map(|it| Dynamic::from(it.clone())).collect())
    }

    /// Object store: pages a listing took.
    #[rhai_fn(get = "pages", pure, return_raw)]
    pub fn pages(reply: &mut Reply) -> Result<i64, EvalError> {
        Ok(i64::from(reply.store()?.listing.pages))
    }

    /// Object store: whether a listing was stopped by its `limit` while there was more.
    #[rhai_fn(get = "truncated", pure, return_raw)]
    pub fn truncated(reply: &mut Reply) -> Result<bool, EvalError> {
        Ok(reply.store()?.listing.is_truncated)
    }

    /// Object store: the whole object's size in bytes, after `get` (of a part, too) and `head`; -1 when it was not told.
    /// HTTP: the size of the body that came.
    #[rhai_fn(get = "size_bytes", pure, return_raw)]
    pub fn size_bytes(reply: &mut Reply) -> Result<i64, EvalError> {
        if let Body::Http(reply, _) = &reply.0.body {
            return Ok(whole(reply.bytes_received));
        }
        Ok(reply.store()?.size_bytes.map_or(-1, whole))
    }

    /// Object store: the object's ETag, after `put`, `get` and `head`; an empty string when it was not told.
    #[rhai_fn(get = "etag", pure, return_raw)]
    pub fn etag(reply: &mut Reply) -> Result<String, EvalError> {
        Ok(reply.store()?.etag.as_ref().map(ToString::to_string).unwrap_or_default())
    }

    /// Object store, HTTP: the body, as a payload.
    #[rhai_fn(get = "body", pure, return_raw)]
    pub fn body(reply: &mut Reply) -> Result<Payload, EvalError> {
        if let Body::Http(reply, _) = &reply.0.body {
            let is_json =
                reply.header("content-type").is_some_and(|kind| kind.starts_with("application/json"));
            return Ok(Payload { bytes: reply.body.clone(), is_json });
        }
        Ok(Payload { bytes: reply.store()?.body.clone(), is_json: false })
    }

    /// Object store: objects that the operation was about: found, put or deleted.
    #[rhai_fn(get = "items", pure, return_raw)]
    pub fn items(reply: &mut Reply) -> Result<i64, EvalError> {
        Ok(whole(match &reply.0.body {
            Body::Many(many) => many.items,
            _ => reply.store()?.items,
        }))
    }

    /// Object store: bytes of objects that were sent or received.
    #[rhai_fn(get = "bytes", pure, return_raw)]
    pub fn bytes(reply: &mut Reply) -> Result<i64, EvalError> {
        Ok(whole(match &reply.0.body {
            Body::Many(many) => many.bytes,
            _ => {
                let reply = reply.store()?;
                reply.bytes_sent + reply.body.len() as u64
            }
        }))
    }

    /// Object store: keys of a `get_many` of which there was nothing.
    #[rhai_fn(get = "missing", pure, return_raw)]
    pub fn missing(reply: &mut Reply) -> Result<Array, EvalError> {
        match &reply.0.body {
            Body::Many(many) => Ok(many.missing.iter().cloned().map(Dynamic::from).collect()),
            _ => Err(failure("`missing` is of s3::get_many; a single read says it by `empty`")),
        }
    }

    /// One line for people.
    #[rhai_fn(pure)]
    pub fn to_string(reply: &mut Reply) -> String {
        reply.describe()
    }

    /// One line for people.
    #[rhai_fn(pure)]
    pub fn to_debug(reply: &mut Reply) -> String {
        reply.describe()
    }
}
