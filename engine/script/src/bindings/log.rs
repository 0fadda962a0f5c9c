//! `log`: lines on standard error, with the script's place in the run.

use rhai::plugin::*;

use crate::context;

/// Who speaks, for the log's prefix.
fn speaker() -> String {
    context::with(|c| match c.scenario {
        Some(s) => format!("{} vu={}", c.core.wiring.scenarios[s].name, c.vu_number),
        None => "script".to_owned(),
    })
    .unwrap_or_else(|| "script".to_owned())
}

/// Log lines. They go to standard error.
#[export_module]
pub(crate) mod log_api {
    use rhai::Dynamic;

    /// Something a reader of the log wants to know.
    ///
    /// For whoever debugs the script there is Rhai's own `debug(value)`: a line with its place in the script, which
    /// only `-v` shows.
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
}
