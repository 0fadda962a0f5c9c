//! The timeline of faults: each is done at its time on the run's clock, checked to have taken hold, and undone when its
//! time is over or the load ends, whichever comes first.
//!
//! Deliberately absent: how a fault is done (`drivers::fault`, `drivers::wire`, `embed`).

mod commands;
mod servers;
mod wire;

use std::{sync::mpsc, time::Duration};

use drivers::{fault, pg::PgConfig};
use load::time::{Epoch, RealTime, Time as _};
use model::runfile::FaultRecord;
use script::{Fault, FaultOptions};
use tokio::sync::watch;

use crate::{
    detours::Detours,
    interrupts::{Interrupts, Urgency},
    plan::nanoseconds,
    runtime,
    targets::FaultCommands,
};

/// How often a fault that lasts is looked at.
const WATCH: Duration = Duration::from_millis(250);

/// What is heard of the timeline.
#[derive(Debug)]
pub(crate) enum FaultNews {
    /// It has begun, or could not.
    Began {
        /// When, on the run's clock.
        at_ns: u64,
        /// In words.
        text: String,
    },
    /// It is over.
    Ended {
        /// When it began and ended, on the run's clock.
        span_ns: (u64, u64),
        /// What the run file keeps of it.
        record: FaultRecord,
    },
}

/// What the timeline needs to know.
pub(crate) struct FaultPlan<'a> {
    /// The timeline, times from the start of the measured window.
    pub(crate) faults: &'a [FaultOptions],
    /// The run's clock.
    pub(crate) epoch: Epoch,
    /// When the measured window begins on it.
    pub(crate) window_start_ns: u64,
    /// Where Postgres is.
    pub(crate) postgres: Option<&'a PgConfig>,
    /// Servers of ours.
    pub(crate) embedded: &'a embed::Servers,
    /// What to do to those that are not.
    pub(crate) commands: &'a FaultCommands,
    /// Proxies before servers.
    pub(crate) detours: &'a Detours,
    /// Whether somebody wants to leave.
    pub(crate) interrupts: &'a Interrupts,
    /// Whether the load begins nothing more.
    pub(crate) is_draining: watch::Receiver<bool>,
    /// Where news goes.
    pub(crate) news: mpsc::Sender<FaultNews>,
}

/// Plays the timeline until it has ended or the load drains. Blocks.
pub(crate) fn play(plan: &FaultPlan<'_>) {
    std::thread::scope(|scope| {
        for options in plan.faults {
            // A thread each: what is done to processes blocks, and faults may overlap.
            scope.spawn(move || one(plan, options));
        }
    });
}

/// How one fault went.
struct Course {
    took_hold: Option<bool>,
    finding: String,
}

fn one(plan: &FaultPlan<'_>, options: &FaultOptions) {
    let time = RealTime::since(plan.epoch);
    let mut course = Course { took_hold: Some(false), finding: String::new() };
    let mut began_ns = plan.window_start_ns + nanoseconds(options.at);
    match runtime::local() {
        Err(error) => course.finding = format!("the system gives no runtime for it: {error}"),
        Ok(runtime) => runtime.block_on(async {
            tokio::select! {
                biased;
                () = over(plan) => {
                    course = Course { took_hold: None, finding: "the load ended before it was due".to_owned() };
                    return;
                }
                () = time.sleep_until(began_ns) => {}
            }
            began_ns = time.now_ns();
            let _ = plan.news.send(FaultNews::Began { at_ns: began_ns, text: in_words(&options.fault) });
            let result = tokio::select! {
                biased;
                result = done(plan, &options.fault) => result,
                // Dropping it lets go of what it holds. A server that stands still must be woken, so that one is not dropped.
                () = plan.interrupts.reached(Urgency::Leave), if options.fault.server().is_none() => Err("the run was left".to_owned()),
            };
            match result {
                Ok(finding) => course = Course { took_hold: Some(true), finding },
                Err(finding) => course.finding = finding,
            }
        }),
    }
    let ended_ns = time.now_ns().max(began_ns);
    let seconds = |ns: u64| ns as f64 / 1e9;
    let record = FaultRecord {
        kind: options.fault.kind().to_owned(),
        at_s: seconds(began_ns),
        until_s: course.took_hold.is_some().then(|| seconds(ended_ns)),
        took_hold: course.took_hold,
        finding: course.finding,
        recovery: None,
    };
    let _ = plan.news.send(FaultNews::Ended { span_ns: (began_ns, ended_ns), record });
}

