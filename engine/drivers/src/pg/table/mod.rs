//! A handle on one table: the operations of head rows and of queues, each one statement and one round trip.
//!
//! Head rows live by compare-and-swap on a version column; queues by claims that skip what others have
//! locked. Statements are made once for each set of columns and prepared once a connection.

mod claim;
mod sql;

use std::cell::RefCell;
use std::rc::Rc;

use model::suggest::did_you_mean;

use crate::Value;
use crate::pg::PgError;
use crate::pg::reply::{Cost, Reply};
use crate::pg::session::Session;
use crate::pg::statement::{Rule, Statement};
pub use claim::{Claim, ClaimSpec, Take};

/// Which table, and what of it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableSpec {
    /// `name` or `schema.name`.
    pub name: String,
    /// The columns of the primary key.
    pub key: Vec<String>,
    /// The integer that compare-and-swap counts up; `None` for a table without one.
    pub version: Option<String>,
    /// Further columns.
    pub columns: Vec<String>,
    /// A column that compare-and-swap sets to the server's `now()`, unless it is given another value.
    pub touch: Option<String>,
}

impl TableSpec {
    /// A table whose version column is `seq`.
    pub fn new(name: &str, key: &[&str], columns: &[&str]) -> TableSpec {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        TableSpec {
            name: name.to_owned(),
            key: owned(key),
            version: Some("seq".to_owned()),
            columns: owned(columns),
            touch: None,
        }
    }

    /// The same without a version column.
    pub fn without_version(mut self) -> TableSpec {
        self.version = None;
        self
    }
}

/// A table that cannot be used as it was described.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// There is no key.
    #[error("the table `{0}` needs a key: name the columns of its primary key")]
    NoKey(String),
    /// A column stands there twice.
    #[error(
        "the table `{table}` names the column `{column}` twice: name each column once, as key, version or column"
    )]
    Twice {
        /// The table.
        table: String,
        /// The column.
        column: String,
    },
    /// A column that was not named.
    #[error(
        "the table `{table}` has no column `{column}`{}; it was described with {known}",
        suggestion.as_ref().map(|near| format!(" (did you mean `{near}`?)")).unwrap_or_default()
    )]
    NoColumn {
        /// The table.
        table: String,
        /// The name that was asked for.
        column: String,
        /// The nearest that there is.
        suggestion: Option<String>,
        /// All that there are.
        known: String,
    },
}

/// A table as one thread uses it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Table(Rc<Inner>);

#[derive(Debug)]
struct Inner {
    spec: TableSpec,
    /// Key, version, further columns.
    columns: Vec<String>,
    get: Statement,
    bump: Option<Statement>,
    delete: Statement,
    delete_version: Option<Statement>,
    by_columns: RefCell<Vec<ByColumns>>,
}

/// A statement for one set of columns. Made as the sets turn up; a scenario has a handful.
#[derive(Debug)]
struct ByColumns {
    verb: Verb,
    columns: Box<[usize]>,
    statement: Statement,
}

/// They are searched one by one.
const SETS_MAX: usize = 200;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Insert,
    InsertMany,
    /// So many rows in one VALUES list.
    InsertValues(usize),
    Cas,
}

impl Table {
    /// A handle; nothing is asked of a server yet.
    pub fn new(spec: TableSpec) -> Result<Table, TableError> {
        let columns: Vec<String> =
            spec.key.iter().chain(&spec.version).chain(&spec.columns).cloned().collect();
        if spec.key.is_empty() {
            return Err(TableError::NoKey(spec.name));
        }
        if let Some((_, twice)) = columns.iter().enumerate().find(|(at, name)| columns[..*at].contains(name))
        {
            return Err(TableError::Twice { table: spec.name, column: twice.clone() });
        }
        let op = |verb: &str| format!("{}.{verb}", spec.name);
        let names: Vec<&str> = columns.iter().map(String::as_str).collect();
        let version = spec.version.as_deref();
        let get = Statement::new(&op("get"), &sql::get(&spec, &names), Rule::NoRowIsEmpty);
        let bump = version
            .map(|version| Statement::new(&op("cas"), &sql::cas(&spec, version, &[]), Rule::NoRowIsConflict));
        let delete = Statement::new(&op("delete"), &sql::delete(&spec, None), Rule::NoRowIsEmpty);
        let delete_version = version.map(|version| {
            let sql = sql::delete(&spec, Some(version));
            Statement::new(&op("delete"), &sql, Rule::NoRowIsConflict)
        });
        let by_columns = RefCell::default();
        Ok(Table(Rc::new(Inner { spec, columns, get, bump, delete, delete_version, by_columns })))
    }

