//! `perf`, the kernel's own profiler: it sees kernel and program, the fibers of scripts too, and costs the run a few percent
//! while it looks.

use std::{
    io::{self, BufReader, Read as _},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use script::Diagnostic;

use super::stacks::Stacks;
use crate::interrupts::{Interrupts, Urgency};

const PERF: &str = "perf";
/// Samples a second and processor. Not a round number, so that it keeps no step with timers.
const SAMPLES_PER_S: &str = "297";
/// What is copied of each stack, from which its frames are found afterwards: programs here keep no frame pointers.
const CALLS: &str = "dwarf,8192";
/// What it may write: half a minute of some ten busy processors.
const DATA_AT_MOST: &str = "1G";
/// How often it is asked whether the time is over.
const LOOK: Duration = Duration::from_millis(100);

/// Looks at a process for so long, into `data`; `tell` hears how far it has come. Ends early, with what there is, when
/// somebody asks for it or the process ends.
pub(super) fn record(
    pid: u32,
    length: Duration,
    data: &Path,
    interrupts: &Interrupts,
    mut tell: impl FnMut(Duration),
) -> Result<Duration, Diagnostic> {
    let mut perf = Command::new(PERF)
        .args(["record", "--quiet", "-F", SAMPLES_PER_S, "--call-graph", CALLS, "--max-size", DATA_AT_MOST])
        .args(["-p", &pid.to_string(), "-o"])
        .arg(data)
        // It ends by itself, should nobody be left to end it.
        .args(["--", "sleep", &length.as_secs_f64().to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| not_there(&error))?;
    let began = Instant::now();
    // By itself it ends when the time is over, when the process does, or when it cannot look.
    while matches!(perf.try_wait(), Ok(None)) {
        if interrupts.urgency() != Urgency::None {
            end(&perf);
            break;
        }
        tell(began.elapsed().min(length));
        std::thread::sleep(LOOK);
    }
    let looked = began.elapsed().min(length);
    finish(&mut perf).map(|()| looked)
}

/// Tells it to end; it has not been waited for, so its number is still its own.
fn end(perf: &Child) {
    if let Some(pid) = i32::try_from(perf.id()).ok().and_then(rustix::process::Pid::from_raw) {
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::INT);
    }
}

/// Lets it write what it has, and hears whether it could look at all.
fn finish(perf: &mut Child) -> Result<(), Diagnostic> {
    let mut said = String::new();
    if let Some(mut stderr) = perf.stderr.take() {
        let _ = stderr.read_to_string(&mut said);
    }
    let status = perf.wait().map_err(|error| not_there(&error))?;
    // Being interrupted is how it is told to end.
    let is_well = status.success() || std::os::unix::process::ExitStatusExt::signal(&status) == Some(2);
    if is_well { Ok(()) } else { Err(refused(&said)) }
}

/// The stacks of what was recorded.
pub(super) fn stacks(data: &Path) -> Result<Stacks, Diagnostic> {
    if std::fs::metadata(data).map_or(0, |data| data.len()) == 0 {
        return Err(Diagnostic::usage("the run was looked at too briefly: perf had not begun".to_owned())
            .help("look for some seconds, with --duration"));
    }
    let mut perf = Command::new(PERF)
        // Inlined frames would each ask a program for its name: minutes for a few thousand samples.
        .args(["script", "--no-inline", "-F", "comm,ip,sym", "-i"])
        .arg(data)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| not_there(&error))?;
    let printed = perf.stdout.take().expect("its output is piped");
    let read = Stacks::read(BufReader::new(printed));
    let status = perf.wait();
    match (read, status) {
        (Ok(stacks), Ok(status)) if status.success() => Ok(stacks),
        (Err(error), _) | (_, Err(error)) => {
            Err(Diagnostic::usage(format!("what perf recorded cannot be read: {error}")))
        }
        _ => Err(Diagnostic::usage("perf was ended, or cannot read what it has recorded".to_owned())
            .help("once more; is there room in the folder for temporary files (TMPDIR)?")),
    }
}

fn not_there(error: &io::Error) -> Diagnostic {
    Diagnostic::usage(format!("cannot start perf: {error}")).help(
        "install it: apt-get install linux-perf (Debian), linux-tools-generic (Ubuntu), dnf install perf (Fedora)",
    )
}

fn refused(said: &str) -> Diagnostic {
    let said = said.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("it does not say why");
    Diagnostic::usage(format!("perf cannot look at the run: {said}")).help(
        "be root or the run's user with kernel.perf_event_paranoid at 1 or less (sysctl); containers need the \
         capability PERFMON",
    )
}
