//! The tables of a plan as the server has them: names to relations, partitioned tables to their leaves.
//!
//! Names are looked up in the catalogue at every look and no relation is locked for it, so that a table that is
//! dropped, made anew or gains a partition is seen, and a missing right on a schema hides nothing. Case counts,
//! as it does for table handles; a name without a schema is searched on the connection's `search_path`.

use std::collections::BTreeSet;

use crate::Value;
use crate::pg::ident::quote_path;
use crate::probe::harvest::Harvest;

/// `planned` (place, oid, kind) and `member` (place, root, oid, kind): each planned table and all that is below
/// it. `$1` is [`paths`].
pub(super) const MEMBERS: &str = "\
WITH RECURSIVE /* snapbench probe */ planned AS (
  SELECT p.place, c.oid, c.relkind AS kind
  FROM unnest($1::text[]) WITH ORDINALITY AS p(path, place), LATERAL parse_ident(p.path) AS part
  JOIN pg_catalog.pg_class AS c ON c.relname = part[cardinality(part)]
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'm')
    AND CASE WHEN cardinality(part) = 1 THEN pg_table_is_visible(c.oid)
             ELSE n.nspname = part[cardinality(part) - 1] END
), member AS (
  SELECT place, oid AS root, oid, kind FROM planned
  UNION ALL
  SELECT m.place, m.root, c.oid, c.relkind
  FROM member AS m JOIN pg_catalog.pg_inherits AS i ON i.inhparent = m.oid
  JOIN pg_catalog.pg_class AS c ON c.oid = i.inhrelid
  WHERE m.kind = 'p'
)";

/// The planned names as the parameter of [`MEMBERS`].
pub(super) fn paths(tables: &[String]) -> Value {
    Value::Array(tables.iter().map(|table| Value::from(quote_path(table).as_str())).collect())
}

/// Says which of the planned tables (places count from 1) were not found.
pub(super) fn tell_missing(tables: &[String], found: &BTreeSet<i64>, harvest: &mut Harvest) {
    for (place, table) in (1..).zip(tables) {
        if !found.contains(&place) {
            harvest.fail(format!(
                "there is no table `{table}` (not made yet, dropped, not on the search_path, or no table but a \
                 view)"
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named() {
        let tables = ["a".to_owned(), "s.b".to_owned()];
        let mut harvest = Harvest::default();
        tell_missing(&tables, &BTreeSet::from([1]), &mut harvest);
        assert!(harvest.failure.is_some_and(|failure| failure.starts_with("there is no table `s.b` (")));
    }
}
