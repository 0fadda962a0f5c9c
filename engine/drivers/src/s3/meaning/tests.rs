//! What replies come to mean.

use super::*;

fn place() -> Place {
    Place { endpoint: "http://store:9000".into(), bucket: "runs".into(), region: "us-east-1".into() }
}

fn refusal<'a>(status: u16, region: Option<&'a str>, body: &'a str) -> Refusal<'a> {
    Refusal { status, region, date: None, now: SystemTime::UNIX_EPOCH, body: body.as_bytes() }
}

fn refused(ask: Ask, status: u16, body: &str) -> S3Reply {
    place().refused(ask, &refusal(status, None, body))
}

fn coded(ask: Ask, status: u16, code: &str) -> S3Reply {
    refused(ask, status, &format!("<Error><Code>{code}</Code><Message>Said so.</Message></Error>"))
}

#[test]
fn codes_become_outcomes() {
    for (ask, status, code, outcome) in [
        (Ask::Put, 503, "SlowDown", Outcome::Throttled),
        (Ask::Get, 503, "ServiceUnavailable", Outcome::Throttled),
        (Ask::Get, 404, "NoSuchKey", Outcome::Empty),
        (Ask::Get, 404, "NoSuchBucket", Outcome::Error),
        (Ask::Put, 412, "PreconditionFailed", Outcome::Conflict),
        (Ask::Put, 409, "ConditionalRequestConflict", Outcome::Conflict),
        (Ask::CreateBucket, 409, "BucketAlreadyOwnedByYou", Outcome::Conflict),
        (Ask::Put, 400, "KeyTooLongError", Outcome::Rejected),
        (Ask::Put, 400, "EntityTooLarge", Outcome::Rejected),
        (Ask::Put, 400, "RequestTimeout", Outcome::Timeout),
        (Ask::Put, 403, "AccessDenied", Outcome::Error),
        (Ask::Put, 400, "ExpiredToken", Outcome::Error),
        (Ask::Put, 500, "InternalError", Outcome::Error),
        (Ask::PutIf, 412, "PreconditionFailed", Outcome::Conflict),
        (Ask::PutIf, 409, "ConditionalRequestConflict", Outcome::Conflict),
        (Ask::PutIf, 404, "NoSuchKey", Outcome::Conflict),
        (Ask::PutIf, 404, "NoSuchBucket", Outcome::Error),
        (Ask::PutIf, 501, "NotImplemented", Outcome::Error),
        (Ask::GetRange, 416, "InvalidRange", Outcome::Rejected),
        (Ask::CompleteUpload, 400, "EntityTooSmall", Outcome::Rejected),
        (Ask::CompleteUpload, 404, "NoSuchUpload", Outcome::Error),
        // Such a refusal may come with the status of a success.
        (Ask::CompleteUpload, 200, "InternalError", Outcome::Error),
        (Ask::CompleteUpload, 200, "SlowDown", Outcome::Throttled),
    ] {
        let reply = coded(ask, status, code);
        assert_eq!((reply.outcome, reply.class.as_deref()), (outcome, Some(code)));
        assert_eq!(reply.status, Some(status));
    }
}

#[test]
fn a_bare_status_is_its_own_class() {
    for (ask, status, outcome) in [
        (Ask::Head, 404, Outcome::Empty),
        (Ask::Get, 404, Outcome::Error),
        (Ask::Head, 403, Outcome::Error),
        (Ask::Put, 412, Outcome::Conflict),
        (Ask::Put, 503, Outcome::Throttled),
        (Ask::Put, 502, Outcome::Ambiguous),
        (Ask::Get, 502, Outcome::Error),
        (Ask::PutIf, 409, Outcome::Conflict),
        (Ask::CompleteUpload, 504, Outcome::Ambiguous),
        (Ask::PutPart, 504, Outcome::Error),
    ] {
        let reply = refused(ask, status, "");
        assert_eq!((reply.outcome, reply.class.as_deref()), (outcome, Some(status.to_string().as_str())));
    }
    let reply = refused(Ask::GetRange, 416, "");
    assert_eq!((reply.outcome, reply.class.as_deref()), (Outcome::Rejected, Some("InvalidRange")));
}

#[test]
fn a_load_balancer_may_throttle_in_html_but_a_web_page_is_no_store() {
    let page = "<html><head><title>503</title></head></html>";
    assert_eq!(refused(Ask::Put, 503, page).outcome, Outcome::Throttled);
    assert_eq!(refused(Ask::Put, 504, page).outcome, Outcome::Ambiguous);
    let reply = refused(Ask::Get, 404, "<html>\n  <body>\u{1b}[31mnot   found");
    assert_eq!((reply.outcome, reply.class.as_deref()), (Outcome::Error, Some("not_s3")));
    assert_eq!(
        reply.message.unwrap(),
        "http://store:9000 does not answer as S3 does: HTTP status 404 (`<html> <body>[31mnot found`); check \
         that `endpoint:` is the S3 port, and not a console or another service"
    );
}

