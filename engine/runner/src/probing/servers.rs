//! Probes of servers and host: threads of their own, so that a look that takes long keeps nobody else from looking.
//!
//! When the load has ended, each looks once more: what thresholds and reports call the last value is what the load left
//! behind.

use std::{sync::mpsc, time::Duration};

use drivers::{
    pg::PgConfig,
    probe::{Harvest, HostPlan, HostProbe, PgPart, PgPlan, PgProbe},
};
use embed::store::ObjectStore;
use load::time::{Epoch, RealTime, Time as _};
use tokio::{sync::watch, task::spawn_local};

use super::{Look, Timetable};
use crate::{
    interrupts::{Interrupts, Urgency},
    runtime,
};

/// Backends tell their counts when they end, which is a moment after the load has.
const SETTLING: Duration = Duration::from_millis(300);
/// How long a look may take once the load has ended.
const PATIENCE: Duration = Duration::from_secs(120);

/// What the threads need to know.
#[derive(Clone)]
pub(crate) struct ProbePlan {
    /// The run's clock.
    pub(crate) epoch: Epoch,
    /// When the measured window begins on it.
    pub(crate) window_start_ns: u64,
    /// Whether the load has ended.
    pub(crate) is_over: watch::Receiver<bool>,
    /// Whether somebody wants to leave.
    pub(crate) interrupts: Interrupts,
    /// Where looks go.
    pub(crate) looks: mpsc::Sender<Look>,
}

impl ProbePlan {
    /// Returns when the load has ended, or whoever would say so is gone.
    async fn over(&self) {
        let _ = self.is_over.clone().wait_for(|is_over| *is_over).await;
    }

    /// Waits until a look is due, or the load has ended: then it is the last one.
    pub(super) async fn is_last_look(&self, timetable: &Timetable, time: &RealTime) -> bool {
        tokio::select! {
            biased;
            () = self.over() => true,
            () = timetable.next(time) => false,
        }
    }

    /// Runs the looks of one probe on this thread, or says why there are none.
    pub(super) fn block_on(&self, probe: &str, looks: impl Future<Output = ()>) {
        match runtime::local() {
            Ok(runtime) => runtime.block_on(looks),
            Err(error) => {
                let failure = Some(format!("the system gives no runtime to look with: {error}"));
                let _ = self.looks.send(Look { probe: probe.to_owned(), failure, ..Look::default() });
            }
        }
    }
}

/// Looks at a Postgres until the load has ended, each part in its own period. Blocks.
pub(crate) fn watch_postgres(
    plan: &ProbePlan,
    config: &PgConfig,
    parts: &[(PgPart, Duration)],
    tables: &[String],
) {
    let of_probe = PgPlan { tables: tables.to_vec(), ..PgPlan::default() };
    plan.block_on("postgres", async {
        let tasks = parts.iter().map(|(part, every)| {
            let probe = PgProbe::new(config.clone(), *part, of_probe.clone());
            spawn_local(watch_part(plan.clone(), probe, *part, *every))
        });
        for task in tasks.collect::<Vec<_>>() {
            // One that panicked has said so; the others go on.
            let _ = task.await;
        }
    });
}

async fn watch_part(plan: ProbePlan, mut probe: PgProbe, part: PgPart, every: Duration) {
    let name = format!("postgres.{}", part.name());
    let time = RealTime::since(plan.epoch);
    let mut timetable = Timetable::new(every, plan.window_start_ns).jittered(&name);
    let mut has_opened = false;
    loop {
        let is_last = plan.is_last_look(&timetable, &time).await;
        if is_last {
            tokio::time::sleep(SETTLING).await;
        } else if timetable.opens_window(has_opened) {
            probe.measured_from_now();
            has_opened = true;
        }
        let at_ns = time.now_ns();
        let Some(harvest) = one_look(&plan, &mut probe).await else { return };
        if plan.looks.send(look(&name, at_ns, time.now_ns(), harvest)).is_err() || is_last {
            return;
        }
        timetable.done(time.now_ns());
    }
}

/// One look; nothing when somebody wants to leave. One that is under way when the load ends is finished, as it may be
/// the only one, but not waited for without end.
async fn one_look(plan: &ProbePlan, probe: &mut PgProbe) -> Option<Harvest> {
    let late = async {
        plan.over().await;
        tokio::time::sleep(PATIENCE).await;
    };
    tokio::select! {
        biased;
        () = plan.interrupts.reached(Urgency::Leave) => None,
        harvest = probe.sample() => Some(harvest),
        () = late => {
            let failure = Some("the server did not answer, and the load has ended".to_owned());
            Some(Harvest { failure, ..Harvest::default() })
        }
    }
}

/// Looks at the host until the load has ended. Blocks.
pub(crate) fn watch_host(plan: &ProbePlan, every: Duration, servers: &embed::Servers) {
    let time = RealTime::since(plan.epoch);
    let mut probe = HostProbe::new(HostPlan { processes: Vec::new() });
    let mut timetable = Timetable::new(every, plan.window_start_ns);
    plan.block_on("host", async {
        loop {
            let is_over = plan.is_last_look(&timetable, &time).await;
            // A server that was restarted is another process.
            let postgres =
                servers.postgres.as_ref().and_then(|server| Some(("postgres".to_owned(), server.pid()?)));
            let is_only = servers.stores.len() == 1;
            let name = |server: &ObjectStore| match is_only {
                true => "store".to_owned(),
                false => format!("store_{}", server.backend().as_str()),
            };
            let stores = servers.stores.iter().filter_map(|server| Some((name(server), server.pid()?)));
            for (name, pid) in postgres.into_iter().chain(stores) {
                probe.set_process(&name, pid);
            }
            let at_ns = time.now_ns();
            let harvest = probe.sample();
            if plan.looks.send(look("host", at_ns, time.now_ns(), harvest)).is_err() || is_over {
                return;
            }
            timetable.done(time.now_ns());
        }
    });
}

fn look(probe: &str, at_ns: u64, now_ns: u64, harvest: Harvest) -> Look {
    Look {
        probe: probe.to_owned(),
        at_ns,
        took: Duration::from_nanos(now_ns.saturating_sub(at_ns)),
        values: harvest.samples.into_iter().map(|sample| (sample.series, sample.value)).collect(),
        marks: harvest.marks,
        lacks: harvest.lacks,
        failure: harvest.failure,
    }
}
