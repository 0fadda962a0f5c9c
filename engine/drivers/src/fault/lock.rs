//! A lock on a table that is held for a while, as a migration or a forgotten console does.

use super::{UNHURRIED, ask, session};
use crate::pg::{Isolation, PgConfig, Session, quote_path};

/// A lock that is being held. Dropping it lets go.
pub struct HeldLock {
    holder: Session,
    watcher: Session,
    /// `pg_locks.relation` of the table.
    relation: i64,
}

/// Takes a lock of a mode (`access exclusive`, `share`, …) on a table, waiting for those who hold others.
///
/// # Errors
/// In one sentence: no connection, no such table, or no right to it.
pub async fn hold_lock(config: &PgConfig, table: &str, mode: &str) -> Result<HeldLock, String> {
    let (holder, watcher) = (session(config)?, session(config)?);
    ask(&holder, UNHURRIED, &[]).await?;
    if let Some(error) = holder.begin(Isolation::ReadCommitted).await.error {
        return Err(error.to_string());
    }
    ask(&holder, &format!("LOCK TABLE {} IN {} MODE", quote_path(table), mode.to_uppercase()), &[]).await?;
    let own = "SELECT relation::int8 FROM pg_locks WHERE pid = pg_backend_pid() AND granted \
               AND relation = $1::text::regclass";
    let rows = ask(&holder, own, &[quote_path(table).into()]).await?;
    let relation = rows.first().and_then(|row| row.int(0));
    let relation = relation.ok_or_else(|| format!("the server does not show the lock on {table}"))?;
    Ok(HeldLock { holder, watcher, relation })
}

impl HeldLock {
    /// How many wait for the table now.
    ///
    /// # Errors
    /// In one sentence, when the server does not answer.
    pub async fn waiting(&self) -> Result<u64, String> {
        let sql = "SELECT count(*) FROM pg_locks WHERE relation::int8 = $1::int8 AND NOT granted";
        let rows = ask(&self.watcher, sql, &[self.relation.into()]).await?;
        Ok(rows.first().and_then(|row| row.int(0)).and_then(|n| u64::try_from(n).ok()).unwrap_or(0))
    }

    /// Lets go.
    pub async fn release(self) {
        self.holder.rollback().await;
    }
}
