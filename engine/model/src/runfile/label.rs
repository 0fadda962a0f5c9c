//! What a run's figures are not valid for: was the generator the bottleneck, is the target unrepresentative?
//!
//! Pure rules over figures; each reason is a sentence with a remedy.

use serde::{Deserialize, Serialize};

use super::Server;
use crate::recorder::WindowTotals;
use crate::units::{format_count, format_latency_us, format_percent, format_rate};

/// Lag above this share of the median response time distorts it.
const LAG_SHARE: f64 = 0.1;
/// Lag below this is nobody's problem.
const LAG_FLOOR_MS: f64 = 1.0;
/// A core busier than this cannot keep its plan.
const BUSY_SHARE: f64 = 0.9;
/// Below it, lateness is not for want of cores.
const IDLE_SHARE: f64 = 0.5;
/// So near to its calibrated ceiling, the client itself is what was measured.
const CEILING_SHARE: f64 = 0.9;

/// The labels of a run; empty lists mean none.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Label {
    /// Why only shape, correctness and ratios are valid, not absolute figures.
    pub shape_only: Vec<String>,
    /// Why the generator, not the server, may be what was measured.
    pub generator_bound: Vec<String>,
}

/// What the verdict about the generator is made of.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct GeneratorFigures {
    /// Each scenario.
    pub scenarios: Vec<ScenarioFigures>,
    /// Busy share of each generator core in the measured window, 0 to 1.
    pub cores_busy_share: Vec<f64>,
    /// The mean wait for a connection over all operations; 0 where nobody waited.
    pub pool_wait_mean_ms: f64,
    /// The mean service time over all operations.
    pub service_mean_ms: f64,
    /// The ceiling of the client itself, when it was calibrated.
    pub ceiling: Option<Ceiling>,
}

/// One scenario as the verdict sees it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ScenarioFigures {
    /// The scenario's name.
    pub name: String,
    /// 99th percentile of start minus planned start; open models only.
    pub lag_p99_ms: Option<f64>,
    /// Median response time; open models only.
    pub response_p50_ms: Option<f64>,
    /// Arrivals that found no free VU.
    pub dropped: u64,
    /// The highest planned rate, of open models.
    pub peak_per_s: Option<f64>,
    /// VUs at most.
    pub max_vus: u64,
    /// 10th percentile of the iterations' service time: what one takes when nothing is crowded.
    pub service_p10_ms: f64,
}

/// What the client alone can do, against what it did.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ceiling {
    /// Operations a second in the run.
    pub achieved_per_s: f64,
    /// Operations a second against a server that costs nothing.
    pub calibrated_per_s: f64,
}

impl GeneratorFigures {
    /// The figures of what was recorded; for each scenario its peak rate and VU limit have to be told as
    /// (name, peak_per_s, max_vus).
    pub fn from_totals(totals: &WindowTotals, limits: &[(&str, Option<f64>, u64)]) -> Self {
        let scenarios = totals.scenarios.iter().map(|(name, scenario)| {
            let limit = limits.iter().find(|(limited, _, _)| **limited == **name);
            let ms = |us: u64| us as f64 / 1000.0;
            ScenarioFigures {
                name: name.to_string(),
                lag_p99_ms: scenario.lag.as_ref().map(|lag| ms(lag.percentile_us(99.0))),
                response_p50_ms: scenario.response.as_ref().map(|response| ms(response.percentile_us(50.0))),
                dropped: scenario.dropped,
                peak_per_s: limit.and_then(|(_, peak_per_s, _)| *peak_per_s),
                max_vus: limit.map_or(0, |(_, _, max_vus)| *max_vus),
                service_p10_ms: ms(scenario.service.percentile_us(10.0)),
            }
        });
        let (mut count, mut service_us, mut wait_us) = (0, 0.0, 0.0);
        for op in totals.ops.values() {
            count += op.latency.count();
            service_us += op.latency.mean_us() * op.latency.count() as f64;
            wait_us += op.pool_wait.as_ref().map_or(0.0, |wait| wait.mean_us() * wait.count() as f64);
        }
        let mean_ms = |sum_us: f64| if count == 0 { 0.0 } else { sum_us / count as f64 / 1000.0 };
        GeneratorFigures {
            scenarios: scenarios.collect(),
            cores_busy_share: totals.cores.values().map(|core| core.busy_share()).collect(),
            pool_wait_mean_ms: mean_ms(wait_us),
            service_mean_ms: mean_ms(service_us),
            ceiling: None,
        }
    }
}

