//! Whether there is enough of what the run needs, before it starts: open files, connections, room on the disk.
//!
//! What is sure to be needed and is not there is an error; what may be needed is a warning. Both say what to raise.

use std::path::Path;

use drivers::pg::PoolMode;
use model::units::{format_bytes, format_count};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use script::{Diagnostic, FaultServer, ScenarioOptions};

use crate::{error::RunError, plan::Planned, prepare::Prepared, servers::Servers};

/// Files that the program itself holds open, each core's among them.
const OWN_FILES: u64 = 64;
const FILES_OF_A_CORE: u64 = 8;
/// Connections to Postgres of a service of our own.
pub(crate) const SERVICE_CONNECTIONS: usize = 32;
/// Connections of the stage and of first looks.
const OWN_CONNECTIONS: u64 = 8;
/// More connections than this an embedded server is not asked for.
const EMBEDDED_CONNECTIONS_AT_MOST: u64 = 5_000;
/// What a small Postgres has anyway.
const EMBEDDED_CONNECTIONS_AT_LEAST: u64 = 100;
/// Below this nothing useful can be written.
const ROOM_AT_LEAST: u64 = 16 << 20;
/// Below this a long run may not fit.
const ROOM_WANTED: u64 = 512 << 20;

/// What a run needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Needs {
    /// Virtual users that are there from the start.
    sure_vus: u64,
    /// Virtual users that there may be.
    most_vus: u64,
    /// Connections to Postgres that are sure to be opened, and that may be.
    sure_connections: u64,
    most_connections: u64,
    /// Connections to the store that may be open at once.
    store_connections: u64,
    /// Connections to the HTTP service that may be open at once.
    http_connections: u64,
    /// Connections to either that go through a proxy of ours, which has both ends of them.
    proxied_connections: u64,
    cores: u64,
}

impl Needs {
    /// What the plan needs of this machine and its servers.
    pub(crate) fn of(prepared: &Prepared) -> Self {
        let (sure_vus, most_vus) = vus(&prepared.planned);
        let cores = prepared.cores.value as u64;
        let beside = &prepared.options.probes;
        // Each part of the probe has a connection of its own; a fault has two at most.
        let probes =
            (beside.scripts.len() + beside.postgres.len() + 2 * prepared.planned.faults.len()) as u64;
        // One more than the cores can have: every core rounds its share up.
        let shared = |connections: usize| (connections as u64).max(cores);
        let (sure, most) = match prepared.options.postgres.pool {
            PoolMode::Dedicated => (sure_vus, most_vus),
            // Transactions, batches and copies run on as many again.
            PoolMode::Pipelined { connections } => (shared(connections), 2 * shared(connections)),
            PoolMode::Pooled { size } => (0, shared(size)),
        };
        let of_service = if prepared.starts_service() { SERVICE_CONNECTIONS as u64 } else { 0 };
        let of_postgres = |connections: u64| match &prepared.postgres {
            None => 0,
            Some(wanted) if wanted.for_users => connections + OWN_CONNECTIONS + probes + of_service,
            Some(_) => OWN_CONNECTIONS + probes + of_service,
        };
        let http_connections = prepared
            .http
            .as_ref()
            .map_or(0, |wanted| wanted.config.connections().map_or(most_vus, |shared| shared as u64 * cores));
        let store_connections = if prepared.stores.is_empty() { 0 } else { most_vus };
        let is_proxied = |server: FaultServer| {
            let mut on_the_wire = prepared.planned.faults.iter().filter_map(|fault| fault.fault.wire());
            on_the_wire.any(|(named, _)| named == server)
        };
        let proxied = [
            (FaultServer::Postgres, most),
            (FaultServer::Store, store_connections),
            (FaultServer::Service, http_connections),
        ];
        let proxied = proxied.into_iter().filter(|(server, _)| is_proxied(*server));
        Self {
            sure_vus,
            most_vus,
            sure_connections: of_postgres(sure),
            most_connections: of_postgres(most),
            http_connections,
            store_connections,
            proxied_connections: proxied.map(|(_, connections)| connections).sum(),
            cores,
        }
    }

