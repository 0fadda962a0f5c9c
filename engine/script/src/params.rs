//! Declared parameters (`param("rate", 50, #{ … })`, set with `-p rate=80`) and the script's environment (`-e`).
//!
//! A parameter has the type of its default. What was typed on the command line is parsed as that type; problems are
//! collected, never thrown, so that all of them are told at once.

use std::{collections::BTreeMap, sync::Arc};

use model::suggest::did_you_mean;
use rhai::{Dynamic, Map};

use crate::{diagnostic::Diagnostic, options::SweepInputs, settings::as_number};

/// What the user gave on the command line.
#[derive(Clone, Debug)]
pub struct Inputs {
    /// `-p name=value`, in the order given; the last one of a name counts.
    pub params: Vec<(String, String)>,
    /// `-e NAME=value`; names that are missing here are looked up in the process's environment.
    pub env: BTreeMap<String, String>,
    /// `--scale F`: multiplies the defaults of parameters declared with `scale: true`, and every rate.
    pub scale: f64,
    /// `--duration`, in seconds.
    pub duration_s: Option<f64>,
    /// `--only`: names of the scenarios that are played; all when empty.
    pub only: Vec<String>,
    /// `--sweep` and what belongs to it.
    pub sweep: SweepInputs,
}

impl Default for Inputs {
    fn default() -> Self {
        Self {
            params: Vec::new(),
            env: BTreeMap::new(),
            scale: 1.0,
            duration_s: None,
            only: Vec::new(),
            sweep: SweepInputs::default(),
        }
    }
}

/// Where a parameter's value came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParamOrigin {
    /// The script's default.
    Default,
    /// The script's default, multiplied by `--scale`.
    Scaled,
    /// `-p` on the command line.
    Flag,
}

/// One declared parameter with its value.
#[derive(Clone, Debug)]
pub struct Param {
    /// Name.
    pub name: String,
    /// Default as text.
    pub default: String,
    /// Value as text.
    pub value: String,
    /// `int`, `float`, `bool` or `string`.
    pub type_name: &'static str,
    /// One line of help; empty when none was given.
    pub help: String,
    /// Unit; empty when none was given.
    pub unit: String,
    /// Permitted values as text; empty when any will do.
    pub one_of: Vec<String>,
    /// Where the value came from.
    pub origin: ParamOrigin,
}

/// The parameters one core has met.
#[derive(Debug)]
pub(crate) struct ParamTable {
    inputs: Arc<Inputs>,
    declared: BTreeMap<String, (Param, Dynamic)>,
    problems: Vec<Diagnostic>,
}

/// What `param`'s third argument may say.
const ATTRIBUTES: [&str; 6] = ["help", "unit", "one_of", "min", "max", "scale"];

impl ParamTable {
    pub(crate) fn new(inputs: Arc<Inputs>) -> Self {
        Self { inputs, declared: BTreeMap::new(), problems: Vec::new() }
    }

    /// What the user gave.
    pub(crate) fn inputs(&self) -> &Inputs {
        &self.inputs
    }

    /// The value of a parameter that was declared before.
    pub(crate) fn known(&self, name: &str) -> Option<Dynamic> {
        self.declared.get(name).map(|(_, value)| value.clone())
    }

    /// Declares a parameter and gives its value. On a problem the default is given and the problem kept.
    pub(crate) fn declare(&mut self, name: &str, default: &Dynamic, attributes: &Map) -> Dynamic {
        let Some(type_name) = type_of(default) else {
            self.problem(
                format!("the default of parameter `{name}` is a {}", default.type_name()),
                "a parameter is an int, a float, a bool or a string",
            );
            return default.clone();
        };
        for key in attributes.keys().filter(|k| !ATTRIBUTES.contains(&k.as_str())) {
            let near =
                did_you_mean(key, ATTRIBUTES).map_or(String::new(), |n| format!("did you mean `{n}`? "));
            self.problem(
                format!("parameter `{name}` has an unknown attribute `{key}`"),
                &format!("{near}known are {}", ATTRIBUTES.join(", ")),
            );
        }
        let given = self.inputs.params.iter().rev().find(|(n, _)| n == name).map(|(_, v)| v.clone());
        let (value, origin) = match given {
            Some(text) => (self.parse(name, default, type_name, &text), ParamOrigin::Flag),
            None => self.scaled(default, attributes),
        };
        let value = self.checked(name, value, default, attributes);
        let text_of = |key: &str| attributes.get(key).map(ToString::to_string).unwrap_or_default();
        let param = Param {
            name: name.to_owned(),
            default: default.to_string(),
            value: value.to_string(),
            type_name,
            help: text_of("help"),
            unit: text_of("unit"),
            one_of: permitted(attributes).iter().map(ToString::to_string).collect(),
            origin,
        };
        self.declared.insert(name.to_owned(), (param, value.clone()));
        value
    }

