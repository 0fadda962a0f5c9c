//! What a compare-and-swap through the Postgres driver costs: transactions a second and client CPU a
//! transaction.
//!
//! ```text
//! cargo bench -p snapbench-drivers --bench pg -- URL [dedicated|pipelined|pooled] [key=value ...]
//!     vus=8 connections=8 threads=2 seconds=10 rows=100000
//! ```
//!
//! The table `head` is made when it is missing. For the same load from pgbench (`-M prepared`), run
//! `\set id random(1, 100000)` and
//! `UPDATE head SET seq = seq + 1 WHERE id = :id AND seq >= 0 RETURNING seq;`.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use drivers::Value;
use drivers::pg::{PgConfig, PgOptions, PoolMode, Postgres, Rule, Session, Statement};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const CAS: &str = "UPDATE head SET seq = seq + 1 WHERE id = $1 AND seq >= $2 RETURNING seq";
const WARM_UP: Duration = Duration::from_secs(1);

#[derive(Clone)]
struct Plan {
    config: PgConfig,
    mode: PoolMode,
    vus: usize,
    threads: usize,
    seconds: u64,
    rows: u64,
}

fn main() -> ExitCode {
    // Cargo adds `--bench`.
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    match plan(&words).and_then(|plan| measure(&plan)) {
        Ok(line) => {
            #[expect(clippy::print_stdout, reason = "the result of a benchmark program")]
            {
                println!("{line}");
            }
            ExitCode::SUCCESS
        }
        Err(message) => {
            #[expect(clippy::print_stderr, reason = "the result of a benchmark program")]
            {
                eprintln!("{message}");
            }
            ExitCode::FAILURE
        }
    }
}

fn plan(words: &[String]) -> Result<Option<Plan>, String> {
    let Some(url) = words.first() else { return Ok(None) };
    let config = PgConfig::resolve(url).map_err(|error| error.to_string())?;
    let get = |key: &str, default: u64| -> Result<u64, String> {
        let value = words.iter().find_map(|word| word.strip_prefix(key)?.strip_prefix('='));
        value.map_or(Ok(default), |text| text.parse().map_err(|_| format!("{key}={text} is not a number")))
    };
    let connections = get("connections", 8)? as usize;
    let mode = match words.get(1).map_or("dedicated", String::as_str) {
        "dedicated" => PoolMode::Dedicated,
        "pipelined" => PoolMode::Pipelined { connections },
        "pooled" => PoolMode::Pooled { size: connections },
        other => return Err(format!("`{other}` is no mode: dedicated, pipelined or pooled")),
    };
    let (vus, threads) = (get("vus", 8)? as usize, get("threads", 2)? as usize);
    Ok(Some(Plan { config, mode, vus, threads, seconds: get("seconds", 10)?, rows: get("rows", 100_000)? }))
}

fn measure(plan: &Option<Plan>) -> Result<String, String> {
    let Some(plan) = plan else { return Ok("no server given: nothing measured".to_owned()) };
    prepare(plan)?;
    let stop = Arc::new(AtomicBool::new(false));
    let counters: Vec<Arc<AtomicU64>> = (0..plan.threads).map(|_| Arc::default()).collect();
    let workers: Vec<_> = counters
        .iter()
        .enumerate()
        .map(|(core, counter)| {
            let (plan, counter, stop) = (plan.clone(), Arc::clone(counter), Arc::clone(&stop));
            thread::spawn(move || run_core(&plan, core, &counter, &stop))
        })
        .collect();
    let done = || counters.iter().map(|counter| counter.load(Ordering::Relaxed)).sum::<u64>();
    thread::sleep(WARM_UP);
    let (begun, cpu_before, done_before) = (Instant::now(), cpu(), done());
    thread::sleep(Duration::from_secs(plan.seconds));
    let (elapsed, spent, count) = (begun.elapsed(), cpu() - cpu_before, done() - done_before);
    stop.store(true, Ordering::Relaxed);
    for worker in workers {
        worker.join().map_err(|_| "a core panicked".to_owned())??;
    }
    Ok(format!(
        "mode={} vus={} tps={:.0} client_cpu_us={:.2}",
        plan.mode.name(),
        plan.vus,
        count as f64 / elapsed.as_secs_f64(),
        spent.as_secs_f64() * 1e6 / count as f64
    ))
}

/// CPU time of this process, user and system.
fn cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn runtime() -> Result<tokio::runtime::LocalRuntime, String> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build_local(Default::default())
        .map_err(|error| error.to_string())
}

fn open(plan: &Plan, mode: PoolMode) -> Result<Postgres, String> {
    Postgres::new(plan.config.clone(), mode, PgOptions::default()).map_err(|error| error.to_string())
}

fn prepare(plan: &Plan) -> Result<(), String> {
    let sql = format!(
        "CREATE TABLE IF NOT EXISTS head (id bigint PRIMARY KEY, seq bigint NOT NULL) WITH (fillfactor = 80); \
         INSERT INTO head SELECT n, 0 FROM generate_series(1, {}) AS n ON CONFLICT DO NOTHING; \
         VACUUM ANALYZE head",
        plan.rows
    );
    runtime()?.block_on(async {
        let session = open(plan, PoolMode::Dedicated)?.session();
        for statement in sql.split("; ") {
            let reply = session.batch(statement).await;
            reply.error.map_or(Ok(()), |error| Err(error.to_string()))?;
        }
        Ok(())
    })
}

fn run_core(
    plan: &Plan,
    core: usize,
    counter: &Arc<AtomicU64>,
    stop: &Arc<AtomicBool>,
) -> Result<(), String> {
    let postgres = open(plan, plan.mode.share(core, plan.threads))?;
    let statement = Statement::new("cas", CAS, Rule::NoRowIsConflict);
    runtime()?.block_on(async {
        let vus: Vec<_> = (core..plan.vus)
            .step_by(plan.threads)
            .map(|number| {
                let (session, statement) = (postgres.session(), statement.clone());
                let (counter, stop, rows) = (Arc::clone(counter), Arc::clone(stop), plan.rows);
                tokio::task::spawn_local(async move {
                    live(&session, &statement, number as u64, rows, &counter, &stop).await
                })
            })
            .collect();
        for vu in vus {
            vu.await.map_err(|error| error.to_string())??;
        }
        Ok(())
    })
}

async fn live(
    session: &Session,
    statement: &Statement,
    number: u64,
    rows: u64,
    counter: &AtomicU64,
    stop: &AtomicBool,
) -> Result<(), String> {
    let mut state = 0x9E37_79B9_7F4A_7C15 * (number + 1);
    while !stop.load(Ordering::Relaxed) {
        // xorshift64
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let id = Value::Int((state % rows) as i64 + 1);
        let reply = session.run(statement, &[id, Value::Int(0)]).await;
        if !reply.is_ok() || reply.rows.first().and_then(|row| row.int(0)).is_none() {
            return Err(format!("{:?}: {:?}", reply.outcome, reply.error));
        }
        // One writer: no read-modify-write is needed.
        counter.store(counter.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }
    Ok(())
}