    /// Connections that an embedded Postgres is told to accept.
    pub(crate) fn embedded_connections(&self) -> u32 {
        let wanted = self.most_connections.saturating_add(OWN_CONNECTIONS);
        let wanted = wanted.clamp(EMBEDDED_CONNECTIONS_AT_LEAST, EMBEDDED_CONNECTIONS_AT_MOST);
        u32::try_from(wanted).unwrap_or(u32::MAX)
    }

    fn files(&self) -> u64 {
        let of_servers = self.most_connections + self.store_connections + self.http_connections;
        OWN_FILES + self.cores * FILES_OF_A_CORE + of_servers + 2 * self.proxied_connections
    }
}

/// Virtual users of this segment that are there from the start, and at most.
fn vus(planned: &Planned) -> (u64, u64) {
    let stride = planned.plan.segment.stride();
    let share = |vus: u32| stride.count_below(u64::from(vus));
    let of = |scenario: &ScenarioOptions| {
        let most = share(scenario.executor.max_vus());
        let sure = scenario.executor.pre_allocated_vus().map_or(most, share);
        (sure, most)
    };
    let sum = |scenarios: &mut dyn Iterator<Item = &ScenarioOptions>| {
        scenarios.map(of).fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
    };
    let scenarios = || planned.scenarios.iter();
    let at_once = sum(&mut scenarios().filter(|one| one.turn.is_none() && one.step.is_none()));
    // Turns follow each other.
    let turns = scenarios().filter(|one| one.turn.is_some()).map(of);
    let in_turn = turns.fold((0, 0), |most, one| (most.0.max(one.0), most.1.max(one.1)));
    // So do steps, but the last iterations of one may go on into the next.
    let steps: Vec<(u64, u64)> = scenarios()
        .filter(|one| one.step.is_some())
        .collect::<Vec<_>>()
        .chunk_by(|a, b| number(a) == number(b))
        .map(|step| sum(&mut step.iter().copied()))
        .collect();
    let sure = steps.iter().map(|step| step.0).max().unwrap_or(0);
    let most = steps.iter().map(|step| step.1).max().unwrap_or(0);
    let two = steps.windows(2).map(|two| two[0].1 + two[1].1).max().unwrap_or(most);
    (at_once.0 + in_turn.0 + sure, at_once.1 + in_turn.1 + two)
}

fn number(scenario: &ScenarioOptions) -> Option<usize> {
    scenario.step.as_ref().map(|step| step.number)
}

/// What was found before the servers were started: problems end the run, warnings do not.
///
/// # Errors
/// [`RunError::NotEnough`] with everything that is missing.
pub(crate) fn machine(needs: &Needs, out: &Path) -> Result<Vec<String>, RunError> {
    let mut found = Found::default();
    files(needs, &mut found);
    cores(needs, &mut found);
    room(out, "the results", "name another folder with --out", &mut found);
    found.done()
}

/// What was found once the servers answered.
///
/// # Errors
/// [`RunError::NotEnough`] with everything that is missing.
pub(crate) fn servers(needs: &Needs, servers: &Servers) -> Result<Vec<String>, RunError> {
    let mut found = Found::default();
    if let Some(free) = servers.postgres_facts.as_ref().and_then(|facts| facts.free_connections()) {
        connections(needs, free, &mut found);
    }
    if let Some(folder) = servers.data_dir() {
        room(&folder, "the servers' data", "name another folder with SNAPBENCH_DATA_DIR", &mut found);
    }
    found.done()
}

#[derive(Debug, Default)]
struct Found {
    problems: Vec<Diagnostic>,
    warnings: Vec<String>,
}

impl Found {
    fn done(self) -> Result<Vec<String>, RunError> {
        if self.problems.is_empty() { Ok(self.warnings) } else { Err(RunError::NotEnough(self.problems)) }
    }

    /// A shortage: sure to be met, or only possible.
    fn shortage(&mut self, is_sure: bool, message: String, help: &str) {
        if is_sure {
            self.problems.push(Diagnostic::usage(message).help(help));
        } else {
            self.warnings.push(format!("{message}; {help}"));
        }
    }
}

fn cores(needs: &Needs, found: &mut Found) {
    let there = std::thread::available_parallelism().map_or(1, |there| there.get() as u64);
    if needs.cores > there {
        found.warnings.push(format!(
            "the load is spread over {} cores, and this machine has {there}: they take turns, and iterations begin late",
            needs.cores
        ));
    }
}

