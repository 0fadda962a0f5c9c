//! `faults: [ … ]` in `options()`: what is broken on purpose, and when.
//!
//! Deliberately absent: how it is done (`drivers::fault`, `embed`), and on which clock (`runner`).

use std::time::Duration;

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
    /// A server that this run started is restarted in good order.
    Restart {
        /// `postgres` or `store`.
        server: String,
    },
    /// A server that this run started is killed with SIGKILL, and started again after so long.
    Kill {
        /// `postgres` or `store`.
        server: String,
        /// How long it stays down.
        lasts: Duration,
    },
    /// A server that this run started stands still for so long.
    Pause {
        /// `postgres` or `store`.
        server: String,
        /// For how long.
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
        }
    }

    /// Whether it is done to a server that must be ours.
    #[must_use]
    pub fn server(&self) -> Option<&str> {
        match self {
            Self::Restart { server } | Self::Kill { server, .. } | Self::Pause { server, .. } => Some(server),
            Self::HoldXmin { .. } | Self::Lock { .. } | Self::KillBackends { .. } => None,
        }
    }

    /// How long it lasts, when it is not a moment.
    pub fn lasts_mut(&mut self) -> Option<&mut Duration> {
        match self {
            Self::HoldXmin { lasts }
            | Self::Lock { lasts, .. }
            | Self::Kill { lasts, .. }
            | Self::Pause { lasts, .. } => Some(lasts),
            Self::KillBackends { .. } | Self::Restart { .. } => None,
        }
    }

    /// How long it lasts; nothing for a moment.
    #[must_use]
    pub fn lasts(&self) -> Duration {
        self.clone().lasts_mut().map(|lasts| *lasts).unwrap_or_default()
    }
}

const KINDS: [&str; 6] = ["hold_xmin", "lock", "kill_backends", "restart", "kill", "pause"];
const SERVERS: [&str; 2] = ["postgres", "store"];
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
            Some("kill" | "pause") => &["at", "fault", "lasts", "server"],
            _ => &["at", "fault", "lasts", "table", "mode", "at_most", "server"],
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
        _ => return None,
    })
}
