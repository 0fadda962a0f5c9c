//! What a store must refuse.

use drivers::s3::S3Reply;

use super::{
    super::{
        ground::{Flaw, Ground, broken, said},
        rule::{Need::Required, Rule},
    },
    pages,
};

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "wrong-secret",
        says: "a request that is signed with another secret is refused, and changes nothing",
        source: pages::SIGNATURES,
        need: Required,
        attempt: |ground| Box::pin(wrong_secret(ground)),
    },
    Rule {
        name: "unknown-bucket",
        says: "a request about a bucket that is not there is answered with NoSuchBucket",
        source: pages::ERRORS,
        need: Required,
        attempt: |ground| Box::pin(unknown_bucket(ground)),
    },
];

async fn wrong_secret(ground: &Ground) -> Result<String, Flaw> {
    let key = ground.key("k");
    ground.put(&key, "right").await?;
    let stranger = ground.client_with(|words| {
        words.secret_key = Some("not-the-secret-of-this-key".to_owned());
        // Whose keys were found elsewhere are not named here.
        words.profile = None;
        words.access_key.get_or_insert_with(|| "SNAPBENCHNOBODYSKEY0".to_owned());
    })?;
    let refused = |what: &str, reply: S3Reply| match reply.status {
        Some(403) => Ok(said(&reply)),
        _ => Err(broken(format!("{what} with a wrong secret: 403"), said(&reply))),
    };
    let words = refused("GET", stranger.get(&key).await)?;
    refused("PUT", stranger.put(&key, "wrong".into()).await)?;
    refused("DELETE", stranger.delete(&key).await)?;
    ground.reads(&key, b"right").await?;
    Ok(words)
}

async fn unknown_bucket(ground: &Ground) -> Result<String, Flaw> {
    // Nobody has a bucket of this name: the prefix has an id in it.
    let name: String = ground
        .prefix
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' })
        .collect();
    let name = format!("{}none", name.to_ascii_lowercase());
    let nowhere = ground.client_with(|words| words.bucket = Some(name))?;
    let reply = nowhere.get("k").await;
    // Whoever may not list buckets is not told whether one is there.
    if matches!(reply.class.as_deref(), Some("NoSuchBucket" | "AccessDenied")) {
        return Ok(said(&reply));
    }
    Err(broken("GET from a bucket that is not there: NoSuchBucket", said(&reply)))
}
