//! The HTTP service of a target: what the file says, what flag and environment say over it, and where it is then.
//!
//! Deliberately absent: what the settings mean (see `drivers`), what the script says under them (see `wanted`).

use drivers::http::HttpSettings;

use super::{
    fields::{Fields, Placed, Problems},
    resolve::{Resolving, flag_or_variable, of_line},
    tree::{Node, Source, Value},
};
use crate::origin::Origin;

/// Where the HTTP service is.
#[derive(Clone, Debug)]
pub enum HttpAt {
    /// One of our own, if the script names one.
    Embedded,
    /// A service that is there already.
    External(ServiceSettings),
    /// The target has none.
    Missing,
}

/// What flag, environment and target file say about a service, and then the script.
#[derive(Clone, Debug, Default)]
pub struct ServiceSettings {
    /// Everything as words; what nobody said is absent.
    pub words: HttpSettings,
    /// Settings that somebody named, and who.
    pub origins: Vec<(&'static str, Origin)>,
}

impl ServiceSettings {
    /// Who named a setting.
    #[must_use]
    pub fn origin(&self, setting: &str) -> Origin {
        let found = self.origins.iter().find(|(name, _)| *name == setting);
        found.map_or(Origin::Default, |(_, origin)| origin.clone())
    }

    /// Notes who named a setting, instead of whoever did before.
    pub(crate) fn named_by(&mut self, setting: &'static str, origin: Origin) {
        self.origins.retain(|(name, _)| *name != setting);
        self.origins.push((setting, origin));
    }
}

/// A service as the file describes it.
#[derive(Clone, Debug, Default)]
pub(crate) struct FileHttp {
    url: Option<Placed<String>>,
    http2: Option<Placed<bool>>,
    connections: Option<Placed<String>>,
    ca_file: Option<Placed<String>>,
    insecure: Option<Placed<bool>>,
    timeout: Option<Placed<String>>,
    headers: Vec<(String, Placed<String>)>,
    /// Names of the variables that hold their values.
    headers_env: Vec<(String, Placed<String>)>,
}

/// Headers whose values are secrets.
const SECRETS: [&str; 4] = ["authorization", "cookie", "proxy-authorization", "x-api-key"];

/// Reads `http` of a target.
pub(super) fn http(target: &str, node: &Node, problems: &mut Problems<'_>) -> FileHttp {
    const KNOWN: [&str; 8] =
        ["url", "http2", "connections", "ca_file", "insecure", "timeout", "headers", "headers_env"];
    let hint = |key: &str| match key {
        "token" | "password" | "authorization" => Some(
            "a secret does not belong in this file: name the variable that holds it, as in \
             headers_env: { authorization: MY_VARIABLE }",
        ),
        "host" | "port" | "endpoint" => Some("it is part of `url`: http://HOST:PORT/PREFIX"),
        _ => None,
    };
    let name = format!("`http` of target `{target}`");
    let fields = Fields::of(node, &name, &KNOWN, hint, problems);
    if fields.node("url").is_none() && matches!(node.value, Value::Map(_)) {
        problems.add(fields.location, format!("{name} has no `url`"), "write url: http://HOST:PORT");
    }
    let named = |texts: Vec<(&str, Placed<String>)>| {
        texts.into_iter().map(|(name, text)| (name.to_owned(), text)).collect::<Vec<_>>()
    };
    let headers = named(fields.texts("headers", problems));
    for (header, text) in &headers {
        let plain = header.to_ascii_lowercase();
        if SECRETS.contains(&plain.as_str()) {
            let message = format!("the header `{header}` in `headers` of {name} holds a secret");
            let help = format!("name the variable that holds it: headers_env: {{ {plain}: MY_VARIABLE }}");
            problems.add(text.location, message, help);
        }
    }
    FileHttp {
        url: fields.text("url", problems),
        http2: fields.flag("http2", problems),
        connections: fields.text("connections", problems),
        ca_file: fields.text("ca_file", problems),
        insecure: fields.flag("insecure", problems),
        timeout: fields.text("timeout", problems),
        headers,
        headers_env: named(fields.texts("headers_env", problems)),
    }
}

impl Resolving<'_> {
    /// Where the service is: the flag's, the environment's or the file's, else one of our own.
    pub(super) fn http(&mut self) -> HttpAt {
        let mut settings = ServiceSettings::default();
        let of_file = self.found.and_then(|(target, source)| Some((target.http.as_ref()?, source)));
        if let Some((file, source)) = of_file {
            self.http_of_file(file, source, &mut settings);
        }
        let flag = self.request.http_url.as_ref();
        if let Some(url) = flag_or_variable(flag, "--http-url", "SNAPBENCH_HTTP_URL", self.variable) {
            settings.words.url = Some(url.value);
            settings.named_by("url", url.origin);
        }
        if settings.words.url.is_some() {
            HttpAt::External(settings)
        } else if self.found.is_some() {
            HttpAt::Missing
        } else {
            HttpAt::Embedded
        }
    }

    fn http_of_file(&mut self, file: &FileHttp, source: &Source, settings: &mut ServiceSettings) {
        let words = &mut settings.words;
        let mut origins = Vec::new();
        let mut text = |setting: &'static str, placed: &Option<Placed<String>>| {
            let placed = placed.as_ref()?;
            origins.push((setting, of_line(source, placed.location)));
            Some(placed.value.clone())
        };
        words.url = text("url", &file.url);
        words.connections = text("connections", &file.connections);
        words.ca_file = text("ca_file", &file.ca_file).map(Into::into);
        words.timeout = text("timeout", &file.timeout);
        for (setting, flag) in [("http2", &file.http2), ("insecure", &file.insecure)] {
            origins.extend(flag.as_ref().map(|flag| (setting, of_line(source, flag.location))));
        }
        words.http2 = file.http2.as_ref().map(|flag| flag.value);
        words.insecure = file.insecure.as_ref().map(|flag| flag.value);
        let plain = file.headers.iter().map(|(name, text)| (name.clone(), text.value.clone()));
        words.headers.extend(plain);
        for (name, variable) in &file.headers_env {
            let value = self.secret(variable, source);
            words.headers.extend(value.map(|value| (name.clone(), value)));
        }
        let first = file.headers.iter().chain(&file.headers_env).next();
        origins.extend(first.map(|(_, text)| ("headers", of_line(source, text.location))));
        settings.origins = origins;
    }
}
