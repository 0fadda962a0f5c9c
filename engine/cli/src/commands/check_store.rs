//! `check-store`: does an object store keep S3's own rules?

use clap::Args;
use model::units::format_duration;
use runner::{ExitCode, Finding, Interrupts, Need, StoreCheck, Verdict};

use super::{Door, failed};
use crate::{args::StoreArgs, columns::columns, complain::complain, out, progress, signals};

/// Check whether an object store keeps S3's own rules
///
/// Tries a list of named rules on a bucket, below a prefix of its own (`snapbench-check/…`), removes what it wrote, and
/// prints what became of each: passed, failed (what was expected, what came) or not supported. Rules come from Amazon's
/// documentation; the page is told with every rule that fails, and with all in --json.
///
/// Required rules are those that scenarios rely on; conditional puts and uploads in parts are optional.
///
/// Keys are named by the target file, or by AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or are found where every AWS
/// tool looks for them.
#[derive(Args, Debug)]
#[command(
    allow_negative_numbers = true,
    after_long_help = "\
Exit codes:
  0    every required rule holds      105  interrupted
  99   a required rule does not       1    the store cannot be reached, or has no such bucket
  104  wrong flags or target

Examples:
  snapbench check-store
  snapbench check-store --target embedded-fs
  snapbench check-store --s3-endpoint http://127.0.0.1:9000 --s3-bucket mine"
)]
pub(crate) struct CheckStoreArgs {
    /// A target of targets.yaml, or a throw-away store: `embedded`, `embedded-fs`, `embedded-noop` [env:
    /// SNAPBENCH_TARGET]
    #[arg(long, value_name = "NAME", help_heading = "Target")]
    target: Option<String>,

    #[command(flatten)]
    store: StoreArgs,

    /// Print what was found as JSON
    #[arg(long, help_heading = "Results")]
    json: bool,
}

pub(crate) fn execute(args: &CheckStoreArgs, door: Door) -> ExitCode {
    let interrupts = Interrupts::new();
    let display = progress::display(door.quiet);
    let speaker = display.clone();
    let words = signals::Words {
        finishing: "removing what was written, then the result so far",
        leaving: "what was written stays in the bucket, below snapbench-check/",
    };
    signals::pass_on(&interrupts, words, move |text| speaker.say(text));
    let request = args.store.of(args.target.as_ref());
    let checked = runner::check_store(&request, &|step| display.show(&step), &interrupts);
    display.clear();
    match checked {
        Ok(check) => {
            out::print(&if args.json { as_json(&check) } else { in_words(&check) });
            if let Some(left) = &check.left_behind {
                let message =
                    format!("not everything could be removed from bucket `{}`: {left}", check.bucket);
                complain(&[
                    script::Diagnostic::usage(message).help("remove what is below snapbench-check/ there")
                ]);
            }
            check.exit_code
        }
        Err(error) => failed(&error),
    }
}

fn in_words(check: &StoreCheck) -> String {
    let about = check.about.as_ref().map_or(String::new(), |about| format!(": {about}"));
    let StoreCheck { endpoint, bucket, client, .. } = check;
    let mut text = format!("{endpoint}, bucket {bucket}, client {client}{about}\n\n");
    text.push_str(&columns(check.findings.iter().map(row)));
    let broken: Vec<&Finding> =
        check.findings.iter().filter(|finding| !finding.verdict.is_passed()).collect();
    if !broken.is_empty() {
        text.push_str("\nWhat these rules say:\n");
        for Finding { rule, .. } in broken {
            text.push_str(&format!("  {}: {}\n    {}\n", rule.name, rule.says, rule.source));
        }
    }
    text.push_str(&format!("\n{}\n", last_line(check)));
    text
}

fn row(finding: &Finding) -> [String; 5] {
    let Finding { rule, verdict, took } = finding;
    let outcome = match verdict {
        Verdict::Failed { .. } => "FAILED",
        other => other.as_str(),
    };
    let need = if rule.need == Need::Optional { "optional" } else { "" };
    let seen = match verdict {
        Verdict::Passed { seen } => seen.clone(),
        Verdict::NotSupported { said } => said.clone(),
        Verdict::Failed { expected, came } => format!("expected {expected}; came {came}"),
    };
    [rule.name.to_owned(), outcome.to_owned(), need.to_owned(), format_duration(*took), seen]
}

/// `36 rules: 33 passed, 2 failed, 1 not supported; 1 required rule does not hold`
fn last_line(check: &StoreCheck) -> String {
    let of = |verdict: &str| check.count(Need::Required, verdict) + check.count(Need::Optional, verdict);
    let mut parts = vec![format!("{} passed", of("passed"))];
    for verdict in ["failed", "not supported"] {
        let count = of(verdict);
        if count > 0 {
            parts.push(format!("{count} {verdict}"));
        }
    }
    let untried = check.rules - check.findings.len();
    if untried > 0 {
        parts.push(format!("{untried} not tried"));
    }
    let broken = check.count(Need::Required, "failed") + check.count(Need::Required, "not supported");
    let sum = match (broken, untried) {
        (0, 0) => "every required rule holds".to_owned(),
        (0, _) => "interrupted".to_owned(),
        (1, _) => "1 required rule does not hold".to_owned(),
        (many, _) => format!("{many} required rules do not hold"),
    };
    format!("{} rules: {}; {sum}", check.rules, parts.join(", "))
}

fn as_json(check: &StoreCheck) -> String {
    let finding = |finding: &Finding| {
        let Finding { rule, verdict, took } = finding;
        let mut said = serde_json::json!({
            "name": rule.name,
            "says": rule.says,
            "source": rule.source,
            "need": rule.need.as_str(),
            "verdict": verdict.as_str(),
            "took_ms": took.as_secs_f64() * 1e3,
        });
        match verdict {
            Verdict::Passed { seen } => said["seen"] = seen.as_str().into(),
            Verdict::NotSupported { said: words } => said["said"] = words.as_str().into(),
            Verdict::Failed { expected, came } => {
                said["expected"] = expected.as_str().into();
                said["came"] = came.as_str().into();
            }
        }
        said
    };
    let rules: Vec<_> = check.findings.iter().map(finding).collect();
    let found = serde_json::json!({
        "endpoint": check.endpoint,
        "bucket": check.bucket,
        "client": check.client,
        "about": check.about,
        "holds": check.exit_code == ExitCode::Good,
        "not_tried": check.rules - check.findings.len(),
        "left_behind": check.left_behind,
        "rules": rules,
    });
    format!("{found:#}\n")
}
