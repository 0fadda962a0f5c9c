//! The task that owns a shared connection's socket: opens it, sends what has gathered, reads and hands out.
//!
//! It is called once by the first request of a turn and runs behind the VUs that were ready in that turn, so
//! that all their requests leave in one write.

use std::io;
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
        let sent = {
            let core = &mut *self.pipeline.core.borrow_mut();
            if core.output.is_empty() {
                return Poll::Ready(Ok(()));
            }
            let sent = ready!(self.socket.poll_send(cx, &core.output, &mut core.sent));
            if sent.is_ok() {
                core.forget_sent();
            }
            sent
        };
        Poll::Ready(sent.map_err(|error| self.hung_up(&error)))
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        match self.socket.poll_fill(cx, &mut self.input) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(1..)) => Poll::Ready(self.deliver()),
            Poll::Ready(end) => {
                let error = end.err().unwrap_or_else(end_of_stream);
                Poll::Ready(Err(self.hung_up(&error)))
            }
        }
    }

    /// The fault of a stream that has ended. Replies that arrived whole before that still count.
    fn hung_up(&mut self, error: &io::Error) -> Fault {
        while let Poll::Ready(Ok(1..)) = self.socket.fill_now(&mut self.input) {}
        match self.deliver() {
            Ok(()) => hung_up(&mut self.socket, &mut self.input, &mut self.scan, error),
            Err(fault) => fault,
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

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::pin::pin;
    use std::sync::Arc;
    use std::time::Duration;

    use bytes::BufMut;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::UnixStream;

    use super::*;
    use crate::pg::PgConfig;
    use crate::pg::connect::dial::Dialer;
    use crate::pg::error::LostCause;
    use crate::pg::home::Home;

    fn nowhere() -> Rc<Home> {
        let config = PgConfig::parse("postgres://u@localhost/d?sslmode=disable", &|_| None).unwrap();
        let dialer = Arc::new(Dialer::new(config).unwrap());
        Rc::new(Home { dialer, catalog: RefCell::default(), limit: Duration::from_secs(1) })
    }

    #[tokio::test]
    async fn replies_that_came_before_the_end_are_handed_out_and_an_error_is_no_farewell() {
        let pipeline = Pipeline::new(&nowhere());
        pipeline.core.borrow_mut().phase = Phase::Open;
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let socket = Socket::Unix(ours);
        let (input, scan) = (BytesMut::new(), Scan::default());
        let mut driver = Driver { pipeline: Rc::clone(&pipeline), socket, input, scan, key: None };
        let ask = || {
            let queued = pipeline.queue(|core| {
                core.output.put_slice(b"ask");
                Ok(())
            });
            queued.unwrap().unwrap()
        };
        let (first, second) = (ask(), ask());
        let cx = &mut Context::from_waker(std::task::Waker::noop());
        assert!(driver.poll(cx).is_pending());
        theirs.read_exact(&mut [0; 6]).await.unwrap();
        // A whole reply, then an error whose reply does not come to its end; and nobody reads any more.
        let words = b"C\0\0\0\x0dUPDATE 1\0Z\0\0\0\x05IE\0\0\0\x1cVERROR\0C40001\0Mno luck\0\0";
        theirs.write_all(words).await.unwrap();
        drop(theirs);
        // The loop learns of it.
        tokio::time::sleep(Duration::from_millis(20)).await;
        let third = ask();
        let Poll::Ready(End::Fault(fault)) = driver.poll(cx) else { panic!("the stream has ended") };
        pipeline.core.borrow_mut().lose(&fault);
        let Poll::Ready(first) = pin!(first).poll(cx) else { panic!("the first is settled") };
        assert_eq!(first.unwrap().affected, 1);
        for (ticket, sent) in [(second, true), (third, false)] {
            let Poll::Ready(Err(fault)) = pin!(ticket).poll(cx) else { panic!("it is lost") };
            assert!(matches!(fault.kind, FaultKind::Lost(LostCause::Io { .. })), "{fault:?}");
            assert_eq!(fault.sent, sent);
        }
    }
}