    /// Every parameter met so far, by name.
    pub(crate) fn list(&self) -> Vec<Param> {
        self.declared.values().map(|(param, _)| param.clone()).collect()
    }

    /// The problems met so far.
    pub(crate) fn take_problems(&mut self) -> Vec<Diagnostic> {
        std::mem::take(&mut self.problems)
    }

    fn parse(&mut self, name: &str, default: &Dynamic, type_name: &str, text: &str) -> Dynamic {
        let parsed = match type_name {
            "int" => text.replace('_', "").parse::<i64>().ok().map(Dynamic::from),
            "float" => text.replace('_', "").parse::<f64>().ok().filter(|f| f.is_finite()).map(Dynamic::from),
            "bool" => match text {
                "true" | "yes" | "on" | "1" => Some(true.into()),
                "false" | "no" | "off" | "0" => Some(false.into()),
                _ => None,
            },
            _ => Some(text.into()),
        };
        parsed.unwrap_or_else(|| {
            self.problem(
                format!("parameter `{name}` is {}, not `{text}`", with_article(type_name)),
                &format!("for example -p {name}={default}"),
            );
            default.clone()
        })
    }

    fn scaled(&self, default: &Dynamic, attributes: &Map) -> (Dynamic, ParamOrigin) {
        let wanted = attributes.get("scale").is_some_and(|s| s.as_bool() == Ok(true));
        let factor = self.inputs.scale;
        if !wanted || factor == 1.0 {
            return (default.clone(), ParamOrigin::Default);
        }
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            reason = "sizes are far below 2^53"
        )]
        let scaled = match default.as_int() {
            Ok(int) => Dynamic::from(((int as f64 * factor).round() as i64).max(i64::from(int > 0))),
            Err(_) => default.as_float().map_or_else(|_| default.clone(), |f| (f * factor).into()),
        };
        (scaled, ParamOrigin::Scaled)
    }

    /// The value, unless it is outside of what the attributes permit.
    fn checked(&mut self, name: &str, value: Dynamic, default: &Dynamic, attributes: &Map) -> Dynamic {
        let permitted = permitted(attributes);
        let text = value.to_string();
        if !permitted.is_empty() && !permitted.iter().any(|p| p.to_string() == text) {
            let words: Vec<String> = permitted.iter().map(ToString::to_string).collect();
            let near = did_you_mean(&text, words.iter().map(String::as_str))
                .map_or(String::new(), |n| format!("did you mean `{n}`? "));
            self.problem(
                format!("parameter `{name}` cannot be `{text}`"),
                &format!("{near}it is one of {}", words.join(", ")),
            );
            return default.clone();
        }
        let number = as_number(&value);
        for (key, is_outside) in [("min", f64::lt as fn(&f64, &f64) -> bool), ("max", f64::gt)] {
            let bound = attributes.get(key).and_then(as_number);
            if let (Some(number), Some(bound)) = (number, bound)
                && is_outside(&number, &bound)
            {
                let word = if key == "min" { "least" } else { "most" };
                self.problem(
                    format!("parameter `{name}` cannot be {text}"),
                    &format!("it is at {word} {bound}"),
                );
                return default.clone();
            }
        }
        value
    }

    fn problem(&mut self, message: String, help: &str) {
        let complaint = Diagnostic::usage(message).help(help);
        if !self.problems.contains(&complaint) {
            self.problems.push(complaint);
        }
    }
}

