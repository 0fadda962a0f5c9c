//! What a script keeps on a server, removed without a load: its `fn reset()` is called, as set-up is.
//!
//! Deliberately absent: what is removed. The script made it, so the script knows; a server that is thrown away behind
//! each run keeps nothing.

use script::{Diagnostic, Portable};
use serde_json::Value;

use crate::{
    detours::Detours,
    error::RunError,
    exit::ExitCode,
    interrupts::{Interrupts, Urgency},
    preflight::Needs,
    prepare::{Prepared, prepare},
    request::{LoadRequest, ResetRequest},
    run::wiring,
    servers,
    stage::{StageFailure, StageThread},
};

/// The function that a script may have.
pub(crate) const FUNCTION: &str = "reset";

/// What became of a reset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reset {
    /// Every server is thrown away behind each run: there is nothing to remove.
    NothingThere,
    /// The script's function ran to its end.
    Done {
        /// Where, one entry a server that is not ours.
        places: Vec<String>,
        /// What it removed, in its own words.
        removed: Vec<String>,
    },
}

/// Calls the script's `reset()` on the target.
///
/// # Errors
/// A script that is wrong or has no `reset()`, a target that does not permit it, a server that cannot be used, and what
/// the function itself throws.
pub fn reset(request: &ResetRequest, interrupts: &Interrupts) -> Result<Reset, RunError> {
    let prepared = prepare(&request.script, &LoadRequest::default(), &request.target)?;
    may_be_done(&prepared, request.yes)?;
    if prepared.is_all_embedded() {
        return Ok(Reset::NothingThere);
    }
    let servers = servers::start(&prepared, &Needs::of(&prepared))?;
    let wiring = wiring(&prepared, &servers, &Detours::default(), request.yes);
    let stage = StageThread::start(&prepared.program, &wiring, interrupts)?;
    let value = match stage.call(FUNCTION, None, Urgency::Finish, || {}) {
        Ok(value) => value,
        Err(StageFailure::Interrupted) => return Err(RunError::Interrupted),
        Err(StageFailure::Parameters(complaints)) => return Err(RunError::Wrong(complaints)),
        Err(StageFailure::Script(complaint)) => {
            let was_aborted = wiring.findings.aborted().is_some();
            let message = format!("{FUNCTION}() failed: {}", complaint.message);
            let code = code_of(&complaint, was_aborted);
            return Err(RunError::Call(code, Box::new(Diagnostic { message, ..*complaint })));
        }
    };
    let others = servers.records.iter().filter(|server| !server.embedded);
    Ok(Reset::Done {
        places: others.map(|server| server.endpoint.clone()).collect(),
        removed: removed(&value),
    })
}

/// The same codes as for what fails in a run.
fn code_of(complaint: &Diagnostic, was_aborted: bool) -> ExitCode {
    match complaint {
        _ if was_aborted => ExitCode::Aborted,
        complaint if complaint.by_server && !complaint.in_script => ExitCode::Other,
        _ => ExitCode::ScriptError,
    }
}

/// Whether the script can be reset, and may be on its target.
///
/// # Errors
/// [`RunError::Wrong`] with everything that is in the way.
pub(crate) fn may_be_done(prepared: &Prepared, yes: bool) -> Result<(), RunError> {
    let mut problems = Vec::new();
    if !prepared.program.has_function(FUNCTION) {
        let message = format!("{} has no function {FUNCTION}()", prepared.program.file());
        let help = "add `fn reset() { … }` that drops what setup() makes and returns what it removed, such as \
                    [\"table snapbench_heads\"]";
        problems.push(Diagnostic::usage(message).help(help));
    }
    if !yes && !prepared.permits_destruction() {
        let message = format!("{FUNCTION}() removes data, and the target does not permit that");
        let help = "say `allow_destructive: true` in the target, or --yes for this time";
        problems.push(Diagnostic::usage(message).help(help));
    }
    if problems.is_empty() { Ok(()) } else { Err(RunError::Wrong(problems)) }
}

/// What `reset()` returned, in words: a text, or an array of them. Nothing is named by `()`.
pub(crate) fn removed(value: &Portable) -> Vec<String> {
    let words = |value: &Portable| match value.to_json() {
        Value::String(text) => text,
        json => json.to_string(),
    };
    match value {
        Portable::Unit => Vec::new(),
        Portable::Array(all) => all.iter().map(words).collect(),
        one => vec![words(one)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_removed_is_a_text_or_several() {
        let text = |text: &str| Portable::Text(text.to_owned());
        assert_eq!(removed(&Portable::Unit), [""; 0]);
        assert_eq!(removed(&text("table a")), ["table a"]);
        assert_eq!(removed(&Portable::Array(vec![text("table a"), Portable::Int(3)])), ["table a", "3"]);
    }
}