    /// Its columns: key, version, further ones. Places in this list name columns elsewhere.
    pub fn columns(&self) -> &[String] {
        &self.0.columns
    }

    /// How many columns the key has.
    pub fn key_len(&self) -> usize {
        self.0.spec.key.len()
    }

    /// The place of a column by its name.
    pub fn column(&self, name: &str) -> Result<usize, TableError> {
        let columns = &self.0.columns;
        columns.iter().position(|column| column == name).ok_or_else(|| TableError::NoColumn {
            table: self.0.spec.name.clone(),
            column: name.to_owned(),
            suggestion: did_you_mean(name, columns.iter().map(String::as_str)).map(str::to_owned),
            known: columns.join(", "),
        })
    }

    /// Inserts one row: for each place in `columns` the value at the same index. A key that is there already
    /// is a conflict.
    pub async fn insert(&self, session: &Session, columns: &[usize], values: &[Value]) -> Reply {
        let statement = self.statement(Verb::Insert, columns, Rule::Plain, sql::insert);
        session.run(&statement, values).await
    }

    /// Inserts many rows in one statement and one round trip, all or none; `values` are the rows one after
    /// another. Columns of array types go as one VALUES list, which ends at 65,535 values.
    pub async fn insert_many(&self, session: &Session, columns: &[usize], values: &[Value]) -> Reply {
        let single = self.statement(Verb::Insert, columns, Rule::Plain, sql::insert);
        if columns.is_empty() || values.is_empty() || !values.len().is_multiple_of(columns.len()) {
            let (wanted, given) = (columns.len(), values.len());
            let op = single.op().replace(".insert", ".insert_many").into();
            let reason = format!("{given} values do not make whole rows of {wanted} columns");
            return Reply::failed(PgError::Refused { op, reason }, Cost::default());
        }
        let description = match session.describe(&single).await {
            Ok(description) => description,
            Err(error) => return Reply::failed(*error, Cost::default()),
        };
        if description.params().iter().any(|ty| ty.is_array()) {
            let rows = values.len() / columns.len();
            let statement = self.statement(Verb::InsertValues(rows), columns, Rule::Plain, |spec, names| {
                sql::insert_values(spec, names, rows)
            });
            return session.run(&statement, values).await;
        }
        let statement = self.statement(Verb::InsertMany, columns, Rule::Plain, |spec, names| {
            let types: Vec<String> = description.params().iter().map(|ty| ty.name()).collect();
            sql::insert_unnest(spec, names, &types)
        });
        session.run(&statement, &transposed(values, columns.len())).await
    }

    /// Reads the row of a key, all columns of the handle; `empty` when there is none.
    pub async fn get(&self, session: &Session, key: &[Value]) -> Reply {
        session.run(&self.0.get, key).await
    }

    /// Compare-and-swap: when the version is still `expected`, counts it up, sets the columns given, and
    /// returns the new version. `conflict` when it is not, or when the row is gone.
    pub async fn cas(
        &self,
        session: &Session,
        key: &[Value],
        expected: i64,
        columns: &[usize],
        values: &[Value],
    ) -> Reply {
        let Some(bump) = &self.0.bump else { return self.no_version("cas") };
        let mut params = Vec::with_capacity(key.len() + 1 + values.len());
        params.extend_from_slice(key);
        params.push(Value::Int(expected));
        if columns.is_empty() && values.is_empty() {
            return session.run(bump, &params).await;
        }
        params.extend_from_slice(values);
        let version = self.0.spec.version.as_deref().unwrap_or_default();
        let statement = self.statement(Verb::Cas, columns, Rule::NoRowIsConflict, |spec, names| {
            sql::cas(spec, version, names)
        });
        session.run(&statement, &params).await
    }

