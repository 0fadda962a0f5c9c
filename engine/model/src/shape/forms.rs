//! The leaves in closed form: for each its rate and the integral of the rate from 0 to t.
//!
//! Wherever a form repeats or has parts, `start of the part` and `time into the part` are found first and
//! the integral is what the whole parts before hold plus the part so far.

use std::f64::consts::TAU;

use super::Stage;
use super::law::Law;

/// A law that holds from the asked time until `end_s` (of the form's own time).
pub(super) struct Reach {
    pub(super) law: Law,
    pub(super) end_s: f64,
}

/// The whole parts of length `length_s` that lie before `t_s`, such that `count * length_s <= t_s`.
fn whole_parts(t_s: f64, length_s: f64) -> f64 {
    let count = (t_s / length_s).floor();
    // Division can round across a boundary; the product decides, because parts begin at products.
    if (count + 1.0) * length_s <= t_s {
        count + 1.0
    } else if count * length_s > t_s {
        count - 1.0
    } else {
        count
    }
}

/// A straight line from `from` (at 0) to `to` (at `duration_s`).
pub(super) mod ramp {
    use super::*;

    /// ```text
    /// to   |      ╱      rate(t)     = from + (to - from) t / d
    ///      |   ╱         integral(t) = from t + (to - from) t² / 2d
    /// from |╱_______
    ///      0       d
    /// ```
    pub(in super::super) fn rate(from: f64, to: f64, duration_s: f64, t_s: f64) -> f64 {
        from + (to - from) * (t_s / duration_s)
    }

    pub(in super::super) fn integral(from: f64, to: f64, duration_s: f64, t_s: f64) -> f64 {
        from * t_s + (to - from) * (t_s / duration_s) * t_s / 2.0
    }

    pub(in super::super) fn reach(from: f64, to: f64, duration_s: f64, t_s: f64) -> Reach {
        let law = Law::line(rate(from, to, duration_s, t_s), (to - from) / duration_s);
        Reach { law, end_s: duration_s }
    }
}

/// Lines from target to target.
pub(super) mod stages {
    use super::*;

    /// The stage that holds `t_s` as (start time, start rate, stage), and the integral before it. At a
    /// border the later stage; stages of no length are jumps and never hold anything.
    fn find(start: f64, stages: &[Stage], t_s: f64) -> Option<(f64, f64, Stage, f64)> {
        let (mut begin_s, mut from, mut before) = (0.0, start, 0.0);
        let mut found = None;
        for &stage in stages {
            if stage.duration_s > 0.0 {
                found = Some((begin_s, from, stage, before));
                if t_s < begin_s + stage.duration_s {
                    return found;
                }
                before += (from + stage.target) / 2.0 * stage.duration_s;
                begin_s += stage.duration_s;
            }
            from = stage.target;
        }
        found
    }

    pub(in super::super) fn rate(start: f64, stages: &[Stage], t_s: f64) -> f64 {
        find(start, stages, t_s).map_or(0.0, |(begin_s, from, stage, _)| {
            ramp::rate(from, stage.target, stage.duration_s, t_s - begin_s)
        })
    }

    /// ```text
    ///  |   ╱──╲         integral(t) = sum of the whole stages' trapezia (from + to) / 2 × d
    ///  |_╱      ╲__                 + the ramp's integral in the stage that holds t
    /// ```
    pub(in super::super) fn integral(start: f64, stages: &[Stage], t_s: f64) -> f64 {
        find(start, stages, t_s).map_or(0.0, |(begin_s, from, stage, before)| {
            before + ramp::integral(from, stage.target, stage.duration_s, t_s - begin_s)
        })
    }

    pub(in super::super) fn reach(start: f64, stages: &[Stage], t_s: f64) -> Reach {
        match find(start, stages, t_s) {
            None => Reach { law: Law::constant(0.0), end_s: f64::INFINITY },
            Some((begin_s, from, stage, _)) => {
                let part = ramp::reach(from, stage.target, stage.duration_s, t_s - begin_s);
                Reach { law: part.law, end_s: begin_s + part.end_s }
            }
        }
    }
}

/// A sine wave that starts at its lowest.
pub(super) mod sine {
    use super::*;

    /// ```text
    /// high |   ╭─╮       m = (low + high) / 2, a = (high - low) / 2, w = 2π / period
    ///      |  ╱   ╲      rate(t)     = m - a cos(w t)
    /// low  |─╯     ╰─    integral(t) = m t - (a / w) sin(w t)
    ///      0      period
    /// ```
    /// The derivative of the integral is m - a cos(w t), and it is 0 at t = 0. A whole period holds
    /// m × period, so t is first taken modulo the period: the sine of a large angle is imprecise.
    pub(in super::super) fn rate(low: f64, high: f64, period_s: f64, t_s: f64) -> f64 {
        let into = t_s - whole_parts(t_s, period_s) * period_s;
        (low + high) / 2.0 - (high - low) / 2.0 * (TAU * into / period_s).cos()
    }

    pub(in super::super) fn integral(low: f64, high: f64, period_s: f64, t_s: f64) -> f64 {
        let into = t_s - whole_parts(t_s, period_s) * period_s;
        let omega = TAU / period_s;
        (low + high) / 2.0 * t_s - (high - low) / 2.0 / omega * (omega * into).sin()
    }

    /// One period at a time, so that angles and counts stay small.
    pub(in super::super) fn reach(low: f64, high: f64, period_s: f64, t_s: f64) -> Reach {
        let begin_s = whole_parts(t_s, period_s) * period_s;
        let omega = TAU / period_s;
        let law = Law::wave((low + high) / 2.0, -(high - low) / 2.0, omega, omega * (t_s - begin_s));
        Reach { law, end_s: (whole_parts(t_s, period_s) + 1.0) * period_s }
    }
}

