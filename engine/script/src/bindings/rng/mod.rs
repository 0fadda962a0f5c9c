//! `vu.rng`: randomness that is a function of seed, scenario and iteration number.

mod making;

use rand_distr::Distribution;
use rhai::{Array, Dynamic, Map, plugin::*};

use self::making::{ITEM_BYTES_AT_LEAST, json_item};
use super::payload::Payload;
use crate::{
    context::{self, failure},
    engine::EvalError,
    settings::Settings,
};

pub(super) use self::making::{fill_text, random_bytes};

/// The word `vu.rng`: always the current iteration's generator.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rng;

fn draw<R>(from: impl FnOnce(&mut model::seed::IterationRng) -> R) -> Result<R, EvalError> {
    context::required("vu.rng", |c| Ok(from(&mut c.rng.borrow_mut())))
}

fn bound(n: i64, what: &str) -> Result<u64, EvalError> {
    u64::try_from(n)
        .ok()
        .filter(|n| *n > 0)
        .ok_or_else(|| failure(&format!("{what} takes 1 or more, not {n}")))
}

/// Most bytes that are made at once.
const BYTES_AT_MOST: i64 = 64 << 20;

pub(super) fn size(bytes: i64, what: &str) -> Result<usize, EvalError> {
    usize::try_from(bytes)
        .ok()
        .filter(|_| bytes <= BYTES_AT_MOST)
        .ok_or_else(|| failure(&format!("{what} makes 0 to {BYTES_AT_MOST} bytes, not {bytes}")))
}

fn happens(probability: f64) -> Result<bool, EvalError> {
    if !(0.0..=1.0).contains(&probability) {
        return Err(failure(&format!("rng.chance takes a probability from 0 to 1, not {probability}")));
    }
    draw(|r| r.next_unit() < probability)
}

fn rank(n: i64, exponent: f64) -> Result<i64, EvalError> {
    let n = bound(n, "rng.zipf(n, exponent)")?;
    let zipf = rand_distr::Zipf::new(n as f64, exponent)
        .map_err(|_| failure(&format!("rng.zipf takes an exponent of 0 or more, not {exponent}")))?;
    draw(|r| zipf.sample(r) as i64 - 1)
}

fn normally(mean: f64, deviation: f64) -> Result<f64, EvalError> {
    let normal = rand_distr::Normal::new(mean, deviation).ok().filter(|_| deviation >= 0.0);
    let normal = normal.ok_or_else(|| {
        failure(&format!("rng.normal takes a deviation that is finite and 0 or more, not {deviation}"))
    })?;
    draw(|r| normal.sample(r))
}

fn exponentially(mean: f64) -> Result<f64, EvalError> {
    let is_usable = mean.is_finite() && mean > 0.0;
    let exponential = rand_distr::Exp::new(1.0 / mean).ok().filter(|_| is_usable);
    let exponential =
        exponential.ok_or_else(|| failure(&format!("rng.exponential takes a mean above 0, not {mean}")))?;
    draw(|r| exponential.sample(r))
}

fn payload(bytes: i64, compressible: f64) -> Result<Payload, EvalError> {
    let bytes = size(bytes, "rng.payload(bytes)")?;
    draw(|r| Payload { bytes: random_bytes(r, bytes, compressible).into(), is_json: false })
}

/// Sizes whose logarithm is normal, within bounds.
struct Sizes {
    law: rand_distr::LogNormal<f64>,
    least: f64,
    most: f64,
}

impl Sizes {
    fn draw(&self, rng: &mut model::seed::IterationRng) -> i64 {
        self.law.sample(rng).clamp(self.least, self.most).round() as i64
    }
}

/// The 99th percentile of the standard normal distribution.
const P99_OF_NORMAL: f64 = 2.326_347_874_040_841;

fn sizes(map: &Map) -> Result<Sizes, EvalError> {
    let mut settings = Settings::new("rng.size", map, &["median", "p99", "min", "max"]);
    let median = settings.required("median", Settings::bytes) as f64;
    let p99 = settings.required("p99", Settings::bytes) as f64;
    let least = settings.bytes("min").unwrap_or(1) as f64;
    let most = settings.bytes("max").unwrap_or(BYTES_AT_MOST.unsigned_abs()) as f64;
    let has_both = map.contains_key("median") && map.contains_key("p99");
    if has_both && !(median >= 1.0 && median <= p99) {
        settings.problem(
            "p99",
            format!("needs a `median` of 1 or more and a `p99` not below it, not {median} and {p99}"),
        );
    }
    if least > most {
        settings.problem("min", format!("needs a `min` not above `max`, not {least} and {most}"));
    }
    settings.done()?;
    // ln p99 = ln median + z deviation, with z the 99th percentile of the standard normal distribution.
    let deviation = (p99 / median).ln() / P99_OF_NORMAL;
    let law = rand_distr::LogNormal::new(median.ln(), deviation);
    let law = law.map_err(|_| failure(&format!("rng.size cannot draw from {median} to {p99}")))?;
    Ok(Sizes { law, least, most })
}

