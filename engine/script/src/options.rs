//! What `options()` says, checked: scenarios, probes, thresholds, servers. Every problem is told at once, each at
//! the key it is about, before anything connects.
//!
//! Deliberately absent: what the command line changes about it (`runner`), how an executor works (`load`).

mod comparisons;
mod executor;
mod faults;
mod feedback;
mod http;
mod judged;
mod probes;
mod replay;
mod servers;
mod sweep;

use std::{cell::RefCell, collections::BTreeMap, rc::Rc, sync::Arc, time::Duration};

use load::plan::{Plan, PlanProblem, ScenarioPlan, ScenarioProblem};
use model::{segment::Segment, sweep::Value, threshold::ThresholdRule};
use rhai::{EvalContext, Map};

pub(crate) use self::sweep::dynamic_of;
pub use self::{
    comparisons::{ComparisonOptions, Turn, TurnKind},
    faults::{Fault, FaultOptions, FaultServer},
    feedback::HeldValue,
    http::{HttpOptions, ServerNeeds},
    judged::GateOptions,
    probes::{ProbeOptions, ScriptProbe},
    servers::{NamedStore, PostgresOptions, StoreOptions},
    sweep::{Step, SweepInputs, SweepOptions},
};
use crate::{
    declaring,
    diagnostic::Diagnostic,
    engine::Host,
    params::{Inputs, Param, ParamTable, unknown_names},
    program::{Program, place_of_key},
    settings::Settings,
    trace::Trace,
    vu::Exec,
};

/// What a script asks for.
#[derive(Clone, Debug)]
pub struct Options {
    /// What runs side by side, and behind it the turns of comparisons, each comparison's from 0, or the steps of a sweep,
    /// each as if it were alone.
    pub scenarios: Vec<ScenarioOptions>,
    /// What is raised step by step.
    pub sweep: Option<SweepOptions>,
    /// What is compared, in the script's order.
    pub comparisons: Vec<ComparisonOptions>,
    /// What must hold.
    pub thresholds: Vec<ThresholdRule>,
    /// What thresholds decide together.
    pub gates: Vec<GateOptions>,
    /// What is sampled beside the load.
    pub probes: ProbeOptions,
    /// What is broken on purpose, in order of time.
    pub faults: Vec<FaultOptions>,
    /// Seed, when the script fixes one.
    pub seed: Option<u64>,
    /// Length of the warm-up, when the script fixes one.
    pub warm_up: Option<Duration>,
    /// Words that label the run.
    pub tags: BTreeMap<String, String>,
    /// How long one operation may take.
    pub timeout: Duration,
    /// How Postgres is used.
    pub postgres: PostgresOptions,
    /// How object stores are used.
    pub store: StoreOptions,
    /// Stores by name, in the script's order; empty when the run has the target's one alone.
    pub stores: Vec<NamedStore>,
    /// How the HTTP service is used.
    pub http: HttpOptions,
    /// The servers that the run needs, when the script says so.
    pub needs: Option<ServerNeeds>,
}

/// One scenario.
#[derive(Clone, Debug)]
pub struct ScenarioOptions {
    /// Its name.
    pub name: String,
    /// The function each iteration calls.
    pub exec: Exec,
    /// How iterations are started.
    pub executor: load::executor::Executor,
    /// How long after the start of the measured window it begins.
    pub start: Duration,
    /// How long running iterations may go on after its end.
    pub graceful_stop: Duration,
    /// Words that label it.
    pub tags: BTreeMap<String, String>,
    /// What it replays, when it does.
    pub trace: Option<Arc<Trace>>,
    /// What it holds, when its rate follows a probe.
    pub held: Option<HeldValue>,
    /// Which turn of a comparison it is, if it is one.
    pub turn: Option<Turn>,
    /// Whether a sweep makes steps of it; else it goes on beside them.
    pub is_swept: bool,
    /// Which step of a sweep it is, if it is one.
    pub step: Option<Step>,
}

impl ScenarioOptions {
    /// The comparison it is a turn of, if it is one.
    #[must_use]
    pub fn comparison(&self) -> Option<&str> {
        self.turn.as_ref().map(|turn| turn.comparison.as_str())
    }
}

/// A script's options with the parameters they were made of.
#[derive(Clone, Debug)]
pub struct Evaluated {
    /// The options.
    pub options: Options,
    /// Every parameter that `options()` declared.
    pub params: Vec<Param>,
}

const TOP: [&str; 16] = [
    "scenarios",
    "comparisons",
    "sweep",
    "thresholds",
    "gates",
    "probes",
    "faults",
    "seed",
    "warm_up",
    "tags",
    "timeout",
    "postgres",
    "store",
    "stores",
    "http",
    "needs",
];

/// Evaluates `options()` and checks what it returns; for a sweep, once more for each value.
///
/// # Errors
/// Every problem: the script's own failure, parameters, unknown keys, wrong types, units, thresholds, functions.
pub fn evaluate(program: &Program, inputs: &Arc<Inputs>) -> Result<Evaluated, Vec<Diagnostic>> {
    let mut base = read(program, inputs)?;
    sweep::swept(program, inputs, &mut base)?;
    let Read { options, params, .. } = base;
    Ok(Evaluated { options, params })
}

