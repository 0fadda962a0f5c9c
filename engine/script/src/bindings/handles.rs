//! What `pg::table`, `pg::statement` and `pg::statements` return, and what can be done with it.

use rhai::{Array, Dynamic, Map, plugin::*};

use super::{
    named::Named,
    pg::{Statement, run},
    reply::Reply,
    table::Table,
    value::parameters,
};
use crate::engine::EvalError;

/// What `pg::table`, `pg::statement` and `pg::statements` return.
#[export_module]
pub(crate) mod handles_api {
    /// Runs this statement with parameters for `$1`, `$2`, …
    #[rhai_fn(name = "run", pure, return_raw)]
    pub fn run_with(statement: &mut Statement, params: Array) -> Result<Reply, EvalError> {
        run(statement, &parameters(&params)?)
    }

    /// Runs this statement without parameters.
    #[rhai_fn(name = "run", pure, return_raw)]
    pub fn run_plain(statement: &mut Statement) -> Result<Reply, EvalError> {
        run(statement, &[])
    }

    /// Runs the statement of that name, of those of `pg::statements`, with parameters for `$1`, `$2`, …
    #[rhai_fn(name = "run", pure, return_raw)]
    pub fn run_named(
        statements: &mut Named<Statement>,
        name: &str,
        params: Array,
    ) -> Result<Reply, EvalError> {
        run(statements.named(name)?, &parameters(&params)?)
    }

    /// Runs the statement of that name without parameters.
    #[rhai_fn(name = "run", pure, return_raw)]
    pub fn run_named_plain(statements: &mut Named<Statement>, name: &str) -> Result<Reply, EvalError> {
        run(statements.named(name)?, &[])
    }

    /// Inserts one row. A key that is there already is a `conflict`.
    #[rhai_fn(pure, return_raw)]
    pub fn insert(table: &mut Table, row: Map) -> Result<Reply, EvalError> {
        table.insert(&row)
    }

    /// Inserts many rows (maps with the same columns) in one round trip.
    #[rhai_fn(pure, return_raw)]
    pub fn insert_many(table: &mut Table, rows: Array) -> Result<Reply, EvalError> {
        table.insert_many(&rows)
    }

    /// Reads one row by its key. No such row is `empty`.
    #[rhai_fn(pure, return_raw)]
    pub fn get(table: &mut Table, key: Dynamic) -> Result<Reply, EvalError> {
        table.get(&key)
    }

    /// Compare-and-swap: sets the version to `expected + 1` if it is `expected`, else the outcome is `conflict`.
    #[rhai_fn(name = "cas", pure, return_raw)]
    pub fn cas_plain(table: &mut Table, key: Dynamic, expected: i64) -> Result<Reply, EvalError> {
        table.cas(&key, expected, &Map::new())
    }

    /// Compare-and-swap that sets other columns too.
    #[rhai_fn(name = "cas", pure, return_raw)]
    pub fn cas_with(table: &mut Table, key: Dynamic, expected: i64, set: Map) -> Result<Reply, EvalError> {
        table.cas(&key, expected, &set)
    }

    /// Deletes one row by its key. No such row is `empty`.
    #[rhai_fn(name = "delete", pure, return_raw)]
    pub fn delete_plain(table: &mut Table, key: Dynamic) -> Result<Reply, EvalError> {
        table.delete(&key, None)
    }

    /// Deletes one row by its key if its version is `expected`, else the outcome is `conflict`.
    #[rhai_fn(name = "delete", pure, return_raw)]
    pub fn delete_version(table: &mut Table, key: Dynamic, expected: i64) -> Result<Reply, EvalError> {
        table.delete(&key, Some(expected))
    }

    /// Takes up to `n` rows that nobody else is taking (FOR UPDATE SKIP LOCKED), in the order of `order_by`, deletes
    /// them and returns them. None there is `empty`.
    ///
    /// ```rhai
    /// let taken = jobs.claim(10, "priority, id");
    /// ```
    #[rhai_fn(pure, return_raw)]
    pub fn claim(table: &mut Table, n: i64, order_by: &str) -> Result<Reply, EvalError> {
        table.claim(n, order_by)
    }
}
