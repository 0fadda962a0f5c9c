//! Real time: the monotonic clock of the system, counted from an epoch.
//!
//! One clock read costs about 25 ns (vDSO). The epoch is set once every core is ready, so it is not known when the
//! clock is made; until then it reads 0.

use std::{
    cell::Cell,
    future::Future,
    rc::Rc,
    task::{Context, Poll},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rustix::time::{ClockId, clock_gettime};

use super::{Alarm, Time, wheel::WheelAlarm};

/// The instant from which a run's nanoseconds are counted, on both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Epoch {
    /// On this machine's monotonic clock.
    pub monotonic_ns: u64,
    /// On the wall clock, microseconds since 1970: the anchor that a run file keeps.
    pub unix_us: u64,
}

impl Epoch {
    /// This instant.
    pub fn now() -> Self {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { monotonic_ns: monotonic_ns(), unix_us: u64::try_from(unix.as_micros()).unwrap_or(u64::MAX) }
    }

    /// This much later than `self`.
    #[must_use]
    pub fn after(self, wait: Duration) -> Self {
        let wait_ns = u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX);
        Self {
            monotonic_ns: self.monotonic_ns.saturating_add(wait_ns),
            unix_us: self.unix_us.saturating_add(wait_ns / 1_000),
        }
    }

    /// The instant at which the wall clock will show (or showed) `unix_us`: how segments on several machines agree
    /// on a start. As good as the machines' clocks.
    pub fn at_unix_us(unix_us: u64) -> Self {
        let now = Self::now();
        let monotonic_ns = if unix_us >= now.unix_us {
            now.monotonic_ns.saturating_add((unix_us - now.unix_us).saturating_mul(1_000))
        } else {
            now.monotonic_ns.saturating_sub((now.unix_us - unix_us).saturating_mul(1_000))
        };
        Self { monotonic_ns, unix_us }
    }
}

/// The monotonic clock, in nanoseconds from a start of its own.
pub(super) fn monotonic_ns() -> u64 {
    nanoseconds(ClockId::Monotonic)
}

/// CPU time that the calling thread has used so far.
pub(crate) fn thread_cpu_ns() -> u64 {
    nanoseconds(ClockId::ThreadCPUTime)
}

fn nanoseconds(clock: ClockId) -> u64 {
    let read = clock_gettime(clock);
    // Neither clock is ever negative, and nanoseconds of a u64 last 584 years.
    (read.tv_sec as u64).wrapping_mul(1_000_000_000).wrapping_add(read.tv_nsec as u64)
}

/// The clock of one core. Clones share their epoch.
#[derive(Clone, Debug)]
pub struct RealTime {
    epoch_ns: Rc<Cell<u64>>,
}

impl RealTime {
    /// A clock that counts from `epoch`.
    pub fn since(epoch: Epoch) -> Self {
        Self { epoch_ns: Rc::new(Cell::new(epoch.monotonic_ns)) }
    }

    /// A clock that stands at 0 until it is told its epoch.
    pub(crate) fn not_yet() -> Self {
        Self { epoch_ns: Rc::new(Cell::new(u64::MAX)) }
    }

    /// Counts from `epoch`, in all clones.
    pub(crate) fn begin(&self, epoch: Epoch) {
        self.epoch_ns.set(epoch.monotonic_ns);
    }
}

impl Time for RealTime {
    type Alarm = RealAlarm;

    #[inline]
    fn now_ns(&self) -> u64 {
        monotonic_ns().saturating_sub(self.epoch_ns.get())
    }

    fn sleep_until(&self, at_ns: u64) -> impl Future<Output = ()> + 'static {
        let epoch_ns = self.epoch_ns.get();
        let now_ns = monotonic_ns();
        // Before the epoch is known the clock stands at 0, and whoever sleeps means a time from now on.
        let wait_ns =
            if epoch_ns == u64::MAX { at_ns } else { epoch_ns.saturating_add(at_ns).saturating_sub(now_ns) };
        tokio::time::sleep(Duration::from_nanos(wait_ns))
    }

    fn alarm(&self) -> RealAlarm {
        #[cfg(target_os = "linux")]
        match super::timerfd::TimerFd::new() {
            Ok(timer) => return RealAlarm { time: self.clone(), kind: Kind::TimerFd(timer) },
            // The usual cause is that no descriptor is left. A coarse alarm that says so beats no run.
            Err(error) => tracing::warn!(%error, "no timerfd: arrivals are timed by the millisecond"),
        }
        RealAlarm { time: self.clone(), kind: Kind::Wheel(WheelAlarm::default()) }
    }
}

