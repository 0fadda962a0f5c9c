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
mod batch;
mod catalog;
mod checkout;
mod classify;
mod config;
mod connect_problem;
mod connection;
mod copy;
mod decode;
mod dial;
mod encode;
mod errand;
mod error;
mod ident;
mod numeric;
mod own;
mod passfile;
mod pipeline;
mod pipeline_driver;
mod pipelined;
mod pooled;
mod pooled_error;
mod pooled_rows;
mod pooled_wire;
mod postgres;
mod prepare;
mod reply;
mod rows;
mod session;
mod settings;
mod socket;
mod startup;
mod statement;
mod table;
mod table_sql;
mod time;
mod tls;
mod transaction;
mod types;
mod wire;

pub use classify::Class;
pub use config::{ConfigError, Host, PgConfig, Place, Secret, SslMode};
pub use connect_problem::ConnectProblem;
pub use copy::CopyTarget;
pub use error::{LostCause, PgError, ServerError, Stage};
pub use postgres::{PgOptions, PoolMode, Postgres};
pub use reply::Reply;
pub use rows::{Column, ColumnError, Description, Row, RowIter, Rows};
pub use session::Session;
pub use settings::ConfigProblem;
pub use statement::{Rule, Statement};
pub use table::{Claim, ClaimSpec, Table, TableError, TableSpec, Take};
pub use transaction::Isolation;
pub use types::PgType;

use ident::{quote, quote_path};
