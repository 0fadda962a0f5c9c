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

use load::time::{Epoch, RealTime};
use script::{Diagnostic, Param, Portable, Program, ScriptProbe, Stage, Wiring};
use tokio::{runtime::LocalRuntime, sync::mpsc as orders, task::JoinHandle};

use crate::{
    error::RunError,
    interrupts::{Interrupts, Urgency},
    probing::{Look, sample_script},
    runtime,
};

/// As much as a main thread has: drivers are polled on it.
const STACK_BYTES: usize = 8 << 20;

/// How often a caller that waits looks around.
const LOOK: Duration = Duration::from_millis(100);

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

type CallReply = Result<Portable, StageFailure>;

enum Order {
    /// Calls a function; gives up when it is this urgent.
    Call { function: String, argument: Option<Portable>, give_up_at: Urgency, reply: mpsc::Sender<CallReply> },
    /// From now on functions get this; nothing means: what they got before.
    Adopt { shared: Option<Arc<Portable>>, reply: mpsc::Sender<Result<(), Diagnostic>> },
    /// Samples these from now on.
    Probe { probes: Vec<ScriptProbe>, epoch: Epoch, looks: mpsc::Sender<Look> },
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
            let runtime = match runtime::local() {
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

    /// Calls a function, with `argument` or with what functions get anyway, and waits for what it returns; meanwhile
    /// `look` is called again and again.
    pub(crate) fn call(
        &self,
        function: &str,
        argument: Option<Portable>,
        give_up_at: Urgency,
        mut look: impl FnMut(),
    ) -> CallReply {
        let (reply, answer) = mpsc::channel();
        self.tell(Order::Call { function: function.to_owned(), argument, give_up_at, reply });
        loop {
            match answer.recv_timeout(LOOK) {
                Ok(reply) => return reply,
                Err(mpsc::RecvTimeoutError::Timeout) => look(),
                Err(mpsc::RecvTimeoutError::Disconnected) => {
                    return Err(StageFailure::Script(Box::new(gone(function))));
                }
            }
        }
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
    pub(crate) fn probe(&self, probes: Vec<ScriptProbe>, epoch: Epoch, looks: mpsc::Sender<Look>) {
        self.tell(Order::Probe { probes, epoch, looks });
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
                Order::Call { function, argument, give_up_at, reply } => {
                    let _ = reply.send(keeper.call(&function, argument, give_up_at).await);
                }
                Order::Adopt { shared, reply } => {
                    let _ = reply.send(keeper.adopt(shared));
                }
                Order::Params { reply } => {
                    let _ = reply.send(keeper.stage.as_ref().map(|stage| stage.params()).unwrap_or_default());
                }
                Order::Probe { probes, epoch, looks } => keeper.probe(probes, epoch, &looks),
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

    async fn call(&self, function: &str, argument: Option<Portable>, give_up_at: Urgency) -> CallReply {
        let Some(stage) = &self.stage else { return Err(StageFailure::Script(Box::new(gone(function)))) };
        let result = tokio::select! {
            biased;
            () = self.interrupts.reached(give_up_at) => return Err(StageFailure::Interrupted),
            result = stage.call_with(function, argument.as_ref()) => result,
        };
        let value = result.map_err(|complaint| StageFailure::Script(Box::new(complaint)))?;
        // Parameters that are declared outside of `options()` are met only now.
        let problems = stage.param_problems();
        if problems.is_empty() { Ok(value) } else { Err(StageFailure::Parameters(problems)) }
    }

    fn probe(&mut self, probes: Vec<ScriptProbe>, epoch: Epoch, looks: &mpsc::Sender<Look>) {
        let Some(stage) = &self.stage else { return };
        stage.begin(epoch);
        for probe in probes {
            let task = sample_script(stage.clone(), probe, RealTime::since(epoch), looks.clone());
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
