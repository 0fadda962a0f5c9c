//! `log`: lines on standard error, with the script's place in the run.

use rhai::plugin::*;

use crate::context;

/// Who speaks, for the log's prefix.
fn speaker() -> String {
    context::with(|c| match c.scenario {
        Some(s) => format!("{} vu={}", c.core.wiring.scenarios[s], c.vu_number),
        None => "script".to_owned(),
    })
    .unwrap_or_else(|| "script".to_owned())
}

/// Log lines. They go to standard error; `-v` shows `debug` too.
#[export_module]
pub(crate) mod log_api {
    use rhai::Dynamic;

    /// Something a reader of the log wants to know.
    ///
    /// ```rhai
    /// log::info(`prefilled ${rows} items`);
    /// ```
    pub fn info(message: Dynamic) {
        tracing::info!(target: "script", "{}: {message}", speaker());
    }

    /// Something that is probably wrong.
    pub fn warn(message: Dynamic) {
        tracing::warn!(target: "script", "{}: {message}", speaker());
    }

    /// Something for whoever debugs the script.
    pub fn debug(message: Dynamic) {
        tracing::debug!(target: "script", "{}: {message}", speaker());
    }
}
