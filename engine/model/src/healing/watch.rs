//! What has to be known of a load second by second to say how it came through its faults.

use std::collections::BTreeMap;

use super::ends::Ends;
use super::line::{Asked, HOLD_NS, Line, SECOND_NS};
use super::{FaultCourse, Healing};
use crate::recorder::Interval;
use crate::series::{Series, merged};

/// Watches a load for [`courses`](LoadWatch::courses). Only runs with faults need one.
#[derive(Debug, Clone, Default)]
pub struct LoadWatch {
    seconds: BTreeMap<u64, Counted>,
    ends: Ends,
}

/// What ended in one second, on any core.
#[derive(Debug, Clone, Default)]
struct Counted {
    operations: u64,
    errors: u64,
    classes: BTreeMap<String, u64>,
}

/// When a load was disturbed, in ns on the run's clock.
#[derive(Debug, Clone, Copy)]
pub struct Faulted<'a> {
    /// The measured window.
    pub window_ns: (u64, u64),
    /// Begin and end of each fault.
    pub faults_ns: &'a [(u64, u64)],
    /// Planned bursts, and whatever else is no calm.
    pub others_ns: &'a [(u64, u64)],
}

impl LoadWatch {
    /// Nothing seen yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one core's interval, of whichever window.
    pub fn add(&mut self, interval: &Interval) {
        interval.ends_ms.iter().for_each(|ms| self.ends.note(*ms));
        // The second that most of the interval lies in.
        let second = (interval.start_ns / 2 + interval.end_ns / 2) / SECOND_NS;
        let counted = self.seconds.entry(second).or_default();
        for op in &interval.ops {
            counted.operations += op.histogram.count();
            counted.errors += op.errors;
            for (class, count) in op.classes.iter().filter(|_| op.errors > 0) {
                *counted.classes.entry(class.clone()).or_default() += count;
            }
        }
    }

    /// How the load came through each fault, in the order of `faulted.faults_ns`. `response` is the 95th percentile of the
    /// iterations' response time, a point in the middle of each second.
    #[must_use]
    pub fn courses(&self, response: Option<&Series>, faulted: Faulted<'_>) -> Vec<FaultCourse> {
        let lines = [self.errors(faulted.window_ns), responses(response, faulted.window_ns)];
        let disturbed = merged_of(faulted);
        let mut order: Vec<usize> = (0..faulted.faults_ns.len()).collect();
        order.sort_by_key(|index| faulted.faults_ns[*index]);
        // From where to where each line is no calm for faults that come later.
        let mut no_calm = [faulted.others_ns.to_vec(), faulted.others_ns.to_vec()];
        let mut courses = vec![FaultCourse::default(); order.len()];
        for index in order {
            let (begin_ns, _) = faulted.faults_ns[index];
            let asked = asked(begin_ns, &disturbed);
            let back = [0, 1].map(|line| lines[line].healing(asked, &no_calm[line]));
            courses[index] = self.course(asked, back, (&lines[0], &no_calm[0]), faulted.window_ns);
            for (line, healing) in no_calm.iter_mut().zip(back) {
                line.push((begin_ns, back_ns(healing, asked).unwrap_or(u64::MAX).max(asked.end_ns)));
            }
        }
        courses
    }

    fn course(
        &self,
        asked: Asked,
        back: [Healing; 2],
        (errors, no_calm): (&Line, &[(u64, u64)]),
        window_ns: (u64, u64),
    ) -> FaultCourse {
        let [errors_back, response_back] = back;
        let last_ns = window_ns.1.min(asked.next_ns);
        let back_ns = back.map(|healing| back_ns(healing, asked));
        let until_ns = match back_ns {
            [Some(errors_ns), Some(response_ns)] => errors_ns.max(response_ns).max(asked.end_ns) + HOLD_NS,
            _ => last_ns,
        };
        let until_ns = until_ns.min(last_ns);
        let gap_s = |span_ns, bounds_ns| self.ends.longest_gap_ns(span_ns, bounds_ns) as f64 / 1e9;
        // What began before the window may end within it, but calm stays with its own.
        let calm = stretches(&errors.calm(asked.begin_ns, no_calm));
        let calm_gap_s = calm.into_iter().map(|span_ns| gap_s(span_ns, span_ns)).reduce(f64::max);
        let mut course = FaultCourse {
            outage_s: gap_s((asked.begin_ns, until_ns), window_ns),
            calm_gap_s,
            errors_back,
            response_back,
            ..FaultCourse::default()
        };
        // The second in which the next one begins is the next one's.
        let first = asked.begin_ns / SECOND_NS;
        let end = until_ns.div_ceil(SECOND_NS).min(asked.next_ns / SECOND_NS).max(first + 1);
        for (_, counted) in self.seconds.range(first..end) {
            course.errors += counted.errors;
            for (class, count) in &counted.classes {
                *course.error_classes.entry(class.clone()).or_default() += count;
            }
        }
        course
    }

    fn errors(&self, window_ns: (u64, u64)) -> Line {
        let share = |second: u64| {
            let counted = self.seconds.get(&second).filter(|counted| counted.operations > 0)?;
            Some(counted.errors as f64 / counted.operations as f64)
        };
        let seconds = whole_seconds(window_ns);
        Line { first: seconds.start, figures: seconds.map(share).collect(), is_share: true }
    }
}

fn responses(response: Option<&Series>, window_ns: (u64, u64)) -> Line {
    let of = |second: u64| {
        let points = response?.window(second * SECOND_NS, (second + 1) * SECOND_NS);
        points.first().map(|point| point.value)
    };
    let seconds = whole_seconds(window_ns);
    Line { first: seconds.start, figures: seconds.map(of).collect(), is_share: false }
}

fn whole_seconds((start_ns, end_ns): (u64, u64)) -> std::ops::Range<u64> {
    let first = start_ns.div_ceil(SECOND_NS);
    first..(end_ns / SECOND_NS).max(first)
}

fn merged_of(faulted: Faulted<'_>) -> Vec<(u64, u64)> {
    let mut all: Vec<(u64, u64)> = faulted.faults_ns.iter().chain(faulted.others_ns).copied().collect();
    all.sort_unstable();
    merged(&all)
}

fn asked(begin_ns: u64, disturbed: &[(u64, u64)]) -> Asked {
    let next = disturbed.partition_point(|&(start_ns, _)| start_ns <= begin_ns);
    let end_ns = next.checked_sub(1).map_or(begin_ns, |this| disturbed[this].1);
    Asked { begin_ns, end_ns, next_ns: disturbed.get(next).map_or(u64::MAX, |&(start_ns, _)| start_ns) }
}

fn back_ns(healing: Healing, asked: Asked) -> Option<u64> {
    match healing {
        Healing::NeverLeft => Some(asked.begin_ns),
        Healing::After { s } => Some(asked.begin_ns + (s * 1e9).round() as u64),
        Healing::TooShort | Healing::NotBack { .. } | Healing::NoCalm => None,
    }
}

/// Seconds that follow each other, as spans in ns.
fn stretches(seconds: &[u64]) -> Vec<(u64, u64)> {
    let of = |stretch: &[u64]| {
        let (first, last) = (stretch.first().copied()?, stretch.last().copied()?);
        Some((first * SECOND_NS, (last + 1) * SECOND_NS))
    };
    seconds.chunk_by(|a, b| a + 1 == *b).filter_map(of).collect()
}
