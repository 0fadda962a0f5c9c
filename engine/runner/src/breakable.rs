//! Whether the faults of a script can be done to the servers of a run, before anything connects.
//!
//! Deliberately absent: whether somebody permits it (see `run`), and doing it (see `faulting`).

use drivers::s3::ClientKind;
use script::{Diagnostic, Fault, Options};

use crate::{
    targets::{Action, EMBEDDED, PostgresAt, Target},
    wanted::{WantedHttp, WantedPostgres, WantedStore},
};

/// What keeps faults from being done.
pub(crate) fn problems(
    options: &Options,
    target: &Target,
    (postgres, stores, http): (Option<&WantedPostgres>, &[WantedStore], Option<&WantedHttp>),
) -> Vec<Diagnostic> {
    let servers = Servers { target, postgres, stores, http };
    let of = |fault: &Fault| match (fault.server(), fault.wire()) {
        (Some(server), _) => servers.process(fault, server),
        (None, Some((server, _))) => servers.wire(fault.kind(), server),
        (None, None) => None,
    };
    options.faults.iter().filter_map(|fault| of(&fault.fault)).collect()
}

struct Servers<'a> {
    target: &'a Target,
    postgres: Option<&'a WantedPostgres>,
    stores: &'a [WantedStore],
    http: Option<&'a WantedHttp>,
}

impl Servers<'_> {
    /// Faults that are done to processes need a server of ours, or the commands of a target.
    fn process(&self, fault: &Fault, server: &str) -> Option<Diagnostic> {
        let kind = fault.kind();
        let ours = match server {
            "postgres" => {
                usize::from(self.postgres.is_some_and(|wanted| matches!(wanted.at, PostgresAt::Embedded)))
            }
            "service" => usize::from(self.http.is_some_and(|wanted| wanted.service.is_some())),
            _ => self.stores.iter().filter(|wanted| wanted.is_embedded).count(),
        };
        if ours > 1 {
            let told = Diagnostic::usage(format!("fault `{kind}`: this run has several stores of its own"));
            return Some(
                told.help("faults are done to a run's only store: leave the fault out, or name one store"),
            );
        }
        if ours == 1 {
            return None;
        }
        let action = match fault {
            Fault::Restart { .. } => Action::Restart,
            Fault::Kill { .. } => Action::Kill,
            _ => Action::Pause,
        };
        let is_used = match server {
            "postgres" => self.postgres.is_some(),
            "service" => false,
            _ => matches!(self.stores, [only] if only.name.is_none()),
        };
        let commands = self.target.faults.of(server).filter(|_| is_used);
        if commands.is_some_and(|commands| commands.get(action).is_some()) {
            return None;
        }
        let told = format!("fault `{kind}`: this run starts no {server} of its own");
        Some(if is_used {
            let name = &self.target.name.value;
            let undo = match action {
                Action::Kill => ", start: \"…\"",
                Action::Pause => ", resume: \"…\"",
                _ => "",
            };
            Diagnostic::usage(format!("{told}, and target `{name}` names no command to {kind} it")).help(format!(
                "give the target in targets.yaml `faults: {{ {server}: {{ {kind}: \"…\"{undo} }} }}`, or use --target {EMBEDDED}"
            ))
        } else {
            Diagnostic::usage(told).help(format!(
                "a script that uses {server} gets one with --target {EMBEDDED}; leave the fault out elsewhere"
            ))
        })
    }

    /// Faults on the wire need somebody at its other end, and a client that can be led through a proxy.
    fn wire(&self, kind: &str, server: &str) -> Option<Diagnostic> {
        let told = |what: &str| Diagnostic::usage(format!("fault `{kind}`: {what}"));
        match (server, self.stores) {
            ("postgres", _) if self.postgres.is_some() => None,
            ("postgres", _) => Some(
                told("the script talks to no postgres").help("leave it out, or say which: server: \"store\""),
            ),
            (_, [only]) if only.config.client() == ClientKind::Lean => None,
            (_, [_]) => Some(
                told("the sdk client cannot be led through a proxy")
                    .help("faults on the wire need `client: lean` (--s3-client lean)"),
            ),
            (_, []) => Some(
                told("the script talks to no store").help("leave it out, or say which: server: \"postgres\""),
            ),
            _ => Some(
                told("this run talks to several stores")
                    .help("faults are done to a run's only store: leave the fault out, or name one store"),
            ),
        }
    }
}
