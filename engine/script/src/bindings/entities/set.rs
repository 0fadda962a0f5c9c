//! An active set as cores share it, and an entity in its owner's hand.

use std::{
    cell::RefCell,
    rc::Rc,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use model::entities::{Entity, EntitySet, EntitySpec, IdForm, Shard};
use rhai::{Dynamic, Map};

use crate::{
    context::{Context, failure},
    engine::EvalError,
    ledger::Decision,
    settings::{Settings, as_number},
};

/// Beyond this a slip is likelier than a wish: 16 GB of entities.
const COUNT_AT_MOST: u64 = 1_000_000_000;

/// A shard on the core of its owner.
pub(crate) type ShardOnCore = Rc<RefCell<Shard>>;

/// An active set, as all cores share it.
#[derive(Clone)]
pub(crate) struct Entities(Arc<Parts>);

struct Parts {
    /// The same on all cores.
    index: usize,
    set: EntitySet,
    /// The scenario whose virtual users own the shards: the first one that picks.
    owner: OnceLock<usize>,
}

impl std::fmt::Debug for Entities {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let spec = self.0.set.spec();
        write!(f, "{} entities {}…", spec.count, spec.prefix)
    }
}

/// An entity in its owner's hand. What it says is always as its shard has it.
#[derive(Clone)]
pub(crate) struct Held {
    of: Entities,
    shard: ShardOnCore,
    slot: usize,
}

/// An entity that an open transaction changes, as it was before.
pub(crate) struct Touched {
    held: Held,
    before: Entity,
}

impl Touched {
    /// The transaction has ended.
    pub(crate) fn decide(self, decision: Decision) {
        match decision {
            Decision::Committed => {}
            Decision::RolledBack => self.held.put(self.before),
            Decision::Unknown => self.held.put(Entity { is_unsure: true, ..self.held.entity() }),
        }
    }
}

impl Entities {
    pub(super) fn set(&self) -> &EntitySet {
        &self.0.set
    }

    pub(super) fn new(spec: EntitySpec, seed: u64) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let index = NEXT.fetch_add(1, Ordering::Relaxed);
        Self(Arc::new(Parts { index, set: EntitySet::new(spec, seed), owner: OnceLock::new() }))
    }

    pub(super) fn pick(&self, c: &Context) -> Result<Held, EvalError> {
        let (shard, shards) = self.share_of(c)?;
        let on_core = c.core.shard(self.0.index, shard, || self.0.set.shard(shard, shards));
        let movers = on_core.borrow().len();
        if movers == 0 {
            return Err(failure(&self.nobody(shards)));
        }
        let slot = c.rng.borrow_mut().next_below(movers as u64) as usize;
        Ok(Held { of: self.clone(), shard: on_core, slot })
    }

    /// Which of how many shards belongs to the virtual user of `c`.
    fn share_of(&self, c: &Context) -> Result<(u64, u64), EvalError> {
        let wiring = &c.core.wiring;
        let Some(scenario) = c.scenario else {
            return Err(failure("pick is for iterations: only virtual users own entities"));
        };
        let owner = *self.0.owner.get_or_init(|| scenario);
        if owner != scenario {
            return Err(failure(&format!(
                "{self:?} belong to the virtual users of `{}`, which picked first: make `{}` a set of its own, with \
                 another prefix",
                wiring.scenarios[owner].name, wiring.scenarios[scenario].name
            )));
        }
        let shard = c.vu_number - wiring.scenarios[scenario].first_vu;
        let shards = wiring.scenarios[scenario].max_vus;
        if shard >= shards {
            return Err(failure(&format!(
                "virtual user {shard} of `{}` has no share of {self:?}: the scenario was said to have {shards}",
                wiring.scenarios[scenario].name
            )));
        }
        Ok((shard, shards))
    }

    fn nobody(&self, shards: u64) -> String {
        let spec = self.0.set.spec();
        if spec.count < shards {
            return format!(
                "{self:?} are fewer than the {shards} virtual users that pick from them: raise `count`, or lower the \
                 number of virtual users"
            );
        }
        format!(
            "all of this virtual user's share of {self:?} sleep: lower `sleepers` (it is {}), or raise `count`",
            spec.sleepers
        )
    }
}

impl Held {
    pub(super) fn entity(&self) -> Entity {
        self.shard.borrow().get(self.slot)
    }

    pub(super) fn put(&self, entity: Entity) {
        self.shard.borrow_mut().set(self.slot, entity);
    }

    pub(super) fn set(&self) -> &EntitySet {
        self.of.set()
    }

    pub(super) fn id(&self) -> String {
        self.set().id(self.entity().number)
    }

    /// Another run takes the place of this one; its row is not there yet.
    pub(super) fn replace(&self) {
        self.put(self.set().replacement(self.entity()));
    }

    /// Remembers what it was, when a transaction is open that may be undone.
    pub(super) fn touch(&self, c: &Context) {
        if c.session.get().is_some_and(drivers::pg::Session::in_transaction) {
            c.touched.borrow_mut().push(Touched { held: self.clone(), before: self.entity() });
        }
    }
}

/// `[low, high]` or one number, as transitions.
fn target(settings: &mut Settings<'_>) -> std::ops::RangeInclusive<u16> {
    let Some(given) = settings.raw("target") else {
        settings.problem("", "needs `target`".to_owned());
        return 1..=1;
    };
    let whole = |value: &Dynamic| value.as_int().ok().and_then(|n| u16::try_from(n).ok()).filter(|n| *n > 0);
    let range = match given.as_array_ref() {
        Ok(ends) if ends.len() == 2 => whole(&ends[0]).zip(whole(&ends[1])),
        Ok(_) => None,
        Err(_) => whole(given).map(|both| (both, both)),
    };
    match range {
        Some((low, high)) if low <= high => low..=high,
        _ => {
            settings.problem(
                "target",
                format!(
                    "takes transitions from 1 to {} for `target`, as [fewest, most] or one number, not `{given}`",
                    u16::MAX
                ),
            );
            1..=1
        }
    }
}

pub(super) fn described(map: &Map) -> Result<EntitySpec, EvalError> {
    let known = ["count", "target", "sleepers", "prefix", "ids"];
    let mut settings = Settings::new("entities::active", map, &known);
    let count = settings.raw("count").and_then(as_number);
    let count = count.filter(|n| n.fract() == 0.0 && (1.0..=COUNT_AT_MOST as f64).contains(n));
    if count.is_none() {
        settings.problem("count", format!("needs a whole number from 1 to {COUNT_AT_MOST} as `count`"));
    }
    let target = target(&mut settings);
    let sleepers = settings.number("sleepers").unwrap_or(0.0);
    if !(0.0..=1.0).contains(&sleepers) {
        settings.problem("sleepers", format!("takes a share from 0 to 1 for `sleepers`, not {sleepers}"));
    }
    let prefix = settings.text("prefix").unwrap_or_else(|| "run-".to_owned());
    let ids = match settings.word("ids", &["ordered", "random"]) {
        Some("random") => IdForm::Random,
        _ => IdForm::Ordered,
    };
    settings.done()?;
    Ok(EntitySpec { count: count.unwrap_or_default() as u64, target, sleepers, prefix, ids })
}
