//! What changes a row, with its line in the ledger. A line is opened before the request leaves: a user that is cut off
//! meanwhile leaves behind that nobody knows.

use drivers::{Value, pg};
use rhai::Map;

use super::{TableParts, columns};
use crate::{
    bridge::wait_for,
    context::{Context, cancelled},
    engine::EvalError,
    ledger::{CasClaim, Deed},
};

impl TableParts {
    /// A compare-and-swap with its line in the ledger.
    pub(crate) fn swap(
        &self,
        c: &Context,
        table: &pg::Table,
        key: &[Value],
        expected: i64,
        set: &Map,
    ) -> Result<pg::Reply, EvalError> {
        let session = c.postgres()?;
        let (places, values) = columns(table, set)?;
        // The claim is logged before the request leaves: if this user is cancelled now, its fate is unknown.
        let claim = self.claim_deed(c, session, key, Deed::Step(version(expected)))?;
        let swapped = match &self.unguarded_swap {
            None => wait_for(table.cas(session, key, expected, &places, &values)),
            Some(swap) => {
                let params: Vec<Value> = key.iter().cloned().chain([Value::Int(expected)]).collect();
                wait_for(async move { session.run(swap, &params).await })
            }
        };
        let reply = swapped.map_err(|_| cancelled())?;
        claim.settle(&reply);
        Ok(reply)
    }

    fn claim_deed<'c>(
        &self,
        c: &'c Context,
        session: &pg::Session,
        key: &[Value],
        deed: Deed,
    ) -> Result<CasClaim<'c>, EvalError> {
        CasClaim::open(c, self.ledger.as_ref(), key, deed, session.in_transaction())
    }

    /// The line of an inserted row. One that leaves its key or version to the server is not followed: nobody here knows
    /// what they are.
    fn claim_insert<'c>(
        &self,
        c: &'c Context,
        session: &pg::Session,
        table: &pg::Table,
        places: &[usize],
        values: &[Value],
    ) -> Result<CasClaim<'c>, EvalError> {
        let value = |place: usize| places.iter().position(|it| *it == place).map(|at| &values[at]);
        let key = || (0..table.key_len()).map(|place| value(place).cloned()).collect::<Option<Vec<_>>>();
        let at = || value(table.key_len()).and_then(Value::as_int).and_then(|at| u64::try_from(at).ok());
        match self.ledger.as_ref().and_then(|_| key().zip(at())) {
            Some((key, at)) => self.claim_deed(c, session, &key, Deed::Insert(at)),
            None => CasClaim::open(c, None, &[], Deed::Insert(0), false),
        }
    }

    /// An insert of one row: values and the places of their columns.
    pub(crate) fn insert_row(
        &self,
        c: &Context,
        table: &pg::Table,
        places: &[usize],
        values: &[Value],
    ) -> Result<pg::Reply, EvalError> {
        let session = c.postgres()?;
        let claim = self.claim_insert(c, session, table, places, values)?;
        let reply = wait_for(table.insert(session, places, values)).map_err(|_| cancelled())?;
        claim.settle(&reply);
        Ok(reply)
    }

    /// An insert of many rows, one after another in `values`.
    pub(super) fn insert_rows(
        &self,
        c: &Context,
        table: &pg::Table,
        places: &[usize],
        values: &[Value],
    ) -> Result<pg::Reply, EvalError> {
        let session = c.postgres()?;
        let rows = values.chunks(places.len().max(1));
        let claims = rows.map(|row| self.claim_insert(c, session, table, places, row));
        let claims = claims.collect::<Result<Vec<_>, _>>()?;
        let reply = wait_for(table.insert_many(session, places, values)).map_err(|_| cancelled())?;
        claims.into_iter().for_each(|claim| claim.settle(&reply));
        Ok(reply)
    }

    /// A delete of one row, at a version or at any.
    pub(crate) fn delete_row(
        &self,
        c: &Context,
        table: &pg::Table,
        key: &[Value],
        expected: Option<i64>,
    ) -> Result<pg::Reply, EvalError> {
        let session = c.postgres()?;
        let claim = self.claim_deed(c, session, key, Deed::Delete(expected.map(version)))?;
        let reply = wait_for(table.delete(session, key, expected)).map_err(|_| cancelled())?;
        claim.settle(&reply);
        Ok(reply)
    }
}

/// A version as ledgers know it; there is none below 0.
fn version(expected: i64) -> u64 {
    u64::try_from(expected).unwrap_or(u64::MAX)
}