/// One evaluation of `options()`.
struct Read {
    options: Options,
    params: Vec<Param>,
    /// The sweep that is asked for.
    sweep: Option<sweep::Written>,
    table: Rc<RefCell<ParamTable>>,
}

impl Read {
    /// What a parameter was in it.
    fn value(&self, param: &str) -> Value {
        self.table.borrow().known(param).map(|value| sweep::value_of(&value)).unwrap_or_default()
    }
}

fn read(program: &Program, inputs: &Arc<Inputs>) -> Result<Read, Vec<Diagnostic>> {
    let table = Rc::new(RefCell::new(ParamTable::new(inputs.clone())));
    let map = call_options(program, &table)?;
    for (name, default, attributes) in &program.facts().declarations {
        // Those of `options()` are known by now.
        let is_known = table.borrow().known(name).is_some();
        if let (false, Some(attributes)) = (is_known, attributes.to_dynamic().try_cast::<Map>()) {
            let _ = table.borrow_mut().declare(name, &default.to_dynamic(), &attributes);
        }
    }
    let mut reader = Reader { program, problems: table.borrow_mut().take_problems() };
    let params = table.borrow().list();
    let known: Vec<&str> = program.facts().parameters.iter().map(String::as_str).collect();
    reader.problems.extend(unknown_names(inputs, &known));
    let options = reader.options(&map, inputs.scale);
    let sweep = reader.sweep(&map, &inputs.sweep);
    if reader.problems.is_empty() { Ok(Read { options, params, sweep, table }) } else { Err(reader.problems) }
}

fn call_options(program: &Program, table: &Rc<RefCell<ParamTable>>) -> Result<Map, Vec<Diagnostic>> {
    if program.arity("options") != Some(0) {
        return Err(vec![
            Diagnostic::script(format!("{} has no function options()", program.file()))
                .help("add `fn options() { #{ scenarios: #{ … } } }`; `snapbench new NAME` writes a script to start from"),
        ]);
    }
    let host = Rc::new(Host::new(program).map_err(|d| vec![d])?);
    let task = Rc::new(|eval: &mut EvalContext<'_, '_, '_, '_, '_, '_>| {
        eval.call_fn_raw("options", false, false, &mut [])
    });
    let value = declaring::with_table(table, || host.run_on_own_stack(task)).map_err(|d| {
        // A parameter's problem is often the cause of what followed from its default.
        let mut all = table.borrow_mut().take_problems();
        all.push(d);
        all
    })?;
    let type_name = value.type_name();
    value.try_cast::<Map>().ok_or_else(|| {
        vec![
            Diagnostic::script(format!("options() returned {type_name}, not a map"))
                .help("end it with `#{ scenarios: #{ … } }`, without a semicolon behind the last brace"),
        ]
    })
}

/// Reads the map and keeps what is wrong with it.
pub(crate) struct Reader<'p> {
    program: &'p Program,
    problems: Vec<Diagnostic>,
}

