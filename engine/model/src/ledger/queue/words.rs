//! What a queue's ledger found, in sentences for people. Times are the run's.

use std::time::Duration;

use super::deeds::{Push, Take};
use super::order::Candidate;
use crate::units::format_duration;

/// Times on the ledger's clock, as the run's clock has them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    pub(super) run_began_ns: u64,
}

impl Clock {
    /// `at 1.203s`, or `0.5s before the load`.
    fn at(self, at_ns: u64) -> String {
        match at_ns.checked_sub(self.run_began_ns) {
            Some(since_ns) => format!("at {:.6}s", since_ns as f64 / 1e9),
            None => format!("{} before the load", length(self.run_began_ns - at_ns)),
        }
    }

    /// `pushed at 1.203s`, or that nobody pushed it.
    fn pushed(self, push: Option<&Push>) -> String {
        push.map_or("never pushed".to_owned(), |push| format!("pushed {}", self.at(push.span.began_ns())))
    }

    pub(super) fn lost(self, push: &Push) -> String {
        let (key, priority) = (push.key, push.priority());
        format!(
            "key {key} (priority {priority}): {}, never taken, and not there at the end",
            self.pushed(Some(push))
        )
    }

    pub(super) fn lost_claim(self, key: u64, claim: &Take) -> String {
        let at = self.at(claim.span.began_ns());
        format!("key {key}: claimed {at}, completed by nobody, and not there at the end")
    }

    /// Of a key that was pushed several times.
    pub(super) fn miscounted(self, key: u64, pushed: u64, seen: u64) -> String {
        format!("key {key}: pushed {pushed} times, and taken or there at the end {seen} times")
    }

    pub(super) fn taken_again(self, key: u64, earlier: &Take, lease_ns: u64, later: &Take) -> String {
        let (first, second) = (self.at(earlier.span.began_ns()), self.at(later.span.began_ns()));
        if lease_ns == u64::MAX {
            return format!("key {key}: taken {first}, and again {second}");
        }
        format!("key {key}: claimed {first} for {}, and again {second}", length(lease_ns))
    }

    pub(super) fn taken_when_done(self, key: u64, completed_ns: u64, later: &Take) -> String {
        let (completed, at) = (self.at(completed_ns), self.at(later.span.began_ns()));
        format!("key {key}: its completion was acknowledged {completed}, and it was taken again {at}")
    }

    pub(super) fn still_there(self, key: u64, take: Option<&Take>, is_completed: bool) -> String {
        match take {
            Some(take) => {
                let how = if is_completed { "claimed and completed" } else { "taken" };
                format!("key {key}: {how} {}, and still there at the end", self.at(take.span.began_ns()))
            }
            None if is_completed => format!("key {key}: completed, and still there at the end"),
            None => format!("key {key}: there more than once at the end"),
        }
    }

    pub(super) fn early(self, push: &Push, take: &Take) -> String {
        let taken = self.at(take.span.ended_ns());
        format!(
            "key {}: {} with a delay of {}, and taken {taken}",
            push.key,
            self.pushed(Some(push)),
            length(push.delay_ns)
        )
    }

    pub(super) fn invented(self, key: u64, take: Option<&Take>) -> String {
        match take {
            Some(take) => {
                format!("key {key}: taken {}, and never pushed", self.at(take.span.began_ns()))
            }
            None => format!("key {key}: there at the end, and never pushed"),
        }
    }

    pub(super) fn nameless(self, taken_ns: Option<u64>) -> String {
        match taken_ns {
            Some(at_ns) => format!("an item without a key: taken {}", self.at(at_ns)),
            None => "an item without a key: there at the end".to_owned(),
        }
    }

    pub(super) fn overtaken(self, item: &Candidate, by: &Candidate) -> String {
        let of = |it: &Candidate| {
            let pushed = self.at(it.push_began_ns);
            format!("key {} (priority {}, pushed {pushed})", it.key, it.priority)
        };
        let then = match item.take_began_ns {
            u64::MAX => "and never itself".to_owned(),
            at_ns => format!("and itself {}", self.at(at_ns)),
        };
        format!("{}: {} was taken before it, {}, {then}", of(item), of(by), self.at(by.take_began_ns))
    }
}

fn length(ns: u64) -> String {
    format_duration(Duration::from_nanos(ns))
}
