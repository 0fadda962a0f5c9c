//! Reading `p(95) < 50ms`: by hand, because every error must say where it is and what to write instead.

use super::hints::{spelled_out, unknown_method};
use super::key::MetricClass;
use super::unit::{Dimension, Unit};
use super::{Bound, Comparison, Method, MetricKey, Threshold, ThresholdError};
use crate::series::Measure;
use crate::suggest::did_you_mean;

/// What is wrong at a byte of the text: offset, problem, remedy.
pub(super) type Wrong = (usize, String, String);

impl Threshold {
    /// Reads the condition `text` on the metric `metric`. Everything that name and text alone can tell is
    /// checked; [`check`](Threshold::check) does the rest when it is known what a custom metric is.
    pub fn parse(metric: &str, text: &str) -> Result<Threshold, ThresholdError> {
        let key = MetricKey::parse(metric)?;
        let wrong = |(offset, problem, remedy): Wrong| ThresholdError {
            metric: metric.to_owned(),
            text: text.to_owned(),
            offset,
            problem,
            remedy,
        };
        let of_sweep = key.class() == Some(MetricClass::Sweep);
        let mut scan = Scan { text, at: 0, of_sweep };
        let method = scan.method().map_err(wrong)?;
        let (bound, value_at) = scan.bound(method).map_err(wrong)?;
        let threshold = Threshold { metric: key, method, bound, source_text: text.to_owned() };
        match threshold.metric.class() {
            Some(class) => threshold.check_at(class, value_at).map_err(wrong)?,
            // A name of two parts that ends in a unit is a probe's series.
            None if threshold.metric.name.contains('.') && threshold.metric.measure() != Measure::Plain => {
                threshold.check_at(MetricClass::Gauge, value_at).map_err(wrong)?;
            }
            None => {}
        }
        Ok(threshold)
    }

    /// Whether this can be asked of a metric of this class: the method, the unit and the size of the value.
    pub fn check(&self, class: MetricClass) -> Result<(), ThresholdError> {
        let mut scan = Scan { text: &self.source_text, at: 0, of_sweep: class == MetricClass::Sweep };
        let value_at = match scan.method().and_then(|method| scan.bound(method)) {
            Ok((_, value_at)) => value_at,
            Err((offset, ..)) => offset,
        };
        self.check_at(class, value_at).map_err(|(offset, problem, remedy)| ThresholdError {
            metric: self.metric.to_string(),
            text: self.source_text.clone(),
            offset,
            problem,
            remedy,
        })
    }

    fn check_at(&self, class: MetricClass, value_at: usize) -> Result<(), Wrong> {
        if !class.allows(self.method) {
            let problem = format!("`{}` has no {}", self.metric, self.method);
            return Err((0, problem, format!("it has {}", class.methods())));
        }
        let Some(bound) = self.bound else { return Ok(()) };
        let measure = class.measure(&self.metric, self.method);
        let wanted = match class.dimension(self.method) {
            Dimension::Any => Dimension::of(measure),
            wanted => wanted,
        };
        let given = bound.unit.dimension();
        let mismatch = given != Dimension::Any
            && match wanted {
                // Numbers without a dimension of their own may be sizes, times (ms) or shares, as the script
                // means them; only numbers of events are nothing of the kind.
                Dimension::Any => {
                    matches!(self.method, Method::Count | Method::Rate) || class == MetricClass::Sweep
                }
                wanted => given != wanted,
            };
        if mismatch {
            let remedy = match wanted {
                Dimension::Time => "write a time, such as 50ms",
                Dimension::Share => "write a percentage, such as 1%",
                Dimension::Size => "write a size, such as 50MB",
                Dimension::Any => "write a bare number",
            };
            let problem =
                format!("{} of `{}` is not measured in {}", self.method, self.metric, bound.unit.as_str());
            return Err((value_at, problem, remedy.to_owned()));
        }
        let of_one = wanted == Dimension::Share && measure != Measure::Percent;
        if of_one && bound.unit == Unit::Bare && bound.value > 1.0 {
            let problem = format!("a share is at most 1, not {}", bound.value);
            return Err((value_at, problem, format!("did you mean {}%?", bound.value)));
        }
        Ok(())
    }
}

struct Scan<'a> {
    text: &'a str,
    at: usize,
    /// Whose plateau is a rate.
    of_sweep: bool,
}

