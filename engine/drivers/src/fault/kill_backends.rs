//! Connections of the load, ended by the server, as a failover or an administrator does.

use super::{ask, session};
use crate::pg::PgConfig;

/// Ends up to `at_most` (all without it) of the connections that were made with `config`: same role, database and
/// application name. Returns how many were ended.
///
/// # Errors
/// In one sentence: no connection, or no right to end them.
pub async fn kill_backends(config: &PgConfig, at_most: Option<u64>) -> Result<u64, String> {
    let session = session(config)?;
    let sql = "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM (\
               SELECT pid FROM pg_stat_activity WHERE application_name = $1::text AND usename = current_user \
               AND datname = current_database() AND backend_type = 'client backend' ORDER BY pid LIMIT $2::int8) AS those";
    let limit = i64::try_from(at_most.unwrap_or(u64::MAX)).unwrap_or(i64::MAX);
    let rows = ask(&session, sql, &[config.application_name().into(), limit.into()]).await?;
    Ok(rows.first().and_then(|row| row.int(0)).and_then(|n| u64::try_from(n).ok()).unwrap_or(0))
}
