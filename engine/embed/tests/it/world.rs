//! Looking at the machine from outside: processes, folders, shared memory, programs.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

/// Runs one statement through psql and returns what it prints.
pub(crate) fn psql(url: &str, sql: &str) -> String {
    try_psql(url, sql).unwrap_or_else(|said| panic!("psql: {said}"))
}

/// Runs one statement through psql; the error is what psql says.
pub(crate) fn try_psql(url: &str, sql: &str) -> Result<String, String> {
    let output = Command::new("psql").args([url, "-XAtc", sql]).output().expect("psql is installed");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

/// Waits until something holds; fails the test when it does not within a time that no healthy machine needs.
pub(crate) fn eventually(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < deadline, "after 30 s still not: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn pids() -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").expect("/proc is mounted").flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// Fields of proc_pid_stat(5) from the third on: state, parent, …
fn stat(pid: u32) -> Vec<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default();
    fields.split_ascii_whitespace().map(str::to_owned).collect()
}

/// The process exists and is no zombie.
pub(crate) fn is_alive(pid: u32) -> bool {
    stat(pid).first().is_some_and(|state| state != "Z" && state != "X")
}

/// The process is stopped, as by SIGSTOP.
pub(crate) fn is_stopped(pid: u32) -> bool {
    stat(pid).first().is_some_and(|state| state == "T")
}

/// The process group of a process; a terminal's Ctrl-C reaches all of one group.
pub(crate) fn group_of(pid: u32) -> Option<u32> {
    stat(pid).get(2)?.parse().ok()
}

/// The living children of a process.
pub(crate) fn children_of(parent: u32) -> Vec<u32> {
    let is_child = |pid: &u32| stat(*pid).get(1) == Some(&parent.to_string()) && is_alive(*pid);
    pids().into_iter().filter(is_child).collect()
}

/// Living processes that work in a run folder of `owner`, which may be gone already.
pub(crate) fn processes_in_folders_of(owner: u32) -> Vec<u32> {
    let marker = format!("/snapbench-{owner}-");
    let works_there = |pid: &u32| {
        let folder = std::fs::read_link(format!("/proc/{pid}/cwd")).unwrap_or_default();
        folder.to_string_lossy().contains(&marker) && is_alive(*pid)
    };
    pids().into_iter().filter(works_there).collect()
}

/// Run folders of one owner in the places where they are made.
pub(crate) fn run_folders_of(owner: u32, more_roots: &[PathBuf]) -> Vec<PathBuf> {
    let prefix = format!("snapbench-{owner}-");
    let mut roots = vec![std::env::temp_dir(), "/tmp".into(), "/var/tmp".into()];
    roots.extend_from_slice(more_roots);
    let entries = roots.iter().filter_map(|root| std::fs::read_dir(root).ok()).flatten().flatten();
    let ours = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(&prefix));
    ours.map(|entry| entry.path()).collect()
}

/// Shared memory that a process holds now: files, and System V segments as `shmid N`.
pub(crate) fn shared_memory_of(pid: u32) -> Vec<String> {
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).unwrap_or_default();
    let name = |line: &str| {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        match fields.get(5)? {
            path if path.starts_with("/SYSV") => Some(format!("shmid {}", fields[4])),
            path if path.starts_with("/dev/shm/") => Some((*path).to_owned()),
            _ => None,
        }
    };
    maps.lines().filter_map(name).collect()
}

/// Whether a name from [`shared_memory_of`] still means something.
pub(crate) fn shared_memory_exists(name: &str) -> bool {
    match name.strip_prefix("shmid ") {
        None => std::path::Path::new(name).exists(),
        Some(id) => std::fs::read_to_string("/proc/sysvipc/shm")
            .unwrap_or_default()
            .lines()
            .any(|line| line.split_ascii_whitespace().nth(1) == Some(id)),
    }
}
