//! What may stand in the settings of an HTTP service, and what to say where it may not.

use super::{Base, HttpConfig, HttpSettings, NO_CREDENTIALS};
use crate::http::request::{Header, header};
use crate::net::{Origin, UrlProblem};
use crate::settings::{Problems, SettingsError};

/// More connections of a core than this gain nothing: HTTP/2 shares them.
const MOST_CONNECTIONS: usize = 1000;

/// Checks every setting, and tells everything that is wrong.
pub(super) fn check(settings: &HttpSettings) -> Result<HttpConfig, SettingsError> {
    let mut problems = Problems::default();
    let base = settings.url.as_deref().and_then(|text| check_url(text, &mut problems));
    let config = HttpConfig {
        http2: check_http2(settings, &mut problems),
        ca_file: settings.ca_file.clone(),
        insecure: check_insecure(settings, base.as_ref(), &mut problems),
        headers: check_headers(&settings.headers, &mut problems),
        timeout: problems.timeout(settings.timeout.as_deref()),
        detour: None,
        base,
    };
    problems.none_or(config)
}

fn check_url(text: &str, problems: &mut Problems) -> Option<Base> {
    let (origin, path) = match Origin::parse(text, NO_CREDENTIALS) {
        Ok(parsed) => parsed,
        Err(UrlProblem { problem, remedy }) => {
            problems.add("url", problem, remedy);
            return None;
        }
    };
    let (prefix, query) = path.split_once('?').map_or((path.as_str(), None), |(p, q)| (p, Some(q)));
    let prefix = prefix.trim_end_matches('/');
    if query.is_some() {
        let remedy = format!("write `{}{prefix}`, and the rest behind each path", origin.written());
        problems.add("url", "it has a query", remedy);
    }
    Some(Base { prefix: prefix.as_bytes().to_vec(), origin })
}

fn check_http2(settings: &HttpSettings, problems: &mut Problems) -> Option<usize> {
    let is_http2 = settings.http2.unwrap_or(false);
    let Some(text) = settings.connections.as_deref() else { return is_http2.then_some(1) };
    if !is_http2 {
        let problem = "HTTP/1.1 has a connection for each request on its way";
        problems.add("connections", problem, "leave it out, or write `http2: true`");
    }
    let connections = text.trim().parse().ok().filter(|count| (1..=MOST_CONNECTIONS).contains(count));
    if connections.is_none() {
        let problem = format!("`{text}` is no number of connections");
        problems.add("connections", problem, format!("give a number from 1 to {MOST_CONNECTIONS}"));
    }
    is_http2.then_some(connections.unwrap_or(1))
}

/// A switch that does nothing is a misunderstanding.
fn check_insecure(settings: &HttpSettings, base: Option<&Base>, problems: &mut Problems) -> bool {
    let is_insecure = settings.insecure.unwrap_or(false);
    if is_insecure && settings.ca_file.is_some() {
        let problem = "any certificate will do, and `ca_file` says whom to trust";
        problems.add("insecure", problem, "leave out one of the two");
    }
    if is_insecure && base.is_some_and(|base| !base.origin.is_https()) {
        problems.add("insecure", "the service is not https: there is no certificate", "leave it out");
    }
    is_insecure
}

fn check_headers(headers: &[(String, String)], problems: &mut Problems) -> Vec<Header> {
    let mut checked: Vec<Header> = Vec::with_capacity(headers.len());
    for (name, value) in headers {
        match header(name, value) {
            Ok(made) => {
                checked.retain(|(known, _)| *known != made.0);
                checked.push(made);
            }
            Err(problem) => {
                let (problem, remedy) =
                    problem.split_once("; ").unwrap_or((&problem, "write it in plain ASCII"));
                problems.add("headers", problem, remedy);
            }
        }
    }
    checked
}
