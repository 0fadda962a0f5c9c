//! What settings come to.

use super::*;
use crate::s3::keys::Chain;

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
        ("us-east-1", ClientKind::Lean, Duration::from_secs(30))
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
        profile: Some("staging".into()),
        ..S3Settings::default()
    };
    let error = settings.check().unwrap_err();
    assert_eq!(
        error.to_string(),
        "region: `eu west` is no region; write one such as `us-east-1`\n\
         endpoint: it does not say http or https; write `http://localhost:9000`\n\
         bucket: `Runs` cannot be a bucket; a bucket's name is made of a-z, 0-9, `-` and `.`\n\
         profile: keys are named too; leave out the profile, or the keys\n\
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
        assert!(told.starts_with(&format!("bucket: `{bad}` cannot be a bucket; a bucket's name ")), "{told}");
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
        (s.endpoint, s.bucket, s.path_style) = (Some("https://h".into()), Some("a.b".into()), Some(false));
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
    let KeySource::Named(keys) = &config.keys else { panic!("{config:?}") };
    assert_eq!((keys.access_key.as_str(), keys.secret_key.as_str()), ("env-key", "env-secret"));
    assert_eq!(keys.session_token.as_deref(), Some("env-token"));
    assert_eq!((config.region(), config.endpoint().to_string().as_str()), ("eu-west-1", "http://env:1"));

    let half = S3Settings { secret_key: None, ..good() }.or_environment(variable);
    assert_eq!((half.secret_key, half.session_token), (None, None));
    assert_eq!(half.endpoint.as_deref(), Some("http://127.0.0.1:9000"));

    let other = S3Settings { bucket: good().bucket, profile: Some("other".into()), ..S3Settings::default() };
    let config = other.or_environment(variable).check().unwrap();
    assert_eq!(config.keys, KeySource::Chain(Chain::new(Some("other".into()))));
}

#[test]
fn who_names_no_keys_leaves_them_to_the_chain() {
    let nobody = S3Settings { access_key: None, secret_key: None, ..good() };
    assert_eq!(nobody.check().unwrap().keys, KeySource::Chain(Chain::new(None)));
    assert_ne!(nobody.check().unwrap().keys, KeySource::Chain(Chain::new(Some("default".into()))));
    // Half a set is a mistake and not a wish.
    assert!(complaint(|s| s.access_key = None).starts_with("access_key: it is missing"));
    assert!(complaint(|s| s.secret_key = None).starts_with("secret_key: it is missing"));
    assert!(complaint(|s| s.access_key = Some(String::new())).starts_with("access_key: it is missing"));
    let token = S3Settings { session_token: Some("t".into()), ..nobody.clone() };
    assert_eq!(token.check().unwrap_err().problems.len(), 2);
    let unnamed = S3Settings { profile: Some(" ".into()), ..nobody };
    assert!(unnamed.check().unwrap_err().to_string().starts_with("profile: it is empty"));
    assert!(complaint(|s| s.profile = Some("p".into())).starts_with("profile: keys are named too"));
}

#[test]
fn secrets_are_not_in_debug_output() {
    let settings = S3Settings { session_token: Some("tok-tok".into()), ..good() };
    let shown = format!("{settings:?} {:?}", settings.check().unwrap());
    assert!(shown.contains("AKIA") && shown.contains("(hidden)"));
    assert!(!shown.contains("hush-hush") && !shown.contains("tok-tok"), "{shown}");
}