impl<'a> Scan<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn skip_space(&mut self) -> usize {
        self.at = self.text.len() - self.rest().trim_start().len();
        self.at
    }

    /// The characters from here that satisfy `belongs`.
    fn word(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let word = &rest[..rest.find(|c| !belongs(c)).unwrap_or(rest.len())];
        self.at += word.len();
        word
    }

    fn method(&mut self) -> Result<Method, Wrong> {
        let start = self.skip_space();
        let word = self.word(|c| c.is_alphanumeric() || c == '_' || c == '.');
        let method = match word {
            "avg" => Method::Avg,
            "min" => Method::Min,
            "max" => Method::Max,
            "med" => Method::Med,
            "count" => Method::Count,
            "rate" => Method::Rate,
            "value" => Method::Value,
            "slope" => Method::Slope,
            "plateau" => Method::Plateau,
            "recovery" => Method::Recovery,
            "outage" => Method::Outage,
            "knee" => Method::Knee,
            "p" => return self.percentile(),
            _ => return Err(unknown_method(start, word)),
        };
        Ok(method)
    }

    fn percentile(&mut self) -> Result<Method, Wrong> {
        let open = self.skip_space();
        let write = || "write p(95) or p(99.9)".to_owned();
        if !self.eat("(") {
            return Err((open, "the percentile is missing".into(), write()));
        }
        let start = self.skip_space();
        let percentile = self.number().map_err(|(at, problem, _)| (at, problem, write()))?;
        if !(0.0..=100.0).contains(&percentile) {
            return Err((
                start,
                format!("there is no percentile {percentile}"),
                "write one from 0 to 100".into(),
            ));
        }
        let close = self.skip_space();
        if !self.eat(")") {
            return Err((close, "the parenthesis is not closed".into(), write()));
        }
        Ok(Method::Percentile(percentile))
    }

    /// Operator, value and unit, and where the value stands; nothing after a `plateau` or `knee` that may be anywhere.
    fn bound(&mut self, method: Method) -> Result<(Option<Bound>, usize), Wrong> {
        let at = self.skip_space();
        if matches!(method, Method::Plateau | Method::Knee) && self.rest().is_empty() {
            return Ok((None, at));
        }
        let op = self.comparison()?;
        let value_at = self.skip_space();
        let value = self.number()?;
        let unit = self.unit(method)?;
        self.end()?;
        if matches!(method, Method::Recovery | Method::Outage) && unit.dimension() != Dimension::Time {
            let remedy = format!("write for example {value}s");
            return Err((value_at, format!("{method} is a time and needs its unit"), remedy));
        }
        Ok((Some(Bound { op, value, unit }), value_at))
    }

    fn comparison(&mut self) -> Result<Comparison, Wrong> {
        let start = self.skip_space();
        let word = self.word(|c| matches!(c, '<' | '>' | '=' | '!' | '~' | '≤' | '≥' | '≠'));
        let remedy = || "write one of <, <=, >, >=, ==, !=".to_owned();
        Ok(match word {
            "<" => Comparison::Below,
            "<=" => Comparison::AtMost,
            ">" => Comparison::Above,
            ">=" => Comparison::AtLeast,
            "==" | "===" => Comparison::Equal,
            "!=" => Comparison::Unequal,
            "" => return Err((start, "a comparison is missing here".into(), remedy())),
            "=" => return Err((start, "`=` compares nothing".into(), "did you mean ==?".into())),
            "=<" | "≤" => {
                return Err((start, format!("there is no comparison `{word}`"), "did you mean <=?".into()));
            }
            "=>" | "≥" => {
                return Err((start, format!("there is no comparison `{word}`"), "did you mean >=?".into()));
            }
            _ => return Err((start, format!("there is no comparison `{word}`"), remedy())),
        })
    }

    fn number(&mut self) -> Result<f64, Wrong> {
        let start = self.skip_space();
        let bytes = self.text.as_bytes();
        let mut end = start + usize::from(matches!(bytes.get(start), Some(b'+' | b'-')));
        let digits =
            |from: usize| bytes[from..].iter().take_while(|b| matches!(b, b'0'..=b'9' | b'.' | b'_')).count();
        end += digits(end);
        if matches!(bytes.get(end), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
            let exponent = bytes.get(end + 1 + sign..).unwrap_or_default();
            let length = exponent.iter().take_while(|b| b.is_ascii_digit()).count();
            if length > 0 {
                end += 1 + sign + length;
            }
        }
        let word = &self.text[start..end];
        match word.replace('_', "").parse::<f64>() {
            Ok(number) if number.is_finite() => {
                self.at = end;
                Ok(number)
            }
            _ => {
                let problem = if self.rest().is_empty() {
                    "the value is missing".to_owned()
                } else {
                    format!("`{}` is not a number", self.rest().trim_end())
                };
                Err((start, problem, "write a number, with a unit if you like: 200, 50ms, 1%".into()))
            }
        }
    }

    /// The unit and the `/s` or `/min` after it.
    fn unit(&mut self, method: Method) -> Result<Unit, Wrong> {
        let start = self.skip_space();
        let word = self.word(|c| c.is_alphabetic() || c == '%');
        let Some(unit) = Unit::parse(word) else {
            let remedy = spelled_out(word).or_else(|| did_you_mean(word, Unit::spellings())).map_or_else(
                || format!("units are {}", Unit::spellings().collect::<Vec<_>>().join(", ")),
                |near| format!("did you mean {near}?"),
            );
            return Err((start, format!("there is no unit `{word}`"), remedy));
        };
        let slash = self.skip_space();
        if self.eat("/") {
            let per = self.word(char::is_alphabetic);
            let (fits, remedy) = match method {
                Method::Plateau if self.of_sweep => {
                    (per == "s", "a rate is for each second: write /s or nothing")
                }
                Method::Rate => (per == "s", "a rate is for each second: write /s or nothing"),
                Method::Slope => {
                    (matches!(per, "min" | "m"), "a slope is for each minute: write /min or nothing")
                }
                _ => (false, "leave it out: only rate and slope are for each something"),
            };
            if !fits {
                return Err((slash, format!("`/{per}` does not fit {method}"), remedy.to_owned()));
            }
        }
        Ok(unit)
    }

    fn end(&mut self) -> Result<(), Wrong> {
        let at = self.skip_space();
        let rest = self.rest().trim_end();
        if rest.is_empty() {
            return Ok(());
        }
        let several = ["&&", "||", ",", ";", "and ", "or "].iter().any(|joint| rest.starts_with(joint));
        let remedy = if several {
            "a threshold is one condition: give a list of them, which must all hold"
        } else {
            "remove it"
        };
        Err((at, format!("`{rest}` is too much"), remedy.to_owned()))
    }

    fn eat(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        self.at += if found { token.len() } else { 0 };
        found
    }
}