/// Why the generator held the run back; empty when it did not.
///
/// * Schedule lag p99 above 10 % of the median response time, and above 1 ms.
/// * A generator core more than 90 % busy over the measured window.
/// * Arrivals dropped while the server was not the wait: operations waited longer for a connection than for
///   the server, or the VU limit was below what the planned rate needs even at the scenario's quickest
///   (Little's law: VUs = rate × time, with the 10th percentile of the service time).
/// * The run reached 90 % of the calibrated ceiling of the client itself.
pub fn generator_bound(figures: &GeneratorFigures) -> Vec<String> {
    let mut reasons = Vec::new();
    for scenario in &figures.scenarios {
        reasons.extend(lag_reason(scenario, figures));
    }
    for (core, &share) in figures.cores_busy_share.iter().enumerate() {
        if share > BUSY_SHARE {
            let share = format_percent(share);
            reasons.push(format!(
                "generator core {core} was {share} busy; use more cores or segments, or a lower rate"
            ));
        }
    }
    for scenario in figures.scenarios.iter().filter(|scenario| scenario.dropped > 0) {
        reasons.extend(drop_reason(scenario, figures));
    }
    if let Some(Ceiling { achieved_per_s, calibrated_per_s }) = figures.ceiling
        && achieved_per_s >= CEILING_SHARE * calibrated_per_s
    {
        reasons.push(format!(
            "{} is within 10 % of what this client can do at all here ({}); use more cores or a lighter client",
            format_rate(achieved_per_s),
            format_rate(calibrated_per_s)
        ));
    }
    reasons
}

fn lag_reason(scenario: &ScenarioFigures, figures: &GeneratorFigures) -> Option<String> {
    let (lag_ms, response_ms) = (scenario.lag_p99_ms?, scenario.response_p50_ms?);
    let busiest = figures.cores_busy_share.iter().copied().fold(0.0, f64::max);
    (lag_ms > LAG_FLOOR_MS && lag_ms > LAG_SHARE * response_ms).then(|| {
        let remedy = if busiest < IDLE_SHARE {
            let busiest = format_percent(busiest);
            format!(
                "its cores were {busiest} busy at most, so the machine woke it late: use one that is not shared, \
                 or look at ratios only"
            )
        } else {
            "use more cores or segments, or a lower rate".to_owned()
        };
        format!(
            "iterations of `{}` started late (lag p99 {}, median response {}); {remedy}",
            scenario.name,
            format_latency_us(lag_ms * 1000.0),
            format_latency_us(response_ms * 1000.0)
        )
    })
}

fn drop_reason(scenario: &ScenarioFigures, figures: &GeneratorFigures) -> Option<String> {
    let dropped = format_count(scenario.dropped);
    let name = &scenario.name;
    if figures.pool_wait_mean_ms > figures.service_mean_ms {
        return Some(format!(
            "{dropped} arrivals of `{name}` were dropped while operations waited longer for a connection than for \
             the server; make the pool larger"
        ));
    }
    let needed = (scenario.peak_per_s? * scenario.service_p10_ms / 1000.0).ceil();
    (needed > scenario.max_vus as f64).then(|| {
        format!(
            "{dropped} arrivals of `{name}` were dropped because the planned rate needs {needed} VUs even at its \
             quickest and only {} were allowed; raise max_vus",
            scenario.max_vus
        )
    })
}

/// Why only the shape of the figures is valid; empty when a target is representative.
pub fn shape_only(servers: &[Server]) -> Vec<String> {
    let mut reasons = Vec::new();
    for server in servers {
        let name = &server.name;
        if server.embedded {
            reasons.push(format!("{name} is embedded: it shares this machine with the generator"));
        } else if !server.representative {
            reasons.push(format!("the target does not say that its {name} is representative hardware"));
        }
        if server.durability.as_deref() == Some("off") {
            reasons.push(format!("durability of {name} is off: what it acknowledges may be lost"));
        }
    }
    reasons
}
