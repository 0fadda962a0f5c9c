//! What is noted of every compare-and-swap, so that the end of a run can prove that no step was lost, doubled or
//! forked.
//!
//! A claim is opened before its request leaves and settled by its reply; one that is never settled (its user was cut
//! off) counts as ambiguous. At the end the truth is read from the server over a connection of its own.
//!
//! Deliberately absent: the judgement itself (`model::ledger`).

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write as _,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use drivers::{Value, pg};
use model::{
    ledger::{CasLedger, Fate},
    outcome::Outcome,
    runfile::LedgerRecord,
    seed,
};

use crate::{core::Core, diagnostic::Diagnostic};

/// Keys whose text is kept for messages; beyond that they are named by their number.
const NAMES_AT_MOST: usize = 100_000;

/// Which table a ledger is about.
#[derive(Debug)]
pub(crate) struct CasBook {
    index: usize,
    name: String,
    table: String,
    keys: Vec<String>,
    version: String,
}

impl CasBook {
    pub(crate) fn new(name: &str, table: &str, keys: &[String], version: &str) -> Arc<Self> {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        Arc::new(Self {
            index: NEXT.fetch_add(1, Ordering::Relaxed),
            name: name.to_owned(),
            table: table.to_owned(),
            keys: keys.to_vec(),
            version: version.to_owned(),
        })
    }

    /// Reads every key (as text) with its version.
    fn truth_sql(&self) -> String {
        let quote = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
        let table = self.table.split('.').map(quote).collect::<Vec<_>>().join(".");
        let keys = self.keys.iter().map(|k| format!("{}::text", quote(k))).collect::<Vec<_>>().join(", ");
        format!("SELECT {}::bigint, {keys} FROM {table}", quote(&self.version))
    }
}

/// The logs of one core, or merged ones of several, by ledger.
#[derive(Debug, Default)]
pub struct CasLogs(BTreeMap<usize, (Arc<CasBook>, CasLedger)>);

impl CasLogs {
    /// Adds the logs of another core.
    pub(crate) fn merge(&mut self, other: CasLogs) {
        for (index, (book, ledger)) in other.0 {
            self.0.entry(index).or_insert_with(|| (book, CasLedger::new())).1.merge(ledger);
        }
    }

    /// Whether there is nothing to settle.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn record(&mut self, book: &Arc<CasBook>, key: u64, step: u64, fate: Fate) {
        let entry = self.0.entry(book.index).or_insert_with(|| (book.clone(), CasLedger::new()));
        entry.1.record(key, step, fate);
    }
}

/// One attempt whose fate is not known yet.
pub(crate) struct CasClaim<'c> {
    core: &'c Core,
    book: Option<&'c Arc<CasBook>>,
    key: u64,
    step: u64,
}

impl<'c> CasClaim<'c> {
    pub(crate) fn open(core: &'c Core, book: Option<&'c Arc<CasBook>>, key: &[Value], expected: i64) -> Self {
        let key = if book.is_some() { number_of(key) } else { 0 };
        Self { core, book, key, step: u64::try_from(expected).unwrap_or(u64::MAX) }
    }

    pub(crate) fn settle(mut self, outcome: Outcome) {
        self.log(Fate::from(outcome));
    }

    fn log(&mut self, fate: Fate) {
        if let Some(book) = self.book.take() {
            self.core.ledgers.borrow_mut().record(book, self.key, self.step, fate);
        }
    }
}

impl Drop for CasClaim<'_> {
    fn drop(&mut self) {
        self.log(Fate::Ambiguous);
    }
}

/// A key as the ledger knows it: an integer by itself, anything else by a hash of its text.
fn number_of(key: &[Value]) -> u64 {
    if let [Value::Int(one)] = key {
        return one.cast_unsigned();
    }
    let mut text = String::new();
    for part in key {
        // Writing to a string cannot fail.
        let _ = match part {
            Value::Text(it) => write!(text, "{it}\0"),
            Value::Int(it) => write!(text, "{it}\0"),
            Value::Uuid(it) => write!(text, "{it}\0"),
            Value::Numeric(it) => write!(text, "{it}\0"),
            other => write!(text, "{other:?}\0"),
        };
    }
    seed::scenario_hash(&text)
}

/// The same from the text that the server gives.
fn number_of_texts(texts: &[String]) -> u64 {
    if let [one] = texts
        && let Ok(number) = one.parse::<i64>()
    {
        return number.cast_unsigned();
    }
    seed::scenario_hash(&texts.iter().map(|t| format!("{t}\0")).collect::<String>())
}

/// Reads the truth of every ledger over a connection of its own, and judges. Keys are taken to have begun at 0.
///
/// # Errors
/// When the truth cannot be read: the table is gone, or the server.
pub async fn settle(
    logs: CasLogs,
    config: &pg::PgConfig,
    timeout: Duration,
) -> Result<Vec<LedgerRecord>, Diagnostic> {
    let options = pg::PgOptions { timeout };
    let postgres = pg::Postgres::new(config.clone(), pg::PoolMode::Dedicated, options)
        .map_err(|e| Diagnostic::usage(e.to_string()))?;
    let session = postgres.session();
    let mut records = Vec::new();
    for (book, ledger) in logs.0.into_values() {
        let statement = pg::Statement::new("ledger", &book.truth_sql(), pg::Rule::Plain);
        let reply = session.run(&statement, &[]).await;
        if let Some(error) = &reply.error {
            return Err(Diagnostic::usage(format!(
                "the ledger of {} cannot read its table: {error}",
                book.name
            ))
            .help("the table must still be there after the load: drop it in teardown(), which comes later"));
        }
        let mut judge = ledger.judge(0);
        let mut names = HashMap::new();
        for row in reply.rows.iter() {
            let version = row.int(0).unwrap_or(0);
            let texts: Vec<String> =
                (1..row.len()).map(|n| row.text(n).unwrap_or_default().to_owned()).collect();
            let key = number_of_texts(&texts);
            if names.len() < NAMES_AT_MOST {
                names.insert(key, texts.join(", "));
            }
            judge.head(key, u64::try_from(version).unwrap_or(0));
        }
        records.push(record_of(&book, &judge.finish(), &names));
    }
    Ok(records)
}

fn record_of(
    book: &CasBook,
    verdict: &model::ledger::CasVerdict,
    names: &HashMap<u64, String>,
) -> LedgerRecord {
    let mut record = verdict.record(&book.name);
    for example in &mut record.examples {
        // The judgement knows keys by number; people know them by name.
        let number =
            example.strip_prefix("key ").and_then(|rest| rest.split(':').next()).and_then(|n| n.parse().ok());
        if let Some((number, name)) = number.and_then(|n: u64| names.get(&n).map(|name| (n, name))) {
            *example = example.replacen(&format!("key {number}"), &format!("key {name}"), 1);
        }
    }
    record
}
