//! What can be asked of a store, beside a key.

/// Which objects to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ListRequest<'a> {
    /// Only keys that begin so.
    pub prefix: &'a str,
    /// Only keys that come after this one.
    pub start_after: Option<&'a str>,
    /// Keys and common prefixes a page; the server's own limit (S3: 1,000) when absent.
    pub max_keys: Option<u32>,
    /// Stop when so many keys and common prefixes were found; to the end when absent.
    pub limit: Option<u64>,
    /// Keys that have it behind the prefix are put together as one common prefix each.
    pub delimiter: Option<&'a str>,
}

/// What must hold of the object that is there for a put to happen; where it does not, the put is a `conflict`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PutCondition<'a> {
    /// Anything.
    #[default]
    None,
    /// There is none (`If-None-Match: *`).
    Absent,
    /// It has this ETag (`If-Match`), quotes and all, as a reply gave it.
    ETag(&'a str),
}

/// Which bytes of an object to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByteRange {
    /// From the first to the second, both included.
    Between(u64, u64),
    /// From there to the end.
    From(u64),
    /// So many at the end.
    Last(u64),
}

/// How an object is put in parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Multipart {
    /// Bytes a part; the last one may be smaller. S3 wants 5 MiB at least of the others.
    pub part_bytes: u64,
    /// Parts on their way at once.
    pub in_flight: usize,
}

impl<'a> ListRequest<'a> {
    /// All objects whose key begins with `prefix`.
    pub fn under(prefix: &'a str) -> Self {
        ListRequest { prefix, ..ListRequest::default() }
    }
}

/// One page of a listing: what clients are asked for.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct PageRequest<'a> {
    pub(crate) prefix: &'a str,
    pub(crate) start_after: Option<&'a str>,
    pub(crate) max_keys: Option<u32>,
    pub(crate) delimiter: Option<&'a str>,
    /// Where the page before said to go on; then `start_after` no longer counts.
    pub(crate) token: Option<&'a str>,
}
