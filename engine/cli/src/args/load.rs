//! How the load differs from what the script says.

use std::{str::FromStr, time::Duration};

use clap::Args;
use model::{segment::Segment, units};
use runner::LoadRequest;

use super::{SweepArgs, Words};

#[derive(Args, Debug, Clone)]
#[command(next_help_heading = "Load")]
pub(crate) struct LoadArgs {
    /// Squeeze or stretch every scenario to this long, its shape kept
    #[arg(short, long, value_name = "TIME")]
    duration: Option<String>,

    /// Length of the warm-up, which is in no figure [default: 10 % of the duration, at most 30s]
    #[arg(long, value_name = "TIME")]
    warm_up: Option<String>,

    /// Multiply every rate, and every parameter declared as a size
    #[arg(long, value_name = "FACTOR")]
    scale: Option<String>,

    /// Virtual users, for a script with one scenario
    #[arg(short = 'u', long, value_name = "N")]
    vus: Option<String>,

    /// Replace the stages of a script with one scenario, as DURATION:TARGET; repeat for more
    #[arg(short = 's', long = "stage", value_name = "TIME:TARGET", value_delimiter = ',')]
    stages: Vec<String>,

    /// Play only these scenarios; repeat for more
    #[arg(long, value_name = "SCENARIO", value_delimiter = ',')]
    only: Vec<String>,

    /// Seed of arrivals, keys and payloads [default: the script's, else a fixed one]
    #[arg(long, value_name = "N")]
    seed: Option<String>,

    /// Cores that generate load [default: all]
    #[arg(long, value_name = "N")]
    cores: Option<String>,

    /// Play share I of N of the run, counted from 1
    #[arg(long, value_name = "I/N", conflicts_with = "execution_segment")]
    segment: Option<String>,

    /// The same as k6 writes it, such as 0:1/4
    #[arg(long, value_name = "FROM:TO")]
    execution_segment: Option<String>,

    #[command(flatten)]
    sweep: SweepArgs,
}

impl LoadArgs {
    pub(crate) fn meaning(&self, words: &mut Words) -> LoadRequest {
        let segment = words.read("--segment", self.segment.as_ref(), Segment::from_str);
        let k6_segment =
            words.read("--execution-segment", self.execution_segment.as_ref(), Segment::from_str);
        let duration = words.duration("--duration", self.duration.as_ref());
        if duration.is_some_and(|duration| duration.is_zero()) {
            words.complain("--duration", "a run of no length measures nothing", "for example --duration 30s");
        }
        LoadRequest {
            duration,
            warm_up: words.duration("--warm-up", self.warm_up.as_ref()),
            scale: self.scale(words),
            vus: self.at_least_one("--vus", self.vus.as_ref(), "10", words),
            stages: self.stages(words),
            seed: words.number("--seed", self.seed.as_ref(), "42"),
            cores: self.at_least_one("--cores", self.cores.as_ref(), "2", words),
            only: self.only.clone(),
            segment: segment.or(k6_segment).unwrap_or_default(),
            sweep: self.sweep.meaning(words),
        }
    }

    fn at_least_one<T: FromStr + PartialEq + From<u8>>(
        &self,
        flag: &str,
        word: Option<&String>,
        example: &str,
        words: &mut Words,
    ) -> Option<T> {
        let number = words.number(flag, word, example);
        if number == Some(T::from(0)) {
            words.complain(flag, "there must be at least 1", &format!("for example {flag} {example}"));
        }
        number
    }

    fn scale(&self, words: &mut Words) -> f64 {
        let scale: Option<f64> = words.number("--scale", self.scale.as_ref(), "0.1");
        let is_usable = scale.is_none_or(|scale| scale.is_finite() && scale > 0.0);
        if !is_usable {
            words.complain("--scale", "the factor must be above 0", "for example --scale 0.1");
        }
        scale.filter(|_| is_usable).unwrap_or(1.0)
    }

    fn stages(&self, words: &mut Words) -> Vec<(Duration, f64)> {
        let read = |typed: &str| -> Result<(Duration, f64), String> {
            let (time, target) = typed
                .split_once(':')
                .ok_or_else(|| format!("`{typed}` is not TIME:TARGET; for example --stage 30s:100"))?;
            let time = units::parse_duration(time).map_err(|error| error.to_string())?;
            let target =
                target.trim().parse::<f64>().ok().filter(|target| target.is_finite() && *target >= 0.0);
            let target = target.ok_or_else(|| {
                format!("the target of `{typed}` is not a number of 0 or more; for example --stage 30s:100")
            })?;
            Ok((time, target))
        };
        self.stages.iter().filter_map(|typed| words.read("--stage", Some(typed), read)).collect()
    }
}
