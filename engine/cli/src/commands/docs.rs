//! `docs`: the script API, from the binary.

use clap::Args;
use model::suggest::did_you_mean;
use runner::ExitCode;
use script::{Diagnostic, docs};

use super::{Door, usage};
use crate::out;

/// The standard library's name among the topics.
const STDLIB: &str = "stdlib";

/// Print what a script can do, as Markdown
///
/// The text comes from the bindings themselves, so it is that of this binary.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Example:
  snapbench docs pg")]
pub(crate) struct DocsArgs {
    /// One topic only; `topics` lists them
    topic: Option<String>,
}

pub(crate) fn execute(args: &DocsArgs, _door: Door) -> ExitCode {
    let text = match args.topic.as_deref() {
        None => docs::render(None).map(|api| format!("{api}{}", docs::render_stdlib())),
        Some("topics") => Some(topics().join("\n") + "\n"),
        Some(STDLIB) => Some(docs::render_stdlib()),
        Some(topic) => docs::render(Some(topic)),
    };
    match (text, args.topic.as_deref()) {
        (Some(text), _) => {
            out::print(&text);
            ExitCode::Good
        }
        (None, topic) => {
            let topic = topic.unwrap_or_default();
            let topics = topics();
            let near = did_you_mean(topic, topics.iter().copied());
            let near = near.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
            let help = format!("{near}topics are {}", topics.join(", "));
            usage(&[Diagnostic::usage(format!("there is no topic `{topic}`")).help(help)])
        }
    }
}

fn topics() -> Vec<&'static str> {
    docs::topic_names().into_iter().chain([STDLIB]).collect()
}
