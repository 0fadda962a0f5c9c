//! Probes of real servers and of this machine.

mod activity;
mod horizon;
mod host;
mod indexes;
mod locks;
mod losing;
mod progress;
mod rights;
mod settings;
mod statements;
mod tables;
mod tuples;
mod versions;
mod wal;
mod world;
