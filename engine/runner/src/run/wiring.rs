//! What every core and the stage need to know, from what was prepared and the servers that answer.

use std::sync::Arc;

use load::executor::Executor;
use script::{Findings, Replayed, ScenarioOptions, ScenarioWiring, Trace, Wiring};

use crate::{
    detours::Detours,
    plan::{Planned, nanoseconds},
    prepare::Prepared,
    servers::Servers,
};

/// The wiring of a run. `yes` permits to drop and truncate where the target does not say so itself.
pub(crate) fn wiring(prepared: &Prepared, servers: &Servers, detours: &Detours, yes: bool) -> Wiring {
    let pool = prepared.options.postgres.pool;
    Wiring {
        inputs: prepared.inputs.clone(),
        seed: prepared.planned.seed.value,
        scenarios: scenarios(&prepared.planned),
        postgres: servers.postgres.clone().map(|config| (config, pool)),
        gauge: prepared.uses_pool().then(Arc::default),
        stores: servers.stores.clone(),
        http: servers.http.clone(),
        timeout: prepared.options.timeout,
        allow_destructive: yes || prepared.permits_destruction(),
        detours: detours.addresses(),
        notes_ends: !prepared.planned.faults.is_empty(),
        findings: Arc::new(Findings::default()),
    }
}

/// The scenarios as virtual users know them, numbered through.
fn scenarios(planned: &Planned) -> Vec<ScenarioWiring> {
    let (seed, warm_up_ns) = (planned.seed.value, planned.plan.warm_up_ns);
    let wire = |next_vu: &mut u64, scenario: &ScenarioOptions| {
        let (first_vu, max_vus) = (*next_vu, u64::from(scenario.executor.max_vus()));
        *next_vu += max_vus;
        let turn = scenario.turn.as_ref();
        Some(ScenarioWiring {
            name: scenario.name.clone(),
            seed_name: turn.map_or(&scenario.name, |turn| &turn.seed_name).clone(),
            side: turn.map(|turn| turn.side.clone()),
            step: scenario.step.as_ref().map(|step| (step.param.clone(), step.value.clone())),
            first_vu,
            max_vus,
            rate: match &scenario.executor {
                Executor::ArrivalRate(open) => {
                    Some((open.shape.clone(), warm_up_ns + nanoseconds(scenario.start)))
                }
                _ => None,
            },
            replayed: scenario.trace.as_ref().and_then(|trace| replayed(trace, scenario, seed)),
        })
    };
    planned.scenarios.iter().scan(0, wire).collect()
}

/// Which entries of its trace a scenario plays.
fn replayed(trace: &Arc<Trace>, scenario: &ScenarioOptions, seed: u64) -> Option<Replayed> {
    let Executor::Replay(replay) = &scenario.executor else { return None };
    Some(Replayed { trace: trace.clone(), listed: replay.of_run(seed, &scenario.name) })
}
