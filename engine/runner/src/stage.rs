//! The stage's thread: `setup`, script probes, `verify` and `teardown` run here, beside the load.
//!
//! The script's stage belongs to one thread, so the runner talks to it through orders. A call can be cancelled by
//! whoever asked the run to end; probes run between `probe` and `stop_probes`, each in a task of its own.

use std::{
    io,
    rc::Rc,
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use load::time::{Epoch, RealTime, Time as _};
use script::{Diagnostic, Param, Portable, Program, ScriptProbe, Stage, Wiring};
use tokio::{
    runtime::{Builder, LocalOptions, LocalRuntime},
    sync::mpsc as orders,
    task::JoinHandle,
};

use crate::{
    error::RunError,
    interrupts::{Interrupts, Urgency},
};

/// As much as a main thread has: drivers are polled on it.
const STACK_BYTES: usize = 8 << 20;

/// Why a call gave nothing.
#[derive(Debug)]
pub(crate) enum StageFailure {
    /// The script failed, threw, or passed on what a server did.
    Script(Box<Diagnostic>),
    /// Parameters that were met only now are wrong; every complaint.
    Parameters(Vec<Diagnostic>),
    /// Somebody asked the run to end, and the call was cancelled.
    Interrupted,
}

/// What a probe saw.
#[derive(Debug)]
pub(crate) struct ProbeSample {
    /// The probe's name.
    pub(crate) name: String,
    /// When it was asked, on the run's clock.
    pub(crate) at_ns: u64,
    /// What it said: values by name (the probe's own, or `probe.key` of a map), or why there are none.
    pub(crate) values: Result<Vec<(String, f64)>, String>,
}

type CallReply = Result<Portable, StageFailure>;

enum Order {
    /// Calls a function; gives up when it is this urgent.
    Call { function: String, give_up_at: Urgency, reply: mpsc::Sender<CallReply> },
    /// From now on functions get this; nothing means: what they got before.
    Adopt { shared: Option<Arc<Portable>>, reply: mpsc::Sender<Result<(), Diagnostic>> },
    /// Samples these from now on.
    Probe { probes: Vec<ScriptProbe>, epoch: Epoch, samples: mpsc::Sender<ProbeSample> },
    /// Says which parameters were met.
    Params { reply: mpsc::Sender<Vec<Param>> },
    /// No more.
    StopProbes { reply: mpsc::Sender<()> },
}

/// The handle on the thread. Dropping it ends the thread and waits for it.
pub(crate) struct StageThread {
    orders: Option<orders::UnboundedSender<Order>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl StageThread {
    /// Starts the thread and compiles the script on it.
    pub(crate) fn start(
        program: &Program,
        wiring: &Wiring,
        interrupts: &Interrupts,
    ) -> Result<Self, RunError> {
        let (sender, receiver) = orders::unbounded_channel();
        let (ready, is_ready) = mpsc::channel();
        let (program, wiring, interrupts) = (program.clone(), wiring.clone(), interrupts.clone());
        let body = move || {
            let runtime =
                match Builder::new_current_thread().enable_all().build_local(LocalOptions::default()) {
                    Ok(runtime) => runtime,
                    Err(error) => {
                        let _ = ready.send(Err(RunError::Thread(error)));
                        return;
                    }
                };
            let keeper =
                Keeper { program, wiring, interrupts, shared: None, stage: None, probes: Vec::new() };
            serve(&runtime, keeper, receiver, &ready);
        };
        let thread = thread::Builder::new().name("stage".to_owned()).stack_size(STACK_BYTES).spawn(body);
        let thread = thread.map_err(RunError::Thread)?;
        let stage = Self { orders: Some(sender), thread: Some(thread) };
        is_ready
            .recv()
            .unwrap_or_else(|_| Err(RunError::Thread(io::Error::other("the stage's thread ended"))))?;
        Ok(stage)
    }

    /// Calls a function and waits for what it returns.
    pub(crate) fn call(&self, function: &str, give_up_at: Urgency) -> CallReply {
        let (reply, answer) = mpsc::channel();
        self.tell(Order::Call { function: function.to_owned(), give_up_at, reply });
        answer.recv().unwrap_or_else(|_| Err(StageFailure::Script(Box::new(gone(function)))))
    }

    /// Hands `shared` to all later calls.
    pub(crate) fn adopt(&self, shared: Arc<Portable>) -> Result<(), Diagnostic> {
        self.make_anew(Some(shared))
    }

    /// Hands over what the stage's ledgers noted so far.
    pub(crate) fn hand_over(&self) -> Result<(), Diagnostic> {
        self.make_anew(None)
    }

    fn make_anew(&self, shared: Option<Arc<Portable>>) -> Result<(), Diagnostic> {
        let (reply, answer) = mpsc::channel();
        self.tell(Order::Adopt { shared, reply });
        answer.recv().unwrap_or_else(|_| Err(gone("setup")))
    }

    /// Parameters that the script has declared so far.
    pub(crate) fn params(&self) -> Vec<Param> {
        let (reply, answer) = mpsc::channel();
        self.tell(Order::Params { reply });
        answer.recv().unwrap_or_default()
    }

    /// Samples these functions until told to stop.
    pub(crate) fn probe(&self, probes: Vec<ScriptProbe>, epoch: Epoch, samples: mpsc::Sender<ProbeSample>) {
        self.tell(Order::Probe { probes, epoch, samples });
    }

    /// Ends the sampling, whatever a probe waits for.
    pub(crate) fn stop_probes(&self) {
        let (reply, stopped) = mpsc::channel();
        self.tell(Order::StopProbes { reply });
        let _ = stopped.recv();
    }

    fn tell(&self, order: Order) {
        if let Some(orders) = &self.orders {
            // A thread that has ended answers nothing; who waits for the answer is told.
            let _ = orders.send(order);
        }
    }
}

impl Drop for StageThread {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the stage's thread panicked; this is a bug of snapbench, please report it");
        }
    }
}

