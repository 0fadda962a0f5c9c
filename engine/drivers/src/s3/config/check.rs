//! What may stand in the settings of an object store, and what to say where it may not.

use std::time::Duration;

use model::suggest::did_you_mean;
use model::units::parse_duration;

use super::{ClientKind, S3Config, S3ConfigError, S3Problem, S3Settings};
use crate::s3::endpoint::{Endpoint, EndpointProblem};

const DEFAULT_REGION: &str = "us-east-1";
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);
const LONGEST_TIMEOUT: Duration = Duration::from_secs(3600);

struct Problems(Vec<S3Problem>);

impl Problems {
    fn add(&mut self, setting: &'static str, problem: impl Into<String>, remedy: impl Into<String>) {
        self.0.push(S3Problem { setting, problem: problem.into(), remedy: remedy.into() });
    }
}

/// Checks every setting, and tells everything that is wrong.
pub(super) fn check(settings: &S3Settings) -> Result<S3Config, S3ConfigError> {
    let mut problems = Problems(Vec::new());
    let region = check_region(settings.region.as_deref(), &mut problems);
    let endpoint = check_endpoint(settings.endpoint.as_deref(), &region, &mut problems);
    let config = S3Config {
        bucket: check_bucket(settings.bucket.as_deref(), &mut problems),
        access_key: check_access_key(settings.access_key.as_deref(), &mut problems),
        secret_key: check_secret_key(settings.secret_key.as_deref(), &mut problems),
        session_token: check_session_token(settings.session_token.as_deref(), &mut problems),
        path_style: settings.path_style.unwrap_or(true),
        client: check_client(settings.client.as_deref(), &mut problems),
        timeout: check_timeout(settings.timeout.as_deref(), &mut problems),
        sign_payload: settings.sign_payload.unwrap_or(false),
        ca_file: settings.ca_file.clone(),
        endpoint,
        region,
    };
    check_style(&config, &mut problems);
    if problems.0.is_empty() { Ok(config) } else { Err(S3ConfigError { problems: problems.0 }) }
}

fn check_region(region: Option<&str>, problems: &mut Problems) -> String {
    let region = region.unwrap_or(DEFAULT_REGION);
    let is_word =
        !region.is_empty() && region.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    if !is_word {
        problems.add(
            "region",
            format!("`{region}` is no region"),
            format!("write one such as `{DEFAULT_REGION}`"),
        );
    }
    region.to_owned()
}

fn check_endpoint(endpoint: Option<&str>, region: &str, problems: &mut Problems) -> Endpoint {
    let Some(text) = endpoint else { return Endpoint::aws(region) };
    Endpoint::parse(text).unwrap_or_else(|EndpointProblem { problem, remedy }| {
        problems.add("endpoint", problem, remedy);
        Endpoint::aws(region)
    })
}

/// Source: "General purpose bucket naming rules" in the Amazon S3 user guide.
fn check_bucket(bucket: Option<&str>, problems: &mut Problems) -> String {
    let Some(bucket) = bucket else {
        problems.add("bucket", "no bucket is named", "name the one to use, such as `snapbench`");
        return String::new();
    };
    let rule = if !(3..=63).contains(&bucket.len()) {
        Some("a bucket's name has 3 to 63 characters")
    } else if !bucket.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-".contains(&b)) {
        Some("a bucket's name is made of a-z, 0-9, `-` and `.`")
    } else if bucket.starts_with(['.', '-']) || bucket.ends_with(['.', '-']) || bucket.contains("..") {
        Some("a bucket's name begins and ends with a letter or a digit, and has no `..`")
    } else {
        bucket
            .parse::<std::net::Ipv4Addr>()
            .is_ok()
            .then_some("a bucket's name must not look like an IP address")
    };
    if let Some(rule) = rule {
        problems.add("bucket", format!("`{bucket}` cannot be a bucket"), rule);
    }
    bucket.to_owned()
}

