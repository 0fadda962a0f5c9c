//! `faults: [ … ]` in `options()`: what is broken on purpose, and when.
//!
//! Deliberately absent: how it is done (`drivers::fault`, `embed`), and on which clock (`runner`).

use std::time::Duration;

use drivers::wire::WireFault;
use rhai::Map;

use super::{Reader, duration};
use crate::settings::Settings;

/// One entry of the timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultOptions {
    /// How long after the start of the measured window.
    pub at: Duration,
    /// What happens.
    pub fault: Fault,
}

/// What can be broken on purpose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A transaction keeps its snapshot open for so long, and with it everything that died since.
    HoldXmin {
        /// For how long.
        lasts: Duration,
    },
    /// A transaction keeps a lock on a table for so long.
    Lock {
        /// The table.
        table: String,
        /// `ACCESS EXCLUSIVE` and so on.
        mode: String,
        /// For how long.
        lasts: Duration,
    },
    /// The server ends the connections of the load, or a share of them.
    KillBackends {
        /// How many at most; nothing means all.
        at_most: Option<u64>,
    },
    /// A server is restarted in good order.
    Restart {
        /// `postgres` or `store`.
        server: String,
    },
    /// A server is killed with SIGKILL, and started again after so long.
    Kill {
        /// `postgres` or `store`.
        server: String,
        /// How long it stays down.
        lasts: Duration,
    },
    /// A server stands still for so long.
    Pause {
        /// `postgres` or `store`.
        server: String,
        /// For how long.
        lasts: Duration,
    },
    /// Something happens between the load and a server.
    Wire {
        /// `postgres` or `store`.
        server: String,
        /// What.
        fault: WireFault,
        /// For how long; nothing for a reset that is a moment.
        lasts: Duration,
    },
}

impl Fault {
    /// Its kind, as scripts write it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::HoldXmin { .. } => "hold_xmin",
            Self::Lock { .. } => "lock",
            Self::KillBackends { .. } => "kill_backends",
            Self::Restart { .. } => "restart",
            Self::Kill { .. } => "kill",
            Self::Pause { .. } => "pause",
            Self::Wire { fault, .. } => match fault {
                WireFault::Latency { .. } => "latency",
                WireFault::Bandwidth { .. } => "bandwidth",
                WireFault::Cut => "cut",
                WireFault::Reset => "reset",
            },
        }
    }

    /// The server whose processes it is done to.
    #[must_use]
    pub fn server(&self) -> Option<&str> {
        match self {
            Self::Restart { server } | Self::Kill { server, .. } | Self::Pause { server, .. } => Some(server),
            _ => None,
        }
    }

    /// The server that it comes between, and how.
    #[must_use]
    pub fn wire(&self) -> Option<(&str, WireFault)> {
        match self {
            Self::Wire { server, fault, .. } => Some((server, *fault)),
            _ => None,
        }
    }

    /// Whether it is done to Postgres by way of SQL.
    #[must_use]
    pub fn is_sql(&self) -> bool {
        matches!(self, Self::HoldXmin { .. } | Self::Lock { .. } | Self::KillBackends { .. })
    }

    /// How long it lasts, when it is not a moment.
    pub fn lasts_mut(&mut self) -> Option<&mut Duration> {
        match self {
            Self::HoldXmin { lasts }
            | Self::Lock { lasts, .. }
            | Self::Kill { lasts, .. }
            | Self::Pause { lasts, .. }
            | Self::Wire { lasts, .. } => Some(lasts),
            Self::KillBackends { .. } | Self::Restart { .. } => None,
        }
    }

    /// How long it lasts; nothing for a moment.
    #[must_use]
    pub fn lasts(&self) -> Duration {
        self.clone().lasts_mut().map(|lasts| *lasts).unwrap_or_default()
    }
}

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
/// Servers that are processes.
const SERVERS: [&str; 3] = ["postgres", "store", "service"];
/// Servers to which the load can be led through a proxy.
const WIRED: [&str; 2] = ["postgres", "store"];
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
    pub(super) fn faults(&mut self, map: &Map) -> Vec<FaultOptions> {
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
            Some("hold_xmin") => &["at", "fault", "lasts"],
            Some("lock") => &["at", "fault", "lasts", "table", "mode"],
            Some("kill_backends") => &["at", "fault", "at_most"],
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
    let wired = |s: &mut Settings<'_>| s.word("server", &WIRED).unwrap_or("postgres").to_owned();
    let server = |s: &mut Settings<'_>| s.word("server", &SERVERS).unwrap_or("postgres").to_owned();
    Some(match kind {
        "hold_xmin" => Fault::HoldXmin { lasts: lasts(s) },
        "lock" => {
            let table = s.required("table", Settings::text);
            let mode = s.word("mode", &MODES).unwrap_or("access exclusive").to_owned();
            Fault::Lock { table, mode, lasts: lasts(s) }
        }
        "kill_backends" => Fault::KillBackends { at_most: s.count("at_most") },
        "restart" => Fault::Restart { server: server(s) },
        "kill" => Fault::Kill { server: server(s), lasts: lasts(s) },
        "pause" => Fault::Pause { server: server(s), lasts: lasts(s) },
        "latency" => Fault::Wire { server: wired(s), fault: latency(s), lasts: lasts(s) },
        "bandwidth" => Fault::Wire { server: wired(s), fault: bandwidth(s), lasts: lasts(s) },
        "cut" => Fault::Wire { server: wired(s), fault: WireFault::Cut, lasts: lasts(s) },
        "reset" => {
            let lasts = if s.raw("lasts").is_some() { lasts(s) } else { Duration::ZERO };
            Fault::Wire { server: wired(s), fault: WireFault::Reset, lasts }
        }
        _ => return None,
    })
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
