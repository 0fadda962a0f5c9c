//! What goes wrong ends what it has to, and is told.

use std::sync::mpsc;

use load::{
    RunError, Start,
    control::Control,
    core::CoreContext,
    event::Event,
    executor::{ConstantVus, PerVuIterations},
    play,
    run::Run,
    time::Time,
    turns::Turns,
    vu::{Crew, Vu, VuId},
};

use crate::support::{Act, Fake, Log, MS, S, counts, plan, scenario, start};

const HOUR: u64 = 3_600 * S;

fn hang(_: &load::turns::Turn, _: u64) -> Act {
    Act::Hang
}

#[test]
fn a_crew_that_cannot_be_made_ends_the_run_on_all_cores() {
    let (sender, events) = mpsc::channel();
    let scenario = scenario("a", ConstantVus { vus: 4, duration_ns: HOUR });
    let run = Run::new(plan(vec![scenario]), 3, Control::new(), sender).expect("a valid plan");
    let make_crew = |context: &CoreContext| match context.core {
        1 => Err("the script has no such function"),
        _ => Ok(Fake { log: Log::default(), act: hang }),
    };
    let error = play(&run, Start::WhenReady, make_crew).expect_err("core 1 has no crew");
    assert!(matches!(error, RunError::Crew { core: 1, .. }), "{error:?}");
    assert_eq!(error.to_string(), "the script has no such function");
    drop(run);
    assert!(!events.iter().any(|event| matches!(event, Event::Started { .. })), "nothing was started");
}

#[test]
fn a_core_that_panics_is_reported_and_takes_the_others_along() {
    let (sender, _events) = mpsc::channel();
    let scenario = scenario("a", ConstantVus { vus: 4, duration_ns: HOUR });
    let run = Run::new(plan(vec![scenario]), 2, Control::new(), sender).expect("a valid plan");
    let make_crew = |context: &CoreContext| {
        if context.core == 0 {
            std::panic::resume_unwind(Box::new("a planted panic"));
        }
        Ok::<_, String>(Fake { log: Log::default(), act: hang })
    };
    let error = play(&run, Start::WhenReady, make_crew).expect_err("core 0 panicked");
    assert!(
        matches!(&error, RunError::Panicked { core: 0, message } if message == "a planted panic"),
        "{error:?}"
    );
}

#[test]
fn a_panic_in_a_vu_ends_that_vu_alone() {
    let options = PerVuIterations { vus: 4, iterations: 10, max_duration_ns: HOUR };
    let act = |turn: &load::turns::Turn, vu| {
        if vu == 2 && turn.number & 0xff == 5 { Act::Panic } else { Act::Sleep(MS) }
    };
    let (events, seen) = start(plan(vec![scenario("a", options)]), 2, act).end();
    let counts = counts(&events);
    assert_eq!(
        (counts.done, counts.failed, seen.len()),
        (39, 1, 40),
        "its place went on with the next iteration"
    );
    let told = events.iter().filter_map(|event| match event {
        Event::Panic { vu, message, .. } => Some((*vu, message.as_str())),
        _ => None,
    });
    assert_eq!(told.collect::<Vec<_>>(), [(2, "a planted panic")]);
}

/// Cannot even make its VUs.
struct Clumsy;

impl Crew for Clumsy {
    type Vu = Clumsy;

    fn hire(&self, _: VuId) -> Clumsy {
        std::panic::resume_unwind(Box::new(String::from("no VU today")))
    }
}

impl Vu for Clumsy {
    async fn live<T: Time>(self, _: Turns<T>) {}
}

#[test]
fn a_panic_while_a_vu_is_made_does_not_hold_the_start_up() {
    let (sender, events) = mpsc::channel();
    let scenario = scenario("a", ConstantVus { vus: 3, duration_ns: 30 * MS });
    let run = Run::new(plan(vec![scenario]), 2, Control::new(), sender).expect("a valid plan");
    play(&run, Start::WhenReady, |_: &CoreContext| Ok::<_, String>(Clumsy)).expect("the run goes on");
    drop(run);
    let events: Vec<_> = events.iter().collect();
    assert!(
        events.iter().any(|event| matches!(event, Event::Panic { message, .. } if message == "no VU today"))
    );
    assert_eq!(counts(&events).failed, 0, "no turn was begun");
}

#[test]
fn a_run_goes_on_when_nobody_listens() {
    let (sender, events) = mpsc::channel();
    drop(events);
    let scenario = scenario("a", PerVuIterations { vus: 2, iterations: 3, max_duration_ns: HOUR });
    let run = Run::new(plan(vec![scenario]), 2, Control::new(), sender).expect("a valid plan");
    let log = Log::default();
    let act = |_: &load::turns::Turn, _| Act::Nothing;
    let make_crew = |_: &CoreContext| Ok::<_, String>(Fake { log: log.clone(), act });
    play(&run, Start::WhenReady, make_crew).expect("the run");
    assert_eq!(log.lock().expect("the log").len(), 6);
}
