//! The SQL of a table handle: text in, text out, every identifier quoted.

use crate::pg::ident::{quote, quote_path};
use crate::pg::table::{ClaimSpec, TableSpec, Take};

fn list(names: &[&str]) -> String {
    names.iter().map(|name| quote(name)).collect::<Vec<_>>().join(", ")
}

/// `"a" = $1 AND "b" = $2`, numbered from `first`.
fn equal(names: &[String], first: usize) -> String {
    let pairs = names.iter().enumerate().map(|(index, name)| format!("{} = ${}", quote(name), first + index));
    pairs.collect::<Vec<_>>().join(" AND ")
}

pub(crate) fn insert(spec: &TableSpec, columns: &[&str]) -> String {
    insert_values(spec, columns, 1)
}

/// So many rows in one VALUES list.
pub(crate) fn insert_values(spec: &TableSpec, columns: &[&str], rows: usize) -> String {
    let tuple = |row: usize| {
        let places = (1..=columns.len()).map(|column| format!("${}", row * columns.len() + column));
        format!("({})", places.collect::<Vec<_>>().join(", "))
    };
    let tuples = (0..rows).map(tuple).collect::<Vec<_>>().join(", ");
    format!("INSERT INTO {} ({}) VALUES {tuples}", quote_path(&spec.name), list(columns))
}

/// Any number of rows, each column as one array.
pub(crate) fn insert_unnest(spec: &TableSpec, columns: &[&str], types: &[String]) -> String {
    let arrays = types.iter().enumerate().map(|(index, ty)| format!("${}::{ty}[]", index + 1));
    format!(
        "INSERT INTO {} ({}) SELECT * FROM unnest({})",
        quote_path(&spec.name),
        list(columns),
        arrays.collect::<Vec<_>>().join(", ")
    )
}

pub(crate) fn get(spec: &TableSpec, columns: &[&str]) -> String {
    format!("SELECT {} FROM {} WHERE {}", list(columns), quote_path(&spec.name), equal(&spec.key, 1))
}

/// Parameters: the key, the expected version, the new values.
pub(crate) fn cas(spec: &TableSpec, version: &str, set: &[&str]) -> String {
    let version = quote(version);
    let expected = spec.key.len() + 1;
    let assignments =
        set.iter().enumerate().map(|(index, name)| format!(", {} = ${}", quote(name), expected + 1 + index));
    let touch = spec.touch.iter().filter(|touch| !set.contains(&touch.as_str()));
    let assignments = assignments.chain(touch.map(|touch| format!(", {} = now()", quote(touch))));
    format!(
        "UPDATE {} SET {version} = {version} + 1{} WHERE {} AND {version} = ${expected} RETURNING {version}",
        quote_path(&spec.name),
        assignments.collect::<String>(),
        equal(&spec.key, 1),
    )
}

/// Parameters: the key, and the expected version where there is one.
pub(crate) fn delete(spec: &TableSpec, version: Option<&str>) -> String {
    let guard = version
        .map(|version| format!(" AND {} = ${}", quote(version), spec.key.len() + 1))
        .unwrap_or_default();
    format!("DELETE FROM {} WHERE {}{guard}", quote_path(&spec.name), equal(&spec.key, 1))
}

