//! Listings that no good store sends.

use drivers::s3::{ClientKind, ListRequest};
use model::outcome::Outcome;

use super::canned::{Answer, http};
use super::{against, assert_ended, through_both_clients};

through_both_clients! {
    a_listing_that_cannot_be_read_says_why
    a_listing_that_goes_in_circles_is_stopped
    a_listing_that_goes_in_wider_circles_is_stopped
}

async fn a_listing_that_cannot_be_read_says_why(client: ClientKind) {
    let xml = "content-type: application/xml\r\n";
    let truncated = "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>";
    let (_server, store) = against(client, "5s", vec![Answer::Say(http("200 OK", xml, truncated))]).await;
    let reply = store.list(&ListRequest::default()).await;
    assert!(reply.message.as_deref().unwrap().ends_with("gives no continuation token"), "{reply:?}");
    assert_ended(&[reply], &[Outcome::Error], "bad_listing");

    let odd = "<ListBucketResult><Contents><Key>a</Key><Size>many</Size></Contents></ListBucketResult>";
    let (_server, store) = against(client, "5s", vec![Answer::Say(http("200 OK", xml, odd))]).await;
    assert_ended(&[store.list(&ListRequest::default()).await], &[Outcome::Error], "bad_listing");
}

async fn a_listing_that_goes_in_circles_is_stopped(client: ClientKind) {
    let page = "<ListBucketResult><IsTruncated>true</IsTruncated><Contents><Key>a</Key><Size>1</Size></Contents>\
                <NextContinuationToken>t</NextContinuationToken></ListBucketResult>";
    let answer = Answer::Say(http("200 OK", "content-type: application/xml\r\n", page));
    let (server, store) = against(client, "5s", vec![answer]).await;
    let reply = store.list(&ListRequest::default()).await;
    assert_eq!((reply.listing.pages, server.requests().len()), (2, 2));
    assert!(reply.message.as_deref().unwrap().ends_with("as the page after it"));
    assert_ended(&[reply], &[Outcome::Error], "bad_listing");
}

async fn a_listing_that_goes_in_wider_circles_is_stopped(client: ClientKind) {
    let page = |token: &str| {
        let page = format!(
            "<ListBucketResult><IsTruncated>true</IsTruncated><Contents><Key>a</Key><Size>1</Size></Contents>\
             <NextContinuationToken>{token}</NextContinuationToken></ListBucketResult>"
        );
        Answer::Say(http("200 OK", "content-type: application/xml\r\n", &page))
    };
    let pages: Vec<_> = (0..50).map(|round| page(if round % 2 == 0 { "a" } else { "b" })).collect();
    let (server, store) = against(client, "5s", pages).await;
    let reply = store.list(&ListRequest::default()).await;
    assert_eq!((reply.listing.pages, server.requests().len()), (3, 3));
    assert_ended(&[reply], &[Outcome::Error], "bad_listing");
}
