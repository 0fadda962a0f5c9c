//! `inspect`: what a run would be.

use std::time::Duration;

use clap::Args;
use model::units::{format_count, format_duration};
use runner::{
    ExitCode, InspectedComparison, InspectedHold, InspectedScenario, InspectedSweep, Inspection, inspect,
};

use super::{Door, failed, usage};
use crate::{args::PlanArgs, columns::columns, out};

/// The drawing of a planned rate, in characters.
const CURVE_COLUMNS: usize = 60;
const CURVE_ROWS: usize = 6;

/// Show what a run would be: question, parameters, planned rates, thresholds
///
/// Lists the parameters with value, default, unit and origin, the scenarios with their planned rate drawn over time,
/// the thresholds, and where each setting comes from: a flag, the environment, targets.yaml, the script, or a default,
/// in that order of precedence. Nothing connects.
#[derive(Args, Debug)]
#[command(
    allow_negative_numbers = true,
    after_long_help = "\
Example:
  snapbench inspect scenarios/s6_burst.rhai -p variant=b --duration 60s"
)]
pub(crate) struct InspectArgs {
    #[command(flatten)]
    plan: PlanArgs,

    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn execute(args: &InspectArgs, _door: Door) -> ExitCode {
    let (script, load, target) = match args.plan.meaning() {
        Ok(meaning) => meaning,
        Err(problems) => return usage(&problems),
    };
    match inspect(&script, &load, &target) {
        Ok(inspection) if args.json => match serde_json::to_string_pretty(&inspection) {
            Ok(text) => {
                out::print(&(text + "\n"));
                ExitCode::Good
            }
            Err(error) => {
                tracing::error!(%error, "the inspection cannot be written as JSON");
                ExitCode::Other
            }
        },
        Ok(inspection) => {
            out::print(&in_words(&inspection));
            ExitCode::Good
        }
        Err(error) => failed(&error),
    }
}

fn in_words(inspection: &Inspection) -> String {
    let mut text = format!("{}  ({})\n", inspection.name, inspection.file);
    inspection.description.lines().for_each(|line| text.push_str(&format!("  {line}\n")));
    parameters(inspection, &mut text);
    for scenario in &inspection.scenarios {
        text.push_str(&format!("\nscenario {}\n", scenario.name));
        text.push_str(&format!("  {}\n", sentence(scenario)));
        if let Some(hold) = &scenario.holds {
            text.push_str(&format!("  {}\n", held(hold)));
        }
        if let Some(curve) = &scenario.curve {
            let drawn = report::curve::draw(curve, CURVE_COLUMNS, CURVE_ROWS);
            drawn.lines().for_each(|line| text.push_str(&format!("  {line}\n")));
        }
    }
    for comparison in &inspection.comparisons {
        text.push_str(&format!("\ncomparison {}\n", comparison.name));
        text.push_str(&format!("  {}\n", compared(comparison)));
    }
    if let Some(sweep) = &inspection.sweep {
        text.push_str(&format!("\nsweep of {}\n  {}\n", sweep.param, swept(sweep)));
    }
    if !inspection.thresholds.is_empty() {
        text.push_str("\nthresholds\n");
        let rows = inspection.thresholds.iter().map(|threshold| {
            let note = if threshold.abort_on_fail { "ends the run when it fails" } else { "" };
            [threshold.metric.clone(), threshold.condition.clone(), note.to_owned()]
        });
        text.push_str(&columns(rows));
    }
    gates(inspection, &mut text);
    if !inspection.probes.is_empty() {
        text.push_str("\nprobes\n");
        let every = |s: f64| format!("every {}", format_duration(Duration::from_secs_f64(s)));
        text.push_str(&columns(
            inspection
                .probes
                .iter()
                .map(|probe| [probe.name.clone(), every(probe.every_s), probe.of.clone()]),
        ));
    }
    faults(inspection, &mut text);
    text.push_str("\nsettings\n");
    text.push_str(&columns(
        inspection
            .settings
            .iter()
            .map(|setting| [setting.name.clone(), setting.value.clone(), format!("({})", setting.from)]),
    ));
    text
}

fn gates(inspection: &Inspection, text: &mut String) {
    for gate in &inspection.gates {
        text.push_str(&format!("\ngate {}\n", gate.name));
        let rows =
            gate.thresholds.iter().map(|threshold| [threshold.metric.clone(), threshold.condition.clone()]);
        text.push_str(&columns(rows));
        text.push_str(&format!("  go     {}\n  no-go  {}\n", gate.go, gate.no_go));
    }
}

fn faults(inspection: &Inspection, text: &mut String) {
    if inspection.faults.is_empty() {
        return;
    }
    text.push_str("\nfaults\n");
    let time = |s: f64| format_duration(Duration::from_secs_f64(s));
    text.push_str(&columns(inspection.faults.iter().map(|fault| {
        let lasts = if fault.lasts_s > 0.0 { format!("for {}", time(fault.lasts_s)) } else { String::new() };
        [fault.fault.clone(), format!("at {}", time(fault.at_s)), lasts]
    })));
}

fn parameters(inspection: &Inspection, text: &mut String) {
    if inspection.parameters.is_empty() && inspection.later_parameters.is_empty() {
        return;
    }
    text.push_str("\nparameters (-p NAME=VALUE)\n");
    text.push_str(&columns(inspection.parameters.iter().map(|parameter| {
        let unit = if parameter.unit.is_empty() { String::new() } else { format!(" {}", parameter.unit) };
        let mut help = parameter.help.clone();
        if !parameter.one_of.is_empty() {
            help = format!("{help} [{}]", parameter.one_of.join(", ")).trim().to_owned();
        }
        let from = match parameter.from.as_str() {
            "default" => format!("({}, default)", parameter.type_name),
            from => format!("({}, {from}; default {})", parameter.type_name, parameter.default),
        };
        [parameter.name.clone(), format!("{}{unit}", parameter.value), from, help]
    })));
    if !inspection.later_parameters.is_empty() {
        let names = inspection.later_parameters.join(", ");
        text.push_str(&format!("  declared where they are used: {names}\n"));
    }
}

fn compared(comparison: &InspectedComparison) -> String {
    let time = |s: f64| format_duration(Duration::from_secs_f64(s));
    let mut parts = vec![
        format!("{} take turns in {}()", comparison.sides.join(", "), comparison.exec),
        format!("{} virtual users", format_count(u64::from(comparison.vus))),
        format!("{} rounds of two turns each, {} a turn", comparison.rounds, time(comparison.turn_s)),
        format!("decided by {}", comparison.decide_by),
    ];
    parts.extend(comparison.calibrate.iter().map(|side| format!("calibrated against {side}")));
    parts.push(format!("for {} from {} on", time(comparison.duration_s), time(comparison.start_s)));
    parts.join(", ")
}

fn swept(sweep: &InspectedSweep) -> String {
    let time = |s: f64| format_duration(Duration::from_secs_f64(s));
    let values: Vec<String> = sweep.values.iter().map(ToString::to_string).collect();
    let pause = match sweep.rest_s > 0.0 {
        true => format!("{} apart", time(sweep.rest_s)),
        false => "one straight after the other".to_owned(),
    };
    format!(
        "{} at {}, {} each, {pause}, for {}; {} a second are measured",
        sweep.scenarios.join(", "),
        values.join(", "),
        time(sweep.step_s),
        time(sweep.duration_s),
        sweep.measure
    )
}

fn held(hold: &InspectedHold) -> String {
    let every = format_duration(Duration::from_secs_f64(hold.every_s));
    let effect = if hold.direction == "up" { "raises" } else { "lowers" };
    format!(
        "holds {} at {} with {} to {} iterations a second ({} at the start), decided every {every}; more rate {effect} it; \
         kp {}, ki {}",
        hold.series, hold.target, hold.min_rate, hold.max_rate, hold.start_rate, hold.kp, hold.ki
    )
}

fn sentence(scenario: &InspectedScenario) -> String {
    let time = |s: f64| format_duration(Duration::from_secs_f64(s));
    let counts = scenario.executor.ends_with("-iterations");
    let mut parts = vec![format!("{} calls {}()", scenario.executor, scenario.exec)];
    parts.push(match scenario.duration_s {
        Some(duration_s) => format!("{} {}", if counts { "at most" } else { "for" }, time(duration_s)),
        None => "until it is stopped".to_owned(),
    });
    if scenario.start_s > 0.0 {
        parts.push(format!("from {} on", time(scenario.start_s)));
    }
    if let Some(iterations) = scenario.iterations {
        let what = if scenario.curve.is_some() { "arrivals" } else { "iterations" };
        parts.push(format!("{} {what}", format_count(iterations.round() as u64)));
    }
    parts.push(format!("{} virtual users at most", format_count(u64::from(scenario.max_vus))));
    parts.join(", ")
}
