//! Which script, and what it is told.

use std::path::PathBuf;

use clap::Args;
use runner::ScriptRequest;

use super::Words;

#[derive(Args, Debug, Clone)]
pub(crate) struct ScriptArgs {
    /// The scenario's file
    pub(crate) script: PathBuf,

    /// Set a declared parameter of the script (see `inspect`); repeat for more
    #[arg(short = 'p', long = "param", value_name = "NAME=VALUE", help_heading = "Script")]
    params: Vec<String>,

    /// Set a variable that the script reads with env("NAME"); repeat for more
    #[arg(short = 'e', long = "env", value_name = "NAME=VALUE", help_heading = "Script")]
    env: Vec<String>,

    /// A folder whose modules stand in for the built-in ones
    #[arg(long, value_name = "DIR", help_heading = "Script")]
    stdlib: Option<PathBuf>,
}

impl ScriptArgs {
    pub(crate) fn meaning(&self, words: &mut Words) -> ScriptRequest {
        if let Some(folder) = self.stdlib.as_ref().filter(|folder| !folder.is_dir()) {
            words.complain(
                "--stdlib",
                format!("{} is not a folder", folder.display()),
                "name the folder with the modules",
            );
        }
        ScriptRequest {
            path: self.script.clone(),
            stdlib: self.stdlib.clone(),
            params: words.pairs("-p", &self.params, "variant=b"),
            env: words.pairs("-e", &self.env, "REGION=eu").into_iter().collect(),
        }
    }
}
