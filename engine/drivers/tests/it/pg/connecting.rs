//! Getting in: passwords, TLS, and what is said when it does not work.

use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use drivers::Value;
use drivers::pg::{PgConfig, PgOptions, PoolMode, Postgres, Reply};
use drivers::wire::{Proxy, Upstream};
use embed::postgres::TcpAccess;
use model::outcome::Outcome;

use super::server::{MODES, Server, ask, ask_one, batch, plain, run, why};

/// A folder that is gone with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("snapbench-drivers-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        // The server runs as another user when the test runs as root.
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        Folder(path)
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

async fn first_reply(config: PgConfig, mode: PoolMode) -> Reply {
    match Postgres::new(config, mode, PgOptions::default()) {
        Ok(postgres) => postgres.session().run(&plain("SELECT current_user::text"), &[]).await,
        Err(error) => panic!("{error}"),
    }
}

fn parse(text: &str) -> PgConfig {
    PgConfig::parse(text, &|_| None).unwrap()
}

fn tcp() -> Option<TcpAccess> {
    Some(TcpAccess { port: 0, password: Some("top secret".to_owned()) })
}

const HBA: &str = "local all all trust
host all by_scram 127.0.0.1/32 scram-sha-256
host all by_md5 127.0.0.1/32 md5
host all by_word 127.0.0.1/32 password
host all by_trust 127.0.0.1/32 trust
hostssl all by_tls 127.0.0.1/32 trust
";

#[test]
fn every_way_of_authentication_lets_in_and_keeps_out() {
    let folder = Folder::new("hba");
    let hba = folder.file("pg_hba.conf", HBA);
    let server = Server::start_with(&[("hba_file", &hba.to_string_lossy())], tcp());
    let port = server.embedded().port();
    run(async {
        let admin = server.open(PoolMode::Dedicated).session();
        batch(
            &admin,
            "CREATE ROLE by_scram LOGIN PASSWORD 'open sesame'; CREATE ROLE by_word LOGIN PASSWORD 'open sesame';
             CREATE ROLE by_trust LOGIN; CREATE ROLE by_tls LOGIN;
             SET password_encryption = md5; CREATE ROLE by_md5 LOGIN PASSWORD 'open sesame'",
        )
        .await;
        for mode in MODES {
            for user in ["by_scram", "by_md5", "by_word", "by_trust"] {
                let place = format!("host=127.0.0.1 port={port} dbname=postgres user={user}");
                let right = first_reply(parse(&format!("{place} password='open sesame'")), mode).await;
                assert!(right.is_ok(), "{mode:?} {user}: {}", why(&right));
                assert_eq!(right.rows.first().unwrap().text(0), Some(user));
                if user == "by_trust" {
                    continue;
                }
                let wrong = first_reply(parse(&format!("{place} password=guess")), mode).await;
                assert_eq!(
                    (wrong.outcome, wrong.class_name()),
                    (Outcome::Error, Some("28P01")),
                    "{mode:?} {user}"
                );
                let message = why(&wrong);
                let place_told = format!("database `postgres` as user `{user}` at 127.0.0.1:{port}");
                assert!(message.contains(&place_told) && message.contains("PGPASSWORD"), "{message}");
                assert!(!message.contains("guess"), "{message}");
                let none = first_reply(parse(&place), mode).await;
                assert_eq!(none.class_name(), Some("no_password"), "{mode:?} {user}: {}", why(&none));
            }
        }
    });
}

#[test]
fn a_place_that_does_not_exist_is_told_with_a_remedy() {
    let server = Server::start();
    let socket = server.embedded().socket_dir().display().to_string();
    // Nobody listens on a port that was just given back.
    let free_port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    run(async {
        for mode in MODES {
            for (target, class, parts) in [
                (
                    format!("host={socket} user=postgres dbname=nowhere"),
                    "3D000",
                    ["createdb nowhere", &socket],
                ),
                (
                    format!("host={socket} user=nobody dbname=postgres"),
                    "28000",
                    ["createuser nobody", &socket],
                ),
                (
                    format!("host={socket}/none user=u dbname=d"),
                    "not_found",
                    ["There is no such socket", "none/.s.PGSQL.5432"],
                ),
                (
                    format!("host=127.0.0.1 port={free_port} user=u dbname=d"),
                    "connection_refused",
                    ["Nothing listens there", "database `d` as user `u` at 127.0.0.1:"],
                ),
            ] {
                let reply = first_reply(parse(&target), mode).await;
                assert_eq!(
                    (reply.outcome, reply.class_name()),
                    (Outcome::Error, Some(class)),
                    "{mode:?} {target}"
                );
                let message = why(&reply);
                assert!(parts.iter().all(|part| message.contains(part)), "{message}");
            }
        }
    });
}

#[test]
fn what_answers_without_being_postgres_is_told() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let talker = std::thread::spawn(move || {
        for _ in 0..2 {
            let (mut stream, _) = listener.accept().unwrap();
            stream.read_exact(&mut [0; 8]).unwrap();
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
            // Until the other side has had enough: an early close would cut off the answer.
            let _ = stream.read_to_end(&mut Vec::new());
        }
    });
    run(async {
        for mode in [PoolMode::Dedicated, PoolMode::Pipelined { connections: 1 }] {
            let target = format!("host=127.0.0.1 port={port} user=u dbname=d sslmode=disable");
            let reply = first_reply(parse(&target), mode).await;
            assert_eq!(reply.outcome, Outcome::Error);
            assert!(why(&reply).contains("Check host and port"), "{}", why(&reply));
        }
    });
    talker.join().unwrap();
}

