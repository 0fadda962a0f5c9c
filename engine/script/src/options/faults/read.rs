//! Reads the timeline of faults, with everything that is wrong with it.
//!
//! Deliberately absent: what a server can suffer in this run (`runner`).

use std::time::Duration;

use drivers::wire::WireFault;
use rhai::Map;

use super::{Fault, FaultOptions, FaultServer};
use crate::{
    options::{Reader, duration},
    settings::Settings,
};

const KINDS: [&str; 10] = [
    "hold_xmin",
    "lock",
    "kill_backends",
    "restart",
    "kill",
    "pause",
    "latency",
    "bandwidth",
    "cut",
    "reset",
];
/// Kinds that need SQL.
const BY_SQL: [&str; 3] = ["hold_xmin", "lock", "kill_backends"];
/// Lock modes of Postgres, weakest first (documentation, "Explicit Locking").
const MODES: [&str; 8] = [
    "access share",
    "row share",
    "row exclusive",
    "share update exclusive",
    "share",
    "share row exclusive",
    "exclusive",
    "access exclusive",
];

impl Reader<'_> {
    pub(in crate::options) fn faults(&mut self, map: &Map) -> Vec<FaultOptions> {
        let Some(value) = map.get("faults") else { return Vec::new() };
        let path = ["faults"];
        let Ok(entries) = value.as_array_ref() else {
            let help =
                "for example faults: [#{ at: \"10s\", fault: \"hold_xmin\", lasts: \"30s\" }]".to_owned();
            self.complain(&path, format!("`faults` is an array, not {}", value.type_name()), Some(help));
            return Vec::new();
        };
        let mut faults = Vec::new();
        for (n, entry) in entries.iter().enumerate() {
            match entry.as_map_ref() {
                Ok(one) => faults.extend(self.fault(n + 1, &one)),
                Err(kind) => self.complain(&path, format!("fault {} is a map, not {kind}", n + 1), None),
            }
        }
        faults.sort_by_key(|fault| fault.at);
        faults
    }

    fn fault(&mut self, number: usize, map: &Map) -> Option<FaultOptions> {
        let kind =
            map.get("fault").and_then(|kind| kind.as_immutable_string_ref().ok().map(|k| k.to_string()));
        let known: &[&'static str] = match kind.as_deref() {
            Some("hold_xmin") => &["at", "fault", "lasts", "server"],
            Some("lock") => &["at", "fault", "lasts", "table", "mode", "server"],
            Some("kill_backends") => &["at", "fault", "at_most", "server"],
            Some("restart") => &["at", "fault", "server"],
            Some("kill" | "pause" | "cut" | "reset") => &["at", "fault", "lasts", "server"],
            Some("latency") => &["at", "fault", "lasts", "server", "delay", "jitter"],
            Some("bandwidth") => &["at", "fault", "lasts", "server", "bytes_per_s"],
            _ => &[
                "at",
                "fault",
                "lasts",
                "table",
                "mode",
                "at_most",
                "server",
                "delay",
                "jitter",
                "bytes_per_s",
            ],
        };
        let mut s = Settings::new(format!("fault {number}"), map, known);
        let at = s.required("at", Settings::seconds);
        s.required("fault", |s, key| s.word(key, &KINDS).map(str::to_owned));
        let fault = kind.and_then(|kind| read(&mut s, &kind));
        self.absorb(&["faults"], s);
        Some(FaultOptions { at: duration(at)?, fault: fault? })
    }
}

fn read(s: &mut Settings<'_>, kind: &str) -> Option<Fault> {
    let lasts = |s: &mut Settings<'_>| {
        let lasts = duration(s.required("lasts", Settings::seconds)).unwrap_or_default();
        if lasts.is_zero() && s.raw("lasts").is_some() {
            s.problem("lasts", "takes a time above 0 for `lasts`".to_owned());
        }
        lasts
    };
    let server = server(s);
    let fault = match kind {
        "hold_xmin" => Fault::HoldXmin { lasts: lasts(s) },
        "lock" => {
            let table = s.required("table", Settings::text);
            let mode = s.word("mode", &MODES).unwrap_or("access exclusive").to_owned();
            Fault::Lock { table, mode, lasts: lasts(s) }
        }
        "kill_backends" => Fault::KillBackends { at_most: s.count("at_most") },
        "restart" => Fault::Restart { server },
        "kill" => Fault::Kill { server, lasts: lasts(s) },
        "pause" => Fault::Pause { server, lasts: lasts(s) },
        "latency" => Fault::Wire { server, fault: latency(s), lasts: lasts(s) },
        "bandwidth" => Fault::Wire { server, fault: bandwidth(s), lasts: lasts(s) },
        "cut" => Fault::Wire { server, fault: WireFault::Cut, lasts: lasts(s) },
        "reset" => {
            let lasts = if s.raw("lasts").is_some() { lasts(s) } else { Duration::ZERO };
            Fault::Wire { server, fault: WireFault::Reset, lasts }
        }
        _ => return None,
    };
    if fault.is_sql() && server != FaultServer::Postgres {
        let others = KINDS.iter().filter(|kind| !BY_SQL.contains(kind)).copied().collect::<Vec<_>>();
        let others = others.join(", ");
        s.problem(
            "server",
            format!("cannot do `{kind}` to {server}: it is done by way of SQL, to postgres (to {server} one can do {others})"),
        );
    }
    Some(fault)
}

/// The one that is named, or Postgres.
fn server(s: &mut Settings<'_>) -> FaultServer {
    let word = s.word("server", &FaultServer::ALL.map(FaultServer::as_str));
    let named = FaultServer::ALL.into_iter().find(|server| Some(server.as_str()) == word);
    named.unwrap_or(FaultServer::Postgres)
}

fn latency(s: &mut Settings<'_>) -> WireFault {
    let mut is_nothing = false;
    let delay_s = s.required("delay", |s, key| {
        let delay_s = s.seconds(key);
        is_nothing = delay_s == Some(0.0);
        delay_s
    });
    let delay = duration(delay_s).unwrap_or_default();
    if is_nothing {
        s.problem("delay", "takes a time above 0 for `delay`".to_owned());
    }
    let jitter = s.seconds("jitter").and_then(duration).unwrap_or_default();
    if jitter > delay && !delay.is_zero() {
        s.problem("jitter", "takes a time of `delay` at most for `jitter`".to_owned());
    }
    WireFault::Latency { delay, jitter }
}

fn bandwidth(s: &mut Settings<'_>) -> WireFault {
    let mut is_nothing = false;
    let bytes_per_s = s.required("bytes_per_s", |s, key| {
        let bytes_per_s = s.bytes(key);
        is_nothing = bytes_per_s == Some(0);
        bytes_per_s
    });
    if is_nothing {
        let why = "takes a size above 0 for `bytes_per_s`: what lets nothing through is `cut`";
        s.problem("bytes_per_s", why.to_owned());
    }
    WireFault::Bandwidth { bytes_per_s }
}
