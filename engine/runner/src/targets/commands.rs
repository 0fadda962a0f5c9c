//! What a target says about breaking its servers: commands for those that are not ours.
//!
//! Deliberately absent: running them (see `faulting`), and permission (`allow_destructive`).

use std::time::Duration;

use script::FaultServer;

use super::{
    fields::{Fields, Placed, Problems},
    tree::{Node, Value},
};

/// How long a command may take when nobody says.
const LIMIT: Duration = Duration::from_secs(60);

/// What a command does to its server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Restarts it in good order.
    Restart,
    /// Ends it at once.
    Kill,
    /// Starts it after that.
    Start,
    /// Makes it stand still.
    Pause,
    /// Lets it go on.
    Resume,
}

impl Action {
    const ALL: [Self; 5] = [Self::Restart, Self::Kill, Self::Start, Self::Pause, Self::Resume];

    /// Its key in a target file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Restart => "restart",
            Self::Kill => "kill",
            Self::Start => "start",
            Self::Pause => "pause",
            Self::Resume => "resume",
        }
    }
}

/// The commands for one server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerCommands {
    named: Vec<(Action, String)>,
    /// How long each may take.
    pub limit: Duration,
}

/// The commands of a target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FaultCommands {
    /// For its Postgres.
    pub postgres: Option<ServerCommands>,
    /// For its object store.
    pub store: Option<ServerCommands>,
    /// For its HTTP service.
    pub service: Option<ServerCommands>,
}

impl ServerCommands {
    /// The command for this, if it is named.
    #[must_use]
    pub fn get(&self, action: Action) -> Option<&str> {
        let found = self.named.iter().find(|(named, _)| *named == action);
        found.map(|(_, command)| command.as_str())
    }
}

impl FaultCommands {
    /// Those for a server.
    #[must_use]
    pub fn of(&self, server: FaultServer) -> Option<&ServerCommands> {
        match server {
            FaultServer::Postgres => self.postgres.as_ref(),
            FaultServer::Store => self.store.as_ref(),
            FaultServer::Service => self.service.as_ref(),
        }
    }
}

/// Reads `faults:` of a target.
pub(super) fn commands(target: &str, node: &Node, problems: &mut Problems<'_>) -> FaultCommands {
    let name = format!("`faults` of target `{target}`");
    let known = FaultServer::ALL.map(FaultServer::as_str);
    let hint = |key: &str| {
        (key == "http").then_some("the HTTP service is called `service` where something is done to it")
    };
    let fields = Fields::of(node, &name, &known, hint, problems);
    let mut of = |server: FaultServer| {
        let server = server.as_str();
        fields.node(server).map(|node| of_server(&format!("`{server}` of {name}"), node, problems))
    };
    FaultCommands {
        postgres: of(FaultServer::Postgres),
        store: of(FaultServer::Store),
        service: of(FaultServer::Service),
    }
}

fn of_server(name: &str, node: &Node, problems: &mut Problems<'_>) -> ServerCommands {
    const KNOWN: [&str; 6] = ["restart", "kill", "start", "pause", "resume", "timeout"];
    let fields = Fields::of(node, name, &KNOWN, |_| None, problems);
    let mut named = Vec::new();
    for action in Action::ALL {
        let Some(Placed { value, location }) = fields.text(action.as_str(), problems) else { continue };
        if value.trim().is_empty() {
            let message = format!("`{}` of {name} is no command", action.as_str());
            problems.add(location, message, "write what a shell can run, or leave it out");
        }
        named.push((action, value));
    }
    let has = |action| named.iter().any(|(named, _)| *named == action);
    for (begins, ends) in [(Action::Kill, Action::Start), (Action::Pause, Action::Resume)] {
        if has(begins) && !has(ends) && matches!(node.value, Value::Map(_)) {
            let message = format!("{name} has a `{}` and no `{}`", begins.as_str(), ends.as_str());
            problems.add(fields.location, message, "a fault ends as well: name the command that undoes it");
        }
    }
    let limit = fields.text("timeout", problems).and_then(|Placed { value, location }| {
        let limit = model::units::parse_duration(&value).ok().filter(|limit| !limit.is_zero());
        if limit.is_none() {
            let message = format!("`timeout` of {name} is `{value}`, which is no length of time above 0");
            problems.add(location, message, "write for example timeout: 90s");
        }
        limit
    });
    ServerCommands { named, limit: limit.unwrap_or(LIMIT) }
}