impl Reader<'_> {
    /// A complaint about the key at the end of `path`.
    pub(crate) fn complain(&mut self, path: &[&str], message: impl Into<String>, help: Option<String>) {
        let mut complaint = Diagnostic::usage(message);
        if let Some(place) = self.place(path) {
            complaint = complaint.at(place);
        }
        complaint.help = help;
        self.problems.push(complaint);
    }

    pub(crate) fn place(&self, path: &[&str]) -> Option<crate::diagnostic::Place> {
        let (file, text) = (self.program.file(), self.program.text());
        (0..=path.len()).rev().filter(|n| *n > 0).find_map(|n| place_of_key(file, text, &path[..n]))
    }

    /// Takes over what a settings map found wrong with itself.
    pub(crate) fn absorb(&mut self, path: &[&str], settings: Settings<'_>) {
        let (of, problems) = settings.into_problems();
        for problem in problems {
            let mut path = path.to_vec();
            if !problem.key.is_empty() {
                path.push(&problem.key);
            }
            self.complain(&path, format!("{of} {}", problem.text), None);
        }
    }

    /// The sub-map under `key`; absent is empty, another type is a problem.
    pub(crate) fn sub_map(&mut self, map: &Map, path: &[&str], key: &str) -> Map {
        match map.get(key) {
            None => Map::new(),
            Some(value) => value.clone().try_cast::<Map>().unwrap_or_else(|| {
                let path: Vec<&str> = path.iter().copied().chain([key]).collect();
                self.complain(&path, format!("`{key}` is a map, not {}", value.type_name()), None);
                Map::new()
            }),
        }
    }

    fn options(&mut self, map: &Map, scale: f64) -> Options {
        let mut top = Settings::new("options()", map, &TOP);
        let seed = top.count("seed");
        let warm_up = top.seconds("warm_up").and_then(duration);
        let timeout = top.seconds("timeout").and_then(duration).unwrap_or(Duration::from_secs(30));
        if timeout.is_zero() {
            top.problem("timeout", "takes a `timeout` above 0".to_owned());
        }
        self.absorb(&[], top);
        let tags = self.tags(map, &[]);
        let comparisons = self.comparisons(map);
        let mut scenarios = self.scenarios(map, scale, !comparisons.is_empty());
        for comparison in &comparisons {
            if scenarios.iter().any(|scenario| scenario.name == comparison.name) {
                let message = format!("`{}` is a scenario and a comparison", comparison.name);
                self.complain(
                    &["comparisons", &comparison.name],
                    message,
                    Some("call one otherwise".to_owned()),
                );
            }
        }
        self.validate(&scenarios);
        // What is refused is not played.
        if self.problems.is_empty() {
            scenarios.extend(comparisons.iter().flat_map(ComparisonOptions::scenarios));
        }
        let mut options = Options {
            scenarios,
            sweep: None,
            comparisons,
            thresholds: self.thresholds(map, &[]),
            gates: self.gates(map),
            probes: self.probes(map),
            faults: self.faults(map),
            seed,
            warm_up,
            tags,
            timeout,
            postgres: self.postgres(map),
            store: self.store(map),
            stores: self.stores(map),
            http: self.http(map),
            needs: self.needs(map),
        };
        self.held(map, &mut options);
        options
    }

    /// What is wrong with the executors themselves: rates, stages, numbers of users.
    fn validate(&mut self, scenarios: &[ScenarioOptions]) {
        let plans = scenarios.iter().map(|s| ScenarioPlan {
            name: s.name.clone(),
            executor: s.executor.clone(),
            start_ns: 0,
            graceful_stop_ns: 0,
            warm_up: false,
        });
        let segment = Segment { index: 1, count: 1 };
        let plan = Plan { scenarios: plans.collect(), seed: 0, segment, warm_up_ns: 0 };
        let Err(problems) = plan.validate() else { return };
        for problem in problems.0 {
            let PlanProblem::Scenario { scenario, problem } = problem else { continue };
            let text = problem.to_string();
            // Which option it is about: a part of the rate by its name, else what stands in backticks.
            let (key, text) = match &problem {
                ScenarioProblem::Rate(rate) => {
                    (rate.at.split(['[', '.']).next().unwrap_or("rate"), rate.to_string())
                }
                _ => (text.split('`').nth(1).unwrap_or_default(), text.clone()),
            };
            self.complain(&["scenarios", &scenario, key], format!("scenario `{scenario}`: {text}"), None);
        }
    }

    fn tags(&mut self, map: &Map, path: &[&str]) -> BTreeMap<String, String> {
        let tags = self.sub_map(map, path, "tags");
        tags.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
    }

    fn scenarios(&mut self, map: &Map, scale: f64, may_be_none: bool) -> Vec<ScenarioOptions> {
        let all = self.sub_map(map, &[], "scenarios");
        if all.is_empty() && !may_be_none {
            let help = "for example scenarios: #{ main: #{ executor: \"constant-vus\", vus: 10, duration: \"30s\", exec: \"work\" } }";
            self.complain(&["scenarios"], "options() names no scenario", Some(help.to_owned()));
        }
        let mut scenarios = Vec::new();
        for (name, value) in &all {
            match value.as_map_ref() {
                Ok(one) => scenarios.extend(self.scenario(name, &one, scale)),
                Err(kind) => self.complain(
                    &["scenarios", name],
                    format!("scenario `{name}` is a map, not {kind}"),
                    None,
                ),
            }
        }
        // Maps are sorted by name; the order in which the script names them is the one people expect.
        let text = self.program.text().clone();
        // Names that are made while the script runs stand nowhere in it: they follow each other in time.
        scenarios.sort_by_key(|s| {
            (place_of_key("", &text, &["scenarios", &s.name]).map(|p| (p.line, p.column)), s.start)
        });
        scenarios
    }

    /// The function a scenario or probe calls.
    pub(crate) fn function(&mut self, path: &[&str], wanted: Option<&str>) -> Option<(String, usize)> {
        let name = wanted?;
        let Some(arity) = self.program.arity(name) else {
            let names: Vec<&str> = self.program.facts().functions.iter().map(|(n, _)| n.as_str()).collect();
            let help = match model::suggest::did_you_mean(name, names.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the script has {}", names.join(", ")),
            };
            self.complain(path, format!("the script has no function `{name}`"), Some(help));
            return None;
        };
        if arity > 1 {
            let help = format!("write `fn {name}(vu)` or `fn {name}()`");
            self.complain(
                path,
                format!("`{name}` takes {arity} parameters; it is called with one at most"),
                Some(help),
            );
            return None;
        }
        Some((name.to_owned(), arity))
    }
}

/// Seconds as a length of time; `None` for what cannot be one (its type was complained about already).
pub(crate) fn duration(seconds: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(seconds).ok()
}
