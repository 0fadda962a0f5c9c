//! Scripts as their authors meet them: what is refused and how it is said, what is run and what it leaves behind.

#![allow(
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a story that cannot go on fails where it stands"
)]

mod beside;
mod comparing;
mod data_files;
mod diagnostics;
mod entities;
mod entity_life;
mod feedback;
mod guides;
mod http;
mod leases;
mod ledgers;
mod limits;
mod loading;
mod many_keys;
mod modules;
mod objects;
mod proxy;
mod queue_ledger;
mod randomness;
mod replays;
mod servers;
mod store_ledger;
mod sweeping;
mod tools;
mod traces;
mod users;
mod web;
