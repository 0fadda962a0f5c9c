//! `profile`: where the processor time of a run goes that is going on elsewhere.

use std::{path::PathBuf, time::Duration};

use clap::Args;
use model::units::{format_count, format_duration, format_percent};
use runner::{ExitCode, Interrupts, Profile, Progress, Share};
use script::Diagnostic;

use super::{Door, usage};
use crate::{args::Words, columns::columns, complain::complain, out, progress, signals};

/// How many functions are shown.
const ROWS: usize = 20;
/// What a function's name may take; those of generic Rust can take lines.
const NAME_AT_MOST: usize = 90;
/// As long as a profile is when nothing is said.
const LENGTH: Duration = Duration::from_secs(30);

/// Show where the processor time of a run goes, while it goes on
///
/// Looks at the generator for some seconds with `perf`, prints the functions at work, and writes every stack to a file
/// that tools for flame graphs read (speedscope, `inferno-flamegraph < FILE > FILE.svg`, flamegraph.pl). The run pays for it
/// only while it is looked at; what perf writes meanwhile (2 MB a second and busy processor, 1 GB at most) is removed.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  snapbench profile
  snapbench profile --duration 10s --pid 4711 --out q7.folded")]
pub(crate) struct ProfileArgs {
    /// Process of the run [default: the only one that goes on]
    #[arg(long, value_name = "PID")]
    pid: Option<String>,

    /// How long it is looked at; Ctrl-C ends it early, with what there is [default: 30s]
    #[arg(long, value_name = "TIME")]
    duration: Option<String>,

    /// Where every stack goes, with how often it was seen [default: snapbench-PID.folded]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(crate) fn execute(args: &ProfileArgs, door: Door) -> ExitCode {
    let mut words = Words::default();
    let pid = words.number("--pid", args.pid.as_ref(), "4711");
    let length = words.duration("--duration", args.duration.as_ref()).unwrap_or(LENGTH);
    if let Err(problems) = words.done() {
        return usage(&problems);
    }
    let display = progress::display(door.quiet);
    let interrupts = Interrupts::new();
    signals::wake_on(&interrupts);
    let tell = |looked: Duration| {
        display.show(&Progress::Work("profiling, s".to_owned(), looked.as_secs(), length.as_secs()));
    };
    let found = runner::profile(pid, length, &interrupts, tell);
    display.clear();
    // What was seen is shown even where it cannot be kept.
    let kept = found.and_then(|profile| {
        if profile.stacks.samples() > 0 {
            out::print(&in_words(&profile));
        }
        keep(&profile, args.out.as_ref())
    });
    match kept {
        Ok(path) => {
            display.say(&format!("every stack is in {}", path.display()));
            ExitCode::Good
        }
        Err(problem) => {
            complain(&[problem]);
            ExitCode::Other
        }
    }
}

/// Writes the stacks, unless there are none.
fn keep(profile: &Profile, out: Option<&PathBuf>) -> Result<PathBuf, Diagnostic> {
    if profile.stacks.samples() == 0 {
        return Err(Diagnostic::usage("the run took no processor time while it was looked at".to_owned())
            .help("look for longer, with --duration, or while its load goes on"));
    }
    let path =
        out.cloned().unwrap_or_else(|| PathBuf::from(format!("snapbench-{}.folded", profile.generator.pid)));
    std::fs::write(&path, profile.stacks.to_text()).map_err(|error| {
        Diagnostic::usage(format!("cannot write {}: {error}", path.display()))
            .help("name a file that can be written with --out")
    })?;
    Ok(path)
}

fn in_words(profile: &Profile) -> String {
    let Profile { generator, looked, stacks } = profile;
    let (samples, looked) = (format_count(stacks.samples()), format_duration(*looked));
    let thread = |share: Share| format!("{} {}", share.name, format_percent(share.in_all));
    let threads: Vec<String> = stacks.threads().into_iter().map(thread).collect();
    let head = format!(
        "process {}: snapbench run {}\n{samples} samples in {looked}, of the time its threads were at work: {}\n\n",
        generator.pid,
        generator.script,
        threads.join(", ")
    );
    let named = ["itself", "in all", "function"].map(str::to_owned);
    let row = |share: &Share| [format_percent(share.itself), format_percent(share.in_all), cut(&share.name)];
    let rows = stacks.functions();
    let table = columns(std::iter::once(named).chain(rows.iter().take(ROWS).map(row)));
    format!("{head}{table}")
}

fn cut(name: &str) -> String {
    if name.chars().count() <= NAME_AT_MOST {
        return name.to_owned();
    }
    name.chars().take(NAME_AT_MOST - 1).chain(['…']).collect()
}
