//! VUs that always want more, beside others that depend on timers, sockets and the dispatcher of the same core.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    time::Duration,
};

use load::{
    Start,
    control::Control,
    core::CoreContext,
    executor::{ConstantArrivalRate, ConstantVus, PerVuIterations},
    play,
    run::Run,
    time::Time,
    turns::{Next, Turns},
    vu::{Crew, Vu, VuId},
};
use model::{arrivals::Pacing, recorder::Ending};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
};

use crate::support::{MS, S, plan, scenario};

/// Spins through empty turns (scenario 0), or notes how many of those there had been at each arrival.
#[derive(Clone, Default)]
struct Spinning {
    spins: Arc<AtomicU64>,
    spins_at_arrivals: Arc<Mutex<Vec<u64>>>,
}

impl Crew for Spinning {
    type Vu = Spinning;

    fn hire(&self, _: VuId) -> Spinning {
        self.clone()
    }
}

impl Vu for Spinning {
    async fn live<T: Time>(self, mut turns: Turns<T>) {
        loop {
            let turn = match turns.try_next() {
                Next::Turn(turn) => turn,
                Next::Wait => match turns.next().await {
                    Some(turn) => turn,
                    None => return,
                },
                Next::Stop => return,
            };
            if turn.scenario == 0 {
                self.spins.fetch_add(1, Ordering::Relaxed);
            } else {
                let spins = self.spins.load(Ordering::Relaxed);
                self.spins_at_arrivals.lock().expect("nobody panics with it").push(spins);
            }
            turns.finish(turn, Ending::Done);
        }
    }
}

#[test]
fn arrivals_get_through_among_vus_that_never_sleep() {
    let open = ConstantArrivalRate {
        rate_per_s: 500.0,
        pacing: Pacing::Even,
        duration_ns: 400 * MS,
        pre_allocated_vus: 5,
        max_vus: 1_000,
    };
    let busy = ConstantVus { vus: 50, duration_ns: 400 * MS };
    let plan = plan(vec![scenario("busy", busy), scenario("open", open)]);
    let (sender, _events) = mpsc::channel();
    let run = Run::new(plan, 1, Control::new(), sender).expect("a valid plan");
    let crew = Spinning::default();
    play(&run, Start::WhenReady, |_: &CoreContext| Ok::<_, String>(crew.clone())).expect("the run");
    let spins = crew.spins_at_arrivals.lock().expect("nobody panics with it");
    assert_eq!(spins.len(), 200, "none is dropped");
    assert!(spins[0] < spins[199], "they come through while the others spin, not after them");
}

/// VU 0 plays ping-pong over a socket pair with timers in between; all others spin through empty turns until it is
/// done.
#[derive(Clone)]
struct Mixed {
    exchanges: Arc<AtomicU64>,
    control: Arc<Control>,
}

struct MixedVu {
    mixed: Mixed,
    exchanges: bool,
}

impl Crew for Mixed {
    type Vu = MixedVu;

    fn hire(&self, who: VuId) -> MixedVu {
        MixedVu { mixed: self.clone(), exchanges: who.scenario == 1 }
    }
}

impl Vu for MixedVu {
    async fn live<T: Time>(self, mut turns: Turns<T>) {
        let MixedVu { mixed, exchanges } = self;
        while let Some(turn) = turns.next().await {
            if exchanges {
                let (mut here, mut there) = UnixStream::pair().expect("a socket pair");
                let echo = async {
                    let mut byte = [0];
                    while there.read_exact(&mut byte).await.is_ok() {
                        tokio::time::sleep(Duration::from_millis(1)).await;
                        there.write_all(&byte).await.expect("the other end lives");
                    }
                };
                let ask = async {
                    for number in 0..20u8 {
                        here.write_all(&[number]).await.expect("the other end lives");
                        let mut byte = [0];
                        here.read_exact(&mut byte).await.expect("an echo");
                        assert_eq!(byte, [number]);
                        mixed.exchanges.fetch_add(1, Ordering::Relaxed);
                    }
                };
                tokio::select! {
                    () = echo => unreachable!("the asker hangs up later"),
                    () = ask => {}
                }
                // An hour is planned: only this ends the others.
                mixed.control.stop();
            }
            turns.finish(turn, Ending::Done);
        }
    }
}

#[test]
fn timers_and_sockets_are_looked_at_while_many_tasks_are_always_ready() {
    let busy = ConstantVus { vus: 100, duration_ns: 3_600 * S };
    let exchange = PerVuIterations { vus: 1, iterations: 1, max_duration_ns: 3_600 * S };
    let plan = plan(vec![scenario("busy", busy), scenario("exchange", exchange)]);
    let (sender, _events) = mpsc::channel();
    let control = Control::new();
    let run = Run::new(plan, 1, control.clone(), sender).expect("a valid plan");
    let mixed = Mixed { exchanges: Arc::default(), control };
    play(&run, Start::WhenReady, |_: &CoreContext| Ok::<_, String>(mixed.clone())).expect("the run");
    assert_eq!(mixed.exchanges.load(Ordering::Relaxed), 20);
}
