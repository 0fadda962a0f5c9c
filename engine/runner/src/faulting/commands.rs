//! Faults on servers that are not ours: by the commands that their target names for it.
//!
//! Deliberately absent: which commands there are (`targets`), and whether somebody permits them (`run`).

use std::{
    fs::{File, OpenOptions, remove_file},
    io::{self, Read as _, Seek as _, SeekFrom},
    os::unix::process::CommandExt as _,
    process::{Child, Command, ExitStatus, Stdio},
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use model::units::format_duration;
use rustix::process::{Pid, Signal, kill_process_group};

/// How often it is asked whether a command has ended.
const LOOK: Duration = Duration::from_millis(10);
/// Lines of a command's output that a finding quotes, and how much of them.
const LINES: usize = 3;
const BYTES: u64 = 2_000;

/// Runs a command by `sh -c`, to its end or its limit. Blocks. Returns what it said last, and how long it took; what it has
/// started in the background is left to itself.
///
/// # Errors
/// In one sentence with its last lines: it failed, took too long, or could not be started.
pub(super) fn run(command: &str, limit: Duration) -> Result<String, String> {
    let began = Instant::now();
    // A file and no pipe: a server that a command leaves behind would hold that open for ever.
    let mut output =
        scratch().map_err(|error| format!("there is no room for a command's output: {error}"))?;
    let mut child = started(command, &output).map_err(|error| format!("sh cannot be started: {error}"))?;
    let status =
        waited_for(&mut child, limit).map_err(|error| format!("sh cannot be waited for: {error}"))?;
    let said = last_lines(&mut output);
    let took = began.elapsed();
    let took = format_duration(Duration::from_millis(u64::try_from(took.as_millis()).unwrap_or(u64::MAX)));
    let because = if said.is_empty() { String::new() } else { format!(": {said}") };
    match status {
        Some(status) if status.success() => Ok(format!("the command took {took}{because}")),
        Some(status) => Err(format!("the command failed ({status}){because}")),
        None => Err(format!("the command was ended after {}{because}", format_duration(limit))),
    }
}

fn started(command: &str, output: &File) -> io::Result<Child> {
    let mut sh = Command::new("sh");
    sh.arg("-c").arg(command).stdin(Stdio::null());
    sh.stdout(output.try_clone()?).stderr(output.try_clone()?);
    // A group of its own: Ctrl-C is ours to hear, and all of it can be ended at once.
    sh.process_group(0).spawn()
}

/// How it ended; nothing when it had to be ended.
fn waited_for(child: &mut Child, limit: Duration) -> io::Result<Option<ExitStatus>> {
    let end = Instant::now() + limit;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= end {
            if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
                // It may have ended just now.
                let _ = kill_process_group(group, Signal::KILL);
            }
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(LOOK);
    }
}

/// A file without a name.
fn scratch() -> io::Result<File> {
    static NUMBERS: AtomicU64 = AtomicU64::new(0);
    let number = NUMBERS.fetch_add(1, Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("snapbench-command-{}-{number}", std::process::id()));
    let file = OpenOptions::new().read(true).append(true).create_new(true).open(&path)?;
    remove_file(&path)?;
    Ok(file)
}

fn last_lines(output: &mut File) -> String {
    let mut bytes = Vec::new();
    let length = output.metadata().map_or(0, |metadata| metadata.len());
    let read = output
        .seek(SeekFrom::Start(length.saturating_sub(BYTES)))
        .and_then(|_| output.read_to_end(&mut bytes));
    if read.is_err() {
        return String::new();
    }
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines[lines.len().saturating_sub(LINES)..].join(" / ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(60);

    #[test]
    fn what_it_said_last_is_kept() {
        let told = run("for n in 1 2 3 4 5; do echo line $n; done; echo oh >&2", LIMIT).unwrap();
        assert!(told.ends_with(": line 4 / line 5 / oh"), "{told}");
        assert!(run("true", LIMIT).unwrap().starts_with("the command took "));
    }

    #[test]
    fn a_failure_says_how_and_why() {
        let told = run("echo no such service >&2; exit 5", LIMIT).unwrap_err();
        assert_eq!(told, "the command failed (exit status: 5): no such service");
    }

    #[test]
    fn one_that_takes_too_long_is_ended_with_all_it_has_begun() {
        let told = run("sh -c 'echo $$; exec sleep 1000'; true", Duration::from_secs(3)).unwrap_err();
        let pid = told.strip_prefix("the command was ended after 3s: ").expect("its child has begun");
        // One that has ended and is not yet buried has no words.
        let words = || std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let began = Instant::now();
        while !words().is_empty() {
            assert!(began.elapsed() < LIMIT, "the child is still there");
            thread::sleep(LOOK);
        }
    }

    #[test]
    fn what_it_leaves_in_the_background_is_not_waited_for() {
        let told = run("sleep 30 & echo $!", LIMIT).unwrap();
        let pid = told.rsplit(' ').next().unwrap().parse().unwrap();
        // It runs on, and is ours to end.
        rustix::process::kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
    }
}
