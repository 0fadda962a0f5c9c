//! The store as its callers see it, without HTTP: what was acknowledged is there, whatever happens.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use bytes::Bytes;
use proptest::prelude::*;

use super::*;

fn options(durable: bool) -> LogOptions {
    LogOptions { durable, segment_bytes: 4096, sync_notes: None }
}

fn open(dir: &Path) -> OrderedStore {
    try_open(dir, options(true)).unwrap()
}

fn try_open(dir: &Path, options: LogOptions) -> Result<OrderedStore, EmbedError> {
    OrderedStore::open(dir, options, Box::new(|answers| answers.into_iter().for_each(Answer::give)))
}

fn make(store: &OrderedStore, change: Change) -> Result<(), Refusal> {
    store.change(change).blocking_recv().unwrap()
}

fn put(store: &OrderedStore, key: &str, value: &[u8]) -> Result<(), Refusal> {
    put_if(store, key, value, Condition::None)
}

fn put_if(store: &OrderedStore, key: &str, value: &[u8], condition: Condition) -> Result<(), Refusal> {
    let (bucket, key) = ("b".to_owned(), key.to_owned());
    let mut etag = Tag::default();
    etag.digest[..4].copy_from_slice(&crc32fast::hash(value).to_le_bytes());
    let value = Value::Bytes(vec![Bytes::copy_from_slice(value)]);
    make(store, Change::Put { bucket, key, meta: Bytes::from_static(b"{}"), value, etag, condition })
}

fn delete(store: &OrderedStore, keys: &[&str]) -> Result<(), Refusal> {
    let keys = keys.iter().map(|key| (*key).to_owned()).collect();
    make(store, Change::Delete { bucket: "b".into(), keys })
}

fn bucket(store: &OrderedStore) {
    make(store, Change::CreateBucket { bucket: "b".into() }).unwrap();
}

fn value(store: &OrderedStore, key: &str) -> Option<Vec<u8>> {
    match store.get("b", key) {
        Ok(Found { value: Stored::Bytes(bytes), .. }) => Some(bytes.to_vec()),
        Ok(Found { value: Stored::File(mut file), .. }) => {
            let mut bytes = Vec::new();
            std::io::Read::read_to_end(&mut file, &mut bytes).unwrap();
            Some(bytes)
        }
        Err(ReadError::NoSuchKey) => None,
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn what_was_put_is_there_after_opening_again() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    bucket(&store);
    put(&store, "a", b"1").unwrap();
    put(&store, "c", b"2").unwrap();
    put(&store, "a", b"3").unwrap();
    delete(&store, &["c", "never there"]).unwrap();
    let created = store.bucket("b");
    drop(store);
    let store = open(dir.path());
    assert_eq!(value(&store, "a"), Some(b"3".to_vec()));
    assert_eq!(value(&store, "c"), None);
    assert_eq!(store.bucket("b"), created);
    assert_eq!(store.get("b", "a").unwrap().meta, "{}");
}

#[test]
fn buckets_are_made_once_and_removed_when_empty() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    assert_eq!(put(&store, "k", b""), Err(Refusal::NoSuchBucket));
    bucket(&store);
    assert_eq!(make(&store, Change::CreateBucket { bucket: "b".into() }), Err(Refusal::BucketExists));
    put(&store, "k", b"").unwrap();
    assert_eq!(make(&store, Change::DeleteBucket { bucket: "b".into() }), Err(Refusal::BucketNotEmpty));
    delete(&store, &["k"]).unwrap();
    make(&store, Change::DeleteBucket { bucket: "b".into() }).unwrap();
    assert_eq!(make(&store, Change::DeleteBucket { bucket: "b".into() }), Err(Refusal::NoSuchBucket));
    drop(store);
    assert!(open(dir.path()).buckets().is_empty());
}

#[test]
fn conditions_are_judged_by_what_holds() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    bucket(&store);
    assert_eq!(put_if(&store, "k", b"1", Condition::Present), Err(Refusal::NoSuchKey));
    put_if(&store, "k", b"1", Condition::Absent).unwrap();
    assert_eq!(put_if(&store, "k", b"2", Condition::Absent), Err(Refusal::ConditionFailed));
    let etag = store.get("b", "k").unwrap().about.etag;
    put_if(&store, "k", b"2", Condition::ETag(etag)).unwrap();
    assert_eq!(put_if(&store, "k", b"3", Condition::ETag(etag)), Err(Refusal::ConditionFailed));
    put_if(&store, "k", b"3", Condition::Present).unwrap();
    assert_eq!(value(&store, "k"), Some(b"3".to_vec()));
}

