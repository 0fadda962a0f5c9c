//! What tables do with an entity: each verb is one call of a script, and keeps the set and the table of one mind.
//!
//! Before a request leaves, its entity is marked unsure; what the reply proves takes the mark away again. So a virtual
//! user that is cut off in the middle leaves behind what is true.
//!
//! | the server said | the entity is |
//! |---|---|
//! | done | as the verb makes it |
//! | certainly not done | as it was |
//! | conflict, or nobody knows | unsure |
//!
//! Inside a transaction all of that holds until its end; a rollback makes the entity what it was before.

use drivers::{Value, pg};
use model::{entities::Entity, ledger::Fate, outcome::Outcome};
use rhai::Map;

use super::Held;
use crate::{
    bindings::{
        pg::finish,
        reply::Reply,
        table::{Table, TableParts, columns, fill_in},
    },
    bridge::wait_for,
    context::{Context, cancelled, failure},
    engine::EvalError,
    ledger::fate_of,
};

pub(super) fn advance(table: &Table, held: &Held, set: &Map) -> Result<Reply, EvalError> {
    table.with(|c, parts, driver| {
        let reply = carry_out(c, parts, held, stepped, |key, entity| {
            parts.swap(c, driver, key, entity.seq.into(), set)
        })?;
        finish(c, &parts.cas, parts.expect, reply)
    })
}

pub(super) fn complete(table: &Table, held: &Held) -> Result<Reply, EvalError> {
    table.with(|c, parts, driver| {
        // Its row is gone: until another run takes its place, the set is wrong about it.
        let gone = |entity| Entity { is_unsure: true, ..entity };
        let reply = carry_out(c, parts, held, gone, |key, entity| {
            parts.delete_row(c, driver, key, Some(entity.seq.into()))
        })?;
        finish(c, &parts.delete, parts.expect, reply)
    })
}

pub(super) fn create(table: &Table, held: &Held, row: &Map) -> Result<Reply, EvalError> {
    table.with(|c, parts, driver| {
        let reply = insert_row(c, parts, driver, held, row)?;
        finish(c, &parts.insert, parts.expect, reply)
    })
}

pub(super) fn refresh(table: &Table, held: &Held) -> Result<Reply, EvalError> {
    table.with(|c, parts, driver| {
        check(parts)?;
        let key = [Value::from(held.id())];
        let reply = wait_for(driver.get(c.postgres()?, &key)).map_err(|_| cancelled())?;
        let row = reply.rows.first().map(|row| row.int(driver.key_len()));
        held.touch(c);
        match row {
            Some(version) => {
                let seq = version.and_then(|version| u32::try_from(version).ok());
                let seq = seq.ok_or_else(|| {
                    failure(&format!("the version of `{}` is no number an entity can have", held.id()))
                })?;
                held.put(Entity { seq, is_unsure: false, ..held.entity() });
            }
            None if reply.outcome == Outcome::Empty => {
                held.replace();
                let made = insert_row(c, parts, driver, held, &Map::new())?;
                finish(c, &parts.insert, parts.expect, made)?;
            }
            None => {}
        }
        finish(c, &parts.get, parts.expect, reply)
    })
}

fn stepped(entity: Entity) -> Entity {
    Entity { seq: entity.seq.saturating_add(1), is_unsure: false, ..entity }
}

fn insert_row(
    c: &Context,
    parts: &TableParts,
    driver: &pg::Table,
    held: &Held,
    row: &Map,
) -> Result<pg::Reply, EvalError> {
    let created = |entity| Entity { seq: 0, is_unsure: false, ..entity };
    carry_out(c, parts, held, created, |key, _| {
        let (mut places, mut values) = columns(driver, row)?;
        let of_entity = [(0, key[0].clone()), (driver.key_len(), Value::Int(0))];
        fill_in(&of_entity, &mut places, &mut values);
        fill_in(&parts.defaults, &mut places, &mut values);
        parts.insert_row(c, driver, &places, &values)
    })
}

/// Does `operation` with the key of an entity, and makes of it what the reply proves.
fn carry_out(
    c: &Context,
    parts: &TableParts,
    held: &Held,
    done: impl FnOnce(Entity) -> Entity,
    operation: impl FnOnce(&[Value], Entity) -> Result<pg::Reply, EvalError>,
) -> Result<pg::Reply, EvalError> {
    check(parts)?;
    held.touch(c);
    let before = held.entity();
    held.put(Entity { is_unsure: true, ..before });
    let reply = operation(&[Value::from(held.id())], before)?;
    match fate_of(&reply) {
        Fate::Acknowledged => held.put(done(before)),
        Fate::Failed => held.put(before),
        Fate::Conflict | Fate::Ambiguous => {}
    }
    Ok(reply)
}

pub(super) fn check(parts: &TableParts) -> Result<(), EvalError> {
    if parts.spec.key.len() == 1 && parts.spec.version.is_some() {
        return Ok(());
    }
    Err(failure(&format!(
        "entities live in tables with one key column and a version; `{}` was described with other ones",
        parts.spec.name
    )))
}
