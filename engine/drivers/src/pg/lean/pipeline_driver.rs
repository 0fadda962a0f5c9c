//! The task that owns a shared connection's socket: opens it, sends what has gathered, reads and hands out.
//!
//! It is called once by the first request of a turn and runs behind the VUs that were ready in that turn, so
//! that all their requests leave in one write.

use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::BytesMut;

use crate::pg::connect::canceller::{self, Whose};
use crate::pg::connect::dial::CancelKey;
use crate::pg::connect::socket::Socket;
use crate::pg::connect::startup::{self, Started};
use crate::pg::fault::{Fault, FaultKind, end_of_stream};
use crate::pg::lean::connection::{FAREWELL, hung_up};
use crate::pg::lean::pipeline::{Phase, Pipeline};
use crate::pg::lean::wire::{Found, IDLE, Scan};

/// Opens the connection unless somebody has or does.
pub(crate) fn ensure_open(pipeline: &Rc<Pipeline>) {
    let mut core = pipeline.core.borrow_mut();
    if core.phase == Phase::Closed {
        core.phase = Phase::Opening;
        tokio::task::spawn_local(drive(Rc::clone(pipeline)));
    }
}

async fn drive(pipeline: Rc<Pipeline>) {
    let home = Rc::clone(&pipeline.home);
    let started = match startup::start(&home.dialer, home.limit).await {
        Ok(started) => started,
        Err(problem) => {
            pipeline.core.borrow_mut().opened(Err(Box::new(home.dialer.error(problem))));
            return;
        }
    };
    pipeline.core.borrow_mut().opened(Ok(()));
    let Started { socket, input, key, .. } = started;
    let mut driver = Driver { pipeline: Rc::clone(&pipeline), socket, input, scan: Scan::default(), key };
    if let End::Fault(fault) = std::future::poll_fn(|cx| driver.poll(cx)).await {
        if matches!(fault.kind, FaultKind::Lost(_)) {
            // There is nobody left who could be asked to cancel.
            driver.key = None;
        }
        // First, while the queue still tells whether anything is under way.
        drop(driver);
        pipeline.core.borrow_mut().lose(&fault);
    }
}

struct Driver {
    pipeline: Rc<Pipeline>,
    socket: Socket,
    input: BytesMut,
    scan: Scan,
    key: Option<CancelKey>,
}

impl Drop for Driver {
    /// Says goodbye; what is still under way is cancelled, also when the whole runtime goes.
    fn drop(&mut self) {
        if self.pipeline.core.try_borrow().is_ok_and(|core| !core.has_queue()) {
            self.socket.send_now(&FAREWELL);
        } else if let Some(key) = self.key {
            canceller::cancel(&self.pipeline.home.dialer, Whose::Lean(key));
        }
    }
}

enum End {
    Fault(Fault),
    /// Retired, and nobody waits for a reply.
    Unwanted,
}

impl Driver {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        self.pipeline.core.borrow_mut().driver.clone_from(cx.waker());
        let (mut is_reading, mut is_writing) = (true, true);
        while is_reading || is_writing {
            if is_writing {
                match self.poll_write(cx) {
                    Poll::Ready(Ok(())) | Poll::Pending => is_writing = false,
                    Poll::Ready(Err(fault)) => return Poll::Ready(End::Fault(fault)),
                }
            }
            if is_reading {
                match self.poll_read(cx) {
                    Poll::Ready(Ok(())) => {}
                    Poll::Pending => is_reading = false,
                    Poll::Ready(Err(fault)) => return Poll::Ready(End::Fault(fault)),
                }
            }
        }
        let core = self.pipeline.core.borrow();
        if core.phase == Phase::Retired && !core.is_wanted() {
            Poll::Ready(End::Unwanted)
        } else {
            Poll::Pending
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        let core = &mut *self.pipeline.core.borrow_mut();
        if core.output.is_empty() {
            return Poll::Ready(Ok(()));
        }
        let sent = ready!(self.socket.poll_send(cx, &core.output, &mut core.sent));
        if sent.is_ok() {
            core.forget_sent();
        }
        Poll::Ready(sent.map_err(|error| hung_up(&mut self.socket, &mut self.input, &mut self.scan, &error)))
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        match self.socket.poll_fill(cx, &mut self.input) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(1..)) => Poll::Ready(self.deliver()),
            Poll::Ready(end) => {
                let error = end.err().unwrap_or_else(end_of_stream);
                Poll::Ready(Err(hung_up(&mut self.socket, &mut self.input, &mut self.scan, &error)))
            }
        }
    }

    /// Hands out the replies that are whole.
    fn deliver(&mut self) -> Result<(), Fault> {
        let mut core = self.pipeline.core.borrow_mut();
        loop {
            match self.scan.advance(&self.input)? {
                Found::Part => return Ok(()),
                Found::CopyIn => return Err(Fault::garbled("it asks for data that nobody has")),
                Found::End => {
                    let whole = self.scan.take(&mut self.input);
                    // What follows on this connection would be inside somebody's transaction.
                    if whole.status != IDLE {
                        return Err(Fault::garbled("a statement left a transaction open"));
                    }
                    if !core.deliver(whole) {
                        return Err(Fault::garbled("a reply without a request"));
                    }
                }
            }
        }
    }
}
