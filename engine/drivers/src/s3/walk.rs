//! The pages of one listing, one after the other, as one reply.
//!
//! A pure state machine: it says which page to ask for and is told what came; it asks nobody itself.

use std::collections::HashSet;

use super::config::S3Config;
use super::meaning::Ask;
use super::reply::{Listing, S3Reply, Spent};
use super::request::{ListRequest, PageRequest};
use super::xml::XmlProblem;
use super::xml::listing::Page;

/// S3 never gives more keys and common prefixes a page.
const LARGEST_PAGE: u32 = 1000;

/// A listing on its way.
pub(crate) struct Walk<'a> {
    request: &'a ListRequest<'a>,
    token: Option<String>,
    /// All tokens so far: a listing that meets one again goes in circles.
    seen: HashSet<String>,
    listing: Listing,
    spent: Spent,
}

/// What to do after a page.
pub(crate) enum Step {
    /// Ask for the next one.
    GoOn,
    /// This is the whole reply.
    Done(Box<S3Reply>),
}

impl<'a> Walk<'a> {
    pub(crate) fn new(request: &'a ListRequest<'a>) -> Self {
        Walk {
            request,
            token: None,
            seen: HashSet::new(),
            listing: Listing::default(),
            spent: Spent::default(),
        }
    }

    /// The page to ask for. A listing with a limit asks for no more than it still needs.
    pub(crate) fn next_page(&self) -> PageRequest<'_> {
        let ListRequest { prefix, start_after, max_keys, limit, delimiter } = *self.request;
        let page_keys = max_keys.unwrap_or(LARGEST_PAGE);
        let wanted = limit.map(|limit| limit.saturating_sub(self.listing.items()));
        let max_keys = match wanted {
            Some(wanted) if wanted < u64::from(page_keys) => u32::try_from(wanted).ok(),
            _ => max_keys,
        };
        let delimiter = delimiter.filter(|delimiter| !delimiter.is_empty());
        PageRequest { prefix, start_after, max_keys, delimiter, token: self.token.as_deref() }
    }

    /// Takes a page.
    pub(crate) fn take(&mut self, reply: S3Reply, page: Page, config: &S3Config) -> Step {
        self.listing.pages += 1;
        self.listing.objects.extend(page.keys);
        self.listing.common_prefixes.extend(page.common_prefixes);
        self.spent.add(&reply);
        if !reply.is_ok() {
            return self.done(reply);
        }
        let found = self.listing.items();
        if let Some(limit) = self.request.limit.filter(|limit| found >= *limit) {
            self.listing.is_truncated = found > limit || page.next.is_some();
            cut(&mut self.listing, limit);
            return self.done(reply);
        }
        match page.next {
            None => self.done(reply),
            Some(next) if !self.seen.insert(next.clone()) => {
                let problem =
                    XmlProblem::Content("a page names itself, or one before it, as the page after it");
                self.done(config.place().unreadable(Ask::List, reply.status.unwrap_or(200), b"<", &problem))
            }
            Some(next) => {
                self.token = Some(next);
                Step::GoOn
            }
        }
    }

    fn done(&mut self, last: S3Reply) -> Step {
        let listing = std::mem::take(&mut self.listing);
        let spent = std::mem::take(&mut self.spent);
        Step::Done(Box::new(S3Reply { items: listing.items(), listing, ..spent.into_reply(last) }))
    }
}

/// Leaves the first `limit` of what was found, in the order of the server, which has both kinds in one row.
fn cut(listing: &mut Listing, limit: u64) {
    while listing.items() > limit {
        let last_key = listing.objects.last().map(|object| object.key.as_str());
        if last_key < listing.common_prefixes.last().map(String::as_str) {
            listing.common_prefixes.pop();
        } else {
            listing.objects.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::reply::Listed;
    use super::*;

    #[test]
    fn what_is_beyond_the_limit_is_cut_off_in_the_order_of_both_kinds() {
        let object = |key: &str| Listed { key: key.to_owned(), size_bytes: 1 };
        let all = Listing {
            objects: ["a", "c", "e"].map(object).to_vec(),
            common_prefixes: ["b/", "d/"].map(str::to_owned).to_vec(),
            ..Listing::default()
        };
        for (limit, objects, prefixes) in [(9, 3, 2), (4, 2, 2), (3, 2, 1), (2, 1, 1), (1, 1, 0), (0, 0, 0)] {
            let mut listing = all.clone();
            cut(&mut listing, limit);
            assert_eq!(
                (listing.objects.len(), listing.common_prefixes.len()),
                (objects, prefixes),
                "{limit}"
            );
        }
    }
}
