//! Keys that nobody names: AWS's own places, asked in a process of its own, because they are about the
//! environment. Each test runs twice: outside, where the servers are, and inside, where the store is used.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use drivers::s3::{ClientKind, S3OpenError, S3Settings, Store};
use jiff::Timestamp;

use super::canned::{Answer, Canned, header, http};
use super::{assert_ok, open, settings, through_both_clients};

through_both_clients! {
    keys_come_from_the_default_profile
    keys_and_region_come_from_the_profile_that_is_named
    keys_come_from_a_web_identity
    keys_come_from_the_instance
    temporary_keys_are_renewed_while_they_are_used
    where_there_are_no_keys_every_place_is_named
    a_profile_without_keys_is_named
}

/// Set in the inner process: where the store is.
const STORE: &str = "SNAPBENCH_TEST_STORE";

/// Inside: settings of the store that name no keys.
fn inside(client: ClientKind) -> Option<S3Settings> {
    let endpoint = std::env::var(STORE).ok()?;
    Some(S3Settings { access_key: None, secret_key: None, ..settings(&endpoint, client) })
}

async fn put(store: &Store) {
    assert_ok(&store.put("k", Bytes::from_static(b"x")).await);
}

/// Outside: runs a test of this file again, with nothing of AWS in its environment but `variables`.
async fn run_inside(test: &str, client: ClientKind, store: &str, home: &Path, variables: &[(&str, String)]) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", &format!("s3::chain::{client}::{test}"), "--nocapture"]);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("AWS_")) {
        command.env_remove(name);
    }
    command.env(STORE, store).env("HOME", home).env("AWS_EC2_METADATA_DISABLED", "true");
    command.envs(variables.iter().map(|(name, value)| (name, value)));
    let ended = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let said = String::from_utf8_lossy(&ended.stdout).into_owned() + &String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success() && said.contains("1 passed"), "{said}");
}

async fn a_store() -> Canned {
    Canned::start(vec![Answer::Say(http("200 OK", "etag: \"x\"\r\n", ""))]).await
}

/// Which keys the requests were signed with, and for which region.
fn signers(store: &Canned) -> Vec<String> {
    let signer = |head: &String| {
        let scope = header(head, "authorization").unwrap().split_once("Credential=").unwrap().1.to_owned();
        let [key, _, region] = scope.splitn(4, '/').take(3).collect::<Vec<_>>()[..] else {
            panic!("{scope}")
        };
        format!("{key} {} {region}", header(head, "x-amz-security-token").unwrap_or("-"))
    };
    store.requests().iter().map(signer).collect()
}

fn home(config: &str, credentials: &str) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join(".aws")).unwrap();
    std::fs::write(home.path().join(".aws/config"), config).unwrap();
    std::fs::write(home.path().join(".aws/credentials"), credentials).unwrap();
    home
}

fn profile(name: &str, key: &str) -> String {
    format!("[{name}]\naws_access_key_id = {key}\naws_secret_access_key = secret\n")
}

async fn keys_come_from_the_default_profile(client: ClientKind) {
    if let Some(settings) = inside(client) {
        let config = settings.check().unwrap();
        // Nothing is shown of what was found but the name of the key.
        let store = Store::open(&config).unwrap();
        assert!(!format!("{config:?} {store:?}").contains("secret\""), "{config:?}");
        return put(&store).await;
    }
    let store = a_store().await;
    let home = home("", &(profile("default", "DEFAULT") + &profile("other", "OTHER")));
    let run = async |variables: &[(&str, String)]| {
        let test = "keys_come_from_the_default_profile";
        run_inside(test, client, &store.endpoint(), home.path(), variables).await;
    };
    run(&[]).await;
    run(&[("AWS_PROFILE", "other".to_owned())]).await;
    let named = [("AWS_ACCESS_KEY_ID", "ENV"), ("AWS_SECRET_ACCESS_KEY", "s"), ("AWS_SESSION_TOKEN", "t")];
    run(&named.map(|(name, value)| (name, value.to_owned()))).await;
    assert_eq!(signers(&store), ["DEFAULT - us-east-1", "OTHER - us-east-1", "ENV t us-east-1"]);
}

