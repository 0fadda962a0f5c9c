//! `show`: quantities as people read them, for the tables of `report(r)` and for messages.

use rhai::{Dynamic, plugin::*};

use crate::{context::failure, engine::EvalError, settings::as_number};

fn number(value: &Dynamic, of: &str) -> Result<f64, EvalError> {
    as_number(value).ok_or_else(|| failure(&format!("show::{of} takes a number, not {}", value.type_name())))
}

/// Quantities as people read them. `()` becomes `-`: nothing was measured.
#[export_module]
pub(crate) mod show_api {
    /// A whole number with its thousands apart: `10,000`.
    #[rhai_fn(return_raw)]
    pub fn count(value: Dynamic) -> Result<String, EvalError> {
        shown(&value, "count", |count| model::units::format_count(count.round() as u64))
    }

    /// A size: `9.5 MB`.
    ///
    /// ```rhai
    /// let heap = r.series["snapbench_run_head.heap_bytes"];
    /// [show::bytes(heap.first), show::bytes(heap.last)]
    /// ```
    #[rhai_fn(return_raw)]
    pub fn bytes(value: Dynamic) -> Result<String, EvalError> {
        shown(&value, "bytes", model::units::format_bytes)
    }

    /// A length of time in milliseconds: `12.3ms`, `1.25s`.
    #[rhai_fn(return_raw)]
    pub fn ms(value: Dynamic) -> Result<String, EvalError> {
        shown(&value, "ms", |ms| model::units::format_latency_us(ms * 1e3))
    }

    /// A share between 0 and 1: `96.9%`.
    #[rhai_fn(return_raw)]
    pub fn percent(value: Dynamic) -> Result<String, EvalError> {
        shown(&value, "percent", model::units::format_percent)
    }

    /// So many a second: `2,523/s`.
    #[rhai_fn(return_raw)]
    pub fn rate(value: Dynamic) -> Result<String, EvalError> {
        shown(&value, "rate", model::units::format_rate)
    }
}

fn shown(value: &Dynamic, of: &str, words: impl FnOnce(f64) -> String) -> Result<String, EvalError> {
    if value.is_unit() { Ok("-".to_owned()) } else { Ok(words(number(value, of)?)) }
}
