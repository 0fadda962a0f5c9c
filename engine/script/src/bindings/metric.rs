//! `metric`: what the script itself counts and measures.

use model::{recorder::MetricKind, threshold::BUILT_IN_METRICS};
use rhai::{Dynamic, NativeCallContext, plugin::*};

use crate::{
    context::{self, failure, placed},
    engine::EvalError,
};

#[allow(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn number(value: &Dynamic) -> Result<f64, EvalError> {
    let number = value.as_int().map(|i| i as f64).or_else(|_| value.as_float());
    match number {
        Ok(n) if n.is_finite() => Ok(n),
        _ => Err(failure(&format!("a metric takes a finite number, not {value}"))),
    }
}

fn observe(name: &str, kind: MetricKind, value: f64) -> Result<(), EvalError> {
    if BUILT_IN_METRICS.contains(&name) {
        return Err(failure(&format!("every run has a metric `{name}`: give yours another name")));
    }
    context::required("metric", |c| {
        let mut recorder = c.core.recorder.borrow_mut();
        let metric = recorder.metric(name, kind).map_err(|clash| failure(&clash.to_string()))?;
        recorder.observe(c.window.get(), metric, value);
        Ok(())
    })
}

/// Metrics of your own: they appear in the summary, the timeline and thresholds under their name.
#[export_module]
pub(crate) mod metric_api {
    /// Adds to a counter.
    ///
    /// ```rhai
    /// metric::counter("items", reply.affected);
    /// ```
    #[rhai_fn(return_raw)]
    pub fn counter(call: NativeCallContext<'_>, name: &str, add: Dynamic) -> Result<(), EvalError> {
        placed(&call, || {
            let value = number(&add)?;
            observe(name, MetricKind::Counter, value)
        })
    }

    /// Sets a gauge: the last value counts; smallest and largest are kept.
    #[rhai_fn(return_raw)]
    pub fn gauge(call: NativeCallContext<'_>, name: &str, value: Dynamic) -> Result<(), EvalError> {
        placed(&call, || {
            let value = number(&value)?;
            observe(name, MetricKind::Gauge, value)
        })
    }

    /// Counts how often something was true.
    #[rhai_fn(return_raw)]
    pub fn rate(call: NativeCallContext<'_>, name: &str, hit: bool) -> Result<(), EvalError> {
        placed(&call, || observe(name, MetricKind::Rate, f64::from(u8::from(hit))))
    }

    /// Adds a value to a distribution: percentiles are reported.
    #[rhai_fn(return_raw)]
    pub fn trend(call: NativeCallContext<'_>, name: &str, value: Dynamic) -> Result<(), EvalError> {
        placed(&call, || {
            let value = number(&value)?;
            observe(name, MetricKind::Trend, value)
        })
    }
}
