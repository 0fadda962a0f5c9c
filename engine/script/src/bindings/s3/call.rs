//! How one operation of a script is run: its settings are read, it is carried out on behalf of the current virtual
//! user, recorded, and handed over.

use std::{rc::Rc, sync::Arc};

use drivers::s3::S3Reply;
use model::{outcome::Expect, recorder::Sample};
use rhai::Map;

use super::on_core::{StoreOnCore, StoreWords};
use crate::{
    bindings::reply::{Body, Ended, Reply},
    bridge::wait_for,
    context::{self, Context, cancelled},
    core::OpName,
    engine::EvalError,
    ledger::queue::{self, Answer},
    settings::Settings,
};

/// Settings that every operation takes.
const COMMON: [&str; 3] = ["store", "op", "expect"];

/// What is asked for: the binding's name, its settings, and which others than the common ones it takes.
pub(super) struct Asked<'s> {
    pub(super) of: &'static str,
    pub(super) settings: &'s Map,
    pub(super) known: &'s [&'static str],
    /// What it is recorded under when the script gives no name.
    pub(super) word: fn(&StoreWords) -> &Arc<OpName>,
}

/// Where and how an operation runs, once its settings are read.
pub(super) struct Call<'c> {
    pub(super) context: &'c Context,
    pub(super) store: &'c StoreOnCore,
    pub(super) op: Arc<OpName>,
    pub(super) expect: Expect,
}

impl Asked<'_> {
    /// Reads the settings: `read` those of its own, then complains about all that is wrong, then `act`.
    pub(super) fn call<T, R>(
        self,
        read: impl FnOnce(&mut Settings<'_>) -> T,
        act: impl FnOnce(&Call<'_>, T) -> Result<R, EvalError>,
    ) -> Result<R, EvalError> {
        let Self { of, settings: map, known, word } = self;
        context::required("s3", |context| {
            // Most operations have no settings, and all of them are on the way of the load.
            if map.is_empty() {
                let store = context.core.store(None)?;
                let call = Call { context, store, op: word(&store.words).clone(), expect: Expect::Normal };
                let mut none = Settings::new(of, map, &[]);
                return act(&call, read(&mut none));
            }
            let all: Vec<&'static str> = COMMON.iter().chain(known).copied().collect();
            let mut settings = Settings::new(of, map, &all);
            let store = settings.of_text("store", |name| context.core.store(Some(name)));
            let op = settings.of_text("op", |name| context.core.op_name(name));
            let expect = match settings.word("expect", &["normal", "rejected"]) {
                Some("rejected") => Expect::Rejected,
                _ => Expect::Normal,
            };
            let own = read(&mut settings);
            settings.done()?;
            let store = store.unwrap_or_else(|| context.core.store(None))?;
            let op = op.unwrap_or_else(|| word(&store.words).clone());
            act(&Call { context, store, op, expect }, own)
        })
    }

    /// Runs one operation of the driver.
    pub(super) fn run<T>(
        self,
        read: impl FnOnce(&mut Settings<'_>) -> T,
        operation: impl AsyncFnOnce(&StoreOnCore, T) -> S3Reply,
    ) -> Result<Reply, EvalError> {
        self.call(read, |call, own| {
            let reply = wait_for(operation(call.store, own)).map_err(|_| cancelled())?;
            call.record(&call.op, &reply);
            queue::heard(call.context, reply.outcome, Answer::Json(&reply.body));
            call.hand_over(reply)
        })
    }
}

impl Call<'_> {
    /// Records one operation of the driver.
    pub(super) fn record(&self, op: &OpName, reply: &S3Reply) {
        let sample = Sample {
            outcome: reply.outcome,
            class: reply.class.as_deref(),
            expect: self.expect,
            service_ns: reply.service_ns,
            // A connection that was kept alive waited for nothing.
            pool_wait_ns: reply.connect_wait_ns.filter(|wait_ns| *wait_ns > 0),
            bytes_sent: reply.bytes_sent,
            bytes_received: reply.bytes_received,
            items: reply.items,
        };
        self.context.core.record(self.context, op, &sample, reply.message.as_deref());
    }

    fn hand_over(&self, reply: S3Reply) -> Result<Reply, EvalError> {
        let ended = Ended {
            op: self.op.clone(),
            outcome: reply.outcome,
            class: reply.class.as_ref().map(ToString::to_string),
            message: reply.message.clone(),
            service_ns: reply.service_ns,
            body: Body::Store(reply, Default::default()),
        };
        Reply(Rc::new(ended)).hand_over(self.expect)
    }
}
