//! A scenario's entry: which executor, with what, calling which function.

use std::{sync::Arc, time::Duration};

use load::executor::{
    self, ArrivalRate, ConstantVus, ENDLESS_NS, Executor, ExternallyControlled, PerVuIterations, RampingVus,
    SharedIterations,
};
use model::{
    arrivals::Pacing,
    shape::{Shape, Stage},
    suggest::did_you_mean,
};
use rhai::{Dynamic, Map};

use super::{Reader, ScenarioOptions, duration, feedback::feedback};
use crate::{
    bindings::shape::ShapeValue,
    settings::{Settings, as_number},
    vu::Exec,
};

/// Settings that every scenario takes.
const COMMON: [&str; 6] = ["executor", "exec", "start_time", "graceful_stop", "tags", "sweep"];

/// Executors with the settings of their own.
const EXECUTORS: [(&str, &[&str]); 10] = [
    ("constant-vus", &["vus", "duration"]),
    ("ramping-vus", &["start_vus", "stages", "graceful_ramp_down"]),
    ("externally-controlled", &["vus", "max_vus", "duration"]),
    ("per-vu-iterations", &["vus", "iterations", "max_duration"]),
    ("shared-iterations", &["vus", "iterations", "max_duration"]),
    ("constant-arrival-rate", &["rate", "time_unit", "duration", "poisson", "pre_allocated_vus", "max_vus"]),
    (
        "ramping-arrival-rate",
        &["start_rate", "time_unit", "stages", "poisson", "pre_allocated_vus", "max_vus"],
    ),
    ("arrival-rate", &["rate", "duration", "poisson", "pre_allocated_vus", "max_vus"]),
    ("replay", &["file", "speed", "repeat", "duration", "pre_allocated_vus", "max_vus"]),
    (
        "feedback",
        &[
            "probe",
            "target",
            "direction",
            "gain",
            "start_rate",
            "min_rate",
            "max_rate",
            "every",
            "duration",
            "pre_allocated_vus",
            "max_vus",
        ],
    ),
];

/// VUs an open model may use when the script does not say.
const DEFAULT_MAX_VUS: u32 = 100;

const DEFAULT_MAX_DURATION: Duration = Duration::from_secs(600);

