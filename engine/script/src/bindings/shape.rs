//! `shape`: rates over time as values. `import "shape"` gives them their names; here is what those names call.

use std::sync::Arc;

use model::{
    shape::{Sampled, Shape, Stage},
    units,
};
use rhai::{FnPtr, Map, NativeCallContext, plugin::*};

use crate::{
    context::failure,
    engine::EvalError,
    settings::{Settings, as_number},
};

/// Length of the calm after a burst, where a shape would end in its burst.
const CALM_TAIL_S: f64 = 60.0;

/// A rate over time, and whether its arrivals are spread at random.
#[derive(Clone, Debug)]
pub(crate) struct ShapeValue {
    pub(crate) shape: Arc<Shape>,
    pub(crate) is_poisson: bool,
}

impl ShapeValue {
    /// A shape that has been checked.
    fn checked(kind: &str, shape: Shape) -> Result<Self, EvalError> {
        shape.validate().map_err(|problems| failure(&format!("shape::{kind}: {problems}")))?;
        Ok(Self { shape: Arc::new(shape), is_poisson: false })
    }

    fn map(&self, change: impl FnOnce(Shape) -> Shape) -> Self {
        Self { shape: Arc::new(change(Shape::clone(&self.shape))), is_poisson: self.is_poisson }
    }
}

fn seconds(text: &str) -> Result<f64, EvalError> {
    units::parse_duration(text).map(|d| d.as_secs_f64()).map_err(|e| failure(&e.to_string()))
}

/// Settings each kind of shape takes.
const KINDS: [(&str, &[&str]); 8] = [
    ("constant", &["rate"]),
    ("ramp", &["from", "to", "over"]),
    ("stages", &["start", "stages"]),
    ("sine", &["low", "high", "period", "total"]),
    ("square", &["high", "high_for", "low", "low_for", "total", "calm_for"]),
    ("spike", &["base", "base_for", "peak", "peak_for", "calm_for"]),
    ("step", &["from", "by", "every", "steps"]),
    ("sawtooth", &["low", "high", "period", "total"]),
];

fn build(kind: &str, s: &mut Settings<'_>) -> Shape {
    let rate = |s: &mut Settings<'_>, key| s.required(key, Settings::number);
    let time = |s: &mut Settings<'_>, key| s.required(key, Settings::seconds);
    match kind {
        "ramp" => Shape::Ramp { from: rate(s, "from"), to: rate(s, "to"), duration_s: time(s, "over") },
        "stages" => Shape::Stages { start: s.number("start").unwrap_or(0.0), stages: stages(s) },
        "sine" => {
            let period_s = time(s, "period");
            let total_s = s.seconds("total").unwrap_or(period_s);
            Shape::Sine { low: rate(s, "low"), high: rate(s, "high"), period_s }.take(total_s)
        }
        "square" => {
            let (high_for_s, low_for_s) = (time(s, "high_for"), time(s, "low_for"));
            let total_s = s.seconds("total").unwrap_or(high_for_s + low_for_s);
            let wave = Shape::Square { high: rate(s, "high"), high_for_s, low: rate(s, "low"), low_for_s };
            calm_after(wave.take(total_s), s)
        }
        "spike" => {
            let (base_for_s, peak_for_s) = (time(s, "base_for"), time(s, "peak_for"));
            calm_after(
                Shape::Spike { base: rate(s, "base"), base_for_s, peak: rate(s, "peak"), peak_for_s },
                s,
            )
        }
        "step" => {
            let steps = s.required("steps", Settings::count);
            let steps = u32::try_from(steps).unwrap_or(u32::MAX);
            Shape::Step { from: rate(s, "from"), by: rate(s, "by"), every_s: time(s, "every"), steps }
        }
        "sawtooth" => {
            let period_s = time(s, "period");
            let total_s = s.seconds("total").unwrap_or(period_s);
            Shape::Sawtooth { low: rate(s, "low"), high: rate(s, "high"), period_s }.take(total_s)
        }
        _ => Shape::Constant { rate: rate(s, "rate") },
    }
}

/// Recovery after a burst can only be seen if something follows it.
fn calm_after(shape: Shape, s: &mut Settings<'_>) -> Shape {
    let calm_s = s.seconds("calm_for");
    let ends_in_burst = match (shape.duration_s(), shape.bursts().last()) {
        (Some(end_s), Some((_, burst_end_s))) => *burst_end_s >= end_s - 1e-9,
        _ => false,
    };
    match calm_s {
        Some(calm_s) if calm_s > 0.0 => shape.with_calm_tail(calm_s),
        None if ends_in_burst => shape.with_calm_tail(CALM_TAIL_S),
        _ => shape,
    }
}

fn stages(s: &mut Settings<'_>) -> Vec<Stage> {
    let Some(list) = s.raw("stages").and_then(|v| v.as_array_ref().ok().map(|a| a.to_vec())) else {
        s.problem("stages", "needs `stages`, an array of #{ target, duration }".to_owned());
        return Vec::new();
    };
    let mut stages = Vec::new();
    for (n, stage) in list.iter().enumerate() {
        let Ok(map) = stage.as_map_ref() else {
            s.problem(
                "stages",
                format!("takes #{{ target, duration }} as stages[{n}], not {}", stage.type_name()),
            );
            continue;
        };
        let mut one = Settings::new("stage", &map, &["target", "duration"]);
        stages.push(Stage {
            target: one.required("target", Settings::number),
            duration_s: one.required("duration", Settings::seconds),
        });
        if let Err(e) = one.done() {
            s.problem("stages", format!("has a wrong stages[{n}]: {}", crate::diagnostic::message_of(&e)));
        }
    }
    stages
}