/// An alarm in real time: a `timerfd` on Linux, the runtime's millisecond wheel elsewhere.
#[derive(Debug)]
pub struct RealAlarm {
    time: RealTime,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    #[cfg(target_os = "linux")]
    TimerFd(super::timerfd::TimerFd),
    Wheel(WheelAlarm),
}

impl Alarm for RealAlarm {
    fn set(&mut self, at_ns: u64) {
        let at_monotonic_ns = self.time.epoch_ns.get().saturating_add(at_ns);
        match &mut self.kind {
            #[cfg(target_os = "linux")]
            Kind::TimerFd(timer) => timer.set(at_monotonic_ns),
            Kind::Wheel(wheel) => wheel.set(at_monotonic_ns),
        }
    }

    fn poll_ring(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.kind {
            #[cfg(target_os = "linux")]
            Kind::TimerFd(timer) => timer.poll_ring(cx),
            Kind::Wheel(wheel) => wheel.poll_ring(cx),
        }
    }

    fn coarseness_ns(&self) -> u64 {
        match &self.kind {
            #[cfg(target_os = "linux")]
            Kind::TimerFd(_) => 0,
            Kind::Wheel(_) => WheelAlarm::COARSENESS_NS,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    fn runtime() -> tokio::runtime::LocalRuntime {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build_local(tokio::runtime::LocalOptions::default())
            .expect("a runtime")
    }

    async fn ring(alarm: &mut RealAlarm, at_ns: u64) {
        alarm.set(at_ns);
        poll_fn(|cx| alarm.poll_ring(cx)).await;
    }

    #[test]
    fn a_clock_without_an_epoch_stands_at_zero() {
        let time = RealTime::not_yet();
        let clone = time.clone();
        assert_eq!(time.now_ns(), 0);
        time.begin(Epoch { monotonic_ns: monotonic_ns() - 5_000_000_000, unix_us: 0 });
        assert!(clone.now_ns() >= 5_000_000_000, "clones share the epoch");
    }

    #[test]
    fn a_sleep_before_the_start_ends() {
        runtime().block_on(async {
            let time = RealTime::not_yet();
            time.sleep_until(time.now_ns() + 1_000_000).await;
        });
    }

    #[test]
    fn both_alarms_never_ring_early_and_can_be_set_again() {
        runtime().block_on(async {
            let time = RealTime::since(Epoch::now());
            let wheel = RealAlarm { time: time.clone(), kind: Kind::Wheel(WheelAlarm::default()) };
            for mut alarm in [time.alarm(), wheel] {
                for wait_ns in [300_000, 2_000_000, 0] {
                    let at_ns = time.now_ns() + wait_ns;
                    ring(&mut alarm, at_ns).await;
                    assert!(time.now_ns() >= at_ns);
                }
                ring(&mut alarm, 0).await; // long past: at once
            }
        });
    }

    #[test]
    fn setting_an_alarm_again_forgets_what_was_set() {
        runtime().block_on(async {
            let time = RealTime::since(Epoch::now());
            let mut alarm = time.alarm();
            alarm.set(time.now_ns() + 1_000_000);
            let at_ns = time.now_ns() + 20_000_000;
            tokio::time::sleep(Duration::from_millis(3)).await; // the first one has fired unheard
            ring(&mut alarm, at_ns).await;
            assert!(time.now_ns() >= at_ns);
        });
    }

    #[test]
    fn an_alarm_waits_for_an_epoch_in_the_future() {
        runtime().block_on(async {
            let epoch = Epoch::now().after(Duration::from_millis(5));
            let time = RealTime::since(epoch);
            ring(&mut time.alarm(), 0).await;
            assert!(monotonic_ns() >= epoch.monotonic_ns);
        });
    }

    #[test]
    fn an_agreed_instant_keeps_its_distance_from_now() {
        let now = Epoch::now();
        let agreed = Epoch::at_unix_us(now.unix_us + 3_000_000);
        let distance_ns = agreed.monotonic_ns - now.monotonic_ns;
        // The two clock reads inside lie a little apart; nobody stops this process for a second and a half.
        assert!((1_500_000_000..=4_500_000_000).contains(&distance_ns), "{distance_ns}");
        assert!(Epoch::at_unix_us(0).monotonic_ns < now.monotonic_ns);
    }
}
