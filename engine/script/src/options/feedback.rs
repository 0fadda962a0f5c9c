//! The scenario entry of the executor `feedback`: what is held where, and within which rates.
//!
//! Deliberately absent: which numbers make sense (`load` says so of all executors), and how samples get there (`runner`).

use load::executor::{Executor, Feedback};
use model::{control::Direction, suggest::did_you_mean};
use rhai::Map;

use super::{
    Options, Reader, ScriptProbe, duration,
    executor::{ns, open_vus},
};
use crate::settings::Settings;

const NEEDED: [&str; 5] = ["probe", "target", "start_rate", "max_rate", "duration"];
const DEFAULT_EVERY_S: f64 = 1.0;

/// The measured value that a scenario holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldValue {
    /// The probe of the script that measures it.
    pub probe: String,
    /// The series: the probe's own name, or `PROBE.FIELD` of the map that it returns.
    pub series: String,
}

/// What `feedback` says of itself. Nothing when it lacks what it needs, which is told.
pub(super) fn feedback(s: &mut Settings<'_>, scale: f64) -> Option<(Executor, HeldValue)> {
    let is_whole = NEEDED.iter().all(|key| s.raw(key).is_some());
    let series = s.required("probe", Settings::text);
    let target = s.required("target", Settings::number);
    let start_rate = scale * s.required("start_rate", Settings::number);
    let max_rate = scale * s.required("max_rate", Settings::number);
    let min_rate = scale * s.number("min_rate").unwrap_or(0.0);
    let length = duration(s.required("duration", Settings::seconds)).unwrap_or_default();
    let every = s.seconds("every").unwrap_or(DEFAULT_EVERY_S);
    let every_ns = duration(every).map_or(0, ns);
    let gain = s.number("gain").unwrap_or(1.0);
    let direction = match s.word("direction", &["up", "down"]) {
        Some("down") => Direction::Down,
        _ => Direction::Up,
    };
    let (pre_allocated_vus, max_vus) = open_vus(s);
    let feedback = Feedback {
        target,
        direction,
        gain,
        start_rate,
        min_rate,
        max_rate,
        every_ns,
        // Until its probe is known.
        sampled_every_ns: every_ns,
        duration_ns: ns(length),
        pre_allocated_vus,
        max_vus,
    };
    is_whole.then(|| (Executor::Feedback(feedback), HeldValue { probe: String::new(), series }))
}

impl Reader<'_> {
    /// Finds the probes of the values that scenarios hold.
    pub(super) fn held(&mut self, map: &Map, options: &mut Options) {
        let probes = &options.probes;
        for scenario in &mut options.scenarios {
            let (Some(held), Executor::Feedback(feedback)) = (&mut scenario.held, &mut scenario.executor)
            else {
                continue;
            };
            match probe_of(&held.series, &probes.scripts) {
                Some(probe) => {
                    held.probe.clone_from(&probe.name);
                    feedback.sampled_every_ns = ns(probe.every);
                }
                None => self.not_measured(map, &scenario.name, &held.series),
            }
            let series = format!("{}.rate", scenario.name);
            let is_taken = |probe: &&ScriptProbe| probe.name == scenario.name || probe.name == series;
            if let Some(probe) = probes.scripts.iter().find(is_taken) {
                let message = format!(
                    "probe `{}` has the name of a scenario whose rate is the series `{series}`",
                    probe.name
                );
                self.complain(&["probes", &probe.name], message, Some("call one otherwise".to_owned()));
            }
        }
    }

    fn not_measured(&mut self, map: &Map, scenario: &str, series: &str) {
        let written = map.get("probes").and_then(|probes| probes.as_map_ref().ok());
        let names: Vec<String> =
            written.iter().flat_map(|probes| probes.keys()).map(ToString::to_string).collect();
        let own: Vec<&str> =
            names.iter().map(String::as_str).filter(|name| !["postgres", "host"].contains(name)).collect();
        let typed = series.split('.').next().unwrap_or(series);
        // What is wrong with a probe that is there has been told.
        if own.iter().any(|name| *name == typed || *name == series) {
            return;
        }
        let help = match did_you_mean(typed, own.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if own.is_empty() => {
                "add one: probes: #{ depth: #{ every: \"1s\", exec: \"depth\" } }, whose function returns the value".to_owned()
            }
            None => format!("the script's own probes are {}", own.join(", ")),
        };
        let message =
            format!("scenario `{scenario}` holds `{series}`, and there is no probe `{typed}` of the script");
        self.complain(&["scenarios", scenario, "probe"], message, Some(help));
    }
}

/// The probe whose series it is: its own, or that of a field of its map.
fn probe_of<'p>(series: &str, probes: &'p [ScriptProbe]) -> Option<&'p ScriptProbe> {
    let is_field =
        |probe: &&ScriptProbe| series.strip_prefix(&probe.name).is_some_and(|rest| rest.starts_with('.'));
    probes.iter().find(|probe| probe.name == series).or_else(|| probes.iter().find(is_field))
}
