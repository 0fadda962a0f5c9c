//! A probe's own connection: made at the first look, kept, made again after a loss.
//!
//! Statements are prepared once a connection. A look's SQL carries a comment by which it is told from the load.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use crate::Value;
use crate::pg::{
    PgConfig, PgError, PgOptions, PoolMode, Postgres, Row, Rows, Rule, Session, Stage, Statement,
};

/// How a probe's connections are called in `pg_stat_activity`.
pub const APPLICATION_NAME: &str = "snapbench probe";

/// A probe that waits for a lock stands in a queue in which the load stands as well: not for long.
const OPTIONS: &str = "-c lock_timeout=2s -c jit=off";

/// What a server says in place of a query when the role may not see it.
pub(super) const HIDDEN: &str = "<insufficient privilege>";

pub(super) struct Link {
    config: PgConfig,
    part: &'static str,
    patience: Duration,
    session: Option<Session>,
    statements: HashMap<String, Statement>,
    version: Option<u32>,
}

impl Link {
    pub(super) fn new(config: PgConfig, part: &'static str, patience: Duration) -> Link {
        let mut config = config.with_application_name(APPLICATION_NAME);
        // The user's own come last and win.
        config.options = format!("{OPTIONS} {}", config.options);
        Link { config, part, patience, session: None, statements: HashMap::new(), version: None }
    }

    /// Who asks.
    pub(super) fn role(&self) -> &str {
        self.config.place().user()
    }

    /// Which database is asked.
    pub(super) fn database(&self) -> &str {
        self.config.place().dbname()
    }

    /// The server's major version.
    pub(super) async fn major(&mut self) -> Result<u32, Trouble> {
        if let Some(version) = self.version {
            return Ok(version);
        }
        let rows = self.ask("SELECT current_setting('server_version_num')::int4 / 10000", &[]).await?;
        let version = rows.first().and_then(|row| u32::try_from(row.int(0)?).ok()).unwrap_or_default();
        self.version = Some(version);
        Ok(version)
    }

    /// Runs one statement. A connection that had ended since the last look is made again at once.
    pub(super) async fn ask(&mut self, sql: &str, params: &[Value]) -> Result<Rows, Trouble> {
        let statement = match self.statements.get(sql) {
            Some(statement) => statement.clone(),
            None => {
                let statement = Statement::new(&format!("probe {}", self.part), sql, Rule::Plain);
                self.statements.insert(sql.to_owned(), statement.clone());
                statement
            }
        };
        let mut reply = self.session()?.run(&statement, params).await;
        if matches!(reply.error.as_deref(), Some(PgError::Lost { sent: false, .. })) {
            reply = self.session()?.run(&statement, params).await;
        }
        let Some(error) = reply.error else { return Ok(reply.rows) };
        let trouble = Trouble(error);
        if trouble.sqlstate().is_none() {
            // What comes up again may be another version.
            self.version = None;
        }
        Err(trouble)
    }

    fn session(&mut self) -> Result<&Session, Trouble> {
        if self.session.is_none() {
            let options = PgOptions { timeout: self.patience, ..PgOptions::default() };
            let postgres = Postgres::new(self.config.clone(), PoolMode::Dedicated, options);
            self.session = Some(postgres.map_err(|error| Trouble(Box::new(error)))?.session());
        }
        Ok(self.session.as_ref().expect("it was made above"))
    }
}

/// Why a statement of a probe did not give what was asked.
#[derive(Debug)]
pub(super) struct Trouble(Box<PgError>);

impl Trouble {
    /// The server's code, when it was the server that refused and the connection goes on.
    pub(super) fn sqlstate(&self) -> Option<&str> {
        match &*self.0 {
            PgError::Server { error, .. } if !error.ends_connection() => Some(error.sqlstate()),
            _ => None,
        }
    }

    /// The server's own words, without ours.
    pub(super) fn server_words(&self) -> String {
        match &*self.0 {
            PgError::Server { error, .. } => match &error.hint {
                Some(hint) => format!("{}: {}", error.message, hint.trim_end_matches('.').to_lowercase()),
                None => error.message.clone(),
            },
            other => other.to_string(),
        }
    }

    pub(super) fn is_denied(&self) -> bool {
        self.sqlstate() == Some("42501")
    }
}

/// Short, because all parts tell the same when a server is away: which probe it was, and how to reach a server, is
/// said elsewhere, and none of the load's settings changes how long a probe waits.
impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            PgError::Server { error, .. } => error.fmt(f),
            PgError::Connect { place, problem } => write!(f, "cannot connect to {place}: {problem}"),
            PgError::Lost { place, cause, .. } => write!(f, "the connection to {place} was lost: {cause}"),
            PgError::Timeout { limit, stage: Stage::Connection, .. } => {
                write!(f, "no connection within {limit:?}")
            }
            PgError::Timeout { limit, .. } => {
                write!(f, "no answer within {limit:?}: the server is stalled or busy")
            }
            other => other.fmt(f),
        }
    }
}

/// Reads a row from left to right.
pub(super) struct Cells<'a> {
    row: Row<'a>,
    next: usize,
}

impl<'a> Cells<'a> {
    pub(super) fn of(row: Row<'a>) -> Cells<'a> {
        Cells { row, next: 0 }
    }

    fn step(&mut self) -> usize {
        self.next += 1;
        self.next - 1
    }

    pub(super) fn int(&mut self) -> Option<i64> {
        let index = self.step();
        self.row.int(index)
    }

    /// An integer; NULL is zero.
    pub(super) fn count(&mut self) -> i64 {
        self.int().unwrap_or(0)
    }

    pub(super) fn float(&mut self) -> Option<f64> {
        let index = self.step();
        match self.row.value(index) {
            Ok(Value::Float(value)) => Some(value),
            Ok(Value::Int(value)) => Some(value as f64),
            _ => None,
        }
    }

    pub(super) fn text(&mut self) -> Option<&'a str> {
        let index = self.step();
        self.row.text(index)
    }

    /// A text; NULL is empty.
    pub(super) fn words(&mut self) -> &'a str {
        self.text().unwrap_or_default()
    }

    pub(super) fn flag(&mut self) -> bool {
        let index = self.step();
        matches!(self.row.value(index), Ok(Value::Bool(true)))
    }

    /// So many counters.
    pub(super) fn counts<const N: usize>(&mut self) -> [i64; N] {
        std::array::from_fn(|_| self.count())
    }

    /// An oid.
    pub(super) fn oid(&mut self) -> u32 {
        self.int().and_then(|oid| u32::try_from(oid).ok()).unwrap_or_default()
    }
}
