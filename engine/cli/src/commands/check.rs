//! `check`: is the script fit to run? Nothing connects.

use clap::Args;
use model::units::format_duration;
use runner::{ExitCode, PostgresAt, Prepared, WantedStore, prepare};

use super::{Door, failed, usage};
use crate::{args::PlanArgs, out};

/// Check a scenario without running it
///
/// Compiles the script and its imports, evaluates options(), checks parameters, scenarios, thresholds, flags and the
/// target, and tells every problem at once, each with its place. Nothing connects and nothing is started.
#[derive(Args, Debug)]
#[command(
    allow_negative_numbers = true,
    after_long_help = "\
Example:
  snapbench check scenarios/s6_burst.rhai -p variant=c"
)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    plan: PlanArgs,

    /// Print what was found as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn execute(args: &CheckArgs, _door: Door) -> ExitCode {
    let (script, load, target) = match args.plan.meaning() {
        Ok(meaning) => meaning,
        Err(problems) => return usage(&problems),
    };
    match prepare(&script, &load, &target) {
        Ok(prepared) if args.json => {
            let servers = servers(&prepared);
            let found = serde_json::json!({
                "good": true,
                "script": prepared.program.file(),
                "scenarios": scenarios(&prepared),
                "comparisons": prepared.options.comparisons.len(),
                "thresholds": thresholds(&prepared),
                "gates": prepared.options.gates.len(),
                "servers": servers,
            });
            out::print(&format!("{found:#}\n"));
            ExitCode::Good
        }
        Ok(prepared) => {
            out::print(&in_words(&prepared));
            ExitCode::Good
        }
        Err(error) => {
            if args.json {
                let problems: Vec<_> = error.diagnostics().iter().map(crate::complain::as_json).collect();
                out::print(&format!("{:#}\n", serde_json::json!({ "good": false, "problems": problems })));
            }
            failed(&error)
        }
    }
}

fn servers(prepared: &Prepared) -> Vec<String> {
    let postgres = prepared.postgres.as_ref().map(|wanted| match wanted.at {
        PostgresAt::Embedded => "postgres (embedded)",
        _ => "postgres",
    });
    let store = |wanted: &WantedStore| {
        let name = wanted.name.as_deref().unwrap_or("s3");
        if wanted.is_embedded { format!("{name} (embedded)") } else { name.to_owned() }
    };
    let http = prepared.http.as_ref().map(|wanted| match wanted.service {
        Some(_) => "http (embedded)",
        None => "http",
    });
    let stores = prepared.stores.iter().map(store);
    postgres.map(str::to_owned).into_iter().chain(stores).chain(http.map(str::to_owned)).collect()
}

/// How many there are besides the turns of comparisons, each step of a sweep but the first left out.
fn scenarios(prepared: &Prepared) -> usize {
    let is_first = |step: &script::Step| step.number == 0;
    let scenarios = prepared.planned.scenarios.iter();
    scenarios.filter(|one| one.turn.is_none() && one.step.as_ref().is_none_or(is_first)).count()
}

/// How many there are, those of gates among them.
fn thresholds(prepared: &Prepared) -> usize {
    let of_gates: usize = prepared.options.gates.iter().map(|gate| gate.thresholds.len()).sum();
    prepared.options.thresholds.len() + of_gates
}

fn in_words(prepared: &Prepared) -> String {
    let count =
        |number: usize, one: &str, many: &str| format!("{number} {}", if number == 1 { one } else { many });
    let mut parts = Vec::new();
    let comparisons = prepared.options.comparisons.len();
    if scenarios(prepared) > 0 || comparisons == 0 {
        parts.push(count(scenarios(prepared), "scenario", "scenarios"));
    }
    if comparisons > 0 {
        parts.push(count(comparisons, "comparison", "comparisons"));
    }
    if let Some(sweep) = &prepared.options.sweep {
        parts.push(format!("sweep of {} in {} steps", sweep.param, sweep.values.len()));
    }
    parts.push(count(thresholds(prepared), "threshold", "thresholds"));
    if !prepared.options.gates.is_empty() {
        parts.push(count(prepared.options.gates.len(), "gate", "gates"));
    }
    parts.extend(prepared.planned.duration.value.map(format_duration));
    let servers = servers(prepared);
    parts.push(if servers.is_empty() { "no servers".to_owned() } else { servers.join(", ") });
    format!("{}: good ({})\n", prepared.program.file(), parts.join(", "))
}
