//! Tables as scripts hold them: a description that all cores share, and on each core the driver's own handle, made
//! when it is first used there.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use drivers::{Value, pg};
use model::outcome::Expect;
use rhai::{Array, Dynamic, Map};

use super::{pg::finish, reply::Reply, value::to_driver};
use crate::{
    bridge::wait_for,
    context::{self, Context, cancelled, failure},
    core::OpName,
    engine::EvalError,
    ledger::{Books, CasBook, CasClaim},
};

/// A table with one operation a verb.
#[derive(Clone)]
pub(crate) struct Table(Arc<TableParts>);

/// What a table was described as.
pub(crate) struct TableParts {
    /// The same on all cores.
    pub(crate) index: usize,
    pub(crate) spec: pg::TableSpec,
    expect: Expect,
    insert: Arc<OpName>,
    insert_many: Arc<OpName>,
    get: Arc<OpName>,
    cas: Arc<OpName>,
    delete: Arc<OpName>,
    claim: Arc<OpName>,
    /// The swap without its compare, when the script wants to see the ledger fail.
    unguarded_swap: Option<pg::Statement>,
    ledger: Option<Arc<CasBook>>,
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "table {}", self.0.spec.name)
    }
}

/// How `pg::table` describes one.
pub(crate) struct Description {
    pub(crate) spec: pg::TableSpec,
    /// Prefix of the operations' names.
    pub(crate) op: String,
    pub(crate) expect: Expect,
    pub(crate) has_ledger: bool,
    pub(crate) compares: bool,
}

/// The driver's handle of a table, and the claims made of it, on one core.
pub(crate) struct OnCore {
    table: pg::Table,
    claims: Vec<(String, pg::Claim)>,
}

impl Table {
    pub(crate) fn new(description: Description, books: &Books) -> Result<Self, EvalError> {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let Description { spec, op, expect, has_ledger, compares } = description;
        // A description that the driver refuses is refused here, before anything runs.
        pg::Table::new(spec.clone()).map_err(|e| failure(&e.to_string()))?;
        let verb = |verb: &str| OpName::new(&format!("{op}.{verb}"));
        let version = spec.version.clone().unwrap_or_default();
        let ledger = has_ledger.then(|| books.of(&op, &spec.name, &spec.key, &version));
        Ok(Self(Arc::new(TableParts {
            index: NEXT.fetch_add(1, Ordering::Relaxed),
            expect,
            insert: verb("insert"),
            insert_many: verb("insert_many"),
            get: verb("get"),
            cas: verb("cas"),
            delete: verb("delete"),
            claim: verb("claim"),
            unguarded_swap: (!compares).then(|| unguarded_swap(&op, &spec, &version)),
            ledger,
            spec,
        })))
    }

    fn with<R>(
        &self,
        act: impl FnOnce(&Context, &TableParts, &pg::Table) -> Result<R, EvalError>,
    ) -> Result<R, EvalError> {
        context::required("pg", |c| {
            let table = c.core.on_core(&self.0, |on_core| on_core.table.clone())?;
            act(c, &self.0, &table)
        })
    }

    pub(crate) fn insert(&self, row: &Map) -> Result<Reply, EvalError> {
        self.with(|c, parts, table| {
            let (places, values) = columns(table, row)?;
            let reply = wait_for(table.insert(c.postgres()?, &places, &values)).map_err(|_| cancelled())?;
            finish(c, &parts.insert, parts.expect, reply)
        })
    }

    pub(crate) fn insert_many(&self, rows: &Array) -> Result<Reply, EvalError> {
        self.with(|c, parts, table| {
            let (places, values) = many(table, rows)?;
            let reply =
                wait_for(table.insert_many(c.postgres()?, &places, &values)).map_err(|_| cancelled())?;
            finish(c, &parts.insert_many, parts.expect, reply)
        })
    }

    pub(crate) fn get(&self, key: &Dynamic) -> Result<Reply, EvalError> {
        let key = key_of(key)?;
        self.with(|c, parts, table| {
            let reply = wait_for(table.get(c.postgres()?, &key)).map_err(|_| cancelled())?;
            finish(c, &parts.get, parts.expect, reply)
        })
    }

    pub(crate) fn delete(&self, key: &Dynamic, expected: Option<i64>) -> Result<Reply, EvalError> {
        let key = key_of(key)?;
        self.with(|c, parts, table| {
            let reply = wait_for(table.delete(c.postgres()?, &key, expected)).map_err(|_| cancelled())?;
            finish(c, &parts.delete, parts.expect, reply)
        })
    }

