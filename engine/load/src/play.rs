//! One core's part of a run, as a future: hire, wait for the start, play all scenarios to their end, report.
//!
//! Executors are polled inside the root future of their runtime, which goes before the VUs' tasks each time the
//! runtime has looked at its timers. Knows no threads: several cores may be played side by side on one.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    rc::Rc,
    sync::Arc,
    task::Poll,
};

use futures_util::{
    StreamExt,
    future::{Either, select},
    stream::FuturesUnordered,
};

use crate::{
    bell::Bell,
    control::Order,
    core::{Core, CoreContext},
    executor,
    run::Run,
    ticker::Ticker,
    time::{Alarm, Time},
    vu::Crew,
};

/// Plays one core's share of `run` with the VUs that `crew` makes. Runs within a `tokio::task::LocalSet` or on a
/// `LocalRuntime`.
///
/// The VUs with which the scenarios begin are made first; then `start` is awaited. If it says no, the core leaves
/// without having played; else the clock has its epoch, and the run begins when the clock comes to it.
pub async fn play_core<C: Crew, T: Time>(
    run: Arc<Run>,
    context: CoreContext<T>,
    crew: C,
    start: impl Future<Output = bool>,
) {
    let core = Core::new(context);
    let crew = Rc::new(crew);
    let scenarios = 0..run.plan().scenarios.len();
    let mut scenes: FuturesUnordered<_> =
        scenarios.map(|scenario| executor::prepare(&run, &core, &crew, scenario)).collect();
    while core.has_unmade() {
        poll_fn(|cx| core.all_made.poll_rung(cx)).await;
    }
    if !start.await {
        return;
    }
    wait_for_epoch(&run, &core.context.time).await;
    run.time_passes(core.context.time.now_ns());
    let mut ticker = Ticker::new(&core, &run);
    {
        let scenes = pin!(async { while scenes.next().await.is_some() {} });
        let ticks = pin!(ticker.tick());
        match select(scenes, ticks).await {
            Either::Left(((), _)) => {}
            Either::Right(_) => unreachable!("a ticker never ends"),
        }
    }
    ticker.send();
    run.core_done(core.context.core, core.context.time.now_ns());
}

