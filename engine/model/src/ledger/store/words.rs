//! What a store's ledger found, in sentences for people.

use std::time::Duration;

use super::content::{Seen, Version};
use super::history::History;
use crate::units::{format_count, format_duration};

/// `4,096 bytes (digest 44bc2cf5ad770999)`.
pub(super) fn shown(seen: Seen) -> String {
    match seen {
        Seen::Absent => "nothing".to_owned(),
        Seen::Present => "an object".to_owned(),
        Seen::Sized(size_bytes) => format!("{} bytes", format_count(size_bytes)),
        Seen::Whole(content) => {
            format!("{} bytes (digest {:016x})", format_count(content.size_bytes), content.digest)
        }
    }
}

/// `the put of 4,096 bytes (digest …)`.
fn named(change: &Version) -> String {
    change.content().map_or_else(
        || "its deletion".to_owned(),
        |content| format!("the put of {}", shown(Seen::Whole(content))),
    )
}

fn length(from_ns: u64, to_ns: u64) -> String {
    format_duration(Duration::from_nanos(to_ns.saturating_sub(from_ns)))
}

/// `a get that began 1.2ms after the put of 4,096 bytes was acknowledged`.
fn after(operation: &str, last: Option<&Version>, began_ns: u64) -> String {
    match last {
        None => format!("a {operation}"),
        Some(last) => {
            let age = length(last.ended_ns, began_ns);
            format!("a {operation} that began {age} after {} was acknowledged", named(last))
        }
    }
}

/// What a read found instead of what it had to find.
pub(super) fn read(key: &str, operation: &str, history: &History, began_ns: u64, found: &str) -> String {
    format!("key {key}: {} found {found}", after(operation, history.last_before(began_ns), began_ns))
}

/// The older content that a read found.
pub(super) fn older(seen: Seen, of: Option<&Version>, began_ns: u64) -> String {
    let age = of.map_or_else(String::new, |of| {
        format!(", which had been put {} before", length(of.ended_ns, began_ns))
    });
    format!("the older {}{age}", shown(seen))
}

/// A key that was read or listed after its deletion, of which nothing else is remembered.
pub(super) fn deleted(key: &str, operation: &str, ended_ns: u64, began_ns: u64) -> String {
    let age = length(ended_ns, began_ns);
    format!("key {key}: a {operation} that began {age} after its deletion was acknowledged found it")
}

/// What a listing says of a key.
pub(super) fn listed(key: &str, history: &History, began_ns: u64, what: &str) -> String {
    format!("key {key}: {} {what}", after("list", history.last_before(began_ns), began_ns))
}

/// Two puts on the condition that there was nothing.
pub(super) fn second_winner(key: &str, winner: &Version, other: &Version) -> String {
    let when = if winner.began_ns > other.ended_ns {
        format!("that began {} after", length(other.ended_ns, winner.began_ns))
    } else {
        "at the same time as".to_owned()
    };
    format!("key {key}: a put if absent was acknowledged {when} {}, with no deletion between", named(other))
}

/// What was acknowledged last, and what the server holds instead at the end.
pub(super) fn lost(key: &str, last: Option<&Version>, instead: &str) -> String {
    let what = last.map_or_else(|| "its put".to_owned(), named);
    format!("key {key}: {what} was acknowledged, and at the end {instead}")
}

/// At the end the server holds what nobody put.
pub(super) fn corrupted(key: &str, seen: Seen) -> String {
    format!("key {key}: at the end it holds {}, which nobody put", shown(seen))
}

/// At the end the server lists what was deleted.
pub(super) fn still_listed(key: &str) -> String {
    format!("key {key}: its deletion was acknowledged, and at the end it is listed")
}

/// At the end the server holds what was deleted.
pub(super) fn still_read(key: &str) -> String {
    format!("key {key}: its deletion was acknowledged, and at the end it is there")
}

/// At the end the server holds what it does not list.
pub(super) fn not_listed(key: &str) -> String {
    format!("key {key}: at the end it is there, and is not listed")
}
