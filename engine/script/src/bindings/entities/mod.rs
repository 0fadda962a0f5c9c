//! `entities`: the active set. The runs of a table as the generator knows them, so that nobody has to ask the server
//! for a key and a version before each operation.
//!
//! A set is split into as many shards as the scenario that picks from it has virtual users, and each of these owns one:
//! no two ever have the same entity in hand, on any core or segment, and no lock is needed. A shard is made when its
//! owner first picks, on the owner's core, and stays there when the owner ends and another is hired in its place.
//!
//! Deliberately absent: what an entity is made of (`model::entities`), and how a table is asked (`bindings::table`).

mod load;
mod set;
mod verbs;

use model::entities::Entity;
use rhai::{Map, NativeCallContext, plugin::*};

use super::{pg::outside_of_iterations, reply::Reply, table::Table, vu::Vu};
use crate::{
    context::{self, placed},
    engine::EvalError,
};
use set::described;
pub(crate) use set::{Entities, Held, ShardOnCore, Touched};

/// The active set.
#[export_module]
pub(crate) mod entities_api {
    /// An active set of `count` entities. Settings: `count`; `target` (transitions after which a run is complete: `[5,
    /// 20]` for a number drawn for each run, both ends included, or one number for all); `sleepers` (share that never
    /// moves and is never picked, default 0); `prefix` (what ids begin with, default `run-`); `ids` (`ordered`, the
    /// default: 12 digits that grow, so that new runs stand at the right edge of an index; or `random`: 16 hexadecimal
    /// digits, so that they stand anywhere). The same seed and prefix give the same set, whatever the number of cores
    /// or segments. It takes 16 bytes of memory an entity, sleepers none, once virtual users begin to pick.
    ///
    /// ```rhai
    /// fn setup() {
    ///     let head = pg::table("snapbench_head", #{ key: "run_id", touch: "updated_at" });
    ///     let runs = entities::active(#{ count: 1000000, target: [5, 20], sleepers: 0.02 });
    ///     runs.load(head);
    ///     #{ head: head, runs: runs }
    /// }
    /// fn transition(vu) {
    ///     let run = vu.shared.runs.pick(vu);
    ///     let head = vu.shared.head;
    ///     if run.is_unsure { head.refresh(run); }
    ///     else if !run.is_complete { head.advance(run); }
    ///     else if head.complete(run).ok { run.replace(); head.create(run); }
    /// }
    /// ```
    #[rhai_fn(return_raw)]
    pub fn active(call: NativeCallContext<'_>, settings: Map) -> Result<Entities, EvalError> {
        placed(&call, || {
            let spec = described(&settings)?;
            outside_of_iterations("entities::active")?;
            context::required("entities", |c| Ok(Entities::new(spec, c.core.wiring.seed)))
        })
    }
}

/// What `entities::active` returns, what it gives, and what tables do with it.
#[export_module]
pub(crate) mod members_api {
    /// One entity of this virtual user's own share, chosen by the iteration's randomness and never a sleeper. No other
    /// virtual user ever has it in hand. In an open model the share depends on which virtual user is free, so there
    /// the choice repeats with the seed only as far as that does.
    ///
    /// The virtual users of one scenario share a set; another scenario needs a set with another prefix.
    ///
    /// ```rhai
    /// let run = vu.shared.runs.pick(vu);
    /// ```
    #[rhai_fn(pure, return_raw)]
    pub fn pick(entities: &mut Entities, _vu: Vu) -> Result<Held, EvalError> {
        context::required("pick", |c| entities.pick(c))
    }

    /// How many entities the set has, sleepers included.
    #[rhai_fn(get = "count", pure)]
    pub fn count(entities: &mut Entities) -> i64 {
        i64::try_from(entities.set().spec().count).unwrap_or(i64::MAX)
    }

    /// Fills a table with the whole set: one row an entity, at version 0, with the table's `defaults`. The rows are
    /// made on the way (COPY in binary form), so a set of any size fits; they all arrive, or none does. Recorded under
    /// `load`; how far it has come is shown meanwhile.
    ///
    /// ```rhai
    /// fn setup() { let runs = entities::active(#{ count: 1000, target: 5 }); runs.load(pg::table("snapbench_head", #{ key: "run_id" })); }
    /// ```
    #[rhai_fn(name = "load", pure, return_raw)]
    pub fn load_plain(entities: &mut Entities, table: Table) -> Result<Reply, EvalError> {
        load::load(entities, &table, &Map::new())
    }

