//! Faults that are done to a Postgres by way of SQL: a snapshot held open, a lock held, connections ended.
//!
//! Each is checked to have taken hold: a fault that did nothing would make a design look better than it is.
//! Deliberately absent: when they happen (`runner`), and what is done to servers as processes (`embed`).

mod hold_xmin;
mod kill_backends;
mod lock;

use std::time::Duration;

pub use hold_xmin::{HeldXmin, Horizon, hold_xmin};
pub use kill_backends::kill_backends;
pub use lock::{HeldLock, hold_lock};

use crate::Value;
use crate::pg::{PgConfig, PgOptions, PoolMode, Postgres, Rows, Rule, Session, Statement};

/// How long one statement of a fault may take; a lock is waited for as long.
const PATIENCE: Duration = Duration::from_secs(60);

/// Settings that would end an idle transaction before its time.
const UNHURRIED: &str = "SELECT set_config(name, '0', false) FROM pg_settings WHERE name IN \
     ('idle_in_transaction_session_timeout', 'idle_session_timeout', 'transaction_timeout', 'lock_timeout')";

fn session(config: &PgConfig) -> Result<Session, String> {
    let config = config.clone().with_application_name("snapbench fault");
    let postgres =
        Postgres::new(config, PoolMode::Dedicated, PgOptions { timeout: PATIENCE, ..PgOptions::default() });
    postgres.map(|postgres| postgres.session()).map_err(|error| error.to_string())
}

async fn ask(session: &Session, sql: &str, params: &[Value]) -> Result<Rows, String> {
    let reply = session.run(&Statement::new("fault", sql, Rule::Plain), params).await;
    match reply.error {
        Some(error) => Err(error.to_string()),
        None => Ok(reply.rows),
    }
}
