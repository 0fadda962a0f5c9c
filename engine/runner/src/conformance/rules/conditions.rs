//! Puts under a condition: the compare-and-swap of an object store.

use drivers::s3::{PutCondition, S3Reply};
use futures_util::future::join_all;
use model::outcome::Outcome;

use super::{
    super::{
        ground::{Flaw, Ground, broken, ended},
        rule::{Need::Optional, Rule},
    },
    pages,
};

macro_rules! condition {
    ($name:literal, $says:literal, $attempt:ident) => {
        Rule {
            name: $name,
            says: $says,
            source: pages::CONDITIONS,
            need: Optional,
            attempt: |ground| Box::pin($attempt(ground)),
        }
    };
}

pub(super) const RULES: &[Rule] = &[
    condition!(
        "put-if-absent",
        "a put with If-None-Match: * happens when there is no object, and only then",
        absent
    ),
    condition!("put-if-absent-race", "of many who create the same object at once one succeeds", race),
    condition!("put-if-match", "a put with If-Match and the object's ETag replaces it", matching),
    condition!(
        "put-if-match-other",
        "a put with If-Match and another ETag changes nothing, whether there is an object or not",
        other
    ),
];

async fn absent(ground: &Ground) -> Result<String, Flaw> {
    let key = ground.key("k");
    ground.put_if(&key, "first", PutCondition::Absent, Outcome::Ok).await?;
    ground.put_if(&key, "second", PutCondition::Absent, Outcome::Conflict).await?;
    ground.reads(&key, b"first").await?;
    ground.delete(&key).await?;
    ground.put_if(&key, "again", PutCondition::Absent, Outcome::Ok).await?;
    ground.reads(&key, b"again").await?;
    Ok("one of two, and again after a deletion".to_owned())
}

/// So many at once.
const RACERS: usize = 16;
/// So often: one that two win now and then is not kept.
const RACES: usize = 5;

async fn race(ground: &Ground) -> Result<String, Flaw> {
    for race in 0..RACES {
        let key = ground.key(&race.to_string());
        ground.note(&key);
        let racers = (0..RACERS)
            .map(|racer| ground.store.put_if(&key, format!("racer {racer}").into(), PutCondition::Absent));
        let mut winners = Vec::new();
        for (racer, reply) in join_all(racers).await.into_iter().enumerate() {
            // A store may also say that it could not decide; then the racer has lost.
            let S3Reply { outcome, .. } = reply;
            match outcome {
                Outcome::Ok => winners.push(racer),
                Outcome::Conflict => {}
                _ => drop(ended("conditional PUT, one of 16", reply, Outcome::Conflict)?),
            }
        }
        let [winner] = winners[..] else {
            return Err(broken(format!("one of {RACERS} to create the object"), winners.len().to_string()));
        };
        ground.reads(&key, format!("racer {winner}").as_bytes()).await?;
    }
    Ok(format!("1 of {RACERS}, {RACES} times"))
}

async fn matching(ground: &Ground) -> Result<String, Flaw> {
    let key = ground.key("k");
    let mut etag = ground.put(&key, "0").await?.etag.ok_or_else(no_etag)?;
    for step in ["1", "2", "3"] {
        let reply = ground.put_if(&key, step, PutCondition::ETag(&etag), Outcome::Ok).await?;
        etag = reply.etag.ok_or_else(no_etag)?;
        ground.reads(&key, step.as_bytes()).await?;
    }
    Ok("3 steps".to_owned())
}

async fn other(ground: &Ground) -> Result<String, Flaw> {
    let key = ground.key("k");
    let old = ground.put(&key, "old").await?.etag.ok_or_else(no_etag)?;
    ground.put(&key, "new").await?;
    ground.put_if(&key, "lost", PutCondition::ETag(&old), Outcome::Conflict).await?;
    ground.reads(&key, b"new").await?;
    let absent = ground.key("absent");
    ground.put_if(&absent, "lost", PutCondition::ETag(&old), Outcome::Conflict).await?;
    ground.has_none(&absent).await?;
    Ok("with and without an object".to_owned())
}

fn no_etag() -> Flaw {
    broken("PUT: an ETag", "none")
}
