//! What probes complain about, told a few times.
//!
//! A probe that fails does so every second, and what it says may hold a number or a time. The first few messages show
//! what is wrong; hours of them would only bury the rest.

use std::collections::BTreeMap;

/// Distinct messages of one probe that are told.
const TOLD_AT_MOST: usize = 3;

/// The troubles of all probes.
#[derive(Debug, Default)]
pub(super) struct Troubles(BTreeMap<String, OfProbe>);

#[derive(Debug, Default)]
struct OfProbe {
    told: Vec<String>,
    /// Failures with other messages.
    untold: u64,
}

impl Troubles {
    /// Takes one failure of a probe; returns what is to be told.
    pub(super) fn hear(&mut self, probe: &str, trouble: String) -> Option<String> {
        let of_probe = self.0.entry(probe.to_owned()).or_default();
        if of_probe.told.contains(&trouble) {
            return None;
        }
        if of_probe.told.len() == TOLD_AT_MOST {
            of_probe.untold += 1;
            return None;
        }
        let text = format!("probe {probe}: {trouble}");
        of_probe.told.push(trouble);
        Some(text)
    }

    /// What is left to tell at the end: how often it went on.
    pub(super) fn rest(&self) -> Vec<String> {
        let went_on = self.0.iter().filter(|(_, of_probe)| of_probe.untold > 0);
        let rest = went_on.map(|(probe, OfProbe { untold, .. })| {
            format!("probe {probe}: failed {untold} more times with other messages")
        });
        rest.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_that_always_finds_new_words_is_told_a_few_times_and_counted() {
        let mut troubles = Troubles::default();
        let mut told = Vec::new();
        for second in 0..10_000 {
            told.extend(troubles.hear("depth", format!("no answer at {second}")));
            told.extend(troubles.hear("age", "no such table".to_owned()));
        }
        let expected = [
            "probe depth: no answer at 0",
            "probe age: no such table",
            "probe depth: no answer at 1",
            "probe depth: no answer at 2",
        ];
        assert_eq!(told, expected);
        assert_eq!(troubles.rest(), ["probe depth: failed 9997 more times with other messages"]);
    }
}
