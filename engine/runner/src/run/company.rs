//! What goes on beside the load while its clock runs: probes and faults, each on a thread of its own.

use std::{
    sync::{Arc, mpsc},
    thread::Scope,
};

use load::time::Epoch;
use tokio::sync::watch;

use crate::{
    detours::Detours,
    faulting::{self, FaultNews, FaultPlan},
    interrupts::Interrupts,
    prepare::Prepared,
    probing::{self, Look, ProbePlan},
    stage::StageThread,
};

/// How the threads beside the load are spoken with.
pub(super) struct Beside {
    /// Where probes tell what they see.
    pub(super) looks: mpsc::Sender<Look>,
    /// Where faults tell what they did.
    pub(super) news: mpsc::Sender<FaultNews>,
    /// Tells faults that the load begins nothing more: what waits for a server that stands still would wait for ever.
    pub(super) is_draining: watch::Sender<bool>,
    /// Tells probes that the load has ended.
    pub(super) is_over: watch::Sender<bool>,
}

/// Who watches and who breaks.
#[derive(Clone, Copy)]
pub(super) struct Company<'a> {
    pub(super) prepared: &'a Prepared,
    pub(super) postgres: Option<&'a drivers::pg::PgConfig>,
    pub(super) pool: Option<&'a Arc<drivers::pg::PoolGauge>>,
    pub(super) embedded: &'a embed::Servers,
    pub(super) detours: &'a Detours,
    pub(super) stage: &'a StageThread,
    pub(super) interrupts: &'a Interrupts,
}

impl<'a> Company<'a> {
    /// The load clock runs: everybody begins. They end by themselves once `beside` says that the load is over.
    pub(super) fn join<'scope>(self, scope: &'scope Scope<'scope, 'a>, epoch: Epoch, beside: &Beside)
    where
        'a: 'scope,
    {
        let window_start_ns = self.prepared.planned.plan.warm_up_ns;
        let options = &self.prepared.options.probes;
        let plan = ProbePlan {
            epoch,
            window_start_ns,
            is_over: beside.is_over.subscribe(),
            interrupts: self.interrupts.clone(),
            looks: beside.looks.clone(),
        };
        if let Some(config) = self.postgres.filter(|_| !options.postgres.is_empty()) {
            let plan = plan.clone();
            scope.spawn(move || probing::watch_postgres(&plan, config, &options.postgres, &options.tables));
        }
        if let Some(gauge) = self.pool {
            let plan = plan.clone();
            scope.spawn(move || probing::watch_pool(&plan, gauge));
        }
        if let Some(every) = options.host {
            let embedded = self.embedded;
            scope.spawn(move || probing::watch_host(&plan, every, embedded));
        }
        if !options.scripts.is_empty() {
            self.stage.probe(options.scripts.clone(), epoch, beside.looks.clone());
        }
        let faults = &self.prepared.planned.faults;
        if !faults.is_empty() {
            let plan = FaultPlan {
                faults,
                epoch,
                window_start_ns,
                postgres: self.postgres,
                embedded: self.embedded,
                commands: &self.prepared.target.faults,
                detours: self.detours,
                interrupts: self.interrupts,
                is_draining: beside.is_draining.subscribe(),
                news: beside.news.clone(),
            };
            scope.spawn(move || faulting::play(&plan));
        }
    }
}
