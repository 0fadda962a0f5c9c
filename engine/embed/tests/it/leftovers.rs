//! Nothing is left behind, however the process that started the servers ends.
//!
//! That process is this test program again, told to run one of the ignored tests below.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use embed::postgres::PgOptions;
use embed::service::ServiceOptions;
use embed::store::StoreOptions;
use embed::{Servers, Wanted};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::world::*;

/// What the other process is to do once all servers run.
const DEED: &str = "EMBED_TEST_DEED";

fn start_all() -> Servers {
    let wanted = Wanted {
        postgres: Some(PgOptions::default()),
        stores: vec![StoreOptions::default()],
        service: Some(ServiceOptions::default()),
    };
    embed::start(wanted).expect("all start")
}

#[test]
#[ignore = "run by the other tests as a process of its own"]
fn the_parent() {
    let deed = std::env::var(DEED).expect("it is told what to do");
    let servers = start_all();
    let (postgres, store) = (servers.postgres.as_ref().expect("wanted"), &servers.stores[0]);
    let service = servers.service.as_ref().expect("wanted");
    psql(&postgres.url(), "CREATE TABLE t (v int)");
    // More than one backend, and one that computes and does not look around.
    let url = postgres.url();
    let busy = Command::new("psql")
        .args([&url, "-XAtc", "SELECT count(*) FROM generate_series(1, 100000000000)"])
        .spawn();
    eventually("the busy backend is there", || {
        psql(&url, "SELECT count(*) FROM pg_stat_activity WHERE query ~ '10000000000'") != "0"
    });
    let pids = [postgres.pid(), store.pid(), service.pid()].map(|pid| pid.expect("it runs").to_string());
    println!("SERVERS {}", pids.join(" "));
    // Whoever runs this looks around first.
    std::io::stdin().read_line(&mut String::new()).expect("it is told to go on");
    match deed.as_str() {
        "pause" => {
            postgres.pause().expect("it runs");
            store.pause().expect("it runs");
            service.pause().expect("it runs");
            println!("PAUSED");
            std::thread::sleep(Duration::from_secs(600));
        }
        "kill9" => {
            postgres.kill9().expect("it runs");
            println!("KILLED");
            std::thread::sleep(Duration::from_secs(600));
        }
        "panic" => panic!("as told"),
        "abort" => std::process::abort(),
        "exit" => std::process::exit(3),
        "stop" => {
            drop(servers);
            drop(busy);
            println!("STOPPED");
            std::thread::sleep(Duration::from_secs(600));
        }
        other => panic!("told to do {other}"),
    }
}

/// A process that runs [`the_parent`], in a process group of its own.
struct Parent {
    child: Child,
    lines: BufReader<std::process::ChildStdout>,
}

impl Parent {
    fn told_to(deed: &str, adjust: impl FnOnce(&mut Command)) -> Parent {
        let mut command = Command::new(std::env::current_exe().expect("this program has a file"));
        adjust(&mut command);
        command.args(["--exact", "leftovers::the_parent", "--ignored", "--nocapture"]).env(DEED, deed);
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let lines = BufReader::new(child.stdout.take().expect("it is piped"));
        Parent { child, lines }
    }

    fn pid(&self) -> u32 {
        self.child.id()
    }

    fn raw_pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Lets it do its deed.
    fn go_on(&mut self) {
        let input = self.child.stdin.as_mut().expect("it is piped");
        std::io::Write::write_all(input, b"go on\n").expect("it listens");
    }

    /// Reads until a line with this word (libtest writes the test's name in front of the first one).
    fn until(&mut self, word: &str) -> String {
        loop {
            let mut line = String::new();
            assert!(
                self.lines.read_line(&mut line).expect("its output is text") > 0,
                "it ended before saying {word}"
            );
            if let Some(at) = line.find(word) {
                return line[at + word.len()..].trim().to_owned();
            }
        }
    }

