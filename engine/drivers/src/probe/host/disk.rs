//! Disks, from `/proc/diskstats`.
//!
//! Only whole devices at the bottom count: a partition, a device-mapper volume or a RAID would count again what
//! its disks do.

use std::collections::HashMap;
use std::time::Instant;

use crate::probe::counters::{Backwards, Tally};
use crate::probe::harvest::Harvest;

const SECTOR_BYTES: i64 = 512;
/// Not disks, or made of disks.
const NOT_DISKS: [&str; 9] = ["loop", "ram", "zram", "dm-", "md", "sr", "fd", "drbd", "nbd"];

/// Bytes read, bytes written, milliseconds in which something was under way.
pub(super) type Disk = (String, [i64; 3]);
const READ: usize = 0;
const WRITTEN: usize = 1;
const BUSY_MS: usize = 2;

/// The real disks.
pub(super) fn parse(diskstats: &str) -> Vec<Disk> {
    let lines: Vec<Vec<&str>> = diskstats.lines().map(|line| line.split_whitespace().collect()).collect();
    let names: Vec<&str> = lines.iter().filter_map(|fields| fields.get(2).copied()).collect();
    let is_real = |name: &str| {
        !NOT_DISKS.iter().any(|prefix| name.starts_with(prefix))
            && !names.iter().any(|whole| is_partition(name, whole))
    };
    let disk = |fields: &Vec<&str>| {
        let number = |index: usize| fields.get(index)?.parse::<i64>().ok();
        let name = fields.get(2).filter(|name| is_real(name))?;
        // Behind the name: reads, merged, sectors, ms; writes, merged, sectors, ms; in flight, busy ms, …
        let counts = [number(5)? * SECTOR_BYTES, number(9)? * SECTOR_BYTES, number(12)?];
        Some(((*name).to_owned(), counts))
    };
    lines.iter().filter_map(disk).collect()
}

/// `sda1` of `sda`, `nvme0n1p2` of `nvme0n1`.
fn is_partition(name: &str, whole: &str) -> bool {
    let Some(rest) = name.strip_prefix(whole) else { return false };
    let number =
        if whole.ends_with(|c: char| c.is_ascii_digit()) { rest.strip_prefix('p') } else { Some(rest) };
    number.is_some_and(|number| !number.is_empty() && number.chars().all(|c| c.is_ascii_digit()))
}

/// The disks, each with its counters.
#[derive(Debug, Default)]
pub(super) struct Disks(HashMap<String, Tally<(), 3>>);

impl Disks {
    /// Traffic of all disks together, and how much of the time the busiest was busy.
    pub(super) fn report(&mut self, at: Instant, disks: Vec<Disk>, harvest: &mut Harvest) {
        self.0.retain(|name, _| disks.iter().any(|(there, _)| there == name));
        let mut sums: Option<[f64; 2]> = None;
        let mut busiest: Option<f64> = None;
        for (name, counts) in disks {
            let tally = self.0.entry(name).or_insert_with(|| Tally::new(Backwards::Noise));
            let step = tally.look(at, [((), counts)]);
            if let (Some(read), Some(written), Some(busy_ms)) =
                (step.rate(READ), step.rate(WRITTEN), step.rate(BUSY_MS))
            {
                let sums = sums.get_or_insert_default();
                *sums = [sums[0] + read, sums[1] + written];
                let percent = (busy_ms / 10.0).min(100.0);
                busiest = Some(busiest.map_or(percent, |most| most.max(percent)));
            }
        }
        harvest.add_some("host.disk_read_bytes_per_s", sums.map(|sums| sums[0]));
        harvest.add_some("host.disk_write_bytes_per_s", sums.map(|sums| sums[1]));
        harvest.add_some("host.disk_busy_percent", busiest);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const BEFORE: &str = "\
   7       0 loop0 9 0 9 0 0 0 0 0 0 9 0 0 0 0 0 0 0
 254       0 vda 100 5 1000 7 50 2 2000 9 0 500 16 0 0 0 0 0 0
 254       1 vda1 100 5 1000 7 50 2 2000 9 0 500 16 0 0 0 0 0 0
 259       0 nvme0n1 10 0 100 1 5 0 200 1 0 100 2 0 0 0 0 0 0
 259       1 nvme0n1p1 10 0 100 1 5 0 200 1 0 100 2 0 0 0 0 0 0
 253       0 dm-0 10 0 100 1 5 0 200 1 0 100 2
 252       0 zram0 10 0 100 1 5 0 200 1 0 100 2
";
    const AFTER: &str = "\
 254       0 vda 100 5 1200 7 50 2 2600 9 0 900 16 0 0 0 0 0 0
 259       0 nvme0n1 10 0 100 1 5 0 400 1 0 1100 2 0 0 0 0 0 0
";

    #[test]
    fn only_whole_real_disks_count() {
        let names: Vec<String> = parse(BEFORE).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["vda", "nvme0n1"]);
        assert!(!is_partition("nvme0n10", "nvme0n1") && !is_partition("sdab", "sda"));
    }

    #[test]
    fn traffic_is_summed_and_the_busiest_disk_counts() {
        let (start, mut disks) = (Instant::now(), Disks::default());
        let mut look = |seconds, text| {
            let mut harvest = Harvest::default();
            disks.report(start + Duration::from_secs(seconds), parse(text), &mut harvest);
            harvest.samples.into_iter().map(|sample| sample.value).collect::<Vec<_>>()
        };
        assert!(look(0, BEFORE).is_empty());
        let (read, written) = (200.0 * 512.0 / 2.0, (600.0 + 200.0) * 512.0 / 2.0);
        // 400 ms and 1,000 ms in two seconds.
        assert_eq!(look(2, AFTER), [read, written, 50.0]);
    }

    #[test]
    fn old_kernels_and_empty_files_are_borne() {
        assert!(parse("").is_empty());
        assert!(parse("8 0 sda 1 2 3\n").is_empty());
    }
}