/// Takes up to `limit` rows that nobody else is taking, and gives them in order.
///
/// The rows are picked and locked in a materialized part of their own: a LIMIT inside an `IN (…)` may be
/// evaluated again and lock more than it says. The limit is part of the text, because a plan for an unknown
/// limit expects a tenth of the table and scans it.
pub(crate) fn claim(spec: &TableSpec, claim: &ClaimSpec, columns: &[&str], limit: u32) -> String {
    let table = quote_path(&spec.name);
    let alias = quote(&crate::pg::ident::last_part(&spec.name));
    let keys = |write: &dyn Fn(usize, &String) -> String, between: &str| {
        spec.key.iter().enumerate().map(|(index, name)| write(index, name)).collect::<Vec<_>>().join(between)
    };
    let picked = keys(&|index, name| format!("{} AS picked_{index}", quote(name)), ", ");
    let joined = keys(&|index, name| format!("{alias}.{} = picked.picked_{index}", quote(name)), " AND ");
    let filter = claim.filter.as_ref().map(|filter| format!(" WHERE {filter}")).unwrap_or_default();
    let order = claim.order.as_ref().map(|order| format!(" ORDER BY {order}")).unwrap_or_default();
    let taking = match &claim.take {
        Take::Delete => format!("DELETE FROM {table} AS {alias} USING picked"),
        Take::Set(assignments) => format!("UPDATE {table} AS {alias} SET {assignments} FROM picked"),
    };
    format!(
        "WITH picked AS MATERIALIZED (\
           SELECT {picked} FROM {table} AS {alias}{filter}{order} LIMIT {limit} FOR UPDATE SKIP LOCKED), \
         taken AS ({taking} WHERE {joined} RETURNING {alias}.*) \
         SELECT {} FROM taken AS {alias}{order}",
        list(columns)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> TableSpec {
        TableSpec::new("app.run_head", &["run_id"], &["status", "attempt"])
    }

    #[test]
    fn cas_numbers_its_parameters_key_version_values() {
        assert_eq!(
            cas(&spec(), "seq", &["status"]),
            r#"UPDATE "app"."run_head" SET "seq" = "seq" + 1, "status" = $3 WHERE "run_id" = $1 AND "seq" = $2 RETURNING "seq""#
        );
    }

    #[test]
    fn a_touched_column_is_set_to_now_unless_it_is_given() {
        let spec = TableSpec { touch: Some("updated_at".to_owned()), ..spec() };
        assert!(cas(&spec, "seq", &["status"]).contains(r#", "status" = $3, "updated_at" = now() WHERE"#));
        let given = cas(&spec, "seq", &["updated_at"]);
        assert!(given.contains(r#""updated_at" = $3 WHERE"#) && !given.contains("now()"), "{given}");
    }

    #[test]
    fn many_rows_are_one_list_or_arrays() {
        assert_eq!(
            insert_values(&spec(), &["run_id", "seq"], 2),
            r#"INSERT INTO "app"."run_head" ("run_id", "seq") VALUES ($1, $2), ($3, $4)"#
        );
        assert_eq!(
            insert_unnest(&spec(), &["run_id"], &["text".to_owned()]),
            r#"INSERT INTO "app"."run_head" ("run_id") SELECT * FROM unnest($1::text[])"#
        );
    }

    #[test]
    fn a_delete_may_ask_for_the_version() {
        assert_eq!(delete(&spec(), None), r#"DELETE FROM "app"."run_head" WHERE "run_id" = $1"#);
        assert_eq!(
            delete(&spec(), Some("seq")),
            r#"DELETE FROM "app"."run_head" WHERE "run_id" = $1 AND "seq" = $2"#
        );
    }

    #[test]
    fn a_claim_picks_takes_and_orders() {
        let by_priority = ClaimSpec {
            filter: Some("queue = $1".to_owned()),
            order: Some("priority, id".to_owned()),
            take: Take::Delete,
        };
        let queue = TableSpec::new("item", &["id"], &["queue", "priority"]);
        assert_eq!(
            claim(&queue, &by_priority, &["id", "queue"], 10),
            "WITH picked AS MATERIALIZED (SELECT \"id\" AS picked_0 FROM \"item\" AS \"item\" WHERE queue = $1 \
             ORDER BY priority, id LIMIT 10 FOR UPDATE SKIP LOCKED), taken AS (DELETE FROM \"item\" AS \"item\" \
             USING picked WHERE \"item\".\"id\" = picked.picked_0 RETURNING \"item\".*) \
             SELECT \"id\", \"queue\" FROM taken AS \"item\" ORDER BY priority, id"
        );
    }
}
