//! Objects put in parts, through the store's own door.

use embed::Durability;
use embed::store::{self, ObjectStore, StoreOptions};
use s3s::crypto::{Checksum as _, Md5};

use crate::s3_client::{Answer, Client};

/// S3's smallest part, but for the last.
const MIN_PART_BYTES: usize = 5 << 20;

fn start() -> (ObjectStore, Client) {
    let store = store::start(StoreOptions::default()).expect("the store starts");
    let mut client = Client::of(&store);
    assert_eq!(client.send("PUT", "/bkt", &[], b"").status, 200);
    (store, client)
}

/// An upload of one key, as a client goes through it.
struct Upload<'a> {
    client: &'a mut Client,
    path: &'static str,
    id: String,
}

impl Upload<'_> {
    fn begin<'a>(client: &'a mut Client, path: &'static str) -> Upload<'a> {
        let headers = [("content-type", "text/plain"), ("x-amz-meta-colour", "blue")];
        let begun = client.send_with("POST", path, &[("uploads", "")], &headers, b"");
        assert_eq!(begun.status, 200, "{}", begun.text());
        let id = begun.element("UploadId").expect("an upload has an id");
        Upload { client, path, id }
    }

    /// Sends a part and returns its ETag.
    fn part(&mut self, number: u32, bytes: &[u8]) -> String {
        let answer = self.try_part(number, bytes);
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.header("etag").expect("a part has an ETag").to_owned()
    }

    fn try_part(&mut self, number: u32, bytes: &[u8]) -> Answer {
        let number = number.to_string();
        self.client.send("PUT", self.path, &[("partNumber", &number), ("uploadId", &self.id)], bytes)
    }

    fn complete(&mut self, parts: &[(u32, &str)]) -> Answer {
        self.complete_with(parts, &[])
    }

    fn complete_with(&mut self, parts: &[(u32, &str)], headers: &[(&str, &str)]) -> Answer {
        let part = |(number, tag): &(u32, &str)| {
            format!("<Part><PartNumber>{number}</PartNumber><ETag>{tag}</ETag></Part>")
        };
        let parts: String = parts.iter().map(part).collect();
        let body = format!("<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>");
        self.client.send_with("POST", self.path, &[("uploadId", &self.id)], headers, body.as_bytes())
    }

    fn listed(&mut self, more: &[(&str, &str)]) -> Answer {
        let mut query = vec![("uploadId", self.id.as_str())];
        query.extend(more);
        self.client.send("GET", self.path, &query, b"")
    }
}

fn code(answer: &Answer) -> (u16, String) {
    (answer.status, answer.element("Code").unwrap_or_default())
}

fn md5(bytes: &[u8]) -> [u8; 16] {
    let mut md5 = Md5::new();
    md5.update(bytes);
    md5.finalize()
}

fn files(store: &ObjectStore) -> usize {
    std::fs::read_dir(store.data_dir().join("large")).expect("it has a folder for them").count()
}

/// Two parts whose border can be seen in the whole.
fn two_parts() -> [Vec<u8>; 2] {
    let first = (0..MIN_PART_BYTES as u32).map(|byte| (byte % 251) as u8).collect();
    [first, b"and the rest".to_vec()]
}

#[test]
fn parts_become_one_object_in_the_order_of_their_numbers() {
    let (store, mut client) = start();
    let [first, last] = two_parts();
    let mut upload = Upload::begin(&mut client, "/bkt/k");
    // They arrive in another order, and one arrives twice.
    let tag_of_last = upload.part(7, &last);
    upload.part(2, b"replaced by what comes next");
    let tag_of_first = upload.part(2, &first);
    upload.part(9, b"named by nobody");
    assert_eq!(files(&store), 3);
    let done = upload.complete(&[(2, &tag_of_first), (7, &tag_of_last)]);
    assert_eq!(done.status, 200, "{}", done.text());

    let digest = md5(&[md5(&first), md5(&last)].concat());
    let digits: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let tag = format!("\"{digits}-2\"");
    assert_eq!(done.element("ETag").map(|tag| tag.replace("&quot;", "\"")), Some(tag.clone()));
    let whole = [first, last].concat();
    let got = client.send("GET", "/bkt/k", &[], b"");
    assert!(got.body == whole, "{} bytes came back of {}", got.body.len(), whole.len());
    assert_eq!(got.header("etag"), Some(tag.as_str()));
    assert_eq!(
        (got.header("content-type"), got.header("x-amz-meta-colour")),
        (Some("text/plain"), Some("blue"))
    );
    let over_the_border = client.send_with("GET", "/bkt/k", &[], &[("range", "bytes=5242875-5242884")], b"");
    assert_eq!((over_the_border.status, &over_the_border.body[..]), (206, &whole[5_242_875..=5_242_884]));
    let listed = client.send("GET", "/bkt", &[("list-type", "2")], b"");
    assert_eq!(listed.element("ETag").map(|tag| tag.replace("&quot;", "\"")), Some(tag.clone()));
    assert_eq!(files(&store), 1, "the parts are gone, the object is there");

    store.restart().expect("it comes back");
    let got = Client::of(&store).send("GET", "/bkt/k", &[], b"");
    assert!(got.body == whole);
    assert_eq!(got.header("etag"), Some(tag.as_str()));
}

