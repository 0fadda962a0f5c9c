//! `comparisons: #{ … }` in `options()`: the same work on several sides in turn, and which of them does better.
//!
//! A comparison becomes scenarios, one a turn, so that executors, clocks and recording are those of every run. Beside the
//! turns that count are two kinds that do not: one for each side at the beginning, which wakes it, and in each round one
//! against the side named by `calibrate`, which shows what the generator itself can do.
//!
//! Deliberately absent: what a side is (the script asks `vu.side`), what the figures come to (`model::compare`).

use std::{collections::BTreeMap, time::Duration};

use load::executor::{ConstantVus, Executor};
use model::compare::{FEWEST_ROUNDS, Figure, turns};
use rhai::Map;

use super::{Reader, ScenarioOptions, duration};
use crate::{program::place_of_key, settings::Settings, vu::Exec};

const KNOWN: [&str; 9] =
    ["exec", "sides", "vus", "rounds", "turn", "rest", "decide_by", "margin", "calibrate"];
const DEFAULT_ROUNDS: u64 = 6;
/// More rounds than this are a slip of the finger.
const MOST_ROUNDS: u64 = 1_000;
const MOST_SIDES: usize = 16;
const DEFAULT_TURN: Duration = Duration::from_secs(2);
/// Differences within it are nobody's reason to choose.
const DEFAULT_MARGIN: f64 = 0.05;
/// What is still under way when a turn ends may take so long.
const GRACE: Duration = Duration::from_secs(30);

/// A comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct ComparisonOptions {
    /// Its name.
    pub name: String,
    /// The function each iteration calls.
    pub exec: Exec,
    /// What is compared: words that the function gets as `vu.side`.
    pub sides: Vec<String>,
    /// Virtual users in closed loops, the same for every side.
    pub vus: u32,
    /// Rounds in which each side is on twice.
    pub rounds: usize,
    /// How long a turn lasts.
    pub turn: Duration,
    /// The pause behind each turn, in which what is under way ends.
    pub rest: Duration,
    /// What decides.
    pub decide_by: Figure,
    /// The share within which a difference decides nothing.
    pub margin: f64,
    /// The side against which the generator's own ceiling is measured, once a round.
    pub calibrate: Option<String>,
}

/// Which turn of which comparison a scenario is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// The comparison's name.
    pub comparison: String,
    /// Who is on.
    pub side: String,
    /// What it counts for.
    pub counts: TurnKind,
    /// What its random choices are seeded by: turns of one pair do the same work.
    pub seed_name: String,
}

/// What a turn counts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TurnKind {
    /// The generator's own ceiling.
    Calibration,
    /// Nothing: it wakes the side.
    Waking,
    /// The comparison, in this round from 0.
    Round(usize),
}

impl ComparisonOptions {
    /// Its turns as scenarios; the first begins at 0. There are two sides at least.
    pub(super) fn scenarios(&self) -> Vec<ScenarioOptions> {
        let nothing = self.calibrate.as_deref();
        let waking = nothing.into_iter().chain(self.sides.iter().map(String::as_str));
        let on_in_round = 2 * self.sides.len();
        let order = turns(self.sides.len(), self.rounds);
        let rounds = order.chunks(on_in_round).enumerate().flat_map(|(round, order)| {
            // Every round has a ceiling of its own: the machine it is measured on is never the same twice.
            let ceiling = nothing.map(|side| (side, TurnKind::Calibration));
            let sides = order.iter().map(move |side| (self.sides[*side].as_str(), TurnKind::Round(round)));
            ceiling.into_iter().chain(sides)
        });
        let all = waking.map(|side| (side, TurnKind::Waking)).chain(rounds);
        let mut of_rounds = 0;
        all.enumerate()
            .map(|(n, (side, counts))| {
                let pair = match counts {
                    TurnKind::Round(_) => {
                        of_rounds += 1;
                        format!("{}", (of_rounds - 1) / self.sides.len())
                    }
                    TurnKind::Calibration | TurnKind::Waking => "before".to_owned(),
                };
                let turn = Turn {
                    comparison: self.name.clone(),
                    side: side.to_owned(),
                    counts,
                    seed_name: format!("{} {pair}", self.name),
                };
                let start = (self.turn + self.rest) * u32::try_from(n).unwrap_or(u32::MAX);
                let duration_ns = u64::try_from(self.turn.as_nanos()).unwrap_or(u64::MAX);
                ScenarioOptions {
                    trace: None,
                    held: None,
                    name: format!("{} turn {} {side}", self.name, n + 1),
                    exec: self.exec.clone(),
                    executor: Executor::ConstantVus(ConstantVus { vus: self.vus, duration_ns }),
                    start,
                    graceful_stop: GRACE,
                    tags: BTreeMap::new(),
                    turn: Some(turn),
                    is_swept: false,
                    step: None,
                }
            })
            .collect()
    }
}

