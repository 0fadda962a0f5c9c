//! The line of progress where there is no terminal, in the manner of `pgbench -P`.
//!
//! Pure over a small value that the runner fills and the door shows.

use std::time::Duration;

use model::units::{format_count, format_duration, format_latency_us};

use crate::figures::decimal;
use crate::text::plural;

/// How a run stands, some seconds after the last time. Rates and percentiles are of the time since then,
/// counts are of the whole run so far.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tick {
    /// The phase, such as `warm-up`.
    pub phase: &'static str,
    /// Since the run's epoch.
    pub elapsed: Duration,
    /// How long the load lasts, when that is known before.
    pub total: Option<Duration>,
    /// Arrivals that fell due a second; nothing when no scenario has a schedule.
    pub planned_per_s: Option<f64>,
    /// Iterations that ended a second.
    pub achieved_per_s: f64,
    /// Median response time of iterations in µs (service time where there is no schedule); nothing when none
    /// ended.
    pub p50_us: Option<u64>,
    /// 99th percentile of the same.
    pub p99_us: Option<u64>,
    /// Operations that count as errors.
    pub errors: u64,
    /// Arrivals that found no free VU.
    pub dropped: u64,
    /// VUs inside an iteration.
    pub busy_vus: u64,
    /// VUs that exist.
    pub live_vus: u64,
}

impl Tick {
    /// `progress: 5.0 s of 5m, measure, planned 204.0/s, achieved 203.8/s, p50 1.23ms, p99 12.3ms, 0 errors,
    /// 0 dropped, 12 of 40 VUs busy`.
    pub fn line(&self) -> String {
        let elapsed_s = self.elapsed.as_secs_f64();
        let of = self.total.map(|total| format!(" of {}", format_duration(total))).unwrap_or_default();
        format!("progress: {elapsed_s:.1} s{of}, {}, {}", self.phase, self.figures())
    }

    /// The figures alone, for a progress bar that shows time and phase itself.
    pub fn figures(&self) -> String {
        let mut parts = Vec::new();
        if let Some(planned) = self.planned_per_s {
            parts.push(format!("planned {}/s", decimal(planned, 1)));
            parts.push(format!("achieved {}/s", decimal(self.achieved_per_s, 1)));
        } else {
            parts.push(format!("{}/s", decimal(self.achieved_per_s, 1)));
        }
        for (name, us) in [("p50", self.p50_us), ("p99", self.p99_us)] {
            let shown = us.map_or_else(|| "-".to_owned(), |us| format_latency_us(us as f64));
            parts.push(format!("{name} {shown}"));
        }
        parts.push(plural(self.errors, "error", "errors"));
        if self.planned_per_s.is_some() || self.dropped > 0 {
            parts.push(format!("{} dropped", format_count(self.dropped)));
        }
        parts.push(format!("{} of {} busy", format_count(self.busy_vus), plural(self.live_vus, "VU", "VUs")));
        parts.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: Tick = Tick {
        phase: "measure",
        elapsed: Duration::from_millis(35_040),
        total: Some(Duration::from_secs(330)),
        planned_per_s: Some(204.04),
        achieved_per_s: 203.8,
        p50_us: Some(1_234),
        p99_us: Some(12_300),
        errors: 0,
        dropped: 0,
        busy_vus: 12,
        live_vus: 40,
    };

    #[test]
    fn an_open_loop_shows_plan_and_drops() {
        assert_eq!(
            OPEN.line(),
            "progress: 35.0 s of 5m30s, measure, planned 204.0/s, achieved 203.8/s, p50 1.23ms, p99 12.3ms, \
             0 errors, 0 dropped, 12 of 40 VUs busy"
        );
    }

    #[test]
    fn a_closed_loop_has_neither() {
        let tick = Tick { total: None, planned_per_s: None, errors: 1, live_vus: 1, busy_vus: 1, ..OPEN };
        assert_eq!(
            tick.line(),
            "progress: 35.0 s, measure, 203.8/s, p50 1.23ms, p99 12.3ms, 1 error, 1 of 1 VU busy"
        );
    }

    #[test]
    fn before_anything_ended_there_are_no_percentiles() {
        let tick = Tick { achieved_per_s: 0.0, p50_us: None, p99_us: None, dropped: 1_200, ..OPEN };
        assert_eq!(
            tick.figures(),
            "planned 204.0/s, achieved 0.0/s, p50 -, p99 -, 0 errors, 1,200 dropped, 12 of 40 VUs busy"
        );
    }
}
