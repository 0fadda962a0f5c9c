//! Words for failures of sockets, the same for every driver.
//!
//! Deliberately does not know which server was at the other end, nor what the failure means for an operation.

use std::io;

/// `EMFILE` and `ENFILE`: the same numbers on Linux and macOS.
const TOO_MANY_OPEN_FILES: [i32; 2] = [24, 23];

/// A short name for an I/O failure, as reports count it.
pub(crate) fn io_class(error: &io::Error) -> &'static str {
    if error.raw_os_error().is_some_and(|number| TOO_MANY_OPEN_FILES.contains(&number)) {
        return "too_many_open_files";
    }
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection_refused",
        io::ErrorKind::ConnectionReset => "connection_reset",
        io::ErrorKind::ConnectionAborted => "connection_aborted",
        io::ErrorKind::NotConnected => "not_connected",
        io::ErrorKind::BrokenPipe => "broken_pipe",
        io::ErrorKind::UnexpectedEof => "unexpected_eof",
        io::ErrorKind::TimedOut => "timed_out",
        io::ErrorKind::HostUnreachable => "host_unreachable",
        io::ErrorKind::NetworkUnreachable => "network_unreachable",
        io::ErrorKind::AddrNotAvailable => "address_not_available",
        io::ErrorKind::NotFound => "not_found",
        io::ErrorKind::PermissionDenied => "permission_denied",
        // The resolver's failures have no kind of their own.
        _ if error.to_string().contains("lookup address") => "host_not_found",
        _ => "io",
    }
}

/// What a person can do about a failure to connect, where that is known from its class.
pub(crate) fn connect_remedy(class: &str) -> Option<&'static str> {
    match class {
        "too_many_open_files" => Some("raise the limit with `ulimit -n 65536`, or use fewer connections"),
        "address_not_available" => {
            Some("the client's ports are used up: wait a minute, or widen net.ipv4.ip_local_port_range")
        }
        "host_not_found" => Some("check the host name"),
        "host_unreachable" | "network_unreachable" => Some("check the address and the network"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_have_the_names_that_reports_count() {
        assert_eq!(io_class(&io::ErrorKind::ConnectionRefused.into()), "connection_refused");
        assert_eq!(io_class(&io::Error::from_raw_os_error(24)), "too_many_open_files");
        let resolver = io::Error::other("failed to lookup address information: Name or service not known");
        assert_eq!(io_class(&resolver), "host_not_found");
        assert_eq!(io_class(&io::Error::other("odd")), "io");
        assert!(connect_remedy("too_many_open_files").is_some_and(|text| text.contains("ulimit")));
        assert_eq!(connect_remedy("connection_refused"), None);
    }
}
