//! A throw-away Postgres: found on the machine or fetched, initialised, started, and gone with the run.

mod access;
mod ask;
mod choose;
mod cluster;
mod fetch;
mod find;
mod options;
mod pins;
mod postmaster;
mod settings;

use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use crate::guard::Guard;
use crate::os::run_dir::{self, RunDir};
use crate::os::server::Server;
use crate::os::storage;
use crate::os::user::User;
use crate::{Durability, EmbedError};
pub use find::PgVersion;
pub use options::{PgOptions, TcpAccess};
use postmaster::Postmaster;

/// For messages.
const SERVER: &str = "Postgres";
/// The superuser that is made, and its database.
const USER: &str = "postgres";
const DATABASE: &str = "postgres";
/// The socket's number when there is no TCP port: the folder is private, so it cannot clash.
const SOCKET_PORT: u16 = 5432;

/// A running (or, after a fault, killed or paused) Postgres of our own. Dropping it stops the server and
/// removes its data.
#[derive(Debug)]
pub struct Postgres {
    // The server goes first, then the folders: fields drop in this order.
    server: Server<Postmaster>,
    version: PgVersion,
    settings: Vec<(String, String)>,
    port: u16,
    tcp: Option<TcpAccess>,
    durability: Durability,
    data_in_memory: bool,
    socket_dir: RunDir,
    _data_dir: RunDir,
}

/// Starts a Postgres and returns when it has answered a query. Blocks for about half a second.
///
/// # Errors
/// No server programs found, a port that is taken, or a server that does not come up (with its last words).
pub fn start(options: PgOptions) -> Result<Postgres, EmbedError> {
    let guard = Guard::of_this_process()?;
    sweep_stale(&options);
    let user = User::to_step_down_to()?;
    let binaries = choose::choose(options.version, options.download, &guard)?;
    let port = port_for(options.tcp.as_ref())?;
    let socket_dir = RunDir::create(&storage::socket_root(), user.as_ref(), &guard)?;
    let data_root = storage::data_root(options.data_root.as_deref());
    let data_dir = RunDir::create(&data_root, user.as_ref(), &guard)?;
    let socket = socket_path(socket_dir.path(), port)?;
    let settings = settings::settings(&options, &binaries, socket_dir.path(), port)?;
    let password = options.tcp.as_ref().and_then(|tcp| tcp.password.as_deref());

    let data = data_dir.path().join("data");
    cluster::create(&binaries, &data, user.as_ref(), &guard)?;
    append(&data.join("postgresql.conf"), &settings::as_conf(&settings))?;
    let hba = data.join("pg_hba.conf");
    std::fs::write(&hba, access::pg_hba(password.is_some())).map_err(EmbedError::io("write", &hba))?;

    let server = Server::start(Postmaster {
        program: binaries.program("postgres"),
        folder: data_dir.path().to_path_buf(),
        user,
        socket,
        port: options.tcp.as_ref().map(|_| port),
        patience: options.start_timeout,
        guard,
    })?;
    if let Some(password) = password {
        server.program().ask(&format!("ALTER ROLE {USER} PASSWORD '{}'", password.replace('\'', "''")))?;
    }
    let data_in_memory = storage::in_memory(data_dir.path());
    let tcp = options.tcp.map(|tcp| TcpAccess { port, ..tcp });
    let (version, durability) = (binaries.version, options.durability);
    Ok(Postgres {
        server,
        version,
        settings,
        port,
        tcp,
        durability,
        data_in_memory,
        socket_dir,
        _data_dir: data_dir,
    })
}

impl Postgres {
    /// A connection string for the Unix socket: `postgresql://postgres@/postgres?host=/tmp/…&port=5432`.
    /// No password is asked there.
    pub fn url(&self) -> String {
        access::socket_url(self.socket_dir(), self.port)
    }

    /// A connection string for TCP, the password in it; `None` unless TCP was asked for.
    pub fn tcp_url(&self) -> Option<String> {
        self.tcp.as_ref().map(|tcp| access::tcp_url(tcp.port, tcp.password.as_deref()))
    }

    /// The folder of the socket: what clients call `host`.
    pub fn socket_dir(&self) -> &Path {
        self.socket_dir.path()
    }

    /// The port: of TCP when that was asked for, and always part of the socket's name.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The superuser to connect as.
    pub fn user(&self) -> &str {
        USER
    }

    /// The database to connect to.
    pub fn dbname(&self) -> &str {
        DATABASE
    }

    /// The version of the server programs.
    pub fn version(&self) -> &PgVersion {
        &self.version
    }

    /// The settings that were written, in order; of two with one name the last counts.
    pub fn settings(&self) -> &[(String, String)] {
        &self.settings
    }

    /// What is promised about power loss.
    pub fn durability(&self) -> Durability {
        self.durability
    }

    /// Whether the data lives on a memory file system, where fsync costs nothing.
    pub fn data_in_memory(&self) -> bool {
        self.data_in_memory
    }
}

crate::faults::faults!(Postgres, "postgres");

/// Removes what earlier runs left that died together with their guard.
fn sweep_stale(options: &PgOptions) {
    let mut roots = storage::roots(options.data_root.as_deref());
    roots.extend(cluster::template_root());
    roots.extend(fetch::root());
    run_dir::sweep_stale(&roots);
}

/// Adds to a file that `initdb` made.
fn append(file: &Path, text: &str) -> Result<(), EmbedError> {
    let opened = std::fs::OpenOptions::new().append(true).open(file);
    opened.and_then(|mut file| file.write_all(text.as_bytes())).map_err(EmbedError::io("write", file))
}

/// Makes sure that a wanted port is free, and picks one when any will do.
fn port_for(tcp: Option<&TcpAccess>) -> Result<u16, EmbedError> {
    let Some(tcp) = tcp else { return Ok(SOCKET_PORT) };
    let in_use = |_| EmbedError::PortInUse { server: SERVER, port: tcp.port };
    let listener = TcpListener::bind(("127.0.0.1", tcp.port)).map_err(in_use)?;
    Ok(listener.local_addr().map_err(in_use)?.port())
}

/// Where the server will put its socket, when that fits into an address.
fn socket_path(folder: &Path, port: u16) -> Result<PathBuf, EmbedError> {
    let limit = if cfg!(target_os = "linux") { 107 } else { 103 };
    let path = folder.join(format!(".s.PGSQL.{port}"));
    let length = path.as_os_str().len();
    if length > limit {
        return Err(EmbedError::SocketPathTooLong { path, length, limit });
    }
    Ok(path)
}
