//! What replies of HTTP services have beside what every reply has.

use drivers::http::HttpReply;
use rhai::{Dynamic, plugin::*};

use crate::{
    bindings::{
        reply::{Body, Reply},
        value,
    },
    context::failure,
    engine::EvalError,
};

/// Most of a body that a complaint quotes.
const QUOTED_CHARS: usize = 60;

fn of_service(reply: &Reply) -> Result<&HttpReply, EvalError> {
    match &reply.0.body {
        Body::Http(reply, _) => Ok(reply),
        _ => Err(failure("status, headers and JSON come from an HTTP service; this reply is not of one")),
    }
}

/// What replies of HTTP services have beside what every reply has.
#[export_module]
pub(crate) mod replied_api {
    /// HTTP: the status, or 0 when there was no reply.
    #[rhai_fn(get = "status", pure, return_raw)]
    pub fn status(reply: &mut Reply) -> Result<i64, EvalError> {
        Ok(of_service(reply)?.status.map_or(0, i64::from))
    }

    /// HTTP: the body read as JSON, the first time it is asked for: maps, arrays, strings, numbers (whole ones are
    /// integers), `()` for null and for an empty body.
    ///
    /// ```rhai
    /// let item = http::post("/v1/queues/jobs/pop").json.item;
    /// ```
    #[rhai_fn(get = "json", pure, return_raw)]
    pub fn json(reply: &mut Reply) -> Result<Dynamic, EvalError> {
        let Body::Http(of_service, made) = &reply.0.body else {
            return self::of_service(reply).map(|_| Dynamic::UNIT);
        };
        if let Some(made) = made.get() {
            return Ok(made.clone());
        }
        let value = read(&of_service.body)?;
        // Shared: who asks for its parts one after the other gets those of the same value.
        Ok(made.get_or_init(|| value).clone())
    }

    /// HTTP: the body as text.
    #[rhai_fn(get = "text", pure, return_raw)]
    pub fn text(reply: &mut Reply) -> Result<String, EvalError> {
        Ok(String::from_utf8_lossy(&of_service(reply)?.body).into_owned())
    }

    /// HTTP: a header of the reply, or an empty string when it has none of that name.
    ///
    /// ```rhai
    /// let etag = http::get("/v1/items/17").header("etag");
    /// ```
    #[rhai_fn(pure, return_raw)]
    pub fn header(reply: &mut Reply, name: &str) -> Result<String, EvalError> {
        Ok(of_service(reply)?.header(name).unwrap_or_default().to_owned())
    }
}

fn read(body: &[u8]) -> Result<Dynamic, EvalError> {
    if body.trim_ascii().is_empty() {
        return Ok(Dynamic::UNIT);
    }
    let value = serde_json::from_slice(body).map_err(|problem| {
        let start = String::from_utf8_lossy(&body[..body.len().min(QUOTED_CHARS * 4)]);
        let start: String = start.chars().filter(|c| !c.is_control()).take(QUOTED_CHARS).collect();
        failure(&format!("the reply is no JSON ({problem}): it begins with `{start}`"))
    })?;
    let value = value::of_json(value);
    Ok(if value.is_map() || value.is_array() { value.into_shared() } else { value })
}
