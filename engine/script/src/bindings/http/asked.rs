//! What scripts say beside a path and a body: how a request is sent, and what its statuses mean.

use std::time::Duration;

use drivers::http::{Header, HttpRules, header};
use model::outcome::{Expect, Outcome};
use rhai::Dynamic;

use crate::{bindings::pg::expectation, settings::Settings};

/// Settings of every request.
pub(super) const KNOWN: [&str; 8] =
    ["op", "expect", "timeout", "headers", "ok", "empty", "conflict", "rejected"];

/// Settings that name statuses, and what they make of them.
const MEANINGS: [(&str, Outcome); 4] = [
    ("ok", Outcome::Ok),
    ("empty", Outcome::Empty),
    ("conflict", Outcome::Conflict),
    ("rejected", Outcome::Rejected),
];

/// How a request is sent, and what its end means.
pub(super) struct Asked {
    pub(super) expect: Expect,
    pub(super) timeout: Option<Duration>,
    pub(super) headers: Vec<Header>,
    pub(super) rules: HttpRules,
}

impl Asked {
    /// Reads all but the name.
    pub(super) fn read(settings: &mut Settings<'_>) -> Self {
        let expect = expectation(settings);
        let timeout = settings.seconds("timeout").and_then(|s| Duration::try_from_secs_f64(s).ok());
        if timeout.is_some_and(|timeout| timeout.is_zero()) {
            settings.problem("timeout", "takes a `timeout` above 0".to_owned());
        }
        Self { expect, timeout, headers: headers(settings), rules: rules(settings) }
    }
}

fn headers(settings: &mut Settings<'_>) -> Vec<Header> {
    let Some(map) = settings.map("headers") else { return Vec::new() };
    let mut headers = Vec::with_capacity(map.len());
    for (name, value) in &map {
        match value.as_immutable_string_ref() {
            Ok(text) => match header(name, &text) {
                Ok(made) => headers.push(made),
                Err(problem) => settings.problem("headers", format!("has a wrong header: {problem}")),
            },
            Err(kind) => {
                settings.problem("headers", format!("takes a string for the header `{name}`, not {kind}"));
            }
        }
    }
    headers
}

fn rules(settings: &mut Settings<'_>) -> HttpRules {
    let mut rules = HttpRules::default();
    for (key, outcome) in MEANINGS {
        let Some(value) = settings.raw(key) else { continue };
        let Some(statuses) = statuses(value) else {
            let text = format!("takes a status or several for `{key}`, such as [204, 404], not `{value}`");
            settings.problem(key, text);
            continue;
        };
        for status in statuses {
            if let Some(other) = rules.set(status, outcome).filter(|other| *other != outcome) {
                settings.problem(key, format!("says of {status} that it is `{other}` and `{outcome}`"));
            }
        }
    }
    rules
}

fn statuses(value: &Dynamic) -> Option<Vec<u16>> {
    let status = |value: &Dynamic| {
        let status = value.as_int().ok().and_then(|status| u16::try_from(status).ok());
        status.filter(|status| (100..=599).contains(status))
    };
    match value.as_array_ref() {
        Ok(several) => several.iter().map(status).collect(),
        Err(_) => status(value).map(|one| vec![one]),
    }
}
