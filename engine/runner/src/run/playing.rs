//! The load itself: cores play the plan on threads of their own, and this one listens, writes, judges and stops.

use std::{
    net::TcpListener,
    panic::resume_unwind,
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use load::{
    RunError as LoadError, Start,
    control::Control,
    event::Event,
    phase::Phase,
    run::{Run, Window},
};
use model::{runfile::FaultRecord, threshold::ThresholdRule};
use report::timeline::Second;
use script::{Diagnostic, Portable, ScriptCrew, Wiring};
use tokio::sync::watch;

use super::{
    book::Book,
    company::{Beside, Company},
    evidence::Evidence,
    regulating::{Regulated, series_of},
};
use crate::{
    detours::Detours,
    faulting::FaultNews,
    interrupts::{Interrupts, Urgency},
    prepare::Prepared,
    probing::Look,
    stage::StageThread,
    steering::{self, Steered},
    tally::Tally,
};

/// How long an order to end may go unnoticed.
const LOOK: Duration = Duration::from_millis(50);

/// Why the load ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum EndedBy {
    /// The plan came to its end.
    Plan,
    /// The user: Ctrl-C.
    Interrupt,
    /// Somebody outside, through the control port.
    Outside,
    /// A threshold that may.
    Threshold,
    /// The script said `abort(…)`.
    Script,
}

/// Plays the plan of `prepared` and listens to its end.
pub(super) struct Player<'a, 'b> {
    pub(super) prepared: &'a Prepared,
    pub(super) wiring: &'a Wiring,
    pub(super) shared: Option<Arc<Portable>>,
    pub(super) stage: &'a StageThread,
    pub(super) interrupts: &'a Interrupts,
    /// Servers of ours, to look at and to break.
    pub(super) embedded: &'a embed::Servers,
    /// Where the run can be steered from outside.
    pub(super) port: Option<TcpListener>,
    /// Proxies before servers.
    pub(super) detours: &'a Detours,
    /// Thresholds that may end the run.
    pub(super) aborting: Vec<&'a ThresholdRule>,
    pub(super) book: &'a mut Book<'b>,
    pub(super) tally: &'a mut Tally,
}

/// What the listener knows while the load goes.
struct Hearing {
    run: Arc<Run>,
    control: Arc<Control>,
    phase: Phase,
    total: Option<Duration>,
    ended_by: EndedBy,
    looks: mpsc::Receiver<Look>,
    news: mpsc::Receiver<FaultNews>,
    evidence: Evidence,
    regulated: Regulated,
    steered: Steered,
}

/// Ends the load when the listener panics: the thread that plays is waited for in any case, and would play its plan to
/// the end with nobody listening.
struct AbortOnPanic(Arc<Control>);

impl Drop for AbortOnPanic {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.abort();
        }
    }
}

impl Player<'_, '_> {
    /// Plays, and says why it ended and which window was measured; trouble is in the book.
    pub(super) fn play(mut self) -> (EndedBy, Window) {
        let (sender, events) = mpsc::channel();
        let control = Control::new();
        let plan = self.prepared.planned.plan.clone();
        let window = Window { start_ns: plan.warm_up_ns, end_ns: plan.warm_up_ns };
        let run = match Run::new(plan, self.prepared.cores.value, control.clone(), sender) {
            Ok(run) => run,
            // It was checked before, so this never speaks; but nothing is played that was not checked.
            Err(problems) => {
                self.book.complain(vec![Diagnostic::usage(problems.to_string())]);
                return (EndedBy::Plan, window);
            }
        };
        let (looks_sender, looks) = mpsc::channel();
        let (news_sender, news) = mpsc::channel();
        let beside = Beside {
            looks: looks_sender,
            news: news_sender,
            is_draining: watch::Sender::new(false),
            is_over: watch::Sender::new(false),
        };
        let planned = &self.prepared.planned;
        let dial = run.dial().cloned();
        let mut hearing = Hearing {
            steered: Steered { control: control.clone(), dial, is_stopped: Arc::default() },
            run: run.clone(),
            control,
            phase: Phase::Starting,
            total: planned.duration.value.map(|duration| duration + planned.warm_up.value),
            ended_by: EndedBy::Plan,
            looks,
            news,
            evidence: Evidence::new(self.prepared),
            regulated: Regulated::new(&planned.scenarios, &run),
        };
        let played = self.listen_while_playing(&events, beside, &mut hearing);
        self.hear_beside(&mut hearing);
        for second in self.tally.finish() {
            self.second(&second, &mut hearing);
        }
        std::mem::take(&mut hearing.evidence).close(self.book);
        match played {
            Ok(()) => {}
            Err(LoadError::Crew { error, .. }) => self.book.complain(vec![error]),
            Err(error) => self.book.broken(crate::error::with_remedy(&error.to_string())),
        }
        (hearing.ended_by, run.window())
    }

