//! Comparisons follow each other behind everything else: what is compared should have the machine to itself.

use std::time::Duration;

use script::ScenarioOptions;

/// Puts the turns of each comparison, which count from 0, behind `begin` and behind those of the comparison before.
pub(super) fn one_after_the_other(turns: &mut [ScenarioOptions], begin: Duration) {
    let mut begin = begin;
    for turns in turns.chunk_by_mut(|a, b| a.comparison() == b.comparison()) {
        // All turns are equally far apart, the pause behind them included.
        let apart = match turns {
            [first, second, ..] => second.start - first.start,
            _ => Duration::ZERO,
        };
        for scenario in turns.iter_mut() {
            scenario.start += begin;
        }
        begin = turns.last().map_or(begin, |last| last.start + apart);
    }
}
