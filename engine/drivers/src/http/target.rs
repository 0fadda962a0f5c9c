//! What a request is about: a path of the service, or a whole URL; as it stands, or with places that are filled for
//! each request.
//!
//! A path is sent as it is written: it is not normalised, and escapes in it are left alone. What may not stand in a
//! URL at all (spaces, letters beyond ASCII) is escaped.
//!
//! Deliberately opens no connection.

use super::config::NO_CREDENTIALS;
use crate::net::escape::push_query;
use crate::net::{Origin, UrlProblem};

/// The place in a template that is filled.
const HOLE: &str = "{}";

/// What a request is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpTarget {
    /// Who is talked to; nothing for the service of the configuration.
    pub(super) origin: Option<Origin>,
    /// Path and query, escaped. It begins with a slash.
    pub(super) path: Vec<u8>,
}

/// The same with places to fill, taken apart once: `/v1/queues/{}/items`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpTemplate {
    origin: Option<Origin>,
    /// What stands before, between and behind the holes, escaped.
    pieces: Vec<Vec<u8>>,
}

impl HttpTarget {
    /// Reads `/path?query` or `http://host/path?query`.
    ///
    /// # Errors
    /// What is wrong with it, and what to write instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (origin, path) = split(text)?;
        let mut escaped = Vec::with_capacity(path.len());
        push_written(&mut escaped, path);
        Ok(HttpTarget { origin, path: escaped })
    }
}

impl HttpTemplate {
    /// Reads a path or a URL in which `{}` stands for what is filled in later.
    ///
    /// # Errors
    /// What is wrong with it, and what to write instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (origin, path) = split(text)?;
        let escaped = |piece: &str| {
            let mut escaped = Vec::with_capacity(piece.len());
            push_written(&mut escaped, piece);
            escaped
        };
        Ok(HttpTemplate { origin, pieces: path.split(HOLE).map(escaped).collect() })
    }

    /// How many places there are to fill.
    pub fn holes(&self) -> usize {
        self.pieces.len() - 1
    }

    /// The target with its places filled, each word escaped: a slash in it does not part the path. Places without a
    /// word stay empty.
    pub fn fill<'w>(&self, words: impl IntoIterator<Item = &'w str>) -> HttpTarget {
        let mut words = words.into_iter();
        let mut path = Vec::with_capacity(self.pieces.iter().map(|piece| piece.len() + 24).sum());
        for (n, piece) in self.pieces.iter().enumerate() {
            if n > 0 {
                push_query(&mut path, words.next().unwrap_or_default());
            }
            path.extend_from_slice(piece);
        }
        HttpTarget { origin: self.origin.clone(), path }
    }
}

/// Who is talked to, and what stands behind.
fn split(text: &str) -> Result<(Option<Origin>, &str), String> {
    if text.starts_with('/') {
        return Ok((None, text));
    }
    let Some((scheme, rest)) = text.split_once("://") else {
        return Err(format!(
            "`{text}` is neither a path nor a URL; begin a path with `/`, and a URL with `http://`"
        ));
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let parsed = Origin::parse(&format!("{scheme}://{authority}"), NO_CREDENTIALS);
    let (origin, _) = parsed.map_err(|UrlProblem { problem, remedy }| format!("{problem}; {remedy}"))?;
    Ok((Some(origin), path))
}

/// Appends what was written as part of a URL: only what can stand in none is escaped. A URL without a path has `/`.
fn push_written(out: &mut Vec<u8>, text: &str) {
    let mut buffer = [0; 4];
    for letter in text.chars() {
        let is_of_urls = letter.is_ascii_graphic() && !"\"<>\\^`{|}#".contains(letter);
        if is_of_urls {
            out.push(letter as u8);
        } else {
            push_query(out, letter.encode_utf8(&mut buffer));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> String {
        String::from_utf8(HttpTarget::parse(text).unwrap().path).unwrap()
    }

    #[test]
    fn a_path_is_sent_as_it_is_written() {
        assert_eq!(path("/v1/a//b/../c?x=%20&y=a+b:c@d"), "/v1/a//b/../c?x=%20&y=a+b:c@d");
        assert_eq!(path("/a b/ä#x\"{}"), "/a%20b/%C3%A4%23x%22%7B%7D");
        let whole = HttpTarget::parse("HTTP://Host:8080/v1?x=1").unwrap();
        assert_eq!(whole.origin.unwrap().to_string(), "http://host:8080");
        assert_eq!(path("http://host:8080/v1?x=1"), "/v1?x=1");
    }

    #[test]
    fn places_are_filled_with_words_that_part_nothing() {
        let template = HttpTemplate::parse("/v1/queues/{}/items/{}?max=2").unwrap();
        assert_eq!(template.holes(), 2);
        let filled = template.fill(["a/b ?ä", "7"]);
        assert_eq!(filled.path, b"/v1/queues/a%2Fb%20%3F%C3%A4/items/7?max=2");
        assert_eq!(HttpTemplate::parse("/plain").unwrap().holes(), 0);
        assert_eq!(HttpTemplate::parse("/{}").unwrap().fill([]).path, b"/");
    }

    #[test]
    fn what_is_no_target_is_told_how_to_become_one() {
        let told = |text: &str| HttpTarget::parse(text).unwrap_err();
        assert_eq!(
            told("v1/x"),
            "`v1/x` is neither a path nor a URL; begin a path with `/`, and a URL with `http://`"
        );
        assert_eq!(told("ftp://h/x"), "`ftp` is not http or https; write `http://h`");
        assert!(told("http://user:hush@h/x").starts_with("it holds credentials; leave them out"));
        assert!(!told("http://user:hush@h/x").contains("hush"));
        assert!(told("http:///x").starts_with("it is no URL"));
    }
}
