//! What is raised step by step.

use clap::Args;
use script::SweepInputs;

use super::Words;

#[derive(Args, Debug, Clone)]
#[command(next_help_heading = "Sweep")]
pub(crate) struct SweepArgs {
    /// Run the same work at each value of a parameter: 1,2,4 or 1..512*2 (doubling), 1..10, 1..100+10, a,b
    #[arg(long = "sweep", value_name = "NAME=VALUES")]
    sweep: Vec<String>,

    /// How long each step of the sweep lasts [default: the script's]
    #[arg(long, value_name = "TIME")]
    sweep_step: Option<String>,

    /// A pause between two steps, in which what is under way ends [default: the script's, else none]
    #[arg(long, value_name = "TIME")]
    sweep_rest: Option<String>,
}

impl SweepArgs {
    pub(crate) fn meaning(&self, words: &mut Words) -> SweepInputs {
        if self.sweep.len() > 1 {
            words.complain(
                "--sweep",
                format!("a sweep raises one parameter, and these are {}", self.sweep.len()),
                "run once more for each further one, its value set with -p",
            );
        }
        let step = words.duration("--sweep-step", self.sweep_step.as_ref());
        if step.is_some_and(|step| step.is_zero()) {
            words.complain(
                "--sweep-step",
                "a step of no length measures nothing",
                "for example --sweep-step 10s",
            );
        }
        SweepInputs {
            of: words.pairs("--sweep", &self.sweep, "claimers=1..512*2").pop(),
            step,
            rest: words.duration("--sweep-rest", self.sweep_rest.as_ref()),
        }
    }
}
