//! What is asked of a service.
//!
//! Deliberately does not know where the service is.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, HOST, HeaderName, TE, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderValue, Method};

use super::rules::HttpRules;
use super::target::HttpTarget;

/// A header by name and value.
pub type Header = (HeaderName, HeaderValue);

/// One request.
#[derive(Debug, Clone)]
pub struct HttpRequest<'a> {
    /// What to do.
    pub method: &'a Method,
    /// About what.
    pub target: HttpTarget,
    /// Headers of this request; each wins over one of the configuration that has its name.
    pub headers: &'a [Header],
    /// What the body is, when no header says `content-type`.
    pub content_type: Option<&'static str>,
    /// The body, which is not copied.
    pub body: Bytes,
    /// How long all of it may take, connecting included; as long as the configuration says when absent.
    pub timeout: Option<Duration>,
    /// What statuses mean.
    pub rules: &'a HttpRules,
}

/// Headers that say how a message is sent, which is the client's business.
const OF_THE_CLIENT: [HeaderName; 6] = [HOST, CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION, TE, UPGRADE];

/// A header of these words. Its value is kept out of debug output.
///
/// # Errors
/// What is wrong with it. The value, which may be a secret, is not quoted.
pub fn header(name: &str, value: &str) -> Result<Header, String> {
    let known = HeaderName::try_from(name).map_err(|_| {
        format!("`{name}` cannot be the name of a header; it is made of letters, digits and `-`")
    })?;
    if OF_THE_CLIENT.contains(&known) {
        return Err(format!("the header `{known}` is made by the client; leave it out"));
    }
    let mut value = HeaderValue::try_from(value)
        .map_err(|_| format!("the value of the header `{known}` has characters that no header can carry"))?;
    value.set_sensitive(true);
    Ok((known, value))
}

/// The method of that name.
///
/// # Errors
/// What is wrong with it.
pub fn method(name: &str) -> Result<Method, String> {
    match Method::from_bytes(name.as_bytes()) {
        Ok(Method::CONNECT) => Err("`CONNECT` asks for a tunnel, not for a reply".to_owned()),
        Ok(method) if name.bytes().any(|byte| byte.is_ascii_lowercase()) => Err(format!(
            "`{name}` is no method; methods are in capital letters: `{}`",
            method.as_str().to_ascii_uppercase()
        )),
        Ok(method) => Ok(method),
        Err(_) => Err(format!("`{name}` cannot be a method; write one such as `POST`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_keeps_its_value_to_itself() {
        let made = header("Authorization", "Bearer hush").unwrap();
        assert_eq!((made.0.as_str(), made.1.to_str().unwrap()), ("authorization", "Bearer hush"));
        assert!(!format!("{made:?}").contains("hush"));
        for (name, value) in [("x y", "hush"), ("x", "hush\n"), ("Content-Length", "hush"), ("", "hush")] {
            let told = header(name, value).unwrap_err();
            assert!(!told.contains("hush"), "{told}");
        }
    }

    #[test]
    fn a_method_is_a_word_in_capitals() {
        assert_eq!(method("PATCH"), Ok(Method::PATCH));
        assert_eq!(method("PURGE").unwrap().as_str(), "PURGE");
        assert!(method("post").unwrap_err().ends_with("`POST`"));
        assert!(method("a b").is_err() && method("").is_err() && method("CONNECT").is_err());
    }
}