async fn keys_and_region_come_from_the_profile_that_is_named(client: ClientKind) {
    if let Some(settings) = inside(client) {
        let settings = S3Settings { profile: Some("bench".to_owned()), ..settings };
        let environment = |name: &str| std::env::var(name).ok();
        put(&open(&settings.clone().or_environment(environment).or_profile())).await;
        // A region that is named stays.
        let settings = S3Settings { region: Some("eu-north-1".to_owned()), ..settings };
        return put(&open(&settings.or_environment(environment).or_profile())).await;
    }
    let store = a_store().await;
    let home = home(
        "[default]\nregion = us-west-2\n[profile bench]\nregion = eu-west-1\n",
        &(profile("default", "DEFAULT") + &profile("bench", "BENCH") + "aws_session_token = token\n"),
    );
    // What is named wins over the environment.
    let variables =
        [("AWS_ACCESS_KEY_ID", "ENV"), ("AWS_SECRET_ACCESS_KEY", "s")].map(|(n, v)| (n, v.to_owned()));
    let test = "keys_and_region_come_from_the_profile_that_is_named";
    run_inside(test, client, &store.endpoint(), home.path(), &variables).await;
    assert_eq!(signers(&store), ["BENCH token eu-west-1", "BENCH token eu-north-1"]);
}

async fn keys_come_from_a_web_identity(client: ClientKind) {
    if let Some(settings) = inside(client) {
        return put(&open(&settings)).await;
    }
    let (store, home) = (a_store().await, home("", ""));
    let token_file = home.path().join("token");
    std::fs::write(&token_file, "identity-token").unwrap();
    let ends_at = Timestamp::now() + Duration::from_secs(3600);
    let found = format!(
        "<AssumeRoleWithWebIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
         <AssumeRoleWithWebIdentityResult><Credentials><SessionToken>sts-token</SessionToken>\
         <SecretAccessKey>secret</SecretAccessKey><Expiration>{ends_at:.0}</Expiration><AccessKeyId>ROLE\
         </AccessKeyId></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"
    );
    let sts = Canned::start(vec![Answer::Say(http("200 OK", "content-type: text/xml\r\n", &found))]).await;
    let variables = [
        ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/bench".to_owned()),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", token_file.display().to_string()),
        ("AWS_ENDPOINT_URL_STS", sts.endpoint()),
    ];
    run_inside("keys_come_from_a_web_identity", client, &store.endpoint(), home.path(), &variables).await;
    assert_eq!(signers(&store), ["ROLE sts-token us-east-1"]);
    assert!(sts.bodies()[0].contains("WebIdentityToken=identity-token"), "{:?}", sts.bodies());
}

/// What a container's endpoint and an instance say of their keys.
fn found(key: &str, token: &str, lasts: Duration) -> String {
    let ends_at = Timestamp::try_from(SystemTime::now() + lasts).unwrap();
    let body = format!(
        "{{\"Code\":\"Success\",\"Type\":\"AWS-HMAC\",\"AccessKeyId\":\"{key}\",\"SecretAccessKey\":\"secret\",\
         \"Token\":\"{token}\",\"LastUpdated\":\"2026-01-01T00:00:00Z\",\"Expiration\":\"{ends_at:.0}\"}}"
    );
    http("200 OK", "content-type: application/json\r\n", &body)
}

async fn keys_come_from_the_instance(client: ClientKind) {
    if let Some(settings) = inside(client) {
        return put(&open(&settings)).await;
    }
    let (store, home) = (a_store().await, home("", ""));
    let instance = Canned::by_rule(|head| {
        let line = head.lines().next().unwrap();
        Answer::Say(if line.starts_with("PUT") {
            http("200 OK", "x-aws-ec2-metadata-token-ttl-seconds: 21600\r\n", "session")
        } else if line.contains("/security-credentials/ ") {
            http("200 OK", "content-type: text/plain\r\n", "bench-role")
        } else {
            found("INSTANCE", "imds-token", Duration::from_secs(3600))
        })
    })
    .await;
    let variables = [
        ("AWS_EC2_METADATA_DISABLED", "false".to_owned()),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", instance.endpoint()),
    ];
    run_inside("keys_come_from_the_instance", client, &store.endpoint(), home.path(), &variables).await;
    assert_eq!(signers(&store), ["INSTANCE imds-token us-east-1"]);
}

