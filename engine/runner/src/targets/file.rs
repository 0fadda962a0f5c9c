//! `targets.yaml`: what may stand in it, and what it says.
//!
//! ```yaml
//! default: staging
//! targets:
//!   staging:
//!     postgres:
//!       url: postgresql://bench@db.staging:5432/bench
//!       password_env: STAGING_PG_PASSWORD
//!     store:
//!       endpoint: https://s3.staging:9000
//!       bucket: snapbench
//!       access_key_env: STAGING_S3_KEY
//!       secret_key_env: STAGING_S3_SECRET
//!     allow_destructive: true
//!     faults:
//!       postgres: { restart: systemctl restart postgresql, timeout: 90s }
//! ```
//!
//! Deliberately absent: environment and flags, which may say otherwise (see `resolve`).

use std::path::Path;

use model::suggest::did_you_mean;
use script::{Diagnostic, FaultServer};

use super::{
    BUILT_IN, built_in,
    commands::{FaultCommands, commands},
    fields::{Fields, Placed, Problems},
    http::{FileHttp, http},
    tree::{Source, Value},
};

/// A target as the file describes it.
#[derive(Clone, Debug)]
pub(crate) struct FileTarget {
    pub(crate) name: String,
    pub(crate) postgres: Option<FilePostgres>,
    pub(crate) store: Option<FileStore>,
    pub(crate) http: Option<FileHttp>,
    pub(crate) allow_destructive: Option<Placed<bool>>,
    pub(crate) representative: Option<Placed<bool>>,
    pub(crate) faults: FaultCommands,
}

/// A Postgres as the file describes it.
#[derive(Clone, Debug)]
pub(crate) struct FilePostgres {
    pub(crate) url: Option<Placed<String>>,
    pub(crate) password_env: Option<Placed<String>>,
}

/// An object store as the file describes it.
#[derive(Clone, Debug)]
pub(crate) struct FileStore {
    pub(crate) endpoint: Option<Placed<String>>,
    pub(crate) bucket: Option<Placed<String>>,
    pub(crate) region: Option<Placed<String>>,
    pub(crate) client: Option<Placed<String>>,
    pub(crate) path_style: Option<Placed<bool>>,
    pub(crate) profile: Option<Placed<String>>,
    pub(crate) access_key_env: Option<Placed<String>>,
    pub(crate) secret_key_env: Option<Placed<String>>,
    pub(crate) session_token_env: Option<Placed<String>>,
    pub(crate) timeout: Option<Placed<String>>,
    pub(crate) sign_payload: Option<Placed<bool>>,
    pub(crate) ca_file: Option<Placed<String>>,
}

/// The whole file.
#[derive(Clone, Debug)]
pub(crate) struct TargetFile {
    pub(crate) source: Source,
    pub(crate) default: Option<Placed<String>>,
    pub(crate) targets: Vec<FileTarget>,
}

impl TargetFile {
    /// Reads the file; `None` when there is none.
    pub(crate) fn read(path: &Path) -> Result<Option<Self>, Vec<Diagnostic>> {
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&path.display().to_string(), &text).map(Some),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(vec![
                Diagnostic::usage(format!("cannot read {}: {error}", path.display()))
                    .help("it should be a YAML file that you may read"),
            ]),
        }
    }

    /// Reads the text of a file, or tells everything that is wrong with it.
    pub(crate) fn parse(file: &str, text: &str) -> Result<Self, Vec<Diagnostic>> {
        let source = Source { file: file.to_owned(), text: text.into() };
        if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
            return Ok(Self { source, default: None, targets: Vec::new() });
        }
        let root = source.parse().map_err(|complaint| vec![complaint])?;
        let mut problems = Problems::new(&source);
        let top = Fields::of(&root, "the file", &["default", "targets"], |_| None, &mut problems);
        let default = top.text("default", &mut problems);
        let mut targets: Vec<FileTarget> = Vec::new();
        match top.node("targets").map(|node| (&node.value, node)) {
            None => {}
            Some((Value::Map(entries), _)) => {
                for (name, node) in entries {
                    if built_in(&name.value).is_some() {
                        let help = "it is the name of snapbench's own throw-away servers; choose another";
                        problems.add(
                            name.referenced,
                            format!("a target cannot be called `{}`", name.value),
                            help,
                        );
                    } else {
                        targets.push(target(&name.value, node, &mut problems));
                    }
                }
            }
            Some((other, node)) => {
                let message = format!("`targets` is {}, not a map of names", other.kind());
                problems.add(node.referenced, message, "write targets: and below it, indented, NAME:");
            }
        }
        let names =
            || targets.iter().map(|target| target.name.as_str()).chain(BUILT_IN.map(|(name, _)| name));
        if let Some(named) = &default
            && !names().any(|name| name == named.value)
        {
            let help = match did_you_mean(&named.value, names()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("targets are {}", names().collect::<Vec<_>>().join(", ")),
            };
            problems.add(named.location, format!("there is no target `{}`", named.value), help);
        }
        let found = problems.found;
        if found.is_empty() { Ok(Self { source, default, targets }) } else { Err(found) }
    }
}

