//! From the steps of a sweep, as they were recorded, to its plateau and its knee.
//!
//! Deliberately absent: when steps are on (`plan`), the statistics (`model::sweep`), layout (`report`).

mod sentence;
#[cfg(test)]
mod tests;

use model::{
    histogram::LatencyHistogram,
    outcome::Outcome,
    recorder::WindowTotals,
    runfile::{GeneratorFigures, KneeRecord, StepRecord, SweepRecord, generator_bound},
    sweep::{CONFIDENCE, Found, Knee, Rated, Value, find, rate},
    threshold::SweepFigures,
};
use script::{ScenarioOptions, SweepOptions};

use crate::{
    steps::{Counted, StepTally, Steps},
    tally::limits,
};

/// A step that shares more of its time with iterations of one before is not its value's alone.
const DISTURBED_SHARE: f64 = 0.05;

/// A sweep that was played: what it was to be, and what was recorded.
pub(super) struct Played<'a> {
    pub(super) sweep: &'a SweepOptions,
    pub(super) scenarios: &'a [ScenarioOptions],
    pub(super) steps: &'a Steps,
    /// The figures of the whole measured window.
    pub(super) totals: &'a WindowTotals,
    /// When the measured window ended, on the run's clock.
    pub(super) end_ns: u64,
    pub(super) seed: u64,
}

/// What a sweep is to be, before any of it is played; nothing when `--only` left none of its scenarios.
pub(crate) fn planned(sweep: &SweepOptions, scenarios: &[ScenarioOptions]) -> Option<SweepRecord> {
    let first = scenarios.iter().find_map(|one| Some((one, one.step.as_ref()?)))?;
    let of_first =
        scenarios.iter().filter(|one| one.step.as_ref().is_some_and(|s| s.number == first.1.number));
    let names = of_first.clone().filter_map(|one| Some(one.step.as_ref()?.scenario.clone())).collect();
    let end = |one: &ScenarioOptions| one.start.as_secs_f64() + one.executor.longest_ns() as f64 / 1e9;
    let step_s = of_first.map(end).fold(0.0, f64::max);
    // What `--duration` has done to a step it has done to a rest.
    let squeezed = sweep.step.filter(|step| !step.is_zero()).map_or(1.0, |step| step_s / step.as_secs_f64());
    let counted = Counted::of(sweep, scenarios);
    Some(SweepRecord {
        param: sweep.param.clone(),
        is_operation: matches!(counted, Counted::Operation(_)),
        measure: match counted {
            Counted::Operation(name) | Counted::Iterations(Some(name)) => name,
            Counted::Iterations(None) => "iterations".to_owned(),
        },
        scenarios: names,
        values: sweep.values.clone(),
        step_s,
        rest_s: sweep.rest.as_secs_f64() * squeezed,
        settle_s: sweep.settle * step_s,
        margin: sweep.margin,
        confidence: CONFIDENCE,
        sentence: "not decided: the run did not end".to_owned(),
        ..SweepRecord::default()
    })
}