async fn temporary_keys_are_renewed_while_they_are_used(client: ClientKind) {
    if let Some(settings) = inside(client) {
        let config = settings.check().unwrap();
        // All who use a configuration use the same keys, which were looked for once.
        let stores = [Store::open(&config).unwrap(), Store::open(&config.clone()).unwrap()];
        let began = std::time::Instant::now();
        // The keys last for four seconds; whoever never sees others is not renewed at all.
        while began.elapsed() < Duration::from_secs(60) {
            for store in &stores {
                let reply = store.put("k", Bytes::from_static(b"x")).await;
                if reply.etag.as_deref() == Some("\"renewed\"") {
                    return;
                }
                assert_ok(&reply);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("the first keys were used for a minute");
    }
    let store = Canned::by_rule(|head| {
        let is_second = header(head, "x-amz-security-token") == Some("second-token");
        let etag = if is_second { "etag: \"renewed\"\r\n" } else { "etag: \"x\"\r\n" };
        Answer::Say(http("200 OK", etag, ""))
    })
    .await;
    let container = Canned::start(vec![
        Answer::Say(found("FIRST", "first-token", Duration::from_secs(4))),
        Answer::Say(found("SECOND", "second-token", Duration::from_secs(3600))),
    ])
    .await;
    let variables = [("AWS_CONTAINER_CREDENTIALS_FULL_URI", format!("{}/keys", container.endpoint()))];
    let (test, home) = ("temporary_keys_are_renewed_while_they_are_used", home("", ""));
    run_inside(test, client, &store.endpoint(), home.path(), &variables).await;
    let signers = signers(&store);
    assert_eq!(signers[0], "FIRST first-token us-east-1");
    assert_eq!(signers.last().unwrap(), "SECOND second-token us-east-1");
    assert_eq!(container.requests().len(), 2);
}

fn no_keys(settings: &S3Settings) -> String {
    let error = Store::open(&settings.check().unwrap()).unwrap_err();
    assert!(matches!(error, S3OpenError::Keys { .. }), "{error}");
    error.to_string()
}

async fn where_there_are_no_keys_every_place_is_named(client: ClientKind) {
    if let Some(settings) = inside(client) {
        let told = no_keys(&settings);

        for place in
            ["AWS_ACCESS_KEY_ID", "~/.aws", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER", "169.254.169.254"]
        {
            assert!(told.contains(place), "{told}");
        }
        assert!(told.contains("; set `access_key` and `secret_key`"), "{told}");
        // It is looked for again, and nothing hangs.
        no_keys(&settings);
        return;
    }
    let home = home("", "");
    let test = "where_there_are_no_keys_every_place_is_named";
    run_inside(test, client, "http://127.0.0.1:1", home.path(), &[]).await;
}

async fn a_profile_without_keys_is_named(client: ClientKind) {
    if let Some(settings) = inside(client) {
        let of = |name: &str| S3Settings { profile: Some(name.to_owned()), ..settings.clone() };
        let told = no_keys(&of("nobody"));
        assert!(
            told.contains("the profile `nobody` of ~/.aws/config and ~/.aws/credentials gives no keys"),
            "{told}"
        );
        let told = no_keys(&of("browser"));
        assert!(told.contains("`browser`") && told.contains("it wants a browser"), "{told}");
        assert!(told.contains("aws configure export-credentials"), "{told}");
        let told = no_keys(&of("program"));
        assert!(told.contains("`program`") && told.contains("or a program"), "{told}");
        let told = no_keys(&of("odd"));
        assert!(told.contains("what was found is no access key"), "{told}");
        return;
    }
    let config = "[profile browser]\nsso_start_url = https://example.com/start\nsso_region = us-east-2\n\
                  sso_account_id = 123456789012\nsso_role_name = bench\n[profile program]\n\
                  credential_process = /bin/false\n";
    let home = home(config, &(profile("default", "DEFAULT") + &profile("odd", "TWO WORDS")));
    let test = "a_profile_without_keys_is_named";
    run_inside(test, client, "http://127.0.0.1:1", home.path(), &[]).await;
}
