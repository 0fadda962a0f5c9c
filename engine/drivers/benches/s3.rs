//! What an operation on an object store costs the client: PUT and GET of small objects through both clients,
//! taking turns, on an endpoint that runs elsewhere.
//!
//! ```text
//! cargo bench -p snapbench-drivers --bench s3 -- --endpoint http://127.0.0.1:9000 \
//!     --bucket bench --access-key KEY --secret-key SECRET
//! ```
//!
//! Prints operations a second, and client CPU (user and system, of the whole process) in microseconds an
//! operation: medians over the rounds, least and most beside them. `--rounds 5`, `--ops 20000`,
//! `--size 4096`, `--concurrency 32`, `--clients lean,sdk` and `--sign-payload` change what is done.
#![allow(clippy::print_stdout, clippy::print_stderr)] // A bench speaks to whoever ran it.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use drivers::s3::{S3Settings, Store};
use rustix::time::{ClockId, clock_gettime};
use tokio::task::LocalSet;

/// As in the `snapbench` binary: what is measured is what users run.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

struct Plan {
    settings: S3Settings,
    clients: Vec<String>,
    rounds: usize,
    ops: u64,
    size_bytes: usize,
    concurrency: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Op {
    Put,
    Get,
}

/// Operations a second and CPU an operation, one of each a round.
#[derive(Default)]
struct Figures {
    ops_a_second: Vec<f64>,
    cpu_us: Vec<f64>,
}

fn main() -> ExitCode {
    let outcome = plan(std::env::args().skip(1)).and_then(|plan| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| error.to_string())?;
        LocalSet::new().block_on(&runtime, measure(&plan))
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

fn plan(mut words: impl Iterator<Item = String>) -> Result<Plan, String> {
    let mut plan = Plan {
        settings: S3Settings::default(),
        clients: vec!["lean".to_owned(), "sdk".to_owned()],
        rounds: 5,
        ops: 20_000,
        size_bytes: 4096,
        concurrency: 32,
    };
    while let Some(word) = words.next() {
        // Cargo says so of its own accord.
        if word == "--bench" {
            continue;
        }
        if word == "--sign-payload" {
            plan.settings.sign_payload = Some(true);
            continue;
        }
        let value = words.next().ok_or_else(|| format!("{word} wants a value"))?;
        let number =
            || value.parse::<u64>().ok().filter(|n| *n > 0).ok_or_else(|| format!("{word} wants a number"));
        match word.as_str() {
            "--endpoint" => plan.settings.endpoint = Some(value),
            "--bucket" => plan.settings.bucket = Some(value),
            "--access-key" => plan.settings.access_key = Some(value),
            "--secret-key" => plan.settings.secret_key = Some(value),
            "--region" => plan.settings.region = Some(value),
            "--clients" => plan.clients = value.split(',').map(str::to_owned).collect(),
            "--rounds" => plan.rounds = number()? as usize,
            "--ops" => plan.ops = number()?,
            "--size" => plan.size_bytes = number()? as usize,
            "--concurrency" => plan.concurrency = number()?,
            _ => return Err(format!("there is no option {word}; the head of benches/s3.rs lists them")),
        }
    }
    if plan.settings.endpoint.is_none() {
        return Err("say which store to measure with --endpoint http://host:port".to_owned());
    }
    plan.settings = plan.settings.or_environment(|name| std::env::var(name).ok());
    Ok(plan)
}

async fn measure(plan: &Plan) -> Result<(), String> {
    let mut stores = Vec::new();
    for client in &plan.clients {
        let settings = S3Settings { client: Some(client.clone()), ..plan.settings.clone() };
        let config = settings.check().map_err(|error| error.to_string())?;
        stores.push(Store::open(&config).map_err(|error| error.to_string())?);
    }
    let first = stores.first().ok_or("name a client with --clients")?;
    let created = first.create_bucket().await;
    if !created.is_ok() && created.class.as_deref() != Some("BucketAlreadyOwnedByYou") {
        eprintln!("{}", created.message.unwrap_or_default());
    }
    // Connections, caches and pools are warm before anything counts.
    for store in &stores {
        for op in [Op::Put, Op::Get] {
            round(store, op, plan, plan.ops.min(2_000)).await?;
        }
    }
    let mut figures: BTreeMap<(Op, &str), Figures> = BTreeMap::new();
    for _ in 0..plan.rounds {
        for op in [Op::Put, Op::Get] {
            for (store, client) in stores.iter().zip(&plan.clients) {
                let (ops_a_second, cpu_us) = round(store, op, plan, plan.ops).await?;
                let of_one = figures.entry((op, client)).or_default();
                of_one.ops_a_second.push(ops_a_second);
                of_one.cpu_us.push(cpu_us);
            }
        }
    }
    println!(
        "{} bytes, concurrency {}, {} operations a round, {} rounds",
        plan.size_bytes, plan.concurrency, plan.ops, plan.rounds
    );
    println!("{:<4} {:<5} {:>10} {:>28}", "op", "client", "ops/s", "client CPU us/op (min-max)");
    for ((op, client), mut of_one) in figures {
        let rate = median(&mut of_one.ops_a_second);
        let cpu_us = median(&mut of_one.cpu_us);
        let (least, most) = (of_one.cpu_us[0], of_one.cpu_us[of_one.cpu_us.len() - 1]);
        let name = if op == Op::Put { "PUT" } else { "GET" };
        println!("{name:<4} {client:<5} {rate:>10.0} {:>28}", format!("{cpu_us:.2} ({least:.2}-{most:.2})"));
    }
    if let Some(cleaned) = stores.last() {
        cleaned.delete_prefix("bench/").await;
    }
    Ok(())
}

/// Carries out `ops` operations and returns operations a second and CPU microseconds an operation.
async fn round(store: &Store, op: Op, plan: &Plan, ops: u64) -> Result<(f64, f64), String> {
    let body = Bytes::from(vec![0x5a; plan.size_bytes]);
    let next = Rc::new(Cell::new(0));
    let (began, cpu_before) = (Instant::now(), cpu_time());
    let mut users = Vec::new();
    for _ in 0..plan.concurrency {
        let (store, body, next) = (store.clone(), body.clone(), Rc::clone(&next));
        users.push(tokio::task::spawn_local(async move {
            loop {
                let number = next.get();
                if number == ops {
                    return Ok(());
                }
                next.set(number + 1);
                let key = format!("bench/{:05}", number % 2_000);
                let reply = match op {
                    Op::Put => store.put(&key, body.clone()).await,
                    Op::Get => store.get(&key).await,
                };
                if !reply.is_ok() {
                    return Err(reply.message.unwrap_or_else(|| reply.outcome.to_string()));
                }
            }
        }));
    }
    for user in users {
        user.await.map_err(|error| error.to_string())??;
    }
    let (took, cpu) = (began.elapsed(), cpu_time() - cpu_before);
    Ok((ops as f64 / took.as_secs_f64(), cpu.as_secs_f64() * 1e6 / ops as f64))
}

/// User and system time of this process.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
