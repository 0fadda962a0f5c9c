//! Which histograms of a second go into `histograms.hlog`, and under which tag.
//!
//! They are what reports merge percentiles from: over any stretch of time, runs or segments.

use std::collections::BTreeMap;
use std::io;

use model::histogram::LatencyHistogram;
use model::histogram::log::{LogReader, LogWriter, LoggedInterval};
use model::outcome::Outcome;
use model::recorder::WindowKind;

use super::seconds::Second;
use crate::salvage::{Line, Salvaged, salvage};
use crate::text::one_line;

/// Start to end of iterations.
pub const ITERATION_DURATION: &str = "iteration_duration";
/// Planned start to end of iterations; open models only.
pub const ITERATION_RESPONSE: &str = "iteration_response";
/// Lateness of starts against the plan; open models only.
pub const SCHEDULE_LAG: &str = "schedule_lag";
/// Waits for a connection.
pub const POOL_WAIT: &str = "pool_wait";
/// In front of the tag of what was planned in the warm-up.
const WARM_UP: &str = "warm_up/";

/// The tag of an operation's service times, such as `push:ok`.
pub fn op_tag(op: &str, outcome: Outcome) -> String {
    clean(&format!("{op}:{outcome}"))
}

/// The tag of the waits for a connection of an operation, such as `pool_wait/push:ok`.
pub fn pool_wait_tag(op: &str, outcome: Outcome) -> String {
    format!("{POOL_WAIT}/{}", op_tag(op, outcome))
}

/// The tag of one of a scenario's distributions, such as `iteration_response/traffic`.
pub fn scenario_tag(what: &str, scenario: &str) -> String {
    clean(&format!("{what}/{scenario}"))
}

/// A tag as it can stand in a log, the same whether it is made of a name as the script gave it or of a name
/// as `timeline.csv` holds it.
fn clean(tag: &str) -> String {
    one_line(tag).replace([',', ' '], "_")
}

/// Writes every histogram of a second and hands the lines on.
pub fn write<W: io::Write>(log: &mut LogWriter<W>, second: &Second) -> io::Result<()> {
    for window in WindowKind::ALL {
        let prefix = if window == WindowKind::WarmUp { WARM_UP } else { "" };
        let mut line = |tag: String, times: Option<&LatencyHistogram>| match times {
            Some(times) if !times.is_empty() => {
                log.write(&format!("{prefix}{tag}"), second.start_ns, second.end_ns, times)
            }
            _ => Ok(()),
        };
        let totals = second.totals.window(window);
        for ((name, outcome), op) in &totals.ops {
            line(op_tag(name, *outcome), Some(&op.latency))?;
            line(pool_wait_tag(name, *outcome), op.pool_wait.as_ref())?;
        }
        for (name, scenario) in &totals.scenarios {
            line(scenario_tag(ITERATION_DURATION, name), Some(&scenario.service))?;
            line(scenario_tag(ITERATION_RESPONSE, name), scenario.response.as_ref())?;
            line(scenario_tag(SCHEDULE_LAG, name), scenario.lag.as_ref())?;
        }
    }
    log.flush()
}

/// Reads the whole lines of a histogram log.
pub fn read(bytes: &[u8]) -> Salvaged<LoggedInterval> {
    salvage(bytes, |line| {
        let whole = format!("{line}\n");
        match LogReader::new(&whole).next() {
            None => Line::Nothing,
            Some(Ok(interval)) => Line::Record(interval),
            Some(Err(_)) => Line::Damaged,
        }
    })
}

/// All histograms of the log by their tags, merged over time.
pub fn by_tag(log: &[LoggedInterval]) -> BTreeMap<&str, LatencyHistogram> {
    let mut by_tag: BTreeMap<&str, LatencyHistogram> = BTreeMap::new();
    for interval in log {
        by_tag.entry(interval.tag.as_deref().unwrap_or_default()).or_default().merge(&interval.histogram);
    }
    by_tag
}

/// All histograms of one of the scenario distributions (over all scenarios, measured window) that begin in
/// `[from_ns, to_ns)`, merged; nothing when there are none.
pub fn of_scenarios(
    log: &[LoggedInterval],
    what: &str,
    from_ns: u64,
    to_ns: u64,
) -> Option<LatencyHistogram> {
    let mut all: Option<LatencyHistogram> = None;
    for interval in log.iter().filter(|interval| (from_ns..to_ns).contains(&interval.start_ns)) {
        let tag = interval.tag.as_deref().unwrap_or_default();
        if tag.strip_prefix(what).is_some_and(|rest| rest.starts_with('/')) {
            all.get_or_insert_default().merge(&interval.histogram);
        }
    }
    all
}
