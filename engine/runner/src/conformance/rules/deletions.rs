//! Deleting, one and many.

use model::outcome::Outcome;

use super::{
    super::{
        ground::{Flaw, Ground, ended, same},
        rule::{Need::Required, Rule},
    },
    pages,
};

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "delete",
        says: "a deleted object is gone, and no other is",
        source: pages::DELETE,
        need: Required,
        attempt: |ground| Box::pin(delete(ground)),
    },
    Rule {
        name: "delete-absent",
        says: "deleting what is not there succeeds",
        source: pages::DELETE,
        need: Required,
        attempt: |ground| Box::pin(absent(ground)),
    },
    Rule {
        name: "delete-many",
        says: "many keys are deleted with one request, those that are not there as well, and no others",
        source: pages::DELETE_MANY,
        need: Required,
        attempt: |ground| Box::pin(many(ground)),
    },
];

async fn delete(ground: &Ground) -> Result<String, Flaw> {
    let all = ground.put_all(&["a", "ab", "b"]).await?;
    ground.delete(&all[0]).await?;
    ground.has_none(&all[0]).await?;
    ground.lists(&all[1..]).await?;
    Ok("1 of 3".to_owned())
}

async fn absent(ground: &Ground) -> Result<String, Flaw> {
    let key = ground.key("k");
    ground.delete(&key).await?;
    ground.put(&key, "there").await?;
    ground.delete(&key).await?;
    ground.delete(&key).await?;
    ground.has_none(&key).await?;
    Ok("before and after".to_owned())
}

async fn many(ground: &Ground) -> Result<String, Flaw> {
    let all = ground.put_all(&["1", "2 & 3", "<4>", "keep", "ä/+%"]).await?;
    let never = ground.key("never");
    let gone: Vec<&str> =
        all.iter().filter(|key| !key.ends_with("keep")).chain([&never]).map(String::as_str).collect();
    let reply = ended("DELETE of 5 keys", ground.store.delete_many(&gone).await, Outcome::Ok)?;
    same("DELETE of 5 keys: how many it tells as deleted", 5, reply.items)?;
    ground.lists(&all[3..4]).await?;
    Ok("5 keys, 1 of them absent".to_owned())
}