impl Reader<'_> {
    pub(super) fn scenario(&mut self, name: &str, map: &Map, scale: f64) -> Option<ScenarioOptions> {
        let path = ["scenarios", name];
        let kind = self.executor_kind(name, map)?;
        let own = EXECUTORS.iter().find(|(k, _)| *k == kind).map_or(&[][..], |(_, own)| own);
        let known: Vec<&'static str> = COMMON.iter().chain(own).copied().collect();
        let mut settings = Settings::new(format!("scenario `{name}`"), map, &known);
        let start = settings.seconds("start_time").and_then(duration).unwrap_or_default();
        let graceful_stop =
            settings.seconds("graceful_stop").and_then(duration).unwrap_or(Duration::from_secs(30));
        let is_swept = settings.flag("sweep").unwrap_or(true);
        let exec = settings.text("exec").unwrap_or_else(|| name.to_owned());
        let (mut trace, mut held) = (None, None);
        let executor = match kind {
            "replay" => self.replay(name, &mut settings, scale).map(|(executor, its)| {
                trace = Some(its);
                executor
            }),
            "feedback" => feedback(&mut settings, scale).map(|(executor, its)| {
                held = Some(its);
                executor
            }),
            _ => self.executor(kind, &mut settings, scale),
        };
        self.absorb(&path, settings);
        let tags = self.tags(map, &path);
        let (function, arity) = self.function(&["scenarios", name, "exec"], Some(&exec))?;
        let exec = Exec { function, takes_vu: arity == 1 };
        let (name, executor) = (name.to_owned(), executor?);
        Some(ScenarioOptions {
            name,
            exec,
            executor,
            start,
            graceful_stop,
            tags,
            trace,
            held,
            turn: None,
            is_swept,
            step: None,
        })
    }

    fn executor_kind(&mut self, name: &str, map: &Map) -> Option<&'static str> {
        let path = ["scenarios", name, "executor"];
        let names = EXECUTORS.map(|(kind, _)| kind);
        let Some(value) = map.get("executor") else {
            let help = format!("add `executor:`, one of {}", names.join(", "));
            self.complain(&["scenarios", name], format!("scenario `{name}` names no executor"), Some(help));
            return None;
        };
        let typed = value.to_string();
        let found = names.iter().find(|kind| **kind == typed).copied();
        if found.is_none() {
            let near = did_you_mean(&typed, names).map_or(String::new(), |n| format!("did you mean `{n}`? "));
            let help = format!("{near}there are {}", names.join(", "));
            self.complain(&path, format!("there is no executor `{typed}`"), Some(help));
        }
        found
    }

    fn executor(&mut self, kind: &str, s: &mut Settings<'_>, scale: f64) -> Option<Executor> {
        Some(match kind {
            "constant-vus" => Executor::ConstantVus(ConstantVus {
                vus: vus(s, "vus").unwrap_or(1),
                duration_ns: required_ns(s, "duration"),
            }),
            "ramping-vus" => Executor::RampingVus(RampingVus {
                start_vus: vus(s, "start_vus").unwrap_or(1),
                stages: stages(s)
                    .into_iter()
                    .map(|(target, length)| executor::Stage {
                        target: target.round().max(0.0) as u32,
                        duration_ns: ns(length),
                    })
                    .collect(),
                graceful_ramp_down_ns: s
                    .seconds("graceful_ramp_down")
                    .and_then(duration)
                    .map_or(30_000_000_000, ns),
            }),
            "externally-controlled" => Executor::ExternallyControlled(controlled(s)),
            "per-vu-iterations" => Executor::PerVuIterations(PerVuIterations {
                vus: vus(s, "vus").unwrap_or(1),
                iterations: iterations(s),
                max_duration_ns: max_duration_ns(s),
            }),
            "shared-iterations" => Executor::SharedIterations(SharedIterations {
                vus: vus(s, "vus").unwrap_or(1),
                iterations: iterations(s),
                max_duration_ns: max_duration_ns(s),
            }),
            _ => Executor::ArrivalRate(self.arrivals(kind, s, scale)?),
        })
    }

    fn arrivals(&mut self, kind: &str, s: &mut Settings<'_>, scale: f64) -> Option<ArrivalRate> {
        let unit_s = s.seconds("time_unit").unwrap_or(1.0);
        if unit_s <= 0.0 {
            s.problem("time_unit", "takes a `time_unit` above 0, for example \"1s\"".to_owned());
            return None;
        }
        let (shape, mut is_poisson) = match kind {
            "constant-arrival-rate" => {
                (Shape::Constant { rate: s.required("rate", Settings::number) / unit_s }, false)
            }
            "ramping-arrival-rate" => {
                let start = s.number("start_rate").unwrap_or(0.0) / unit_s;
                let stages = stages(s).into_iter().map(|(target, length)| Stage {
                    target: target / unit_s,
                    duration_s: length.as_secs_f64(),
                });
                (Shape::Stages { start, stages: stages.collect() }, false)
            }
            _ => rate_of(s)?,
        };
        if let Some(poisson) = s.flag("poisson") {
            is_poisson = poisson;
        }
        let fixed = s.seconds("duration").and_then(duration);
        let natural = shape.duration_s().and_then(duration);
        let duration = match (fixed, natural) {
            (Some(fixed), _) => fixed,
            (None, Some(natural)) => natural,
            (None, None) => {
                s.problem("", "needs `duration`: its rate has no end of its own".to_owned());
                Duration::ZERO
            }
        };
        let shape = match (fixed, natural) {
            (Some(fixed), Some(natural)) if fixed != natural => shape.squeezed_to(fixed.as_secs_f64()),
            _ => shape,
        };
        let shape = if scale == 1.0 { shape } else { shape.scaled(scale) };
        let (pre_allocated_vus, max_vus) = open_vus(s);
        Some(ArrivalRate {
            shape: Arc::new(shape),
            pacing: if is_poisson { Pacing::Poisson } else { Pacing::Even },
            duration_ns: ns(duration),
            pre_allocated_vus,
            max_vus,
        })
    }
}

