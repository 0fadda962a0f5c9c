//! What a run tells while it goes.

use report::progress::Tick;

/// One step of a run, for whoever watches.
#[derive(Clone, Debug)]
pub enum Progress {
    /// A phase begins: `start`, `setup`, `warm-up`, `measure`, `drain`, `verify`, `teardown` of a run; `start`, `check`,
    /// `cleanup` of a store's check.
    Phase(&'static str),
    /// How the load stands, about once a second.
    Tick(Tick),
    /// How far long work outside of the load has come: what it is, how much is done, of how much.
    Work(String, u64, u64),
    /// Something worth a line.
    Note(String),
    /// Something the reader should know before believing the figures.
    Warning(String),
}
