//! Group commit: changes that come while the disk is syncing wait together and share the next sync.
//!
//! With durability off there is nothing to wait for, and a thread of its own would cost more than the write: the
//! change is made on the caller's thread.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use super::writer::{Answer, Change, Refusal, Request, Writer};

/// Gives the answers of a batch, on whatever thread that is cheapest.
pub(crate) type Give = Box<dyn Fn(Vec<Answer>) + Send>;

#[derive(Debug)]
pub(super) enum Committer {
    Grouped { queue: Arc<Queue>, thread: Option<JoinHandle<()>> },
    AtOnce(Box<Mutex<Writer>>),
}

#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    wake: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    requests: Vec<Request>,
    closed: bool,
}

impl Committer {
    pub(super) fn start(writer: Writer, grouped: bool, give: Give) -> std::io::Result<Committer> {
        if !grouped {
            return Ok(Committer::AtOnce(Box::new(Mutex::new(writer))));
        }
        let queue = Arc::new(Queue::default());
        let theirs = Arc::clone(&queue);
        let thread = std::thread::Builder::new()
            .name("store-log".into())
            .spawn(move || theirs.serve(writer, &give))?;
        Ok(Committer::Grouped { queue, thread: Some(thread) })
    }

    /// Hands a change in; the answer comes when it holds, or never when the store ends before.
    pub(super) fn submit(&self, change: Change) -> oneshot::Receiver<Result<(), Refusal>> {
        let (reply, answer) = oneshot::channel();
        let request = Request { change, reply };
        match self {
            Committer::Grouped { queue, .. } => queue.push(request),
            Committer::AtOnce(writer) => {
                let answers = writer.lock().unwrap_or_else(PoisonError::into_inner).commit([request]);
                answers.into_iter().for_each(Answer::give);
            }
        }
        answer
    }
}

impl Drop for Committer {
    fn drop(&mut self) {
        if let Committer::Grouped { queue, thread } = self {
            queue.waiting.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
            queue.wake.notify_one();
            // It ends after its last batch; that it panicked has been said by then.
            let _ = thread.take().map(JoinHandle::join);
        }
    }
}

impl Queue {
    fn push(&self, request: Request) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.requests.push(request);
        // Longer than one: the thread is awake, or has been woken.
        if waiting.requests.len() == 1 {
            self.wake.notify_one();
        }
    }

    fn serve(&self, mut writer: Writer, give: &Give) {
        loop {
            let cleaning = writer.wants_cleaning();
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            while waiting.requests.is_empty() && !waiting.closed && !cleaning {
                waiting = self.wake.wait(waiting).unwrap_or_else(PoisonError::into_inner);
            }
            if waiting.closed && waiting.requests.is_empty() {
                return;
            }
            let batch = std::mem::take(&mut waiting.requests);
            drop(waiting);
            give(writer.commit(batch));
        }
    }
}
