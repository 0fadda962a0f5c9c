//! `clock`: the run's own clock.

use std::time::{SystemTime, UNIX_EPOCH};

use rhai::{NativeCallContext, plugin::*};

use super::timestamp::Timestamp;
use crate::{
    context::{self, placed},
    engine::EvalError,
};

/// The run's clock and the calendar.
#[export_module]
pub(crate) mod clock_api {
    /// Milliseconds since the run began, with fractions; the axis of every chart.
    ///
    /// ```rhai
    /// let began = clock::now_ms();
    /// queue::pop(vu.shared, 1);
    /// metric::trend("pop and think", clock::now_ms() - began);
    /// ```
    #[rhai_fn(return_raw)]
    pub fn now_ms(call: NativeCallContext<'_>) -> Result<f64, EvalError> {
        placed(&call, || context::required("clock::now_ms", |c| Ok(c.core.now_ns() as f64 / 1e6)))
    }

    /// The time of day, as a value that `timestamptz` columns take.
    pub fn now() -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp { unix_us: i64::try_from(since.as_micros()).unwrap_or(i64::MAX) }
    }
}
