//! `per-vu-iterations`: each VU runs the same number of iterations.

use crate::plan::{ScenarioProblem, check};

/// Options of `per-vu-iterations`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PerVuIterations {
    /// How many VUs.
    pub vus: u32,
    /// How many iterations each of them runs.
    pub iterations: u64,
    /// After this time no further iteration is started.
    pub max_duration_ns: u64,
}

impl PerVuIterations {
    pub(super) fn problems(&self, found: &mut Vec<ScenarioProblem>) {
        check::vus("vus", self.vus, found);
        check::iterations(self.iterations, found);
        check::time("max_duration", self.max_duration_ns, found);
    }
}

#[cfg(test)]
mod tests {
    use model::recorder::WindowKind;

    use super::*;
    use crate::{
        control::Order,
        number::BLOCK_BITS,
        phase::Phase,
        testing::{Act, MS, S, plan, play, play_with_orders},
    };

    fn three_each(vus: u32) -> PerVuIterations {
        PerVuIterations { vus, iterations: 3, max_duration_ns: 60 * S }
    }

    #[test]
    fn every_vu_runs_its_own_number_of_iterations() {
        for cores in [1, 2] {
            let played = play(plan(three_each(3)), cores, |_, vu| Act::Sleep((vu + 1) * S));
            let expected: Vec<u64> =
                (0..3u64).flat_map(|vu| (0..3).map(move |k| vu << BLOCK_BITS | k)).collect();
            let numbers: Vec<u64> = played.schedule().into_iter().map(|(number, _)| number).collect();
            assert_eq!(numbers, expected);
            let phases = [(Phase::Measure, 0), (Phase::Drain, 9 * S), (Phase::Over, 9 * S)];
            assert_eq!(played.phases, phases, "it is over when the slowest has run its last");
        }
    }

    #[test]
    fn there_is_no_warm_up_for_what_is_counted() {
        let mut plan = plan(three_each(2));
        plan.warm_up_ns = 5 * S;
        let played = play(plan, 1, |_, _| Act::Sleep(S));
        assert!(
            played.seen.iter().all(|seen| seen.window == WindowKind::Measure && seen.started_ns >= 5 * S)
        );
        assert_eq!(played.measured().done, 6);
    }

    #[test]
    fn the_max_duration_and_then_the_grace_end_it() {
        let mut plan = plan(PerVuIterations { vus: 2, iterations: 100, max_duration_ns: 10 * S });
        plan.scenarios[0].graceful_stop_ns = 2 * S;
        let played = play(plan, 1, |_, vu| Act::Sleep(if vu == 0 { 3 * S } else { 7 * S }));
        // VU 0 starts at 0, 3, 6 and 9 and ends at 12; VU 1 starts at 0 and 7 and would end at 14.
        assert_eq!((played.measured().done, played.measured().interrupted), (5, 1));
        assert_eq!(played.ended_ns, 12 * S);
    }

    #[test]
    fn who_panics_has_used_up_that_iteration_only() {
        let played =
            play(plan(three_each(1)), 1, |turn, _| if turn.number == 1 { Act::Panic } else { Act::Sleep(S) });
        assert_eq!((played.measured().done, played.measured().failed), (2, 1));
        assert_eq!(played.ended_ns, 2 * S + 10 * MS);
    }

    #[test]
    fn a_panic_in_the_last_iteration_ends_it_too() {
        let played =
            play(plan(three_each(1)), 1, |turn, _| if turn.number == 2 { Act::Panic } else { Act::Sleep(S) });
        assert_eq!((played.measured().done, played.measured().failed), (2, 1));
    }

    #[test]
    fn a_stop_leaves_the_rest_undone() {
        let played =
            play_with_orders(plan(three_each(2)), 1, &[(1_500 * MS, Order::Stop)], |_, _| Act::Sleep(S));
        assert_eq!((played.measured().done, played.ended_ns), (4, 2 * S));
    }
}
