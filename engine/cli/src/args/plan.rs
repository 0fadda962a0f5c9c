//! What makes a run, as every command takes it that prepares one: a script, its load, a target.

use clap::Args;
use runner::{LoadRequest, ScriptRequest, TargetRequest};
use script::Diagnostic;

use super::{LoadArgs, ScriptArgs, TargetArgs, Words};

#[derive(Args, Debug)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    script: ScriptArgs,

    #[command(flatten)]
    load: LoadArgs,

    #[command(flatten)]
    target: TargetArgs,
}

impl PlanArgs {
    /// What it means; every problem is with `words`.
    pub(crate) fn with(&self, words: &mut Words) -> (ScriptRequest, LoadRequest, TargetRequest) {
        (self.script.meaning(words), self.load.meaning(words), self.target.meaning())
    }

    /// What it means, or everything that is wrong with it.
    pub(crate) fn meaning(&self) -> Result<(ScriptRequest, LoadRequest, TargetRequest), Vec<Diagnostic>> {
        let mut words = Words::default();
        let meaning = self.with(&mut words);
        words.done().map(|()| meaning)
    }
}