    /// Deletes the row of a key. With an expected version, a row that is gone or has moved on is a conflict;
    /// without, a row that is gone is `empty`.
    pub async fn delete(&self, session: &Session, key: &[Value], expected: Option<i64>) -> Reply {
        let Some(expected) = expected else { return session.run(&self.0.delete, key).await };
        let Some(statement) = &self.0.delete_version else { return self.no_version("delete") };
        let mut params = key.to_vec();
        params.push(Value::Int(expected));
        session.run(statement, &params).await
    }

    /// A way of claiming rows of this table.
    pub fn claim(&self, spec: ClaimSpec) -> Claim {
        Claim::new(self, spec)
    }

    fn no_version(&self, verb: &str) -> Reply {
        let op = format!("{}.{verb}", self.0.spec.name).into();
        let reason =
            "the table was described without a version column: name the integer column that is to be \
                      compared and counted up"
                .to_owned();
        Reply::failed(PgError::Refused { op, reason }, Cost::default())
    }

    fn statement(
        &self,
        verb: Verb,
        columns: &[usize],
        rule: Rule,
        sql: impl FnOnce(&TableSpec, &[&str]) -> String,
    ) -> Statement {
        let is_same = |known: &&ByColumns| known.verb == verb && *known.columns == *columns;
        if let Some(known) = self.0.by_columns.borrow().iter().find(is_same) {
            return known.statement.clone();
        }
        // A place that is none makes SQL that the server refuses by name.
        let name = |place: &usize| self.0.columns.get(*place).map_or("no such column", String::as_str);
        let names: Vec<&str> = columns.iter().map(name).collect();
        let op = match verb {
            Verb::Insert => "insert",
            Verb::InsertMany | Verb::InsertValues(_) => "insert_many",
            Verb::Cas => "cas",
        };
        let statement =
            Statement::new(&format!("{}.{op}", self.0.spec.name), &sql(&self.0.spec, &names), rule);
        let made = ByColumns { verb, columns: columns.into(), statement: statement.clone() };
        let mut known = self.0.by_columns.borrow_mut();
        // Lists of ever other lengths would make ever more.
        if known.len() >= SETS_MAX {
            known.remove(0);
        }
        known.push(made);
        statement
    }
}

/// Rows into columns, each an array.
fn transposed(values: &[Value], width: usize) -> Vec<Value> {
    let column = |place: usize| values.iter().skip(place).step_by(width).cloned().collect();
    (0..width).map(|place| Value::Array(column(place))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_described_once_and_wholly() {
        let error = Table::new(TableSpec::new("t", &[], &["a"])).unwrap_err();
        assert!(error.to_string().contains("needs a key"));
        let error = Table::new(TableSpec::new("t", &["id"], &["seq"])).unwrap_err();
        assert!(error.to_string().contains("`seq` twice"));
        let table = Table::new(TableSpec::new("t", &["id"], &["status"])).unwrap();
        assert_eq!(table.columns(), ["id", "seq", "status"]);
        assert_eq!(table.column("status"), Ok(2));
        assert_eq!(
            table.column("statsu").unwrap_err().to_string(),
            "the table `t` has no column `statsu` (did you mean `status`?); it was described with id, seq, status"
        );
    }

    #[test]
    fn one_statement_serves_a_set_of_columns() {
        let table = Table::new(TableSpec::new("t", &["id"], &["status"])).unwrap();
        let made = |columns: &[usize]| table.statement(Verb::Insert, columns, Rule::Plain, sql::insert);
        assert_eq!(made(&[0, 1]).id(), made(&[0, 1]).id());
        assert_ne!(made(&[0, 1]).id(), made(&[1, 0]).id());
    }

    #[test]
    fn statements_of_many_shapes_do_not_pile_up() {
        let table = Table::new(TableSpec::new("t", &["id"], &["status"])).unwrap();
        for rows in 1..1000 {
            table.statement(Verb::InsertValues(rows), &[0], Rule::Plain, sql::insert);
        }
        assert_eq!(table.0.by_columns.borrow().len(), SETS_MAX);
    }

    #[test]
    fn rows_become_columns() {
        let values = [1.into(), "a".into(), 2.into(), "b".into()];
        assert_eq!(transposed(&values, 2), [Value::from(vec![1, 2]), Value::from(vec!["a", "b"])]);
    }
}
