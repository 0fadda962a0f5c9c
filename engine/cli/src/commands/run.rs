//! `run`: one run, its progress, its summary.

use std::{collections::BTreeMap, path::PathBuf};

use clap::Args;
use report::Page;
use runner::{ExitCode, Interrupts, RunOutcome, RunRequest};

use super::{Door, failed, usage};
use crate::{
    args::{PlanArgs, Words},
    complain::complain,
    out, progress, signals,
};

/// Run a scenario and judge it
///
/// Starts what the scenario needs (or connects to the target), calls its setup(), plays the load, verifies, tears
/// down, judges the thresholds and leaves a directory with everything that was measured.
///
/// Progress goes to standard error, the summary to standard output. Ctrl-C once ends the load in good order and still
/// reports; twice leaves at once and keeps what is on disk.
///
/// Percentiles come from merged histograms of all cores and seconds, never from averages; response times of an open
/// model count from the planned start, so a late start is part of them.
#[derive(Args, Debug)]
#[command(
    allow_negative_numbers = true,
    after_long_help = "\
Exit codes:
  0    everything held           105  interrupted
  99   a threshold was missed    107  the script is wrong
  104  wrong flags or options    108  the script aborted the run
  1    anything else

Examples:
  snapbench run scenarios/s6_burst.rhai
  snapbench run scenarios/s6_burst.rhai -p variant=b --duration 60s
  snapbench run scenarios/a2_cas.rhai -p broken=true --json"
)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    plan: PlanArgs,

    /// Allow the script to drop and truncate on a target that is not embedded
    #[arg(long, help_heading = "Target")]
    yes: bool,

    /// Call the script's reset() before its setup(); on a target that is not embedded this needs the same permission
    #[arg(long, help_heading = "Target")]
    reset: bool,

    /// Open a control port, for `snapbench scale` and whatever speaks to k6: HOST:PORT, or a port of this machine
    #[arg(long, value_name = "ADDRESS")]
    control: Option<String>,

    /// The folder in which the run's directory is made
    #[arg(long, value_name = "DIR", default_value = "results", help_heading = "Results")]
    out: PathBuf,

    /// A word that tells this run from others, kept in its files; repeat for more
    #[arg(long = "tag", value_name = "NAME=VALUE", help_heading = "Results")]
    tags: Vec<String>,

    /// Do not judge thresholds
    #[arg(long, help_heading = "Results")]
    no_thresholds: bool,

    /// Print the run file as JSON instead of the summary
    #[arg(long, help_heading = "Results")]
    json: bool,
}

impl RunArgs {
    fn meaning(&self) -> Result<RunRequest, Vec<script::Diagnostic>> {
        let mut words = Words::default();
        let (script, load, target) = self.plan.with(&mut words);
        let request = RunRequest {
            script,
            load,
            target,
            out: self.out.clone(),
            tags: words.pairs("--tag", &self.tags, "build=1234").into_iter().collect::<BTreeMap<_, _>>(),
            judge_thresholds: !self.no_thresholds,
            control: self.control.clone(),
            yes: self.yes,
            reset: self.reset,
        };
        words.done().map(|()| request)
    }
}

pub(crate) fn execute(args: &RunArgs, door: Door) -> ExitCode {
    let request = match args.meaning() {
        Ok(request) => request,
        Err(problems) => return usage(&problems),
    };
    let interrupts = Interrupts::new();
    let display = progress::display(door.quiet);
    let speaker = display.clone();
    let words = signals::Words {
        finishing: "finishing what runs, then the report",
        leaving: "what was measured stays in the run directory",
    };
    signals::pass_on(&interrupts, words, move |text| speaker.say(text));
    let outcome = runner::run(&request, &|step| display.show(&step), &interrupts);
    display.clear();
    match outcome {
        Ok(outcome) => {
            show(&outcome, args.json);
            outcome.exit_code
        }
        Err(error) => failed(&error),
    }
}

fn show(outcome: &RunOutcome, is_json: bool) {
    complain(&outcome.complaints);
    if is_json {
        out::print(&report::json(&outcome.run));
        return;
    }
    let directory = outcome.directory.display().to_string();
    let page = Page { style: out::style(), columns: out::columns(), directory: &directory };
    out::print(&report::summary(&outcome.run, &page));
}