#[test]
fn messages_carry_a_remedy() {
    assert_eq!(
        coded(Ask::Put, 404, "NoSuchBucket").message.unwrap(),
        "http://store:9000: NoSuchBucket (Said so); there is no bucket `runs`: create it with \
         `aws --endpoint-url http://store:9000 s3 mb s3://runs`, or set `bucket:` to one that exists"
    );
    let redirect = "<Error><Code>PermanentRedirect</Code><Region>eu-west-1</Region></Error>";
    let message = refused(Ask::Get, 301, redirect).message.unwrap();
    assert!(message.ends_with("the bucket is in region eu-west-1: set `region: eu-west-1`"), "{message}");
    let bare = place().refused(Ask::Head, &refusal(301, Some("eu-west-1"), ""));
    assert!(bare.message.unwrap().ends_with("set `region: eu-west-1`"));
    assert!(coded(Ask::Put, 403, "SignatureDoesNotMatch").message.unwrap().ends_with("check `secret_key`"));
    let told = |ask, status, code| coded(ask, status, code).message.unwrap();
    assert!(
        told(Ask::Put, 403, "RequestTimeTooSkewed").contains("this machine's clock, which both clients sign")
    );
    assert!(told(Ask::PutIf, 501, "NotImplemented").contains("knows no conditional put"));
    assert!(told(Ask::BeginUpload, 501, "NotImplemented").contains("does not know the operation"));
    assert!(told(Ask::CompleteUpload, 400, "EntityTooSmall").contains("raise `part_bytes`"));
    assert!(told(Ask::Put, 400, "EntityTooLarge").contains("`put_multipart`"));
}

#[test]
fn clocks_that_are_too_far_apart_are_told_whatever_the_store_calls_it() {
    let told = |code: &str, date: &str, now_s: u64| {
        let body = format!("<Error><Code>{code}</Code></Error>");
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(now_s);
        let refusal = Refusal { date: Some(date), now, ..refusal(403, None, &body) };
        place().refused(Ask::Put, &refusal).message.unwrap()
    };
    let (date, moment_s) = ("Wed, 21 Oct 2015 07:28:00 GMT", 1_445_412_480);
    for code in ["RequestTimeTooSkewed", "AccessDenied", "InvalidRequest"] {
        let message = told(code, date, moment_s + 3600);
        assert!(message.contains("this machine's clock is 1h ahead of the server's"), "{message}");
    }
    assert!(told("RequestTimeTooSkewed", date, moment_s - 60).contains("is 1m behind the server's"));
    assert!(told("AccessDenied", date, moment_s + 60).contains("the keys lack the permission"));
    assert!(told("SignatureDoesNotMatch", date, moment_s + 3600).contains("check `secret_key`"));
    assert!(told("AccessDenied", "some day", moment_s).contains("the keys lack the permission"));
}

#[test]
fn a_change_that_was_sent_and_not_answered_is_ambiguous() {
    let place = place();
    for ask in [Ask::Put, Ask::PutIf, Ask::Delete, Ask::CreateBucket, Ask::CompleteUpload] {
        assert_eq!(place.lost(ask, true, "unexpected_eof", "").outcome, Outcome::Ambiguous);
        assert_eq!(place.lost(ask, false, "unexpected_eof", "").outcome, Outcome::Error);
        assert_eq!(place.not_http(ask, true, "").outcome, Outcome::Ambiguous);
        assert_eq!(place.not_http(ask, false, "").outcome, Outcome::Error);
        assert_eq!(place.too_large(ask, 1).outcome, Outcome::Ambiguous);
        assert_eq!(place.timed_out(ask, true, Duration::from_secs(1)).outcome, Outcome::Ambiguous);
        assert_eq!(place.timed_out(ask, false, Duration::from_secs(1)).outcome, Outcome::Timeout);
    }
    let parts = [Ask::BeginUpload, Ask::PutPart, Ask::AbortUpload];
    for ask in [Ask::Get, Ask::GetRange, Ask::Head, Ask::List].into_iter().chain(parts) {
        assert_eq!(place.lost(ask, true, "unexpected_eof", "").outcome, Outcome::Error);
        assert_eq!(place.not_http(ask, true, "").outcome, Outcome::Error);
        assert_eq!(place.too_large(ask, 1).outcome, Outcome::Error);
        assert_eq!(place.timed_out(ask, true, Duration::from_secs(1)).outcome, Outcome::Timeout);
    }
}

#[test]
fn a_store_that_is_down_says_so() {
    let reply = place().unreachable(&io::ErrorKind::ConnectionRefused.into());
    assert_eq!((reply.outcome, reply.class.as_deref()), (Outcome::Error, Some("connection_refused")));
    assert_eq!(
        reply.message.unwrap(),
        "cannot connect to http://store:9000: connection refused; check that the store is running and that \
         `endpoint:` is right"
    );
}
