//! Probes: what is seen of a server and of the host while the load runs.
//!
//! A probe is asked for one look at a time, by somebody who owns the clock, and gives a [`Harvest`]: samples,
//! things that happened, what cannot be read, and whether the look failed. A look never ends anything: a lost
//! connection is made again at the next one, a missing right degrades to what can be read and is told once.
//!
//! - [`PgProbe`] samples one [`PgPart`] of a Postgres over a connection of its own.
//! - [`HostProbe`] samples the machine, this process, and trees of processes on the same machine.
//! - [`settings`] reads the settings that decide what a server's figures mean.
//!
//! Deliberately absent: timing, threads, recording, thresholds. A probe neither knows when it is asked next nor
//! what becomes of its samples.

mod counters;
mod harvest;
mod host;
mod pg;

pub use harvest::{Harvest, Sample};
pub use host::{HostPlan, HostProbe};
pub use pg::settings::settings;
pub use pg::{APPLICATION_NAME, PgPart, PgPlan, PgProbe};
