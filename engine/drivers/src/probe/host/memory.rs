//! The machine's memory, from `/proc/meminfo`.

use crate::probe::harvest::Harvest;

/// What is used is what could not be had by a new program: the page cache is free to go, shared buffers are not.
pub(super) fn report(meminfo: &str, harvest: &mut Harvest) {
    let (Some(total), Some(available)) = (bytes(meminfo, "MemTotal"), bytes(meminfo, "MemAvailable")) else {
        harvest.fail("/proc/meminfo has neither MemTotal nor MemAvailable");
        return;
    };
    harvest.add("host.memory_used_bytes", total - available);
    harvest.add("host.memory_available_bytes", available);
}

fn bytes(meminfo: &str, name: &str) -> Option<f64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    let kib: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_is_not_used_memory() {
        let meminfo =
            "MemTotal:       1000 kB\nMemFree:         100 kB\nMemAvailable:    700 kB\nCached: 600 kB\n";
        let mut harvest = Harvest::default();
        report(meminfo, &mut harvest);
        let values: Vec<f64> = harvest.samples.iter().map(|sample| sample.value).collect();
        assert_eq!(values, [300.0 * 1024.0, 700.0 * 1024.0]);
    }

    #[test]
    fn a_file_without_the_figures_is_a_failure() {
        let mut harvest = Harvest::default();
        report("MemTotal: 5 kB\n", &mut harvest);
        assert!(harvest.failure.is_some() && harvest.samples.is_empty());
    }
}
