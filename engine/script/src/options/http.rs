//! How a script wants its HTTP service, and which servers it needs at all.

use rhai::Map;

use model::suggest::did_you_mean;

use super::Reader;
use crate::settings::Settings;

/// Services that a run can start by itself.
const SERVICES: [&str; 1] = ["queue-api"];

/// `http: #{ … }` in `options()`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpOptions {
    /// Whether HTTP/2 is spoken, when the script says so or not so.
    pub http2: Option<bool>,
    /// Connections of HTTP/2 of each core, when the script says how many.
    pub connections: Option<u64>,
    /// The time one request may take, in milliseconds, when the script says so.
    pub timeout_ms: Option<u64>,
    /// Headers of every request to the service, by name.
    pub headers: Vec<(String, String)>,
    /// The service that is started for the run where the target has none, when the script names one.
    pub service: Option<String>,
}

/// `needs: […]` in `options()`: the servers of a run, whatever its script and what it imports could talk to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServerNeeds {
    /// Postgres.
    pub postgres: bool,
    /// An object store.
    pub store: bool,
    /// An HTTP service.
    pub http: bool,
}

impl Reader<'_> {
    pub(super) fn http(&mut self, map: &Map) -> HttpOptions {
        let own = self.sub_map(map, &[], "http");
        let mut s = Settings::new("http", &own, &["http2", "connections", "timeout", "headers", "service"]);
        let http2 = s.flag("http2");
        let connections = s.count("connections");
        let timeout_ms = s.seconds("timeout").map(|seconds| (seconds * 1e3).round() as u64);
        if timeout_ms == Some(0) {
            s.problem("timeout", "takes a `timeout` of 1ms or more".to_owned());
        }
        let service = s.word("service", &SERVICES).map(str::to_owned);
        self.absorb(&["http"], s);
        let mut headers = Vec::new();
        for (name, value) in &self.sub_map(&own, &["http"], "headers") {
            match value.as_immutable_string_ref() {
                Ok(value) => headers.push((name.to_string(), value.to_string())),
                Err(kind) => {
                    let message = format!("the header `{name}` is a string, not {kind}");
                    self.complain(&["http", "headers", name], message, None);
                }
            }
        }
        HttpOptions { http2, connections, timeout_ms, headers, service }
    }

    /// `needs: ["postgres", "store", "http"]`; nothing when the script does not say.
    pub(super) fn needs(&mut self, map: &Map) -> Option<ServerNeeds> {
        const WORDS: [&str; 3] = ["postgres", "store", "http"];
        let value = map.get("needs")?;
        let named: Option<Vec<String>> = value.as_array_ref().ok().and_then(|names| {
            names
                .iter()
                .map(|name| name.as_immutable_string_ref().ok().map(|name| name.to_string()))
                .collect()
        });
        let Some(named) = named else {
            let help = "name servers: needs: [\"postgres\", \"http\"]; [] for none".to_owned();
            self.complain(&["needs"], "`needs` is an array of words", Some(help));
            return None;
        };
        let mut needs = ServerNeeds::default();
        for name in named {
            match name.as_str() {
                "postgres" => needs.postgres = true,
                "store" => needs.store = true,
                "http" => needs.http = true,
                other => {
                    let help = match did_you_mean(other, WORDS) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => format!("it is one of {}", WORDS.join(", ")),
                    };
                    self.complain(&["needs"], format!("`needs` does not know `{other}`"), Some(help));
                }
            }
        }
        Some(needs)
    }
}