impl Played<'_> {
    /// What it comes to.
    pub(super) fn record(&self) -> Option<(SweepRecord, SweepFigures)> {
        let mut record = planned(self.sweep, self.scenarios)?;
        let ended: Vec<&StepTally> = self.steps.ended(self.end_ns).collect();
        if let Some(first) = ended.first() {
            // Whole seconds count: what is left out is mostly somewhat more than was asked for.
            record.settle_s = (first.settled_at_ns() - first.span_ns.0) as f64 / 1e9;
        }
        record.steps = ended.iter().map(|step| self.step(step)).collect();
        let found = self.found(&record, &ended);
        record.plateau = found.plateau;
        record.falls_behind = found.falls_behind;
        if let Knee::At { at, low, high } = found.knee {
            record.knee = Some(KneeRecord { value: at, low, high });
        }
        let has_numbers = record.values.iter().all(|value| value.number().is_some());
        record.sentence = if has_numbers { sentence::of(&found) } else { String::new() };
        Some((record, figures(&found)))
    }

    fn found(&self, record: &SweepRecord, ended: &[&StepTally]) -> Found {
        let all = record.values.len();
        let disturbed = record.steps.iter().filter(|step| step.disturbed).count();
        if record.values.iter().any(|value| value.number().is_none()) {
            return Found::undecided(format!("values of `{}` are words, which have no knee", record.param));
        }
        if ended.len() < all {
            return Found::undecided(format!("{} of {all} steps came to their end", ended.len()));
        }
        if disturbed > 0 {
            return Found::undecided(format!(
                "{disturbed} of {all} steps began while iterations of the one before were still under way; give them a \
                 longer `rest`"
            ));
        }
        if record.is_operation && record.steps.iter().all(|step| step.count == 0) {
            return Found::undecided(format!("no operation or scenario `{}` was recorded", record.measure));
        }
        let rated = ended
            .iter()
            .filter_map(|step| Some(Rated { at: self.value(step).number()?, per_s: step.per_s() }));
        find(&rated.collect::<Vec<_>>(), self.sweep.margin, self.seed)
    }

    fn value(&self, step: &StepTally) -> Value {
        self.sweep.values.get(step.number).cloned().unwrap_or_default()
    }

    fn step(&self, step: &StepTally) -> StepRecord {
        let totals = step.measured();
        let per_s = step.per_s();
        let times = self.times(step, totals);
        let ms = |percentile| (!times.is_empty()).then(|| times.percentile_us(percentile) as f64 / 1e3);
        let of = |outcome: Outcome| -> u64 {
            self.ops(totals).filter(|(found, _)| *found == outcome).map(|(_, op)| op.latency.count()).sum()
        };
        let own = |name: &str| {
            let is_its = |one: &ScenarioOptions| one.step.as_ref().is_some_and(|s| s.number == step.number);
            self.scenarios.iter().any(|one| one.name == name && is_its(one))
        };
        let failed = totals.scenarios.iter().filter(|(name, _)| own(name)).map(|(_, one)| one.failed).sum();
        StepRecord {
            value: self.value(step),
            at_s: step.span_ns.0 as f64 / 1e9,
            seconds: per_s.len() as u64,
            count: per_s.iter().sum::<f64>() as u64,
            per_s: rate(&per_s, self.seed.wrapping_add(step.number as u64)),
            p50_ms: ms(50.0),
            p99_ms: ms(99.0),
            errors: self.ops(totals).map(|(_, op)| op.errors).sum(),
            conflicts: of(Outcome::Conflict),
            empty: of(Outcome::Empty),
            failed,
            disturbed: self.is_disturbed(step),
            generator_bound: generator_bound(&GeneratorFigures::from_totals(totals, &limits(self.scenarios))),
        }
    }

    /// Operations of a step: those that are measured, or all.
    fn ops<'a>(
        &'a self,
        totals: &'a WindowTotals,
    ) -> impl Iterator<Item = (Outcome, &'a model::recorder::OpTotals)> {
        let wanted = match Counted::of(self.sweep, self.scenarios) {
            Counted::Operation(name) => Some(name),
            Counted::Iterations(_) => None,
        };
        let ops = totals.ops.iter();
        let is_wanted = move |name: &str| wanted.as_deref().is_none_or(|wanted| wanted == name);
        ops.filter(move |((name, _), _)| is_wanted(name)).map(|((_, outcome), op)| (*outcome, op))
    }

    /// How long what is counted took: iterations from their planned start, where there is one.
    fn times(&self, step: &StepTally, totals: &WindowTotals) -> LatencyHistogram {
        let mut times = LatencyHistogram::new();
        if let Counted::Operation(_) = Counted::of(self.sweep, self.scenarios) {
            let good = self.ops(totals).filter(|(outcome, _)| *outcome == Outcome::Ok);
            good.for_each(|(_, op)| times.merge(&op.latency));
        } else {
            let ours = totals.scenarios.iter().filter(|(name, _)| step.counts_scenario(name));
            ours.for_each(|(_, one)| times.merge(one.response.as_ref().unwrap_or(&one.service)));
        }
        times
    }

    /// Whether iterations of a step before went on into the seconds that count.
    fn is_disturbed(&self, step: &StepTally) -> bool {
        let is_earlier = |one: &&ScenarioOptions| one.step.as_ref().is_some_and(|s| s.number < step.number);
        let totals = self
            .scenarios
            .iter()
            .filter(is_earlier)
            .filter_map(|one| self.totals.scenarios.get(one.name.as_str()));
        let last_end_ns = totals.map(|one| one.last_end_ns).max().unwrap_or_default();
        let length_ns = (step.span_ns.1 - step.span_ns.0) as f64;
        last_end_ns.saturating_sub(step.settled_at_ns()) as f64 > DISTURBED_SHARE * length_ns
    }
}

/// Why the generator, not the servers, may be what some steps measured.
pub(super) fn bound(record: &SweepRecord) -> Vec<String> {
    let of = |step: &StepRecord| {
        let at = format!("at {}={}", record.param, step.value);
        step.generator_bound.iter().map(|reason| format!("{at}: {reason}")).collect::<Vec<_>>()
    };
    record.steps.iter().flat_map(of).collect()
}

/// What thresholds see of it.
fn figures(found: &Found) -> SweepFigures {
    let sentence = sentence::of(found);
    let (plateau, knee) = match &found.knee {
        Knee::At { at, .. } => (found.plateau.map(|level| level.value), Some(*at)),
        Knee::StillRising { .. } | Knee::NotDecided(_) => (None, None),
    };
    SweepFigures {
        plateau: plateau.ok_or_else(|| sentence.clone()),
        knee: knee.ok_or_else(|| sentence.clone()),
        sentence,
    }
}