    pub(crate) fn cas(&self, key: &Dynamic, expected: i64, set: &Map) -> Result<Reply, EvalError> {
        let key = key_of(key)?;
        self.with(|c, parts, table| {
            let session = c.postgres()?;
            let (places, values) = columns(table, set)?;
            // The claim is logged before the request leaves: if this user is cancelled now, its fate is unknown.
            let claim = CasClaim::open(c, parts.ledger.as_ref(), &key, expected, session.in_transaction())?;
            let swapped = match &parts.unguarded_swap {
                None => wait_for(table.cas(session, &key, expected, &places, &values)),
                Some(swap) => {
                    let params: Vec<Value> = key.iter().cloned().chain([Value::Int(expected)]).collect();
                    wait_for(async move { session.run(swap, &params).await })
                }
            };
            let reply = swapped.map_err(|_| cancelled())?;
            claim.settle(reply.outcome, reply.fate_is_known());
            finish(c, &parts.cas, parts.expect, reply)
        })
    }

    pub(crate) fn claim(&self, n: i64, order: &str) -> Result<Reply, EvalError> {
        let limit = u32::try_from(n).ok().filter(|n| *n > 0);
        let limit = limit.ok_or_else(|| failure(&format!("table.claim takes 1 or more rows, not {n}")))?;
        context::required("pg", |c| {
            let claim = c.core.on_core(&self.0, |on_core| on_core.claim(order))?;
            let reply = wait_for(claim.run(c.postgres()?, limit, &[])).map_err(|_| cancelled())?;
            finish(c, &self.0.claim, self.0.expect, reply)
        })
    }
}

impl OnCore {
    pub(crate) fn new(parts: &TableParts) -> Result<Self, EvalError> {
        let table = pg::Table::new(parts.spec.clone()).map_err(|e| failure(&e.to_string()))?;
        Ok(Self { table, claims: Vec::new() })
    }

    fn claim(&mut self, order: &str) -> pg::Claim {
        if let Some((_, known)) = self.claims.iter().find(|(known, _)| known == order) {
            return known.clone();
        }
        let order_by = (!order.is_empty()).then(|| order.to_owned());
        let made = self.table.claim(pg::ClaimSpec { filter: None, order: order_by, take: pg::Take::Delete });
        self.claims.push((order.to_owned(), made.clone()));
        made
    }
}

/// `UPDATE … SET version = $n + 1 WHERE key = $1 …`, and no word about what the version was before.
fn unguarded_swap(op: &str, spec: &pg::TableSpec, version: &str) -> pg::Statement {
    let quote = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    let name = spec.name.split('.').map(quote).collect::<Vec<_>>().join(".");
    let keys = spec.key.iter().enumerate().map(|(n, key)| format!("{} = ${}", quote(key), n + 1));
    let keys = keys.collect::<Vec<_>>().join(" AND ");
    let version = quote(version);
    let expected = spec.key.len() + 1;
    let sql =
        format!("UPDATE {name} SET {version} = ${expected}::bigint + 1 WHERE {keys} RETURNING {version}");
    pg::Statement::new(&format!("{op}.cas"), &sql, pg::Rule::NoRowIsConflict)
}

fn key_of(value: &Dynamic) -> Result<Vec<Value>, EvalError> {
    match value.as_array_ref() {
        Ok(parts) => parts.iter().map(|v| to_driver(v, &|| "the key".to_owned())).collect(),
        Err(_) => Ok(vec![to_driver(value, &|| "the key".to_owned())?]),
    }
}

/// Places and values of a map's columns.
fn columns(table: &pg::Table, map: &Map) -> Result<(Vec<usize>, Vec<Value>), EvalError> {
    let mut places = Vec::with_capacity(map.len());
    let mut values = Vec::with_capacity(map.len());
    for (name, value) in map {
        places.push(table.column(name).map_err(|e| failure(&e.to_string()))?);
        values.push(to_driver(value, &|| format!("column `{name}`"))?);
    }
    Ok((places, values))
}

/// Places and values of many rows with the same columns, one row after another.
fn many(table: &pg::Table, rows: &Array) -> Result<(Vec<usize>, Vec<Value>), EvalError> {
    let mut places = Vec::new();
    let mut values = Vec::new();
    for (n, row) in rows.iter().enumerate() {
        let map =
            row.as_map_ref().map_err(|kind| failure(&format!("row {} is a {kind}, not a map", n + 1)))?;
        let (row_places, row_values) = columns(table, &map)?;
        if n == 0 {
            places = row_places;
        } else if places != row_places {
            return Err(failure(&format!(
                "row {} has other columns than row 1; give all rows the same",
                n + 1
            )));
        }
        values.extend(row_values);
    }
    Ok((places, values))
}
