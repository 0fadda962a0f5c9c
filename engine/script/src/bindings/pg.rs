//! `pg`: Postgres. Statements and tables are values that can be made in `setup()` and shared; each virtual user runs
//! them on its own view of the connections.

use std::{rc::Rc, sync::Arc};

use drivers::{Value, pg};
use model::{outcome::Expect, recorder::Sample};
use rhai::{Array, Dynamic, FnPtr, Map, NativeCallContext, plugin::*};

use super::{
    named::Named,
    reply::{Body, Ended, Reply},
    table::{Description, Table},
    value::{parameters, to_driver},
};
use crate::{
    bridge::wait_for,
    context::{self, Context, cancelled, failure, placed},
    core::{OpName, OpWords},
    engine::EvalError,
    ledger::{Decision, Undecided, queue},
    settings::Settings,
};

/// A statement with the name its runs are recorded under.
#[derive(Clone)]
pub(crate) struct Statement(Arc<StatementParts>);

struct StatementParts {
    op: Arc<OpName>,
    expect: Expect,
    inner: pg::Statement,
}

impl std::fmt::Debug for Statement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "statement {}", self.0.op.name)
    }
}

impl Statement {
    pub(super) fn new(op: Arc<OpName>, sql: &str, rule: pg::Rule, expect: Expect) -> Self {
        let inner = pg::Statement::new(&op.name, sql, rule);
        Self(Arc::new(StatementParts { op, expect, inner }))
    }
}

/// Runs a statement on behalf of the current virtual user and records how it ended.
pub(super) fn run(statement: &Statement, params: &[Value]) -> Result<Reply, EvalError> {
    context::required("pg", |c| {
        let StatementParts { op, expect, inner } = &*statement.0;
        let session = c.postgres()?;
        let reply = wait_for(session.run(inner, params)).map_err(|_| cancelled())?;
        finish(c, op, *expect, reply)
    })
}

/// Runs several statements on behalf of the current virtual user.
pub(super) fn run_batch(sql: &str) -> Result<Reply, EvalError> {
    context::required("pg", |c| {
        let reply = wait_for(c.postgres()?.batch(sql)).map_err(|_| cancelled())?;
        finish(c, &c.core.words.batch, Expect::Normal, reply)
    })
}

/// Records a reply under `op`, tells it to the ledger to which it was announced, and hands it over.
pub(crate) fn finish(
    c: &Context,
    op: &Arc<OpName>,
    expect: Expect,
    reply: pg::Reply,
) -> Result<Reply, EvalError> {
    queue::heard_rows(c, &reply);
    recorded(c, op, expect, reply).hand_over(expect)
}

/// The same for what begins or ends a transaction, which nobody announces.
fn finish_around(c: &Context, op: &Arc<OpName>, reply: pg::Reply) -> Result<(), EvalError> {
    recorded(c, op, Expect::Normal, reply).hand_over(Expect::Normal).map(drop)
}

/// Records a reply, and makes it what scripts see.
fn recorded(c: &Context, op: &Arc<OpName>, expect: Expect, reply: pg::Reply) -> Reply {
    let message = reply.error.as_ref().map(ToString::to_string);
    let sample = Sample {
        outcome: reply.outcome,
        class: reply.class_name(),
        expect,
        service_ns: reply.service_ns,
        pool_wait_ns: reply.pool_wait_ns,
        bytes_sent: reply.bytes_sent,
        bytes_received: reply.bytes_received,
        items: reply.affected,
    };
    c.core.record(c, op, &sample, message.as_deref());
    Reply(Rc::new(Ended {
        op: op.clone(),
        outcome: reply.outcome,
        class: reply.class_name().map(str::to_owned),
        message,
        service_ns: reply.service_ns,
        body: Body::Rows(reply),
    }))
}

/// What a table or statement may be told: `#{ op: "push", expect: "rejected" }`.
pub(super) fn expectation(settings: &mut Settings<'_>) -> Expect {
    match settings.word("expect", &["normal", "rejected"]) {
        Some("rejected") => Expect::Rejected,
        _ => Expect::Normal,
    }
}