impl Reader<'_> {
    pub(super) fn comparisons(&mut self, map: &Map) -> Vec<ComparisonOptions> {
        let all = self.sub_map(map, &[], "comparisons");
        let mut comparisons = Vec::new();
        for (name, value) in &all {
            match value.as_map_ref() {
                Ok(one) => comparisons.extend(self.comparison(name, &one)),
                Err(kind) => self.complain(
                    &["comparisons", name],
                    format!("comparison `{name}` is a map, not {kind}"),
                    None,
                ),
            }
        }
        let text = self.program.text().clone();
        comparisons
            .sort_by_key(|c| place_of_key("", &text, &["comparisons", &c.name]).map(|p| (p.line, p.column)));
        comparisons
    }

    fn comparison(&mut self, name: &str, map: &Map) -> Option<ComparisonOptions> {
        let path = ["comparisons", name];
        let mut s = Settings::new(format!("comparison `{name}`"), map, &KNOWN);
        let sides = sides(&mut s);
        let vus = s.count("vus").map_or(1, |vus| u32::try_from(vus).unwrap_or(u32::MAX));
        if vus == 0 {
            s.problem("vus", "needs at least 1 of `vus`".to_owned());
        }
        let rounds = s.count("rounds").unwrap_or(DEFAULT_ROUNDS);
        if !(FEWEST_ROUNDS as u64..=MOST_ROUNDS).contains(&rounds) {
            s.problem(
                "rounds",
                format!(
                    "takes {FEWEST_ROUNDS} to {MOST_ROUNDS} `rounds`, not {rounds}: fewer decide nothing"
                ),
            );
        }
        let turn = s.seconds("turn").and_then(duration).unwrap_or(DEFAULT_TURN);
        if turn.is_zero() {
            s.problem("turn", "takes a `turn` above 0, for example \"2s\"".to_owned());
        }
        let rest = s.seconds("rest").and_then(duration).unwrap_or(turn / 4);
        let words = Figure::ALL.map(Figure::as_str);
        let decide_by = s.word("decide_by", &words).unwrap_or_default();
        let decide_by = Figure::ALL.into_iter().find(|figure| figure.as_str() == decide_by);
        let margin = s.number("margin").unwrap_or(DEFAULT_MARGIN);
        if !(0.0..1.0).contains(&margin) {
            s.problem(
                "margin",
                format!("takes a `margin` from 0 to below 1, such as 0.05 for 5 %, not {margin}"),
            );
        }
        let calibrate = s.text("calibrate");
        let exec = s.text("exec").unwrap_or_else(|| name.to_owned());
        self.absorb(&path, s);
        let (function, arity) = self.function(&["comparisons", name, "exec"], Some(&exec))?;
        if arity == 0 {
            let help = format!("write `fn {function}(vu)` and use `vu.side`, or all sides do the same");
            self.complain(
                &["comparisons", name, "exec"],
                format!("`{function}` does not learn which side is on"),
                Some(help),
            );
        }
        Some(ComparisonOptions {
            name: name.to_owned(),
            exec: Exec { function, takes_vu: arity == 1 },
            sides,
            vus,
            rounds: usize::try_from(rounds).unwrap_or(usize::MAX),
            turn,
            rest,
            decide_by: decide_by.unwrap_or_default(),
            margin,
            calibrate,
        })
    }
}

fn sides(s: &mut Settings<'_>) -> Vec<String> {
    let sides: Vec<String> = s.required("sides", Settings::words_or_one);
    if !(2..=MOST_SIDES).contains(&sides.len()) {
        s.problem("sides", format!("compares 2 to {MOST_SIDES} `sides`, not {}", sides.len()));
    }
    if let Some((n, twice)) = sides.iter().enumerate().find(|(n, side)| sides[..*n].contains(side)) {
        s.problem("sides", format!("has the side `{twice}` twice, the second time as number {}", n + 1));
    }
    sides
}
