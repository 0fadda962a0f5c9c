//! Postgres: typed operations whose ends are data.
//!
//! A [`Postgres`] is one thread's access to a server; each VU takes a [`Session`] from it and runs
//! [`Statement`]s, which come back as [`Reply`]s with outcome, class, times and bytes. [`Table`] builds the
//! statements that scenarios mostly need.
//!
//! Three ways to a connection ([`PoolMode`]) stand behind one `Session`: two over a lean client of our own on
//! `postgres-protocol`, one over `deadpool-postgres`. All three pass the same list of tests.
//!
//! Deliberately absent: retries (a failure must be seen), recording, and anything of Rhai.

mod alarm;
mod classify;
mod config;
mod connect;
mod copy;
mod errand;
mod error;
mod fault;
mod home;
pub(crate) mod ident;
mod kept;
mod lean;
mod params;
mod pooled;
mod postgres;
mod reply;
mod rows;
mod session;
mod statement;
mod table;
mod transaction;
mod types;

pub use classify::Class;
pub use config::{ConfigError, ConfigProblem, Host, PgConfig, Place, Secret, SslMode};
pub use connect::problem::ConnectProblem;
pub use copy::CopyTarget;
pub use error::{LostCause, PgError, ServerError, Stage};
pub use pooled::{PoolGauge, PoolUse};
pub use postgres::{PgOptions, PoolMode, Postgres};
pub use reply::Reply;
pub use rows::{Column, ColumnError, Description, Row, RowIter, Rows};
pub use session::Session;
pub use statement::{Rule, Statement, is_destructive};
pub use table::{Claim, ClaimSpec, Table, TableError, TableSpec, Take};
pub use transaction::Isolation;
pub use types::PgType;

use ident::quote;
pub(crate) use ident::quote_path;
