//! What was written is seen, at once and by everybody: through a second client, on connections of its own.

use drivers::s3::ListRequest;
use model::outcome::Outcome;

use super::{
    super::{
        ground::{Flaw, Ground, ended, keys},
        rule::{Need::Required, Rule},
    },
    pages,
};

/// Each is tried so often: one that fails now and then fails.
const ROUNDS: usize = 20;

macro_rules! consistent {
    ($name:literal, $says:literal, $attempt:ident) => {
        Rule {
            name: $name,
            says: $says,
            source: pages::CONSISTENCY,
            need: Required,
            attempt: |ground| Box::pin($attempt(ground)),
        }
    };
}

pub(super) const RULES: &[Rule] = &[
    consistent!(
        "read-after-write",
        "an object is read as soon as its put is answered, even when a read before found none",
        read_after_write
    ),
    consistent!(
        "read-after-overwrite",
        "a read after an overwrite has the new content, never the old",
        read_after_overwrite
    ),
    consistent!("read-after-delete", "a read after a deletion finds nothing", read_after_delete),
    consistent!("list-after-write", "a key is listed as soon as its put is answered", list_after_write),
    consistent!(
        "list-after-delete",
        "a key is no longer listed once its deletion is answered",
        list_after_delete
    ),
];

fn rounds() -> String {
    format!("{ROUNDS} of {ROUNDS}")
}

async fn read_after_write(ground: &Ground) -> Result<String, Flaw> {
    for round in 0..ROUNDS {
        let (key, body) = (ground.key(&round.to_string()), format!("content {round}"));
        ended("GET before the PUT", ground.other.get(&key).await, Outcome::Empty)?;
        ground.put(&key, body.as_str()).await?;
        ground.reads_through(&ground.other, &key, body.as_bytes()).await?;
    }
    Ok(rounds())
}

async fn read_after_overwrite(ground: &Ground) -> Result<String, Flaw> {
    let key = ground.key("k");
    for round in 0..ROUNDS {
        let body = format!("content {round}");
        ground.put(&key, body.as_str()).await?;
        ground.reads_through(&ground.other, &key, body.as_bytes()).await?;
    }
    Ok(rounds())
}

async fn read_after_delete(ground: &Ground) -> Result<String, Flaw> {
    let key = ground.key("k");
    for _ in 0..ROUNDS {
        ground.put(&key, "there").await?;
        ground.delete(&key).await?;
        ended("GET after the DELETE", ground.other.get(&key).await, Outcome::Empty)?;
    }
    Ok(rounds())
}

/// What a second client lists.
async fn listed(ground: &Ground) -> Result<Vec<String>, Flaw> {
    let reply = ground.other.list(&ListRequest::under(&ground.prefix)).await;
    ended("LIST", reply, Outcome::Ok).map(|reply| keys(&reply.listing))
}

async fn list_after_write(ground: &Ground) -> Result<String, Flaw> {
    let mut all = Vec::new();
    for round in 0..ROUNDS {
        let key = ground.key(&format!("{round:02}"));
        ground.put(&key, "x").await?;
        all.push(key);
        ground.same_keys("LIST after the PUT", &all, &listed(ground).await?)?;
    }
    Ok(rounds())
}

async fn list_after_delete(ground: &Ground) -> Result<String, Flaw> {
    let names: Vec<String> = (0..ROUNDS).map(|round| format!("{round:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let all = ground.put_all(&names).await?;
    for round in 0..ROUNDS {
        ground.delete(&all[round]).await?;
        ground.same_keys("LIST after the DELETE", &all[round + 1..], &listed(ground).await?)?;
    }
    Ok(rounds())
}
