//! Operations on many objects that a script asks for at once: some are on their way at the same time, on this user's
//! thread, each recorded by itself, and the whole as one more.

use std::{cell::Cell, future::Future, rc::Rc, sync::Arc};

use drivers::s3::S3Reply;
use futures_util::{StreamExt, stream};
use model::{outcome::Outcome, recorder::Sample};
use rhai::ImmutableString;

use super::{call::Call, keys::Keys};
use crate::{
    bindings::reply::{Body, Ended, Reply},
    bridge::wait_for,
    context::cancelled,
    core::OpName,
    engine::EvalError,
    ledger::queue::{self, Answer},
};

/// Objects between two words on how far it has come.
const OBJECTS_A_WORD: u64 = 256;

/// What became of all of them.
#[derive(Debug, Default)]
pub(crate) struct Many {
    /// Objects that were put, or found.
    pub(crate) items: u64,
    /// Bytes of their content.
    pub(crate) bytes: u64,
    /// Keys of which there was nothing.
    pub(crate) missing: Vec<ImmutableString>,
}

/// One operation on each key, `in_flight` of them on their way at once, each recorded under `each`. When one fails no
/// more are begun, those on their way are waited for, and the whole ends as it did.
pub(super) fn fan_out<F: Future<Output = S3Reply>>(
    call: &Call<'_>,
    each: &Arc<OpName>,
    keys: &Keys<'_>,
    in_flight: usize,
    operation: impl Fn(ImmutableString) -> F,
) -> Result<Reply, EvalError> {
    let asked_ns = call.context.core.now_ns();
    let progress = Progress::of(call, keys.len());
    let ended = wait_for(async {
        let has_failed = Cell::new(false);
        let begun = (0..keys.len()).take_while(|_| !has_failed.get());
        let mut under_way = stream::iter(begun)
            .map(|n| {
                let operation = operation(keys.key(n));
                async move { (n, operation.await) }
            })
            .buffer_unordered(in_flight);
        let (mut many, mut failed) = (Many::default(), None);
        while let Some((n, reply)) = under_way.next().await {
            call.record(each, &reply);
            progress.one_more();
            match reply.outcome {
                Outcome::Ok => {
                    many.items += 1;
                    many.bytes += reply.bytes_sent + reply.bytes_received;
                }
                Outcome::Empty => many.missing.push(keys.key(n)),
                _ => {
                    has_failed.set(true);
                    failed.get_or_insert(reply);
                }
            }
        }
        (many, failed)
    });
    // Also when it was cut off half-way.
    progress.end();
    let (many, failed) = ended.map_err(|_| cancelled())?;
    let service_ns = call.context.core.now_ns().saturating_sub(asked_ns);
    finish(call, many, failed, service_ns)
}

/// Records the whole, and hands it over. Its bytes are those of the objects, which are recorded already.
fn finish(call: &Call<'_>, many: Many, failed: Option<S3Reply>, service_ns: u64) -> Result<Reply, EvalError> {
    let (outcome, class, message) = match failed {
        None => (Outcome::Ok, None, None),
        Some(S3Reply { outcome, class, message, .. }) => (outcome, class.map(String::from), message),
    };
    let sample = Sample {
        outcome,
        class: class.as_deref(),
        expect: call.expect,
        service_ns,
        pool_wait_ns: None,
        bytes_sent: 0,
        bytes_received: 0,
        items: many.items,
    };
    call.context.core.record(call.context, &call.op, &sample, message.as_deref());
    queue::heard(call.context, outcome, Answer::Nothing);
    let ended = Ended { op: call.op.clone(), outcome, class, message, service_ns, body: Body::Many(many) };
    Reply(Rc::new(ended)).hand_over(call.expect)
}

/// How far it has come, for those who wait for `setup()`.
struct Progress<'c> {
    call: &'c Call<'c>,
    done: Cell<u64>,
    total: u64,
    /// Whether anybody waits for it: in an iteration there are others.
    is_told: bool,
}

impl<'c> Progress<'c> {
    fn of(call: &'c Call<'c>, total: usize) -> Self {
        let is_told = call.context.scenario.is_none();
        Self { call, done: Cell::new(0), total: total as u64, is_told }
    }

    fn one_more(&self) {
        let done = self.done.get() + 1;
        self.done.set(done);
        if self.is_told && done.is_multiple_of(OBJECTS_A_WORD) {
            self.say(done, self.total);
        }
    }

    fn end(&self) {
        if self.is_told {
            self.say(0, 0);
        }
    }

    fn say(&self, done: u64, total: u64) {
        self.call.context.core.wiring.findings.set_progress(&self.call.op.name, done, total);
    }
}
