//! The active set: what a generator knows of each run that lives in a table, in 16 bytes a run.
//!
//! An [`EntitySet`] is a description; everything about a run that has not been touched yet is a function of (seed,
//! the set's prefix, its number), so that any part of the set can be made anywhere, and a table can be filled with
//! ten million runs of which none is in memory. What changes while a load goes lives in [`Shard`]s: entity `i`
//! belongs to shard `i mod shards`, each shard has one owner, and no two owners ever meet at a run.
//!
//! A run's *number* is `generation * count + index`: the entity at an index begins as generation 0 and becomes the
//! next generation each time it is replaced. Numbers, and with them ids, are unique without anybody asking anybody.
//!
//! Deliberately absent: who owns a shard, tables, and what a server says.

use std::ops::RangeInclusive;

use crate::seed::{mix, scenario_hash, unit_interval};

/// How ids are made of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IdForm {
    /// 12 digits that grow with each replacement: new runs are at the right edge of an index.
    #[default]
    Ordered,
    /// 16 hexadecimal digits without order: new runs are anywhere in an index.
    Random,
}

/// What an active set is asked to be.
#[derive(Debug, Clone, PartialEq)]
pub struct EntitySpec {
    /// Entities, sleepers included.
    pub count: u64,
    /// Transitions of a run; drawn uniformly for each.
    pub target: RangeInclusive<u16>,
    /// Share of entities that never move, from 0 to 1.
    pub sleepers: f64,
    /// What ids begin with. Sets of one seed with other prefixes are other sets.
    pub prefix: String,
    /// How ids go on.
    pub ids: IdForm,
}

/// A description of an active set with its seed.
#[derive(Debug, Clone, PartialEq)]
pub struct EntitySet {
    spec: EntitySpec,
    seed: u64,
    id_stream: u64,
    target_stream: u64,
    sleeper_stream: u64,
}

impl EntitySet {
    /// A set; nothing of it is made yet.
    pub fn new(spec: EntitySpec, seed: u64) -> Self {
        let stream = |what: &str| scenario_hash(&format!("{what} of {}", spec.prefix));
        let (id_stream, target_stream, sleeper_stream) =
            (stream("ids"), stream("targets"), stream("sleepers"));
        Self { spec, seed, id_stream, target_stream, sleeper_stream }
    }

    /// What it was asked to be.
    pub fn spec(&self) -> &EntitySpec {
        &self.spec
    }

    /// The id of a run by its number.
    pub fn id(&self, number: u64) -> String {
        let prefix = &self.spec.prefix;
        match self.spec.ids {
            IdForm::Ordered => format!("{prefix}{number:012}"),
            // For one stream the mix is a bijection of the number, so no two are the same.
            IdForm::Random => format!("{prefix}{:016x}", mix(self.seed, self.id_stream, number)),
        }
    }

    /// Transitions after which the run of this number is complete.
    ///
    /// Those of the first generation are found in the middle of their life, as in a set that has always been there:
    /// were all of them new, nobody would be complete for a while, and then many at once. Of a run met by chance the
    /// whole life is long in proportion to its length, and what is left of it anything up to that (renewal theory: D. R.
    /// Cox, "Renewal Theory", 1962, section 5).
    pub fn target(&self, number: u64) -> u16 {
        let (low, high) = (*self.spec.target.start(), *self.spec.target.end());
        let bits = mix(self.seed, self.target_stream, number);
        if number >= self.spec.count {
            return low + below(bits, u64::from(high.saturating_sub(low)) + 1) as u16;
        }
        // P(left = k) is proportional to the number of lives that are at least k long.
        let (low, high) = (u64::from(low.max(1)), u64::from(high.max(1)));
        let longer = high.saturating_sub(low);
        let chosen = below(bits, low * (longer + 1) + longer * (longer + 1) / 2);
        let of_all = low * (longer + 1);
        if chosen < of_all {
            return (chosen / (longer + 1) + 1) as u16;
        }
        // Beyond the shortest life: `longer` lives reach one step further, then one less each.
        let (mut left, mut step) = (chosen - of_all, low + 1);
        while left > high - step {
            left -= high - step + 1;
            step += 1;
        }
        step as u16
    }

