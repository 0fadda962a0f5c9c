//! The list. Each sentence is ours; the page it comes from is Amazon's.

mod conditions;
mod consistency;
mod deletions;
mod keys;
mod listing;
mod objects;
mod parts;
mod ranges;
mod refusals;

use super::rule::Rule;

/// Every rule, in the order in which they are tried.
pub(super) fn all() -> Vec<Rule> {
    [
        objects::RULES,
        ranges::RULES,
        listing::RULES,
        keys::RULES,
        deletions::RULES,
        consistency::RULES,
        refusals::RULES,
        conditions::RULES,
        parts::RULES,
    ]
    .concat()
}

/// Pages of Amazon's documentation.
mod pages {
    macro_rules! api {
        ($name:ident, $page:literal) => {
            pub(super) const $name: &str = concat!("https://docs.aws.amazon.com/AmazonS3/latest/API/", $page);
        };
    }
    macro_rules! guide {
        ($name:ident, $page:literal) => {
            pub(super) const $name: &str =
                concat!("https://docs.aws.amazon.com/AmazonS3/latest/userguide/", $page);
        };
    }

    api!(PUT, "API_PutObject.html");
    api!(GET, "API_GetObject.html");
    api!(HEAD, "API_HeadObject.html");
    api!(LIST, "API_ListObjectsV2.html");
    api!(DELETE, "API_DeleteObject.html");
    api!(DELETE_MANY, "API_DeleteObjects.html");
    api!(OBJECT, "API_Object.html");
    api!(COMPLETE, "API_CompleteMultipartUpload.html");
    api!(ABORT, "API_AbortMultipartUpload.html");
    api!(ERRORS, "ErrorResponses.html");
    api!(SIGNATURES, "sig-v4-authenticating-requests.html");
    guide!(KEYS, "object-keys.html");
    guide!(LISTING, "ListingKeysUsingAPIs.html");
    guide!(PREFIXES, "using-prefixes.html");
    guide!(CONSISTENCY, "Welcome.html#ConsistencyModel");
    guide!(CONDITIONS, "conditional-writes.html");
    guide!(PARTS, "mpuoverview.html");
    guide!(PART_LIMITS, "qfacts.html");
    guide!(INTEGRITY, "checking-object-integrity.html");
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_rule_has_a_name_of_its_own_a_sentence_and_a_page() {
        let all = all();
        let names: BTreeSet<&str> = all.iter().map(|rule| rule.name).collect();
        assert_eq!(names.len(), all.len());
        for rule in all {
            assert!(
                rule.name.bytes().all(|byte| byte.is_ascii_lowercase() || b"-0123456789".contains(&byte))
            );
            assert!(rule.says.len() > 20 && !rule.says.ends_with('.'), "{}: {}", rule.name, rule.says);
            assert!(rule.source.starts_with("https://docs.aws.amazon.com/AmazonS3/"), "{}", rule.name);
        }
    }
}
