//! A place to run the binary in, and what is left of it afterwards.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use model::runfile::RunFile;
use rustix::process::{Pid, Signal, kill_process};

/// Nothing here takes longer, however busy the machine is.
const PATIENCE: Duration = Duration::from_secs(90);

/// A folder with everything a run needs and may leave behind: working folder, home, temporary files, servers' data.
pub(crate) struct Place {
    folder: tempfile::TempDir,
    mark: String,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        // Short, because sockets of servers lie below it.
        let folder = tempfile::Builder::new().prefix("sb").tempdir_in("/tmp").unwrap();
        for name in ["tmp", "data", "home"] {
            let path = folder.path().join(name);
            fs::create_dir(&path).unwrap();
            // Postgres steps down to another user when the tests run as root.
            fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
        }
        fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let mark = folder.path().display().to_string();
        Self { folder, mark }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file into the working folder.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> &Self {
        fs::write(self.path(name), content).unwrap();
        self
    }

    pub(crate) fn command<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_snapbench"));
        for (name, _) in std::env::vars() {
            if ["SNAPBENCH_", "AWS_", "PG", "XDG_"].iter().any(|prefix| name.starts_with(prefix)) {
                command.env_remove(name);
            }
        }
        // A Postgres that is named for the tests is named for these as well.
        if let Some(folder) = std::env::var_os("SNAPBENCH_PG_BIN") {
            command.env("SNAPBENCH_PG_BIN", folder);
        }
        command
            .args(args)
            .current_dir(self.folder.path())
            .env("SNAPBENCH_TEST_MARK", &self.mark)
            .env("SNAPBENCH_DATA_DIR", self.path("data"))
            .env("TMPDIR", self.path("tmp"))
            .env("HOME", self.path("home"))
            .env("USER", "tester")
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs to the end.
    pub(crate) fn run<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Ended {
        ended(self.command(args).output().unwrap())
    }

    /// Starts and goes on.
    pub(crate) fn spawn<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Child {
        self.command(args).spawn().unwrap()
    }

    /// The only run directory there is.
    pub(crate) fn run_dir(&self) -> PathBuf {
        let dirs = self.run_dirs();
        assert_eq!(dirs.len(), 1, "{dirs:?}");
        dirs[0].clone()
    }

    pub(crate) fn run_dirs(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.path("results")).into_iter().flatten();
        let is_hidden =
            |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir() && !is_hidden(path)).collect()
    }

    /// The run file of the only run.
    pub(crate) fn run_file(&self) -> RunFile {
        RunFile::parse(&fs::read_to_string(self.run_dir().join("run.json")).unwrap()).unwrap()
    }

    /// Fails unless every process and every temporary file is gone (or goes within a moment).
    pub(crate) fn assert_nothing_is_left(&self) {
        wait_until("no process is left", || self.processes().is_empty());
        wait_until("no temporary file is left", || self.leftovers().is_empty());
    }

    fn leftovers(&self) -> Vec<PathBuf> {
        // What is kept on purpose (a cluster to start from) has a name of its own.
        let is_of_a_run = |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            name.starts_with("snapbench-")
                && name.trim_start_matches("snapbench-").starts_with(|c: char| c.is_ascii_digit())
        };
        let folders = [self.path("tmp"), self.path("data")];
        let entries = folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap());
        entries.map(|entry| entry.unwrap().path()).filter(is_of_a_run).collect()
    }

    /// Living processes that were started from here, by whatever chain.
    pub(crate) fn processes(&self) -> Vec<u32> {
        let mark = format!("SNAPBENCH_TEST_MARK={}", self.mark);
        let is_ours = |pid: &u32| {
            let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            let is_marked = environment.split(|byte| *byte == 0).any(|entry| entry == mark.as_bytes());
            // A Postgres backend writes its title over its environment, but stands in its data folder.
            let stands_here =
                || fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd.starts_with(&self.mark));
            is_marked || stands_here()
        };
        let pids =
            fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        pids.filter(is_ours).collect()
    }

    /// The text with everything replaced that differs from one run to the next.
    pub(crate) fn settled(&self, text: &str) -> String {
        text.replace(&self.mark, "[DIR]")
    }
}

/// A test that fails in the middle leaves nothing running either.
impl Drop for Place {
    fn drop(&mut self) {
        for pid in self.processes() {
            let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
            let _ = pid.map(|pid| kill_process(pid, Signal::KILL));
        }
    }
}

impl Ended {
    /// Code and both streams, for snapshots.
    pub(crate) fn shown(&self, place: &Place) -> String {
        let settled = format!("exit {}\n--- stdout\n{}--- stderr\n{}", self.code, self.stdout, self.stderr);
        place.settled(&settled)
    }

    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "\n--- stdout\n{}\n--- stderr\n{}", self.stdout, self.stderr);
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        self
    }
}

pub(crate) fn ended(output: Output) -> Ended {
    Ended {
        // Ended by a signal is no code at all.
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Waits for a child and takes what it wrote.
pub(crate) fn wait(mut child: Child) -> Ended {
    let mut waited = Duration::ZERO;
    while child.try_wait().unwrap().is_none() {
        if waited > PATIENCE {
            child.kill().unwrap();
            let ended = ended(child.wait_with_output().unwrap());
            panic!("it did not end within {PATIENCE:?}: {ended:?}");
        }
        thread::sleep(Duration::from_millis(20));
        waited += Duration::from_millis(20);
    }
    ended(child.wait_with_output().unwrap())
}

pub(crate) fn signal(child: &Child, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    // It may have ended by itself meanwhile.
    let _ = kill_process(pid, signal);
}

#[track_caller]
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "waited in vain until {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Whether a file has this many lines.
pub(crate) fn has_lines(path: &Path, lines: usize) -> bool {
    fs::read_to_string(path).is_ok_and(|text| text.lines().count() >= lines)
}

/// A script with a closed loop that touches no server.
pub(crate) const IDLE: &str = r#"// Idle
// Question: does anything move?
fn options() { #{ scenarios: #{ idle: #{ executor: "constant-vus", vus: 2, duration: "1s", exec: "work" } } } }
fn work() { sleep("5ms"); }
"#;

/// An open loop on Postgres, with set-up and teardown.
pub(crate) const HEADS: &str = r#"// Heads
// Question: do heads move?
fn options() {
    #{
        scenarios: #{ swap: #{ executor: "constant-arrival-rate", rate: 50, duration: "2s", max_vus: 10, exec: "swap" } },
        thresholds: #{ errors: ["rate < 1%"], iterations: ["count > 0"] },
    }
}
fn setup() {
    pg::batch(`DROP TABLE IF EXISTS snapbench_heads;
        CREATE TABLE snapbench_heads (id bigint PRIMARY KEY, seq bigint NOT NULL)`);
    let head = pg::table("snapbench_heads", #{ key: "id", version: "seq", op: "head", ledger: true });
    for id in 0..10 { head.insert(#{ id: id, seq: 0 }); }
    #{ head: head }
}
fn swap(vu) {
    let id = vu.rng.below(10);
    let seq = vu.shared.head.get(id).row.seq;
    let swapped = vu.shared.head.cas(id, seq);
}
fn teardown(shared) {
    pg::batch("DROP TABLE snapbench_heads");
    log::info("torn down");
}
"#;
