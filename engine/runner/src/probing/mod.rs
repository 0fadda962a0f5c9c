//! Looks at servers, host and the script's own probes beside the load, all on the run's clock.
//!
//! Deliberately absent: what is looked at (`drivers::probe`, the script), and what becomes of it (`run::evidence`).

mod pool;
mod scripts;
mod servers;

use std::{
    hash::{BuildHasher, BuildHasherDefault, DefaultHasher, Hash},
    time::Duration,
};

use load::time::{RealTime, Time as _};

pub(crate) use pool::{EVERY as POOL_EVERY, POOL, watch_pool};
pub(crate) use scripts::sample as sample_script;
pub(crate) use servers::{ProbePlan, watch_host, watch_postgres};

/// One look of one probe.
#[derive(Debug, Default)]
pub(crate) struct Look {
    /// The probe: `postgres.tables`, `host`, or a script probe's own name.
    pub(crate) probe: String,
    /// When it began, on the run's clock.
    pub(crate) at_ns: u64,
    /// How long it took.
    pub(crate) took: Duration,
    /// What it saw: values by series.
    pub(crate) values: Vec<(String, f64)>,
    /// What happened since the last look.
    pub(crate) marks: Vec<String>,
    /// What it cannot see, and why; each is told once.
    pub(crate) lacks: Vec<String>,
    /// Why it saw nothing.
    pub(crate) failure: Option<String>,
}

/// The times at which one probe looks: once in each period, and at the beginning of the measured window. One that takes
/// longer than its period misses the times in between.
///
/// Where in the first half of its period a look falls differs from period to period, by a rule and not by chance. Looks at
/// whole multiples would keep step with what a server does at whole multiples (autovacuum wakes every minute), and see
/// it always at the same moment; and all parts of a probe would look at once.
#[derive(Debug)]
struct Timetable {
    /// Differs from probe to probe; nothing keeps to whole multiples.
    jitter: Option<u64>,
    every_ns: u64,
    window_start_ns: u64,
    due_ns: u64,
}

impl Timetable {
    fn new(every: Duration, window_start_ns: u64) -> Self {
        let every_ns = u64::try_from(every.max(Duration::from_millis(1)).as_nanos()).unwrap_or(u64::MAX);
        Self { jitter: None, every_ns, window_start_ns, due_ns: 0 }
    }

    /// The same with looks that do not fall on whole multiples.
    fn jittered(self, name: &str) -> Self {
        Self { jitter: Some(hash(&name)), ..self }
    }

    /// Waits until the next look is due.
    async fn next(&self, time: &RealTime) {
        time.sleep_until(self.due_ns).await;
    }

    /// A look has ended; the next one is due later than that. Whether the window has begun by then, for the first time.
    fn done(&mut self, now_ns: u64) {
        let period = now_ns / self.every_ns + 1;
        let within = self.jitter.map_or(0, |jitter| hash(&(jitter, period)) % (self.every_ns / 2).max(1));
        let multiple = period.saturating_mul(self.every_ns).saturating_add(within);
        let is_before = self.due_ns < self.window_start_ns && now_ns < self.window_start_ns;
        self.due_ns = if is_before { multiple.min(self.window_start_ns) } else { multiple };
    }

    /// Whether a look that is due now is the first one of the measured window.
    fn opens_window(&self, has_opened: bool) -> bool {
        !has_opened && self.due_ns >= self.window_start_ns
    }
}

/// The same for the same, in every run.
fn hash(of: &impl Hash) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_are_at_whole_multiples_and_at_the_beginning_of_the_window() {
        let ms = |ms: u64| ms * 1_000_000;
        let mut timetable = Timetable::new(Duration::from_millis(10), ms(25));
        let mut due = Vec::new();
        for took in [3, 0, 1, 14, 2] {
            due.push((timetable.due_ns / ms(1), timetable.opens_window(false)));
            timetable.done(timetable.due_ns + ms(took));
        }
        assert_eq!(due, [(0, false), (10, false), (20, false), (25, true), (40, true)]);
        assert_eq!(Timetable::new(Duration::from_millis(10), 0).due_ns, 0);
    }

    #[test]
    fn looks_at_servers_keep_no_step_with_them_and_none_with_each_other() {
        let looks = |name| {
            let mut timetable = Timetable::new(Duration::from_millis(1_000), 0).jittered(name);
            let mut due = Vec::new();
            for _ in 0..50 {
                due.push(timetable.due_ns / 1_000_000);
                timetable.done(timetable.due_ns);
            }
            due
        };
        let (tables, locks) = (looks("tables"), looks("locks"));
        assert_eq!(tables, looks("tables"), "the same in every run");
        assert!(
            tables.iter().enumerate().all(|(n, due)| (due / 1_000, due % 1_000 < 500) == (n as u64, true))
        );
        let phases: std::collections::BTreeSet<u64> = tables.iter().map(|due| due % 1_000).collect();
        assert!(phases.len() > 30, "{phases:?}");
        assert_ne!(tables[1..], locks[1..]);
    }
}
