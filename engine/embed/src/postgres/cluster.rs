//! Making a data directory.

use std::path::Path;
use std::process::{Command, Stdio};

use super::find::Binaries;
use super::{DATABASE, USER};
use crate::EmbedError;
use crate::os::text::last_lines;
use crate::os::user::User;

/// Runs `initdb` into `data`, as the user the server will run as.
pub(crate) fn initdb(binaries: &Binaries, data: &Path, user: Option<&User>) -> Result<(), EmbedError> {
    let program = binaries.program("initdb");
    let mut command = Command::new(&program);
    // Collation C: the same order on every machine, and the one that costs least.
    command
        .args(["--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"])
        .arg(format!("--username={USER}"))
        .arg("--pgdata")
        .arg(data)
        .stdin(Stdio::null());
    prepare(&mut command, data.parent().unwrap_or(data), user);
    let output = command.output().map_err(|source| unrunnable(&program, user, source))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    let output_tail = last_lines(&said, 15);
    Err(EmbedError::Program {
        program: program.display().to_string(),
        status: output.status.to_string(),
        output: output_tail,
    })
}

/// What every Postgres program needs: a folder it may be in, nobody's PG* variables, and messages in English.
pub(crate) fn prepare(command: &mut Command, folder: &Path, user: Option<&User>) {
    command.current_dir(folder).env("LC_ALL", "C").env_remove("LANGUAGE");
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PG")) {
        command.env_remove(name);
    }
    if let Some(user) = user {
        user.apply(command);
    }
}

/// A program that could not be started at all; as root usually because the other user cannot reach it.
pub(crate) fn unrunnable(program: &Path, user: Option<&User>, source: std::io::Error) -> EmbedError {
    match user {
        Some(user) => EmbedError::Unreachable {
            program: program.to_path_buf(),
            user: user.name.clone(),
            reason: source.to_string(),
        },
        None => EmbedError::Io { action: "run", path: program.to_path_buf(), source },
    }
}

/// Who may come in: everybody at the socket (its folder is closed to others), and at TCP those with the password.
pub(crate) fn pg_hba(password: bool) -> String {
    let tcp = if password { "scram-sha-256" } else { "trust" };
    format!("# Written by snapbench.\nlocal all all trust\nhost all all 127.0.0.1/32 {tcp}\n")
}

/// For the connection string: the socket's folder as `host`, the way libpq and its kin read it.
pub(crate) fn socket_url(socket_dir: &Path, port: u16) -> String {
    let folder: String = socket_dir.to_string_lossy().bytes().map(percent_encoded).collect();
    format!("postgresql://{USER}@/{DATABASE}?host={folder}&port={port}")
}

/// RFC 3986: what may stand in a query as it is, and the rest as %XX.
fn percent_encoded(byte: u8) -> String {
    match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    }
}

/// A password in a URL's authority.
pub(crate) fn tcp_url(port: u16, password: Option<&str>) -> String {
    let secret = password.map(|password| {
        let encoded: String = password
            .bytes()
            .map(|byte| if byte == b'/' { "%2F".into() } else { percent_encoded(byte) })
            .collect();
        format!(":{encoded}")
    });
    format!("postgresql://{USER}{}@127.0.0.1:{port}/{DATABASE}", secret.unwrap_or_default())
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
