//! Listings: order, prefix, beginning, delimiter, pages.

use drivers::s3::ListRequest;
use futures_util::{StreamExt, stream};
use model::outcome::Outcome;

use super::{
    super::{
        ground::{Flaw, Ground, broken, ended, keys, same},
        rule::{Need::Required, Rule},
    },
    pages,
};

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "list-order",
        says: "keys are listed in the order of their UTF-8 bytes, each once, with their sizes",
        source: pages::LISTING,
        need: Required,
        attempt: |ground| Box::pin(order(ground)),
    },
    Rule {
        name: "list-prefix",
        says: "a listing has the keys that begin with its prefix, wherever that ends, and no others",
        source: pages::PREFIXES,
        need: Required,
        attempt: |ground| Box::pin(prefix(ground)),
    },
    Rule {
        name: "list-start-after",
        says: "a listing begins behind its start-after, whether that is a key or not",
        source: pages::LIST,
        need: Required,
        attempt: |ground| Box::pin(start_after(ground)),
    },
    Rule {
        name: "list-delimiter",
        says: "keys with the delimiter behind the prefix are put together, one common prefix each",
        source: pages::LIST,
        need: Required,
        attempt: |ground| Box::pin(delimiter(ground)),
    },
    Rule {
        name: "list-pages",
        says: "a page has at most max-keys keys and the next one goes on where it ended, so that no key is missing or \
               told twice",
        source: pages::LIST,
        need: Required,
        attempt: |ground| Box::pin(in_pages(ground)),
    },
    Rule {
        name: "list-delimiter-pages",
        says: "a common prefix counts as one of max-keys and is told on one page only",
        source: pages::LIST,
        need: Required,
        attempt: |ground| Box::pin(delimiter_pages(ground)),
    },
    Rule {
        name: "list-page-limit",
        says: "a page never has more than 1,000 keys, whatever max-keys asks for",
        source: pages::LIST,
        need: Required,
        attempt: |ground| Box::pin(page_limit(ground)),
    },
    Rule {
        name: "list-nothing",
        says: "a listing of a prefix without keys is empty, and no error",
        source: pages::LIST,
        need: Required,
        attempt: |ground| Box::pin(nothing(ground)),
    },
];

async fn order(ground: &Ground) -> Result<String, Flaw> {
    // In order: by bytes, where UTF-16 would put the last but one behind the last, and words would mix cases.
    let names = ["A", "Z", "a b", "a-b", "a/b", "a0", "aa", "b", "z", "é", "日本", "\u{ffee}", "😀"];
    let reversed: Vec<&str> = names.iter().rev().copied().collect();
    ground.put_all(&reversed).await?;
    let expected: Vec<String> = names.iter().map(|name| ground.key(name)).collect();
    let listing = ground.lists(&expected).await?;
    for (object, name) in listing.objects.iter().zip(names) {
        same(&format!("LIST: size of `{name}`"), name.len() as u64, object.size_bytes)?;
    }
    Ok(format!("{} keys", names.len()))
}

async fn prefix(ground: &Ground) -> Result<String, Flaw> {
    let all = ground.put_all(&["a/1", "ab/1", "ab/2", "abc", "b/1"]).await?;
    for (prefix, expected) in
        [("ab", &all[1..4]), ("ab/", &all[1..3]), ("ab/2", &all[2..3]), ("b", &all[4..]), ("", &all[..])]
    {
        let listing = ground.list(&ListRequest::under(&ground.key(prefix))).await?;
        ground.same_keys(&format!("LIST `{prefix}`"), expected, &keys(&listing))?;
    }
    Ok("5 prefixes".to_owned())
}

async fn start_after(ground: &Ground) -> Result<String, Flaw> {
    let all = ground.put_all(&["1", "3", "5"]).await?;
    for (after, expected) in
        [("", &all[..]), ("1", &all[1..]), ("2", &all[1..]), ("5", &all[3..]), ("9", &all[3..])]
    {
        let after = ground.key(after);
        let request = ListRequest { start_after: Some(&after), ..ListRequest::under(&ground.prefix) };
        let listing = ground.list(&request).await?;
        ground.same_keys(&format!("LIST after {}", ground.short(&after)), expected, &keys(&listing))?;
    }
    Ok("before, at, between and behind 3 keys".to_owned())
}