fn check_access_key(key: Option<&str>, problems: &mut Problems) -> String {
    let key = key.unwrap_or_default();
    if key.is_empty() {
        problems.add("access_key", "it is missing", "set it, or AWS_ACCESS_KEY_ID in the environment");
    } else if !is_header_text(key) || key.contains('/') {
        problems.add("access_key", "it has characters no access key has", "copy it again, without spaces");
    }
    key.to_owned()
}

fn check_secret_key(key: Option<&str>, problems: &mut Problems) -> String {
    let key = key.unwrap_or_default();
    if key.is_empty() {
        problems.add("secret_key", "it is missing", "set it, or AWS_SECRET_ACCESS_KEY in the environment");
    }
    key.to_owned()
}

fn check_session_token(token: Option<&str>, problems: &mut Problems) -> Option<String> {
    let token = token.filter(|token| !token.is_empty())?;
    if !is_header_text(token) {
        problems.add("session_token", "it has characters no token has", "copy it again, on one line");
    }
    Some(token.to_owned())
}

/// Visible ASCII without spaces: what can stand in a header and in a signature unchanged.
fn is_header_text(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_graphic())
}

fn check_client(client: Option<&str>, problems: &mut Problems) -> ClientKind {
    let Some(word) = client else { return ClientKind::default() };
    ClientKind::ALL.into_iter().find(|kind| kind.as_str() == word).unwrap_or_else(|| {
        let remedy = match did_you_mean(word, ClientKind::ALL.map(ClientKind::as_str)) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => "clients are `lean` and `sdk`".to_owned(),
        };
        problems.add("client", format!("there is no client `{word}`"), remedy);
        ClientKind::default()
    })
}

fn check_timeout(timeout: Option<&str>, problems: &mut Problems) -> Duration {
    let Some(text) = timeout else { return DEFAULT_TIMEOUT };
    match parse_duration(text) {
        Ok(timeout) if timeout.is_zero() || timeout > LONGEST_TIMEOUT => {
            problems.add("timeout", format!("`{text}` is out of range"), "give a time from 1ms to 1h");
        }
        Ok(timeout) => return timeout,
        Err(error) => problems.add("timeout", error.to_string(), "give a time such as `30s`"),
    }
    DEFAULT_TIMEOUT
}