/// Complaints about `-p` names that the script does not know.
pub(crate) fn unknown_names(inputs: &Inputs, known: &[&str]) -> Vec<Diagnostic> {
    let unknown = inputs.params.iter().filter(|(name, _)| !known.contains(&name.as_str()));
    unknown
        .map(|(name, _)| {
            let complaint = Diagnostic::usage(format!("the script has no parameter `{name}`"));
            let listed = if known.is_empty() {
                "it declares none".to_owned()
            } else {
                format!("it has {}", known.join(", "))
            };
            complaint.help(match did_you_mean(name, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`? {listed}"),
                None => listed,
            })
        })
        .collect()
}

fn type_of(value: &Dynamic) -> Option<&'static str> {
    if value.is_int() {
        Some("int")
    } else if value.is_float() {
        Some("float")
    } else if value.is_bool() {
        Some("bool")
    } else if value.is_string() {
        Some("string")
    } else {
        None
    }
}

fn with_article(type_name: &str) -> String {
    format!("{} {type_name}", if type_name == "int" { "an" } else { "a" })
}

fn permitted(attributes: &Map) -> Vec<Dynamic> {
    attributes.get("one_of").and_then(|v| v.as_array_ref().ok().map(|a| a.to_vec())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(params: &[(&str, &str)]) -> ParamTable {
        let params = params.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        ParamTable::new(Arc::new(Inputs { params, ..Inputs::default() }))
    }

    #[test]
    fn a_parameter_takes_the_type_of_its_default() {
        let mut table = table(&[("rate", "80"), ("ratio", "0.5"), ("broken", "yes")]);
        assert_eq!(table.declare("rate", &50.into(), &Map::new()).as_int(), Ok(80));
        assert_eq!(table.declare("ratio", &0.1.into(), &Map::new()).as_float(), Ok(0.5));
        assert_eq!(table.declare("broken", &false.into(), &Map::new()).as_bool(), Ok(true));
        assert_eq!(table.take_problems(), []);
    }

    #[test]
    fn every_problem_is_kept_and_the_default_stands_in() {
        let mut table = table(&[("rate", "fast"), ("variant", "bb"), ("depth", "500")]);
        let one_of = Map::from([("one_of".into(), vec![Dynamic::from("a"), "b".into()].into())]);
        let bounds = Map::from([("min".into(), 1.into()), ("max".into(), 100.into())]);
        assert_eq!(table.declare("rate", &50.into(), &Map::new()).as_int(), Ok(50));
        assert_eq!(table.declare("variant", &"a".into(), &one_of).to_string(), "a");
        assert_eq!(table.declare("depth", &10.into(), &bounds).as_int(), Ok(10));
        let told: Vec<String> = table.take_problems().iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "parameter `rate` is an int, not `fast` (help: for example -p rate=50)",
                "parameter `variant` cannot be `bb` (help: did you mean `b`? it is one of a, b)",
                "parameter `depth` cannot be 500 (help: it is at most 100)",
            ]
        );
    }

    #[test]
    fn scale_multiplies_only_what_is_declared_as_a_size_and_not_given() {
        let inputs = Inputs { scale: 0.1, params: vec![("given".into(), "7".into())], ..Inputs::default() };
        let mut table = ParamTable::new(Arc::new(inputs));
        let size = Map::from([("scale".into(), true.into())]);
        assert_eq!(table.declare("rows", &1000.into(), &size).as_int(), Ok(100));
        assert_eq!(table.declare("given", &1000.into(), &size).as_int(), Ok(7));
        assert_eq!(table.declare("depth", &10.into(), &Map::new()).as_int(), Ok(10));
        assert_eq!(table.declare("few", &3.into(), &size).as_int(), Ok(1));
    }

    #[test]
    fn a_misspelt_name_gets_the_nearest_one() {
        let inputs = Inputs { params: vec![("ratee".into(), "1".into())], ..Inputs::default() };
        let told = unknown_names(&inputs, &["rate", "variant"]);
        assert_eq!(
            told[0].to_string(),
            "the script has no parameter `ratee` (help: did you mean `rate`? it has rate, variant)"
        );
    }
}
