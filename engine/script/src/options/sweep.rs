//! `sweep: #{ … }` in `options()`, or `--sweep`: the same work at one value of a parameter after the other.
//!
//! `options()` is evaluated once more for each value; the scenarios of each become a step. So everything that follows
//! from the parameter in `options()` follows it, and what is permitted of it holds for every step.
//!
//! Deliberately absent: when steps begin and how long they last (`runner`), what is found (`model::sweep`).

use std::{sync::Arc, time::Duration};

use model::sweep::{Value, ValuesError, values};
use rhai::{Dynamic, Map};

use super::{Options, Read, Reader, ScenarioOptions, duration, read};
use crate::{
    diagnostic::Diagnostic,
    params::{Inputs, Param},
    program::Program,
    settings::Settings,
};

const KNOWN: [&str; 7] = ["param", "values", "step", "rest", "measure", "settle", "margin"];
/// Differences within it are nobody's reason to choose.
const DEFAULT_MARGIN: f64 = 0.05;
/// The share of a step that is left out while it settles.
const DEFAULT_SETTLE: f64 = 0.1;

/// What the command line says about a sweep; each part wins over the script's.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SweepInputs {
    /// `--sweep NAME=VALUES`: the parameter, and its values as they are written.
    pub of: Option<(String, String)>,
    /// `--sweep-step`.
    pub step: Option<Duration>,
    /// `--sweep-rest`.
    pub rest: Option<Duration>,
}

/// A sweep.
#[derive(Clone, Debug, PartialEq)]
pub struct SweepOptions {
    /// The parameter.
    pub param: String,
    /// What it is set to, step by step.
    pub values: Vec<Value>,
    /// How long a step lasts; nothing when its scenarios say it.
    pub step: Option<Duration>,
    /// The pause between two steps.
    pub rest: Duration,
    /// The scenario or operation whose rate is measured; nothing for the iterations of all that are stepped.
    pub measure: Option<String>,
    /// The share of a step at its beginning that is in none of its figures.
    pub settle: f64,
    /// The share within which a difference is none.
    pub margin: f64,
}

/// Which step of the sweep a scenario is.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Its number, from 0.
    pub number: usize,
    /// The scenario's own name.
    pub scenario: String,
    /// The parameter.
    pub param: String,
    /// What the parameter is in it.
    pub value: Value,
}

/// A sweep as it is written, before the parameter is known.
#[derive(Debug, Default)]
pub(super) struct Written {
    param: String,
    values: Vec<String>,
    step: Option<Duration>,
    rest: Option<Duration>,
    measure: Option<String>,
    settle: Option<Duration>,
    margin: Option<f64>,
}

impl Reader<'_> {
    /// What the script says, with what flags say instead.
    pub(super) fn sweep(&mut self, map: &Map, flags: &SweepInputs) -> Option<Written> {
        let mut written = self.written_sweep(map, flags.of.is_some());
        if let Some((param, text)) = &flags.of {
            let of_script = written.get_or_insert_default();
            of_script.param.clone_from(param);
            match values(text) {
                Ok(values) => of_script.values = values,
                Err(ValuesError { problem, remedy, .. }) => {
                    let message = format!("--sweep: `{param}={text}`: {problem}");
                    self.problems.push(Diagnostic::usage(message).help(remedy));
                }
            }
        }
        if written.is_none() && !map.contains_key("sweep") {
            for (flag, is_given) in
                [("--sweep-step", flags.step.is_some()), ("--sweep-rest", flags.rest.is_some())]
            {
                if is_given {
                    let message = format!("{flag} is about a sweep, and this run has none");
                    self.problems
                        .push(Diagnostic::usage(message).help("say what to sweep: --sweep NAME=1..512*2"));
                }
            }
        }
        let mut written = written?;
        written.step = flags.step.or(written.step);
        written.rest = flags.rest.or(written.rest);
        if written.step.is_some_and(|step| step.is_zero()) {
            self.complain(&["sweep", "step"], "a sweep takes a `step` above 0, for example \"10s\"", None);
        }
        Some(written)
    }

    /// The script's own. Of one that a flag replaces, neither parameter nor values need be in order.
    fn written_sweep(&mut self, map: &Map, is_replaced: bool) -> Option<Written> {
        let value = map.get("sweep")?;
        let Ok(one) = value.as_map_ref() else {
            let help =
                "one parameter at a time: sweep: #{ param: \"vus\", values: \"1..512*2\", step: \"10s\" }";
            let message = format!("`sweep` is a map, not {}", value.type_name());
            self.complain(&["sweep"], message, Some(help.to_owned()));
            return None;
        };
        let mut s = Settings::new("the sweep", &one, &KNOWN);
        let (mut param, mut values) = (String::new(), Vec::new());
        if !is_replaced {
            param = parameter(&mut s);
            values = listed(&mut s);
        }
        let mut time = |key: &str| s.seconds(key).and_then(duration);
        let (step, rest, settle) = (time("step"), time("rest"), time("settle"));
        if let (Some(step), Some(settle)) = (step, settle)
            && settle >= step
        {
            s.problem("settle", "takes a `settle` below its `step`, or nothing is left of it".to_owned());
        }
        let margin = s.number("margin");
        if let Some(margin) = margin.filter(|margin| !(0.0..1.0).contains(margin)) {
            s.problem(
                "margin",
                format!("takes a `margin` from 0 to below 1, such as 0.05 for 5 %, not {margin}"),
            );
        }
        let measure = s.text("measure");
        self.absorb(&["sweep"], s);
        Some(Written { param, values, step, rest, measure, settle, margin })
    }
}