    /// Whether the entity at this index never moves.
    pub fn is_sleeper(&self, index: u64) -> bool {
        unit_interval(mix(self.seed, self.sleeper_stream, index)) < self.spec.sleepers
    }

    /// The movers of one of so many shards, in their first generation. Sleepers take no memory: nobody moves them.
    pub fn shard(&self, shard: u64, shards: u64) -> Shard {
        let shards = shards.max(1);
        let members = self.spec.count.saturating_sub(shard).div_ceil(shards);
        let movers = (members as f64 * (1.0 - self.spec.sleepers)) as usize;
        let mut entities = Vec::with_capacity(movers + movers / 1024 + 16);
        let indices = (0..members).map(|n| shard + n * shards).filter(|index| !self.is_sleeper(*index));
        entities.extend(indices.map(|index| self.entity(index)));
        Shard { entities: entities.into_boxed_slice() }
    }

    /// The run of a number before its first transition.
    pub fn entity(&self, number: u64) -> Entity {
        Entity { number, seq: 0, target: self.target(number), is_unsure: false }
    }

    /// The run that takes the place of `entity`. Its row is not there yet, so it is unsure.
    pub fn replacement(&self, entity: Entity) -> Entity {
        Entity { is_unsure: true, ..self.entity(entity.number + self.spec.count) }
    }

    /// The place that a run of this number has in the set.
    pub fn index(&self, number: u64) -> u64 {
        number % self.spec.count.max(1)
    }
}

/// 64 random bits as a number below `n`.
fn below(bits: u64, n: u64) -> u64 {
    ((u128::from(bits) * u128::from(n)) >> 64) as u64
}

/// One run of the set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entity {
    /// Number: `generation * count + index`.
    pub number: u64,
    /// Transitions it has made.
    pub seq: u32,
    /// Transitions after which it is complete.
    pub target: u16,
    /// Whether its row may be other than this.
    pub is_unsure: bool,
}

impl Entity {
    /// Whether it has made all its transitions.
    pub fn is_complete(&self) -> bool {
        self.seq >= u32::from(self.target)
    }
}

/// The entities of one owner that move. Any of them is found by its slot, from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shard {
    entities: Box<[Entity]>,
}

