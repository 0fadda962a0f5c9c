//! `reset`: removes what a script keeps on a server.

use clap::Args;
use runner::{ExitCode, Interrupts, Reset, ResetRequest};

use super::{Door, failed, usage};
use crate::{
    args::{ScriptArgs, TargetArgs, Words},
    out, progress, signals,
};

/// Remove what a scenario left on a server
///
/// Calls the script's reset() on the target, as setup() is called in a run, and prints what it says it removed. Nothing
/// else of the script runs, and no directory is written. `snapbench run --reset` does the same before a run.
///
/// A target that is not embedded must permit it: `allow_destructive: true` in targets.yaml, or --yes. Embedded servers
/// are thrown away behind each run, so there is nothing to remove there.
#[derive(Args, Debug)]
#[command(
    allow_negative_numbers = true,
    after_long_help = "\
Exit codes:
  0    done, or nothing to do      105  interrupted
  104  wrong flags or script, or   107  the script is wrong
       the target does not permit  108  the script said abort(…)
  1    the server cannot be used, or refused

Examples:
  snapbench reset scenarios/w1_workflow.rhai --target staging
  snapbench reset scenarios/w1_workflow.rhai --postgres-url postgresql://bench@db/bench --yes"
)]
pub(crate) struct ResetArgs {
    #[command(flatten)]
    script: ScriptArgs,

    #[command(flatten)]
    target: TargetArgs,

    /// Allow the script to drop and truncate on a target that is not embedded
    #[arg(long, help_heading = "Target")]
    yes: bool,
}

pub(crate) fn execute(args: &ResetArgs, door: Door) -> ExitCode {
    let mut words = Words::default();
    let request = ResetRequest {
        script: args.script.meaning(&mut words),
        target: args.target.meaning(),
        yes: args.yes,
    };
    if let Err(problems) = words.done() {
        return usage(&problems);
    }
    let interrupts = Interrupts::new();
    let speaker = progress::display(door.quiet);
    let words = signals::Words {
        finishing: "ending what reset() is in the middle of",
        leaving: "what was removed by then is gone",
    };
    signals::pass_on(&interrupts, words, move |text| speaker.say(text));
    match runner::reset(&request, &interrupts) {
        Ok(done) => {
            out::print(&in_words(&done));
            ExitCode::Good
        }
        Err(error) => failed(&error),
    }
}

fn in_words(reset: &Reset) -> String {
    match reset {
        Reset::NothingThere => {
            "nothing to reset: embedded servers are thrown away behind each run; name a server \
                                with --target or --postgres-url\n"
                .to_owned()
        }
        Reset::Done { places, removed } if removed.is_empty() => {
            format!("reset() ran on {}; it names nothing that it removed\n", places.join(" and "))
        }
        Reset::Done { places, removed } => {
            let lines: String = removed.iter().map(|one| format!("  {one}\n")).collect();
            format!("removed from {}:\n{lines}", places.join(" and "))
        }
    }
}
