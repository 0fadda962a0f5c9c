//! Parts of an object.

use drivers::s3::ByteRange;
use model::outcome::Outcome;

use super::{
    super::{
        ground::{Flaw, Ground, content, ended, same},
        rule::{Need::Required, Rule},
    },
    pages,
};

macro_rules! range {
    ($name:literal, $says:literal, $range:expr, $first:literal, $end:literal) => {
        Rule {
            name: $name,
            says: $says,
            source: pages::GET,
            need: Required,
            attempt: |ground| Box::pin(comes(ground, $range, $first, $end)),
        }
    };
}

/// Of the object that ranges are taken from.
const SIZE: usize = 1000;

pub(super) const RULES: &[Rule] = &[
    range!(
        "range-middle",
        "a range has both its ends, and tells the whole size",
        ByteRange::Between(10, 19),
        10,
        20
    ),
    range!("range-from", "a range without an end goes to the end", ByteRange::From(990), 990, 1000),
    range!(
        "range-last",
        "a range without a beginning is so many bytes at the end",
        ByteRange::Last(7),
        993,
        1000
    ),
    range!(
        "range-cut",
        "a range that goes on behind the end ends there",
        ByteRange::Between(995, 4000),
        995,
        1000
    ),
    Rule {
        name: "range-beyond",
        says: "a range that begins behind the end is answered with 416",
        source: pages::ERRORS,
        need: Required,
        attempt: |ground| Box::pin(beyond(ground)),
    },
];

async fn object(ground: &Ground) -> Result<(String, Vec<u8>), Flaw> {
    let body: Vec<u8> = (0..SIZE).map(|at| (at % 251) as u8).collect();
    let key = ground.key("k");
    ground.put(&key, body.clone()).await?;
    Ok((key, body))
}

async fn comes(ground: &Ground, range: ByteRange, first: usize, end: usize) -> Result<String, Flaw> {
    let (key, body) = object(ground).await?;
    let reply = ended("GET of a range", ground.store.get_range(&key, range).await, Outcome::Ok)?;
    content("GET of a range", &body[first..end], &reply.body)?;
    same("GET of a range: whole size", Some(SIZE as u64), reply.size_bytes)?;
    Ok(format!("bytes {first} to {} of {SIZE}", end - 1))
}

async fn beyond(ground: &Ground) -> Result<String, Flaw> {
    let (key, _) = object(ground).await?;
    let range = ByteRange::From(SIZE as u64);
    let what = "GET from behind the end";
    let reply = ended(what, ground.store.get_range(&key, range).await, Outcome::Rejected)?;
    same(&format!("{what}: status"), Some(416), reply.status)?;
    Ok("416".to_owned())
}