/// An agreed start may lie ahead. Orders are obeyed meanwhile.
async fn wait_for_epoch<T: Time>(run: &Run, time: &T) {
    let bell = Arc::new(Bell::default());
    run.control().wake_on_order(Arc::clone(&bell));
    let mut alarm = time.alarm();
    alarm.set(0);
    poll_fn(|cx| {
        let _ = bell.poll_rung(cx);
        let is_time = alarm.poll_ring(cx).is_ready();
        if is_time || run.control().order() != Order::Run { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

#[cfg(test)]
mod tests {
    use model::{arrivals::Pacing, recorder::WindowKind};

    use crate::{
        control::Order,
        executor::{ConstantArrivalRate, ConstantVus, PerVuIterations},
        phase::Phase,
        plan::Plan,
        testing::{Act, MS, S, linger_ns, plan, play, play_with_orders, scenario},
    };

    /// `a` from the start for 10 s, `b` from 5 s on for 10 s, and `c` that counts to 2 from 1 s on.
    fn three_scenarios() -> Plan {
        let mut plan = plan(ConstantVus { vus: 1, duration_ns: 10 * S });
        let open = ConstantArrivalRate {
            rate_per_s: 2.0,
            pacing: Pacing::Even,
            duration_ns: 10 * S,
            pre_allocated_vus: 1,
            max_vus: 4,
        };
        plan.scenarios.push(scenario("b", open));
        plan.scenarios.push(scenario("c", PerVuIterations { vus: 1, iterations: 2, max_duration_ns: 9 * S }));
        plan.scenarios[1].start_ns = 5 * S;
        plan.scenarios[1].warm_up = false;
        plan.scenarios[2].start_ns = S;
        plan.warm_up_ns = 2 * S;
        plan
    }

    #[test]
    fn scenarios_begin_and_end_each_at_its_time() {
        for cores in [1, 2] {
            let played = play(three_scenarios(), cores, |_, _| Act::Sleep(S));
            let marks: Vec<_> = played.marks.iter().map(|(at_ns, text)| (at_ns / S, text.as_str())).collect();
            let expected = [
                (0, "scenario a begins"),
                (3, "scenario c begins"),
                (5, "scenario c ends"),
                (7, "scenario b begins"),
                (12, "scenario a ends"),
                (17, "scenario b ends"),
            ];
            assert_eq!(marks, expected);
            let end_ns = 17 * S + 750 * MS;
            let phases =
                [(Phase::WarmUp, 0), (Phase::Measure, 2 * S), (Phase::Drain, 17 * S), (Phase::Over, end_ns)];
            assert_eq!(played.phases, phases, "the last arrival is due at 16.75 s");
            assert_eq!(played.of("a", WindowKind::WarmUp).done, 2);
            assert_eq!(played.of("b", WindowKind::WarmUp).done, 0, "it was told to take no part");
            let done = ["a", "b", "c"].map(|name| played.of(name, WindowKind::Measure).done);
            assert_eq!(done, [10, 20, 2]);
        }
    }

    #[test]
    fn intervals_come_every_second_and_never_lie_in_both_windows() {
        let mut plan = plan(ConstantVus { vus: 3, duration_ns: 2 * S });
        plan.warm_up_ns = 1_500 * MS;
        let played = play(plan, 1, |_, vu| Act::Sleep((3 + vu) * 100 * MS));
        let spans: Vec<_> = played.ticks.iter().map(|tick| (tick.1 / MS, tick.2 / MS, tick.3)).collect();
        let (warm_up, measure) = (WindowKind::WarmUp, WindowKind::Measure);
        // What was planned in the warm-up and ends in the next interval has an entry of its own there.
        let expected = [
            (0, 1_000, warm_up),
            (1_000, 1_500, warm_up),
            (1_500, 2_000, warm_up),
            (1_500, 2_000, measure),
            (2_000, 3_000, measure),
            (3_000, 3_600, measure),
        ];
        assert_eq!(spans, expected);
        let vus: Vec<_> = played.ticks.iter().map(|tick| (tick.4, tick.5)).collect();
        // Live and busy VUs stand in one of the two; those that left meanwhile were there.
        assert_eq!(vus, [(3, 3), (3, 3), (0, 0), (3, 3), (3, 3), (3, 3)]);
    }

    #[test]
    fn every_moment_of_a_core_counts_to_one_window() {
        let mut plan = plan(ConstantVus { vus: 2, duration_ns: 3 * S });
        plan.warm_up_ns = 1_500 * MS;
        // The core is held for 3 ms at a time, so that no tick comes at its time.
        let played = play(plan, 1, |_, vu| if vu == 0 { Act::Hold(3_100_000) } else { Act::Sleep(700 * MS) });
        let wall_ns = |window| played.totals.window(window).cores[&0].wall_ns;
        let (warm_up_ns, measure_ns) = (wall_ns(WindowKind::WarmUp), wall_ns(WindowKind::Measure));
        assert_eq!(warm_up_ns + measure_ns, played.ended_ns);
        assert!((1_500 * MS + 1..1_510 * MS).contains(&warm_up_ns), "{warm_up_ns}");
    }

    #[test]
    fn an_idle_core_sends_its_intervals_too() {
        let played = play(plan(ConstantVus { vus: 1, duration_ns: 3 * S }), 2, |_, _| Act::Sleep(S));
        let live = |core| {
            let of_core = played.ticks.iter().filter(move |tick| tick.0 == core);
            of_core.map(|tick| tick.5).collect::<Vec<_>>()
        };
        assert_eq!((live(0), live(1)), (vec![1, 1, 1], vec![]), "core 1 has nobody and leaves at once");
        let open = ConstantArrivalRate {
            rate_per_s: 1.0,
            pacing: Pacing::Even,
            duration_ns: 3 * S,
            pre_allocated_vus: 0,
            max_vus: 1,
        };
        let played = play(plan(open), 2, |_, _| Act::Sleep(MS));
        assert_eq!(played.ticks.iter().filter(|tick| tick.0 == 1).count(), 3);
    }

    #[test]
    fn an_order_at_the_very_start_is_obeyed() {
        for order in [Order::Stop, Order::Abort] {
            let played = play_with_orders(three_scenarios(), 2, &[(0, order)], |_, _| Act::Sleep(S));
            assert!(played.ended_ns <= S, "{order:?}: {}", played.ended_ns);
            assert_eq!(played.phases.last().map(|phase| phase.0), Some(Phase::Over));
        }
    }

    #[test]
    fn what_was_stopped_before_it_began_does_not_begin_while_it_drains() {
        linger_ns(10 * S);
        let mut plan = plan(ConstantVus { vus: 1, duration_ns: 10 * S });
        plan.scenarios[0].start_ns = 5 * S;
        let played = play_with_orders(plan, 1, &[(S, Order::Stop)], |_, _| Act::Sleep(S));
        assert_eq!((played.marks.len(), played.ended_ns), (0, 11 * S), "{:?}", played.marks);
    }

    #[test]
    fn a_stop_in_the_warm_up_skips_the_measured_window() {
        let played =
            play_with_orders(three_scenarios(), 2, &[(1_500 * MS, Order::Stop)], |_, _| Act::Sleep(S));
        let phases = [(Phase::WarmUp, 0), (Phase::Drain, 1_500 * MS), (Phase::Over, 2 * S)];
        assert_eq!(played.phases, phases);
        assert_eq!(played.measured().done, 0);
    }
}
