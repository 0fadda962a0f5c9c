//! The truth that ledgers are judged by: the table itself, reread over a connection of its own.
//!
//! It is read a piece at a time through a cursor, in one snapshot, so that a table of any size fits.

use std::collections::HashMap;

use drivers::pg;
use model::{ledger::CasJudge, runfile::LedgerRecord};

use super::{CasBook, CasLogs, Log, key::Key};
use crate::{
    bindings::table::{quoted, quoted_name},
    diagnostic::Diagnostic,
    stage::STAGE_TIMEOUT,
};

/// Keys whose text is kept for messages; beyond that they are named by their number.
const NAMES_AT_MOST: usize = 100_000;

/// Rows of one piece.
const FETCH: &str = "FETCH FORWARD 20000 FROM snapbench_truth";

/// Reads the truth of every ledger and judges. Keys are taken to have begun at 0.
///
/// # Errors
/// When the truth cannot be read (the table is gone, or the server), or cannot be compared with what was noted.
pub async fn settle(logs: CasLogs, config: &pg::PgConfig) -> Result<Vec<LedgerRecord>, Diagnostic> {
    // Not the time limit of the load's operations: a large table takes longer to read than a row.
    let options = pg::PgOptions { timeout: STAGE_TIMEOUT, ..pg::PgOptions::default() };
    let postgres = pg::Postgres::new(config.clone(), pg::PoolMode::Dedicated, options)
        .map_err(|e| Diagnostic::usage(e.to_string()))?;
    let session = postgres.session();
    let mut records = Vec::new();
    for log in logs.0.into_values() {
        records.push(settle_one(log, &session).await?);
    }
    Ok(records)
}

async fn settle_one(log: Log, session: &pg::Session) -> Result<LedgerRecord, Diagnostic> {
    let Log { book, ledger, has_texts } = log;
    let unreadable = |reply: &pg::Reply| match &reply.error {
        None => Ok(()),
        Some(error) => {
            Err(Diagnostic::usage(format!("the ledger of {} cannot read its table: {error}", book.name))
                .help(
                    "the table must still be there after the load: drop it in teardown(), which comes later",
                ))
        }
    };
    unreadable(&session.begin(pg::Isolation::RepeatableRead).await)?;
    unreadable(&session.run(&pg::Statement::new("ledger", &cursor(&book), pg::Rule::Plain), &[]).await)?;
    let fetch = pg::Statement::new("ledger", FETCH, pg::Rule::Plain);
    let mut truth = Truth { judge: ledger.judge(), names: HashMap::new(), has_texts };
    loop {
        let piece = session.run(&fetch, &[]).await;
        unreadable(&piece)?;
        if piece.rows.is_empty() {
            break;
        }
        piece.rows.iter().try_for_each(|row| truth.row(&book, &row))?;
    }
    session.rollback().await;
    Ok(record_of(&book, &truth.judge.finish(), &truth.names))
}

/// Every key with its version.
fn cursor(book: &CasBook) -> String {
    let table = quoted(&book.table);
    let keys = book.keys.iter().map(|key| quoted_name(key)).collect::<Vec<_>>().join(", ");
    let version = quoted_name(&book.version);
    format!("DECLARE snapbench_truth NO SCROLL CURSOR FOR SELECT {version}::bigint, {keys} FROM {table}")
}

struct Truth {
    judge: CasJudge,
    /// Texts of keys, for messages.
    names: HashMap<u64, String>,
    has_texts: bool,
}

impl Truth {
    fn row(&mut self, book: &CasBook, row: &pg::Row<'_>) -> Result<(), Diagnostic> {
        let version = row.int(0).unwrap_or(0);
        let parts: Vec<_> = (1..row.len()).map(|n| row.value(n).unwrap_or_default()).collect();
        let key = Key::of(&parts).map_err(|kind| {
            Diagnostic::usage(format!("the ledger of {} cannot tell keys of kind {kind} apart", book.name))
                .help("use a key of int, text, uuid, bool or numeric, or leave `ledger` out")
        })?;
        if self.has_texts && !key.is_text && parts.len() == 1 && !matches!(parts[0], drivers::Value::Text(_))
        {
            let message = format!(
                "the ledger of {} cannot be judged: keys were given as text that is no number, and the column \
                 `{}` holds numbers",
                book.name, book.keys[0]
            );
            return Err(
                Diagnostic::usage(message).help("give keys in the form in which the server writes them")
            );
        }
        if self.names.len() < NAMES_AT_MOST {
            let texts: Vec<_> = parts.iter().map(ToString::to_string).collect();
            self.names.insert(key.number, texts.join(", "));
        }
        self.judge.head(key.number, u64::try_from(version).unwrap_or(0));
        Ok(())
    }
}

fn record_of(
    book: &CasBook,
    verdict: &model::ledger::CasVerdict,
    names: &HashMap<u64, String>,
) -> LedgerRecord {
    let mut record = verdict.record(&book.name);
    for example in &mut record.examples {
        // The judgement knows keys by number; people know them by name.
        let number =
            example.strip_prefix("key ").and_then(|rest| rest.split(':').next()).and_then(|n| n.parse().ok());
        if let Some((number, name)) = number.and_then(|n: u64| names.get(&n).map(|name| (n, name))) {
            *example = example.replacen(&format!("key {number}"), &format!("key {name}"), 1);
        }
    }
    record
}
