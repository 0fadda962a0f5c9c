//! Acknowledged means kept: through kill -9 in either mode, through power loss when durability is on.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use embed::Durability;
use embed::store::{self, ObjectStore, StoreOptions};

use crate::s3_client::{Answer, Client};
use crate::world::eventually;

/// What writers were told.
#[derive(Default)]
struct Acknowledged {
    /// Of keys that one writer alone writes: what is there, or `None` for a deletion. A key whose last request got no
    /// answer is left out, its fate is open.
    own: HashMap<String, Option<Object>>,
    /// Of keys that all writers try to create: each who was told that it did.
    created: HashMap<String, Vec<Object>>,
    /// Of those keys: somebody was told that another was first.
    refused: HashSet<String>,
}

#[derive(Clone, PartialEq)]
struct Object {
    value: Vec<u8>,
    etag: String,
}

impl Acknowledged {
    fn extend(&mut self, more: Acknowledged) {
        self.own.extend(more.own);
        more.created.into_iter().for_each(|(key, all)| self.created.entry(key).or_default().extend(all));
        self.refused.extend(more.refused);
    }
}

/// One of those who write at once.
struct Writer {
    number: usize,
    client: Client,
    told: Acknowledged,
}

impl Writer {
    /// One change; the error is that of a killed store.
    fn step(&mut self, number: usize) -> std::io::Result<()> {
        match number % 25 {
            7 => return self.create(&format!("once-{}", number / 25)),
            8 => return self.put_in_parts(&format!("w{}-parts", self.number), number),
            _ => {}
        }
        let key = format!("w{}-{}", self.number, number % 24);
        self.told.own.remove(&key);
        let path = format!("/bkt/{key}");
        let object = if number % 5 == 4 {
            sent(self.client.try_send("DELETE", &path, &[], &[], b""))?;
            None
        } else {
            // Every 50th is too large for the log and has a file of its own.
            let size = if number % 50 == 46 { 1_200_000 } else { 100 + number * 997 % 2000 };
            let value = vec![(number % 251) as u8; size];
            let etag = etag(&sent(self.client.try_send("PUT", &path, &[], &[], &value))?);
            Some(Object { value, etag })
        };
        self.told.own.insert(key, object);
        Ok(())
    }

    /// All writers try the same keys at about the same time.
    fn create(&mut self, key: &str) -> std::io::Result<()> {
        let value = format!("{key} of writer {}", self.number).into_bytes();
        let path = format!("/bkt/{key}");
        let answer = self.client.try_send("PUT", &path, &[], &[("if-none-match", "*")], &value)?;
        if answer.status == 412 {
            self.told.refused.insert(key.to_owned());
            return Ok(());
        }
        let etag = etag(&sent(Ok(answer))?);
        self.told.created.entry(key.to_owned()).or_default().push(Object { value, etag });
        Ok(())
    }

    fn put_in_parts(&mut self, key: &str, number: usize) -> std::io::Result<()> {
        let (path, value) = (format!("/bkt/{key}"), format!("{number} in one part").into_bytes());
        self.told.own.remove(key);
        let begun = sent(self.client.try_send("POST", &path, &[("uploads", "")], &[], b""))?;
        let id = begun.element("UploadId").expect("it has an id");
        let query = [("partNumber", "1"), ("uploadId", id.as_str())];
        let part = etag(&sent(self.client.try_send("PUT", &path, &query, &[], &value))?);
        let list = format!(
            "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{part}</ETag></Part></CompleteMultipartUpload>"
        );
        let done = self.client.try_send("POST", &path, &[("uploadId", &id)], &[], list.as_bytes());
        let etag = sent(done)?.element("ETag").expect("it has an ETag").replace("&quot;", "\"");
        self.told.own.insert(key.to_owned(), Some(Object { value, etag }));
        Ok(())
    }
}

fn sent(answer: std::io::Result<Answer>) -> std::io::Result<Answer> {
    answer.inspect(|answer| assert!(answer.status < 300, "{}", answer.text()))
}

