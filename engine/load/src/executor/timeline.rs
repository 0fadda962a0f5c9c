//! How a scenario begins and ends on one core, whatever its executor.
//!
//! | state \ input | an opening passes | its time is up, stop, or nothing is left | abort              | grace is over  | the last VU goes |
//! |---------------|-------------------|------------------------------------------|--------------------|----------------|------------------|
//! | open          | VUs are woken     | → closing: gate shut, VUs dismissed      | → closing, cut     | –              | (nothing is left, or more come) |
//! | closing       | –                 | –                                        | VUs cut            | VUs cut        | → over           |
//! | cut           | –                 | –                                        | –                  | –              | → over           |

use std::rc::Rc;

use crate::{control::Order, scene::Scene, time::Time};

pub(super) struct Timeline<T: Time> {
    scene: Rc<Scene<T>>,
    grace_ns: u64,
    /// Times at which its gate opens, that lie ahead, the next one last.
    openings_ns: Vec<u64>,
    /// Set while closing: when the grace is over.
    deadline_ns: Option<u64>,
    is_cut: bool,
}

impl<T: Time> Timeline<T> {
    pub(super) fn new(scene: &Rc<Scene<T>>, grace_ns: u64) -> Self {
        let mut openings_ns = vec![scene.gate.from_ns];
        if scene.gate.warm_until_ns > 0 {
            openings_ns.push(0);
        }
        Self { scene: Rc::clone(scene), grace_ns, openings_ns, deadline_ns: None, is_cut: false }
    }

    /// Whether the gate has opened since the last call.
    pub(super) fn opens(&mut self, now_ns: u64) -> bool {
        let mut opens = false;
        if self.is_closing() {
            return false;
        }
        while let Some(at_ns) = self.openings_ns.pop_if(|at_ns| *at_ns <= now_ns) {
            opens = true;
            if !self.scene.gate.has_opened.replace(true) {
                self.scene.run.scenario_begins(self.scene.scenario, at_ns);
            }
        }
        opens
    }

    /// Whether the scenario has been told to end before its time.
    pub(super) fn is_stopped(&self) -> bool {
        self.scene.run.control().order() != Order::Run
    }

    /// Whether its time is up.
    pub(super) fn is_time_up(&self, now_ns: u64) -> bool {
        now_ns >= self.scene.gate.until_ns.get()
    }

    pub(super) fn is_closing(&self) -> bool {
        self.deadline_ns.is_some()
    }

    /// Starts nothing more. The caller dismisses the VUs.
    pub(super) fn close(&mut self, now_ns: u64) {
        self.scene.gate.shut(now_ns);
        // Its planned end, when that has come; the present, when it ends early.
        let at_ns = self.scene.gate.until_ns.get();
        self.deadline_ns = Some(at_ns.saturating_add(self.grace_ns));
        self.scene.run.scenario_over(self.scene.scenario, at_ns);
    }

    /// Whether the VUs are to be cut off now; true once.
    pub(super) fn cuts(&mut self, now_ns: u64) -> bool {
        let is_over = self.deadline_ns.is_some_and(|deadline_ns| now_ns >= deadline_ns);
        let cuts = !self.is_cut && (is_over || self.scene.run.control().order() == Order::Abort);
        self.is_cut |= cuts;
        cuts
    }

    /// The next time at which it has something to say.
    pub(super) fn next_ns(&self, now_ns: u64) -> u64 {
        match self.deadline_ns {
            Some(_) if self.is_cut => u64::MAX,
            Some(deadline_ns) => deadline_ns,
            None => {
                let opening_ns = self.openings_ns.last().copied().unwrap_or(u64::MAX);
                let until_ns = self.scene.gate.until_ns.get();
                // Once its time is up, it is for the executor to say what it still waits for.
                if until_ns > now_ns { opening_ns.min(until_ns) } else { opening_ns }
            }
        }
    }

    /// Every VU has gone.
    pub(super) fn over(&self, now_ns: u64) {
        let cut_off = self.scene.cut_off.get();
        if cut_off > 0 {
            let (run, core) = (&self.scene.run, self.scene.core.context.core);
            let name = run.name(self.scene.scenario);
            run.mark(now_ns, format!("scenario {name}: {cut_off} iterations cut off on core {core}"));
        }
    }
}
