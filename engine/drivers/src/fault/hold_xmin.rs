//! A transaction that keeps its snapshot open: nothing that dies after it may be cleaned up.
//!
//! That an open transaction does so is not a matter of course: in read committed mode one that is idle holds no
//! snapshot at all. So this one is in repeatable read, and the server is asked (`pg_stat_activity.backend_xmin`) whether
//! it really holds, at the beginning and for as long as it lasts.

use super::{UNHURRIED, ask, session};
use crate::Value;
use crate::pg::{Isolation, PgConfig, Session};

/// A snapshot that is being held open. Dropping it lets go.
pub struct HeldXmin {
    holder: Session,
    watcher: Session,
    pid: i64,
    xmin: String,
}

/// How far a held snapshot is behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Horizon {
    /// The oldest transaction it may still need.
    pub xmin: String,
    /// Transactions that were begun since.
    pub behind: u64,
}

/// Opens a snapshot and makes sure that it holds.
///
/// # Errors
/// In one sentence: no connection, or the server says that nothing is held.
pub async fn hold_xmin(config: &PgConfig) -> Result<HeldXmin, String> {
    let (holder, watcher) = (session(config)?, session(config)?);
    ask(&holder, UNHURRIED, &[]).await?;
    if let Some(error) = holder.begin(Isolation::RepeatableRead).await.error {
        return Err(error.to_string());
    }
    // The first statement takes the snapshot.
    let rows = ask(&holder, "SELECT pg_backend_pid()::int8", &[]).await?;
    let pid = rows.first().and_then(|row| row.int(0)).ok_or("the server does not say who we are")?;
    let mut held = HeldXmin { holder, watcher, pid, xmin: String::new() };
    held.xmin = held.look().await?.xmin;
    Ok(held)
}

impl HeldXmin {
    /// The process that holds it.
    pub fn pid(&self) -> i64 {
        self.pid
    }

    /// Whether it still holds what it held at first, and how far that is behind.
    ///
    /// # Errors
    /// In one sentence: the server is gone, or something ended or moved the snapshot.
    pub async fn check(&self) -> Result<Horizon, String> {
        let now = self.look().await?;
        if now.xmin != self.xmin {
            return Err(format!("backend_xmin of pid {} moved from {} to {}", self.pid, self.xmin, now.xmin));
        }
        Ok(now)
    }

    /// Lets go.
    pub async fn release(self) {
        self.holder.rollback().await;
    }

    async fn look(&self) -> Result<Horizon, String> {
        let sql =
            "SELECT backend_xmin::text, age(backend_xmin)::int8 FROM pg_stat_activity WHERE pid = $1::int8";
        let rows = ask(&self.watcher, sql, &[Value::Int(self.pid)]).await?;
        let Some(row) = rows.first() else {
            return Err(format!("the server ended pid {}, which held the snapshot", self.pid));
        };
        let Some(xmin) = row.text(0) else {
            return Err(format!("pid {} holds no snapshot: its backend_xmin is not set", self.pid));
        };
        let behind = row.int(1).and_then(|age| u64::try_from(age).ok()).unwrap_or(0);
        Ok(Horizon { xmin: xmin.to_owned(), behind })
    }
}
