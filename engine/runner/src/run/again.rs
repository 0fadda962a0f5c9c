//! The command line that makes a run again.
//!
//! Built from what the request meant, not from what was typed, so that it is whole (seed and cores are said even
//! where they were a default) and holds no secret: values of `-e` and URLs with a password stay out. Both are read
//! from the environment when no flag says them, so naming the variables is enough.

use model::{segment::Segment, units::format_duration};

use crate::{
    prepare::Prepared,
    request::{RunRequest, TargetRequest},
};

/// Stands for `--postgres-url`.
const POSTGRES_URL: &str = "SNAPBENCH_POSTGRES_URL";

/// The words after `snapbench`, unquoted.
pub(super) fn command(prepared: &Prepared, request: &RunRequest) -> Vec<String> {
    let mut words = Words(vec!["run".to_owned(), prepared.program.file().to_owned()]);
    let script = &request.script;
    script.params.iter().for_each(|(name, value)| words.flag("-p", format!("{name}={value}")));
    words.flags("--stdlib", script.stdlib.iter().map(|path| path.display().to_string()));
    load(prepared, request, &mut words);
    target(&request.target, &mut words);
    words.flags("--control", request.control.clone());
    if request.yes {
        words.0.push("--yes".to_owned());
    }
    if request.reset {
        words.0.push("--reset".to_owned());
    }
    if !request.judge_thresholds {
        words.0.push("--no-thresholds".to_owned());
    }
    request.tags.iter().for_each(|(name, value)| words.flag("--tag", format!("{name}={value}")));
    words.0
}

/// Variables that must be set for the command to mean the same.
pub(super) fn variables(request: &RunRequest) -> Vec<String> {
    let url = request.target.postgres_url.as_deref().filter(|url| may_hold_password(url));
    request.script.env.keys().cloned().chain(url.map(|_| POSTGRES_URL.to_owned())).collect()
}

fn load(prepared: &Prepared, request: &RunRequest, words: &mut Words) {
    let load = &request.load;
    words.flags("--duration", load.duration.map(format_duration));
    words.flags("--warm-up", load.warm_up.map(format_duration));
    words.flags("--scale", (load.scale != 1.0).then(|| load.scale.to_string()));
    words.flags("--vus", load.vus.map(|vus| vus.to_string()));
    let stage = |(time, target): &(_, f64)| format!("{}:{target}", format_duration(*time));
    words.flags("--stage", load.stages.iter().map(stage));
    let sweep = &load.sweep;
    words.flags("--sweep", sweep.of.iter().map(|(param, values)| format!("{param}={values}")));
    words.flags("--sweep-step", sweep.step.map(format_duration));
    words.flags("--sweep-rest", sweep.rest.map(format_duration));
    words.flags("--only", load.only.iter().cloned());
    words.flag("--seed", prepared.planned.seed.value.to_string());
    words.flag("--cores", prepared.cores.value.to_string());
    words.flags("--segment", (load.segment != Segment::WHOLE).then(|| load.segment.to_string()));
}

fn target(target: &TargetRequest, words: &mut Words) {
    words.flags("--target", target.name.clone());
    words.flags("--postgres-url", target.postgres_url.clone().filter(|url| !may_hold_password(url)));
    // A URL with credentials in it is refused before anything runs.
    words.flags("--http-url", target.http_url.clone());
    words.flags("--s3-endpoint", target.s3_endpoint.clone());
    words.flags("--s3-bucket", target.s3_bucket.clone());
    words.flags("--s3-region", target.s3_region.clone());
    words.flags("--s3-client", target.s3_client.clone());
    words.flags("--durability", target.durable.map(|is_on| if is_on { "on" } else { "off" }.to_owned()));
}

/// Whether a URL or a list of settings may hold a password; in doubt it may.
fn may_hold_password(url: &str) -> bool {
    let authority = url.split_once("://").map_or("", |(_, rest)| rest.split(['/', '?']).next().unwrap_or(""));
    let names_one = authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'));
    names_one || url.to_ascii_lowercase().contains("password")
}

struct Words(Vec<String>);

impl Words {
    fn flag(&mut self, flag: &str, value: String) {
        self.0.extend([flag.to_owned(), value]);
    }

    fn flags(&mut self, flag: &str, values: impl IntoIterator<Item = String>) {
        values.into_iter().for_each(|value| self.flag(flag, value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_never_gets_into_a_command_line() {
        for secret in [
            "postgresql://me:hunter2@db/app",
            "postgresql://me:hunter2@db:5432/app?sslmode=require",
            "postgresql://db/app?user=me&password=hunter2",
            "host=db user=me password=hunter2",
            "host=db user=me PASSWORD = 'hunter2'",
        ] {
            assert!(may_hold_password(secret), "{secret}");
        }
        for open in ["postgresql://me@db:5432/app", "host=/run user=me", "postgresql:///app?host=/a@b:c"] {
            assert!(!may_hold_password(open), "{open}");
        }
    }
}
