//! All rules, one after another, each on keys of its own, and the cleaning up afterwards.

use std::time::Instant;

use drivers::s3::Store;

use super::{
    ground::{Flaw, Ground},
    open::{self, Opened},
    rule::{Finding, Need, Rule, Verdict},
    rules,
};
use crate::{
    directory,
    error::{RunError, with_remedy},
    exit::ExitCode,
    interrupts::{Interrupts, Urgency},
    request::TargetRequest,
    run::Progress,
    runtime,
};

/// What was found out about a store.
#[derive(Clone, Debug)]
pub struct StoreCheck {
    /// Where it is.
    pub endpoint: String,
    /// Which bucket was used.
    pub bucket: String,
    /// Through which client.
    pub client: String,
    /// What it is, when it is ours: `snapbench store (ordered), durability on`.
    pub about: Option<String>,
    /// Every rule that was tried, in order. All of them, unless somebody interrupted.
    pub findings: Vec<Finding>,
    /// How many rules there are.
    pub rules: usize,
    /// What could not be removed, and why.
    pub left_behind: Option<String>,
    /// Whether all required rules hold, as an exit code.
    pub exit_code: ExitCode,
}

impl StoreCheck {
    /// How many rules of a need ended with a verdict of this word.
    #[must_use]
    pub fn count(&self, need: Need, verdict: &str) -> usize {
        let is_it = |finding: &&Finding| finding.rule.need == need && finding.verdict.as_str() == verdict;
        self.findings.iter().filter(is_it).count()
    }
}

/// Tries every rule on a store, below a prefix of its own, and removes what it wrote.
///
/// # Errors
/// [`RunError::Wrong`] for what flags, environment or target files say; others for a store that does not start, cannot
/// be reached, lets nobody in or has no such bucket.
pub fn check_store(
    request: &TargetRequest,
    show: &dyn Fn(Progress),
    interrupts: &Interrupts,
) -> Result<StoreCheck, RunError> {
    show(Progress::Phase("start"));
    let opened = open::open(request)?;
    let runtime = runtime::local().map_err(RunError::Thread)?;
    runtime.block_on(check(&opened, show, interrupts))
}

async fn check(
    opened: &Opened,
    show: &dyn Fn(Progress),
    interrupts: &Interrupts,
) -> Result<StoreCheck, RunError> {
    let client =
        || Store::open(&opened.config).map_err(|error| RunError::server(with_remedy(&error.to_string())));
    let (store, other) = (client()?, client()?);
    opened.needs_bucket(&store).await?;
    let ground = Ground::new(store, other, opened.words.clone(), &directory::random_id());
    let rules = rules::all();
    show(Progress::Phase("check"));
    let mut findings = Vec::new();
    for (done, rule) in rules.iter().enumerate() {
        show(Progress::Work("rules".to_owned(), done as u64, rules.len() as u64));
        tokio::select! {
            finding = attempt(*rule, &ground) => findings.push(finding),
            () = interrupts.reached(Urgency::Finish) => break,
        }
    }
    show(Progress::Phase("cleanup"));
    let left_behind = tokio::select! {
        left = clean_up(&ground) => left,
        () = interrupts.reached(Urgency::Leave) => Some(format!("what is below {}", ground.prefix)),
    };
    Ok(StoreCheck {
        endpoint: opened.config.endpoint().to_string(),
        bucket: opened.config.bucket().to_owned(),
        client: opened.config.client().to_string(),
        about: opened.about.clone(),
        exit_code: exit_code(&findings, rules.len()),
        findings,
        rules: rules.len(),
        left_behind,
    })
}

async fn attempt(rule: Rule, ground: &Ground) -> Finding {
    let begun = Instant::now();
    let ended = (rule.attempt)(&ground.of_rule(rule.name)).await;
    let verdict = match ended {
        Ok(seen) => Verdict::Passed { seen },
        Err(Flaw::Broken { expected, came }) => Verdict::Failed { expected, came },
        Err(Flaw::NotSupported { said }) => Verdict::NotSupported { said },
    };
    Finding { rule, verdict, took: begun.elapsed() }
}

fn exit_code(findings: &[Finding], rules: usize) -> ExitCode {
    let is_broken = |finding: &Finding| finding.rule.need == Need::Required && !finding.verdict.is_passed();
    let is_interrupted = findings.len() < rules;
    let applying = [
        (is_interrupted, ExitCode::Interrupted),
        (findings.iter().any(is_broken), ExitCode::ThresholdMissed),
    ];
    ExitCode::of(
        &applying.into_iter().filter_map(|(applies, code)| applies.then_some(code)).collect::<Vec<_>>(),
    )
}

/// Removes what was written, many at once where the store can, else one by one: what is checked may be broken. Returns
/// what it could not remove.
async fn clean_up(ground: &Ground) -> Option<String> {
    let written = ground.written();
    let keys: Vec<&str> = written.iter().map(String::as_str).collect();
    if ground.store.delete_many(&keys).await.is_ok() {
        return None;
    }
    let mut left: Vec<String> = Vec::new();
    for key in keys {
        // One that was refused at the put is refused here as well, and is not there.
        if !ground.store.delete(key).await.is_ok() && !ground.store.get(key).await.body.is_empty() {
            left.push(ground.short(key));
        }
    }
    let more = left.len().saturating_sub(1);
    let first = left.into_iter().next()?;
    Some(if more == 0 { first } else { format!("{first} and {more} more") })
}
