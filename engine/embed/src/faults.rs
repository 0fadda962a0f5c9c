//! What can be done to a server while a load runs against it, whichever server it is.

use std::time::Duration;

use crate::EmbedError;
use crate::postgres::Postgres;
use crate::store::ObjectStore;

/// Faults on a running server. All block until they are done.
pub trait Faults: Send + Sync {
    /// The server's name, for events and reports.
    fn server(&self) -> &'static str;

    /// SIGKILL to every process of the server; the data stays.
    ///
    /// # Errors
    /// [`EmbedError::NotRunning`] when it is down already.
    fn kill9(&self) -> Result<(), EmbedError>;

    /// Ends the server in good order if it runs, and starts it again on the same data and address. Returns how
    /// long it took until the server answered.
    ///
    /// # Errors
    /// [`EmbedError::DidNotStart`] with its last words.
    fn restart(&self) -> Result<Duration, EmbedError>;

    /// SIGSTOP to every process of the server.
    ///
    /// # Errors
    /// [`EmbedError::NotRunning`] when it is down.
    fn pause(&self) -> Result<(), EmbedError>;

    /// SIGCONT to every process of the server.
    ///
    /// # Errors
    /// [`EmbedError::NotRunning`] when it is down.
    fn resume(&self) -> Result<(), EmbedError>;
}

macro_rules! faults {
    ($server:ty, $name:literal) => {
        impl Faults for $server {
            fn server(&self) -> &'static str {
                $name
            }

            fn kill9(&self) -> Result<(), EmbedError> {
                <$server>::kill9(self)
            }

            fn restart(&self) -> Result<Duration, EmbedError> {
                <$server>::restart(self)
            }

            fn pause(&self) -> Result<(), EmbedError> {
                <$server>::pause(self)
            }

            fn resume(&self) -> Result<(), EmbedError> {
                <$server>::resume(self)
            }
        }
    };
}

faults!(Postgres, "postgres");
faults!(ObjectStore, "store");