fn gone(function: &str) -> Diagnostic {
    Diagnostic::usage(format!("{function}() ended with the thread it ran on"))
        .help("this is a bug of snapbench, please report it")
}

/// What the thread keeps between orders.
struct Keeper {
    program: Program,
    wiring: Wiring,
    interrupts: Interrupts,
    shared: Option<Arc<Portable>>,
    stage: Option<Rc<Stage>>,
    probes: Vec<JoinHandle<()>>,
}

fn serve(
    runtime: &LocalRuntime,
    mut keeper: Keeper,
    mut orders: orders::UnboundedReceiver<Order>,
    ready: &mpsc::Sender<Result<(), RunError>>,
) {
    runtime.block_on(async {
        let made = keeper.adopt(None);
        let has_failed = made.is_err();
        let _ = ready.send(made.map_err(|complaint| RunError::Wrong(vec![complaint])));
        if has_failed {
            return;
        }
        while let Some(order) = orders.recv().await {
            // Who gave an order and does not wait for its answer does not want it.
            match order {
                Order::Call { function, give_up_at, reply } => {
                    let _ = reply.send(keeper.call(&function, give_up_at).await);
                }
                Order::Adopt { shared, reply } => {
                    let _ = reply.send(keeper.adopt(shared));
                }
                Order::Params { reply } => {
                    let _ = reply.send(keeper.stage.as_ref().map(|stage| stage.params()).unwrap_or_default());
                }
                Order::Probe { probes, epoch, samples } => keeper.probe(probes, epoch, &samples),
                Order::StopProbes { reply } => {
                    keeper.stop_probes().await;
                    let _ = reply.send(());
                }
            }
        }
        keeper.stop_probes().await;
    });
}

impl Keeper {
    fn adopt(&mut self, shared: Option<Arc<Portable>>) -> Result<(), Diagnostic> {
        // The old one first: dropping it hands its ledgers over.
        self.stage = None;
        self.shared = shared.or(self.shared.take());
        let stage = Stage::new(&self.program, self.wiring.clone(), self.shared.clone())?;
        self.stage = Some(Rc::new(stage));
        Ok(())
    }

