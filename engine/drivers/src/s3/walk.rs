//! The pages of one listing, one after the other, as one reply.
//!
//! A pure state machine: it says which page to ask for and is told what came; it asks nobody itself.

use std::collections::HashSet;

use super::config::S3Config;
use super::reply::{Listing, S3Reply};
use super::request::{ListRequest, PageRequest};
use super::xml::{Page, XmlProblem};

/// S3 never gives more keys a page.
const LARGEST_PAGE: u32 = 1000;

/// A listing on its way.
pub(crate) struct Walk<'a> {
    request: &'a ListRequest<'a>,
    token: Option<String>,
    /// All tokens so far: a listing that meets one again goes in circles.
    seen: HashSet<String>,
    listing: Listing,
    service_ns: u64,
    connect_wait_ns: Option<u64>,
    bytes_received: u64,
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
            service_ns: 0,
            connect_wait_ns: None,
            bytes_received: 0,
        }
    }

    /// The page to ask for. A listing with a limit asks for no more than it still needs.
    pub(crate) fn next_page(&self) -> PageRequest<'_> {
        let ListRequest { prefix, start_after, max_keys, limit } = *self.request;
        let page_keys = max_keys.unwrap_or(LARGEST_PAGE);
        let wanted = limit.map(|limit| limit.saturating_sub(self.listing.objects.len() as u64));
        let max_keys = match wanted {
            Some(wanted) if wanted < u64::from(page_keys) => u32::try_from(wanted).ok(),
            _ => max_keys,
        };
        PageRequest { prefix, start_after, max_keys, token: self.token.as_deref() }
    }

    /// Takes a page.
    pub(crate) fn take(&mut self, reply: S3Reply, page: Page, config: &S3Config) -> Step {
        self.listing.pages += 1;
        self.listing.objects.extend(page.keys);
        self.service_ns += reply.service_ns;
        self.bytes_received += reply.bytes_received;
        if let Some(wait_ns) = reply.connect_wait_ns {
            *self.connect_wait_ns.get_or_insert(0) += wait_ns;
        }
        if !reply.is_ok() {
            return self.done(reply);
        }
        let found = self.listing.objects.len() as u64;
        if let Some(limit) = self.request.limit.filter(|limit| found >= *limit) {
            self.listing.is_truncated = found > limit || page.next.is_some();
            self.listing.objects.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
            return self.done(reply);
        }
        match page.next {
            None => self.done(reply),
            Some(next) if !self.seen.insert(next.clone()) => {
                let problem =
                    XmlProblem::Content("a page names itself, or one before it, as the page after it");
                self.done(config.place().bad_listing(reply.status.unwrap_or(200), b"<", &problem))
            }
            Some(next) => {
                self.token = Some(next);
                Step::GoOn
            }
        }
    }

    fn done(&mut self, last: S3Reply) -> Step {
        let listing = std::mem::take(&mut self.listing);
        Step::Done(Box::new(S3Reply {
            service_ns: self.service_ns,
            connect_wait_ns: self.connect_wait_ns,
            bytes_received: self.bytes_received,
            items: listing.objects.len() as u64,
            listing,
            ..last
        }))
    }
}