    /// The same with settings: `columns`, a map of what all rows hold; `spread`, a map of columns whose timestamps go
    /// evenly from the first of two to the last, in the order of the set.
    ///
    /// ```rhai
    /// runs.load(head, #{ columns: #{ status: "running" }, spread: #{ created_at: ["2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"] } });
    /// ```
    #[rhai_fn(name = "load", pure, return_raw)]
    pub fn load_with(entities: &mut Entities, table: Table, settings: Map) -> Result<Reply, EvalError> {
        load::load(entities, &table, &settings)
    }

    /// The run's key in the table; made of its number when it is asked for.
    #[rhai_fn(get = "id", pure)]
    pub fn id(entity: &mut Held) -> String {
        entity.id()
    }

    /// The run's version: transitions it has made.
    #[rhai_fn(get = "seq", pure)]
    pub fn seq(entity: &mut Held) -> i64 {
        entity.entity().seq.into()
    }

    /// Transitions after which the run is complete.
    #[rhai_fn(get = "target", pure)]
    pub fn target_of(entity: &mut Held) -> i64 {
        entity.entity().target.into()
    }

    /// The entity's place in the set, from 0. It stays when the run is replaced.
    #[rhai_fn(get = "index", pure)]
    pub fn index(entity: &mut Held) -> i64 {
        i64::try_from(entity.set().index(entity.entity().number)).unwrap_or(i64::MAX)
    }

    /// Whether the run has made all its transitions.
    #[rhai_fn(get = "is_complete", pure)]
    pub fn is_complete(entity: &mut Held) -> bool {
        entity.entity().is_complete()
    }

    /// Whether the run's row may be other than the set has it: after a conflict, an ambiguous end, or when its row is
    /// gone or not made yet. `table.refresh` puts it right.
    #[rhai_fn(get = "is_unsure", pure)]
    pub fn is_unsure(entity: &mut Held) -> bool {
        entity.entity().is_unsure
    }

    /// Puts a new run in this one's place: new id, version 0, a new target. It is unsure until `table.create` has made
    /// its row.
    #[rhai_fn(pure, return_raw)]
    pub fn replace(entity: &mut Held) -> Result<(), EvalError> {
        context::required("replace", |c| {
            entity.touch(c);
            entity.replace();
            Ok(())
        })
    }

    /// One transition: compare-and-swap of the run's row at the version the set knows. When it is acknowledged, the set
    /// counts on. After a `conflict`, or when nobody knows, the entity is unsure. Recorded under `cas`.
    #[rhai_fn(name = "advance", pure, return_raw)]
    pub fn advance_plain(table: &mut Table, entity: Held) -> Result<Reply, EvalError> {
        verbs::advance(table, &entity, &Map::new())
    }

    /// One transition that sets other columns too.
    #[rhai_fn(name = "advance", pure, return_raw)]
    pub fn advance_with(table: &mut Table, entity: Held, set: Map) -> Result<Reply, EvalError> {
        verbs::advance(table, &entity, &set)
    }

    /// Deletes the run's row if its version is the one the set knows, else the outcome is `conflict`. The entity is
    /// unsure from then on: when it was acknowledged, go on with `entity.replace()` and `table.create`. Recorded under
    /// `delete`.
    #[rhai_fn(pure, return_raw)]
    pub fn complete(table: &mut Table, entity: Held) -> Result<Reply, EvalError> {
        verbs::complete(table, &entity)
    }

    /// Inserts the run's row at version 0, with the table's `defaults`. Recorded under `insert`.
    #[rhai_fn(name = "create", pure, return_raw)]
    pub fn create_plain(table: &mut Table, entity: Held) -> Result<Reply, EvalError> {
        verbs::create(table, &entity, &Map::new())
    }

    /// Inserts the run's row with further columns. Values that are the same each time are cheaper as the table's
    /// `defaults`.
    #[rhai_fn(name = "create", pure, return_raw)]
    pub fn create_with(table: &mut Table, entity: Held, row: Map) -> Result<Reply, EvalError> {
        verbs::create(table, &entity, &row)
    }

    /// Reads the run's row and puts the set right: its version is taken over. When the row is gone (`empty`), the run is
    /// replaced and the new one's row is inserted with the table's `defaults`, so that the set keeps its size. Recorded
    /// under `get`, and `insert` where that was needed.
    #[rhai_fn(pure, return_raw)]
    pub fn refresh(table: &mut Table, entity: Held) -> Result<Reply, EvalError> {
        verbs::refresh(table, &entity)
    }

    /// One line for people.
    #[rhai_fn(pure)]
    pub fn to_string(entity: &mut Held) -> String {
        let Entity { seq, target, .. } = entity.entity();
        format!("{} at {seq} of {target}", entity.id())
    }
}
