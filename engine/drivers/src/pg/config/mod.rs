//! Where the server is, who asks, and how the wire is protected.
//!
//! What was typed comes from `settings`; here it gets its meaning. All problems are reported at once. The
//! password never shows: not in `Debug`, not in `Display`, not in an error.

mod passfile;
mod settings;

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use model::suggest::did_you_mean;

pub use settings::ConfigProblem;
use settings::Settings;

/// A server's front door.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Host {
    /// A name or an address.
    Tcp(String),
    /// The directory of a unix socket.
    Socket(PathBuf),
}

/// Everything that error messages name: host, port, user and database.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Place {
    host: Host,
    port: u16,
    user: String,
    dbname: String,
}

impl Place {
    /// Where the server listens.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// Its port, which is also the end of a socket's name.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Who connects.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// To which database.
    pub fn dbname(&self) -> &str {
        &self.dbname
    }

    /// Whether it is a unix socket.
    pub fn is_socket(&self) -> bool {
        matches!(self.host, Host::Socket(_))
    }

    /// The file of the unix socket, if it is one.
    pub fn socket_path(&self) -> Option<PathBuf> {
        match &self.host {
            Host::Socket(directory) => Some(directory.join(format!(".s.PGSQL.{}", self.port))),
            Host::Tcp(_) => None,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "database `{}` as user `{}` at ", self.dbname, self.user)?;
        match (&self.host, self.socket_path()) {
            (Host::Tcp(name), _) if name.contains(':') => write!(f, "[{name}]:{}", self.port),
            (Host::Tcp(name), _) => write!(f, "{name}:{}", self.port),
            (_, Some(path)) => write!(f, "the socket {}", path.display()),
            (Host::Socket(directory), None) => write!(f, "the socket in {}", directory.display()),
        }
    }
}

/// How the wire is protected, as libpq names it. A unix socket never needs TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SslMode {
    /// Never.
    Disable,
    /// When the server offers it; the certificate is not checked.
    #[default]
    Prefer,
    /// Always; the certificate is not checked.
    Require,
    /// Always, and the certificate must be issued by a known authority for this host.
    VerifyFull,
}

impl SslMode {
    const NAMES: [(&'static str, SslMode); 4] = [
        ("disable", SslMode::Disable),
        ("prefer", SslMode::Prefer),
        ("require", SslMode::Require),
        ("verify-full", SslMode::VerifyFull),
    ];
}

/// A password that does not show.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The password itself, for the handshake alone.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// How to reach a Postgres server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PgConfig {
    pub(crate) place: Arc<Place>,
    pub(crate) password: Option<Secret>,
    pub(crate) ssl_mode: SslMode,
    pub(crate) ssl_root_cert: Option<PathBuf>,
    pub(crate) connect_timeout: Duration,
    pub(crate) application_name: String,
    pub(crate) options: String,
    /// What is connected to in its place.
    pub(crate) detour: Option<SocketAddr>,
}

/// All that is wrong with a connection string and the environment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the Postgres connection is not usable:{}", list(.0))]
pub struct ConfigError(
    /// Each problem with its remedy.
    pub Vec<ConfigProblem>,
);

fn list(problems: &[ConfigProblem]) -> String {
    problems.iter().map(|problem| format!("\n  - {problem}")).collect()
}

/// libpq's own default would be to wait for ever.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const DEFAULT_PORT: u16 = 5432;
/// Where Debian's and the original build look for sockets.
const SOCKET_DIRECTORIES: [&str; 2] = ["/var/run/postgresql", "/tmp"];

impl PgConfig {
    /// Reads a URL (`postgres://user@host:5432/db?sslmode=require`) or libpq's `key=value` words; what they
    /// leave out comes from libpq's environment variables and then from `~/.pgpass`.
    pub fn resolve(text: &str) -> Result<PgConfig, ConfigError> {
        let env = |name: &str| std::env::var(name).ok();
        let mut config = PgConfig::parse(text, &env)?;
        if config.password.is_none() {
            config.password = passfile::lookup(&config.place, &env).map(Secret);
        }
        Ok(config)
    }

