//! The control port: how somebody outside sees a run, changes its VUs, pauses and stops it while it goes.
//!
//! HTTP with k6's paths and words, so that what speaks to k6 speaks to it: `GET /v1/status` says how the run stands,
//! `PATCH /v1/status` changes it. `serve` answers, `words` is the JSON, `ask` is the other end (`snapbench scale`).
//!
//! Deliberately absent: a lock on the door. Whoever reaches the port may stop the run, so it is on the loopback unless
//! another address is named, and there is none unless it is asked for.

mod ask;
mod serve;
#[cfg(test)]
mod tests;
mod words;

use std::{
    io,
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use load::{control::Control, dial::Dial, executor::Executor};
use script::Diagnostic;

pub use self::{
    ask::ask,
    words::{Status, Wish},
};
pub(crate) use serve::{PATH, serve};

use crate::{error::RunError, prepare::Prepared, request::RunRequest};

/// Where k6 has its control port.
pub const CONTROL_ADDRESS: &str = "127.0.0.1:6565";

/// What the port speaks for.
#[derive(Clone, Debug)]
pub(crate) struct Steered {
    pub(crate) control: Arc<Control>,
    /// Of the scenario that is externally controlled, if there is one.
    pub(crate) dial: Option<Arc<Dial>>,
    /// Set when somebody wants the run to end.
    pub(crate) is_stopped: Arc<AtomicBool>,
}

impl Steered {
    fn status(&self) -> Status {
        let setting = self.dial.as_ref().map(|dial| dial.setting());
        Status {
            phase: self.control.phase().as_str().to_owned(),
            vus: setting.map(|setting| setting.vus),
            max_vus: self.dial.as_ref().map(|dial| dial.max_vus()),
            paused: setting.is_some_and(|setting| setting.is_paused),
            stopped: self.is_stopped(),
        }
    }

    /// Whether somebody wants the run to end.
    pub(crate) fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::Acquire)
    }

    /// Does what is wished for, or says why not; nothing is done then.
    fn fulfil(&self, wish: Wish) -> Result<Status, String> {
        if wish.vus.is_some() || wish.paused.is_some() {
            let dial = self
                .dial
                .as_ref()
                .ok_or("no scenario of this run is externally-controlled: it can be stopped")?;
            dial.turn(wish.vus, wish.paused).map_err(|e| e.to_string())?;
        }
        if wish.stopped == Some(true) {
            self.is_stopped.store(true, Ordering::Release);
        }
        Ok(self.status())
    }
}

/// Opens the port that the request names, before anything is started.
///
/// # Errors
/// When it cannot be opened, and when a scenario needs one and none is named.
pub(crate) fn open(prepared: &Prepared, request: &RunRequest) -> Result<Option<TcpListener>, RunError> {
    let Some(typed) = &request.control else {
        let is_controlled =
            |s: &&script::ScenarioOptions| matches!(s.executor, Executor::ExternallyControlled(_));
        return match prepared.planned.scenarios.iter().find(is_controlled) {
            None => Ok(None),
            Some(scenario) => {
                let message = format!(
                    "scenario {}: it is controlled from outside, and the run has no control port",
                    scenario.name
                );
                let help = format!(
                    "open one with --control {CONTROL_ADDRESS}, and speak to it with `snapbench scale`"
                );
                Err(RunError::Wrong(vec![Diagnostic::usage(message).help(help)]))
            }
        };
    };
    let address = address(typed);
    let listener = TcpListener::bind(&address).and_then(|listener| {
        listener.set_nonblocking(true)?;
        Ok(listener)
    });
    listener.map(Some).map_err(|e| {
        let (problem, help) = match e.kind() {
            io::ErrorKind::AddrInUse => {
                ("another program has it".to_owned(), "end that run, or name another port with --control")
            }
            _ => (e.to_string(), "name an address of this machine, such as --control 127.0.0.1:6565"),
        };
        let message = format!("the control port {address} cannot be opened: {problem}");
        RunError::server(Diagnostic::usage(message).help(help))
    })
}

/// An address as it is typed: a port alone is one of this machine's loopback.
fn address(typed: &str) -> String {
    let port = typed.strip_prefix(':').unwrap_or(typed);
    if port.parse::<u16>().is_ok() { format!("127.0.0.1:{port}") } else { typed.to_owned() }
}
