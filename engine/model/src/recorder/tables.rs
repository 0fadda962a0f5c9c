//! The tables beside the hot one: names, custom metrics, checks, failures.

use std::collections::HashMap;
use std::mem;
use std::sync::Arc;

use super::interval::{CheckInterval, Failure, MetricData, MetricInterval, MetricKind};
use super::sample::WindowKind;
use super::{MetricClash, WINDOWS};

/// Distinct failures a recorder keeps in its life.
pub(super) const MAX_FAILURES: usize = 100;
/// What further distinct failures are counted under.
pub(super) const OTHER_FAILURES: &str = "other failures (too many distinct messages to list)";

/// Distinct names of operations, of metrics and of checks each that a recorder keeps. A script may make names out of
/// data, and each costs memory, a row a second and a line in the report.
pub(super) const MAX_NAMES: usize = 1_000;
/// What operations and checks with further names are counted under.
pub(super) const OTHERS: &str = "(others)";

/// The same for metrics: one name has one kind.
fn other_metrics(kind: MetricKind) -> &'static str {
    match kind {
        MetricKind::Counter => "(other counters)",
        MetricKind::Gauge => "(other gauges)",
        MetricKind::Rate => "(other rates)",
        MetricKind::Trend => "(other trends)",
    }
}

/// Names and their numbers, counted from 0 in order of first use.
#[derive(Debug, Default)]
pub(super) struct Names {
    numbers: HashMap<Arc<str>, u32>,
    names: Vec<Arc<str>>,
}

impl Names {
    pub(super) fn intern(&mut self, name: &str) -> u32 {
        if let Some(&number) = self.numbers.get(name) {
            return number;
        }
        let number = u32::try_from(self.names.len()).expect("fewer than 2^32 names fit in memory");
        let name: Arc<str> = name.into();
        self.names.push(Arc::clone(&name));
        self.numbers.insert(name, number);
        number
    }

    /// The same while there is room for another name; then the number of `others`.
    pub(super) fn intern_or(&mut self, name: &str, others: &str) -> u32 {
        let has_room = self.names.len() < MAX_NAMES || self.numbers.contains_key(name);
        self.intern(if has_room { name } else { others })
    }

    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    pub(super) fn get(&self, number: usize) -> Arc<str> {
        Arc::clone(&self.names[number])
    }
}

/// Custom metrics: what was observed since the last take, for both windows.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    names: Names,
    kinds: Vec<MetricKind>,
    data: Vec<[MetricData; WINDOWS]>,
}

impl Metrics {
    pub(super) fn intern(&mut self, name: &str, kind: MetricKind) -> Result<u32, MetricClash> {
        let number = self.names.intern_or(name, other_metrics(kind));
        match self.kinds.get(number as usize) {
            None => {
                self.kinds.push(kind);
                self.data.push([MetricData::new(kind), MetricData::new(kind)]);
                Ok(number)
            }
            Some(&is) if is == kind => Ok(number),
            Some(&is) => Err(MetricClash { name: name.to_owned(), is, wanted: kind }),
        }
    }

    pub(super) fn observe(&mut self, window: WindowKind, metric: u32, value: f64) {
        self.data[metric as usize][window as usize].observe(value);
    }

    pub(super) fn take(&mut self, window: WindowKind, end_ns: u64) -> Vec<MetricInterval> {
        let mut taken = Vec::new();
        for (number, windows) in self.data.iter_mut().enumerate() {
            let slot = &mut windows[window as usize];
            if slot.count() == 0 {
                continue;
            }
            let mut data = mem::replace(slot, MetricData::new(self.kinds[number]));
            if let MetricData::Gauge { at_ns, .. } = &mut data {
                *at_ns = end_ns;
            }
            taken.push(MetricInterval { name: self.names.get(number), data });
        }
        taken
    }
}

/// Checks: how often each held and did not, for both windows.
#[derive(Debug, Default)]
pub(super) struct Checks {
    names: Names,
    counts: Vec<[(u64, u64); WINDOWS]>,
}

impl Checks {
    pub(super) fn intern(&mut self, name: &str) -> u32 {
        let number = self.names.intern_or(name, OTHERS);
        self.counts.resize(self.names.len(), Default::default());
        number
    }

    pub(super) fn count(&mut self, window: WindowKind, check: u32, passed: bool) {
        let (yes, no) = &mut self.counts[check as usize][window as usize];
        *(if passed { yes } else { no }) += 1;
    }

    pub(super) fn take(&mut self, window: WindowKind) -> Vec<CheckInterval> {
        let taken = self.counts.iter_mut().enumerate().map(|(number, windows)| {
            let (passed, failed) = mem::take(&mut windows[window as usize]);
            CheckInterval { name: self.names.get(number), passed, failed }
        });
        taken.filter(|check| check.passed + check.failed > 0).collect()
    }
}

/// Failures by position and message.
#[derive(Debug, Default)]
pub(super) struct Failures {
    counts: HashMap<String, HashMap<String, u64>>,
    distinct: usize,
}

impl Failures {
    pub(super) fn count(&mut self, message: &str, position: &str) {
        if let Some(count) = self.counts.get_mut(position).and_then(|messages| messages.get_mut(message)) {
            *count += 1;
            return;
        }
        let (message, position) =
            if self.distinct < MAX_FAILURES { (message, position) } else { (OTHER_FAILURES, "") };
        self.distinct += 1;
        *self.counts.entry(position.to_owned()).or_default().entry(message.to_owned()).or_default() += 1;
    }

    /// The counts since the last take, in the order of position and message. What is known stays known, so
    /// the bound holds for the recorder's whole life.
    pub(super) fn take(&mut self) -> Vec<Failure> {
        let mut taken = Vec::new();
        for (position, messages) in &mut self.counts {
            for (message, count) in messages.iter_mut().filter(|(_, count)| **count > 0) {
                let count = mem::take(count);
                taken.push(Failure { message: message.clone(), position: position.clone(), count });
            }
        }
        taken.sort_unstable_by(|a, b| (&a.position, &a.message).cmp(&(&b.position, &b.message)));
        taken
    }
}
