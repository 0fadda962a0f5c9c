//! The HTTP service that a run needs.

use drivers::http::HttpConfig;
use script::Diagnostic;

use super::{Wanting, complaints};
use crate::{
    origin::Origin,
    targets::{HttpAt, ServiceSettings},
};

/// The HTTP service that a run needs, or the client for whatever whole URLs name.
#[derive(Clone, Debug)]
pub struct WantedHttp {
    /// Where it is.
    pub at: HttpAt,
    /// All settings; the URL is missing while it is of our own and not started, and where there is none.
    pub settings: ServiceSettings,
    /// The settings' meaning.
    pub config: HttpConfig,
    /// The service of our own that is to be started, by its name.
    pub service: Option<String>,
}

impl WantedHttp {
    /// Whether it is there already, and not ours.
    #[must_use]
    pub fn is_external(&self) -> bool {
        matches!(self.at, HttpAt::External(_))
    }
}

impl Wanting<'_> {
    /// The service; `needs_service` says whether anything is asked of a path.
    pub(super) fn http(&mut self, needs_service: bool) -> Option<WantedHttp> {
        let target = self.asking.target;
        let (at, named) = (&target.http, &self.options.http.service);
        let mut service = None;
        match at {
            HttpAt::External(_) => {}
            HttpAt::Embedded if named.is_some() => service.clone_from(named),
            HttpAt::Embedded if needs_service => {
                let help = "give the address of one with --http-url, or choose a target that has an `http:`";
                let message = "the script talks to an HTTP service, and nothing says where it is";
                self.problems.push(Diagnostic::usage(message).help(help));
                return None;
            }
            HttpAt::Missing if needs_service || named.is_some() => {
                self.missing("an HTTP service", &target.name.value, "http");
                return None;
            }
            HttpAt::Embedded | HttpAt::Missing => {}
        }
        let settings = self.said_of_http(at);
        match settings.words.check() {
            Ok(config) => Some(WantedHttp { at: at.clone(), settings, config, service }),
            Err(error) => {
                self.problems.extend(complaints("HTTP service", &error, |setting| settings.origin(setting)));
                None
            }
        }
    }

    /// What the target says, and what the script says where the target does not.
    fn said_of_http(&self, at: &HttpAt) -> ServiceSettings {
        let mut settings = match at {
            HttpAt::External(settings) => settings.clone(),
            HttpAt::Embedded | HttpAt::Missing => ServiceSettings::default(),
        };
        let said = &self.options.http;
        let words = &mut settings.words;
        let mut of_script = Vec::new();
        if let (None, Some(_)) = (words.http2, said.http2) {
            words.http2 = said.http2;
            of_script.push("http2");
        }
        if let (None, Some(connections)) = (&words.connections, said.connections) {
            words.connections = Some(connections.to_string());
            of_script.push("connections");
        }
        if words.timeout.is_none() {
            let of_run = self.options.timeout.as_millis();
            let timeout_ms = said.timeout_ms.map_or(of_run, u128::from);
            words.timeout = Some(format!("{timeout_ms}ms"));
            of_script.push("timeout");
        }
        // The later of two headers wins: the target's.
        if !said.headers.is_empty() {
            words.headers.splice(..0, said.headers.iter().cloned());
            if settings.origins.iter().all(|(name, _)| *name != "headers") {
                of_script.push("headers");
            }
        }
        for setting in of_script {
            settings.named_by(setting, Origin::Script);
        }
        settings
    }
}
