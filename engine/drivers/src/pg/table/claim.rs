//! Claims: taking rows off a queue that many take from at once.

use std::cell::RefCell;
use std::rc::Rc;

use crate::Value;
use crate::pg::kept::Kept;
use crate::pg::reply::Reply;
use crate::pg::session::Session;
use crate::pg::statement::{Rule, Statement};
use crate::pg::table::{Table, sql};

/// What a claim does with the rows it has picked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Take {
    /// They leave the table: a queue that forgets.
    Delete,
    /// They are marked by these SQL assignments, such as `owner = $2, lease_until = now() + $3`: a queue with
    /// leases.
    Set(String),
}

/// Which rows a claim takes, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimSpec {
    /// An SQL condition over the table's columns, with parameters from `$1`.
    pub filter: Option<String>,
    /// What `ORDER BY` says: which rows come first.
    pub order: Option<String>,
    /// What is done with them.
    pub take: Take,
}

/// A claim: picks rows that nobody else is taking, and deletes or marks them.
#[derive(Debug, Clone)]
pub struct Claim {
    table: Table,
    spec: Rc<ClaimSpec>,
    /// The limit is part of the SQL (see [`sql::claim`]).
    by_limit: Rc<RefCell<Kept<u32, Statement>>>,
}

impl Claim {
    pub(super) fn new(table: &Table, spec: ClaimSpec) -> Claim {
        Claim { table: table.clone(), spec: Rc::new(spec), by_limit: Rc::default() }
    }

    /// Takes up to `limit` rows and returns them in order, all columns of the handle; `empty` when there was
    /// none to take. `params` are those of the filter and the assignments.
    pub async fn run(&self, session: &Session, limit: u32, params: &[Value]) -> Reply {
        session.run(&self.statement(limit), params).await
    }

    fn statement(&self, limit: u32) -> Statement {
        let mut known = self.by_limit.borrow_mut();
        if let Some(statement) = known.get(&limit) {
            return statement.clone();
        }
        let table = &self.table.0;
        let names: Vec<&str> = table.columns.iter().map(String::as_str).collect();
        let sql = sql::claim(&table.spec, &self.spec, &names, limit);
        let op = format!("{}.claim", table.spec.name);
        let statement = Statement::new(&op, &sql, Rule::NoRowIsEmpty);
        known.put(limit, statement.clone());
        statement
    }
}
