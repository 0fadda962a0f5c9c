//! `probes: #{ … }` in `options()`: what is sampled beside the load, and how often.
//!
//! `postgres` and `host` are built in; every other name is a function of the script. Deliberately absent: what a probe
//! looks at (`drivers::probe`), and when it is asked (`runner`).

use std::time::Duration;

use drivers::probe::PgPart;
use rhai::Map;

use super::{Reader, duration};
use crate::settings::Settings;

/// No probe is asked more often.
const SHORTEST: Duration = Duration::from_millis(10);
/// How often the built-in ones look when the script does not say.
const POSTGRES_EVERY: Duration = Duration::from_secs(5);
const HOST_EVERY: Duration = Duration::from_secs(1);

/// What is sampled beside the load.
#[derive(Clone, Debug, Default)]
pub struct ProbeOptions {
    /// Functions of the script.
    pub scripts: Vec<ScriptProbe>,
    /// The parts of the Postgres probe, and how often each looks; empty without one.
    pub postgres: Vec<(PgPart, Duration)>,
    /// Tables that the Postgres probe watches.
    pub tables: Vec<String>,
    /// How often the host is looked at.
    pub host: Option<Duration>,
}

/// A function of the script that is sampled on the run's clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptProbe {
    /// Name of its series.
    pub name: String,
    /// How often.
    pub every: Duration,
    /// The function.
    pub function: String,
}

impl ProbeOptions {
    /// Whether anything is sampled.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.scripts.is_empty() && self.postgres.is_empty() && self.host.is_none()
    }
}

impl Reader<'_> {
    pub(super) fn probes(&mut self, map: &Map) -> ProbeOptions {
        let all = self.sub_map(map, &[], "probes");
        let mut probes = ProbeOptions::default();
        for (name, value) in &all {
            let path = ["probes", name.as_str()];
            let Ok(one) = value.as_map_ref() else {
                self.complain(&path, format!("probe `{name}` is a map, not {}", value.type_name()), None);
                continue;
            };
            match name.as_str() {
                "postgres" => self.postgres_probe(&one, &mut probes),
                "host" => {
                    let mut settings = Settings::new("probe `host`", &one, &["every"]);
                    probes.host = Some(period(&mut settings, "every", HOST_EVERY));
                    self.absorb(&path, settings);
                }
                _ => probes.scripts.extend(self.script_probe(name, &one)),
            }
        }
        probes
    }

    fn script_probe(&mut self, name: &str, map: &Map) -> Option<ScriptProbe> {
        let mut settings = Settings::new(format!("probe `{name}`"), map, &["every", "exec"]);
        let every = period(&mut settings, "every", Duration::from_secs(1));
        let exec = settings.required("exec", Settings::text);
        self.absorb(&["probes", name], settings);
        let wanted = (!exec.is_empty()).then_some(exec.as_str());
        let (function, _) = self.function(&["probes", name, "exec"], wanted)?;
        Some(ScriptProbe { name: name.to_owned(), every, function })
    }

    fn postgres_probe(&mut self, map: &Map, probes: &mut ProbeOptions) {
        let mut known = vec!["every", "tables"];
        known.extend(PgPart::ALL.map(PgPart::name).iter().filter(|name| **name != "tables"));
        let mut settings = Settings::new("probe `postgres`", map, &known);
        let every = period(&mut settings, "every", POSTGRES_EVERY);
        probes.tables = settings.words_or_one("tables").unwrap_or_default();
        let has_tables = !probes.tables.is_empty();
        for part in PgPart::ALL {
            let of_tables = matches!(part, PgPart::Tables | PgPart::Tuples | PgPart::Indexes);
            let every = part.default_every(every);
            let asked = match part {
                // `tables` names them; they are looked at as often as everything else.
                PgPart::Tables => has_tables.then_some(every),
                PgPart::Tuples | PgPart::Indexes => part_period(&mut settings, part, every, has_tables),
                // Asked for by name only: it needs a library that is loaded at the server's start.
                PgPart::Statements => part_period(&mut settings, part, every, false),
                _ => part_period(&mut settings, part, every, true),
            };
            if of_tables && !has_tables && asked.is_some() {
                settings.problem(part.name(), format!("needs `tables` for `{}`", part.name()));
            }
            probes.postgres.extend(asked.map(|every| (part, every)));
        }
        self.absorb(&["probes", "postgres"], settings);
    }
}

/// The period under `key`.
fn period(settings: &mut Settings<'_>, key: &str, default: Duration) -> Duration {
    let every = settings.seconds(key).and_then(duration).unwrap_or(default);
    if every < SHORTEST {
        settings.problem(key, "is sampled no more often than every 10ms".to_owned());
    }
    every
}

/// The period of one part: a time, `false` to leave it out, `true` for what it is by default.
fn part_period(
    settings: &mut Settings<'_>,
    part: PgPart,
    default: Duration,
    is_asked: bool,
) -> Option<Duration> {
    let name = part.name();
    match settings.raw(name).map(rhai::Dynamic::as_bool) {
        None => is_asked.then_some(default),
        Some(Ok(is_wanted)) => is_wanted.then_some(default),
        Some(Err(_)) => Some(period(settings, name, default)),
    }
}