fn check_style(config: &S3Config, problems: &mut Problems) {
    if config.path_style {
        return;
    }
    if config.endpoint.is_ip_address() {
        let problem = "a bucket cannot stand before an IP address in a host name";
        problems.add("path_style", problem, "write `path_style: true`, or a host name as `endpoint:`");
    } else if config.endpoint.is_https() && config.bucket.contains('.') {
        let problem = "a certificate does not cover a bucket whose name has dots";
        problems.add("path_style", problem, "write `path_style: true`, or use a bucket without dots");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> S3Settings {
        S3Settings {
            endpoint: Some("http://127.0.0.1:9000".into()),
            bucket: Some("runs".into()),
            access_key: Some("AKIA".into()),
            secret_key: Some("hush-hush".into()),
            ..S3Settings::default()
        }
    }

    fn complaint(change: impl FnOnce(&mut S3Settings)) -> String {
        let mut settings = good();
        change(&mut settings);
        settings.check().unwrap_err().to_string()
    }

    #[test]
    fn what_is_absent_has_the_documented_default() {
        let config = good().check().unwrap();
        assert_eq!(
            (config.region(), config.client(), config.timeout()),
            ("us-east-1", ClientKind::Lean, DEFAULT_TIMEOUT)
        );
        assert!(config.path_style && !config.sign_payload);
        let aws = S3Settings { endpoint: None, region: Some("eu-west-1".into()), ..good() }.check().unwrap();
        assert_eq!(aws.endpoint().to_string(), "https://s3.eu-west-1.amazonaws.com");
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let settings = S3Settings {
            endpoint: Some("localhost:9000".into()),
            region: Some("eu west".into()),
            bucket: Some("Runs".into()),
            client: Some("leen".into()),
            timeout: Some("0s".into()),
            session_token: Some("two\nlines".into()),
            ..S3Settings::default()
        };
        let error = settings.check().unwrap_err();
        assert_eq!(
            error.to_string(),
            "region: `eu west` is no region; write one such as `us-east-1`\n\
             endpoint: it does not say http or https; write `http://localhost:9000`\n\
             bucket: `Runs` cannot be a bucket; a bucket's name is made of a-z, 0-9, `-` and `.`\n\
             access_key: it is missing; set it, or AWS_ACCESS_KEY_ID in the environment\n\
             secret_key: it is missing; set it, or AWS_SECRET_ACCESS_KEY in the environment\n\
             session_token: it has characters no token has; copy it again, on one line\n\
             client: there is no client `leen`; did you mean `lean`?\n\
             timeout: `0s` is out of range; give a time from 1ms to 1h"
        );
    }

    #[test]
    fn buckets_follow_the_naming_rules() {
        for bad in ["ab", "-runs", "runs.", "a..b", "10.0.0.1", "a_b", &"x".repeat(64)] {
            let told = complaint(|settings| settings.bucket = Some(bad.to_owned()));
            assert!(
                told.starts_with(&format!("bucket: `{bad}` cannot be a bucket; a bucket's name ")),
                "{told}"
            );
        }
        assert!(complaint(|settings| settings.bucket = None).starts_with("bucket: no bucket is named"));
        for fine in ["abc", "runs-2026.07", &"x".repeat(63)] {
            assert!(S3Settings { bucket: Some((*fine).to_owned()), ..good() }.check().is_ok(), "{fine}");
        }
    }

    #[test]
    fn other_words_have_their_remedies() {
        assert!(complaint(|s| s.timeout = Some("soon".into())).starts_with("timeout: "));
        assert!(complaint(|s| s.timeout = Some("2h".into())).contains("out of range"));
        assert!(complaint(|s| s.client = Some("boto".into())).ends_with("clients are `lean` and `sdk`"));
        assert!(complaint(|s| s.access_key = Some("AK/IA".into())).contains("no access key has"));
        assert!(complaint(|s| s.path_style = Some(false)).contains("IP address"));
        let dotted = complaint(|s| {
            (s.endpoint, s.bucket, s.path_style) =
                (Some("https://h".into()), Some("a.b".into()), Some(false));
        });
        assert!(dotted.contains("certificate"), "{dotted}");
    }

    #[test]
    fn keys_from_the_environment_come_as_a_set() {
        let variable = |name: &str| {
            let value = match name {
                "AWS_ACCESS_KEY_ID" => "env-key",
                "AWS_SECRET_ACCESS_KEY" => "env-secret",
                "AWS_SESSION_TOKEN" => "env-token",
                "AWS_DEFAULT_REGION" => "eu-west-1",
                "AWS_ENDPOINT_URL" => "http://env:1",
                _ => return None,
            };
            Some(value.to_owned())
        };
        let filled = S3Settings { bucket: good().bucket, ..S3Settings::default() }.or_environment(variable);
        let config = filled.check().unwrap();
        assert_eq!((config.access_key.as_str(), config.secret_key.as_str()), ("env-key", "env-secret"));
        assert_eq!(config.session_token.as_deref(), Some("env-token"));
        assert_eq!((config.region(), config.endpoint().to_string().as_str()), ("eu-west-1", "http://env:1"));

        let half = S3Settings { secret_key: None, ..good() }.or_environment(variable);
        assert_eq!((half.secret_key, half.session_token), (None, None));
        assert_eq!(half.endpoint.as_deref(), Some("http://127.0.0.1:9000"));
    }

    #[test]
    fn secrets_are_not_in_debug_output() {
        let settings = S3Settings { session_token: Some("tok-tok".into()), ..good() };
        let shown = format!("{settings:?} {:?}", settings.check().unwrap());
        assert!(shown.contains("AKIA") && shown.contains("(hidden)"));
        assert!(!shown.contains("hush-hush") && !shown.contains("tok-tok"), "{shown}");
    }
}
