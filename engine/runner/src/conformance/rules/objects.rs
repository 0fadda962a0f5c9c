//! One object: put, read, looked at.

use model::outcome::Outcome;

use super::{
    super::{
        ground::{Flaw, Ground, broken, ended, same},
        rule::{Need::Required, Rule},
    },
    pages,
};

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "put-get",
        says: "what was put comes back byte for byte, with its size",
        source: pages::GET,
        need: Required,
        attempt: |ground| Box::pin(put_get(ground)),
    },
    Rule {
        name: "put-binary",
        says: "an object is any sequence of bytes, small or large",
        source: pages::PUT,
        need: Required,
        attempt: |ground| Box::pin(binary(ground)),
    },
    Rule {
        name: "put-empty",
        says: "an object may have no bytes at all",
        source: pages::PUT,
        need: Required,
        attempt: |ground| Box::pin(empty(ground)),
    },
    Rule {
        name: "put-overwrite",
        says: "a put to a key that has an object replaces the whole of it",
        source: pages::PUT,
        need: Required,
        attempt: |ground| Box::pin(overwrite(ground)),
    },
    Rule {
        name: "etag",
        says: "the ETag stands for the content: put, get and head tell the same one, another content has another",
        source: pages::OBJECT,
        need: Required,
        attempt: |ground| Box::pin(etag(ground)),
    },
    Rule {
        name: "head",
        says: "a head tells the size of an object without its content",
        source: pages::HEAD,
        need: Required,
        attempt: |ground| Box::pin(head(ground)),
    },
    Rule {
        name: "no-such-key",
        says: "reading a key without an object is answered with NoSuchKey, a head of it with 404",
        source: pages::ERRORS,
        need: Required,
        attempt: |ground| Box::pin(no_such_key(ground)),
    },
];

async fn put_get(ground: &Ground) -> Result<String, Flaw> {
    let key = ground.key("text");
    ground.put(&key, "Hello, store!").await?;
    ground.reads(&key, b"Hello, store!").await?;
    Ok("13 bytes".to_owned())
}

/// A multiple of no block size, every byte value in it.
const LARGE_BYTES: usize = 3_000_017;

async fn binary(ground: &Ground) -> Result<String, Flaw> {
    let all: Vec<u8> = (0..=255).collect();
    let large: Vec<u8> = (0..LARGE_BYTES).map(|at| (at % 251) as u8).collect();
    for (name, body) in [("all byte values", all), ("large", large)] {
        let key = ground.key(name);
        ground.put(&key, body.clone()).await?;
        ground.reads(&key, &body).await?;
    }
    Ok(format!("256 and {LARGE_BYTES} bytes"))
}

async fn empty(ground: &Ground) -> Result<String, Flaw> {
    let key = ground.key("empty");
    ground.put(&key, "").await?;
    ground.reads(&key, b"").await?;
    let head = ended("HEAD `empty`", ground.store.head(&key).await, Outcome::Ok)?;
    same("HEAD `empty`: size", Some(0), head.size_bytes)?;
    Ok("0 bytes".to_owned())
}

async fn overwrite(ground: &Ground) -> Result<String, Flaw> {
    let key = ground.key("k");
    for body in ["the first one, and longer", "second", ""] {
        ground.put(&key, body).await?;
        ground.reads(&key, body.as_bytes()).await?;
    }
    ground.lists(&[key]).await?;
    Ok("3 puts, 1 object".to_owned())
}

async fn etag(ground: &Ground) -> Result<String, Flaw> {
    let key = ground.key("k");
    let mut etags = Vec::new();
    for body in ["one", "two"] {
        let put = ground.put(&key, body).await?.etag;
        let put = put.ok_or_else(|| broken("PUT `k`: an ETag", "none"))?;
        let got = ground.reads(&key, body.as_bytes()).await?.etag;
        same("GET `k`: ETag", Some(&put), got.as_ref())?;
        let head = ended("HEAD `k`", ground.store.head(&key).await, Outcome::Ok)?.etag;
        same("HEAD `k`: ETag", Some(&put), head.as_ref())?;
        etags.push(put);
    }
    if etags[0] == etags[1] {
        let came = format!("{} for both", etags[0]);
        return Err(broken("two ETags for two contents", came));
    }
    Ok("the same in put, get and head".to_owned())
}

async fn head(ground: &Ground) -> Result<String, Flaw> {
    let key = ground.key("k");
    ground.put(&key, vec![7; 70_000]).await?;
    let head = ended("HEAD `k`", ground.store.head(&key).await, Outcome::Ok)?;
    same("HEAD `k`: size", Some(70_000), head.size_bytes)?;
    Ok("70000 bytes".to_owned())
}

async fn no_such_key(ground: &Ground) -> Result<String, Flaw> {
    let key = ground.key("never");
    let get = ended("GET `never`", ground.store.get(&key).await, Outcome::Empty)?;
    same("GET `never`: code", Some("NoSuchKey"), get.class.as_deref())?;
    ended("HEAD `never`", ground.store.head(&key).await, Outcome::Empty)?;
    Ok("NoSuchKey".to_owned())
}
