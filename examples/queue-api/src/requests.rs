//! What each request may say: its fields, their limits, their defaults.

use std::ops::RangeInclusive;

use serde_json::Value;

use crate::error::Problem;
use crate::validate::{Fields, shortened, unknown_field, whole};

/// Priorities; 0 is taken first.
const PRIORITY: RangeInclusive<i64> = 0..=i32::MAX as i64;
/// A delay, ms: at most a year.
const DELAY_MS: RangeInclusive<i64> = 0..=365 * 86_400_000;
/// Items that one pop takes.
const DEPTH: RangeInclusive<i64> = 1..=100;
/// Items that one claim takes, one batch pushes, one request completes, one page lists.
const BATCH: RangeInclusive<i64> = 1..=1000;
/// A lease, ms: at most a day.
const LEASE_MS: RangeInclusive<i64> = 1..=86_400_000;

const PUSH: &[&str] = &["item", "priority", "delay_ms"];

/// A request's body that can be read. `None` when there is a problem, which is noted.
pub(crate) trait FromBody: Sized {
    fn from_body(body: Value, problems: &mut Vec<Problem>) -> Option<Self>;
}

/// An item to keep.
#[derive(Debug)]
pub(crate) struct Push {
    pub(crate) item: Value,
    pub(crate) priority: i32,
    pub(crate) delay_ms: i64,
}

impl Push {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Push> {
        let item = fields.object("item");
        let priority = fields.whole("priority", PRIORITY, Some(0));
        let delay_ms = fields.whole("delay_ms", DELAY_MS, Some(0));
        Some(Push { item: item?, priority: fits(priority?), delay_ms: delay_ms? })
    }
}

impl FromBody for Push {
    fn from_body(body: Value, problems: &mut Vec<Problem>) -> Option<Push> {
        Push::from_fields(&mut Fields::of_body(body, PUSH, problems)?)
    }
}

/// Items to keep, all or none.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) items: Vec<Push>,
}

impl FromBody for Batch {
    fn from_body(body: Value, problems: &mut Vec<Problem>) -> Option<Batch> {
        let mut fields = Fields::of_body(body, &["items"], problems)?;
        let items = fields.each("items", count(), PUSH, Push::from_fields)?;
        Some(Batch { items })
    }
}

/// Items to take for good.
#[derive(Debug)]
pub(crate) struct Pop {
    pub(crate) depth: i64,
}

impl FromBody for Pop {
    fn from_body(body: Value, problems: &mut Vec<Problem>) -> Option<Pop> {
        let mut fields = Fields::of_body(body, &["depth"], problems)?;
        Some(Pop { depth: fields.whole("depth", DEPTH, Some(1))? })
    }
}

/// Items to take for a time.
#[derive(Debug)]
pub(crate) struct Claim {
    pub(crate) batch: i64,
    pub(crate) lease_ms: i64,
}

impl FromBody for Claim {
    fn from_body(body: Value, problems: &mut Vec<Problem>) -> Option<Claim> {
        let mut fields = Fields::of_body(body, &["batch", "lease_ms"], problems)?;
        let batch = fields.whole("batch", BATCH, Some(1));
        let lease_ms = fields.whole("lease_ms", LEASE_MS, None);
        Some(Claim { batch: batch?, lease_ms: lease_ms? })
    }
}

/// A claimed item: the attempt says which claim of it is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Task {
    pub(crate) id: i64,
    pub(crate) attempt: i32,
}

/// Claimed items whose work is done.
#[derive(Debug)]
pub(crate) struct Complete {
    pub(crate) tasks: Vec<Task>,
}

impl FromBody for Complete {
    fn from_body(body: Value, problems: &mut Vec<Problem>) -> Option<Complete> {
        let mut fields = Fields::of_body(body, &["tasks"], problems)?;
        let tasks = fields.each("tasks", count(), &["id", "attempt"], |task| {
            let id = task.whole("id", 1..=i64::MAX, None);
            let attempt = task.whole("attempt", 1..=i64::from(i32::MAX), None);
            Some(Task { id: id?, attempt: fits(attempt?) })
        })?;
        Some(Complete { tasks })
    }
}

/// Which page of a queue's items.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Page {
    /// The id before the first one.
    pub(crate) after: i64,
    pub(crate) limit: i64,
}

impl Page {
    /// From the parameters behind the `?`. The last of two with one name counts.
    pub(crate) fn from_query(query: &[(String, String)], problems: &mut Vec<Problem>) -> Page {
        let mut page = Page { after: 0, limit: *BATCH.end() };
        for (name, value) in query {
            let (place, range) = match name.as_str() {
                "after" => (&mut page.after, 0..=i64::MAX),
                "limit" => (&mut page.limit, BATCH),
                _ => {
                    problems.push(unknown_field("", name, &["after", "limit"]));
                    continue;
                }
            };
            let number = value.parse().map_or(Value::Null, |number: i64| number.into());
            match whole(&number, &range) {
                Ok(number) => *place = number,
                Err(right) => {
                    let message = format!("{name} is `{}`; {right}", shortened(value));
                    problems.push(Problem::new(name, message));
                }
            }
        }
        page
    }
}

/// A queue's name that can be used; notes the problem of one that cannot.
pub(crate) fn queue_name(name: &str, problems: &mut Vec<Problem>) {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    if (1..=100).contains(&name.len()) && name.bytes().all(is_plain) {
        return;
    }
    let right = "it has 1 to 100 of the characters A-Z, a-z, 0-9, `_`, `.` and `-`";
    problems.push(Problem::new("queue", format!("the queue's name is `{}`; {right}", shortened(name))));
}

/// How many objects a list may have.
fn count() -> RangeInclusive<usize> {
    1..=1000
}

/// A number that its range keeps within 32 bits.
fn fits(number: i64) -> i32 {
    i32::try_from(number).expect("its range ends at i32::MAX")
}
