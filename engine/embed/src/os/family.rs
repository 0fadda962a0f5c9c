//! A server's whole family of processes, for signals that must reach all of it.
//!
//! The process group alone will not do: every Postgres backend makes a session of its own, so a signal to the
//! group reaches the postmaster only.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::process::{ProcessId, Row, snapshot};

/// The leader, its descendants and its process group, as they are now (zombies left out). Empty once the
/// leader is gone: its group may since have come to belong to strangers, so see [`orphans`].
pub(crate) fn members(leader: ProcessId) -> Vec<ProcessId> {
    pick(&snapshot(), leader)
}

fn pick(table: &HashMap<u32, Row>, leader: ProcessId) -> Vec<ProcessId> {
    if table.get(&leader.pid).is_none_or(|row| row.id != leader) {
        return Vec::new();
    }
    let mut family = HashSet::from([leader.pid]);
    family.extend(table.values().filter(|row| row.group == leader.pid).map(|row| row.id.pid));
    loop {
        let before = family.len();
        let children = table.values().filter(|row| family.contains(&row.parent)).map(|row| row.id.pid);
        family.extend(children.collect::<Vec<_>>());
        if family.len() == before {
            break;
        }
    }
    let alive = |pid: &u32| table.get(pid).filter(|row| !row.zombie).map(|row| row.id);
    family.iter().filter_map(alive).collect()
}

/// How long a process may take to be held by a stop signal: one that waits for a disk is held when that has answered.
const STOP_PATIENCE: Duration = Duration::from_secs(10);

/// Stops the whole family (SIGSTOP) and returns it. The leader is stopped first and seen to be, so that it cannot
/// fork more; then until a look at the table finds nobody new.
pub(crate) fn freeze(leader: ProcessId) -> Vec<ProcessId> {
    leader.signal(Signal::STOP);
    wait_until(|| leader.is_still(), STOP_PATIENCE);
    let mut frozen = HashSet::from([leader]);
    loop {
        let new: Vec<ProcessId> = members(leader).into_iter().filter(|id| !frozen.contains(id)).collect();
        if new.is_empty() {
            return frozen.into_iter().collect();
        }
        for id in new {
            id.signal(Signal::STOP);
            frozen.insert(id);
        }
    }
}

/// Lets the whole family go on (SIGCONT), the leader last.
pub(crate) fn thaw(leader: ProcessId) {
    for id in members(leader) {
        id.signal(Signal::CONT);
    }
    leader.signal(Signal::CONT);
}

/// SIGKILL to the whole family; nobody can escape by forking, because all are frozen first. Returns whom it hit.
pub(crate) fn kill(leader: ProcessId) -> Vec<ProcessId> {
    let family = freeze(leader);
    for id in &family {
        id.signal(Signal::KILL);
    }
    family
}

/// Processes that run a program out of `programs` and work inside `folder`: those of a server whose leader is
/// gone. Both must hold, so that a shell somebody opened in the folder is not one of them.
#[cfg(target_os = "linux")]
pub(crate) fn orphans(programs: &Path, folder: &Path) -> Vec<ProcessId> {
    let link = |pid: u32, name: &str| std::fs::read_link(format!("/proc/{pid}/{name}")).ok();
    let ours = |pid: u32| {
        link(pid, "cwd").is_some_and(|cwd| cwd.starts_with(folder))
            && link(pid, "exe").is_some_and(|exe| exe.parent() == Some(programs))
    };
    snapshot().values().filter(|row| !row.zombie && ours(row.id.pid)).map(|row| row.id).collect()
}

/// Not found on this system; Postgres's children end by themselves when the postmaster is gone.
#[cfg(not(target_os = "linux"))]
pub(crate) fn orphans(_programs: &Path, _folder: &Path) -> Vec<ProcessId> {
    Vec::new()
}

/// Waits until all are gone; false when some are still there after `patience`.
pub(crate) fn wait_gone(family: &[ProcessId], patience: Duration) -> bool {
    wait_until(|| !family.iter().any(|id| id.is_alive()), patience)
}

/// Waits until a stop signal holds all of them; false when it does not hold some after 10 s.
pub(crate) fn wait_still(family: &[ProcessId]) -> bool {
    wait_until(|| family.iter().all(|id| id.is_still()), STOP_PATIENCE)
}

fn wait_until(is_so: impl Fn() -> bool, patience: Duration) -> bool {
    let deadline = Instant::now() + patience;
    let mut pause = Duration::from_micros(500);
    while !is_so() {
        if Instant::now() >= deadline {
            return false;
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(pid: u32, parent: u32, group: u32) -> (u32, Row) {
        (pid, Row { id: ProcessId { pid, start: 1 }, parent, group, zombie: false, stopped: false })
    }

    #[test]
    fn a_family_is_the_leader_its_group_and_all_descendants() {
        let mut table: HashMap<u32, Row> =
            [row(1, 0, 1), row(10, 1, 10), row(11, 10, 11), row(12, 11, 12), row(13, 1, 10), row(20, 1, 20)]
                .into();
        table.get_mut(&12).unwrap().zombie = true;
        let mut pids: Vec<u32> =
            pick(&table, ProcessId { pid: 10, start: 1 }).iter().map(|id| id.pid).collect();
        pids.sort_unstable();
        assert_eq!(pids, [10, 11, 13], "not the stranger 20, not the parent 1, not the zombie 12");
        assert!(pick(&table, ProcessId { pid: 10, start: 2 }).is_empty(), "a recycled pid has no family");
    }

    #[test]
    fn killing_reaches_a_grandchild_in_its_own_session() {
        let mut command = std::process::Command::new("sh");
        command.args(["-c", "setsid sleep 60 & sleep 60"]);
        let mut child = super::super::spawner::spawn(command, Signal::KILL).unwrap();
        let leader = ProcessId::of(child.id()).unwrap();
        let deadline = Instant::now() + Duration::from_secs(20);
        while members(leader).len() < 3 && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        let hit = kill(leader);
        child.wait().unwrap();
        assert_eq!(hit.len(), 3);
        assert!(wait_gone(&hit, Duration::from_secs(10)));
    }
}