/// Randomness of this iteration.
#[export_module]
pub(crate) mod rng_api {
    /// True with the given probability, from 0 to 1.
    #[rhai_fn(pure, return_raw)]
    pub fn chance(_rng: &mut Rng, probability: f64) -> Result<bool, EvalError> {
        happens(probability)
    }

    #[rhai_fn(name = "chance", pure, return_raw)]
    pub fn chance_int(_rng: &mut Rng, probability: i64) -> Result<bool, EvalError> {
        happens(probability as f64)
    }

    /// A whole number from `least` to `most`, both included.
    #[rhai_fn(pure, return_raw)]
    pub fn int(_rng: &mut Rng, least: i64, most: i64) -> Result<i64, EvalError> {
        if least > most {
            return Err(failure(&format!("rng.int({least}, {most}): the least is above the most")));
        }
        let span = most.checked_sub(least).and_then(|s| s.checked_add(1)).and_then(|s| u64::try_from(s).ok());
        let span =
            span.ok_or_else(|| failure(&format!("rng.int({least}, {most}): that is too wide a range")))?;
        draw(|r| least + r.next_below(span).cast_signed())
    }

    /// A whole number below `n`: 0 to n-1.
    #[rhai_fn(pure, return_raw)]
    pub fn below(_rng: &mut Rng, n: i64) -> Result<i64, EvalError> {
        let n = bound(n, "rng.below(n)")?;
        draw(|r| r.next_below(n).cast_signed())
    }

    /// A number from 0 up to 1.
    #[rhai_fn(pure, return_raw)]
    pub fn unit(_rng: &mut Rng) -> Result<f64, EvalError> {
        draw(model::seed::IterationRng::next_unit)
    }

    /// A rank from 0 to n-1, the lower the likelier (Zipf with the given exponent; 0.99 is YCSB's).
    #[rhai_fn(pure, return_raw)]
    pub fn zipf(_rng: &mut Rng, n: i64, exponent: f64) -> Result<i64, EvalError> {
        rank(n, exponent)
    }

    #[rhai_fn(name = "zipf", pure, return_raw)]
    pub fn zipf_int(_rng: &mut Rng, n: i64, exponent: i64) -> Result<i64, EvalError> {
        rank(n, exponent as f64)
    }

    /// A number from a normal distribution.
    #[rhai_fn(pure, return_raw)]
    pub fn normal(_rng: &mut Rng, mean: f64, deviation: f64) -> Result<f64, EvalError> {
        normally(mean, deviation)
    }

    #[rhai_fn(name = "normal", pure, return_raw)]
    pub fn normal_ints(_rng: &mut Rng, mean: i64, deviation: i64) -> Result<f64, EvalError> {
        normally(mean as f64, deviation as f64)
    }

    #[rhai_fn(name = "normal", pure, return_raw)]
    pub fn normal_int_mean(_rng: &mut Rng, mean: i64, deviation: f64) -> Result<f64, EvalError> {
        normally(mean as f64, deviation)
    }

    #[rhai_fn(name = "normal", pure, return_raw)]
    pub fn normal_int_deviation(_rng: &mut Rng, mean: f64, deviation: i64) -> Result<f64, EvalError> {
        normally(mean, deviation as f64)
    }

    /// A number from an exponential distribution with the given mean.
    #[rhai_fn(pure, return_raw)]
    pub fn exponential(_rng: &mut Rng, mean: f64) -> Result<f64, EvalError> {
        exponentially(mean)
    }

    #[rhai_fn(name = "exponential", pure, return_raw)]
    pub fn exponential_int(_rng: &mut Rng, mean: i64) -> Result<f64, EvalError> {
        exponentially(mean as f64)
    }

    /// One element of an array, each as likely as the others.
    #[rhai_fn(pure, return_raw)]
    pub fn pick(_rng: &mut Rng, items: Array) -> Result<Dynamic, EvalError> {
        let n = bound(i64::try_from(items.len()).unwrap_or(i64::MAX), "rng.pick(items)")?;
        draw(|r| items[usize::try_from(r.next_below(n)).unwrap_or(0)].clone())
    }