/// Postgres.
#[export_module]
pub(crate) mod pg_api {
    /// A statement to run many times; it is prepared once a connection and recorded under `op`.
    ///
    /// ```rhai
    /// fn setup() { #{ bump: pg::statement("bump", "UPDATE counter SET n = n + 1 WHERE id = $1") } }
    /// fn work(vu) { vu.shared.bump.run([vu.rng.below(100)]); }
    /// ```
    #[rhai_fn(name = "statement", return_raw)]
    pub fn statement_plain(call: NativeCallContext<'_>, op: &str, sql: &str) -> Result<Statement, EvalError> {
        statement_with(call, op, sql, Map::new())
    }

    /// A statement with settings: `no_row: "conflict"` or `"empty"` says what it means when no row comes back or is
    /// changed (default: `ok`); `expect: "rejected"` for one that must be refused.
    #[rhai_fn(name = "statement", return_raw)]
    pub fn statement_with(
        call: NativeCallContext<'_>,
        op: &str,
        sql: &str,
        settings: Map,
    ) -> Result<Statement, EvalError> {
        placed(&call, || {
            let mut settings = Settings::new("pg::statement", &settings, &["no_row", "expect"]);
            let rule = match settings.word("no_row", &["ok", "conflict", "empty"]) {
                Some("conflict") => pg::Rule::NoRowIsConflict,
                Some("empty") => pg::Rule::NoRowIsEmpty,
                _ => pg::Rule::Plain,
            };
            let expect = expectation(&mut settings);
            settings.done()?;
            outside_of_iterations("pg::statement")?;
            permit_destruction(sql)?;
            Ok(Statement::new(OpName::new(op), sql, rule, expect))
        })
    }

    /// Statements as one value, each by a name of its own. Such a set is handed from function to function without copying
    /// what is in it, as a map would be: a module that has many keeps them so.
    ///
    /// ```rhai
    /// fn setup() {
    ///     #{
    ///         jobs: pg::statements(#{
    ///             push: pg::statement("push", "INSERT INTO jobs (item) VALUES ($1)"),
    ///             depth: pg::statement("depth", "SELECT count(*) FROM jobs"),
    ///         }),
    ///     }
    /// }
    /// fn work(vu) { vu.shared.jobs.run("push", [vu.rng.item(128)]); }
    /// ```
    #[rhai_fn(return_raw)]
    pub fn statements(call: NativeCallContext<'_>, named: Map) -> Result<Named<Statement>, EvalError> {
        placed(&call, || Named::of("pg::statements", "statement", named))
    }

    /// Runs one statement and gives its rows as an array of maps. Recorded under `query`.
    ///
    /// ```rhai
    /// let rows = pg::query("SELECT id, seq FROM run_head WHERE seq > $1", [5]);
    /// ```
    #[rhai_fn(return_raw)]
    pub fn query(call: NativeCallContext<'_>, sql: &str, params: Array) -> Result<Array, EvalError> {
        placed(&call, || {
            let statement = ad_hoc("query", |words| &words.query, sql)?;
            crate::bindings::reply::reply_api::rows(&mut run(&statement, &parameters(&params)?)?)
        })
    }

    /// Runs one statement and gives its reply. Recorded under `execute`.
    #[rhai_fn(return_raw)]
    pub fn execute(call: NativeCallContext<'_>, sql: &str, params: Array) -> Result<Reply, EvalError> {
        placed(&call, || run(&ad_hoc("execute", |words| &words.execute, sql)?, &parameters(&params)?))
    }

    /// Runs several statements separated by `;`, without parameters: what set-up and teardown are made of.
    ///
    /// ```rhai
    /// pg::batch("DROP TABLE IF EXISTS snapbench_head; CREATE TABLE snapbench_head(id text primary key, seq bigint)");
    /// ```
    #[rhai_fn(return_raw)]
    pub fn batch(call: NativeCallContext<'_>, sql: &str) -> Result<Reply, EvalError> {
        placed(&call, || {
            permit_destruction(sql)?;
            super::run_batch(sql)
        })
    }

