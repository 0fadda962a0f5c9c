//! The HTTP client of one core: requests are sent on behalf of the current virtual user, recorded, and handed over.
//!
//! Deliberately absent: what scripts say (see `asked`, `body`, `operation`).

use std::{rc::Rc, sync::Arc};

use drivers::http::{Http, HttpConfig, HttpReply, HttpRequest, HttpTarget, Method};
use model::recorder::Sample;

use super::{asked::Asked, body::Body};
use crate::{
    bindings::reply::{self, Ended, Reply},
    bridge::wait_for,
    context::{Context, cancelled},
    core::OpName,
    diagnostic::Diagnostic,
    engine::EvalError,
    ledger::queue,
};

/// The HTTP client of one core.
pub(crate) struct HttpOnCore {
    client: Http,
    /// What requests are recorded under when the script gives no name, by their methods.
    words: Vec<(Method, Arc<OpName>)>,
}

impl HttpOnCore {
    /// # Errors
    /// When the settings make no client.
    pub(crate) fn open(config: &HttpConfig) -> Result<Self, Diagnostic> {
        let client = Http::open(config).map_err(|e| Diagnostic::usage(e.to_string()))?;
        let methods = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::HEAD];
        let words = methods.map(|method| (method.clone(), OpName::new(method.as_str())));
        Ok(Self { client, words: words.into() })
    }

    /// The name of a request that has none of its own: one a method, never one a path.
    pub(super) fn word(&self, context: &Context, method: &Method) -> Arc<OpName> {
        let known = self.words.iter().find(|(known, _)| known == method);
        known.map_or_else(|| context.core.op_name(method.as_str()), |(_, word)| word.clone())
    }

    /// Sends one request, records it under `op` and hands its reply over.
    pub(super) fn send(
        &self,
        context: &Context,
        op: &Arc<OpName>,
        method: &Method,
        target: HttpTarget,
        body: Body,
        asked: &Asked,
    ) -> Result<Reply, EvalError> {
        let request = HttpRequest {
            method,
            target,
            headers: &asked.headers,
            content_type: body.content_type,
            body: body.bytes,
            timeout: asked.timeout,
            rules: &asked.rules,
        };
        let reply = wait_for(self.client.send(request)).map_err(|_| cancelled())?;
        record(context, op, &reply, asked);
        let ended = Ended {
            op: op.clone(),
            outcome: reply.outcome,
            class: reply.class.as_ref().map(ToString::to_string),
            message: reply.message.clone(),
            service_ns: reply.service_ns,
            body: reply::Body::Http(reply, Default::default()),
        };
        Reply(Rc::new(ended)).hand_over(asked.expect)
    }
}

fn record(context: &Context, op: &OpName, reply: &HttpReply, asked: &Asked) {
    let sample = Sample {
        outcome: reply.outcome,
        class: reply.class.as_deref(),
        expect: asked.expect,
        service_ns: reply.service_ns,
        // A connection that was kept alive waited for nothing.
        pool_wait_ns: Some(reply.connect_wait_ns).filter(|wait_ns| *wait_ns > 0),
        bytes_sent: reply.bytes_sent,
        bytes_received: reply.bytes_received,
        items: u64::from(reply.is_ok()),
    };
    context.core.record(context, op, &sample, reply.message.as_deref());
    queue::heard_http(context, reply);
}
