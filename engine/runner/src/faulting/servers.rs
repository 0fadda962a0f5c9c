//! Faults on servers as processes: on ours by signals, on others by the commands that their target names.

use std::time::Duration;

use embed::Faults;
use script::FaultServer;

use super::{FaultPlan, commands, lasting};
use crate::targets::{Action, ServerCommands};

/// A server that something can be done to. All of it blocks until it is done, save the time that a fault lasts.
pub(super) enum Breakable<'a> {
    Ours { name: FaultServer, server: &'a dyn Faults },
    Theirs { name: FaultServer, commands: &'a ServerCommands },
}

/// The server of this name.
///
/// # Errors
/// When it is not ours and its target names no commands.
pub(super) fn of<'a>(plan: &FaultPlan<'a>, name: FaultServer) -> Result<Breakable<'a>, String> {
    let postgres = plan.embedded.postgres.as_ref().map(|server| server as &dyn Faults);
    let stores = plan.embedded.stores.iter().map(|server| server as &dyn Faults);
    let service = plan.embedded.service.as_ref().map(|server| server as &dyn Faults);
    let mut ours = postgres.into_iter().chain(stores).chain(service);
    if let Some(server) = ours.find(|server| server.server() == name.as_str()) {
        return Ok(Breakable::Ours { name, server });
    }
    let commands = plan.commands.of(name);
    commands
        .map(|commands| Breakable::Theirs { name, commands })
        .ok_or_else(|| format!("this run started no {}", name.as_str()))
}

impl Breakable<'_> {
    /// Restarts it in good order.
    pub(super) fn restart(&self) -> Result<String, String> {
        match self {
            Self::Ours { name, server } => {
                let took = server.restart().map_err(|error| error.to_string())?;
                Ok(format!("{name} answered again after {}", millis(took)))
            }
            Self::Theirs { .. } => self.command(Action::Restart),
        }
    }

    /// Kills it, and starts it again. It was killed, whatever becomes of it: what that does to the load has taken hold.
    pub(super) async fn kill(&self, plan: &FaultPlan<'_>, lasts: Duration) -> Result<String, String> {
        if let Self::Ours { name, server } = self {
            server.kill9().map_err(|error| error.to_string())?;
            lasting(plan, lasts).await;
            return Ok(match server.restart() {
                Ok(took) => format!("{name} answered {} after it was started again", millis(took)),
                Err(error) => format!("{name} did not come back: {error}"),
            });
        }
        self.for_a_while((Action::Kill, Action::Start), plan, lasts).await
    }

    /// Lets it stand still, and go on.
    pub(super) async fn pause(&self, plan: &FaultPlan<'_>, lasts: Duration) -> Result<String, String> {
        if let Self::Ours { name, server } = self {
            server.pause().map_err(|error| error.to_string())?;
            lasting(plan, lasts).await;
            server.resume().map_err(|error| error.to_string())?;
            return Ok(format!("{name} went on"));
        }
        self.for_a_while((Action::Pause, Action::Resume), plan, lasts).await
    }

    /// One command, and after a while the one that undoes it: also when the first failed, as nobody knows how far it got.
    async fn for_a_while(
        &self,
        (begin, end): (Action, Action),
        plan: &FaultPlan<'_>,
        lasts: Duration,
    ) -> Result<String, String> {
        let began = self.command(begin);
        if began.is_ok() {
            lasting(plan, lasts).await;
        }
        let ended = self.command(end);
        match (began, ended) {
            (Ok(began), Ok(ended)) => Ok(format!("{began}; {ended}")),
            (Ok(began), Err(why)) => Ok(format!("{began}; it was not undone: {why}")),
            (Err(why), Ok(_)) => Err(why),
            (Err(why), Err(also)) => Err(format!("{why}; nor was it undone: {also}")),
        }
    }

    fn command(&self, action: Action) -> Result<String, String> {
        let Self::Theirs { name, commands } = self else {
            return Err("a server of ours needs no commands".to_owned());
        };
        let word = action.as_str();
        let Some(command) = commands.get(action) else {
            return Err(format!("the target names no command to {word} {name}"));
        };
        let told = commands::run(command, commands.limit);
        told.map(|said| format!("{word}: {said}")).map_err(|why| format!("{word}: {why}"))
    }
}

fn millis(took: Duration) -> String {
    model::units::format_duration(Duration::from_millis(u64::try_from(took.as_millis()).unwrap_or(u64::MAX)))
}
