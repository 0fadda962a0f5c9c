//! The truth that ledgers are judged by, read while it is still there: before teardown.

use std::time::Duration;

use model::runfile::LedgerRecord;
use script::{
    Diagnostic,
    ledger::{CasLogs, NotedQueues, StoreLogs, settle, settle_queues, settle_stores},
};

use super::Running;
use crate::{interrupts::Urgency, runtime};

/// How often it is said how far the reading has come.
const LOOK: Duration = Duration::from_millis(100);

/// What was found, and what could not be judged.
type Settled = (Vec<LedgerRecord>, Vec<Diagnostic>);

/// What was noted of tables, queues and object stores.
struct Noted {
    tables: CasLogs,
    queues: NotedQueues,
    stores: StoreLogs,
}

impl Noted {
    fn is_empty(&self) -> bool {
        self.tables.is_empty() && self.queues.is_empty() && self.stores.is_empty()
    }
}

impl Running<'_> {
    /// Judges the ledgers of tables, queues and object stores.
    pub(super) fn settle_ledgers(&mut self) {
        // What the stage noted is handed over when it is made anew; a failure of that is told by teardown.
        let handed_over = self.stage.hand_over();
        let findings = &self.wiring.findings;
        let noted = Noted {
            tables: findings.take_ledgers(),
            queues: findings.take_queue_ledgers(),
            stores: findings.take_store_ledgers(),
        };
        if noted.is_empty() {
            return;
        }
        if let Err(complaint) = handed_over {
            self.book.broken(complaint);
        }
        if !self.prepared.planned.plan.segment.is_whole() {
            // The servers hold what all segments did, and these logs only what one did: the others' would be findings.
            let why = "this is one segment of a run: its ledgers, and thresholds on them, are not judged";
            self.doubts.push(why.to_owned());
            self.book.warn(why.to_owned());
            return;
        }
        let runtime = match runtime::local() {
            Ok(runtime) => runtime,
            Err(error) => {
                self.book.broken(Diagnostic::usage(format!("the ledgers cannot be judged: {error}")));
                return;
            }
        };
        let Some((records, complaints)) = runtime.block_on(self.settled(noted)) else {
            self.doubts.push("the ledgers were not judged: the run was left".to_owned());
            return;
        };
        self.tally.ledgers(&records);
        self.book.run.ledgers = records;
        for complaint in complaints {
            self.doubts.push(format!("a ledger was not judged: {}", complaint.message));
            self.book.broken(complaint);
        }
    }

    /// Reads and judges, and says how far it has come; nothing when the run is left meanwhile.
    async fn settled(&self, noted: Noted) -> Option<Settled> {
        let mut settling = std::pin::pin!(self.settle(noted));
        loop {
            tokio::select! {
                biased;
                () = self.interrupts.reached(Urgency::Leave) => return None,
                settled = &mut settling => return Some(settled),
                () = tokio::time::sleep(LOOK) => self.book.work(self.wiring.findings.progress()),
            }
        }
    }

    async fn settle(&self, noted: Noted) -> Settled {
        let Noted { tables, queues, stores } = noted;
        let (mut records, mut complaints) = (Vec::new(), Vec::new());
        if let Some((config, _)) = self.wiring.postgres.as_ref().filter(|_| !tables.is_empty()) {
            match settle(tables, config).await {
                Ok(found) => records.extend(found),
                Err(complaint) => complaints.push(complaint),
            }
        }
        let postgres = self.wiring.postgres.as_ref().map(|(config, _)| config);
        let (found, unread) = settle_queues(queues, postgres).await;
        records.extend(found);
        complaints.extend(unread);
        let (found, unread) = settle_stores(stores, self.wiring.seed, &self.wiring.findings).await;
        records.extend(found);
        complaints.extend(unread);
        (records, complaints)
    }
}
