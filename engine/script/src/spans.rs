//! What an iteration did: its operations are noted while it goes, and become a trace when it ends as one that is kept.
//!
//! Deliberately absent: which iterations those are, and how much of them (`model::trace`).

use load::number::MAX_ITERATIONS_PER_VU;
use model::{
    recorder::{Ending, OpId, Sample, WindowKind},
    trace::{Trace, TraceError},
};

use crate::context::Context;

/// How an iteration ended, as its trace tells it.
pub(crate) struct IterationEnd {
    pub(crate) ending: Ending,
    /// When, on the run's clock.
    pub(crate) at_ns: u64,
    /// Whether it had a plan that it may have been late against.
    pub(crate) is_planned: bool,
    /// What it failed with.
    pub(crate) error: Option<TraceError>,
}

impl Context {
    /// Notes one operation of this iteration. What set-up and probes do belongs to none.
    #[inline]
    pub(crate) fn note_span(&self, op: OpId, sample: &Sample<'_>, message: Option<&str>) {
        if self.scenario.is_some() {
            // A read of the clock would cost more than everything else here; whoever has just had a reply was woken by it.
            self.spans.borrow_mut().note(op, self.slice_began_ns.get(), sample, message);
        }
    }

    /// Keeps the trace of the iteration that has ended, when it is one to keep.
    pub(crate) fn end_trace(&self, end: IterationEnd) {
        let Some(scenario) = self.scenario else { return };
        let duration_ns = end.at_ns.saturating_sub(self.spans.borrow().began_ns());
        let mut traces = self.core.traces.borrow_mut();
        match (end.ending, &end.error) {
            (Ending::Done, _) if self.window.get() == WindowKind::WarmUp => {}
            (Ending::Done, _) => {
                traces.done(scenario, duration_ns, || self.trace(scenario, duration_ns, &end));
            }
            (Ending::Failed, error) => {
                let class = error.as_ref().map_or("", |error| &error.class);
                traces.failed(scenario, class, || self.trace(scenario, duration_ns, &end));
            }
            (Ending::Interrupted, _) => traces.interrupted(|| self.trace(scenario, duration_ns, &end)),
        }
    }

    #[cold]
    fn trace(&self, scenario: usize, duration_ns: u64, end: &IterationEnd) -> Trace {
        let (spans, recorder) = (self.spans.borrow(), self.core.recorder.borrow());
        let ms = |ns: u64| ns as f64 / 1e6;
        let lag_ns = spans.began_ns().saturating_sub(self.planned_ns.get());
        Trace {
            number: 0,
            scenario: self.core.wiring.scenarios[scenario].name.clone(),
            // What is above says which user's, and which window's.
            iteration: self.iteration.get() % MAX_ITERATIONS_PER_VU,
            vu: self.vu_number,
            window: self.window.get(),
            at_s: spans.began_ns() as f64 / 1e9,
            lag_ms: end.is_planned.then(|| ms(lag_ns)),
            duration_ms: ms(duration_ns),
            ending: end.ending,
            error: end.error.clone(),
            spans: spans.spans(|op| recorder.op_name(op).to_string()),
            spans_left_out: spans.left_out(),
        }
    }
}
