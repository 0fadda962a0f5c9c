//! Ignoring what asks a process to end.

/// Makes this process deaf to Ctrl-C, hang-up and a polite kill.
pub(crate) fn ignore_requests_to_end() {
    for signal in [libc::SIGINT, libc::SIGHUP, libc::SIGTERM, libc::SIGQUIT] {
        // SAFETY: SIG_IGN installs no handler, so no code of ours runs in signal context; signal(2) touches no
        // memory of this process.
        unsafe {
            libc::signal(signal, libc::SIG_IGN);
        }
    }
}
