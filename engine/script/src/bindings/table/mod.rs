//! Tables as scripts hold them: a description that all cores share, and on each core the driver's own handle, made
//! when it is first used there.

mod deeds;

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
    ledger::{Books, CasBook},
};

/// A table with one operation a verb.
#[derive(Clone)]
pub(crate) struct Table(Arc<TableParts>);

/// What a table was described as.
pub(crate) struct TableParts {
    /// The same on all cores.
    pub(crate) index: usize,
    pub(crate) spec: pg::TableSpec,
    pub(crate) expect: Expect,
    pub(crate) insert: Arc<OpName>,
    insert_many: Arc<OpName>,
    pub(crate) get: Arc<OpName>,
    pub(crate) cas: Arc<OpName>,
    pub(crate) delete: Arc<OpName>,
    claim: Arc<OpName>,
    pub(crate) load: Arc<OpName>,
    /// What inserted rows hold where they say nothing themselves, by the column's place.
    pub(crate) defaults: Vec<(usize, Value)>,
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
    /// What inserted rows hold where they say nothing themselves.
    pub(crate) defaults: Vec<(String, Value)>,
}

/// The driver's handle of a table, and the claims made of it, on one core.
pub(crate) struct OnCore {
    table: pg::Table,
    claims: Vec<(String, pg::Claim)>,
}

impl Table {
    pub(crate) fn new(description: Description, books: &Books) -> Result<Self, EvalError> {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let Description { spec, op, expect, has_ledger, compares, defaults } = description;
        // A description that the driver refuses is refused here, before anything runs.
        let table = pg::Table::new(spec.clone()).map_err(|e| failure(&e.to_string()))?;
        let place = |(name, value): (String, Value)| table.column(&name).map(|place| (place, value));
        let defaults = defaults.into_iter().map(place).collect::<Result<_, _>>();
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
            load: verb("load"),
            defaults: defaults.map_err(|e| failure(&e.to_string()))?,
            unguarded_swap: (!compares).then(|| unguarded_swap(&op, &spec, &version)),
            ledger,
            spec,
        })))
    }

    pub(crate) fn with<R>(
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
            let (mut places, mut values) = columns(table, row)?;
            fill_in(&parts.defaults, &mut places, &mut values);
            let reply = parts.insert_row(c, table, &places, &values)?;
            finish(c, &parts.insert, parts.expect, reply)
        })
    }

    pub(crate) fn insert_many(&self, rows: &Array) -> Result<Reply, EvalError> {
        self.with(|c, parts, table| {
            let (places, values) = many(table, rows, &parts.defaults)?;
            let reply = parts.insert_rows(c, table, &places, &values)?;
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
            let reply = parts.delete_row(c, table, &key, expected)?;
            finish(c, &parts.delete, parts.expect, reply)
        })
    }

    pub(crate) fn cas(&self, key: &Dynamic, expected: i64, set: &Map) -> Result<Reply, EvalError> {
        let key = key_of(key)?;
        self.with(|c, parts, table| {
            let reply = parts.swap(c, table, &key, expected, set)?;
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
    let keys = spec.key.iter().enumerate().map(|(n, key)| format!("{} = ${}", quoted_name(key), n + 1));
    let keys = keys.collect::<Vec<_>>().join(" AND ");
    let (name, version, expected) = (quoted(&spec.name), quoted_name(version), spec.key.len() + 1);
    let sql =
        format!("UPDATE {name} SET {version} = ${expected}::bigint + 1 WHERE {keys} RETURNING {version}");
    pg::Statement::new(&format!("{op}.cas"), &sql, pg::Rule::NoRowIsConflict)
}

/// A table's name, or `schema.name`, as SQL writes it.
pub(crate) fn quoted(path: &str) -> String {
    path.split('.').map(quoted_name).collect::<Vec<_>>().join(".")
}

pub(crate) fn quoted_name(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn key_of(value: &Dynamic) -> Result<Vec<Value>, EvalError> {
    match value.as_array_ref() {
        Ok(parts) => parts.iter().map(|v| to_driver(v, &|| "the key".to_owned())).collect(),
        Err(_) => Ok(vec![to_driver(value, &|| "the key".to_owned())?]),
    }
}

/// Places and values of a map's columns.
pub(crate) fn columns(table: &pg::Table, map: &Map) -> Result<(Vec<usize>, Vec<Value>), EvalError> {
    let mut places = Vec::with_capacity(map.len());
    let mut values = Vec::with_capacity(map.len());
    for (name, value) in map {
        places.push(table.column(name).map_err(|e| failure(&e.to_string()))?);
        values.push(to_driver(value, &|| format!("column `{name}`"))?);
    }
    Ok((places, values))
}

/// Adds the defaults of columns that a row does not name.
pub(crate) fn fill_in(defaults: &[(usize, Value)], places: &mut Vec<usize>, values: &mut Vec<Value>) {
    let given = places.len();
    for (place, value) in defaults {
        if !places[..given].contains(place) {
            places.push(*place);
            values.push(value.clone());
        }
    }
}

/// Places and values of many rows with the same columns, one row after another.
fn many(
    table: &pg::Table,
    rows: &Array,
    defaults: &[(usize, Value)],
) -> Result<(Vec<usize>, Vec<Value>), EvalError> {
    let mut places = Vec::new();
    let mut values = Vec::new();
    for (n, row) in rows.iter().enumerate() {
        let map =
            row.as_map_ref().map_err(|kind| failure(&format!("row {} is a {kind}, not a map", n + 1)))?;
        let (mut row_places, mut row_values) = columns(table, &map)?;
        fill_in(defaults, &mut row_places, &mut row_values);
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
