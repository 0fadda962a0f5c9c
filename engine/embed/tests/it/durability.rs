//! Acknowledged means kept: through kill -9 in either mode, through power loss when durability is on.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use embed::Durability;
use embed::store::{self, ObjectStore, StoreOptions};

use crate::s3_client::Client;
use crate::world::eventually;

/// What writers were told is done: key to value, or to `None` for a deletion.
type Acknowledged = HashMap<String, Option<Vec<u8>>>;

/// Eight clients put, overwrite and delete keys of their own; after `answers_wanted` the store is killed under them. Returns what was acknowledged; a key whose last request got no answer is left out, its fate is open.
fn write_until_killed(store: &ObjectStore, answers_wanted: usize) -> Acknowledged {
    let done = Mutex::new(Acknowledged::new());
    let answers = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for writer in 0..8_usize {
            let (done, answers) = (&done, &answers);
            let mut client = Client::of(store);
            scope.spawn(move || {
                let mut mine = Acknowledged::new();
                for number in 0_usize.. {
                    let key = format!("w{writer}-{}", number % 40);
                    // Every 50th is too large for the log and has a file of its own.
                    let size = if number % 50 == 49 { 1_200_000 } else { 100 + number % 4000 };
                    let value = (number % 5 != 4).then(|| vec![(number % 251) as u8; size]);
                    mine.remove(&key);
                    let sent = match &value {
                        Some(value) => client.try_send("PUT", &format!("/bkt/{key}"), &[], &[], value),
                        None => client.try_send("DELETE", &format!("/bkt/{key}"), &[], &[], b""),
                    };
                    match sent {
                        Ok(answer) => assert!(answer.status < 300, "{}", answer.text()),
                        Err(_) => break,
                    }
                    mine.insert(key, value);
                    answers.fetch_add(1, Ordering::Relaxed);
                }
                done.lock().expect("no writer panics while it holds the lock").extend(mine);
            });
        }
        eventually("enough answers", || answers.load(Ordering::Relaxed) >= answers_wanted);
        store.kill9().expect("it runs");
    });
    done.into_inner().expect("no writer panics while it holds the lock")
}

fn check(store: &ObjectStore, acknowledged: &Acknowledged) {
    let mut client = Client::of(store);
    assert!(acknowledged.len() > 100, "{} keys are too few to say anything", acknowledged.len());
    for (key, value) in acknowledged {
        let answer = client.send("GET", &format!("/bkt/{key}"), &[], b"");
        let found = (answer.status == 200).then_some(answer.body);
        assert!(found == *value, "{key}: acknowledged {:?} bytes, found {:?}", len(value), len(&found));
    }
}

fn len(value: &Option<Vec<u8>>) -> Option<usize> {
    value.as_ref().map(Vec::len)
}

fn options(durability: Durability) -> StoreOptions {
    // Small segments: the log is rolled over and cleaned while the writers run.
    StoreOptions { durability, segment_bytes: 1 << 20, ..StoreOptions::default() }
}

#[test]
fn kill_9_loses_nothing_that_was_acknowledged() {
    for durability in [Durability::On, Durability::Off] {
        let store = store::start(options(durability)).expect("the store starts");
        Client::of(&store).send("PUT", "/bkt", &[], b"");
        for _ in 0..2 {
            let acknowledged = write_until_killed(&store, 1500);
            store.restart().expect("it comes back");
            check(&store, &acknowledged);
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
    for _ in 0..2 {
        let acknowledged = write_until_killed(&store, 1500);
        cut_off_unsynced(&store.data_dir(), &notes);
        store.restart().expect("it comes back");
        check(&store, &acknowledged);
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
    let acknowledged = write_until_killed(&store, 1500);
    cut_off_unsynced(&store.data_dir(), &notes);
    store.restart().expect("an empty log is a log");
    let answer = Client::of(&store).send("GET", "/bkt", &[("list-type", "2")], b"");
    assert_eq!(answer.status, 404, "nothing was synced, so nothing is there: {}", acknowledged.len());
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