    /// Copies rows into a table (COPY … FROM STDIN); an array of arrays in the order of `columns`.
    ///
    /// ```rhai
    /// pg::copy("snapbench_head", ["id", "seq"], [["a", 0], ["b", 0]]);
    /// ```
    #[rhai_fn(return_raw)]
    pub fn copy(
        call: NativeCallContext<'_>,
        table: &str,
        columns: Array,
        rows: Array,
    ) -> Result<Reply, EvalError> {
        placed(&call, || {
            let columns: Vec<String> = columns.iter().map(ToString::to_string).collect();
            let mut values = Vec::with_capacity(rows.len());
            for (n, row) in rows.iter().enumerate() {
                let row = row
                    .as_array_ref()
                    .map_err(|kind| failure(&format!("pg::copy: row {} is a {kind}, not an array", n + 1)))?;
                values.push(parameters(&row)?);
            }
            context::required("pg", |c| {
                let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
                let target = pg::CopyTarget::new("copy", table, &columns);
                let copied = c.postgres()?.copy_in(&target, &values);
                let reply = wait_for(copied).map_err(|_| cancelled())?;
                finish(c, &c.core.words.copy, Expect::Normal, reply)
            })
        })
    }

    /// Runs a closure in one transaction: committed when it returns, rolled back when it throws. The commit is
    /// recorded under `commit`, a rollback under `rollback`.
    ///
    /// ```rhai
    /// pg::transaction(|| { pg::execute("INSERT INTO a VALUES ($1)", [1]); pg::execute("INSERT INTO b VALUES ($1)", [1]); });
    /// ```
    #[rhai_fn(return_raw)]
    pub fn transaction(call: NativeCallContext<'_>, body: FnPtr) -> Result<Dynamic, EvalError> {
        context::required("pg", |c| {
            let session = c.postgres()?;
            c.queues.transaction_begins(c);
            let begun = wait_for(session.begin(pg::Isolation::default())).map_err(|_| cancelled())?;
            finish_around(c, &c.core.words.begin, begun)?;
            let undecided = Undecided::begin(c);
            match body.call_within_context::<Dynamic>(&call, ()) {
                Ok(value) => {
                    let reply = wait_for(session.commit()).map_err(|_| cancelled())?;
                    undecided.end(Decision::of_commit(reply.outcome));
                    finish_around(c, &c.core.words.commit, reply)?;
                    Ok(value)
                }
                Err(e) => {
                    // Until then the server holds what was locked.
                    let reply = wait_for(session.rollback());
                    // No commit was sent: whatever becomes of the rollback, nothing of it stays.
                    undecided.end(Decision::RolledBack);
                    if let Ok(reply) = reply {
                        recorded(c, &c.core.words.rollback, Expect::Normal, reply);
                    }
                    Err(e)
                }
            }
        })
    }

