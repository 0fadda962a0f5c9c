use super::*;
use crate::ledger::Fate;

/// A ledger with its clock, for one client that does one thing after the other.
#[derive(Default)]
struct Client {
    ledger: StoreLedger,
    flights: Flights,
    now_ns: u64,
}

impl Client {
    fn did(&mut self, begin: impl FnOnce(&mut StoreLedger, u64), key: &str, fate: Fate) {
        let began_ns = self.begin();
        begin(&mut self.ledger, began_ns);
        self.settle(key, began_ns, fate);
    }

    fn begin(&mut self) -> u64 {
        self.now_ns += 1_000_000;
        self.flights.begin(self.now_ns)
    }

    fn settle(&mut self, key: &str, began_ns: u64, fate: Fate) {
        self.now_ns += 1_000_000;
        let ended_ns = self.flights.stamp(self.now_ns);
        self.ledger.settle(key, began_ns, fate, ended_ns, self.flights.oldest_ns());
        self.flights.done(began_ns);
    }

    fn put(&mut self, key: &str, body: &str) {
        let content = Content::of(body.as_bytes());
        self.did(|ledger, began_ns| ledger.put(key, content, false, began_ns), key, Fate::Acknowledged);
    }

    fn delete(&mut self, key: &str) {
        self.did(|ledger, began_ns| ledger.delete(key, began_ns), key, Fate::Acknowledged);
    }

    fn get(&mut self, key: &str, body: Option<&str>) {
        let seen = body.map_or(Seen::Absent, |body| Seen::Whole(Content::of(body.as_bytes())));
        let began_ns = self.begin();
        self.ledger.read(key, "get", seen, began_ns);
        self.flights.done(began_ns);
    }

    fn list(&mut self, prefix: &str, listed: &[(&str, u64)]) {
        let began_ns = self.begin();
        self.ledger.listed(&ListingCall { prefix, began_ns, ..ListingCall::default() }, listed);
        self.ledger.count_listing();
        self.flights.done(began_ns);
    }

    fn examples(self) -> Vec<String> {
        self.ledger.judge().record("store").examples
    }
}

#[test]
fn what_is_found_is_told_in_sentences() {
    let mut client = Client::default();
    client.put("k", "old");
    client.put("k", "newer");
    client.get("k", Some("newer"));
    client.get("k", Some("old"));
    client.get("k", None);
    client.get("k", Some("rubbish"));
    client.list("", &[]);
    client.list("", &[("k", 7)]);
    client.delete("k");
    client.get("k", Some("newer"));
    client.list("", &[("k", 5)]);
    let old = "3 bytes (digest 0b447bc36c864014)";
    let newer = "5 bytes (digest 096fad7c45ae0b37)";
    let rubbish = "7 bytes (digest 916fbf5f1f0b8f72)";
    let after_put = |ms: u64| format!("that began {ms}ms after the put of {newer} was acknowledged");
    assert_eq!(
        client.examples(),
        [
            format!("key k: a get {} found {rubbish}, which nobody put", after_put(4)),
            format!("key k: a get {} found the older {old}, which had been put 4ms before", after_put(2)),
            format!("key k: a get {} found nothing", after_put(3)),
            format!("key k: a get that began 1ms after its deletion was acknowledged found {newer}"),
            format!("key k: a list {} lacks it", after_put(5)),
            "key k: a list that began 2ms after its deletion was acknowledged has it".to_owned(),
            format!("key k: a list {} gives it 7 bytes", after_put(6)),
        ]
    );
}

#[test]
fn a_content_that_was_replaced_long_ago_is_known_again() {
    let mut client = Client::default();
    for number in 0..1_000 {
        client.put("k", &format!("body {number}"));
    }
    client.get("k", Some("body 17"));
    client.get("k", Some("body 999"));
    let figures = client.ledger.judge().record("store").figures;
    assert_eq!((figures["stale_reads"], figures["corrupted"], figures["reads_checked"]), (1, 0, 2));
}

#[test]
fn what_nobody_needs_any_more_is_forgotten() {
    let mut client = Client { ledger: StoreLedger::remembering(100), ..Client::default() };
    for number in 0..10_000 {
        let key = format!("log/{number}");
        client.put(&key, "body");
        client.get(&key, Some("body"));
        client.delete(&key);
    }
    assert!(client.ledger.keys.len() <= 1, "{}", client.ledger.keys.len());
    assert!(client.ledger.bytes() < 20_000, "{} bytes", client.ledger.bytes());
    client.get("log/9990", Some("body"));
    client.get("log/9990", None);
    client.get("log/17", Some("body"));
    let record = client.ledger.judge().record("store");
    assert_eq!((record.figures["deleted_seen"], record.figures["reads_checked"]), (1, 10_002));
}

#[test]
fn a_slow_listing_keeps_what_it_may_see_and_lets_go_of_it_later() {
    let mut client = Client::default();
    client.put("log/1", "body");
    let listing_ns = client.begin();
    client.delete("log/1");
    client.put("log/2", "body");
    client.put("log/3", "body");
    client.delete("log/3");
    assert_eq!(client.ledger.keys.len(), 3);
    // It saw the first before it was deleted, and the third after it was; the second came too late for it.
    let call = ListingCall { prefix: "log/", began_ns: listing_ns, ..ListingCall::default() };
    client.ledger.listed(&call, &[("log/1", 4)]);
    client.flights.done(listing_ns);
    client.put("log/4", "body");
    assert_eq!(client.ledger.keys.len(), 2);
    assert_eq!(client.examples(), [""; 0]);
}

#[test]
fn a_million_keys_fit_in_a_tenth_of_a_gigabyte_beside_their_names() {
    let mut client = Client::default();
    let keys = 50_000;
    for number in 0..keys {
        client.put(&format!("runs/{number:012}/state"), "body");
    }
    let name = "runs/000000000000/state".len();
    let bytes_a_key = client.ledger.bytes() / keys - name;
    assert!(bytes_a_key < 115, "{bytes_a_key} bytes a key");
}

#[test]
fn several_ledgers_of_one_store_are_one_when_they_are_merged() {
    let (mut one, mut other) = (Client::default(), Client::default());
    one.put("a/1", "body");
    other.put("a/2", "body");
    other.put("b/1", "body");
    one.ledger.merge(other.ledger);
    let mut judge = one.ledger.judge();
    assert_eq!((judge.prefixes(), judge.keys()), (vec!["a/".to_owned(), "b/1".to_owned()], 3));
    judge.listed(&ListingCall { prefix: "a/", ..ListingCall::default() }, &[("a/1", 4)]);
    judge.listed(&ListingCall { prefix: "b/1", ..ListingCall::default() }, &[("b/1", 4)]);
    assert_eq!(judge.take_doubts(), ["a/2"]);
    judge.read("a/2", Seen::Absent);
    assert_eq!(judge.sample(2, 7).len(), 2);
    let record = judge.record("store");
    assert_eq!((record.kind.as_str(), record.passed, record.figures["lost"]), ("store", false, 1));
    assert!(record.examples[0].ends_with("was acknowledged, and at the end it is not there"), "{record:?}");
}

#[test]
fn a_key_that_is_there_and_not_listed_is_missing_in_the_list() {
    let mut client = Client::default();
    client.put("a/1", "body");
    let mut judge = client.ledger.judge();
    judge.listed(&ListingCall { prefix: "a/1", ..ListingCall::default() }, &[]);
    judge.read("a/1", Seen::Whole(Content::of(b"body")));
    let figures = judge.record("store").figures;
    assert_eq!((figures["lost"], figures["missing_in_list"], figures["read_at_end"]), (0, 1, 1));
}