    fn listen_while_playing(
        &mut self,
        events: &mpsc::Receiver<Event>,
        beside: Beside,
        hearing: &mut Hearing,
    ) -> Result<(), LoadError<Diagnostic>> {
        let run = hearing.run.clone();
        let (program, wiring, shared) = (&self.prepared.program, self.wiring, self.shared.clone());
        let execs: Vec<_> = self.prepared.planned.scenarios.iter().map(|s| s.exec.clone()).collect();
        let company = Company {
            prepared: self.prepared,
            postgres: wiring.postgres.as_ref().map(|(config, _)| config),
            pool: wiring.gauge.as_ref(),
            embedded: self.embedded,
            detours: self.detours,
            stage: self.stage,
            interrupts: self.interrupts,
        };
        thread::scope(|scope| {
            let player = scope.spawn(move || {
                load::play(&run, Start::WhenReady, |context| {
                    ScriptCrew::new(program, wiring.clone(), execs.clone(), shared.clone(), context)
                })
            });
            if let Some(port) = self.port.take() {
                let (steered, is_over) = (hearing.steered.clone(), beside.is_over.subscribe());
                scope.spawn(move || steering::serve(port, &steered, is_over));
            }
            let _abort = AbortOnPanic(hearing.control.clone());
            loop {
                // Asked before the last look at the events: what was sent before the end is heard.
                let is_over = player.is_finished();
                match events.recv_timeout(if is_over { Duration::ZERO } else { LOOK }) {
                    Ok(event) => {
                        if let Event::Started { epoch, .. } = &event {
                            company.join(scope, *epoch, &beside);
                        }
                        self.hear(event, hearing);
                    }
                    Err(_) if is_over => break,
                    Err(_) => {}
                }
                self.hear_beside(hearing);
                self.obey(hearing);
                let is_draining = matches!(hearing.phase, Phase::Drain | Phase::Over);
                if is_draining || hearing.ended_by != EndedBy::Plan {
                    beside.is_draining.send_replace(true);
                }
            }
            beside.is_draining.send_replace(true);
            // Last looks come before the script's own probes end: they may take a moment, and are taken by the way.
            beside.is_over.send_replace(true);
            drop(beside);
            self.stage.stop_probes();
            player.join().unwrap_or_else(|panic| resume_unwind(panic))
        })
    }

    fn hear(&mut self, event: Event, hearing: &mut Hearing) {
        match event {
            Event::Started { epoch, coarseness_ns, .. } => {
                self.book.begin(epoch);
                if coarseness_ns > 0 {
                    let late = model::units::format_latency_us(coarseness_ns as f64 / 1e3);
                    self.book.warn(format!("arrivals may be {late} late: this system has no finer alarm"));
                }
            }
            Event::Phase { phase, at_ns } => {
                hearing.phase = phase;
                match phase {
                    Phase::Starting => {}
                    Phase::Over => self.book.phase_ends(),
                    Phase::WarmUp | Phase::Measure | Phase::Drain => {
                        self.book.load_phase(phase.as_str(), at_ns)
                    }
                }
            }
            Event::Interval(interval) => {
                for second in self.tally.interval(&interval) {
                    self.second(&second, hearing);
                }
            }
            Event::CoreDone { core, .. } => {
                for second in self.tally.core_done(core) {
                    self.second(&second, hearing);
                }
            }
            Event::Mark { at_ns, text } => self.book.mark(at_ns, text),
            Event::Rate { scenario, at_ns, rate } => {
                let series = series_of(&scenario);
                self.book.directory.sample(at_ns, &series, rate);
                self.tally.sample(&series, at_ns, rate);
            }
            Event::Panic { scenario, vu, message, .. } => {
                let text = format!("virtual user {vu} of {scenario} panicked: {message}");
                self.book
                    .broken(Diagnostic::usage(text).help("this is a bug of snapbench, please report it"));
            }
        }
    }