fn target(name: &str, node: &super::tree::Node, problems: &mut Problems<'_>) -> FileTarget {
    const KNOWN: [&str; 6] = ["postgres", "store", "http", "allow_destructive", "representative", "faults"];
    let fields = Fields::of(node, &format!("target `{name}`"), &KNOWN, |_| None, problems);
    let postgres = fields.node("postgres").map(|node| postgres(name, node, problems));
    let store = fields.node("store").map(|node| store(name, node, problems));
    let http = fields.node("http").map(|node| http(name, node, problems));
    if postgres.is_none() && store.is_none() && http.is_none() && matches!(node.value, Value::Map(_)) {
        let message = format!("target `{name}` names no server");
        problems.add(fields.location, message, "give it `postgres:`, `store:` or `http:`");
    }
    let faults = fields.node("faults").map(|node| (commands(name, node, problems), node.referenced));
    let (faults, location) = faults.unwrap_or((FaultCommands::default(), fields.location));
    let has = [
        (FaultServer::Postgres, "postgres", postgres.is_some()),
        (FaultServer::Store, "store", store.is_some()),
        (FaultServer::Service, "http", http.is_some()),
    ];
    for (server, key, _) in has.into_iter().filter(|(server, _, has)| !has && faults.of(*server).is_some()) {
        let message = format!("target `{name}` has commands for a {}, and no `{key}:`", server.as_str());
        problems.add(
            location,
            message,
            "they are about the target's own servers: name it, or leave them out",
        );
    }
    FileTarget {
        name: name.to_owned(),
        postgres,
        store,
        http,
        faults,
        allow_destructive: fields.flag("allow_destructive", problems),
        representative: fields.flag("representative", problems),
    }
}

fn postgres(target: &str, node: &super::tree::Node, problems: &mut Problems<'_>) -> FilePostgres {
    let hint = |key: &str| match key {
        "password" => Some(
            "a password does not belong in this file: name the variable that holds it with `password_env`, \
             or keep it in ~/.pgpass",
        ),
        "host" | "port" | "user" | "dbname" | "database" | "sslmode" => {
            Some("it is part of `url`: postgresql://USER@HOST:PORT/DATABASE?sslmode=require")
        }
        _ => None,
    };
    let name = format!("`postgres` of target `{target}`");
    let fields = Fields::of(node, &name, &["url", "password_env"], hint, problems);
    if fields.node("url").is_none() && matches!(node.value, Value::Map(_)) {
        let help = "write url: postgresql://USER@HOST:PORT/DATABASE";
        problems.add(fields.location, format!("{name} has no `url`"), help);
    }
    FilePostgres { url: fields.text("url", problems), password_env: fields.text("password_env", problems) }
}