/// A certificate for `localhost` alone, signed by itself, readable for the server.
fn certificate(folder: &Folder) -> (PathBuf, PathBuf) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate = folder.file("server.crt", &made.cert.pem());
    let key = folder.file("server.key", &made.signing_key.serialize_pem());
    (certificate, key)
}

/// Postgres takes a key only from its own user, or from root by way of a group.
fn give_to_server(key: &Path, server: &Server) {
    let lock = format!(".s.PGSQL.{}.lock", server.embedded().port());
    let owner = std::fs::metadata(server.embedded().socket_dir().join(lock)).unwrap().uid();
    std::fs::set_permissions(key, std::fs::Permissions::from_mode(0o600)).unwrap();
    chown(key, Some(owner), None).unwrap();
}

#[test]
fn tls_protects_as_far_as_it_is_asked_to() {
    let folder = Folder::new("tls");
    let (certificate, key) = certificate(&folder);
    let hba = folder.file("pg_hba.conf", HBA);
    let server = Server::start_with(&[("hba_file", &hba.to_string_lossy())], tcp());
    give_to_server(&key, &server);
    let port = server.embedded().port();
    run(async {
        let admin = server.open(PoolMode::Dedicated).session();
        batch(&admin, "CREATE ROLE by_trust LOGIN; CREATE ROLE by_tls LOGIN").await;
        let target = |user: &str, mode: &str, host: &str| {
            let root = certificate.display();
            parse(&format!(
                "host={host} port={port} user={user} dbname=postgres sslmode={mode} sslrootcert={root}"
            ))
        };
        for mode in MODES {
            let refused = first_reply(target("by_trust", "require", "127.0.0.1"), mode).await;
            assert!(why(&refused).contains("does not offer TLS"), "{}", why(&refused));
            assert!(first_reply(target("by_trust", "prefer", "127.0.0.1"), mode).await.is_ok());
        }
        for setting in [
            format!("ALTER SYSTEM SET ssl_cert_file = '{}'", certificate.display()),
            format!("ALTER SYSTEM SET ssl_key_file = '{}'", key.display()),
            "ALTER SYSTEM SET ssl = on".to_owned(),
            "SELECT pg_reload_conf()".to_owned(),
        ] {
            batch(&admin, &setting).await;
        }
        for _ in 0..500 {
            if first_reply(target("by_tls", "require", "127.0.0.1"), PoolMode::Dedicated).await.is_ok() {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        for mode in MODES {
            for (ssl_mode, host, user) in [
                ("prefer", "127.0.0.1", "by_tls"),
                ("require", "127.0.0.1", "by_tls"),
                ("verify-full", "localhost", "by_tls"),
                ("disable", "127.0.0.1", "by_trust"),
            ] {
                let postgres =
                    Postgres::new(target(user, ssl_mode, host), mode, PgOptions::default()).unwrap();
                let session = postgres.session();
                let sql = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
                let is_protected = ask_one(&session, sql, &[]).await;
                assert_eq!(is_protected, Value::Bool(ssl_mode != "disable"), "{mode:?} {ssl_mode}");
                // More than one TLS record each way.
                let big = "z".repeat(100_000);
                assert_eq!(ask_one(&session, "SELECT $1::text", &[big.as_str().into()]).await, big.into());
            }
            // By way of a proxy the name is still that of the server.
            let target_port = target("by_tls", "verify-full", "localhost").place().port();
            let proxy = Proxy::start(Upstream::Tcp("127.0.0.1".to_owned(), target_port)).unwrap();
            let by_proxy = target("by_tls", "verify-full", "localhost").with_detour(Some(proxy.address()));
            assert!(first_reply(by_proxy, mode).await.is_ok());
            let foreign = target("by_tls", "verify-full", "127.0.0.1").with_detour(Some(proxy.address()));
            assert_eq!(first_reply(foreign, mode).await.class_name(), Some("tls"));
            // The certificate does not name this host.
            let foreign = first_reply(target("by_tls", "verify-full", "127.0.0.1"), mode).await;
            assert_eq!(
                (foreign.outcome, foreign.class_name()),
                (Outcome::Error, Some("tls")),
                "{}",
                why(&foreign)
            );
            assert!(why(&foreign).contains("sslrootcert"), "{}", why(&foreign));
            let open = first_reply(target("by_tls", "disable", "127.0.0.1"), mode).await;
            assert_eq!(open.class_name(), Some("28000"), "{}", why(&open));
        }
    });
}

#[test]
fn options_and_names_reach_the_server() {
    let server = Server::start();
    run(async {
        for mode in MODES {
            let url =
                format!("{}&options=-c%20work_mem%3D7MB&application_name=bench", server.embedded().url());
            let session = server.open_at(&url, mode).session();
            for (setting, value) in
                [("work_mem", "7MB"), ("application_name", "bench"), ("statement_timeout", "30s")]
            {
                let shown = ask_one(&session, "SELECT current_setting($1)", &[setting.into()]).await;
                assert_eq!(shown, value.into(), "{mode:?}");
            }
        }
        let postgres = server.open(PoolMode::Dedicated);
        let version = postgres.server_version().await.unwrap();
        let shown = ask_one(&postgres.session(), "SELECT current_setting('server_version')", &[]).await;
        assert_eq!(shown, version.into());
        ask(&postgres.session(), "SELECT 1", &[]).await;
    });
}
