//! What can go wrong with a server of our own, each with what to do about it.

use std::io;
use std::path::{Path, PathBuf};

/// Why an embedded server could not be started or handled.
#[derive(Debug, thiserror::Error)]
pub enum EmbedError {
    /// No Postgres on this machine and none could be obtained.
    #[error("no Postgres server programs found{wanted}\n  looked in: {searched}\n  {remedy}", wanted = of_version(*.version))]
    NoPostgres {
        /// The major version that was asked for.
        version: Option<u32>,
        /// The places looked at, for the reader.
        searched: String,
        /// What to type.
        remedy: String,
    },
    /// `SNAPBENCH_PG_BIN` names a folder that does not serve.
    #[error(
        "SNAPBENCH_PG_BIN is {path}, but {problem}; name the folder that holds `initdb` and `postgres`, or unset it"
    )]
    BadBinariesFolder {
        /// What the variable says.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A helper program ended badly.
    #[error("`{program}` failed ({status}){}", tail_of(.output))]
    Program {
        /// What was run.
        program: String,
        /// How it ended.
        status: String,
        /// The last lines it wrote.
        output: String,
    },
    /// The server process ended, or never answered.
    #[error("{server} did not start: {reason}{}", tail_of(.log))]
    DidNotStart {
        /// Which server.
        server: &'static str,
        /// What was seen from outside.
        reason: String,
        /// The last lines of its log.
        log: String,
    },
    /// The port that was asked for is taken.
    #[error(
        "port {port} on 127.0.0.1 is already in use, so {server} cannot listen there; choose another port, or 0 for any free one"
    )]
    PortInUse {
        /// Which server wanted it.
        server: &'static str,
        /// The port.
        port: u16,
    },
    /// The socket's path does not fit in the operating system's address.
    #[error(
        "the Postgres socket path {path} has {length} bytes, and the operating system allows {limit}; set TMPDIR to a shorter folder such as /tmp"
    )]
    SocketPathTooLong {
        /// The path of the socket file.
        path: PathBuf,
        /// Its length in bytes.
        length: usize,
        /// The longest one allowed, in bytes.
        limit: usize,
    },
    /// A setting that cannot be written into the server's configuration.
    #[error("`{name}` is not a Postgres setting name; letters, digits, `_` and `.` only")]
    BadSetting {
        /// The name as given.
        name: String,
    },
    /// Root, and no other user to run Postgres as.
    #[error(
        "Postgres refuses to run as root, and this machine has neither a `postgres` nor a `nobody` user to run it as; add one (`useradd --system postgres`) or run snapbench as another user"
    )]
    NoUnprivilegedUser,
    /// The unprivileged user cannot reach the programs.
    #[error(
        "{program} cannot be run by user `{user}` (Postgres refuses to run as root): {reason}; move it out of root's home, or open the folders on its path with `chmod o+rx`"
    )]
    Unreachable {
        /// The program.
        program: PathBuf,
        /// Who would run it.
        user: String,
        /// What the operating system said.
        reason: String,
    },
    /// Nothing that could serve as guard or object store.
    #[error(
        "this program cannot start the helper processes of embedded servers, and none was found ({searched}); build it with `cargo build -p snapbench-embed --bin snapbench-child`, or name it in SNAPBENCH_CHILD_EXE"
    )]
    NoChildProgram {
        /// The files looked for.
        searched: String,
    },
    /// A folder whose name is not UTF-8.
    #[error(
        "the folder {path:?} has a name that is not UTF-8; choose another for temporary files (TMPDIR) or data (SNAPBENCH_DATA_DIR)"
    )]
    OddFolder {
        /// The folder.
        path: PathBuf,
    },
    /// The server is not running, so this cannot be done to it.
    #[error("{server} is not running (it was killed or has stopped); restart it first")]
    NotRunning {
        /// Which server.
        server: &'static str,
    },
    /// The object store's log is damaged where a crash cannot have cut it.
    #[error(
        "{path} is damaged at byte {offset} ({flaw}); the object store would lose what follows, so it does not start; remove its folder to begin with an empty store"
    )]
    DamagedLog {
        /// The segment.
        path: PathBuf,
        /// Where.
        offset: u64,
        /// How.
        flaw: String,
    },
    /// The operating system refused something.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Its answer.
        source: io::Error,
    },
}

impl EmbedError {
    /// For `map_err`: names the action and the path beside the operating system's answer.
    pub(crate) fn io(action: &'static str, path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> EmbedError {
        let path = path.as_ref().to_path_buf();
        move |source| EmbedError::Io { action, path, source }
    }
}

fn of_version(version: Option<u32>) -> String {
    version.map(|v| format!(" for version {v}")).unwrap_or_default()
}

/// Puts a program's last words under the message, indented; nothing when it said nothing.
fn tail_of(output: &str) -> String {
    let output = output.trim_end();
    if output.is_empty() {
        return String::new();
    }
    output.lines().fold(String::from("; its last words:"), |text, line| text + "\n  | " + line)
}