fn parameter(s: &mut Settings<'_>) -> String {
    if s.raw("param").is_some_and(Dynamic::is_array) {
        s.problem("param", "raises one parameter: run once more for each further one".to_owned());
        return String::new();
    }
    s.required("param", Settings::text)
}

/// `"1..512*2"`, or an array.
fn listed(s: &mut Settings<'_>) -> Vec<String> {
    let Some(value) = s.raw("values") else {
        s.problem("", "needs `values`, such as \"1..512*2\" or [1, 2, 4]".to_owned());
        return Vec::new();
    };
    let text = match (value.as_immutable_string_ref(), value.as_array_ref()) {
        (Ok(text), _) => text.to_string(),
        (_, Ok(array)) => array.iter().map(ToString::to_string).collect::<Vec<_>>().join(","),
        _ => {
            let message = format!(
                "takes an array or a string such as \"1..512*2\" for `values`, not {} `{value}`",
                value.type_name()
            );
            s.problem("values", message);
            return Vec::new();
        }
    };
    match values(&text) {
        Ok(values) => values,
        Err(e) => {
            s.problem("values", format!("cannot take the values {e}"));
            Vec::new()
        }
    }
}

/// Evaluates `options()` for each value and makes its scenarios steps, in place of those that a sweep steps.
pub(super) fn swept(program: &Program, inputs: &Arc<Inputs>, base: &mut Read) -> Result<(), Vec<Diagnostic>> {
    let Some(written) = base.sweep.take() else { return Ok(()) };
    refused(program, &written, &base.options, &base.params)?;
    let (mut values, mut steps, mut problems) = (Vec::new(), Vec::new(), Vec::new());
    for (number, text) in written.values.iter().enumerate() {
        let mut inputs = Inputs::clone(inputs);
        inputs.params.push((written.param.clone(), text.clone()));
        inputs.sweep = SweepInputs::default();
        match read(program, &Arc::new(inputs)) {
            Err(told) => problems.extend(told.into_iter().map(|told| of_step(told, &written.param, text))),
            Ok(one) => {
                let value = one.value(&written.param);
                let step = |scenario: ScenarioOptions| stepped(scenario, number, &written.param, &value);
                steps
                    .extend(one.options.scenarios.into_iter().filter(|scenario| scenario.is_swept).map(step));
                values.push(value);
            }
        }
    }
    problems.extend(counted(&steps));
    problems.dedup();
    if !problems.is_empty() {
        return Err(problems);
    }
    let longest =
        || steps.iter().filter(|s| s.step.as_ref().is_some_and(|step| step.number == 0)).map(end).max();
    let settle = match (written.settle, written.step.or_else(longest)) {
        (Some(settle), Some(step)) if !step.is_zero() => (settle.as_secs_f64() / step.as_secs_f64()).min(0.9),
        _ => DEFAULT_SETTLE,
    };
    base.options.scenarios.retain(|scenario| !scenario.is_swept);
    base.options.scenarios.extend(steps);
    base.options.sweep = Some(SweepOptions {
        param: written.param,
        values,
        step: written.step,
        rest: written.rest.unwrap_or_default(),
        measure: written.measure,
        settle,
        margin: written.margin.unwrap_or(DEFAULT_MARGIN),
    });
    Ok(())
}

