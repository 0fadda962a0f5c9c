//! What can be asked of a store, beside a key.

/// Which objects to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ListRequest<'a> {
    /// Only keys that begin so.
    pub prefix: &'a str,
    /// Only keys that come after this one.
    pub start_after: Option<&'a str>,
    /// Keys a page; the server's own limit (S3: 1,000) when absent.
    pub max_keys: Option<u32>,
    /// Stop when so many keys were found; to the end when absent.
    pub limit: Option<u64>,
}

impl<'a> ListRequest<'a> {
    /// All objects whose key begins with `prefix`.
    pub fn under(prefix: &'a str) -> Self {
        ListRequest { prefix, ..ListRequest::default() }
    }
}

/// One page of a listing: what clients are asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PageRequest<'a> {
    pub(crate) prefix: &'a str,
    pub(crate) start_after: Option<&'a str>,
    pub(crate) max_keys: Option<u32>,
    /// Where the page before said to go on; then `start_after` no longer counts.
    pub(crate) token: Option<&'a str>,
}