/// Rates over time. `import "shape" as shape;` names the kinds; these are the methods of what they return.
#[export_module]
pub(crate) mod shape_api {
    /// A shape by the name of its kind; `import "shape"` has a function for each.
    #[rhai_fn(return_raw)]
    pub fn shape_of(kind: &str, settings: Map) -> Result<ShapeValue, EvalError> {
        let Some((kind, known)) = KINDS.iter().find(|(name, _)| *name == kind) else {
            return Err(failure(&format!("there is no shape `{kind}`")));
        };
        let mut settings = Settings::new("the shape", &settings, known);
        let shape = build(kind, &mut settings);
        settings.done()?;
        ShapeValue::checked(kind, shape)
    }

    /// A shape from a function of time in seconds, sampled `every` so often over `total`.
    #[rhai_fn(return_raw)]
    pub fn shape_sampled(
        call: NativeCallContext<'_>,
        rate: FnPtr,
        settings: Map,
    ) -> Result<ShapeValue, EvalError> {
        let mut settings = Settings::new("shape::sampled", &settings, &["every", "total"]);
        let total_s = settings.required("total", Settings::seconds);
        let every_s = settings.seconds("every").unwrap_or(1.0);
        if !(every_s > 0.0 && total_s >= every_s && total_s / every_s <= 1e6) {
            settings.problem(
                "every",
                "needs `every` above 0 and at most 1,000,000 of them in `total`".to_owned(),
            );
        }
        settings.done()?;
        let points = (total_s / every_s).round() as usize + 1;
        let mut rates = Vec::with_capacity(points);
        for n in 0..points {
            let at_s = n as f64 * every_s;
            let value: rhai::Dynamic = rate.call_within_context(&call, (at_s,))?;
            rates.push(as_number(&value).ok_or_else(|| {
                failure(&format!("the function of shape::sampled gave {value} at {at_s} s, not a number"))
            })?);
        }
        ShapeValue::checked("sampled", Shape::Sampled { curve: Sampled::new(every_s, rates) })
    }

    /// The same rate with arrivals spread at random (a Poisson process).
    #[rhai_fn(pure)]
    pub fn poisson(shape: &mut ShapeValue) -> ShapeValue {
        ShapeValue { is_poisson: true, ..shape.clone() }
    }

    /// Every rate times `factor`.
    #[rhai_fn(pure)]
    pub fn scaled(shape: &mut ShapeValue, factor: f64) -> ShapeValue {
        shape.map(|s| s.scaled(factor))
    }

    /// The same form in another length.
    #[rhai_fn(pure, return_raw)]
    pub fn squeezed(shape: &mut ShapeValue, total: &str) -> Result<ShapeValue, EvalError> {
        let total_s = seconds(total)?;
        Ok(shape.map(|s| s.squeezed_to(total_s)))
    }

    /// The first part of a shape.
    #[rhai_fn(pure, return_raw)]
    pub fn take(shape: &mut ShapeValue, length: &str) -> Result<ShapeValue, EvalError> {
        let length_s = seconds(length)?;
        Ok(shape.map(|s| s.take(length_s)))
    }

    /// One shape after the other.
    #[rhai_fn(pure)]
    pub fn then(shape: &mut ShapeValue, next: ShapeValue) -> ShapeValue {
        shape.map(|s| s.then(Shape::clone(&next.shape)))
    }

    /// A tail of calm: at the rate the shape holds outside of its bursts, or at the one it began with.
    #[rhai_fn(pure, return_raw)]
    pub fn calm(shape: &mut ShapeValue, length: &str) -> Result<ShapeValue, EvalError> {
        let length_s = seconds(length)?;
        Ok(shape.map(|s| s.then_calm(length_s)))
    }

    /// Both rates together.
    #[rhai_fn(name = "+")]
    pub fn plus(a: ShapeValue, b: ShapeValue) -> ShapeValue {
        let shape = Shape::sum(vec![Shape::clone(&a.shape), Shape::clone(&b.shape)]);
        ShapeValue { shape: Arc::new(shape), is_poisson: a.is_poisson || b.is_poisson }
    }

    /// One rate times the other (the second one as a factor).
    #[rhai_fn(name = "*")]
    pub fn times(a: ShapeValue, b: ShapeValue) -> ShapeValue {
        let shape = Shape::product(vec![Shape::clone(&a.shape), Shape::clone(&b.shape)]);
        ShapeValue { shape: Arc::new(shape), is_poisson: a.is_poisson || b.is_poisson }
    }

    /// The rate at a time, in arrivals a second.
    #[rhai_fn(pure, return_raw)]
    pub fn rate_at(shape: &mut ShapeValue, time: &str) -> Result<f64, EvalError> {
        Ok(shape.shape.rate_at(seconds(time)?))
    }

    /// How many arrivals the whole shape plans; -1.0 when it has no end.
    #[rhai_fn(pure)]
    pub fn arrivals(shape: &mut ShapeValue) -> f64 {
        shape.shape.total().unwrap_or(-1.0)
    }

    /// A description.
    #[rhai_fn(pure)]
    pub fn to_string(shape: &mut ShapeValue) -> String {
        format!("{:?}", shape.shape)
    }
}
