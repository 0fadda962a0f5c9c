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
