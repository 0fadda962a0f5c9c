//! Looks every second at how the load uses its pool of connections. Nobody has to ask for it: a look reads four counters.

use std::{sync::Arc, time::Duration};

use drivers::pg::{PoolGauge, PoolUse};
use load::time::{RealTime, Time as _};

use super::{Look, ProbePlan, Timetable};

/// The name of the probe, and what its series begin with.
pub(crate) const POOL: &str = "pool";

/// The period of its looks.
pub(crate) const EVERY: Duration = Duration::from_secs(1);

/// Looks at the pool until the load has ended. Blocks.
pub(crate) fn watch_pool(plan: &ProbePlan, gauge: &Arc<PoolGauge>) {
    let time = RealTime::since(plan.epoch);
    let mut timetable = Timetable::new(EVERY, plan.window_start_ns);
    let mut last: Option<(u64, PoolUse)> = None;
    plan.block_on(POOL, async {
        loop {
            let is_over = plan.is_last_look(&timetable, &time).await;
            let (at_ns, used) = (time.now_ns(), gauge.read());
            let mut values = vec![(format!("{POOL}.in_use"), used.in_use as f64)];
            if let Some((since_ns, before)) = last.replace((at_ns, used)) {
                values.extend(rates(&before, &used, at_ns.saturating_sub(since_ns)));
            }
            let look = Look { probe: POOL.to_owned(), at_ns, values, ..Look::default() };
            if plan.looks.send(look).is_err() || is_over {
                return;
            }
            timetable.done(time.now_ns());
        }
    });
}

/// What happened between two looks, a second.
fn rates(before: &PoolUse, now: &PoolUse, took_ns: u64) -> Vec<(String, f64)> {
    if took_ns == 0 {
        return Vec::new();
    }
    let counts = [
        ("acquires_per_s", before.acquires, now.acquires),
        ("empty_acquires_per_s", before.empty_acquires, now.empty_acquires),
        ("cancelled_acquires_per_s", before.cancelled_acquires, now.cancelled_acquires),
    ];
    let per_s = |before: u64, now: u64| now.saturating_sub(before) as f64 / (took_ns as f64 / 1e9);
    counts.map(|(name, before, now)| (format!("{POOL}.{name}"), per_s(before, now))).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_told_as_rates() {
        let before = PoolUse { in_use: 9, acquires: 100, empty_acquires: 10, cancelled_acquires: 0 };
        let now = PoolUse { in_use: 1, acquires: 600, empty_acquires: 20, cancelled_acquires: 1 };
        let values = rates(&before, &now, 500_000_000);
        let values: Vec<(&str, f64)> = values.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        let wanted = [
            ("pool.acquires_per_s", 1000.0),
            ("pool.empty_acquires_per_s", 20.0),
            ("pool.cancelled_acquires_per_s", 2.0),
        ];
        assert_eq!(values, wanted);
        assert_eq!(rates(&before, &now, 0), []);
    }
}