impl Shard {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.entities.len()
    }

    /// Whether all of the shard sleeps.
    pub fn is_empty(&self) -> bool {
        self.entities.is_empty()
    }

    /// The entity of a slot.
    ///
    /// # Panics
    /// When there is no such slot.
    pub fn get(&self, slot: usize) -> Entity {
        self.entities[slot]
    }

    /// Puts another state, or another run, into a slot.
    ///
    /// # Panics
    /// When there is no such slot.
    pub fn set(&mut self, slot: usize, entity: Entity) {
        self.entities[slot] = entity;
    }

    /// Bytes that the entities take.
    pub fn bytes(&self) -> usize {
        std::mem::size_of_val(&*self.entities)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeSet, HashSet};

    use super::*;

    fn spec() -> EntitySpec {
        EntitySpec {
            count: 10_000,
            target: 5..=20,
            sleepers: 0.02,
            prefix: "run-".to_owned(),
            ids: IdForm::Ordered,
        }
    }

    fn numbers(shard: &Shard) -> Vec<u64> {
        (0..shard.len()).map(|slot| shard.get(slot).number).collect()
    }

    #[test]
    fn the_first_generation_is_met_in_the_middle_of_its_life() {
        let set = EntitySet::new(EntitySpec { target: 2..=4, sleepers: 0.0, ..spec() }, 1);
        let mut left = [0_u32; 5];
        (0..10_000).for_each(|number| left[usize::from(set.target(number))] += 1);
        // Lives of 2, 3 and 4: three of them have a first and a second step, two a third, one a fourth.
        for (step, shares) in [(1, 3.0), (2, 3.0), (3, 2.0), (4, 1.0)] {
            let expected = 10_000.0 * shares / 9.0;
            assert!((f64::from(left[step]) - expected).abs() < 5.0 * expected.sqrt(), "{left:?}");
        }
        let born = |number: u64| set.target(10_000 + number);
        assert!((0..1_000).all(|number| (2..=4).contains(&born(number))));
    }

    #[test]
    fn an_entity_takes_sixteen_bytes_and_a_sleeper_none() {
        assert_eq!(size_of::<Entity>(), 16);
        let shard = EntitySet::new(spec(), 1).shard(0, 1);
        assert_eq!(shard.bytes(), shard.len() * 16);
        assert!((9_700..9_900).contains(&shard.len()), "{} of 10,000 move", shard.len());
    }

    #[test]
    fn however_many_shards_there_are_they_hold_the_same_entities_once() {
        let set = EntitySet::new(spec(), 1);
        let whole: BTreeSet<u64> = numbers(&set.shard(0, 1)).into_iter().collect();
        for shards in [2, 7, 64, 20_000] {
            let parts: Vec<u64> = (0..shards).flat_map(|n| numbers(&set.shard(n, shards))).collect();
            assert_eq!(parts.len(), whole.len(), "{shards} shards: each entity once");
            assert_eq!(parts.into_iter().collect::<BTreeSet<_>>(), whole);
        }
    }

    #[test]
    fn a_set_is_a_function_of_seed_and_prefix() {
        let set = EntitySet::new(spec(), 1);
        assert_eq!(set.shard(3, 8), EntitySet::new(spec(), 1).shard(3, 8));
        assert_ne!(set.shard(3, 8), EntitySet::new(spec(), 2).shard(3, 8));
        let other = EntitySpec { prefix: "job-".to_owned(), ..spec() };
        assert_ne!(numbers(&set.shard(3, 8)), numbers(&EntitySet::new(other, 1).shard(3, 8)));
    }

    #[test]
    fn targets_are_spread_over_both_ends() {
        let set = EntitySet::new(spec(), 1);
        let mut counts = [0u32; 16];
        // Those that are born while the load goes: the first generation is met in mid-life.
        (10_000..26_000).for_each(|number| counts[usize::from(set.target(number) - 5)] += 1);
        // Chi-squared with 15 degrees of freedom: 99.99 % below 45.
        let chi: f64 = counts.iter().map(|&n| (f64::from(n) - 1000.0).powi(2) / 1000.0).sum();
        assert!(chi < 45.0, "{counts:?}");
        let fixed = EntitySet::new(EntitySpec { target: 65_535..=65_535, ..spec() }, 1);
        assert_eq!(fixed.target(10_007), 65_535);
    }

    #[test]
    fn replacements_are_new_runs_with_ids_of_their_own() {
        for ids in [IdForm::Ordered, IdForm::Random] {
            let set = EntitySet::new(EntitySpec { ids, count: 100, ..spec() }, 1);
            let mut seen = HashSet::new();
            for index in 0..100 {
                let mut entity = set.entity(index);
                for generation in 0..50 {
                    assert_eq!((set.index(entity.number), entity.seq), (index, 0));
                    assert_eq!(entity.is_unsure, generation > 0, "no row was made for it");
                    assert!(seen.insert(set.id(entity.number)), "{} came twice", set.id(entity.number));
                    entity = set.replacement(Entity { seq: 9, ..entity });
                }
            }
        }
    }

    #[test]
    fn ids_have_the_form_they_were_asked_for() {
        let set = EntitySet::new(spec(), 1);
        assert_eq!(set.id(42), "run-000000000042");
        assert!(set.id(9_999) < set.id(10_000), "ordered ids sort by number");
        let random = EntitySet::new(EntitySpec { ids: IdForm::Random, ..spec() }, 1);
        assert_eq!(random.id(42).len(), "run-".len() + 16);
    }

    #[test]
    fn when_all_sleep_no_shard_has_anybody() {
        let set = EntitySet::new(EntitySpec { sleepers: 1.0, ..spec() }, 1);
        assert!((0..4).all(|shard| set.shard(shard, 4).is_empty()));
        let nobody = EntitySet::new(EntitySpec { sleepers: 0.0, ..spec() }, 1);
        assert_eq!(nobody.shard(0, 1).len(), 10_000);
    }

    #[test]
    fn a_run_is_complete_at_its_target() {
        let entity = Entity { number: 0, seq: 4, target: 5, is_unsure: false };
        assert!(!entity.is_complete() && Entity { seq: 5, ..entity }.is_complete());
    }
}
