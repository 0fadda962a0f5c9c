//! Objects put in parts.

use bytes::Bytes;
use drivers::s3::Multipart;
use model::outcome::Outcome;

use super::{
    super::{
        ground::{Flaw, Ground, broken, ended, said, same},
        rule::{Need::Optional, Rule},
    },
    pages,
};

/// The smallest that any part but the last may be.
const PART_BYTES: usize = 5 << 20;

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "parts",
        says: "parts become one object, in the order of their numbers, whatever the order they arrived in",
        source: pages::PARTS,
        need: Optional,
        attempt: |ground| Box::pin(whole(ground)),
    },
    Rule {
        name: "parts-etag",
        says: "the ETag of an object put in parts ends in a dash and how many there were",
        source: pages::INTEGRITY,
        need: Optional,
        attempt: |ground| Box::pin(etag(ground)),
    },
    Rule {
        name: "parts-single",
        says: "the last part may have any size, also when it is the only one",
        source: pages::PART_LIMITS,
        need: Optional,
        attempt: |ground| Box::pin(single(ground)),
    },
    Rule {
        name: "parts-too-small",
        says: "a completion is refused when a part other than the last has less than 5 MiB",
        source: pages::COMPLETE,
        need: Optional,
        attempt: |ground| Box::pin(too_small(ground)),
    },
    Rule {
        name: "parts-aborted",
        says: "of an upload that is aborted nothing is left: no object, no listed key",
        source: pages::ABORT,
        need: Optional,
        attempt: |ground| Box::pin(aborted(ground)),
    },
];

/// Two parts and a few bytes, so that borders can be seen.
fn body() -> Bytes {
    (0..2 * PART_BYTES + 17).map(|at| (at % 251) as u8).collect::<Vec<u8>>().into()
}

fn in_parts() -> Multipart {
    Multipart { part_bytes: PART_BYTES as u64, in_flight: 3 }
}

async fn whole(ground: &Ground) -> Result<String, Flaw> {
    let (key, body) = (ground.key("k"), body());
    ground.note(&key);
    let reply = ground.store.put_multipart(&key, body.clone(), in_parts()).await;
    ended("PUT in parts", reply, Outcome::Ok)?;
    ground.reads(&key, &body).await?;
    ground.lists(&[key]).await?;
    Ok(format!("{} bytes in 3 parts", body.len()))
}

async fn etag(ground: &Ground) -> Result<String, Flaw> {
    let (key, body) = (ground.key("k"), body());
    ground.note(&key);
    let reply = ground.store.put_multipart(&key, body, in_parts()).await;
    let etag = ended("PUT in parts", reply, Outcome::Ok)?.etag;
    let told = etag.ok_or_else(|| broken("the completion: an ETag", "none"))?;
    if !told.trim_matches('"').ends_with("-3") {
        return Err(broken("an ETag that ends in -3", told.to_string()));
    }
    let head = ended("HEAD `k`", ground.store.head(&key).await, Outcome::Ok)?;
    same("HEAD `k`: ETag", Some(told), head.etag)?;
    Ok("-3 for 3 parts".to_owned())
}

async fn single(ground: &Ground) -> Result<String, Flaw> {
    let key = ground.key("k");
    ground.note(&key);
    let reply = ground.store.put_multipart(&key, "a few bytes".into(), in_parts()).await;
    ended("PUT in one part", reply, Outcome::Ok)?;
    ground.reads(&key, b"a few bytes").await?;
    Ok("11 bytes".to_owned())
}

/// An upload that cannot be completed; the client aborts it then.
async fn give_up(ground: &Ground, key: &str) -> Result<drivers::s3::S3Reply, Flaw> {
    ground.note(key);
    let small = Multipart { part_bytes: 1000, in_flight: 1 };
    let reply = ground.store.put_multipart(key, vec![7; 2500].into(), small).await;
    if reply.is_ok() {
        return Err(broken("PUT in parts of 1000 bytes: a refusal", said(&reply)));
    }
    ended("PUT in parts of 1000 bytes", reply, Outcome::Rejected)
}

async fn too_small(ground: &Ground) -> Result<String, Flaw> {
    let reply = give_up(ground, &ground.key("k")).await?;
    same("the completion: code", Some("EntityTooSmall"), reply.class.as_deref())?;
    Ok("EntityTooSmall".to_owned())
}

async fn aborted(ground: &Ground) -> Result<String, Flaw> {
    let key = ground.key("k");
    let reply = give_up(ground, &key).await?;
    let told = reply.message.unwrap_or_default();
    if !told.contains("the upload was aborted") {
        return Err(broken("the upload to be aborted", "a refusal, so that its parts may still be there"));
    }
    ground.has_none(&key).await?;
    ground.lists(&[]).await?;
    Ok("nothing left".to_owned())
}
