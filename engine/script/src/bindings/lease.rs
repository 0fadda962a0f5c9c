//! `lease`: who may do something for a while, decided by a row of Postgres and its clock alone.
//!
//! Every verb is one statement. A lease that ran out belongs to nobody, whatever its last owner believes; the token,
//! which grows with each acquisition, tells the two apart. Rows stay, so that tokens never repeat.

use std::sync::Arc;

use drivers::{Value, pg};
use model::outcome::Expect;
use rhai::{Dynamic, Map, NativeCallContext, plugin::*};

use super::{
    pg::{Statement, outside_of_iterations, run, run_batch},
    reply::Reply,
    table::quoted,
};
use crate::{context::placed, core::OpName, engine::EvalError, settings::Settings};

/// A table of leases.
#[derive(Clone)]
pub(crate) struct Leases(Arc<Parts>);

struct Parts {
    table: String,
    acquire: Statement,
    renew: Statement,
    release: Statement,
    expire: Statement,
}

impl std::fmt::Debug for Leases {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "leases in {}", self.0.table)
    }
}

impl Leases {
    fn new(name: &str, op: &str, ttl_s: f64) -> Self {
        let table = quoted(name);
        let until = format!("clock_timestamp() + make_interval(secs => {ttl_s:?})");
        let statement = |verb: &str, sql: String, rule| {
            Statement::new(OpName::new(&format!("{op}.{verb}")), &sql, rule, Expect::Normal)
        };
        // The clock is read after the row is locked: who waited for it sees what became of it.
        let acquire = format!(
            "INSERT INTO {table} AS held (key, owner, token, expires_at) VALUES ($1, $2, 1, {until}) \
             ON CONFLICT (key) DO UPDATE \
             SET owner = excluded.owner, token = held.token + 1, expires_at = {until} \
             WHERE held.expires_at <= clock_timestamp() OR held.owner = excluded.owner RETURNING token"
        );
        let mine = "WHERE key = $1 AND owner = $2 AND token = $3";
        let renew = format!(
            "UPDATE {table} SET expires_at = {until} {mine} AND expires_at > clock_timestamp() RETURNING token"
        );
        let release = format!("UPDATE {table} SET expires_at = '-infinity' {mine} RETURNING token");
        let expire = format!("UPDATE {table} SET expires_at = '-infinity' WHERE key = $1 RETURNING token");
        Self(Arc::new(Parts {
            acquire: statement("acquire", acquire, pg::Rule::NoRowIsConflict),
            renew: statement("renew", renew, pg::Rule::NoRowIsConflict),
            release: statement("release", release, pg::Rule::NoRowIsConflict),
            expire: statement("expire", expire, pg::Rule::NoRowIsEmpty),
            table,
        }))
    }
}

/// Keys and owners are text; a number is as good as its digits.
fn text(value: &Dynamic) -> Value {
    Value::from(value.to_string())
}

/// Leases with the server's clock.
#[export_module]
pub(crate) mod lease_api {
    /// A table of leases. Settings: `ttl` (how long a lease holds, default "5s"), `op` (name that prefixes the
    /// operations, default `lease`). Make it in `setup()` and return it; `create()` makes the table where there is
    /// none.
    ///
    /// ```rhai
    /// fn setup() { let lease = lease::table("snapbench_lease", #{ ttl: "5s" }); lease.create(); #{ lease: lease } }
    /// fn work(vu) {
    ///     let held = vu.shared.lease.acquire("run-1", vu.id);
    ///     if !held.ok { return; }
    ///     // … what only its owner should do …
    ///     vu.shared.lease.release("run-1", vu.id, held.token);
    /// }
    /// ```
    #[rhai_fn(return_raw)]
    pub fn table(call: NativeCallContext<'_>, name: &str, settings: Map) -> Result<Leases, EvalError> {
        placed(&call, || {
            let mut settings = Settings::new("lease::table", &settings, &["ttl", "op"]);
            let ttl_s = settings.seconds("ttl").unwrap_or(5.0);
            if ttl_s <= 0.0 {
                settings.problem("ttl", "needs a `ttl` above 0".to_owned());
            }
            let op = settings.text("op").unwrap_or_else(|| "lease".to_owned());
            settings.done()?;
            outside_of_iterations("lease::table")?;
            Ok(Leases::new(name, &op, ttl_s))
        })
    }
}

/// What `lease::table` returns. The server's clock alone says what has run out.
#[export_module]
pub(crate) mod leases_api {
    /// Makes the table, where there is none: `(key text primary key, owner text, token bigint, expires_at timestamptz)`.
    #[rhai_fn(pure, return_raw)]
    pub fn create(lease: &mut Leases) -> Result<Reply, EvalError> {
        run_batch(&format!(
            "CREATE TABLE IF NOT EXISTS {} (key text PRIMARY KEY, owner text NOT NULL, token bigint NOT NULL, \
             expires_at timestamptz NOT NULL)",
            lease.0.table
        ))
    }

    /// Takes the lease of `key` for `owner`, when it is free or has run out, or is the owner's already; `token` of the
    /// reply is then larger than all before. While somebody else holds it, the outcome is `conflict`. Recorded under
    /// `acquire`.
    #[rhai_fn(pure, return_raw)]
    pub fn acquire(lease: &mut Leases, key: Dynamic, owner: Dynamic) -> Result<Reply, EvalError> {
        run(&lease.0.acquire, &[text(&key), text(&owner)])
    }

    /// Holds the lease for another `ttl`. When it has run out, or was acquired again since, the outcome is `conflict`.
    /// Recorded under `renew`.
    #[rhai_fn(pure, return_raw)]
    pub fn renew(lease: &mut Leases, key: Dynamic, owner: Dynamic, token: i64) -> Result<Reply, EvalError> {
        run(&lease.0.renew, &[text(&key), text(&owner), Value::Int(token)])
    }

    /// Gives the lease back before it runs out. When it was acquired again since, the outcome is `conflict`. Recorded
    /// under `release`.
    #[rhai_fn(pure, return_raw)]
    pub fn release(lease: &mut Leases, key: Dynamic, owner: Dynamic, token: i64) -> Result<Reply, EvalError> {
        run(&lease.0.release, &[text(&key), text(&owner), Value::Int(token)])
    }

    /// Makes the lease of `key` run out now, whoever holds it: its owner is not told, as with a pause that took too
    /// long. No such lease is `empty`. Recorded under `expire`.
    #[rhai_fn(pure, return_raw)]
    pub fn expire(lease: &mut Leases, key: Dynamic) -> Result<Reply, EvalError> {
        run(&lease.0.expire, &[text(&key)])
    }
}
