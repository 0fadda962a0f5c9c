//! What probes see, on its way into the files, the thresholds and the run file.

use std::{collections::BTreeMap, time::Duration};

use model::runfile::ProbeRecord;

use super::{book::Book, troubles::Troubles};
use crate::{
    prepare::Prepared,
    probing::{Look, POOL, POOL_EVERY},
    tally::Tally,
};

/// The records of all probes of a run.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    probes: BTreeMap<String, OfProbe>,
    troubles: Troubles,
}

#[derive(Debug, Default)]
struct OfProbe {
    record: ProbeRecord,
    total: Duration,
}

impl Evidence {
    /// Nothing seen yet, by the probes that were asked for.
    pub(super) fn new(prepared: &Prepared) -> Self {
        let mut evidence = Self::default();
        let options = &prepared.options.probes;
        for (part, every) in &options.postgres {
            evidence.expect(format!("postgres.{}", part.name()), *every);
        }
        if prepared.uses_pool() {
            evidence.expect(POOL.to_owned(), POOL_EVERY);
        }
        if let Some(every) = options.host {
            evidence.expect("host".to_owned(), every);
        }
        for probe in &options.scripts {
            evidence.expect(probe.name.clone(), probe.every);
        }
        evidence
    }

    fn expect(&mut self, name: String, every: Duration) {
        let record =
            ProbeRecord { name: name.clone(), every_s: every.as_secs_f64(), ..ProbeRecord::default() };
        self.probes.insert(name, OfProbe { record, ..OfProbe::default() });
    }

    /// Takes one look.
    pub(super) fn take(&mut self, look: Look, book: &mut Book<'_>, tally: &mut Tally) {
        for (name, value) in &look.values {
            book.directory.sample(look.at_ns, name, *value);
            tally.sample(name, look.at_ns, *value);
        }
        for mark in look.marks {
            book.mark(look.at_ns, mark);
        }
        for lack in &look.lacks {
            book.warn(format!("probe {}: {lack}", look.probe));
        }
        let of_probe = self.probes.entry(look.probe.clone()).or_default();
        let record = &mut of_probe.record;
        record.lacks.extend(look.lacks);
        record.max_ms = record.max_ms.max(look.took.as_secs_f64() * 1e3);
        of_probe.total += look.took;
        record.looks += 1;
        if let Some(trouble) = look.failure {
            record.failures += 1;
            if let Some(text) = self.troubles.hear(&look.probe, trouble) {
                book.warn(text);
            }
        }
    }

    /// Closes the records.
    pub(super) fn close(self, book: &mut Book<'_>) {
        self.troubles.rest().into_iter().for_each(|trouble| book.warn(trouble));
        let closed = self.probes.into_values().map(|OfProbe { mut record, total }| {
            record.mean_ms =
                if record.looks == 0 { 0.0 } else { total.as_secs_f64() * 1e3 / record.looks as f64 };
            record
        });
        book.run.probes = closed.collect();
    }
}
