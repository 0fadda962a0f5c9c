//! What can be done to a server while a load runs against it, whichever server it is.

use std::time::Duration;

use crate::EmbedError;

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

    /// SIGSTOP to every process of the server; returns when it holds them all.
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

/// The hand-over to the field `server`, the same for every kind of server: as methods of its own, so that who holds one
/// needs no trait, and as [`Faults`].
macro_rules! faults {
    ($server:ty, $name:literal) => {
        impl $server {
            /// Kills every process of the server with SIGKILL, at once, and returns when all are gone. The data stays
            /// for a restart.
            ///
            /// # Errors
            /// [`EmbedError::NotRunning`](crate::EmbedError::NotRunning) when it is down already.
            pub fn kill9(&self) -> Result<(), crate::EmbedError> {
                self.server.kill9()
            }

            /// Restarts the server on the same data and address: after an end in good order, or with what recovery
            /// it needs when it was killed. Returns when it answers, with how long that took from the call.
            ///
            /// # Errors
            /// [`EmbedError::DidNotStart`](crate::EmbedError::DidNotStart) with its last words;
            /// [`EmbedError::PortInUse`](crate::EmbedError::PortInUse) when another program has taken its port.
            pub fn restart(&self) -> Result<std::time::Duration, crate::EmbedError> {
                self.server.restart()
            }

            /// Stops every process of the server in its tracks (SIGSTOP), and returns when all are held:
            /// connections stay open, nobody answers.
            ///
            /// # Errors
            /// [`EmbedError::NotRunning`](crate::EmbedError::NotRunning) when it is down.
            pub fn pause(&self) -> Result<(), crate::EmbedError> {
                self.server.pause()
            }

            /// Lets a paused server go on (SIGCONT). Does nothing to one that is not paused.
            ///
            /// # Errors
            /// [`EmbedError::NotRunning`](crate::EmbedError::NotRunning) when it is down.
            pub fn resume(&self) -> Result<(), crate::EmbedError> {
                self.server.resume()
            }

            /// The pid of its first process; `None` while it is down.
            pub fn pid(&self) -> Option<u32> {
                self.server.pid()
            }

            /// The last lines of its log.
            pub fn log_tail(&self, lines: usize) -> String {
                crate::os::text::tail(&self.server.program().log(), lines)
            }

            /// Stops the server and removes its data; the same as dropping it, but said.
            pub fn stop(self) {}
        }

        impl crate::Faults for $server {
            fn server(&self) -> &'static str {
                $name
            }

            fn kill9(&self) -> Result<(), crate::EmbedError> {
                <$server>::kill9(self)
            }

            fn restart(&self) -> Result<std::time::Duration, crate::EmbedError> {
                <$server>::restart(self)
            }

            fn pause(&self) -> Result<(), crate::EmbedError> {
                <$server>::pause(self)
            }

            fn resume(&self) -> Result<(), crate::EmbedError> {
                <$server>::resume(self)
            }
        }
    };
}

pub(crate) use faults;
