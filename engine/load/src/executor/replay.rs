//! `replay`: iterations arrive when recorded ones did.
//!
//! An open model as `arrival-rate` is one, from a list of times instead of a shape ([`model::arrivals::listed`]): each
//! arrival has an exact planned time, response times count from it, and what finds no free VU is counted as dropped.
//! What was recorded has nothing before its beginning, so a replay takes no part in the warm-up.
//!
//! Deliberately absent: what the entries are about. Iteration n belongs to [`Listed::entry_of`] n.

use futures_util::future::LocalBoxFuture;
use model::{
    arrivals::listed::Listed,
    seed::{mix, scenario_hash},
    segment::Segment,
    shape::Shape,
};

use super::dispatcher::Dispatcher;
use crate::{
    desk::Due,
    plan::{ScenarioProblem, check},
    roster::Roster,
    time::Time,
    vu::Crew,
};

/// Points of the curve for eyes.
const CURVE_POINTS: usize = 201;

/// Options of `replay`.
#[derive(Clone, Debug, PartialEq)]
pub struct Replay {
    /// The arrivals, as fast and as often as they are played. What a scale leaves out is chosen by the run's seed: see
    /// [`Replay::of_run`].
    pub listed: Listed,
    /// For how long. What the list has beyond is left out; a list that ends before is followed by silence.
    pub duration_ns: u64,
    /// VUs that exist from the start.
    pub pre_allocated_vus: u32,
    /// VUs that may exist.
    pub max_vus: u32,
}

impl Replay {
    /// The arrivals of a run with this seed, in a scenario of this name.
    pub fn of_run(&self, seed: u64, scenario: &str) -> Listed {
        self.listed.clone().seeded(mix(seed, scenario_hash(scenario), 0))
    }

    /// The same in another time.
    #[must_use]
    pub fn squeezed_to(&self, duration_ns: u64) -> Self {
        let speed = self.duration_ns as f64 / duration_ns as f64;
        Self { listed: self.listed.clone().faster(speed), duration_ns, ..*self }
    }

    /// Its rate over time, as a curve for eyes.
    pub fn curve(&self) -> Shape {
        Shape::Sampled { curve: self.listed.rates(self.duration_ns as f64 / 1e9, CURVE_POINTS) }
    }

    pub(super) fn problems(&self, segment: Segment, found: &mut Vec<ScenarioProblem>) {
        check::time("duration", self.duration_ns, found);
        check::open_vus(segment, (self.pre_allocated_vus, self.max_vus), found);
    }

    pub(super) fn prepare<C: Crew, T: Time>(
        &self,
        roster: Roster<C, T>,
        grace_ns: u64,
    ) -> LocalBoxFuture<'static, ()> {
        let (scene, lane) = (&roster.scene, roster.lane());
        let listed = self.of_run(scene.run.plan().seed, scene.run.name(scene.scenario));
        let from_ns = scene.gate.from_ns;
        let schedule = listed.arrivals(lane, self.duration_ns).map(move |arrival| Due {
            number: arrival.number,
            planned_ns: from_ns.saturating_add(arrival.planned_ns),
        });
        Box::pin(
            Dispatcher::new(roster, Box::new(schedule.peekable()), self.pre_allocated_vus, grace_ns).play(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        plan::Plan,
        testing::{Act, MS, S, plan, play},
    };

    /// Bursts and silences, in ms; (0) is a wait of nothing between two entries at once.
    const TIMES_MS: [u64; 8] = [0, 10, 10, 15, 200, 400, 401, 900];

    fn replay(change: impl Fn(Listed) -> Listed) -> Replay {
        let times_ns = TIMES_MS.iter().map(|ms| ms * MS).collect();
        let listed = change(Listed::new(times_ns).expect("a list"));
        Replay { duration_ns: listed.pass_ns(), listed, pre_allocated_vus: 0, max_vus: 10 }
    }

    fn on(cores: usize, plan: Plan) -> Vec<(u64, u64)> {
        play(plan, cores, |_, _| Act::Sleep(50 * MS)).schedule()
    }

    #[test]
    fn iteration_n_is_entry_n_at_its_time_on_any_number_of_cores() {
        let wanted: Vec<_> = TIMES_MS.iter().enumerate().map(|(n, ms)| (n as u64, ms * MS)).collect();
        for cores in [1, 2, 3] {
            let mut plan = plan(replay(|listed| listed));
            assert_eq!(on(cores, plan.clone()), wanted);
            plan.warm_up_ns = 3 * S;
            let late: Vec<_> = wanted.iter().map(|&(n, at_ns)| (n, at_ns + 3 * S)).collect();
            assert_eq!(on(cores, plan), late, "nothing of it belongs to the warm-up");
        }
    }

    #[test]
    fn a_warp_and_a_squeeze_are_exact() {
        let twice = replay(|listed| listed.faster(2.0));
        let starts = |replay: &Replay| {
            let played = play(plan(replay.clone()), 1, |_, _| Act::Sleep(MS));
            played.seen.iter().map(|seen| seen.started_ns).collect::<Vec<_>>()
        };
        let halves: Vec<u64> = TIMES_MS.iter().map(|ms| ms * MS / 2).collect();
        assert_eq!(starts(&twice), halves);
        let slow = twice.squeezed_to(4 * twice.duration_ns);
        let doubled: Vec<u64> = TIMES_MS.iter().map(|ms| ms * MS * 2).collect();
        assert_eq!(starts(&slow), doubled);
    }

    #[test]
    fn entries_that_find_no_vu_are_dropped_and_counted() {
        let mut one = replay(|listed| listed);
        one.max_vus = 1;
        let played = play(plan(one), 2, |_, _| Act::Sleep(50 * MS));
        // Those of 10, 10, 15 and 401 ms come while the only VU is at work.
        let numbers: Vec<u64> = played.schedule().into_iter().map(|(number, _)| number).collect();
        assert_eq!(numbers, [0, 4, 5, 7]);
        assert_eq!((played.measured().planned, played.measured().dropped), (8, 4));
    }

    #[test]
    fn segments_play_every_entry_once() {
        let mut plan = plan(replay(|listed| listed.scaled(2.5)));
        let whole = on(2, plan.clone());
        assert_eq!(whole.len(), 20);
        plan.segment.count = 3;
        let mut all = Vec::new();
        for index in 1..=3 {
            plan.segment.index = index;
            all.extend(on(2, plan.clone()));
        }
        all.sort_unstable();
        assert_eq!(all, whole);
    }

    #[test]
    fn an_endless_list_ends_with_its_duration() {
        let mut twice = replay(Listed::endless);
        // One pass and the entries at 0 and 10 ms of the next.
        twice.duration_ns += 12 * MS;
        let played = play(plan(twice.clone()), 2, |_, _| Act::Sleep(MS));
        assert_eq!((played.measured().done, played.ended_ns), (8 + 3, twice.duration_ns));
        assert_eq!(twice.listed.entry_of(9), Some(1));
    }

    #[test]
    fn numbers_that_make_no_sense_are_refused() {
        let wrong = Replay { duration_ns: 0, pre_allocated_vus: 3, max_vus: 2, ..replay(|listed| listed) };
        let problems = plan(wrong).validate().expect_err("three things are wrong").to_string();
        assert_eq!(problems.lines().count(), 2, "{problems}");
        assert!(problems.contains("`duration` is 0") && problems.contains("`max_vus` is 2"), "{problems}");
    }
}