/// `rate:` of `arrival-rate`: a shape, or a number for a constant one.
fn rate_of(s: &mut Settings<'_>) -> Option<(Shape, bool)> {
    let Some(value) = s.raw("rate") else {
        s.problem("", "needs `rate`, a shape such as shape::sine(#{ … }), or a number".to_owned());
        return None;
    };
    if let Some(value) = value.read_lock::<ShapeValue>() {
        return Some((Shape::clone(&value.shape), value.is_poisson));
    }
    if let Some(rate) = as_number(value) {
        return Some((Shape::Constant { rate }, false));
    }
    s.problem("rate", format!("takes a shape or a number for `rate`, not {} `{value}`", value.type_name()));
    None
}

fn stages(s: &mut Settings<'_>) -> Vec<(f64, Duration)> {
    let Some(list) = s.raw("stages").map(Dynamic::as_array_ref) else {
        s.problem("", "needs `stages`, for example [#{ duration: \"30s\", target: 10 }]".to_owned());
        return Vec::new();
    };
    let Ok(list) = list else {
        s.problem("stages", "takes an array of #{ duration, target } for `stages`".to_owned());
        return Vec::new();
    };
    let mut found = Vec::new();
    for (n, stage) in list.iter().enumerate() {
        let Ok(map) = stage.as_map_ref() else {
            s.problem(
                "stages",
                format!("takes #{{ duration, target }} as stages[{n}], not {}", stage.type_name()),
            );
            continue;
        };
        let mut one = Settings::new(format!("stages[{n}]"), &map, &["duration", "target"]);
        let target = one.required("target", Settings::number);
        if target < 0.0 {
            one.problem("target", format!("takes a target of 0 or more, not {target}"));
        }
        let length = one.required("duration", Settings::seconds);
        let (of, problems) = one.into_problems();
        for problem in problems {
            s.problem("stages", format!("{of} {}", problem.text));
        }
        found.push((target, duration(length).unwrap_or_default()));
    }
    found
}

fn vus(s: &mut Settings<'_>, key: &str) -> Option<u32> {
    s.count(key).map(|n| u32::try_from(n).unwrap_or(u32::MAX))
}

/// As k6 has it: no more VUs than at the start unless it is said, and no end unless it is said.
fn controlled(s: &mut Settings<'_>) -> ExternallyControlled {
    let vus_at_start = vus(s, "vus").unwrap_or(1);
    ExternallyControlled {
        vus: vus_at_start,
        max_vus: vus(s, "max_vus").unwrap_or(vus_at_start),
        duration_ns: s.seconds("duration").and_then(duration).map_or(ENDLESS_NS, ns),
    }
}

/// VUs of an open model: from the start, and at most.
pub(super) fn open_vus(s: &mut Settings<'_>) -> (u32, u32) {
    let pre_allocated = vus(s, "pre_allocated_vus").unwrap_or(0);
    (pre_allocated, vus(s, "max_vus").unwrap_or_else(|| pre_allocated.max(DEFAULT_MAX_VUS)))
}

fn iterations(s: &mut Settings<'_>) -> u64 {
    s.count("iterations").unwrap_or(1)
}

fn max_duration_ns(s: &mut Settings<'_>) -> u64 {
    ns(s.seconds("max_duration").and_then(duration).unwrap_or(DEFAULT_MAX_DURATION))
}

fn required_ns(s: &mut Settings<'_>, key: &str) -> u64 {
    let seconds = s.required(key, Settings::seconds);
    duration(seconds).map_or(0, ns)
}

pub(super) fn ns(length: Duration) -> u64 {
    u64::try_from(length.as_nanos()).unwrap_or(u64::MAX)
}
