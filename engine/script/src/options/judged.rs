//! `thresholds: #{ … }` and `gates: #{ … }` in `options()`: what must hold, and what it decides.

use std::time::Duration;

use model::threshold::{Threshold, ThresholdError, ThresholdRule};
use rhai::{Dynamic, Map};

use super::{Reader, duration};
use crate::{diagnostic::Diagnostic, settings::Settings};

/// Thresholds that decide something together.
#[derive(Clone, Debug)]
pub struct GateOptions {
    /// Its name.
    pub name: String,
    /// What must hold.
    pub thresholds: Vec<ThresholdRule>,
    /// The sentence for when all of it does.
    pub go: String,
    /// The sentence for when something does not.
    pub no_go: String,
}

impl Reader<'_> {
    pub(super) fn gates(&mut self, map: &Map) -> Vec<GateOptions> {
        let all = self.sub_map(map, &[], "gates");
        let mut gates = Vec::new();
        for (name, value) in &all {
            let path = ["gates", name.as_str()];
            let Ok(one) = value.as_map_ref() else {
                self.complain(&path, format!("gate `{name}` is a map, not {}", value.type_name()), None);
                continue;
            };
            let mut settings = Settings::new(format!("gate `{name}`"), &one, &["thresholds", "go", "no_go"]);
            let go = settings.required("go", Settings::text);
            let no_go = settings.required("no_go", Settings::text);
            self.absorb(&path, settings);
            let thresholds = self.thresholds(&one, &path);
            if thresholds.is_empty() && !one.contains_key("thresholds") {
                let help =
                    "give it some: #{ thresholds: #{ errors: \"rate < 1%\" }, go: \"…\", no_go: \"…\" }";
                self.complain(&path, format!("gate `{name}` has no thresholds"), Some(help.to_owned()));
            }
            gates.push(GateOptions { name: name.to_string(), thresholds, go, no_go });
        }
        gates
    }

    pub(super) fn thresholds(&mut self, map: &Map, of: &[&str]) -> Vec<ThresholdRule> {
        let all = self.sub_map(map, of, "thresholds");
        let mut thresholds = Vec::new();
        for (metric, value) in &all {
            let path: Vec<&str> = of.iter().copied().chain(["thresholds", metric.as_str()]).collect();
            let entries = value.as_array_ref().map_or_else(|_| vec![value.clone()], |a| a.to_vec());
            for entry in entries {
                thresholds.extend(self.threshold(&path, metric, &entry));
            }
        }
        thresholds
    }

    fn threshold(&mut self, path: &[&str], metric: &str, entry: &Dynamic) -> Option<ThresholdRule> {
        let map = entry.clone().try_cast::<Map>();
        let text = match &map {
            None => entry.as_immutable_string_ref().ok().map(|t| t.to_string()),
            Some(map) => map.get("threshold").map(ToString::to_string),
        };
        let Some(text) = text else {
            let help = "for example thresholds: #{ push: [\"p(95) < 50ms\"] }".to_owned();
            self.complain(
                path,
                format!("a threshold on `{metric}` is a string, not {}", entry.type_name()),
                Some(help),
            );
            return None;
        };
        let mut rule = match Threshold::parse(metric, &text) {
            Ok(threshold) => ThresholdRule { threshold, abort_on_fail: false, delay_abort: Duration::ZERO },
            Err(e) => {
                self.complain_in_text(path, &text, &e);
                return None;
            }
        };
        if let Some(map) = &map {
            let known = ["threshold", "abort_on_fail", "abortOnFail", "delay_abort", "delayAbortEval"];
            let mut settings = Settings::new(format!("the threshold on `{metric}`"), map, &known);
            let abort = settings.flag("abort_on_fail").or_else(|| settings.flag("abortOnFail"));
            let delay = settings.seconds("delay_abort").or_else(|| settings.seconds("delayAbortEval"));
            rule.abort_on_fail = abort.unwrap_or(false);
            rule.delay_abort = delay.and_then(duration).unwrap_or_default();
            self.absorb(path, settings);
        }
        Some(rule)
    }

    /// A complaint about a threshold's text, at the character it is about.
    fn complain_in_text(&mut self, path: &[&str], text: &str, error: &ThresholdError) {
        let in_metric = error.text != text;
        let mut complaint =
            Diagnostic::usage(format!("threshold `{}`: {}", error.text, error.problem)).help(&error.remedy);
        let text = error.text.as_str();
        let source = self.program.text();
        let after = self.place(path).map_or(0, |p| p.byte_range().start);
        if let Some(at) = source[after..].find(text).filter(|_| !in_metric) {
            let at = after + at + error.offset.min(text.len());
            let before = &source[..at];
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().unwrap_or(before).chars().count() + 1;
            let rest = text.get(error.offset..).unwrap_or("");
            let length = rest.chars().take_while(|c| c.is_alphanumeric()).count().max(1);
            let file = self.program.file().to_owned();
            complaint =
                complaint.at(crate::diagnostic::Place { file, text: source.clone(), line, column, length });
        } else if let Some(place) = self.place(path) {
            complaint = complaint.at(place);
        }
        self.problems.push(complaint);
    }
}
