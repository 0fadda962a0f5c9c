//! What the processors did, from `/proc/stat` and `/proc/loadavg`.

use crate::probe::counters::Step;
use crate::probe::harvest::Harvest;

pub(super) const FIELDS: usize = 8;

/// user, nice, system, idle, iowait, irq, softirq, steal. (guest is counted in user already.)
const IDLE: usize = 3;
const IOWAIT: usize = 4;
const STEAL: usize = 7;

/// The line of all processors together. Old kernels have fewer fields.
pub(super) fn parse(stat: &str) -> Option<[i64; FIELDS]> {
    let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let mut fields = line.split_whitespace().map_while(|field| field.parse().ok());
    let mut times = [0; FIELDS];
    for time in &mut times {
        *time = fields.next().unwrap_or(0);
    }
    Some(times)
}

/// Shares of the time since the last look. Time that was stolen or spent waiting for disks is not work.
pub(super) fn report(step: &Step<FIELDS>, harvest: &mut Harvest) {
    let all: i64 = step.grown.iter().sum();
    let percent = |ticks: i64| 100.0 * ticks as f64 / all as f64;
    let not_work = step.grown[IDLE] + step.grown[IOWAIT] + step.grown[STEAL];
    harvest.add("host.cpu_percent", percent(all - not_work));
    harvest.add("host.iowait_percent", percent(step.grown[IOWAIT]));
    harvest.add("host.steal_percent", percent(step.grown[STEAL]));
}

/// Processes that ran or waited for a disk, on average of the last minute.
pub(super) fn load1(loadavg: &str) -> Option<f64> {
    loadavg.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::probe::counters::{Backwards, Tally};

    #[test]
    fn work_is_what_is_neither_idle_nor_stolen() {
        let before =
            "cpu  75519 0 22752 147436 1399 0 132 404 0 0\ncpu0 37425 0 9693 75998 422 0 12 202 0 0\n";
        let after = "cpu  75569 0 22762 147466 1404 0 132 409 0 0\n";
        let (start, mut tally) = (Instant::now(), Tally::new(Backwards::Noise));
        let mut look = |seconds, text| {
            let mut harvest = Harvest::default();
            let at = start + Duration::from_secs(seconds);
            report(&tally.look(at, [((), parse(text).unwrap())]), &mut harvest);
            harvest.samples.into_iter().map(|sample| (sample.series, sample.value)).collect::<Vec<_>>()
        };
        assert_eq!(look(0, before), []);
        assert_eq!(
            look(1, after),
            [
                ("host.cpu_percent".to_owned(), 60.0),
                ("host.iowait_percent".to_owned(), 5.0),
                ("host.steal_percent".to_owned(), 5.0)
            ]
        );
    }

    #[test]
    fn what_is_not_there_is_none() {
        assert_eq!(parse("intr 5\n"), None);
        assert_eq!(parse("cpu  1 2 3 4\n"), Some([1, 2, 3, 4, 0, 0, 0, 0]));
        assert_eq!(load1("0.52 0.58 0.59 1/467 12345\n"), Some(0.52));
        assert_eq!(load1(""), None);
    }
}
