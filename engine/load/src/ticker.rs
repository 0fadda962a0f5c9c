//! Sends what a core has recorded, once a second and at the end.

use std::{rc::Rc, sync::Arc};

use model::recorder::{Interval, WindowKind};

use crate::{
    core::Core,
    event::Event,
    run::Run,
    time::{Time, thread_cpu_ns},
};

const TICK_NS: u64 = 1_000_000_000;

pub(crate) struct Ticker<T> {
    core: Rc<Core<T>>,
    run: Arc<Run>,
    since_ns: u64,
    cpu_ns: u64,
}

impl<T: Time> Ticker<T> {
    pub(crate) fn new(core: &Rc<Core<T>>, run: &Arc<Run>) -> Self {
        Self { core: Rc::clone(core), run: Arc::clone(run), since_ns: 0, cpu_ns: thread_cpu_ns() }
    }

    /// Ticks at every full second, and where the warm-up ends, so that no interval lies in both windows.
    pub(crate) async fn tick(&mut self) {
        loop {
            let warm_up_ns = self.run.plan().warm_up_ns;
            let second_ns = (self.since_ns / TICK_NS + 1) * TICK_NS;
            let next_ns = if self.since_ns < warm_up_ns { second_ns.min(warm_up_ns) } else { second_ns };
            self.core.context.time.sleep_until(next_ns).await;
            self.run.time_passes(self.core.context.time.now_ns());
            self.send();
        }
    }

    /// Sends what was recorded since the last time. The core's VUs and CPU time stand in exactly one interval, that
    /// of the window in which it began, which is therefore always sent.
    pub(crate) fn send(&mut self) {
        let context = &self.core.context;
        let core = u32::try_from(context.core).unwrap_or(u32::MAX);
        let (start_ns, end_ns) = (self.since_ns, context.time.now_ns());
        let mut intervals = context.recorder.borrow_mut().take(core, start_ns, end_ns);
        if intervals.is_empty() && start_ns == end_ns {
            return;
        }
        let is_warm_up = start_ns < self.run.plan().warm_up_ns;
        let window = if is_warm_up { WindowKind::WarmUp } else { WindowKind::Measure };
        let index = intervals.iter().position(|interval| interval.window == window).unwrap_or_else(|| {
            intervals.push(Interval::empty(core, start_ns, end_ns, window));
            intervals.len() - 1
        });
        let cpu_ns = thread_cpu_ns();
        let interval = &mut intervals[index];
        // The most there were, not those of this moment: short iterations would never be seen.
        interval.vus_busy = self.core.busy_most.replace(self.core.busy.get());
        interval.vus_live = self.core.live_most.replace(self.core.live.get());
        interval.cpu_ns = cpu_ns - self.cpu_ns;
        (self.since_ns, self.cpu_ns) = (end_ns, cpu_ns);
        for interval in intervals {
            self.run.tell(Event::Interval(Box::new(interval)));
        }
    }
}
