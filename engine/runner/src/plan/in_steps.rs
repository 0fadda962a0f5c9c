//! Steps of a sweep follow each other, and what is not stepped goes on beside them from the first to the last.

use std::time::Duration;

use script::{ScenarioOptions, SweepOptions};

use super::{length, squeeze};

/// Gives every step its length and its place: `step` behind the one before, with `rest` between. What the script says of
/// times within a step (a ramp, a later start) keeps its form.
pub(super) fn laid_out(all: &[ScenarioOptions], sweep: Option<&SweepOptions>) -> Vec<ScenarioOptions> {
    let mut scenarios = all.to_vec();
    let (Some(sweep), Some(first)) = (sweep, scenarios.iter().position(|one| one.step.is_some())) else {
        return scenarios;
    };
    let mut steps = scenarios.split_off(first);
    let (mut begin, mut end) = (Duration::ZERO, Duration::ZERO);
    for step in steps.chunk_by_mut(|a, b| number(a) == number(b)) {
        let lasts = sweep.step.or_else(|| length(step)).unwrap_or_default();
        squeeze::squeeze(step, lasts);
        step.iter_mut().for_each(|scenario| scenario.start += begin);
        end = begin + lasts;
        begin = end + sweep.rest;
    }
    for beside in &mut scenarios {
        // Each by itself: all of them last as long as the sweep.
        squeeze::squeeze(std::slice::from_mut(beside), end);
    }
    scenarios.extend(steps);
    scenarios
}

fn number(scenario: &ScenarioOptions) -> Option<usize> {
    scenario.step.as_ref().map(|step| step.number)
}
