//! Where the processors' time of a running generator goes: a profile of some seconds, on request.
//!
//! Deliberately absent: any code of ours inside the generator. It is looked at from outside, by the kernel, so that a run
//! that nobody looks at pays nothing.

mod generators;
mod perf;
mod stacks;

use std::{path::Path, time::Duration};

use script::Diagnostic;

pub use generators::Generator;
pub use stacks::{Share, Stacks};

use crate::interrupts::Interrupts;

/// What was seen of a generator.
#[derive(Debug)]
pub struct Profile {
    /// Whose it is.
    pub generator: Generator,
    /// How long it was looked at.
    pub looked: Duration,
    /// What it was doing.
    pub stacks: Stacks,
}

/// Looks at the run of process `pid`, or at the only one that goes on. `tell` hears how long it has looked.
///
/// # Errors
/// No such run, several, or nothing to look with.
pub fn profile(
    pid: Option<u32>,
    length: Duration,
    interrupts: &Interrupts,
    tell: impl FnMut(Duration),
) -> Result<Profile, Diagnostic> {
    let generator = choose(generators::running(Path::new("/proc")), pid)?;
    let folder = tempfile::Builder::new().prefix("snapbench-profile-").tempdir().map_err(|error| {
        Diagnostic::usage(format!("cannot make a folder for the profile: {error}"))
            .help("make room in the folder for temporary files, or name another one in TMPDIR")
    })?;
    let data = folder.path().join("perf.data");
    let looked = perf::record(generator.pid, length, &data, interrupts, tell)?;
    Ok(Profile { generator, looked, stacks: perf::stacks(&data)? })
}

fn choose(mut running: Vec<Generator>, pid: Option<u32>) -> Result<Generator, Diagnostic> {
    let listed = |running: &[Generator]| -> String {
        let line = |it: &Generator| format!("--pid {}: snapbench run {}", it.pid, it.script);
        running.iter().map(line).collect::<Vec<_>>().join("\n")
    };
    if let Some(pid) = pid {
        let position = running.iter().position(|it| it.pid == pid);
        return position.map(|at| running.swap_remove(at)).ok_or_else(|| {
            let help = if running.is_empty() {
                "no run goes on on this machine".to_owned()
            } else {
                format!("these go on:\n{}", listed(&running))
            };
            Diagnostic::usage(format!("process {pid} is no run of snapbench")).help(help)
        });
    }
    match running.len() {
        1 => Ok(running.remove(0)),
        0 => Err(Diagnostic::usage("no run goes on on this machine".to_owned())
            .help("start one in another terminal: snapbench run SCRIPT --duration 5m")),
        several => Err(Diagnostic::usage(format!("{several} runs go on on this machine"))
            .help(format!("say which:\n{}", listed(&running)))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_only_run_is_meant_and_of_several_one_is_named() {
        let run = |pid| Generator { pid, script: format!("{pid}.rhai") };
        assert_eq!(choose(vec![run(4)], None).unwrap().pid, 4);
        assert_eq!(choose(vec![run(4), run(5)], Some(5)).unwrap().pid, 5);
        let told = |running, pid| choose(running, pid).unwrap_err().to_string();
        assert!(told(vec![], None).contains("no run goes on"));
        let several = told(vec![run(4), run(5)], None);
        assert!(several.contains("2 runs") && several.contains("--pid 5: snapbench run 5.rhai"), "{several}");
        assert!(told(vec![run(4)], Some(9)).contains("process 9 is no run"));
    }
}
