//! A statement that is prepared once a connection, and the rule by which its reply becomes an outcome.
//!
//! Knows only enough of SQL to tell by its first word what must not go through `run`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// How a reply without an error becomes an outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rule {
    /// Done is done.
    #[default]
    Plain,
    /// No row hit means that somebody else was first: compare-and-swap.
    NoRowIsConflict,
    /// No row means that there was nothing: get, claim.
    NoRowIsEmpty,
}

/// An SQL statement with the name of the operation that it is. Cheap to clone and the same in all clones.
#[derive(Debug, Clone)]
pub struct Statement(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    id: u32,
    op: Arc<str>,
    sql: Box<str>,
    rule: Rule,
    refusal: Option<&'static str>,
}

/// Numbers run through the process, so that a connection finds a prepared statement without comparing SQL.
static NEXT_ID: AtomicU32 = AtomicU32::new(0);

impl Statement {
    /// A statement for the operation `op`. The SQL is prepared when a connection first meets it; keep the
    /// statement, because a new one is prepared anew.
    pub fn new(op: &str, sql: &str, rule: Rule) -> Statement {
        Statement::with_refusal(op, sql, rule, refusal(sql))
    }

    /// One that may begin and end transactions.
    pub(crate) fn of_transaction(op: &str, sql: &str) -> Statement {
        Statement::with_refusal(op, sql, Rule::Plain, None)
    }

    fn with_refusal(op: &str, sql: &str, rule: Rule, refusal: Option<&'static str>) -> Statement {
        let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
        // Text ends at a zero byte in the protocol: nothing of it could be written.
        let refusal = if sql.contains('\0') { Some(ZERO_BYTE) } else { refusal };
        Statement(Arc::new(Inner { id, op: op.into(), sql: sql.into(), rule, refusal }))
    }

    /// The operation's name, as errors and reports show it.
    pub fn op(&self) -> &str {
        &self.0.op
    }

    /// The SQL text.
    pub fn sql(&self) -> &str {
        &self.0.sql
    }

    /// How its reply becomes an outcome.
    pub fn rule(&self) -> Rule {
        self.0.rule
    }

    pub(crate) fn shared_op(&self) -> Arc<str> {
        Arc::clone(&self.0.op)
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id
    }

    /// Why it cannot be run on its own, if it cannot.
    pub(crate) fn refusal(&self) -> Option<&'static str> {
        self.0.refusal
    }
}

const ZERO_BYTE: &str = "the SQL contains a zero byte, which Postgres cannot read: pass such bytes as a \
                         parameter of type bytea";

/// Transaction control would leak into whoever uses a shared connection next, and COPY speaks a protocol of
/// its own.
fn refusal(sql: &str) -> Option<&'static str> {
    let mut words = words(sql);
    let first = words.next()?;
    let is = |keyword: &str| first.eq_ignore_ascii_case(keyword);
    if is("copy") {
        return Some("COPY cannot be run as a statement: use copy_in");
    }
    let rolls_back_to_savepoint = is("rollback") && words.any(|word| word.eq_ignore_ascii_case("to"));
    let controls = ["begin", "start", "commit", "end", "rollback", "abort"].iter().any(|keyword| is(keyword));
    (controls && !rolls_back_to_savepoint)
        .then_some("transactions are not begun or ended by a statement: use begin, commit and rollback")
}

/// Whether any of the statements in a text begins with DROP or TRUNCATE. A semicolon inside of a string counts as
/// well: in doubt it is.
pub fn is_destructive(sql: &str) -> bool {
    let destroys = |word: &str| word.eq_ignore_ascii_case("drop") || word.eq_ignore_ascii_case("truncate");
    sql.split(';').any(|statement| words(statement).next().is_some_and(destroys))
}

/// `cached plan must not change result type` and `prepared statement does not exist`: the schema or the
/// session changed under a prepared statement.
pub(crate) fn is_stale(sqlstate: &str) -> bool {
    matches!(sqlstate, "0A000" | "26000")
}

/// The words of a text, comments left out. Good enough for the first few of a statement.
fn words(sql: &str) -> impl Iterator<Item = &str> {
    let mut rest = sql;
    std::iter::from_fn(move || {
        loop {
            rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ';' || c == '(');
            if let Some(comment) = rest.strip_prefix("--") {
                rest = comment.split_once('\n').map_or("", |(_, after)| after);
            } else if let Some(comment) = rest.strip_prefix("/*") {
                rest = comment.split_once("*/").map_or("", |(_, after)| after);
            } else {
                break;
            }
        }
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        rest = after;
        (!word.is_empty()).then_some(word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_statement_has_a_number_of_its_own_that_clones_share() {
        let one = Statement::new("a", "SELECT 1", Rule::Plain);
        let two = Statement::new("a", "SELECT 1", Rule::Plain);
        assert_ne!(one.id(), two.id());
        assert_eq!(one.id(), one.clone().id());
    }

    #[test]
    fn what_drops_or_truncates_is_told_wherever_it_stands() {
        for sql in ["DROP TABLE t", " /* a */ -- b\n truncate t", "SELECT 1; Drop TABLE t", "(drop x)"] {
            assert!(is_destructive(sql), "{sql}");
        }
        for sql in ["SELECT 'drop'", "DELETE FROM t", "CREATE TABLE drop_me ()", "-- drop\nSELECT 1", ""] {
            assert!(!is_destructive(sql), "{sql}");
        }
    }

    #[test]
    fn transaction_control_and_copy_are_told_by_their_first_word() {
        for sql in [
            "BEGIN",
            "  -- why\n/* and */ Start Transaction",
            "commit",
            "END;",
            "ROLLBACK",
            "abort",
            "COPY t FROM STDIN",
        ] {
            assert!(refusal(sql).is_some(), "{sql}");
        }
        for sql in
            ["SELECT 1", "ROLLBACK TO a", "rollback work to savepoint a", "SAVEPOINT a", "beginning", ""]
        {
            assert!(refusal(sql).is_none(), "{sql}");
        }
    }
}
