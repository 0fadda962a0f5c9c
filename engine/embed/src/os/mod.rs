//! The operating system's side: processes and their families, users, folders that belong to one run.
//!
//! Knows no Postgres and no object store.

pub(crate) mod cache;
pub(crate) mod family;
pub(crate) mod process;
pub(crate) mod random;
pub(crate) mod run_dir;
pub(crate) mod server;
pub(crate) mod shared_memory;
pub(crate) mod signals;
pub(crate) mod spawner;
pub(crate) mod storage;
pub(crate) mod text;
pub(crate) mod tool;
pub(crate) mod tree;
pub(crate) mod user;
