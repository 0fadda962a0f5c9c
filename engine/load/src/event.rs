//! What a run tells while it goes. Views are made of these elsewhere.

use std::sync::Arc;

use model::recorder::Interval;

use crate::{phase::Phase, time::Epoch};

/// One thing that happened. Times are nanoseconds since the run's epoch.
#[derive(Debug)]
pub enum Event {
    /// Every core is ready and the clock runs: the first event of a run in real time.
    Started {
        /// The instant from which times count.
        epoch: Epoch,
        /// How long after the epoch the last core became ready. Not 0 only when an agreed start could not be met.
        late_ns: u64,
        /// How coarse the alarm is that releases arrivals (0: as precise as the kernel's timers).
        coarseness_ns: u64,
    },
    /// A phase begins.
    Phase {
        /// Which.
        phase: Phase,
        /// When. Warm-up and measured window begin when they were planned to.
        at_ns: u64,
    },
    /// What one core recorded, once a second and at the end.
    Interval(Box<Interval>),
    /// Something to draw on the time axis: a scenario begins or ends, the run is stopped, turns are cut off.
    Mark {
        /// When.
        at_ns: u64,
        /// What, in words.
        text: String,
    },
    /// A scenario that holds a value has decided its rate.
    Rate {
        /// The scenario's name.
        scenario: Arc<str>,
        /// From when on.
        at_ns: u64,
        /// The rate, per second, over all cores and segments.
        rate: f64,
    },
    /// A VU panicked. It ended alone; its place is filled again when its executor needs it. Sent for the first of
    /// each distinct message on a core; the recorder counts them all.
    Panic {
        /// The scenario's name.
        scenario: Arc<str>,
        /// The VU's number.
        vu: u64,
        /// When.
        at_ns: u64,
        /// What the panic said.
        message: String,
    },
    /// A core has ended all its VUs and has sent its last interval.
    CoreDone {
        /// Which.
        core: usize,
        /// When.
        at_ns: u64,
    },
}
