//! Keys are any text of up to 1,024 bytes: none of it means anything to the store.

use drivers::s3::ListRequest;
use model::outcome::Outcome;

use super::{
    super::{
        ground::{Flaw, Ground, broken, ended, keys, of_keys, said},
        rule::{Need::Required, Rule},
    },
    pages,
};

/// Longest key, bytes of UTF-8.
const LONGEST_BYTES: usize = 1024;

macro_rules! odd {
    ($name:literal, $says:literal, $names:expr) => {
        Rule {
            name: $name,
            says: $says,
            source: pages::KEYS,
            need: Required,
            attempt: |ground| Box::pin(all_go(ground, &$names)),
        }
    };
}

pub(super) const RULES: &[Rule] = &[
    odd!(
        "key-escapes",
        "spaces, plus and percent signs in a key are themselves",
        [" ", "%", "%20", "%2F", "+", "a b", "a%zz", "a+b", "a=b&c?d#e"]
    ),
    odd!("key-unicode", "a key is any UTF-8 text", ["ä", "ß/ß", "日本/語", "😀"]),
    odd!(
        "key-markup",
        "ampersands, angle brackets and quotes in a key are themselves",
        ["\"q\"", "&amp;", "'", "<a>", "]]>"]
    ),
    odd!(
        "key-slashes",
        "slashes have no meaning: empty steps and a slash at the end stay",
        ["/", "//", "a/", "a//b", "a/b"]
    ),
    odd!(
        "key-within-key",
        "a key may be the beginning of another, also up to a slash",
        ["a", "a/b", "a/b/c", "ab"]
    ),
    odd!("key-dots", "steps of dots are not resolved", [".", "..", "../..", "a/../b", "a/./b"]),
    odd!(
        "key-control",
        "control characters are allowed in keys",
        ["\u{1}", "a\tb", "a\nb", "a\rb", "\u{7f}"]
    ),
    Rule {
        name: "key-leading-slash",
        says: "a slash at the beginning is part of the key",
        source: pages::KEYS,
        need: Required,
        attempt: |ground| Box::pin(leading_slash(ground)),
    },
    Rule {
        name: "key-longest",
        says: "a key may have 1,024 bytes",
        source: pages::KEYS,
        need: Required,
        attempt: |ground| Box::pin(longest(ground)),
    },
    Rule {
        name: "key-too-long",
        says: "a key of more than 1,024 bytes is refused",
        source: pages::KEYS,
        need: Required,
        attempt: |ground| Box::pin(too_long(ground)),
    },
];

/// Puts objects under all of these names, which are in order, reads, lists and deletes them.
async fn all_go(ground: &Ground, names: &[&str]) -> Result<String, Flaw> {
    let mut all = ground.put_all(names).await?;
    for (key, name) in all.iter().zip(names) {
        ground.reads(key, name.as_bytes()).await?;
    }
    all.sort();
    ground.lists(&all).await?;
    for key in &all {
        ground.delete(key).await?;
    }
    ground.lists(&[]).await?;
    Ok(of_keys(names.len()))
}

/// Outside of the check's own prefix, by one slash; it tidies up by itself as well.
async fn leading_slash(ground: &Ground) -> Result<String, Flaw> {
    let (with, without) = (format!("/{}k", ground.prefix), ground.key("k"));
    ground.put(&with, "with").await?;
    ground.has_none(&without).await?;
    ground.put(&without, "without").await?;
    ground.reads(&with, b"with").await?;
    ground.reads(&without, b"without").await?;
    let listing = ground.list(&ListRequest::under(&format!("/{}", ground.prefix))).await?;
    ground.same_keys("LIST with a slash at the beginning", std::slice::from_ref(&with), &keys(&listing))?;
    ground.delete(&with).await?;
    ground.reads(&without, b"without").await?;
    Ok("two keys, with and without".to_owned())
}

/// A key of this rule that has so many bytes.
fn of_bytes(ground: &Ground, bytes: usize) -> String {
    let fill = "k".repeat(bytes.saturating_sub(ground.prefix.len()));
    ground.key(&fill)
}

async fn longest(ground: &Ground) -> Result<String, Flaw> {
    let key = of_bytes(ground, LONGEST_BYTES);
    ground.put(&key, "long").await?;
    ground.reads(&key, b"long").await?;
    ground.lists(std::slice::from_ref(&key)).await?;
    ground.delete(&key).await?;
    ground.has_none(&key).await?;
    Ok(format!("{LONGEST_BYTES} bytes"))
}

async fn too_long(ground: &Ground) -> Result<String, Flaw> {
    let key = of_bytes(ground, LONGEST_BYTES + 1);
    let reply = ground.store.put(&key, "too long".into()).await;
    if reply.is_ok() {
        ground.note(&key);
        return Err(broken("PUT of a key of 1025 bytes: a refusal", said(&reply)));
    }
    let reply = ended("PUT of a key of 1025 bytes", reply, Outcome::Rejected)?;
    ground.lists(&[]).await?;
    Ok(said(&reply))
}
