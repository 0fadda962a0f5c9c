//! Size, use and density of the planned tables' indexes.
//!
//! An index of a partitioned table stands for those of its leaves: bytes and scans are summed, density and
//! fragmentation are averaged by leaf pages. `pgstatindex` reads every page of a btree; each index is a statement
//! of its own, so that no snapshot lives longer than one of them takes.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Instant;

use crate::Value;
use crate::pg::Rows;
use crate::pg::ident::quote;
use crate::probe::counters::{Backwards, Tally};
use crate::probe::harvest::Harvest;
use crate::probe::pg::PgPlan;
use crate::probe::pg::extension::Extension;
use crate::probe::pg::link::{Cells, Link, Trouble};
use crate::probe::pg::relations::{MEMBERS, paths, tell_missing};

/// One line for each index of each leaf, and one for a member without any.
const COLUMNS: &str = "
SELECT m.place, i.indexrelid, r.oid, r.relname::text, n.nspname::text, pg_relation_size(i.indexrelid),
  pg_stat_get_numscans(i.indexrelid), a.amname = 'btree' AND i.indisvalid AND i.indisready,
  (SELECT en.nspname FROM pg_catalog.pg_extension AS e
    JOIN pg_catalog.pg_namespace AS en ON en.oid = e.extnamespace WHERE e.extname = 'pgstattuple')
FROM member AS m
LEFT JOIN pg_catalog.pg_index AS i ON i.indrelid = m.oid AND m.kind <> 'p'
LEFT JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
LEFT JOIN pg_catalog.pg_am AS a ON a.oid = c.relam
LEFT JOIN pg_catalog.pg_class AS r ON r.oid = coalesce(
  (SELECT p.relid FROM pg_partition_ancestors(i.indexrelid) AS p(relid)
    JOIN pg_catalog.pg_index AS pi ON pi.indexrelid = p.relid WHERE pi.indrelid = m.root), i.indexrelid)
LEFT JOIN pg_catalog.pg_namespace AS n ON n.oid = r.relnamespace";

const CONSEQUENCE: &str = "leaf_density_percent and fragmentation_percent of indexes are missing";

/// An index with what belongs to it in the leaves.
#[derive(Debug, Default)]
struct Found {
    name: String,
    schema: String,
    bytes: i64,
    /// Btrees that can be read.
    readable: Vec<u32>,
    scans: BTreeMap<u32, [i64; 1]>,
}

/// What a look at the catalogue gives.
#[derive(Default)]
struct Catalogue {
    places: BTreeSet<i64>,
    /// By the oid of the index that stands for the others.
    indexes: BTreeMap<u32, Found>,
    schema: Option<String>,
}

pub(super) struct Indexes {
    plan: PgPlan,
    sql: String,
    extension: Extension,
    tallies: HashMap<u32, Tally<u32, 1>>,
}

impl Indexes {
    pub(super) fn new(plan: PgPlan) -> Indexes {
        let sql = format!("{MEMBERS}{COLUMNS}");
        Indexes { plan, sql, extension: Extension::new("pgstattuple"), tallies: HashMap::new() }
    }

    pub(super) fn measured_from_now(&mut self) {
        self.tallies.values_mut().for_each(Tally::measured_from_now);
    }

    pub(super) async fn look(&mut self, link: &mut Link, harvest: &mut Harvest) -> Result<(), Trouble> {
        let mut catalogue = self.find(link).await?;
        let has_btree = catalogue.indexes.values().any(|index| !index.readable.is_empty());
        if catalogue.schema.is_none() && has_btree && self.extension.make(link).await? {
            catalogue = self.find(link).await?;
        }
        tell_missing(&self.plan.tables, &catalogue.places, harvest);
        let at = Instant::now();
        self.tallies.retain(|oid, _| catalogue.indexes.contains_key(oid));
        let names = names(&catalogue.indexes);
        for (oid, index) in &catalogue.indexes {
            let name = &names[oid];
            let tally = self.tallies.entry(*oid).or_insert_with(|| Tally::new(Backwards::Reset));
            let step = tally.look(at, index.scans.iter().map(|(leaf, scans)| (*leaf, *scans)));
            harvest.add(format!("{name}.bytes"), index.bytes as f64);
            harvest.add(format!("{name}.scans"), step.total[0] as f64);
            let Some(schema) = catalogue.schema.as_deref().filter(|_| !index.readable.is_empty()) else {
                continue;
            };
            if u64::try_from(index.bytes).unwrap_or_default() > self.plan.index_max_bytes {
                harvest.lack(format!(
                    "the index {name} is larger than {} bytes and is not read for its density: raise \
                     index_max_bytes, at the price of reading all of it each time",
                    self.plan.index_max_bytes
                ));
                continue;
            }
            report_density(link, schema, name, &index.readable, harvest).await?;
        }
        if catalogue.schema.is_none() && has_btree {
            harvest.lack(self.extension.lack(CONSEQUENCE, link.database()));
        }
        Ok(())
    }

