//! Whether there is enough of what the run needs, before it starts: open files, connections, room on the disk.
//!
//! What is sure to be needed and is not there is an error; what may be needed is a warning. Both say what to raise.

use std::path::Path;

use drivers::pg::PoolMode;
use load::executor::Executor;
use model::units::{format_bytes, format_count};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use script::{Diagnostic, ScenarioOptions};

use crate::{error::RunError, plan::Planned, prepare::Prepared, servers::Servers};

/// Files that the program itself holds open, each core's among them.
const OWN_FILES: u64 = 64;
const FILES_OF_A_CORE: u64 = 8;
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
        let uses_postgres = prepared.postgres.is_some();
        let of_postgres =
            |connections: u64| if uses_postgres { connections + OWN_CONNECTIONS + probes } else { 0 };
        Self {
            sure_vus,
            most_vus,
            sure_connections: of_postgres(sure),
            most_connections: of_postgres(most),
            store_connections: if prepared.stores.is_empty() { 0 } else { most_vus },
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
        OWN_FILES + self.cores * FILES_OF_A_CORE + self.most_connections + self.store_connections
    }
}

/// Virtual users of this segment that are there from the start, and at most.
fn vus(planned: &Planned) -> (u64, u64) {
    let stride = planned.plan.segment.stride();
    let share = |vus: u32| stride.count_below(u64::from(vus));
    let of = |scenario: &ScenarioOptions| {
        let most = share(scenario.executor.max_vus());
        let sure = match &scenario.executor {
            Executor::ArrivalRate(open) => share(open.pre_allocated_vus),
            _ => most,
        };
        (sure, most)
    };
    let (turns, others): (Vec<_>, Vec<_>) =
        planned.scenarios.iter().partition(|scenario| scenario.turn.is_some());
    let at_once = others.into_iter().map(of).fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    // Turns follow each other.
    let in_turn = turns.into_iter().map(of).fold((0, 0), |most, one| (most.0.max(one.0), most.1.max(one.1)));
    (at_once.0 + in_turn.0, at_once.1 + in_turn.1)
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
