//! What the stories share: a script from a text, a stage to call its functions on, a run of its scenarios.

use std::{
    path::Path,
    sync::{Arc, mpsc},
    time::Duration,
};

use load::{
    Start,
    control::Control,
    event::Event,
    executor::Executor,
    plan::{Plan, ScenarioPlan},
    run::Run,
};
use model::{recorder::Totals, segment::Segment};
use script::{
    Detours, Evaluated, Findings, Inputs, Portable, Program, Replayed, ScenarioOptions, ScenarioWiring,
    ScriptCrew, Stage, Wiring, evaluate,
};

/// A script that is expected to compile.
pub(crate) fn program(text: &str) -> Program {
    Program::from_text(Path::new("story.rhai"), text, None).expect("the script compiles")
}

/// Parameters as `-p` gives them.
pub(crate) fn inputs(params: &[(&str, &str)]) -> Arc<Inputs> {
    let params = params.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    Arc::new(Inputs { params, ..Inputs::default() })
}

/// Everything that is wrong with a script or its options, a line each.
pub(crate) fn complaints(text: &str, params: &[(&str, &str)]) -> String {
    let told = match Program::from_text(Path::new("story.rhai"), text, None) {
        Err(told) => told,
        Ok(program) => evaluate(&program, &inputs(params)).expect_err("the options are refused"),
    };
    told.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// Wiring without any server.
pub(crate) fn wiring(program: &Program) -> Wiring {
    let named = |name: &str, max_vus: u32| ScenarioWiring {
        name: name.to_owned(),
        seed_name: name.to_owned(),
        max_vus: u64::from(max_vus),
        ..ScenarioWiring::default()
    };
    let scenarios = evaluate(program, &inputs(&[])).map_or_else(
        |_| vec![named("main", 1)],
        |Evaluated { options, .. }| {
            let replayed = |s: &ScenarioOptions| match (&s.trace, &s.executor) {
                (Some(trace), Executor::Replay(replay)) => {
                    Some(Replayed { trace: trace.clone(), listed: replay.of_run(42, &s.name) })
                }
                _ => None,
            };
            let wired = |s: &ScenarioOptions| ScenarioWiring {
                replayed: replayed(s),
                ..named(&s.name, s.executor.max_vus())
            };
            options.scenarios.iter().map(wired).collect()
        },
    );
    Wiring {
        gauge: None,
        inputs: inputs(&[]),
        seed: 42,
        scenarios,
        postgres: None,
        stores: Vec::new(),
        http: None,
        timeout: Duration::from_secs(30),
        allow_destructive: true,
        notes_ends: false,
        detours: Detours::default(),
        findings: Arc::new(Findings::default()),
    }
}

/// Runs `body` on a runtime of the kind cores have.
pub(crate) fn on_core<R>(body: impl Future<Output = R>) -> R {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    tokio::task::LocalSet::new().block_on(&runtime, body)
}

/// Calls a function on the stage and gives what it returned as JSON, or what it complained about.
pub(crate) fn call_with(
    wiring: Wiring,
    program: &Program,
    function: &str,
) -> Result<serde_json::Value, String> {
    on_core(async {
        let stage = Stage::new(program, wiring, None).expect("the stage compiles the script");
        stage.call(function).await.map(|value| value.to_json()).map_err(|e| e.to_string())
    })
}

/// The same without any server.
pub(crate) fn call(text: &str, function: &str) -> Result<serde_json::Value, String> {
    let program = program(text);
    call_with(wiring(&program), &program, function)
}

/// Plays a script's scenarios on `cores` cores, without a warm-up, and adds up what they recorded.
pub(crate) fn play(
    program: &Program,
    wiring: &Wiring,
    shared: Option<Arc<Portable>>,
    cores: usize,
) -> Totals {
    let Evaluated { options, .. } = evaluate(program, &wiring.inputs).expect("the options are in order");
    let warm_up_ns = options.warm_up.map_or(0, |warm_up| warm_up.as_nanos() as u64);
    let scenarios = options.scenarios.iter().map(|s| ScenarioPlan {
        name: s.name.clone(),
        executor: s.executor.clone(),
        start_ns: u64::try_from(s.start.as_nanos()).expect("a start within centuries"),
        graceful_stop_ns: u64::try_from(s.graceful_stop.as_nanos()).expect("a grace within centuries"),
        warm_up: warm_up_ns > 0,
    });
    let segment = Segment { index: 1, count: 1 };
    let plan = Plan { scenarios: scenarios.collect(), seed: wiring.seed, segment, warm_up_ns };
    let (sender, events) = mpsc::channel();
    let run = Run::new(plan, cores, Control::new(), sender).expect("the plan is in order");
    let execs: Vec<_> = options.scenarios.iter().map(|s| s.exec.clone()).collect();
    let make = |place: &load::core::CoreContext| {
        ScriptCrew::new(program, wiring.clone(), execs.clone(), shared.clone(), place)
    };
    load::play(&run, Start::WhenReady, make).expect("the run is played");
    let mut totals = Totals::default();
    for event in events.try_iter() {
        if let Event::Interval(interval) = event {
            totals.add(&interval);
        }
    }
    totals
}
