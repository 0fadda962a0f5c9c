//! `--duration`: the whole run in another time, its form kept.
//!
//! One factor for everything that is bound to time: shapes, stages, and the moments at which scenarios begin. So
//! what happened at half-time still does. Scenarios that count iterations keep their number and may take no longer
//! than the new duration, and those without an end have one then.

use std::{sync::Arc, time::Duration};

use load::executor::{ArrivalRate, ENDLESS_NS, Executor};
use script::{FaultOptions, ScenarioOptions};

use super::{counts_iterations, length, nanoseconds};

/// Squeezes or stretches all scenarios so that the last one ends after `duration`; returns the factor.
pub(super) fn squeeze(scenarios: &mut [ScenarioOptions], duration: Duration) -> f64 {
    let factor = match length(scenarios) {
        Some(length) if !length.is_zero() => duration.as_secs_f64() / length.as_secs_f64(),
        _ => 1.0,
    };
    let last = length(scenarios);
    for scenario in scenarios {
        let ends_last = last == Some(scenario.start + Duration::from_nanos(scenario.executor.longest_ns()));
        scenario.start = scenario.start.mul_f64(factor);
        // To the nanosecond for the one that ends last: `--duration 60s` means 60 s.
        let exactly_ns = nanoseconds(duration.saturating_sub(scenario.start));
        let scaled = |ns: u64| if ends_last { exactly_ns } else { scale(ns, factor) };
        match &mut scenario.executor {
            Executor::ArrivalRate(open) => *open = squeezed(open, scaled(open.duration_ns)),
            Executor::Replay(open) => *open = open.squeezed_to(scaled(open.duration_ns)),
            // What it holds has a pace of its own, and so has what decides.
            Executor::Feedback(open) => open.duration_ns = scaled(open.duration_ns),
            Executor::ExternallyControlled(closed) if closed.duration_ns == ENDLESS_NS => {
                closed.duration_ns = exactly_ns;
            }
            Executor::ExternallyControlled(closed) => closed.duration_ns = scaled(closed.duration_ns),
            Executor::ConstantVus(closed) => closed.duration_ns = scaled(closed.duration_ns),
            Executor::RampingVus(closed) => {
                closed
                    .stages
                    .iter_mut()
                    .for_each(|stage| stage.duration_ns = scale(stage.duration_ns, factor));
            }
            Executor::PerVuIterations(closed) => closed.max_duration_ns = nanoseconds(duration),
            Executor::SharedIterations(closed) => closed.max_duration_ns = nanoseconds(duration),
        }
        debug_assert!(!counts_iterations(&scenario.executor) || scenario.executor.longest_ns() > 0);
    }
    factor
}

/// The timeline of faults by the factor of the scenarios.
pub(super) fn faults(faults: &[FaultOptions], factor: f64) -> Vec<FaultOptions> {
    let squeezed = |fault: &FaultOptions| {
        let mut fault = fault.clone();
        fault.at = fault.at.mul_f64(factor);
        if let Some(lasts) = fault.fault.lasts_mut() {
            *lasts = lasts.mul_f64(factor);
        }
        fault
    };
    faults.iter().map(squeezed).collect()
}

/// The open loop in `duration_ns`. A shape that ended before its scenario did still ends before it.
fn squeezed(open: &ArrivalRate, duration_ns: u64) -> ArrivalRate {
    let before_s = open.duration_ns as f64 / 1e9;
    let after_s = duration_ns as f64 / 1e9;
    let lasts_s = open.shape.duration_s().map_or(before_s, |shape_s| shape_s.min(before_s));
    let shape = open.shape.as_ref().clone().take(lasts_s).squeezed_to(lasts_s * after_s / before_s);
    ArrivalRate { shape: Arc::new(shape), duration_ns, ..open.clone() }
}

fn scale(ns: u64, factor: f64) -> u64 {
    (ns as f64 * factor).round() as u64
}