fn etag(answer: &Answer) -> String {
    answer.header("etag").expect("what was put has an ETag").to_owned()
}

/// Eight clients put, overwrite, create and delete; after `answers_wanted` the store is killed under them. Returns
/// what they were told. Rounds count from 0, and each creates keys of its own.
fn write_until_killed(store: &ObjectStore, round: usize, answers_wanted: usize) -> Acknowledged {
    let told = Mutex::new(Acknowledged::default());
    let answers = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for number in 0..8_usize {
            let (told, answers) = (&told, &answers);
            let mut writer = Writer { number, client: Client::of(store), told: Acknowledged::default() };
            scope.spawn(move || {
                for number in round * 1_000_000.. {
                    if writer.step(number).is_err() {
                        break;
                    }
                    answers.fetch_add(1, Ordering::Relaxed);
                }
                told.lock().expect("no writer panics while it holds the lock").extend(writer.told);
            });
        }
        eventually("enough answers", || answers.load(Ordering::Relaxed) >= answers_wanted);
        store.kill9().expect("it runs");
    });
    told.into_inner().expect("no writer panics while it holds the lock")
}

/// Holds what is there against what was said to be there.
fn check(store: &ObjectStore, told: &Acknowledged) {
    let mut client = Client::of(store);
    assert!(told.own.len() > 100, "{} keys are too few to say anything", told.own.len());
    assert!(!told.created.is_empty() && !told.refused.is_empty(), "nobody raced");
    let listed = listed(&mut client);
    for (key, object) in &told.own {
        let found = found(&mut client, key);
        assert!(found == *object, "{key}: acknowledged {:?} bytes, found {:?}", len(object), len(&found));
        assert_eq!(listed.get(key), object.as_ref().map(|object| &object.etag), "{key} in the listing");
    }
    for (key, winners) in &told.created {
        assert_eq!(winners.len(), 1, "{key} was created by {} writers", winners.len());
        assert!(found(&mut client, key).as_ref() == winners.first(), "{key} is not its creator's");
    }
    for key in &told.refused {
        let found =
            found(&mut client, key).unwrap_or_else(|| panic!("{key}: another was first, and nobody was"));
        assert!(found.value.starts_with(format!("{key} of writer ").as_bytes()));
        assert_eq!(listed.get(key), Some(&found.etag));
    }
}

fn found(client: &mut Client, key: &str) -> Option<Object> {
    let answer = client.send("GET", &format!("/bkt/{key}"), &[], b"");
    assert!(matches!(answer.status, 200 | 404), "{}", answer.text());
    (answer.status == 200).then(|| Object { etag: etag(&answer), value: answer.body })
}

/// All keys, each listed once and in order, and their ETags.
fn listed(client: &mut Client) -> HashMap<String, String> {
    let mut all: Vec<(String, String)> = Vec::new();
    loop {
        let after = all.last().map_or(String::new(), |(key, _)| key.clone());
        let page = client.send("GET", "/bkt", &[("list-type", "2"), ("start-after", &after)], b"");
        let etags = page.elements("ETag").into_iter().map(|etag| etag.replace("&quot;", "\""));
        all.extend(page.elements("Key").into_iter().zip(etags));
        if page.element("IsTruncated").as_deref() != Some("true") {
            break;
        }
    }
    assert!(all.is_sorted_by(|(one, _), (next, _)| one < next), "a key is listed twice or out of order");
    all.into_iter().collect()
}

fn len(object: &Option<Object>) -> Option<usize> {
    object.as_ref().map(|object| object.value.len())
}

fn options(durability: Durability) -> StoreOptions {
    // Small segments: the log is rolled over and cleaned while the writers run.
    StoreOptions { durability, segment_bytes: 128 << 10, ..StoreOptions::default() }
}

/// How many segments of the log have been cleaned and removed: they are numbered from 1.
fn cleaned(store: &ObjectStore) -> u32 {
    let names = fs::read_dir(store.data_dir().join("log")).expect("it has a log").flatten();
    let number = |name: &std::ffi::OsStr| name.to_str()?.strip_suffix(".log")?.parse::<u32>().ok();
    names.filter_map(|entry| number(&entry.file_name())).min().expect("it has a segment") - 1
}

