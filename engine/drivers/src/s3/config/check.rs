//! What may stand in the settings of an object store, and what to say where it may not.

use model::suggest::did_you_mean;
use std::sync::Arc;

use super::{ClientKind, S3Config, S3Settings};
use crate::net::UrlProblem;
use crate::s3::endpoint::Endpoint;
use crate::s3::keys::{Chain, KeySource, Keys, is_header_text};
use crate::settings::{Problems, SettingsError};

const DEFAULT_REGION: &str = "us-east-1";

/// Checks every setting, and tells everything that is wrong.
pub(super) fn check(settings: &S3Settings) -> Result<S3Config, SettingsError> {
    let mut problems = Problems::default();
    let region = check_region(settings.region.as_deref(), &mut problems);
    let endpoint = check_endpoint(settings.endpoint.as_deref(), &region, &mut problems);
    let config = S3Config {
        bucket: check_bucket(settings.bucket.as_deref(), &mut problems),
        keys: check_keys(settings, &mut problems),
        path_style: settings.path_style.unwrap_or(true),
        client: check_client(settings.client.as_deref(), &mut problems),
        timeout: problems.timeout(settings.timeout.as_deref()),
        sign_payload: settings.sign_payload.unwrap_or(false),
        ca_file: settings.ca_file.clone(),
        detour: None,
        endpoint,
        region,
    };
    check_style(&config, &mut problems);
    problems.none_or(config)
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
    Endpoint::parse(text).unwrap_or_else(|UrlProblem { problem, remedy }| {
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

/// Named keys, all of them, or the chain.
fn check_keys(settings: &S3Settings, problems: &mut Problems) -> KeySource {
    let S3Settings { profile, access_key, secret_key, session_token, .. } = settings;
    let names_keys = access_key.is_some() || secret_key.is_some() || session_token.is_some();
    match profile {
        Some(_) if names_keys => {
            problems.add("profile", "keys are named too", "leave out the profile, or the keys");
        }
        Some(name) if name.trim().is_empty() => {
            problems.add("profile", "it is empty", "name one of ~/.aws/config, or leave it out");
        }
        _ => {}
    }
    if !names_keys {
        return KeySource::Chain(Chain::new(profile.clone()));
    }
    KeySource::Named(Arc::new(Keys {
        access_key: check_access_key(access_key.as_deref(), problems),
        secret_key: check_secret_key(secret_key.as_deref(), problems),
        session_token: check_session_token(session_token.as_deref(), problems),
        expires_at: None,
    }))
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
