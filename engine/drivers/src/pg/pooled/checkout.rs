//! A connection that is out of the pool.
//!
//! It goes back when it is idle and in order; else it is closed, and what it was doing is cancelled.

use std::ops::Deref;
use std::sync::Arc;

use deadpool_postgres::{ClientWrapper, Object};

use crate::pg::connect::canceller::{self, Whose};
use crate::pg::connect::dial::Dialer;
use crate::pg::lean::wire::IDLE;
use crate::pg::pooled::gauge::InUse;
use crate::pg::pooled::traffic::Traffic;
use crate::pg::pooled::wire::Register;

pub(crate) struct Checkout {
    /// Present until the drop.
    client: Option<Object>,
    /// Counts the connection as used until the drop.
    _in_use: Option<InUse>,
    traffic: Arc<Traffic>,
    register: Register,
    dialer: Arc<Dialer>,
    /// Whether a request is under way.
    pub(crate) is_midway: bool,
    /// Whether the connection must not be used again.
    pub(crate) is_broken: bool,
}

impl Checkout {
    pub(super) fn new(
        client: Object,
        in_use: Option<InUse>,
        register: &Register,
        dialer: &Arc<Dialer>,
    ) -> Checkout {
        let traffic = register.traffic(&client);
        let (register, dialer) = (register.clone(), Arc::clone(dialer));
        Checkout {
            client: Some(client),
            _in_use: in_use,
            traffic,
            register,
            dialer,
            is_midway: false,
            is_broken: false,
        }
    }

    /// Waits for the end of the reply that is under way: only then the status is known.
    pub(crate) async fn settled(&self) {
        self.traffic.settled().await;
    }

    /// The transaction status after the last reply.
    pub(crate) fn status(&self) -> u8 {
        self.traffic.status()
    }

    /// Bytes sent and received so far.
    pub(crate) fn bytes(&self) -> (u64, u64) {
        self.traffic.bytes()
    }

    /// Whether the connection still stands.
    pub(crate) fn is_open(&self) -> bool {
        !self.is_closed()
    }
}

impl Deref for Checkout {
    type Target = ClientWrapper;

    fn deref(&self) -> &ClientWrapper {
        self.client.as_ref().expect("the client is taken only by the drop")
    }
}

impl Drop for Checkout {
    fn drop(&mut self) {
        let Some(client) = self.client.take() else { return };
        let is_in_order = !self.is_midway && !self.is_broken && self.traffic.status() == IDLE;
        if is_in_order && !client.is_closed() {
            return;
        }
        let client = Object::take(client);
        self.register.forget(&client);
        // Even of a connection that is closed: when the runtime goes, its task may have gone before this, and
        // the server knows nothing of that.
        if self.is_midway {
            canceller::cancel(&self.dialer, Whose::Pooled(client.cancel_token()));
        }
    }
}
