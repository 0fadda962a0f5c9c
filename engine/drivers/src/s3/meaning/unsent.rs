//! What is refused before anything is sent, because no store could do it.

use model::outcome::Outcome;
use model::units::format_count;

use super::{Place, ended};
use crate::s3::reply::S3Reply;

/// Most that S3 takes in one request. Source: "Amazon S3 multipart upload limits" in the S3 user guide.
pub(crate) const LARGEST_PUT_BYTES: u64 = 5 << 30;
/// Most parts an object may be put in; same source.
pub(crate) const MOST_PARTS: u64 = 10_000;

impl Place {
    /// A key that cannot be put into a request.
    pub(crate) fn bad_key(&self, problem: &str) -> S3Reply {
        rejected("invalid_key", format!("the object key {problem}"))
    }

    /// An ETag that cannot be put into a request.
    pub(crate) fn bad_etag(&self, etag: &str) -> S3Reply {
        let message = format!("`{}` is no ETag: take it from a reply, as it is", etag.escape_debug());
        rejected("invalid_etag", message)
    }

    /// A range without a byte in it. S3 passes over such a one and sends the whole object.
    pub(crate) fn bad_range(&self) -> S3Reply {
        rejected("InvalidRange", "the range has no byte in it: its end is before its beginning".to_owned())
    }

    /// More than one request may carry.
    pub(crate) fn too_large_to_put(&self, size_bytes: u64) -> S3Reply {
        let message = format!(
            "an object of {} bytes does not go into one request, which carries 5 GiB at most: put it in parts, with \
             `put_multipart`, or make it smaller",
            format_count(size_bytes)
        );
        rejected("EntityTooLarge", message)
    }

    /// An object that cannot be put in the parts that were asked for.
    pub(crate) fn bad_parts(&self, problem: &str) -> S3Reply {
        rejected("invalid_parts", problem.to_owned())
    }
}

fn rejected(class: &'static str, message: String) -> S3Reply {
    ended(Outcome::Rejected, class, message)
}
