//! Types that the server's users made: enums, domains, extensions' types and arrays of them.
//!
//! The system's own types have fixed numbers. Others are looked up when a statement first meets one, and
//! remembered for all connections of a thread.

use std::collections::HashMap;
use std::rc::Rc;

use postgres_types::{Kind, Type};

use crate::pg::lean::prepare::Outline;
use crate::pg::rows::{Column, Description, Rows};
use crate::pg::types::PgType;

/// What is known of user-made types, by number.
#[derive(Debug, Default)]
pub(crate) struct Catalog(HashMap<u32, Type>);

/// A line of `pg_type`, as the look-up gives it.
#[derive(Debug, Clone)]
struct Entry {
    name: String,
    schema: String,
    kind: char,
    is_array: bool,
    element: u32,
    base: u32,
}

/// How many types deep a domain over an array over a domain … may go.
const DEPTH_MAX: u32 = 16;

impl Catalog {
    fn get(&self, oid: u32) -> Option<Type> {
        Type::from_oid(oid).or_else(|| self.0.get(&oid).cloned())
    }

    /// The numbers in an outline that nothing is known of yet.
    pub(crate) fn unknown(&self, outline: &Outline) -> Vec<u32> {
        let all = outline.params.iter().chain(outline.columns.iter().map(|(_, oid)| oid));
        let mut unknown: Vec<u32> = all.copied().filter(|oid| self.get(*oid).is_none()).collect();
        unknown.sort_unstable();
        unknown.dedup();
        unknown
    }

    /// The query that looks them up, together with all types that they are made of.
    pub(crate) fn query(oids: &[u32]) -> String {
        let list = oids.iter().map(u32::to_string).collect::<Vec<_>>().join(",");
        format!(
            "WITH RECURSIVE wanted(oid) AS (\
               SELECT unnest('{{{list}}}'::oid[]) UNION \
               SELECT part FROM wanted JOIN pg_catalog.pg_type AS t USING (oid), \
                      LATERAL (VALUES (t.typelem), (t.typbasetype)) AS parts(part) WHERE part <> 0) \
             SELECT t.oid, t.typname, n.nspname, t.typtype, t.typcategory, t.typelem, t.typbasetype \
             FROM wanted JOIN pg_catalog.pg_type AS t USING (oid) \
             JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace"
        )
    }

    /// The columns of that query, which come as text.
    pub(crate) fn columns() -> Rc<[Column]> {
        ["oid", "typname", "nspname", "typtype", "typcategory", "typelem", "typbasetype"]
            .map(|name| Column { name: name.into(), ty: PgType::of(&Type::TEXT) })
            .into()
    }

    /// Remembers what the query found; what it did not find is remembered as unsupported.
    pub(crate) fn learn(&mut self, asked: &[u32], rows: &Rows) {
        let number = |text: Option<&str>| text.and_then(|text| text.parse().ok()).unwrap_or(0u32);
        let entries: HashMap<u32, Entry> = rows
            .iter()
            .map(|row| {
                let text = |index| row.text(index).unwrap_or_default();
                let entry = Entry {
                    name: text(1).to_owned(),
                    schema: text(2).to_owned(),
                    kind: text(3).chars().next().unwrap_or(' '),
                    is_array: text(4) == "A",
                    element: number(row.text(5)),
                    base: number(row.text(6)),
                };
                (number(row.text(0)), entry)
            })
            .collect();
        for oid in asked.iter().chain(entries.keys()) {
            let ty = self.build(*oid, &entries, DEPTH_MAX);
            self.0.insert(*oid, ty);
        }
    }

    fn build(&self, oid: u32, entries: &HashMap<u32, Entry>, depth: u32) -> Type {
        if let Some(known) = self.get(oid) {
            return known;
        }
        let Some(entry) = entries.get(&oid).filter(|_| depth > 0) else {
            return Type::new(format!("type {oid}"), oid, Kind::Pseudo, "pg_catalog".to_owned());
        };
        let kind = match entry.kind {
            'e' => Kind::Enum(Vec::new()),
            'd' => Kind::Domain(self.build(entry.base, entries, depth - 1)),
            'c' => Kind::Composite(Vec::new()),
            'b' if entry.is_array => Kind::Array(self.build(entry.element, entries, depth - 1)),
            'b' => Kind::Simple,
            _ => Kind::Pseudo,
        };
        Type::new(entry.name.clone(), oid, kind, entry.schema.clone())
    }

    /// An outline in terms of types. All its numbers must have been learnt.
    pub(crate) fn describe(&self, outline: &Outline) -> Rc<Description> {
        let ty = |oid: u32| PgType::of(&self.build(oid, &HashMap::new(), DEPTH_MAX));
        Rc::new(Description {
            params: outline.params.iter().map(|oid| ty(*oid)).collect(),
            columns: outline
                .columns
                .iter()
                .map(|(name, oid)| Column { name: name.clone(), ty: ty(*oid) })
                .collect(),
        })
    }
}
