//! How clients come in: who is let in, and the connection strings that say so.

use std::path::Path;

use super::{DATABASE, USER};

/// Who may come in: everybody at the socket (its folder is closed to others), and at TCP those with the password.
pub(crate) fn pg_hba(password: bool) -> String {
    let tcp = if password { "scram-sha-256" } else { "trust" };
    format!("# Written by snapbench.\nlocal all all trust\nhost all all 127.0.0.1/32 {tcp}\n")
}

/// For the connection string: the socket's folder as `host`, the way libpq and its kin read it.
pub(crate) fn socket_url(socket_dir: &Path, port: u16) -> String {
    let folder = encoded(&socket_dir.to_string_lossy(), "/");
    format!("postgresql://{USER}@/{DATABASE}?host={folder}&port={port}")
}

/// For TCP, the password in it.
pub(crate) fn tcp_url(port: u16, password: Option<&str>) -> String {
    let secret = password.map(|password| format!(":{}", encoded(password, ""))).unwrap_or_default();
    format!("postgresql://{USER}{secret}@127.0.0.1:{port}/{DATABASE}")
}

/// RFC 3986: unreserved characters, and those in `also`, stand as they are; the rest as %XX.
fn encoded(text: &str, also: &str) -> String {
    let plain =
        |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || also.as_bytes().contains(&byte);
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_encode_what_is_special() {
        assert_eq!(
            socket_url(Path::new("/tmp/a b&c"), 5432),
            "postgresql://postgres@/postgres?host=/tmp/a%20b%26c&port=5432"
        );
        assert_eq!(tcp_url(7, Some("p/@:x")), "postgresql://postgres:p%2F%40%3Ax@127.0.0.1:7/postgres");
        assert_eq!(tcp_url(7, None), "postgresql://postgres@127.0.0.1:7/postgres");
    }

    #[test]
    fn a_password_closes_tcp_only() {
        assert!(pg_hba(true).contains("local all all trust"));
        assert!(pg_hba(true).contains("127.0.0.1/32 scram-sha-256"));
        assert!(pg_hba(false).contains("127.0.0.1/32 trust"));
    }
}
