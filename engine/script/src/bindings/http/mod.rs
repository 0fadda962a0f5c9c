//! `http`: HTTP services. Paths are those of the run's service, whole URLs go wherever they say.

mod asked;
mod body;
mod on_core;
mod operation;
mod replied;

use drivers::http::{HttpTarget, Method};
use rhai::{Dynamic, Map, NativeCallContext, plugin::*};

use self::asked::Asked;
use super::{named::Named, pg::outside_of_iterations, reply::Reply};
use crate::{
    context::{self, failure, placed},
    engine::EvalError,
    settings::Settings,
};

pub(crate) use self::{
    on_core::HttpOnCore,
    operation::{Operation, operations_api},
    replied::replied_api,
};

/// One request that is made of what a script says with it.
struct Plain<'a> {
    of: &'static str,
    path: &'a str,
    body: &'a Dynamic,
    settings: &'a Map,
}

impl Plain<'_> {
    fn send(&self, call: &NativeCallContext<'_>, method: &Method) -> Result<Reply, EvalError> {
        placed(call, || {
            context::required("http", |c| {
                let Self { of, path, body, settings: map } = self;
                let http = c.core.http()?;
                let mut settings = Settings::new(*of, map, &asked::KNOWN);
                let name = settings.of_text("op", |name| c.core.op_name(name));
                let asked = Asked::read(&mut settings);
                settings.done()?;
                let target =
                    HttpTarget::parse(path).map_err(|problem| failure(&format!("{of}: {problem}")))?;
                let op = name.unwrap_or_else(|| http.word(c, method));
                http.send(c, &op, method, target, body::body(of, body)?, &asked)
            })
        })
    }
}

/// HTTP services. A path begins with `/` and belongs to the run's service (`http` of its target); a whole URL goes
/// where it says, without the service's headers. Every request takes, in its settings: `op`, what it is recorded
/// under instead of its method; `timeout`; `headers`; `expect: "rejected"` for one that must be refused; and what
/// statuses mean instead of what they mean anyway: `ok`, `empty`, `conflict`, `rejected`, each a status or several.
///
/// 2xx is `ok`, 409 and 412 are a `conflict`, 429 and 503 `throttled`, 408 is a `timeout`, any other 4xx `rejected`; 3xx
/// (redirects are not followed) and any other 5xx are an `error`. A change (anything but GET and HEAD) is `ambiguous`
/// after 502 and 504, and where it was sent and no reply came.
#[export_module]
pub(crate) mod http_api {
    /// Asks for what is there. Recorded under `GET`.
    ///
    /// ```rhai
    /// let depth = http::get("/v1/queues/jobs").json.depth;
    /// ```
    #[rhai_fn(name = "get", return_raw)]
    pub fn get_plain(call: NativeCallContext<'_>, path: &str) -> Result<Reply, EvalError> {
        get_with(call, path, Map::new())
    }

    /// The same, with settings.
    ///
    /// ```rhai
    /// let found = http::get("/v1/items/17", #{ op: "look", empty: 404, headers: #{ accept: "application/json" } });
    /// if found.empty { log::info("gone"); }
    /// ```
    #[rhai_fn(name = "get", return_raw)]
    pub fn get_with(call: NativeCallContext<'_>, path: &str, settings: Map) -> Result<Reply, EvalError> {
        let plain = Plain { of: "http::get", path, body: &Dynamic::UNIT, settings: &settings };
        plain.send(&call, &Method::GET)
    }

    /// Asks for status and headers alone. Recorded under `HEAD`.
    ///
    /// ```rhai
    /// let etag = http::head("/v1/items/17").header("etag");
    /// ```
    #[rhai_fn(name = "head", return_raw)]
    pub fn head_plain(call: NativeCallContext<'_>, path: &str) -> Result<Reply, EvalError> {
        head_with(call, path, Map::new())
    }

    /// The same, with settings.
    #[rhai_fn(name = "head", return_raw)]
    pub fn head_with(call: NativeCallContext<'_>, path: &str, settings: Map) -> Result<Reply, EvalError> {
        let plain = Plain { of: "http::head", path, body: &Dynamic::UNIT, settings: &settings };
        plain.send(&call, &Method::HEAD)
    }

    /// Deletes something. Recorded under `DELETE`.
    ///
    /// ```rhai
    /// http::delete("/v1/items/17");
    /// ```
    #[rhai_fn(name = "delete", return_raw)]
    pub fn delete_plain(call: NativeCallContext<'_>, path: &str) -> Result<Reply, EvalError> {
        delete_with(call, path, Map::new())
    }

    /// The same, with settings.
    #[rhai_fn(name = "delete", return_raw)]
    pub fn delete_with(call: NativeCallContext<'_>, path: &str, settings: Map) -> Result<Reply, EvalError> {
        let plain = Plain { of: "http::delete", path, body: &Dynamic::UNIT, settings: &settings };
        plain.send(&call, &Method::DELETE)
    }

    /// Posts without a body. Recorded under `POST`.
    #[rhai_fn(name = "post", return_raw)]
    pub fn post_empty(call: NativeCallContext<'_>, path: &str) -> Result<Reply, EvalError> {
        post_with(call, path, Dynamic::UNIT, Map::new())
    }

    /// Posts a body: a map or an array is sent as JSON (payloads of `vu.rng.item` stand in it as they are), a payload
    /// or a blob as its bytes, a string as text, `()` as nothing. Recorded under `POST`.
    ///
    /// ```rhai
    /// http::post("/v1/queues/jobs/items", #{ item: vu.rng.item(256), priority: 0 });
    /// ```
    #[rhai_fn(name = "post", return_raw)]
    pub fn post_plain(call: NativeCallContext<'_>, path: &str, body: Dynamic) -> Result<Reply, EvalError> {
        post_with(call, path, body, Map::new())
    }

