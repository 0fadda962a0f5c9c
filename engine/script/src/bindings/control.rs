//! Words every script has: parameters, environment, pauses, checks, groups, giving up.

use std::time::Duration;

use std::rc::Rc;

use model::{
    outcome::{Expect, Outcome},
    recorder::Sample,
    units,
};
use rhai::{Dynamic, FnPtr, Map, NativeCallContext, plugin::*};

use super::reply::{Body, Ended, Reply};
use crate::{
    bridge::wait_for,
    context::{self, cancelled, failure},
    declaring,
    engine::EvalError,
    ledger::queue::{self, Answer},
};

fn pause(length: Duration) -> Result<(), EvalError> {
    context::required("sleep", |_| Ok(()))?;
    wait_for(tokio::time::sleep(length)).map_err(|_| cancelled())
}

/// An error that the script wants: not its fault.
fn deliberate(message: &str) -> EvalError {
    rhai::EvalAltResult::ErrorRuntime(message.into(), rhai::Position::NONE).into()
}

fn length_of(length: f64) -> Result<Duration, EvalError> {
    Duration::try_from_secs_f64(length)
        .map_err(|_| failure(&format!("sleep takes a length of time, not {length} seconds")))
}

/// Words every script has.
#[export_module]
pub(crate) mod control_api {
    /// A declared parameter: its default, or what `-p name=value` says. It has the type of its default.
    /// Attributes: `help`, `unit`, `one_of`, `min`, `max`, and `scale: true` for sizes that `--scale` multiplies.
    ///
    /// ```rhai
    /// let depth = param("depth", 10, #{ help: "items a pop takes", min: 1, max: 100 });
    /// ```
    #[rhai_fn(name = "param", return_raw)]
    pub fn param_with(name: &str, default: Dynamic, attributes: Map) -> Result<Dynamic, EvalError> {
        declaring::param(name, &default, &attributes)
    }

    /// A declared parameter without attributes.
    #[rhai_fn(name = "param", return_raw)]
    pub fn param_plain(name: &str, default: Dynamic) -> Result<Dynamic, EvalError> {
        declaring::param(name, &default, &Map::new())
    }

    /// A variable of the environment: `-e NAME=value`, else the process's own, else `()`.
    #[rhai_fn(return_raw)]
    pub fn env(name: &str) -> Result<Dynamic, EvalError> {
        declaring::env(name)
    }

    /// How long the run is to be measured, in seconds: what `--duration` says, else the length you give. For what
    /// depends on it, such as how often a probe looks, or whether a plateau can be asked for at all.
    ///
    /// ```rhai
    /// let sample_s = max(1.0, planned_s("1h") / 120);
    /// ```
    #[rhai_fn(return_raw)]
    pub fn planned_s(default: &str) -> Result<f64, EvalError> {
        let default = units::parse_duration(default).map_err(|e| failure(&e.to_string()))?;
        declaring::duration_s(default.as_secs_f64())
    }

    /// Whether a scenario is played: all are, unless `--only` names others. For what depends on it, such as thresholds
    /// on operations that only one role has.
    ///
    /// ```rhai
    /// if plays("work") { thresholds["task.claim"] = "p(99) < 100ms"; }
    /// ```
    #[rhai_fn(return_raw)]
    pub fn plays(scenario: &str) -> Result<bool, EvalError> {
        declaring::plays(scenario)
    }

    /// A length of time as a number of seconds.
    ///
    /// ```rhai
    /// let step_s = seconds("1m30s");
    /// ```
    #[rhai_fn(name = "seconds", return_raw)]
    pub fn seconds_of(length: &str) -> Result<f64, EvalError> {
        let length = units::parse_duration(length).map_err(|e| failure(&e.to_string()))?;
        Ok(length.as_secs_f64())
    }

    /// Sleeps: "250ms", "1s", "1m30s". Other virtual users go on meanwhile.
    #[rhai_fn(name = "sleep", return_raw)]
    pub fn sleep_text(length: &str) -> Result<(), EvalError> {
        pause(units::parse_duration(length).map_err(|e| failure(&e.to_string()))?)
    }

    /// Sleeps for whole seconds, as in k6.
    #[rhai_fn(name = "sleep", return_raw)]
    pub fn sleep_int(length: i64) -> Result<(), EvalError> {
        pause(length_of(length as f64)?)
    }

    /// Sleeps for seconds with a fraction.
    #[rhai_fn(name = "sleep", return_raw)]
    pub fn sleep_float(length: f64) -> Result<(), EvalError> {
        pause(length_of(length)?)
    }