#[test]
fn kill_9_loses_nothing_that_was_acknowledged() {
    for durability in [Durability::On, Durability::Off] {
        let store = store::start(options(durability)).expect("the store starts");
        Client::of(&store).send("PUT", "/bkt", &[], b"");
        for round in 0..2 {
            let told = write_until_killed(&store, round, 1000);
            assert!(cleaned(&store) > 1, "it was killed while its log was being cleaned");
            store.restart().expect("it comes back");
            check(&store, &told);
        }
    }
}

#[test]
fn power_loss_loses_nothing_that_was_acknowledged() {
    let notes_folder = tempfile::tempdir().expect("a temporary folder");
    let notes = notes_folder.path().join("notes");
    let options = StoreOptions { sync_notes: Some(notes.clone()), ..options(Durability::On) };
    let store = store::start(options).expect("the store starts");
    Client::of(&store).send("PUT", "/bkt", &[], b"");
    for round in 0..2 {
        let told = write_until_killed(&store, round, 1000);
        assert!(cleaned(&store) > 1, "it was killed while its log was being cleaned");
        cut_off_unsynced(&store.data_dir(), &notes);
        store.restart().expect("it comes back");
        check(&store, &told);
    }
}

#[test]
fn the_power_loss_test_sees_what_was_not_synced() {
    let notes_folder = tempfile::tempdir().expect("a temporary folder");
    let notes = notes_folder.path().join("notes");
    // The same test on a store that does not sync must find a loss, or it proves nothing.
    let options = StoreOptions { sync_notes: Some(notes.clone()), ..options(Durability::Off) };
    let store = store::start(options).expect("the store starts");
    Client::of(&store).send("PUT", "/bkt", &[], b"");
    let told = write_until_killed(&store, 0, 1000);
    cut_off_unsynced(&store.data_dir(), &notes);
    store.restart().expect("an empty log is a log");
    let answer = Client::of(&store).send("GET", "/bkt", &[("list-type", "2")], b"");
    assert_eq!(answer.status, 404, "nothing was synced, so nothing is there: {}", told.own.len());
}

/// Does to the files what a power loss may do at worst: bytes beyond the last sync of a file are gone, and so are
/// files whose names were not synced with their folder.
fn cut_off_unsynced(dir: &Path, notes: &Path) {
    let text = fs::read_to_string(notes).expect("the store keeps notes");
    let mut lengths: HashMap<PathBuf, u64> = HashMap::new();
    let mut names: HashMap<PathBuf, HashSet<PathBuf>> = HashMap::new();
    let mut folder = PathBuf::new();
    for line in text.lines() {
        let (kind, rest) = line.split_once(' ').expect("a kind and its object");
        match kind {
            "data" => {
                let (length, path) = rest.split_once(' ').expect("a length and a path");
                lengths.insert(path.into(), length.parse().expect("a length"));
            }
            "folder" => {
                folder = rest.into();
                names.insert(folder.clone(), HashSet::new());
            }
            "name" => drop(names.get_mut(&folder).expect("names follow their folder").insert(rest.into())),
            other => panic!("a note of an unknown kind: {other}"),
        }
    }
    for folder in ["log", "large"].map(|name| dir.join(name)) {
        for file in fs::read_dir(&folder).expect("it exists").flatten().map(|entry| entry.path()) {
            let name_is_safe = names.get(&folder).is_some_and(|names| names.contains(&file));
            if !name_is_safe {
                fs::remove_file(&file).expect("it can be removed");
                continue;
            }
            let length = lengths.get(&file).copied().unwrap_or(0);
            let opened = fs::OpenOptions::new().write(true).open(&file).expect("it can be opened");
            let now = opened.metadata().expect("it has metadata").len();
            opened.set_len(length.min(now)).expect("it can be cut");
        }
    }
}
