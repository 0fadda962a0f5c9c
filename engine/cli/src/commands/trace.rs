//! `trace`: single iterations of a run, operation by operation.

use std::path::PathBuf;

use clap::Args;
use report::{
    Page,
    traces::{self, Choice},
};
use runner::{ExitCode, StoredTraces, TraceReadError, read_traces};
use script::Diagnostic;

use super::{Door, usage};
use crate::out;

/// Show single iterations of a run: those that failed, and the slowest
///
/// A run keeps traces of the first failed iterations of each scenario and error class, of some that were cut off at its end,
/// and of the slowest of each scenario after the warm-up. Without a number they are listed; with one the trace is shown as
/// the list of its operations: when in the iteration each began, how long it waited for a connection, how long the server and
/// the wire took, and what lies between them, in the script or asleep.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  snapbench trace results/20260131T120000Z-s6_burst-0a1b2c
  snapbench trace results/20260131T120000Z-s6_burst-0a1b2c --errors --scenario traffic
  snapbench trace results/20260131T120000Z-s6_burst-0a1b2c 3")]
pub(crate) struct TraceArgs {
    /// The run's directory
    run: PathBuf,

    /// The trace to show, by its number in the list
    number: Option<u64>,

    /// List those of this scenario alone
    #[arg(long, value_name = "NAME", conflicts_with = "number")]
    scenario: Option<String>,

    /// List those of failed iterations; with --slow both
    #[arg(long, conflicts_with = "number")]
    errors: bool,

    /// List those of the slowest iterations
    #[arg(long, conflicts_with = "number")]
    slow: bool,

    /// Print JSON: an array of traces, or the one
    #[arg(long)]
    json: bool,
}

pub(crate) fn execute(args: &TraceArgs, _door: Door) -> ExitCode {
    let stored = match read_traces(&args.run) {
        Ok(stored) => stored,
        Err(error) => return wrong(&error),
    };
    for damage in stored.damage() {
        tracing::warn!("{damage}");
    }
    match show(args, &stored) {
        Ok(text) => {
            out::print(&text);
            ExitCode::Good
        }
        Err(error) => wrong(&error),
    }
}

fn show(args: &TraceArgs, stored: &StoredTraces) -> Result<String, TraceReadError> {
    let directory = args.run.display().to_string();
    let page = Page { style: out::style(), columns: out::columns(), directory: &directory };
    if let Some(number) = args.number {
        let trace = stored.numbered(number, &args.run)?;
        return Ok(match args.json {
            true => format!("{:#}\n", serde_json::json!(trace)),
            false => traces::one(trace, stored.traces.records.len(), &page),
        });
    }
    let choice = Choice { scenario: args.scenario.clone(), failed: args.errors, slow: args.slow };
    let chosen = stored.chosen(&choice)?;
    Ok(match args.json {
        true => format!("{:#}\n", serde_json::json!(chosen)),
        false => traces::list(&chosen, stored.run.traces, &page),
    })
}

fn wrong(error: &TraceReadError) -> ExitCode {
    usage(&[Diagnostic::usage(error.to_string())])
}
