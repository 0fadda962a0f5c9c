//! Settings are read as SHOW prints them.

use drivers::Value;
use drivers::pg::PgConfig;
use drivers::probe::settings;

use super::world::{World, shared};
use crate::pg::server::{ask_one, run};

#[test]
fn settings_are_what_show_prints() {
    shared(shown);
}

pub(crate) fn shown(world: &World<'_>) {
    run(async {
        let session = world.session();
        let config = world.config_of(&format!("looker_at_{}", world.database)).await;
        for config in [world.config(), config] {
            let settings = settings(&config).await.expect("it answers");
            for name in [
                "fsync",
                "shared_buffers",
                "checkpoint_timeout",
                "checkpoint_completion_target",
                "autovacuum_naptime",
                "autovacuum_vacuum_cost_delay",
                "vacuum_cost_limit",
                "max_wal_size",
                "wal_level",
                "random_page_cost",
                "max_connections",
                "superuser_reserved_connections",
                "data_checksums",
                "server_version",
            ] {
                let show = ask_one(&session, &format!("SHOW {name}"), &[]).await;
                assert_eq!(settings.get(name).map(|value| Value::from(value.as_str())), Some(show), "{name}");
            }
            assert_eq!(settings["fsync"], "off");
            assert_eq!(settings["autovacuum_naptime"], "1s");
        }
    });
}

#[test]
fn a_connections_own_settings_are_the_ones_that_count() {
    shared(own);
}

pub(crate) fn own(world: &World<'_>) {
    run(async {
        let url = format!("{}&options=-c%20work_mem%3D7MB", world.server.embedded().url());
        let config = PgConfig::parse(&url, &|_| None).expect("a good URL");
        assert_eq!(settings(&config).await.expect("it answers")["work_mem"], "7MB");
    });
}

#[test]
fn a_server_that_is_not_there_says_so() {
    let config = PgConfig::parse("postgres://nobody@127.0.0.1:1/none", &|_| None).expect("a good URL");
    let error = run(settings(&config)).expect_err("there is nobody");
    assert!(error.contains("cannot connect to database `none`"), "{error}");
}