    /// Think time: sleeps between the two lengths, drawn from this iteration's randomness.
    ///
    /// ```rhai
    /// think("500ms", "1500ms");
    /// ```
    #[rhai_fn(return_raw)]
    pub fn think(least: &str, most: &str) -> Result<(), EvalError> {
        let parse = |text| units::parse_duration(text).map_err(|e| failure(&e.to_string()));
        let (least, most) = (parse(least)?, parse(most)?);
        if most < least {
            return Err(failure(&format!(
                "think takes the shorter length first, not {least:?} and {most:?}"
            )));
        }
        let unit = context::required("think", |c| Ok(c.rng.borrow_mut().next_unit()))?;
        pause(least + most.saturating_sub(least).mul_f64(unit))
    }

    /// Counts whether `passed` holds under `name`, and gives it back. A failed check fails nothing by itself: put a
    /// threshold on `checks`.
    ///
    /// ```rhai
    /// check(reply.ok, "pushed");
    /// ```
    #[rhai_fn(return_raw)]
    pub fn check(passed: bool, name: &str) -> Result<bool, EvalError> {
        context::required("check", |c| {
            c.core.recorder.borrow_mut().check(c.window.get(), name, passed);
            Ok(passed)
        })
    }

    /// Runs a closure whose operations are recorded under `name::operation`.
    ///
    /// ```rhai
    /// group("checkout", || queue::pop(vu.shared, 1));
    /// ```
    #[rhai_fn(return_raw)]
    pub fn group(call: NativeCallContext<'_>, name: &str, body: FnPtr) -> Result<Dynamic, EvalError> {
        context::required("group", |c| {
            c.groups.borrow_mut().push(name.to_owned());
            Ok(())
        })?;
        let result = body.call_within_context(&call, ());
        context::with(|c| c.groups.borrow_mut().pop());
        result
    }

    /// An operation without a server: ready at once, recorded like any other. A load of these shows what the generator
    /// itself can do, against which a server's figures can be held.
    ///
    /// ```rhai
    /// fn calibrate(vu) { if noop(vu.rng.below(1000)).ok { } }
    /// ```
    #[rhai_fn(return_raw)]
    pub fn noop(_key: i64) -> Result<Reply, EvalError> {
        context::required("noop", |c| {
            wait_for(std::future::ready(())).map_err(|_| cancelled())?;
            let op = &c.core.words.noop;
            let sample = Sample {
                outcome: Outcome::Ok,
                class: None,
                expect: Expect::Normal,
                service_ns: 0,
                pool_wait_ns: None,
                bytes_sent: 0,
                bytes_received: 0,
                items: 0,
            };
            c.core.record(c, op, &sample, None);
            queue::heard(c, Outcome::Ok, Answer::Nothing);
            let ended = Ended {
                op: op.clone(),
                outcome: Outcome::Ok,
                class: None,
                message: None,
                service_ns: 0,
                body: Body::Nothing,
            };
            Ok(Reply(Rc::new(ended)))
        })
    }

    /// Says how far a long loop of `setup()` has come, for those who wait: `done` of `total`. At `done == total` it is
    /// over. `runs.load(…)` says it by itself.
    ///
    /// ```rhai
    /// for n in 0..200 { progress("bodies", n, 200); s3::put(`body/${n}`, "…"); }
    /// progress("bodies", 200, 200);
    /// ```
    #[rhai_fn(return_raw)]
    pub fn progress(what: &str, done: i64, total: i64) -> Result<(), EvalError> {
        let (Ok(done), Ok(total)) = (u64::try_from(done), u64::try_from(total)) else {
            return Err(failure(&format!("progress counts from 0 up, not {done} of {total}")));
        };
        context::required("progress", |c| {
            c.core.wiring.findings.set_progress(what, done, total);
            Ok(())
        })
    }

    /// Ends this iteration as failed, with a message.
    #[rhai_fn(return_raw)]
    pub fn fail(message: &str) -> Result<(), EvalError> {
        Err(deliberate(message))
    }

    /// Ends the whole run (exit code 108): it drains, tears down and writes its report.
    #[rhai_fn(return_raw)]
    pub fn abort(message: &str) -> Result<(), EvalError> {
        context::required("abort", |c| {
            let _ = c.core.wiring.findings.aborted.set(message.to_owned());
            Ok(())
        })?;
        Err(deliberate(&format!("aborted: {message}")))
    }
}
