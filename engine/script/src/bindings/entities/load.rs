//! Filling a table with an active set. Rows are made as the connection has room for them.

use drivers::{Value, pg};
use model::{entities::EntitySet, outcome::Expect};
use rhai::{Dynamic, Map};

use super::Entities;
use crate::{
    bindings::{
        pg::{finish, outside_of_iterations},
        reply::Reply,
        table::{Table, TableParts},
        timestamp::Timestamp,
        value::to_driver,
    },
    bridge::wait_for,
    context::{cancelled, failure},
    engine::EvalError,
    findings::Findings,
    settings::Settings,
};

/// Rows between two words on how far it has come.
const ROWS_A_WORD: u64 = 8_192;

pub(super) fn load(entities: &Entities, table: &Table, map: &Map) -> Result<Reply, EvalError> {
    let mut settings = Settings::new("load", map, &["columns", "spread"]);
    let given = settings.map("columns").unwrap_or_default();
    let spread = spread(&mut settings);
    settings.done()?;
    outside_of_iterations("load")?;
    table.with(|c, parts, driver| {
        let (names, constants) = columns(parts, driver, &given, &spread)?;
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let target = pg::CopyTarget::new(&parts.load.name, &parts.spec.name, &names);
        let findings = &*c.core.wiring.findings;
        let what = format!("load {}", parts.spec.name);
        let rows = Rows { set: entities.set(), next: 0, constants, spread: &spread, findings, what: &what };
        let copied = wait_for(c.postgres()?.copy_in(&target, rows)).map_err(|_| cancelled());
        // Also when it failed half-way.
        findings.set_progress(&what, 0, 0);
        finish(c, &parts.load, Expect::Normal, copied?)
    })
}

/// A column whose timestamps go evenly from one to another.
struct Spread {
    column: String,
    from_us: i64,
    to_us: i64,
}

impl Spread {
    fn at(&self, index: u64, count: u64) -> Value {
        let span = i128::from(self.to_us) - i128::from(self.from_us);
        let gone = span * i128::from(index) / i128::from(count.max(1));
        // Between two numbers of 64 bits lie only such.
        Value::Timestamp(i64::try_from(i128::from(self.from_us) + gone).unwrap_or(self.to_us))
    }
}

fn spread(settings: &mut Settings<'_>) -> Vec<Spread> {
    let Some(map) = settings.map("spread") else { return Vec::new() };
    let mut found = Vec::new();
    for (column, ends) in &map {
        let ends = ends.as_array_ref().ok().filter(|ends| ends.len() == 2);
        match ends.and_then(|ends| instant(&ends[0]).zip(instant(&ends[1]))) {
            Some((from_us, to_us)) => found.push(Spread { column: column.to_string(), from_us, to_us }),
            None => settings.problem(
                "spread",
                format!(
                    "takes two timestamps for `spread.{column}`, such as [\"2026-01-01T00:00:00Z\", now]"
                ),
            ),
        }
    }
    found
}

fn instant(value: &Dynamic) -> Option<i64> {
    if let Some(at) = value.read_lock::<Timestamp>() {
        return Some(at.unix_us);
    }
    let text = value.as_immutable_string_ref().ok()?;
    text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_microsecond)
}

/// Names of all columns that are filled, and the values of those that are the same in every row: key, version, what
/// was given, defaults, and then what is spread.
fn columns(
    parts: &TableParts,
    driver: &pg::Table,
    given: &Map,
    spread: &[Spread],
) -> Result<(Vec<String>, Vec<Value>), EvalError> {
    super::verbs::check(parts)?;
    let mut names: Vec<String> = driver.columns()[..2].to_vec();
    let mut constants = Vec::new();
    for (name, value) in given {
        if names.iter().any(|known| known == name.as_str()) {
            return Err(failure(&format!("load: the set itself fills `{name}`")));
        }
        names.push(name.to_string());
        constants.push(to_driver(value, &|| format!("column `{name}`"))?);
    }
    for (place, value) in &parts.defaults {
        let name = &driver.columns()[*place];
        if !names.contains(name) && !spread.iter().any(|spread| spread.column == *name) {
            names.push(name.clone());
            constants.push(value.clone());
        }
    }
    for Spread { column, .. } in spread {
        if names.contains(column) {
            return Err(failure(&format!("load: `{column}` is spread and has a value, too")));
        }
        names.push(column.clone());
    }
    Ok((names, constants))
}

/// The set's rows, one at a time.
struct Rows<'a> {
    set: &'a EntitySet,
    next: u64,
    constants: Vec<Value>,
    spread: &'a [Spread],
    findings: &'a Findings,
    what: &'a str,
}

impl Iterator for Rows<'_> {
    type Item = Vec<Value>;

    fn next(&mut self) -> Option<Vec<Value>> {
        let (number, count) = (self.next, self.set.spec().count);
        if number.is_multiple_of(ROWS_A_WORD) {
            self.findings.set_progress(self.what, number, count);
        }
        if number == count {
            return None;
        }
        self.next += 1;
        let mut row = Vec::with_capacity(2 + self.constants.len() + self.spread.len());
        row.extend([Value::from(self.set.id(number)), Value::Int(0)]);
        row.extend_from_slice(&self.constants);
        row.extend(self.spread.iter().map(|spread| spread.at(number, count)));
        Some(row)
    }
}