#[test]
fn of_many_at_once_one_creates() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    bucket(&store);
    for round in 0..20 {
        let key = format!("k{round}");
        let won = std::thread::scope(|scope| {
            let attempt = || put_if(&store, &key, b"x", Condition::Absent).is_ok();
            let attempts: Vec<_> = (0..8).map(|_| scope.spawn(attempt)).collect();
            attempts
                .into_iter()
                .filter(|_| true)
                .map(|attempt| attempt.join().unwrap())
                .filter(|won| *won)
                .count()
        });
        assert_eq!(won, 1);
    }
}

#[test]
fn many_changes_share_a_sync() {
    let dir = tempfile::tempdir().unwrap();
    let notes = dir.path().join("notes");
    let options = LogOptions { segment_bytes: 1 << 20, sync_notes: Some(notes.clone()), ..options(true) };
    let store = try_open(&dir.path().join("store"), options).unwrap();
    bucket(&store);
    let syncs =
        || fs::read_to_string(&notes).unwrap().lines().filter(|line| line.starts_with("data")).count();
    let before = syncs();
    // All are handed in before the first answer is awaited.
    let answers: Vec<_> = (0..500)
        .map(|number| {
            let value = Value::Bytes(vec![Bytes::from_static(b"v")]);
            let (bucket, key, meta) = ("b".to_owned(), format!("k{number}"), Bytes::new());
            store.change(Change::Put {
                bucket,
                key,
                meta,
                value,
                etag: Tag::default(),
                condition: Condition::None,
            })
        })
        .collect();
    answers.into_iter().for_each(|answer| answer.blocking_recv().unwrap().unwrap());
    let shared = syncs() - before;
    assert!((1..=250).contains(&shared), "500 changes took {shared} syncs");
}

#[test]
fn a_large_value_has_a_file_of_its_own_and_loses_it() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    bucket(&store);
    let large = || fs::read_dir(dir.path().join("large")).unwrap().count();
    let stage = |bytes: &[u8]| {
        let mut file = store.stage().unwrap();
        bytes.chunks(3).for_each(|chunk| file.append(chunk).unwrap());
        file
    };
    let put = |file, condition| {
        let (bucket, key) = ("b".to_owned(), "k".to_owned());
        make(
            &store,
            Change::Put {
                bucket,
                key,
                meta: Bytes::new(),
                value: Value::File(file),
                etag: Tag { digest: [1; 16], parts: 0 },
                condition,
            },
        )
    };
    put(stage(b"first value"), Condition::None).unwrap();
    let Ok(Found { value: Stored::File(mut opened), .. }) = store.get("b", "k") else { panic!("no file") };
    put(stage(b"second"), Condition::None).unwrap();
    assert_eq!(large(), 1, "the replaced one's file is gone");
    assert_eq!(put(stage(b"refused"), Condition::Absent), Err(Refusal::ConditionFailed));
    assert_eq!(large(), 1, "the refused one's file is gone");
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut opened, &mut bytes).unwrap();
    assert_eq!(bytes, b"first value", "who had opened it reads on");
    fs::write(dir.path().join("large/999"), "left by a crash").unwrap();
    drop(store);
    let store = open(dir.path());
    assert_eq!(large(), 1);
    assert_eq!(value(&store, "k"), Some(b"second".to_vec()));
    delete(&store, &["k"]).unwrap();
    assert_eq!(large(), 0);
}

#[test]
fn an_unfinished_record_at_the_end_is_cut_off_and_writing_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    bucket(&store);
    put(&store, "a", b"kept").unwrap();
    put(&store, "b", b"unfinished").unwrap();
    drop(store);
    let log = dir.path().join("log/0000000001.log");
    let length = fs::metadata(&log).unwrap().len();
    fs::OpenOptions::new().write(true).open(&log).unwrap().set_len(length - 3).unwrap();
    let store = open(dir.path());
    assert_eq!(value(&store, "a"), Some(b"kept".to_vec()));
    assert_eq!(value(&store, "b"), None);
    put(&store, "b", b"again").unwrap();
    drop(store);
    assert_eq!(value(&open(dir.path()), "b"), Some(b"again".to_vec()));
}

