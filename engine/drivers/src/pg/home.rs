//! What all connections of one thread to one server share.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use crate::pg::connect::dial::Dialer;
use crate::pg::lean::catalog::Catalog;

/// The way to the server, what is known of its types, and the time limit.
pub(crate) struct Home {
    pub(crate) dialer: Arc<Dialer>,
    pub(crate) catalog: RefCell<Catalog>,
    /// The time an operation may take.
    pub(crate) limit: Duration,
}
