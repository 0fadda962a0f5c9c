//! The end that queues are judged by: what the server still holds, read by the script's own query over a connection of
//! its own, a piece at a time and in one snapshot.

use drivers::{Value, pg};
use model::{ledger::QueueLedger, runfile::LedgerRecord};

use super::{NotedQueues, QueueBook};
use crate::{diagnostic::Diagnostic, stage::STAGE_TIMEOUT};

/// Rows of one piece.
const FETCH: &str = "FETCH FORWARD 20000 FROM snapbench_truth";

/// Reads what remains in every queue that has a query for it, and judges: what was found, and what could not be read. Of a
/// ledger whose end cannot be read there is a record only when the load itself has proved something wrong.
pub async fn settle_queues(
    noted: NotedQueues,
    config: Option<&pg::PgConfig>,
) -> (Vec<LedgerRecord>, Vec<Diagnostic>) {
    let (mut records, mut complaints) = (Vec::new(), Vec::new());
    for (book, mut ledger) in noted.0 {
        let read = match &book.remaining {
            None => Ok(()),
            Some(query) => match read(&book, query, config, &mut ledger).await {
                Ok(()) => {
                    ledger.all_told();
                    Ok(())
                }
                Err(complaint) => Err(complaint),
            },
        };
        let record = ledger.judge(book.promises_order).record(&book.name);
        if read.is_ok() || !record.passed {
            records.push(record);
        }
        complaints.extend(read.err());
    }
    (records, complaints)
}

async fn read(
    book: &QueueBook,
    query: &str,
    config: Option<&pg::PgConfig>,
    ledger: &mut QueueLedger,
) -> Result<(), Diagnostic> {
    let broken = |why: &str| {
        Diagnostic::usage(format!("the ledger of {} cannot read what remains: {why}", book.name)).help(
            "`remaining` is a SELECT whose first column is the key of each item that is not taken for good; the table must \
             still be there after the load: drop it in teardown(), which comes later",
        )
    };
    let config = config.ok_or_else(|| broken("this run has no Postgres"))?;
    // Not the time limit of the load's operations: a large table takes longer to read than a row.
    let options = pg::PgOptions { timeout: STAGE_TIMEOUT, ..pg::PgOptions::default() };
    let postgres = pg::Postgres::new(config.clone(), pg::PoolMode::Dedicated, options)
        .map_err(|e| Diagnostic::usage(e.to_string()))?;
    let session = postgres.session();
    let readable = |reply: &pg::Reply| match &reply.error {
        None => Ok(()),
        Some(error) => Err(broken(&error.to_string())),
    };
    readable(&session.begin(pg::Isolation::RepeatableRead).await)?;
    let cursor = format!("DECLARE snapbench_truth NO SCROLL CURSOR FOR {query}");
    readable(&session.run(&pg::Statement::new("ledger", &cursor, pg::Rule::Plain), &[]).await)?;
    let fetch = pg::Statement::new("ledger", FETCH, pg::Rule::Plain);
    loop {
        let piece = session.run(&fetch, &[]).await;
        readable(&piece)?;
        if piece.rows.is_empty() {
            break;
        }
        for row in &piece.rows {
            let key = key(&row).map_err(|value| {
                broken(&format!("`{value}` is no key: it is not a whole number of 0 or more"))
            })?;
            ledger.remains(key);
        }
    }
    session.rollback().await;
    Ok(())
}

/// The key of a row; nothing where it is NULL: an item that has none.
fn key(row: &pg::Row<'_>) -> Result<Option<u64>, Value> {
    let value = row.value(0).unwrap_or_default();
    let number = match &value {
        Value::Null => return Ok(None),
        Value::Int(number) => u64::try_from(*number).ok(),
        Value::Text(text) => text.parse().ok(),
        Value::Numeric(text) => text.parse().ok(),
        _ => None,
    };
    number.map(Some).ok_or(value)
}