/// Keys of which some are rolled up at a slash.
const ROLLED: [&str; 7] = ["a", "d/1", "d/2", "d0", "e/x/1", "e/y", "f"];

async fn delimiter(ground: &Ground) -> Result<String, Flaw> {
    ground.put_all(&ROLLED).await?;
    let top = ListRequest { delimiter: Some("/"), ..ListRequest::under(&ground.prefix) };
    let listing = ground.list(&top).await?;
    let named = |names: &[&str]| names.iter().map(|name| ground.key(name)).collect::<Vec<_>>();
    ground.same_keys("LIST with a delimiter", &named(&["a", "d0", "f"]), &keys(&listing))?;
    ground.same_keys("common prefixes", &named(&["d/", "e/"]), &listing.common_prefixes)?;
    let below = ground.key("e/");
    let listing = ground.list(&ListRequest { delimiter: Some("/"), ..ListRequest::under(&below) }).await?;
    ground.same_keys("LIST `e/` with a delimiter", &named(&["e/y"]), &keys(&listing))?;
    ground.same_keys("common prefixes of `e/`", &named(&["e/x/"]), &listing.common_prefixes)?;
    Ok("2 common prefixes among 3 keys".to_owned())
}

async fn in_pages(ground: &Ground) -> Result<String, Flaw> {
    let names: Vec<String> = (0..10).map(|number| format!("{number:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let all = ground.put_all(&names).await?;
    for (max_keys, pages) in [(1, 10), (3, 4), (4, 3), (10, 1)] {
        let request = ListRequest { max_keys: Some(max_keys), ..ListRequest::under(&ground.prefix) };
        let listing = ground.list(&request).await?;
        let what = format!("LIST in pages of {max_keys}");
        ground.same_keys(&what, &all, &keys(&listing))?;
        at_least(&what, pages, listing.pages)?;
    }
    Ok("10 keys in pages of 1, 3, 4 and 10".to_owned())
}

/// Fails when there are fewer pages than must be; more are permitted: S3 may return less than it was asked for.
fn at_least(what: &str, expected: u32, came: u32) -> Result<(), Flaw> {
    if came >= expected {
        return Ok(());
    }
    Err(broken(format!("{what}: {expected} pages at least"), came.to_string()))
}

async fn delimiter_pages(ground: &Ground) -> Result<String, Flaw> {
    ground.put_all(&ROLLED).await?;
    let named = |names: &[&str]| names.iter().map(|name| ground.key(name)).collect::<Vec<_>>();
    for (max_keys, pages) in [(1, 5), (2, 3)] {
        let request = ListRequest {
            delimiter: Some("/"),
            max_keys: Some(max_keys),
            ..ListRequest::under(&ground.prefix)
        };
        let listing = ground.list(&request).await?;
        let what = format!("LIST with a delimiter in pages of {max_keys}");
        ground.same_keys(&what, &named(&["a", "d0", "f"]), &keys(&listing))?;
        ground.same_keys(
            &format!("{what}: common prefixes"),
            &named(&["d/", "e/"]),
            &listing.common_prefixes,
        )?;
        at_least(&what, pages, listing.pages)?;
    }
    Ok("5 items in pages of 1 and 2".to_owned())
}

/// One more than a page holds.
const MORE_THAN_A_PAGE: usize = 1001;
/// Puts on their way at once.
const IN_FLIGHT: usize = 32;

async fn page_limit(ground: &Ground) -> Result<String, Flaw> {
    let all: Vec<String> = (0..MORE_THAN_A_PAGE).map(|number| ground.key(&format!("{number:06}"))).collect();
    let mut puts = stream::iter(&all)
        .map(|key| async move {
            ground.note(key);
            ground.store.put(key, "x".into()).await
        })
        .buffer_unordered(IN_FLIGHT);
    while let Some(reply) = puts.next().await {
        ended("PUT", reply, Outcome::Ok)?;
    }
    let request = ListRequest { max_keys: Some(5000), ..ListRequest::under(&ground.prefix) };
    let listing = ground.list(&request).await?;
    ground.same_keys("LIST", &all, &keys(&listing))?;
    at_least("LIST with max-keys 5000", 2, listing.pages)?;
    Ok(format!("{MORE_THAN_A_PAGE} keys in {} pages", listing.pages))
}

async fn nothing(ground: &Ground) -> Result<String, Flaw> {
    ground.lists(&[]).await?;
    Ok("0 keys".to_owned())
}