    /// The same without `~/.pgpass`, with the environment given as a function.
    pub fn parse(text: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<PgConfig, ConfigError> {
        let mut problems = Vec::new();
        let settings = settings::read(text, env, &mut problems);
        let config = PgConfig::mean(&settings, env, &mut problems);
        match config {
            Some(config) if problems.is_empty() => Ok(config),
            _ => Err(ConfigError(problems)),
        }
    }

    fn mean(
        settings: &Settings,
        env: &dyn Fn(&str) -> Option<String>,
        problems: &mut Vec<ConfigProblem>,
    ) -> Option<PgConfig> {
        let port = number(settings, "port", u64::from(DEFAULT_PORT), problems);
        if port == 0 || port > u64::from(u16::MAX) {
            problems.push(ConfigProblem::new("port", port, "is no port; ports go from 1 to 65535"));
        }
        let host = settings.get("host").map_or_else(|| default_host(port), host_of);
        if let Host::Tcp(name) = &host
            && name.contains(',')
        {
            problems.push(ConfigProblem::new("host", name, "names several hosts; name the one to load"));
        }
        let user = settings.get("user").map(str::to_owned).or_else(|| env("USER")).or_else(|| env("LOGNAME"));
        if user.is_none() {
            problems.push(ConfigProblem::new("user", "", "is not given; add user=… or set PGUSER"));
        }
        let connect_s = number(settings, "connect_timeout", CONNECT_TIMEOUT.as_secs(), problems);
        let ssl_mode = ssl_mode(settings, problems);
        let user = user?;
        let dbname = settings.get("dbname").map_or_else(|| user.clone(), str::to_owned);
        Some(PgConfig {
            place: Arc::new(Place { host, port: u16::try_from(port).ok()?, user, dbname }),
            password: settings.get("password").map(|password| Secret(password.to_owned())),
            ssl_mode,
            ssl_root_cert: settings.get("sslrootcert").map(PathBuf::from),
            // libpq's "0 is for ever" would hang a run; it gets the default.
            connect_timeout: if connect_s == 0 { CONNECT_TIMEOUT } else { Duration::from_secs(connect_s) },
            application_name: settings.get("application_name").unwrap_or("snapbench").to_owned(),
            options: settings.get("options").unwrap_or_default().to_owned(),
            detour: None,
        })
    }

    /// Host, port, user and database.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// The same server and rights, another database.
    pub fn with_dbname(mut self, dbname: &str) -> PgConfig {
        self.place = Arc::new(Place { dbname: dbname.to_owned(), ..(*self.place).clone() });
        self
    }

    /// The same server by way of another address. Names in certificates are still those of the server: who listens there
    /// passes bytes on and is no party to them.
    pub fn with_detour(mut self, detour: Option<SocketAddr>) -> PgConfig {
        self.detour = detour;
        self
    }

    /// The name under which the server lists the connections.
    pub fn application_name(&self) -> &str {
        &self.application_name
    }

    /// The same under another name.
    pub fn with_application_name(mut self, name: &str) -> PgConfig {
        name.clone_into(&mut self.application_name);
        self
    }
}

fn host_of(text: &str) -> Host {
    if text.starts_with('/') { Host::Socket(PathBuf::from(text)) } else { Host::Tcp(text.to_owned()) }
}

fn default_host(port: u64) -> Host {
    SOCKET_DIRECTORIES
        .iter()
        .map(Path::new)
        .find(|directory| directory.join(format!(".s.PGSQL.{port}")).exists())
        .map_or_else(|| Host::Tcp("localhost".to_owned()), |directory| Host::Socket(directory.to_owned()))
}

fn number(settings: &Settings, key: &'static str, default: u64, problems: &mut Vec<ConfigProblem>) -> u64 {
    let Some(text) = settings.get(key) else { return default };
    text.trim().parse().unwrap_or_else(|_| {
        problems.push(ConfigProblem::new(key, text, "is not a whole number"));
        default
    })
}

fn ssl_mode(settings: &Settings, problems: &mut Vec<ConfigProblem>) -> SslMode {
    let Some(text) = settings.get("sslmode") else { return SslMode::default() };
    if let Some((_, mode)) = SslMode::NAMES.iter().find(|(name, _)| *name == text) {
        return *mode;
    }
    let names = SslMode::NAMES.map(|(name, _)| name);
    let reason = match (text, did_you_mean(text, names)) {
        ("allow", _) => "is not supported; the nearest is prefer".to_owned(),
        ("verify-ca", _) => "is not supported; the nearest are require and verify-full".to_owned(),
        (_, Some(near)) => format!("is no sslmode; did you mean {near}?"),
        (_, None) => format!("is no sslmode; there are {}", names.join(", ")),
    };
    problems.push(ConfigProblem::new("sslmode", text, reason));
    SslMode::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn no_env(_: &str) -> Option<String> {
        None
    }

    fn parse(text: &str) -> PgConfig {
        PgConfig::parse(text, &no_env).unwrap()
    }

    #[test]
    fn a_url_says_it_all() {
        let config =
            parse("postgres://ann:p%40ss@db.example:6543/shop?sslmode=verify-full&connect_timeout=3");
        assert_eq!(config.place.to_string(), "database `shop` as user `ann` at db.example:6543");
        assert_eq!(config.password.as_ref().map(Secret::reveal), Some("p@ss"));
        assert_eq!(config.ssl_mode, SslMode::VerifyFull);
        assert_eq!(config.connect_timeout, Duration::from_secs(3));
    }

    #[test]
    fn a_socket_is_a_directory_and_a_port() {
        for text in [
            "postgres://ann@%2Frun%2Fpg:7000/shop",
            "postgres://ann@/shop?host=/run/pg&port=7000",
            "host=/run/pg port=7000 user=ann dbname=shop",
        ] {
            let config = parse(text);
            assert_eq!(config.place.socket_path().unwrap().to_str(), Some("/run/pg/.s.PGSQL.7000"), "{text}");
            assert_eq!(config.place.dbname(), "shop");
        }
    }

    #[test]
    fn the_environment_fills_what_is_missing_and_yields_to_what_is_typed() {
        let env = |name: &str| match name {
            "PGHOST" => Some("from-env".to_owned()),
            "PGUSER" => Some("env-user".to_owned()),
            "PGPASSWORD" => Some("env-secret".to_owned()),
            _ => None,
        };
        let config = PgConfig::parse("user=typed", &env).unwrap();
        assert_eq!(config.place.to_string(), "database `typed` as user `typed` at from-env:5432");
        assert_eq!(config.password.as_ref().map(Secret::reveal), Some("env-secret"));
    }

    #[test]
    fn all_problems_come_at_once() {
        let text = "host=a,b port=99999 sslmode=verify_full connect_timeout=soon hots=x";
        let ConfigError(problems) = PgConfig::parse(text, &no_env).unwrap_err();
        let all = problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        for part in [
            "`hots` is not a setting of Postgres connections; did you mean `host`?",
            "port `99999` is no port",
            "host `a,b` names several hosts",
            "user is not given",
            "connect_timeout `soon` is not a whole number",
            "sslmode `verify_full` is no sslmode; did you mean verify-full?",
        ] {
            assert!(all.contains(part), "{part:?} is missing in:\n{all}");
        }
    }

    #[test]
    fn the_password_never_shows() {
        let config = parse("postgres://ann:hunter2@h/d");
        assert!(!format!("{config:?}").contains("hunter2"));
        let error = PgConfig::parse("postgres://ann:hunter2@h:0/d", &no_env).unwrap_err();
        assert!(!error.to_string().contains("hunter2"));
    }
}
