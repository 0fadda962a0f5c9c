//! `scale`: another number of virtual users, a pause or the end for a run that goes on elsewhere.

use clap::Args;
use runner::{CONTROL_ADDRESS, ExitCode, Status, Wish, ask};

use super::Door;
use crate::{args::Words, columns::columns, complain::complain, out};

/// Change the virtual users of a run that goes on, pause it, resume it or stop it
///
/// Speaks to the control port of a run that was started with `--control`, and prints how that run stands afterwards;
/// without a change it prints how it stands.
#[derive(Args, Debug)]
#[command(
    allow_negative_numbers = true,
    after_long_help = "\
Examples:
  snapbench scale
  snapbench scale --vus 20
  snapbench scale --pause --address 127.0.0.1:7000"
)]
pub(crate) struct ScaleArgs {
    /// So many virtual users from now on
    #[arg(long, value_name = "N")]
    vus: Option<String>,

    /// Begin no iteration until it is resumed
    #[arg(long, conflicts_with = "resume")]
    pause: bool,

    /// Go on after a pause
    #[arg(long)]
    resume: bool,

    /// End the load in good order; the run drains, verifies and reports
    #[arg(long)]
    stop: bool,

    /// Control port of the run: HOST:PORT, or a port of this machine
    #[arg(long, value_name = "ADDRESS", default_value = CONTROL_ADDRESS)]
    address: String,

    /// Print the status as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn execute(args: &ScaleArgs, _door: Door) -> ExitCode {
    let mut words = Words::default();
    let vus = words.number("--vus", args.vus.as_ref(), "20");
    if let Err(problems) = words.done() {
        return super::usage(&problems);
    }
    let paused = (args.pause || args.resume).then_some(args.pause);
    let wish = Wish { vus, paused, stopped: args.stop.then_some(true) };
    match ask(&args.address, (wish != Wish::default()).then_some(wish)) {
        Ok(status) if args.json => out::print(&format!("{:#}\n", status.to_json())),
        Ok(status) => out::print(&in_words(&status)),
        Err(problem) => {
            complain(&[problem]);
            return ExitCode::Other;
        }
    }
    ExitCode::Good
}

fn in_words(status: &Status) -> String {
    let yes_no = |is_so| if is_so { "yes" } else { "no" };
    let mut rows = vec![["phase", &status.phase].map(str::to_owned)];
    if let (Some(vus), Some(max_vus)) = (status.vus, status.max_vus) {
        rows.push(["vus".to_owned(), format!("{vus} of {max_vus} at most")]);
        rows.push(["paused", yes_no(status.paused)].map(str::to_owned));
    }
    rows.push(["stopped", yes_no(status.stopped)].map(str::to_owned));
    columns(rows)
}