    /// The same, with settings.
    ///
    /// ```rhai
    /// let pushed = http::post("/v1/queues/jobs/items", #{ item: vu.rng.item(100_000) },
    ///     #{ op: "push too much", expect: "rejected", timeout: "2s", headers: #{ "x-tenant": "bench" } });
    /// check(pushed.status == 413, "too large");
    /// ```
    #[rhai_fn(name = "post", return_raw)]
    pub fn post_with(
        call: NativeCallContext<'_>,
        path: &str,
        body: Dynamic,
        settings: Map,
    ) -> Result<Reply, EvalError> {
        Plain { of: "http::post", path, body: &body, settings: &settings }.send(&call, &Method::POST)
    }

    /// Puts a body, as `http::post` takes it. Recorded under `PUT`.
    ///
    /// ```rhai
    /// http::put("/v1/queues/jobs", #{ max_attempts: 3 });
    /// ```
    #[rhai_fn(name = "put", return_raw)]
    pub fn put_plain(call: NativeCallContext<'_>, path: &str, body: Dynamic) -> Result<Reply, EvalError> {
        put_with(call, path, body, Map::new())
    }

    /// The same, with settings.
    #[rhai_fn(name = "put", return_raw)]
    pub fn put_with(
        call: NativeCallContext<'_>,
        path: &str,
        body: Dynamic,
        settings: Map,
    ) -> Result<Reply, EvalError> {
        Plain { of: "http::put", path, body: &body, settings: &settings }.send(&call, &Method::PUT)
    }

    /// Patches something with a body, as `http::post` takes it. Recorded under `PATCH`.
    ///
    /// ```rhai
    /// let etag = http::head("/v1/items/17").header("etag");
    /// http::patch("/v1/items/17", #{ state: "done" }, #{ headers: #{ "if-match": etag } });
    /// ```
    #[rhai_fn(name = "patch", return_raw)]
    pub fn patch_plain(call: NativeCallContext<'_>, path: &str, body: Dynamic) -> Result<Reply, EvalError> {
        patch_with(call, path, body, Map::new())
    }

    /// The same, with settings.
    #[rhai_fn(name = "patch", return_raw)]
    pub fn patch_with(
        call: NativeCallContext<'_>,
        path: &str,
        body: Dynamic,
        settings: Map,
    ) -> Result<Reply, EvalError> {
        Plain { of: "http::patch", path, body: &body, settings: &settings }.send(&call, &Method::PATCH)
    }

    /// A request with any method, without a body. Recorded under the method.
    ///
    /// ```rhai
    /// http::request("OPTIONS", "/v1/queues");
    /// ```
    #[rhai_fn(name = "request", return_raw)]
    pub fn request_empty(call: NativeCallContext<'_>, method: &str, path: &str) -> Result<Reply, EvalError> {
        request_with(call, method, path, Dynamic::UNIT, Map::new())
    }

    /// The same, with a body as `http::post` takes it.
    #[rhai_fn(name = "request", return_raw)]
    pub fn request_plain(
        call: NativeCallContext<'_>,
        method: &str,
        path: &str,
        body: Dynamic,
    ) -> Result<Reply, EvalError> {
        request_with(call, method, path, body, Map::new())
    }

    /// The same, with settings.
    #[rhai_fn(name = "request", return_raw)]
    pub fn request_with(
        call: NativeCallContext<'_>,
        method: &str,
        path: &str,
        body: Dynamic,
        settings: Map,
    ) -> Result<Reply, EvalError> {
        let of = "http::request";
        let known = drivers::http::method(method).map_err(|problem| failure(&format!("{of}: {problem}")));
        let known = placed(&call, || known)?;
        Plain { of, path, body: &body, settings: &settings }.send(&call, &known)
    }

    /// A request to send many times: its settings are read once, and it is recorded under `op`. Beside the settings
    /// of every request it has `method` (`"GET"` when nothing is said) and `path`, in which each `{}` is filled when it
    /// is sent.
    ///
    /// ```rhai
    /// fn setup() {
    ///     #{ push: http::operation("push", #{ method: "POST", path: "/v1/queues/{}/items", conflict: 410 }) }
    /// }
    /// fn work(vu) { vu.shared.push.send(["jobs"], #{ item: vu.rng.item(256), priority: 0 }); }
    /// ```
    #[rhai_fn(return_raw)]
    pub fn operation(call: NativeCallContext<'_>, op: &str, settings: Map) -> Result<Operation, EvalError> {
        placed(&call, || {
            outside_of_iterations("http::operation")?;
            Operation::new(op, &settings)
        })
    }

    /// Operations as one value, each by a name of its own, as `pg::statements` does it.
    ///
    /// ```rhai
    /// fn setup() {
    ///     #{
    ///         jobs: http::operations(#{
    ///             push: http::operation("push", #{ method: "POST", path: "/v1/queues/{}/items" }),
    ///             depth: http::operation("depth", #{ path: "/v1/queues/{}" }),
    ///         }),
    ///     }
    /// }
    /// fn work(vu) { vu.shared.jobs.send("push", ["jobs"], #{ item: vu.rng.item(256), priority: 0 }); }
    /// ```
    #[rhai_fn(return_raw)]
    pub fn operations(call: NativeCallContext<'_>, named: Map) -> Result<Named<Operation>, EvalError> {
        placed(&call, || Named::of("http::operations", "http operation", named))
    }
}
