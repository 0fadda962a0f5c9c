//! The runs that go on on this machine: processes of this program that were started with `run`.

use std::{fs, path::Path};

/// What the program is called.
const PROGRAM: &str = "snapbench";

/// A run that goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generator {
    /// Its process.
    pub pid: u32,
    /// The script it plays. What else was typed may hold passwords.
    pub script: String,
}

/// Those that `proc` (mostly `/proc`) knows, by their numbers.
pub(super) fn running(proc: &Path) -> Vec<Generator> {
    let entries = fs::read_dir(proc).into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let mut found: Vec<Generator> = pids.filter_map(|pid| generator(proc, pid)).collect();
    found.sort_by_key(|generator| generator.pid);
    found
}

fn generator(proc: &Path, pid: u32) -> Option<Generator> {
    let typed = fs::read(proc.join(format!("{pid}/cmdline"))).ok()?;
    let mut words =
        typed.split(|byte| *byte == 0).map(String::from_utf8_lossy).filter(|word| !word.is_empty());
    let program = words.next()?;
    let arguments: Vec<_> = words.collect();
    let is_ours = Path::new(program.as_ref()).file_name()? == PROGRAM;
    // Flags of the whole program may stand before the command.
    let command = arguments.iter().position(|word| !word.starts_with('-'))?;
    let is_run = is_ours && arguments[command] == "run";
    let script = arguments[command..].iter().find(|word| word.ends_with(".rhai"));
    is_run.then(|| Generator { pid, script: script.map_or("?", |script| script.as_ref()).to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generator_is_known_by_what_was_typed() {
        let proc = tempfile::tempdir().unwrap();
        for (pid, typed) in [
            ("7", "/usr/bin/snapbench\0-q\0run\0--postgres-url\0postgres://u:secret@h/d\0a.rhai\0"),
            ("30", "snapbench\0run\0b.rhai\0"),
            ("31", "snapbench\0up\0"),
            ("32", "/bin/sh\0run\0"),
            ("33", ""),
            ("self", "snapbench\0run\0c.rhai\0"),
        ] {
            fs::create_dir(proc.path().join(pid)).unwrap();
            fs::write(proc.path().join(pid).join("cmdline"), typed).unwrap();
        }
        let found = running(proc.path());
        let found: Vec<(u32, &str)> = found.iter().map(|it| (it.pid, it.script.as_str())).collect();
        assert_eq!(found, [(7, "a.rhai"), (30, "b.rhai")]);
        assert_eq!(running(&proc.path().join("nothing")), []);
    }
}