    async fn call(&self, function: &str, give_up_at: Urgency) -> CallReply {
        let Some(stage) = &self.stage else { return Err(StageFailure::Script(Box::new(gone(function)))) };
        let result = tokio::select! {
            biased;
            () = self.interrupts.reached(give_up_at) => return Err(StageFailure::Interrupted),
            result = stage.call(function) => result,
        };
        let value = result.map_err(|complaint| StageFailure::Script(Box::new(complaint)))?;
        // Parameters that are declared outside of `options()` are met only now.
        let problems = stage.param_problems();
        if problems.is_empty() { Ok(value) } else { Err(StageFailure::Parameters(problems)) }
    }

    fn probe(&mut self, probes: Vec<ScriptProbe>, epoch: Epoch, samples: &mpsc::Sender<ProbeSample>) {
        let Some(stage) = &self.stage else { return };
        stage.begin(epoch);
        for probe in probes {
            let task = sample(stage.clone(), probe, RealTime::since(epoch), samples.clone());
            self.probes.push(tokio::task::spawn_local(task));
        }
    }

    async fn stop_probes(&mut self) {
        for probe in self.probes.drain(..) {
            probe.abort();
            // Cancelled is how it should end.
            let _ = probe.await;
        }
    }
}

/// Asks one probe again and again, at whole multiples of its interval on the run's clock. One that takes longer than
/// its interval misses the times in between.
async fn sample(stage: Rc<Stage>, probe: ScriptProbe, time: RealTime, samples: mpsc::Sender<ProbeSample>) {
    let every_ns = u64::try_from(probe.every.max(Duration::from_millis(1)).as_nanos()).unwrap_or(u64::MAX);
    let mut due_ns = 0;
    loop {
        time.sleep_until(due_ns).await;
        let at_ns = time.now_ns();
        let values = match stage.call(&probe.function).await {
            Ok(value) => values(&probe.name, &value),
            Err(complaint) => Err(complaint.to_string()),
        };
        if samples.send(ProbeSample { name: probe.name.clone(), at_ns, values }).is_err() {
            return;
        }
        due_ns = (time.now_ns() / every_ns + 1) * every_ns;
    }
}

/// The numbers in what a probe returned.
fn values(name: &str, value: &Portable) -> Result<Vec<(String, f64)>, String> {
    let number = |value: &Portable| match value {
        #[allow(clippy::cast_precision_loss, reason = "measured values are far below 2^53")]
        Portable::Int(value) => Some(*value as f64),
        Portable::Float(value) => Some(*value),
        Portable::Bool(value) => Some(f64::from(u8::from(*value))),
        _ => None,
    };
    match value {
        Portable::Map(entries) => {
            let named = entries.iter().map(|(key, value)| {
                let wrong = || format!("probe `{name}` returned something that is no number as `{key}`");
                Ok((format!("{name}.{key}"), number(value).ok_or_else(wrong)?))
            });
            named.collect()
        }
        other => match number(other) {
            Some(number) => Ok(vec![(name.to_owned(), number)]),
            None => Err(format!("probe `{name}` must return a number or a map of numbers")),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_returns_a_number_or_a_map_of_them() {
        assert_eq!(values("depth", &Portable::Int(7)), Ok(vec![("depth".into(), 7.0)]));
        let map = Portable::Map(vec![("a".into(), Portable::Float(0.5)), ("b".into(), Portable::Bool(true))]);
        assert_eq!(values("q", &map), Ok(vec![("q.a".into(), 0.5), ("q.b".into(), 1.0)]));
    }

    #[test]
    fn anything_else_is_told() {
        let told = values("depth", &Portable::Text("7".into())).unwrap_err();
        assert_eq!(told, "probe `depth` must return a number or a map of numbers");
        let map = Portable::Map(vec![("a".into(), Portable::Unit)]);
        assert_eq!(values("q", &map).unwrap_err(), "probe `q` returned something that is no number as `a`");
    }
}