fn store(target: &str, node: &super::tree::Node, problems: &mut Problems<'_>) -> FileStore {
    const KNOWN: [&str; 12] = [
        "endpoint",
        "bucket",
        "region",
        "client",
        "path_style",
        "profile",
        "access_key_env",
        "secret_key_env",
        "session_token_env",
        "timeout",
        "sign_payload",
        "ca_file",
    ];
    let hint = |key: &str| {
        ["access_key", "secret_key", "session_token"].contains(&key).then_some(
            "a secret does not belong in this file: name the variable that holds it with `access_key_env`, \
             `secret_key_env`, `session_token_env`",
        )
    };
    let fields = Fields::of(node, &format!("`store` of target `{target}`"), &KNOWN, hint, problems);
    FileStore {
        endpoint: fields.text("endpoint", problems),
        bucket: fields.text("bucket", problems),
        region: fields.text("region", problems),
        client: fields.text("client", problems),
        path_style: fields.flag("path_style", problems),
        profile: fields.text("profile", problems),
        access_key_env: fields.text("access_key_env", problems),
        secret_key_env: fields.text("secret_key_env", problems),
        session_token_env: fields.text("session_token_env", problems),
        timeout: fields.text("timeout", problems),
        sign_payload: fields.flag("sign_payload", problems),
        ca_file: fields.text("ca_file", problems),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_good_file_says_what_it_says() {
        let text = "default: staging\ntargets:\n  staging:\n    postgres:\n      url: postgresql://bench@db/bench\n    \
                    store: {endpoint: http://s:9000, bucket: runs, path_style: true, profile: bench}\n    allow_destructive: yes\n";
        let file = TargetFile::parse("targets.yaml", text).unwrap();
        let target = &file.targets[0];
        assert_eq!(file.default.unwrap().value, "staging");
        assert_eq!(target.name, "staging");
        let url = target.postgres.as_ref().unwrap().url.clone().unwrap();
        assert_eq!((url.value.as_str(), url.location.line()), ("postgresql://bench@db/bench", 5));
        let store = target.store.as_ref().unwrap();
        assert_eq!(store.bucket.as_ref().unwrap().value, "runs");
        assert!(store.path_style.as_ref().unwrap().value);
        assert_eq!(store.profile.as_ref().unwrap().value, "bench");
        assert_eq!(target.representative, None);
    }

    #[test]
    fn every_problem_is_told_at_once_with_its_place() {
        let text = "default: stagin\ntargets:\n  staging:\n    postgres:\n      urll: x\n      password: hush\n    \
                    store:\n      path_style: maybe\n      secret_key: hush\n    allow_distructive: true\n  embedded: {}\n  \
                    empty: {}\n";
        let told = TargetFile::parse("targets.yaml", text).unwrap_err();
        let told: Vec<String> = told.iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "targets.yaml:10:5: target `staging` has no setting `allow_distructive` (help: did you mean `allow_destructive`?)",
                "targets.yaml:5:7: `postgres` of target `staging` has no setting `urll` (help: did you mean `url`?)",
                "targets.yaml:6:7: `postgres` of target `staging` has no setting `password` (help: a password does not belong in this file: name the variable that holds it with `password_env`, or keep it in ~/.pgpass)",
                "targets.yaml:5:7: `postgres` of target `staging` has no `url` (help: write url: postgresql://USER@HOST:PORT/DATABASE)",
                "targets.yaml:9:7: `store` of target `staging` has no setting `secret_key` (help: a secret does not belong in this file: name the variable that holds it with `access_key_env`, `secret_key_env`, `session_token_env`)",
                "targets.yaml:8:19: `path_style` of `store` of target `staging` is a text, not a yes or no (help: write path_style: true or path_style: false)",
                "targets.yaml:11:3: a target cannot be called `embedded` (help: it is the name of snapbench's own throw-away servers; choose another)",
                "targets.yaml:12:10: target `empty` names no server (help: give it `postgres:`, `store:` or `http:`)",
                "targets.yaml:1:10: there is no target `stagin` (help: did you mean `staging`?)",
            ]
        );
    }

    #[test]
    fn what_is_no_yaml_is_told_with_its_place() {
        let told = TargetFile::parse("targets.yaml", "targets:\n  a: [1, 2\n").unwrap_err();
        assert_eq!(told.len(), 1);
        assert!(told[0].to_string().starts_with("targets.yaml:"), "{}", told[0]);
        assert!(told[0].message.starts_with("this is not YAML: "), "{}", told[0]);
    }

    #[test]
    fn an_empty_file_has_no_targets() {
        assert!(TargetFile::parse("targets.yaml", "# nothing yet\n\n").unwrap().targets.is_empty());
    }
}
