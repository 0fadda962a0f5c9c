//! `limit`: a rate limiter that all virtual users of all cores share.

use std::{num::NonZeroU32, sync::Arc};

use governor::{
    DefaultDirectRateLimiter, Quota, RateLimiter,
    clock::{Clock, DefaultClock},
};
use rhai::{NativeCallContext, plugin::*};

use crate::{
    bridge::wait_for,
    context::{self, cancelled, failure, placed},
    engine::EvalError,
};

const TWO: NonZeroU32 = NonZeroU32::MIN.saturating_add(1);

/// A shared limiter.
#[derive(Clone)]
pub(crate) struct Limiter {
    inner: Arc<DefaultDirectRateLimiter>,
    per_second: u32,
}

impl std::fmt::Debug for Limiter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "limiter of {}/s", self.per_second)
    }
}

/// Rate limiters for closed loops and for what many users share. Make one in `setup()` and return it.
#[export_module]
pub(crate) mod limit_api {
    /// A limiter that lets `n` through a second. Places that nobody could take in time, because timers wake up to a
    /// millisecond late, stay free for 10 ms.
    ///
    /// ```rhai
    /// fn setup() { #{ gate: limit::per_second(100) } }
    /// fn work(vu) { vu.shared.gate.wait(); pg::execute("select 1", []); }
    /// ```
    #[rhai_fn(return_raw)]
    pub fn per_second(call: NativeCallContext<'_>, n: i64) -> Result<Limiter, EvalError> {
        placed(&call, || {
            let per_second = u32::try_from(n)
                .ok()
                .and_then(NonZeroU32::new)
                .ok_or_else(|| failure(&format!("limit::per_second takes 1 to {}, not {n}", u32::MAX)))?;
            // What 10 ms let through, and never less than two: a place is missed by a timer's lateness otherwise.
            let burst = NonZeroU32::new(per_second.get() / 100).map_or(TWO, |burst| burst.max(TWO));
            let quota = Quota::per_second(per_second).allow_burst(burst);
            Ok(Limiter { inner: Arc::new(RateLimiter::direct(quota)), per_second: per_second.get() })
        })
    }

    /// Waits for this limiter's next place.
    #[rhai_fn(global, pure, return_raw)]
    pub fn wait(limiter: &mut Limiter) -> Result<(), EvalError> {
        context::required("limiter.wait", |_| Ok(()))?;
        while let Err(not_until) = limiter.inner.check() {
            let pause = not_until.wait_time_from(DefaultClock::default().now());
            wait_for(tokio::time::sleep(pause)).map_err(|_| cancelled())?;
        }
        Ok(())
    }

    /// Takes a place if one is free now; says whether it did.
    #[rhai_fn(global, pure)]
    pub fn try_take(limiter: &mut Limiter) -> bool {
        limiter.inner.check().is_ok()
    }
}
