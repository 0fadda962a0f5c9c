//! Whether the faults of a script can be done to the servers of a run, before anything connects.
//!
//! Deliberately absent: whether somebody permits it (see `run`), and doing it (see `faulting`).

use drivers::s3::ClientKind;
use script::{Diagnostic, Fault, FaultServer, Options};

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
    fn process(&self, fault: &Fault, server: FaultServer) -> Option<Diagnostic> {
        let kind = fault.kind();
        let ours = match server {
            FaultServer::Postgres => {
                usize::from(self.postgres.is_some_and(|wanted| matches!(wanted.at, PostgresAt::Embedded)))
            }
            FaultServer::Service => usize::from(self.http.is_some_and(|wanted| wanted.service.is_some())),
            FaultServer::Store => self.stores.iter().filter(|wanted| wanted.is_embedded).count(),
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
            FaultServer::Postgres => self.postgres.is_some(),
            FaultServer::Service => self.http.is_some_and(WantedHttp::is_external),
            FaultServer::Store => matches!(self.stores, [only] if only.name.is_none()),
        };
        let commands = self.target.faults.of(server).filter(|_| is_used);
        if commands.is_some_and(|commands| commands.get(action).is_some()) {
            return None;
        }
        Some(if is_used { self.no_command(action, server) } else { nobody(kind, server) })
    }

    /// The server is not ours, and nobody says how to do that to it.
    fn no_command(&self, action: Action, server: FaultServer) -> Diagnostic {
        let (kind, name, target) = (action.as_str(), server.as_str(), &self.target.name.value);
        let undo = match action {
            Action::Kill => ", start: \"…\"",
            Action::Pause => ", resume: \"…\"",
            _ => "",
        };
        let or = match server {
            FaultServer::Service => own_service(),
            _ => format!("use --target {EMBEDDED}"),
        };
        Diagnostic::usage(format!(
            "fault `{kind}`: this run starts no {name} of its own, and target `{target}` names no command to {kind} it"
        ))
        .help(format!("give the target in targets.yaml `faults: {{ {name}: {{ {kind}: \"…\"{undo} }} }}`, or {or}"))
    }

    /// Faults on the wire need somebody at its other end, and a client that can be led through a proxy.
    fn wire(&self, kind: &str, server: FaultServer) -> Option<Diagnostic> {
        let told =
            |what: &str, help: &str| Some(Diagnostic::usage(format!("fault `{kind}`: {what}")).help(help));
        let others = FaultServer::ALL.into_iter().filter(|other| *other != server && self.talks_to(*other));
        let others: Vec<String> = others.map(|other| format!("server: \"{}\"", other.as_str())).collect();
        let leave = match &others[..] {
            [] => "leave it out".to_owned(),
            others => format!("leave it out, or say which: {}", others.join(" or ")),
        };
        match (server, self.stores) {
            _ if !self.talks_to(server) => match server {
                FaultServer::Postgres => told("the script talks to no postgres", &leave),
                FaultServer::Store => told("the script talks to no store", &leave),
                FaultServer::Service if self.http.is_some() => told(
                    "the script asks whole URLs alone, which no proxy comes before",
                    &format!(
                        "give the service's address with --http-url and ask for paths, or {}",
                        own_service()
                    ),
                ),
                FaultServer::Service => told("the script talks to no HTTP service", &leave),
            },
            (FaultServer::Store, [only]) if only.config.client() != ClientKind::Lean => told(
                "the sdk client cannot be led through a proxy",
                "faults on the wire need `client: lean` (--s3-client lean)",
            ),
            (FaultServer::Store, [_, _, ..]) => told(
                "this run talks to several stores",
                "faults are done to a run's only store: leave the fault out, or name one store",
            ),
            _ => None,
        }
    }

    /// Whether there is such a server; of a service, whether it is one and not whatever whole URLs name.
    fn talks_to(&self, server: FaultServer) -> bool {
        match server {
            FaultServer::Postgres => self.postgres.is_some(),
            FaultServer::Store => !self.stores.is_empty(),
            FaultServer::Service => {
                self.http.is_some_and(|wanted| wanted.service.is_some() || wanted.is_external())
            }
        }
    }
}

/// Neither ours nor anybody's: the script does not talk to it.
fn nobody(kind: &str, server: FaultServer) -> Diagnostic {
    let name = server.as_str();
    let help = match server {
        FaultServer::Service => format!("{}; leave the fault out elsewhere", own_service()),
        _ => format!(
            "a script that uses {name} gets one with --target {EMBEDDED}; leave the fault out elsewhere"
        ),
    };
    Diagnostic::usage(format!("fault `{kind}`: this run starts no {name} of its own")).help(help)
}

/// How a run comes to a service of its own.
fn own_service() -> String {
    format!("have one started by `http: #{{ service: \"queue-api\" }}` with --target {EMBEDDED}")
}