fn files(needs: &Needs, found: &mut Found) {
    let limit = getrlimit(Resource::Nofile);
    let allowed = raised(limit, needs.files());
    let Some(allowed) = allowed.filter(|allowed| *allowed < needs.files()) else { return };
    let message = format!(
        "{} open files are allowed, and {} virtual users may need {}",
        format_count(allowed),
        format_count(needs.most_vus),
        format_count(needs.files())
    );
    let help = format!(
        "raise the limit with `ulimit -n {}`, or use fewer virtual users or a shared pool",
        needs.files()
    );
    found.shortage(needs.sure_vus + OWN_FILES > allowed, message, &help);
}

/// The limit after it was raised as far as this process may; nothing when there is none.
fn raised(limit: Rlimit, wanted: u64) -> Option<u64> {
    let soft = limit.current?;
    if soft >= wanted {
        return Some(soft);
    }
    let target = limit.maximum.map_or(wanted, |hard| hard.min(wanted));
    let raised = setrlimit(Resource::Nofile, Rlimit { current: Some(target), maximum: limit.maximum });
    Some(if raised.is_ok() { target } else { soft })
}

fn connections(needs: &Needs, free: u64, found: &mut Found) {
    if needs.most_connections <= free {
        return;
    }
    let message = format!(
        "Postgres has {} connections free, and the run may need {}",
        format_count(free),
        format_count(needs.most_connections)
    );
    let help = "raise max_connections, use fewer virtual users, or share connections with postgres: #{ pool: \"pipelined\" }";
    found.shortage(needs.sure_connections > free, message, help);
}

fn room(folder: &Path, what: &str, remedy: &str, found: &mut Found) {
    // The folder may not be there yet; the nearest one that is tells.
    let existing = folder.ancestors().find(|folder| folder.exists());
    let existing = existing.filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let Ok(system) = rustix::fs::statvfs(existing) else { return };
    let free = system.f_bavail.saturating_mul(system.f_frsize);
    if free < ROOM_WANTED {
        let message =
            format!("{what} go to {}, where {} are free", folder.display(), format_bytes(free as f64));
        found.shortage(free < ROOM_AT_LEAST, message, &format!("make room, or {remedy}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEEDS: Needs = Needs {
        sure_vus: 10,
        most_vus: 200,
        sure_connections: 20,
        most_connections: 210,
        store_connections: 0,
        http_connections: 0,
        proxied_connections: 0,
        cores: 2,
    };

    #[test]
    fn what_is_sure_to_be_missing_is_an_error_and_what_may_be_a_warning() {
        let verdict = |free| {
            let mut found = Found::default();
            connections(&NEEDS, free, &mut found);
            found.done().map_err(|error| error.to_string())
        };
        assert_eq!(verdict(210), Ok(vec![]));
        assert_eq!(verdict(100).unwrap().len(), 1);
        assert_eq!(
            verdict(19).unwrap_err(),
            "Postgres has 19 connections free, and the run may need 210 (help: raise max_connections, use fewer \
             virtual users, or share connections with postgres: #{ pool: \"pipelined\" })"
        );
    }

    #[test]
    fn an_embedded_server_gets_what_the_run_needs_within_reason() {
        assert_eq!(NEEDS.embedded_connections(), 218);
        assert_eq!(Needs { most_connections: 3, ..NEEDS }.embedded_connections(), 100);
        assert_eq!(Needs { most_connections: 1_000_000, ..NEEDS }.embedded_connections(), 5_000);
    }

    #[test]
    fn a_limit_is_raised_as_far_as_it_goes() {
        // A limit that is high enough is left alone, so this changes nothing in the test's process.
        assert_eq!(raised(Rlimit { current: None, maximum: None }, 10), None);
        assert_eq!(raised(Rlimit { current: Some(100), maximum: Some(200) }, 50), Some(100));
    }

    #[test]
    fn room_is_looked_for_where_the_folder_will_be() {
        let mut found = Found::default();
        room(Path::new("/nonexistent/results"), "the results", "x", &mut found);
        room(Path::new("results"), "the results", "x", &mut found);
        assert!(found.problems.is_empty(), "{found:?}");
        if Path::new("/proc/self").exists() {
            // A file system without any room at all.
            room(Path::new("/proc/self/results"), "the results", "name another", &mut found);
            assert_eq!(found.problems.len(), 1, "{found:?}");
        }
    }
}