    /// Everything the parent has started: guard, postmaster with backends, store, service; and their shared memory.
    fn belongings(&mut self) -> Belongings {
        let said = self.until("SERVERS");
        let servers: Vec<u32> = said.split(' ').map(|pid| pid.parse().expect("a pid")).collect();
        let children = children_of(self.pid());
        assert!(servers.iter().all(|pid| children.contains(pid)), "{servers:?} {children:?}");
        let mut processes = children.clone();
        children.iter().for_each(|child| processes.extend(children_of(*child)));
        let guard = *children.iter().find(|pid| is_guard(**pid)).expect("there is a guard");
        assert!(
            processes.len() > 7,
            "guard, store, service, postmaster, its workers and a backend: {processes:?}"
        );
        let shared_memory = shared_memory_of(servers[0]);
        assert!(!shared_memory.is_empty());
        Belongings { owner: self.pid(), processes, guard, servers, shared_memory }
    }
}

impl Drop for Parent {
    fn drop(&mut self) {
        // A failed test must not leave it either; its guard does the rest.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn is_guard(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default().contains("__guard")
}

struct Belongings {
    owner: u32,
    processes: Vec<u32>,
    guard: u32,
    servers: Vec<u32>,
    shared_memory: Vec<String>,
}

impl Belongings {
    fn are_gone(&self) {
        eventually("all processes are gone", || !self.processes.iter().any(|pid| is_alive(*pid)));
        eventually("all folders are gone", || run_folders_of(self.owner, &[]).is_empty());
        eventually("nobody works in them", || processes_in_folders_of(self.owner).is_empty());
        eventually("shared memory is gone", || {
            !self.shared_memory.iter().any(|name| shared_memory_exists(name))
        });
    }
}

#[test]
fn kill_9_of_the_parent() {
    let mut parent = Parent::told_to("pause", |_| ());
    let belongings = parent.belongings();
    assert!(
        run_folders_of(parent.pid(), &[]).len() >= 4,
        "two of Postgres, one of the store, one of the service"
    );
    parent.child.kill().expect("it runs");
    parent.child.wait().expect("it is ours");
    belongings.are_gone();
}

#[test]
fn ctrl_c_reaches_the_parent_alone_and_the_guard_cleans_up() {
    let mut parent = Parent::told_to("pause", |_| ());
    let belongings = parent.belongings();
    let own_group = group_of(parent.pid());
    for pid in belongings.servers.iter().chain([&belongings.guard]) {
        assert_ne!(
            group_of(*pid),
            own_group,
            "{pid} would hear Ctrl-C before its parent has decided anything"
        );
    }
    // What a terminal does: to the foreground group.
    kill_process_group(parent.raw_pid(), Signal::INT).expect("the group exists");
    parent.child.wait().expect("it is ours");
    belongings.are_gone();
}

#[test]
fn a_guard_that_is_asked_to_end_stays() {
    let mut parent = Parent::told_to("pause", |_| ());
    let belongings = parent.belongings();
    let guard = Pid::from_raw(i32::try_from(belongings.guard).expect("a pid")).expect("not 0");
    for signal in [Signal::TERM, Signal::HUP, Signal::INT] {
        kill_process(guard, signal).expect("it exists");
    }
    std::thread::sleep(Duration::from_millis(50));
    assert!(is_alive(belongings.guard));
    parent.child.kill().expect("it runs");
    parent.child.wait().expect("it is ours");
    belongings.are_gone();
}

#[test]
fn panic_abort_and_exit_of_the_parent() {
    for deed in ["panic", "abort", "exit"] {
        let mut parent = Parent::told_to(deed, |_| ());
        let belongings = parent.belongings();
        parent.go_on();
        parent.child.wait().expect("it is ours");
        belongings.are_gone();
    }
}

#[test]
fn paused_servers_are_ended_too() {
    let mut parent = Parent::told_to("pause", |_| ());
    let belongings = parent.belongings();
    parent.go_on();
    parent.until("PAUSED");
    parent.child.kill().expect("it runs");
    parent.child.wait().expect("it is ours");
    belongings.are_gone();
}

#[test]
fn a_server_that_was_killed_before_leaves_no_shared_memory() {
    let mut parent = Parent::told_to("kill9", |_| ());
    let belongings = parent.belongings();
    parent.go_on();
    parent.until("KILLED");
    parent.child.kill().expect("it runs");
    parent.child.wait().expect("it is ours");
    belongings.are_gone();
}

#[test]
fn a_normal_stop_leaves_nothing_not_even_the_guard() {
    let mut parent = Parent::told_to("stop", |_| ());
    let belongings = parent.belongings();
    parent.go_on();
    parent.until("STOPPED");
    assert!(is_alive(parent.pid()));
    // The psql that ran the busy statement ends by itself when its server does.
    let servers_and_guard: Vec<u32> = belongings.servers.iter().copied().chain([belongings.guard]).collect();
    assert!(!servers_and_guard.iter().any(|pid| is_alive(*pid)));
    assert_eq!(run_folders_of(parent.pid(), &[]), Vec::<PathBuf>::new());
    belongings.are_gone();
}

#[test]
fn when_the_guard_is_killed_as_well_servers_end_and_the_next_start_sweeps() {
    let mut parent = Parent::told_to("pause", |_| ());
    let belongings = parent.belongings();
    let guard = Pid::from_raw(i32::try_from(belongings.guard).expect("a pid")).expect("not 0");
    kill_process(guard, Signal::KILL).expect("it exists");
    eventually("the guard is gone", || !is_alive(belongings.guard));
    parent.child.kill().expect("it runs");
    parent.child.wait().expect("it is ours");
    eventually("the servers end", || !belongings.processes.iter().any(|pid| is_alive(*pid)));
    assert!(!run_folders_of(belongings.owner, &[]).is_empty(), "nobody was left to remove them");
    drop(start_all());
    belongings.are_gone();
}

/// At whatever moment the parent dies while it starts the servers, `initdb` included.
#[test]
fn kill_9_during_the_start() {
    for wait_ms in [0, 20, 60, 120, 250, 500, 900] {
        let cache = tempfile::tempdir().expect("a temporary folder");
        open_to_all(cache.path());
        let mut parent = Parent::told_to("pause", |command| {
            command.env("SNAPBENCH_CACHE_DIR", cache.path());
        });
        std::thread::sleep(Duration::from_millis(wait_ms));
        let owner = parent.pid();
        parent.child.kill().expect("it runs");
        parent.child.wait().expect("it is ours");
        let workshop = [cache.path().join("postgres-clusters")];
        eventually("nobody works in its folders", || processes_in_folders_of(owner).is_empty());
        eventually("all folders are gone", || run_folders_of(owner, &workshop).is_empty());
    }
}

/// As root the servers run as another user; everybody else runs them as themselves. Both must work, so root also
/// tries as nobody.
#[test]
fn as_a_user_without_privileges() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let cache = tempfile::tempdir().expect("a temporary folder");
    open_to_all(cache.path());
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "true"]);
    assert!(command.status().expect("setpriv is installed").success());
    let program = std::env::current_exe().expect("this program has a file");
    let mut parent = Parent::told_to("pause", |command| {
        let mut other = Command::new("setpriv");
        other.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&program);
        other.env("SNAPBENCH_CACHE_DIR", cache.path()).env("HOME", "/nonexistent").current_dir("/");
        *command = other;
    });
    let belongings = parent.belongings();
    let status = std::fs::read_to_string(format!("/proc/{}/status", belongings.servers[0])).expect("it runs");
    assert!(status.contains("Uid:\t65534"), "{status}");
    assert!(cache.path().join("postgres-clusters").is_dir(), "the cluster was kept for the next time");
    parent.child.kill().expect("it runs");
    parent.child.wait().expect("it is ours");
    belongings.are_gone();
}

fn open_to_all(folder: &Path) {
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    std::fs::set_permissions(folder, mode).expect("it is ours");
}
