//! What the virtual users of one core share: connections, recorder, parameters, names of operations.
//!
//! Made once on each core (and once for the stage) from the [`Wiring`].

use std::{
    cell::RefCell,
    collections::HashMap,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use load::time::{RealTime, Time};
use model::{
    entities::Shard,
    outcome::{Expect, Outcome},
    recorder::{OpId, Recorder, Sample},
    seed,
    trace::Keeper,
};
use rhai::Dynamic;

use crate::{
    bindings::{
        entities::ShardOnCore,
        http::HttpOnCore,
        pg::Statement,
        s3::StoreOnCore,
        table::{OnCore, TableParts},
    },
    context::{Context, failure},
    diagnostic::Diagnostic,
    engine::EvalError,
    ledger::{CasLogs, queue::QueueLogs},
    params::ParamTable,
    portable::Portable,
    wiring::Wiring,
};

/// Names of operations, and texts of statements, that a core keeps apart. More are made from data, by a slip.
const NAMES_AT_MOST: usize = 1_000;

/// One core's share of a run.
pub(crate) struct Core {
    pub(crate) wiring: Wiring,
    pub(crate) recorder: Rc<RefCell<Recorder>>,
    /// The run's clock. The stage's is set when the run's epoch is known.
    pub(crate) clock: RefCell<RealTime>,
    pub(crate) postgres: Option<drivers::pg::Postgres>,
    pub(crate) stores: Vec<StoreOnCore>,
    http: Option<HttpOnCore>,
    pub(crate) words: OpWords,
    pub(crate) params: RefCell<ParamTable>,
    /// By operation and text.
    statements: RefCell<HashMap<&'static str, HashMap<String, Statement>>>,
    op_names: RefCell<HashMap<String, Arc<OpName>>>,
    tables: RefCell<Vec<Option<OnCore>>>,
    /// Shards of active sets, by set and shard: they outlive the virtual users who own them.
    shards: RefCell<HashMap<(usize, u64), ShardOnCore>>,
    pub(crate) ledgers: RefCell<CasLogs>,
    pub(crate) queues: RefCell<QueueLogs>,
    pub(crate) traces: RefCell<Keeper>,
    /// What `setup` returned.
    shared: Option<Arc<Portable>>,
    scenario_hashes: Vec<u64>,
    stage_hash: u64,
    op_ids: RefCell<Vec<Option<OpId>>>,
}

/// The name operations are recorded under, with an index that is the same on all cores.
#[derive(Debug)]
pub(crate) struct OpName {
    pub(crate) name: String,
    index: usize,
}

impl OpName {
    pub(crate) fn new(name: &str) -> Arc<Self> {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        Arc::new(Self { name: name.to_owned(), index: NEXT.fetch_add(1, Ordering::Relaxed) })
    }
}

/// Names of operations that scripts do not name themselves.
pub(crate) struct OpWords {
    pub(crate) noop: Arc<OpName>,
    pub(crate) query: Arc<OpName>,
    pub(crate) execute: Arc<OpName>,
    pub(crate) batch: Arc<OpName>,
    pub(crate) copy: Arc<OpName>,
    pub(crate) begin: Arc<OpName>,
    pub(crate) commit: Arc<OpName>,
    pub(crate) rollback: Arc<OpName>,
    /// For names beyond those that are kept apart.
    others: Arc<OpName>,
}

impl Default for OpWords {
    fn default() -> Self {
        Self {
            noop: OpName::new("noop"),
            query: OpName::new("query"),
            execute: OpName::new("execute"),
            batch: OpName::new("batch"),
            copy: OpName::new("copy"),
            begin: OpName::new("begin"),
            commit: OpName::new("commit"),
            rollback: OpName::new("rollback"),
            others: OpName::new("(others)"),
        }
    }
}

impl Core {
    pub(crate) fn new(
        wiring: Wiring,
        recorder: Rc<RefCell<Recorder>>,
        clock: RealTime,
        shared: Option<Arc<Portable>>,
    ) -> Result<Self, Diagnostic> {
        let options = drivers::pg::PgOptions { timeout: wiring.timeout, gauge: wiring.gauge.clone() };
        let postgres = wiring.postgres.clone();
        let postgres =
            postgres.map(|(config, mode)| drivers::pg::Postgres::new(config, mode, options)).transpose();
        let postgres = postgres.map_err(|e| Diagnostic::usage(e.to_string()))?;
        let stores = wiring
            .stores
            .iter()
            .map(|store| StoreOnCore::open(store, wiring.detours.store, &wiring.findings))
            .collect::<Result<_, _>>()?;
        let http =
            wiring.http.clone().map(|http| HttpOnCore::open(&http.with_detour(wiring.detours.service)));
        let http = http.transpose()?;
        let params = RefCell::new(ParamTable::new(wiring.inputs.clone()));
        let scenario_hashes = wiring.scenarios.iter().map(|s| seed::scenario_hash(&s.seed_name)).collect();
        Ok(Self {
            wiring,
            recorder,
            clock: RefCell::new(clock),
            postgres,
            stores,
            http,
            words: OpWords::default(),
            params,
            statements: RefCell::default(),
            op_names: RefCell::default(),
            tables: RefCell::default(),
            shards: RefCell::default(),
            ledgers: RefCell::default(),
            queues: RefCell::default(),
            traces: RefCell::default(),
            shared,
            scenario_hashes,
            stage_hash: seed::scenario_hash("setup and teardown"),
            op_ids: RefCell::default(),
        })
    }

    /// The statement that a script runs by its text under `op`, one of [`OpWords`]; made at its first use.
    ///
    /// # Errors
    /// When `make` refuses the text.
    pub(crate) fn ad_hoc_statement(
        &self,
        op: &'static str,
        sql: &str,
        make: impl FnOnce() -> Result<Statement, EvalError>,
    ) -> Result<Statement, EvalError> {
        let mut statements = self.statements.borrow_mut();
        let of_op = statements.entry(op).or_default();
        if let Some(known) = of_op.get(sql) {
            return Ok(known.clone());
        }
        let made = make()?;
        if of_op.len() >= NAMES_AT_MOST {
            // Texts with values written into them: keeping them all would only fill memory.
            of_op.clear();
        }
        of_op.insert(sql.to_owned(), made.clone());
        Ok(made)
    }

    /// Looks at this core's handle of a table; made at its first use.
    pub(crate) fn on_core<R>(
        &self,
        parts: &TableParts,
        look: impl FnOnce(&mut OnCore) -> R,
    ) -> Result<R, EvalError> {
        let mut tables = self.tables.borrow_mut();
        if parts.index >= tables.len() {
            tables.resize_with(parts.index + 1, || None);
        }
        let on_core = match &mut tables[parts.index] {
            Some(known) => known,
            empty => empty.insert(OnCore::new(parts)?),
        };
        Ok(look(on_core))
    }

    /// The object store of that name, or the only one.
    ///
    /// # Errors
    /// When there is none of that name, or there are several and none is named.
    pub(crate) fn store(&self, name: Option<&str>) -> Result<&StoreOnCore, EvalError> {
        if let Some(found) = self.stores.iter().find(|store| store.name.as_deref() == name) {
            return Ok(found);
        }
        let names: Vec<&str> = self.stores.iter().filter_map(|store| store.name.as_deref()).collect();
        Err(failure(&match (name, names.first()) {
            (None, None) => "this run has no object store".to_owned(),
            (Some(name), None) => {
                format!(
                    "there is no store `{name}`: this run names none; leave `store` out, or add `stores` to options()"
                )
            }
            (None, Some(first)) => format!(
                "this run has the stores {}: say which, as in #{{ store: \"{first}\" }}",
                names.join(", ")
            ),
            (Some(name), Some(_)) => {
                let near = model::suggest::did_you_mean(name, names.iter().copied());
                let near = near.map_or(String::new(), |near| format!(": did you mean `{near}`?"));
                format!("there is no store `{name}` among {}{near}", names.join(", "))
            }
        }))
    }

    /// This core's HTTP client.
    ///
    /// # Errors
    /// When the run has none.
    pub(crate) fn http(&self) -> Result<&HttpOnCore, EvalError> {
        self.http.as_ref().ok_or_else(|| failure("this run has no HTTP service"))
    }

    /// A shard of an active set; made when its owner first asks for it. A virtual user lives on one core for as long as
    /// the run goes, however often it is hired, so nobody else ever does.
    pub(crate) fn shard(&self, set: usize, shard: u64, make: impl FnOnce() -> Shard) -> ShardOnCore {
        let mut shards = self.shards.borrow_mut();
        shards.entry((set, shard)).or_insert_with(|| Rc::new(RefCell::new(make()))).clone()
    }

    /// The recorded name for a word that a script gives with each call.
    pub(crate) fn op_name(&self, name: &str) -> Arc<OpName> {
        let mut names = self.op_names.borrow_mut();
        if let Some(known) = names.get(name) {
            return known.clone();
        }
        if names.len() >= NAMES_AT_MOST {
            return self.words.others.clone();
        }
        let made = OpName::new(name);
        names.insert(name.to_owned(), made.clone());
        made
    }

    /// Gives what this core has noted, for ledgers and as traces, to the run.
    pub(crate) fn hand_over(&self) {
        self.wiring.findings.take_over(self.ledgers.take());
        self.wiring.findings.take_over_traces(self.traces.take().finish());
        self.wiring.findings.queues.take_over(self.queues.take());
    }

    /// Nanoseconds since the run's epoch.
    pub(crate) fn now_ns(&self) -> u64 {
        self.clock.borrow().now_ns()
    }

    /// The randomness of one iteration.
    pub(crate) fn rng(&self, scenario: Option<usize>, number: u64) -> seed::IterationRng {
        let hash = scenario.map_or(self.stage_hash, |s| self.scenario_hashes[s]);
        seed::IterationRng::new(self.wiring.seed, hash, number)
    }

    /// A fresh copy of what `setup` returned, that clones of it share.
    pub(crate) fn shared_value(&self) -> Dynamic {
        match &self.shared {
            None => Dynamic::UNIT,
            Some(portable) => {
                let value = portable.to_dynamic();
                if value.is_map() || value.is_array() { value.into_shared() } else { value }
            }
        }
    }

    /// Records one operation of `context`, and what the server said when it went wrong.
    pub(crate) fn record(&self, context: &Context, op: &OpName, sample: &Sample<'_>, message: Option<&str>) {
        let mut recorder = self.recorder.borrow_mut();
        let id = self.op_id(&mut recorder, op, context);
        recorder.record(context.window.get(), id, sample);
        context.note_span(id, sample, message);
        if self.wiring.notes_ends && !sample.outcome.counts_as_error(sample.expect) {
            recorder.ended_well(self.now_ns());
        }
    }

    fn op_id(&self, recorder: &mut Recorder, op: &OpName, context: &Context) -> OpId {
        let groups = context.groups.borrow();
        if !groups.is_empty() {
            return recorder.op(&format!("{}::{}", groups.join("::"), op.name));
        }
        let mut ids = self.op_ids.borrow_mut();
        if op.index >= ids.len() {
            ids.resize(op.index + 1, None);
        }
        *ids[op.index].get_or_insert_with(|| recorder.op(&op.name))
    }
}

/// Whether an outcome is handed to the script as a value, or thrown as an error.
pub(crate) fn is_handed_over(outcome: Outcome, expect: Expect) -> bool {
    matches!(outcome, Outcome::Ok | Outcome::Conflict | Outcome::Empty)
        || (expect == Expect::Rejected && outcome == Outcome::Rejected)
}