/// High for a while, low for a while, again and again.
pub(super) mod square {
    use super::*;

    /// ```text
    /// high |▔▔▔|   |▔▔▔|     p = high_for + low_for, k = whole periods before t, u = t - k p
    ///      |   |   |   |     rate(t)     = high while u < high_for, else low
    /// low  |   |▁▁▁|   |▁▁   integral(t) = k (high high_for + low low_for)
    ///      0       p                     + high min(u, high_for) + low max(u - high_for, 0)
    /// ```
    pub(in super::super) fn rate(high: f64, high_for_s: f64, low: f64, low_for_s: f64, t_s: f64) -> f64 {
        let period_s = high_for_s + low_for_s;
        let begin_s = whole_parts(t_s, period_s) * period_s;
        if t_s < begin_s + high_for_s { high } else { low }
    }

    pub(in super::super) fn integral(high: f64, high_for_s: f64, low: f64, low_for_s: f64, t_s: f64) -> f64 {
        let period_s = high_for_s + low_for_s;
        let periods = whole_parts(t_s, period_s);
        let into = t_s - periods * period_s;
        periods * (high * high_for_s + low * low_for_s)
            + high * into.min(high_for_s)
            + low * (into - high_for_s).max(0.0)
    }

    pub(in super::super) fn reach(high: f64, high_for_s: f64, low: f64, low_for_s: f64, t_s: f64) -> Reach {
        let period_s = high_for_s + low_for_s;
        let periods = whole_parts(t_s, period_s);
        let fall_s = periods * period_s + high_for_s;
        if t_s < fall_s {
            Reach { law: Law::constant(high), end_s: fall_s }
        } else {
            Reach { law: Law::constant(low), end_s: (periods + 1.0) * period_s }
        }
    }
}

/// A base that ends in a peak.
pub(super) mod spike {
    use super::*;

    /// ```text
    /// peak |      |▔▔    rate(t)     = base while t < base_for, then peak
    /// base |▁▁▁▁▁▁|      integral(t) = base min(t, base_for) + peak max(t - base_for, 0)
    /// ```
    pub(in super::super) fn rate(base: f64, base_for_s: f64, peak: f64, t_s: f64) -> f64 {
        if t_s < base_for_s { base } else { peak }
    }

    pub(in super::super) fn integral(base: f64, base_for_s: f64, peak: f64, t_s: f64) -> f64 {
        base * t_s.min(base_for_s) + peak * (t_s - base_for_s).max(0.0)
    }

    pub(in super::super) fn reach(base: f64, base_for_s: f64, peak: f64, peak_for_s: f64, t_s: f64) -> Reach {
        if t_s < base_for_s {
            Reach { law: Law::constant(base), end_s: base_for_s }
        } else {
            Reach { law: Law::constant(peak), end_s: base_for_s + peak_for_s }
        }
    }
}

/// A staircase.
pub(super) mod step {
    use super::*;

    /// The step that holds `t_s`, never beyond the last.
    fn whole_steps(every_s: f64, steps: u32, t_s: f64) -> f64 {
        whole_parts(t_s, every_s).min(f64::from(steps.saturating_sub(1)))
    }

    /// ```text
    ///  |     ▁▁▁▁    k = whole steps before t
    ///  |  ▁▁▁        rate(t)     = from + k by
    ///  |▁▁           integral(t) = every (k from + by k (k - 1) / 2) + rate(t) (t - k every)
    /// ```
    pub(in super::super) fn rate(from: f64, by: f64, every_s: f64, steps: u32, t_s: f64) -> f64 {
        from + by * whole_steps(every_s, steps, t_s)
    }

    pub(in super::super) fn integral(from: f64, by: f64, every_s: f64, steps: u32, t_s: f64) -> f64 {
        let k = whole_steps(every_s, steps, t_s);
        every_s * (k * from + by * k * (k - 1.0) / 2.0) + (from + by * k) * (t_s - k * every_s)
    }

    pub(in super::super) fn reach(from: f64, by: f64, every_s: f64, steps: u32, t_s: f64) -> Reach {
        let k = whole_steps(every_s, steps, t_s);
        Reach { law: Law::constant(from + by * k), end_s: (k + 1.0) * every_s }
    }
}

/// Teeth that climb in a line and fall at once.
pub(super) mod sawtooth {
    use super::*;

    /// ```text
    /// high |  ╱|  ╱|    k = whole teeth before t, u = t - k p
    ///      | ╱ | ╱ |    rate(t)     = low + (high - low) u / p
    /// low  |╱  |╱  |    integral(t) = k p (low + high) / 2 + low u + (high - low) u² / 2p
    /// ```
    pub(in super::super) fn rate(low: f64, high: f64, period_s: f64, t_s: f64) -> f64 {
        ramp::rate(low, high, period_s, t_s - whole_parts(t_s, period_s) * period_s)
    }

    pub(in super::super) fn integral(low: f64, high: f64, period_s: f64, t_s: f64) -> f64 {
        let begin_s = whole_parts(t_s, period_s) * period_s;
        begin_s * (low + high) / 2.0 + ramp::integral(low, high, period_s, t_s - begin_s)
    }

    pub(in super::super) fn reach(low: f64, high: f64, period_s: f64, t_s: f64) -> Reach {
        let teeth = whole_parts(t_s, period_s);
        let part = ramp::reach(low, high, period_s, t_s - teeth * period_s);
        Reach { law: part.law, end_s: (teeth + 1.0) * period_s }
    }
}