/// What speaks against sweeping this script at all.
fn refused(
    program: &Program,
    written: &Written,
    options: &Options,
    params: &[Param],
) -> Result<(), Vec<Diagnostic>> {
    let mut problems = Vec::new();
    if !params.iter().any(|param| param.name == written.param)
        && !program.facts().parameters.contains(&written.param)
    {
        let names: Vec<&str> = params.iter().map(|param| param.name.as_str()).collect();
        let near = model::suggest::did_you_mean(&written.param, names.iter().copied());
        let help = match near {
            Some(near) => format!("did you mean `{near}`? it has {}", names.join(", ")),
            None if names.is_empty() => "declare one: let vus = param(\"vus\", 8);".to_owned(),
            None => format!("it has {}", names.join(", ")),
        };
        let message = format!("the sweep is of `{}`, and the script has no such parameter", written.param);
        problems.push(Diagnostic::usage(message).help(help));
    }
    if !options.comparisons.is_empty() {
        let message =
            "a script that compares cannot be swept: both take turns with the machine to themselves";
        problems.push(Diagnostic::usage(message).help("write the scenarios into a script of their own"));
    }
    if !options.scenarios.iter().any(|scenario| scenario.is_swept) {
        let message = "the sweep has nothing to step: every scenario says `sweep: false`";
        problems
            .push(Diagnostic::usage(message).help("leave `sweep: false` to what goes on beside the steps"));
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// A complaint with the value it is about, unless it says it itself.
fn of_step(mut told: Diagnostic, param: &str, value: &str) -> Diagnostic {
    if !told.message.starts_with(&format!("parameter `{param}`")) {
        told.message = format!("at {param}={value}: {}", told.message);
    }
    told
}

fn stepped(scenario: ScenarioOptions, number: usize, param: &str, value: &Value) -> ScenarioOptions {
    let name = format!("{} {param}={value}", scenario.name);
    let step = Step { number, scenario: scenario.name, param: param.to_owned(), value: value.clone() };
    ScenarioOptions { name, step: Some(step), ..scenario }
}

/// Scenarios that end by themselves cannot be given a step's length.
fn counted(steps: &[ScenarioOptions]) -> Vec<Diagnostic> {
    use load::executor::Executor::{PerVuIterations, SharedIterations};
    let mut told: Vec<Diagnostic> = Vec::new();
    for scenario in steps {
        let Some(step) = &scenario.step else { continue };
        if matches!(scenario.executor, PerVuIterations(_) | SharedIterations(_)) {
            let message = format!("scenario `{}` counts iterations, and a step lasts a time", step.scenario);
            let help = "use constant-vus or an arrival rate, or say `sweep: false` in it";
            told.push(Diagnostic::usage(message).help(help));
        }
    }
    told.dedup();
    told
}

fn end(scenario: &ScenarioOptions) -> Duration {
    scenario.start + Duration::from_nanos(scenario.executor.longest_ns())
}

/// The value of a parameter, as far as it may leave the thread.
pub(super) fn value_of(value: &Dynamic) -> Value {
    if let Ok(number) = value.as_int() {
        Value::Int(number)
    } else if let Ok(number) = value.as_float() {
        Value::Float(number)
    } else if let Ok(flag) = value.as_bool() {
        Value::Flag(flag)
    } else {
        Value::Word(value.to_string())
    }
}

/// The value as scripts see it.
pub(crate) fn dynamic_of(value: &Value) -> Dynamic {
    match value {
        Value::Int(number) => Dynamic::from(*number),
        Value::Float(number) => Dynamic::from(*number),
        Value::Flag(flag) => Dynamic::from(*flag),
        Value::Word(word) => Dynamic::from(word.clone()),
    }
}
