//! How fast the embedded servers are, and how large: `cargo run --release -p snapbench-embed --example measure`, with
//! one of these words for a part of it:
//!
//! - `starts`: Postgres to its first answered query, with and without a cached cluster; restart after kill -9;
//! - `requests`: 4 KB PUT, GET and LIST of each store over 32 connections, with the CPU time the store itself took;
//! - `lists`: a page of 1,000 keys of a bucket with 1,000, and of one with 50,000;
//! - `memory [OBJECTS]`: what the ordered store takes for each object of 4 KB with a key of 40 bytes.

#![expect(clippy::print_stdout, reason = "what it prints is what it is for")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use embed::Durability;
use embed::postgres::{self, PgOptions};
use embed::store::{self, Backend, ObjectStore, StoreOptions};
use s3_client::Client;

#[path = "../tests/it/s3_client.rs"]
#[allow(dead_code, reason = "the tests use all of it")]
mod s3_client;

const CONNECTIONS: usize = 32;
const ROUNDS: usize = 5;
/// The argument with which this program starts one Postgres and says how long it took, in nanoseconds.
const ONE_START: &str = "one-start";

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn main() -> Outcome {
    embed::child::dispatch_if_asked();
    let asked = std::env::args().nth(1);
    match asked.as_deref() {
        Some(ONE_START) => {
            println!("{}", postgres_start()?.as_nanos());
            Ok(())
        }
        Some("starts") => starts(),
        Some("requests") => all_requests(),
        Some("lists") => lists(),
        Some("memory") => memory(std::env::args().nth(2).map_or(Ok(100_000), |count| count.parse())?),
        _ => {
            starts()?;
            all_requests()?;
            lists()?;
            memory(100_000)
        }
    }
}

fn all_requests() -> Outcome {
    for (backend, durability) in [
        (Backend::Ordered, Durability::On),
        (Backend::Ordered, Durability::Off),
        (Backend::Fs, Durability::Off),
        (Backend::Noop, Durability::Off),
    ] {
        for _ in 0..2 {
            requests(backend, durability)?;
        }
    }
    Ok(())
}

fn starts() -> Outcome {
    let cold = repeated(start_with_empty_cache)?;
    println!("postgres start, nothing cached   {cold:?}");
    postgres_start()?;
    let warm = repeated(postgres_start)?;
    println!("postgres start, cluster cached   {warm:?}");
    let server = postgres::start(PgOptions::default())?;
    let recovery = repeated(|| {
        server.kill9()?;
        Ok(server.restart()?)
    })?;
    println!("postgres kill -9 to answering    {recovery:?}");
    let begun = Instant::now();
    server.stop();
    println!("postgres stop                    {:?}", begun.elapsed());
    let store = repeated(|| {
        let begun = Instant::now();
        let store = store::start(StoreOptions::default())?;
        let taken = begun.elapsed();
        drop(store);
        Ok(taken)
    })?;
    println!("store start                      {store:?}");
    Ok(())
}

fn postgres_start() -> Result<Duration, Box<dyn std::error::Error>> {
    let begun = Instant::now();
    let server = postgres::start(PgOptions::default())?;
    let taken = begun.elapsed();
    drop(server);
    Ok(taken)
}

