//! Percent-escapes, as S3 wants them: what is signed must be, byte for byte, what is sent. What is good for S3 is
//! good for every other server.
//!
//! S3 escapes every byte but `A-Z a-z 0-9 - . _ ~` (and the slash inside a key), in upper-case hex, once,
//! and does not normalise paths: `a//b` and `a/../b` are keys like any other. Source: "Create a signed AWS
//! API request", step 1, in the AWS IAM user guide.
//!
//! Deliberately does not know what a bucket, a query or a signature is.

const HEX: &[u8; 16] = b"0123456789ABCDEF";

/// Bytes that stand for themselves.
const PLAIN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        let b = byte as u8;
        table[byte] = b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
        byte += 1;
    }
    table
};

/// Appends an object key as it stands in a request path: slashes stay.
pub(crate) fn push_path(out: &mut Vec<u8>, key: &str) {
    push(out, key, true);
}

/// Appends a name or a value as it stands in a query string: slashes are escaped too.
pub(crate) fn push_query(out: &mut Vec<u8>, word: &str) {
    push(out, word, false);
}

fn push(out: &mut Vec<u8>, text: &str, slash_is_plain: bool) {
    out.reserve(text.len());
    for &byte in text.as_bytes() {
        if PLAIN[byte as usize] || (slash_is_plain && byte == b'/') {
            out.push(byte);
        } else {
            out.extend_from_slice(&[b'%', HEX[(byte >> 4) as usize], HEX[(byte & 15) as usize]]);
        }
    }
}

/// Undoes the escapes of a listing asked for with `encoding-type=url`: `%XX`, and `+` for a space.
///
/// Nothing when an escape is cut short or the bytes are not UTF-8.
pub(crate) fn unescape(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        match byte {
            b'%' => {
                let (pair, after) = tail.split_at_checked(2)?;
                bytes.push(nibble(pair[0])? << 4 | nibble(pair[1])?);
                rest = after;
            }
            b'+' => {
                bytes.push(b' ');
                rest = tail;
            }
            plain => {
                bytes.push(plain);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

fn nibble(digit: u8) -> Option<u8> {
    (digit as char).to_digit(16).map(|value| value as u8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn path(key: &str) -> String {
        let mut out = Vec::new();
        push_path(&mut out, key);
        String::from_utf8(out).unwrap()
    }

    fn query(word: &str) -> String {
        let mut out = Vec::new();
        push_query(&mut out, word);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn odd_keys_are_escaped_once_and_left_unnormalised() {
        assert_eq!(path("plain-._~09"), "plain-._~09");
        assert_eq!(path("a//b/../c/./"), "a//b/../c/./");
        assert_eq!(path("a b+c%20&=?#"), "a%20b%2Bc%2520%26%3D%3F%23");
        assert_eq!(path("ü\u{1}\n"), "%C3%BC%01%0A");
        assert_eq!(query("run/7"), "run%2F7");
    }

    #[test]
    fn a_plus_in_a_listing_is_a_space_and_a_cut_escape_is_refused() {
        assert_eq!(unescape("a+b%2B").as_deref(), Some("a b+"));
        assert_eq!(unescape("%e1%88%b4").as_deref(), Some("ሴ"));
        for bad in ["%", "%4", "%zz", "%FF"] {
            assert_eq!(unescape(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_was_escaped_comes_back(key in any::<String>()) {
            prop_assert_eq!(unescape(&path(&key)), Some(key.clone()));
            prop_assert_eq!(unescape(&query(&key)), Some(key));
        }

        #[test]
        fn an_escaped_key_is_made_of_plain_bytes(key in any::<String>()) {
            let escaped = path(&key);
            prop_assert!(escaped.bytes().all(|b| PLAIN[b as usize] || b == b'/' || b == b'%'));
            prop_assert!(!query(&key).contains('/'));
        }

        #[test]
        fn unescaping_never_panics(text in any::<String>()) {
            let _ = unescape(&text);
        }
    }
}