    /// An index, as likely as its weight says: `vu.rng.weighted([50, 30, 20])` is 0, 1 or 2.
    #[rhai_fn(pure, return_raw)]
    pub fn weighted(_rng: &mut Rng, weights: Array) -> Result<i64, EvalError> {
        let weights: Option<Vec<f64>> = weights
            .iter()
            .map(|w| w.as_int().map(|i| i as f64).or_else(|_| w.as_float()).ok())
            .map(|w| w.filter(|w| w.is_finite() && *w >= 0.0))
            .collect();
        let weights = weights
            .filter(|w| w.iter().sum::<f64>() > 0.0)
            .ok_or_else(|| failure("rng.weighted takes numbers of 0 or more, at least one above 0"))?;
        let at = draw(model::seed::IterationRng::next_unit)? * weights.iter().sum::<f64>();
        let mut sum = 0.0;
        let found = weights.iter().position(|w| {
            sum += w;
            at < sum
        });
        Ok(i64::try_from(found.unwrap_or(weights.len() - 1)).unwrap_or(i64::MAX))
    }

    /// Random text of so many bytes.
    #[rhai_fn(pure, return_raw)]
    pub fn text(_rng: &mut Rng, bytes: i64) -> Result<String, EvalError> {
        let bytes = size(bytes, "rng.text(bytes)")?;
        draw(|r| {
            let mut text = Vec::with_capacity(bytes);
            fill_text(r, &mut text, bytes);
            String::from_utf8(text).unwrap_or_default()
        })
    }

    /// A JSON object of so many bytes (at least 35), as a payload that a `jsonb` column takes.
    #[rhai_fn(pure, return_raw)]
    pub fn item(_rng: &mut Rng, bytes: i64) -> Result<Payload, EvalError> {
        let bytes = size(bytes, "rng.item(bytes)")?;
        if bytes < ITEM_BYTES_AT_LEAST {
            let least = ITEM_BYTES_AT_LEAST;
            return Err(failure(&format!("rng.item(bytes) makes {least} bytes or more, not {bytes}")));
        }
        draw(|r| Payload { bytes: json_item(r, bytes).into(), is_json: true })
    }

    /// Random bytes that do not compress, as a payload that is not copied on its way to a server.
    #[rhai_fn(name = "payload", pure, return_raw)]
    pub fn payload_plain(_rng: &mut Rng, bytes: i64) -> Result<Payload, EvalError> {
        payload(bytes, 0.0)
    }

    /// Random bytes of which a general compressor saves a share, from 0 to 1: `compressible`.
    ///
    /// ```rhai
    /// s3::put(`runs/${vu.iteration}`, vu.rng.payload(4096, #{ compressible: 0.7 }));
    /// ```
    #[rhai_fn(name = "payload", pure, return_raw)]
    pub fn payload_with(_rng: &mut Rng, bytes: i64, settings: Map) -> Result<Payload, EvalError> {
        let mut settings = Settings::new("rng.payload", &settings, &["compressible"]);
        let compressible = settings.number("compressible").unwrap_or(0.0);
        if !(0.0..=1.0).contains(&compressible) {
            let text = format!("takes a share from 0 to 1 for `compressible`, not {compressible}");
            settings.problem("compressible", text);
        }
        settings.done()?;
        payload(bytes, compressible)
    }

    /// A size in bytes as sizes mostly are: half of them are below `median`, one in a hundred is above `p99`, and the
    /// logarithm is normal. What would be below `min` or above `max` has that size. "1 KB to 64 KB, mostly small" is:
    ///
    /// ```rhai
    /// let body = vu.rng.payload(vu.rng.size(#{ median: "3KB", p99: "40KB", min: "1KB", max: "64KB" }));
    /// ```
    #[rhai_fn(name = "size", pure, return_raw)]
    pub fn size_of(_rng: &mut Rng, settings: Map) -> Result<i64, EvalError> {
        let sizes = sizes(&settings)?;
        draw(|r| sizes.draw(r))
    }

    /// A random UUID (version 4) as text, the same for the same iteration.
    #[rhai_fn(pure, return_raw)]
    pub fn uuid(_rng: &mut Rng) -> Result<String, EvalError> {
        draw(|r| {
            let (high, low) = (r.next_bits(), r.next_bits());
            format!(
                "{:08x}-{:04x}-4{:03x}-{:x}{:03x}-{:012x}",
                high >> 32,
                (high >> 16) & 0xffff,
                high & 0xfff,
                8 | (low >> 62),
                (low >> 48) & 0xfff,
                low & 0xffff_ffff_ffff
            )
        })
    }
}