async fn over(plan: &FaultPlan<'_>) {
    let _ = plan.is_draining.clone().wait_for(|is_draining| *is_draining).await;
}

/// Waits until the time is over or the load has ended.
async fn lasting(plan: &FaultPlan<'_>, lasts: Duration) {
    tokio::select! {
        biased;
        () = over(plan) => {}
        () = tokio::time::sleep(lasts) => {}
    }
}

/// What happens, for the time axis.
fn in_words(fault: &Fault) -> String {
    let time = model::units::format_duration;
    match fault {
        Fault::HoldXmin { lasts } => format!("fault: a snapshot is held open for {}", time(*lasts)),
        Fault::Lock { table, mode, lasts } => {
            format!("fault: {table} is locked in {mode} mode for {}", time(*lasts))
        }
        Fault::KillBackends { at_most: Some(n) } => format!("fault: up to {n} connections are ended"),
        Fault::KillBackends { at_most: None } => "fault: all connections of the load are ended".to_owned(),
        Fault::Restart { server } => format!("fault: {server} is restarted"),
        Fault::Kill { server, lasts } => {
            format!("fault: {server} is killed and stays down for {}", time(*lasts))
        }
        Fault::Pause { server, lasts } => format!("fault: {server} stands still for {}", time(*lasts)),
        Fault::Wire { server, fault, lasts } => wire::in_words(*server, *fault, *lasts),
    }
}

/// Does it, from its beginning to its end.
///
/// # Errors
/// Why it did not take hold, in one sentence.
async fn done(plan: &FaultPlan<'_>, fault: &Fault) -> Result<String, String> {
    let postgres = || plan.postgres.ok_or_else(|| "the run has no Postgres".to_owned());
    match fault {
        Fault::HoldXmin { lasts } => hold_xmin(plan, postgres()?, *lasts).await,
        Fault::Lock { table, mode, lasts } => lock(plan, postgres()?, (table, mode), *lasts).await,
        Fault::KillBackends { at_most } => match fault::kill_backends(postgres()?, *at_most).await? {
            0 => Err("the server listed no connection of the load".to_owned()),
            1 => Ok("1 connection was ended".to_owned()),
            ended => Ok(format!("{ended} connections were ended")),
        },
        Fault::Restart { server } => servers::of(plan, *server)?.restart(),
        Fault::Kill { server, lasts } => servers::of(plan, *server)?.kill(plan, *lasts).await,
        Fault::Pause { server, lasts } => servers::of(plan, *server)?.pause(plan, *lasts).await,
        Fault::Wire { server, fault, lasts } => wire::wire(plan, (*server, *fault), *lasts).await,
    }
}

async fn hold_xmin(plan: &FaultPlan<'_>, config: &PgConfig, lasts: Duration) -> Result<String, String> {
    let held = fault::hold_xmin(config).await?;
    let pid = held.pid();
    let end = tokio::time::Instant::now() + lasts;
    loop {
        let last = held.check().await.map_err(|why| format!("it did not hold to its end: {why}"))?;
        let left = end.saturating_duration_since(tokio::time::Instant::now());
        if left.is_zero() || *plan.is_draining.borrow() {
            held.release().await;
            return Ok(format!(
                "pid {pid} held backend_xmin at {} from beginning to end, {} transactions behind",
                last.xmin, last.behind
            ));
        }
        lasting(plan, left.min(WATCH)).await;
    }
}

async fn lock(
    plan: &FaultPlan<'_>,
    config: &PgConfig,
    (table, mode): (&str, &str),
    lasts: Duration,
) -> Result<String, String> {
    let held = tokio::select! {
        biased;
        held = fault::hold_lock(config, table, mode) => held?,
        () = over(plan) => return Err("the load ended while it waited for the lock".to_owned()),
    };
    let end = tokio::time::Instant::now() + lasts;
    let mut waiting = 0;
    loop {
        let left = end.saturating_duration_since(tokio::time::Instant::now());
        if left.is_zero() || *plan.is_draining.borrow() {
            held.release().await;
            return Ok(format!("at most {waiting} waited for it at once"));
        }
        waiting = waiting.max(held.waiting().await?);
        lasting(plan, left.min(WATCH)).await;
    }
}
