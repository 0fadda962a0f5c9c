//! The settings that decide what a server's figures mean.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::pg::{PgConfig, PgOptions, PoolMode, Postgres, Rule, Statement};

/// By name; those that a version does not have are left out.
const NAMES: &str = "
  'backend_flush_after', 'bgwriter_delay', 'bgwriter_lru_maxpages', 'block_size',
  'checkpoint_completion_target', 'checkpoint_timeout', 'commit_delay', 'data_checksums', 'deadlock_timeout', 'default_transaction_isolation',
  'effective_cache_size', 'effective_io_concurrency', 'fsync', 'full_page_writes', 'huge_pages',
  'huge_pages_status', 'idle_in_transaction_session_timeout', 'io_method', 'io_workers', 'jit',
  'log_min_duration_statement', 'log_statement', 'maintenance_io_concurrency', 'maintenance_work_mem',
  'max_connections', 'max_parallel_workers', 'max_parallel_workers_per_gather', 'max_wal_size',
  'max_worker_processes', 'min_wal_size', 'old_snapshot_threshold', 'random_page_cost', 'reserved_connections', 'server_version',
  'shared_buffers', 'shared_preload_libraries', 'superuser_reserved_connections', 'synchronous_commit',
  'synchronous_standby_names', 'temp_buffers', 'track_activities', 'track_counts', 'track_io_timing',
  'track_wal_io_timing', 'wal_buffers', 'wal_compression', 'wal_init_zero', 'wal_level', 'wal_sync_method',
  'wal_writer_delay', 'work_mem'";

/// And these by how they begin.
const FAMILIES: &str = "'^(autovacuum|vacuum_)'";

const PATIENCE: Duration = Duration::from_secs(10);

/// Reads them with units as `SHOW` prints them, as a connection of this configuration has them (a role or a
/// connection may have its own). Settings that the role may not see are left out.
///
/// # Errors
/// The server cannot be reached or does not answer; the text says why and what to do.
pub async fn settings(config: &PgConfig) -> Result<BTreeMap<String, String>, String> {
    let options = PgOptions { timeout: PATIENCE, ..PgOptions::default() };
    let postgres =
        Postgres::new(config.clone(), PoolMode::Dedicated, options).map_err(|error| error.to_string())?;
    let sql = format!(
        "SELECT /* snapbench probe */ name, current_setting(name, true) FROM pg_catalog.pg_settings \
         WHERE name IN ({NAMES}) OR name ~ {FAMILIES}"
    );
    let reply = postgres.session().run(&Statement::new("settings", &sql, Rule::Plain), &[]).await;
    if let Some(error) = reply.error {
        return Err(error.to_string());
    }
    let pairs = reply.rows.iter().filter_map(|row| Some((row.text(0)?.to_owned(), row.text(1)?.to_owned())));
    Ok(pairs.collect())
}
