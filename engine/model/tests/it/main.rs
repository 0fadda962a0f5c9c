//! Properties of the model that must hold for every input, checked on many.

#![allow(
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a story that cannot go on fails where it stands"
)]

mod histograms;
mod hostile;
mod ledger_lives;
mod ledger_worlds;
mod ledgers;
mod queue_ledger;
mod queue_oracle;
mod queue_world;
mod schedules;
mod shapes;
mod store_ledger;
mod store_oracle;
mod store_world;
mod thresholds;