#[test]
fn what_cannot_be_completed_says_why_and_can_still_be_put_right() {
    let (_store, mut client) = start();
    let [first, last] = two_parts();
    let mut upload = Upload::begin(&mut client, "/bkt/k");
    let small = upload.part(1, b"too small to be followed by another");
    let tag_of_last = upload.part(2, &last);
    let too_small = upload.complete(&[(1, &small), (2, &tag_of_last)]);
    assert_eq!(code(&too_small), (400, "EntityTooSmall".to_owned()));
    let tag_of_first = upload.part(1, &first);
    for (parts, expected) in [
        (vec![(2, tag_of_last.as_str()), (1, &tag_of_first)], "InvalidPartOrder"),
        (vec![(1, &tag_of_first), (1, &tag_of_first)], "InvalidPartOrder"),
        (vec![(1, &small), (2, &tag_of_last)], "InvalidPart"),
        (vec![(1, &tag_of_first), (3, &tag_of_last)], "InvalidPart"),
        (vec![], "MalformedXML"),
    ] {
        assert_eq!(code(&upload.complete(&parts)), (400, expected.to_owned()), "{parts:?}");
    }
    let parts = [(1, tag_of_first.as_str()), (2, &tag_of_last)];
    let size = upload.complete_with(&parts, &[("x-amz-mp-object-size", "1")]);
    assert_eq!(code(&size), (400, "InvalidRequest".to_owned()));
    assert_eq!(code(&upload.try_part(0, b"x")), (400, "InvalidArgument".to_owned()));
    assert_eq!(code(&upload.try_part(10_001, b"x")), (400, "InvalidArgument".to_owned()));
    assert_eq!(upload.complete(&parts).status, 200);
    assert_eq!(code(&upload.complete(&parts)), (404, "NoSuchUpload".to_owned()), "it is done");
    assert_eq!(code(&upload.try_part(1, b"x")), (404, "NoSuchUpload".to_owned()));
}

