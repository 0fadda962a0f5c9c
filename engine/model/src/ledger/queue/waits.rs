//! How long items waited, as histograms.

use std::collections::BTreeMap;

use crate::histogram::LatencyHistogram;
use crate::runfile::WaitRecord;

/// Priorities below this have a histogram of their own.
const PRIORITIES: u32 = 32;

/// Ages at the first take, and how late delayed items were taken.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Waits {
    age: LatencyHistogram,
    by_priority: BTreeMap<u32, LatencyHistogram>,
    lateness: LatencyHistogram,
}

impl Waits {
    /// An item was first taken so long after its push.
    pub(super) fn aged(&mut self, priority: u32, age_ns: u64) {
        self.age.record_ns(age_ns);
        if priority < PRIORITIES {
            self.by_priority.entry(priority).or_default().record_ns(age_ns);
        }
    }

    /// A delayed item was first taken so long after its delay was over.
    pub(super) fn late(&mut self, lateness_ns: u64) {
        self.lateness.record_ns(lateness_ns);
    }

    /// As run files keep them. Priorities are told apart where there are several.
    pub(super) fn records(&self) -> Vec<WaitRecord> {
        let mut records = vec![("age".to_owned(), &self.age)];
        if self.by_priority.len() > 1 {
            records.extend(self.by_priority.iter().map(|(it, of_it)| (format!("age_priority_{it}"), of_it)));
        }
        records.push(("lateness".to_owned(), &self.lateness));
        let told = records.into_iter().filter(|(_, times)| !times.is_empty());
        told.map(|(name, times)| WaitRecord {
            name,
            count: times.count(),
            p50_us: times.percentile_us(50.0),
            p99_us: times.percentile_us(99.0),
            max_us: times.max_us(),
        })
        .collect()
    }
}