#[test]
fn damage_before_the_end_is_refused_and_named() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    bucket(&store);
    for number in 0..50 {
        put(&store, &format!("k{number}"), &[7; 200]).unwrap();
    }
    drop(store);
    let log = dir.path().join("log/0000000001.log");
    let mut bytes = fs::read(&log).unwrap();
    bytes[100] ^= 1;
    fs::write(&log, bytes).unwrap();
    let error = try_open(dir.path(), options(true)).unwrap_err();
    assert!(matches!(error, EmbedError::DamagedLog { .. }), "{error}");
    assert!(error.to_string().contains("0000000001.log is damaged at byte"), "{error}");
}

#[test]
fn a_damaged_value_is_not_handed_out() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    bucket(&store);
    put(&store, "k", b"a value that is changed on disk").unwrap();
    let log = dir.path().join("log/0000000001.log");
    let mut bytes = fs::read(&log).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&log, bytes).unwrap();
    assert!(matches!(store.get("b", "k"), Err(ReadError::Damaged(_))));
}

/// The log's size stays within bounds however often keys are rewritten, and nothing is lost or comes back.
#[test]
fn garbage_is_cleaned_away() {
    for durable in [true, false] {
        let dir = tempfile::tempdir().unwrap();
        let store = try_open(dir.path(), options(durable)).unwrap();
        bucket(&store);
        put(&store, "cold", b"written once").unwrap();
        for round in 0..400_u32 {
            put(&store, &format!("hot{}", round % 3), &round.to_le_bytes().repeat(50)).unwrap();
            put(&store, &format!("gone{round}"), b"x").unwrap();
            delete(&store, &[&format!("gone{round}")]).unwrap();
        }
        // A few more: cleaning goes on with each batch.
        (0..50).for_each(|_| put(&store, "hot0", b"last").unwrap());
        let check = |store: &OrderedStore| {
            assert_eq!(value(store, "cold"), Some(b"written once".to_vec()));
            assert_eq!(value(store, "hot0"), Some(b"last".to_vec()));
            assert_eq!(value(store, "hot2"), Some(398_u32.to_le_bytes().repeat(50)));
            assert!((0..400).all(|round| value(store, &format!("gone{round}")).is_none()));
        };
        check(&store);
        let log_bytes: u64 = fs::read_dir(dir.path().join("log"))
            .unwrap()
            .map(|file| file.unwrap().metadata().unwrap().len())
            .sum();
        assert!(log_bytes < 6 * 4096, "{log_bytes} bytes of log for about 700 bytes of values");
        drop(store);
        check(&open(dir.path()));
    }
}

#[derive(Clone, Debug)]
enum Step {
    Put(u8, u8),
    Delete(Vec<u8>),
    Reopen,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => (0..12_u8, any::<u8>()).prop_map(|(key, value)| Step::Put(key, value)),
        4 => prop::collection::vec(0..12_u8, 1..4).prop_map(Step::Delete),
        1 => Just(Step::Reopen),
    ];
    prop::collection::vec(step, 1..150)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Against a plain map, through any mix of changes and restarts, cleaning included.
    #[test]
    fn the_store_is_an_ordered_map(steps in steps(), durable in any::<bool>()) {
        let dir = tempfile::tempdir().unwrap();
        let open = || {
            let options = LogOptions { segment_bytes: 700, ..options(durable) };
            try_open(dir.path(), options).unwrap()
        };
        let mut store = open();
        bucket(&store);
        let mut expected: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        let name = |key: u8| format!("key-{key:02}");
        for step in steps {
            match step {
                Step::Put(key, byte) => {
                    let bytes = vec![byte; usize::from(byte)];
                    put(&store, &name(key), &bytes).unwrap();
                    expected.insert(name(key), bytes);
                }
                Step::Delete(keys) => {
                    let names: Vec<String> = keys.into_iter().map(name).collect();
                    delete(&store, &names.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
                    names.iter().for_each(|name| drop(expected.remove(name)));
                }
                Step::Reopen => {
                    drop(store);
                    store = open();
                }
            }
        }
        let listing = store.page("b", &Page { prefix: "", delimiter: "", after: b"", limit: 1000 }).unwrap();
        let keys: Vec<String> = listing.items.into_iter().map(|item| match item {
            Item::Object { key, .. } => key,
            Item::CommonPrefix(prefix) => prefix,
        }).collect();
        prop_assert_eq!(&keys, &expected.keys().cloned().collect::<Vec<_>>());
        for (key, bytes) in &expected {
            prop_assert_eq!(value(&store, key), Some(bytes.clone()));
        }
    }
}