#[test]
fn a_completion_has_conditions_like_a_put() {
    let (_store, mut client) = start();
    client.send("PUT", "/bkt/k", &[], b"who was first");
    let mut upload = Upload::begin(&mut client, "/bkt/k");
    let tag = upload.part(1, b"in one part");
    let parts = [(1, tag.as_str())];
    let refused = upload.complete_with(&parts, &[("if-none-match", "*")]);
    assert_eq!(code(&refused), (412, "PreconditionFailed".to_owned()));
    // A refused completion leaves the upload as it was.
    let done = upload.complete_with(&parts, &[("if-match", &format!("\"{}\"", hex(&md5(b"who was first"))))]);
    assert_eq!(done.status, 200, "{}", done.text());
    // The ETag of a whole put in parts is a condition like any other.
    let tag = client.send("HEAD", "/bkt/k", &[], b"").header("etag").expect("it has one").to_owned();
    assert!(tag.ends_with("-1\""), "{tag}");
    let put = |client: &mut Client, tag: &str| {
        client.send_with("PUT", "/bkt/k", &[], &[("if-match", tag)], b"next").status
    };
    assert_eq!(put(&mut client, &tag.replace("-1\"", "-2\"")), 412);
    assert_eq!(put(&mut client, &tag), 200);
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn an_aborted_upload_leaves_nothing() {
    let (store, mut client) = start();
    let mut upload = Upload::begin(&mut client, "/bkt/k");
    let tag = upload.part(1, b"for nothing");
    let id = upload.id.clone();
    assert_eq!(files(&store), 1);
    assert_eq!(client.send("DELETE", "/bkt/other", &[("uploadId", &id)], b"").status, 404, "not its key");
    assert_eq!(client.send("DELETE", "/bkt/k", &[("uploadId", &id)], b"").status, 204);
    assert_eq!(files(&store), 0);
    let mut upload = Upload { client: &mut client, path: "/bkt/k", id };
    assert_eq!(code(&upload.complete(&[(1, &tag)])), (404, "NoSuchUpload".to_owned()));
    assert_eq!(client.send("GET", "/bkt/k", &[], b"").status, 404);
    assert_eq!(client.send("POST", "/none/k", &[("uploads", "")], b"").status, 404);
}

#[test]
fn uploads_and_their_parts_are_listed_while_they_are_under_way() {
    let (_store, mut client) = start();
    let id_of_b = Upload::begin(&mut client, "/bkt/b").id;
    let mut upload = Upload::begin(&mut client, "/bkt/a");
    for number in [1, 3, 4] {
        upload.part(number, b"part");
    }
    let all = upload.listed(&[]);
    assert_eq!(
        (all.elements("PartNumber"), all.elements("Size")),
        (vec!["1".into(), "3".into(), "4".into()], vec!["4".to_owned(); 3])
    );
    let page = upload.listed(&[("max-parts", "2")]);
    assert_eq!(
        (page.elements("PartNumber").len(), page.element("IsTruncated")),
        (2, Some("true".to_owned()))
    );
    let marker = page.element("NextPartNumberMarker").expect("there is more");
    let rest = upload.listed(&[("part-number-marker", &marker)]);
    assert_eq!(
        (rest.elements("PartNumber"), rest.element("IsTruncated")),
        (vec!["4".to_owned()], Some("false".to_owned()))
    );

    let list = |client: &mut Client, query: &[(&str, &str)]| {
        let mut all = vec![("uploads", "")];
        all.extend(query);
        client.send("GET", "/bkt", &all, b"")
    };
    assert_eq!(list(&mut client, &[]).elements("Key"), ["a", "b"]);
    assert_eq!(list(&mut client, &[("prefix", "b")]).elements("UploadId"), [id_of_b]);
    let page = list(&mut client, &[("max-uploads", "1")]);
    let (key, id) =
        (page.element("NextKeyMarker").expect("more"), page.element("NextUploadIdMarker").expect("more"));
    assert_eq!(list(&mut client, &[("key-marker", &key), ("upload-id-marker", &id)]).elements("Key"), ["b"]);
    assert_eq!(list(&mut client, &[("key-marker", "a")]).elements("Key"), ["b"]);
    client.send("DELETE", "/bkt", &[], b"");
    client.send("PUT", "/bkt", &[], b"");
    assert!(list(&mut client, &[]).elements("Key").is_empty(), "they went with their bucket");
}

#[test]
fn kill_9_ends_unfinished_uploads_and_their_files_and_keeps_what_was_completed() {
    for durability in [Durability::On, Durability::Off] {
        let store =
            store::start(StoreOptions { durability, ..StoreOptions::default() }).expect("the store starts");
        let mut client = Client::of(&store);
        client.send("PUT", "/bkt", &[], b"");
        let mut unfinished = Upload::begin(&mut client, "/bkt/unfinished");
        unfinished.part(1, b"for nothing");
        let mut finished = Upload::begin(&mut client, "/bkt/finished");
        let tag = finished.part(1, b"acknowledged");
        assert_eq!(finished.complete(&[(1, &tag)]).status, 200);
        store.kill9().expect("it runs");
        store.restart().expect("it comes back");
        let mut client = Client::of(&store);
        assert_eq!(client.send("GET", "/bkt/finished", &[], b"").text(), "acknowledged");
        assert_eq!(client.send("GET", "/bkt/unfinished", &[], b"").status, 404);
        assert!(client.send("GET", "/bkt", &[("uploads", "")], b"").elements("Key").is_empty());
        assert_eq!(files(&store), 1, "no file of the unfinished one is left");
    }
}

#[test]
fn a_part_that_is_not_what_its_checksum_says_is_refused() {
    let (store, mut client) = start();
    let upload = Upload::begin(&mut client, "/bkt/k");
    let query = [("partNumber", "1"), ("uploadId", upload.id.as_str())];
    // The check value of CRC-32, and another.
    let send = |client: &mut Client, sum| {
        client.send_with("PUT", "/bkt/k", &query, &[("x-amz-checksum-crc32", sum)], b"123456789")
    };
    let mut other = Client::of(&store);
    assert_eq!(code(&send(&mut other, "AAAAAA==")), (400, "BadDigest".to_owned()));
    let right = send(&mut other, "y/Q5Jg==");
    assert_eq!((right.status, right.header("x-amz-checksum-crc32")), (200, Some("y/Q5Jg==")));
}