    /// A table as a value with one operation a verb. Settings: `key` (column, or array of columns; default `id`),
    /// `version` (the column a compare-and-swap compares; default `seq`, `""` for none), `columns` (further ones), `op` (name that prefixes the operations; default: the
    /// table's), `ledger: true` (prove at the end that no step was lost, doubled or forked), `defaults` (a map of what
    /// inserted rows hold where they say nothing themselves; converted once, so it is cheaper than naming them each
    /// time), `touch` (a column that each swap sets to the server's `now()`), `expect`, and `compare: false` (drops the
    /// compare from the swap's SQL, to see the ledger fail).
    ///
    /// A ledger follows `cas`, `insert`, `delete` and what entities do; rows that are there before the load begin at
    /// version 0. It does not follow `claim`, nor inserts that leave key or version to the server. For each key that
    /// lives it takes 60 to 120 bytes of memory, for each that was deleted at its version 17, so churn at 400 keys
    /// a second fills 24 MB an hour. A deletion that compares no version keeps the key's steps in memory.
    ///
    /// ```rhai
    /// let head = pg::table("snapbench_head", #{ key: "run_id", version: "seq", ledger: true });
    /// head.insert(#{ run_id: "r1", seq: 0 });
    /// let won = head.cas("r1", 0).ok;
    /// ```
    #[rhai_fn(return_raw)]
    pub fn table(call: NativeCallContext<'_>, name: &str, settings: Map) -> Result<Table, EvalError> {
        placed(&call, || {
            let known =
                ["key", "version", "columns", "op", "ledger", "expect", "compare", "defaults", "touch"];
            let mut settings = Settings::new("pg::table", &settings, &known);
            let defaults = defaults(&mut settings)?;
            let mut spec = pg::TableSpec {
                name: name.to_owned(),
                key: settings.words_or_one("key").unwrap_or_else(|| vec!["id".to_owned()]),
                version: Some(settings.text("version").unwrap_or_else(|| "seq".to_owned()))
                    .filter(|v| !v.is_empty()),
                columns: settings.words_or_one("columns").unwrap_or_default(),
                touch: settings.text("touch"),
            };
            for (name, _) in &defaults {
                if ![&spec.key, &spec.columns].into_iter().flatten().chain(&spec.version).any(|it| it == name)
                {
                    spec.columns.push(name.clone());
                }
            }
            let op = settings.text("op").unwrap_or_else(|| name.to_owned());
            let expect = expectation(&mut settings);
            let has_ledger = settings.flag("ledger").unwrap_or(false);
            let compares = settings.flag("compare").unwrap_or(true);
            if spec.version.is_none() && (has_ledger || !compares) {
                settings.problem("version", "needs a `version` column for `ledger` and `compare`".to_owned());
            }
            settings.done()?;
            outside_of_iterations("pg::table")?;
            let description = Description { spec, op, expect, has_ledger, compares, defaults };
            context::required("pg", |c| Table::new(description, &c.core.wiring.findings.books))
        })
    }
}

/// The setting `defaults`: columns with their values.
fn defaults(settings: &mut Settings<'_>) -> Result<Vec<(String, Value)>, EvalError> {
    let Some(map) = settings.map("defaults") else { return Ok(Vec::new()) };
    let value = |(name, value): (&rhai::Identifier, &Dynamic)| {
        Ok((name.to_string(), to_driver(value, &|| format!("the default of `{name}`"))?))
    };
    map.iter().map(value).collect()
}

/// A statement that a script runs by its text, made once a core.
fn ad_hoc(op: &'static str, name: fn(&OpWords) -> &Arc<OpName>, sql: &str) -> Result<Statement, EvalError> {
    context::required("pg", |c| {
        c.core.ad_hoc_statement(op, sql, || {
            permit_destruction(sql)?;
            Ok(Statement::new(name(&c.core.words).clone(), sql, pg::Rule::Plain, Expect::Normal))
        })
    })
}

/// A handle is prepared anew for each that is made; in an iteration that would be each time, without end.
pub(super) fn outside_of_iterations(what: &str) -> Result<(), EvalError> {
    if context::with(|c| c.scenario.is_some()).unwrap_or(false) {
        return Err(failure(&format!(
            "{what} is for setup(): make it there once, return it, and use it as vu.shared.NAME"
        )));
    }
    Ok(())
}

/// Dropping and truncating on a server that is not ours needs permission.
fn permit_destruction(sql: &str) -> Result<(), EvalError> {
    if !pg::is_destructive(sql) {
        return Ok(());
    }
    context::required("pg", |c| {
        if c.core.wiring.allow_destructive {
            return Ok(());
        }
        Err(failure(
            "this script drops or truncates, and the target is not embedded: allow it with `allow_destructive: true` \
             in targets.yaml, or with --yes",
        ))
    })
}