    async fn find(&self, link: &mut Link) -> Result<Catalogue, Trouble> {
        Ok(read(&link.ask(&self.sql, &[paths(&self.plan.tables)]).await?))
    }
}

fn read(rows: &Rows) -> Catalogue {
    let mut catalogue = Catalogue::default();
    for row in rows {
        let mut cells = Cells::of(row);
        catalogue.places.insert(cells.count());
        let (leaf, root) = (cells.oid(), cells.oid());
        let (name, schema, bytes, scans) = (cells.words(), cells.words(), cells.count(), cells.count());
        let is_readable = cells.flag();
        catalogue.schema = cells.text().map(str::to_owned);
        if leaf == 0 {
            continue;
        }
        let index = catalogue.indexes.entry(root).or_default();
        // The same table may be planned under two names.
        if index.scans.insert(leaf, [scans]).is_some() {
            continue;
        }
        (index.name, index.schema) = (name.to_owned(), schema.to_owned());
        index.bytes += bytes;
        if is_readable {
            index.readable.push(leaf);
        }
    }
    catalogue
}

/// The bare name, or with the schema where two would be the same.
fn names(indexes: &BTreeMap<u32, Found>) -> HashMap<u32, String> {
    let mut times: HashMap<&str, u32> = HashMap::new();
    for index in indexes.values() {
        *times.entry(&index.name).or_default() += 1;
    }
    let name = |index: &Found| match times[index.name.as_str()] {
        1 => index.name.clone(),
        _ => format!("{}.{}", index.schema, index.name),
    };
    indexes.iter().map(|(oid, index)| (*oid, name(index))).collect()
}

/// Reads the btrees that an index stands for.
async fn report_density(
    link: &mut Link,
    schema: &str,
    name: &str,
    btrees: &[u32],
    harvest: &mut Harvest,
) -> Result<(), Trouble> {
    let sql = format!(
        "SELECT /* snapbench probe */ leaf_pages::float8, avg_leaf_density, leaf_fragmentation FROM \
         {}.pgstatindex($1::oid::regclass)",
        quote(schema)
    );
    let (mut pages, mut density, mut fragmentation) = (0.0, 0.0, 0.0);
    for btree in btrees {
        let rows = match link.ask(&sql, &[Value::Int(i64::from(*btree))]).await {
            Ok(rows) => rows,
            Err(trouble) if trouble.is_denied() => {
                let role = link.role();
                harvest.lack(format!(
                    "pgstatindex may not be called by role `{role}`: {CONSEQUENCE}; \
                     GRANT pg_stat_scan_tables TO the role"
                ));
                return Ok(());
            }
            Err(trouble) if trouble.sqlstate().is_some() => {
                harvest.fail(format!("{name}: {trouble}"));
                return Ok(());
            }
            Err(trouble) => return Err(trouble),
        };
        let Some(row) = rows.first() else { continue };
        let mut cells = Cells::of(row);
        let of_leaf = (cells.float().unwrap_or_default(), cells.float(), cells.float());
        // An empty index has no leaf, and NaN for its density.
        if let (of, Some(dense), Some(fragmented)) = of_leaf
            && of > 0.0
        {
            pages += of;
            density += of * dense;
            fragmentation += of * fragmented;
        }
    }
    harvest.add(format!("{name}.leaf_density_percent"), density / pages);
    harvest.add(format!("{name}.fragmentation_percent"), fragmentation / pages);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexes_of_one_name_are_told_apart_by_their_schema() {
        let index = |schema: &str, name: &str| Found {
            name: name.to_owned(),
            schema: schema.to_owned(),
            ..Found::default()
        };
        let indexes =
            BTreeMap::from([(1, index("a", "t_pkey")), (2, index("b", "t_pkey")), (3, index("a", "other"))]);
        let names = names(&indexes);
        assert_eq!(
            (names[&1].as_str(), names[&2].as_str(), names[&3].as_str()),
            ("a.t_pkey", "b.t_pkey", "other")
        );
    }
}