/// In a process of its own, because the cache is chosen by an environment variable.
fn start_with_empty_cache() -> Result<Duration, Box<dyn std::error::Error>> {
    let cache = tempfile::tempdir()?;
    std::fs::set_permissions(cache.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    let mut command = std::process::Command::new(std::env::current_exe()?);
    let output = command.arg(ONE_START).env("SNAPBENCH_CACHE_DIR", cache.path()).output()?;
    Ok(Duration::from_nanos(String::from_utf8(output.stdout)?.trim().parse()?))
}

/// The median of several rounds.
fn repeated(
    mut measure: impl FnMut() -> Result<Duration, Box<dyn std::error::Error>>,
) -> Result<Duration, Box<dyn std::error::Error>> {
    let mut all = (0..ROUNDS).map(|_| measure()).collect::<Result<Vec<_>, _>>()?;
    all.sort();
    Ok(all[ROUNDS / 2])
}

fn requests(backend: Backend, durability: Durability) -> Outcome {
    let store = store::start(StoreOptions { backend, durability, ..StoreOptions::default() })?;
    Client::of(&store).send("PUT", "/bkt", &[], b"");
    let count = if backend == Backend::Fs { 5_000 } else { 20_000 };
    let name = format!("store {backend:?}, durability {durability:?}");
    let value = vec![7; 4096];
    load(&store, &format!("{name}: PUT 4 KB"), count, |client, number| {
        client.send("PUT", &format!("/bkt/key-{number:08}"), &[], &value).status
    });
    load(&store, &format!("{name}: GET 4 KB"), count, |client, number| {
        client.send("GET", &format!("/bkt/key-{number:08}"), &[], b"").status
    });
    load(&store, &format!("{name}: LIST 1000"), 200, |client, number| {
        let after = format!("key-{:08}", number * 20);
        client.send("GET", "/bkt", &[("list-type", "2"), ("start-after", &after)], b"").status
    });
    Ok(())
}

/// The same page of a small and of a large bucket, alternating so that neither has the better moment.
fn lists() -> Outcome {
    let store = store::start(StoreOptions { durability: Durability::Off, ..StoreOptions::default() })?;
    let buckets = [("small", 1_000_usize), ("large", 50_000)];
    for (bucket, count) in buckets {
        Client::of(&store).send("PUT", &format!("/{bucket}"), &[], b"");
        load(&store, &format!("{count} objects into {bucket}"), count, |client, number| {
            client.send("PUT", &format!("/{bucket}/run/{number:08}"), &[], b"x").status
        });
    }
    let mut client = Client::of(&store);
    let mut times = [Vec::new(), Vec::new()];
    for round in 0..200_usize {
        for (at, (bucket, count)) in buckets.into_iter().enumerate() {
            // Anywhere in the large one, whole pages only.
            let after = format!("run/{:08}", if count == 1_000 { 0 } else { round * 240 });
            let begun = Instant::now();
            let page = client.send(
                "GET",
                &format!("/{bucket}"),
                &[("list-type", "2"), ("start-after", &after)],
                b"",
            );
            times[at].push(begun.elapsed());
            assert_eq!(page.status, 200);
        }
    }
    let [small, large] = times.map(|mut times| {
        times.sort();
        times[times.len() / 2]
    });
    let ratio = large.as_secs_f64() / small.as_secs_f64();
    println!("a page of 1,000 keys: of 1,000 {small:?}, of 50,000 {large:?}, ratio {ratio:.2}");
    Ok(())
}

fn memory(objects: usize) -> Outcome {
    let store = store::start(StoreOptions { durability: Durability::Off, ..StoreOptions::default() })?;
    Client::of(&store).send("PUT", "/bkt", &[], b"");
    let value = vec![7; 4096];
    let key = |number: usize| format!("snapbench/runs/{:04}/snapshots/{number:010}", number % 1_000);
    assert_eq!(key(0).len(), 40);
    // Some first, so that what every store has, however few its objects are, does not count.
    let put = |client: &mut Client, number: usize| {
        client.send("PUT", &format!("/bkt/{}", key(number)), &[], &value).status
    };
    load(&store, "warming up", 1_000, put);
    let before = rss_bytes(&store);
    load(&store, &format!("{objects} objects"), objects, |client, number| put(client, 1_000 + number));
    let after = rss_bytes(&store);
    let each = (after - before) / objects as f64;
    println!(
        "memory: {:.1} MiB with {objects} objects, {each:.0} bytes an object",
        after / f64::from(1 << 20)
    );
    Ok(())
}

/// Resident memory of the store process, from proc_pid_status.
fn rss_bytes(store: &ObjectStore) -> f64 {
    let pid = store.pid().unwrap_or_default();
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let kilobytes =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().split(' ').next()?.parse().ok());
    kilobytes.map_or(f64::NAN, |kilobytes: f64| kilobytes * 1024.0)
}

fn load(store: &ObjectStore, what: &str, count: usize, request: impl Fn(&mut Client, usize) -> u16 + Sync) {
    let next = AtomicUsize::new(0);
    let (begun, cpu) = (Instant::now(), cpu_time(store));
    std::thread::scope(|scope| {
        for _ in 0..CONNECTIONS {
            scope.spawn(|| {
                let mut client = Client::of(store);
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        return;
                    }
                    assert_eq!(request(&mut client, number), 200);
                }
            });
        }
    });
    let rate = count as f64 / begun.elapsed().as_secs_f64();
    let cpu_us = (cpu_time(store) - cpu).as_secs_f64() * 1e6 / count as f64;
    println!("{what:<45} {rate:>8.0}/s   store CPU {cpu_us:>6.1} µs");
}

/// CPU time the store has used so far, from proc_pid_schedstat, nanoseconds over all its threads.
fn cpu_time(store: &ObjectStore) -> Duration {
    let Some(pid) = store.pid() else { return Duration::ZERO };
    let Ok(threads) = std::fs::read_dir(format!("/proc/{pid}/task")) else { return Duration::ZERO };
    let nanoseconds = threads.flatten().filter_map(|thread| {
        let text = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanoseconds.sum())
}