    fn second(&mut self, second: &Second, hearing: &mut Hearing) {
        self.book.second(second);
        let tick = self.tally.tick(second, hearing.phase, hearing.total);
        self.book.tick(tick);
        let start_ns = self.prepared.planned.plan.warm_up_ns;
        if hearing.phase == Phase::Measure && hearing.ended_by == EndedBy::Plan && second.end_ns > start_ns {
            self.judge(start_ns, second.end_ns, hearing);
        }
    }

    /// Ends the run when a threshold that may do so fails.
    fn judge(&mut self, start_ns: u64, now_ns: u64, hearing: &mut Hearing) {
        let measured = Duration::from_nanos(now_ns.saturating_sub(start_ns));
        let due: Vec<_> = self.aborting.iter().copied().filter(|rule| measured >= rule.delay_abort).collect();
        if due.is_empty() {
            return;
        }
        let judgements = self.tally.judge(due.iter().copied(), (start_ns, now_ns));
        let failed = due.iter().zip(&judgements).find(|(_, judgement)| judgement.passed == Some(false));
        if let Some((rule, judgement)) = failed {
            let threshold = &rule.threshold;
            let reason = format!(
                "threshold {} {} does not hold ({})",
                threshold.metric, threshold.source_text, judgement.shown
            );
            self.book.stopped(reason);
            hearing.ended_by = EndedBy::Threshold;
            hearing.control.abort();
        }
    }

    /// Takes what probes saw and faults did.
    fn hear_beside(&mut self, hearing: &mut Hearing) {
        while let Ok(look) = hearing.looks.try_recv() {
            hearing.regulated.feel(&look).into_iter().for_each(|warning| self.book.warn(warning));
            hearing.evidence.take(look, self.book, self.tally);
        }
        while let Ok(news) = hearing.news.try_recv() {
            match news {
                FaultNews::Began { at_ns, text } => self.book.mark(at_ns, text),
                FaultNews::Ended { span_ns, record } => self.fault_ended(span_ns, record),
            }
        }
    }

    fn fault_ended(&mut self, span_ns: (u64, u64), record: FaultRecord) {
        // One that did not last as it should have disturbed the load all the same.
        if record.took_hold.is_some() {
            self.tally.disturbed(span_ns);
        }
        match record.took_hold {
            Some(true) => {
                self.book.mark(span_ns.1, format!("fault {} is over: {}", record.kind, record.finding));
            }
            Some(false) => {
                self.book.warn(format!("fault {} did not take hold: {}", record.kind, record.finding))
            }
            None => self.book.warn(format!("fault {} was not done: {}", record.kind, record.finding)),
        }
        self.book.run.faults.push(record);
    }

    /// Passes on what the script and the user want.
    fn obey(&mut self, hearing: &mut Hearing) {
        if hearing.ended_by == EndedBy::Plan
            && let Some(message) = self.wiring.findings.aborted()
        {
            self.book.stopped(format!("the script aborted the run: {message}"));
            hearing.ended_by = EndedBy::Script;
            // What others are in the middle of is not what the script complains of: they end it.
            hearing.control.stop();
        }
        if hearing.ended_by == EndedBy::Plan && hearing.steered.is_stopped() {
            self.book.stopped("told to through the control port".to_owned());
            hearing.ended_by = EndedBy::Outside;
            hearing.control.stop();
        }
        match self.interrupts.urgency() {
            Urgency::None => {}
            Urgency::Finish if hearing.ended_by == EndedBy::Plan => {
                self.book.stopped("interrupted".to_owned());
                hearing.ended_by = EndedBy::Interrupt;
                hearing.control.stop();
            }
            Urgency::Finish => {}
            Urgency::Leave => {
                hearing.ended_by = EndedBy::Interrupt;
                hearing.control.abort();
            }
        }
    }
}
